"""Layouts in a list: the cheapest of each scenario, by brute force, how often each is taken, words."""

from __future__ import annotations

import re

import numpy as np
import pytest

from simulate.priors import PriorsError, choice, load_priors
from simulate.priors.layouts import USUAL, Layout
from simulate.runs import draws, run
from simulate.runs.report import sections

MODEL = """
{}
[priors]
parameters_active = {{ value = 37e9 }}
parameters_total = {{ value = 671e9 }}
experts = {{ value = 256 }}
experts_active = {{ value = 8 }}
layers = {{ value = 61 }}
heads = {{ value = 128 }}
kv_heads = {{ value = 8 }}
head_dim = {{ value = 128 }}
hidden_dim = {{ value = 7168 }}
bytes_per_parameter = {{ value = 1, unit = "B" }}
peak_flops = {{ value = 1979e12, unit = "FLOP/s" }}
memory_bandwidth = {{ value = 4.8e12, unit = "B/s" }}
memory_capacity = {{ value = 141, unit = "GB" }}
link_bandwidth = {{ dist = "loguniform", lower = 25, upper = 900, unit = "GB/s" }}
matrix_utilization = {{ value = 0.58 }}
layer_latency = {{ value = 60e-6, unit = "s" }}
allreduce_latency = {{ value = 25e-6, unit = "s" }}
input_to_output_ratio = {{ dist = "uniform", lower = 0.2, upper = 20 }}
output_tokens = {{ dist = "lognormal", p5 = 100, p95 = 2000, unit = "token" }}
questions_per_day = {{ value = 1e7, unit = "1/day" }}
peak_to_average = {{ value = 1.8 }}
capacity_margin = {{ value = 1 }}
spare_share = {{ value = 0 }}
time_to_first_token_target = {{ value = 2, unit = "s" }}
time_per_output_token_target = {{ dist = "uniform", lower = 10, upper = 60, unit = "ms/token" }}
"""
LISTED = ("TP8", "TP8 apart", "DP8", "TP16", "TP8 PP2", "TP4 DP4")
STATED = ("replica_accelerators", "tensor_parallelism", "pipeline_stages", "prompts_apart")
FEW = 512  # scenarios


def priors_with(words, *overrides, beside=""):
    listed = f"layouts = {list(words)}\n".replace("'", '"') if words else ""
    return load_priors(MODEL.format(listed + beside), overrides)


def drawn(priors, *names):
    values = draws(priors, scenarios=FEW, quantities=names)
    return [values.at("value", quantity=name) for name in names]


def by_hand(word):
    """The fleet of every scenario in one layout, as priors of its own state it."""
    _, *sizes, apart = Layout.read(word)
    stated = zip(STATED, [*sizes, apart or 0], strict=True)
    (fleet,) = drawn(priors_with((), *(f"{name}={value}" for name, value in stated)), "accelerators")
    return fleet


@pytest.fixture(scope="module")
def fleets():
    """By layout, a row each."""
    return np.array([by_hand(word) for word in LISTED])


def test_each_scenario_takes_the_cheapest_of_the_list(fleets):
    fleet, taken = drawn(priors_with(LISTED), "accelerators", "layout")
    possible = np.isfinite(fleets).any(axis=0)
    assert 0 < possible.sum() < FEW
    cheapest = np.argmin(np.nan_to_num(fleets, nan=np.inf), axis=0) + 1
    np.testing.assert_array_equal(taken, np.where(possible, cheapest, np.nan))
    np.testing.assert_array_equal(fleet[possible], np.nanmin(fleets[:, possible], axis=0))
    assert np.isnan(fleet[~possible]).all()
    assert len(np.unique(taken[possible])) >= 4


def test_the_parts_of_a_layout_are_those_of_its_word():
    taken, *parts = drawn(priors_with(LISTED), "layout", *STATED)
    layouts = [Layout.read(word) for word in LISTED]
    for place, layout in enumerate(layouts, 1):
        at = taken == place
        for values, value in zip(parts, layout[1:], strict=True):
            assert (np.broadcast_to(values, FEW)[at] == (value or 0)).all()
    assert np.isnan(parts[0][np.isnan(taken)]).all()


