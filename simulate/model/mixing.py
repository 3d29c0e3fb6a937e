"""Mixing: the quantities of each kind of traffic beside the model's, and their mix in place of what a kind has alone.

A kind's are the model's of demand and sessions again, by names such as chat_input_tokens. What a kind does not state of
its sessions is that of all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from operator import add
from typing import Any

from simulate.composing import Function
from simulate.graph import Array, Quantity, quantity_of
from simulate.model import sessions
from simulate.model.kinds import (
    MIXED,
    TOLD,
    cost,
    questions_per_day,
    rest,
    share,
    share_of_time,
    share_of_tokens,
    stated_share,
    total,
    volume,
)

Kinds = Mapping[str, frozenset[str]]  # what each kind states, by its name

LENGTHS = ("output_tokens", "output_tokens_variation")  # of which each kind has its own
FOR_ALL = frozenset({"held_prefix_tokens", "held_prefix_bytes", "prefix_memory", "held_prefixes_fit"})


@dataclass(frozen=True)
class Part:
    """The share of the kind at a place, of shares or numbers of all kinds."""

    place: int

    def __call__(self, *every: Array) -> Array:
        """What the share comes to."""
        return every[self.place] / reduce(add, every)


@dataclass(frozen=True)
class Mixed:
    """A function of columns, of which some parameters take one of each kind."""

    function: Function
    counts: tuple[int, ...]  # columns of each parameter, 0 for one that is of no kind

    @property
    def __wrapped__(self) -> Function:
        return self.function

    def __call__(self, *columns: Any) -> Any:
        """What the function gives."""
        left = iter(columns)
        return self.function(
            *(tuple(next(left) for _ in range(count)) if count else next(left) for count in self.counts)
        )


OF_SESSIONS = {
    name
    for name, each in vars(sessions).items()
    if isinstance(each, Quantity) or getattr(each, "__module__", "") == sessions.__name__
}
SCOPE = {name for name in OF_SESSIONS | MIXED.keys() if not name.startswith("_")} - FOR_ALL  # what a kind may have


def mix_of(kinds: Kinds) -> tuple[str, ...]:
    """The quantities that kinds give together."""
    counted = any("questions_per_day" in stated for stated in kinds.values())
    return (*MIXED, *(["questions_per_day"] if counted else []))


def names_of(kind: str) -> set[str]:
    """All names that a kind may make."""
    return {f"{kind}_{name}" for name in (*SCOPE, *TOLD, "share", "questions_per_day")}


def of_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    """What is told of kinds unless something else is asked for."""
    return tuple(f"{kind}_{name}" for kind in kinds for name in TOLD[1:])


def with_kinds(quantities: Mapping[str, Quantity], kinds: Kinds) -> dict[str, Quantity]:
    """The quantities of a model with those of each kind, and in place of what these state alone their mix."""
    found = dict(quantities)
    for kind, stated in kinds.items():
        own = _own(quantities, stated)
        for name in own:
            needs = tuple(f"{kind}_{need}" if need in own else need for need in quantities[name].needs)
            found[f"{kind}_{name}"] = replace(_of(kind, name, quantities[name]), needs=needs)
        held = f"{kind}_held_token_seconds"
        found[held] = replace(found[held], default=0.0)  # of a kind without sessions nothing is held
    found |= _shares(kinds)
    for name, function in MIXED.items():
        many = {each: hint is not Array for each, hint in function.__annotations__.items() if each != "return"}
        columns = [[f"{kind}_{each}" for kind in kinds] if many[each] else [each] for each in many]
        mixed = Mixed(function, tuple(len(kinds) * each for each in many.values()))
        found[name] = quantity_of(name, function, mixed, tuple(chain.from_iterable(columns)))
    for kind in kinds:
        found |= _told(kind)
    return found


def _own(quantities: Mapping[str, Quantity], stated: Iterable[str]) -> dict[str, None]:
    """The quantities of which a kind has its own, in the model's order: what it states, and what hangs on that."""
    own = {*LENGTHS, *SCOPE.intersection(stated)}
    while more := {name for name in SCOPE - own if own.intersection(quantities[name].needs)}:
        own |= more
    return {name: None for name in quantities if name in own}


def _of(kind: str, name: str, quantity: Quantity) -> Quantity:
    """A quantity by the name of a kind."""
    label, _, rest_of_it = quantity.definition.partition(":")
    return replace(quantity, name=f"{kind}_{name}", definition=f"{label}, {kind.replace('_', ' ')}:{rest_of_it}")


def _shares(kinds: Kinds) -> dict[str, Quantity]:
    """Each kind's share of the questions, or their number, as they are stated, and what the share comes to."""
    counted = "questions_per_day" in mix_of(kinds)
    stated_name, stated_as = ("questions_per_day", questions_per_day) if counted else ("share", share)
    resting = [kind for kind, stated in kinds.items() if stated_name not in stated] if not counted else []
    resting = resting if len(resting) == 1 < len(kinds) else []
    names = {kind: f"{kind}_{stated_name}" for kind in kinds if kind not in resting}
    found = {name: _of(kind, stated_name, stated_as) for kind, name in names.items()}
    for kind in kinds:
        needs = (names[kind],) if resting and kind not in resting else tuple(names.values())
        function = rest if kind in resting else stated_share if resting else Part([*names].index(kind))
        of_questions = quantity_of("", stated_share, function, needs)
        found[f"{kind}_share_of_questions"] = _of(kind, "share_of_questions", of_questions)
        if not counted:
            given = quantity_of("", volume, volume, ("questions_per_day", f"{kind}_share_of_questions"))
            found[f"{kind}_questions_per_day"] = _of(kind, "questions_per_day", given)
    if counted:
        found["questions_per_day"] = quantity_of("questions_per_day", total, total, tuple(names.values()))
    return found


def _told(kind: str) -> dict[str, Quantity]:
    """What is told of a kind in the mix."""
    own = {
        "own_input": "input_tokens",
        "own_output": "output_tokens",
        "own_context": "context_tokens",
        "own_hits": "prompt_cache_hit_rate",
        "own_attended": "attended_tokens",
        **{name: name for name in TOLD[:3]},
    }
    found = {}
    functions: dict[str, Function] = {TOLD[1]: share_of_tokens, TOLD[2]: share_of_time, TOLD[3]: cost}
    for name, function in functions.items():
        needs = [each for each in function.__annotations__ if each != "return"]
        renamed = tuple(f"{kind}_{own[each]}" if each in own else each for each in needs)
        found[f"{kind}_{name}"] = _of(kind, name, quantity_of("", function, function, renamed))
    return found
