"""Training MFU: what open runs say of a run of a given size on a given accelerator, in a given precision.

Its logarithm is normal about a regression with five effects, fitted by ridge to the open runs' reported
accelerator-hours; `simulate.calibration.training` is the fit, and a test holds these numbers to it. The FLOP in it
are 6 for each active parameter and token, the peak is dense and that of the precision of training.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulate.graph import Array, parameter
from simulate.model.notation import EARLY_PEAK, LATE_PEAK, SHARE, TRAINING_FLOP_PER_PARAMETER

# Where the effect of size is zero, about the median of the runs.
CENTRAL_PARAMETERS = 20e9
# Attention FLOP over those of the parameters: the geometric mean of 1 and more over the open runs of published shape.
TYPICAL_ATTENTION = 0.074


@dataclass(frozen=True)
class Effect:
    """An effect of the regression, and what is known of its coefficient before the runs are seen.

    `of` takes active parameters, dense peak [FLOP/s], mixture (0 or 1) and the gain of that peak over the one in 16
    bits, which broadcast. `centre` is the mean of the coefficient's prior, `shrinkage` the residual variance over the
    prior's; None leaves it to the fit.
    """

    of: Callable[[Any, Any, Any, Any], Any]
    centre: float = 0.0
    shrinkage: float | None = None


def _late(_parameters: Any, peak_flops: Any, _mixture: Any, gain: Any) -> Any:
    """Place of an accelerator between an A100 (0) and an H100 (1) on a logarithmic axis of the peak in 16 bits.

    Faster arithmetic waits longer for memory and network. What is slower than the one or faster than the
    other behaves like it.
    """
    place = np.log(peak_flops / gain / EARLY_PEAK) / np.log(LATE_PEAK / EARLY_PEAK)
    return np.clip(place, 0, 1)[()]


def _mixture(_parameters: Any, _peak_flops: Any, mixture: Any, _gain: Any) -> Any:
    """1 for a mixture of experts: routing costs time that 6 FLOP a parameter and token do not count."""
    return mixture


def _late_size(parameters: Any, peak_flops: Any, mixture: Any, gain: Any) -> Any:
    """Decades of parameters, on a late accelerator: small models do not fill one; early ones are filled."""
    return np.log10(parameters / CENTRAL_PARAMETERS) * _late(parameters, peak_flops, mixture, gain)


def _doublings(_parameters: Any, _peak_flops: Any, mixture: Any, gain: Any) -> Any:
    """How often fewer bits double the peak, in a dense model: what is not products takes as long as before."""
    return (1 - mixture) * np.log2(gain)


def _mixture_doublings(_parameters: Any, _peak_flops: Any, mixture: Any, gain: Any) -> Any:
    """The same in a mixture of experts, whose smaller products gain less."""
    return mixture * np.log2(gain)


# What FP8 leaves of the MFU is known from benchmarks of the same model and machine in both precisions, a pair each
# (`data/training_precision.csv`): as much as their means, with a standard deviation of about 0.1, that of them all.
EFFECTS: Mapping[str, Effect] = {
    "late accelerator": Effect(_late),
    "mixture of experts": Effect(_mixture),
    "decade of parameters, on a late accelerator": Effect(_late_size),
    "doubling of the peak, dense": Effect(_doublings, centre=-0.319, shrinkage=8),
    "doubling of the peak, mixture of experts": Effect(_mixture_doublings, centre=-0.475, shrinkage=8),
}


@dataclass(frozen=True)
class TrainingMfu:
    """A predictive distribution of end-to-end MFU: lognormal, given size, accelerator and precision.

    `coefficients` are the intercept and the effects in ln(MFU); `uncertainty` is their covariance in
    units of the residual variance; sizes outside `sizes` are predicted as its nearer end.
    """

    coefficients: tuple[float, ...]
    residual_sd: float
    uncertainty: tuple[tuple[float, ...], ...]
    sizes: tuple[float, float]
    effects: Mapping[str, Effect]

    def log_mean_and_sd(
        self, parameters_active: Any, peak_flops: Any, mixture_of_experts: Any = 0.0, gain: Any = 1.0
    ) -> Any:
        """Mean and standard deviation of ln(MFU), the coefficients' uncertainty included; broadcasts."""
        within = np.clip(parameters_active, *self.sizes)[()]
        row = [1.0, *(effect.of(within, peak_flops, mixture_of_experts, gain) for effect in self.effects.values())]
        mean: Any = 0.0
        spread: Any = 0.0
        for value, coefficient, covariances in zip(row, self.coefficients, self.uncertainty, strict=True):
            mean = mean + coefficient * value
            for other, covariance in zip(row, covariances, strict=True):
                spread = spread + covariance * value * other
        return mean, self.residual_sd * np.sqrt(1 + spread)

    def at_deviation(
        self, deviation: Any, parameters_active: Any, peak_flops: Any, mixture_of_experts: Any = 0.0, gain: Any = 1.0
    ) -> Any:
        """End-to-end MFU [1] that lies `deviation` standard deviations above the median; broadcasts.

        With a standard normal deviation this is the predictive distribution itself.
        """
        mean, sd = self.log_mean_and_sd(parameters_active, peak_flops, mixture_of_experts, gain)
        return np.exp(mean + sd * deviation)


