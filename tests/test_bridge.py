from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from simulate.comparison import compare
from simulate.comparison.bridge import Bridge
from simulate.comparison.hybrids import random_order
from simulate.comparison.report import bridges_of

COUNT = 2**14
SUM = 1e-12  # parts sum to the change within this, relative to the larger end


def bridge_of(baseline, alternative, quantities, statistics=(50.0, 95.0, "mean"), count=COUNT, seed=1, **options):
    options = {"scale": "linear", **options}
    told = compare(
        [baseline, alternative], quantities=quantities, bridge=statistics, scenarios=count, seed=seed, **options
    )
    (case,) = told.labels("case")[1:]
    return {name: bridges_of(told, name, case) for name in quantities}


def normal(name, mean, sd):
    return f'[priors.{name}]\ndist = "normal"\nmean = {mean}\nsd = {sd}\n'


def lognormal(name, median, sigma):
    return f'[priors.{name}]\ndist = "lognormal"\nmedian = {median}\nsigma = {sigma}\n'


def quantity(name, formula):
    return f'[quantities.{name}]\nformula = "{formula}"\n'


def assert_sums(bridge):
    baseline, alternative = bridge.ends
    change = math.log(alternative / baseline) if bridge.scale == "log" else alternative - baseline
    largest = max(abs(baseline), abs(alternative), *(abs(part) for part in bridge.parts.values()))
    assert abs(sum(bridge.parts.values()) - change) <= SUM * max(largest, abs(change))


@pytest.mark.parametrize("sd", [0.0, 0.1])
def test_exact_parts_are_the_average_over_all_orders(priors_of, sd):
    means = {"visits": (10, 14), "price": (2, 1.5), "fixed": (5, 30)}
    formula = quantity("cost", "visits * price + fixed")
    one, two = (
        priors_of(
            name,
            "".join(
                (normal(each, pair[side], sd) if sd else f"[priors.{each}]\nvalue = {pair[side]}\n")
                for each, pair in means.items()
            )
            + formula,
        )
        for side, name in enumerate(("one", "two"))
    )
    bridge = bridge_of(one, two, ["cost"], ("mean",))["cost"]["mean"]

    def worth(made):
        visits, price, fixed = (pair[name in made] for name, pair in means.items())
        return visits * price + fixed

    assert bridge.exact
    orders = [*permutations(means)]
    for name, part in bridge.parts.items():
        places = [order.index(name) for order in orders]
        steps = [worth(order[: place + 1]) - worth(order[:place]) for order, place in zip(orders, places, strict=True)]
        assert abs(part - np.mean(steps)) <= (5 * bridge.errors[name] if sd else 1e-12)
        assert bridge.errors[name] < 0.01
    assert_sums(bridge)


def test_logs_of_a_product_of_lognormals_split_into_logs_of_medians(priors_of):
    names = [f"x{number}" for number in range(12)]
    formula = quantity("product", " * ".join(names))
    one = priors_of("one", "".join(lognormal(n, 2, 0.2) for n in names) + formula)
    two = priors_of("two", "".join(lognormal(n, 2 + i / 4, 0.2) for i, n in enumerate(names)) + formula)
    bridge = bridge_of(one, two, ["product"], (50.0,), scale="log")["product"]["P50"]
    assert not bridge.exact  # 11 changes
    assert_sums(bridge)
    assert "x0" not in bridge.parts
    for name, part in bridge.parts.items():
        expected = math.log((2 + int(name[1:]) / 4) / 2)
        # percentiles are read off bins of 2^-10
        assert abs(part - expected) < 5 * bridge.errors[name] + 1e-4


def test_sampled_parts_are_right_within_their_standard_errors(priors_of):
    names = [f"x{number}" for number in range(10)]
    ratios = [1.2 + 0.15 * place for place in range(10)]
    formula = quantity("product", " * ".join(names))
    one = priors_of("one", "".join(normal(n, 1, 0.01) for n in names) + formula)
    two = priors_of("two", "".join(normal(n, r, 0.01) for n, r in zip(names, ratios, strict=True)) + formula)
    bridge = bridge_of(one, two, ["product"], ("mean",))["product"]["mean"]
    assert_sums(bridge)
    for place, (name, part) in enumerate(bridge.parts.items()):
        others = np.array(ratios[:place] + ratios[place + 1 :])
        exact = 0.0
        for subset in range(2**9):
            held = np.array([subset >> bit & 1 for bit in range(9)], dtype=bool)
            weight = 1 / (10 * math.comb(9, int(held.sum())))
            exact += weight * float(np.prod(others[held])) * (ratios[place] - 1)
        assert abs(part - exact) < 5 * bridge.errors[name]
        assert bridge.errors[name] < 0.2 * abs(exact)


