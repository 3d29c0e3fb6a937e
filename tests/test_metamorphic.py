"""What must not change, or change in a known way, when a priors file or a run is changed."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import numpy as np
import pytest
from generated import COLUMNS, CONSTANTS, FORMULAS, value_of
from hypothesis import given, settings
from hypothesis import strategies as some
from sampled import sampled

import simulate
from simulate import model
from simulate.checking.report import priors_sections
from simulate.layout import laid_out, plain
from simulate.replicates import Workers
from simulate.runs.drivers import Drivers
from simulate.runs.run import folded
from simulate.sampling.dimensions import listed
from simulate.sampling.sampler import CHUNK
from simulate.sampling.schemes import SCHEMES
from simulate.scenarios import Drawing
from simulate.sensitivity.methods import METHODS
from simulate.statistics import usual
from simulate.summary import Summary

SCENARIOS = 2**14
PERCENTS = [1, 5, 25, 50, 75, 95, 99]
A_BIN = 2**-10  # how wide the bins behind percentiles are, relative to the value
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def drawn_of(priors, names, **settings):
    """The scenarios of a file from which names can be computed."""
    return Drawing({"": priors}, priors.run.asked(**settings)).scenarios("", names)


def band(run, name, variable="percentiles"):
    """A variable of one quantity of a run."""
    return run[variable].sel(quantity=name).values


def own(formulas, priors):
    """A file without a model: formulas by name, and the lines below [priors]."""
    tables = "".join(f'[quantities.{name}]\nformula = "{text}"\n' for name, text in formulas.items())
    return f'model = "none"\n[priors]\n{priors}\n{tables}'


TWO = """
a = { dist = "lognormal", median = 3, sigma = 2 }
b = { dist = "lognormal", p5 = 0.001, p95 = 90 }
"""
SPREAD = 'x = { dist = "normal", mean = 1, sd = 2 }'

# ---------------------------------------------------------------------------------------------------------
# Identities


@every_scheme
def test_parts_of_a_whole_are_one_together_in_every_scenario(load, scheme):
    priors = load(own({"a_share": "a / (a + b)", "b_share": "b / (a + b)", "whole": "a_share + b_share"}, TWO))
    whole = simulate.draws(priors, scenarios=SCENARIOS, scheme=scheme)["value"].sel(quantity="whole").values
    assert np.abs(whole - 1).max() <= 1e-15


@every_scheme
def test_a_difference_of_equals_is_zero(load, scheme):
    priors = load(own({"nothing": "x - x", "one": "x / x"}, SPREAD))
    run = simulate.run(priors, scenarios=SCENARIOS, scheme=scheme, percentiles=PERCENTS)
    assert band(run, "nothing").tolist() == [0.0] * len(PERCENTS)
    assert band(run, "one").tolist() == [1.0] * len(PERCENTS)
    for name in ("nothing", "one"):
        assert [band(run, name, each).max() for each in ("sd", "sd_se", "percentiles_se")] == [0, 0, 0]


# ---------------------------------------------------------------------------------------------------------
# Units and monotone maps


IN_THE_UNIT = ["percentiles", "percentiles_se", "mean", "mean_se", "sd", "sd_se", "minimum", "maximum"]


def of_model(name, prior, formulas):
    """A file with the model: one prior, in which a unit converts to the quantity's own, and formulas of it."""
    return f"[priors]\n{name} = {{ {prior} }}\n" + "".join(
        f'[quantities.{each}]\nformula = "{text}"\n' for each, text in formulas.items()
    )


