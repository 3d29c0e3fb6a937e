from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulate import load_priors, run
from simulate.graph import plan
from simulate.model import quantities
from simulate.special import ndtri

LLM_COST = quantities("llm_cost")
SESSIONS = 20_000
FALSE_ALARM = 1e-3  # of all comparisons below together

SESSION = {
    "turns_per_session": 4.0,
    "turn_input_tokens": 120.0,
    "turn_input_variation": 1.1,
    "shared_prefix_tokens": 900.0,
    "output_tokens": 300.0,
    "output_tokens_variation": 0.8,
    "think_seconds": 240.0,
    "cache_retention_seconds": 300.0,
}


def computed(given: dict[str, float], *names: str) -> Any:
    outputs = plan(LLM_COST, given, names)(given)
    return outputs[names[0]] if len(names) == 1 else tuple(outputs[name] for name in names)


# Against sessions drawn one by one

Turns = Callable[[np.random.Generator, int], np.ndarray]
TURNS: dict[str, tuple[Turns, dict[str, float]]] = {
    "ends with one probability": (lambda rng, size: rng.geometric(1 / 4, size), {}),
    "all alike": (lambda _, size: np.full(size, 4), {"turns_variation": 0.0}),
    "binomial": (lambda rng, size: 1 + rng.binomial(6, 0.5, size), {"turns_variation": np.sqrt(1.5) / 4}),
    "Poisson": (lambda rng, size: 1 + rng.poisson(3, size), {"turns_variation": np.sqrt(3) / 4}),
    "few long ones": (
        lambda rng, size: 1 + rng.negative_binomial(0.5, 0.5 / 3.5, size),
        {"turns_variation": np.sqrt(3 + 9 / 0.5) / 4},
    ),
}
CASES = [
    ("ends with one probability", {}),
    ("ends with one probability", {"kept_answer_share": 0.4}),
    ("ends with one probability", {"cache_retention_seconds": 0.0}),
    ("all alike", {"cache_retention_seconds": 1e9}),
    ("binomial", {"kept_answer_share": 0.7}),
    ("Poisson", {"shared_prefix_tokens": 0.0}),
    ("few long ones", {"turn_input_variation": 0.0}),
]
TOLD = 5  # comparisons of a case
STANDARD_ERRORS = -float(ndtri(FALSE_ALARM / (2 * TOLD * len(CASES))))


def lengths(rng: np.random.Generator, mean: float, variation: float, shape: tuple[int, int]) -> np.ndarray:
    return rng.gamma(1 / variation**2, mean * variation**2, shape) if variation else np.full(shape, mean)


