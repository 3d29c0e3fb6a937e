from __future__ import annotations

import csv
import io
import json
import math
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic import shipped_backtest

from simulate.comparison import Case, cases_of, compare, default_name
from simulate.comparison.cases import unique
from simulate.comparison.inputs import changes
from simulate.decisions import decide
from simulate.errors import SimulateError
from simulate.explaining import explained
from simulate.formats import FORMATS
from simulate.layout import laid_out, plain
from simulate.priors import load_priors
from simulate.results import netcdf
from simulate.runs import run
from simulate.scenarios import Drawing
from simulate.sensitivity.tornado import tornado
from simulate.settings import Settings

COUNT = 2**14
BASE = Path("priors/base.toml")
TWO = ["priors/guosheng-2023.toml", "priors/base.toml"]


def compared(*sources, **options):
    return compare(sources, **{"scenarios": COUNT, "bridge": (), **options})


def as_json(result):
    file = io.StringIO()
    FORMATS["json"](result, None, file)
    return json.loads(file.getvalue())


def lognormal(name, median, sigma=0.5):
    return f'[priors.{name}]\ndist = "lognormal"\nmedian = {median}\nsigma = {sigma}\n'


COST = '[quantities.cost]\nunit = "USD"\nformula = "a * b"\n'


def test_bands_are_those_of_runs_to_the_bit():
    told = compared(*TWO, quantities=["capex", "training_cost"])
    for case in cases_of(TWO):
        alone = run(case.priors, scenarios=COUNT, quantities=["capex", "training_cost"])
        for name in ("percentiles", "percentiles_se", "mean", "mean_se", "sd", "minimum", "fine_percentiles"):
            assert np.array_equal(told.at(name, case=case.name), alone[name])
    assert (told.labels("case"), told.labels("quantity")) == (["guosheng-2023", "base"], ["capex", "training_cost"])
    assert np.isnan(told.at("difference_percentiles", case="guosheng-2023")).all()


def test_difference_and_ratio_follow_closed_forms(priors_of):
    one = priors_of("one", lognormal("a", 2) + lognormal("b", 3) + COST)
    two = priors_of("two", lognormal("a", 2) + lognormal("b", 3.3, 0.7) + COST)
    told = compared(one, two, scenarios=2**18)
    at = {"quantity": "cost", "case": "two"}
    # The ratio is 1.1 exp(0.2 z), z the score behind b; the difference is negative where the ratio is below 1.
    expected = 1.1 * np.exp(0.2 * np.array([-1.6448536, -0.6744898, 0, 0.6744898, 1.6448536]))
    ratio, error = told.estimate("ratio_percentiles", **at)
    within = 5 * error + 2**-10 * expected / 100  # even spread within a bin of 2^-10
    assert (abs(ratio - expected) < within).all()
    below = 0.5 * (1 + math.erf(-math.log(1.1) / 0.2 / math.sqrt(2)))
    probability, error = told.estimate("probability_lower", **at)
    assert abs(probability - below) < 5 * error + 1e-6
    mean = 2 * math.exp(0.125) * (3.3 * math.exp(0.245) - 3 * math.exp(0.125))
    difference, error = told.estimate("difference_mean", **at)
    assert abs(difference - mean) < 5 * error
    assert told.unit("difference_mean", **at) == "USD"
    assert "case_unit" not in told  # as all cases have one
    assert told.unit("ratio_mean", **at) == "1"


@pytest.mark.parametrize(("value", "lower"), [(2, 1), (3, 0), (4, 0)])
def test_of_constants_one_is_lower_for_certain_or_never(priors_of, value, lower):
    one, two = (
        priors_of(name, f'[priors.a]\nvalue = {of}\n[quantities.cost]\nformula = "a"\n')
        for name, of in (("one", 3), ("two", value))
    )
    told = compared(one, two)
    assert told.estimate("probability_lower", quantity="cost", case="two") == (lower, 0)
    assert told.at("difference_mean", quantity="cost", case="two") == value - 3


