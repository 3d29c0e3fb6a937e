"""Sweeps: bands along values of a prior against closed forms, and which choice is the best at each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from readable import assert_readable

from simulate.decisions import decide
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.sweeps import sweep
from simulate.sweeps.plots import plots
from simulate.sweeps.report import sections

# A fixed price against one that is uniform between 0 and 1: it is the cheaper one with probability 1 - price.
PRICES = """model = "none"
[priors]
price = {value = 0.5, unit = "USD"}
other = {dist = "uniform", lower = 0, upper = 1, unit = "USD"}
[quantities]
cost = {formula = "price", unit = "USD"}
[choices.fixed]
[choices.drawn.quantities]
cost = {formula = "other", unit = "USD"}
"""
# A root that there is in some scenarios alone.
ROOTS = """model = "none"
[priors]
level = {value = 0}
z = {dist = "normal", mean = 0, sd = 1}
[quantities]
root = {formula = "sqrt(level + z)"}
[choices.root]
[choices.seven.quantities]
root = {formula = "7 + 0 * level"}
"""
FEW = {"scenarios": 2**12}
FALSE_ALARM = 4  # standard errors: a false alarm once in 16,000


def near(estimate, truth):
    value, error = estimate
    return abs(value - truth) <= FALSE_ALARM * error + 1e-12


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_the_best_at_each_value_is_as_often_as_it_must(scheme):
    result = sweep(load_priors(PRICES), over="price=0.9,0.25,-1", scheme=scheme, **FEW)
    assert result.labels("swept") == [-1, 0.25, 0.9], "in their order on the axis"
    for value, truth in ((-1, 1.0), (0.25, 0.75), (0.9, 0.1)):
        assert near(result.estimate("probability_best", choice="fixed", swept=value), truth)
        assert near(result.estimate("probability_best", choice="drawn", swept=value), 1 - truth)
        assert result.at("mean", quantity="cost", choice="fixed", swept=value) == value
        assert near(result.estimate("percentiles", quantity="cost", choice="drawn", swept=value, percentile=50), 0.5)
    most = sweep(load_priors(PRICES), over="price=0.25", maximize=True, scheme=scheme, **FEW)
    assert near(most.estimate("probability_best", choice="fixed", swept=0.25), 0.25)


def test_a_choice_without_a_number_is_never_the_best():
    result = sweep(load_priors(ROOTS), over="level=-1,0,8", scheme="random", **FEW)
    for value in (-1, 0, 8):
        possible = 0.5 * math.erfc(-value / math.sqrt(2))
        assert near(result.estimate("probability_finite", choice="root", swept=value), possible)
        assert result.at("probability_finite", choice="seven", swept=value) == 1
        assert near(result.estimate("probability_best", choice="root", swept=value), possible), "a root is below 7"
        assert result["probability_best"].sum(axis=0) == pytest.approx(1)
    median = math.sqrt(0.6744897501960817)  # of |z|, of which z > 0 is a half
    assert near(result.estimate("percentiles", quantity="root", choice="root", swept=0, percentile=50), median)


def test_those_that_tie_have_a_part_each():
    tied = PRICES.replace('formula = "other"', 'formula = "price + other - other"')
    result = sweep(load_priors(tied), over="price=0.3,0.7", **FEW)
    assert result["probability_best"].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_at_a_value_it_says_what_a_decision_says():
    options = {"quantities": ["own_cost_per_year"], "scenarios": 2**14}
    swept = sweep(
        load_priors("own-or-rent"), over="discount_rate=0.05,0.12", quantities=["cost_per_day"], scenarios=2**14
    )
    options["quantities"] = ["cost_per_day"]
    decided = decide(load_priors("own-or-rent", ["discount_rate=0.12"]), **options)
    for choice in decided.labels("choice"):
        at = {"quantity": "cost_per_day", "choice": choice}
        assert swept.at("percentiles", **at, swept=0.12).tolist() == decided.at("percentiles", **at).tolist()
        assert swept.at("probability_best", choice=choice, swept=0.12) == decided.at("probability_best", choice=choice)


def test_values_are_in_the_unit_of_the_quantity():
    over = 'electricity_price={value = 9, unit = "cents/kWh"},0.06'
    result = sweep(load_priors("base"), over=over, quantities=["electricity_cost"], **FEW)
    assert result.labels("swept") == pytest.approx([0.06, 0.09])
    assert result.coordinates["swept"].unit == "USD/kWh"
    low, high = result.at("mean", quantity="electricity_cost")[0]
    assert high / low == pytest.approx(1.5)


def test_the_same_bits_by_any_workers():
    one, two = (
        sweep(load_priors(PRICES), over="price=0.2,0.6", backend=backend, scenarios=2**16, workers=workers)
        for backend, workers in (("serial", None), ("threads", 2))
    )
    for name in one.variables:
        assert np.array_equal(one[name], two[name], equal_nan=one[name].dtype != object), name


def test_a_file_without_choices_is_the_only_one():
    result = sweep(load_priors("base"), over="pue=1.1,1.3", quantities=["electricity_cost"], **FEW)
    assert result.labels("choice") == ["base"]
    low, high = result.at("mean", quantity="electricity_cost", choice="base")
    assert high / low == pytest.approx(1.3 / 1.1)
    text = "\n".join(str(each) for each in sections(result))
    assert "cheapest" not in text


def test_conditions_hold_at_each_value():
    result = sweep(load_priors(PRICES), over="price=0.2,0.6", given=["other > 0.5"], **FEW)
    assert result.at("minimum", quantity="cost", choice="drawn", swept=0.2) > 0.5
    assert near(result.estimate("probability_best", choice="fixed", swept=0.6), 0.8)


MEASURED = (
    PRICES
    + """
