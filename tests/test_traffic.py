from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from simulate import run
from simulate.errors import SimulateError
from simulate.graph import Quantity, plan
from simulate.model import quantities
from simulate.model.mixing import with_kinds
from simulate.priors import load_priors

LLM_COST = quantities("llm_cost")
REPLICA = {
    "parameters_active": 70.55e9,
    "layers": 80.0,
    "heads": 64.0,
    "kv_heads": 8.0,
    "head_dim": 128.0,
    "bytes_per_parameter": 1.0,
    "replica_accelerators": 4.0,
    "peak_flops": 1979e12,
    "memory_bandwidth": 4.8e12,
    "memory_capacity": 1e13,
    "link_bandwidth": 450e9,
    "matrix_utilization": 0.58,
    "layer_latency": 93e-6,
    "allreduce_latency": 41e-6,
    "batch_size": 48.0,
}
# Short chats, long reasoning, agents that read much: lengths of questions and answers go together and do not.
LENGTHS = {
    "chat": (0.8, {"output_tokens": 250.0, "output_tokens_variation": 0.8, "input_tokens": 900.0}),
    "reasoning": (0.15, {"output_tokens": 3_000.0, "input_tokens": 1_500.0, "input_tokens_variation": 1.0}),
    "agent": (0.05, {"output_tokens": 400.0, "input_tokens": 30_000.0, "prompt_cache_hit_rate": 0.8}),
}
KINDS = {kind: frozenset({"share", *stated}) for kind, (_, stated) in LENGTHS.items()}
MIX = with_kinds(LLM_COST, KINDS)
GIVEN = {
    **REPLICA,
    **{f"{kind}_share": share * 7 for kind, (share, _) in LENGTHS.items()},
    **{f"{kind}_{name}": value for kind, (_, stated) in LENGTHS.items() for name, value in stated.items()},
}


def computed(of: Any, given: dict[str, Any], *names: str) -> Any:
    outputs = plan(of, given, names)(given)
    return outputs[names[0]] if len(names) == 1 else tuple(outputs[name] for name in names)


# The mix against its kinds, one by one


@pytest.mark.parametrize("apart", [0.0, 1.0])
@pytest.mark.parametrize(
    "name", ["prompts_per_step", "prompt_tokens_per_step", "cache_seconds", "attention_seconds", "link_seconds"]
)
def test_what_grows_with_the_tokens_is_that_of_each_kind_alone(name: str, apart: float) -> None:
    """At one batch: of the sequences under way a kind has as many as it has questions and they have tokens."""
    output = computed(MIX, GIVEN, "output_tokens")
    alone = [
        share
        * stated["output_tokens"]
        / output
        * computed(LLM_COST, {**REPLICA, **stated, "prompts_apart": apart}, name)
        for share, stated in LENGTHS.values()
    ]
    assert computed(MIX, {**GIVEN, "prompts_apart": apart}, name) == pytest.approx(sum(alone), rel=1e-12)


def test_lengths_are_those_of_questions_drawn_from_the_kinds() -> None:
    rng = np.random.default_rng(22)
    kinds = rng.choice(3, size=400_000, p=[share for share, _ in LENGTHS.values()])

    def drawn(name: str) -> np.ndarray:
        means = np.array([stated[name] for _, stated in LENGTHS.values()])
        variations = np.array([stated.get(f"{name}_variation", 0.0) for _, stated in LENGTHS.values()])
        lengths = means[kinds]
        for kind in np.flatnonzero(variations):
            squared = variations[kind] ** 2
            lengths[kinds == kind] *= rng.gamma(1 / squared, squared, (kinds == kind).sum())
        return lengths

    for name in ("output_tokens", "input_tokens"):
        lengths = drawn(name)
        mean, variation = computed(MIX, GIVEN, name, f"{name}_variation")
        assert abs(lengths.mean() - mean) < 4 * lengths.std() / np.sqrt(len(lengths))
        squares = lengths**2
        assert abs(squares.mean() - mean**2 * (1 + variation**2)) < 4 * squares.std() / np.sqrt(len(lengths))


