"""What a run is asked for, checked by the same types whether it comes from a file, an option or a script."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from simulate.backends import BACKENDS
from simulate.errors import Fault, SimulateError, read_all
from simulate.grammar import NUMBERS
from simulate.sampling.schemes import SCHEMES
from simulate.spreadsheet import read_number

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MOST_SCENARIOS = 10**15  # that can be asked for
LIMIT = "SIMULATE_MOST_SCENARIOS"  # in the environment: no run may have more, whoever asks for it
TODAY = "SIMULATE_TODAY"  # in the environment: the day by which prices are told to be old
INTERVAL = "SIMULATE_CHECKPOINT_SECONDS"  # in the environment: from one checkpoint of a run to the next, at least
EXPECTED = {  # pydantic's types of error: what was expected
    "string_type": "text in quotes",
    "string_unicode": "text that UTF-8 can write",
    "string_pattern_mismatch": "text without the character NUL",
    "literal_error": "text in quotes",
    "float_type": "a number without quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "a finite number",
    "list_type": "a list in square brackets",
    "tuple_type": "a list in square brackets",
    "too_short": "a list of one or more, or be left out",
}


def _plain(value: Any) -> Any:
    """A number or an array of numpy's as Python's own."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _whole(value: Any) -> Any:
    """A number that is whole, such as 1e5, as an int."""
    plain = _plain(value)
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain


def most_scenarios() -> int:
    """How many scenarios a run may have at most, by the environment. Raises SimulateError for what is no count."""
    stated = os.environ.get(LIMIT)
    most: int = checked(Count, LIMIT, read_number(stated) or stated) if stated else MOST_SCENARIOS
    return most


def checkpoint_interval() -> float:
    """The seconds from one checkpoint to the next, by the environment. Raises SimulateError for what is no time."""
    stated = os.environ.get(INTERVAL)
    number = read_number(stated) if stated else 30.0
    seconds: float = checked(Seconds, INTERVAL, stated if number is None else number)
    return seconds


def today() -> str:
    """The day, as 2026-11-28, by which what ages is told: the clock's in UTC unless the environment says otherwise.

    Raises SimulateError for what is no day.
    """
    stated = os.environ.get(TODAY)
    if not stated:
        return dt.datetime.now(dt.UTC).date().isoformat()
    try:
        return dt.date.fromisoformat(stated).isoformat()
    except ValueError:
        raise SimulateError(Fault("is no day; write for instance 2026-11-28", key=f"{TODAY}='{stated}'")) from None


def _listed(value: Any) -> Any:
    """A list, or whatever else can be gone through, as a tuple."""
    plain = _plain(value)
    listed = isinstance(plain, Iterable) and not isinstance(plain, str | bytes | Mapping)
    return tuple(_plain(each) for each in plain) if listed else plain


def _texts(value: Any) -> Any:
    """Texts as a tuple, one alone too."""
    return (value,) if isinstance(value, str) else _listed(value)


def _numbers(value: Any) -> Any:
    """Numbers as a tuple, also those of a text such as '5,50'."""
    return NUMBERS.values(value) if isinstance(value, str) else _listed(value)


def _in_order(percents: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted(set(percents)))


def _address(text: str) -> str:
    if not re.fullmatch(r"(tcp|tls|wss?)://\S+:\d+", text):
        raise ValueError(f"must be an address such as tcp://host:8786, not {written(text)}")
    return text


Count = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=MOST_SCENARIOS)]
Seed = Annotated[int, BeforeValidator(_whole), Field(ge=0, lt=2**63)]
Percent = Annotated[float, BeforeValidator(_plain), Field(gt=0, lt=100)]
Percents = Annotated[tuple[Percent, ...], BeforeValidator(_numbers), Field(min_length=1), AfterValidator(_in_order)]
Seconds = Annotated[float, BeforeValidator(_plain), Field(ge=0)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Scheme = Annotated[str, AfterValidator(SCHEMES.known)]
Backend = Annotated[str, AfterValidator(BACKENDS.known)]
Scheduler = Annotated[str, AfterValidator(_address)]
WorkerCount = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=4096)]