def test_a_run_tells_how_often_each_is_taken():
    words = "TP8 apart", "DP8", "TP1"
    result = run(priors_with(words), scenarios=FEW, quantities=["accelerators"])
    (taken,) = drawn(priors_with(words), "layout")
    taken = taken[np.isfinite(taken)]
    assert 100 < len(taken) < FEW
    assert result.labels("layout") == list(words)
    shares = [(taken == place).mean() for place in (1, 2, 3)]
    np.testing.assert_allclose(result["layout_share"], shares, rtol=1e-12)
    (line,) = [str(each) for part in sections(result) for each in part.remarks if "Of the layouts" in str(each)]
    assert re.fullmatch(r"Of the layouts, scenarios take TP8 apart in \d\d(\.\d)? %, DP8 in \d\d?(\.\d)? %\.", line)


def test_a_run_that_needs_no_layout_tells_of_none():
    assert not run(priors_with(LISTED), scenarios=64, quantities=["questions_per_day"]).labels("layout")


def test_of_equal_ones_the_first_is_taken(fleets):
    fleet, taken = drawn(priors_with(("TP8 shared", "TP8", "DP1 TP8")), "accelerators", "layout")
    np.testing.assert_array_equal(fleet, fleets[0])
    assert set(taken[np.isfinite(taken)]) == {1}
    assert list(priors_with(("TP8", "tp8", "TP16")).shares.values()) == ["TP8", "TP16"]


def test_a_layout_that_is_never_best_costs_no_bit():
    alone, beside = (
        drawn(priors_with(words), "accelerators", "layout") for words in (LISTED[:3], (*LISTED[:3], "TP2", "TP1"))
    )
    np.testing.assert_array_equal(alone, beside)


def test_sizes_in_a_list_are_what_the_model_takes_by_itself():
    listed = drawn(priors_with(("TP1", "TP2", "TP4", "TP8")), "accelerators", "replica_accelerators")
    np.testing.assert_array_equal(listed, drawn(priors_with(()), "accelerators", "replica_accelerators"))
    assert not priors_with(()).shares


def test_where_none_is_feasible_nothing_is_a_number():
    with pytest.raises(ValueError, match="accelerators: nan or infinite in all 64 scenarios"):
        run(priors_with(("TP1", "TP2")), scenarios=64, quantities=["accelerators"])


def test_a_list_stands_alone_and_nearer_ones_go_before_it():
    text = '[choices.a]\nlayouts = ["DP8", "TP16"]\n[choices.b]\n[choices.c.priors.pipeline_stages]\nvalue = 2\n'
    priors = priors_with(LISTED, beside=text)
    assert list(choice(priors, "a").shares.values()) == ["DP8", "TP16"]
    assert "layout_tp8" not in choice(priors, "a").quantities
    assert list(choice(priors, "b").shares.values()) == list(LISTED)
    assert "pipeline_stages" in choice(priors, "c").priors
    assert list(priors_with(LISTED, 'layouts=["TP8"]', beside=text).shares.values()) == ["TP8"]


@pytest.mark.parametrize(
    ("word", "layout"),
    [
        ("TP8", ("TP8", 8, 8, 1, None)),
        ("pp2 tp4", ("PP2 TP4", 8, 4, 2, None)),
        ("DP8", ("DP8", 8, 1, 1, None)),
        ("TP2 DP4 PP3 apart", ("TP2 DP4 PP3 apart", 24, 2, 3, 1)),
        ("TP1 Shared", ("TP1 shared", 1, 1, 1, 0)),
    ],
)
def test_a_word_is_read(word, layout):
    assert Layout.read(word) == layout


@pytest.mark.parametrize("word", ["", "TP", "TP0", "TP8x", "TP8 TP4", "apart", "TP8 apart shared", "EP8", "8"])
def test_what_is_no_layout_is_refused(word):
    with pytest.raises(PriorsError, match=re.escape(f'1: layouts: "{word}" is no layout; write for instance "TP8", ')):
        load_priors(f'layouts = ["{word}"]\n[priors.pue]\nvalue = 1.1\n')


def test_a_list_has_an_end():
    words = [f'"TP{size}"' for size in range(1, 34)]
    with pytest.raises(PriorsError, match="layouts: has 33 layouts, and may have 32; take some out"):
        load_priors(f"layouts = [{', '.join(words)}]\n[priors.pue]\nvalue = 1.1\n")


def test_the_usual_ones_lie_on_a_server():
    assert list(priors_with(("usual", "TP16")).shares.values()) == [*USUAL, "TP16"]
    assert max(Layout.read(word).replica_accelerators for word in USUAL) == 8