@every_scheme
def test_a_power_of_two_between_units_is_a_power_of_two_between_results_to_the_bit(load, scheme):
    runs = []
    formulas = {"y": "3 * weight_bytes", "in_kibibytes": "3 * weight_bytes / 1024"}
    for unit, one in (("GiB", 1), ("MiB", 2**10)):
        prior = f'dist = "uniform", lower = {one}, upper = {60 * one}, unit = "{unit}"'
        priors = load(of_model("weight_bytes", prior, formulas))
        options = {"percentiles": PERCENTS, "quantities": list(formulas)}
        runs.append(simulate.run(priors, scenarios=SCENARIOS, scheme=scheme, **options))
    for variable in [*IN_THE_UNIT, "fine_percentiles"]:
        values = band(runs[0], "y", variable)
        assert np.array_equal(values, band(runs[1], "y", variable))
        assert np.array_equal(values, 1024 * band(runs[0], "in_kibibytes", variable))


@every_scheme
def test_another_unit_of_a_prior_changes_nothing_but_rounding(load, scheme):
    columns_of_units = []
    for unit, one in (("ms", 1e-3), ("s", 1), ("h", 3600)):
        prior = f'dist = "lognormal", p5 = {0.003 / one!r}, p95 = {0.07 / one!r}, unit = "{unit}/token"'
        priors = load(of_model("seconds_per_token", prior, {"y": "2 * seconds_per_token"}))
        drawn = simulate.draws(priors, scenarios=SCENARIOS, scheme=scheme, quantities=["y"])
        columns_of_units.append(band(drawn, "y", "value"))
    for other in columns_of_units[1:]:
        # the exponential amplifies the rounding of its argument, here up to 15, by as much
        assert np.abs(other / columns_of_units[0] - 1).max() < 15 * 2**-51


@every_scheme
@pytest.mark.parametrize(
    ("text", "function"),
    [("3 * x + 1", lambda x: 3 * x + 1), ("exp(x)", np.exp), ("x ** 3", lambda x: x**3), ("arctan(x)", np.arctan)],
)
def test_an_increasing_map_maps_percentiles(load, scheme, text, function):
    priors = load(own({"y": text, "same": "x"}, SPREAD))
    run = simulate.run(priors, scenarios=SCENARIOS, scheme=scheme, percentiles=PERCENTS)
    x, y = band(run, "same"), band(run, "y")
    low, high = (function(x - sign * np.abs(x) * A_BIN) for sign in (1, -1))
    assert (y >= low - np.abs(y) * A_BIN).all()
    assert (y <= high + np.abs(y) * A_BIN).all()


def test_an_increasing_map_of_few_values_maps_percentiles_exactly(load):
    prior = "x = { dist = 'choice', values = [-3, 1, 2.5, 40], weights = [1, 2, 3, 4] }"
    priors = load(own({"y": "x ** 3 + 1", "same": "x"}, prior))
    run = simulate.run(priors, scenarios=SCENARIOS, percentiles=PERCENTS)
    assert band(run, "y").tolist() == (band(run, "same") ** 3 + 1).tolist()


def test_a_change_of_sign_turns_the_percentiles_round(load):
    percents = [2.3, 10.1, 33.4, 66.6, 89.9, 97.7]  # none between two scenarios, where there is a choice
    priors = load(own({"y": "0 - x", "same": "x"}, SPREAD))
    run = simulate.run(priors, scenarios=SCENARIOS, percentiles=percents)
    assert band(run, "y") == pytest.approx(-band(run, "same")[::-1], rel=1e-12)
    assert band(run, "y", "minimum") == -band(run, "same", "maximum")
    assert band(run, "y", "maximum") == -band(run, "same", "minimum")


# ---------------------------------------------------------------------------------------------------------
# Other priors


def columns(priors, names, scheme):
    """The draws of the names."""
    bound = [name for name in priors.priors if name in names]
    drawn = drawn_of(priors, bound, scenarios=SCENARIOS, seed=5, scheme=scheme)
    block = next(drawn.blocks(drawn.whole(3)))
    return {name: block.columns[name] for name in bound}