def test_the_hit_rate_is_of_the_tokens_and_the_context_of_those_that_are_written() -> None:
    hits, context = computed(MIX, GIVEN, "prompt_cache_hit_rate", "context_tokens")
    assert hits == pytest.approx(0.05 * 30_000 * 0.8 / (0.8 * 900 + 0.15 * 1_500 + 0.05 * 30_000))
    held = 0.8 * 250 * (900 + 125 * 1.64) + 0.15 * 3_000 * (1_500 + 1_500) + 0.05 * 400 * (30_000 + 200)
    assert context == pytest.approx(held / (0.8 * 250 + 0.15 * 3_000 + 0.05 * 400))


def test_variations_are_between_kinds_and_within_them() -> None:
    output, variation = computed(MIX, GIVEN, "output_tokens", "output_tokens_variation")
    squared = 0.8 * 250**2 * (1 + 0.8**2) + 0.15 * 3_000**2 + 0.05 * 400**2
    assert output**2 * (1 + variation**2) == pytest.approx(squared)


# What is told of a kind


def test_parts_of_the_time_are_those_of_the_step() -> None:
    names = ("attention_share_of_time", "attention_seconds", "cache_share_of_time", "cache_seconds", "step_seconds")
    attention, attention_seconds, cache, cache_seconds, step = computed(MIX, GIVEN, *names)
    assert attention * step == pytest.approx(attention_seconds)
    assert cache * step == pytest.approx(cache_seconds)


ECONOMY = {"cost_per_question": 0.01, "questions_per_day": 1e6}


def test_shares_of_a_kind_add_up_and_its_cost_follows_its_time() -> None:
    given = {**GIVEN, **ECONOMY, "time_to_first_token_target": 1e3}
    for share in ("share_of_questions", "share_of_tokens", "share_of_time"):
        assert sum(computed(MIX, given, *(f"{kind}_{share}" for kind in KINDS))) == pytest.approx(1, rel=1e-12)
    costs = computed(MIX, given, *(f"{kind}_cost_per_question" for kind in KINDS))
    assert costs[0] < costs[1]
    mean = sum(cost * share for cost, (share, _) in zip(costs, LENGTHS.values(), strict=True))
    assert mean == pytest.approx(0.01, rel=1e-12)


def test_time_goes_by_what_each_kind_reads_rereads_and_writes() -> None:
    """Two kinds that differ in one thing alone: what only one part of the time is for."""
    parts = {"input_share_of_time": 0.5, "attention_share_of_time": 0.1, "cache_share_of_time": 0.2}
    mix = with_kinds(LLM_COST, {"a": frozenset({"share"}), "b": frozenset({"share"})})

    def share(**of_b: float) -> float:
        alike = {"share": 1.0, "output_tokens": 100.0, "input_tokens": 1_000.0}
        given = {f"a_{name}": value for name, value in alike.items()}
        given |= {f"b_{name}": value for name, value in {**alike, **of_b}.items()}
        return float(computed(mix, {**parts, **given}, "b_share_of_time"))

    assert share() == pytest.approx(0.5)
    assert share(prompt_cache_hit_rate=1.0) == pytest.approx(0.5 - 0.25)  # reads nothing
    assert share(attended_tokens=1_000.0) == pytest.approx(0.5 + 0.1 * (2 / 3 - 1 / 2))
    assert share(context_tokens=2_100.0) == pytest.approx(0.5 + 0.2 * (2 / 3 - 1 / 2))
    more = {"output_tokens": 300.0, "context_tokens": 1_050.0}
    assert share(**more) == pytest.approx(0.5 * 0.5 + 0.5 * 0.75)


