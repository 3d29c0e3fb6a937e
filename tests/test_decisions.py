from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest
from sampled import sampled

from simulate.decisions import decide
from simulate.decisions import information as value_of_information
from simulate.decisions import report as decision_report
from simulate.decisions.plots import plots
from simulate.errors import SimulateError
from simulate.formats import FORMATS
from simulate.layout import laid_out, plain
from simulate.priors import choice, load_priors
from simulate.results import netcdf
from simulate.runs import run
from simulate.scenarios import Drawing

OWN_OR_RENT = "priors/own-or-rent.toml"
QUICK = 2**14
FILES = {"decide.nc", "decide.csv"}
PICTURES = {"decide.png", "decide.svg"}
NORMAL = NormalDist()


def normal(name, mean, sd):
    return f'[priors.{name}]\ndist = "normal"\nmean = {mean}\nsd = {sd}\n'


def lognormal(name, median, sigma):
    return f'[priors.{name}]\ndist = "lognormal"\nmedian = {median}\nsigma = {sigma}\n'


def option(name, formula, unit="USD", quantity="value"):
    return f'[choices.{name}.quantities.{quantity}]\nformula = "{formula}"\nunit = "{unit}"\n'


TWO_NORMALS = normal("p1", 1, 1) + normal("p2", 0, 2) + option("one", "p1") + option("two", "p2")


@pytest.fixture
def file(priors_of):
    return lambda text: priors_of("decision", text)


@pytest.fixture
def decided(file):
    def told(text, **options):
        return decide(file(text), **{"quantities": ["value"], "scenarios": QUICK, **options})

    return told


def worth(decision):
    """Each prior's EVPPI and its standard error."""
    return {name: decision.estimate("evppi", prior=name) for name in decision.labels("prior")}


def off(estimate, exact):
    """By how many standard errors an estimate misses."""
    value, error = estimate
    return abs(value - exact) / error


def text_of(decision, width=None):
    return plain(laid_out(decision_report.sections(decision), width))


def written(decision, form):
    file = io.StringIO()
    FORMATS[form](decision, list, file)
    return file.getvalue()


def unit_loss(mean, sd):
    """E[max(0, -D)] for D ~ N(mean, sd): what knowing D saves where it is mostly positive."""
    z = mean / sd
    return sd * (NORMAL.pdf(z) - z * NORMAL.cdf(-z))


# ---------------------------------------------------------------------------------------------------------
# The value of information against closed forms


@pytest.mark.parametrize(("scheme", "largest_error"), [("sobol", 5e-5), ("random", 2e-3)])
def test_two_normal_options_have_the_closed_form(decided, scheme, largest_error):
    decision = decided(TWO_NORMALS, scenarios=2**20, scheme=scheme, maximize=True)
    assert decision.attributes["best"] == "one"
    found = worth(decision)
    for estimate, exact in (
        (decision.estimate("evpi"), 0.4798107063483925),
        (found["p1"], 0.08331547058768629),
        (found["p2"], 0.39559311480261206),
    ):
        assert 0 < estimate[1] < largest_error
        assert off(estimate, exact) < 4


UNIFORM = '[priors.x]\ndist = "uniform"\nlower = 0\nupper = 1\n'
X_OR_04 = UNIFORM + option("one", "x") + option("two", "0.4 + 0 * x")


def test_given_a_condition_the_choices_are_those_of_the_scenarios_kept(decided):
    """Given x < 1/2, x costs 1/4 and 1/4 - E min(x, 0.4) = 0.01 would be saved by knowing it."""
    decision = decided(X_OR_04, scenarios=2**18, scheme="random", given=["x < 0.5"])
    estimates = {
        decision.estimate("mean", quantity="value", choice="one"): 0.25,
        decision.estimate("probability_best", choice="one"): 0.8,
        decision.estimate("expected_regret", choice="two"): 0.16,
        decision.estimate("evpi"): 0.01,
        worth(decision)["x"]: 0.01,
    }
    for estimate, exact in estimates.items():
        assert off(estimate, exact) < 4
    assert decision.provenance["kept"]["scenarios"] == pytest.approx(2**17, abs=4 * 2**8)
    assert "Given x < 0.5: 5" in text_of(decision)
    same = decided(X_OR_04.replace("upper = 1", "upper = 0.5"), scenarios=2**18, scheme="random")
    for name in ("evpi", "expected_regret", "probability_best"):
        difference = decision[name] - same[name]
        assert (np.abs(difference) < 4 * np.hypot(decision[f"{name}_se"], same[f"{name}_se"])).all()


