"""Random command lines, of all options of all commands with values right and wrong: an answer, or plain lines."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.main import get_command

from simulate.cli.app import app
from simulate.settings import LIMIT

PRIORS = """model = "none"
[priors]
a = {dist = "normal", mean = 5, sd = 1}
b = {dist = "lognormal", p5 = 1, p95 = 9, unit = "USD"}
[quantities]
cost = {formula = "b * (1 + abs(a))", unit = "USD"}
root = {formula = "sqrt(a - 4)"}
[[published]]
quantity = "cost"
value = 30
[choices.one]
[choices.two.priors.b]
p95 = 12
"""
SERVING = {"mcp"}  # commands that go on until they are told to stop
# Values of an option, right or nearly; any other option gets the last row and numbers.
VALUES = {
    "--set": [
        "a=2",
        "a={dist='uniform',lower=1,upper=2}",
        "b.p95=20",
        "a=",
        "=2",
        "a=nan",
        "a=1e-400",
        "z=1",
        "a=10%",
        "a={",
    ],
    "--vary": ["a=1,2", "a=", "a=1,,2", "b={value=2},3", "z=1,2", "a=1,1"],
    "--bridge": ["50,mean", "none", "101", "mean", "50,50"],
    "--scale": ["log", "linear", "ln"],
    "--scenarios": ["1", "16", "1e3", "1024", "1025", "0", "-5", "nan", "inf", "1e5", "1.5", "1e99"],
    "--seed": ["0", "7", "-1", "1e5", "99999999999999999999", "1.5"],
    "--scheme": ["sobol", "random", "latin_hypercube", "Sobol"],
    "--backend": ["serial", "threads", "nope"],
    "--workers": ["1", "2", "0", "-3", "99"],
    "--percentiles": ["5,50,95", "50", "0", "100", "5;50", "1e-320", "99.9999", "5,5", "nan", "50,5"],
    "--quantities": ["cost", "cost,root", "all", "a", "csot", "cost,,root", "all,cost", "cost,cost"],
    "--fail-if": [
        "P(cost > 30) > 10%",
        "P95(cost) > 2",
        "mean(cost) < 1",
        "cost > 1",
        "P(z > 1) > 1%",
        "P(cost > 1 > 2) > 1",
        "mean(root) > 1",
    ],
    "--given": [
        "cost > 9",
        "cost > P50",
        "a < 0",
        "root > 1",
        "cost",
        "1 > 2",
        "a = 5",
        "cost > 1 [EUR]",
        "cost > 1 & a > 2",
        "9" * 3000,
    ],
    "--observe": ["cost = 20 +- 10%", "a = 5 +- 1", "a = 5 +- 0", "a = 5", "z = 1 +- 1", "a = 1e300 +- 1"],
    "--probability": ["cost > 9", "P(cost > 9)", "P(cost > 9) > 2", "a", "a > P200(b)"],
    "--statistic": ["expected_shortfall 95", "shortest 95", "mode", "95", "shortest 200"],
    "--interval": [("shortest", "95"), ("shortest", "0"), ("longest", "95")],
    "--precision": ["5%", "cost:p50=5%", "0", "100%", "z:p50=1%", "cost=5%"],
    "--method": ["conditional", "rank", "shapley", "sobol", "swing", "Sobol"],
    "--percentile": ["90", "0", "100", "nan", "50.5"],
    "--low": ["10", "-1", "90", "nan"],
    "--high": ["90", "101", "10", "inf"],
    "--top": ["3", "0", "-1", "1e9", "99999999999"],
    "--out": ["here", "", "own.toml", "/dev/null/x", "a" * 300, "saved"],
    "--format": ["json", "json", "csv", "table", "markdown", "xml", "github"],
}
ANY = [
    "",
    " ",
    "-",
    "--",
    "é",
    "＋",
    "1_000",
    "0x10",
    "true",
    "null",
    "[1]",
    "{}",
    "'",
    '"',
    "%",
    "\\",
    "$(id)",
    "\x1b[31m",
    "\udcff",
    "x" * 5000,
]
SOURCES = ["own.toml"] * 20 + ["own.toml:two", "saved", "saved"]
WRONG_SOURCES = ["bad.toml", "none.toml", ".", "/dev/null", "", "own.toml:none"]


def option_line(chance, commands):
    """A command, its arguments, and up to four of its options."""
    name = chance.choice(sorted(commands))
    parameters = commands[name].params
    line = [name]
    count = 2 if name == "compare" else chance.choice([1] * 18 + [0, 2])
    if name == "verify":
        line.append("saved")
    elif name != "backtest" or chance.random() < 0.2:
        line += [chance.choice(SOURCES if chance.random() < 0.95 else WRONG_SOURCES) for _ in range(count)]
    if name == "explain":
        line[1:1] = [chance.choice(["cost", "a", "csot", "*", ""])]
    options = [each for each in parameters if each.opts[0].startswith("-")]
    for each in chance.sample(options, min(len(options), chance.randint(0, 4))):
        option = chance.choice([*each.opts, *each.secondary_opts])
        values = VALUES.get(each.opts[0], ["1", "0", "-1"])
        right = chance.random() < 0.7
        value = chance.choice(values[: 1 + len(values) // 3] if right else [*values, *ANY])
        line += [option] if each.is_flag else [option, *(value if isinstance(value, tuple) else [value] * each.nargs)]
    if chance.random() < 0.05:
        line.insert(chance.randrange(1, len(line) + 1), chance.choice(["--nothing", "-x", *ANY]))
    known = {option for each in options for option in (*each.opts, *each.secondary_opts)}
    quick = [["--no-pictures"], ["--scenarios", "1024"]]
    return line[:1] + [text for more in quick if more[0] in known and more[0] not in line for text in more] + line[1:]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, command):
    """A working directory with a priors file, a broken one and a run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(LIMIT, "4096")
    Path("own.toml").write_text(PRIORS, encoding="utf-8")
    Path("bad.toml").write_text(PRIORS.replace("sd = 1", "sd = 0"), encoding="utf-8")
    assert command("run", "own.toml", "--scenarios", "1024", "--no-pictures", "--out", "saved", out=False)[0] == 0


@pytest.mark.parametrize(
    "seeds", [range(3, 15), pytest.param(range(15, 1015), marks=pytest.mark.long)], ids=["sample", "1,000"]
)
def test_a_random_command_line_gets_an_answer_or_plain_lines(command, seeds):
    commands = {name: each for name, each in get_command(app()).commands.items() if name not in SERVING}
    codes = set()
    for seed in seeds:
        line = option_line(random.Random(seed), commands)
        code, out, err = command(*line, out=False)
        told = f"{line}: {code}\n{err}"
        assert code in {0, 1, 2, 3}, told
        assert err or code != 2, told
        assert "Traceback" not in err, told
        assert "Warning" not in err, told
        assert all(each.isprintable() and len(each) < 2500 for each in err.split("\n")), told
        if out and "json" in line and line[line.index("json") - 1] == "--format":
            whole = json.loads(out)
            assert bool(whole["errors"]) == (code == 2), told
        codes.add(code)
    assert {0, 2} <= codes
