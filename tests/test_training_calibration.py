from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from synthetic import shipped_backtest

from simulate.backtesting.scores import PERCENTILES
from simulate.backtesting.training import training_case
from simulate.calibration.training import (
    SHRINKAGE,
    design_matrix,
    fit_training_mfu,
    fitted_runs,
    precision_effects,
    read_runs,
    training_mfu,
    training_runs,
)
from simulate.errors import SimulateError
from simulate.model.notation import EARLY_PEAK, LATE_PEAK
from simulate.model.training import TYPICAL_OVERHEAD
from simulate.model.training_mfu import EFFECTS, OPEN_RUNS, TYPICAL_ATTENTION

HEADER = (
    "model,parameters_total,parameters_active,mixture_of_experts,"
    "training_tokens,accelerator,peak_flops,accelerator_hours\n"
)
GOOD = "Good,70e9,70e9,0,15e12,H100,989e12,6.4e6\n"


scored = shipped_backtest


def test_the_model_states_what_the_fit_gives():
    """To the six decimals that the model writes."""
    fitted = training_mfu()
    np.testing.assert_allclose(OPEN_RUNS.coefficients, fitted.coefficients, rtol=0, atol=5.001e-7)
    np.testing.assert_allclose(OPEN_RUNS.uncertainty, fitted.uncertainty, rtol=0, atol=5.001e-7)
    assert OPEN_RUNS.residual_sd == pytest.approx(fitted.residual_sd, abs=5.001e-7)
    assert OPEN_RUNS.sizes == fitted.sizes
    assert OPEN_RUNS.effects == fitted.effects


def test_leave_one_out_reaches_what_was_asked():
    result, group = scored(), "training runs"
    assert result.at("crps_mean", group=group) <= 0.18
    for band, (least, most) in {50: (0.40, 0.62), 80: (0.70, 0.90), 90: (0.82, 1)}.items():
        assert least <= result.at("coverage", group=group, band=band) <= most


def test_excluded_runs_say_why_and_are_not_used():
    excluded = {run.model: run.excluded for run in training_runs() if run.excluded}
    assert len(excluded) >= 4
    assert all(len(why) > 20 for why in excluded.values())
    result = scored()
    assert result.provenance["excluded"] == excluded
    assert not set(excluded) & set(result.labels("case"))


def test_ridge_agrees_with_ordinary_least_squares_where_nothing_is_shrunk():
    runs = fitted_runs()
    own = {name: effect for name, effect in EFFECTS.items() if effect.shrinkage is None}
    design = design_matrix(runs, own)
    log_mfu = np.log([run.mfu for run in runs])
    coefficients, residual, _, _ = np.linalg.lstsq(design, log_mfu)
    free = fit_training_mfu(runs, own, shrinkage=0)
    np.testing.assert_allclose(free.coefficients, coefficients, rtol=1e-9)
    assert free.residual_sd == pytest.approx(np.sqrt(residual[0] / (len(runs) - design.shape[1])), rel=1e-9)


def test_ridge_is_least_squares_with_pseudo_observations():
    """Each effect is seen at its centre, as often as its shrinkage says."""
    runs = fitted_runs()
    weights = np.sqrt([SHRINKAGE if effect.shrinkage is None else effect.shrinkage for effect in EFFECTS.values()])
    pseudo = np.diag(np.append(0, weights))[1:]
    centres = [effect.centre for effect in EFFECTS.values()]
    coefficients, *_ = np.linalg.lstsq(
        np.vstack([design_matrix(runs), pseudo]), np.append(np.log([run.mfu for run in runs]), weights * centres)
    )
    np.testing.assert_allclose(training_mfu().coefficients, coefficients, rtol=1e-9)


def test_what_is_known_of_precision_is_what_the_pairs_say():
    pairs = precision_effects()
    halvings = [effect for effect in EFFECTS.values() if effect.shrinkage is not None]
    for effect, found in zip(halvings, (pairs[False], pairs[True]), strict=True):
        assert effect.centre == pytest.approx(np.mean(found), abs=5e-4)
        assert effect.shrinkage == pytest.approx(
            (OPEN_RUNS.residual_sd / np.std(pairs[False] + pairs[True], ddof=1)) ** 2, abs=0.5
        )
    # the last pair: 3,848 to 4,357 tokens a second and GPU, of twice the peak
    assert pairs[True][-1] == pytest.approx(math.log(4357 / 3848 / 2))


