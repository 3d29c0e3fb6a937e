"""What a result rests on: the priors and settings that it was drawn with, told in one place and read back there."""

import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from simulate import __version__
from simulate.graph import Quantity
from simulate.priors import Priors
from simulate.results.result import BUILD, Result
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
    told = {"warnings": of_inputs(priors, drawn), "aging": aging([(priors, drawn)])}
    return versioned(question, attributes, {**told, **conditions, **stated(priors)})


def of_inputs(priors: Priors, drawn: Scenarios) -> list[str]:
    """What to know of the priors that are drawn."""
    return [text for name, text in priors.warnings.items() if name in drawn.plan.inputs]


def aging(cases: Iterable[tuple[Priors, Scenarios]]) -> dict[str, str]:
    """What is to be known of the priors that are drawn, and from which day on: a result is the same on any day."""
    return dict(priors.aging[name] for priors, drawn in cases for name in drawn.plan.inputs if name in priors.aging)


def versioned(question: str, attributes: Mapping[str, Any], provenance: Mapping[str, Any]) -> Result:
    """A result without figures that says what it is told to, and what it is computed with."""
    return Result(question, {**attributes, "version": __version__, **computed_with()}, {"warnings": [], **provenance})


@cache
def computed_with() -> dict[str, str]:
    """The build and the kind of CPU, as far as they decide the last bits of figures: by the names in BUILD.

    numpy chooses by what the CPU can do how it computes functions such as exp, as the system's library does.
    """
    from scipy.version import version  # late: who only reads results has no need of it

    abilities: Any = np.show_config(mode="dicts")["SIMD Extensions"]
    found = [*abilities.get("baseline", ()), *abilities.get("found", ())]  # what is empty is left out
    library = " ".join(platform.libc_ver()).strip() or f"{platform.system()} {platform.release()}"
    told = platform.python_version(), np.__version__, version, library, " ".join([platform.machine(), *found])
    return dict(zip(BUILD, told, strict=True))


def put_quantities(result: Result, quantities: Sequence[Quantity]) -> None:
    """Add the dimension `quantity`, with labels and units along it."""
    result.along("quantity", [quantity.name for quantity in quantities])
    result.beside("label", ("quantity",), [quantity.label for quantity in quantities])
    result.beside("unit", ("quantity",), [quantity.unit for quantity in quantities])


def put_priors(result: Result, quantities: Sequence[Quantity]) -> None:
    """Add the dimension `prior`, with the units of the quantities that priors bind along it."""
    result.along("prior", [quantity.name for quantity in quantities])
    result.beside("prior_unit", ("prior",), [quantity.unit for quantity in quantities])


def identity(question: str, priors: Priors, settings: Settings, columns: Sequence[str]) -> dict[str, Any]:
    """What decides the bits of a question's figures, by names for people: nothing may differ where a run goes on."""
    drawn = {name: repr(prior.distribution) for name, prior in priors.priors.items()}  # whose values tables may hold
    texts = (priors.model, [file.digest for file in priors.files], priors.overrides, priors.chosen, drawn)
    return {
        "question": question,
        "version": __version__,
        **computed_with(),
        "priors": hashlib.sha256(repr(texts).encode(errors="backslashreplace")).hexdigest(),
        "quantities": list(columns),
        **settings.model_dump(mode="json", exclude={"quantities"}),
    }


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
                "expires": prior.expires,
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
