"""The priors files that ship: what they state, and that their headers tell the results that they give."""

from __future__ import annotations

import math
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from simulate import model
from simulate.calibration.training import training_mfu
from simulate.model import architecture, bought_tokens, layout, prefill_pool, roofline, sessions, speculation, step
from simulate.model.training_mfu import TYPICAL_ATTENTION
from simulate.priors import choice, load_priors
from simulate.runs import draws, run
from simulate.units import conversion_factor

FOLDER = Path(__file__).parents[1] / "priors"
FILES = tuple(sorted(path.name for path in FOLDER.glob("*.toml")))
CONSTANT_FILES = ("goldstein-2022.toml", "guosheng-2023.toml", "semianalysis-2023.toml")
CHOICE_SCENARIOS = 1 << 16


@cache
def priors(file: str) -> Any:
    return load_priors(FOLDER / file)


@cache
def tables(file: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / file).read_text(encoding="utf-8"))


@cache
def results(file: str, chosen: str, quantities: tuple[str, ...]) -> Any:
    case = choice(priors(file), chosen) if chosen else priors(file)
    return run(case, quantities=quantities, percentiles=(5, 50, 95))


@cache
def header_tables(file: str) -> tuple[tuple[dict[str, str], ...], ...]:
    """The tables of a file's opening comment, as rows by column."""
    found: list[list[dict[str, str]]] = []
    columns: list[str] = []
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        cells = [cell.strip() for cell in line.removeprefix("# |").removesuffix("|").split("|")]
        if not line.startswith("# |"):
            columns = []
        elif not columns:
            columns = cells
            found.append([])
        elif set(line) - set("#|- "):
            found[-1].append(dict(zip(columns, cells, strict=True)))
    return tuple(tuple(rows) for rows in found)


def rows(kind: str) -> list[Any]:
    """Rows of all headers whose table has the column `kind`."""
    return [
        pytest.param(file, row, id=f"{file}-{row.get('quantity') or row['choice']}")
        for file in FILES
        for table in header_tables(file)
        for row in table
        if kind in row
    ]


def number(text: str) -> float:
    return float(text.replace(",", "").removesuffix("%"))


def half_a_digit(text: str, digits: int | None = None) -> float:
    """Half of the last place that a printed number shows, or of its `digits`-th significant one."""
    if digits is not None and number(text):
        return 0.5 * 10.0 ** (math.floor(math.log10(abs(number(text)))) - digits + 1)
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


def stated(file: str) -> list[tuple[str, dict[str, Any]]]:
    """Every prior that a file states itself, those of its choices too."""
    groups = [tables(file), *tables(file).get("choices", {}).values()]
    return [item for group in groups for item in group.get("priors", {}).items()]


def test_the_files_of_the_plan_are_there():
    assert set(FILES) == {
        "accelerators.toml", "base.toml", "chatgpt-2025.toml", "deepseek-2025-serving.toml", "deepseek-v3.toml",
        "frontier-serving-2026.toml",
        "goldstein-2022.toml", "gopher.toml", "gpt-3.toml", "guosheng-2023.toml", "llama-3.1-405b.toml",
        "own-cost-2026.toml", "own-or-rent.toml", "palm.toml", "semianalysis-2023.toml", "sessions-2025.toml",
    }  # fmt: skip


@pytest.mark.parametrize("file", FILES)
class TestEachFile:
    def test_opens_with_what_it_says_and_a_table_of_its_result(self, file):
        text = (FOLDER / file).read_text(encoding="utf-8")
        assert re.match(r"#:schema priors\.schema\.json\n# [A-Z'].+\n#", text)
        assert header_tables(file)

    def test_every_prior_has_unit_evidence_and_source(self, file):
        for name, entry in stated(file):
            assert entry.get("unit"), name
            assert entry.get("evidence") in {"sourced", "judgement"}, name
            assert entry.get("source"), name
            assert "simulate" not in entry["source"], "a source is somebody else's; how we fit it is the note's"

    def test_what_is_not_verified_or_not_published_is_called_judgement(self, file):
        for name, entry in stated(file):
            if re.search(r"not verified|[Nn]o published|[Nn]ot considered", entry["source"]):
                assert entry["evidence"] == "judgement", name

    def test_every_published_figure_has_a_source(self, file):
        for figure in tables(file).get("published", []):
            assert figure["source"]
            assert figure["unit"]

    def test_its_units_are_written_as_they_are_read(self, file):
        for name, entry in stated(file):
            assert conversion_factor(entry["unit"], priors(file).quantities[name].unit) > 0

    def test_it_runs_as_it_is(self, file):
        warnings = run(priors(file), scenarios=1024).warnings
        assert not [line for line in warnings if "nan or infinite" in line or "nor of the headline" in line]


