"""Workbooks of `--xlsx`, read back: every number, as a number, in the digits that it supports; no text is a formula."""

from __future__ import annotations

import csv
import io
import sys
from functools import cache

import numpy as np
import openpyxl
import pytest

import simulate
from simulate import workbook
from simulate.comparison import compare
from simulate.decisions import decide
from simulate.formats import FORMATS
from simulate.priors import load_priors
from simulate.results import Result
from simulate.runs import run
from simulate.runs.draws import SAMPLE, gathered
from simulate.sensitivity.tornado import tornado
from simulate.sweeps import sweep

TEXT = """
model = "none"
title = "=1+1"
[priors.a]
dist = "lognormal"
p5 = 1
p95 = 5
unit = "USD"
label = "+A1"
evidence = "sourced"
source = "https://example.org/a?b=1, page 2."
[priors]
b = {dist = "choice", values = [1, 2, 3], unit = "1", label = "@Größe", note = "-2+3"}
[quantities]
d = {formula = "a * b", unit = "USD", label = "=cmd()"}
never = {formula = "log(0 - b * b)"}
some = {formula = "log(b - 2)"}
"""
# Two choices, of which one hangs on a prior.
CHOICES = """
model = "none"
[priors]
price = {value = 0.5, unit = "USD"}
other = {dist = "uniform", lower = 0, upper = 1, unit = "USD"}
[quantities]
cost = {formula = "price", unit = "USD"}
[choices.fixed]
[choices.drawn.quantities]
cost = {formula = "other", unit = "USD"}
"""
FEW = {"scenarios": 2**12}
RESULTS = {
    "run": lambda: run(
        load_priors("base"),
        scenarios=2**13,
        percentiles=[1, 50, 99.9999],
        probability=["capex > 1e9"],
        given=["opex_per_year < 5e7"],
        observe=["training_cost = 1.4e6 +- 10%"],
        statistics=["shortest 90"],
        fail_if=["P(capex > 1e9) > 90%"],
    ),
    "nan": lambda: run(load_priors(TEXT), quantities="all", **FEW),
    "tornado": lambda: tornado(load_priors("base"), quantities=["capex", "training_cost"]),
    "sobol": lambda: tornado(load_priors(TEXT), quantities=["d"], method="sobol", **FEW),
    "compare": lambda: compare(["gpt-3", "base"], quantities=["training_cost"], **FEW),
    "decide": lambda: decide(load_priors(CHOICES), quantities=["cost"], **FEW),
    "sweep": lambda: sweep(load_priors(CHOICES), over="price=0.25,0.5", quantities=["cost"], **FEW),
}
every_result = pytest.mark.parametrize("name", RESULTS)


@cache
def made(name):
    """A result and its workbook, once for all tests."""
    result = RESULTS[name]()
    return result, opened(workbook.written(result))


