"""Fit the roofline; print its constants, residuals and spreads by accelerator, and the first one's carried over."""

from __future__ import annotations

from collections.abc import Mapping

from simulate.calibration.serving import SHARES, benchmarks, fit_roofline, left_out, residuals, spread


def main() -> None:
    first: Mapping[str, float] = {}
    for accelerator in dict.fromkeys(row.accelerator for row in benchmarks()):
        rows = benchmarks(accelerator)
        constants, standard_errors = fit_roofline(rows)
        print(f"{accelerator}, {rows[0].precision}: {len(rows)} benchmarks")
        for name, value in constants.items():
            text, scale = (f"{value:.3f}", "logit") if name in SHARES else (f"{value * 1e6:.0f} us", "ln")
            print(f"  {name:30}{text:>8}  standard error {standard_errors[name]:.2f} in its {scale}")
        misfits = residuals(rows, constants)
        print(f"  ln(measured / predicted), rms {spread([misfits]):.3f}:")
        for row, misfit in zip(rows, misfits, strict=True):
            print(f"    {row.label:30}{misfit:+6.2f}")
        out = left_out(rows)
        for (stack, model), group in out.items():
            print(f"  left out {stack}, {model}: mean {group.mean():+.2f}, rms {spread([group]):.2f}")
        print(f"  spread of serving_model_error: {spread(out.values()):.3f}")
        if first:
            carried = residuals(rows, first)
            print(f"  carried over from the first: mean {carried.mean():+.2f}, sd {carried.std():.2f}")
        first = first or constants
