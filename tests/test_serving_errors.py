"""Serving that cannot be: each is told in one line; what fits in some scenarios only is counted."""

from __future__ import annotations

import numpy as np
import pytest

from simulate.errors import SimulateError
from simulate.graph import plan
from simulate.priors import PriorsError, load_priors
from simulate.runs import run

DEEPSEEK = "deepseek-2025-serving"
COUNT = 1 << 12


def served(*overrides, quantities=None):
    return run(load_priors(DEEPSEEK, overrides), scenarios=COUNT, quantities=quantities)


def failed_checks(bands):
    return [message for message in bands.warnings if " of the scenarios (" in message]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (
            "batch_size=0",
            ("--set 'batch_size=0': priors.batch_size.value: batch_size cannot be below 1; mend the value or its unit"),
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
    with pytest.raises(SimulateError) as caught:
        served("replica_accelerators=8", "batch_size=8000", quantities=["output_speed", "prefill_seconds"])
    assert str(caught.value) == (
        f"output_speed: nan or infinite in all {COUNT:,} scenarios; first in batch_size_in_memory (the one "
        "asked for, or what fits; nan where weights leave room for no sequence) at batch_size = 8000, "
        "batch_limit = -601.4; change what that needs, or ask for other quantities"
    )


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (
            "tensor_parallelism=300",
            (
                "first in attention_groups (of a stage, each with sequences of its own; nan where a group is larger "
                "than the stage) at stage_accelerators = 144, tensor_parallelism = 300"
            ),
        ),
        (
            "pipeline_stages=200",
            (
                "first in stage_accelerators (that work on the same layers; nan where there are fewer accelerators "
                "than stages) at replica_accelerators = 144, pipeline_stages = 200"
            ),
        ),
    ],
)
def test_a_layout_without_the_accelerators_for_it_is_refused(override, line):
    with pytest.raises(SimulateError) as caught:
        served(override, quantities=["output_speed"])
    assert line in str(caught.value)


def test_asked_for_everything_it_is_told_and_the_rest_is_given():
    bands = served("replica_accelerators=8", quantities="all")
    (message,) = (each for each in bands.warnings if "nan or infinite" in each)
    assert f"nan or infinite in all {COUNT:,} scenarios" in message
    assert bands.at("mean", quantity="weight_bytes") == 671e9


def test_scenarios_in_which_nothing_fits_are_counted():
    """Beside 671 GB of weights there is room for a sequence from twelve accelerators on, of 72 usable GB and 17 GB of
    weights that each holds."""
    fifth = 'replica_accelerators={dist="choice",values=[8,144],weights=[1,4]}'
    bands = served(fifth, quantities=["output_speed"])
    count = int(bands.at("nonfinite", quantity="output_speed"))
    assert count == pytest.approx(COUNT / 5, abs=16)  # a net of 16 replicates misses each by less than one
    (message,) = (each for each in bands.warnings if "nan or infinite" in each)
    assert message.startswith(
        f"output_speed: nan or infinite in {count} of {COUNT:,} scenarios, left out of its bands; "
        "first in batch_size_in_memory (the one asked for, or what fits; nan where weights leave room for no "
        "sequence) at batch_size = "
    )


def test_a_batch_that_memory_cuts_is_reported_though_nobody_asked():
    bands = served("batch_size={dist='choice',values=[100,1e6],weights=[3,1]}", quantities=["output_speed"])
    (message,) = bands.warnings
    assert message == (
        "batch_feasible: 0 in 25 % of the scenarios (1 where memory holds the batch asked for, else 0, and the "
        "largest that it holds is used)"
    )
    assert "batch_feasible" not in bands.labels("quantity")


def test_checks_leave_results_as_they_are():
    priors = load_priors(DEEPSEEK)
    alone = run(priors, scenarios=COUNT, quantities=["output_speed"])
    beside = run(priors, scenarios=COUNT, quantities=["output_speed", "batch_feasible"])
    of = {"quantity": "output_speed"}
    assert np.array_equal(alone.at("percentiles", **of), beside.at("percentiles", **of))
    assert failed_checks(alone) == failed_checks(beside) != []


def test_a_check_is_made_only_where_its_needs_are_computed():
    priors = load_priors(DEEPSEEK)
    assert "batch_limit" not in {
        step for step, _, _ in plan(priors.quantities, priors.priors, ["prefill_seconds"]).steps
    }
    assert failed_checks(run(priors, scenarios=COUNT, quantities=["prefill_seconds"])) == []