def opened(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def table(sheet):
    """The header and the rows of a sheet."""
    header, *rows = list(sheet.iter_rows(min_row=workbook.HEAD, values_only=True))
    return header, rows


def figures(result):
    """What the csv format tells: labels by dimension, and each value with its error."""
    text = io.StringIO()
    FORMATS["csv"](result, list, text)
    rows = csv.reader(io.StringIO(text.getvalue()))
    dims = next(rows)[:-4]
    for row in rows:
        yield dict(zip(dims, row[:-4], strict=True)), row[-4], row[-2:]


@every_result
def test_every_number_of_a_result_is_in_its_row_of_the_workbook(name):
    result, book = made(name)
    rows = {}
    for sheet in book:
        header, body = table(sheet)
        for row in body:
            dims = tuple(
                each for each in header if each in result.coordinates and (each,) == result.coordinates[each].dims
            )
            key = tuple(sorted((each, str(label)) for each, label in zip(header, row, strict=False) if each in dims))
            rows.setdefault(key, set()).update(digits(each) for each in row if isinstance(each, int | float))
    count = 0
    for labels, figure, told in figures(result):
        own = set(result.variables[figure].dims) - set(workbook.ACROSS)
        key = tuple(sorted((each, str(label_of(result, each, labels[each]))) for each in own))
        for text in told:
            if text.lstrip("'") in {"", "0.0", ">=", "<=", "<", ">"} or not is_number(text):
                continue
            assert digits(text) in rows[key], (labels, figure)
            count += 1
    assert count > 5


def digits(number):
    """The 16 digits that a workbook holds of a number."""
    return f"{float(number) + 0:.15e}"


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def label_of(result, dimension, text):
    """A label of a dimension by what the csv format makes of it."""
    labels = result.labels(dimension)
    return next((each for each in labels if str(each).removesuffix(".0") == text.lstrip("'")), text)


def test_columns_are_headed_by_what_they_hold():
    result, book = made("run")
    header, rows = table(book["Bands"])
    first = dict(zip(header, rows[0], strict=True))
    assert first["quantity"] == result.labels("quantity")[0]
    expected = result.estimate("percentiles", quantity=first["quantity"], percentile=50)
    assert [*map(digits, (first["P50"], first["± P50"]))] == [*map(digits, expected)]
    assert first["unit"] == result.at("unit", quantity=first["quantity"])
    assert book["Bands"].freeze_panes == "B4"
    assert not {"unit", "prior unit"} & {*table(book["Variance shares"])[0]}  # shares have none
    assert "expected regret [USD]" in table(made("decide")[1]["Choices"])[0]


@every_result
def test_sheets_have_names_that_excel_takes_and_a_first_one_that_says_how_it_was_computed(name):
    result, book = made(name)
    assert all(0 < len(each) <= 31 for each in book.sheetnames)
    assert {"Overview", "Bands", "Priors"} <= {*book.sheetnames}
    _, rows = table(book["Overview"])
    told = {}
    for key, value in rows:
        told.setdefault(key, []).append(value)
    assert told["question"] == [f"simulate {result.question}"]
    assert told["version"] == [simulate.__version__]
    assert told.get("warning", []) == result.warnings
    assert told["seed"] == [result.attributes["seed"]]
    assert all(file["sha256"] in " ".join(told["file"]) for file in result.provenance["files"])


def test_no_text_is_a_formula_and_what_is_no_number_is_empty():
    result, book = made("nan")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}  # 'f' is a formula, 'e' an error such as #NUM!
    texts = {cell.value for cell in cells}
    assert {"=1+1", "+A1", "@Größe", "-2+3", "=cmd()"} <= texts
    header, rows = table(book["Bands"])
    never = next(dict(zip(header, row, strict=True)) for row in rows if row[0] == "never")
    assert (never["P50"], never["mean"], never["nonfinite"]) == (None, None, result.attributes["scenarios"])


def test_priors_stand_with_evidence_and_sources_that_a_click_opens():
    sheet = made("nan")[1]["Priors"]
    header, rows = table(sheet)
    first = dict(zip(header, rows[0], strict=True))
    assert (first["prior"], first["stated as"], first["evidence"]) == ("a", "p5 = 1, p95 = 5", "sourced")
    cell = sheet.cell(workbook.HEAD + 1, header.index("source") + 1)
    assert (cell.value, cell.hyperlink.target) == ("https://example.org/a?b=1, page 2.", "https://example.org/a?b=1")


def test_texts_too_long_for_a_cell_end_in_an_ellipsis_and_none_steers_anything():
    source = f"https://a.org/{'x' * 40_000}"
    prior = f'{{value = 1, source = "{source}", note = "\\u001b[2J"}}'
    text = f'model = "none"\n[quantities]\nq = {{formula = "a"}}\n[priors]\na = {prior}\n'
    header, rows = table(opened(workbook.written(run(load_priors(text), **FEW)))["Priors"])
    first = dict(zip(header, rows[0], strict=True))
    assert (len(first["source"]), first["source"][-1], first["note"]) == (32_767, "…", "\\x1b[2J")


SHOWN = {  # a value and its error, and in which format: both end at the second digit of the error
    (231_456_789.0, 1_300_000.0, "USD"): '#,##0.0,," million"',
    (231_456_789.0, 130_000_000.0, "USD"): '#,##0.00,,," billion"',
    (46_000.0, 2_460.0, "1"): '#,##0.0," thousand"',
    (1_063.0, 63.0, "1"): "#,##0",
    (591_864.0, 0.0, "kWh/day"): "#,##0",
    (0.0123456, 0.0002, "1"): "#,##0.00000",
    (1.23456e-7, 1e-9, "1"): "0.000E+00",
    (1.5e20, 1e18, "1"): "0.000E+00",
    (2028.0, 0.0, "year"): "0",
    (3.25, np.nan, "1"): "#,##0.000",
    (0.0, 0.0, "USD"): "0",
}


