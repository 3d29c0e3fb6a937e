from __future__ import annotations

import csv
import re
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from simulate.catalog import CatalogError
from simulate.model import quantities
from simulate.priors import PriorsError, choice, load_priors
from simulate.runs import run
from simulate.token_prices import APIS, PRICES, apis, price
from simulate.units import conversion_factor

ASKED = {"questions_per_day": 1000, "output_tokens": 300, "input_tokens": 900, "prompt_cache_hit_rate": 0.4}
R1 = "DeepSeek R1: its newest price in the catalog is of 2025-07-12, more than a year ago; "


@cache
def table():
    with APIS.table.open(newline="", encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))


@pytest.fixture
def today(monkeypatch):
    return lambda day: monkeypatch.setenv("SIMULATE_TODAY", day)


@pytest.fixture
def priced(load):
    """Priors of some questions whose tokens are bought."""
    asked = "".join(f"{name} = {{ value = {value} }}\n" for name, value in ASKED.items())
    return lambda text, *overrides: load(f"{text}\n[priors]\n{asked}", *overrides)


def bound(priors):
    """The three prices that priors bind."""
    return [float(priors.priors[name].distribution.quantile(0.5)) for name in PRICES]


# ---------------------------------------------------------------------------------------------------------
# The table


def test_rows_rise_by_date_and_hold_until_they_were_seen():
    for name, rows in APIS.rows.items():
        days = [row["since"] for row in rows]
        assert days == sorted(set(days)), name
        for row in rows:
            assert date.fromisoformat(row["since"]) <= date.fromisoformat(row["seen"]) <= date(2026, 11, 28), name
        assert len({row["vendor"] for row in rows}) == 1, name


def test_prices_lie_where_prices_lie():
    """A slip of a power of ten, or columns in another order, leave these bounds."""
    for row in table():
        read, written = float(row["input"]), float(row["output"])
        assert 0.02 < read <= 75, row["api"]
        assert 1 <= written / read <= 10, row["api"]
        if row["cached_input"]:
            assert 0.005 < float(row["cached_input"]) / read <= 0.55, row["api"]
        assert row["batch_discount"] in ("", "0.5")


def test_what_was_not_looked_up_is_marked():
    for row in table():
        assert row["evidence"] == ("judgement" if "from memory" in row["source"] else "sourced"), row["api"]
        assert row["source"]


@pytest.mark.parametrize("name", apis())
def test_entries_are_priors_of_the_model(name):
    entries, seen = price(name)
    assert set(entries) == set(PRICES)
    for quantity, entry in entries.items():
        assert conversion_factor(entry["unit"], quantities("llm_cost")[quantity].unit) == 1
        assert entry["source"].endswith(f"({seen})")
        assert entry["note"].startswith(f"{name}, since {APIS.rows[name][-1]['since']}")


