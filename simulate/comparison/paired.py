"""Cases drawn side by side, block by block: their bands, and the differences and ratios of those that are paired."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from simulate.backends import Ticks
from simulate.bands import Band, Bands
from simulate.comparison.cases import Case
from simulate.conditions import Kept, check_kept, questions
from simulate.errors import SimulateError
from simulate.folding import fold_replicates
from simulate.gates import DIFFERENCE, RATIO, Gate, Measured, gates, of_condition, of_mean, with_gates
from simulate.gathering import Fault, Gathering, Part
from simulate.graph import Quantity, Values
from simulate.priors import Priors
from simulate.replicates import Workers
from simulate.rounding import Ties, settle
from simulate.rulers import Counts
from simulate.runs.messages import failed_checks, small_errors, watched
from simulate.scenarios import Block, Drawing, Piece, in_step
from simulate.settings import Settings
from simulate.spread import share_error
from simulate.statistics import Statistic, usual
from simulate.thresholds import settled

BESIDE = "beside"  # of what is looked at for warnings and gates alone
TRUE, UNDEFINED = "true", "undefined"  # where the condition of a gate, in a quantity's place, is so

Place = tuple[str, str]  # quantity and case
Key = tuple[str, str, str]  # what goes before the variables, quantity, case
Columns = Mapping[str, Block]  # of each case the same scenarios, with what is compared of them


class _Replicate(NamedTuple):
    """What is kept of a replicate beside bands: how often an alternative lies lower, what conditions leave."""

    lower: Counter[Place]
    kept: Mapping[str, Kept]

    def join(self, other: "_Replicate") -> None:
        """Add what is kept of the replicate's next scenarios."""
        self.lower.update(other.lower)
        for case, kept in self.kept.items():
            kept.merge(other.kept[case])


class Folded:
    """The replicates so far."""

    def __init__(self, statistics: Sequence[Statistic]) -> None:
        self.bands: Bands[Key] = Bands(statistics)
        self.lower: dict[Place, list[tuple[int, int]]] = {}
        self.kept: dict[str, Kept] = {}

    def add(self, parts: Mapping[Key, Part], replicate: _Replicate) -> None:
        """Take up the next replicate."""
        self.bands.add(parts)
        for place, number in replicate.lower.items():
            count = parts[DIFFERENCE, *place].summary.count
            self.lower.setdefault(place, []).append((number, count))
        for case, kept in replicate.kept.items():
            self.kept.setdefault(case, Kept()).merge(kept)

    def of(self, prefix: str) -> dict[Place, Band]:
        """The bands of a kind, save those of differences and ratios of which not one scenario has a figure."""
        return {
            (name, case): band
            for (kind, name, case), band in self.bands.items()
            if kind == prefix and (band.summary.count or not prefix)
        }

    def probability(self, place: Place, *, same: bool) -> tuple[float, float]:
        """P(alternative < baseline) and its standard error, over the scenarios in which both are finite.

        It is exact where both are one number or the cases are the same.
        """
        counted = [(number, count) for number, count in self.lower[place] if count]
        if not counted:
            return np.nan, np.nan
        numbers, counts = np.array(counted).T
        exact = same or self.bands[DIFFERENCE, *place].fixed
        error = 0.0 if exact else float(share_error(numbers / counts, counts.sum()))
        return numbers.sum() / counts.sum(), error

    def warnings(self, baseline: str, bounded: Mapping[Any, Quantity]) -> Iterator[str]:
        """What came out nan, infinite or beyond the bounds of its quantity, a line each."""
        for (kind, name, case), band in self.bands.items():
            summary = band.summary
            if count := band.faults[Fault.IMPOSSIBLE]:
                beyond = band.fault(Fault.IMPOSSIBLE, bounded[kind, name, case])
                total = summary.nonfinite + summary.count
                yield f"{name} of {case}: {beyond} in {count:,} of {total:,} scenarios, kept"
            if not summary.nonfinite:
                continue
            everywhere = "" if summary.count else "; blank"
            often = f"in {summary.nonfinite:,} of {summary.nonfinite + summary.count:,} scenarios, left out{everywhere}"
            if not kind:
                yield f"{name} of {case}: nan or infinite {often}"
            elif kind == RATIO and not self.bands[DIFFERENCE, name, case].summary.nonfinite:
                yield f"{name}: {case} / {baseline} has no value {often}"


def as_run(case: Case, bands: Mapping[Key, Band]) -> list[str]:
    """What a run of a case says of its own figures: checks that fail, and errors known to be small."""
    assert case.priors
    kinds = {
        kind: {name: band for (each, name, of), band in bands.items() if (each, of) == (kind, case.name)}
        for kind in ("", BESIDE)
    }
    rare = {name: labels for name, band in kinds[""].items() if (labels := band.rare(net=False))}
    lines = [*failed_checks(case.priors, kinds[""] | kinds[BESIDE]), *small_errors(rare)]
    return [f"{case.name}: {line}" for line in lines]


