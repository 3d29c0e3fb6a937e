from __future__ import annotations

import csv
import re

import pytest

from simulate import catalog
from simulate.calibration.training import RUNS_FILE
from simulate.catalog import CatalogError, accelerator, accelerator_name, accelerators
from simulate.distributions import distribution
from simulate.model import quantities
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
