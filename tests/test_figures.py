"""Numbers as text, and densities in a line."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from simulate.figures import (
    Scale,
    band_scale,
    percent_text,
    percent_with_error,
    percentile_name,
    probability_text,
    row_scale,
    share_text,
    sparkline,
    times_text,
    with_unit,
)
from simulate.units import NAMES, measure


def row(values, errors, unit="USD"):
    scale = row_scale(values, errors)
    return [scale.figure(value, error) for value, error in zip(values, errors, strict=True)], scale.unit(unit)


@pytest.mark.parametrize(
    ("percent", "name"),
    [(5, "P5"), (2.5, "P2.5"), (50.0, "P50"), (99.9999, "P99.9999"), (99.99999, "P99.99999"), (1e-5, "P0.00001")],
)
def test_percentiles_are_called_with_all_their_digits(percent, name):
    assert percentile_name(percent) == name


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (15.0, 1.0, "15 times"),
        (1000.0, 1e-306, "1.0×10³⁰⁹ times"),
        (-1000.0, 1e-306, "−1.0×10³⁰⁹ times"),
        (1e12, 3.0, "330,000,000,000 times"),
    ],
)
def test_a_multiple_is_told_whatever_its_size(value, unit, text):
    assert times_text(value, unit) == text


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
        (2.02e18, "FLOP/s", "2.02 EFLOP/s"),
        (5_670_000, "kW", "5.67 GW"),
        (0.0145, "s/token", "0.0145 s/token"),
        (3.2e-7, "s", "320 ns"),
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
        (3, "thousand/day", "million/day"),
        (6, "1/day", "million/day"),
        (0, "1/day", "1/day"),
        (-6, "1/day", "×10⁻⁶ 1/day"),
        (3, "kW", "MW"),
        (-3, "kWh/day", "Wh/day"),
        (-6, "W", "×10⁻⁶ W"),
        (12, "FLOP/s", "TFLOP/s"),
        (9, "FLOP/s/kW", "GFLOP/s/kW"),
        (21, "FLOP", "×10²¹ FLOP"),
        (0, "USD/Mtoken", "USD/million tokens"),
        (6, "USD/ktoken/month", "million USD/thousand tokens/month"),
        (0, "kUSD/kW", "kUSD/kW"),
        (3, "kUSD/kW", "million USD/kW"),
        (3, "Mtoken/day", "billion tokens/day"),
        (6, "million token/s/MW", "trillion tokens/s/MW"),
        (3, "s^2", "thousand s^2"),
        (3, "s", "thousand s"),
        (-6, "s/token", "us/token"),
        (-3, "USD/ktoken", "USD/million tokens"),
        (-6, "USD/token", "USD/million tokens"),
        (-6, "USD/ktoken/month", "USD/billion tokens/month"),
        (3, "millionaire", "thousand millionaire"),
        (3, "%", "thousand %"),
        (6, "1", "million"),
    ],
)
def test_a_unit_is_written_as_people_do_with_its_scale_taken_in(exponent, unit, shown):
    assert Scale(exponent, 0, 4).unit(unit) == shown


@pytest.mark.parametrize(
    ("share", "error", "text"),
    [
        (0.66, 0.176, "66 ± 18 %"),  # which to the digit that the error supports would be 100 %
        (0.66, 0.0201, "66.0 ± 2.0 %"),
        (0.66, 0.0176, "70 %"),
        (0.66, 0.001, "66 %"),
        (0.66, math.inf, "66 %"),
    ],
)
def test_the_error_of_a_share_stands_beside_it_where_it_is_large(share, error, text):
    assert share_text(share, error, 2) == text


def test_a_priors_file_takes_a_unit_as_it_is_written():
    units = [*(f"{each}/{per}" for each in ("1", *NAMES) for per in ("day", "Mtoken")), *NAMES]
    taken = 0
    for exponent, unit in product(range(-9, 13, 3), units):
        written = Scale(exponent, 0, 4).unit(unit)
        if "×" not in written and not re.search(r"[a-z] %", written):
            assert measure(written or "1").over(measure(unit)) == Fraction(10) ** exponent
            taken += 1
    assert taken > 800


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
        alone = len(digits.replace(".", "").strip("0")) == 1  # else nothing would be left of it
        assert 10.0 ** (scale.exponent - decimals) >= error / (10 if alone else 1) or not decimals
        assert len(digits.replace(".", "").lstrip("0").rstrip("0")) <= 4
        assert float(digits)
        # What is rounded away is at most half of the error's next power of ten, or of the fourth digit.
        assert abs(float(digits) * 10.0**scale.exponent - value) <= max(5 * error, 0.501e-3 * value)


@pytest.mark.parametrize(("value", "error", "shown"), [(4.74, 1.05, "5"), (2.86e6, 5.9e6, "3"), (3e-17, 1e-5, "0")])
def test_a_figure_is_not_rounded_to_nothing_by_an_error_of_its_own_size(value, error, shown):
    """As of a mean that rests on rare scenarios, in a row of percentiles without an error beside it."""
    assert float(row_scale([value], [error]).figure(value, error)) == float(shown)


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
        (0.0, 0.0, "0 %"),
        (1.0, 0.0, "100 %"),
    ],
)
def test_shares_are_written_in_per_cent_to_the_digit_that_is_known(share, error, text):
    assert percent_text(share, error) == text


@pytest.mark.parametrize(
    ("share", "error", "text"),
    [
        (0.5791, 0.0002, "58 %"),
        (0.0681, 0.001, "6.8 %"),
        (0.000802, 3e-5, "0.08 %"),
        (2.07, 0.0, "210 %"),
        (1e-9, 0.0, "1×10⁻⁷ %"),
        (0, 0, "0 %"),
        (1, 0, "100 %"),
        (math.inf, 0, "∞ %"),
    ],
)
def test_shares_keep_to_the_digits_that_are_asked_for(share, error, text):
    assert percent_text(share, error, 2) == text


PERCENTS = (5, 25, 50, 75, 95)


def band(values, errors):
    scale = band_scale(PERCENTS, values, errors)
    return [scale.figure(value, error) for value, error in zip(values, errors, strict=True)]


@pytest.mark.parametrize(
    ("values", "error", "texts"),
    [
        # the least step between P5, P50 and P95 has two digits
        ([2027.1, 2027.2, 2027.4, 2027.6, 2027.9], 1e-4, ["2,027.10", "2,027.20", "2,027.40", "2,027.60", "2,027.90"]),
        ([1.101, 1.105, 1.11, 1.115, 1.119], 1e-6, ["1.1010", "1.1050", "1.1100", "1.1150", "1.1190"]),
        # on either side of a power of ten too
        ([99.17, 99.6, 99.99999, 100.3, 100.82], 1e-4, ["99.17", "99.60", "100.00", "100.30", "100.82"]),
        # down to the first digit of the error, no further
        ([2027.1, 2027.2, 2027.4, 2027.6, 2027.9], 0.11, ["2,027.1", "2,027.2", "2,027.4", "2,027.6", "2,027.9"]),
        ([2027.1, 2027.2, 2027.4, 2027.6, 2027.9], 1.1, ["2,027", "2,027", "2,027", "2,028", "2,028"]),
        # a wide band has four digits
        ([29.31, 75.1, 188.7, 478, 1204.1], 1e-6, ["29", "75", "189", "478", "1,204"]),
        # about 0 the digits are those of the band
        ([-3.29, -1.349, -1e-6, 1.349, 3.29], 1e-6, ["−3.290", "−1.349", "0.000", "1.349", "3.290"]),
        # what does not fit the row has a power of ten of its own, and no row of zeros
        ([1e-3, 0.01, 0.1, 1, 1e200], 1e-5, ["0.0010", "0.0100", "0.1000", "1.000", "1.000×10²⁰⁰"]),
    ],
)
def test_digits_tell_a_band_apart(values, error, texts):
    assert band(values, [error] * 5) == texts


def test_no_band_is_told_alike_that_its_errors_tell_apart():
    generator = np.random.Generator(np.random.PCG64(5))
    for _ in range(500):
        middle = float(generator.normal()) * 10.0 ** generator.integers(-9, 12)
        spread = abs(middle) * 10 ** float(generator.uniform(-9, 1))
        values = [middle + spread * step for step in (-1.0, -0.4, 0.0, 0.3, 0.8)]
        errors = [spread * 10 ** float(generator.uniform(-5, -1.1))] * 5
        told = band(values, errors)
        assert len({told[0], told[2], told[4]}) == 3


@pytest.mark.parametrize(
    ("value", "error", "texts"),
    [
        (371.79, 0.061, ("371.790", "0.061")),
        (4.74, 1.05, ("4.7", "1.1")),
        (10.05762, 0.027, ("10.058", "0.027")),  # the guide's own example
        (0.0999, 0.000999, ("0.0999", "0.0010")),
        (-12.3, 40, ("−12", "40")),
        (0.3, 1e-8, ("0.300000000", "1.0×10⁻⁸")),
        (1 / 3, 1e-17, ("0.333333", "0")),  # what rounding leaves is no error
        (5, 0, ("5", "0")),
        (0, 0, ("0", "0")),
        (0, 0.01, ("0.000", "0.010")),
        (1.5, np.nan, ("1.500", "–")),
        (np.nan, 0.1, ("–", "–")),
    ],
)
def test_a_value_ends_where_the_error_beside_it_does(value, error, texts):
    assert Scale(0, 0, 4).with_error(value, error) == texts


def test_nothing_is_told_without_digits_on_every_scale():
    for exponent in (-9, 0, 6):
        assert Scale(exponent, 0, 4).with_error(0.0, 0.0) == ("0", "0")


def test_a_value_is_never_coarser_than_the_error_beside_it():
    """What is rounded away is at most half of the error's second digit."""
    generator = np.random.Generator(np.random.PCG64(7))
    for _ in range(500):
        value = float(generator.normal()) * 10.0 ** generator.integers(-4, 9)
        error = abs(value) * 10 ** float(generator.uniform(-7, 0.5))
        scale = row_scale([value], [error])
        text, beside = scale.with_error(value, error)
        if "×" not in text + beside:
            told, away = (float(each.replace(",", "").replace("−", "-")) for each in (text, beside))
            assert abs(told * 10.0**scale.exponent - value) <= 0.0501 * error
            assert away * 10.0**scale.exponent == pytest.approx(error, rel=0.051)


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e-100, 1e100, 1.7e308])
def test_numbers_at_the_ends_of_floats_stay_short(size):
    values = [-size, -size / 2, 0.0, size / 2, size]
    errors = [size / 1000] * 5
    told = [
        *band(values, errors),
        *row_scale(values, errors).with_error(size, size / 1000),
        with_unit(size, 0.0, "USD"),
    ]
    assert max(map(len, told)) < 25