@pytest.mark.parametrize(("sign", "baseline", "lower"), [("", 0.6, 0.6), ("-", -0.6, 0.4)])
def test_an_infinite_value_is_neither_lower_nor_higher(priors_of, sign, baseline, lower):
    """Of a quarter of the scenarios the alternative is infinite; the others' share below 0.6 of 0..1 is told."""
    text = "".join(f'[priors.{name}]\ndist = "uniform"\nlower = 0\nupper = 1\n' for name in "ab")
    formula = '[quantities.cost]\nformula = "{}"\n'
    one = priors_of("one", formula.format(baseline))
    two = priors_of("two", text + formula.format(f"where(b < 0.25, {sign}1 / (0 * b), {sign}a)"))
    told = compared(one, two, scenarios=2**16, scheme="random")
    probability, error = told.estimate("probability_lower", quantity="cost", case="two")
    assert abs(probability - lower) < 4 * error
    assert 0 < error < 2 * math.sqrt(0.24 / (0.75 * 2**16))  # of 16 replicates: never twice the binomial one
    assert told.at("nonfinite", quantity="cost", case="two") / 2**16 == pytest.approx(0.25, abs=4 * 0.44 / 2**8)
    of_both = told.at("difference_nonfinite", quantity="cost", case="two")
    assert of_both == told.at("nonfinite", quantity="cost", case="two")
    assert np.isfinite(told.at("difference_maximum", quantity="cost", case="two"))


def test_of_what_is_infinite_in_every_scenario_nothing_is_lower(priors_of):
    two = priors_of("two", lognormal("a", 2) + "[priors.b]\nvalue = 0\n" + '[quantities.cost]\nformula = "a / b"\n')
    one = priors_of("one", lognormal("a", 2) + '[quantities.cost]\nformula = "a"\n')
    told = compared(one, two)
    assert np.isnan(told.estimate("probability_lower", quantity="cost", case="two")).all()
    assert told.at("nonfinite", quantity="cost", case="two") == COUNT
    assert any(
        f"cost of two: nan or infinite in {COUNT:,} of {COUNT:,} scenarios, left out; blank" in w for w in told.warnings
    )


def test_pairing_divides_the_error_of_a_difference_by_five_and_more():
    changed = 'visitors_per_day={dist="lognormal",p5=11.55e6,p95=19.95e6}'  # 5 % more
    files = [load_priors(BASE), load_priors(BASE, [changed])]
    told = compared(*files, quantities=["capex"], scenarios=2**16)
    difference, error = told.estimate("difference_mean", quantity="capex", case="base-2")
    separate = [
        run(file, scenarios=2**16, seed=seed, quantities=["capex"]) for file, seed in zip(files, (1, 2), strict=True)
    ]
    unpaired = math.hypot(*(alone.at("mean_se", quantity="capex") for alone in separate))
    assert difference == pytest.approx(0.05 * told.at("mean", quantity="capex", case="base"), rel=0.02)
    assert 5 * error < unpaired


@pytest.mark.parametrize("path", TWO, ids=["constants", "uncertain"])
def test_a_file_against_itself_shows_nothing(path):
    told = compared(path, path, bridge=(50.0, 95.0))
    _, name = told.labels("case")
    assert told.provenance["changes"] == {name: []}
    for quantity in told.labels("quantity"):
        at = {"quantity": quantity, "case": name}
        for figures in told.estimate("difference_percentiles", **at):
            assert (figures == 0).all()
        assert told.estimate("difference_mean", **at) == (0, 0)
        assert (told.at("ratio_percentiles", **at) == 1).all()
        assert told.estimate("probability_lower", **at) == (0, 0)
    assert "bridge" not in told


def test_own_names_are_paired_whatever_their_order(priors_of):
    one = priors_of("one", lognormal("a", 2) + lognormal("b", 3) + COST)
    two = priors_of("two", lognormal("b", 3) + lognormal("a", 2) + COST)
    told = compared(one, two)
    at = {"quantity": "cost", "case": "two"}
    assert told.at("difference_minimum", **at) == told.at("difference_maximum", **at) == 0


def test_what_has_no_value_is_left_out_and_told(priors_of):
    zero = "[priors.a]\nvalue = 0\n"
    one = priors_of("one", zero + lognormal("b", 3) + COST)
    two = priors_of("two", lognormal("a", 2) + lognormal("b", 3) + COST)
    result = compared(one, two, two, bridge=(50.0, "mean"), scale="log")
    told = as_json(result)
    warnings = [each["message"] for each in told["warnings"]]
    assert [each["label"] for each in told["result"]["cases"].values()] == ["one", "two", "two-2"]
    cost = told["result"]["quantities"]["cost"]
    assert cost["unit"] == "USD"
    assert cost["percentiles"]["value"]["one"] == {"5": 0, "25": 0, "50": 0, "75": 0, "95": 0}
    assert set(cost["difference_mean"]["value"]) == {"two", "two-2"}
    assert cost["ratio_mean"]["value"] == {}  # by zero
    assert "bridge" not in cost  # the logarithm of zero
    assert cost["probability_lower"]["value"] == {"two": 0, "two-2": 0}
    assert any("two / one has no value" in message for message in warnings)
    assert any("no bridge of P50 and mean to two" in message for message in warnings)


