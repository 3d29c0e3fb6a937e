"""What a result rests on: the priors and settings that it was drawn with, told in one place and read back there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulate import __version__
from simulate.graph import Quantity
from simulate.priors import Priors
from simulate.results.result import Result
from simulate.scenarios import Scenarios
from simulate.settings import Settings

OF_RUN = (
    "probability",
    "statistics",
    "fail_if",
    "precision",
)  # settings for `run` alone, which its provenance tells below `run`
# All that a run was asked, besides the percentiles, which are labels.
SETTINGS = ("scenarios", "seed", "scheme", "given", "observe", "quantities", *OF_RUN)
# What the provenance tells besides what was found: the conditions, and what `stated` says of the priors.
STATED = ("given", "observe", "model", "files", "overrides", "choice", "priors", "published")


def described(question: str, priors: Priors, settings: Settings, drawn: Scenarios) -> Result:
    """A result without figures that says what it rests on."""
    attributes = {
        "title": priors.title,
        "scenarios": drawn.count,
        "seed": settings.seed,
        "scheme": settings.scheme,
        "replicates": drawn.replicates,
        "chunk": drawn.size,
    }
    conditions = {"given": list(settings.given), "observe": list(settings.observe)}
    return versioned(question, attributes, {"warnings": of_inputs(priors, drawn), **conditions, **stated(priors)})


def of_inputs(priors: Priors, drawn: Scenarios) -> list[str]:
    """What to know of the priors that are drawn."""
    return [text for name, text in priors.warnings.items() if name in drawn.plan.inputs]


def versioned(question: str, attributes: Mapping[str, Any], provenance: Mapping[str, Any]) -> Result:
    """A result without figures that says what it is told to, and which versions computed it."""
    versions = {"version": __version__, "numpy": np.__version__}
    return Result(question, {**attributes, **versions}, {"warnings": [], **provenance})


def put_quantities(result: Result, quantities: Sequence[Quantity]) -> None:
    """Add the dimension `quantity`, with labels and units along it."""
    result.along("quantity", [quantity.name for quantity in quantities])
    result.beside("label", ("quantity",), [quantity.label for quantity in quantities])
    result.beside("unit", ("quantity",), [quantity.unit for quantity in quantities])


def put_priors(result: Result, quantities: Sequence[Quantity]) -> None:
    """Add the dimension `prior`, with the units of the quantities that priors bind along it."""
    result.along("prior", [quantity.name for quantity in quantities])
    result.beside("prior_unit", ("prior",), [quantity.unit for quantity in quantities])


def settings_of(result: Result) -> Settings:
    """The settings that a run was made with."""
    told = {**result.attributes, **result.provenance, **result.provenance["run"]}
    return Settings(percentiles=tuple(result.labels("percentile")), **{name: told[name] for name in SETTINGS})


def stated(priors: Priors) -> dict[str, Any]:
    """What priors say, as plain data: files, overrides, each prior, published figures."""
    return {
        "model": priors.model,
        "files": [{"path": str(file.path), "sha256": file.digest, "text": file.text} for file in priors.files],
        "overrides": list(priors.overrides),
        "choice": priors.chosen,
        "priors": {
            name: {
                "family": prior.family,
                "unit": prior.unit,
                "label": prior.label,
                "evidence": prior.evidence,
                "source": prior.source,
                "note": prior.note,
                "specification": dict(prior.specification),
            }
            for name, prior in priors.priors.items()
        },
        "published": [
            {**vars(figure), "unit": priors.quantities[figure.quantity].unit, "stated_unit": figure.unit}
            for figure in priors.published
        ],
    }