def test_the_typical_attention_is_that_of_the_runs_of_known_shape():
    shares = [run.attention_share for run in fitted_runs() if run.attention_share]
    assert len(shares) > len(fitted_runs()) / 2
    assert math.expm1(np.mean(np.log1p(shares))) == pytest.approx(TYPICAL_ATTENTION, abs=5e-4)


def test_a_run_in_fp8_is_forecast_by_a_doubled_peak():
    mfu = training_mfu()
    ratio = mfu.at_deviation(0, 70e9, 2 * LATE_PEAK, 0.0, 2) / mfu.at_deviation(0, 70e9, LATE_PEAK)
    assert ratio == pytest.approx(math.exp(mfu.coefficients[4]), rel=1e-12)
    assert 1 < 2 * ratio < 2  # faster than in 16 bits, by less than the peak


def test_what_nvidia_measured_on_gb200_lies_in_the_bands_that_have_not_seen_it():
    """Tokens a second and GPU in FP8, of NeMo 25.07: 4,066 at 70B and 706 at 405B."""
    result = scored()
    for case, tokens_per_second in {
        "Llama 3 70B (throughput, 64 GB200)": 4066,
        "Llama 3.1 405B (throughput, 128 GB200)": 706,
    }.items():
        assert result.at("outcome", case=case) == pytest.approx(1e12 / tokens_per_second / 3600, abs=0.5)
        assert 0.05 < result.at("pit", case=case) < 0.95


def test_throughputs_are_scored_and_not_fitted():
    throughputs = {run.model for run in training_runs() if run.undisturbed}
    assert len(throughputs) == 4
    assert throughputs <= set(scored().labels("case"))
    assert throughputs.isdisjoint(run.model for run in fitted_runs())


def test_steps_alone_are_forecast_without_the_overhead(tmp_path):
    path = tmp_path / "runs.csv"
    header = HEADER.strip() + ",peak_gain,hours_kind\n"
    path.write_text(f"{header}{GOOD.strip()},2,throughput\n{GOOD.strip()},2,reported\n")
    (steps, whole), _ = read_runs(path)
    mfu = training_mfu().at_deviation(0, 70e9, 989e12, 0.0, 2)
    hours = [training_case(run).percentiles[PERCENTILES.index(50)] for run in (steps, whole)]
    assert hours == pytest.approx([steps.hours_at_peak / mfu / TYPICAL_OVERHEAD, whole.hours_at_peak / mfu], rel=1e-12)


def test_a_standard_normal_deviation_gives_the_predictive_distribution():
    mfu = training_mfu()
    mean, sd = mfu.log_mean_and_sd(20e9, LATE_PEAK)
    deviation = np.random.default_rng(5).standard_normal(100_000)
    draws = np.log(mfu.at_deviation(deviation, 20e9, LATE_PEAK))
    assert draws.mean() == pytest.approx(float(mean), abs=4 * float(sd) / np.sqrt(draws.size))
    assert draws.std() == pytest.approx(float(sd), rel=4 / np.sqrt(2 * draws.size))


def test_columns_and_single_values_agree():
    mfu = training_mfu()
    parameters, peak = np.array([1e9, 7e9, 400e9]), np.array([123e12, 459e12, 2250e12])
    together = mfu.at_deviation(0, parameters, peak, 1.0)
    apart = [mfu.at_deviation(0, n, p, 1.0) for n, p in zip(parameters, peak, strict=True)]
    np.testing.assert_array_equal(together, apart)


def test_beyond_what_was_seen_the_nearest_is_used():
    mfu = training_mfu()
    assert mfu.at_deviation(0, 20e9, 125e12) == mfu.at_deviation(0, 20e9, EARLY_PEAK)
    assert mfu.at_deviation(0, 20e9, 2500e12) == mfu.at_deviation(0, 20e9, LATE_PEAK)
    assert mfu.at_deviation(0, 1e6, LATE_PEAK) == mfu.at_deviation(0, mfu.sizes[0], LATE_PEAK)
    assert mfu.at_deviation(0, 1e14, LATE_PEAK) == mfu.at_deviation(0, mfu.sizes[1], LATE_PEAK)


