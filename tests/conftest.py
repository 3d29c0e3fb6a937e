"""What many tests share: priors files written and read in one step."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from simulate.checking import check_run
from simulate.cli import main
from simulate.errors import SimulateError
from simulate.priors import Priors, load_priors
from simulate.results import Result
from simulate.runs import run


def pytest_configure() -> None:
    """Keep each worker to a processor of its own, for threads of many tests only wait for each other, and to a day."""
    os.environ["SIMULATE_TODAY"] = "2026-11-28"  # which prices are old does not hang on when the tests run
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):
        processors = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {processors[int(worker.removeprefix("gw")) % len(processors)]})


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Priors]:
    """Write the text of a priors file and load it: `load(text, "pue=1.1")`.

    A name writes a further file beside it, for `extends` or to compare: `load(text, name="two")`. The path is
    `priors.path`. Where no file is needed, or a fixture lives longer, `load_priors(text)` reads the text itself.
    """

    def loaded(text: str, *overrides: str, name: str = "priors") -> Priors:
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return load_priors(path, overrides)

    return loaded


@pytest.fixture
def priors_of(load):
    """Priors without a model, in a file of a name: `priors_of("one", text)`."""
    return lambda name, text: load(f'model = "none"\n{text}', name=name)


@pytest.fixture
def agreed() -> Callable[[Priors], str]:
    """What both `check` and a run refuse priors with, '' where neither does and the result is a possible one."""

    def refusal(priors: Priors) -> str:
        told = []
        for ask in (check_run, run):
            try:
                result = ask(priors)
            except SimulateError as error:
                told.append(str(error))
            else:
                told.append("")
                if result is not None:
                    assert_possible(result)
        assert told[0] == told[1]
        return told[1]

    return refusal


def assert_possible(result: Result) -> None:
    """A band rises from the least value to the greatest, with the mean between them; probabilities are some."""
    least, percentiles, greatest = (result[name] for name in ("minimum", "percentiles", "maximum"))
    bounds = result["percentiles_bound"] if "percentiles_bound" in result else np.full(percentiles.shape, "")
    for low, band, bound, high in zip(least, percentiles, bounds, greatest, strict=True):
        assert (np.diff([low, *band[bound == ""], high]) >= 0).all()  # and none is nan
    slack = 1e-9 * np.maximum(-least, greatest)  # all in halves, for their distance need not be a float
    assert (least / 2 - slack <= result["mean"] / 2).all()
    assert (result["mean"] / 2 <= greatest / 2 + slack).all()
    assert not (result["sd"] < 0).any()
    if "probability" in result:
        assert ((result["probability"] >= 0) & (result["probability"] <= 1)).all()


WRITING = {"run", "tornado", "compare", "decide", "backtest"}


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run a command in this process: its exit code, stdout and stderr. Results go to `tmp_path / "out"`."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments, out=True):
        place = ["--out", str(tmp_path / "out")] if out and arguments[0] in WRITING else []
        monkeypatch.setattr(sys, "argv", ["simulate", *map(str, arguments), *place])
        try:
            main()
            code = 0
        except SystemExit as error:
            code = error.code or 0
        told = capsys.readouterr()
        # what was written is told last, on a line of its own
        lines = [line for line in told.err.splitlines(keepends=True) if not line.startswith("Wrote ")]
        return code, told.out, "".join(lines)

    return run


class WorkflowLine(NamedTuple):
    """A line of a log of GitHub Actions: a command by its name, or a text."""

    name: str
    properties: dict[str, str]
    text: str


@pytest.fixture
def workflow():
    """What GitHub Actions reads in a log: the commands in it, by the rules of its runner, and the text between."""
    of_text = {"%0A": "\n", "%0D": "\r", "%25": "%"}
    of_properties = {**of_text, "%3A": ":", "%2C": ","}

    def plain(text, signs):
        return re.sub("|".join(signs), lambda found: signs[found[0]], text)

    def read(log):
        lines = []
        for line in log.splitlines():
            if not line.strip().startswith("::"):
                assert "##[" not in line  # as a command was written before
                lines.append(WorkflowLine("text", {}, line))
                continue
            head, _, text = line.strip()[2:].partition("::")
            name, _, stated = head.partition(" ")
            pairs = [each.partition("=") for each in stated.split(",") if each]
            properties = {key: plain(value, of_properties) for key, _, value in pairs}
            assert len(properties) == len(pairs)
            lines.append(WorkflowLine(name, properties, plain(text, of_text)))
        return lines

    return read
