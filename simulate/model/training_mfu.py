"""Training MFU: what open runs say of a run of a given size on a given accelerator.

Its logarithm is normal about a regression with three effects, fitted by ridge to the open runs' reported
accelerator-hours; `simulate.calibration.training` is the fit, and a test holds these numbers to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulate.graph import Array, parameter
from simulate.model.notation import EARLY_PEAK, LATE_PEAK, SHARE

Effect = Callable[[Any, Any, Any], Any]  # of active parameters, dense peak [FLOP/s], mixture (0 or 1)

# Where the effect of size is zero, about the median of the runs.
CENTRAL_PARAMETERS = 20e9


class Effects:
    """The regression's effects, each a function of active parameters, peak and mixture (0 or 1); broadcast."""

    @staticmethod
    def late(_parameters: Array, peak_flops: Array, _mixture: Array) -> Array:
        """Place of an accelerator between an A100 (0) and an H100 (1) on a logarithmic axis of the peak.

        Faster arithmetic waits longer for memory and network. What is slower than the one or faster than the
        other behaves like it.
        """
        place = np.log(peak_flops / EARLY_PEAK) / np.log(LATE_PEAK / EARLY_PEAK)
        within: Array = np.clip(place, 0, 1)[()]
        return within

    @staticmethod
    def mixture(_parameters: Array, _peak_flops: Array, mixture: Array) -> Array:
        """1 for a mixture of experts: routing costs time that 6 FLOP a parameter and token do not count."""
        return mixture

    @staticmethod
    def late_size(parameters: Array, peak_flops: Array, mixture: Array) -> Array:
        """Decades of parameters, on a late accelerator: small models do not fill one; early ones are filled."""
        decades: Array = np.log10(parameters / CENTRAL_PARAMETERS)
        return decades * Effects.late(parameters, peak_flops, mixture)


EFFECTS: Mapping[str, Effect] = {
    "late accelerator": Effects.late,
    "mixture of experts": Effects.mixture,
    "decade of parameters, on a late accelerator": Effects.late_size,
}


@dataclass(frozen=True)
class TrainingMfu:
    """A predictive distribution of end-to-end MFU: lognormal, given size and accelerator.

    `coefficients` are the intercept and the effects in ln(MFU); `uncertainty` is their covariance in
    units of the residual variance; sizes outside `sizes` are predicted as its nearer end.
    """

    coefficients: tuple[float, ...]
    residual_sd: float
    uncertainty: tuple[tuple[float, ...], ...]
    sizes: tuple[float, float]
    effects: Mapping[str, Effect]

    def log_mean_and_sd(self, parameters_active: Any, peak_flops: Any, mixture_of_experts: Any = 0.0) -> Any:
        """Mean and standard deviation of ln(MFU), the coefficients' uncertainty included; broadcasts."""
        within = np.clip(parameters_active, *self.sizes)[()]
        row = [1.0, *(effect(within, peak_flops, mixture_of_experts) for effect in self.effects.values())]
        mean: Any = 0.0
        spread: Any = 0.0
        for value, coefficient, covariances in zip(row, self.coefficients, self.uncertainty, strict=True):
            mean = mean + coefficient * value
            for other, covariance in zip(row, covariances, strict=True):
                spread = spread + covariance * value * other
        return mean, self.residual_sd * np.sqrt(1 + spread)

    def at_deviation(
        self, deviation: Any, parameters_active: Any, peak_flops: Any, mixture_of_experts: Any = 0.0
    ) -> Any:
        """End-to-end MFU [1] that lies `deviation` standard deviations above the median; broadcasts.

        With a standard normal deviation this is the predictive distribution itself.
        """
        mean, sd = self.log_mean_and_sd(parameters_active, peak_flops, mixture_of_experts)
        return np.exp(mean + sd * deviation)


OPEN_RUNS = TrainingMfu(
    coefficients=(-1.135601, -0.212983, -0.101882, 0.264925),
    residual_sd=0.289667,
    uncertainty=(
        (0.046132, -0.038684, -0.005411, -0.000713),
        (-0.038684, 0.113159, -0.054109, -0.007127),
        (-0.005411, -0.054109, 0.189833, 0.034871),
        (-0.000713, -0.007127, 0.034871, 0.228749),
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
    parameters_active: Array, training_peak_flops: Array, mixture_of_experts: Array, training_mfu_deviation: Array
) -> SHARE:
    """Predicted MFU: end to end, of a training run of this size on this accelerator, from open runs.

    ln(MFU) = mean + sd deviation, the mean linear in the effects and sd that of a prediction; see
    `simulate.calibration.training`.
    """
    mfu: Array = OPEN_RUNS.at_deviation(
        training_mfu_deviation, parameters_active, training_peak_flops, mixture_of_experts
    )
    return mfu
