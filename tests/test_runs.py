"""Runs and draws: what they return, what they take from the file, what they refuse, and plain numpy beside them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from sampled import sampled
from scipy import special

import simulate
from benchmarks import handwritten, handwritten_formulas
from simulate.conditions import questions
from simulate.errors import SimulateError
from simulate.priors import load_priors
from simulate.runs import draws, run
from simulate.sampling.sampler import CHUNK
from simulate.sampling.schemes import SCHEMES
from simulate.scenarios import TOGETHER, Drawing
from simulate.spread import standard_error
from simulate.statistics import FINE

ROOT = Path(__file__).parent.parent
PERCENTS = [5, 25, 50, 75, 95]
TEXT = """
title = "Two and one"
model = "none"
[run]
scenarios = 5000
seed = 77
percentiles = [97.5, 10, 50]
quantities = ["total", "share"]
[priors]
a = { dist = "normal", mean = 10, sd = 3, unit = "USD", evidence = "sourced", source = "a table" }
b = { dist = "normal", mean = 20, sd = 3, unit = "USD" }
c = { dist = "uniform", lower = 0, upper = 1 }
fixed = { value = 4 }
[quantities]
total = { formula = "a + b", unit = "USD", label = "All of it" }
share = { formula = "c / fixed" }
root = { formula = "sqrt(c - 0.25)" }
never = { formula = "log(0 - fixed)" }
after = { formula = "1 + never" }
"""


@pytest.fixture
def priors(load):
    return load(TEXT)


@pytest.fixture(scope="module")
def base():
    return load_priors("base")


# ---------------------------------------------------------------------------------------------------------
# What a run returns


def test_what_is_left_out_comes_from_the_file(priors):
    bands = run(priors)
    assert bands.attributes["scenarios"] == 16 * 512  # 5,000 in 16 replicates of a power of two
    assert bands.attributes["seed"] == 77
    assert bands.labels("percentile") == [10, 50, 97.5]
    assert bands.labels("quantity") == ["total", "share"]
    other = run(priors, seed=1, percentiles=[50], quantities=["root"])
    assert (other.attributes["seed"], other.labels("percentile")) == (1, [50])
    assert other.labels("quantity") == ["root"]


def test_the_result_has_the_layout(priors):
    bands = run(priors)
    assert bands.question == "run"
    assert bands.labels("fine_percentile") == list(FINE)
    assert bands.labels("prior") == ["a", "b", "c", "fixed"]
    assert bands["prior_unit"].tolist() == ["USD", "USD", "1", "1"]
    assert bands["unit"].tolist() == ["USD", "1"]
    assert bands["label"].tolist() == ["All of it", "share"]
    dims = {name: variable.dims for name, variable in bands.variables.items()}
    assert dims == {
        **dict.fromkeys(["percentiles", "percentiles_se"], ("quantity", "percentile")),
        **dict.fromkeys(["mean", "mean_se", "sd", "sd_se", "minimum", "maximum", "nonfinite"], ("quantity",)),
        "fine_percentiles": ("quantity", "fine_percentile"),
        **dict.fromkeys(["variance_share", "variance_share_se"], ("quantity", "prior")),
        **dict.fromkeys(["direction", "rank_correlation"], ("quantity", "prior")),
        **dict.fromkeys(["variance_share_by_evidence", "variance_share_by_evidence_se"], ("quantity", "evidence")),
        **dict.fromkeys(["variance_share_together", "variance_share_together_se"], ("quantity",)),
        "variance_of_logarithm": ("quantity",),
        "prior_percentiles": ("prior", "percentile"),
    }
    for name in ("percentiles", "percentiles_se", "mean", "fine_percentiles"):
        assert bands.unit(name, quantity="total") == "USD"
    assert bands.unit("prior_percentiles", prior="a") == "USD"
    assert bands.unit("nonfinite", quantity="total") == bands.unit("variance_share", quantity="total") == "1"
    assert all(variable.label for variable in bands.variables.values())
    assert bands.attributes_of("percentiles")["ancillary_variables"] == "percentiles_se"


def test_the_result_says_where_it_comes_from(priors):
    bands = run(priors)
    attributes, provenance = bands.attributes, bands.provenance
    assert attributes["title"] == "Two and one"
    assert (attributes["scheme"], attributes["replicates"], attributes["chunk"]) == ("sobol", 16, 512)
    assert attributes["version"] == simulate.__version__
    (file,) = provenance["files"]
    assert (file["text"], len(file["sha256"])) == (TEXT, 64)
    assert provenance["priors"]["a"]["source"] == "a table"
    assert provenance["priors"]["b"]["specification"] == {"mean": 20, "sd": 3}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_statistics_of_a_sum_of_normals(priors, scheme):
    """Normal with mean 30 and sd sqrt(18): all within 5 standard errors (of 16 replicates: 2 in 10,000 beyond)."""
    bands = run(priors, scenarios=2**17, scheme=scheme, percentiles=PERCENTS)
    exact = 30 + np.sqrt(18) * special.ndtri(np.array(PERCENTS) / 100)
    total = {"quantity": "total"}
    values, errors = bands.estimate("percentiles", **total)
    assert (np.abs(values - exact) < 5 * errors).all()
    for name, moment in (("mean", 30), ("sd", np.sqrt(18))):
        value, error = bands.estimate(name, **total)
        assert abs(value - moment) < 5 * error + 1e-6  # of the tables
    assert bands.at("minimum", **total) < values.min()
    assert bands.at("maximum", **total) > values.max()
    assert (np.diff(bands.at("fine_percentiles", **total)) > 0).all()


def test_the_priors_percentiles_are_exact(priors):
    bands = run(priors, scenarios=16)
    exact = 20 + 3 * special.ndtri([0.1, 0.5, 0.975])
    assert bands.at("prior_percentiles", prior="b") == pytest.approx(exact, rel=1e-12)
    assert bands.at("prior_percentiles", prior="fixed").tolist() == [4, 4, 4]


def test_what_is_constant_has_no_error(load):
    bands = run(load(TEXT, "a=3", "b=4"), quantities=["total"])
    values, errors = bands.estimate("percentiles", quantity="total")
    assert values.tolist() == [7, 7, 7]
    assert bands.at("fine_percentiles", quantity="total").tolist() == [7] * len(FINE)
    assert bands.at("sd", quantity="total") == errors.max() == bands.at("mean_se", quantity="total") == 0
    assert np.isnan(bands["variance_share"]).all()


# ---------------------------------------------------------------------------------------------------------
# How many scenarios


@pytest.mark.parametrize("count", [1, 7, 16, 17, 1000, 16 * CHUNK + 5])
def test_draws_are_exactly_as_many_as_asked(priors, count):
    drawn = draws(priors, scenarios=count)
    assert drawn.attributes["scenarios"] == count
    assert drawn.labels("quantity") == ["a", "b", "c", "fixed", "total", "share"]
    assert drawn["value"].shape == (6, count)
    assert np.array_equal(drawn.at("value", quantity="total"), drawn["value"][0] + drawn["value"][1])
    assert (drawn.at("value", quantity="fixed") == 4).all()
    assert drawn.unit("value", quantity="total") == "USD"
    assert drawn.at("label", quantity="total") == "All of it"
    shares = np.bincount(drawn["replicate"], minlength=16)
    assert shares.max() - shares.min() <= 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_draws_are_those_of_the_run(priors, scheme):
    count = 2 * 16 * CHUNK
    bands = run(priors, scenarios=count, scheme=scheme)
    total = draws(priors, scenarios=count, scheme=scheme).at("value", quantity="total")
    of = {"quantity": "total"}
    assert bands.at("mean", **of) == pytest.approx(total.mean(), rel=1e-12)
    assert bands.at("sd", **of) == pytest.approx(total.std(), rel=1e-9)
    assert (bands.at("minimum", **of), bands.at("maximum", **of)) == (total.min(), total.max())
    held = np.percentile(total, bands["percentile"])
    assert bands.at("percentiles", **of) == pytest.approx(held, rel=2**-10)


CONDITIONS = {
    "none": {},
    "given": {"given": ["total > 31"]},
    "observed": {"observe": ["total = 28 +- 3"]},
    "both": {"given": ["a > 9"], "observe": ["total = 28 +- 10%"]},
}


@pytest.mark.parametrize(("conditions", "scheme"), sampled(CONDITIONS, SCHEMES))
def test_draws_are_the_scenarios_of_the_run_with_their_weights(priors, scheme, conditions):
    """Each is one of the run's, in its order; all together have the run's percentiles, to a bin's width."""
    asked = {"scenarios": 2 * 16 * CHUNK, "scheme": scheme, **CONDITIONS[conditions]}
    drawn, bands, settings = draws(priors, **asked), run(priors, **asked), priors.run.asked(**asked)
    of_run = questions(priors, (), settings.given, settings.observe)
    scenarios = Drawing({"": priors}, settings).scenarios("", ["total", "share"], of_run)
    blocks = [block for replicate in range(16) for block in scenarios.blocks(scenarios.whole(replicate))]
    for name in ("a", "total", "share"):
        assert np.array_equal(drawn.at("value", quantity=name), np.concatenate([each.columns[name] for each in blocks]))
    whole = draws(priors, **asked | {"given": [], "observe": []})
    assert np.array_equal(drawn["value"], whole["value"][:, drawn["replicate"] * 2 * CHUNK + drawn["place"]])
    assert np.array_equal(whole["place"], np.tile(np.arange(2 * CHUNK), 16))
    total = drawn.at("value", quantity="total")
    weights = drawn["weight"] if "weight" in drawn else np.ones(len(total))
    if "observe" in asked:
        sd = 3 if conditions == "observed" else 2.8
        np.testing.assert_allclose(weights, np.exp(-(((total - 28) / sd) ** 2) / 2), rtol=0, atol=2**-32)
    else:
        assert "weight" not in drawn
    if conditions != "none":
        assert bands.provenance["kept"]["scenarios"] == len(total)
        effective = weights.sum() ** 2 / (weights**2).sum()
        assert bands.provenance["kept"]["effective"] == pytest.approx(effective, rel=1e-9)
    order = np.argsort(total)
    shares = np.cumsum(weights[order]) / weights.sum()
    held = total[order][np.searchsorted(shares, bands["percentile"] / 100)]
    assert bands.at("percentiles", quantity="total") == pytest.approx(held, rel=2**-10)
    assert bands.at("mean", quantity="total") == pytest.approx(np.average(total, weights=weights), rel=1e-9)


