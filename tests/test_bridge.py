from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from simulate.comparison import compare
from simulate.comparison.bridge import Bridge, bridges
from simulate.comparison.hybrids import Game, walks
from simulate.comparison.report import bridges_of
from simulate.replicates import Workers
from simulate.runs import run
from simulate.scenarios import Drawing
from simulate.settings import Settings

COUNT = 2**14
SUM = 1e-12  # parts sum to the change within this, relative to the larger end


def bridge_of(
    baseline, alternative, quantities, statistics=(50.0, 95.0, "mean"), count=COUNT, scheme="sobol", seed=1, **options
):
    cases = {"one": baseline, "two": alternative}
    drawing = Drawing(cases, Settings(scenarios=count, seed=seed, scheme=scheme))
    return bridges(drawing, ("one", "two"), quantities, statistics, workers=Workers(), **options)


def normal(name, mean, sd):
    return f'[priors.{name}]\ndist = "normal"\nmean = {mean}\nsd = {sd}\n'


def lognormal(name, median, sigma):
    return f'[priors.{name}]\ndist = "lognormal"\nmedian = {median}\nsigma = {sigma}\n'


def quantity(name, formula):
    return f'[quantities.{name}]\nformula = "{formula}"\n'


def assert_sums(bridge, scale="linear"):
    baseline, alternative = bridge.ends
    change = math.log(alternative / baseline) if scale == "log" else alternative - baseline
    largest = max(abs(baseline), abs(alternative), *(abs(part) for part in bridge.parts.values()))
    assert abs(sum(bridge.parts.values()) - change) <= SUM * max(largest, abs(change))


def test_exact_parts_are_the_average_over_all_orders(priors_of):
    texts = {
        "visits": (lognormal("visits", 10, 0.5), lognormal("visits", 14, 0.8)),
        "price": (lognormal("price", 2, 0.3), lognormal("price", 1.5, 0.1)),
        "fixed": (normal("fixed", 5, 1), normal("fixed", 30, 2)),
    }
    formula = quantity("cost", "visits * price + fixed")

    def case(hybrid):
        chosen = [pair[name in hybrid] for name, pair in texts.items()]
        return priors_of("-".join(sorted(hybrid)) or "none", "".join(chosen) + formula)

    ends = case(frozenset()), case(frozenset(texts))
    found = bridge_of(*ends, ["cost"], (50.0, "mean"))["cost"]
    worth = {}
    for order in permutations(texts):
        for count in range(len(order) + 1):
            hybrid = frozenset(order[:count])
            if hybrid not in worth:
                alone = run(case(hybrid), scenarios=COUNT, seed=1, percentiles=[50])
                worth[hybrid] = {
                    50.0: alone.at("percentiles", quantity="cost", percentile=50.0),
                    "mean": alone.at("mean", quantity="cost"),
                }
    for statistic, bridge in found.items():
        assert bridge.exact
        for name, part in bridge.parts.items():
            steps = [
                worth[frozenset(order[: order.index(name) + 1])][statistic]
                - worth[frozenset(order[: order.index(name)])][statistic]
                for order in permutations(texts)
            ]
            assert part == pytest.approx(np.mean(steps), rel=1e-12)
        assert_sums(bridge)


def test_logs_of_a_product_of_lognormals_split_into_logs_of_medians(priors_of):
    names = [f"x{number}" for number in range(12)]
    formula = quantity("product", " * ".join(names))
    one = priors_of("one", "".join(lognormal(n, 2, 0.2) for n in names) + formula)
    two = priors_of("two", "".join(lognormal(n, 2 + i / 4, 0.2) for i, n in enumerate(names)) + formula)
    bridge = bridge_of(one, two, ["product"], (50.0,), scale="log")["product"][50.0]
    assert not bridge.exact  # 11 changes
    assert_sums(bridge, "log")
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
    bridge = Bridge((1.0, 4.5), parts, errors, exact=True)
    assert bridge.others(["a"]) == (-1.5, 5.0)
    assert bridge.others([]) == (3.5, math.hypot(9, 5))
    assert bridge.others(list(parts)) == (0.0, 0.0)
    assert bridge.moving == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("join", "count", "exact", "seeds"), [(" * ", 2, True, 80), (" * ", 9, False, 20), (" + ", 9, False, 12)]
)
def test_errors_are_the_spread_of_the_parts_over_seeds(priors_of, join, count, exact, seeds):
    """The order decides the parts of a product, the scenarios alone those of a sum.

    Each of as many variances is known to sqrt(2 / seeds), and so are the errors of two drawn orders. With two parts,
    or nine that hang together like five, both are known to 8 to 10 %: four times that is 40 %.
    """
    names = [f"x{number}" for number in range(count)]
    formula = quantity("whole", join.join(names))
    one = priors_of("one", "".join(normal(n, 1, 0.1) for n in names) + formula)
    two = priors_of("two", "".join(normal(n, 1.2 + i / 10, 0.2) for i, n in enumerate(names)) + formula)
    found = [
        bridge_of(one, two, ["whole"], ("mean",), count=2**8, scheme="random", seed=seed, pairs=2)["whole"]["mean"]
        for seed in range(seeds)
    ]
    assert {bridge.exact for bridge in found} == {exact}
    spread = np.var([list(bridge.parts.values()) for bridge in found], axis=0, ddof=1)
    told = np.mean([np.square(list(bridge.errors.values())) for bridge in found], axis=0)
    assert abs(math.log(told.sum() / spread.sum())) / 2 < 0.4


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
    bridge = bridge_of(one, two, ["product"])["product"][50.0]
    assert list(bridge.parts) == ["a"]
    assert_sums(bridge)