def test_a_kind_may_have_what_others_leave_or_all_are_counted() -> None:
    two = with_kinds(LLM_COST, {"a": frozenset(), "b": frozenset({"share"})})
    assert computed(two, {"b_share": 0.3}, "a_share_of_questions", "b_share_of_questions") == (0.7, 0.3)
    counted = with_kinds(LLM_COST, {kind: frozenset({"questions_per_day"}) for kind in "ab"})
    given = {"a_questions_per_day": 3e6, "b_questions_per_day": 1e6}
    assert computed(counted, given, "questions_per_day", "b_share_of_questions") == (4e6, 0.25)
    with pytest.raises(SimulateError, match="no prior for a_share, b_share"):
        computed(with_kinds(LLM_COST, {"a": frozenset(), "b": frozenset()}), {}, "a_share_of_questions")
    assert computed(two, {"b_share": 0.25, "questions_per_day": 4e6}, "b_questions_per_day") == 1e6


def test_sessions_of_a_kind_are_its_own_and_what_it_does_not_state_of_them_is_that_of_all() -> None:
    mix = with_kinds(
        LLM_COST, {"chat": frozenset({"share", "turns_per_session"}), "batch": frozenset({"input_tokens"})}
    )
    given = {
        "chat_share": 0.5,
        "chat_output_tokens": 300.0,
        "chat_turns_per_session": 4.0,
        "batch_output_tokens": 300.0,
        "batch_input_tokens": 500.0,
        "turn_input_tokens": 120.0,
        "think_seconds": 240.0,
        "cache_retention_seconds": 300.0,
    }
    alone = {name.removeprefix("chat_"): value for name, value in given.items() if not name.startswith("batch")}
    for name in ("input_tokens", "prompt_cache_hit_rate", "attended_tokens", "held_token_seconds"):
        assert computed(mix, given, f"chat_{name}") == computed(LLM_COST, alone, name)
    assert computed(mix, given, "batch_prompt_cache_hit_rate", "batch_held_token_seconds") == (0, 0)
    assert computed(mix, given, "held_token_seconds") == computed(LLM_COST, alone, "held_token_seconds") / 2


def test_a_mix_goes_to_other_processes() -> None:
    planned = plan(MIX, GIVEN, ["step_seconds", "agent_share_of_questions"])
    assert pickle.loads(pickle.dumps(planned))(GIVEN) == planned(GIVEN)


def test_every_quantity_of_a_kind_says_of_which_it_is() -> None:
    told: list[Quantity] = [each for name, each in MIX.items() if name.startswith("agent_")]
    assert len({each.label for each in MIX.values()}) == len(MIX)
    assert {each.label.rpartition(", ")[2] for each in told} == {"agent"}


# In a priors file

FILE = """
extends = "base"
[traffic.chat]
output_tokens = 250
input_tokens = { dist = "lognormal", p5 = 600, p95 = 1_400 }
[traffic.agent]
share = 0.1
output_tokens = { formula = "chat_output_tokens * 2" }
input_tokens = 30_000
prompt_cache_hit_rate = { value = 80, unit = "%" }
"""
TOLD = ["output_tokens", "agent_share_of_questions", "prompt_cache_hit_rate"]


def means(source: Any, *overrides: str, quantities: list[str] = TOLD) -> list[float]:
    result = run(load_priors(source, overrides), quantities=quantities, scenarios=64)
    return [float(value) for value in result["mean"]]


def test_kinds_are_stated_in_a_file_by_settings_and_in_mappings(load: Any) -> None:
    assert means(FILE)[:2] == pytest.approx([275, 0.1])
    for setting in ("traffic.agent.share=30%", "agent_share=0.3", "traffic.agent={share=0.3}"):
        assert means(FILE, setting)[:2] == pytest.approx([325, 0.3])
    tables = {"traffic": {"a": {"share": 1, "output_tokens": 10}, "b": {"share": 3, "output_tokens": {"value": 20}}}}
    assert means(tables, quantities=["output_tokens"]) == [17.5]
    extended = load(FILE, name="above")
    further = (
        f"extends = '{extended.path}'\n[traffic.agent]\nshare = 0.2\n[traffic.batch]\nshare = 0.3\noutput_tokens = 10\n"
    )
    assert means(further, quantities=["output_tokens"]) == pytest.approx([0.5 * 250 + 0.2 * 500 + 0.3 * 10])
    choice = load_priors(f"{FILE}[choices.busy.traffic.agent]\nshare = 0.4\n").cases["busy"]
    assert choice.priors["agent_share"].band()[1] == 0.4
    assert choice.priors["agent_share"].line == 12