def test_a_measured_value_weighs_what_is_decided(decided):
    """Of p1 ~ N(1, 1), measured as 0 with the same sd, N(1/2, 1/sqrt(2)) is left; p2 stays as it was."""
    decision = decided(TWO_NORMALS, scenarios=2**20, scheme="random", observe=["p1 = 0 +- 1"], maximize=True)
    found = worth(decision)
    for estimate, exact in (
        (decision.estimate("mean", quantity="value", choice="one"), 0.5),
        (decision.estimate("evpi"), unit_loss(0.5, math.sqrt(4.5))),
        (found["p1"], unit_loss(0.5, math.sqrt(0.5))),
        (found["p2"], unit_loss(0.5, 2)),
    ):
        assert off(estimate, exact) < 4
        assert estimate[1] < 0.005
    assert "weighted by their likelihood" in text_of(decision)


@pytest.mark.parametrize("asked", [{"given": ["value < 0.3"]}, {"observe": ["value = 0.2 +- 0.1"]}])
def test_conditions_that_choices_do_not_share_are_refused(decided, asked):
    with pytest.raises(SimulateError, match=r"^--(given|observe) '.*': holds in other scenarios of choice two than of"):
        decided(X_OR_04, **asked)
    with pytest.raises(SimulateError, match="0 effective ones are left, fewer than 1,000"):
        decided(X_OR_04, given=["x < 0"])


def test_minimizing_losses_is_maximizing_gains(decided):
    losses = TWO_NORMALS.replace('"p1"', '"-p1"').replace('"p2"', '"-p2"')
    most, least = decided(TWO_NORMALS, maximize=True), decided(losses)
    assert least.attributes["best"] == most.attributes["best"]
    assert least.labels("prior") == most.labels("prior")
    for name in ("evpi", "evppi", "expected_regret", "probability_best"):
        for each in (name, f"{name}_se"):
            assert np.array_equal(least[each], most[each])
    assert [each.attributes["objective"] for each in (least, most)] == ["minimize", "maximize"]
    assert decided(TWO_NORMALS).attributes["best"] == "two"


@pytest.mark.parametrize("rho", [-0.6, 0.7])
@pytest.mark.parametrize("beside", ["", normal("idle", 0, 1)], ids=["alone", "beside another"])
def test_a_correlated_prior_tells_of_the_other(decided, rho, beside):
    link = f"[correlations]\np1.p2 = {{gaussian_copula = {rho}}}\n"
    text = beside + (TWO_NORMALS.replace('"p2"', '"p2 + 0 * idle"') if beside else TWO_NORMALS)
    decision = decided(text + link, scenarios=2**18, maximize=True)
    found = worth(decision)
    for estimate, sd in (
        (decision.estimate("evpi"), math.sqrt(5 - 4 * rho)),
        (found["p1"], abs(1 - 2 * rho)),
        (found["p2"], abs(2 - rho)),
    ):
        assert off(estimate, unit_loss(1, sd)) < 4


def test_two_lognormal_costs_have_the_closed_form(decided):
    median, sigma = (5.0, 6.0), (0.9, 1.1)
    mean = [m * math.exp(s * s / 2) for m, s in zip(median, sigma, strict=True)]

    def least(first, second, sd):
        """E[min(A, B)] for lognormals of these means, sd that of ln(A / B) (Margrabe 1978)."""
        at = math.log(second / first) / sd
        return first * NORMAL.cdf(at - sd / 2) + second * NORMAL.cdf(-at - sd / 2)

    text = lognormal("a", 5, 0.9) + lognormal("b", 6, 1.1) + option("one", "a") + option("two", "b")
    decision = decided(text, scenarios=2**18)
    found, best = worth(decision), min(mean)
    for estimate, exact in (
        (decision.estimate("evpi"), best - least(*mean, math.hypot(*sigma))),
        (found["a"], best - least(mean[0], mean[1], sigma[0])),
        (found["b"], best - least(mean[1], mean[0], sigma[1])),
    ):
        assert off(estimate, exact) < 4


def test_a_prior_of_few_values_is_binned_by_value(decided):
    values = '[priors.a]\ndist = "choice"\nvalues = [0, 2, 5]\nweights = [0.25, 0.4, 0.35]\n'
    text = values + normal("b", 1.5, 1) + option("one", "a") + option("two", "b")
    found = worth(decided(text, scenarios=2**18))
    # Without knowing: E[b] = 1.5 against E[a] = 2.55. Knowing a = 0, a quarter of the time, saves 1.5.
    assert off(found["a"], 0.25 * 1.5) < 4
    assert found["a"][1] < 1e-3
    assert off(found["b"], unit_loss(2.55 - 1.5, 1)) < 4


def test_cuts_keep_values_whole_and_follow_what_is_smooth_between_them(file):
    mixture = '[priors.{}]\ndist = "choice"\nvalues = [1, 2, 3]\nweights = [0.31, 0.4, 0.29]\n'
    priors = file(mixture.format("a") + lognormal("b", 1, 1) + '[quantities.c]\nformula="a*b"\n')
    values, smooth = (priors.priors[name].distribution for name in "ab")
    few = value_of_information.partition("one", [values], None)
    assert few.cuts == pytest.approx([0.31, 0.71])
    assert few.bins.constant.all()
    assert few.bins.first.tolist() == few.bins.last.tolist() == [0, 1, 2]
    assert value_of_information.partition("one", [smooth], None).cuts is None
    both = value_of_information.partition("one", [values, smooth], None)  # another family in another choice
    assert len(both.cuts) == value_of_information.BINS_WITH_JUMPS - 1 + 2
    assert not both.bins.constant.any()
    starts = np.searchsorted(both.cuts, [0.31, 0.71]) + 1  # of the stretches between jumps
    assert np.unique(both.bins.first).tolist() == [0, *starts]
    assert np.unique(both.bins.last).tolist() == [*(starts - 1), len(both.cuts)]


