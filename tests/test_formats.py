"""Formats for scripts: JSON, CSV and netCDF hold the same numbers, to the last digit, for every question."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from functools import cache

import numpy as np
import pytest
from synthetic import headline_result, run_result

from simulate.backtesting import backtest
from simulate.comparison import compare
from simulate.decisions import decide
from simulate.formats import FORMATS
from simulate.layout import Column, Remark, Section
from simulate.priors import load_priors
from simulate.results import netcdf
from simulate.runs import draws, run
from simulate.sensitivity.tornado import tornado

FEW = {"scenarios": 2**12}
RESULTS = {
    "synthetic": headline_result,
    "run": lambda: run(
        load_priors("base"),
        scenarios=2**14,
        quantities=["capex", "training_cost"],
        percentiles=[2.5, 50, 99.999991, 99.999992],
        probability=["capex > 1e9"],
        given=["opex_per_year < 5e7"],
        statistics=["shortest 90", "expected_shortfall 95"],
    ),
    "all": lambda: run(load_priors("base"), quantities="all", **FEW),
    "nan": lambda: run(
        load_priors('model = "none"\n[priors]\na = {dist = "normal", mean = 0, sd = 1}\n'
                    '[quantities]\nnever = {formula = "log(0 - a * a)"}\nx = {formula = "sqrt(a)"}\n'),
        quantities="all", **FEW,
    ),
    "draws": lambda: draws(load_priors("base"), scenarios=20),
    "tornado": lambda: tornado(load_priors("base"), quantities=["capex", "training_cost"]),
    "sobol": lambda: tornado(load_priors("base"), quantities=["capex"], method="sobol", **FEW),
    "compare": lambda: compare(["gpt-3", "base"], quantities=["training_cost"], **FEW),
    "decide": lambda: decide(load_priors("own-or-rent"), **FEW),
    "backtest": backtest,
}  # fmt: skip
every_result = pytest.mark.parametrize("name", RESULTS)


@cache
def made(name):
    return RESULTS[name]()


TOLD = {}  # the results beside it, so that none has the identity of another


def told(result, form):
    if (id(result), form) not in TOLD:
        file = io.StringIO()
        FORMATS[form](result, list, file)
        TOLD[id(result), form] = result, file.getvalue()
    return TOLD[id(result), form][1]


def rows_of(result):
    return list(csv.DictReader(told(result, "csv").splitlines()))


def text(label):
    """A label as it is told: whole numbers without a point."""
    return repr(label).removesuffix(".0") if isinstance(label, float) else str(label)


def labels(result, dimension, length):
    found = [text(label) for label in result.labels(dimension)] or [str(place) for place in range(length)]
    assert len(set(found)) == length, "labels that are told alike"
    return found


def number(value):
    """A figure, None where it is nan or infinite; a text as it stands, such as '>='."""
    try:
        return float(value) if math.isfinite(float(value)) else None
    except ValueError:
        return value or None


def leaves(told, dims):
    """The paths and values of nested objects."""
    if not dims:
        return {(): None if told in {None, ""} else told}
    return {(label, *path): value for label, part in told.items() for path, value in leaves(part, dims[1:]).items()}


def from_json(result, name):
    """A variable's figures by labels, as JSON tells them."""
    whole = json.loads(told(result, "json"))["result"]
    figure, dims = name.removesuffix("_se"), result.variables[name].dims
    part = "value" if name == figure else "standard_error"
    if not dims:
        return leaves(whole["figures"][figure][part], dims)
    plural = {"quantity": "quantities"}.get(dims[0], f"{dims[0]}s")
    return {
        (label, *path): value
        for label, entry in whole[plural].items()
        if figure in entry
        for path, value in leaves(entry[figure][part], dims[1:]).items()
    }


def from_csv(result, name):
    """The same, as CSV tells them: `name` of a figure, or of its standard errors."""
    figure = name.removesuffix("_se")
    dims = result.variables[name].dims
    column = "value" if name == figure else "standard_error"
    return {
        tuple(row[dimension] for dimension in dims): number(row[column])
        for row in rows_of(result)
        if row["figure"] == figure
    }


def from_netcdf(again, name):
    """The same from a result read again, nan and infinite figures as None."""
    variable = again.variables[name]
    every = [labels(again, *each) for each in zip(variable.dims, variable.values.shape, strict=True)]
    return {
        place: number(value)
        for place, value in zip(itertools.product(*every), variable.values.ravel().tolist(), strict=True)
    }


@every_result
def test_all_formats_hold_the_same_numbers(name, tmp_path):
    result = made(name)
    figures = [each for each in result.variables if "fine_percentile" not in result.variables[each].dims]
    assert {row["figure"] for row in rows_of(result)} == {each.removesuffix("_se") for each in figures}
    (tmp_path / "result.nc").write_bytes(netcdf.written(result))
    again = netcdf.read(tmp_path / "result.nc")
    for each in figures:
        kept = from_netcdf(again, each)
        in_json, in_csv = from_json(result, each), from_csv(result, each)
        assert in_json == {place: kept[place] for place in in_json}, each
        assert in_csv == {place: kept[place] for place in in_csv}, each
        left_out = set(kept) - set(in_json)
        assert all(kept[place] is None for place in left_out), each
        if not each.endswith("_se"):
            assert set(in_csv) == set(in_json), each


