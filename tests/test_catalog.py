from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from simulate import catalog
from simulate.calibration.training import RUNS_FILE
from simulate.catalog import BYTES, PEAKS, CatalogError, accelerator, accelerator_name, accelerators, peaks
from simulate.distributions import distribution
from simulate.model import quantities
from simulate.priors import SHIPPED, PriorsError, choice, load_priors
from simulate.priors.schema import Word
from simulate.runs import run
from simulate.units import conversion_factor

ABOUT = {"unit", "source", "evidence", "note"}


# An Ultra's FP4, and chips that are built for few bits: times the peak in BF16.
BEYOND = {
    ("B300", "FP4"): 6,
    ("GB300", "FP4"): 6,
    ("Trainium3", "FP8"): 3.75,
    ("Rubin", "FP8"): 4.375,
    ("Rubin", "FP4"): 8.75,
}


@cache
def table():
    """The catalog's rows, those that are there to be read too."""
    with catalog.TABLE.open(newline="", encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))


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
    assert 1e14 < entries["peak_flops"]["value"] <= 4e15
    assert 16 <= entries["memory_capacity"]["value"] <= 288
    # The bandwidth read in full for every 100 to 600 FLOP, but for the H20, which is short of arithmetic.
    intensity = entries["peak_flops"]["value"] / (entries["memory_bandwidth"]["value"] * 1e9)
    assert (30 if name == "H20" else 100) < intensity < 600
    if "server_power" in entries:
        power = entries["server_power"].get("value") or entries["server_power"]["p5"]
        assert 0.3 < power / entries["accelerators_per_server"]["value"] < 3
    if "server_price" in entries:
        per_accelerator = entries["server_price"]["p5"] / entries["accelerators_per_server"]["value"]
        assert 10_000 < per_accelerator < 60_000


@pytest.mark.parametrize("name", accelerators())
def test_peaks_are_dense(name):
    """Halving the bits doubles the arithmetic at most, but for a few: a peak with sparsity is beyond that."""
    flops = {word: entry["value"] for word, entry in peaks(name).items()}
    assert flops["FP16"] == flops["BF16"]
    for word, most in (("FP8", 2), ("INT8", 2), ("FP4", 4)):
        times = flops.get(word, flops["BF16"]) / flops["BF16"]
        assert 0.99 <= times <= 1.03 * BEYOND.get((name, word), most), word


@pytest.mark.parametrize("name", accelerators())
def test_rows_to_be_read_lie_where_they_lie_elsewhere(name):
    """All-in power is above the chip's own and near the server's, and links are slower than the memory."""
    rows = {row["quantity"]: row for row in table() if row["accelerator"] == name}
    entries = accelerator(name)
    if all_in := rows.get("all_in_power"):
        assert 1.2 < float(all_in["low"]) * 1e3 / float(rows["accelerator_power"]["low"]) < 2.1
    if link := rows.get("link_bandwidth"):
        assert 0.03 < float(link["low"]) / entries["memory_bandwidth"]["value"] < 0.6
        assert float(rows.get("link_domain", {"low": "8"})["low"]) >= 4
    assert {row["evidence"] for row in rows.values()} <= {"sourced", "judgement"}
    for row in rows.values():
        if "from memory" in row["source"] + row["note"]:
            assert row["evidence"] == "judgement", row["quantity"]


@pytest.mark.parametrize("name", accelerators())
def test_reserving_is_not_dearer_than_renting_on_demand(name):
    entries = accelerator(name)
    if "cloud_price_reserved" in entries:
        assert entries["cloud_price_reserved"]["p95"] <= entries["cloud_price_on_demand"]["p95"]


@pytest.mark.parametrize("spelling", ["a100-80gb", "A100 80GB", "A100 SXM4 80GB"])
def test_spelling_is_free(spelling):
    assert accelerator_name(spelling) == "A100 80GB"


def test_training_runs_name_accelerators_of_the_catalog():
    with RUNS_FILE.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            peak = accelerator(row["accelerator"])["peak_flops"]["value"]
            assert peak * float(row["peak_gain"] or 1) == pytest.approx(float(row["peak_flops"])), row["model"]


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