def test_parts_of_a_change_are_in_the_unit_of_what_changes_and_factors_have_none(priors_of):
    one, two = (priors_of(f"case{b}", lognormal("a", 2) + lognormal("b", b) + COST) for b in (3, 4))
    at = {"quantity": "cost", "case": "case4"}
    for scale, unit in (("linear", "USD"), ("log", "1")):
        told = compared(one, two, bridge=(50.0,), scale=scale)
        assert told.at("bridge_logarithm", **at) == (scale == "log")
        assert [told.unit(name, **at) for name in ("bridge", "bridge_se", "bridge_baseline")] == [unit, unit, "USD"]


def test_what_a_case_lacks_is_blank_and_told(priors_of):
    other = '[quantities.cost]\nunit = "EUR"\nformula = "a * b"\n[quantities.spare]\nformula = "a"\n'
    one = priors_of("one", lognormal("a", 2) + lognormal("b", 3) + COST)
    two = priors_of("two", lognormal("a", 2) + lognormal("b", 3) + other)
    told = compared(one, two, BASE)
    at = {"quantity": "cost", "case": "two"}
    figures = [name for name in told.figures() if name.startswith(("difference", "ratio", "probability"))]
    assert len(figures) == 15
    assert all(np.isnan(told.at(name, **at)).all() for name in figures)
    assert (told.unit("mean", **at), told.at("unit", quantity="cost")) == ("EUR", "USD")
    assert np.isfinite(told.at("mean", quantity="spare")).tolist() == [False, True, False]
    assert told.warnings[:4] == [
        "one does not have spare, accelerators, capex, opex_per_year, cost_per_question, training_cost: blank there",
        "two does not have accelerators, capex, opex_per_year, cost_per_question, training_cost: blank there",
        "base does not have cost, spare: blank there",
        "cost is in EUR in two, in USD in one: give both the same unit to compare them",
    ]
    assert any("base has the model llm_cost, one none" in message for message in told.warnings)
    csv = io.StringIO()
    FORMATS["csv"](told, None, csv)
    assert "cost,two,,mean,EUR," in csv.getvalue()


def test_a_case_may_have_none_of_the_quantities(priors_of):
    one = priors_of("one", lognormal("a", 2) + lognormal("b", 3) + COST)
    told = compared(BASE, one, quantities=["cost"])
    assert np.isfinite(told.at("mean", quantity="cost")).tolist() == [False, True]
    assert (told.at("unit", quantity="cost"), told.attributes["scenarios"]) == ("USD", COUNT)


