"""Percentiles beyond which few scenarios lie: estimates that are marked, or bounds, the same wherever they are told."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from scipy import stats

from simulate.comparison import compare
from simulate.layout import laid_out, plain
from simulate.priors import load_priors
from simulate.runs import run
from simulate.runs.plots import plots
from simulate.runs.report import sections
from simulate.spread import t_quantile

NORMALS = """
model = "none"
[priors]
x = {dist = "normal", mean = 10, sd = 1}
b = {dist = "normal", mean = 0, sd = 0.1}
event = {dist = "choice", values = [0, 1], weights = [99, 1]}
fixed = {value = 3}
[quantities]
y = {formula = "x + b"}
half = {formula = "sqrt(x - 10)"}
hit = {formula = "event * 1"}
same = {formula = "fixed + 1"}
[choices.one]
[choices.two.quantities]
y = {formula = "x - b"}
"""
EXACT = stats.norm(10, math.hypot(1, 0.1))
FAR = [0.01, 50.0, 99.99]
FALSE_ALARM = 1e-4
BOUNDED = "P0.01, P99.99: fewer than 10 scenarios lie beyond, so that only a bound is told, at 95 %; for estimates"


@pytest.fixture(scope="module")
def normals():
    return load_priors(NORMALS)


@pytest.fixture(scope="module")
def bounded(normals):
    return run(normals, scenarios=2**14, percentiles=FAR, quantities=["y", "half", "hit", "same"])


def text_of(result):
    return plain(laid_out(sections(result)))


def test_a_percentile_of_which_a_run_has_too_few_scenarios_is_a_bound(bounded):
    sides = bounded.at("percentiles_bound", quantity="y").tolist()
    assert sides == ["<=", "", ">="]
    values, errors = bounded.estimate("percentiles", quantity="y")
    assert np.isnan(errors).tolist() == [True, False, True]
    assert EXACT.ppf(0.0001) < values[0] < EXACT.ppf(0.001)
    assert EXACT.ppf(0.999) < values[2] < EXACT.ppf(0.9999)
    assert f"{BOUNDED} ask for --scenarios 262144" in bounded.warnings  # for half
    assert "Not known of" not in text_of(bounded)


def test_a_bound_of_what_has_atoms_is_one_and_of_constants_none(bounded):
    assert bounded.at("percentiles", quantity="hit").tolist() == [0, 0, 1]
    assert bounded.at("percentiles_bound", quantity="hit").tolist() == ["<=", "", ">="]
    assert bounded.at("percentiles", quantity="same").tolist() == [4, 4, 4]
    assert bounded.at("percentiles_bound", quantity="same").tolist() == ["", "", ""]
    assert bounded.at("percentiles_se", quantity="same").tolist() == [0, 0, 0]


def test_enough_scenarios_are_no_bound_and_few_are_marked(normals):
    marked = run(normals, scenarios=2**17, percentiles=FAR, quantities=["y"])
    assert "percentiles_bound" not in marked
    assert marked.provenance["few_beyond"] == pytest.approx({"P0.01": 13.1072, "P99.99": 13.1072})
    assert "Few scenarios lie beyond P0.01 (13), P99.99 (13)." in text_of(marked)
    values, errors = marked.estimate("percentiles", quantity="y")
    assert (abs(values - EXACT.ppf(np.array(FAR) / 100)) <= 4 * errors).all()
    plenty = run(normals, scenarios=2**14, quantities=["y"])
    assert "few_beyond" not in plenty.provenance
    assert "Few scenarios" not in text_of(plenty)


@pytest.mark.parametrize("scheme", ["sobol", "latin_hypercube", "random"])
@pytest.mark.parametrize("seeds", [40, pytest.param(1000, marks=pytest.mark.long)])
def test_bounds_and_estimates_hold_the_truth(normals, scheme, seeds):
    """Bounds in 95 % or more; estimates, with 16 to 100 scenarios beyond, in 93 % or more, no more than 99 %."""
    percents = [0.01, 0.03, 0.1, 0.6, 99.4, 99.9, 99.97, 99.99]
    exact, held = EXACT.ppf(np.array(percents) / 100), np.zeros(len(percents), int)
    for seed in range(seeds):
        told = run(normals, scenarios=2**14, seed=seed, scheme=scheme, percentiles=percents, quantities=["y"])
        values, errors = told.estimate("percentiles", quantity="y")
        sides = told.at("percentiles_bound", quantity="y")
        assert sides.tolist() == ["<=", "<=", "", "", "", "", ">=", ">="]
        near = abs(values - exact) <= t_quantile() * errors
        held += np.where(sides == "<=", exact <= values, np.where(sides == ">=", exact >= values, near))
    assert (held >= stats.binom.ppf(FALSE_ALARM, seeds, 0.93)).all(), held / seeds
    assert (held[2:6] <= stats.binom.isf(FALSE_ALARM, seeds, 0.99)).all(), held / seeds


def test_every_format_says_a_bound_alike(tmp_path, command, load):
    path = load(NORMALS).path
    asked = ["run", path, "--scenarios", 2**14, "--percentiles", "0.01,50,99.99", "--quantities", "y"]
    code, table, told = command(*asked)
    assert code == 0
    assert BOUNDED in told
    row = next(line for line in table.splitlines() if line.startswith("y "))
    assert row.split()[1:6] == ["<=", "6.49", "10.00", ">=", "13.45"]
    with (tmp_path / "out" / "percentiles.csv").open() as file:
        rows = {(each["figure"], each["percentile"]): each for each in csv.DictReader(file) if each["quantity"] == "y"}
    assert rows["percentiles_bound", "99.99"]["value"] == ">="
    assert rows["percentiles", "99.99"]["standard_error"] == ""
    _, text, _ = command(*asked, "--format", "json")
    of_y = json.loads(text)["result"]["quantities"]["y"]
    assert of_y["percentiles_bound"]["value"] == {"0.01": "<=", "50": "", "99.99": ">="}
    assert of_y["percentiles"]["standard_error"]["99.99"] is None
    _, markdown, _ = command(*asked, "--format", "markdown")
    assert ">= 13.45" in markdown.replace("\\", "").replace("&gt;", ">")


def test_netcdf_keeps_bounds(tmp_path, bounded):
    from simulate.results.netcdf import read, written

    path = tmp_path / "result.nc"
    path.write_bytes(written(bounded))
    kept = read(path)
    assert kept["percentiles_bound"].tolist() == bounded["percentiles_bound"].tolist()
    assert bounded.to_dataset()["percentiles_bound"].sel(quantity="y", percentile=99.99).item() == ">="


def test_a_picture_of_few_scenarios_says_so(normals):
    texts = [each.get_text() for each in plots(run(normals, scenarios=128, quantities=["y"]))["bands"].axes[0].texts]
    assert any(text.startswith("<= ") for text in texts)
    assert any(text.startswith(">= ") for text in texts)
    texts = [each.get_text() for each in plots(run(normals, scenarios=256, quantities=["y"]))["bands"].axes[0].texts]
    assert not any("= " in text for text in texts)


def test_other_questions_say_bounds_alike(command, load):
    path = load(NORMALS).path
    other = load(NORMALS.replace("mean = 10", "mean = 11"), name="other").path
    few = ["--scenarios", 2**14, "--percentiles", "0.01,50,99.99", "--quantities", "y"]
    code, table, told = command("compare", path, other, *few, "--bridge", "50,99.99")
    assert code == 0
    assert table.count("<= ") == table.count(">= ") == 4  # both cases, the difference and the ratio
    assert BOUNDED in told
    assert "no bridge of P99.99, for fewer than 10 scenarios lie beyond" in told
    code, table, told = command("decide", path, *few)
    assert code == 0
    assert table.count("<= ") == table.count(">= ") == 2
    assert f"{BOUNDED} ask for --scenarios 131072" in told
    code, table, told = command("tornado", path, "--percentiles", "0.0001,99.9999", "--quantities", "y")
    assert code == 0
    assert "P0.0001 <= 5." in table
    assert "P99.9999 >= 14." in table
    assert "for estimates ask `simulate run` for --scenarios 16777216" in told
    assert "fewer than 10" not in command("tornado", path, "--low", "0.0001", "--quantities", "y")[2]


def test_an_earlier_run_that_cannot_be_drawn_again_tells_bounds(normals):
    """Those that it told, and of percentiles beyond its fine ones, which end at P0.5 and P99.5."""
    old = run(normals, scenarios=2**14, quantities=["y"], percentiles=[50, 99.99])
    old.provenance["priors"]["x"]["specification"]["mean"] = 9  # so that they do not read the same
    told = compare([old, normals], quantities=["y"], percentiles=[0.1, 50, 99.99], scenarios=2**17)
    first, second = told.labels("case")
    assert told.at("percentiles_bound", quantity="y", case=first).tolist() == ["<=", "", ">="]
    far = {"quantity": "y", "percentile": 99.99}
    assert told.at("percentiles", case=first, **far) == old.at("percentiles", **far)
    assert told.at("percentiles_bound", quantity="y", case=second).tolist() == ["", "", ""]


def test_precision_of_a_bound_adds_scenarios(normals):
    told = run(normals, scenarios=2**12, percentiles=[50], quantities=["y"], precision="y:p99.9=2%")
    assert told.attributes["scenarios"] > 2**13  # of which ten lie beyond
    assert "reached" in told.provenance["precision"]["text"]