# ---------------------------------------------------------------------------------------------------------
# Precision in words

COLUMNS = dict.fromkeys(("peak_flops", "peak_flops_fp8", "peak_flops_fp4", "peak_flops_int8"), 1e12) | dict.fromkeys(
    ("memory_capacity", "memory_bandwidth", "link_bandwidth", "link_domain", "accelerator_power", "all_in_power"), 1
)
STORED = ("bytes_per_parameter", "kv_bytes_per_value")
PEAK = ("peak_flops", "training_peak_flops")
ALL = (*STORED, "peak_flops", "attention_peak_flops", "training_peak_flops")


def bound(priors, *names):
    """Values that priors bind, None where they do not."""
    return [priors.priors[name].distribution.support[0] if name in priors.priors else None for name in names]


def test_the_words_are_those_of_the_catalog():
    assert set(get_args(Word)) == set(PEAKS) == set(BYTES)
    assert BYTES["FP4"][0] == (16 * 4 + 8) / 16 / 8  # a scale of a byte for every 16 values


@pytest.mark.parametrize(
    ("word", "weights", "cache", "peak"),
    [("BF16", 2, 2, 2250e12), ("FP8", 1, 1, 4500e12), ("INT8", 1, 1, 4500e12), ("FP4", 0.5625, 1, 9000e12)],
)
def test_a_word_binds_bytes_and_the_peak(load, word, weights, cache, peak):
    """Attention and training stay in 16 bits."""
    priors = load(f'accelerator = "B200"\nprecision = "{word}"\n')
    assert bound(priors, *ALL) == [weights, cache, peak, 2250e12, 2250e12]
    assert priors.priors["bytes_per_parameter"].inherited
    assert not priors.warnings


def test_without_a_word_an_accelerator_is_as_ever(load):
    assert bound(load('accelerator = "B200"\n'), *ALL) == [None, None, 2250e12, None, None]


def test_parts_have_words_of_their_own(load):
    text = 'accelerator = "B200"\nprecision = {{ {} }}\ntraining_precision = "FP8"\n'
    for parts, expected in (
        ('weights = "FP4", cache = "BF16", arithmetic = "FP8"', [0.5625, 2, 4500e12, 2250e12, 4500e12]),
        ('arithmetic = "FP4", attention = "FP8"', [None, None, 9000e12, 4500e12, 4500e12]),
        ('weights = "FP8"', [1, None, 2250e12, None, 4500e12]),
    ):
        assert bound(load(text.format(parts)), *ALL) == expected, parts


def test_the_word_of_training_binds_its_peak_and_what_that_gains(load):
    names = ("training_peak_flops", "training_peak_gain")
    assert bound(load('accelerator = "H800"\ntraining_precision = "FP8"\n'), *names) == [1979e12, 1979 / 989]
    assert bound(load('accelerator = "TPU v5p"\ntraining_precision = "FP8"\n'), *names) == [459e12, 1]
    assert bound(load('accelerator = "A100 80GB"\ntraining_precision = "FP8"\n'), *names) == [312e12, 1]
    load('accelerator = "H100"\ntraining_precision = "FP8"\n', name="base")
    serving = load('extends = "base.toml"\nprecision = "FP4"\naccelerator = "B200"\n')
    assert bound(serving, *names, "peak_flops") == [4500e12, 2, 9000e12]


def test_a_words_figures_lie_beneath_what_names_it(load):
    """An own prior goes before the word, the word before what is extended, and single parts before the word."""
    own = "[priors.bytes_per_parameter]\nvalue = 1.1\n[priors.peak_flops]\nvalue = 1e15\n"
    beside = load('accelerator = "B200"\nprecision = "FP4"\n' + own)
    assert bound(beside, *STORED, "peak_flops") == [1.1, 1, 1e15]
    load('accelerator = "H100"\n' + own, name="base")
    near = load('extends = "base.toml"\nprecision = "FP8"\n')
    assert bound(near, *STORED, "peak_flops") == [1, 1, 1979e12]
    parts = load('extends = "base.toml"\nprecision = "FP8"\n', 'precision.cache="BF16"')
    assert bound(parts, *STORED, "peak_flops") == [1, 2, 1979e12]


