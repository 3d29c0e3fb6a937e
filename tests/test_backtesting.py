"""Forecasts against outcomes: the scores, how each case is forecast, and what is told of it."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr, ndtri
from synthetic import shipped_backtest

from simulate.backtesting import backtest
from simulate.backtesting.plots import MOST, NAMED, forecast_bands, plots
from simulate.backtesting.report import sections
from simulate.backtesting.scores import (
    PERCENTILES,
    clustered_interval,
    coverage_interval,
    quantile_case,
    quantile_crps,
    standard_normal_crps,
)
from simulate.backtesting.serving import BENCHMARKS, PUBLISHED, benchmark_cases
from simulate.backtesting.training import BASELINES, training_case
from simulate.calibration.hierarchy import DENSE, MIXTURE, PER_TOKEN, THROUGHPUT, TO_FIRST, fit_without, hierarchy
from simulate.calibration.training import RUNS_FILE, fit_training_mfu, fitted_runs, training_mfu, training_runs
from simulate.errors import SimulateError
from simulate.figures import shortened
from simulate.layout import laid_out, plain
from simulate.priors import SHIPPED, load_priors
from simulate.units import conversion_factor

HEADER = "model,parameters_active,mixture_of_experts,training_tokens,accelerator,peak_flops,accelerator_hours\n"
LLAMA = "llama-3.1 8b,8.03e9,0,15e12,Abacus,989e12,1.46e6\n"


whole = shipped_backtest


def percentile(case, percent):
    """A percentile of a case's forecast."""
    return case.percentiles[PERCENTILES.index(percent)]


def told(width=None):
    return plain(laid_out(sections(whole()), width))


def cases(result, group):
    """The labels of a group's cases."""
    return [case for case, own in zip(result["case"], result["case_group"], strict=True) if own == group]


@pytest.fixture
def own(tmp_path):
    """Write a CSV file of runs."""

    def written(text):
        path = tmp_path / "own.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return written


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
    others = [other for other in fitted_runs() if other is not run]
    mean, sd = fit_training_mfu(others).log_mean_and_sd(run.parameters_active, run.peak_flops)
    case = training_case(run)
    assert percentile(case, 50) == pytest.approx(run.hours_at_peak / math.exp(mean), rel=1e-12)
    assert case.pit == pytest.approx(1 - ndtr((math.log(run.mfu) - mean) / sd), abs=1e-12)
    assert percentile(case, 50) != pytest.approx(
        run.hours_at_peak / float(training_mfu().at_deviation(0, run.parameters_active, run.peak_flops)), rel=0.01
    )


def test_a_run_of_another_name_is_forecast_by_the_whole_fit():
    run = replace(training_runs()[0], model="unheard of")
    median = run.hours_at_peak / float(training_mfu().at_deviation(0, run.parameters_active, run.peak_flops))
    assert percentile(training_case(run), 50) == pytest.approx(median, rel=1e-12)


def test_hours_do_not_move_their_own_forecast():
    run = training_runs()[0]
    assert training_case(replace(run, accelerator_hours=2 * run.accelerator_hours)).percentiles == (
        training_case(run).percentiles
    )


def test_the_forecast_beats_the_points():
    for name in BASELINES:
        for score in ("crps", "log_score"):
            mean = whole().at(f"{score}_mean", group="training runs")
            assert mean < whole().at(f"baseline_{score}", baseline=name)


def test_point_scores_by_hand():
    errors = [math.log(run.mfu / 0.462) for run in training_runs() if not run.excluded]
    crps, log_score = (whole().at(f"baseline_{score}", baseline="mfu_46.2") for score in ("crps", "log_score"))
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
    assert coverage_interval(inside, cases) == pytest.approx(interval, abs=5e-8)