class RunTable(BaseModel):
    """How many scenarios are drawn, how, and what is told of them.

    Options of a command go before it, and it goes before that of a file that is extended, key by key.

        [run]
        scenarios = 1e5
        quantities = ["capex", "opex_per_year"]
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    scenarios: Count = Field(default=1_000_000, description="How many are drawn.")
    seed: Seed = Field(default=20230214, description="The same seed gives the same result, to the bit.")
    scheme: Scheme = Field(
        default="sobol", description="How they are drawn.\n\n`simulate explain schemes` lists the ways."
    )
    percentiles: Percents = Field(default=(5.0, 25.0, 50.0, 75.0, 95.0), description="Which are told.")
    quantities: Names = Field(default=(), description="Which are told; an empty list is the headline.")
    fail_if: Texts = Field(
        default=(), description="Gates of run and compare.\n\n`simulate explain gate` tells how they look."
    )


class Settings(RunTable):
    """What `[run]` says and what was asked of one run besides, as texts.

    `given` and `observe` are its conditions and measured values, which other questions take too; probabilities,
    further statistics and a precision are for `run` alone.
    """

    given: Texts = ()
    observe: Texts = ()
    probability: Texts = ()
    statistics: Texts = ()
    precision: str | None = None

    def asked(self, **changes: Any) -> Settings:
        """These settings with others in their place; None leaves one. Raises SimulateError, naming each at fault.

        So it does where there are more scenarios than the environment allows, whoever stated them.
        """
        settings, faults = self.read(**changes)
        read_all(faults=faults)
        return settings

    def read(self, **changes: Any) -> tuple[Settings, list[Fault]]:
        """The same where more is to be read beside: what is at fault is left out of the settings."""
        wanted = {**dict(self), **{name: value for name, value in changes.items() if value is not None}}
        faults: dict[Any, Fault] = {}
        try:
            settings = Settings(**wanted)
        except ValidationError as invalid:
            for error in invalid.errors(include_url=False):
                faults.setdefault(error["loc"][0], _fault(error))  # one for each setting
            settings = Settings(**{name: value for name, value in wanted.items() if name not in faults})
        most = most_scenarios()
        if settings.scenarios > most and "scenarios" not in faults:
            over = f"must be at most {most:_} here, by {LIMIT}, not {settings.scenarios:_}"
            faults["scenarios"] = Fault(over, key="scenarios")
        return settings, [*faults.values()]

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions and measured values."""
        return (*self.given, *self.observe)

    def of_any_question(self) -> Settings:
        """These settings without what some questions do not ask."""
        return self.model_copy(update={"probability": (), "statistics": (), "precision": None, "fail_if": ()})

    def left_out(self, where: str, *, gates: bool = True) -> list[str]:
        """What another question than `run`, named by `where`, does not tell of what was asked, a line each kind.

        That of `gates` is left away where they are judged.
        """
        options = [*(f"--probability '{text}'" for text in self.probability)]
        options += [f"--statistic '{text}'" for text in self.statistics]
        told = [f"{where}: {' '.join(options)} left out, for only `simulate run` tells that"] if options else []
        if gates and self.fail_if:
            told.append(f"{where}: no gate of fail_if is judged; ask `simulate run` or `simulate compare`")
        return told


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))


def checked(kind: Any, name: str, value: Any) -> Any:
    """A value of one of the types above. Raises SimulateError, saying what is wrong with `name`."""
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as invalid:
        raise SimulateError(_fault(invalid.errors(include_url=False)[0], name)) from None


def _fault(error: ErrorDetails, *names: str) -> Fault:
    key = ".".join([*filter(None, names), *(part for part in error["loc"] if isinstance(part, str))])
    return Fault(fault_of(error["type"], error["input"], error.get("ctx", {})), key=key)


def fault_of(kind: str, value: Any, context: Mapping[str, Any]) -> str:
    """What pydantic has found wrong with a value, in our words."""
    found = f", not {written(value)}"
    match kind:
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            than = kind.replace("_", " ").replace("than equal", "than or equal to")
            return f"must be {than} {_bound(next(iter(context.values())))}{found}"
        case "float_type" if type(value) is int:
            return "is too large; a number lies below 1e308"
        case "float_type" if isinstance(value, str) and value.rstrip().endswith("%"):
            return f'must be a number without quotes{found}; write 10% as 10, with unit = "%"'
        case "value_error":
            return str(context["error"])
    return f"must be {EXPECTED.get(kind, 'another value')}{found}"


def _bound(bound: float) -> str:
    large = isinstance(bound, int) and bound > 2**53
    return f"2^{bound.bit_length() - 1}" if large else f"{bound:g}"  # type: ignore[attr-defined]


def written(value: Any) -> str:
    """A value as TOML writes it, cut short."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            text = f'"{value}"'
        case dict():
            return "a table"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case int():
            text = str(value) if abs(value) < 10**40 else "a number of that size"
        case _:
            text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."
