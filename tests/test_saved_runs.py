"""Earlier runs as sources: every question takes them as they were run, or says in a line what it leaves out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import simulate
from simulate.backtesting import backtest
from simulate.comparison import compare
from simulate.decisions import decide
from simulate.errors import SimulateError
from simulate.priors import PriorsError, choice, load_priors
from simulate.questions import QUESTIONS
from simulate.results import netcdf
from simulate.results.sources import priors_of, read_source
from simulate.runs import draws, run
from simulate.sensitivity.tornado import tornado

TEXT = """
model = "none"
[run]
scenarios = 16384
seed = 5
percentiles = [5, 50, 95]
[priors]
a = {dist = "lognormal", median = 2, sigma = 0.5}
b = {dist = "lognormal", median = 3, sigma = 0.5}
x = {dist = "uniform", lower = 0, upper = 1}
[quantities]
cost = {formula = "a * b + x", unit = "USD"}
part = {formula = "a + x", unit = "USD"}
[choices.buy.quantities.cost]
formula = "a * b + x"
unit = "USD"
[choices.rent.quantities.cost]
formula = "6.5 + a * x"
unit = "USD"
[choices.rent.priors.a]
dist = "lognormal"
median = 2.5
sigma = 0.5
"""
ASKED = {
    "nothing": {},
    "given": {"given": ["x < 0.7"]},
    "percentile": {"given": ["x > P80"]},
    "observe": {"observe": ["x = 0.4 +- 0.2"]},
    "both": {"given": ["x < 0.7"], "observe": ["x = 0.4 +- 50%"]},
    "scheme": {"scheme": "latin_hypercube"},
    "seed": {"seed": 11},
    "scenarios": {"scenarios": 5000},
    "percentiles": {"percentiles": [10, 90]},
    "quantities": {"quantities": ["part"]},
    "all quantities": {"quantities": "all"},
    "probability": {"probability": ["P(cost > 6)", "x < 0.1"]},
    "statistics": {"statistics": ["shortest 90", "expected_shortfall 80"]},
    "precision": {"precision": "cost:p95=0.2%", "scheme": "random", "scenarios": 4096},
    "together": {
        "given": ["x < 0.7"],
        "observe": ["x = 0.4 +- 0.2"],
        "scheme": "latin_hypercube",
        "seed": 11,
        "quantities": ["part"],
    },
}
# Which of them the other questions have as options of their own.
TORNADO = ("together", "percentile", "both", "given", "observe", "scheme", "seed", "quantities")
DECIDE = (*TORNADO, "scenarios", "percentiles")
FILES = {"file": (), "set": ("a=2.5", "run.seed=6"), "choice": ("rent",)}


def crossed(asked, often):
    """What is asked of which files, always: of the plain file what is asked `often`, of the others two conditions."""
    always = {("file", each) for each in often} | {(kind, "both") for kind in FILES}
    return pytest.mark.parametrize(
        ("kind", "asked"),
        [
            pytest.param(kind, each, marks=[pytest.mark.long] * ((kind, each) not in always))
            for kind in FILES
            for each in asked
        ],
    )


@pytest.fixture
def file(load):
    """The priors of the file as such, with something set, or of a choice."""

    def priors(kind="file"):
        if kind == "choice":
            return choice(load(TEXT, name="mine"), *FILES[kind])
        return load(TEXT, *FILES[kind], name="mine")

    return priors


@pytest.fixture
def saved(tmp_path):
    """Write a run into a folder, and forget the file of its priors."""

    def folder(result, name="earlier"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.nc").write_bytes(netcdf.written(result))
        for each in result.provenance["files"]:
            Path(each["path"]).unlink(missing_ok=True)
        return tmp_path / name

    return folder


def same(one, other):
    """Whether two results hold the same figures, to the bit."""
    assert one.variables.keys() == other.variables.keys()
    for name in one.variables:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


# ---------------------------------------------------------------------------------------------------------
# Each option of a run, by each question


@crossed(ASKED, often=ASKED)
def test_a_saved_run_runs_again_to_the_bit(file, saved, kind, asked):
    result = run(file(kind), **ASKED[asked])
    folder = saved(result)
    sources = [folder, result]
    if asked == "both":  # other ways to name the same
        sources += [str(folder / "result.nc"), result.to_dataset()]
    again = [run(read_source(source)) for source in sources]
    assert {netcdf.written(each) for each in again} == {netcdf.written(result)}


@crossed(ASKED, often=("together", "scenarios", "percentiles", "probability", "statistics", "precision"))
def test_saved_runs_are_compared_as_they_were_run(file, saved, kind, asked):
    result = run(file(kind), **ASKED[asked])
    folder = saved(result)
    told = compare([folder, run(read_source(folder), **ASKED[asked])], bridge=())
    assert told.labels("quantity") == result.labels("quantity")
    for name in ("percentiles", "percentiles_se", "mean", "mean_se", "sd"):
        np.testing.assert_array_equal(told.at(name, case="earlier"), result[name], err_msg=name)
    assert told.provenance["overrides"] == result.provenance["overrides"]
    left_out = [message for message in told.warnings if "left out" in message]
    assert len(left_out) == 2 * (asked in {"probability", "statistics"})
    for message in left_out[:1]:
        assert message.startswith(f"earlier: --{asked.removesuffix('s')} '")
        assert message.endswith(" left out, for only `simulate run` tells that")


@crossed(TORNADO, often=("together", "percentile"))
@pytest.mark.parametrize(
    "method", ["swing", *(pytest.param(m, marks=pytest.mark.long) for m in ("conditional", "rank"))]
)
def test_the_tornado_of_a_saved_run_is_that_of_its_file_asked_the_same(file, saved, method, kind, asked):
    told = tornado(file(kind), method=method, **ASKED[asked])
    result = tornado(read_source(saved(run(file(kind), **ASKED[asked]))), method=method)
    same(result, told)
    assert result.provenance["overrides"] == list(FILES[kind] if kind == "set" else ())


@crossed(DECIDE, often=("together", "percentile", "scenarios", "percentiles"))
def test_the_decision_of_a_saved_run_is_that_of_its_file_asked_the_same(file, saved, kind, asked):
    decided = {"quantities": ["cost"], **ASKED[asked]}
    told = decide(file("set" if kind == "set" else "file"), **decided)
    result = decide(read_source(saved(run(file(kind), **decided))))
    same(result, told)
    assert result.warnings == told.warnings + (
        ["decide: the run was of choice rent; here all choices are set side by side"] if kind == "choice" else []
    )


@pytest.mark.parametrize("asked", ["together", "percentile", "scenarios", "precision"])
def test_draws_of_a_saved_run_are_its_scenarios(file, saved, asked):
    result = run(file(), **ASKED[asked])
    told = draws(read_source(saved(result)))
    count = result.provenance["kept"]["scenarios"] if "kept" in result.provenance else result.attributes["scenarios"]
    assert told["value"].shape[1] == count


@pytest.mark.parametrize("asked", ["probability", "statistics"])
def test_what_only_a_run_tells_is_said_to_be_left_out(file, asked):
    result = run(file(), **ASKED[asked])
    for told in (tornado(priors_of(result)), decide(priors_of(result), quantities=["cost"])):
        (message,) = (message for message in told.warnings if "left out" in message)
        assert message.startswith(f"{told.question}: --{asked.removesuffix('s')} ")


def test_gates_that_are_not_judged_are_told(file):
    priors = replace(file(), run=file().run.asked(fail_if=["mean(cost) > 1"]))
    for told in (tornado(priors, quantities=["cost"]), decide(priors, quantities=["cost"])):
        (message,) = (message for message in told.warnings if "gate" in message)
        assert message == f"{told.question}: no gate of fail_if is judged; ask `simulate run` or `simulate compare`"
        assert "gate_verdict" not in told
    told = compare([priors, priors], bridge=())
    assert "gate_verdict" in told
    assert told.warnings == []


def test_what_is_asked_anew_goes_before_what_was_asked(file):
    result = run(file("set"), given=["x < 0.7"], probability=["x < 0.1"], seed=11, precision="cost:p50=5%")
    again = run(priors_of(result), given=[], probability=[], seed=12, scenarios=2**12)
    assert (again.provenance["given"], again.attributes["seed"], again.attributes["scenarios"]) == ([], 12, 2**12)
    assert "probability" not in again
    assert again.provenance["overrides"] == ["a=2.5", "run.seed=6"]


def test_overrides_go_before_those_of_the_run_and_its_settings(file, saved):
    folder = saved(run(file("set"), seed=11))
    priors = read_source(folder, ["a=4", "run.seed=7", "run.scenarios=4096", "run.seed=8"])
    assert priors.overrides == ("a=2.5", "run.seed=6", "a=4", "run.seed=7", "run.scenarios=4096", "run.seed=8")
    assert priors.priors["a"].distribution.value == 4
    assert (priors.run.seed, priors.run.scenarios) == (8, 4096)
    assert read_source(folder, ["a=4"]).run.seed == 11
    with pytest.raises(PriorsError, match=r"^--set 'c=1': priors\.c: there is no such quantity"):
        read_source(folder, ["c=1"])


def test_a_precision_is_reached_from_where_the_run_had_got_to(file):
    result = run(file(), **ASKED["precision"])
    assert result.attributes["scenarios"] > 4096
    drawn = []
    run(priors_of(result), progress=lambda _, done, total: drawn.append((done, total)))
    assert len({total for _, total in drawn}) == 1  # it is met at once


# ---------------------------------------------------------------------------------------------------------
# What is no source


def test_runs_whose_priors_do_not_read_the_same_are_refused(file, saved):
    result = run(file())
    result.provenance["priors"]["a"]["specification"]["median"] = 5
    for source, where in ((saved(result), "earlier"), (result, "the result")):
        with pytest.raises(SimulateError, match=f"{where}: its priors do not read the same any more; name the priors"):
            read_source(source)


@pytest.mark.parametrize("question", ["tornado", "decide", "compare", "draws"])
def test_results_of_other_questions_are_refused(file, question):
    ask = {
        "tornado": lambda: tornado(file()),
        "decide": lambda: decide(file(), quantities=["cost"]),
        "compare": lambda: compare([file(), file("set")], bridge=()),
        "draws": lambda: draws(file(), scenarios=16),
    }
    told = ask[question]()
    for source in (told, told.to_dataset()):
        with pytest.raises(SimulateError, match=f"is a result of `simulate {question}`; give one of `simulate run`"):
            read_source(source)


def test_a_backtest_takes_no_run(file, saved):
    folder = saved(run(file()))
    for source in (folder, folder / "result.nc"):
        with pytest.raises(SimulateError, match="is an earlier run, which has no outcomes; name a CSV file"):
            backtest(source)


def test_scripts_ask_of_saved_runs(file, saved):
    earlier = simulate.run(file(), given=["x < 0.7"])
    folder = saved(run(file(), given=["x < 0.7"]))
    for source in (earlier, folder):
        assert simulate.run(source).identical(earlier)
        assert simulate.draws(source)["value"].sel(quantity="x").max() < 0.7
        assert simulate.tornado(source)["high_input"].sel(prior="x") < 0.7
        assert simulate.decide(source, quantities=["cost"]).attrs["scenarios"] == 16384
        assert "x" in simulate.explain("part", source)


# ---------------------------------------------------------------------------------------------------------
# What was set is named


@pytest.fixture
def told():
    """The table of a result, and what stands small beneath the headlines of its pictures, or below them."""
    from simulate.layout import laid_out, plain

    def both(result):
        question = QUESTIONS[result.question]
        return plain(laid_out(question.sections(result), 200)), {
            name: figure.get_supxlabel() if result.question == "compare" else figure.texts[1].get_text()
            for name, figure in question.plots(result).items()
        }

    return both


NAMED = {
    "run": lambda priors: run(priors, given=["x < 0.7"]),
    "swing": lambda priors: tornado(priors, given=["x < 0.7"], quantities=["cost"]),
    "rank": lambda priors: tornado(priors, given=["x < 0.7"], quantities=["cost"], method="rank"),
    "decide": lambda priors: decide(priors, given=["x < 0.7"], quantities=["cost"]),
}


@pytest.mark.parametrize("question", NAMED)
def test_tables_and_pictures_name_what_was_set(file, told, question):
    table, beneath = told(NAMED[question](file("set")))
    assert "ith a=2.5, run.seed=6 (--set)" in table
    assert "iven x < 0.7: " in table
    for text in beneath.values():
        assert text.endswith("given x < 0.7, with a=2.5, run.seed=6 (--set)")
    table, beneath = told(NAMED[question](file()))
    assert "--set" not in table
    for text in beneath.values():
        assert text.endswith("given x < 0.7")


def test_a_comparison_names_what_was_set_in_which_case(file, told):
    mine = file()
    result = run(file("set"), observe=["x = 0.4 +- 0.2"], quantities=["cost"])
    table, beneath = told(compare([result, mine, choice(mine, "rent")], bridge=(), quantities=["cost"]))
    text = "mine is told given x = 0.4 +- 0.2, with a=2.5, run.seed=6 (--set)"
    assert f"{text}." in table
    assert beneath["exceedance"] == text  # what a name says is not told twice
    assert beneath["bands"].endswith(f"\n{text}")
    _, beneath = told(compare([mine], vary=["a=2.5,3"], quantities=["cost"], scenarios=2**12))
    assert beneath.keys() == {"bands", "exceedance", "waterfall"}
    assert not beneath["exceedance"] + beneath["waterfall"]
    varied = load_priors(TEXT, ["b=2"])
    _, beneath = told(compare([varied], vary=["a=2.5,3"], quantities=["cost"], scenarios=2**12))
    assert beneath["waterfall"] == "a=2.5 is told with b=2 (--set); a=3 is told with b=2 (--set)"


def test_the_choice_of_a_run_is_named(file, told):
    table, beneath = told(run(file("choice")))
    assert ", as choice rent." in table
    assert beneath["bands"].endswith("as choice rent")


def test_a_run_says_how_to_ask_more_of_the_same(file, told):
    table, _ = told(run(file("set"), given=["x < 0.7"], observe=["x = 0.4 +- 0.2"]))
    path = file("set").path
    options = "--set a=2.5 --set run.seed=6 --given 'x < 0.7' --observe 'x = 0.4 +- 0.2' --quantities cost"
    assert f"More: simulate tornado {path} {options}\n" in table


def test_commands_take_saved_runs(command, load, tmp_path, monkeypatch):
    path = load(TEXT, name="mine").path
    monkeypatch.chdir(tmp_path)
    command("run", path, "--set", "a=2.5", "--given", "x < 0.7", "--out", "A.1", "--format", "csv", out=False)
    path.unlink()
    whole = (tmp_path / "A.1" / "result.nc").read_bytes()
    assert command("run", "A.1", "--format", "csv", "--save", out=False)[0] == 0
    assert (tmp_path / "outputs" / "A.1" / "result.nc").read_bytes() == whole
    for question in ("tornado", "decide"):
        code, out, err = command(question, "A.1/result.nc", "--quantities", "cost", "--no-pictures", out=False)
        assert (code, err) == (0, "")
        assert "Given x < 0.7: 7" in out
        assert "ith a=2.5 (--set)" in out
        assert (tmp_path / "outputs" / "A.1" / f"{question}.nc").exists()
    assert "2 formulas" in command("check", "A.1")[1]
    assert "cost = a * b + x" in command("explain", "cost", "A.1")[1]
    code, _, err = command("decide", "A.1", "--given", "cost < 6", "--quantities", "cost", out=False)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("--given 'cost < 6': holds in other scenarios of choice rent than of choice buy, ")


@pytest.mark.parametrize("question", ["run", "tornado", "check", ("explain", "a")])
def test_nothing_is_not_the_run_in_the_working_directory(command, load, tmp_path, monkeypatch, question):
    path = load(TEXT, name="mine").path
    monkeypatch.chdir(tmp_path)
    command("run", path, "--out", ".", "--format", "csv", out=False)
    assert command("check", ".")[0] == 0
    asked = (question,) if isinstance(question, str) else question
    code, out, err = command(*asked, "", out=False)
    assert (code, out, err) == (2, "", "<text>:1: the file is empty; write [priors.NAME] tables in it\n")
