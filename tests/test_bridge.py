from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from simulate import comparison, engine
from simulate.comparison.bridge import Sampling, Side, bridges
from simulate.comparison.inputs import joint_latents
from simulate.priors import load_priors

COUNT = 2**14
SUM = 1e-12  # parts sum to the change within this, relative to the larger end


def priors_of(tmp_path, name, text):
    file = tmp_path / f"{name}.toml"
    file.write_text(text if text.startswith("model") else f'model = "none"\n{text}', encoding="utf-8")
    return load_priors(file)


def bridge_of(baseline, alternative, quantities, statistics=(50.0, 95.0, "mean"), count=COUNT, **options):
    size, chunks = engine.chunking(count)
    names = dict.fromkeys([*engine.dimensions(baseline), *engine.dimensions(alternative)])
    dimensions = {name: place for place, name in enumerate(names)}
    sides = [
        Side(priors, latent)
        for priors, latent in zip(
            (baseline, alternative), joint_latents([baseline, alternative]), strict=True
        )
    ]
    return bridges(*sides, quantities, statistics, Sampling(dimensions, 1, size, chunks), **options)


def normal(name, mean, sd):
    return f'[priors.{name}]\ndist = "normal"\nmean = {mean}\nsd = {sd}\n'


def lognormal(name, median, sigma):
    return f'[priors.{name}]\ndist = "lognormal"\nmedian = {median}\nsigma = {sigma}\n'


def quantity(name, formula):
    return f'[quantities.{name}]\nformula = "{formula}"\n'


def parts_of(bridge):
    return {part.name: part.value for part in bridge.parts}


def assert_sums(bridge, scale="linear"):
    change = bridge.alternative - bridge.baseline
    if scale == "log":
        change = math.log(bridge.alternative / bridge.baseline)
    largest = max(abs(bridge.baseline), abs(bridge.alternative), *(abs(p.value) for p in bridge.parts))
    assert abs(sum(part.value for part in bridge.parts) - change) <= SUM * max(largest, abs(change))


def test_exact_parts_are_the_average_over_all_orders(tmp_path):
    texts = {
        "visits": (lognormal("visits", 10, 0.5), lognormal("visits", 14, 0.8)),
        "price": (lognormal("price", 2, 0.3), lognormal("price", 1.5, 0.1)),
        "fixed": (normal("fixed", 5, 1), normal("fixed", 30, 2)),
    }
    formula = quantity("cost", "visits * price + fixed")

    def case(hybrid):
        chosen = [pair[name in hybrid] for name, pair in texts.items()]
        return priors_of(tmp_path, "-".join(sorted(hybrid)) or "none", "".join(chosen) + formula)

    ends = case(frozenset()), case(frozenset(texts))
    found = bridge_of(*ends, ["cost"], (50.0, "mean"))["cost"]
    worth = {}
    for order in permutations(texts):
        for count in range(len(order) + 1):
            hybrid = frozenset(order[:count])
            if hybrid not in worth:
                run = engine.run(case(hybrid), COUNT, seed=1, percentiles=[50])
                worth[hybrid] = {50.0: float(run["cost"][0]), "mean": float(run["cost_mean"])}
    for statistic, bridge in found.items():
        assert bridge.exact
        for name, part in parts_of(bridge).items():
            steps = [
                worth[frozenset(order[: order.index(name) + 1])][statistic]
                - worth[frozenset(order[: order.index(name)])][statistic]
                for order in permutations(texts)
            ]
            assert part == pytest.approx(np.mean(steps), rel=1e-12)
        assert_sums(bridge)


def test_logs_of_a_product_of_lognormals_split_into_logs_of_medians(tmp_path):
    names = [f"x{number}" for number in range(12)]
    formula = quantity("product", " * ".join(names))
    one = priors_of(tmp_path, "one", "".join(lognormal(n, 2, 0.2) for n in names) + formula)
    two = priors_of(
        tmp_path, "two", "".join(lognormal(n, 2 + i / 4, 0.2) for i, n in enumerate(names)) + formula
    )
    bridge = bridge_of(one, two, ["product"], (50.0,), scale="log")["product"][50.0]
    assert not bridge.exact  # 11 changes
    assert_sums(bridge, "log")
    assert "x0" not in parts_of(bridge)
    for part in bridge.parts:
        expected = math.log((2 + int(part.name[1:]) / 4) / 2)
        assert (
            abs(part.value - expected) < 5 * part.standard_error + 1e-4
        )  # percentiles are read off bins of 2^-10


def test_sampled_parts_are_right_within_their_standard_errors(tmp_path):
    names = [f"x{number}" for number in range(10)]
    ratios = [1.2 + 0.15 * place for place in range(10)]
    formula = quantity("product", " * ".join(names))
    one = priors_of(tmp_path, "one", "".join(normal(n, 1, 0.01) for n in names) + formula)
    two = priors_of(
        tmp_path, "two", "".join(normal(n, r, 0.01) for n, r in zip(names, ratios, strict=True)) + formula
    )
    bridge = bridge_of(one, two, ["product"], ("mean",))["product"]["mean"]
    assert_sums(bridge)
    parts = parts_of(bridge)
    for place, part in enumerate(bridge.parts):
        others = np.array(ratios[:place] + ratios[place + 1 :])
        exact = 0.0
        for subset in range(2**9):
            held = np.array([subset >> bit & 1 for bit in range(9)], dtype=bool)
            weight = 1 / (10 * math.comb(9, int(held.sum())))
            exact += weight * float(np.prod(others[held])) * (ratios[place] - 1)
        assert abs(parts[part.name] - exact) < 5 * part.standard_error
        assert part.standard_error < 0.2 * abs(exact)


