"""Reading priors files: where they lie, and their texts, other texts and tables as layers of tables."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from simulate.errors import LONGEST_KEY, Fault, SimulateError, suggestion
from simulate.grammar import SETTING
from simulate.priors.layers import Layer, PriorsError, Problem, SourceFile, shown_key
from simulate.priors.positions import DEEPEST, Key, deep_line, excess
from simulate.priors.schema import File
from simulate.reading import STDIN, refusal, too_long
from simulate.revisions import contents, folder_of, revised, unreadable
from simulate.shipped import shipped, shipped_file
from simulate.spelling import expanded, path_of
from simulate.syntax import broken, loads

LARGEST = 1_000_000  # bytes of a priors file
MOST_KEYS = 5_000
MOST_VALUES = 100_000  # in lists
DEEP = "brackets or keys nest too deeply; take some away"
# What messages call priors that lie in no file.
TEXT = Path("<text>")
MAPPING = Path("<mapping>")


def read_files(source: Path | str | Mapping[str, Any]) -> tuple[list[SourceFile], list[Layer], list[Problem]]:
    """Read priors and the files that they extend, nearest first.

    Raises PriorsError where a text is no TOML; what the extended file's absence means is a problem.
    """
    file = _first(source)
    files: list[SourceFile] = []
    layers: list[Layer] = []
    while True:
        files.append(file)
        layers.append(file_layer(file, own=not layers))
        above = layers[-1].tables.get("extends")
        if not isinstance(above, str) or "\0" in above:  # the schema says what is wrong
            return files, layers, []
        if not above.strip():
            fault = "is empty; name a file, or take it out"
            return files, layers, [Problem(layers[-1], ("extends",), fault, alone=True, hides=True)]
        path = _short(layers[-1].folder / path_of(above))
        if not _is_file(path):
            path = str(shipped_file(above) or path)
        chain = [*(file.path for file in files), Path(path)]
        if fault := _unreadable(path, chain[:-1]):
            fault = f"{path} {fault}"
        elif chain[-1].resolve() in [known.resolve() for known in chain[:-1]]:
            fault = f"goes in a circle, {' -> '.join(map(str, chain))}; take it out"
        if fault:
            return files, layers, [Problem(layers[-1], ("extends",), fault, alone=True, hides=True)]
        file = _file(path)


def file_layer(file: SourceFile, *, own: bool) -> Layer:
    """The tables of a file, a text or a mapping; raises PriorsError where they are no TOML."""
    if file.path == MAPPING:
        return _within_limits(Layer(str(file.path), json.loads(file.text), own=own))
    if not file.text.strip():
        raise PriorsError(
            Fault("the file is empty; write [priors.NAME] tables in it", str(file.path), 1, code="syntax")
        )
    if found := excess(file.text):
        raise PriorsError(Fault(found[1], str(file.path), found[0], code="syntax"))
    try:
        tables = loads(file.text)
    except RecursionError:
        raise PriorsError(Fault(f"TOML: {DEEP}", str(file.path), deep_line(file.text), code="syntax")) from None
    except ValueError as error:
        fault, mend, line, column = broken(error, file.text)
        raise PriorsError(Fault(f"TOML: {fault}; {mend}", str(file.path), line, column, code="syntax")) from None
    return _within_limits(Layer(str(file.path), tables, file.text, folder_of(file.path), own=own))


def _within_limits(layer: Layer) -> Layer:
    """The layer; raises PriorsError where its tables nest too deeply, or hold more than any file needs."""
    below: list[tuple[Key, Any]] = [((), layer.tables)]
    keys = values = 0
    while below:
        key, value = below.pop()
        inner = [*(value.items() if isinstance(value, Mapping) else enumerate(value))]
        keys, values = (keys + len(inner), values) if isinstance(value, Mapping) else (keys, values + len(inner))
        if len(key) > DEEPEST:
            raise PriorsError(Fault(DEEP, layer.shown, layer.line(key), key=shown_key(key[:1]), code="syntax"))
        if keys > MOST_KEYS or values > MOST_VALUES:
            limits = f"{MOST_KEYS:,} keys or {MOST_VALUES:,} values in lists"
            mend = "a CSV file holds many values" if values > MOST_VALUES else "split the file, or take some out"
            raise PriorsError(Fault(f"has more than {limits}; {mend}", layer.shown, code="syntax"))
        below += [((*key, name), each) for name, each in inner if isinstance(each, Mapping | list)]
    return layer


def _first(source: Path | str | Mapping[str, Any]) -> SourceFile:
    """Take what `load_priors` is given for a mapping, a text, a file or the name of one that ships."""
    if isinstance(source, Mapping):
        return _kept(MAPPING, _as_json(source).encode())
    if str(source) == "-":
        return _file(str(STDIN))
    shown = expanded(str(source))
    there = _is_file(shown)
    if isinstance(source, str) and ("\n" in source or not source.strip() or ("=" in source and not there)):
        return _kept(TEXT, source.encode(errors="surrogatepass"))
    if not there:
        shown = str(shipped_file(shown) or shown)
    if fault := _unreadable(shown):
        raise PriorsError(Fault(fault, shown, code="file"))
    return _file(shown)


def _as_json(tables: Mapping[str, Any]) -> str:
    """Tables as JSON: what stands in a mapping is kept as text, and copied on the way."""

    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):  # numpy's
            return value.tolist()
        if isinstance(value, Mapping):
            return dict(value)
        raise TypeError(f"{type(value).__name__} is no value of TOML")

    try:
        return json.dumps(dict(tables), default=plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise PriorsError(f"{MAPPING}: {error}; give tables, lists, text and numbers as TOML does") from None


def _short(path: Path) -> str:
    """The path without its detours, where the system finds the same behind both: `..` after a link is elsewhere."""
    if file := revised(path):
        return str(file)
    short = Path(os.path.normpath(path))
    with suppress(OSError):  # of a name too long for any file, say
        there = path.exists()
        return str(short if there == short.exists() and (not there or short.samefile(path)) else path)
    return str(path)


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file() or ((file := revised(path)) is not None and not unreadable(file))
    except OSError:  # of a name too long for any file, say
        return False


def _unreadable(shown: str, others: Sequence[Path] = ()) -> str:
    """Say why there is no file to read; '' where there is one. `others` are not what may have been meant."""
    path = Path(shown)
    if file := revised(shown):
        return unreadable(file)
    try:
        if path.is_dir():
            return "is a folder; name a priors file in it"
        with suppress(FileNotFoundError, NotADirectoryError):
            return refusal(path, LARGEST)
        there = [*path.parent.iterdir()] if path.parent.is_dir() else []
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"
    names, advice = [other.name for other in there if other not in others], "check the path"
    if path.name == shown and not path.suffix:
        names, advice = [*names, *shipped()], f"{advice}, or name a file that ships: {', '.join(shipped())}"
    return f"does not exist{suggestion(path.name, names, advice)}"


def _file(shown: str) -> SourceFile:
    try:
        content = contents(shown, LARGEST)
    except OSError as error:
        fault = f"cannot be read ({error.strerror}); check its permissions"
        raise PriorsError(Fault(fault, shown, code="file")) from None
    return _kept(Path(shown), content)


def _kept(path: Path, content: bytes) -> SourceFile:
    if len(content) > LARGEST:
        raise PriorsError(Fault(too_long(len(content), LARGEST), str(path), code="file"))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fault = Fault("is not UTF-8; save it with the encoding UTF-8", str(path), line, code="syntax")
        raise PriorsError(fault) from None
    return SourceFile(path, text, hashlib.sha256(content).hexdigest())


def shown_setting(text: str) -> str:
    """An override as messages name it."""
    return f"--set '{text}'" if len(text) <= LONGEST_KEY else f"--set '{text[:LONGEST_KEY]}...'"


def override_layer(text: str) -> Layer:
    """Read an override: an entry of [priors], or of any table when its name opens with that table's.

    Raises PriorsError where it is no TOML.
    """
    if found := excess(text):
        raise PriorsError(Fault(found[1], key=shown_setting(text)))
    try:
        entries = SETTING.read(text, "--set")
    except SimulateError as error:
        raise PriorsError(*error.faults) from None
    tables = {name: value for name, value in entries.items() if name in File.model_fields}
    priors = {name: value for name, value in entries.items() if name not in File.model_fields}
    if isinstance(tables.get("priors", {}), dict):
        priors |= tables.get("priors", {})
        tables["priors"] = {
            name: value if isinstance(value, dict) else {"value": value} for name, value in priors.items()
        }
    layer = _within_limits(Layer(shown_setting(text), tables))
    for name in ("extends", "choices"):
        if name in tables:
            raise PriorsError(Problem(layer, (name,), "cannot be set here; write it in a file").fault)
    return layer
