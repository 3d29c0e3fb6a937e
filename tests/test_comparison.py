from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from simulate import comparison, engine
from simulate.comparison import cases
from simulate.comparison.inputs import changes, joint_latents
from simulate.priors import load_priors

COUNT = 2**14
BASE = Path("priors/base.toml")


def priors_of(tmp_path, name, text):
    file = tmp_path / f"{name}.toml"
    file.write_text(text if text.startswith("model") else f'model = "none"\n{text}', encoding="utf-8")
    return load_priors(file)


def compared(*files, **options):
    options = {"scenarios": COUNT, "bridge": (), **options}
    return comparison.compare(cases.cases([(file.path, file) for file in files]), **options)


def lognormal(name, median, sigma=0.5):
    return f'[priors.{name}]\ndist = "lognormal"\nmedian = {median}\nsigma = {sigma}\n'


COST = '[quantities.cost]\nunit = "USD"\nformula = "a * b"\n'


def test_bands_are_those_of_runs_to_the_bit():
    files = [load_priors(f"priors/{name}.toml") for name in ("base", "guosheng-2023")]
    told = compared(*files, quantities=["capex", "training_cost"])
    for case in told.cases:
        run = engine.run(case.priors, COUNT, quantities=["capex", "training_cost"])
        for name, quantity in told.quantities.items():
            band = quantity.cases[case.name]
            assert np.array_equal(band.percentiles, run[name].values)
            assert np.array_equal(band.percentile_se, run[f"{name}_se"].values)
            assert band.mean == float(run[f"{name}_mean"])


def test_difference_and_ratio_follow_closed_forms(tmp_path):
    one = priors_of(tmp_path, "one", lognormal("a", 2) + lognormal("b", 3) + COST)
    two = priors_of(tmp_path, "two", lognormal("a", 2) + lognormal("b", 3.3, 0.7) + COST)
    told = compared(one, two, scenarios=2**18)
    against = told.quantities["cost"].alternatives["two"]
    # The ratio is 1.1 exp(0.2 z), z the score behind b; the difference is negative where the ratio is below 1.
    expected = 1.1 * np.exp(0.2 * np.array([-1.6448536, -0.6744898, 0, 0.6744898, 1.6448536]))
    within = 5 * against.ratio.percentile_se + 2**-10 * expected / 100  # even spread within a bin of 2^-10
    assert (abs(against.ratio.percentiles - expected) < within).all()
    below = 0.5 * (1 + math.erf(-math.log(1.1) / 0.2 / math.sqrt(2)))
    assert abs(against.probability_lower - below) < 5 * against.probability_lower_se + 1e-6
    mean = 2 * math.exp(0.125) * (3.3 * math.exp(0.245) - 3 * math.exp(0.125))
    assert abs(against.difference.mean - mean) < 5 * against.difference.mean_se


def test_pairing_divides_the_error_of_a_difference_by_five_and_more():
    changed = 'visitors_per_day={dist="lognormal",p5=11.55e6,p95=19.95e6}'  # 5 % more
    files = [load_priors(BASE), load_priors(BASE, [changed])]
    told = compared(*files, quantities=["capex"], scenarios=2**16)
    against = told.quantities["capex"].alternatives["base-2"]
    separate = [
        engine.run(file, 2**16, seed=seed, quantities=["capex"])
        for file, seed in zip(files, (1, 2), strict=True)
    ]
    unpaired = math.hypot(*(float(run["capex_mean_se"]) for run in separate))
    assert against.difference.mean == pytest.approx(
        0.05 * told.quantities["capex"].cases["base"].mean, rel=0.02
    )
    assert 5 * against.difference.mean_se < unpaired


@pytest.mark.parametrize("path", [BASE, Path("priors/guosheng-2023.toml")], ids=["uncertain", "constants"])
def test_a_file_against_itself_shows_nothing(path):
    told = compared(load_priors(path), load_priors(path), bridge=(50.0, 95.0))
    name = told.alternatives[0].name
    assert told.changes == {name: ()}
    for quantity in told.quantities.values():
        against = quantity.alternatives[name]
        for figures in (against.difference.percentiles, against.difference.percentile_se):
            assert (figures == 0).all()
        assert (against.difference.mean, against.difference.mean_se) == (0, 0)
        assert (against.ratio.percentiles == 1).all()
        assert (against.probability_lower, against.probability_lower_se) == (0, 0)
        assert all(bridge.parts == () for bridge in against.bridges.values())
    told = comparison.to_json(told)
    assert told["quantities"]["capex"]["bridge"][name] == {"50": {}, "95": {}}