@pytest.mark.parametrize(("file", "row"), rows("P50"))
def test_bands_in_headers(file, row):
    chosen = row.get("choice", "")
    quantity = priors(file).run.quantities[0] if chosen else row["quantity"]
    asked = (quantity,) if chosen else tuple(other["quantity"] for other in _table_of(file, row))
    result = results(file, chosen, asked)
    factor = conversion_factor(priors(file).quantities[quantity].unit, row["unit"])
    for percentile in (5, 50, 95):
        printed = row[f"P{percentile}"]
        at = {"quantity": quantity, "percentile": percentile}
        value, error = (each * factor for each in result.estimate("percentiles", **at))
        assert abs(value - number(printed)) <= half_a_digit(printed, 3) + 3 * error, (percentile, value)
    if chosen:
        mean, error = (each * factor for each in result.estimate("mean", quantity=quantity))
        assert abs(mean - number(row["mean"])) <= half_a_digit(row["mean"], 3) + 3 * error


@pytest.mark.parametrize(("file", "row"), rows("value"))
def test_values_in_headers(file, row):
    result = results(file, "", tuple(other["quantity"] for other in _table_of(file, row)))
    factor = conversion_factor(priors(file).quantities[row["quantity"]].unit, row["unit"])
    value = result.at("percentiles", quantity=row["quantity"], percentile=50) * factor
    assert abs(value - number(row["value"])) <= half_a_digit(row["value"])


@pytest.mark.parametrize(("file", "row"), [case for case in rows("published") if case.values[1]["published"]])
def test_published_figures_in_headers(file, row):
    printed, _, place = row["published"].partition(" at ")
    (figure, *_) = (each for each in priors(file).published if each.quantity == row["quantity"])
    factor = conversion_factor(priors(file).quantities[row["quantity"]].unit, row["unit"])
    assert figure.value * factor == pytest.approx(number(printed), rel=1e-9)
    if place:
        result = results(file, "", tuple(other["quantity"] for other in _table_of(file, row)))
        curve, percents = result.at("fine_percentiles", quantity=row["quantity"]), result["fine_percentile"]
        at = np.interp(figure.value, curve, percents)
        if place.startswith("below"):
            assert at == percents[0]
        else:
            error = 3 * 100 * math.sqrt(0.25 / result.attributes["scenarios"])
            assert abs(at - number(place.removeprefix("P"))) <= 0.5 + error


def _table_of(file: str, row: dict[str, str]) -> tuple[dict[str, str], ...]:
    return next(table for table in header_tables(file) if row in table)


@pytest.mark.parametrize("file", [file for file in FILES if tables(file).get("choices")])
def test_the_cheapest_choice_in_headers(file):
    (table,) = (table for table in header_tables(file) if "cheapest" in table[0])
    assert [row["choice"] for row in table] == list(priors(file).choices)
    quantity = priors(file).run.quantities[0]
    drawn = [
        draws(choice(priors(file), row["choice"]), scenarios=CHOICE_SCENARIOS, quantities=[quantity]) for row in table
    ]
    cost = np.stack([each.at("value", quantity=quantity) for each in drawn])
    cheapest = np.bincount(cost.argmin(axis=0), minlength=len(table)) / CHOICE_SCENARIOS
    error = 3 * np.sqrt(0.25 / CHOICE_SCENARIOS)
    for row, share in zip(table, cheapest, strict=True):
        assert abs(share * 100 - number(row["cheapest"])) <= 0.5 + 100 * error, row["choice"]