def test_the_result_is_kept_whole(tmp_path):
    told = compared(BASE, vary=["pue=1.1,1.2"], bridge=(50.0, "mean"), quantities=["capex", "opex_per_year"])
    file = tmp_path / "compare.nc"
    file.write_bytes(netcdf.written(told))
    read = netcdf.read(file)
    assert (read.question, read.attributes, read.provenance) == (
        "compare",
        told.attributes,
        json.loads(json.dumps(told.provenance)),
    )
    for name in told.figures():
        assert read.variables[name].dims == told.variables[name].dims
        assert np.array_equal(read[name], told[name], equal_nan=True)
    stated = told.provenance["cases"]["base-2"]
    assert stated["overrides"] == ["pue=1.2"]
    assert stated["files"] == [{"path": str(BASE), "sha256": told.provenance["files"][0]["sha256"]}]
    assert stated["settings"]["seed"] == 20230214


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantities": ["capx"]}, "did you mean capex"),
        ({"quantities": "capx"}, "did you mean capex"),
        ({"bridge": (101.0,)}, "bridge: must be less than 100, not 101"),
        ({"bridge": (0,)}, "bridge: must be greater than 0, not 0"),
        ({"bridge": ("median",)}, 'bridge: must be a number without quotes, not "median"'),
        ({"scale": "logarithmic"}, "no scale 'logarithmic'; choose one of auto, linear, log"),
        ({"scale": "lin"}, "did you mean linear"),
        ({"scheme": "sobel"}, "did you mean sobol"),
        ({"percentiles": [100]}, "percentiles: must be less than 100"),
        ({"workers": 0}, "workers: must be"),
        ({"vary": ["pue=1.1"]}, "makes cases of one priors file; name that alone"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(options, message):
    with pytest.raises(SimulateError) as refused:
        compared(BASE, BASE, **options)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_one_case_is_refused():
    with pytest.raises(SimulateError, match="name another priors file"):
        compare(BASE)


# ---------------------------------------------------------------------------------------------------------
# How it is worked off


class Interrupted(BaseException):
    """What Ctrl-C raises where the work is waited for."""


@pytest.mark.parametrize("stage", ["scenarios", "bridge to base"])
def test_an_interrupt_ends_every_stage_at_its_next_step(stage):
    told, before = [], threading.active_count()

    def progress(what, done, total):
        told.append((what, done, total))
        if what == stage and done > 2:
            raise Interrupted

    start = time.perf_counter()
    with pytest.raises(Interrupted):
        compare(TWO, scenarios=2**20, quantities=["capex"], backend="threads", workers=2, progress=progress)
    assert told[-1][0] == stage
    assert time.perf_counter() - start < 60
    deadline = time.perf_counter() + 2
    while threading.active_count() > before and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before  # nobody works on behind it


@pytest.mark.parametrize("scenarios", [2**17, 2**20, 2**20 + 2**18])
def test_progress_counts_the_steps_of_each_stage_once(scenarios):
    told = {}
    compare(
        TWO,
        scenarios=scenarios,
        quantities=["training_cost"],
        progress=lambda what, done, total: told.setdefault(what, []).append((done, total)),
    )
    assert list(told) == ["scenarios", "bridge to base"]
    for steps in told.values():
        assert sorted(done for done, _ in steps) == list(range(1, len(steps) + 1))
        assert {total for _, total in steps} == {len(steps)}


# ---------------------------------------------------------------------------------------------------------
# Cases


def test_vary_makes_a_case_for_each_combination():
    made = cases_of(BASE, ["pue=1.1,1.2", 'spare_share=0.02,{dist="uniform",lower=0,upper=0.1}'])
    assert [case.name for case in made] == ["base", "base-2", "base-3", "base-4"]
    assert [case.label for case in made][1:3] == [
        'pue=1.1 spare_share={dist="uniform",lower=0,upper=0.1}',
        "pue=1.2 spare_share=0.02",
    ]
    assert [case.priors.priors["pue"].distribution.value for case in made] == [1.1, 1.1, 1.2, 1.2]
    assert made[0].priors.priors == load_priors(BASE, ["pue=1.1", "spare_share=0.02"]).priors


def test_repeated_names_are_numbered():
    assert unique(["a", "b", "a", "a-2", "a"]) == ["a", "b", "a-2", "a-2-2", "a-3"]


def test_a_case_may_come_from_anything_that_holds_priors(priors_of, tmp_path):
    mine = priors_of("mine", lognormal("a", 2) + lognormal("b", 3) + COST)
    earlier = run(mine, scenarios=COUNT)
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "result.nc").write_bytes(netcdf.written(earlier))
    (tmp_path / "kept.nc").write_bytes(netcdf.written(earlier))
    sources = [
        str(mine.path), mine.path, mine, earlier, earlier.to_dataset(), tmp_path / "earlier",
        tmp_path / "kept.nc", "base", "priors/own-or-rent.toml:rent_reserved", load_priors("[priors.pue]\nvalue = 1"),
    ]  # fmt: skip
    made = cases_of(sources)
    assert [case.name for case in made] == [
        "mine", "mine-2", "mine-3", "mine-4", "mine-5", "earlier", "kept", "base", "own-or-rent-rent_reserved", "text",
    ]  # fmt: skip
    assert all(case.priors.priors == mine.priors for case in made[:7])
    assert [case.saved is not None for case in made] == [False] * 3 + [True] * 4 + [False] * 3
    assert made[8].priors.chosen == "rent_reserved"
    assert [case.name for case in cases_of([*made[:2], replace(made[0], label="other")])] == [
        "mine", "mine-2", "mine-3",
    ]  # fmt: skip
    assert cases_of(made[0])[0].label == "mine"