def _add_condition(
    gathering: Gathering[Key], of: tuple[str, str], holds: Values, size: int, weights: Counts | None = None
) -> None:
    for kind, column in ((TRUE, np.equal(holds, 1)), (UNDEFINED, np.isnan(holds))):
        gathering.add((kind, *of), column.astype(np.float64), size, weights)


class SideBySide:
    """The cases, the first the baseline, how they are drawn, and which quantities of an alternative are paired.

    `quantities` are those to compare. A case that is drawn under no condition has the same scenarios as another such
    one, so that they pair scenario by scenario; of others only the means can be set against each other.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        settings: Settings,
        quantities: Sequence[str],
        workers: Workers | None = None,
        fail_if: Sequence[str] | None = None,
    ) -> None:
        self.cases, self.settings, self.quantities = cases, settings, quantities
        self.baseline, self.alternatives = cases[0], cases[1:]
        self.names = {case.name: [name for name in quantities if name in case.quantities] for case in cases}
        self.gates = {case.name: self._gates(case, fail_if) for case in cases}
        self.beside = {case.name: self._beside(case.name, case.priors) for case in cases if case.priors}
        self.drawing = Drawing({case.name: case.priors for case in cases if case.priors}, settings)
        scenarios = {
            case.name: self.drawing.scenarios(
                case.name,
                [*self.names[case.name], *self.beside[case.name]],
                settled(
                    with_gates(
                        questions(case.priors, (), case.settings.given, case.settings.observe), self.gates[case.name]
                    ),
                    partial(self.drawing.scenarios, case.name),
                    workers or Workers(),
                ),
            )
            for case in cases
            if case.priors
        }
        self.drawn = in_step(scenarios)
        of_one_unit = [
            (name, case)
            for case in self.alternatives
            for name in self.names[case.name]
            if case.unit(name) == self.baseline.unit(name)
        ]
        self.bounded = {
            (kind, name, case): each.quantities[name]
            for case, each in self.drawn.items()
            for kind, names in (("", self.names[case]), (BESIDE, self.beside[case]))
            for name in names
        }
        self.paired = [(name, case.name) for name, case in of_one_unit if self.pairs(case)]
        self.unpaired = [(name, case.name) for name, case in of_one_unit if not self.pairs(case)]

    def pairs(self, case: Case) -> bool:
        """Whether an alternative has the same scenarios as the baseline."""
        return all(each.priors and not each.conditions for each in (self.baseline, case))

    def fold(self, workers: Workers, further: Sequence[Statistic] = ()) -> Folded:
        """Draw all cases, block by block side by side, and summarize them, and the paired differences and ratios.

        `further` are statistics beside the usual ones. Raises SimulateError where the conditions of a case leave too
        few scenarios.
        """
        drawn = {case: each for case, each in self.drawn.items() if self.names[case] or self.gates[case]}
        statistics = (*usual(self.settings.percentiles), *further)
        keys: list[Key] = [key for key in self.bounded if key[-1] in drawn]
        keys += [(kind, *place) for place in self.paired for kind in (DIFFERENCE, RATIO)]
        of_conditions = [
            *((each.text, case) for case, own in drawn.items() for each in own.questions.probabilities),
            *((gate.condition.text, case) for case, gate in self._of_changes() if not gate.quantity),
        ]
        keys += [(kind, *of) for of in dict.fromkeys(of_conditions) for kind in (TRUE, UNDEFINED)]
        baseline = self.baseline.name
        ties = {(name, case): Ties(drawn[baseline], drawn[case], name) for name, case in self.paired}

        def work(gathering: Gathering[Key], piece: Piece, ticks: Ticks) -> _Replicate:
            lower = Counter(dict.fromkeys(self.paired, 0))
            kept = {case: Kept() for case in drawn if drawn[case].questions.conditional}
            told = [
                map(partial(self._add, gathering, kept, case), each.blocks(piece, ticks))
                for case, each in drawn.items()
            ]
            for blocks in zip(*told, strict=True):  # one case after the other
                columns = dict(zip(drawn, blocks, strict=True))
                for place in self.paired:
                    lower[place] += self._set_against(gathering, place, columns, ties[place])
            return _Replicate(lower, kept)

        folded = Folded(statistics)
        if drawn:
            first = next(iter(drawn.values()))  # all have as many scenarios
            fold_replicates(
                work,
                first,
                folded.add,
                keys=keys,
                statistics=statistics,
                workers=workers,
                join=_Replicate.join,
                quantities=self.bounded,
                steps=lambda piece: sum(each.steps(piece) for each in drawn.values()),
            )
        for own, each in drawn.items():
            settle(each, {name: folded.bands["", name, own] for name in self.names[own]})
        for case in self.cases:
            if case.name in folded.kept:
                try:
                    drawn_of = self.drawn[case.name]
                    check_kept(drawn_of.questions, folded.kept[case.name], why=drawn_of.contradictions)
                except SimulateError as error:
                    raise SimulateError(f"{case.label}: {error}") from None
        return folded

    def _add(self, gathering: Gathering[Key], kept: Mapping[str, Kept], case: str, block: Block) -> Block:
        """Add a block of a case; return only what is compared of it."""
        own = {name: block.columns[name] for name in self.names[case]}
        if case in kept:
            kept[case].add(block.drawn, block.size, block.weights, block.undefined)
        beside = {(BESIDE, name, case): block.columns[name] for name in self.beside[case]}
        told: dict[Key, Values] = {("", name, case): column for name, column in own.items()}
        for key, column in (told | beside).items() if block.size else ():
            gathering.add(key, column, block.size, block.weights)
        for condition in self.drawn[case].questions.probabilities if block.size else ():
            holds = condition.holds(block.columns, block.at.replicate)
            _add_condition(gathering, (condition.text, case), holds, block.size, block.weights)
        return block._replace(columns=own, words=block.words[:, :0].copy())

    def _set_against(self, gathering: Gathering[Key], place: Place, columns: Columns, ties: Ties) -> int:
        """Add the next block of a difference and a ratio; return in how many scenarios the alternative is lower."""
        name, case = place
        of_gates = dict.fromkeys(
            gate.condition for of, gate in self._of_changes() if (gate.change_of, of) == place and not gate.quantity
        )
        first, size = columns[self.baseline.name].columns[name], columns[case].size
        second = ties.settled(first, columns[case].columns[name], columns[case])
        with np.errstate(all="ignore"):
            difference: Values = second - first
            ratio: Values = np.divide(second, first)
        gathering.add((DIFFERENCE, *place), difference, size)
        gathering.add((RATIO, *place), ratio, size)
        for condition in of_gates:
            holds = condition.holds({f"{DIFFERENCE}{name}": difference, f"{RATIO}{name}": ratio}, 0)
            _add_condition(gathering, (condition.text, case), holds, size)
        below = (difference < 0) & np.isfinite(difference)
        return int(np.count_nonzero(np.broadcast_to(below, size)))

    def _beside(self, case: str, priors: Priors) -> list[str]:
        """What is looked at beside the quantities of a case: for warnings, and for the means of gates."""
        means = [gate.quantity for gate in self.gates[case] if not gate.change_of]
        names = dict.fromkeys([*watched(priors, self.names[case]), *filter(None, means)])
        return [name for name in names if name not in self.names[case]]

    def _gates(self, case: Case, fail_if: Sequence[str] | None) -> tuple[Gate, ...]:
        """The gates of a case: those asked, or its own. Raises SimulateError for one that cannot be measured of it.

        Those on a change are asked of alternatives alone.
        """
        asked = case.settings.fail_if if fail_if is None else fail_if
        if not asked:
            return ()
        if case.priors is None:
            raise SimulateError(f"--fail-if: {case.label} cannot be drawn again; name its priors file")
        found = gates(case.priors, asked, self.names[case.name])
        for gate in found:
            where = f"--fail-if '{gate.text}': "
            if gate.change_of and gate.condition.percentiles:
                raise SimulateError(f"{where}no percentile stands in the condition of a change")
            alike = case.unit(gate.change_of) == self.baseline.unit(gate.change_of) if gate.change_of else True
            if gate.change_of and case is not self.baseline and not (alike and self.pairs(case)):
                raise SimulateError(f"{where}{case.label} and {self.baseline.label} do not pair scenario by scenario")
        return tuple(gate for gate in found if not (gate.change_of and case is self.baseline))

    def _of_changes(self) -> Iterator[tuple[str, Gate]]:
        return ((case, gate) for case, several in self.gates.items() for gate in several if gate.change_of)

    def measured(self, folded: Folded) -> Iterator[tuple[tuple[str, str], tuple[Gate, Measured]]]:
        """What the gates of each case measure, by the gate's text and the case."""
        for case, several in self.gates.items():
            for gate in several:
                if gate.quantity:
                    of = gate.quantity.removesuffix(gate.change_of) if gate.change_of else ""
                    name = gate.change_of or gate.quantity
                    band = folded.bands.get((of, name, case)) or folded.bands[BESIDE, name, case]
                    yield (gate.text, case), (gate, of_mean(band))
                else:
                    bands = (folded.bands[kind, gate.condition.text, case] for kind in (TRUE, UNDEFINED))
                    yield (gate.text, case), (gate, of_condition(*bands))