def drawn(turns: np.ndarray, given: dict[str, float], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Sums over the requests of each session: how many, what they read, find at hand, attend to, hold."""
    shape = (len(turns), int(turns.max()))
    there = np.arange(shape[1]) < turns[:, None]
    new = lengths(rng, given["turn_input_tokens"], given["turn_input_variation"], shape)
    answers = lengths(rng, given["output_tokens"], given["output_tokens_variation"], shape)
    share, retention = given.get("kept_answer_share", 1.0), given["cache_retention_seconds"]
    kept = np.cumsum(new + share * answers, axis=1)
    history = np.concatenate([np.zeros((len(turns), 1)), kept[:, :-1]], axis=1)
    read = given["shared_prefix_tokens"] + history + new
    think = rng.exponential(given["think_seconds"], shape)  # after each answer
    found = np.concatenate([np.zeros((len(turns), 1), bool), think[:, :-1] < retention], axis=1)
    previous = np.concatenate([np.zeros((len(turns), 1)), share * answers[:, :-1]], axis=1)
    fit = history - (previous if share < 1 else 0)
    cached = (retention > 0) * given["shared_prefix_tokens"] + found * fit
    last = np.arange(shape[1]) == turns[:, None] - 1
    held = np.where(last, retention, np.minimum(think, retention)) * (history + new + answers)
    sums = {"requests": 1.0, "read": read, "squared": read**2, "cached": cached, "held": held}
    sums |= {"pairs": (read**2 - cached**2) / 2, "uncached": read - cached}
    return {name: (there * each).sum(axis=1) for name, each in sums.items()}


def assert_ratio(sums: dict[str, np.ndarray], above: str, below: str, expected: float) -> None:
    """The ratio of two sums over sessions is what is expected, within its standard error by the delta method."""
    ratio = sums[above].sum() / sums[below].sum()
    error = np.std(sums[above] - ratio * sums[below]) / np.sqrt(SESSIONS) / np.mean(sums[below])
    assert abs(ratio - expected) <= STANDARD_ERRORS * error + 1e-9 * abs(expected), (above, ratio, expected, error)


@pytest.mark.parametrize(("turns", "changes"), CASES)
def test_sessions_drawn_one_by_one_are_what_the_closed_form_says(turns: str, changes: dict[str, float]) -> None:
    draw, variation = TURNS[turns]
    given = {**SESSION, **variation, **changes}
    rng = np.random.default_rng([len(turns), len(changes)])
    sums = drawn(draw(rng, SESSIONS), given, rng)
    read, variation_of_input = computed(given, "session_input_tokens", "input_tokens_variation")
    assert_ratio(sums, "read", "requests", read)
    assert computed(given, "input_tokens") == pytest.approx(read, rel=1e-15)
    assert_ratio(sums, "squared", "requests", read**2 * (1 + variation_of_input**2))
    assert_ratio(sums, "cached", "read", computed(given, "prompt_cache_hit_rate"))
    assert_ratio(sums, "pairs", "uncached", computed(given, "attended_tokens"))
    assert_ratio(sums, "held", "requests", computed(given, "held_token_seconds"))


def test_the_variation_of_the_turns_is_that_of_sessions_which_end_with_one_probability() -> None:
    assert computed(SESSION, "turns_variation") ** 2 == pytest.approx(1 - 1 / 4)
    assert computed(SESSION, "earlier_turns") == pytest.approx(3)  # as many as follow
    assert computed({**SESSION, "turns_variation": 0.0}, "earlier_turns") == 1.5


# Limits


@pytest.mark.parametrize("variation", [{}, {"turns_variation": 0.9}])
def test_one_turn_a_session_reads_no_history(variation: dict[str, float]) -> None:
    given = {**SESSION, **variation, "turns_per_session": 1.0, "turn_input_variation": 0.0}
    names = ("input_tokens", "input_tokens_variation", "prompt_cache_hit_rate", "attention_of_hits")
    read, varies, hits, attention = computed(given, *names)
    assert (read, varies) == (pytest.approx(1_020), 0)
    assert hits == pytest.approx(900 / 1_020)
    assert attention == pytest.approx(1)  # all prompts are alike
    assert computed({**given, "shared_prefix_tokens": 0.0}, "prompt_cache_hit_rate") == 0


def test_without_retention_nothing_is_at_hand_and_with_it_for_ever_all_but_what_is_new() -> None:
    names = ("prompt_cache_hit_rate", "cache_survival", "held_token_seconds")
    assert computed({**SESSION, "cache_retention_seconds": 0.0}, *names) == (0, 0, 0)
    assert computed({**SESSION, "cache_retention_seconds": 0.0}, "attention_of_hits") == 1
    hits, survival, held = computed({**SESSION, "cache_retention_seconds": np.inf}, *names)
    assert hits == pytest.approx(1 - 120 / computed(SESSION, "input_tokens"))
    assert (survival, held) == (1, np.inf)


def test_where_all_that_is_read_is_at_hand_attention_is_a_number() -> None:
    assert computed({**SESSION, "turns_per_session": 1.0, "turn_input_tokens": 0.0}, "attention_of_hits") == 1


def test_memory_for_prefixes_is_what_running_sequences_leave() -> None:
    given = {"replica_accelerators": 8.0, "cache_memory": 50e9, "cache_copies": 2.0, "kv_bytes_per_token": 1e5}
    given |= {"batch_at_peak": 20.0, "reserved_tokens": 5_000.0, "arrivals_per_replica": 3.0}
    assert computed(given, "prefix_memory") == pytest.approx(8 * 50e9 / 2 - 20 * 5_000 * 1e5)
    assert computed({**given, "batch_at_peak": 1e4}, "prefix_memory") == 0
    seconds = 190e9 / 1e5 / 3.0
    assert computed({**given, "held_token_seconds": 0.999 * seconds}, "held_prefixes_fit") == 1
    assert computed({**given, "held_token_seconds": 1.001 * seconds}, "held_prefixes_fit") == 0


# In a priors file

FILE = """
[priors]
turns_per_session = { value = 4 }
turn_input_tokens = { value = 120 }
think_seconds = { value = 4, unit = "min" }
cache_retention_seconds = { value = 5, unit = "min" }
"""


def test_a_file_that_states_turns_need_not_state_what_follows_from_them() -> None:
    result = run(load_priors(f"[priors.output_tokens]\nvalue = 300\n{FILE}"), quantities="input_tokens", scenarios=16)
    assert result["mean"].item() == pytest.approx(120 + 3 * 420)


def test_a_stated_ratio_goes_before_sessions_and_a_formula_brings_them_back() -> None:
    stated = f"extends = 'accelerators'\n{FILE}"
    assert "input_to_output_ratio" in load_priors(stated).priors
    formula = "[quantities.input_to_output_ratio]\nformula = 'session_input_tokens / output_tokens'\n"
    priors = load_priors(stated + formula)
    assert "input_to_output_ratio" not in priors.priors
    given = {name: float(prior.distribution.quantile([0.5])[0]) for name, prior in priors.priors.items()}
    read, output = (plan(priors.quantities, given, [name])(given)[name] for name in ("input_tokens", "output_tokens"))
    assert read == pytest.approx(120 + 3 * (120 + output))


def test_what_is_held_is_told_where_memory_does_not_suffice(command: Any) -> None:
    settings = [f"--set={line.replace(' = ', '=', 1)}" for line in FILE.splitlines()[2:]]
    for memory, told in (("1", True), ("1e6", False)):
        given = [*settings, f"--set=prefix_memory={{value={memory},unit='GB'}}"]
        code, _, messages = command("run", "accelerators", "--scenarios=1024", *given)
        assert code == 0
        assert ("held_prefixes_fit: 0 in 100 % of the scenarios (1 where" in messages) is told