def test_what_is_no_case_is_refused_in_a_line(priors_of):
    mine = priors_of("mine", lognormal("a", 2) + lognormal("b", 3) + COST)
    earlier = run(mine, scenarios=COUNT)
    for source, message in (
        (3, "int is nothing to compare"),
        (compared(mine, mine), "is a result of `simulate compare`; give one of `simulate run`"),
        (
            shipped_backtest(),
            "is a result of `simulate backtest`; give one of `simulate run`",
        ),  # it rests on no priors file
        ("no-such.nc", "there is no such file"),
    ):
        with pytest.raises(SimulateError, match=message):
            cases_of([source])
    for sources in ([earlier], [mine, mine]):
        with pytest.raises(SimulateError, match="makes cases of one priors file; name that alone"):
            cases_of(sources, ["a=1,2"])
    for text in ("a", "a=", "=1", "a=1,,2"):
        with pytest.raises(SimulateError, match=f"^--vary '{text}': "):
            cases_of(mine, [text])


def test_default_names():
    cases = [Case(name, name, None, Settings()) for name in "abcdef"]
    assert default_name(cases[:2]) == "a-vs-b"
    assert default_name(cases) == "a-vs-b-c-d-and-2-more"
    assert default_name(cases, ["pue=1,2", "power = 3,4", "pue=5,6"]) == "a-by-pue-power"
    assert default_name(cases[:1], ["priors.a.file='b/c','d'", "x=1,2"]) == "a-by-priors.a.file-x"


def test_names_of_choices_are_those_of_single_files(command, tmp_path):
    names = ("a/b", "a-b", "=1+1", "..", "ä" * 150)
    choices = "".join(f'[choices."{name}".priors.x]\nmean = {place}\n' for place, name in enumerate(names))
    text = f'model = "none"\n[priors.x]\ndist = "normal"\nmean = 9\nsd = 1\n[quantities.y]\nformula = "x"\n{choices}'
    path = tmp_path / "m.toml"
    path.write_text(text, encoding="utf-8")
    cases = [f"{path}:{name}" for name in names]
    code, _, err = command("compare", path, *cases, "--scenarios", "1024")
    assert (code, err) == (0, "")
    found = {each.name for each in (tmp_path / "out").glob("waterfall*.png")}
    short = ["m-a-b", "m-a-b-2", "m-=1+1", "m-..", "m-" + "ä" * 99]
    assert found == {f"waterfall-{name}.png" for name in short}
    assert "/" not in default_name(cases_of(cases))
    assert len(default_name(cases_of(cases)).encode()) <= 200
    with (tmp_path / "out" / "compare.csv").open(encoding="utf-8", newline="") as file:
        assert {"m-a/b", "m-=1+1"} < {row["case"] for row in csv.DictReader(file)}


# ---------------------------------------------------------------------------------------------------------
# Earlier runs


def test_a_saved_run_is_drawn_again_from_its_text(priors_of, load):
    text = 'model = "none"\n' + lognormal("a", 2) + lognormal("b", 3) + COST
    earlier = run(load(text, "a=4", name="mine"), scenarios=COUNT, seed=3)
    other = priors_of("other", lognormal("a", 4) + lognormal("b", 3) + COST)
    file = Path(earlier.provenance["files"][0]["path"])
    for source in ("where it was", "changed", "gone"):
        if source == "changed":
            file.write_text(text.replace("median = 3", "median = 30"), encoding="utf-8")
        if source == "gone":
            file.unlink()
        (case,) = cases_of([earlier])
        assert case.name == "mine"
        assert case.priors.priors["a"].distribution.value == 4
    told = compare([case, other], bridge=())
    assert (told.attributes["seed"], told.attributes["scenarios"]) == (3, COUNT)
    assert np.array_equal(told.at("percentiles", case="mine"), earlier["percentiles"])
    assert np.isfinite(told.at("difference_percentiles", case="other")).all()


def test_a_saved_run_keeps_its_scheme_and_percentiles(priors_of):
    mine = priors_of("mine", lognormal("a", 2) + lognormal("b", 3) + COST)
    other = priors_of("other", lognormal("a", 2) + lognormal("b", 3.3) + COST)
    earlier = run(mine, scenarios=COUNT, scheme="random", percentiles=[10, 50])
    told = compare([earlier, other], bridge=())
    assert told.attributes["scheme"] == "random"
    assert told.labels("percentile") == [10, 50]
    assert np.array_equal(told.at("percentiles", case="mine"), earlier["percentiles"])
    assert told.warnings == []
    back = compare([other, earlier], scenarios=COUNT, bridge=())
    assert back.attributes["scheme"] == "sobol"
    ran, here = (f"16,384 scenarios, {scheme}, seed 20230214" for scheme in ("random", "sobol"))
    assert back.warnings == [f"mine was run with {ran}, and is drawn here with {here}, as all cases are"]