def test_what_is_not_named_is_summed_and_its_errors_added_in_quadrature():
    parts, errors = {"a": 5.0, "b": -2.0, "c": 0.5, "d": 0.0}, {"a": 9.0, "b": 3.0, "c": 4.0, "d": 0.0}
    bridge = Bridge((1.0, 4.5), parts, errors, exact=True, scale="linear")
    assert bridge.others(["a"]) == (-1.5, 5.0)
    assert bridge.others([]) == (3.5, math.hypot(9, 5))
    assert bridge.others(list(parts)) == (0.0, 0.0)
    assert bridge.moving == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("join", "count", "scale", "seeds"),
    [
        (" * ", 2, "linear", 30),
        (" * ", 9, "log", 12),
        pytest.param(" * ", 12, "log", 100, marks=pytest.mark.long),
        pytest.param(" * ", 9, "linear", 100, marks=pytest.mark.long),
        pytest.param(" + ", 9, "linear", 100, marks=pytest.mark.long),
    ],
)
def test_errors_are_the_spread_of_the_parts_over_seeds(priors_of, join, count, scale, seeds):
    """The order decides the parts of a product, the scenarios alone those of a sum, or of logarithms.

    Each of as many variances is known to sqrt(2 / seeds), and so are the errors of two drawn orders. With two parts,
    or nine that hang together like five, both are known to 9 to 10 %: four times that is 40 %.
    """
    names = [f"x{number}" for number in range(count)]
    formula = quantity("whole", join.join(names))
    one = priors_of("one", "".join(normal(n, 1, 0.1) for n in names) + formula)
    two = priors_of("two", "".join(normal(n, 1.2 + i / 10, 0.2) for i, n in enumerate(names)) + formula)
    found = [
        bridge_of(one, two, ["whole"], ("mean",), count=2**8, scheme="random", seed=seed, scale=scale)["whole"]["mean"]
        for seed in range(seeds)
    ]
    spread = np.var([list(bridge.parts.values()) for bridge in found], axis=0, ddof=1)
    told = np.mean([np.square(list(bridge.errors.values())) for bridge in found], axis=0)
    assert abs(math.log(told.sum() / spread.sum())) / 2 < 0.4


@pytest.mark.long
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_intervals_of_parts_hold_the_truth_wherever_rounds_end(priors_of, scale):
    """Of 9 parts that hang together like five, 200 seeds are as 1,000: 95 % of them less 4 standard errors is 92 %."""
    means = [0.7 if place % 3 == 0 else 1.2 + place / 10 for place in range(9)]
    names = [f"x{place}" for place in range(9)]
    formula = quantity("whole", f"{' * '.join(names)} + 5")
    one = priors_of("one", "".join(normal(name, 1, 0.1) for name in names) + formula)
    two = priors_of("two", "".join(normal(*each, 0.1) for each in zip(names, means, strict=True)) + formula)
    made = np.array([[hybrid >> place & 1 for place in range(9)] for hybrid in range(2**9)])
    worth = np.where(made, means, 1).prod(axis=1) + 5
    worth = np.log(worth) if scale == "log" else worth
    weights = np.array([1 / (9 * math.comb(8, number)) for number in range(9)])
    without = [np.flatnonzero(made[:, place] == 0) for place in range(9)]
    truth = [
        np.sum(weights[made[rest].sum(axis=1)] * (worth[rest | 1 << place] - worth[rest]))
        for place, rest in enumerate(without)
    ]
    held = []
    for seed in range(200):
        bridge = bridge_of(one, two, ["whole"], ("mean",), seed=seed, scale=scale)["whole"]["mean"]
        off = np.subtract([*bridge.parts.values()], truth) / [*bridge.errors.values()]
        held.append(np.abs(off) < stats.t.ppf(0.975, 15))
    assert np.mean(held) > 0.92