def test_published_mfu_is_not_read(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(HEADER.strip() + ",published_mfu\n" + GOOD.strip() + ",0.99\n")
    runs, problems = read_runs(path)
    assert not problems
    assert runs[0].mfu == pytest.approx(6 * 70e9 * 15e12 / (6.4e6 * 3600 * 989e12), rel=1e-15)
    assert not any(value == 0.99 for value in vars(runs[0]).values())


BAD_ROWS = {
    "parameters_active: empty": "Bad,70e9,,0,15e12,H100,989e12,6.4e6",
    "training_tokens: '15T' is not a number": "Bad,70e9,70e9,0,15T,H100,989e12,6.4e6",
    "accelerator_hours: 0 is not": "Bad,70e9,70e9,0,15e12,H100,989e12,0",
    "accelerator_hours: -3 is not": "Bad,70e9,70e9,0,15e12,H100,989e12,-3",
    "parameters_active: '1_000' is not a number": "Bad,70e9,1_000,0,15e12,H100,989e12,6.4e6",
    "training_tokens: '\u0661\u0665e12' is not a number": "Bad,70e9,70e9,0,\u0661\u0665e12,H100,989e12,6.4e6",
    "accelerator_hours: 'nan' is not": "Bad,70e9,70e9,0,15e12,H100,989e12,nan",
    "training_tokens: '1e999' is not": "Bad,70e9,70e9,0,1e999,H100,989e12,6.4e6",
    "accelerator_hours: 1e300 is not": "Bad,70e9,70e9,0,15e12,H100,989e12,1e300",
    "accelerator_hours: 6 x parameters_active x training_tokens in 1e+06 hours would be 0% of": (
        "Bad,1e-200,1e-200,0,1e-200,H100,989e12,1e6"
    ),
    "mixture_of_experts: 'maybe' is": "Bad,70e9,70e9,maybe,15e12,H100,989e12,6.4e6",
    "parameters_total: less than": "Bad,7e9,70e9,0,15e12,H100,989e12,6.4e6",
    "accelerator_hours: 6 x parameters_active": "Bad,70e9,70e9,0,15e12,H100,989e12,640",
    'peak_flops: empty, and there is no accelerator "Abacus"': "Bad,70e9,70e9,0,15e12,Abacus,,6.4e6",
    "model: empty": ",70e9,70e9,0,15e12,H100,989e12,6.4e6",
    "holds the character NUL": "Ba\0d,70e9,70e9,0,15e12,H100,989e12,6.4e6",
    "7 cells under 8 columns": "Bad,70e9,70e9,0,15e12,H100,989e12",
}


@pytest.mark.parametrize("message", BAD_ROWS)
def test_a_malformed_row_gets_one_line_and_the_rest_are_read(tmp_path, message):
    path = tmp_path / "runs.csv"
    path.write_text(HEADER + GOOD + BAD_ROWS[message] + "\n" + GOOD.replace("Good", "Better"), encoding="utf-8")
    runs, problems = read_runs(path)
    assert [run.model for run in runs] == ["Good", "Better"]
    (problem,) = problems
    assert problem.startswith(f"{path}:3: {message}")
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ":1: column model, "),
        (b"model,hours\nA,1\n", ":1: column parameters_active, "),
        (HEADER.encode() + b'"Unclosed,1\n', "not a CSV table"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_of_runs_is_refused(tmp_path, content, message):
    path = tmp_path / "runs.csv"
    path.write_bytes(content)
    with pytest.raises(SimulateError) as caught:
        read_runs(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SimulateError, match=r"absent\.csv: cannot be read: No such file"):
        read_runs(tmp_path / "absent.csv")


def test_spreadsheet_habits_are_read(tmp_path):
    path = tmp_path / "runs.csv"
    good, bad = '"Good,\nindeed",70e9,70e9,False,15e12,H100,,6.4e6', "Bad,70e9,70e9,0,x,H100,989e12,6.4e6"
    text = f"{HEADER}{good}\n\n{bad}\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    (run,), (problem,) = read_runs(path)
    assert run.model == "Good, indeed"
    assert run.peak_flops == 989e12  # from the catalog
    assert not run.mixture_of_experts
    assert problem.startswith(f"{path}:5: training_tokens: ")


def test_a_run_at_the_peak_has_mfu_one():
    run = replace(training_runs()[0], accelerator_hours=training_runs()[0].hours_at_peak)
    assert run.mfu == 1