@pytest.mark.parametrize(("value", "error", "unit"), SHOWN)
def test_a_number_shows_the_digits_that_its_error_supports(value, error, unit):
    result = Result("run")
    result.along("quantity", ["q", "other"])
    result.beside("unit", ("quantity",), [unit, "1"])
    result.put("mean", ("quantity",), [value, 1.0], [error, 1.0], unit_of="unit")
    sheet = opened(workbook.written(result))["Bands"]
    cell = sheet.cell(workbook.HEAD + 1, 3)
    assert (cell.value, cell.number_format) == (value, SHOWN[value, error, unit])


CONDITIONS = {
    "none": {},
    "hypercube": {"scheme": "latin_hypercube"},
    "given": {"given": ["d > P70"]},
    "weighted": {"given": ["a < 4"], "observe": ["d = 9 +- 2"]},
}


@pytest.mark.parametrize("conditions", CONDITIONS)
def test_the_scenarios_are_the_first_of_the_run(command, tmp_path, conditions):
    asked = {"scenarios": 4096, "quantities": ["d", "some"], **CONDITIONS[conditions]}
    path = tmp_path / "small.toml"
    path.write_text(TEXT, encoding="utf-8")
    options = ["--scenarios", 4096, "--quantities", "d,some", "--scheme", asked.get("scheme", "sobol")]
    options += [word for name in ("given", "observe") for text in asked.get(name, []) for word in (f"--{name}", text)]
    assert command("run", path, *options, "--xlsx", "--no-pictures")[0] == 0
    header, rows = table(openpyxl.load_workbook(tmp_path / "out" / "result.xlsx")["Scenarios"])
    drawn = gathered(load_priors(TEXT), **asked)
    first = np.concatenate(
        [np.flatnonzero(drawn["replicate"] == each)[: SAMPLE // 16 + (each < SAMPLE % 16)] for each in range(16)]
    )
    beside = [name for name in ("replicate", "place", "weight") if name in drawn]
    assert ("weight" in beside) == (conditions == "weighted")
    assert header == (*beside, "a [USD]", "b", "d [USD]", "some")
    expected = np.concatenate([[drawn[name] for name in beside], drawn["value"]])[:, first].T
    got = np.array([[np.nan if each is None else each for each in row] for row in rows])
    assert len(got) == len(first) == SAMPLE
    assert np.isnan(got).any()
    order = [np.lexsort((each[:, 1], each[:, 0])) for each in (got, expected)]
    expected[np.isinf(expected)] = np.nan
    np.testing.assert_allclose(got[order[0]], expected[order[1]], rtol=1e-15)


def test_the_same_result_gives_the_same_bytes():
    result, _ = made("nan")
    assert workbook.written(result) == workbook.written(result)
    assert made("nan")[1].properties.created.year == 2000  # and no clock stands in it


def test_rows_that_a_sheet_cannot_hold_are_left_out_and_told(monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 5)
    sheet = opened(workbook.written(made("nan")[0]))["Bands"]
    assert sheet.max_row == 5
    assert sheet["A2"].value == "Cut: a sheet holds no more rows; the .csv and .nc files hold all."


@pytest.fixture
def small(tmp_path):
    """A priors file."""
    path = tmp_path / "small.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_it_lies_beside_the_result_as_long_as_it_is_asked_for(command, tmp_path, small):
    out = tmp_path / "out"
    assert command("tornado", small, "--quantities", "d", "--format", "csv", "--xlsx")[0] == 0
    assert {each.name for each in out.iterdir()} == {"tornado.csv", "tornado.nc", "tornado.xlsx"}
    assert command("tornado", small, "--quantities", "d", "--format", "csv")[0] == 0
    assert {each.name for each in out.iterdir()} == {"tornado.csv", "tornado.nc"}
    told = command("tornado", small, "--no-save", "--xlsx", out=False)
    assert told == (2, "", "--no-save: another option asks for files; leave out one of the two\n")


def test_without_the_library_one_line_says_what_to_install(command, tmp_path, small, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    line = "--xlsx: XlsxWriter is not installed; pip install 'llm-cost-simulate[xlsx]'\n"
    assert command("run", small, "--xlsx") == (2, "", line)
    assert not (tmp_path / "out").exists()
