"""CSV as spreadsheets export it: read where a prior says how it is written, refused by row where it does not."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulate.calibration.training import COLUMNS, read_runs
from simulate.distributions import ParameterError, distribution
from simulate.distributions.discrete import SURPLUS
from simulate.errors import SimulateError
from simulate.spreadsheet import DECIMALS, SEPARATORS, THOUSANDS, read_number, read_sheet


@pytest.fixture
def empirical(tmp_path):
    """The values of the column `cost` of a file of this content, in order."""

    def read(content, **keys):
        path = tmp_path / "costs.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return distribution("empirical", {"file": path.name, "column": "cost", **keys}, tmp_path).values

    return read


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ("cost;n\n1,5;2\n2,5;3\n", {"separator": ";", "decimal": ","}),
        ("cost\tn\n1,5\t2\n2,5\t3\n", {"separator": "\t", "decimal": ","}),
        ("cost|n\n1.5|2\n2.5|3\n", {"separator": "|"}),
        ('cost,n\n"1,5",2\n"2,5",3\n', {"decimal": ","}),
        ("cost\n1,5\n2,5\n", {"separator": ";", "decimal": ","}),
        ("sep=;\ncost;n\n1,5;2\n2,5;3\n", {"decimal": ","}),
        ("\ufeffcost;n\r\n1,5;2\r\n2,5;3\r\n;\r\n\r\n", {"separator": ";", "decimal": ","}),
        ('SEP=;\ncost;n\n"1,5";2\n2,5;3\n', {"decimal": ","}),
        ('"sep=;"\ncost;n\n1,5;2\n2,5;3\n', {"decimal": ","}),
        ("\n,\n\ncost,n\n1.5,2\n2.5,3\n", {}),
        ('cost,"a;b|c;d"\n1.5,2\n2.5,3\n', {}),
        ('\ufeff\ufeff"cost", n \n 1.5 ,2\n+25e-1,3\n', {}),
    ],
)
def test_spreadsheets_of_other_countries_are_read(empirical, content, keys):
    assert empirical(content, **keys) == (1.5, 2.5)


@pytest.mark.parametrize(
    ("cells", "keys"),
    [
        (('"1,234"', '"-2,345.5"'), {"thousands": ","}),
        (("1234", '"-2,345.5"'), {"thousands": ","}),
        (("1.234", "-2.345,5"), {"separator": ";", "decimal": ",", "thousands": "."}),
        (("1 234", "-2 345,5"), {"separator": ";", "decimal": ",", "thousands": " "}),
        (("1\u00a0234", "\u22122\u202f345,5"), {"separator": ";", "decimal": ",", "thousands": " "}),
        (("1'234", "-2\u2019345.5"), {"thousands": "'"}),
        (("1\u2007234", "-2\u2007345.5"), {"thousands": " "}),
    ],
)
def test_marks_between_thousands_are_read(empirical, cells, keys):
    assert empirical("\n".join(["cost", *cells]), **keys) == (1234, -2345.5)


@pytest.mark.parametrize(("cells", "read"), [('"1,23,456.5"', 123456.5), ('"-12,34,56,789"', -123456789)])
def test_lakhs_and_crores_are_read_where_a_comma_stands_between_thousands(empirical, cells, read):
    assert empirical(f"cost\n{cells}\n", thousands=",") == (read,)


@pytest.mark.parametrize(
    ("cells", "keys", "read"),
    [
        ("1.234;1\n12.5;2", {}, (1.234, 12.5)),
        ("0.125;1", {}, (0.125,)),
        ("1.234;1", {"decimal": "."}, (1.234,)),
        ("1,234.567;1", {"thousands": ","}, (1234.567,)),
    ],
)
def test_points_between_semicolons_are_decimal_where_they_cannot_be_others(empirical, cells, keys, read):
    assert empirical(f"cost;n\n{cells}\n", separator=";", **keys) == read


REFUSED = {
    "a comma between thousands": ("cost\n1,234\n2,345\n", {}, f"costs.csv:2: 2 cells under 1 column; {SURPLUS}"),
    "a cell too many": ("cost,n\n1,2\n\n1,5,2\n", {}, "costs.csv:4: 3 cells under 2 columns; quote"),
    "an empty cell too many": ("cost\n1\n2,\n", {}, "costs.csv:3: 2 cells under 1 column; take the separators"),
    "a cell too few": ("cost,n\n1,2\n3\n", {}, "costs.csv:3: 1 cell under 2 columns; fill it up, or take the row"),
    "semicolons": (
        "cost;n\n1;2\n",
        {},
        'costs.csv:1: the cells look parted by ";", not by commas; write separator = ";"',
    ),
    "a cell too many between semicolons": ("cost;n\n1;2;3\n", {"separator": ";"}, "quote a cell with a separator"),
    "semicolons between quotes": ('"cost";"n"\n"1,5";"2"\n', {}, 'costs.csv:1: the cells look parted by ";"'),
    "semicolons below blank lines": ("\n\ncost;n\n1;2\n", {}, 'costs.csv:3: the cells look parted by ";"'),
    "points in a country of semicolons": (
        "cost;n\n10;1\n1.234;2\n-2.345.678;3\n",
        {"separator": ";"},
        '\'-2.345.678\' is not a finite number; write decimal = "," and thousands = "." if it is -2345678',
    ),
    "points that may stand between thousands": (
        "cost;n\n10;1\n1.234;2\n",
        {"separator": ";"},
        'costs.csv:3: cost: \'1.234\' may be two numbers; write decimal = "." if it is 1.234 or decimal = "," and',
    ),
    "a currency": ("cost\n1.5 \u20ac\n", {}, "'1.5 \u20ac' is not a finite number; write without the sign"),
    "semicolons, and the header for the column": ("cost;n\n1,5;2\n", {"column": "cost;n"}, 'write separator = ";"'),
    "tabs": ("cost\tn\n1\t2\n", {}, r'write separator = "\t"'),
    "a decimal comma": (
        "cost;n\n1,5;2\n",
        {"separator": ";"},
        "costs.csv:2: cost: '1,5' is not a finite number; write decimal = \",\" if it is 1.5",
    ),
    "a comma of either kind": (
        'cost\n"1,234"\n',
        {},
        'write thousands = "," if it is 1234 or decimal = "," if it is 1.234',
    ),
    "a point that is no decimal mark": (
        "cost;n\n1.234;2\n",
        {"separator": ";", "decimal": ","},
        'write decimal = "." if it is 1.234 or decimal = "," and thousands = "." if it is 1234',
    ),
    "thousands of two digits": ('cost\n"1,23"\n', {"thousands": ","}, "'1,23' is not a finite number"),
    "the header again": ("cost,n\n1,2\ncost,n\n3,4\n", {}, "costs.csv:3: cost: 'cost' is the header again; take"),
    "a column twice": ("cost,n,cost\n1,2,3\n", {}, "costs.csv:1: 2 columns are called 'cost'; rename all but one"),
    "percent": ("cost\n5%\n", {}, "costs.csv:2: cost: '5%' is not a finite number; write without the sign, and"),
    "an empty cell": ("cost,n\n,2\n", {}, "costs.csv:2: cost: '' is not a finite number; write a number, or take"),
    "no number": ("cost\n1_000\n", {}, "'1_000' is not a finite number; write a number, or take the row out"),
    "digits of another script": (
        "cost\n\u0661\u0662\n",
        {},
        "costs.csv:2: cost: '\u0661\u0662' is not a finite number",
    ),
    "digits of full width": ("cost,n\n1,1\n\uff11,2\n", {}, "costs.csv:3: cost: '\uff11' is not a finite number"),
    "text": ("cost\nmuch\n", {}, "costs.csv:2: cost: 'much' is not a finite number; write a number, or take the row"),
    "a fault of weights": ("cost,n\n1,2\n2,x\n", {"weights": "n"}, "costs.csv:3: n: 'x' is not a finite number"),
    "infinite": ("cost\n1e999\n", {}, "'1e999' is not a finite number; write a number, or take the row out"),
    "not a number": ("cost\nnan\n", {}, "'nan' is not a finite number; write a number, or take the row out"),
    "two bytes a letter": ("cost\n1\n".encode("utf-16"), {}, "is not UTF-8; save the table as CSV in UTF-8"),
    "marks that are alike": ("cost\n1\n", {"decimal": ",", "thousands": ","}, "',' is the decimal mark; give another"),
    "a mark of two characters": ("cost\n1\n", {"separator": ";;"}, "';;' is none of ',' ';' '\\t' '|'; write one"),
    "no rows": ("cost\n\n", {}, "costs.csv has no rows; add some"),
}


@pytest.mark.parametrize(("content", "keys", "message"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_written_otherwise_is_refused_by_row_with_the_mend(empirical, content, keys, message):
    with pytest.raises(ParameterError) as caught:
        empirical(content, **keys)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(",", ";"), 'the cells look parted by ";", not by commas; save it with commas'),
        (lambda text: text.replace("model,", "model,model,", 1), "2 columns are called 'model'; rename all but one"),
    ],
)
def test_own_training_runs_are_held_to_the_same(tmp_path, change, message):
    path = tmp_path / "runs.csv"
    path.write_text(change(f"{','.join(COLUMNS)}\nA,7e9,0,1e12,989e12,1e5\n"))
    with pytest.raises(SimulateError, match=r"runs\.csv:1: ") as caught:
        read_runs(path)
    assert message in str(caught.value)


def test_check_and_explain_tell_how_a_file_is_written(command, tmp_path):
    (tmp_path / "costs.csv").write_text("cost\tn\n1.234,5\t2\n2.000,0\t3\n", encoding="utf-8")
    path = tmp_path / "priors.toml"
    keys = 'file = "costs.csv"\ncolumn = "cost"\nseparator = "\\t"\ndecimal = ","\nthousands = "."\n'
    formula = '[quantities.y]\nformula = "cost"\n'
    path.write_text(f'model = "none"\n[priors.cost]\ndist = "empirical"\n{keys}{formula}', encoding="utf-8")
    code, told, _ = command("explain", "cost", path)
    assert code == 0
    assert "separator = \\t, decimal = ,, thousands = .:" in " ".join(told.split())
    code, told, _ = command("check", path)
    assert code == 0
    row = next(line.split() for line in told.splitlines() if line.startswith("cost"))
    assert row[1:] == ["empirical", "1,234", "1,234", "2,000"]


def grouped(digits, mark):
    """Digits with a mark between thousands."""
    first = len(digits) % 3 or 3
    return mark.join([digits[:first], *(digits[at : at + 3] for at in range(first, len(digits), 3))])


MARKS = [(decimal, mark) for decimal in DECIMALS for mark in THOUSANDS if mark != decimal]


@given(
    numbers=st.lists(st.tuples(st.integers(-(10**14), 10**14), st.integers(0, 999)), min_size=1, max_size=5),
    marks=st.sampled_from(MARKS),
    separator=st.sampled_from(SEPARATORS),
    terminator=st.sampled_from(["\n", "\r\n"]),
    mark_of_order=st.booleans(),
)
def test_every_export_is_read_as_it_was_written(tmp_path_factory, numbers, marks, separator, terminator, mark_of_order):
    decimal, thousands = marks
    cells = [f"{'-' * (whole < 0)}{grouped(str(abs(whole)), thousands)}{decimal}{rest:03d}" for whole, rest in numbers]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, lineterminator=terminator)
    writer.writerows([["name", "cost"], *(["a", cell] for cell in cells)])
    path = tmp_path_factory.mktemp("exports") / "costs.csv"
    path.write_bytes((b"\xef\xbb\xbf" if mark_of_order else b"") + stream.getvalue().encode())
    read = read_sheet(path, separator).numbers("cost", decimal, thousands)
    assert read == tuple(float(f"{'-' * (whole < 0)}{abs(whole)}.{rest:03d}") for whole, rest in numbers)


@given(st.text("0123456789.,' +-e\u00a0_%", max_size=9), st.sampled_from(MARKS))
def test_a_number_is_never_read_as_another(text, marks):
    """It is what is left without the marks between thousands."""
    decimal, thousands = marks
    read = read_number(text, decimal, thousands)
    if read is None:
        return
    plain = text.replace("\u00a0", " ").strip().replace(thousands or "_", "").replace(decimal, ".")
    assert read == float(plain)
    assert "_" not in text