@pytest.mark.parametrize(
    "conditions", [{"given": ["cost < 4"]}, {"observe": ["cost = 5 +- 10%"]}], ids=["given", "observe"]
)
@pytest.mark.parametrize("first", [True, False], ids=["baseline", "alternative"])
def test_a_saved_run_keeps_its_conditions(priors_of, conditions, first):
    mine = priors_of("mine", lognormal("a", 2) + lognormal("b", 3) + COST)
    other = priors_of("other", lognormal("a", 2) + lognormal("b", 3.3) + COST)
    earlier = run(mine, scenarios=COUNT, **conditions)
    told = compare([earlier, other] if first else [other, earlier], scenarios=COUNT)
    for name in ("percentiles", "percentiles_se", "mean", "mean_se", "sd", "fine_percentiles"):
        assert np.array_equal(told.at(name, case="mine"), earlier[name])
    alone = run(other, scenarios=COUNT)
    assert np.array_equal(told.at("percentiles", case="other"), alone["percentiles"])
    # The scenarios kept are not those of the other case: only means are set against each other.
    at = {"quantity": "cost", "case": told.labels("case")[1]}
    difference, error = told.estimate("difference_mean", **at)
    means = told.at("mean", quantity="cost")
    assert difference == means[1] - means[0]
    assert error == math.hypot(*told.at("mean_se", quantity="cost"))
    for name in ("difference_percentiles", "ratio_percentiles", "ratio_mean", "probability_lower"):
        assert np.isnan(told.at(name, **at)).all()
    assert "bridge" not in told
    (text,) = next(iter(conditions.values()))
    (warning,) = told.warnings
    assert warning.startswith(f"mine is told given {text}, worth ")


def test_cases_without_conditions_stay_paired_beside_one_with(priors_of):
    files = [priors_of(name, lognormal("a", 2) + lognormal("b", b) + COST) for name, b in (("x", 3), ("y", 4))]
    narrow = run(files[0], scenarios=COUNT, given=["cost < 4"])
    told = compared(*files, narrow, bridge=(50.0,))
    without = compared(*files, bridge=(50.0,))
    for name in without.figures():
        assert np.array_equal(told.at(name, case="y"), without.at(name, case="y"))
    assert told.provenance["unpaired"] == ["x-2"]


def test_conditions_that_leave_too_little_are_refused(priors_of):
    mine = priors_of("mine", lognormal("a", 2) + lognormal("b", 3) + COST)
    (case,) = cases_of(mine)
    narrow = replace(case, settings=case.settings.asked(given=["cost < 0.5"]))
    with pytest.raises(SimulateError, match=r"^mine: --given 'cost < 0\.5': of 16,384 scenarios"):
        compared(narrow, mine)


def test_a_saved_run_that_cannot_be_drawn_again_is_unpaired(priors_of, tmp_path):
    mine = priors_of("mine", lognormal("a", 2) + lognormal("b", 3) + COST)
    earlier = run(mine, scenarios=COUNT)
    earlier.provenance["priors"]["a"]["specification"]["median"] = 5
    (tmp_path / "old.nc").write_bytes(netcdf.written(earlier))
    told = compare([mine, tmp_path / "old.nc"], scenarios=COUNT, percentiles=[10, 50])
    assert any(message.startswith("old is a saved run") for message in told.warnings)
    at = {"quantity": "cost", "case": "old"}
    difference, error = told.estimate("difference_mean", **at)
    means = told.at("mean", quantity="cost")
    assert difference == means[1] - means[0] == 0
    assert error == pytest.approx(math.sqrt(2) * earlier.at("mean_se", quantity="cost"))
    old, own = (told.at("percentiles", quantity="cost", case=case) for case in ("old", "mine"))
    assert old == pytest.approx(own, rel=1e-12)
    assert np.isnan(told.at("percentiles_se", **at)).tolist() == [True, False]
    spoken = as_json(told)["result"]
    assert "old" not in spoken["quantities"]["cost"]["difference_percentiles"]["value"]
    assert spoken["cases"]["old"]["changes"] is None
    first = compare([tmp_path / "old.nc", mine])
    assert (first.attributes["scenarios"], first.provenance["unpaired"]) == (COUNT, ["mine"])
    assert first.at("difference_mean", quantity="cost", case="mine") == 0
    alone = compare([tmp_path / "old.nc", tmp_path / "old.nc"])
    assert alone.at("difference_mean", quantity="cost", case="old-2") == 0


