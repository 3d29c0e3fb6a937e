"""Formats for scripts: JSON, CSV and netCDF hold the same numbers, to the last digit, for every question."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from synthetic import headline_result, run_result, shipped_backtest

from simulate.comparison import compare
from simulate.decisions import decide
from simulate.errors import Fault, printable
from simulate.formats import ENVELOPES, FORMATS, READERS
from simulate.formats.json import envelope
from simulate.layout import Column, Remark, Section
from simulate.priors import load_priors
from simulate.questions import QUESTIONS
from simulate.results import netcdf
from simulate.runs import draws, run
from simulate.sensitivity.tornado import tornado
from simulate.sweeps import sweep

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
    "decide": lambda: decide(load_priors("own-or-rent"), quantities=["capex", "opex_per_year"], **FEW),
    "sweep": lambda: sweep(load_priors("own-or-rent"), over="discount_rate=0.05,0.1", quantities=["capex"], **FEW),
    "backtest": shipped_backtest,
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
    assert {form: READERS[form] for form in FORMATS} == {
        "csv": "program",
        "github": "log",
        "json": "program",
        "markdown": "person",
        "table": "person",
    }
    assert [form for form in FORMATS if form in ENVELOPES] == ["github", "json"]


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


HOSTILE = "100 %25, a:b::c\n::error::d\r##[error]e\x1b[0m"


@pytest.mark.parametrize("text", [HOSTILE, "::stop-commands::x", "%0A::error::y", "\n", "größer ≥ 1", "a,b=c;d"])
def test_no_text_gives_github_a_command(workflow, text):
    """Whatever names and messages hold, the commands are ours, and what they say is what was to be said."""
    lines = "\n".join(map(printable, text.split("\n")))
    fault = Fault(f"{text} is wrong; mend it", text, 3, 4, text, "value")
    section = Section(text, text, [Column("a"), Column("b")], [[text, "1"]], [text], folded=True)
    file = io.StringIO()
    ENVELOPES["github"](envelope("run", errors=[fault], warnings=[text]), lambda: [section], file)
    error, warning, *grouped = workflow(file.getvalue())
    assert error.name == "error"
    assert error.properties == {"file": lines, "line": "3", "col": "4", "title": "simulate run (value)"}
    assert error.text == str(fault)
    assert (warning.name, warning.properties) == ("warning", {"title": "simulate run"})
    assert warning.text == printable(text)
    assert [each.name for each in grouped if each.name != "text"] == ["group", "endgroup"]
    result = run_result({"a": (text, "1", 1.0, 1.0)})
    result.provenance["warnings"] = [text]
    file = io.StringIO()
    FORMATS["github"](result, lambda: [replace(section, folded=False)], file)
    told = [each for each in workflow(file.getvalue()) if each.name != "text"]
    assert [each.name for each in told] == ["warning", "notice", "group", "endgroup"]
    assert told[0].text == lines
    assert told[1].text.startswith(f"{lines}\n{lines}\n{printable(text.strip().replace(chr(10), '; '))}")
    assert told[1].text.endswith("b 1")


def test_a_place_that_is_not_known_is_left_out():
    file = io.StringIO()
    ENVELOPES["github"](envelope(None, errors=[Fault("is wrong")], warnings=[Fault("is odd", "f.toml")]), list, file)
    assert file.getvalue() == (
        "::error title=simulate (value)::is wrong\n::warning file=f.toml,title=simulate::f.toml: is odd\n"
    )


@pytest.mark.parametrize(
    ("root", "path", "shown"),
    [
        ("", "a/b.toml", "a/b.toml"),
        ("", "{here}/a/b.toml", "a/b.toml"),
        ("", "a/../c.toml", "c.toml"),
        ("", "../b.toml", "../b.toml"),
        ("", "/elsewhere/b.toml", "/elsewhere/b.toml"),
        ("{here}/..", "b.toml", "here/b.toml"),
        ("{here}/..", "../b.toml", "b.toml"),
    ],
)
def test_github_looks_for_files_from_the_root_of_the_checkout(workflow, root, path, shown, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path) if root else "")
    file = io.StringIO()
    ENVELOPES["github"](envelope("run", errors=[Fault("is wrong", path.format(here=here), 1)]), list, file)
    (error,) = workflow(file.getvalue())
    assert (error.properties["file"], error.text) == (shown, f"{shown}:1: is wrong")


@pytest.mark.parametrize("name", [each for each in RESULTS if each != "draws"])
def test_every_result_is_annotated(workflow, name):
    """With the warnings that there are, one notice, and all of the report in groups."""
    result, file = made(name), io.StringIO()
    sections = QUESTIONS[result.question].sections(result)
    FORMATS["github"](result, lambda: sections, file)
    lines = workflow(file.getvalue())
    names = [each.name for each in lines if each.name != "text"]
    folded = [each.heading for each in sections if each.folded]
    groups = ["group", "endgroup"] * (1 + len(folded))
    assert names == [*["warning"] * len(result.warnings), "notice", *groups]
    assert [each.text for each in lines if each.name == "group"] == [f"simulate {result.question}", *folded]
    shown = "\n".join(each.text for each in lines if each.name == "text")
    assert all(remark in shown for each in sections for remark in each.remarks if isinstance(remark, str))


def test_a_notice_has_the_first_figures_that_cannot_be_left_out(workflow):
    columns = [Column("what"), Column("unit"), Column("P5", ">"), Column("P25", ">", drop=2), Column("P50", ">")]
    rows = [[f"  x{place}", "USD", "1", "2", "" if place else "3\n4"] for place in range(12)]
    brief = Section("First", columns=columns, rows=rows, brief=True)
    sections = [
        Section("Title"),
        replace(brief, folded=True, brief=False, heading="Folded"),
        brief,
        Section("Last", remarks=["y"]),
    ]
    file = io.StringIO()
    FORMATS["github"](run_result({"a": ("A", "1", 1.0, 1.0)}), lambda: sections, file)
    notice, group, *text = workflow(file.getvalue())
    assert notice.text.split("\n") == [
        "Title",
        "First",
        "x0: unit USD, P5 1, P50 3; 4",
        *(f"x{place}: unit USD, P5 1" for place in range(1, 10)),
        "and 2 more",
    ]
    assert (group.name, group.text) == ("group", "simulate run")
    assert [each.text for each in text if each.name == "group"] == ["Folded"]
    shown = [each.text for each in text]
    assert shown.count("Folded") == 1
    assert shown.index("Last") < shown.index("Folded")