@every_result
def test_units_are_told_of_each_row(name):
    result = made(name)
    for row in rows_of(result)[:: max(1, len(rows_of(result)) // 50)]:
        variable = result.variables[row["figure"]]
        shape = zip(variable.dims, variable.values.shape, strict=True)
        at = {
            dimension: result.labels(dimension)[labels(result, dimension, length).index(row[dimension])]
            for dimension, length in shape
            if result.labels(dimension)
        }
        assert row["unit"] == result.unit(row["figure"], **at)


@every_result
def test_json_says_what_the_result_rests_on(name):
    result, whole = made(name), json.loads(told(made(name), "json"))
    assert whole["command"] == result.question
    assert [each["message"] for each in whole["warnings"]] == result.warnings
    told_of = whole | whole["result"] | whole["settings"]
    assert {each: told_of[each] for each in result.attributes} == result.attributes
    assert all(set(file) == {"path", "sha256"} for file in whole["files"])
    assert "specification" not in json.dumps([*whole["result"].get("priors", {}).values()])


def test_json_nests_quantities_by_name():
    whole = json.loads(told(headline_result(), "json"))["result"]
    assert list(whole["quantities"]) == headline_result().labels("quantity")
    capex = whole["quantities"]["capex"]
    assert (capex["label"], capex["unit"]) == ("Initial investment", "USD")
    assert list(capex["percentiles"]["value"]) == ["5", "25", "50", "75", "95"]
    assert list(capex["percentiles"]["value"].values()) == headline_result()["percentiles"][0].tolist()
    assert capex["variance_share"]["value"] == {"speed": 0.64, "price": 0.32}
    assert capex["variance_share_by_evidence"]["value"] == {"judgement": 0.64, "sourced": 0.32}  # what there is of
    assert capex["variance_share_together"]["value"] == 0.04
    assert whole["quantities"]["racks"]["variance_share"]["value"] == {}
    assert "fine_percentiles" not in capex


def test_json_has_null_and_csv_nothing_for_what_is_not_a_number():
    result = headline_result()
    result["percentiles"][0, 0], result["mean"][0] = np.nan, np.inf
    capex = json.loads(told(result, "json"))["result"]["quantities"]["capex"]
    assert (capex["percentiles"]["value"]["5"], capex["mean"]["value"]) == (None, None)
    values = {(row["percentile"], row["figure"]): row["value"] for row in rows_of(result) if row["quantity"] == "capex"}
    assert values["5", "percentiles"] == ""
    assert values["", "mean"] == ""


def test_labels_keep_all_their_digits():
    result = run_result({"a": ("A", "1", 1.0, 1.0)}, percentiles=(2.5, 97.5, 99.9999991, 99.9999992))
    keys = ["2.5", "97.5", "99.9999991", "99.9999992"]
    assert list(json.loads(told(result, "json"))["result"]["quantities"]["a"]["percentiles"]["value"]) == keys
    assert [row["percentile"] for row in rows_of(result) if row["figure"] == "percentiles"] == keys


def test_markdown_has_tables_that_hold_together():
    columns = [Column("what"), Column("P50", ">")]
    sections = [
        Section("Heading", "Words | more.", columns, [["a|b", "1"], ["two\nlines", "2"]], ["Beneath."]),
        Section(remarks=[Remark("simulate run x", whole=True)]),
    ]
    file = io.StringIO()
    FORMATS["markdown"](None, lambda: sections, file)
    assert file.getvalue() == (
        "### Heading\n\nWords \\| more.\n\n"
        "| what | P50 |\n| --- | ---: |\n| a\\|b | 1 |\n| two; lines | 2 |\n\n"
        "Beneath.\n\n```\nsimulate run x\n```\n"
    )


def test_formats_are_files_of_a_folder():
    assert list(FORMATS) == ["csv", "github", "json", "markdown", "table"]


ODD = ["=1+1", "+1", "-1", "@SUM(A1)", "a\u202eb", "a\nb", "a\x9bb", "a|b"]


def odd_result():
    """A run of two cases' worth of odd texts: as labels of quantities and of what was asked."""
    result = run_result(dict.fromkeys("ab", ("=LABEL", "1", 1.0, 1.0)))
    result.along("question", ODD)
    result.put("probability", ("question",), [0.5] * len(ODD), unit="1")
    result.attributes["title"] = "a\u202eb\udcff"
    return result


def test_no_text_is_a_formula_in_a_spreadsheet():
    labels = [row["question"] for row in rows_of(odd_result()) if row["figure"] == "probability"]
    assert labels == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", r"a\u202eb", r"a\nb", r"a\x9bb", "a|b"]
    file = io.StringIO()
    result = run_result({"a": ("A", "1", 1.0, 1.0)})
    result["percentiles"][...] = -1.5
    FORMATS["csv"](result, list, file)
    assert ",percentiles,1,-1.5," in file.getvalue()  # numbers stay numbers


def test_json_keeps_every_text_and_steers_no_terminal():
    text = told(odd_result(), "json")
    assert all(character.isprintable() or character == "\n" for character in text)
    whole = json.loads(text)["result"]
    assert list(whole["questions"]) == ODD
    assert whole["title"] == "a\u202eb\udcff"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", r"\=1+1"),
        ("- item", r"\- item"),
        ("+3", r"\+3"),
        ("# heading", r"\# heading"),
        ("> quote", r"\> quote"),
        ("1. item", r"1\. item"),
        ("1.5 USD", "1.5 USD"),
        ("<b>a|b*c`d</b>", r"\<b>a\|b\*c\`d\</b>"),
        (r"a\<b", r"a\\\<b"),
        ("a\u202eb", r"a\\u202eb"),
        ("cost_per_question −5 %", "cost_per_question −5 %"),
    ],
)
def test_texts_are_no_marks_of_markdown(text, shown):
    file = io.StringIO()
    FORMATS["markdown"](None, lambda: [Section(text, text, [Column("a")], [[text]], [text])], file)
    assert file.getvalue() == f"### {shown}\n\n{shown}\n\n| a |\n| --- |\n| {shown} |\n\n{shown}\n"
