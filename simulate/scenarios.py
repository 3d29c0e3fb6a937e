"""Scenarios: cases drawn on common uniforms, block by block, put through the model, kept or weighed by conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.arrays import here, is_column
from simulate.backends import Ticks
from simulate.conditions import NO_QUESTIONS, Questions, check_known
from simulate.dependence import DependenceError, correlation_matrix, triangular_factor
from simulate.distributions import Constant, Distribution
from simulate.errors import SimulateError, read_all
from simulate.grammar import NAMES
from simulate.graph import Plan, Quantity, Values
from simulate.machine import use_freed_memory_again
from simulate.priors import Priors
from simulate.rulers import Array, Counts
from simulate.sampling.dimensions import dimensions
from simulate.sampling.proposal import Proposal
from simulate.sampling.sampler import CHUNK, REPLICATES, Sampler
from simulate.settings import Names, Settings, checked
from simulate.summary import MOST_WEIGHT, WEIGHT

if TYPE_CHECKING:
    from simulate.aiming import Aim, Pilot
    from simulate.sampling.schemes import Words

Latents = Mapping[tuple[str, str], float]  # the Gaussian copula's parameter of each pair

PIECE = 2**20  # scenarios of a piece, or more where there would be
MOST_PIECES = 2**8  # of a replicate
TOGETHER = 4  # chunks of a block, work enough for threads to overlap
_HELD = 2**29  # numbers of a device's block, beside those between them: 4 GiB
_INPUTS = 300  # inputs of the chunks of a block, for memory's sake: a float each of 2^14 scenarios


class Piece(NamedTuple):
    """Chunks of a replicate that are worked off in one go, by one worker."""

    replicate: int
    chunks: range


class Block(NamedTuple):
    """The scenarios of a step, several chunks, that the conditions keep: columns by name, and the uniforms behind all.

    `weights` is None where each of them counts once; `drawn` are the scenarios before the conditions, `places` tells
    which of them are kept, `at` in which chunks; in so many `undefined` ones it is open whether conditions hold.
    """

    columns: Mapping[str, Values]
    size: int
    weights: Counts | None
    drawn: int
    places: NDArray[np.intp]
    at: Piece
    words: Words
    undefined: int = 0


@dataclass(frozen=True)
class Scenarios:
    """The scenarios of a case: addressed by replicate and chunk, none drawn before it is asked for.

    `size` scenarios a chunk, `chunks` a replicate, of which so many `together` make a block; `aim` tells from where
    they are drawn, where something measured weighs them.
    """

    plan: Plan
    quantities: Mapping[str, Quantity]
    sampler: Sampler
    constants: Mapping[str, float]
    distributions: Mapping[str, Distribution]
    size: int
    chunks: int
    together: int = TOGETHER
    questions: Questions = NO_QUESTIONS
    replicates: int = REPLICATES
    aim: Aim | None = None

    @property
    def count(self) -> int:
        """The number of scenarios, at least as many as were asked for."""
        return self.size * self.chunks * self.replicates

    @property
    def at_once(self) -> int:
        """The scenarios of a block, but for a shorter last one."""
        return self.size * min(self.chunks, self.together)

    def pieces(self, size: int = PIECE) -> list[Piece]:
        """All scenarios, in as many pieces of each replicate, of so many scenarios or more.

        They are cut by the number of scenarios alone, never by that of workers.
        """
        most = max(size // self.size, 1 << (-(-self.chunks // MOST_PIECES) - 1).bit_length())
        cuts = [range(first, min(first + most, self.chunks)) for first in range(0, self.chunks, most)]
        return [Piece(replicate, chunks) for replicate in range(self.replicates) for chunks in cuts]

    def whole(self, replicate: int) -> Piece:
        """A replicate in one piece."""
        return Piece(replicate, range(self.chunks))

    def pilot(self, replicate: int) -> Piece:
        """The first chunk of a replicate, which tells what to expect of all."""
        return Piece(replicate, range(1))

    def steps(self, piece: Piece) -> int:
        """The number of blocks in which a piece is drawn, a step each."""
        return len(piece.chunks[:: self.together])

    @property
    def contradictions(self) -> list[str]:
        """The measured values that the priors contradict, a line each."""
        from simulate.aiming import CONTRADICTED

        p_values = self.aim.p_values if self.aim else ()
        return [
            f"--observe {each.text!r}: the priors contradict it: by them, the probability of a measurement as far out "
            f"is {'below ' if p.below else ''}{p.value:.2g} (P-value)"
            for each, p in zip(self.questions.observed, p_values, strict=False)  # there is none without an aim
            if p.value < CONTRADICTED
        ]

    def inputs(self, words: Words) -> dict[str, Values]:
        """The draws that uniforms stand for: a column for each input, a float for a constant."""
        return {**self.constants, **self.sampler.columns(words)}

    def blocks(self, piece: Piece, ticks: Ticks | None = None) -> Iterator[Block]:
        """The blocks of a piece in turn, a step each; on a device as large as it holds."""
        together = self.together
        if here() is not np:  # there what a call costs is the same, however many scenarios it has
            together = max(_HELD // (len(self.plan.inputs) + len(self.plan.outputs)) // self.size, 1)
        firsts = piece.chunks[::together]
        words = None if self.are_few and here() is np else self.sampler.words(piece.replicate)
        for first in firsts if ticks is None else ticks(firsts):
            if words is None:
                yield self._at_once[piece.replicate]
                continue
            chunks = range(first, min(first + together, piece.chunks.stop))
            yield self._kept(*self._computed(words(*chunks)), Piece(piece.replicate, chunks))  # nothing of it stays

    @property
    def are_few(self) -> bool:
        """Whether what a call of numpy takes for a replicate is more than what it does."""
        return self.chunks == 1 and self.count <= CHUNK

    def first(self, most: int) -> tuple[dict[str, Values], Words]:
        """The columns of the first scenarios, so many at most, whatever conditions say, and the words behind them."""
        columns, words = self._few if self.are_few else self._computed(self.sampler.words(0)(0)[:, :most])
        places = slice(min(most, self.size))
        return _at(columns, places), words[:, places]

    @cached_property
    def _few(self) -> tuple[dict[str, Values], Words]:
        """The columns of all replicates, where these are few: drawn in one call, and kept for the next."""
        return self._computed(self.sampler.words(*range(self.replicates))(0))

    @cached_property
    def _at_once(self) -> list[Block]:
        """The only block of each replicate, where all together are few."""
        (columns, words), size = self._few, self.size
        parts = [slice(at.replicate * size, (at.replicate + 1) * size) for at in self.pieces()]
        return [
            self._kept(_at(columns, part), words[:, part], at) for at, part in zip(self.pieces(), parts, strict=True)
        ]

    def _computed(self, words: Words) -> tuple[dict[str, Values], Words]:
        """The plan's inputs and outputs for words."""
        inputs = self.inputs(words)
        return {**inputs, **self.plan(inputs)}, words

    def weighed(self, columns: Mapping[str, Values], words: Words, replicate: int) -> tuple[Counts, Array]:
        """How much each scenario counts, in units of 1 / WEIGHT and relative to the greatest of a pilot.

        Also whether the conditions hold in it: 1, 0, or nan where that is undefined.
        """
        outcomes = self.questions.outcomes(columns, words.shape[1], replicate)
        log_weights: Array = self.questions.log_weights(columns, outcomes) + self.sampler.log_ratio(words)
        if self.aim and self.aim.exponent:
            log_weights -= self.aim.exponent * np.log(2)
        weights = np.exp(np.minimum(log_weights, np.log(MOST_WEIGHT / WEIGHT)))
        counts: Counts = np.rint(weights * WEIGHT).astype(np.int64)
        return counts, outcomes

    def _kept(self, columns: Mapping[str, Values], words: Words, at: Piece) -> Block:
        size = words.shape[1]
        if not self.questions.conditional:
            return Block(columns, size, None, size, here().arange(size), at, words)
        weights, outcomes = self.weighed(columns, words, at.replicate)
        places = np.flatnonzero(weights)
        own = weights[places] if self.questions.observed else None
        undefined = int(np.count_nonzero(np.isnan(outcomes)))
        return Block(_at(columns, places), len(places), own, size, places, at, words, undefined)


