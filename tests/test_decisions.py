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

from simulate import decisions, engine
from simulate.cli import main
from simulate.decisions import plots as decision_plots
from simulate.decisions import report as decision_report
from simulate.priors import choice, load_priors
from simulate.tables import plain

OWN_OR_RENT = "priors/own-or-rent.toml"
QUICK = 2**14
NORMAL = NormalDist()


def normal(name, mean, sd):
    return f'[priors.{name}]\ndist = "normal"\nmean = {mean}\nsd = {sd}\n'


def lognormal(name, median, sigma):
    return f'[priors.{name}]\ndist = "lognormal"\nmedian = {median}\nsigma = {sigma}\n'


def option(name, formula, unit="USD", quantity="value"):
    return f'[choices.{name}.quantities.{quantity}]\nformula = "{formula}"\nunit = "{unit}"\n'


TWO_NORMALS = normal("p1", 1, 1) + normal("p2", 0, 2) + option("one", "p1") + option("two", "p2")


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "decision.toml"
        path.write_text(f'model = "none"\n{text}', encoding="utf-8")
        return path

    return write


@pytest.fixture
def decided(file):
    def decide(text, **options):
        options = {"quantities": ["value"], "scenarios": QUICK, **options}
        return decisions.decide(load_priors(file(text)), **options)

    return decide


def worth(decision):
    return {each.prior: each for each in decision.evppi}


def unit_loss(mean, sd):
    """E[max(0, -D)] for D ~ N(mean, sd): what knowing D saves where it is mostly positive."""
    z = mean / sd
    return sd * (NORMAL.pdf(z) - z * NORMAL.cdf(-z))


# ---------------------------------------------------------------------------------------------------------
# The value of information against closed forms


@pytest.mark.parametrize(("scheme", "largest_error"), [("sobol", 2e-5), ("random", 2e-3)])
def test_two_normal_options_have_the_closed_form(decided, scheme, largest_error):
    decision = decided(TWO_NORMALS, scenarios=2**20, scheme=scheme, maximize=True)
    assert decision.best == "one"
    found = worth(decision)
    for estimate, exact in (
        (decision.evpi, 0.4798107063483925),
        (found["p1"], 0.08331547058768629),
        (found["p2"], 0.39559311480261206),
    ):
        assert 0 < estimate.se < largest_error
        assert abs(estimate.value - exact) < 4 * estimate.se


def test_minimizing_losses_is_maximizing_gains(decided):
    losses = TWO_NORMALS.replace('"p1"', '"-p1"').replace('"p2"', '"-p2"')
    most, least = decided(TWO_NORMALS, maximize=True), decided(losses)
    assert (least.best, least.evpi, least.evppi) == (most.best, most.evpi, most.evppi)
    assert [each.regret for each in least.options] == [each.regret for each in most.options]
    assert decided(TWO_NORMALS).best == "two"


@pytest.mark.parametrize("rho", [-0.6, 0.7])
def test_a_correlated_prior_tells_of_the_other(decided, rho):
    link = f"[correlations]\np1.p2 = {{gaussian_copula = {rho}}}\n"
    decision = decided(link + TWO_NORMALS, scenarios=2**18, maximize=True)
    found = worth(decision)
    for estimate, sd in (
        (decision.evpi, math.sqrt(5 - 4 * rho)),
        (found["p1"], abs(1 - 2 * rho)),
        (found["p2"], abs(2 - rho)),
    ):
        assert abs(estimate.value - unit_loss(1, sd)) < 4 * estimate.se


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
        (decision.evpi, best - least(*mean, math.hypot(*sigma))),
        (found["a"], best - least(mean[0], mean[1], sigma[0])),
        (found["b"], best - least(mean[1], mean[0], sigma[1])),
    ):
        assert abs(estimate.value - exact) < 4 * estimate.se


