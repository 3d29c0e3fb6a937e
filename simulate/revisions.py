"""Files as they were: REVISION:PATH names a file of the git repository of the working directory, as git itself does.

A file that exists under the whole name goes before. What the file extends and the tables of data that it names are
those of the same revision.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from simulate.errors import SimulateError, suggestion
from simulate.reading import contents_of, too_long
from simulate.spelling import file_name

if TYPE_CHECKING:
    import subprocess

LONGEST = 4096  # characters of a name, more than systems take


class Revised(NamedTuple):
    """A file at a revision: the path is from the root of the repository, or begins with a point, from here."""

    revision: str
    path: str

    def __str__(self) -> str:
        return f"{self.revision}:{self.path}"

    @property
    def name(self) -> str:
        """What results of it are called: base-at-main."""
        return file_name(f"{posixpath.basename(self.path).removesuffix('.toml')}-at-{self.revision}")


def revised(name: str | os.PathLike[str]) -> Revised | None:
    """The file at a revision that is named, its path without detours; None for a name of another kind."""
    text = os.fspath(name)
    revision, _, path = text.partition(":")
    if not (path.strip("/") and text.isprintable() and len(text) < LONGEST) or revision[:1] in {"", " ", *"-/.~"}:
        return None
    if os.path.lexists(text):
        return None
    short = posixpath.normpath(path.lstrip("/"))
    return Revised(revision, f"./{short}" if path.startswith("./") else short)


def folder_of(path: Path) -> Path:
    """The folder in which a file lies, at its revision where it has one."""
    file = revised(path)
    return path.parent if file is None else Path(f"{file.revision}:{posixpath.dirname(file.path)}")


def unreadable(file: Revised) -> str:
    """Say why there is no file of that name at the revision; '' where there is one."""
    try:
        kind = _git("cat-file", "-t", str(file))
    except FileNotFoundError:
        return "does not exist, and git, which would read it from a revision, is not installed"
    if kind.returncode == 0:
        return "is a folder; name a priors file in it" if kind.stdout.strip() != b"blob" else ""
    if _git("rev-parse", "--git-dir").returncode:
        return "does not exist, and the working directory lies in no git repository from which a revision could be read"
    if _git("rev-parse", "--verify", "--quiet", f"{file.revision}^{{tree}}").returncode:
        return f"does not exist, and git knows no revision {file.revision}; check the name"
    folder = posixpath.dirname(file.path)
    listed = _git("ls-tree", "--full-tree", "--name-only", f"{file.revision}:{folder}")
    there = listed.stdout.decode(errors="replace").splitlines() if listed.returncode == 0 else []
    mend = suggestion(posixpath.basename(file.path), there, "paths begin at the root of the repository, or with ./")
    return f"there is no {file.path} at the revision {file.revision}{mend}"


def contents(path: str | os.PathLike[str], most: int) -> bytes:
    """The bytes of a file, `most` of them, at a revision or as it lies there.

    Raises OSError or SimulateError where there is none, or none that may be read.
    """
    file = revised(path)
    if file is None:
        return contents_of(Path(path), most)
    try:
        found = _git("cat-file", "blob", str(file))
    except FileNotFoundError:
        found = None
    if found is None or found.returncode:
        raise SimulateError(f"{file}: {unreadable(file)}")
    if len(found.stdout) > most:
        raise SimulateError(f"{file}: {too_long(len(found.stdout), most)}")
    return found.stdout


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    import subprocess  # late: hardly any command needs it

    return subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607 - git of the user
