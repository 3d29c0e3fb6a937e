"""Folds: tasks whose columns are gathered on rulers that a pilot lays out, and replicates put together of pieces."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from simulate import plain
from simulate.backends import Task, Ticks
from simulate.gathering import Gathering, Key, Part, Pilot, finished
from simulate.graph import Quantity
from simulate.replicates import DEVICES, LARGE, Partial, Workers
from simulate.rulers import MOST_VALUES, Bits, Ruler
from simulate.scenarios import PIECE, Piece, Scenarios
from simulate.statistics import Statistic

MOST_PILOTS = 4  # tasks that lay out the rulers


def fold(
    work: Callable[[Gathering[Key], Task, Ticks], Partial],
    tasks: Sequence[Task],
    take: Callable[[Partial], object],
    *,
    keys: Iterable[Key],
    quantities: Mapping[Any, Quantity] | None = None,
    scenarios: int,
    pilots: Sequence[Task],
    pilot: int,
    at_once: int = LARGE,
    workers: Workers,
    what: str,
    steps: Callable[[Task], int],
    on_device: bool = False,
    first: int = 0,
) -> None:
    """Work off the tasks from the `first` one on, each with a gathering of its own, as `Workers.fold` does.

    All gatherings count on the same rulers, which the `pilots` lay out, tasks of `pilot` scenarios: as many as it
    takes. `quantities` are those of the columns that have bounds, by key; `scenarios` are those of all tasks, of which
    most calls take so many `at_once`.
    """
    keys = tuple(keys)
    rulers: dict[Key, Ruler] = dict.fromkeys(keys, Bits())
    if scenarios > MOST_VALUES:
        found, taken = Pilot(keys), 0
        for task in pilots[:MOST_PILOTS]:
            work(found, task, iter)
            taken += pilot
            if found.suffices():
                break
        rulers = found.rulers(taken / scenarios)

    def worked(task: Task, ticks: Ticks) -> Partial:
        return work(Gathering(rulers, quantities), task, ticks)

    workers.fold(
        worked,
        tasks,
        take,
        what=what,
        steps=steps,
        scenarios=scenarios,
        known=keys,
        at_once=at_once,
        on_device=on_device,
        first=first,
    )


def fold_replicates(
    work: Callable[[Gathering[Key], Piece, Ticks], Partial],
    drawn: Scenarios,
    take: Callable[[Mapping[Key, Part], Partial], object],
    *,
    keys: Iterable[Key],
    statistics: Sequence[Statistic],
    workers: Workers,
    join: Callable[[Partial, Partial], object] = lambda _first, _next: None,
    quantities: Mapping[Any, Quantity] | None = None,
    what: str = "scenarios",
    steps: Callable[[Piece], int] | None = None,
    on_device: bool = False,
    state: Any = None,
) -> None:
    """Work off the pieces of scenarios as `fold` does, and take the parts of each replicate's columns.

    What the work itself returns is taken beside them: `join` adds that of a replicate's next piece to that of its
    first. The steps are as many as the scenarios have unless given. `state` is an object that holds all that taking
    changes: where it is given, the workers' checkpoint holds it, and what is here of a replicate.
    """
    keys, pieces = tuple(keys), drawn.pieces(DEVICES.get(workers.device, PIECE))
    each = len(pieces) // drawn.replicates
    together = len(pieces) if drawn.are_few else each  # pieces after which what is here is finished and taken
    begun: list[tuple[Gathering[Key], Partial]] = []  # replicates that have not been taken, the last perhaps in part
    checkpoint = None if state is None else workers.checkpoint
    first = 0
    if checkpoint and (saved := checkpoint.enter((*keys, *statistics))):
        first, begun, earlier = saved
        plain.fill(state, earlier)
    numbers = count(first + 1)

    def worked(gathering: Gathering[Key], piece: Piece, ticks: Ticks) -> tuple[Gathering[Key], Partial]:
        own = work(gathering, piece, ticks)
        if together == 1:
            gathering.finish(statistics)
        return gathering, own

    def taken(found: tuple[Gathering[Key], Partial]) -> None:
        done = next(numbers)
        if done % each == 1 % each:
            begun.append(found)
        else:
            begun[-1][0].merge(found[0])
            join(begun[-1][1], found[1])
        if done % together == 0:
            if together > 1:
                finished([gathering for gathering, _ in begun], statistics)
            for gathering, own in begun:
                take(gathering.parts, own)
            begun.clear()
        if checkpoint:
            checkpoint.save((done, begun, state.__getstate__()), over=done == len(pieces))

    fold(
        worked,
        pieces,
        taken,
        keys=keys,
        quantities=quantities,
        scenarios=drawn.count,
        pilots=[*map(drawn.pilot, range(drawn.replicates))],
        pilot=drawn.size,
        at_once=drawn.at_once,
        workers=workers,
        what=what,
        steps=drawn.steps if steps is None else steps,
        on_device=on_device,
        first=first,
    )