def _at(columns: Mapping[str, Values], places: slice | NDArray[np.intp]) -> dict[str, Values]:
    return {name: column[places] if is_column(column) else column for name, column in columns.items()}


class Drawing:
    """How cases are drawn by settings: each on the same uniforms, the first one's as in a run of its own.

    `places` are the dimensions by name, `latents` the parameters of the copula by case. Draws are `exact` where few are
    asked for; otherwise they come from tables.
    """

    def __init__(self, cases: Mapping[str, Priors], settings: Settings, *, exact: bool = False) -> None:
        self.cases, self.settings, self.exact = cases, settings, exact
        use_freed_memory_again()
        self.places = dimensions(name for file in cases.values() for name in file.priors)
        self.latents = dict(zip(cases, _joint_latents(list(cases.values())), strict=True))
        self._aims: dict[tuple[str, Questions], Aim] = {}

    def scenarios(
        self,
        case: str,
        quantities: Sequence[str],
        questions: Questions = NO_QUESTIONS,
        *,
        count: int | None = None,
        stream: int = 0,
        correlated: bool = True,
        largest: int = CHUNK,
        places: Mapping[str, int] | None = None,
    ) -> Scenarios:
        """The scenarios of a case from which the quantities can be computed and the questions answered.

        `count` and `places` are the settings' own unless given; `stream`, 0 or 1, tells independent sets of draws;
        `largest` is the most scenarios of a chunk. Where measured values leave few of the priors' scenarios, they are
        drawn where these point.
        """
        places = self.places if places is None else places
        aim = None
        if questions.observed:
            asked = replace(questions, probabilities=())
            if (case, asked) not in self._aims:
                self._aims[case, asked] = _aim(partial(self._drawn, case, asked.names, asked, places=places))
            aim = self._aims[case, asked]
        return self._drawn(
            case,
            [*quantities, *questions.names],
            questions,
            places=places,
            count=count,
            stream=stream,
            correlated=correlated,
            largest=largest,
            aim=aim,
        )

    def _drawn(
        self,
        case: str,
        quantities: Sequence[str],
        questions: Questions,
        *,
        places: Mapping[str, int],
        count: int | None = None,
        stream: int = 0,
        correlated: bool = True,
        largest: int = CHUNK,
        aim: Aim | None = None,
    ) -> Scenarios:
        priors = self.cases[case]
        plan = priors.wiring.plan([*dict.fromkeys(quantities)])
        distributions = {name: prior.distribution for name, prior in priors.priors.items()}
        constants = {
            name: distribution.value
            for name in plan.inputs
            if isinstance(distribution := distributions[name], Constant)
        }
        size, chunks = chunking(self.settings.scenarios if count is None else count, largest=largest)
        sampler = Sampler(
            distributions,
            dimensions(places, stream),
            self.latents[case] if correlated else {},
            seed=self.settings.seed,
            scheme=self.settings.scheme,
            size=size,
            chunks=chunks,
            stream=stream,
            wanted=[name for name in plan.inputs if name not in constants],
            proposal=aim.proposal if aim else None,
            exact=self.exact,
        )
        together = max(min(TOGETHER, _INPUTS // max(len(plan.inputs), 1)), 1)
        return Scenarios(
            plan, priors.quantities, sampler, constants, distributions, size, chunks, together, questions, aim=aim
        )


def _aim(drawn: Callable[..., Scenarios]) -> Aim:
    """From where scenarios are drawn under measured values: `drawn` gives those from which the values are computed."""
    from simulate.aiming import PILOT, Aim, Pilot, aimed

    priors = drawn(count=PILOT * REPLICATES)
    names = priors.sampler.behind(priors.plan.inputs)

    def pilot(proposal: Proposal | None, number: int) -> Pilot:
        aim = Aim(proposal, 0, 1.0, 1.0, ()) if proposal else None
        scenarios = drawn(count=PILOT * REPLICATES, aim=aim)
        words = scenarios.sampler.words(REPLICATES + number)(0)
        inputs = scenarios.inputs(words)
        columns = {**inputs, **scenarios.plan(inputs)}
        scores = scenarios.sampler.scores(words, names)
        outcomes = scenarios.questions.outcomes(columns, PILOT, REPLICATES + number)
        return Pilot(
            np.array([scores[name] for name in names]).reshape(len(names), PILOT),
            scenarios.questions.log_weights(columns, outcomes),
            scenarios.questions.log_weights(columns, np.ones(PILOT)) if scenarios.questions.given else None,
            np.zeros(PILOT) + scenarios.sampler.log_ratio(words),
            [np.where(outcomes == 1, each.deviation(columns), np.nan) for each in scenarios.questions.observed],
        )

    return aimed(pilot, names)


def chunking(scenarios: int, largest: int = CHUNK) -> tuple[int, int]:
    """The size of a chunk and the chunks a replicate that hold at least the scenarios asked for."""
    each = -(-scenarios // REPLICATES)
    if each <= largest:
        return 1 << (each - 1).bit_length(), 1
    return largest, -(-each // largest)


def in_step(drawn: Mapping[str, Scenarios]) -> dict[str, Scenarios]:
    """Scenarios of several cases, in blocks of the same chunks."""
    fewest = min((each.together for each in drawn.values()), default=TOGETHER)
    return {case: replace(each, together=fewest) for case, each in drawn.items()}


def named_quantities(quantities: Sequence[str] | str | None) -> tuple[str, ...] | Literal["all"]:
    """The quantities that are named, in a list or a text, each once; none where nothing is.

    Raises SimulateError for what is no name.
    """
    if quantities is None:
        return ()
    if isinstance(quantities, str):
        return NAMES.read(quantities, "--quantities")
    return tuple(dict.fromkeys(checked(Names, "quantities", quantities)))


def asked_quantities(priors: Priors, quantities: Sequence[str] | str | None = None) -> tuple[str, ...]:
    """The quantities a run is to give: those named, `all` that can be computed, or the file's own headline.

    Raises SimulateError for a name that there is not, with what may have been meant, and where nothing can be
    computed.
    """
    lacking, asked = priors.lacking, named_quantities(quantities)
    if asked == "all":
        return tuple(name for name in priors.quantities if name not in lacking)
    if named := asked or tuple(dict.fromkeys(priors.run.quantities)):
        read_all(*(partial(check_known, priors, name) for name in named))
        return named
    headline = tuple(name for name in priors.headline if name not in lacking)
    if not headline:
        raise SimulateError("nothing can be computed from these priors; name a quantity or give it what it needs")
    return headline


def _joint_latents(cases: Sequence[Priors]) -> list[Latents]:
    """The copula's parameters of each case, completed so that cases stay paired.

    A correlation with a name that a case does not draw (a constant there) has no meaning in that case, yet decides
    how the uniforms are shared out. So each case takes over the others' pairs of which it does not draw both,
    unless the whole is then no correlation matrix: that case keeps its own.
    """
    own = [
        {(min(link.first, link.second), max(link.first, link.second)): link.latent for link in case.correlations}
        for case in cases
    ]
    joint: list[Latents] = []
    for mine, case in zip(own, cases, strict=True):
        drawn = {name for name, prior in case.priors.items() if not isinstance(prior.distribution, Constant)}
        whole = dict(mine)
        for others in own:
            for pair, value in others.items():
                if not drawn.issuperset(pair):
                    whole.setdefault(pair, value)
        joint.append(whole if _is_correlation(whole) else mine)
    return joint


def _is_correlation(pairs: Latents) -> bool:
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    try:
        triangular_factor(correlation_matrix(names, pairs))
    except DependenceError:
        return False
    return True