def tables_of(names):
    """A prior for each name of the model, computed ones too, somewhere in what is possible."""
    quantities = model.quantities("llm_cost")
    tables = []
    for name in names:
        quantity = quantities[name]
        lower = quantity.lower if np.isfinite(quantity.lower) else 0.0
        upper = quantity.upper if np.isfinite(quantity.upper) else lower + 2.0
        tables.append(f"[priors.{name}]\ndist = 'uniform'\nlower = {lower}\nupper = {upper}\n")
    return tables


NAMES = [name for name in model.quantities("llm_cost") if name in listed()]
LINKED = f"[correlations]\n{NAMES[3]}.{NAMES[90]} = 0.6\n{NAMES[90]}.{NAMES[41]} = -0.3\n"
OWN = "[priors.aaa]\nvalue = 3\n[priors.zzz]\ndist = 'exponential'\nmean = 2\n"
OWN_USED = "[quantities.mine]\nformula = 'aaa + zzz'\n"
WHOLE = [*tables_of(NAMES), LINKED]
OTHERS = {
    "reordered": [*tables_of(NAMES[::-1]), LINKED],
    "shuffled": [*tables_of(random.Random(2).sample(NAMES, len(NAMES))), LINKED],
    "with own before": [OWN, *tables_of(NAMES), LINKED, OWN_USED],
    "with own after": [*tables_of(NAMES), OWN, LINKED, OWN_USED],
    "a third": [*tables_of(sorted({*NAMES[::3], NAMES[3], NAMES[90], NAMES[41]})), LINKED],
    "own ones tied": [
        *tables_of(NAMES),
        OWN.replace("value = 3", "dist = 'uniform'\nlower = 0\nupper = 1"),
        LINKED,
        "aaa.zzz = 0.9\n",
        OWN_USED,
    ],
}


@pytest.mark.parametrize(("other", "scheme"), sampled(OTHERS, SCHEMES))
def test_the_columns_of_the_models_names_do_not_depend_on_the_rest_of_the_file(load, scheme, other):
    whole = columns(load("".join(WHOLE)), NAMES, scheme)
    changed = columns(load("".join(OTHERS[other])), NAMES, scheme)
    assert len(whole) == len(NAMES)
    assert len(changed) >= len(NAMES) // 3
    for name, column in changed.items():
        assert np.array_equal(column, whole[name]), name


OWN_NAMES = ["first", "second", "third"]


def own_file(names, formula="first + second"):
    priors = "".join(f'{name} = {{ dist = "normal", mean = 0, sd = 1 }}\n' for name in names)
    return own({"y": formula, "rest": " + ".join(names)}, priors)


@every_scheme
def test_names_appended_to_a_file_move_nothing(load, scheme):
    before = columns(load(own_file(OWN_NAMES)), OWN_NAMES, scheme)
    after = columns(load(own_file([*OWN_NAMES, "fourth", "fifth"])), OWN_NAMES, scheme)
    assert {name: after[name].tolist() for name in OWN_NAMES} == {name: before[name].tolist() for name in OWN_NAMES}


@every_scheme
def test_a_files_own_names_may_stand_in_any_order_be_renamed_and_taken_out(load, scheme):
    """The hash gives each of these names a dimension of its own."""
    before = columns(load(own_file(OWN_NAMES)), OWN_NAMES, scheme)
    after = columns(load(own_file(["other", "second", "zero", "first"])), OWN_NAMES, scheme)
    for name in ("first", "second"):
        assert np.array_equal(after[name], before[name])


@every_scheme
def test_own_names_are_drawn_beside_a_model_as_alone(load, scheme):
    alone = columns(load(own_file(OWN_NAMES)), OWN_NAMES, scheme)
    beside = load("\n".join(["extends = 'base'", *own_file(OWN_NAMES).splitlines()[1:]]))
    for name, column in columns(beside, OWN_NAMES, scheme).items():
        assert np.array_equal(alone[name], column)


# ---------------------------------------------------------------------------------------------------------
# Threads and order