def test_the_correlations_are_one_change(priors_of):
    margins = normal("a", 1, 1) + normal("b", 1, 2) + normal("c", 0, 1)
    formula = quantity("product", "a * b") + quantity("alone", "c + 1")
    link = "[correlations.a]\nb = { gaussian_copula = %g }\n"
    one = priors_of("one", margins + formula + link % 0.3)
    two = priors_of("two", margins.replace("mean = 1\nsd = 2", "mean = 4\nsd = 2") + formula + link % 0.8)
    found = bridge_of(one, two, ["product", "alone"], ("mean",), count=2**18)
    bridge = found["product"]["mean"]
    assert_sums(bridge)
    # E ab = mean a mean b + rho sd a sd b
    for name, expected in {"b": 3.0, "the correlations": 0.5 * 2}.items():
        assert abs(bridge.parts[name] - expected) < 5 * bridge.errors[name] + 1e-5
    assert found["alone"]["mean"].parts == {"b": 0.0, "the correlations": 0.0}


def test_a_correlation_with_what_becomes_a_constant_is_no_change_of_its_own(priors_of):
    formula = quantity("product", "a * b")
    link = "[correlations.a]\nb = 0.5\n"
    one = priors_of("one", normal("a", 2, 1) + normal("b", 3, 1) + formula + link)
    two = priors_of("two", "[priors.a]\nvalue = 2\n" + normal("b", 3, 1) + formula)
    bridge = bridge_of(one, two, ["product"])["product"]["P50"]
    assert list(bridge.parts) == ["a"]
    assert_sums(bridge)


def test_priors_and_formulas_may_take_each_others_place(priors_of):
    one = priors_of("one", normal("speed", 10, 1) + normal("work", 100, 5) + quantity("hours", "work / speed"))
    two = priors_of(
        "two",
        normal("speed_of_one", 2, 0.1) + normal("crew", 4, 0.1) + normal("work", 120, 5)
        + quantity("speed", "speed_of_one * crew") + quantity("hours", "1 + work / speed"),
    )  # fmt: skip
    bridge = bridge_of(one, two, ["hours"])["hours"]["P50"]
    assert set(bridge.parts) == {"speed", "work", "hours"}  # what only one side needs is no change
    assert bridge.parts["hours"] == pytest.approx(1, abs=1e-3)
    assert_sums(bridge)


def test_what_may_come_to_need_each_other_changes_together(priors_of):
    one = priors_of("one", normal("a", 2, 0.1) + quantity("b", "2 * a") + quantity("c", "a + b"))
    two = priors_of("two", normal("b", 5, 0.1) + quantity("a", "b / 2") + quantity("c", "a + b"))
    bridge = bridge_of(one, two, ["c"])["c"]["mean"]
    assert bridge.parts == {"b, a": pytest.approx(1.5, abs=1e-3)}


def test_nothing_is_split_where_a_hybrid_has_no_value(priors_of):
    formula = quantity("root", "sqrt(a - b)") + quantity("gap", "a - b")
    one = priors_of("one", normal("a", 10, 0.1) + normal("b", 5, 0.1) + formula)
    two = priors_of("two", normal("a", 30, 0.1) + normal("b", 25, 0.1) + formula)
    assert bridge_of(one, two, ["root"])["root"] == {}
    assert bridge_of(one, two, ["gap"], scale="log")["gap"] == {}
    assert set(bridge_of(one, two, ["gap"])["gap"]) == {"P50", "P95", "mean"}


@pytest.mark.parametrize(("baseline", "alternative"), [("guosheng-2023", "base"), ("base", "guosheng-2023")])
def test_the_priors_files_add_up(baseline, alternative):
    cases = [f"priors/{name}.toml" for name in (baseline, alternative)]
    told = compare(cases, scenarios=4096, quantities=["capex", "training_cost", "racks"])
    for name in told.labels("quantity"):
        found = bridges_of(told, name, alternative)
        assert list(found) == ["P50", "P95"]
        for statistic, bridge in found.items():
            assert_sums(bridge)
            assert len(bridge.parts) > 20
            percentiles = told.at("percentiles", quantity=name, percentile=float(statistic[1:]))
            assert bridge.ends == tuple(percentiles.tolist())
            irrelevant = {"training_cost": "visitors_per_day"}.get(name, "training_price")
            assert (bridge.parts[irrelevant], bridge.errors[irrelevant]) == (0.0, 0.0)
        assert told.at("bridge_exact", quantity=name, case=alternative) == (name == "training_cost")
        if alternative == "base":  # the sum of the parts comes below zero on its way
            assert told.at("bridge_logarithm", quantity=name, case=alternative) == (name != "training_cost")


