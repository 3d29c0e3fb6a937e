from __future__ import annotations

import csv
import json
import math
import re

import numpy as np
import pytest
from synthetic import PERCENTILES, headline_dataset, run_dataset

from simulate import engine, model, report
from simulate.priors import load_priors
from simulate.tables import cell_width, plain

SHOP = """
title = "A shop"
model = "none"
[priors.visitors]
dist = "lognormal"
p5 = 100
p95 = 900
evidence = "judgement"
[priors.spending]
dist = "lognormal"
p5 = 20
p95 = 45
unit = "USD"
evidence = "sourced"
[quantities.income]
formula = "visitors * spending"
unit = "USD"
label = "Income of a day"
[quantities.odd]
formula = "log(spending - 30)"
[[published]]
quantity = "income"
value = 9000
unit = "USD"
source = "The owner"
"""


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text(SHOP)
    return load_priors(path)


@pytest.fixture(scope="module")
def base():
    return load_priors("priors/base.toml")


@pytest.fixture(scope="module")
def base_run(base):
    asked = engine.asked_quantities(base)
    shown = report.with_components(base.quantities, base.priors, asked)
    return engine.run(base, scenarios=2**12, quantities=shown), asked


def test_json_holds_every_quantity_in_full_precision():
    dataset = headline_dataset()
    told = json.loads(report.json_text(dataset))
    assert list(told) == ["scenarios", "seed", "scheme", "replicates", "quantities"]
    assert (told["scenarios"], told["seed"], told["scheme"], told["replicates"]) == (
        1_048_576,
        7,
        "sobol",
        16,
    )
    assert list(told["quantities"]) == report.quantity_names(dataset)
    capex = told["quantities"]["capex"]
    assert list(capex) == [
        *("label", "unit", "mean", "mean_se", "sd", "sd_se"),
        *("percentiles", "percentile_se"),
    ]
    assert capex["unit"] == "USD"
    assert list(capex["percentiles"]) == ["5", "25", "50", "75", "95"]
    assert list(capex["percentiles"].values()) == dataset["capex"].values.tolist()
    assert list(capex["percentile_se"].values()) == dataset["capex_se"].values.tolist()
    assert capex["mean"] == float(dataset["capex_mean"])


def test_json_has_null_for_what_is_not_a_number():
    dataset = headline_dataset()
    dataset["capex"].values[0] = np.nan
    assert json.loads(report.json_text(dataset))["quantities"]["capex"]["percentiles"]["5"] is None


def test_percentile_keys_are_short():
    dataset = run_dataset({"a": ("A", "1", 1.0, 1.0)}, percentiles=(2.5, 97.5))
    assert list(json.loads(report.json_text(dataset))["quantities"]["a"]["percentiles"]) == ["2.5", "97.5"]


def test_csv_says_the_same_as_json():
    dataset = headline_dataset()
    told = json.loads(report.json_text(dataset))["quantities"]
    rows = list(csv.DictReader(report.csv_text(dataset).splitlines()))
    assert len(rows) == len(told) * (len(PERCENTILES) + 2)
    for row in rows:
        quantity = told[row["quantity"]]
        if row["percentile"] in {"mean", "sd"}:
            expected = quantity[row["percentile"]], quantity[f"{row['percentile']}_se"]
        else:
            expected = (quantity[part][row["percentile"]] for part in ("percentiles", "percentile_se"))
        assert (float(row["value"]), float(row["standard_error"])) == tuple(expected)
        assert row["unit"] == quantity["unit"]


@pytest.mark.parametrize(
    ("sigma", "value", "place"),
    [
        (1.0, 1.0, "P50"),
        (1.0, math.exp(1.2815515655446004), "P90"),
        (1.0, math.exp(3), "above P99.5"),
        (1.0, math.exp(-3), "below P0.5"),
        (1.0, math.exp(6), "above all"),
        (1.0, math.exp(-6), "below all"),
        (0.0, 1.0, "equal"),
        (0.0, 1.07, "7 % above"),
        (0.0, 0.75, "25 % below"),
    ],
)
def test_published_figure_falls_where_it_should(sigma, value, place):
    assert report.falls_at(run_dataset({"a": ("A", "1", 1.0, sigma)}), "a", value) == place


def test_share_of_judgement_is_that_of_the_squared_rank_correlations():
    dataset = headline_dataset()  # 0.8 for a prior of judgement, -0.6 for a sourced one
    assert report.judgement_share(dataset, "capex") == pytest.approx(0.64, abs=1e-12)
    assert math.isnan(report.judgement_share(dataset, "racks"))
    assert report.most_important(dataset, "capex", 1) == [("speed", 0.8)]
    assert report.most_important(dataset, "racks") == []


def test_sums_come_with_their_parts(base):
    shown = report.with_components(base.quantities, base.priors, ["capex", "server_capex", "training_cost"])
    parts = ["capex", "it_capex", "server_capex", "network_capex", "other_it_capex", "facility_capex"]
    assert list(shown) == [*parts, "training_cost"]
    assert report.with_components(base.quantities, ["capex"], ["capex"]) == ("capex",)