def test_an_interval_by_clusters_is_that_of_independent_cases_where_each_is_its_own():
    held = np.arange(200) < 120
    low, high = clustered_interval(held, list(map(str, range(200))))
    sd = math.sqrt(0.6 * 0.4 / 200)
    # A case is 0.005; the quantile of 4,000 draws errs by sd x 0.04, at a false-alarm rate of 1 % by 2.6 times that.
    for bound, deviation in ((low, -1.96), (high, 1.96)):
        assert bound == pytest.approx(0.6 + deviation * sd, abs=0.005 + 2.6 * 0.04 * sd)
    halves = ["one"] * 100 + ["other"] * 100
    assert clustered_interval(held, halves) == (0.2, 1.0)  # all of one cluster are inside, of the other a fifth


@pytest.mark.parametrize("group", ["training runs", DENSE])
def test_bands_and_pits_tell_the_same_story(group):
    result, labels = whole(), cases(whole(), group)
    count = len(labels)
    assert result.at("cases", group=group) == count
    for band, (low, high) in {50: (25, 75), 80: (10, 90), 90: (5, 95)}.items():
        held = sum(
            result.at("percentiles", case=case, percentile=low)
            <= result.at("outcome", case=case)
            <= result.at("percentiles", case=case, percentile=high)
            for case in labels
        )
        assert held == result.at("inside", group=group, band=band)
        assert result.at("coverage", group=group, band=band) == held / count
        bounds = tuple(result.at("coverage_interval", group=group, band=band))
        if group == "training runs":
            assert bounds == coverage_interval(held, count)
        assert bounds[0] <= held / count <= bounds[1]
    assert result.at("pit_histogram", group=group).sum() == count


def test_the_result_has_the_layout():
    result = whole()
    assert result.question == "backtest"
    assert result.labels("group") == ["training runs", *BENCHMARKS, "measured", "estimates", "owners"]
    assert result.labels("percentile") == [1, 5, 10, 25, 50, 75, 90, 95, 99]
    assert result.labels("band") == [50, 80, 90]
    assert result.labels("baseline") == ["mfu_46.2", "mfu_37.5"]
    assert len(set(result.labels("case"))) == len(result["case"]) == result["cases"].sum()
    assert (np.diff(result["percentiles"], axis=1) > 0).all()
    assert ((result["pit"] >= 0) & (result["pit"] <= 1)).all()
    assert result.unit("outcome", case="PaLM energy") == result.unit("percentiles", case="PaLM energy") == "MWh"
    assert result.unit("crps", case="PaLM energy") == "1"
    assert list(result.provenance["about"]) == result.labels("group")
    assert len(cases(result, "training runs")) + len(result.provenance["excluded"]) == len(training_runs())


def test_means_are_those_of_the_cases():
    result = whole()
    for group in result.labels("group"):
        for score in ("crps", "log_score"):
            own_scores = [result.at(score, case=case) for case in cases(result, group)]
            assert result.at(f"{score}_mean", group=group) == pytest.approx(np.mean(own_scores), rel=1e-14)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "{path}: no run can be scored; give a row for each run"),
        (
            "A,8e9,0,many,H100,989e12,1e6\nB,x,0,1e12,H100,989e12,1e6\n",
            (
                "{path}:2: training_tokens: 'many' is not a number; write it like 70e9, without commas; "
                "no other run can be scored"
            ),
        ),
    ],
)
def test_nothing_to_score_is_refused_in_a_line(own, rows, message):
    path = own(HEADER + rows)
    with pytest.raises(SimulateError) as caught:
        backtest(path)
    assert str(caught.value) == message.format(path=path)


def test_own_runs_are_scored_and_faulty_rows_named(own):
    header, *lines = RUNS_FILE.read_text(encoding="utf-8").splitlines()
    palm = next(line for line in lines if line.startswith("PaLM"))
    result = backtest(own("\n".join([header, palm, palm.replace("8404992", "many"), "x"]) + "\n"))
    assert result.labels("case") == ["PaLM 540B"]
    for name in ("outcome", "percentiles", "pit", "crps", "log_score"):
        assert np.array_equal(result.at(name, case="PaLM 540B"), whole().at(name, case="PaLM 540B"))
    assert [problem.split(": ")[1] for problem in result.warnings] == [
        "accelerator_hours", "1 cell under 17 columns; fill it up, or take the row out"
    ]  # fmt: skip


