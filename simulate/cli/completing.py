"""What a shell is offered for a word half written: names of files, quantities, families, and the values of options.

Completion is asked for rarely and never waited for by a run: what it needs is imported when it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from simulate.errors import SimulateError
from simulate.spelling import path_of

ENDINGS = {".toml", ".nc"}
Completer = Callable[[typer.Context, str], list[str]]


def one_of(choices: Iterable[str]) -> Completer:
    """A completer of words that are known beforehand."""
    return lambda ctx, incomplete: _beginning(choices, incomplete)  # noqa: ARG005 - typer looks at the names


def sources(ctx: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001
    """Shipped priors files by name, and files and folders of runs by path."""
    from simulate.priors import shipped

    return [*_beginning(shipped(), incomplete), *_paths(incomplete)]


def quantities(ctx: typer.Context, incomplete: str) -> list[str]:
    """Quantities, also the last of a list of them."""
    return _listed(incomplete, ["all", *_quantities(ctx)])


def explained(ctx: typer.Context, incomplete: str) -> list[str]:
    """A quantity or another word, or a priors file of which all quantities are listed."""
    from simulate.reference.words import all_words

    return [*_beginning([*_quantities(ctx), *all_words()], incomplete), *_paths(incomplete)]


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """NAME=, and after it the families that the quantity may be of, or what else the key may name."""
    from simulate.catalog import PEAKS, accelerators
    from simulate.distributions import FAMILIES
    from simulate.token_prices import apis

    words = dict.fromkeys(("accelerator", "prefill_accelerator"), accelerators()) | {"api": apis()}
    words |= dict.fromkeys(("precision", "training_precision"), tuple(PEAKS))
    name, equals, _ = incomplete.partition("=")
    if name in words:
        return _beginning((f'{name}="{word}"' for word in words[name]), incomplete)
    if equals:
        return _beginning((f'{name}={{dist="{family}",' for family in FAMILIES), incomplete)
    return [f"{each}=" for each in _beginning([*words, *_quantities(ctx)], incomplete)]


def statistics(ctx: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001
    """Statistics beyond the usual ones."""
    from simulate.statistics import OPTIONAL

    return _beginning(OPTIONAL, incomplete)


def _quantities(ctx: typer.Context) -> Iterable[str]:
    """The quantities of the priors file named before, its own too; else those of the model."""
    from simulate import model
    from simulate.results.sources import read_source

    given: dict[str, Any] = ctx.params
    # where an option still lacks its value, what was named before is not given out yet
    named = next(filter(None, [given.get("priors_file"), *(given.get("sources") or ()), *ctx.args]), None)
    try:
        return read_source(named).quantities if named else model.quantities("llm_cost")
    except (SimulateError, OSError):  # whatever is wrong with the file, the run says it
        return model.quantities("llm_cost")


def _listed(incomplete: str, names: Iterable[str]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + each for each in _beginning(names, last)]


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _paths(incomplete: str) -> list[str]:
    """Paths of priors files and results that begin so; of a folder also what lies in it."""
    folder, slash, begun = incomplete.rpartition("/")
    found: list[str] = []
    for path in _inside(path_of(folder + slash or ".")):
        shown = f"{folder}{slash}{path.name}"
        if not path.name.startswith(begun) or path.name.startswith(".") > begun.startswith("."):
            continue
        if path.is_dir():
            within = [f"{shown}/{each.name}" for each in _inside(path) if each.suffix in ENDINGS]
            found += within or [f"{shown}/"]
        elif path.suffix in ENDINGS:
            found.append(shown)
    return found


def _inside(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())
    except OSError:
        return
