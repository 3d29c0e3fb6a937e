"""From the keys of a priors file to a distribution."""

import functools
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulate.distributions import beta, bounded, discrete, metalog, unbounded
from simulate.distributions.derived import Truncated
from simulate.distributions.other_names import family_meant, mend_of
from simulate.distributions.protocol import Distribution, Numbers, ParameterError, Percentile, Positive, inside
from simulate.distributions.truncation import LEAST, through_truncated
from simulate.distributions.values import described, listed, number
from simulate.spelling import path_of

FAMILIES = {**bounded.FAMILIES, **beta.FAMILIES, **unbounded.FAMILIES, **metalog.FAMILIES, **discrete.FAMILIES}
PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)", re.ASCII)
COUNTS = ("no percentiles", "one percentile", "two percentiles", "three percentiles")
BOUNDS = {"lower", "upper"}
TRIED = f" of which {LEAST:g} or more lies between these bounds"
EPSILON = float(np.finfo(np.float64).eps)
OUTERMOST = np.array([2.0**-33, 0.5, 1 - 2.0**-33])  # probabilities that are drawn at all, and the median


def distribution(
    family: str, parameters: Mapping[str, Any], folder: Path = Path(), other_keys: Collection[str] = ()
) -> Distribution:
    """The distribution that a table of a priors file states.

    `parameters` are the keys that belong to the family, as TOML gives them; `folder` is where the path of a
    file starts; `other_keys` are further keys of such a table, for suggestions. The bounds `lower` and `upper`
    truncate a family without bounds: percentiles are then those of the truncated distribution, other
    parameters those of the family itself. Raises ParameterError.
    """
    if family not in FAMILIES:
        mend = family_meant(family, FAMILIES, listed(FAMILIES))
        raise ParameterError("dist", f"there is no family {family!r}{mend}")
    kind = FAMILIES[family]
    percentiles, keys, limits = [], {}, {}
    for key, value in parameters.items():
        if re.fullmatch(r"p\d+", key) and isinstance(value, Mapping):
            full = f'"{key}.{next(iter(value), "5")}"'
            raise ParameterError(key, f"a key with a dot needs quotes; write {full} = ...")
        if PERCENTILE.fullmatch(key):
            percentiles.append(key)
        elif kind.truncatable and key in BOUNDS:
            limits[key] = value
        else:
            keys[key] = value
    form = chosen_form(family, keys, percentiles, other_keys)
    arguments = {key: read(form.kinds[key], key, value, folder) for key, value in keys.items()}
    limits = {key: number(key, value) for key, value in limits.items()}
    points = in_order([(key, number(key, parameters[key])) for key in percentiles])
    stated = {**form.defaults, **arguments, **limits}
    lower, upper = stated.get("lower", -np.inf), stated.get("upper", np.inf)
    if not lower < upper:
        raise ParameterError("lower", f"{lower:g} is not below upper = {upper:g}; put them in order")
    inside(lower, upper, *points)
    build = functools.partial(form.build, **arguments)
    try:
        with np.errstate(all="ignore"):
            if limits and points:
                return met(family, through_truncated(build, points, lower, upper), points, tried=TRIED)
            return met(family, [Truncated(build(), lower, upper) if limits else build(*points)], points)
    except (OverflowError, ZeroDivisionError):
        raise ParameterError(None, "its values leave the range of numbers; mend the parameters") from None


def met(family: str, fits: Iterable[Distribution], points: Sequence[Percentile], tried: str = "") -> Distribution:
    """The first of the fits that has the percentiles; raises ParameterError where none has, saying what was `tried`."""
    fault = ParameterError(None, "")
    for built in fits:
        try:
            missed = unmet(built, points)
        except ParameterError as error:
            fault = error
            continue
        if missed is None:
            return built
        fault = ParameterError(missed.key, f"no {family}{tried} meets it; move the percentiles or take another family")
    raise fault


def unmet(built: Distribution, points: Sequence[Percentile]) -> Percentile | None:
    """The first of the percentiles that is not met to 1e-9; raises ParameterError unless all that is drawn is finite.

    Near 0 the stated percentiles are the measure, and where they lie close together: the distribution through others
    may be as wide as one likes.
    """
    quartiles = built.quantile([0.25, 0.5, 0.75])
    if not np.isfinite(np.ptp([quartiles, built.quantile(OUTERMOST, OUTERMOST[::-1])])):
        raise ParameterError(None, "its values leave the range of numbers; mend the parameters")
    spread = points[-1].value - points[0].value if len(points) > 1 else np.inf
    for at in points:
        error = abs(float(built.quantile(at.p, at.q)) - at.value)
        rounding = max(16 * EPSILON * abs(at.value), 1e-12 * min(spread, quartiles[2] - quartiles[0]))
        if not error <= max(min(1e-9 * abs(at.value), 1e-4 * spread), rounding):
            return at
    return None


class Form(NamedTuple):
    """One way to state a family: what builds it, the keys it takes and how many percentiles."""

    build: Callable[..., Distribution]
    kinds: Mapping[str, Any]
    defaults: Mapping[str, Any]
    percentiles: int

    @property
    def required(self) -> tuple[str, ...]:
        """The keys that have no default."""
        return tuple(key for key in self.kinds if key not in self.defaults)

    def __str__(self) -> str:
        counted = (f"{COUNTS[self.percentiles]} (p5, p50, ...)",) if self.percentiles else ()
        return ", ".join(self.required + counted)


