from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr, ndtri

from simulate import plots
from simulate.backtest import Backtest, backtest
from simulate.backtest.report import as_json, as_rows, backtest_report, figures
from simulate.backtest.scores import (
    BANDS,
    PERCENTILES,
    Coverage,
    Group,
    quantile_case,
    quantile_crps,
    standard_normal_crps,
)
from simulate.backtest.serving import PUBLISHED, benchmark_group
from simulate.backtest.training import BASELINES, training_case
from simulate.calibration.serving import benchmarks, left_out, predicted_seconds, spread
from simulate.calibration.serving import fit as fit_roofline
from simulate.calibration.training import RUNS_FILE, fit, training_mfu, training_runs
from simulate.priors import SHIPPED, load_priors
from simulate.tables import plain
from simulate.units import conversion_factor


@cache
def whole():
    return backtest()


def crps_by_integration(outcome, probability):
    """Integrate (F(x) - [x >= outcome])^2, the definition."""
    below, _ = quad(lambda x: probability(x) ** 2, -np.inf, outcome, epsabs=1e-12)
    above, _ = quad(lambda x: (1 - probability(x)) ** 2, outcome, np.inf, epsabs=1e-12)
    return below + above


@pytest.mark.parametrize("outcome", [-3, -0.4, 0, 1.3, 4])
def test_crps_of_a_normal_is_its_integral(outcome):
    assert standard_normal_crps(outcome) == pytest.approx(crps_by_integration(outcome, ndtr), rel=1e-8)


@pytest.mark.parametrize("outcome", [-3, -0.4, 0, 1.3, 4])
def test_crps_from_quantiles_is_its_integral(outcome):
    # A forecast uniform on -1..2 is known exactly by two quantiles; the midpoint rule errs by 1e-8.
    uniform = quantile_crps(outcome, [0, 1], [-1, 2])
    integral = crps_by_integration(outcome, lambda x: float(np.clip((x + 1) / 3, 0, 1)))
    assert uniform == pytest.approx(integral, rel=1e-6)
    # The grid that a run keeps cuts 0.5 % at each end of a normal: at most 2 x 0.005 x the mean excess
    # there (0.32) a tail, and interpolation errs by less than that.
    grid = np.arange(1, 200) / 200
    exact = standard_normal_crps(outcome)
    assert quantile_crps(outcome, grid, ndtri(grid)) == pytest.approx(exact, abs=0.0064)


def test_a_case_is_forecast_without_itself():
    run = next(run for run in training_runs() if run.model == "YaLM 100B")
    others = [other for other in training_runs() if not other.excluded and other is not run]
    mean, sd = fit(others).log_mean_and_sd(run.parameters_active, run.peak_flops)
    case = training_case(run)
    assert case.percentiles[50] == pytest.approx(run.hours_at_peak / math.exp(mean), rel=1e-12)
    assert case.pit == pytest.approx(1 - ndtr((math.log(run.mfu) - mean) / sd), abs=1e-12)
    assert case.percentiles[50] != pytest.approx(
        run.hours_at_peak / float(training_mfu().at_deviation(0, run.parameters_active, run.peak_flops)),
        rel=0.01,
    )


def test_a_run_of_another_name_is_forecast_by_the_whole_fit():
    run = replace(training_runs()[0], model="unheard of")
    median = run.hours_at_peak / float(training_mfu().at_deviation(0, run.parameters_active, run.peak_flops))
    assert training_case(run).percentiles[50] == pytest.approx(median, rel=1e-12)


def test_hours_do_not_move_their_own_forecast():
    run = training_runs()[0]
    assert training_case(replace(run, accelerator_hours=2 * run.accelerator_hours)).percentiles == (
        training_case(run).percentiles
    )


def test_the_forecast_beats_the_points():
    training = whole().training
    for name in BASELINES:
        crps, log_score = training.point_scores(name)
        assert training.crps < crps
        assert training.log_score < log_score


def test_point_scores_by_hand():
    errors = [math.log(run.mfu / 0.462) for run in training_runs() if not run.excluded]
    crps, log_score = whole().training.point_scores("mfu_46.2")
    assert crps == pytest.approx(np.mean(np.abs(errors)), rel=1e-12)
    sd = np.sqrt(np.mean(np.square(errors)))
    densities = [math.exp(-0.5 * (e / sd) ** 2) / (sd * math.sqrt(2 * math.pi)) for e in errors]
    assert log_score == pytest.approx(-np.mean(np.log(densities)), rel=1e-12)