def test_the_page_shows_the_newest_prices():
    """docs/reference/prices.md has a row for each: where this fails, the page wants the new ones."""
    page = Path("docs/reference/prices.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    shown = {name: cells for name, *cells in lines}
    for name, rows in APIS.rows.items():
        last = rows[-1]
        figures = [f"{float(last[each]):g}" if last[each] else "" for each in PRICES.values()]
        assert shown[name] == [last["vendor"], *figures, last["since"], last["seen"]], name


# ---------------------------------------------------------------------------------------------------------
# Names and dates


@pytest.mark.parametrize(
    ("spelling", "since", "seen"),
    [
        ("gpt-4o", "2024-10-01", "2026-04-05"),
        ("GPT-4o @ 2024-10-01", "2024-10-01", ""),
        ("GPT-4o@2024-09-30", "2024-08-06", ""),
        ("gpt 4o @ 2024-08", "2024-08-06", ""),  # to its end
        ("GPT-4o @ 2024-07", "2024-05-13", ""),
        ("GPT-4o @ 2024", "2024-10-01", ""),
    ],
)
def test_a_date_takes_the_prices_of_then(spelling, since, seen):
    found = price(spelling)
    assert found.entries["api_input_price"]["note"].startswith(f"GPT-4o, since {since}")
    assert found.seen == seen


@pytest.mark.parametrize(
    ("spelling", "fault"),
    [
        ("GPT-9", 'there is no API "GPT-9" in the catalog; did you mean '),
        ("Claude Opus", 'there is no API "Claude Opus" in the catalog; did you mean Claude Opus 4 or '),
        ("GPT-4o @ May", '"May" is no date; write for instance "GPT-4o @ 2025-02"'),
        ("GPT-4o @", '"" is no date; write for instance "GPT-4o @ 2025-02"'),
        ("GPT-4o @ 2023", "there is no price of GPT-4o at 2023 in the catalog; its first is of 2024-05-13"),
    ],
)
def test_what_the_catalog_does_not_hold_is_refused_with_what_is_near(spelling, fault, load):
    with pytest.raises(CatalogError, match=re.escape(fault)):
        price(spelling)
    with pytest.raises(PriorsError, match=re.escape(f"1: api: {fault}")):
        load(f'api = "{spelling}"\n[priors.pue]\nvalue = 1.1\n')


def test_without_a_price_of_its_own_cached_input_costs_what_other_input_does():
    entries, _ = price("GPT-4")
    assert entries["api_cached_input_price"]["value"] == entries["api_input_price"]["value"] == 30
    assert "cached input as other input" in entries["api_cached_input_price"]["note"]


# ---------------------------------------------------------------------------------------------------------
# As priors


def test_a_question_costs_its_tokens_at_the_prices(priced):
    names = ["bought_cost_per_question", "bought_cost_per_day", "bought_cost_per_year", "bought_cost_per_1k_tokens"]
    medians = run(priced('api = "GPT-4o"'), scenarios=64, quantities=names)["percentiles"][:, 2]
    question = (900 * (0.6 * 2.5 + 0.4 * 1.25) + 300 * 10) / 1e6
    assert medians == pytest.approx([question, 1000 * question, 365_000 * question, question / 1.2], rel=1e-12)


def test_discount_and_cache_hit_rate_may_be_ones_own(priced):
    priors = priced('api = "GPT-4o"', "api_discount=0.5", "api_cache_hit_rate=0")
    assert run(priors, scenarios=64, quantities=["bought_cost_per_question"])["mean"][0] == pytest.approx(
        (900 * 2.5 + 300 * 10) / 2e6, rel=1e-12
    )


def test_own_priors_go_before_the_row_and_a_choice_before_the_file(priced):
    text = 'api = "GPT-4o"\n[choices.a]\napi = "Claude 2"\n[choices.b.priors.api_output_price]\nvalue = 3\n[choices.c]'
    priors = priced(text)
    assert bound(priors) == [2.5, 1.25, 10]
    assert [bound(choice(priors, name)) for name in "abc"] == [[8, 8, 24], [2.5, 1.25, 3], [2.5, 1.25, 10]]
    assert bound(priced(text, 'api="GPT-4.1"')) == [2, 0.5, 8]
    assert bound(choice(priced(text, 'api="GPT-4.1"'), "a")) == [2, 0.5, 8]
    uncertain = priced(text, 'api_output_price={dist="uniform",lower=1,upper=2}')
    assert uncertain.priors["api_output_price"].family == "uniform"


def test_an_accelerator_and_an_api_stand_side_by_side(load):
    """Each keeps its figures wherever the other is named: nearer, farther, or beside a word for the precision."""
    load('api = "GPT-4o"\nprecision = "FP8"\naccelerator = "H100"\n', name="far")
    near = load('extends = "far.toml"\naccelerator = "B200"\n', name="near")
    assert bound(near) == [2.5, 1.25, 10]
    assert near.priors["peak_flops"].distribution.support[0] == 4500e12
    assert bound(load('extends = "near.toml"\napi = "Claude 2"\n', name="nearest")) == [8, 8, 24]


def test_a_prior_that_was_stated_for_another_api_is_told(load):
    load("[priors.bought_cost_per_question]\nvalue = 0.01\n[priors.questions_per_day]\nvalue = 9\n", name="far")
    near = load('extends = "far.toml"\napi = "GPT-4o"\n', name="near")
    assert "states it for an api that it does not name, and the GPT-4o of " in near.warnings["bought_cost_per_question"]


def test_prices_that_nothing_needs_are_told(priced):
    told = run(priced('api = "GPT-4o"'), quantities=["tokens_per_day"], scenarios=64).warnings
    assert not told  # the file serves other questions too
    (line,) = run(priced("", 'api="GPT-4o"'), quantities=["tokens_per_day"], scenarios=64).warnings
    assert line.endswith("api GPT-4o reaches none of the quantities asked for: none of its figures is needed")


# ---------------------------------------------------------------------------------------------------------
# Prices that are old


@pytest.mark.parametrize(("day", "told"), [("2026-07-11", 0), ("2026-07-12", 1), ("2030-01-01", 1)])
def test_from_a_year_on_prices_are_told_to_be_old(priced, today, day, told):
    result = run(priced('api = "DeepSeek R1"'), scenarios=64, quantities=["bought_cost_per_question"])
    today(day)
    assert sum(line.startswith(R1) for line in result.warnings) == told


def test_every_command_tells_it_once(priced, today, command):
    today("2026-11-28")
    text = '[run]\nquantities = ["bought_cost_per_question"]\nscenarios = 4096\n[choices.one]\n[choices.two]\n'
    path = priced(f'api = "DeepSeek R1"\n{text}', "output_tokens={dist='uniform',lower=1,upper=9}").path
    for words in ("run", "decide", "tornado", "compare", "sweep"):
        options = {"compare": ("--vary", "pue=1.1,1.2"), "sweep": ("--over", "output_tokens=1,2")}.get(words, ())
        assert command(words, path, *options, "--no-pictures")[2].count(f"warning: {R1}") == 1, words
    assert " ".join(command("check", path)[1].split()).count(f"Warning: {R1}") == 1
    assert command("run", path, "--format", "json")[1].count(R1) == 1


def test_what_is_stored_does_not_hang_on_the_day(priced, today):
    priors = priced('api = "DeepSeek R1"')
    stored = []
    for day in ("2025-08-01", "2026-11-28"):
        today(day)
        stored.append(run(priors, scenarios=64, quantities=["bought_cost_per_question"]))
    assert stored[0].described() == stored[1].described()
    assert [each.startswith(R1) for each in stored[0].warnings] == [True]  # read on the later day
    today("2025-08-01")
    assert not stored[1].warnings


@pytest.mark.parametrize(
    "text",
    [
        'api = "DeepSeek R1 @ 2025-07"',  # asked for as of then
        'api = "DeepSeek R1"\n' + "".join(f"[priors.{name}]\nvalue = 1\n" for name in PRICES),
        'api = "GPT-6 Sol"',
    ],
)
def test_what_is_not_old_is_not_told(priced, today, text):
    today("2026-11-28")
    told = run(priced(text), scenarios=64, quantities=["bought_cost_per_question"]).warnings
    assert not any("newest price" in line for line in told)


def test_of_old_prices_those_that_are_used_are_told(priced, today):
    today("2026-11-28")
    other = priced('api = "DeepSeek R1"\n[quantities.cost]\nformula = "3 * output_tokens"\nunit = "token"\n')
    assert not run(other, scenarios=64, quantities=["cost"]).warnings
    one_of_three = priced('api = "DeepSeek R1"', "api_input_price=1", "api_cached_input_price=1")
    (line,) = run(one_of_three, scenarios=64, quantities=["bought_cost_per_question"]).warnings
    assert line.startswith(R1)


def test_a_day_that_is_none_is_refused(priced, today, command):
    today("yesterday")
    code, _, err = command(
        "check", priced('api = "DeepSeek R1"\n[run]\nquantities = ["bought_cost_per_question"]').path
    )
    assert (code, err) == (2, "SIMULATE_TODAY='yesterday': is no day; write for instance 2026-11-28\n")


def test_buying_tokens_costs_the_same_however_the_fleet_runs():
    """In the shipped example the price of 1,000 tokens is the list price and the people's, whatever a token takes."""
    priors = choice(load_priors("own-or-rent"), "buy_tokens")
    bands = run(priors, scenarios=2**12, quantities=["bought_cost_per_1k_tokens"])
    assert np.allclose(bands["percentiles"], 0.002, rtol=1e-12)
