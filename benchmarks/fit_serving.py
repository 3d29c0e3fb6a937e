"""Fit the serving constants; print them with their bands, levels, spreads, and scores by leaving groups out.

    python -m benchmarks fit_serving [--constants]

docs/reference/calibration.md says what they mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Hashable, Mapping

import numpy as np

from simulate.backtesting.scores import BANDS, STANDARD_NORMAL, clustered_interval, inside, standard_normal_crps
from simulate.calibration.benchmarks import Benchmark
from simulate.calibration.hierarchy import KINDS, PRIORS, constants, fit_without, hierarchy, whole_fit

TOLD = ": median |ln|, CRPS, share inside 50, 80, 90 % with its 95 % interval"

GROUPINGS: Mapping[str, Callable[[Benchmark], Hashable]] = {
    "stack, model and accelerator": lambda row: row.group,
    "model": lambda row: row.model,
    "accelerator": lambda row: row.accelerator,
    "stack": lambda row: row.stack,
    "source": lambda row: row.source.split(",")[0],  # who published it
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--constants", action="store_true", help="only the constants and what levels add")
    arguments = parser.parse_args()
    table, fit = hierarchy(), whole_fit()
    sds = np.sqrt(np.diag(fit.covariance))
    print(f"{len(table.rows)} benchmarks")
    for name, (median, low, high) in constants(fit).items():
        print(f"  {name:30}{median:10.4g}  {low:.3g} to {high:.3g}")
    print("\nwhat levels add to the logarithm")
    for (name, label), added, sd in zip(table.levels, fit.position[len(PRIORS) :], sds[len(PRIORS) :], strict=True):
        print(f"  {f'{name}, {label}':88}{added:+6.2f} +- {sd:.2f}")
    print("\nsds of the logarithm")
    for name, sd in {**fit.spreads, **{f"residuals, {kind}": sd for kind, sd in fit.residual_sds.items()}}.items():
        print(f"  {name:50}{sd:6.3f}")
    for grouping, label in () if arguments.constants else GROUPINGS.items():
        print(f"\neach {grouping} left out{TOLD}")
        _print_scores(label)


def _print_scores(label: Callable[[Benchmark], Hashable]) -> None:
    table = hierarchy()
    labels = [label(row) for row in table.rows]
    errors, sds = np.full((2, len(table.places)), np.nan)
    for left_out in dict.fromkeys(labels):
        fit = fit_without(label, left_out)
        own = np.array([each == left_out for each in labels])[table.places]
        errors[own], sds[own] = (table.log_measured - fit.log_median)[own], fit.log_sd[own]
    scenarios = np.array([row.scenario for row in table.rows])[table.places]
    clusters = np.array([f"{row.model}, {row.accelerator}" for row in table.rows])[table.places]
    for kind in (*KINDS, "offline"):
        own = (table.kinds == kind) & (scenarios != "offline")
        own = scenarios == "offline" if kind == "offline" else own
        deviations = errors[own] / sds[own]
        crps = np.mean(sds[own] * [standard_normal_crps(deviation) for deviation in deviations])
        pits = np.array([STANDARD_NORMAL.cdf(deviation) for deviation in deviations])
        shares = []
        for band in BANDS:
            held = inside(pits, band)
            low, high = clustered_interval(held, clusters[own].tolist())
            shares.append(f"{held.mean() * 100:.0f} ({low * 100:.0f} to {high * 100:.0f})")
        name = "MLPerf, offline" if kind == "offline" else kind
        median = np.median(np.abs(errors[own]))
        print(f"  {name:30}{own.sum():5}{median:8.3f}{crps:8.3f}   {'  '.join(shares)}")