def test_what_kinds_give_goes_before_what_is_extended_and_after_what_is_nearer() -> None:
    assert "output_tokens" in load_priors("base").priors
    assert "output_tokens" not in load_priors(FILE).priors
    assert means(FILE, "output_tokens=99")[0] == 99


def test_kinds_are_told_beside_the_headline() -> None:
    assert {"agent_share_of_time", "chat_cost_per_question", "agent_share_of_tokens"} <= set(load_priors(FILE).headline)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[traffic.chat]\nshare = -1\n",
            "2: traffic.chat.share: chat_share cannot be below 0; mend the value or its unit",
        ),
        (
            '[traffic.chat]\noutput_tokens = 3\ninput_tokens = { value = 3, unit = "USD" }\n',
            "3: traffic.chat.input_tokens.unit: USD does not convert to token",
        ),
        (
            "[traffic.chat]\noutput_tokns = 1\n",
            "2: traffic.chat.output_tokns: there is no such quantity, and nothing uses it; did you mean chat_output_t",
        ),
        (
            '[traffic.chat.output_tokens]\ndist = "lognormal"\np5 = 3\n',
            "1: traffic.chat.output_tokens: two percentiles determine it, 1 given; lognormal takes",
        ),
        ("[traffic]\nchat = 3\n", "2: traffic.chat: must be a table, not 3; write [traffic.chat]"),
        (
            '[traffic."a b"]\nshare = 1\n',
            '1: traffic."a b": a kind\'s name is letters, digits and _, from a letter on; write it so',
        ),
        (
            "[traffic.session]\ninput_tokens = 1\n",
            "1: traffic.session: there is a quantity session_input_tokens already; give the kind another name",
        ),
        (
            "[traffic.a]\nshare = 1\n[traffic.a_session]\nshare = 1\n",
            "3: traffic.a_session: there is a quantity a_session_input_tokens already; give the kind another name",
        ),
        (
            'model = "none"\n[traffic.chat]\nshare = 1\n',
            '2: traffic.chat: kinds of traffic belong to model = "llm_cost"; take out one of the two',
        ),
        (
            "[traffic.chat]\noutput_tokens = 3\n[priors.output_tokens]\nvalue = 3\n",
            "3: priors.output_tokens: the kinds of [traffic] give it; take one of the two out",
        ),
        (
            "[traffic.chat]\nshare = 3\n[priors.chat_share]\nvalue = 3\n",
            "3: priors.chat_share: [traffic.chat] states it too; keep one of the two",
        ),
    ],
)
def test_what_is_wrong_with_a_kind_is_told_where_it_stands(text: str, line: str, load: Any) -> None:
    with pytest.raises(SimulateError) as caught:
        load(text)
    told = str(caught.value).replace("\n", " ")
    assert told.partition("priors.toml:")[2].startswith(line)


def test_shares_beyond_the_whole_are_told(command: Any, tmp_path: Any) -> None:
    (tmp_path / "mix.toml").write_text(FILE, encoding="utf-8")
    code, _, messages = command("run", tmp_path / "mix.toml", "--set", "traffic.agent.share=1.5", "--scenarios", "64")
    assert code == 2
    assert "chat_share_of_questions" in messages


def test_the_list_of_quantities_has_those_of_kinds_by_themselves(command: Any, tmp_path: Any) -> None:
    (tmp_path / "mix.toml").write_text(FILE, encoding="utf-8")
    _, listed, _ = command("explain", tmp_path / "mix.toml")
    _, _, kinds = listed.partition("\nKinds of traffic:\n")
    assert "\n  agent_share_of_time" in kinds.partition("\n\n")[0]