@pytest.mark.parametrize("scheme", ["random", "latin_hypercube"])
def test_bridges_end_where_the_cases_lie_in_every_scheme(scheme):
    cases = ["priors/guosheng-2023.toml", "priors/base.toml"]
    told = compare(cases, scenarios=2**17, scheme=scheme, quantities=["capex"], bridge=(50.0, "mean"))
    bridge, of_mean = bridges_of(told, "capex", "base").values()
    percentiles = told.at("percentiles", quantity="capex", percentile=50.0)
    assert bridge.ends == tuple(percentiles.tolist())
    assert of_mean.ends == pytest.approx(told.at("mean", quantity="capex"), rel=1e-12)


def test_a_further_change_leaves_the_others_in_their_random_orders():
    def orders(count, seed=1):
        return [random_order([f"x{place}" for place in range(count)], seed, number) for number in range(200)]

    ten, eleven = orders(10), orders(11)
    assert [[name for name in order if name != "x10"] for order in eleven] == ten
    assert orders(10, seed=2) != ten
    # each pair of changes is as often in one order as in the other
    first = sum(order.index("x0") < order.index("x1") for order in ten)
    assert stats.binomtest(first, 200).pvalue > 1e-6
    assert len(set(map(tuple, ten))) == 200
    assert {order.index("x10") for order in eleven} == set(range(11))


def test_the_parts_do_not_depend_on_the_backend():
    cases = ["priors/guosheng-2023.toml", "priors/base.toml"]
    told = [
        compare(cases, scenarios=4096, quantities=["capex"], backend=each, workers=2) for each in ("serial", "threads")
    ]
    for name in told[0].figures():
        assert np.array_equal(told[0][name], told[1][name], equal_nan=True)


def test_a_prior_of_the_name_of_a_change_of_ours_is_another_change(priors_of):
    link = "[correlations]\ncorrelations.b = {}\n"
    formula = quantity("product", "correlations * b")
    one = priors_of("one", normal("correlations", 1, 1) + normal("b", 1, 1) + formula + link.format(0.1))
    two = priors_of("two", normal("correlations", 2, 1) + normal("b", 1, 1) + formula + link.format(0.6))
    bridge = bridge_of(one, two, ["product"], ("mean",), count=2**16)["product"]["mean"]
    assert set(bridge.parts) == {"correlations", "the correlations"}
    assert bridge.parts["correlations"] == pytest.approx(1, abs=5 * bridge.errors["correlations"] + 1e-4)


@pytest.mark.parametrize(
    ("factors", "shift", "log"),
    [
        ((0.05, 4, 2), 0, True),  # 100 less 200 or so
        ((2, 0.8, 1.5), 0, False),
        ((0.05, 4, 2), -150, False),  # not positive in every scenario
    ],
)
def test_the_scale_is_log_where_sums_of_what_is_positive_would_come_below_zero(priors_of, factors, shift, log):
    names = ["a", "b", "c"]
    formula = quantity("cost", f"100 * a * b * c + {shift}")
    one = priors_of("one", "".join(lognormal(name, 1, 0.1) for name in names) + formula)
    two = priors_of(
        "two", "".join(lognormal(name, each, 0.1) for name, each in zip(names, factors, strict=True)) + formula
    )
    found = bridge_of(one, two, ["cost"], scale="auto")["cost"]
    assert {bridge.scale for bridge in found.values()} == {"log" if log else "linear"}
    assert not any(bridge.impossible and not shift for bridge in found.values())
    for bridge in found.values():
        assert_sums(bridge)
    for scale in ("linear", "log"):  # an explicit one wins
        assert {each.scale for each in bridge_of(one, two, ["cost"], scale=scale)["cost"].values()} <= {scale}