def test_runs_of_one_name_are_numbered(own):
    rows = [LLAMA, LLAMA.replace("1.46e6", "2e6"), LLAMA.replace("8b", "8b (2)"), LLAMA]
    result = backtest(own(HEADER + "".join(rows)))
    names = [f"llama-3.1 8b{number}" for number in ("", " (3)", " (2)", " (4)")]
    assert result.labels("case") == names
    assert result["outcome"].tolist() == [1.46e6, 2e6, 1.46e6, 1.46e6]


def test_hours_of_any_size_are_scored(own):
    sizes = [1e-90, 1.0, 1e90]
    rows = [f"run,1e9,0,{hours / 4 * 9e14 * 3600 / 6e9},,9e14,{hours}\n" for hours in sizes]
    result = backtest(own(HEADER + "".join(rows)))
    assert result["outcome"].tolist() == sizes
    assert all(np.isfinite(result[name]).all() for name in ("percentiles", "pit", "crps", "log_score"))


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(SimulateError, match=r"^seed: must be "):
        backtest(seed=seed)


@pytest.mark.long
def test_threads_and_progress_leave_the_whole_result_as_it_is():
    steps = []
    again = backtest(workers=1, progress=lambda what, done, total: steps.append((what, done, total)))
    assert again.provenance == whole().provenance
    for name, variable in whole().variables.items():
        assert np.array_equal(again[name], variable.values), name
    assert [done for what, done, _ in steps if what == "training runs"] == list(range(1, 39))
    assert {what for what, done, total in steps if done == total} == {what for what, *_ in steps}


def test_threads_and_progress_leave_the_result_as_it_is(own):
    steps, cases = [], own(HEADER + LLAMA + LLAMA.replace("8b", "9b"))
    again = backtest(cases, workers=1, progress=lambda what, done, total: steps.append((what, done, total)))
    for name, variable in backtest(cases, workers=2).variables.items():
        assert np.array_equal(again[name], variable.values), name
    assert [done for what, done, _ in steps if what == "training runs"] == [1, 2]
    assert {what for what, done, total in steps if done == total} == {what for what, *_ in steps}


def test_a_forecast_known_by_its_quantiles_scores_as_the_distribution_does():
    grid = np.arange(1, 2000) / 2000
    case = quantile_case("nodes", 230, "1", probabilities=grid, quantiles=np.exp(5 + 0.4 * ndtri(grid)))
    deviation = (math.log(230) - 5) / 0.4
    assert case.pit == pytest.approx(ndtr(deviation), abs=1e-5)
    assert case.crps == pytest.approx(0.4 * standard_normal_crps(deviation), abs=0.4 * 2 * 0.0005 * 0.3 * 2)
    assert case.log_score == pytest.approx(math.log(0.4) + 0.5 * math.log(2 * math.pi) + deviation**2 / 2, abs=1e-4)
    assert percentile(case, 95) == pytest.approx(math.exp(5 + 0.4 * ndtri(0.95)), rel=1e-12)


def test_the_picture_of_bands_shows_each_case_in_order():
    result = whole()
    figure = plots(result)["forecast"]
    figure.draw_without_rendering()
    (axis,) = figure.axes
    by_median = sorted(
        cases(result, "training runs"), key=lambda case: result.at("percentiles", case=case, percentile=50)
    )
    assert [label.get_text() for label in axis.get_yticklabels()] == by_median
    inside, outside = (dict(zip(line.get_ydata(), line.get_xdata(), strict=True)) for line in axis.lines[-2:])
    outcomes = [at for _, at in sorted((inside | outside).items())]
    assert outcomes == [result.at("outcome", case=case) for case in by_median]
    assert sorted(outside) == [
        row for row, case in enumerate(by_median) if abs(result.at("pit", case=case) - 0.5) > 0.45
    ]
    assert axis.lines[-1].get_markerfacecolor() == "white"