OPEN_RUNS = TrainingMfu(
    coefficients=(-1.136033, -0.21731, -0.134605, 0.244268, -0.319, -0.458966),
    residual_sd=0.284277,
    uncertainty=(
        (0.046132, -0.03868, -0.005382, -0.000694, 0.0, -0.00021),
        (-0.03868, 0.113198, -0.053816, -0.006942, 0.0, -0.002095),
        (-0.005382, -0.053816, 0.192048, 0.036269, 0.0, -0.015847),
        (-0.000694, -0.006942, 0.036269, 0.229631, 0.0, -0.010004),
        (0.0, 0.0, 0.0, 0.0, 0.125, 0.0),
        (-0.00021, -0.002095, -0.015847, -0.010004, 0.0, 0.113408),
    ),
    sizes=(1.08e9, 540.35e9),
    effects=EFFECTS,
)

training_mfu_deviation = parameter(
    "1",
    """Training MFU deviation: of a run from what its size and accelerator predict, in standard deviations.

    Standard normal unless a prior says otherwise: then `mfu_predicted` has the spread of the open runs.""",
    prior={
        "dist": "normal",
        "mean": 0.0,
        "sd": 1.0,
        "unit": "1",
        "evidence": "sourced",
        "source": "Rae et al. 2021, arXiv 2112.11446; Chowdhery et al. 2022, arXiv 2204.02311; Touvron et al. "
        "2023, arXiv 2302.13971 and 2307.09288; Meta 2024, Llama 3 model cards; DeepSeek 2024, arXiv 2405.04434 "
        "and 2412.19437; Epoch AI 2024, training-cost-trends: accelerator-hours of the open runs of 2021 to 2025",
        "note": "The model's own prior: mfu_predicted turns it into an MFU, fitted to those hours "
        "(simulate.calibration.training).",
    },
)


def mixture_of_experts(
    parameters_total: Array, parameters_active: Array, experts: Array, experts_active: Array
) -> SHARE:
    """Mixture of experts: 1 where a token works with a part of the model, else 0.

    Told by more total than active parameters, or more experts than active ones.
    """
    return np.where((parameters_total > parameters_active) | (experts > experts_active), 1.0, 0.0)[()]


def mfu_predicted(
    parameters_active: Array,
    training_peak_flops: Array,
    mixture_of_experts: Array,
    training_peak_gain: Array,
    training_attention_flop: Array,
    training_mfu_deviation: Array,
) -> SHARE:
    """Predicted MFU: end to end, of a training run of this size on this accelerator, from open runs.

    ln(MFU) = mean + sd deviation, the mean linear in the effects and sd that of a prediction; see
    `simulate.calibration.training`. The runs' MFU leaves attention out, so where attention is counted it is larger by
    the attention of a typical run: whoever trains with longer contexts than they did takes longer. Attention stays in
    16 bits, where the peak is lower by its gain.
    """
    without_attention = OPEN_RUNS.at_deviation(
        training_mfu_deviation, parameters_active, training_peak_flops, mixture_of_experts, training_peak_gain
    )
    share = training_attention_flop / (TRAINING_FLOP_PER_PARAMETER * parameters_active)
    typical_time, time = 1 + TYPICAL_ATTENTION * training_peak_gain, 1 + share * training_peak_gain
    mfu: Array = without_attention * np.where(share > 0, (1 + share) * typical_time / time, 1.0)[()]
    return mfu
