"""Stored results asked again: the same bits, the same figures but for rounding, or what differs and how far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from simulate.backtesting import backtest
from simulate.decisions import decide
from simulate.errors import SimulateError
from simulate.formats import json
from simulate.layout import Section
from simulate.results import Result, Variable, netcdf
from simulate.results.folder import read
from simulate.results.replacing import STORE
from simulate.results.sources import priors_of, restated, whole
from simulate.results.store import LONG, Reader
from simulate.runs import draws, run
from simulate.runs.draws import draw
from simulate.sensitivity.tornado import tornado
from simulate.spelling import path_of
from simulate.spreadsheet import digest_of
from simulate.sweeps import sweep

ROUNDING = 1e-9  # of the largest value along the last dimension: what another build or kind of CPU may change
SHOWN = 5  # differences, the largest
# Attributes that say what decides the last bits, and what is said before their values.
COMPUTED_WITH = {
    "version": "simulate ",
    "python": "Python ",
    "numpy": "numpy ",
    "scipy": "scipy ",
    "system": "",
    "cpu": "",
}


@dataclass(frozen=True)
class Difference:
    """What is otherwise: a variable or an attribute, at `labels` of its dimensions, and how far, relatively."""

    name: str
    labels: tuple[Any, ...]
    stored: Any
    again: Any
    relative: float

    def __str__(self) -> str:
        place = f" at {', '.join(map(str, self.labels))}" if self.labels else ""
        return f"{self.name}{place}: {self.stored} is stored, {self.again} comes out, {self.relative:.1e} off"


@dataclass(frozen=True)
class Verification:
    """What came of asking again: `exact` where no bit differs, `holds` where none does that may not.

    On the same build and kind of CPU, `alike`, none may; elsewhere, or where a result does not say what it was computed
    with, figures may differ by rounding. `differences` has the largest of each variable that is not the same, the
    farthest off first; `versions` tells what the result was computed with, and what it was computed with again.
    """

    question: str
    values: int
    differences: tuple[Difference, ...]
    versions: tuple[dict[str, str], dict[str, str]]

    @property
    def alike(self) -> bool:
        """Whether versions, build and kind of CPU are those that the result was computed with."""
        stored, again = self.versions
        return stored == again

    @property
    def exact(self) -> bool:
        """Whether every bit is the same."""
        return not self.differences

    @property
    def holds(self) -> bool:
        """Whether all figures are the same, but for rounding where that may be otherwise."""
        return self.exact or (not self.alike and all(each.relative <= ROUNDING for each in self.differences))


def verify(source: Any) -> Verification:
    """Ask again what a stored result answers: a folder, a .nc file, a store of draws, a Result or a Dataset.

    Raises SimulateError for what is no result, and for one that does not hold all that it was asked of.
    """
    if isinstance(source, str | PathLike):
        if not str(source).strip():  # which is not the working directory
            raise SimulateError(f"RESULT '{source}': is empty; {netcdf.WANTED}")
        path, where = path_of(source), str(source)
        if path.suffix == STORE:
            return _of_store(Reader(path), where)
        stored = read(path)
    else:
        stored, where = source if isinstance(source, Result) else Result.of_dataset(source), "the result"
    with whole(where):
        ask = _asking(stored, where)
    return compared(stored, ask())


def _of_store(store: Reader, where: str) -> Verification:
    """Set the scenarios in a store beside those that come out again, part by part."""
    largest, values, at = dict[str, Difference](), 0, 0

    def take(part: Result) -> None:
        nonlocal values, at
        stop = at + part["place"].size
        if stop <= store.length:
            found = compared(store.part(at, stop), part, store.described, at)
            values += found.values
            for each in found.differences:
                largest[each.name] = max(each, largest.get(each.name, each), key=lambda each: each.relative)
        at = stop

    with whole(where):
        ask = _asking(store.described, where, partial(draw, take=take))
    found = compared(store.described, ask())
    if at != store.length:
        largest[LONG] = Difference(LONG, (), store.length, at, np.inf)
    differences = sorted([*found.differences, *largest.values()], key=lambda each: -each.relative)
    return replace(found, values=found.values + values, differences=tuple(differences))


def verified_sections(found: Verification, result: str) -> list[Section]:
    """What a person reads of asking a result, named so, again."""
    told = f"{result}: {found.question} asked again, {found.values:,} values:"
    count = len(found.differences)
    off = f"{count} variables differ" if count > 1 else "1 variable differs"
    if found.exact:
        line = f"{told} the same bits."
    elif found.alike:
        line = f"{told} {off}. Build and kind of CPU are those that it was made with, so every bit must be the same."
    elif found.holds:
        line = f"{told} equal to {ROUNDING:g}, but not the same bits. {_made(found)}"
    else:
        line = f"{told} {off} by more than {ROUNDING:g}. {_made(found)}"
    return [Section(remarks=[line, *map(str, found.differences[:SHOWN])])]


def _made(found: Verification) -> str:
    """What a result was made with, as far as that is otherwise than now."""
    stored, again = found.versions
    names = [name for name in COMPUTED_WITH if stored[name] and stored[name] != again[name]]
    if not names:
        return "It does not say on which build and kind of CPU it was made."
    made, now = (", ".join(f"{COMPUTED_WITH[name]}{told[name]}" for name in names) for told in found.versions)
    return f"It was made with {made}; this is {now}."


def verified_plain(found: Verification) -> dict[str, Any]:
    """What came of asking again, as plain data in the envelope of every command."""
    stored, again = found.versions
    differences = [
        {
            "name": each.name,
            "labels": [*map(str, each.labels)],
            "stored": str(each.stored),
            "again": str(each.again),
            "relative": each.relative if np.isfinite(each.relative) else None,
        }
        for each in found.differences
    ]
    verified = {
        "question": found.question,
        "values": found.values,
        "exact": found.exact,
        "alike": found.alike,
        "holds": found.holds,
        "rounding": ROUNDING,
        "versions": {"stored": stored, "again": again},
        "differences": differences,
    }
    return json.envelope("verify", result={"verified": verified})


def _asking(stored: Result, where: str, draw: Callable[..., Result] = draws) -> Callable[[], Result]:
    """What asks the question of a result again; `draw` is what draws scenarios."""
    told = stored.attributes
    if stored.question == "backtest":
        return partial(backtest, _cases(stored, where), seed=told.get("seed"))
    if stored.question not in {"run", "draws", "tornado", "decide", "sweep"}:
        raise SimulateError(
            f"{where}: a result of `simulate {stored.question}` does not hold all that it was asked of; "
            "verify the runs that it rests on"
        )
    priors = priors_of(stored) if stored.question == "run" else restated(stored)
    if priors is None:
        raise SimulateError(f"{where}: its priors do not read the same any more; run the priors file again")
    if stored.question == "run":
        return partial(run, priors, parts=stored.labels("quantity") != stored.provenance["asked"])
    options: dict[str, Any] = {name: told[name] for name in ("scenarios", "seed", "scheme")}
    options |= {name: stored.provenance[name] for name in ("given", "observe")}
    options["quantities"] = stored.labels("quantity")
    if stored.question == "draws":
        return partial(draw, priors, **options)
    options["percentiles"] = stored.labels("percentile")
    if stored.question == "decide":
        return partial(decide, priors, maximize=told["objective"] == "maximize", **options)
    if stored.question == "sweep":
        return partial(sweep, priors, over=told["over"], maximize=told["objective"] == "maximize", **options)
    options |= {name: told[name] for name in ("method", "low", "high")}
    return partial(tornado, priors, percentile=told.get("percentile"), **options)


def _cases(stored: Result, where: str) -> Path | None:
    """The file whose cases a backtest scored, None for those that ship. Raises SimulateError where they are not there.

    A backtest holds what the file was, not what stood in it.
    """
    name, files = stored.attributes["cases_file"], stored.provenance.get("files")
    if not name:
        return None
    if not files:
        raise SimulateError(f"{where}: its cases came from {name}, which cannot be read again; give backtest a file")
    path = path_of(name)
    try:
        digest = digest_of(path)
    except SimulateError as error:
        raise SimulateError(f"{where}: its cases cannot be had any more: {error}", code="file") from None
    if digest != files[0]["sha256"]:
        raise SimulateError(f"{where}: its cases, {name}, have changed since; run backtest again", code="file")
    return path


def compared(stored: Result, again: Result, labelled: Result | None = None, first: int = 0) -> Verification:
    """Set a stored result beside the one that came out again.

    Labels are those of `labelled`, by default the stored one's; places along a dimension without any count from
    `first`.
    """
    differences = [*_attributes(stored, again)]
    ours, theirs = ({**result.coordinates, **result.variables} for result in (stored, again))
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in ours or name not in theirs:
            differences.append(Difference(name, (), name in ours, name in theirs, np.inf))
        elif found := _largest(labelled or stored, name, ours[name], theirs[name], first):
            differences.append(found)
    return Verification(
        stored.question,
        sum(each.values.size for each in ours.values()),
        tuple(sorted(differences, key=lambda each: -each.relative)),
        (_versions(stored), _versions(again)),
    )


def _versions(result: Result) -> dict[str, str]:
    return {name: str(result.attributes.get(name, "")) for name in COMPUTED_WITH}


def _attributes(stored: Result, again: Result) -> Iterator[Difference]:
    for name in dict.fromkeys([*stored.attributes, *again.attributes]):
        one, other = (result.attributes.get(name) for result in (stored, again))
        if name not in COMPUTED_WITH and one != other:
            yield Difference(name, (), one, other, np.inf)


def _largest(labelled: Result, name: str, one: Variable, other: Variable, first: int) -> Difference | None:
    """The largest difference of a variable; None where every bit is the same."""
    if (one.dims, one.values.shape) != (other.dims, other.values.shape):
        return Difference(name, (), one.values.shape, other.values.shape, np.inf)
    if np.object_ in {one.values.dtype.type, other.values.dtype.type}:
        off = np.where(one.values == other.values, 0.0, np.inf)
    else:
        ours, theirs = (np.asarray(each.values, np.float64) for each in (one, other))
        if ours.tobytes() == theirs.tobytes():
            return None
        sizes = np.where(np.isfinite(theirs), np.abs(theirs), 0.0)
        scale = sizes.max(axis=-1, keepdims=True) if sizes.ndim else sizes
        with np.errstate(all="ignore"):
            off = np.abs(ours - theirs) / scale
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        off = np.where(same, 0.0, np.where(np.isnan(off), np.inf, off))
    if not off.any():
        return None
    place = np.unravel_index(int(np.argmax(off)), off.shape)
    labels = [
        (labelled.labels(dim) or range(first, first + size)) for dim, size in zip(one.dims, off.shape, strict=True)
    ]
    at = tuple(each[index] for each, index in zip(labels, place, strict=True))
    return Difference(name, at, one.values[place], other.values[place], float(off[place]))