def test_cases_in_many_units_are_drawn_over_their_median_in_a_panel_a_group():
    result = whole()
    axes = plots(result)["serving"].axes
    groups = [group for group in result.labels("group") if group != "training runs"]
    assert [axis.get_title(loc="left") for axis in axes] == [
        f"{result.at('cases', group=group)} {group}" for group in groups
    ]
    for axis, group in zip(axes, groups, strict=True):
        shown = cases(result, group)
        over = {
            case: result.at("outcome", case=case) / result.at("percentiles", case=case, percentile=50) for case in shown
        }
        shown.sort(key=over.get)
        hollow = [case for case in shown if abs(result.at("pit", case=case) - 0.5) > 0.45]
        dots = [dict(zip(line.get_ydata(), line.get_xdata(), strict=True)) for line in axis.lines[-2:]]
        assert [at for _, at in sorted((dots[0] | dots[1]).items())] == [over[case] for case in shown]
        assert [shown[int(row)] for row in sorted(dots[1])] == hollow
        assert axis.lines[-1].get_markerfacecolor() == "white"
        names = [shortened(case, 58) for case in shown] if len(shown) <= NAMED else []
        assert [label.get_text() for label in axis.get_yticklabels()] == names


def test_of_more_cases_than_a_picture_holds_the_farthest_off_are_drawn(own):
    rows = "".join(LLAMA.replace("1.46e6", f"{hours}e6") for hours in np.linspace(0.5, 1.4, MOST + 50))
    result = backtest(own(HEADER + rows))
    (axis,) = forecast_bands(result, range(len(result["case"])), "hours").axes
    dots = [at for line in axis.lines if line.get_marker() == "o" for at in line.get_xdata()]
    distances = np.abs(result["pit"] - 0.5)
    farthest = np.argsort(-distances)[:MOST]
    assert sorted(dots) == sorted(result["outcome"][farthest])


@pytest.mark.parametrize(("name", "groups"), [("pit", ["training runs"]), ("serving_pit", list(BENCHMARKS))])
def test_the_picture_of_pits_counts_all_cases(name, groups):
    figure = plots(whole())[name]
    figure.draw_without_rendering()
    (axis,) = figure.axes
    counts = sum(whole().at("pit_histogram", group=group) for group in groups)
    assert [bar.get_height() for bar in axis.containers[0]] == counts.tolist()


def test_a_benchmark_is_forecast_without_its_group():
    table, group = hierarchy(), ("TensorRT-LLM 1.0", "Llama-3.1-8B", "H200")
    fit = fit_without(lambda row: row.group, group)
    found = benchmark_cases(group)
    own = [place for place, row in enumerate(table.rows) if row.group == group]
    assert [case.name for case in found] == [table.rows[place].label for place in own]
    measurements = np.flatnonzero(np.isin(table.places, own))
    for case, measurement in zip(found, measurements, strict=True):
        assert percentile(case, 50) == pytest.approx(math.exp(fit.log_median[measurement]), rel=1e-8)
        log_sd = math.log(percentile(case, 95) / percentile(case, 50)) / ndtri(0.95)
        assert log_sd == pytest.approx(fit.log_sd[measurement], rel=1e-6)
        assert case.outcome == table.rows[table.places[measurement]].measured["question"]


def test_under_load_the_last_measurement_of_a_configuration_is_scored():
    last = {
        tuple(row.inputs.values()) + row.group: row for row in hierarchy().rows if row.under_load and not row.as_shipped
    }
    for kind, what in ((PER_TOKEN, "token"), (TO_FIRST, "first_token"), (THROUGHPUT, "question")):
        measured = [row.measured[what] for row in last.values() if what in row.measured]
        outcomes = [whole().at("outcome", case=case) for case in cases(whole(), kind)]
        assert sorted(outcomes) == sorted(measured)


