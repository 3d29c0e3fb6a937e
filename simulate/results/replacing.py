"""Files replaced as one set, so that whatever ends a run leaves the old set or the new one.

A set is written into a folder of its own, `.writing-...`, beside the folder that it is for, and takes its place in one
step of the system: files of the user's own are linked into it before. Where a folder cannot change its place (it is the
working directory, holds folders, is a mount, or the system has no such step), the set is written inside it and renamed
to `.replacing-...`, from when on it counts: its files are moved out one by one, by whoever comes next if need be.
A store, a folder whose name ends with .zarr, is one thing of a set, as a file is.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from simulate.errors import SimulateError
from simulate.signals import undisturbed

try:
    import fcntl
except ImportError:  # where there are no locks, nothing is swept
    fcntl = None  # type: ignore[assignment]

WRITING, REPLACING = ".writing-", ".replacing-"
GONE = ".gone"  # lists, a line each, what a new set lacks of the old one
STORE = ".zarr"  # ends the name of what is a folder, and one thing of a set
AT_WORKING_DIRECTORY, EXCHANGE = -100, 2  # of Linux; macOS has its own function, whose flag is the same


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let others who lock the folder wait until the block has ended, as far as the system has locks."""
    with ExitStack() as stack:
        with suppress(OSError):
            stack.callback(os.close, _lock(folder))
        yield


def _lock(folder: Path, *, wait: bool = True) -> int:
    """An open folder with a lock, which ends with it or with the process. Raises OSError where there is none."""
    if fcntl is None:
        raise OSError
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        os.close(handle)
        raise
    return handle


class Replacement:
    """A new set of files on its way into a folder, whose earlier files are named by `files`, names or patterns.

    Every method raises SimulateError for what the system refuses.
    """

    def __init__(self, folder: Path, files: Collection[str]) -> None:
        self.folder, self.files = Path(os.path.realpath(folder)), files  # where links lead
        self._named = folder
        self._beside = self.folder
        self._made: list[Path] = []
        self._held = ExitStack()

    def prepare(self) -> None:
        """Make the folder in which the new set is written."""
        with undisturbed(), self._refused():
            self._made = [each for each in (self.folder, *self.folder.parents) if not each.exists()]
            earlier = () if self._made else self._earlier()
            if wrong := [path for path in earlier if path.is_dir() and path.suffix != STORE]:
                raise IsADirectoryError(0, f"{wrong[0].name} in it is a folder")
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.folder.parent):
                complete(self.folder)
                place = self.folder.parent if self._can_change() else self.folder
                for each in {place, self.folder}:
                    _sweep(each)
                beside = place / f"{WRITING}{secrets.token_hex(8)}"
                beside.mkdir()
                self._beside = beside
                with suppress(OSError):
                    self._held.callback(os.close, _lock(beside))

    def write(self, name: str, content: bytes | memoryview, *, further: bool = False) -> None:
        """Write a file of the new set, or one in a store of it, or `further` content behind what it has."""
        path = self._beside / name
        with self._refused():
            if path.parent != self._beside:
                path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab" if further else "wb") as file:
                file.write(content)

    def lengthen(self, name: str, size: int) -> None:
        """Let a file of the new set be of so many bytes, zeros behind what it has."""
        with self._refused():
            os.truncate(self._beside / name, size)

    @property
    def names(self) -> list[str]:
        """The names of the files and stores written."""
        return sorted(path.name for path in self._beside.iterdir())

    def commit(self) -> None:
        """Put the new set in the place of the earlier one, in one step."""
        with self._refused(), locked(self.folder.parent), undisturbed():
            complete(self.folder)
            if self.folder.exists() and not (self._can_change() and self._exchange()):
                self._move_in()
            elif not self.folder.exists():
                self._beside.rename(self.folder)

    def close(self) -> None:
        """Remove what is left of it, and folders that were made for nothing."""
        with undisturbed():
            if self._beside != self.folder:
                shutil.rmtree(self._beside, ignore_errors=True)
            self._held.close()
            with suppress(OSError):  # the first that is not empty is there to stay
                for each in filter(Path.exists, self._made):
                    each.rmdir()

    @contextmanager
    def _refused(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise SimulateError(
                f"{self._named}: the output folder cannot be written: {reason}; choose another with --out", code="file"
            ) from None

    def _earlier(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if any(fnmatch(path.name, each) for each in self.files)]

    def _can_change(self) -> bool:
        """Whether another folder can take the place of this one unnoticed by who works in it."""
        if not self.folder.exists():
            return True
        working, parent, own = Path(os.path.realpath(Path.cwd())), self.folder.parent, self._earlier()
        return (
            self.folder not in (working, *working.parents)
            and self.folder.stat().st_dev == parent.stat().st_dev
            and os.access(parent, os.W_OK | os.X_OK)
            and all(path in own or (path.is_file() and not path.is_symlink()) for path in self.folder.iterdir())
        )

    def _exchange(self) -> bool:
        """Exchange the folder and the new one; whether the system could."""
        if self._beside.parent == self.folder:
            return False
        own, linked = {path.name for path in self._earlier()} | {*self.names}, list[Path]()
        try:
            for path in self.folder.iterdir():
                if path.name not in own:
                    linked.append(self._beside / path.name)
                    linked[-1].hardlink_to(path)
            shutil.copystat(self.folder, self._beside)
            exchange(self.folder, self._beside)
        except OSError:
            for path in linked:
                path.unlink(missing_ok=True)
            return False
        for path in self._beside.iterdir():  # what has come meanwhile
            if path.name not in own and not (self.folder / path.name).exists():
                path.rename(self.folder / path.name)
        return True

    def _move_in(self) -> None:
        """Move the files in one by one, in a way that can be completed from the moment on at which it begins."""
        gone = {path.name for path in self._earlier()} - {*self.names}
        self.write(GONE, "\n".join(sorted(gone)).encode(errors="surrogateescape"))
        self._beside = self._beside.rename(self.folder / self._beside.name.replace(WRITING, REPLACING))
        complete(self.folder)


def complete(folder: Path) -> None:
    """Complete the replacements that were begun in a folder and broken off. The folder's parent is to be locked."""
    for begun in sorted(folder.glob(f"{REPLACING}*")):
        gone = begun / GONE
        names = gone.read_bytes().decode(errors="surrogateescape").split("\n") if gone.exists() else []
        for path in sorted(begun.iterdir()):
            if path != gone:
                if path.is_dir():
                    _remove(folder / path.name)
                path.replace(folder / path.name)
        for name in filter(None, names):
            _remove(folder / name)
        shutil.rmtree(begun)


def _remove(path: Path) -> None:
    """Remove a file or a store, where it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def completed(folder: Path) -> None:
    """The same for one who reads, which is nothing nearly always."""
    if any(folder.glob(f"{REPLACING}*")):
        folder = Path(os.path.realpath(folder))
        with locked(folder.parent), undisturbed():
            complete(folder)


def _sweep(place: Path) -> None:
    """Remove what runs have left that are no more: nobody holds its lock."""
    for left in place.glob(f"{WRITING}*"):
        with suppress(OSError):
            handle = _lock(left, wait=False)
            shutil.rmtree(left, ignore_errors=True)
            os.close(handle)


def exchange(one: Path, other: Path) -> None:
    """Exchange two folders in one step. Raises OSError where the system cannot."""
    library: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    paths = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(*paths, EXCHANGE)
    elif hasattr(library, "renameat2"):
        failed = library.renameat2(AT_WORKING_DIRECTORY, paths[0], AT_WORKING_DIRECTORY, paths[1], EXCHANGE)
    else:
        raise OSError
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
