"""What stands behind the priors of a file: where each is stated, what is lacking or too old, what to research next."""

from collections.abc import Iterator
from typing import NamedTuple

from simulate.errors import Fault
from simulate.priors import Priors
from simulate.priors.layers import Layer
from simulate.priors.types import Prior

SOUGHT = 2**14  # scenarios from which shares of the variance are known to some per cent
WEAKNESS = {"sourced": 1 / 3, "judgement": 1.0, "": 1.0}  # of evidence, by judgement: what a source leaves open
MOST = 10  # priors told


class Origin(NamedTuple):
    """Where a prior is stated, and what is to be known of that."""

    where: str  # "own", "replaced", "inherited", "set", "catalog" or "model"
    unused: bool  # by none of the quantities asked for


class Sought(NamedTuple):
    """A prior of which more should be known: of which quantity it has the largest part of the variance."""

    prior: Prior
    quantity: str
    share: float
    error: float  # the standard error of the share
    weight: float  # share x weakness of the evidence


def origins(priors: Priors) -> dict[str, Origin]:
    """Where each prior of a file comes from; one that is replaced is stated by the file and by one that it extends."""
    able = [name for name in priors.run.quantities or priors.headline if name not in priors.lacking]
    used = priors.wiring.plan(able).inputs
    files = priors.layers[len(priors.overrides) :]
    return {name: Origin(_where(prior, files), name not in used) for name, prior in priors.priors.items()}


def _where(prior: Prior, files: tuple[Layer, ...]) -> str:
    name, layer = prior.name, prior.layer
    if layer in files or layer.prefix:
        beneath = [each for each in files if not each.own and name in each.tables.get("priors", {})]
        return "inherited" if prior.inherited else "replaced" if beneath else "own"
    return "set" if layer.own else "model" if layer.shown.startswith("model ") else "catalog"


def lapses(priors: Priors, day: str) -> list[Fault]:
    """What the evidence of a file lacks: a prior or a published figure without a source, or a source past its day."""
    aged = ((priors.priors[name], text) for name, text in priors.aged(day).items())
    expired = (Fault(text, str(prior.file), prior.line, key=f"priors.{prior.name}") for prior, text in aged)
    return [*_without_source(priors), *expired]


def _without_source(priors: Priors) -> Iterator[Fault]:
    mend = "add source = ..."
    for name, prior in priors.priors.items():
        if not prior.source and not prior.inherited and prior.layer in priors.layers[len(priors.overrides) :]:
            yield Fault(f"states no source; {mend}", str(prior.file), prior.line, key=f"priors.{name}")
    for figure in priors.published:
        if not figure.source:
            yield Fault(f"the figure of {figure.quantity} has no source; {mend}", str(priors.path), key="published")


def sought(priors: Priors, day: str) -> list[Sought]:
    """What would narrow the bands most, were it better known: priors by share of variance x weakness of evidence.

    Of each prior the headline quantity counts of which it has the largest share. A source that has expired is as weak
    as judgement.
    """
    from simulate.runs import run

    found, aged = run(priors, scenarios=SOUGHT), priors.aged(day)
    asked, told = found.labels("quantity"), []
    for name in found.labels("prior"):
        shares = {each: found.estimate("variance_share", quantity=each, prior=name) for each in asked}
        quantity, (share, error) = max(shares.items(), key=lambda each: (each[1][0] > 0, each[1][0]))
        prior = priors.priors[name]
        weight = share * WEAKNESS["judgement" if name in aged else prior.evidence]
        if share > 2 * error:
            told.append(Sought(prior, quantity, share, error, weight))
    return sorted(told, key=lambda each: -each.weight)[:MOST]