def test_the_correlations_are_one_change(tmp_path):
    margins = normal("a", 1, 1) + normal("b", 1, 2) + normal("c", 0, 1)
    formula = quantity("product", "a * b") + quantity("alone", "c + 1")
    link = "[correlations.a]\nb = { gaussian_copula = %g }\n"
    one = priors_of(tmp_path, "one", margins + formula + link % 0.3)
    two = priors_of(
        tmp_path, "two", margins.replace("mean = 1\nsd = 2", "mean = 4\nsd = 2") + formula + link % 0.8
    )
    found = bridge_of(one, two, ["product", "alone"], ("mean",), count=2**18)
    bridge = found["product"]["mean"]
    assert_sums(bridge)
    # E ab = mean a mean b + rho sd a sd b
    errors = {part.name: part.standard_error for part in bridge.parts}
    for name, expected in {"b": 3.0, "correlations": 0.5 * 2}.items():
        assert abs(parts_of(bridge)[name] - expected) < 5 * errors[name] + 1e-5
    assert parts_of(found["alone"]["mean"]) == {"b": 0.0, "correlations": 0.0}


def test_a_correlation_with_what_becomes_a_constant_is_no_change_of_its_own(tmp_path):
    formula = quantity("product", "a * b")
    link = "[correlations.a]\nb = 0.5\n"
    one = priors_of(tmp_path, "one", normal("a", 2, 1) + normal("b", 3, 1) + formula + link)
    two = priors_of(tmp_path, "two", "[priors.a]\nvalue = 2\n" + normal("b", 3, 1) + formula)
    bridge = bridge_of(one, two, ["product"])["product"][50.0]
    assert list(parts_of(bridge)) == ["a"]
    assert_sums(bridge)


def test_priors_and_formulas_may_take_each_others_place(tmp_path):
    one = priors_of(
        tmp_path, "one", normal("speed", 10, 1) + normal("work", 100, 5) + quantity("hours", "work / speed")
    )
    two = priors_of(
        tmp_path,
        "two",
        normal("speed_of_one", 2, 0.1) + normal("crew", 4, 0.1) + normal("work", 120, 5)
        + quantity("speed", "speed_of_one * crew") + quantity("hours", "1 + work / speed"),
    )  # fmt: skip
    bridge = bridge_of(one, two, ["hours"])["hours"][50.0]
    assert set(parts_of(bridge)) == {"speed", "work", "hours"}  # what only one side needs is no change
    assert parts_of(bridge)["hours"] == pytest.approx(1, abs=1e-3)
    assert_sums(bridge)


def test_what_may_come_to_need_each_other_changes_together(tmp_path):
    one = priors_of(tmp_path, "one", normal("a", 2, 0.1) + quantity("b", "2 * a") + quantity("c", "a + b"))
    two = priors_of(tmp_path, "two", normal("b", 5, 0.1) + quantity("a", "b / 2") + quantity("c", "a + b"))
    bridge = bridge_of(one, two, ["c"])["c"]["mean"]
    assert parts_of(bridge) == {"b, a": pytest.approx(1.5, abs=1e-3)}


def test_nothing_is_split_where_a_hybrid_has_no_value(tmp_path):
    formula = quantity("root", "sqrt(a - b)") + quantity("gap", "a - b")
    one = priors_of(tmp_path, "one", normal("a", 10, 0.1) + normal("b", 5, 0.1) + formula)
    two = priors_of(tmp_path, "two", normal("a", 30, 0.1) + normal("b", 25, 0.1) + formula)
    assert bridge_of(one, two, ["root"])["root"] == {50.0: None, 95.0: None, "mean": None}
    assert bridge_of(one, two, ["gap"], scale="log")["gap"][50.0] is None
    assert bridge_of(one, two, ["gap"])["gap"][50.0] is not None


@pytest.mark.parametrize(("baseline", "alternative"), [("guosheng-2023", "base"), ("base", "guosheng-2023")])
def test_the_priors_files_add_up(baseline, alternative):
    one, two = (load_priors(f"priors/{name}.toml") for name in (baseline, alternative))
    cases = [comparison.Case(name, name, file) for name, file in ((baseline, one), (alternative, two))]
    told = comparison.compare(cases, scenarios=4096, pairs=2, quantities=["capex", "training_cost", "racks"])
    for name, compared in told.quantities.items():
        against = compared.alternatives[alternative]
        for statistic, bridge in against.bridges.items():
            assert_sums(bridge)
            assert len(bridge.parts) > 20
            place = told.percentiles.index(statistic)
            assert bridge.baseline == compared.cases[baseline].percentiles[place]
            assert bridge.alternative == compared.cases[alternative].percentiles[place]
            irrelevant = {"training_cost": "visitors_per_day"}.get(name, "training_price")
            part = next(part for part in bridge.parts if part.name == irrelevant)
            assert (part.value, part.standard_error) == (0.0, 0.0)


def test_the_parts_do_not_depend_on_threads():
    one, two = (load_priors(f"priors/{name}.toml") for name in ("guosheng-2023", "base"))
    cases = [comparison.Case(name, name, file) for name, file in (("one", one), ("two", two))]
    told = [
        comparison.to_json(
            comparison.compare(cases, scenarios=4096, pairs=1, quantities=["capex"], threads=threads)
        )
        for threads in (1, 2)
    ]
    assert told[0] == told[1]