# ---------------------------------------------------------------------------------------------------------
# What differs in the inputs


def test_values_that_differ_are_not_shown_alike(priors_of):
    one, two = (
        priors_of(f"price-{value}", f"[priors.a]\nvalue = {value}\n[quantities.b]\nformula = 'a'\n")
        for value in (1000000, 1000001)
    )
    ((_, _, _, before, after),) = changes(one, two)
    assert (before["text"], after["text"]) == ("1e+06", "1000001")


def ends(row):
    """What a change leads from and to, as a reader sees it."""
    return tuple(each and each["text"] for each in (row.before, row.after))


def test_changes_list_priors_formulas_and_correlations(priors_of):
    common = lognormal("a", 2) + lognormal("b", 3)
    one = priors_of("one", common + COST + "[correlations.a]\nb = 0.5\n")
    two = priors_of(
        "two",
        lognormal("a", 2.5) + lognormal("b", 3) + "[priors.c]\nvalue = 7\n"
        + COST.replace("a * b", "a * b * c") + "[correlations.a]\nb = { kendall = 0.2 }\n",
    )  # fmt: skip
    rows = {(row.kind, row.name, row.change): ends(row) for row in changes(one, two)}
    assert rows == {
        ("prior", "a", "changed"): ("lognormal median=2 sigma=0.5", "lognormal median=2.5 sigma=0.5"),
        ("prior", "c", "added"): (None, "7"),
        ("formula", "cost", "changed"): ("= a * b", "= a * b * c"),
        ("correlation", "a, b", "changed"): ("spearman 0.5", "kendall 0.2"),
    }
    back = {(row.name, row.change) for row in changes(two, one)}
    assert ("c", "removed") in back


def test_changes_show_what_they_are_of(priors_of):
    values = '[priors.a]\ndist = "choice"\nvalues = {}\nunit = "USD"\n'
    one = priors_of("one", values.format([1, 2, 3, 4]) + lognormal("b", 3) + COST)
    two = priors_of("two", values.format([1, 2, 3, 4, 5]) + lognormal("b", 3) + COST.replace("a * b", "a  *  b"))
    (row,) = changes(one, two)
    assert ends(row) == ("choice values=[1, 2, 3, 4] USD", "choice values=[1, 2, 3, 4, ...] USD")
    assert row.after["specification"] == {"values": [1, 2, 3, 4, 5]}  # whole
    assert (row.before["is"], row.before["family"], row.before["unit"]) == ("prior", "choice", "USD")


def test_a_prior_in_place_of_the_models_default_tells_it():
    base = load_priors(BASE)
    name = next(name for name, each in base.quantities.items() if each.default is not None and name not in base.priors)
    default = base.quantities[name].default
    (row,) = changes(base, load_priors(BASE, [f"{name}={default * 2 + 1}"]))
    text = f"{default:g}, the model's default"
    assert (row.name, row.change, row.before) == (name, "added", {"is": "default", "value": default, "text": text})
    assert changes(load_priors(BASE, [f"{name}={default * 2 + 1}"]), base)[0].after == row.before


def test_a_prior_in_place_of_the_models_function_is_added():
    rows = changes(load_priors(BASE), load_priors(BASE, ["power=2e4"]))
    assert [(row.kind, row.name, row.change, *ends(row)) for row in rows] == [
        ("prior", "power", "added", "as the model computes it", "20000 kW")
    ]


def test_cases_keep_each_others_correlations_with_what_they_do_not_draw(priors_of):
    link = "[correlations.a]\nb = 0.5\n"
    one = priors_of("one", lognormal("a", 2) + lognormal("b", 3) + COST + link)
    two = priors_of("two", "[priors.a]\nvalue = 2\n" + lognormal("b", 3) + COST)
    three = priors_of("three", lognormal("a", 2) + lognormal("b", 3) + COST)
    latents = Drawing({"one": one, "two": two}, Settings()).latents
    assert latents["one"] == latents["two"] == {("a", "b"): pytest.approx(2 * math.sin(math.pi / 12))}
    assert Drawing({"one": one, "three": three}, Settings()).latents["three"] == {}


CHAIN = """model = "none"
[priors]
a = {{dist = "normal", mean = 10, sd = 1}}
b = {{value = 2}}
[quantities]
q0 = {{formula = "a * b"}}
{}
[choices.one.priors]
b = {{value = 3}}
[choices.two.priors]
b = {{value = 4}}
"""