def test_report_tells_bands_error_drivers_published_and_settings(base, base_run):
    dataset, asked = base_run
    text = plain(report.run_report(dataset, base, asked))
    for name in asked:
        assert dataset[name].attrs["long_name"] in text
    lines = text.splitlines()
    capex = next(line for line in lines if line.startswith("Capex "))
    assert "million USD" in capex
    assert "759, P" in capex
    assert any(line.startswith("    Server capex ") for line in lines)
    assert "the band is the uncertainty" in text
    assert "from judgement" in text
    assert "seconds_per_token +0." in text
    assert "simulate tornado priors/base.toml --quantities" in text
    assert "4,096 scenarios, Sobol', seed 20230214." in text


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
def test_narrow_report_keeps_the_outer_percentiles_and_the_median_whole(base, base_run, width):
    dataset, asked = base_run
    wide = plain(report.run_report(dataset, base, asked)).splitlines()
    titles = next(line for line in wide if "P50" in line).split()
    lines = plain(report.run_report(dataset, base, asked, width)).splitlines()
    assert max(cell_width(line) for line in lines if "simulate tornado" not in line) <= width
    words = " ".join(lines).split()
    for label in ("Capex ", "Training cost "):
        figures = next(line for line in wide if line.startswith(label)).split()[-len(titles) - 4 :]
        numbers = [word for word in figures if word[0].isdigit()][:5]
        for figure in (numbers[0], numbers[2], numbers[4]):
            assert figure in words


def test_median_stands_out(base, base_run):
    dataset, asked = base_run
    lines = report.run_report(dataset, base, asked)
    capex = next(line for line in lines if plain([line]).startswith("Capex "))
    bold = [text for text, style in capex if style == "bold"]
    assert len(bold) == 1
    assert float(bold[0].replace(",", "")) * 1e6 == pytest.approx(
        float(dataset["capex"].sel(percentile=50)), 0.05
    )


def test_nothing_varies_in_constants():
    priors = load_priors("priors/guosheng-2023.toml")
    asked = engine.asked_quantities(priors)
    text = plain(report.run_report(engine.run(priors, scenarios=16), priors, asked))
    for figure in ("30,381.9", "3,798", "758.8", "591,864", "47,349.1", "million USD"):
        assert figure in text
    assert "nothing varies" in text
    assert "from judgement" not in text


def test_nan_is_told_and_never_stands_in_a_table(shop):
    dataset = engine.run(shop, scenarios=1024)
    assert [message.split(":")[0] for message in report.warnings_of(dataset) if "nan" in message] == ["odd"]
    assert not re.search(r"\bnan\b", plain(report.run_report(dataset, shop, ["income", "odd"])))


def test_own_quantities_are_reported(shop):
    text = plain(report.run_report(engine.run(shop, scenarios=1024, quantities=["income"]), shop, ["income"]))
    assert "A shop" in text
    assert "Income of a day" in text
    assert "Published: income 9,000 USD, The owner." in text


def test_priors_are_listed_as_written(base):
    text = plain(report.priors_report(base))
    for name, prior in base.priors.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{name} "))
        assert prior.family in line
        assert prior.source in line
    seconds = next(line for line in text.splitlines() if line.startswith("seconds_per_token "))
    assert seconds.split()[1:6] == ["lognormal", "ms/token", "3.00", "14.49", "70.00"]
    assert f"{len(base.priors)} priors" in text


@pytest.mark.parametrize("name", model.quantities("llm_cost"))
def test_every_quantity_is_explained(name):
    quantities = model.quantities("llm_cost")
    lines = plain(report.explanation(name, quantities)).splitlines()
    assert lines[0] == f"{name}  [{quantities[name].unit}]"
    text = "\n".join(lines)
    for need in quantities[name].needs:
        assert f"─ {need}" in text
    assert (f"  {name} = " in text) is (quantities[name].function is not None)
    users = [each for each, quantity in quantities.items() if name in quantity.needs]
    for user in users:
        assert f"─ {user}" in text
    assert ("is needed by" in text) is bool(users)


def test_explanation_tells_what_a_priors_file_says(base, shop):
    text = plain(report.explanation("pue", base.quantities, base))
    assert "base.toml:" in text
    assert base.priors["pue"].source in text
    assert "formula of its own" in plain(report.explanation("income", shop.quantities, shop))
    assert "income = visitors * spending" in plain(report.explanation("income", shop.quantities, shop))
    bound = plain(report.explanation("seconds_per_token", base.quantities, base))
    assert "needs\n" not in bound.replace("is needed by\n", "")
    assert "leaves it to the model" in plain(report.explanation("capex", base.quantities, base))


def test_list_holds_every_quantity_once(shop):
    quantities = model.quantities("llm_cost")
    words = [
        line.split()[0] for line in plain(report.quantity_list(quantities, "llm_cost")).splitlines() if line
    ]
    assert sorted(word for word in words if word in quantities) == sorted(quantities)
    assert "income" in plain(report.quantity_list(shop.quantities, "none", shop.own))


def test_what_cannot_be_computed_is_told(base):
    (message,) = report.not_computed(base)
    assert "prefill_seconds" in message


def test_prior_that_is_only_correlated_moves_nothing(base_run):
    dataset, _ = base_run
    correlations = dataset["training_cost_rank_correlation"]
    assert float(correlations.sel(prior="server_price")) == 0  # correlated with the cloud price, not needed
    assert float(correlations.sel(prior="training_mfu_deviation")) < -0.3


SMALL_ERRORS = """
model = "none"
[priors]
a = {dist = "normal", mean = 5, sd = 1}
b = {dist = "lognormal", mu = 0, sigma = 2.5}
[quantities]
alone = {formula = "2 * a"}
heavy = {formula = "b * (1 + a)"}
calm = {formula = "a + log(b)"}
"""


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_standard_errors_known_to_be_small_are_warned_of(tmp_path, scheme):
    path = tmp_path / "file.toml"
    path.write_text(SMALL_ERRORS, encoding="utf-8")
    dataset = engine.run(load_priors(path), scenarios=2**14, scheme=scheme)
    warned = [message.split(":")[0] for message in report.warnings_of(dataset)]
    assert warned == (["alone", "heavy"] if scheme == "sobol" else ["heavy"])