def test_shares_end_where_the_error_beside_them_does():
    assert percent_with_error(0.84823, 0.00015) == ("84.823", "0.015")


def test_sparkline_has_the_first_value_of_a_distribution_that_jumps():
    percents = np.arange(0.5, 100, 0.5)
    drawn = sparkline(np.where(percents < 50, 1.0, 2.0), percents)
    assert (drawn[0], drawn[-1], set(drawn[1:-1])) == ("█", "█", {"▁"})
    assert len(sparkline(np.where(percents < 50, -1.7e308, 1.7e308), percents)) == 14


@pytest.mark.parametrize(
    ("scenarios", "text"), [(10, "< 30 %"), (300, "< 1 %"), (301, "< 1.0 %"), (10**6, "< 0.0003 %")]
)
def test_what_never_occurs_is_less_probable_than_three_scenarios(scenarios, text):
    assert probability_text(0.0, 0.1, scenarios) == (text, "")


def test_a_probability_has_its_error_beside_it_unless_it_is_a_bound_or_exact():
    assert probability_text(1.0, 0.1, 10**4) == ("> 99.97 %", "")
    assert probability_text(0.25, 0.001, 10**4) == ("25.00 %", "0.10 %")
    assert probability_text(0.0, 0.0, 10**4) == ("0 %", "")
    assert probability_text(math.nan, math.nan, 10**4) == ("–", "")
