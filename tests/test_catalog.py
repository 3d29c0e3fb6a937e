from __future__ import annotations

import csv
import re

import pytest

from simulate import catalog
from simulate.calibration.training import RUNS_FILE
from simulate.catalog import CatalogError, accelerator, accelerator_name, accelerators
from simulate.distributions import distribution
from simulate.model import quantities
from simulate.priors import SHIPPED, choice, load_priors
from simulate.units import conversion_factor

ABOUT = {"unit", "source", "evidence", "note"}


@pytest.mark.parametrize("name", accelerators())
def test_entries_are_priors_of_the_model(name):
    entries = accelerator(name)
    assert {"peak_flops", "memory_capacity", "memory_bandwidth"} <= set(entries)
    for quantity, entry in entries.items():
        declared = quantities("llm_cost")[quantity]
        assert conversion_factor(entry["unit"], declared.unit) > 0
        assert entry["evidence"] in ("sourced", "judgement")
        assert re.search(r"\(\d{4}.*\)$", entry["source"]), "a figure without a date"
        parameters = {key: value for key, value in entry.items() if key not in ABOUT | {"dist"}}
        made = distribution(entry.get("dist", "constant"), parameters)
        assert made.quantile(0.05) > 0
        if "p5" in entry:
            assert made.quantile(0.05) == pytest.approx(entry["p5"], rel=1e-12)


@pytest.mark.parametrize("name", accelerators())
def test_figures_lie_where_accelerators_lie(name):
    """A slip of a power of ten, or of a sparse peak for a dense one, leaves these ranges."""
    entries = accelerator(name)
    assert 1e14 < entries["peak_flops"]["value"] <= 2.5e15
    assert 16 <= entries["memory_capacity"]["value"] <= 192
    # The bandwidth read in full for every 100 to 600 FLOP.
    intensity = entries["peak_flops"]["value"] / (entries["memory_bandwidth"]["value"] * 1e9)
    assert 100 < intensity < 600
    if "server_power" in entries:
        assert 0.3 < entries["server_power"]["value"] / entries["accelerators_per_server"]["value"] < 2
    if "server_price" in entries:
        per_accelerator = entries["server_price"]["p5"] / entries["accelerators_per_server"]["value"]
        assert 10_000 < per_accelerator < 50_000


@pytest.mark.parametrize("name", accelerators())
def test_reserving_is_not_dearer_than_renting_on_demand(name):
    entries = accelerator(name)
    if "cloud_price_reserved" in entries:
        assert entries["cloud_price_reserved"]["p95"] <= entries["cloud_price_on_demand"]["p95"]


@pytest.mark.parametrize("spelling", ["a100-80gb", "A100 80GB", "A100 SXM4 80GB", "A800"])
def test_spelling_is_free(spelling):
    assert accelerator_name(spelling) == "A100 80GB"


def test_training_runs_name_accelerators_of_the_catalog():
    with RUNS_FILE.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            peak = accelerator(row["accelerator"])["peak_flops"]["value"]
            assert peak == pytest.approx(float(row["peak_flops"])), row["model"]


@pytest.mark.parametrize("other", catalog.SPELLINGS)
def test_other_spellings_lead_to_the_catalog(other):
    assert accelerator_name(other) in accelerators()


@pytest.mark.parametrize(
    ("spelling", "mend"),
    [
        ("A100", "did you mean A100 40GB or A100 80GB?"),
        ("H1000", "did you mean H100 SXM5"),
        ("abacus", "known are V100, A100 40GB"),
        ("", "known are V100"),
    ],
)
def test_unknown_accelerator_names_what_is_near(spelling, mend):
    with pytest.raises(CatalogError, match=re.escape(mend)) as raised:
        accelerator(spelling)
    assert f'"{spelling}"' in str(raised.value)
    assert "\n" not in str(raised.value)


# ---------------------------------------------------------------------------------------------------------
# Priors that were stated for another accelerator

SERVING = '[priors.seconds_per_token]\nvalue = 14\nunit = "ms/token"\n'
FAR = "far.toml:1 states it for {}, and the {} of {} does not change it; state it for the {}, or by a formula"