[[published]]
quantity = "cost"
value = 55
unit = "cents"
choice = "drawn"
at.price = 0.3
source = "a test"
[[published]]
quantity = "cost"
value = 1
"""
)


def test_what_was_measured_at_a_value_stands_beside_the_bands():
    priors = load_priors(MEASURED)
    assert [each.value for each in priors.published] == [1], "what has no value of the prior is as before"
    result = sweep(priors, over="price=0.2,0.6", **FEW)
    told = {"quantity": "cost", "choice": "drawn", "at": 0.3, "unit": "USD", "source": "a test"}
    assert {each: result.at(f"measured_{each}", measurement=0) for each in told} == told
    assert result.at("measured", measurement=0) == pytest.approx(0.55)
    (figure,) = plots(result).values()
    dots = [line.get_xydata().tolist() for line in figure.axes[0].get_lines() if line.get_marker() == "o"]
    assert dots == [[], [[pytest.approx(0.3), pytest.approx(0.55)]]]
    assert "measured" not in sweep(priors, over="other=0.2,0.6", **FEW), "it was measured along another prior"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('choice = "drawn"', 'choice = "drown"', "published.choice: there is no choice drown; did you mean drawn?"),
        ("at.price = 0.3", "", "published.choice: is for what was measured at a value of a prior; add at.NAME = VALUE"),
        ("at.price = 0.3", "at.prize = 0.3", "there is no quantity prize; did you mean price"),
        ("at.price = 0.3", 'at.price = "x"', "published.at.price: must be a number"),
    ],
)
def test_a_measurement_of_nothing_is_refused(old, new, said):
    with pytest.raises(SimulateError) as refused:
        load_priors(MEASURED.replace(old, new))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ("price", "--over 'price': lists no values"),
        ("price=1,1.0", "price takes the value 1.0 twice; list it once"),
        ('price={dist="uniform",lower=0,upper=1}', "is no number for price; list numbers, as in 'price=1,2,5'"),
        ("prize=1,2", "did you mean price"),
        ("price=" + ",".join(map(str, range(201))), "lists 201 values, more than 200; list fewer"),
    ],
)
def test_what_cannot_be_swept_is_one_line(over, said):
    with pytest.raises(SimulateError) as refused:
        sweep(load_priors(PRICES), over=over, **FEW)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_picture_has_a_panel_a_quantity_and_the_shares():
    result = sweep(load_priors(ROOTS), over="level=-3,0,8", **FEW)
    (figure,) = plots(result).values()
    bands, shares = figure.axes
    lines = {line.get_label(): line.get_xdata().tolist() for line in bands.get_lines() if line.get_marker() != "o"}
    assert lines == {"root": [0, 8], "seven": [-3, 0, 8]}, "a root is drawn where half of the scenarios have one"
    assert "best" in shares.get_title(loc="left")
    assert_readable(figure)


def test_the_picture_of_a_sweep_says_which_choice_is_best_at_its_ends():
    result = sweep(load_priors(ROOTS), over="level=-3,8", **FEW)
    names = [result["choice_label"][int(result.at("probability_best", swept=value).argmax())] for value in (-3, 8)]
    assert all(name in plots(result)["sweep"].get_suptitle() for name in names)
