"""Scenarios: how many there are, that cases share their uniforms, and which quantities they are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from simulate.conditions import questions
from simulate.priors import load_priors
from simulate.sampling.sampler import CHUNK
from simulate.sampling.schemes import SCHEMES
from simulate.scenarios import TOGETHER, Drawing, asked_quantities, chunking, in_step
from simulate.summary import WEIGHT

TEXT = """
model = "none"
[run]
scenarios = 262144
[priors]
a = { dist = "normal", mean = 10, sd = 3 }
b = { dist = "normal", mean = 20, sd = 3 }
fixed = { value = 4 }
[quantities]
total = { formula = "a + b + fixed" }
"""


def drawn(priors, case="one", *, asked=None, **cases):
    return Drawing({"one": priors, **cases}, priors.run).scenarios(case, ["total"], **asked or {})


def column(scenarios, name, replicate=0):
    blocks = scenarios.blocks(scenarios.whole(replicate))
    return np.concatenate([np.broadcast_to(block.columns[name], block.size) for block in blocks])


@pytest.mark.parametrize(
    ("asked", "size", "chunks"),
    [
        (1, 1, 1),
        (16, 1, 1),
        (17, 2, 1),
        (5000, 512, 1),
        (16 * CHUNK, CHUNK, 1),
        (16 * CHUNK + 1, CHUNK, 2),
        (1_000_000, CHUNK, 4),
        (10**8, CHUNK, 382),
    ],
)
def test_scenarios_are_rounded_up_to_whole_chunks(asked, size, chunks):
    assert chunking(asked) == (size, chunks)
    assert asked <= 16 * size * chunks


@pytest.mark.parametrize("count", [16, 2**18, 16 * CHUNK * (TOGETHER + 1)])
def test_a_replicate_is_drawn_in_as_many_steps_as_stated(count):
    scenarios = drawn(load_priors(TEXT), asked={"count": count})
    seen = []
    blocks = list(scenarios.blocks(scenarios.whole(3), lambda steps: (seen.append(step) or step for step in steps)))
    assert len(seen) == scenarios.steps(scenarios.whole(3))
    assert [(block.at.replicate, chunk) for block in blocks for chunk in block.at.chunks] == [
        (3, chunk) for chunk in range(scenarios.chunks)
    ]
    assert {block.size for block in blocks[:-1] or blocks} == {scenarios.at_once}
    assert scenarios.count == 16 * sum(block.size for block in blocks)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_few_scenarios_are_the_same_as_drawn_replicate_by_replicate(scheme):
    priors = load_priors(TEXT)
    settings = priors.run.asked(scheme=scheme, scenarios=1000)
    scenarios = Drawing({"one": priors}, settings).scenarios("one", ["total"], questions(priors, given=["a > 10"]))
    for replicate in (0, 7, 15):
        (block,) = scenarios.blocks(scenarios.whole(replicate))
        words = scenarios.sampler.words(replicate)(0)
        inputs = scenarios.inputs(words)
        kept = inputs["a"] > 10
        assert (block.at, block.drawn, block.size) == (scenarios.whole(replicate), 64, np.count_nonzero(kept))
        assert np.array_equal(block.words, words)
        assert np.array_equal(block.columns["total"], scenarios.plan(inputs)["total"][kept])


def test_the_steps_of_very_many_chunks_take_no_memory():
    scenarios = drawn(load_priors(TEXT), asked={"count": 10**15})
    assert scenarios.steps(scenarios.whole(0)) == -(-(10**15) // (16 * CHUNK * TOGETHER))


def test_cases_side_by_side_have_blocks_of_the_same_chunks():
    """Also where one has so many inputs that alone it has fewer chunks in a block."""
    names = [f"x{number}" for number in range(80)]
    priors = "".join(f'{name} = {{ dist = "uniform", lower = 0, upper = 1 }}\n' for name in names)
    wide = TEXT.replace("[quantities]", f"{priors}[quantities]").replace("a + b", " + ".join(["a + b", *names]))
    cases = {"one": drawn(load_priors(TEXT)), "wide": drawn(load_priors(wide))}
    piece = cases["one"].whole(2)._replace(chunks=range(6))
    own, side_by_side = (
        {name: [block.at for block in each.blocks(piece)] for name, each in of.items()}
        for of in (cases, in_step(cases))
    )
    assert own["one"] != own["wide"] == side_by_side["one"] == side_by_side["wide"]


def test_chunks_of_very_many_inputs_are_drawn_one_by_one():
    """A chunk of 2^14 scenarios of 1,100 inputs takes 140 MiB."""
    names = [f"x{number}" for number in range(1100)]
    inputs = "".join(f'{name} = {{ dist = "uniform", lower = 0, upper = 1 }}\n' for name in names)
    sums = [
        f'[quantities.y{first}]\nformula = "{" + ".join(names[first : first + 100])}"' for first in range(0, 1100, 100)
    ]
    priors = load_priors("\n".join(['model = "none"', "[priors]", inputs, *sums]))
    asked = [f"y{first}" for first in range(0, 1100, 100)]
    many = Drawing({"": priors}, priors.run).scenarios("", asked, count=16 * CHUNK * 4)
    assert (many.chunks, many.steps(many.whole(0))) == (4, 4)
    few = Drawing({"": priors}, priors.run).scenarios("", asked[:1], count=16 * CHUNK * 4)
    assert few.steps(few.whole(0)) < 4


@pytest.mark.parametrize("scheme", SCHEMES)
def test_cases_share_the_uniforms_of_what_they_both_draw(scheme):
    one = load_priors(TEXT, [])
    settings = one.run.asked(scheme=scheme, scenarios=2**14)
    wider = load_priors(TEXT + 'more = { formula = "total + c" }\n[priors.c]\ndist = "uniform"\nlower = 0\nupper = 1\n',
                        ['b={dist="normal",mean=20,sd=6}'])  # fmt: skip
    drawing = Drawing({"one": one, "wider": wider}, settings)
    first, second = (drawing.scenarios(case, ["total"]) for case in ("one", "wider"))
    alone = Drawing({"one": one}, settings).scenarios("one", ["total"])
    assert np.array_equal(column(first, "a"), column(second, "a"))
    assert column(second, "b") - 20 == pytest.approx(2 * (column(first, "b") - 20), rel=1e-9, abs=1e-9)
    assert np.array_equal(column(first, "total"), column(alone, "total"))


LINKED = TEXT + "[correlations]\na.b = {gaussian_copula = 0.8}\n"


def test_cases_stay_paired_where_what_one_correlates_is_constant_in_another():
    linked, fixed, free = load_priors(LINKED), load_priors(TEXT, ["a=1"]), load_priors(TEXT)
    drawing = Drawing({"linked": linked, "fixed": fixed, "free": free}, free.run.asked(scenarios=2**14))
    in_linked, in_fixed, in_free = (column(drawing.scenarios(case, ["total"]), "b") for case in drawing.cases)
    assert np.array_equal(in_linked, in_fixed)
    alone = column(drawn(free), "b")[: len(in_free)]
    assert np.array_equal(in_free, alone)  # where both are drawn, what others correlate is independent
    assert not np.array_equal(in_linked, in_free)


def test_a_case_keeps_its_own_correlations_where_those_of_all_contradict_each_other():
    third = '[priors.c]\ndist = "normal"\nmean = 0\nsd = 1\n'
    text = TEXT.replace("a + b + fixed", "a + b + c + fixed") + third + "[correlations]\n"
    high = load_priors(text + "".join(f"{pair} = {{gaussian_copula = 0.9}}\n" for pair in ("a.b", "b.c", "a.c")))
    low = load_priors(text + "a.c = {gaussian_copula = -0.9}\n", ["b=1"])
    drawing = Drawing({"high": high, "low": low}, low.run.asked(scheme="random", scenarios=2**16))
    for case, value in (("high", 0.9), ("low", -0.9)):
        scenarios = drawing.scenarios(case, ["total"])
        found = np.corrcoef(column(scenarios, "a"), column(scenarios, "c"))[0, 1]
        assert abs(found - value) < 4 * (1 - value**2) / np.sqrt(2**12)  # its standard deviation


@pytest.mark.parametrize("scheme", SCHEMES)
def test_streams_and_replicates_differ(scheme):
    priors = load_priors(TEXT)
    drawing = Drawing({"one": priors}, priors.run.asked(scheme=scheme, scenarios=2**12))
    columns = [
        column(drawing.scenarios("one", ["total"], stream=stream), "a", replicate)
        for stream in (0, 1)
        for replicate in (0, 1)
    ]
    assert len({each.tobytes() for each in columns}) == 4
    assert np.array_equal(column(drawing.scenarios("one", ["total"]), "a"), columns[0])


def test_conditions_drop_scenarios_and_measured_values_weigh_them():
    priors = load_priors(TEXT)
    whole = column(drawn(priors), "total")
    kept = drawn(priors, asked={"questions": questions(priors, given=["total > 34"])})
    assert np.array_equal(column(kept, "total"), whole[whole > 34])
    assert {block.weights is None for block in kept.blocks(kept.whole(0))} == {True}
    assert {block.drawn for block in kept.blocks(kept.whole(0))} == {CHUNK}
    weighed = drawn(priors, asked={"questions": questions(priors, observed=["total = 34 +- 2"])})
    block = next(weighed.blocks(weighed.whole(0)))
    likelihood = np.exp(-0.5 * ((block.columns["total"] - 34) / 2) ** 2)
    assert block.weights == pytest.approx(likelihood * WEIGHT, abs=0.5)


def test_all_quantities_are_those_that_can_be_computed():
    base = load_priors("base")
    names = asked_quantities(base, "all")
    assert {"capex", "racks", "visitors_per_day"} <= set(names)
    assert set(names) <= set(base.quantities)


def test_a_quantity_named_twice_is_asked_for_once():
    assert asked_quantities(load_priors(TEXT), ["total", "a", "total"]) == ("total", "a")


def test_constants_stay_single_numbers():
    scenarios = drawn(load_priors(TEXT, ["a=1", "b=2"]))
    block = next(scenarios.blocks(scenarios.whole(0)))
    assert (block.columns["fixed"], block.columns["total"]) == (4.0, 7.0)
