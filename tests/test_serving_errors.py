"""Serving that cannot be: each is told in one line; what fits in some scenarios only is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulate.engine import RunError, run
from simulate.graph import plan
from simulate.priors import PriorsError, load_priors

DEEPSEEK = Path(__file__).parents[1] / "priors" / "deepseek-2025-serving.toml"
COUNT = 1 << 12


def served(*overrides, quantities=None):
    return run(load_priors(DEEPSEEK, overrides), scenarios=COUNT, quantities=quantities)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (
            "batch_size=0",
            (
                "--set 'batch_size=0': priors.batch_size.value: batch_size cannot be below 1; "
                "mend the value or its unit"
            ),
        ),
        (
            "prompt_cache_hit_rate=1.2",
            (
                "--set 'prompt_cache_hit_rate=1.2': priors.prompt_cache_hit_rate.value: prompt_cache_hit_rate "
                "cannot be above 1; mend the value or its unit"
            ),
        ),
        (
            "prompt_cache_hit_rate={dist='normal',mean=0.9,sd=0.1}",
            (
                "--set 'prompt_cache_hit_rate={dist='normal',mean=0.9,sd=0.1}': priors.prompt_cache_hit_rate: "
                "prompt_cache_hit_rate above 1 has probability 0.16, but cannot be there; truncate it with upper = 1"
            ),
        ),
        (
            "mfu_end_to_end=37",
            (
                "--set 'mfu_end_to_end=37': priors.mfu_end_to_end.value: mfu_end_to_end cannot be above 1; "
                "mend the value or its unit"
            ),
        ),
    ],
)
def test_what_cannot_be_is_refused(override, line):
    with pytest.raises(PriorsError) as caught:
        load_priors(DEEPSEEK, [override])
    assert str(caught.value) == line


def test_an_accelerator_that_is_not_in_the_catalog_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('accelerator = "H800 SXM6"\n[priors.pue]\nvalue = 1.1\n')
    with pytest.raises(PriorsError) as caught:
        load_priors(path)
    assert str(caught.value) == (
        f'{path}:1: accelerator: there is no accelerator "H800 SXM6" in the catalog; '
        "did you mean H800 or H200 or H100 SXM5?"
    )


def test_a_replica_that_holds_no_sequence_is_refused():
    with pytest.raises(RunError) as caught:
        served("replica_accelerators=8", "batch_size=8000", quantities=["output_speed", "prefill_seconds"])
    assert str(caught.value) == (
        f"output_speed: nan or infinite in all {COUNT:,} scenarios; first in batch_size_in_memory (the one "
        "asked for, or what fits; nan where weights leave room for no sequence) at batch_size = 8000, "
        "batch_limit = -271; change what that needs, or ask for other quantities"
    )


def test_asked_for_everything_it_is_told_and_the_rest_is_given():
    dataset = served("replica_accelerators=8", quantities="all")
    (message,) = json.loads(dataset.attrs["nonfinite"])
    assert f"nan or infinite in all {COUNT:,} scenarios" in message
    assert float(dataset["weight_bytes_mean"]) == 671e9


def test_scenarios_in_which_nothing_fits_are_counted():
    """Beside 671 GB of weights there is room for a sequence from ten accelerators of 72 usable GB on."""
    fifth = 'replica_accelerators={dist="choice",values=[8,144],weights=[1,4]}'
    dataset = served(fifth, quantities=["output_speed"])
    count = int(dataset["output_speed_nonfinite"])
    assert count == pytest.approx(COUNT / 5, abs=16)  # a net of 16 replicates misses each by less than one
    (message,) = json.loads(dataset.attrs["nonfinite"])
    assert message.startswith(
        f"output_speed: nan or infinite in {count} of {COUNT:,} scenarios, left out of its bands; "
        "first in batch_size_in_memory (the one asked for, or what fits; nan where weights leave room for no "
        "sequence) at batch_size = "
    )


def test_a_batch_that_memory_cuts_is_reported_though_nobody_asked():
    dataset = served("batch_size={dist='choice',values=[100,1e6],weights=[3,1]}", quantities=["output_speed"])
    assert json.loads(dataset.attrs["nonfinite"]) == []
    (message,) = json.loads(dataset.attrs["checks"])
    assert message == (
        "batch_feasible: 0 in 25 % of the scenarios (1 where memory holds the batch asked for, else 0, and the "
        "largest that it holds is used)"
    )
    assert "batch_feasible" not in dataset


def test_checks_leave_results_as_they_are():
    priors = load_priors(DEEPSEEK)
    alone = run(priors, scenarios=COUNT, quantities=["output_speed"])
    beside = run(priors, scenarios=COUNT, quantities=["output_speed", "batch_feasible"])
    assert (alone["output_speed"].values == beside["output_speed"].values).all()
    assert alone.attrs["checks"] == beside.attrs["checks"]


def test_a_check_is_made_only_where_its_needs_are_computed():
    priors = load_priors(DEEPSEEK)
    assert "batch_limit" not in {
        step for step, _, _ in plan(priors.quantities, priors.priors, ["prefill_seconds"]).steps
    }
    assert json.loads(run(priors, scenarios=COUNT, quantities=["prefill_seconds"]).attrs["checks"]) == []