@pytest.mark.parametrize(("kind", "error"), [(DENSE, 0.06), (MIXTURE, 0.12), (PER_TOKEN, 0.12), (THROUGHPUT, 0.12)])
def test_benchmarks_are_forecast_as_well_as_is_said(kind, error):
    """What the README says of groups left out; coverage of benchmarks is not rejected at 5 %."""
    assert whole().at("median_error", group=kind) <= error
    for band in (50, 80, 90) if kind in (DENSE, MIXTURE) else ():
        low, high = whole().at("coverage_interval", group=kind, band=band)
        assert low <= band / 100 <= high


def test_servers_that_keep_to_targets_lie_within_their_90_percent_bands():
    group = "MLPerf, server"
    assert whole().at("inside", group=group, band=90) == whole().at("cases", group=group) == 3


def test_published_cases_are_data_with_sources():
    with PUBLISHED.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert all(row["source"] for row in rows)
    assert sum(whole().at("cases", group=group) for group in ("measured", "estimates", "owners")) == len(rows)
    for row in rows:
        priors = load_priors(row["priors"])
        stated = [figure for figure in priors.published if figure.quantity == row["quantity"]]
        if stated and row["name"].split()[0] in stated[0].source:
            factor = conversion_factor(row["unit"], priors.quantities[row["quantity"]].unit)
            assert float(row["outcome"]) * factor == pytest.approx(stated[0].value, rel=1e-9)


def test_an_analysts_costs_stand_where_the_header_says():
    """The table of own-cost-2026.toml, a choice in a row, against the cases that are scored."""
    with PUBLISHED.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["group"] == "owners"]
    header = (SHIPPED / "own-cost-2026.toml").read_text(encoding="utf-8").partition("\ntitle")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in header.splitlines() if "|" in line]
    (start,) = (place for place, line in enumerate(cells) if line[1] == "hyperscaler")
    for chosen, *shown in cells[start + 2 :]:
        own = [row for row in rows if row["choice"] == chosen]
        assert [cell.split()[0] for cell in shown] == [f"{float(row['outcome']):.2f}" for row in own]
        for cell, row in zip(shown, own, strict=True):
            pit = 100 * whole().at("pit", case=row["name"])
            assert pit < 1 if "below" in cell else abs(pit - float(cell.partition("at P")[2])) < 1.5, row["name"]


def test_outcomes_of_services_lie_in_their_90_percent_bands():
    assert cases(whole(), "measured") == ["DeepSeek nodes", "DeepSeek cost per day", "PaLM energy"]
    assert whole().at("coverage", group="measured", band=90) == 1


def test_palms_energy_is_forecast_without_palm():
    # Energy is hours times a power and a PUE known within a few per cent.
    hours, energy = (
        whole().at("percentiles", case=case, percentile=95) / whole().at("percentiles", case=case, percentile=5)
        for case in ("PaLM 540B", "PaLM energy")
    )
    assert hours < energy < 1.1 * hours


def test_a_seed_moves_only_what_is_drawn():
    other = backtest(seed=1)
    assert other.attributes["seed"] == 1
    assert other.labels("case") == whole().labels("case")
    moved = {
        group
        for case, group in zip(whole()["case"], whole()["case_group"], strict=True)
        if other.at("pit", case=case) != whole().at("pit", case=case)
    }
    assert moved == {"measured", "estimates", "owners"}


def test_the_report_tells_scores_bands_and_the_farthest_case():
    for line in ("calibrated bands", "point at MFU 46.2 %", "point at MFU 37.5 %", "21 of 38", "PIT  0 "):
        assert line in told()
    assert "YaLM 100B" in told()
    assert "Snowflake Arctic: hours are an upper bound." in told()


def test_narrow_reports_keep_their_width():
    assert max(map(len, told(80).splitlines())) <= 80


def test_own_cases_are_scored_alone(own):
    result = backtest(own(HEADER + LLAMA))
    assert result.labels("group") == ["training runs"]
    assert list(plots(result)) == ["forecast", "pit"]
    # Another spelling of a run's name does not let it forecast itself.
    assert result["pit"].tolist() == [whole().at("pit", case="Llama 3.1 8B")]
