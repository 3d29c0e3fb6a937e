"""Checkpoints: what a long run has found so far, saved at intervals, from which another goes on to the same bits."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulate import plain
from simulate.errors import SimulateError
from simulate.reading import contents_of
from simulate.writing import write_whole

NAME = "checkpoint.npz"
FILES = (NAME, f".{NAME}-*")  # with what a kill leaves of one that was being written
LARGEST = 2**32  # bytes
_TIMES = 100  # as long as it takes to save one, until the next
ANEW = "leave out --resume, and the run starts anew"


class Checkpoint:
    """The checkpoint of a run in a folder; with `resume` the run goes on from the one that lies there, if any does.

    A run goes through rounds, of which only the last counts, and a round through folds. Of those that are over the end
    is kept, of the one in hand how it stood last; `interval` are the seconds from one saving to the next, at least, 0
    lets it be saved after each task. Raises SimulateError for a checkpoint that cannot be read.
    """

    def __init__(self, folder: Path, *, resume: bool, interval: float) -> None:
        self.path, self.interval = folder / NAME, interval
        self.round: int | None = None  # the scenarios of it
        self._of: dict[str, Any] = {}
        self._folds = dict[int, NDArray[np.uint8]]()  # by their places, each as `plain` stores it
        self._place = 0
        self._known: Sequence[Any] = ()
        self._begun = time.monotonic()
        self._due = self._begun + interval
        self.found = resume and self.path.exists()
        if self.found:
            self._of, self.round, self._folds = self._understood(self._content(), whole=True)

    def open(self, of: Mapping[str, Any]) -> None:
        """Say what the run is by named texts and the like. Raises SimulateError where what was found is of another."""
        told: dict[str, Any] = json.loads(json.dumps(of))
        if self.found and (other := [each for each in {**told, **self._of} if told.get(each) != self._of.get(each)]):
            raise SimulateError(f"{self.path}: is of another run, by its {', '.join(other)}; {ANEW}", code="file")
        self._of = told

    def begin(self, scenarios: int) -> None:
        """Begin a round of so many scenarios: what was found is of use if it is the same one."""
        if scenarios != self.round:
            self.round, self._folds = scenarios, {}
        self._place = 0

    def enter(self, known: Sequence[Any]) -> Any:
        """Enter the next fold of the round: its state that was saved last, None where none was.

        `known` are objects that the fold has whoever works it off, so that its states only name them.
        """
        self._place += 1
        self._known = known
        found = self._folds.get(self._place)
        return None if found is None else self._understood(found.tobytes(), known)

    def save(self, state: Any, *, over: bool) -> None:
        """Save a state of the fold that was entered last, if it is time; `over` says that it is that of the end."""
        now = time.monotonic()
        due = now >= self._due
        if not due and not (over and now >= self._begun + self.interval):
            return
        folds = {**self._folds, self._place: np.frombuffer(plain.stored(state, self._known), np.uint8)}
        if over:
            self._folds = folds
        if due:
            self._write(plain.stored((self._of, self.round, folds)))
            ended = time.monotonic()
            self._due = ended + (max(self.interval, _TIMES * (ended - now)) if self.interval else 0.0)

    def _content(self) -> bytes:
        try:
            return contents_of(self.path, LARGEST)
        except OSError as error:
            fault = f"cannot be read: {error.strerror or error}"
            raise SimulateError(f"{self.path}: {fault}; {ANEW}", code="file") from None

    def _understood(self, content: bytes, known: Sequence[Any] = (), *, whole: bool = False) -> Any:
        try:
            found = plain.restored(content, known)
            if whole and [*map(type, found)] != [dict, int, dict]:
                raise TypeError  # noqa: TRY301
        except Exception:  # noqa: BLE001 - what is damaged can have one of any kind
            raise SimulateError(f"{self.path}: is damaged, or no checkpoint; {ANEW}", code="file") from None
        return found

    def _write(self, content: bytes) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, content)
        except OSError as error:
            raise SimulateError(f"{self.path}: cannot be written: {error.strerror or error}", code="file") from None