def test_priors_and_formulas_may_take_each_others_place(priors_of):
    one = priors_of("one", normal("speed", 10, 1) + normal("work", 100, 5) + quantity("hours", "work / speed"))
    two = priors_of(
        "two",
        normal("speed_of_one", 2, 0.1) + normal("crew", 4, 0.1) + normal("work", 120, 5)
        + quantity("speed", "speed_of_one * crew") + quantity("hours", "1 + work / speed"),
    )  # fmt: skip
    bridge = bridge_of(one, two, ["hours"])["hours"][50.0]
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
    assert bridge_of(one, two, ["root"])["root"] == {50.0: None, 95.0: None, "mean": None}
    assert bridge_of(one, two, ["gap"], scale="log")["gap"][50.0] is None
    assert bridge_of(one, two, ["gap"])["gap"][50.0] is not None


@pytest.mark.parametrize(("baseline", "alternative"), [("guosheng-2023", "base"), ("base", "guosheng-2023")])
def test_the_priors_files_add_up(baseline, alternative):
    cases = [f"priors/{name}.toml" for name in (baseline, alternative)]
    told = compare(cases, scenarios=4096, pairs=2, quantities=["capex", "training_cost", "racks"])
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
        assert told.at("bridge_exact", quantity=name, case=alternative) == (name != "capex")


@pytest.mark.parametrize("scheme", ["random", "latin_hypercube"])
def test_bridges_end_where_the_cases_lie_in_every_scheme(scheme):
    cases = ["priors/guosheng-2023.toml", "priors/base.toml"]
    told = compare(cases, scenarios=2**17, scheme=scheme, pairs=2, quantities=["capex"], bridge=(50.0, "mean"))
    bridge, of_mean = bridges_of(told, "capex", "base").values()
    percentiles = told.at("percentiles", quantity="capex", percentile=50.0)
    assert bridge.ends == tuple(percentiles.tolist())
    assert of_mean.ends == pytest.approx(told.at("mean", quantity="capex"), rel=1e-12)


def test_a_further_change_leaves_the_others_in_their_random_orders(priors_of):
    def orders(count, seed=1):
        names = [f"x{number}" for number in range(count)]
        formula = quantity("total", " + ".join(names))
        one, two = ("".join(normal(name, mean, 1) for name in names) + formula for mean in (0, 1))
        game = Game(priors_of("one", one), priors_of("two", two), ({}, {}))
        return [order.changes for order in walks(game, ["total"], 200, seed).orders]

    ten, eleven = orders(10), orders(11)
    assert [tuple(name for name in order if name != "x10") for order in eleven] == ten
    assert orders(10, seed=2) != ten
    # each pair of changes is as often in one order as in the other
    first = sum(order.index("x0") < order.index("x1") for order in ten)
    assert stats.binomtest(first, 200).pvalue > 1e-6
    assert len(set(ten)) == 200
    assert {order.index("x10") for order in eleven} == set(range(11))


def test_the_parts_do_not_depend_on_the_backend():
    cases = ["priors/guosheng-2023.toml", "priors/base.toml"]
    told = [
        compare(cases, scenarios=4096, pairs=1, quantities=["capex"], backend=each, workers=2)
        for each in ("serial", "threads")
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