@pytest.mark.parametrize("length", [1100, pytest.param(3000, marks=pytest.mark.long)])
def test_chains_are_as_long_as_a_file_has_them(length):
    last = f"q{length}"
    chain = "\n".join(f'q{place} = {{formula = "q{place - 1} + 1"}}' for place in range(1, length + 1))
    priors = load_priors(CHAIN.format(chain))
    told = compare(priors, vary=["b=2,3"], quantities=[last], scenarios=1024, bridge=["mean"])
    part = told.at("bridge", quantity=last, case=told.labels("case")[1], statistic="mean", change="b")
    assert part == pytest.approx(10, abs=0.2)
    assert run(priors, quantities=[last], scenarios=1024).at("mean", quantity=last) == pytest.approx(
        20 + length, abs=0.2
    )
    assert tornado(priors, quantities=[last]).at("swing", quantity=last, prior="a") == pytest.approx(5.126, abs=1e-3)
    assert decide(priors, quantities=[last], scenarios=1024).attributes["best"] == "one"
    assert plain(laid_out(explained("a", priors))).count("q") >= length
    assert plain(laid_out(explained(last, priors))).count("└─ b") == 1


def test_each_case_is_told_what_a_run_of_it_is_told():
    cut = load_priors("deepseek-2025-serving", ["batch_size={dist='choice',values=[100,1e6],weights=[3,1]}"])
    whole = load_priors("deepseek-2025-serving", ["batch_size=100"])
    asked = {"quantities": ["output_speed"], "scenarios": 4096}
    told = compare([cut, whole], **asked, bridge=[])
    (line,) = run(cut, **asked).warnings
    assert line.startswith("batch_feasible: 0 in 25 %")
    assert [each for each in told.warnings if "feasible" in each] == [f"{told.labels('case')[0]}: {line}"]
    assert told.labels("quantity") == ["output_speed"]
    assert compare([whole, whole], **asked, bridge=[]).warnings == []


def test_own_formulas_on_the_way_are_watched_in_each_case():
    """Half of the PUEs lie below 1, and nobody asked for the PUE."""
    margin = '[priors.margin]\ndist = "uniform"\nlower = 0\nupper = 2\n'
    lower = load_priors(f'extends = "base"\n{margin}[quantities.pue]\nformula = "margin"\n')
    told = compare(["base", lower], quantities=["electricity_cost"], scenarios=4096, bridge=[])
    assert "pue of text: below 1 in 2,048 of 4,096 scenarios, kept" in told.warnings


def test_a_prior_in_a_formulas_place_is_told_as_one_part(priors_of):
    """The inputs of the formula are no changes: the other case has none that they could be set against."""
    drawn = priors_of("drawn", lognormal("speed", 2) + '[quantities.cost]\nformula = "3 * speed"\n')
    formula = '[quantities.speed]\nformula = "a * b"\n[quantities.cost]\nformula = "3 * speed"\n'
    computed = priors_of("computed", lognormal("a", 1) + lognormal("b", 4) + formula)
    line = (
        "speed: a prior in one of {} and {}, a formula in the other, so that a part of the bridge is the whole of it, "
        "not spread over what the formula needs"
    )
    for sides in ((drawn, computed), (computed, drawn)):
        told = compared(*sides, bridge=[50])
        assert line.format(*told.labels("case")) in told.warnings
        assert told.labels("change") == ["speed"]
    other = priors_of("other", lognormal("a", 1) + lognormal("b", 5) + formula)
    assert not any("not spread" in each for each in compared(computed, other, bridge=[50]).warnings)


def test_bridges_of_percentiles_that_round_alike_stay_apart(priors_of):
    one, two = (
        priors_of(name, lognormal("a", median) + '[quantities.cost]\nformula = "a"\n')
        for name, median in (("one", 2), ("two", 3))
    )
    told = compared(one, two, bridge=[50.00001, 50.00002])
    assert told.labels("statistic") == ["P50.00001", "P50.00002"]


def test_no_more_cases_are_made_than_anyone_reads(load):
    priors = load('model = "none"\n[priors.x]\nvalue = 1\n[priors.z]\nvalue = 1\n[quantities.y]\nformula = "x + z"\n')
    many = ["x=" + ",".join(["1"] * 40), "z=" + ",".join(["1"] * 26)]
    with pytest.raises(SimulateError, match=r"^--vary: makes 1,040 cases, more than 1,000; list fewer values$"):
        cases_of(priors, many)