NOISE = normal("z", 0, 0.1)


def cell_mean(function, cells=2**20):
    """The mean of a function of a uniform, by the midpoints of as many cells."""
    return float(np.mean(function((np.arange(cells) + 0.5) / cells)))


@pytest.mark.parametrize(("scheme", "count"), [("sobol", 2**14), ("random", 2**16)])
@pytest.mark.parametrize(
    ("cost", "beyond", "largest"),
    [
        ("0.5 + where(x > 0.9, 10, 0)", lambda x: 10 * (x > 0.9) - 0.5, 0.01),
        ("0.5 + where(x > 0.3333333, 1, 0)", lambda x: (x > 0.3333333) - 0.5, 0.01),
        ("1 - where(x > 0.5, 0.4, 0) + where(x > 0.77, 2, 0)", lambda x: 2 * (x > 0.77) - 0.4 * (x > 0.5), 0.01),
        ("1 + sin(40*x)", lambda x: np.sin(40 * x), 0.01),
        ("1 + 10*sin(400*x)", lambda x: 10 * np.sin(400 * x), 0.4),
    ],
)
def test_jumps_and_waves_are_found_out(decided, cost, beyond, largest, count, scheme):
    """Of a prior beside a choice that costs 1 and a little noise; what is left open is in the error, and small."""
    text = UNIFORM + NOISE + option("one", "1 + z") + option("two", cost)
    value, error = worth(decided(text, scenarios=count, scheme=scheme))["x"]
    exact = min(cell_mean(beyond), 0) - cell_mean(lambda x: np.minimum(beyond(x), 0))
    assert abs(value - exact) < 4 * error
    assert error < largest


def test_a_jump_within_what_varies_beside_an_atom_is_found_out(decided):
    """x is 0 half of the time and uniform else, so that it jumps by itself; the cost jumps at 0.3."""
    mixture = '[priors.x]\ndist = "mixture"\nweights = [1, 1]\n'
    mixture += 'components = [{value = 0}, {dist = "uniform", lower = 0, upper = 1}]\n'
    text = mixture + NOISE + option("one", "1 + z") + option("two", "0.5 + where(x > 0.3, 2, 0)")
    value, error = worth(decided(text, scenarios=2**16))["x"]
    assert abs(value - (1 - (0.65 * 0.5 + 0.35))) < 4 * error
    assert error < 0.002


def test_a_wave_in_noise_is_not_told_surer_than_it_is(decided):
    exact = -cell_mean(lambda x: np.minimum(np.sin(400 * x), 0)) + min(cell_mean(lambda x: np.sin(400 * x)), 0)
    text = UNIFORM + normal("z", 0, 10) + option("one", "z") + option("two", "sin(400*x)")
    for seed in range(4):
        value, error = worth(decided(text, scenarios=2**14, seed=seed))["x"]
        assert abs(value - exact) < 4 * error


@pytest.mark.parametrize("waves", [40_000, 400_000, 3_000_000])
def test_what_changes_within_the_bins_is_told_as_not_resolved(decided, waves):
    text = UNIFORM + NOISE + option("one", "z") + option("two", f"10 * sin({waves} * x)")
    decision = decided(text, scenarios=2**16)
    value, error = worth(decision)["x"]
    assert abs(value - 10 / math.pi) < 4 * error
    assert error > 1
    [line] = decision.warnings
    assert line.startswith("x: the value of finding out is not resolved")


def test_what_is_resolved_has_no_line(decided):
    for cost in ("x", "where(x > 0.9, 1, 0)", "sin(40*x)"):
        assert decided(UNIFORM + NOISE + option("one", "0.4 + z") + option("two", cost)).warnings == []


@pytest.mark.parametrize("asked", [{"given": ["x > 0.99"]}, {"observe": ["x = 0.9933 +- 0.001"]}])
def test_under_a_condition_a_prior_is_told_apart_within_what_is_left(decided, asked):
    """The choice turns in the middle of the hundredth that is left."""
    text = UNIFORM + NOISE + option("one", "1 + z") + option("two", "1 + 100 * (x - 0.995)")
    value, error = worth(decided(text, scenarios=2**18, **asked))["x"]
    loss = 0.125 if "given" in asked else unit_loss(0.17, 0.1)
    assert abs(value - loss) < 4 * error
    assert error < 0.01