def test_a_prior_of_few_values_is_binned_by_value(decided):
    values = '[priors.a]\ndist = "choice"\nvalues = [0, 2, 5]\nweights = [0.25, 0.4, 0.35]\n'
    text = values + normal("b", 1.5, 1) + option("one", "a") + option("two", "b")
    found = worth(decided(text, scenarios=2**18))
    # Without knowing: E[b] = 1.5 against E[a] = 2.55. Knowing a = 0, a quarter of the time, saves 1.5.
    assert abs(found["a"].value - 0.25 * 1.5) < 4 * found["a"].se
    assert found["a"].se < 1e-3
    exact = unit_loss(2.55 - 1.5, 1)
    assert abs(found["b"].value - exact) < 4 * found["b"].se


def test_cuts_keep_values_whole_and_follow_what_is_smooth_between_them(file):
    mixture = '[priors.{}]\ndist = "choice"\nvalues = [1, 2, 3]\nweights = [0.31, 0.4, 0.29]\n'
    priors = load_priors(file(mixture.format("a") + lognormal("b", 1, 1) + '[quantities.c]\nformula="a*b"\n'))
    values, smooth = (priors.priors[name].distribution for name in "ab")
    assert decisions._cuts([values]) == pytest.approx([0.31, 0.71])
    assert decisions._cuts([smooth]) is None
    both = decisions._cuts([values, smooth])  # another family in another choice
    assert len(both) == decisions.BINS_WITH_JUMPS - 1 + 2


def test_noise_is_worth_nothing(decided):
    """Options with equal means: the least of noisy means by bin would show a value of hundreds of its errors."""
    text = normal("a", 0, 1) + normal("b", 0, 1) + lognormal("idle", 1, 1)
    text += option("one", "a + 0 * idle") + option("two", "b")
    values, errors = [], []
    for seed in range(10):
        idle = worth(decided(text, seed=seed, scheme="random"))["idle"]
        values.append(idle.value)
        errors.append(idle.se)
    # Told as 0 where below it, so that the mean of as many is at most that of the positive halves: 0.4 errors.
    assert np.mean(values) < 0.4 * np.mean(errors) + 4 * np.mean(errors) / math.sqrt(10)


def test_a_prior_with_other_parameters_in_a_choice_is_found_out_in_both(decided):
    own = '[choices.two.priors.a]\ndist = "normal"\nmean = 0\nsd = 3\n'
    decision = decided(normal("a", 0, 1) + option("one", "a") + own + option("two", "a"), scenarios=2**18)
    found = worth(decision)
    assert list(found) == ["a"]
    # The difference is 2 z with z standard normal, so that either is cheaper half of the time.
    assert abs(found["a"].value - unit_loss(0, 2)) < 4 * found["a"].se
    assert found["a"].value <= decision.evpi.value


# ---------------------------------------------------------------------------------------------------------
# The choices


@pytest.fixture(scope="module")
def own_or_rent():
    return decisions.decide(load_priors(OWN_OR_RENT), scenarios=QUICK)


def test_bands_are_those_of_the_choices_own_runs_to_the_bit(own_or_rent):
    priors = load_priors(OWN_OR_RENT)
    for each in own_or_rent.options:
        names = list(each.bands)
        run = engine.run(choice(priors, each.name), QUICK, quantities=names)
        assert names == list(priors.run.quantities)
        for name, band in each.bands.items():
            assert np.array_equal(band.percentiles, run[name].values)
            assert np.array_equal(band.percentile_se, run[f"{name}_se"].values)
            assert band.mean == float(run[f"{name}_mean"])
            assert band.mean_se == pytest.approx(float(run[f"{name}_mean_se"]), rel=1e-13)


def test_figures_fit_together(own_or_rent):
    told, cost = own_or_rent, own_or_rent.quantity.name
    best = told.option(told.best)
    assert sum(each.probability_best.value for each in told.options) == pytest.approx(1, abs=1e-12)
    assert best.regret == told.evpi
    for each in told.options:
        further = each.bands[cost].mean - best.bands[cost].mean
        assert each.regret.value - best.regret.value == pytest.approx(further, rel=1e-9, abs=1e-15)
        assert further >= 0
    values = [each.value for each in told.evppi]
    assert values == sorted(values, reverse=True)
    assert all(0 <= value <= told.evpi.value for value in values)