def test_an_accelerator_takes_the_peak_of_a_farther_word(load):
    text = 'accelerator = "H100"\nprecision = "FP8"\ntraining_precision = "FP8"\n[choices.a]\naccelerator = "B200"\n'
    text += '[choices.b]\naccelerator = "MI355X"\nprecision = "FP4"\n[choices.c]\n'
    priors = load(text)
    cases = [bound(choice(priors, name), "bytes_per_parameter", *PEAK) for name in "abc"]
    assert cases == [[1, 4500e12, 4500e12], [0.5625, 10066e12, 5033e12], [1, 1979e12, 1979e12]]
    set_too = load(text, 'accelerator="GB300"')
    assert bound(set_too, "bytes_per_parameter", *PEAK) == [1, 5000e12, 5000e12]
    assert bound(choice(set_too, "b"), "bytes_per_parameter", *PEAK) == [0.5625, 15000e12, 5000e12]


def test_arithmetic_that_an_accelerator_lacks_is_done_in_16_bits(load):
    """Stored in 8 bits, computed in 16, and told where it counts; named so, it is not told."""
    priors = load('accelerator = "A100 80GB"\nprecision = "FP8"\n')
    assert bound(priors, *STORED, "peak_flops") == [1, 1, 312e12]
    lacks = "peak_flops: the catalog has no peak of the A100 80GB in FP8, so it computes in BF16"
    assert priors.warnings == {"peak_flops": lacks}
    named = load('accelerator = "A100 80GB"\nprecision = { weights = "FP8", cache = "FP8", arithmetic = "BF16" }\n')
    assert bound(named, *STORED, "peak_flops") == [1, 1, 312e12]
    assert not named.warnings
    assert not load('accelerator = "A100 80GB"\nprecision = "FP8"\n[priors.peak_flops]\nvalue = 1e15\n').warnings


def test_words_may_wait_for_the_accelerator_of_a_choice_or_an_override(load):
    text = 'precision = "FP8"\n[priors.pue]\nvalue = 1.1\n'
    priors = load(text + '[choices.a]\naccelerator = "H100"\n[choices.b]\naccelerator = "V100"\n')
    assert bound(priors, "bytes_per_parameter", "peak_flops") == [1, None]
    assert [bound(choice(priors, name), "peak_flops") for name in "ab"] == [[1979e12], [125e12]]
    assert bound(load(text, 'accelerator="H100"'), "peak_flops") == [1979e12]
    with pytest.raises(
        PriorsError, match=r"1: precision: takes the peak in FP8 of an accelerator, and none is named; "
    ):
        load(text)


def test_words_serve_as_their_figures_stated_by_hand_do():
    by_hand = ["bytes_per_parameter=1", "kv_bytes_per_value=1", "peak_flops=1979e12", "attention_peak_flops=989e12"]
    asked = {"scenarios": 1024, "quantities": ["seconds_per_token", "batch_size_in_memory"]}
    words, figures, neither = (
        run(load_priors("accelerators", sets), **asked)["percentiles"]
        for sets in (['precision="FP8"'], by_hand, ['precision="BF16"'])
    )
    assert (words == figures).all()
    assert (words[0] < 0.6 * neither[0]).all()


def test_the_page_shows_the_catalog():
    """docs/reference/accelerators.md has its rows to be read: where this fails, the page wants the new ones."""
    page = Path("docs/reference/accelerators.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    shown = {name: figures for name, *figures in cells}
    for name in accelerators():
        rows = {row["quantity"]: float(row["low"]) for row in table() if row["accelerator"] == name}
        figures = [f"{rows[each] / scale:,g}" if each in rows else "" for each, scale in COLUMNS.items()]
        assert shown[name] == figures, name
