"""Reports laid out for a width: no number is ever cut."""

from __future__ import annotations

import io

import pytest

from simulate.layout import (
    Column,
    Remark,
    Section,
    cell_width,
    laid_out,
    output_width,
    paragraph,
    percentile_columns,
    plain,
    show,
    table,
)

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
    lines = plain(table([Column("", give="wrap"), Column("v", ">")], [["国盛证券", "1"], ["abc", "22"]])).splitlines()
    assert [cell_width(line) for line in lines[1:]] == [12, 12]


def test_control_characters_are_escaped():
    text = plain(table([Column("")], [["\x1b[31mred"]])) + plain(paragraph("a\x07b", 40))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert r"\x1b[31mred" in text


def test_sections_are_separated_by_one_empty_line():
    sections = [
        Section("Heading", "Some words."),
        Section(columns=[Column("a"), Column("b", ">")], rows=[["x", "1"]], remarks=["Beneath."]),
        Section(remarks=[Remark("too long a command to be broken", whole=True)]),
    ]
    assert plain(laid_out(sections, 20)).splitlines() == [
        "Heading",
        "Some words.",
        "",
        "a  b",
        "x  1",
        "Beneath.",
        "",
        "too long a command to be broken",
    ]


def test_remarks_are_broken_and_indented():
    lines = plain(laid_out([Section(remarks=[Remark("one two three four five six", indent="  ")])], 20))
    assert lines.splitlines() == ["one two three four", "  five six"]


def test_a_heading_is_bold_and_a_remark_has_its_style():
    lines = laid_out([Section("Heading", remarks=[Remark("quiet", "dim"), [("as it is", "red")]])])
    assert lines == [[("Heading", "bold")], [("quiet", "dim")], [("as it is", "red")]]


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


def test_of_columns_of_percentiles_the_outermost_and_the_middle_one_stay():
    columns = percentile_columns([1.0, 2.5, 40.0, 50.0, 99.0], drop=3)
    assert [column.title for column in columns if not column.drop] == ["P1", "P50", "P99"]
    assert [column.title for column in columns if column.drop == 3] == ["P2.5", "P40"]
    assert [column.title for column in columns if column.style == "bold"] == ["P50"]
