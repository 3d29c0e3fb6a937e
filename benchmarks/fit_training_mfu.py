"""Fit the training MFU; print its constants, its bands, and the alternatives that were judged beside it.

Alternatives are judged by leaving one run out (and one organization out): CRPS of ln(hours), and the
share of runs inside the central 50, 80 and 90 % bands.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence

import numpy as np

from simulate.backtesting.scores import STANDARD_NORMAL, standard_normal_crps
from simulate.calibration.training import (
    RUNS_FILE,
    SHRINKAGE,
    TrainingRun,
    fit_training_mfu,
    fitted_runs,
    precision_effects,
    training_mfu,
    training_runs,
)
from simulate.graph import Array
from simulate.model.notation import EARLY_PEAK, LATE_PEAK
from simulate.model.training_mfu import CENTRAL_PARAMETERS, EFFECTS, Effect

LATE, MIXTURE, SIZE_LATE, DOUBLINGS, MIXTURE_DOUBLINGS = EFFECTS
USED = fitted_runs()


def size(parameters: Array, _peak: Array, _mixture: Array, _gain: Array) -> Array:
    return np.log10(parameters / CENTRAL_PARAMETERS)


def size_early(parameters: Array, peak: Array, mixture: Array, gain: Array) -> Array:
    return size(parameters, peak, mixture, gain) * (1 - EFFECTS[LATE].of(parameters, peak, mixture, gain))


def score(
    runs: Sequence[TrainingRun],
    effects: Mapping[str, Effect] = EFFECTS,
    shrinkage: float = SHRINKAGE,
    groups: Sequence[str] = (),
) -> str:
    """Leave one run out, or one group of them; the line of the table."""
    groups = groups or [run.model for run in runs]
    crps, pits = [], []
    for held, group in zip(runs, groups, strict=True):
        others = [run for run, other in zip(runs, groups, strict=True) if other != group]
        mean, sd = fit_training_mfu(others, effects, shrinkage).log_mean_and_sd(
            held.parameters_active, held.peak_flops, float(held.mixture_of_experts), held.peak_gain
        )
        deviation = (np.log(held.mfu) - float(mean)) / float(sd)
        crps.append(float(sd) * standard_normal_crps(deviation))
        pits.append(STANDARD_NORMAL.cdf(deviation))
    inside = [np.mean(np.abs(np.array(pits) - 0.5) <= band / 2) for band in (0.5, 0.8, 0.9)]
    return f"{len(runs):4d} {np.mean(crps):7.3f}  " + " ".join(f"{share:5.0%}" for share in inside)


def some(*names: str) -> dict[str, Effect]:
    """The effects of precision, and those named."""
    return {name: EFFECTS[name] for name in (*names, DOUBLINGS, MIXTURE_DOUBLINGS)}


def print_known_beforehand() -> None:
    """What the fit does not learn: the effects of FP8, and attention."""
    print("\nFP8, in ln(MFU), from pairs of throughputs              n    mean      sd")
    dense, mixture = precision_effects()[False], precision_effects()[True]
    for label, found in (("dense", dense), ("mixture of experts", mixture), ("all", dense + mixture)):
        print(f"  {label:48s}{len(found):8d}{np.mean(found):8.3f}{np.std(found, ddof=1):8.3f}")
    attention = [math.log1p(run.attention_share) for run in USED if run.attention_share]
    print(f"\nattention over 6 N, {len(attention)} runs of known shape: {math.expm1(np.mean(attention)):.3f}\n")


def main() -> None:
    calibrated = training_mfu()
    print("ln(MFU), end to end")
    for name, value in zip(("intercept", *EFFECTS), calibrated.coefficients, strict=True):
        print(f"  {name:48s}{value:8.4f}")
    print(f"  {'residual sd':48s}{calibrated.residual_sd:8.4f}\n")
    print("as simulate/model/training_mfu.py states it")
    print(f"  coefficients {[round(value, 6) for value in calibrated.coefficients]}")
    print(f"  residual_sd {calibrated.residual_sd:.6f}, sizes {calibrated.sizes}")
    for row in calibrated.uncertainty:
        print(f"  uncertainty {[round(value, 6) for value in row]}")
    print()

    print("MFU by accelerator, kind and active parameters         p5    p25    p50    p75    p95")
    kinds = ("A100, TPU v4 and before", 1), ("H100 and after", 1), ("H100 and after, FP8", 2)
    for peak, (early, gain) in zip((EARLY_PEAK, LATE_PEAK, 2 * LATE_PEAK), kinds, strict=True):
        for mixture in (0.0, 1.0):
            for parameters in (3e9, 20e9, 100e9, 400e9):
                if peak == EARLY_PEAK and parameters != 20e9:
                    continue  # no effect of size
                z = np.array([STANDARD_NORMAL.inv_cdf(p) for p in (0.05, 0.25, 0.5, 0.75, 0.95)])
                band = calibrated.at_deviation(z, parameters, peak, mixture, gain)
                kind = "mixture" if mixture else "dense"
                numbers = " ".join(f"{value:6.3f}" for value in band)
                at = "any size" if peak == EARLY_PEAK else f"{parameters / 1e9:g}e9"
                print(f"  {early:26s}{kind:10s}{at:12s}{numbers}")

    print_known_beforehand()

    with RUNS_FILE.open(encoding="utf-8") as lines:
        organizations = {row["model"]: row["org"] for row in csv.DictReader(lines)}
    everything = [run for run in training_runs() if run.mfu < 1 and not run.undisturbed]
    print("left out: one run                                 n    CRPS   in 50    80    90 %")
    for label, line in {
        "chosen": score(USED),
        "no effects": score(USED, some()),
        "late accelerator": score(USED, some(LATE)),
        "late, mixture": score(USED, some(LATE, MIXTURE)),
        "late, size when late": score(USED, some(LATE, SIZE_LATE)),
        "late, mixture, size": score(USED, {**some(LATE, MIXTURE), "size": Effect(size)}),
        "chosen and size when early": score(USED, {**EFFECTS, "size early": Effect(size_early)}),
        "chosen, hardly shrunk": score(USED, shrinkage=0.01),
        "chosen, shrinkage 1": score(USED, shrinkage=1),
        "chosen, shrinkage 5": score(USED, shrinkage=5),
        "chosen, but no run excluded with MFU below 1": score(everything),
        "chosen, leaving out one organization": score(USED, groups=[organizations[run.model] for run in USED]),
    }.items():
        print(f"  {label:46s}{line}")
    print("\nexcluded")
    for run in training_runs():
        if run.excluded:
            print(f"  {run.model}: {run.excluded}")