@pytest.mark.parametrize(
    # R: binom.test(k, n)$conf.int
    ("inside", "cases", "interval"),
    [(7, 10, (0.3475471, 0.9332605)), (0, 10, (0, 0.3084971)), (10, 10, (0.6915029, 1)), (0, 0, (0, 1))],
)
def test_clopper_pearson(inside, cases, interval):
    assert Coverage(inside, cases).interval == pytest.approx(interval, abs=5e-8)


def test_bands_and_pits_tell_the_same_story():
    result = whole().training
    for band in BANDS:
        low, high = {50: (25, 75), 80: (10, 90), 90: (5, 95)}[band]
        inside = sum(c.percentiles[low] <= c.outcome <= c.percentiles[high] for c in result.cases)
        assert inside == result.coverage[band].inside
    assert result.pit_counts().sum() == len(result.cases)


def test_json_is_laid_out_as_promised():
    laid_out = json.loads(json.dumps(as_json(whole()), allow_nan=False))
    assert {"cases", "coverage", "crps", "log_score", "baselines"} <= set(laid_out)
    for case in laid_out["cases"]:
        assert list(case["percentiles"]) == [str(percentile) for percentile in PERCENTILES]
        values = list(case["percentiles"].values())
        assert values == sorted(values)
        assert 0 <= case["pit"] <= 1
    assert set(laid_out["coverage"]) == {"50", "80", "90"}
    assert len(laid_out["cases"]) + len(laid_out["excluded"]) == len(training_runs())


def test_rows_fit_their_header():
    header, *rows = as_rows(whole())
    assert len(rows) == sum(len(group.cases) for group in (whole().training, *whole().groups))
    assert {len(row) for row in rows} == {len(header)}


def test_nothing_to_score_is_no_crash():
    laid_out = json.loads(json.dumps(as_json(Backtest(Group("training runs", ()))), allow_nan=False))
    assert laid_out["crps"] is None
    assert laid_out["coverage"] == {"50": None, "80": None, "90": None}


def test_own_runs_are_scored_and_faulty_rows_named(tmp_path):
    path = tmp_path / "own.csv"
    header, *lines = RUNS_FILE.read_text(encoding="utf-8").splitlines()
    palm = next(line for line in lines if line.startswith("PaLM"))
    path.write_text("\n".join([header, palm, palm.replace("8404992", "many"), "x"]) + "\n")
    result = backtest(path)
    assert [case.name for case in result.training.cases] == ["PaLM 540B"]
    assert result.training.cases[0] == next(
        case for case in whole().training.cases if case.name == "PaLM 540B"
    )
    assert [problem.split(": ")[1] for problem in result.problems] == [
        "accelerator_hours", "1 values under 14 columns; quote a value with a comma"
    ]  # fmt: skip


def test_a_forecast_known_by_its_quantiles_scores_as_the_distribution_does():
    grid = np.arange(1, 2000) / 2000
    case = quantile_case("nodes", 230, "1", probabilities=grid, quantiles=np.exp(5 + 0.4 * ndtri(grid)))
    deviation = (math.log(230) - 5) / 0.4
    assert case.pit == pytest.approx(ndtr(deviation), abs=1e-5)
    assert case.crps == pytest.approx(0.4 * standard_normal_crps(deviation), abs=0.4 * 2 * 0.0005 * 0.3 * 2)
    assert case.log_score == pytest.approx(
        math.log(0.4) + 0.5 * math.log(2 * math.pi) + deviation**2 / 2, abs=1e-4
    )
    assert case.percentiles[95] == pytest.approx(math.exp(5 + 0.4 * ndtri(0.95)), rel=1e-12)