@pytest.fixture(scope="module")
def base():
    return simulate.load_priors("priors/base.toml")


def hashed(dataset):
    """A hash of the bits of all variables and attributes."""
    digest = hashlib.sha256()
    for name, variable in sorted(dataset.variables.items()):
        values = variable.values
        digest.update(str(name).encode())
        digest.update(repr(values.tolist()).encode() if values.dtype == object else values.tobytes())
    digest.update(repr(sorted(dataset.attrs.items())).encode())
    return digest.hexdigest()


TWO_CHUNKS = 2 * 16 * CHUNK


def whole_run(priors, scheme, **options):
    options = {"scenarios": TWO_CHUNKS, "quantities": ["capex", "training_cost"], **options}
    return simulate.run(priors, scheme=scheme, statistics=["shortest 95"], **options)


@pytest.fixture(scope="module")
def one_thread(base):
    return {scheme: hashed(whole_run(base, scheme, backend="serial")) for scheme in SCHEMES}


@pytest.mark.parametrize(("scheme", "workers"), sampled(SCHEMES, [2, 3, 8]))
def test_any_number_of_threads_gives_one_hash(base, one_thread, scheme, workers):
    assert hashed(whole_run(base, scheme, backend="threads", workers=workers)) == one_thread[scheme]


@every_scheme
def test_the_seed_and_the_number_of_scenarios_do_matter(base, one_thread, scheme):
    assert hashed(whole_run(base, scheme, seed=1)) != one_thread[scheme]
    assert hashed(whole_run(base, scheme, scenarios=TWO_CHUNKS // 2)) != one_thread[scheme]


class Shuffled(Workers):
    """Workers that do the last things first."""

    def fold(self, work, tasks, take, **how):
        """Work off the tasks in another order, and take the results in theirs."""
        done = {}
        order = random.Random(7).sample(list(tasks), len(tasks))
        super().fold(work, order, lambda result: done.update({order[len(done)]: result}), **how)
        for task in tasks:
            take(done[task])


@every_scheme
def test_any_order_of_replicates_gives_the_same_bands(base, scheme):
    drawn = drawn_of(base, ["capex", "training_cost"], scenarios=TWO_CHUNKS, scheme=scheme)
    statistics, drivers = usual(PERCENTS), Drivers(base, drawn, [], drawn.plan.outputs)
    in_turn, shuffled = (
        folded(drawn, drawn.plan.outputs, statistics, kind("serial"), drivers.sample).bands
        for kind in (Workers, Shuffled)
    )
    for name, told in in_turn.items():
        for statistic in statistics:
            assert np.array_equal(told.value(statistic.name), shuffled[name].value(statistic.name))
            if statistic.error:
                assert np.array_equal(told.error(statistic.name), shuffled[name].error(statistic.name))


@every_scheme
def test_chunks_drawn_together_are_as_each_alone(base, scheme):
    drawn = drawn_of(base, ["capex", "training_cost"], scenarios=7 * 16 * CHUNK, scheme=scheme)
    words = drawn.sampler.words(1)
    blocks = list(drawn.blocks(drawn.whole(1)))
    assert [block.at for block in blocks] == [(1, range(4)), (1, range(4, 7))]
    for block in blocks:
        for place, chunk in enumerate(block.at.chunks):
            own = slice(place * CHUNK, (place + 1) * CHUNK)
            assert np.array_equal(block.words[:, own], words(chunk))
            alone = drawn.inputs(words(chunk))
            for name, column in {**alone, **drawn.plan(alone)}.items():
                of_chunk = block.columns[name] if np.isscalar(column) else block.columns[name][own]
                assert np.array_equal(of_chunk, column), name


@every_scheme
def test_chunks_are_the_same_in_any_order(base, scheme):
    drawn = drawn_of(base, ["capex"], scenarios=8 * 16 * CHUNK, seed=3, scheme=scheme)
    draw, again = (drawn.sampler.words(2) for _ in range(2))
    forward = [drawn.inputs(draw(chunk)) for chunk in range(4)]
    for chunk in (3, 1, 0, 2):
        for name, column in drawn.inputs(again(chunk)).items():
            assert np.array_equal(column, forward[chunk][name])


@every_scheme
def test_blocks_are_counted_in_any_order(base, scheme):
    """Percentiles and intervals come from whole numbers; moments are folded in the order of the blocks."""
    drawn = replace(drawn_of(base, ["capex"], scenarios=8 * 16 * CHUNK, seed=3, scheme=scheme), together=1)
    columns = [block.columns["capex"] for block in drawn.blocks(drawn.whole(0))]
    found = set()
    for order in (range(drawn.chunks), range(drawn.chunks - 1, -1, -1), [5, 0, 3, 7, 1, 6, 4, 2]):
        summary = Summary()
        for place in order:
            summary.add(columns[place], drawn.size)
        summary.finish()
        found.add((*summary.percentiles(PERCENTS), *summary.shortest_interval(95), summary.minimum, summary.maximum))
    assert len(found) == 1


# ---------------------------------------------------------------------------------------------------------
# Formulas over constants and columns


GENERATED = """
a = { dist = "uniform", lower = 0.1, upper = 0.9 }
b = { dist = "normal", mean = 0, sd = 1 }
"""


@settings(max_examples=3, deadline=None, derandomize=True)
@given(texts=some.lists(FORMULAS, min_size=4, max_size=4, unique=True))
def test_every_question_gives_a_formula_of_constants_the_same_value(texts):
    """Of run, each method of tornado, compare, decide, explain and check; scenarios are held to the formula itself."""
    constants = "".join(f"{name} = {{ value = {value} }}\n" for name, value in CONSTANTS.items())
    named = {f"q{place}": text for place, text in enumerate(texts)}
    used = {"used": " + ".join([*COLUMNS, *CONSTANTS])}
    choices = "[choices.one]\n[choices.two.priors]\nc = { value = 3 }\n"
    priors = simulate.load_priors(own({**named, **used}, GENERATED + constants) + choices)
    asked = {"quantities": list(named), "scenarios": 2**12, "seed": 5}

    scenarios = simulate.draws(priors, **{**asked, "quantities": [*named, *COLUMNS]})["value"]
    columns = {name: scenarios.sel(quantity=name).values for name in COLUMNS}
    whole = {**columns, **{name: np.full(2**12, value) for name, value in CONSTANTS.items()}}
    expected = {name: value_of(text, whole) for name, text in named.items()}
    for name, values in expected.items():
        np.testing.assert_allclose(scenarios.sel(quantity=name), values, rtol=1e-9, atol=1e-9)
    means = np.array([values.mean() for values in expected.values()])
    close = {"rtol": 1e-9, "atol": 1e-9}

    run = simulate.run(priors, **asked)
    np.testing.assert_allclose(run["mean"], means, **close)
    np.testing.assert_allclose(run["maximum"], [values.max() for values in expected.values()], **close)
    for method in METHODS:
        tornado = simulate.tornado(priors, method=method, **asked)
        error = 6 * np.hypot(tornado["mean_se"], run["mean_se"])  # some methods draw scenarios of their own
        assert (np.abs(tornado["mean"] - means) <= error + 1e-9 * (1 + np.abs(means))).all()
    compared = simulate.compare([priors, simulate.load_priors(priors.files[0].text)], **asked)
    for case in compared["case"].values:
        np.testing.assert_allclose(compared["mean"].sel(case=case), means, **close)
    decided = simulate.decide(priors, **asked)
    np.testing.assert_allclose(decided["mean"].sel(choice="one"), means, **close)
    for name, text in named.items():
        assert " ".join(text.split()) in " ".join(simulate.explain(name, priors).split())
    assert "nothing is wrong" in plain(laid_out(priors_sections(priors), 120))