@functools.cache
def forms(kind: type[Distribution]) -> tuple[Form, ...]:
    """The ways to state a family: its constructor and its classmethods named ``from_...``."""
    found = []
    for build in (kind, *(getattr(kind, name) for name in vars(kind) if name.startswith("from_"))):
        signature = inspect.signature(build, eval_str=True).parameters
        kinds = {key: at.annotation for key, at in signature.items() if at.annotation is not Percentile}
        defaults = {key: at.default for key, at in signature.items() if at.default is not at.empty}
        found.append(Form(build, kinds, defaults, len(signature) - len(kinds)))
    return tuple(found)


def chosen_form(family: str, keys: Collection[str], percentiles: Sequence[str], other_keys: Collection[str]) -> Form:
    """The form that these keys state; raises ParameterError saying which is unknown, missing or too many."""
    kind = FAMILIES[family]
    ways = forms(kind)
    for form in ways:
        if form.percentiles == len(percentiles) and set(form.required) <= set(keys) <= set(form.kinds):
            return form

    optional = dict.fromkeys(key for form in ways for key in (*form.defaults, *sorted(BOUNDS) * kind.truncatable))
    may = f", and may have {', '.join(optional)}" if optional else ""
    takes = f"{family} takes {' | '.join(str(form) for form in ways)}{may}"
    candidates = [form for form in ways if form.percentiles] if percentiles else ways
    if not candidates:
        use = "use a metalog, which three determine" if issubclass(kind, bounded.ThreePoints) else takes
        raise ParameterError(percentiles[0], f"{kind.refuses_percentiles}; {use}")
    if not keys and not percentiles:
        raise ParameterError(None, f"parameters missing; {takes}")
    # what is meant: the form that shares most with what is given
    likely = max(candidates, key=lambda form: len(set(form.kinds) & set(keys)))
    lacking = [key for key in likely.required if key not in keys]
    all_keys = {key for form in ways for key in form.kinds} | (BOUNDS if kind.truncatable else set())
    for key in keys:
        if key not in all_keys:
            known = (*lacking, *sorted(all_keys - set(keys)), *other_keys)
            raise ParameterError(key, f"unknown key{mend_of(family, key, known, takes)}", alone=True)
    for key in keys:
        if key not in likely.kinds:
            others = [*(other for other in keys if other in likely.kinds), *percentiles]
            raise ParameterError(key, f"does not go together with {', '.join(others)}; {takes}")
    if len(percentiles) != likely.percentiles:
        needed = f"{COUNTS[likely.percentiles]} determine{'s' * (likely.percentiles == 1)} it"
        surplus = percentiles[-1] if len(percentiles) > likely.percentiles else None
        raise ParameterError(surplus, f"{needed}, {len(percentiles)} given; {takes}")
    raise ParameterError(None, f"{' and '.join(lacking)} missing; {takes}")


def in_order(stated: Iterable[tuple[str, float]]) -> list[Percentile]:
    """Percentiles by increasing p; raises ParameterError where the values do not increase with them."""
    points = []
    for key, value in stated:
        share = Fraction(key[1:]) / 100
        if not 0 < share < 1:
            raise ParameterError(key, "a percentile lies between p0 and p100; give one inside, or a bound", alone=True)
        points.append(Percentile(key, float(share), float(1 - share), value))
    points.sort(key=lambda at: at.p)
    for first, second in pairwise(points):
        if first.p == second.p:
            raise ParameterError(second.key, f"the same percentile as {first.key}; remove one")
        if first.value == second.value:
            mend = f"spread them, or give a constant: value = {first.value:g}"
            raise ParameterError(second.key, f"equal to {first.key}; {mend}", alone=True)
        if first.value > second.value:
            wrong = f"{first.key} = {first.value:g} is above {second.key} = {second.value:g}"
            raise ParameterError(first.key, f"percentiles in the wrong order: {wrong}; exchange them", alone=True)
    return points


def read(kind: Any, key: str, value: Any, folder: Path) -> Any:
    """A value of the kind that a form's parameter is annotated with; raises ParameterError."""
    if kind in (float, Positive):
        found = number(key, value)
        if kind is Positive and not found > 0:
            raise ParameterError(key, f"{found:g} is not above 0; give a positive number")
        return found
    if kind in (str, Path) or (kind == Numbers | str and isinstance(value, str)):
        if not isinstance(value, str):
            raise ParameterError(key, f"must be text, not {described(value)}; put it in quotes", alone=True)
        if "\0" in value:
            raise ParameterError(key, "holds the character NUL, which nothing is named by; take it out")
        if kind is Path and not value.strip():
            raise ParameterError(key, "is empty; name a CSV file")
        return folder / path_of(value) if kind is Path else value
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ParameterError(key, f"must be a list, not {described(value)}; write [...]", alone=True)
    if kind == tuple[Distribution, ...]:
        return tuple(component(key, place, table, folder) for place, table in enumerate(value, 1))
    return tuple(number(key, item) for item in value)


def component(key: str, place: int, table: Any, folder: Path) -> Distribution:
    """A component of a mixture from its inline table; raises ParameterError for the whole list."""
    where = f"component {place}"
    if not isinstance(table, Mapping):
        raise ParameterError(key, f"{where} must be a table, not {described(table)}; write {{dist = ..., ...}}")
    inner = dict(table)
    family = inner.pop("dist", "constant" if "value" in inner else None)
    if not isinstance(family, str):
        raise ParameterError(key, f"{where} lacks the name of its family; write {{dist = ..., ...}}")
    try:
        return distribution(family, inner, folder, ("dist",))
    except ParameterError as error:
        at = f"{where}, {error.key}" if error.key else where
        raise ParameterError(key, f"{at}: {error}") from None