def test_noise_is_worth_nothing(decided):
    """Options with equal means: the least of noisy means by bin would show a value of hundreds of its errors."""
    text = normal("a", 0, 1) + normal("b", 0, 1) + lognormal("idle", 1, 1)
    text += option("one", "a + 0 * idle") + option("two", "b")
    values, errors = [], []
    for seed in range(10):
        value, error = worth(decided(text, seed=seed, scheme="random"))["idle"]
        values.append(value)
        errors.append(error)
    # Told as 0 where below it, so that the mean of as many is at most that of the positive halves: 0.4 errors.
    assert np.mean(values) < 0.4 * np.mean(errors) + 4 * np.mean(errors) / math.sqrt(10)


def test_what_a_prior_tells_is_not_judged_by_the_scenarios_that_told_it(decided):
    """Of 800 values with 82 scenarios each, half would seem to turn a small difference of 1.4 sd: by 10 errors."""
    idle = f'[priors.idle]\ndist = "choice"\nvalues = {list(range(800))}\n'
    text = idle + normal("a", 0, 1) + normal("b", 0.02, 1) + option("one", "a + 0 * idle") + option("two", "b")
    value, error = worth(decided(text, scenarios=2**16, scheme="random"))["idle"]
    assert value <= 4 * error


def test_a_prior_with_other_parameters_in_a_choice_is_found_out_in_both(decided):
    own = '[choices.two.priors.a]\ndist = "normal"\nmean = 0\nsd = 3\n'
    decision = decided(normal("a", 0, 1) + option("one", "a") + own + option("two", "a"), scenarios=2**18)
    found = worth(decision)
    assert list(found) == ["a"]
    # The difference is 2 z with z standard normal, so that either is cheaper half of the time.
    assert off(found["a"], unit_loss(0, 2)) < 4
    assert found["a"][0] <= decision.at("evpi")


# ---------------------------------------------------------------------------------------------------------
# The choices


@pytest.fixture(scope="module")
def own_or_rent():
    return decide(load_priors(OWN_OR_RENT), scenarios=QUICK)


def test_bands_are_those_of_the_choices_own_runs_to_the_bit(own_or_rent):
    priors = load_priors(OWN_OR_RENT)
    names = own_or_rent.labels("quantity")
    assert names == list(priors.run.quantities)
    for each in own_or_rent.labels("choice"):
        alone = run(choice(priors, each), scenarios=QUICK, quantities=names)
        for name in names:
            for variable in ("percentiles", "mean", "sd", "minimum", "maximum", "fine_percentiles"):
                for figure in {variable, f"{variable}_se"} & set(alone.variables):
                    told = own_or_rent.at(figure, quantity=name, choice=each)
                    assert np.array_equal(told, alone.at(figure, quantity=name))


def test_choices_are_drawn_on_the_uniforms_of_a_run_of_the_file(file):
    """A choice that computes what the file draws leaves the other names their dimensions."""
    text = normal("p1", 1, 1) + normal("p2", 0, 2) + '[quantities.beside]\nformula = "p2"\n'
    text += '[quantities.value]\nformula = "p1 + p2"\n'
    text += option("one", "1", unit="1", quantity="p1") + option("two", "2", unit="1", quantity="p1")
    priors = file(text)
    bands = run(priors, scenarios=QUICK, quantities=["beside"]).at("percentiles", quantity="beside")
    decision = decide(priors, scenarios=QUICK, quantities=["value", "beside"])
    for each in decision.at("percentiles", quantity="beside"):
        assert np.array_equal(each, bands)


def test_a_correlation_that_no_choice_has_does_not_tie_what_they_draw(load):
    """The file gives the names their dimensions, and is itself no choice."""
    links = "[correlations]\np1.p2 = {gaussian_copula = 0.9}\n"
    own = "".join(f"[choices.{name}.priors.p1]\nvalue = {value}\n" for name, value in (("one", 1), ("two", 2)))
    text = 'model = "none"\n' + normal("p1", 1, 1) + normal("p2", 0, 2)
    text += option("one", "p1 + p2") + option("two", "p1 - p2") + own
    tied, free = (
        decide(load(f"{each}", name=name), quantities=["value"], scenarios=QUICK)
        for name, each in (("tied", text + links), ("free", text))
    )
    assert np.array_equal(tied["percentiles"], free["percentiles"])


def test_a_label_is_the_files_own_or_that_of_a_choice(file):
    text = normal("a", 0, 1) + '[quantities.cost]\nformula = "a"\nlabel = "The whole"\n'
    for name, more in (("one", 1), ("two", 2)):
        text += f'[choices.{name}.quantities]\nmore = {{formula = "{more}", label = "Zero or {more}"}}\n'
        text += f'cost = {{formula = "a + more", label = "All of {name}"}}\n'
    decision = decide(file(text), quantities=["cost", "more"], scenarios=QUICK)
    assert decision["label"].tolist() == ["The whole", "Zero or 1"]