def test_draws_under_a_condition_are_the_first_that_hold(priors):
    asked = {"given": ["a > 10"], "scheme": "random"}
    few, many = (draws(priors, scenarios=count, **asked) for count in (16 * CHUNK + 16, 2 * 16 * CHUNK))
    for replicate in range(16):
        first, longer = (each["value"][:, each["replicate"] == replicate] for each in (few, many))
        assert abs(longer.shape[1] - CHUNK) < 5 * CHUNK**0.5  # half of them: 7 standard deviations
        assert np.array_equal(first, longer[:, : CHUNK + 1])


def test_draws_of_which_none_holds_are_refused(priors):
    with pytest.raises(SimulateError, match=r"^--given 'a > 1e9': of 128 scenarios 0 effective ones are left, fewer "):
        draws(priors, scenarios=100, given=["a > 1e9"])


def test_draws_take_what_is_left_out_from_the_file(priors):
    drawn = draws(priors)
    assert drawn["value"].shape[1] == 5000
    assert (drawn.attributes["seed"], drawn.attributes["scheme"]) == (77, "sobol")
    assert np.array_equal(drawn["value"], draws(priors, seed=77)["value"])
    assert not np.array_equal(drawn["value"], draws(priors, seed=78)["value"])


def test_memory_does_not_grow_with_the_scenarios(priors):
    peaks = []
    for count in (2**21, 2**23):
        tracemalloc.start()
        run(priors, scenarios=count, scheme="random", workers=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_two_steps_are_never_in_memory_at_once(load):
    names = [f"x{number}" for number in range(24)]
    uniform = '{ dist = "uniform", lower = 0, upper = 1 }'
    text = "".join(f"{name} = {uniform}\n" for name in names)
    priors = load(f'model = "none"\n[priors]\n{text}[quantities]\nsum = {{ formula = "{" + ".join(names)}" }}\n')
    tracemalloc.start()
    run(priors, scenarios=16 * 2 * TOGETHER * CHUNK, workers=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # bytes of a word and a draw, and of what is between
    assert peak < 2 * len(names) * TOGETHER * CHUNK * (4 + 8) + 3 * TOGETHER * CHUNK * 8


def test_progress_is_told_up_to_the_end(priors):
    told = []
    run(priors, scenarios=16 * 5 * CHUNK, backend="threads", workers=2, progress=lambda *step: told.append(step))
    assert {(what, total) for what, _, total in told} == {("scenarios", 32)}  # four chunks, the fifth
    assert [done for _, done, _ in told] == list(range(1, 33))


# ---------------------------------------------------------------------------------------------------------
# Which quantities, and what is refused


def test_the_headline_is_run_where_nothing_is_asked(base):
    assert run(base, scenarios=16).labels("quantity") == list(base.headline)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantities": ["totl"]}, "there is no quantity totl; did you mean total?"),
        ({"quantities": ["xyz"]}, "there is no quantity xyz"),
        (
            {"quantities": "total,"},
            "--quantities 'total,': a comma has nothing beside it; write for instance 'capex,opex_per_year' or 'all'",
        ),
        ({"scheme": "halton"}, "scheme: there is no scheme 'halton'; choose one of latin_hypercube, random, sobol"),
        ({"scenarios": 0}, "scenarios: must be greater than or equal to 1, not 0"),
        ({"scenarios": 2.5}, "scenarios: must be a whole number, not 2.5"),
        ({"seed": -1}, "seed: must be greater than or equal to 0, not -1"),
        ({"percentiles": [0]}, "percentiles: must be greater than 0, not 0"),
        ({"percentiles": [50, 100]}, "percentiles: must be less than 100, not 100"),
        ({"percentiles": [float("nan")]}, "percentiles: must be a finite number, not nan"),
        ({"percentiles": []}, "percentiles: must be a list of one or more, or be left out, not an empty list"),
        ({"workers": 0}, "workers: must be greater than or equal to 1, not 0"),
        (
            {"statistics": ["shortest 0"]},
            (
                "--statistic 'shortest 0': 0 is not between 0 and 100 %; write for instance "
                "'expected_shortfall 95' or 'shortest 95'"
            ),
        ),
        ({"statistics": [3]}, "statistics: must be text in quotes, not 3"),
        ({"statistics": ["mode"]}, "there is no statistic 'mode'; choose one of expected_shortfall, shortest"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_line(priors, options, message):
    with pytest.raises(SimulateError) as caught:
        run(priors, **options)
    assert str(caught.value) == message


def test_what_a_quantity_lacks_is_named(load):
    priors = load("[priors.pue]\nvalue = 1.2\n")
    with pytest.raises(SimulateError, match=r"^capex cannot be computed; give a prior for .*server_price"):
        run(priors, quantities=["capex"])
    with pytest.raises(SimulateError, match="nothing can be computed"):
        run(priors)


def test_percentiles_come_in_rising_order_and_once(priors):
    assert run(priors, scenarios=16, percentiles=(50, 5.0, 50)).labels("percentile") == [5, 50]


def test_nan_in_some_scenarios_is_counted_left_out_and_told(priors):
    bands = run(priors, scenarios=2**14, quantities=["root", "total"])
    count = int(bands.at("nonfinite", quantity="root"))
    assert count == 2**14 // 4  # a net puts a quarter of its points below a quarter
    assert bands.at("nonfinite", quantity="total") == 0
    assert bands.at("minimum", quantity="root") >= 0
    message = bands.warnings[0]
    assert message.startswith(f"root: nan or infinite in {count:,} of 16,384 scenarios")
    assert "first in root" in message
    assert "c = 0." in message
    assert not any("nan" in other for other in bands.warnings[1:])


@pytest.mark.parametrize("least", [1e-5, 0.3])
def test_the_first_scenario_that_is_no_number_is_told(load, least):
    """Of all replicates and of all their chunks; with the rare one, later replicates have it in earlier chunks."""
    priors = load(TEXT + f'rare = {{ formula = "a + sqrt(c - {least})" }}\n')
    asked = {"scheme": "random", "scenarios": 2 * 16 * CHUNK}
    drawn = Drawing({"": priors}, priors.run.asked(**asked)).scenarios("", ["rare"])
    seen = [
        ((replicate, chunk), column[column < least])
        for replicate in range(16)
        for block in drawn.blocks(drawn.whole(replicate))
        for chunk, column in enumerate(block.columns["c"].reshape(-1, CHUNK))
    ]
    at, values = next((at, values) for at, values in seen if len(values))
    assert (at > (0, 1)) == (least < 0.01)
    asked |= {"quantities": ["rare"], "workers": 2}
    told = {len(run(priors, backend=each, **asked).warnings) for each in ("serial", "threads")}
    assert told == {1}
    (message,) = run(priors, **asked).warnings
    assert message.startswith(f"rare: nan or infinite in {sum(len(values) for _, values in seen):,} of 524,288")
    assert f"c = {values[0]:.4g}" in message


def test_an_infinite_constant_counts_in_every_scenario(load):
    bands = run(load(TEXT + 'pole = { formula = "1 / (fixed - 4)" }\n'), scenarios=2**12, quantities="all")
    assert bands.at("nonfinite", quantity="pole") == 2**12
    assert bands.at("nonfinite", quantity="fixed") == 0
    assert any("pole: nan or infinite in all 4,096 scenarios" in line for line in bands.warnings)


def test_a_fault_begins_behind_its_own_quantity(load):
    """Not in another that is faulty in the same scenario."""
    text = """
    model = "none"
    [priors]
    a = {dist = "normal", mean = 0, sd = 1}
    [quantities]
    other = {formula = "log(0 * a - 1)"}
    pole = {formula = "1 / (0 * a)"}
    after = {formula = "2 * pole"}
    """
    told = run(load(text), scenarios=16, quantities="all").warnings
    assert any(line.startswith("pole, after: ") and "first in pole at" in line for line in told)
    assert any(line.startswith("other: ") and "first in other at" in line for line in told)


def test_a_quantity_that_is_never_a_number_is_refused_by_name_and_told_of_among_all(priors):
    with pytest.raises(SimulateError, match=r"^after: nan or infinite in all 16 scenarios; first in never"):
        run(priors, scenarios=16, quantities=["after"])
    bands = run(priors, scenarios=16, quantities="all")
    assert np.isnan(bands.at("percentiles", quantity="never")).all()
    assert np.isnan(bands.at("percentiles_se", quantity="never")).all()
    assert any("after" in message for message in bands.warnings)


# ---------------------------------------------------------------------------------------------------------
# Shortest intervals


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_shortest_interval_of_a_normal_is_the_symmetric_one(priors, scheme):
    bands = run(priors, scenarios=2**18, scheme=scheme, statistics=["shortest 90"])
    exact = 30 + np.sqrt(18) * special.ndtri(np.array([0.05, 0.95]))
    assert bands.variables["shortest"].dims == ("quantity", "end")
    assert bands.labels("end") == ["lower", "upper"]
    assert bands.variables["shortest"].label == "shortest 90 %"
    values, errors = bands.estimate("shortest", quantity="total")
    assert (errors > 0).all()
    assert (np.abs(values - exact) < 5 * errors).all()


def test_the_shortest_interval_is_no_longer_than_that_between_percentiles(base):
    bands = run(base, scenarios=2**16, quantities=["capex"], percentiles=[2.5, 97.5], statistics=["shortest 95"])
    lower, upper = bands.at("shortest", quantity="capex")
    low, high = bands.at("percentiles", quantity="capex")
    assert upper - lower < high - low
    assert lower < low


def test_no_further_statistic_is_given_unasked(priors):
    assert not {"end", "shortest", "expected_shortfall"} & {
        *run(priors, scenarios=16).variables,
        *run(priors, scenarios=16).coordinates,
    }


# ---------------------------------------------------------------------------------------------------------
# Beside plain numpy


@pytest.mark.parametrize(
    ("path", "by_hand"), [("priors/base.toml", handwritten), ("benchmarks/own_formulas.toml", handwritten_formulas)]
)
def test_runs_agree_with_hand_written_numpy(path, by_hand):
    """The same priors and equations by numpy's own generator, in 16 parts: within 5 combined standard errors."""
    parts = [by_hand.simulate(2**14, seed) for seed in range(16)]
    bands = run(load_priors(ROOT / path), scenarios=2**18, quantities=list(parts[0]), percentiles=by_hand.PERCENTS)
    for name in parts[0]:
        columns = [part[name] for part in parts]
        values, own_error = bands.estimate("percentiles", quantity=name)
        error = np.hypot(own_error, standard_error(columns))
        assert (np.abs(values - np.mean(columns, axis=0)) < 5 * error).all(), name


def test_the_error_of_a_shortest_interval_is_the_spread_of_its_ends_over_seeds(load):
    """It is a bound, at most half as much again; of 100 seeds the spread of two ends is known to 5 %."""
    priors = load(TEXT)
    asked = {"scenarios": 2**12, "scheme": "random", "quantities": ["total"], "statistics": ["shortest 50"]}
    found = [run(priors, seed=seed, workers=1, **asked).estimate("shortest", quantity="total") for seed in range(100)]
    spread = np.var([ends for ends, _ in found], axis=0, ddof=1).sum()
    told = np.mean([errors**2 for _, errors in found], axis=0).sum()
    assert 0.85 < np.sqrt(told / spread) < 1.6