@pytest.mark.parametrize("word", ["BF16", "FP8"])
def test_accelerators_in_bits_alike_in_the_header(word):
    (table,) = (table for table in header_tables("accelerators.toml") if "own bits" in table[0])
    given = load_priors(FOLDER / "accelerators.toml", [f'precision="{word}"'])
    scenarios = 1 << 14
    asked = {"scenarios": scenarios, "quantities": ["cost_per_1k_tokens"]}
    drawn = [draws(choice(given, row["choice"]), **asked) for row in table]
    cost = np.stack([each.at("value", quantity="cost_per_1k_tokens") for each in drawn]) * 1e3
    cheapest = np.bincount(cost.argmin(axis=0), minlength=len(table)) / scenarios
    error = 3 * np.sqrt(0.25 / scenarios)
    for row, values, share in zip(table, cost, cheapest, strict=True):
        assert abs(share * 100 - number(row[f"{word}, cheapest"])) <= 0.5 + 100 * error, row["choice"]
        printed = row[f"{word}, P50"]
        below = (values <= number(printed) + half_a_digit(printed, 3)).mean()
        above = (values >= number(printed) - half_a_digit(printed, 3)).mean()
        assert min(below, above) >= 0.5 - error, row["choice"]


@pytest.mark.parametrize("file", CONSTANT_FILES)
def test_constants_have_no_spread(file):
    result = run(priors(file), scenarios=1024, quantities="all")
    for name in priors(file).run.quantities:
        assert result.at("sd", quantity=name) == 0
        assert len(set(result.at("percentiles", quantity=name).tolist())) == 1


# Quantity, figure in its own unit, half of the last printed place.
@pytest.mark.parametrize(
    ("file", "quantity", "printed", "half"),
    [
        ("guosheng-2023.toml", "questions_per_day", 250e6, 0.5e6),
        ("guosheng-2023.toml", "accelerator_hours_per_day", 729_167, 0.5),
        ("guosheng-2023.toml", "accelerator_hours_per_day", 729_166.7, 0.05),
        ("guosheng-2023.toml", "accelerators", 30_382, 0.5),
        ("guosheng-2023.toml", "accelerators", 30_381.9, 0.05),
        ("guosheng-2023.toml", "servers", 3_798, 0),
        ("guosheng-2023.toml", "racks", 542, 0),
        ("guosheng-2023.toml", "server_capex", 758.8e6, 0),
        ("guosheng-2023.toml", "capex", 758.8e6, 0),
        ("guosheng-2023.toml", "capex", 759e6, 0.5e6),
        ("guosheng-2023.toml", "energy_per_day", 591_864, 0),
        ("guosheng-2023.toml", "electricity_cost_per_day", 47_349, 0.5),
        ("guosheng-2023.toml", "electricity_cost_per_day", 47_000, 500),
        ("guosheng-2023.toml", "training_cost", 1.398e6, 0.0005e6),
        ("guosheng-2023.toml", "training_cost_gopher", 2.237e6, 0.0005e6),
        ("guosheng-2023.toml", "training_cost_palm", 11.22e6, 0.005e6),
        ("semianalysis-2023.toml", "accelerators", 28_935, 0.5),
        ("semianalysis-2023.toml", "servers", 3_617, 0),
        ("semianalysis-2023.toml", "rent_reserved_per_day", 694_444, 0.5),
        ("semianalysis-2023.toml", "rent_reserved_per_question", 0.36e-2, 0.005e-2),
        ("goldstein-2022.toml", "rent_on_demand_per_day", 87_500, 0.5),
    ],
)
def test_estimates_come_out_as_printed(file, quantity, printed, half):
    result = run(priors(file), scenarios=1024, quantities=[quantity])
    value = result.at("percentiles", quantity=quantity, percentile=50)
    assert abs(value - printed) <= half + 1e-12 * printed


def test_the_note_leaves_nothing_but_electricity_in_opex():
    result = run(priors("guosheng-2023.toml"), scenarios=1024, quantities=["opex_per_year", "electricity_cost"])
    assert result["mean"][0] == result["mean"][1]


@pytest.mark.parametrize(
    ("file", "quantity"),
    [
        ("gpt-3.toml", "training_accelerator_hours"),
        ("gpt-3.toml", "training_energy"),
        ("gopher.toml", "training_accelerator_hours"),
        ("palm.toml", "training_accelerator_hours"),
        ("palm.toml", "training_energy"),
        ("llama-3.1-405b.toml", "training_accelerator_hours"),
        ("deepseek-v3.toml", "training_accelerator_hours"),
        ("deepseek-v3.toml", "training_cost"),
        ("deepseek-v3.toml", "final_training_cost"),
        ("deepseek-2025-serving.toml", "nodes"),
        ("deepseek-2025-serving.toml", "servers"),
        ("deepseek-2025-serving.toml", "rent_on_demand_per_day"),
        ("deepseek-2025-serving.toml", "decode_throughput"),
        ("deepseek-2025-serving.toml", "decode_speed"),
        ("chatgpt-2025.toml", "energy_per_message"),
        ("chatgpt-2025.toml", "rent_august_to_december"),
    ],
)
def test_outcomes_lie_in_the_90_percent_band(file, quantity):
    result = run(priors(file), scenarios=1 << 14, quantities=[quantity], percentiles=(5, 95))
    (figure, *_) = (each for each in priors(file).published if each.quantity == quantity)
    low, high = result.at("percentiles", quantity=quantity)
    assert low < figure.value < high
    assert high / low < 20, "so wide a band says nothing"


