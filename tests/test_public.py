"""The public interface, pinned: what a script may import, and what it gets."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray
from sampled import sampled

import simulate
from simulate import backtesting, comparison, decisions, runs
from simulate.priors import SHIPPED
from simulate.results import Result

QUESTIONS = ("run", "draws", "tornado", "compare", "decide", "sweep", "backtest")
FEW = {"scenarios": 4096}

TWO = ["guosheng-2023", "semianalysis-2023"]
TRAINING_RUNS = """\
model,parameters_total,parameters_active,mixture_of_experts,training_tokens,accelerator,peak_flops,accelerator_hours
Mine,70e9,70e9,0,1e12,Abacus,989e12,500000
Yours,7e9,7e9,0,2e12,Abacus,989e12,110000
"""
CHOICES = """
model = "none"
[priors]
use = {dist = "lognormal", p5 = 1, p95 = 9}
[choices]
own.quantities.cost = {formula = "5 + use / 10", unit = "USD"}
rent.quantities.cost = {formula = "use", unit = "USD"}
"""


def test_the_exported_names_are_these():
    others = {"Priors", "PriorsError", "SimulateError", "__version__", "explain", "load_priors", "plot", "verify"}
    assert set(simulate.__all__) == {*others, *QUESTIONS}
    assert dir(simulate) == sorted(simulate.__all__)
    for name in simulate.__all__:
        assert getattr(simulate, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'sample'"):
        simulate.sample  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, simulate; print([m for m in ('numpy', 'xarray', 'scipy', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_takes_its_options_by_name_and_says_what_it_gives(question):
    asked = getattr(simulate, question)
    source, *options = inspect.signature(asked).parameters.values()
    assert source.kind is source.POSITIONAL_OR_KEYWORD
    assert {option.kind for option in options} <= {inspect.Parameter.KEYWORD_ONLY}
    assert asked.__doc__


def test_a_script_gets_bands_and_draws():
    priors = simulate.load_priors("base")
    bands = simulate.run(priors, percentiles=[50], quantities=["capex"], **FEW)
    assert isinstance(bands, xarray.Dataset)
    assert bands["unit"].sel(quantity="capex") == "USD"
    assert bands["percentiles"].attrs["ancillary_variables"] == "percentiles_se"
    assert float(bands["percentiles"].sel(quantity="capex", percentile=50)) > 1e6
    assert simulate.draws(priors, scenarios=1000)["value"].sel(quantity="capex").shape == (1000,)


def test_a_path_a_name_and_a_text_are_priors_and_options_may_be_texts(tmp_path, monkeypatch):
    text = (SHIPPED / "base.toml").read_text(encoding="utf-8")
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    asked = {"scenarios": 4096, "percentiles": [5, 50], "quantities": ["capex", "pue"], "given": ["pue > 1.1"]}
    texts = {"scenarios": 4.096e3, "percentiles": "5,50", "quantities": "capex, pue", "given": "pue > 1.1"}
    wanted = simulate.run("base", **asked)
    for source in (Path("my.toml"), str(tmp_path / "my.toml"), text):
        xarray.testing.assert_equal(simulate.run(source, **texts), wanted)
    xarray.testing.assert_equal(simulate.run(priors="my.toml", **texts), wanted)
    few = {"quantities": "capex", "scenarios": 4e3}
    for question in (simulate.tornado, simulate.draws):
        xarray.testing.assert_equal(question("my.toml", **few), question("base", quantities=["capex"], scenarios=4000))
    (tmp_path / "choices.toml").write_text('extends = "own-or-rent"\n', encoding="utf-8")
    decided = simulate.decide(Path("choices.toml"), quantities="cost_per_1k_tokens,capex", scenarios=4e3)
    assert list(decided["quantity"].values) == ["cost_per_1k_tokens", "capex"]
    compared = simulate.compare(["guosheng-2023", Path("my.toml")], bridge="50,mean", **few)
    assert compared["bridge"].sizes["statistic"] == 2
    varied = simulate.compare("my.toml", vary="pue=1.1,1.2", bridge="none", **few)
    assert varied.sizes["case"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenarios": 1e5 + 0.5}, "scenarios: must be a whole number, not 100000.5"),
        ({"percentiles": "5;50"}, "percentiles: '5;50' is no number; write for instance '5,50,95'"),
        ({"quantities": "capx"}, "there is no quantity capx; did you mean capex?"),
        ({"given": "capex"}, "--given 'capex': is no condition; write for instance 'capex > 1e9'"),
    ],
)
def test_what_a_text_cannot_say_is_refused_in_a_line(options, message):
    with pytest.raises(simulate.SimulateError) as refused:
        simulate.run("guosheng-2023", **options)
    assert str(refused.value) == message


def test_a_script_asks_every_question_and_gets_the_same_figures(tmp_path):
    runs_of_mine = tmp_path / "mine.csv"
    runs_of_mine.write_text(TRAINING_RUNS, encoding="utf-8")
    priors = simulate.load_priors("base")
    asked = {"quantities": ["capex"], **FEW}
    choices = simulate.load_priors(CHOICES)
    pairs = [
        (simulate.run(priors, **asked), runs.run(priors, **asked)),
        (simulate.decide(choices, quantities="cost", **FEW), decisions.decide(choices, quantities=["cost"], **FEW)),
        (simulate.backtest(runs_of_mine), backtesting.backtest(runs_of_mine)),
        (
            simulate.compare([priors, "gpt-3"], quantities=["training_cost"], **FEW),
            comparison.compare([priors, "gpt-3"], quantities=["training_cost"], **FEW),
        ),
    ]
    for dataset, result in pairs:
        xarray.testing.assert_identical(dataset, result.to_dataset())
        assert Result.of_dataset(dataset).question == result.question
        assert set(simulate.plot(dataset))
    assert simulate.tornado(priors, quantities=["capex"])["size"].sel(quantity="capex").max() > 0


def test_a_script_reads_what_a_quantity_means():
    assert "capex" in simulate.explain()
    assert "is needed by" in simulate.explain("pue")
    assert "base.toml" in simulate.explain("pue", simulate.load_priors("base"))


def test_what_a_user_can_mend_is_one_error():
    assert issubclass(simulate.PriorsError, simulate.SimulateError)
    for wrong in (
        lambda: simulate.load_priors("bse"),
        lambda: simulate.run(simulate.load_priors("base"), scenarios=0),
        lambda: simulate.explain("capx"),
        lambda: simulate.plot(xarray.Dataset()),
        lambda: simulate.backtest("none.csv"),
    ):
        with pytest.raises(simulate.SimulateError) as caught:
            wrong()
        assert "\n" not in str(caught.value)


ODD = [5, 1.5, True, [3], np.array([1]), {}, set(), "", b"x", np.nan]


@pytest.mark.parametrize(
    ("ask", "value"),
    sampled(
        [
            lambda odd: simulate.run("base", quantities=odd, **FEW),
            lambda odd: simulate.run("guosheng-2023", scheme=odd, **FEW),
            lambda odd: simulate.run("guosheng-2023", seed=odd, **FEW),
            lambda odd: simulate.run("guosheng-2023", percentiles=odd, **FEW),
            lambda odd: simulate.run("guosheng-2023", statistics=odd, **FEW),
            lambda odd: simulate.run("guosheng-2023", probability=odd, **FEW),
            lambda odd: simulate.run("guosheng-2023", given=odd, **FEW),
            lambda odd: simulate.run("guosheng-2023", precision=odd, **FEW),
            lambda odd: simulate.run(odd, **FEW),
            lambda odd: simulate.tornado("guosheng-2023", quantities=odd),
            lambda odd: simulate.tornado("guosheng-2023", method=odd),
            lambda odd: simulate.decide("own-or-rent", quantities=odd, **FEW),
            lambda odd: simulate.compare(TWO, quantities=odd, bridge=(), **FEW),
            lambda odd: simulate.compare(TWO, quantities=["servers"], bridge=odd, **FEW),
            lambda odd: simulate.compare(TWO, quantities=["servers"], scale=odd, **FEW),
            lambda odd: simulate.compare("guosheng-2023", vary=odd, **FEW),
            simulate.backtest,
        ],
        ODD,
        rounds=5,
    ),
)
def test_a_value_is_taken_or_refused_in_a_line_whatever_it_is(ask, value):
    assert "\n" not in refusal(lambda: ask(value))


def refusal(work):
    """What is refused; '' where the work is done. Anything but a SimulateError goes through."""
    try:
        work()
    except simulate.SimulateError as error:
        return str(error)
    return ""