def test_only_uncertain_priors_that_the_cost_needs_are_listed(own_or_rent):
    priors = load_priors(OWN_OR_RENT)
    listed = {each.prior for each in own_or_rent.evppi}
    used = {
        name
        for option in priors.choices
        for name in engine.scenarios_of(
            choice(priors, option), ["cost_per_1k_tokens"], scenarios=16, seed=0
        ).sampler.wanted
    }
    assert listed == used
    assert "output_tokens" in listed
    assert "training_tokens" not in listed


def test_equal_choices_share_the_scenarios(decided):
    text = normal("a", 0, 1) + option("one", "a") + option("two", "a") + option("three", "a + 1")
    decision = decided(text)
    assert [each.probability_best.value for each in decision.options] == [0.5, 0.5, 0]
    assert [each.regret.value for each in decision.options] == [0, 0, 1]
    assert (decision.best, decision.evpi.value) == ("one", 0)
    assert [each.value for each in decision.evppi] == [0]
    assert "in every scenario" in decision_report.verdict(decision)
    decision_plots.decision_figure(decision).draw_without_rendering()


def test_constants_can_be_decided_between(decided):
    decision = decided("[priors.a]\nvalue = 2\n" + option("one", "a") + option("two", "3 - a"))
    assert decision.best == "two"
    assert [each.regret.value for each in decision.options] == [1, 0]
    assert decision.evppi == ()
    assert "nan" not in plain(decision_report.report(decision))
    decision_plots.decision_figure(decision).draw_without_rendering()


@pytest.mark.parametrize("scheme", ["sobol", "random"])
def test_the_result_does_not_depend_on_threads(scheme):
    priors = load_priors("priors/accelerators.toml")
    told = [
        decisions.to_json(decisions.decide(priors, scenarios=2**13, scheme=scheme, threads=threads))
        for threads in (1, 2, None)
    ]
    assert told[0] == told[1] == told[2]


def test_json_has_the_shape(own_or_rent):
    told = json.loads(decision_report.json_text(own_or_rent))
    assert (told["quantity"], told["unit"], told["best"]) == ("cost_per_1k_tokens", "USD/ktoken", "own")
    assert set(told["choices"]["own"]) == {
        *("label", "mean", "mean_se", "percentiles", "percentile_se"),
        *("probability_best", "probability_best_se", "expected_regret", "expected_regret_se"),
    }
    assert list(told["choices"]["own"]["percentiles"]) == ["5", "25", "50", "75", "95"]
    assert set(told["evpi"]) == {"value", "se"}
    assert {"prior", "value", "se"} <= set(told["evppi"][0])
    assert set(told["quantities"]["break_even_utilization"]["choices"]) == {
        "own",
        "rent_reserved",
        "rent_on_demand",
    }


def test_csv_has_every_figure(own_or_rent):
    rows = list(csv.DictReader(io.StringIO(decision_report.csv_text(own_or_rent))))
    by = {(row["quantity"], row["choice"], row["prior"], row["figure"]): row for row in rows}
    assert len(by) == len(rows) == 4 * 3 * 6 + 3 * 2 + 1 + len(own_or_rent.evppi)
    cost = own_or_rent.quantity.name
    assert float(by[cost, "", "", "evpi"]["value"]) == own_or_rent.evpi.value
    assert by[cost, "own", "", "probability_best"]["unit"] == "1"


# ---------------------------------------------------------------------------------------------------------
# What a person reads


@pytest.mark.parametrize("width", [None, 120, 80, 40])
def test_the_report_keeps_to_its_width(own_or_rent, width):
    text = plain(decision_report.report(own_or_rent, width))
    if width:
        assert max(map(len, text.splitlines())) <= width
    assert "Best by expected cost: Buy the servers." in " ".join(text.split())
    assert text.count("Break-even utilization") == 1  # the same in each choice, so told once