def test_the_picture_of_bands_shows_each_case_in_order():
    cases = whole().training.cases
    figure = plots.forecast_bands(
        [case.percentiles for case in cases],
        [case.outcome for case in cases],
        [c.name for c in cases],
        "hours",
    )
    figure.draw_without_rendering()
    (axis,) = figure.axes
    dots = [line for line in axis.lines if line.get_marker() == "o"]
    by_median = sorted(cases, key=lambda case: case.percentiles[50])
    assert [label.get_text() for label in axis.get_yticklabels()] == [case.name for case in by_median]
    assert [dot.get_xdata()[0] for dot in dots] == [case.outcome for case in by_median]
    hollow = [dot.get_markerfacecolor() == "white" for dot in dots]
    assert hollow == [abs(case.pit - 0.5) > 0.45 for case in by_median]


def test_the_picture_of_pits_counts_all_cases():
    figure = plots.pit_histogram([case.pit for case in whole().training.cases])
    figure.draw_without_rendering()
    (axis,) = figure.axes
    assert [bar.get_height() for bar in axis.containers[0]] == whole().training.pit_counts().tolist()


def test_a_benchmark_is_forecast_without_its_stack_and_model():
    rows = benchmarks("H100 SXM5")
    held = [row for row in rows if row.group == rows[0].group]
    others = [row for row in rows if row.group != rows[0].group]
    case = next(case for case in benchmark_group().cases if case.name.startswith(f"{held[0].label} H100"))
    assert case.percentiles[50] == pytest.approx(predicted_seconds(held, fit_roofline(others).constants)[0])
    log_sd = math.log(case.percentiles[95] / case.percentiles[50]) / ndtri(0.95)
    assert log_sd == pytest.approx(spread(left_out(others).values()), rel=1e-9)


def test_published_cases_are_data_with_sources():
    with PUBLISHED.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert all(row["source"] for row in rows)
    assert sum(len(group.cases) for group in whole().groups[1:]) == len(rows)
    for row in rows:
        priors = load_priors(SHIPPED / f"{row['priors']}.toml")
        stated = [figure for figure in priors.published if figure.quantity == row["quantity"]]
        if stated and row["name"].split()[0] in stated[0].source:
            factor = conversion_factor(row["unit"], priors.quantities[row["quantity"]].unit)
            assert float(row["outcome"]) * factor == pytest.approx(stated[0].value, rel=1e-9)


def test_outcomes_of_services_lie_in_their_90_percent_bands():
    measured = next(group for group in whole().groups if group.name == "measured")
    assert [case.name for case in measured.cases] == [
        "DeepSeek nodes",
        "DeepSeek cost per day",
        "PaLM energy",
    ]
    assert measured.coverage[90].share == 1


def test_palms_energy_is_forecast_without_palm():
    measured = next(group for group in whole().groups if group.name == "measured")
    palm = next(case for case in whole().training.cases if case.name == "PaLM 540B")
    (energy,) = (case for case in measured.cases if case.name == "PaLM energy")
    # Energy is hours times a power and a PUE known within a few per cent.
    ratio = palm.percentiles[95] / palm.percentiles[5]
    assert ratio < energy.percentiles[95] / energy.percentiles[5] < 1.1 * ratio


def test_a_seed_moves_only_what_is_drawn():
    other = backtest(seed=1)
    assert other.training == whole().training
    assert other.groups[0] == whole().groups[0]
    assert other.groups[1] != whole().groups[1]


def test_the_report_tells_scores_bands_and_the_farthest_case():
    text = plain(backtest_report(whole()))
    for line in ("calibrated bands", "point at MFU 46.2 %", "point at MFU 37.5 %", "19 of 34", "PIT  0 "):
        assert line in text
    assert "YaLM 100B" in text
    assert "Snowflake Arctic: hours are an upper bound." in text


def test_narrow_reports_keep_their_width():
    assert max(map(len, plain(backtest_report(whole(), 80)).splitlines())) <= 80


def test_own_cases_are_scored_alone(tmp_path):
    path = tmp_path / "own.csv"
    header = (
        "model,parameters_active,mixture_of_experts,training_tokens,accelerator,peak_flops,accelerator_hours"
    )
    path.write_text(f"{header}\nllama-3.1 8b,8.03e9,0,15e12,Abacus,989e12,1.46e6\n")
    result = backtest(path)
    assert result.groups == ()
    (case,) = result.training.cases
    assert list(figures(result)) == ["forecast", "pit"]
    # Another spelling of a run's name does not let it forecast itself.
    assert case.pit == next(c for c in whole().training.cases if c.name == "Llama 3.1 8B").pit
