from __future__ import annotations

import io
import re

import numpy as np
import pytest

from simulate.tables import (
    Column,
    cell_width,
    output_width,
    paragraph,
    plain,
    row_scale,
    show,
    sparkline,
    table,
    with_unit,
)


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


COLUMNS = (
    Column("", give="wrap"),
    Column("P5", ">"),
    Column("P25", ">", drop=1),
    Column("P50", ">", "bold"),
    Column("density", drop=2),
)
ROWS = (
    ("Initial investment in servers and buildings", "1,234.5", "2,345.6", "3,456.7", "▁▂▃▄▅"),
    ("  Servers", "123.4", "234.5", "345.6", "▁▂▃▄▅"),
)


@pytest.mark.parametrize("width", [None, *range(1, 120)])
def test_no_width_cuts_a_number(width):
    lines = plain(table(COLUMNS, ROWS, width)).splitlines()
    for wanted in ("1,234.5", "3,456.7", "123.4", "345.6"):
        assert any(wanted in line.split() for line in lines)
    if width is not None and width >= 38:
        assert max(map(cell_width, lines)) <= width


def test_columns_go_in_their_order():
    assert "density" in plain(table(COLUMNS, ROWS, 62))
    assert "density" not in plain(table(COLUMNS, ROWS, 52))
    assert "P25" in plain(table(COLUMNS, ROWS, 52))
    assert "P25" not in plain(table(COLUMNS, ROWS, 42))


def test_column_without_text_is_left_out_and_long_text_is_cut():
    lines = plain(table([Column("a"), Column("b"), Column("c", give="cut")], [["1", "", "x" * 50]], 30))
    assert lines.splitlines() == ["a  c", "1  " + "x" * 26 + "…"]


def test_wide_characters_stay_aligned():
    lines = plain(
        table([Column("", give="wrap"), Column("v", ">")], [["国盛证券", "1"], ["abc", "22"]])
    ).splitlines()
    assert [cell_width(line) for line in lines[1:]] == [12, 12]


def test_control_characters_are_escaped():
    text = plain(table([Column("")], [["\x1b[31mred"]])) + plain(paragraph("a\x07b", 40))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert r"\x1b[31mred" in text


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


def test_width_is_that_of_columns_or_any(monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    assert output_width(io.StringIO()) == 72
    monkeypatch.delenv("COLUMNS")
    assert output_width(io.StringIO()) is None


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("colourless", [True, False])
def test_terminal_gets_styles_unless_told_otherwise(monkeypatch, colourless):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if colourless:
        monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    show([[("[text] ", ""), ("12,345", "bold")]], terminal)
    assert "[text]" in terminal.getvalue()
    assert ("\x1b[1m" in terminal.getvalue()) is not colourless


def test_pipe_gets_plain_text():
    pipe = io.StringIO()
    show([[("[text] ", ""), ("12,345", "bold")]], pipe)
    assert pipe.getvalue() == "[text] 12,345\n"