def told(load, text, near, *overrides):
    """The warnings of a file that extends another, places without their folder."""
    folder = load(text, name="far").path.parent
    priors = load(f'extends = "far.toml"\n{near}', *overrides, name="near")
    return {name: line.replace(f"{folder}/", "") for name, line in priors.warnings.items()}, priors


def test_a_prior_inherited_past_an_accelerator_that_it_was_not_stated_for_is_told(load):
    warnings, _ = told(load, SERVING, 'accelerator = "h200"\n')
    unnamed = FAR.format("an accelerator that it does not name", "H200", "near.toml:2", "H200")
    assert warnings == {"seconds_per_token": f"seconds_per_token: {unnamed}"}
    warnings, _ = told(
        load,
        f"{SERVING}[priors.mfu_end_to_end]\nvalue = 0.3\n[priors.output_tokens]\nvalue = 9\n",
        'accelerator = "H200"\n',
    )
    assert set(warnings) == {"seconds_per_token", "mfu_end_to_end"}


def test_the_accelerator_that_it_was_stated_for_is_named(load):
    text = f'accelerator = "A100 80GB"\n{SERVING}'
    warnings, _ = told(load, text, 'accelerator = "H200"\n')
    expected = FAR.format("the A100 80GB", "H200", "near.toml:2", "H200").replace(":1", ":2")
    assert warnings["seconds_per_token"] == f"seconds_per_token: {expected}"
    assert told(load, text, 'accelerator = "a100-80gb"\n')[0] == {}
    assert told(load, text, "")[0] == {}


def test_a_price_that_the_catalog_does_not_know_of_the_accelerator_is_told(load):
    text = "[priors.server_price]\nvalue = 2e5\n[priors.peak_flops]\nvalue = 3e14\n"
    for name in accelerators():
        lacking = {"server_price"} - set(accelerator(name))
        assert set(told(load, text, f'accelerator = "{name}"\n')[0]) == lacking


@pytest.mark.parametrize(
    "near",
    [
        'accelerator = "H200"\n' + SERVING,
        'accelerator = "H200"\n[quantities.seconds_per_token]\nformula = "0.014"\nunit = "s/token"\n',
    ],
)
def test_what_the_nearer_file_states_itself_is_not_told(load, near):
    assert told(load, SERVING, near)[0] == {}


def test_overrides_and_choices_name_accelerators_too(load):
    warnings, _ = told(load, SERVING, "", 'accelerator="H200"')
    assert "the H200 of --set 'accelerator=\"H200\"' does not change it" in warnings["seconds_per_token"]
    options = '[choices.one]\n[choices.two]\naccelerator = "H200"\n'
    warnings, priors = told(load, SERVING, options)
    assert warnings == {}
    assert "the H200 of " in choice(priors, "two").warnings["seconds_per_token"]
    assert "near.toml:4 does not change it" in choice(priors, "two").warnings["seconds_per_token"]


def test_commands_tell_it_once_where_the_prior_is_used(load, command):
    demand = "".join(f"[priors.{name}]\nvalue = 2\n" for name in ("questions_per_day", "output_tokens"))
    near = 'accelerator = "H200"\n[run]\nquantities = ["accelerators_busy"]\n[choices.one]\n[choices.two]\n'
    _, priors = told(load, SERVING + demand, near)
    code, out, _ = command("check", priors.path)
    assert code == 0
    assert " ".join(out.split()).count("Warning: seconds_per_token: ") == 1
    far = priors.path.with_name("far.toml")
    for quantity, often in (("accelerators_busy", 1), ("output_tokens_per_day", 0)):
        for sources in (("run", priors.path), ("decide", priors.path), ("compare", far, priors.path)):
            code, _, err = command(*sources, "--quantities", quantity, "--scenarios", 4096)
            assert (code, err.count("warning: seconds_per_token: ")) == (0, often)


def test_shipped_files_have_no_prior_of_another_accelerator():
    for path in SHIPPED.glob("*.toml"):
        priors = load_priors(path)
        assert not any(case.warnings for case in (priors, *(choice(priors, name) for name in priors.choices)))