def test_the_picture_shows_each_choice_and_what_is_worth_finding_out(own_or_rent):
    figure = decision_plots.decision_figure(own_or_rent)
    figure.draw_without_rendering()
    upper, lower = figure.axes
    labels = [label.get_text() for label in upper.get_yticklabels()]
    assert labels == [each.label for each in own_or_rent.options]
    listed = [each.label for each in decision_report.worth_telling(own_or_rent)]
    assert [label.get_text() for label in lower.get_yticklabels()] == ["everything (EVPI)", *listed]
    assert listed[0] == own_or_rent.evppi[0].label


@pytest.mark.parametrize(
    ("share", "error", "text"),
    [
        (0.5791, 0.0002, "58 %"),
        (0.0681, 0.001, "6.8 %"),
        (0.000802, 3e-5, "0.08 %"),
        (0, 0, "0 %"),
        (1, 0, "100 %"),
    ],
)
def test_percent_keeps_to_what_the_error_supports(share, error, text):
    assert decision_report.percent(share, error) == text


# ---------------------------------------------------------------------------------------------------------
# The command


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["simulate", "decide", *map(str, arguments), "--out", str(tmp_path / "out")]
        )
        try:
            main()
            code = 0
        except SystemExit as error:
            code = error.code or 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_command_writes_three_files_and_prints_a_table(command, tmp_path):
    code, out, err = command(OWN_OR_RENT, "--scenarios", QUICK)
    assert (code, err) == (0, "")
    assert "Buy the servers" in out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"decide.csv", "decide.png", "decide.svg"}


def test_command_options_reach_the_decision(command, tmp_path):
    code, out, _ = command(
        *(OWN_OR_RENT, "--scenarios", QUICK, "--format", "json", "--quantities", "cost_per_day,utilization"),
        *("--percentiles", "10,90", "--seed", 3, "--scheme", "random", "--maximize", "--set", "pue=1.2"),
    )
    told = json.loads(out)
    assert code == 0
    assert (told["quantity"], told["objective"], told["seed"]) == ("cost_per_day", "maximize", 3)
    assert list(told["choices"]["own"]["percentiles"]) == ["10", "90"]
    assert list(told["quantities"]) == ["utilization"]
    assert "pue" not in {each["prior"] for each in told["evppi"]}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["decide.csv"]


def test_csv_is_the_file_that_is_written(command, tmp_path):
    code, out, _ = command(OWN_OR_RENT, "--scenarios", QUICK, "--format", "csv")
    assert code == 0
    assert (tmp_path / "out" / "decide.csv").read_text() == out


REFUSED = {
    "no choices": (
        normal("p1", 1, 1) + '[quantities.value]\nformula = "p1"\n',
        (),
        "no choices to decide between; add [choices.NAME] tables",
    ),
    "one choice": (normal("p1", 1, 1) + option("one", "p1"), (), "only one choice to decide between"),
    "unknown quantity": (
        TWO_NORMALS,
        ("--quantities", "valeu"),
        "there is no quantity valeu; did you mean value?",
    ),
    "quantity of one choice": (
        TWO_NORMALS + option("two", "p2", quantity="extra"),
        ("--quantities", "value,extra"),
        "there is no quantity extra in one",
    ),
    "nothing named": (TWO_NORMALS, (), "by what to decide?"),
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
def test_what_cannot_be_decided_is_told_in_one_line(command, file, why, tmp_path):
    text, arguments, message = REFUSED[why]
    code, out, err = command(file(text), "--scenarios", QUICK, *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith(f"{tmp_path / 'decision.toml'}:")
    assert message in err
    assert not (tmp_path / "out").exists()


def test_a_quantity_that_a_choice_cannot_compute_is_told_with_what_it_lacks(command):
    code, _, err = command(OWN_OR_RENT, "--quantities", "cost_per_1k_tokens,batch_limit")
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith(
        f"{OWN_OR_RENT}: batch_limit cannot be computed in own; give a prior for replica_acc"
    )


def test_decisions_are_imported_late():
    done = subprocess.run(
        [sys.executable, "-c", "import simulate.decisions, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"scipy.stats", "xarray", "matplotlib", "pint", "rich", "scipy.special"}