@pytest.mark.parametrize(
    ("file", "parameters", "peak", "mixture_of_experts", "gain", "attention"),
    [
        ("base.toml", 175e9, 312e12, 0, 1, 1),
        ("gopher.toml", 280e9, 123e12, 0, 1, 1 + TYPICAL_ATTENTION),
        ("palm.toml", 540.35e9, 275e12, 0, 1, 1 + TYPICAL_ATTENTION),
        ("llama-3.1-405b.toml", 405e9, 989e12, 0, 1, 1 + TYPICAL_ATTENTION),
        # attention is 13.8 % in its context of 4,096, and twice as slow as the products
        ("deepseek-v3.toml", 37e9, 1979e12, 1, 1979 / 989, 1.138 * (1 + 2 * TYPICAL_ATTENTION) / (1 + 2 * 0.138)),
    ],
)
def test_training_mfu_is_the_calibrated_one(file, parameters, peak, mixture_of_experts, gain, attention):
    """gpt-3.toml states its own, there being no open run on V100s."""
    result = run(priors(file), scenarios=1 << 14, quantities=["mfu_end_to_end"], percentiles=(5, 95))
    deviations = ndtri(np.array([0.05, 0.95]))
    fitted = training_mfu().at_deviation(deviations, parameters, peak, mixture_of_experts, gain) * attention
    values, errors = result.estimate("percentiles", quantity="mfu_end_to_end")
    np.testing.assert_allclose(values, fitted, rtol=0, atol=4 * float(errors.max()) + 1e-6)


def test_base_notes_the_mfu_that_its_calibration_gives():
    result = run(priors("base.toml"), scenarios=1 << 16, quantities=["mfu_end_to_end"], percentiles=(5, 95))
    note = priors("base.toml").priors["training_mfu_deviation"].note
    low, high = re.search(r"([0-9.]+) to ([0-9.]+) %", note).groups()
    for stated, value in zip((low, high), result["percentiles"][0] * 100, strict=True):
        assert abs(float(stated) - value) <= 0.1


def test_base_has_a_distribution_for_every_assumption():
    """All parameters of the model but those of roofline and sessions, for which seconds_per_token and a ratio stand."""
    economics = set(model.MODELS["llm_cost"]) - {
        *(architecture, bought_tokens, layout, prefill_pool, roofline, sessions, speculation, step)
    }
    bound = priors("base.toml").priors
    named = {
        name
        for module in economics
        for name, value in vars(module).items()
        if getattr(value, "function", value) is None and value.default is None
    }
    assert named <= set(bound)
    counts = {
        "accelerators_per_server", "colocated_share", "company_capex_per_year", "parameters_active", "peak_flops",
        "server_power", "servers_per_rack", "training_accelerators", "training_tokens",
    }  # fmt: skip
    assert {name for name, prior in bound.items() if prior.family == "constant"} == counts


def test_deepseek_answers_hold_the_published_tokens_and_context():
    result = run(
        priors("deepseek-2025-serving.toml"),
        scenarios=1024,
        quantities=["output_tokens_per_day", "tokens_per_day", "context_tokens"],
    )
    assert result.at("mean", quantity="output_tokens_per_day") == pytest.approx(168e9, rel=0.5 / 168)
    assert result.at("mean", quantity="tokens_per_day") == pytest.approx(776e9, rel=0.5 / 776)
    assert result.at("mean", quantity="context_tokens") == pytest.approx(4_989, rel=0.5 / 1_211)


@pytest.mark.parametrize("none", ["visitors_per_day", "seconds_per_token", "peak_flops", "server_power"])
def test_constants_of_zero_leave_figures(none):
    """Of a file in which nothing varies, no figure that is told is nan or infinite."""
    told = run(load_priors("guosheng-2023", [f"{none}=0"]), scenarios=64)
    assert np.isfinite(told["percentiles"]).all()
    assert (told["percentiles"] >= 0).all()