def test_figures_fit_together(own_or_rent):
    told = own_or_rent
    cost, best = told.attributes["decided_by"], told.attributes["best"]
    assert sum(told["probability_best"]) == pytest.approx(1, abs=1e-12)
    assert told.estimate("expected_regret", choice=best) == told.estimate("evpi")
    means = told.at("mean", quantity=cost)
    further = means - told.at("mean", quantity=cost, choice=best)
    assert further.min() >= 0
    assert told["expected_regret"] - told.at("evpi") == pytest.approx(further, rel=1e-9, abs=1e-15)
    values = told["evppi"].tolist()
    assert values == sorted(values, reverse=True)
    assert all(0 <= value <= told.at("evpi") for value in values)


def test_only_uncertain_priors_that_the_cost_needs_are_listed(own_or_rent):
    priors = load_priors(OWN_OR_RENT)
    cases = {option: choice(priors, option) for option in priors.choices}
    drawing = Drawing(cases, priors.run)
    used = {name for option in cases for name in drawing.scenarios(option, ["cost_per_1k_tokens"]).sampler.wanted}
    listed = set(own_or_rent.labels("prior"))
    assert listed == used
    assert "output_tokens" in listed
    assert "training_tokens" not in listed


def test_equal_choices_share_the_scenarios(decided):
    text = normal("a", 0, 1) + option("one", "a") + option("two", "a") + option("three", "a + 1")
    decision = decided(text)
    assert decision["probability_best"].tolist() == [0.5, 0.5, 0]
    assert decision["expected_regret"].tolist() == [0, 0, 1]
    assert (decision.attributes["best"], decision.at("evpi")) == ("one", 0)
    assert decision["evppi"].tolist() == [0]
    assert decision_report.verdict(decision) == (
        "Best by expected cost: one and two. They tie in every scenario, and no other is better in any: nothing is "
        "worth finding out first (EVPI 0)."
    )
    axis = plots(decision)["decide"].axes[0]
    assert [label.get_fontweight() for label in axis.get_yticklabels()] == ["bold", "bold", "normal"]


ALL_TIE = "None is the best: the choices tie in every scenario, so that nothing is worth finding out first (EVPI 0)."
NO_SINGLE = "No single best by expected cost: those of {} {}. Knowing everything before deciding would save "
TIES = {
    "duplicates": (("a", "a", "a"), ALL_TIE),
    "constants": (("3 + 0 * a", "3", "3"), ALL_TIE),
    "alike but for rounding": (("exp(a) * exp(b) / exp(a)", "exp(b)"), ALL_TIE),
    "largest of all numbers": (("1.7e308", "1.7e308 + 0 * a"), ALL_TIE),
    "of one mean": (("a", "b", "a + 3"), NO_SINGLE.format("one and two", "differ by less than two standard errors")),
    "three of one mean": (("a", "b", "(a + b) / 2"), NO_SINGLE.format("one, two and three", "differ by less…")),
    "a coin and its other side": (("coin", "1 - coin"), NO_SINGLE.format("one and two", "are equal")),
    "the worse by far more than the error": (("a", "b + 0.1"), "Best by expected cost: one. Knowing everything"),
    "never worse, by a mean that is not known well": (
        ("a", "a + exp(9 * b)"),
        "Best by expected cost: one. It is so in every scenario: nothing is worth finding out first.",
    ),
}


@pytest.mark.parametrize(("tie", "maximize"), sampled(TIES, [False, True]))
def test_choices_that_tie_are_told_so(decided, tie, maximize):
    formulas, expected = TIES[tie]
    text = normal("a", 0, 1) + normal("b", 0, 1) + '[priors.coin]\ndist = "choice"\nvalues = [0, 1]\n'
    for name, formula in zip(("one", "two", "three"), formulas, strict=False):
        text += option(name, f"-({formula})" if maximize else formula)
    text += '[quantities.beside]\nformula = "a + b + coin"\n'
    decision = decided(text, maximize=maximize, scheme="sobol" if "coin" in formulas else "random")
    if maximize:
        expected = expected.replace("cost", "value").replace("save", "gain")
    assert decision_report.verdict(decision).startswith(expected.partition("…")[0])
    beyond, error = decision.estimate("beyond_best", choice=decision.attributes["best"])
    assert (beyond, error) == (0, 0)
    assert (decision.at("evpi") == 0) == ("every scenario" in expected)
    text_of(decision)


def test_the_error_of_what_is_beyond_the_best_is_that_of_the_difference(decided):
    """Costs that go together are told apart where each by itself is known a hundred times worse."""
    decision = decided(
        normal("a", 0, 1) + normal("b", 0.005, 0.01) + option("one", "a") + option("two", "a + b"), scheme="random"
    )
    beyond, error = decision.estimate("beyond_best", choice="two")
    assert abs(beyond - 0.005) < 4 * error
    assert 0.3 < error / (0.01 / math.sqrt(QUICK)) < 2  # chi with 15 degrees of freedom, beyond 1 in 1e6
    assert decision_report.alike(decision) == ["one"]


