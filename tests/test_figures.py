"""Numbers as text, and densities in a line."""

from __future__ import annotations

import re

import numpy as np
import pytest

from simulate.figures import Scale, percent_text, row_scale, sparkline, with_unit


def row(values, errors, unit="USD"):
    scale = row_scale(values, errors)
    return [scale.figure(value, error) for value, error in zip(values, errors, strict=True)], scale.unit(unit)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (758.8e6, "USD", "758.8 million USD"),
        (30_381.944, "1", "30,381.9"),
        (591_864, "kWh/day", "591,864 kWh/day"),
        (47_349.12, "USD/day", "47,349.1 USD/day"),
        (1.398e6, "USD", "1.398 million USD"),
        (3_798, "1", "3,798"),
        (3.14e23, "FLOP", "314 ×10²¹ FLOP"),
        (0.0145, "s/token", "0.0145 s/token"),
        (3.2e-7, "s", "320 ×10⁻⁹ s"),
        (-12.5, "USD", "−12.5 USD"),
        (0.0, "USD", "0 USD"),
    ],
)
def test_constant_is_written_as_it_is(value, unit, text):
    assert with_unit(value, 0, unit) == text


def test_figures_of_a_row_share_scale_and_last_place():
    values, errors = [29.31e6, 75.1e6, 188.7e6, 478e6, 1.2041e9], [2e4, 4e4, 1e5, 5e5, 1e6]
    assert row(values, errors) == (["29", "75", "189", "478", "1,204"], "million USD")


@pytest.mark.parametrize(
    ("exponent", "unit", "shown"),
    [
        (0, "million USD", "million USD"),
        (3, "million USD", "billion USD"),
        (6, "million USD/year", "trillion USD/year"),
        (-3, "million USD", "thousand USD"),
        (-6, "million USD", "USD"),
        (12, "million USD", "×10¹⁸ USD"),
        (3, "million", "billion"),
        (3, "thousand/day", "million 1/day"),
        (3, "millionaire", "thousand millionaire"),
        (3, "%", "thousand %"),
        (6, "1", "million"),
    ],
)
def test_a_unit_that_has_a_scale_takes_in_another(exponent, unit, shown):
    assert Scale(exponent, 0, 4).unit(unit) == shown


def test_a_coarse_error_coarsens_only_its_own_figure_where_others_would_lose_their_digits():
    assert row([2.931e6, 188.7e6, 1.2041e9], [2e4, 1e6, 3e7]) == (["2.9", "189", "1,200"], "million USD")


@pytest.mark.parametrize("exponent", range(-6, 16))
def test_no_digit_stands_below_the_standard_error(exponent):
    generator = np.random.Generator(np.random.PCG64(exponent + 6))
    for _ in range(200):
        value = float(generator.lognormal()) * 10.0**exponent
        error = value * 10 ** float(generator.uniform(-6, 0))
        scale = row_scale([value], [error])
        text = scale.figure(value, error)
        digits = re.sub(r"[^0-9.]", "", text)
        decimals = len(digits.partition(".")[2])
        assert 10.0 ** (scale.exponent - decimals) >= error or not decimals
        assert len(digits.replace(".", "").lstrip("0").rstrip("0")) <= 4
        # What is rounded away is at most half of the error's next power of ten, or of the fourth digit.
        assert abs(float(digits) * 10.0**scale.exponent - value) <= max(5 * error, 0.501e-3 * value)


def test_what_is_not_finite_is_told():
    assert row([np.nan, 1.5, np.inf, -np.inf], [np.nan, 0.01, np.nan, np.nan])[0] == ["–", "1.50", "∞", "−∞"]


def test_sparkline_shows_the_mode_and_nothing_of_a_constant():
    percents = np.arange(0.5, 100, 0.5)
    bell = np.arctanh((percents - 50) / 50)  # logistic: its density is highest in the middle
    drawn = sparkline(bell.tolist(), percents.tolist(), width=15)
    assert len(drawn) == 15
    assert drawn[7] == "█"
    assert drawn == drawn[::-1]
    assert sparkline(np.exp(3 * bell).tolist(), percents.tolist(), width=15) == drawn
    assert set(sparkline((percents + 1).tolist(), percents.tolist())) == {"█"}  # uniform
    assert not sparkline([3.0] * len(percents), percents.tolist())


@pytest.mark.parametrize(
    ("share", "error", "text"),
    [
        (0.5, 0.0, "50 %"),
        (0.12345, 0.001, "12.3 %"),
        (0.12345, 0.01, "12 %"),
        (0.12345, 0.02, "10 %"),
        (np.nan, np.nan, "–"),
    ],
)
def test_shares_are_written_in_per_cent_to_the_digit_that_is_known(share, error, text):
    assert percent_text(share, error) == text