def test_own_names_are_paired_whatever_their_order(tmp_path):
    one = priors_of(tmp_path, "one", lognormal("a", 2) + lognormal("b", 3) + COST)
    two = priors_of(tmp_path, "two", lognormal("b", 3) + lognormal("a", 2) + COST)
    against = compared(one, two).quantities["cost"].alternatives["two"]
    assert against.difference.minimum == against.difference.maximum == 0


def test_json_has_the_shape_and_no_nan(tmp_path):
    zero = "[priors.a]\nvalue = 0\n"
    one = priors_of(tmp_path, "one", zero + lognormal("b", 3) + COST)
    two = priors_of(tmp_path, "two", lognormal("a", 2) + lognormal("b", 3) + COST)
    told = comparison.to_json(compared(one, two, two, bridge=(50.0, "mean"), scale="log"))
    assert told["cases"] == ["one", "two", "two-2"]
    cost = json.loads(json.dumps(told, allow_nan=False))["quantities"]["cost"]
    assert cost["unit"] == "USD"
    assert cost["cases"]["one"]["percentiles"] == {"5": 0, "25": 0, "50": 0, "75": 0, "95": 0}
    assert set(cost["difference"]["two"]) >= {"mean", "mean_se", "percentiles"}
    assert cost["ratio"] == {"two": None, "two-2": None}  # by zero
    assert cost["bridge"] == {"two": {}, "two-2": {}}  # the logarithm of zero
    assert cost["probability_lower"] == {"two": 0, "two-2": 0}
    assert any("two / one has no value" in message for message in told["messages"])
    assert any("no bridge of P50 and mean to two" in message for message in told["messages"])


def test_what_a_case_lacks_is_blank_and_told(tmp_path):
    other = '[quantities.cost]\nunit = "EUR"\nformula = "a * b"\n[quantities.spare]\nformula = "a"\n'
    one = priors_of(tmp_path, "one", lognormal("a", 2) + lognormal("b", 3) + COST)
    two = priors_of(tmp_path, "two", lognormal("a", 2) + lognormal("b", 3) + other)
    told = compared(one, two, load_priors(BASE))
    against = told.quantities["cost"].alternatives["two"]
    assert (against.difference, against.ratio, against.probability_lower) == (None, None, None)
    assert set(told.quantities["spare"].cases) == {"two"}
    assert told.messages[:4] == (
        "one does not have spare, accelerators, capex, opex_per_year, cost_per_question, training_cost: blank there",
        "two does not have accelerators, capex, opex_per_year, cost_per_question, training_cost: blank there",
        "base does not have cost, spare: blank there",
        "cost is in EUR in two, in USD in one: give both the same unit to compare them",
    )
    assert any("base has the model llm_cost, one none" in message for message in told.messages)
    json.dumps(comparison.to_json(told), allow_nan=False)


def test_refusals_say_what_to_do():
    base = load_priors(BASE)
    with pytest.raises(comparison.ComparisonError, match="name another priors file"):
        compared(base)
    with pytest.raises(engine.RunError, match="did you mean capex"):
        compared(base, base, quantities=["capx"])
    with pytest.raises(engine.RunError, match="101 is no percentile"):
        compared(base, base, bridge=(101.0,))
    with pytest.raises(cases.CaseError, match="--vary: 'pue' lists no values"):
        cases.varied(BASE, ["pue"])


# ---------------------------------------------------------------------------------------------------------
# Cases


def test_vary_makes_a_case_for_each_combination():
    made = cases.varied(BASE, ["pue=1.1,1.2", 'spare_share=0.02,{dist="uniform",lower=0,upper=0.1}'])
    assert [case.name for case in made] == ["base", "base-2", "base-3", "base-4"]
    assert [case.label for case in made][1:3] == [
        'pue=1.1 spare_share={dist="uniform",lower=0,upper=0.1}',
        "pue=1.2 spare_share=0.02",
    ]
    assert [case.priors.priors["pue"].distribution.value for case in made] == [1.1, 1.1, 1.2, 1.2]


def test_repeated_names_are_numbered():
    assert cases.unique(["a", "b", "a", "a-2", "a"]) == ["a", "b", "a-2", "a-2-2", "a-3"]