@pytest.mark.parametrize("power", [-60, 60])
def test_what_is_decided_hangs_on_no_unit(decided, power):
    """Costs times a power of two are decided alike, and every figure is that power's multiple, to the bit."""
    few = '[priors.a]\ndist = "choice"\nvalues = [0, 2, 5]\n' + normal("b", 2, 1)
    one, other = (
        decided(few + option("one", f"a * 2.0 ** {each}") + option("two", f"b * 2.0 ** {each}"), scenarios=2**12)
        for each in (0, power)
    )
    assert one.attributes["best"] == other.attributes["best"]
    for name in ("evppi", "evppi_se", "evpi", "evpi_se", "beyond_best", "beyond_best_se"):
        assert np.array_equal(np.ldexp(one.at(name), power), other.at(name)), name
    assert np.all(one.at("evppi") > 0)


def test_constants_can_be_decided_between(decided, tmp_path):
    decision = decided("[priors.a]\nvalue = 2\n" + option("one", "a") + option("two", "3 - a"))
    assert decision.attributes["best"] == "two"
    assert decision["expected_regret"].tolist() == [1, 0]
    assert decision.labels("prior") == []
    assert "nan" not in text_of(decision)
    plots(decision)["decide"].draw_without_rendering()
    (tmp_path / "decide.nc").write_bytes(netcdf.written(decision))
    assert netcdf.read(tmp_path / "decide.nc")["evppi"].shape == (0,)


def test_what_is_not_a_number_beside_the_cost_is_told_and_left_out(decided):
    text = normal("p1", 1, 1) + normal("p2", 0, 2)
    for name, beside in (("one", "log(p1)"), ("two", "p2")):
        text += option(name, "p1" if name == "one" else "p2") + option(name, beside, quantity="beside")
    decision = decided(text, quantities=["value", "beside"])
    lost = decision.at("nonfinite", quantity="beside", choice="one")
    assert lost == pytest.approx(QUICK * NORMAL.cdf(-1), rel=0.01)
    assert decision.at("nonfinite", quantity="beside", choice="two") == 0
    line = f"beside of one: nan or infinite in {lost:,.0f} of 16,384 scenarios, left out"
    assert decision.warnings == [line]


@pytest.mark.parametrize("scheme", ["sobol", pytest.param("random", marks=pytest.mark.long)])
def test_the_result_does_not_depend_on_the_backend(scheme):
    priors = load_priors(
        f'model = "none"\n{TWO_NORMALS}{normal("idle", 0, 1)}[quantities.more]\nformula = "p1 * idle"\n'
    )
    asked = {"quantities": ["value", "more"], "scenarios": 2**13, "scheme": scheme, "workers": 2}
    told = [written(decide(priors, backend=each, **asked), "json") for each in ("serial", "threads")]
    assert told[0] == told[1]


