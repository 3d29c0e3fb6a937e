"""What reading a priors file gives: `Priors`, and the priors, figures and choices in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from simulate.distributions import Distribution
from simulate.graph import Quantity, Wiring, missing
from simulate.priors.correlations import Correlation
from simulate.priors.layers import Layer, SourceFile
from simulate.settings import Settings
from simulate.units import COUNTS

LONGEST = 100  # characters of a line that shows an object, beyond which lists are cut


@dataclass(frozen=True, repr=False)
class Prior:
    """The distribution of a quantity, in the quantity's own unit, and where it comes from."""

    name: str
    distribution: Distribution
    family: str
    unit: str  # as written, or the quantity's own
    factor: float  # from `unit` to the quantity's own
    evidence: str  # "sourced", "judgement" or ""
    source: str
    expires: str  # an ISO date, '' for none
    note: str
    label: str
    specification: Mapping[str, Any]  # the parameters as written, in `unit`
    file: Path
    inherited: bool
    layer: Layer = field(compare=False)

    @property
    def line(self) -> int:
        """Line of the table in `file`; 0 where entries have no lines: overrides, a mapping, the catalog."""
        return self.layer.line(("priors", self.name))

    def band(self) -> list[float]:
        """The 5th, 50th and 95th percentile in the unit as written."""
        percentiles: list[float] = (self.distribution.quantile([0.05, 0.5, 0.95]) / self.factor).tolist()
        return percentiles

    def __repr__(self) -> str:
        parameters = _cut(", ".join(f"{key} = {value}" for key, value in self.specification.items()))
        low, middle, high = self.band()
        band = f"P5 {low:.4g}, P50 {middle:.4g}, P95 {high:.4g}"
        return f"{self.name}: {self.family}, {parameters} [{self.unit}]: {band}"


@dataclass(frozen=True)
class Published:
    """A known figure of a quantity, in the quantity's own unit and as it was stated."""

    quantity: str
    value: float
    stated: float  # in `unit`
    unit: str
    source: str
    note: str


@dataclass(frozen=True)
class Measured:
    """A published figure of a choice, '' for the file itself, `at` a value of the prior `over` which a sweep goes."""

    figure: Published
    choice: str
    over: str
    at: float


@dataclass(frozen=True)
class Choice:
    """A named set of entries that replace the file's: an option of a decision."""

    name: str
    label: str
    note: str = ""


@dataclass(frozen=True, repr=False)
class Priors:
    """Everything that a run needs to know, read and checked."""

    path: Path
    title: str
    model: str
    quantities: dict[str, Quantity]  # the model's in its order, the file's formulas, its further priors
    priors: dict[str, Prior]
    correlations: tuple[Correlation, ...]
    published: tuple[Published, ...]
    measured: tuple[Measured, ...]  # those that a sweep sets beside its bands
    run: Settings  # what [run] says, defaults filled in; no quantities stand for the headline
    files: tuple[SourceFile, ...]  # the file itself, then those that it extends
    wired: Mapping[str, Quantity] = field(compare=False)  # the model's, before what the file states
    own: tuple[str, ...]  # quantities given by formulas, replaced ones of the model too
    headline: tuple[str, ...]
    choices: dict[str, Choice]
    overrides: tuple[str, ...]  # texts such as "pue=1.1"
    chosen: str  # the choice applied, '' for none
    layers: tuple[Layer, ...] = field(compare=False)  # of the overrides, then of the files
    warnings: Mapping[str, str]  # what to know of a prior that is used or of a formula, by its name
    shares: Mapping[str, str]  # quantities of which a run tells how often they hold, by name, and of what each is
    aging: Mapping[str, tuple[str, str]]  # what to know of a prior, by its name, and from which day on
    cases: dict[str, "Priors"] = field(default_factory=dict, compare=False)  # the file's own, '', and its choices'

    @property
    def counts(self) -> dict[str, str]:
        """The words for the priors of mere numbers that are written in thousands, millions or more."""
        own = {name: prior.unit for name, prior in self.priors.items() if self.quantities[name].unit == "1"}
        return {name: unit for name, unit in own.items() if unit in COUNTS}

    @cached_property
    def wiring(self) -> Wiring:
        """The quantities in order, by which what is asked for is planned."""
        return Wiring.of(self.quantities, self.priors)

    @cached_property
    def lacking(self) -> dict[str, tuple[str, ...]]:
        """For each quantity that cannot be computed, the parameters for which there is no prior."""
        return missing(self.quantities, self.priors)

    def aged(self, day: str) -> dict[str, str]:
        """What to know of priors, by name, of that which holds from some day on, on a day such as 2026-11-28."""
        return {name: text for name, (text, since) in self.aging.items() if since <= day}

    def __repr__(self) -> str:
        judged = sum(prior.evidence == "judgement" for prior in self.priors.values())
        rows = {
            "model": f"{self.model}, {len(self.quantities)} quantities",
            "overrides": _counted(self.overrides),
            "priors": f"{_counted(self.priors)}; {judged} from judgement",
            "correlations": _counted(f"{each.first} with {each.second}" for each in self.correlations),
            "formulas": _counted(self.own),
            "published": _counted(dict.fromkeys(figure.quantity for figure in self.published)),
            "choices": _counted(self.choices) + f"; {self.chosen} applied" * bool(self.chosen),
            "headline": ", ".join(self.run.quantities or self.headline),
        }
        lines = [f"Priors of {self.path}: {self.title}"]
        lines += [f"  {name:<14}{_cut(row)}" for name, row in rows.items() if row and row != "0"]
        return "\n".join([*lines, f"Run them: simulate.run(priors), {self.run.scenarios:,} scenarios"])


def _counted(names: Iterable[str]) -> str:
    """How many names there are, and which, as far as they find room."""
    listed = list(names)
    return f"{len(listed)}: {_cut(', '.join(listed), LONGEST // 2)}" if listed else "0"


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