def test_a_saved_run_is_drawn_again_from_its_text(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('model = "none"\n' + lognormal("a", 2) + lognormal("b", 3) + COST, encoding="utf-8")
    run = engine.run(load_priors(file, ["a=4"]), COUNT, seed=3)
    for source in ("where it was", "gone"):
        if source == "gone":
            file.unlink()
        (case,) = cases.cases([(tmp_path / "outputs" / "mine", run)])
        assert case.name == "mine"
        assert case.priors.priors["a"].distribution.value == 4
    other = priors_of(tmp_path, "other", lognormal("a", 4) + lognormal("b", 3) + COST)
    told = comparison.compare([case, *cases.cases([(other.path, other)])])
    assert (told.seed, told.scenarios) == (3, COUNT)
    assert np.array_equal(told.quantities["cost"].cases["mine"].percentiles, run["cost"].values)
    assert told.quantities["cost"].alternatives["other"].paired


def test_a_saved_run_that_cannot_be_drawn_again_is_unpaired(tmp_path):
    file = priors_of(tmp_path, "mine", lognormal("a", 2) + lognormal("b", 3) + COST)
    run = engine.run(file, COUNT)
    stated = json.loads(run.attrs["priors"])
    stated["priors"]["a"]["specification"]["median"] = 5
    run.attrs["priors"] = json.dumps(stated)
    told = comparison.compare(
        cases.cases([(file.path, file), (tmp_path / "old.nc", run)]), scenarios=COUNT, percentiles=[10, 50]
    )
    assert any(message.startswith("old is a saved run") for message in told.messages)
    quantity = told.quantities["cost"]
    against = quantity.alternatives["old"]
    assert not against.paired
    assert against.difference.mean == quantity.cases["old"].mean - quantity.cases["mine"].mean == 0
    assert against.difference.mean_se == pytest.approx(math.sqrt(2) * float(run["cost_mean_se"]))
    assert quantity.cases["old"].percentiles == pytest.approx(quantity.cases["mine"].percentiles, rel=1e-12)
    spoken = json.dumps(comparison.to_json(told), allow_nan=False)
    assert json.loads(spoken)["quantities"]["cost"]["difference"]["old"]["percentiles"] == {
        "10": None,
        "50": None,
    }


# ---------------------------------------------------------------------------------------------------------
# What differs in the inputs


def test_changes_list_priors_formulas_and_correlations(tmp_path):
    common = lognormal("a", 2) + lognormal("b", 3)
    one = priors_of(tmp_path, "one", common + COST + "[correlations.a]\nb = 0.5\n")
    two = priors_of(
        tmp_path,
        "two",
        lognormal("a", 2.5) + lognormal("b", 3) + "[priors.c]\nvalue = 7\n"
        + COST.replace("a * b", "a * b * c") + "[correlations.a]\nb = { kendall = 0.2 }\n",
    )  # fmt: skip
    rows = {(row.kind, row.name, row.change): (row.before, row.after) for row in changes(one, two)}
    assert rows == {
        ("prior", "a", "changed"): ("lognormal median=2 sigma=0.5", "lognormal median=2.5 sigma=0.5"),
        ("prior", "c", "added"): ("", "7"),
        ("formula", "cost", "changed"): ("= a * b", "= a * b * c"),
        ("correlation", "a, b", "changed"): ("spearman 0.5", "kendall 0.2"),
    }
    back = {(row.name, row.change) for row in changes(two, one)}
    assert ("c", "removed") in back


def test_a_prior_in_place_of_the_models_function_is_added():
    rows = changes(load_priors(BASE), load_priors(BASE, ["power=2e4"]))
    assert [(row.kind, row.name, row.change, row.before, row.after) for row in rows] == [
        ("prior", "power", "added", "as the model computes it", "20000 kW")
    ]


def test_cases_keep_each_others_correlations_with_what_they_do_not_draw(tmp_path):
    link = "[correlations.a]\nb = 0.5\n"
    one = priors_of(tmp_path, "one", lognormal("a", 2) + lognormal("b", 3) + COST + link)
    two = priors_of(tmp_path, "two", "[priors.a]\nvalue = 2\n" + lognormal("b", 3) + COST)
    latents = joint_latents([one, two])
    assert latents[0] == latents[1] == {("a", "b"): pytest.approx(2 * math.sin(math.pi / 12))}
    three = priors_of(tmp_path, "three", lognormal("a", 2) + lognormal("b", 3) + COST)
    assert joint_latents([one, three])[1] == {}