def test_progress_is_told_to_the_end_and_can_end_the_work(decided):
    told = []
    decided(TWO_NORMALS, progress=lambda *step: told.append(step))
    assert told == [("scenarios", done, 16) for done in range(1, 17)]

    def gone(*_step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decided(TWO_NORMALS, workers=1, progress=gone)


def test_the_result_has_the_layout(own_or_rent):
    told, cost = own_or_rent, "cost_per_1k_tokens"
    assert told.question == "decide"
    assert (told.attributes["decided_by"], told.attributes["best"]) == (cost, "buy_tokens")
    assert told.labels("quantity")[0] == cost
    assert told.labels("choice") == ["own", "rent_reserved", "rent_on_demand", "buy_tokens"]
    assert told.at("choice_label", choice="own") == "Buy the servers"
    dims = {name: told.variables[name].dims for name in told.figures()}
    assert dims == {
        "percentiles": ("quantity", "choice", "percentile"),
        "fine_percentiles": ("quantity", "choice", "fine_percentile"),
        **dict.fromkeys(("mean", "sd", "minimum", "maximum", "nonfinite"), ("quantity", "choice")),
        **dict.fromkeys(("probability_best", "expected_regret", "beyond_best"), ("choice",)),
        "evpi": (),
        "evppi": ("prior",),
    }
    units = {name: told.unit(name) for name in ("probability_best", "expected_regret", "evpi", "evppi")}
    assert units == {"probability_best": "1"} | dict.fromkeys(list(units)[1:], "USD/ktoken")
    assert told.at("prior_label", prior="it_lifetime") == "IT lifetime"
    assert told.at("prior_unit", prior="it_lifetime") == "year"


def test_json_has_figures_by_quantity_and_choice(own_or_rent):
    whole = json.loads(written(own_or_rent, "json"))
    told = whole["result"]
    assert (whole["settings"]["decided_by"], told["best"]) == ("cost_per_1k_tokens", "buy_tokens")
    assert list(told["quantities"]) == own_or_rent.labels("quantity")
    cost = told["quantities"]["cost_per_1k_tokens"]
    assert cost["unit"] == "USD/ktoken"
    assert list(cost["percentiles"]["value"]["own"]) == ["5", "25", "50", "75", "95"]
    assert set(cost["mean"]["value"]) == set(told["choices"]) == set(own_or_rent.labels("choice"))
    evpi = told["figures"]["evpi"]
    assert (evpi["value"], evpi["standard_error"]) == own_or_rent.estimate("evpi")
    assert [name for name, each in told["priors"].items() if "evppi" in each] == own_or_rent.labels("prior")


def test_csv_has_every_figure(own_or_rent):
    rows = list(csv.DictReader(io.StringIO(written(own_or_rent, "csv"))))
    by = {(row["quantity"], row["choice"], row["percentile"], row["prior"], row["figure"]): row for row in rows}
    assert len(by) == len(rows) == 4 * 4 * (5 + 5) + 3 * 4 + 1 + len(own_or_rent.labels("prior"))
    assert float(by["", "", "", "", "evpi"]["value"]) == own_or_rent.at("evpi")
    assert by["", "own", "", "", "probability_best"]["unit"] == "1"


# ---------------------------------------------------------------------------------------------------------
# What a person reads


@pytest.mark.parametrize("width", [None, 120, 80, 40])
def test_the_report_keeps_to_its_width(own_or_rent, width):
    text = text_of(own_or_rent, width)
    if width:
        assert max(map(len, text.splitlines())) <= width
    assert "Best by expected cost: Buy the tokens." in " ".join(text.split())
    assert text.count("Break-even utilization") == 1  # the same in each choice, so told once


def test_the_picture_shows_each_choice_and_what_is_worth_finding_out(own_or_rent):
    figure = plots(own_or_rent)["decide"]
    figure.draw_without_rendering()
    upper, lower = figure.axes
    labels = [label.get_text() for label in upper.get_yticklabels()]
    assert labels == own_or_rent["choice_label"].tolist()
    listed = [own_or_rent.at("prior_label", prior=name) for name, *_ in decision_report.worth_telling(own_or_rent)]
    assert [label.get_text() for label in lower.get_yticklabels()] == ["everything (EVPI)", *listed]
    assert set(listed) < set(own_or_rent["prior_label"])


def test_the_worth_of_information_is_a_share_of_the_cost_or_of_its_band(decided):
    """The expected cost of the best is 0 as far as the scenarios tell; what is told of one that is not stays."""
    text = decision_report.verdict(decided(TWO_NORMALS))
    assert "(EVPI), 7.3 % of the width from P5 to P95 of its cost." in text
    shifted = decided(TWO_NORMALS.replace('"p1"', '"p1 + 9"').replace('"p2"', '"p2 + 9"'))
    assert "(EVPI), 5.3 % of its expected cost." in decision_report.verdict(shifted)


def test_what_knowing_saves_is_no_share_of_nothing(decided):
    told = decided(normal("p1", 1, 1) + option("one", "0", "USD") + option("two", "p1", "USD"))
    assert decision_report.verdict(told).endswith("USD on average (EVPI).")


def test_a_prior_without_a_label_is_told_by_its_name_once(decided):
    lines = [line.split() for line in text_of(decided(TWO_NORMALS)).splitlines()]
    told = [line for line in lines if line[:1] in (["p1"], ["p2"])]
    assert [line[0] for line in told] == ["p2", "p1"]
    assert [float(line[1]) for line in told] == pytest.approx([0.3956, 0.0833], abs=0.005)


def test_one_prior_that_is_worth_nothing_is_no_several(decided):
    text = normal("idle", 0, 1) + option("one", "p1 + 0 * idle") + option("two", "p2")
    told = text_of(decided(normal("p1", 1, 1) + normal("p2", 0, 2) + text))
    assert "One other prior, found out alone, is worth" in told


# ---------------------------------------------------------------------------------------------------------
# The command


@pytest.fixture
def decide_command(command):
    return lambda *arguments: command("decide", *arguments)


def test_command_writes_its_files_and_prints_a_table(decide_command, tmp_path):
    code, out, err = decide_command(OWN_OR_RENT, "--scenarios", QUICK, "--quantities", "capex")
    assert (code, err) == (0, "")
    assert "Buy the servers" in out
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES | PICTURES


def test_command_options_reach_the_decision(decide_command, tmp_path):
    code, out, _ = decide_command(
        *(OWN_OR_RENT, "--scenarios", QUICK, "--format", "json", "--quantities", "cost_per_day,utilization"),
        *("--percentiles", "10,90", "--seed", 3, "--scheme", "random", "--maximize", "--set", "pue=1.2"),
    )
    told = json.loads(out)
    assert code == 0
    asked, found = told["settings"], told["result"]
    assert (asked["decided_by"], asked["objective"], asked["seed"]) == ("cost_per_day", "maximize", 3)
    assert asked["scheme"] == "random"
    assert list(found["quantities"]) == ["cost_per_day", "utilization"]
    assert list(found["quantities"]["cost_per_day"]["percentiles"]["value"]["own"]) == ["10", "90"]
    assert "pue" not in found["priors"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


def test_csv_is_the_file_that_is_written(decide_command, tmp_path):
    code, out, _ = decide_command(OWN_OR_RENT, "--scenarios", QUICK, "--quantities", "capex", "--format", "csv")
    assert code == 0
    assert (tmp_path / "out" / "decide.csv").read_text() == out


NAMED = '[run]\nquantities = ["value"]\n[quantities.value]\nformula = "p1"\nunit = "{}"\n'
REFUSED = {
    "no choices": (
        normal("p1", 1, 1) + '[quantities.value]\nformula = "p1"\n',
        (),
        "no choices to decide between; add [choices.NAME] tables",
    ),
    "one choice": (normal("p1", 1, 1) + option("one", "p1"), (), "only one choice to decide between"),
    "unknown quantity": (TWO_NORMALS, ("--quantities", "valeu"), "there is no quantity valeu; did you mean value?"),
    "quantity of one choice": (
        TWO_NORMALS + option("two", "p2", quantity="extra"),
        ("--quantities", "value,extra"),
        "choice one: there is no quantity extra",
    ),
    "nothing named": (TWO_NORMALS, (), "by what to decide?"),
    "time": (
        NAMED.format("h") + normal("p1", 1, 1) + option("one", "p1", "h") + option("two", "2 * p1", "h"),
        (),
        "value is in h, which is no cost; name what to decide by with --quantities value",
    ),
    "a mere number": (
        NAMED.format("1") + normal("p1", 1, 1) + option("one", "p1", "1") + option("two", "2", "1"),
        (),
        "value is a mere number, which is no cost; name what to decide by with --quantities value",
    ),
    "all": (TWO_NORMALS, ("--quantities", "all"), "'all' is no cost to decide by"),
    "units": (
        TWO_NORMALS.replace('"p2"\nunit = "USD"', '"p2"\nunit = "USD/day"'),
        ("--quantities", "value"),
        "value is in USD in one, USD/day in two; give it one unit in all choices",
    ),
    "nan": (
        normal("p1", 1, 1) + normal("p2", 3, 1) + option("one", "log(p1)") + option("two", "p2"),
        ("--quantities", "value"),
        "scenarios of one, so that it has no expectation",
    ),
    "infinite": (
        normal("p1", 1, 1) + "[priors.z]\nvalue = 0\n" + option("one", "p1") + option("two", "1 / z"),
        ("--quantities", "value"),
        "value is nan or infinite in 16,384 of 16,384 scenarios of two",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_decided_is_told_in_one_line(decide_command, file, why, tmp_path):
    text, arguments, message = REFUSED[why]
    code, out, err = decide_command(file(text).path, "--scenarios", QUICK, *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith(f"{tmp_path / 'decision.toml'}:")
    assert message in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("unit", "options", "shown", "heading"),
    [
        ("h", (), "Best by the least expected value, in h: one.", "best"),
        ("h", ("--maximize",), "Best by the most expected value, in h: two.", "best"),
        ("1", (), "Best by the least expected value: one.", "best"),
        ("EUR", (), "Best by expected cost: one.", "cheapest"),
        ("USD/h", ("--maximize",), "Best by expected value: two.", "best"),
    ],
)
def test_what_is_decided_by_is_told(decide_command, file, unit, options, shown, heading):
    text = normal("p1", 9, 1) + option("one", "p1", unit) + option("two", "2 * p1", unit)
    code, out, _ = decide_command(file(text).path, "--scenarios", QUICK, "--quantities", "value", *options)
    assert code == 0
    assert shown in out
    assert f" {heading} " in out


@pytest.mark.parametrize("unit", ["EUR", "million USD/year", "cents"])
def test_a_cost_of_the_file_needs_no_name(decide_command, file, unit):
    text = NAMED.format(unit) + normal("p1", 9, 1) + option("one", "p1", unit) + option("two", "9", unit)
    assert decide_command(file(text).path, "--scenarios", QUICK)[0] == 0


def test_a_quantity_that_a_choice_cannot_compute_is_told_with_what_it_lacks(decide_command):
    code, _, err = decide_command(OWN_OR_RENT, "--quantities", "cost_per_1k_tokens,batch_limit")
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith(f"{OWN_OR_RENT}: choice own: batch_limit cannot be computed; give a prior for ")
    assert "memory_capacity" in err


def test_a_script_gets_the_same_errors(file):
    with pytest.raises(SimulateError, match="'all' is no cost to decide by; name it first, then others"):
        decide(file(TWO_NORMALS), quantities="all")
    with pytest.raises(SimulateError, match="scheme"):
        decide(file(TWO_NORMALS), quantities=["value"], scheme="sobel")


def test_decisions_are_imported_late():
    done = subprocess.run(
        [sys.executable, "-c", "import simulate.decisions, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"scipy.stats", "xarray", "matplotlib", "pint", "rich", "scipy.special"}
