"""The contract with programs: one envelope, its schema, its errors and the exit codes, the same for every command."""

from __future__ import annotations

import copy
import importlib.resources
import io
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from synthetic import run_result, shipped_backtest

from simulate.cli.commands import COMMANDS
from simulate.cli.exit_codes import SAID
from simulate.errors import CODES, Fault
from simulate.formats import FORMATS
from simulate.formats.json import SCHEMA, SCHEMA_VERSION, envelope, found
from simulate.results.folder import read_run
from simulate.results.published import place_of
from simulate.runs.report import falls_at

BASE = "priors/base.toml"
PAGE = Path("docs/reference/json.md").read_text(encoding="utf-8")
WRITTEN = (importlib.resources.files("simulate.formats") / "output.schema.json").read_text("utf-8")
STATED = json.loads(WRITTEN)
KEYS = ["schema", "schema_version", "command", "version", "files", "settings", "warnings", "errors", "result"]
QUICK = ("--scenarios", "2048")
OWN = """model = "none"
[priors]
a = {dist = "normal", mean = 0, sd = 1}
b = {dist = "lognormal", p5 = 1, p95 = 9, unit = "USD", evidence = "judgement", note = "a guess"}
[quantities]
root = {formula = "sqrt(a)"}
cost = {formula = "b * (1 + a)", unit = "USD"}
[correlations.a]
b = 0.5
[[published]]
quantity = "cost"
value = 3
source = "a test"
[choices.one]
[choices.two.priors.b]
p95 = 12
"""
OTHER = OWN.replace("USD", "EUR")
RUNS = """model,parameters_active,mixture_of_experts,training_tokens,accelerator,peak_flops,accelerator_hours
Mine,70e9,0,1e12,Abacus,989e12,500000
"""


def closed(schema):
    """The schema that allows no key that it does not name, so that none is told without being described."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(each) for name, each in schema.items()}
    return {"additionalProperties": False, **found} if {"type", "properties"} <= found.keys() else found


STRICT = Draft202012Validator(closed(STATED))
LOOSE = Draft202012Validator(STATED)

# Command lines with {own}, {other} and {saved}: two priors files without a model, and an earlier run of the first.
ASKED = {
    "run": ("run", BASE, *QUICK, "--quantities", "capex,training_cost"),
    "run of all": ("run", "guosheng-2023", *QUICK, "--quantities", "all"),
    "run of nan": ("run", "{own}", *QUICK, "--quantities", "all", "--percentiles", "0.001,50,99.999"),
    "run under conditions": (
        *("run", BASE, "--scenarios", "65536", "--given", "capex > P50", "--observe", "pue = 1.2 +- 5%"),
        *("--probability", "capex > 1e9", "--statistic", "shortest 90", "--set", "it_lifetime=5"),
    ),
    "run to a precision": ("run", "{own}", "--quantities", "cost", "--precision", "cost:p50=5%"),
    "run again": ("run", "{saved}"),
    "tornado": ("tornado", BASE, "--quantities", "capex"),
    "tornado of means": ("tornado", "{own}", *QUICK, "--method", "conditional", "--percentile", "90"),
    "tornado under a condition": ("tornado", "{own}", "--given", "cost > 1", "--scenarios", "16384"),
    "compare": ("compare", "priors/guosheng-2023.toml", BASE, *QUICK, "--quantities", "capex"),
    "compare other units": ("compare", "{own}", "{other}", "{saved}", *QUICK),
    "decide": ("decide", "own-or-rent", *QUICK, "--quantities", "capex", "--given", "utilization > 0.1"),
    "decide for own choices": ("decide", "{own}", *QUICK, "--quantities", "cost"),
    "sweep": ("sweep", "own-or-rent", *QUICK, "--over", "discount_rate=0.05,0.1"),
    "sweep own": ("sweep", "{own}", *QUICK, "--over", "a=1,2"),
    "backtest": ("backtest", "{runs}"),
    "check": ("check", "own-or-rent"),
    "check own": ("check", "{own}", "--set", "a=2"),
    "verify": ("verify", "{saved}"),
    "explain": ("explain",),
    "explain one": ("explain", "capex"),
    "explain a word": ("explain", "lognormal"),
    "explain own": ("explain", "b", "{own}"),
    "guide": ("guide",),
    "show": ("show", "{own}", "--set", "a=2"),
    "show a choice": ("show", "own-or-rent:own"),
    "new": ("new", "--for", "formulas"),
    "schema": ("schema",),
}
ANSWERS_OTHERWISE = {"mcp"}  # it prints what a protocol asks for, in which these answers stand


@pytest.fixture
def printed(command, tmp_path, load):
    """What a command prints in a format, after its exit code and before stderr."""

    def ask(form, *arguments, **options):
        places = {
            "own": load(OWN, name="own").path,
            "other": load(OTHER, name="other").path,
            "saved": tmp_path / "s",
            "runs": tmp_path / "runs.csv",
        }
        places["runs"].write_text(RUNS, encoding="utf-8")
        if "{saved}" in arguments:
            command("run", places["own"], *QUICK, "--no-pictures", "--out", tmp_path / "s", out=False)
        return command(*(each.format(**places) for each in arguments), "--format", form, **options)

    return ask


@pytest.fixture
def told(printed):
    """What a command prints as JSON, its exit code and stderr."""

    def ask(*arguments):
        code, out, err = printed("json", *arguments)
        return code, json.loads(out), err

    return ask


def test_the_schema_is_one():
    Draft202012Validator.check_schema(STATED)
    assert STATED["properties"]["schema"]["const"] == SCHEMA
    assert re.fullmatch(STATED["properties"]["schema_version"]["pattern"], SCHEMA_VERSION)
    assert set(STATED["properties"]) == set(KEYS)
    assert {line[0] for line in ASKED.values()} == set(COMMANDS) - ANSWERS_OTHERWISE


@pytest.mark.parametrize("name", ASKED)
def test_every_command_keeps_to_the_schema(told, name):
    code, whole, _ = told(*ASKED[name])
    assert code == 0
    STRICT.validate(whole)
    assert list(whole) == KEYS
    assert (whole["command"], whole["errors"]) == (ASKED[name][0], [])


def places(data, path=()):
    """The paths of all values of nested data."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, each in inner:
        yield (*path, name)
        yield from places(each, (*path, name))


FREE = {"specification", "run", "prior", "settings"}  # below which the schema leaves values open


def test_the_backtest_of_what_ships_keeps_to_the_schema():
    file = io.StringIO()
    FORMATS["json"](shipped_backtest(), list, file)
    STRICT.validate(json.loads(file.getvalue()))


@pytest.mark.parametrize("name", ["compare", "check own", "explain own"])
def test_the_schema_finds_what_is_missing_or_of_another_kind(told, name):
    """Where any value but the one truth becomes one, it is noticed, except below what is said to be open."""
    _, whole, _ = told(*ASKED[name])
    kinds = {}
    for path in places(whole):
        kinds.setdefault(tuple(each for each in path if f'"{each}"' in WRITTEN), path)
    unnoticed = []
    for path in kinds.values():
        if FREE & set(path):
            continue
        changed = copy.deepcopy(whole)
        parent = changed
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = True
        if LOOSE.is_valid(changed) and path[-1] not in {"parameter", "unused"}:
            unnoticed.append(path)
    assert unnoticed == []
    for key in KEYS:
        assert not LOOSE.is_valid({name: each for name, each in whole.items() if name != key})


BROKEN = {  # a priors file, or the options of a run: the fault, but for what is null
    "syntax": ("[priors.pue]\ndist = lognormal\n", {"line": 2, "column": 8, "code": "syntax"}),
    "key": ("[priors.pue]\nvalue = 1.1\nsorce = 'x'\n", {"line": 3, "key": "priors.pue.sorce", "code": "parameter"}),
    "table": ("[pue]\nvalue = 1.1\n", {"line": 1, "key": "pue", "code": "schema"}),
    "kind": ("[priors.pue]\nvalue = '1.1'\n", {"line": 2, "key": "priors.pue.value", "code": "schema"}),
    "name": (
        "[priors.pue]\nvalue = 1.1\n[run]\nquantities = ['capx']\n",
        {"line": 4, "key": "run.quantities", "code": "unknown_name", "fix": "did you mean capex?"},
    ),
    "formula": ("[quantities.x]\nformula = 'pue +'\n", {"line": 2, "key": "quantities.x.formula", "code": "formula"}),
    "unit": ("[priors.pue]\nvalue = 1\nunit = 'USD'\n", {"line": 3, "key": "priors.pue.unit", "code": "unit"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_of_a_priors_file_is_told_by_its_parts(told, tmp_path, name):
    path = tmp_path / "broken.toml"
    text, wanted = BROKEN[name]
    path.write_text(text)
    for asked in ("run", "check", "decide", "tornado", "compare"):
        code, whole, err = told(asked, str(path), *([BASE] if asked == "compare" else []))
        STRICT.validate(whole)
        assert (code, whole["command"], whole["result"]) == (2, asked, None)
        (fault,) = whole["errors"]
        assert fault["file"] == str(path)
        assert {each: fault[each] for each in wanted} == wanted
        parts = [f"{path}:{fault['line']}", fault["key"], "; ".join(filter(None, [fault["message"], fault["fix"]]))]
        assert err == f"{': '.join(filter(None, parts))}\n"


USED = {
    "no such option": (("run", BASE, "--senarios", "5"), {"key": "--senarios", "fix": "did you mean --scenarios?"}),
    "no argument": (("run",), {"key": "PRIORS", "message": "Missing argument 'PRIORS'."}),
    "no number": (("run", BASE, "--scenarios", "many"), {"key": "--scenarios"}),
    "too many": (("explain", "a", "b", "c"), {"key": None}),
    "no such command": (("rum",), {"key": None}),
}


@pytest.mark.parametrize("name", USED)
def test_wrong_use_is_told_in_the_envelope_too(told, name):
    arguments, wanted = USED[name]
    code, whole, err = told(*arguments)
    STRICT.validate(whole)
    assert (code, whole["result"]) == (2, None)
    assert whole["command"] == (arguments[0] if arguments[0] in COMMANDS else None)
    (fault,) = whole["errors"]
    assert {each: fault[each] for each in wanted} == wanted
    assert fault["code"] == "usage"
    assert "Error: " in err
    assert "Traceback" not in err


KINDS = {  # of what is asked, and where it is
    "file": (("run", "nothing.toml"), "file", "nothing.toml"),
    "scenarios": (("run", BASE, *QUICK, "--given", "capex < 0"), "key", "--given 'capex < 0'"),
    "unknown_name": (("explain", "capx"), "key", None),
    "value": (("run", BASE, "--percentiles", "5,100"), "key", "percentiles"),
    "formula": (("run", BASE, "--given", "capex <"), "key", "--given 'capex <'"),
}


@pytest.mark.parametrize("code", KINDS)
def test_kinds_of_errors_are_told_apart(told, code):
    asked, part, where = KINDS[code]
    exit_code, whole, err = told(*asked)
    STRICT.validate(whole)
    assert exit_code == 2
    (fault,) = whole["errors"]
    assert (fault["code"], fault[part]) == (code, where)
    assert err.count("\n") == 1


@pytest.mark.parametrize(("form", "told"), [("json", "| true"), ("json", "> /dev/full"), ("github", "> /dev/full")])
def test_an_error_is_told_where_its_document_cannot_be(form, told):
    asked = f"{sys.executable} -m simulate run nothing.toml --format {form} {told}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch("nothing.toml: does not exist; .*\n", done.stderr)


def test_both_ways_to_ask_for_json_are_heard(command):
    for asked in (["--format", "json"], ["--format=json"]):
        code, out, _ = command("run", *asked, "nothing.toml")
        assert (code, json.loads(out)["errors"][0]["file"]) == (2, "nothing.toml")


def test_errors_are_plain_lines_where_json_is_not_asked_for(command):
    for more in ((), ("--format", "table"), ("--format=csv",), ("--set", "json=1")):
        code, out, err = command("run", "nothing.toml", *more)
        assert (code, out) == (2, "")
        assert err.startswith("nothing.toml: does not exist")


def test_a_program_can_tell_every_code():
    shown = {fault["code"] for _, fault in BROKEN.values()}
    assert shown | {*KINDS, "usage", "warning"} == set(CODES)
    for code in CODES:
        assert f"| `{code}` |" in PAGE


def test_what_to_do_stands_apart():
    assert Fault("is wrong; for this; do that").parts == ("is wrong; for this", "do that")
    assert Fault("is wrong").parts == ("is wrong", "")
    whole = envelope("run", errors=[Fault("a; b", "f.toml", 3, 4, "k", "unit")], warnings=["a; b"])
    assert whole["errors"] == [
        {"file": "f.toml", "line": 3, "column": 4, "key": "k", "code": "unit", "message": "a", "fix": "b"}
    ]
    assert (whole["warnings"][0]["message"], whole["warnings"][0]["fix"]) == ("a; b", None)


def test_nothing_is_told_that_is_no_json():
    assert envelope("run", settings={"low": math.nan, "more": [math.inf, 1.5]})["settings"] == {
        "low": None,
        "more": [None, 1.5],
    }
    result = run_result({"a": ("A", "1", 1.0, 1.0)})
    result.provenance["note"] = {"known": -math.inf}
    assert found(result)["note"] == {"known": None}


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_where_a_published_figure_lies(sigma):
    result = run_result({"a": ("A", "1", 1.0, sigma)})
    curve = result.at("fine_percentiles", quantity="a")
    least, greatest = (result.at(end, quantity="a") for end in ("minimum", "maximum"))
    places = [place_of(result, value, quantity="a") for value in (least / 2, least, 1.0, greatest, 2 * greatest)]
    if sigma:
        assert places == [("below_all", None), ("below", None), ("within", 50), ("above", None), ("above_all", None)]
        assert place_of(result, curve[0], quantity="a") == ("within", result["fine_percentile"][0])
    else:
        assert places == [("below_all", None), *[("equal", None)] * 3, ("above_all", None)]
    result["minimum"][0] = -math.inf
    assert place_of(result, 1.0, quantity="a") == ("", None)


def test_published_figures_have_the_percentile_of_the_table(told, tmp_path):
    _, whole, _ = told("run", BASE, *QUICK)
    result = read_run(tmp_path / "out")
    figures = {each["quantity"]: each for each in whole["result"]["published"]}
    assert figures["questions_per_day"]["percentile"]["value"] is None  # not told of this run
    for name in ("accelerators", "capex", "training_cost"):
        figure = figures[name]
        assert figure["position"]["value"] == "within"
        assert falls_at(result, name, figure["value"]) == f"P{figure['percentile']['value']:.0f}"
        at = figure["percentile"]["value"]
        assert 0 < at < 100


def test_published_figures_beside_constants_and_cases(told):
    _, whole, _ = told("run", "guosheng-2023", *QUICK, "--quantities", "capex,questions_per_day")
    known = [each["position"]["value"] for each in whole["result"]["published"] if each["position"]["value"]]
    assert set(known) <= {"equal", "below_all", "above_all"}
    assert "equal" in known
    _, whole, _ = told(*ASKED["compare"])
    (capex,) = [each for each in whole["result"]["published"] if each["quantity"] == "capex"]
    assert capex["percentile"]["along"] == ["case"]
    assert capex["percentile"]["value"]["guosheng-2023"] is None
    assert 70 < capex["percentile"]["value"]["base"] < 95


def test_changes_are_objects(told):
    _, whole, _ = told(*ASKED["compare"])
    assert whole["result"]["cases"]["guosheng-2023"]["changes"] is None
    (tokens,) = [each for each in whole["result"]["cases"]["base"]["changes"] if each["name"] == "output_tokens"]
    assert tokens["before"]["family"] == "constant"
    assert tokens["after"] == {
        "is": "prior",
        "family": "lognormal",
        "unit": "token",
        "specification": {"p5": 120, "p95": 400},
        "text": "lognormal p5=120 p95=400 token",
    }
    assert [each["path"] for each in whole["files"]] == ["priors/guosheng-2023.toml", BASE]


def test_units_are_told_by_case_where_they_differ(told):
    _, whole, _ = told(*ASKED["compare other units"])
    cost = whole["result"]["quantities"]["cost"]
    assert cost["unit"] == "USD"
    assert cost["mean"]["unit"]["other"] == "EUR"
    assert cost["ratio_mean"]["unit"] == "1"
    (figure,) = whole["result"]["published"]  # in USD, as the first case is
    assert figure["position"]["value"] == {"own": "within", "other": None, "s": "within"}
    assert figure["percentile"]["value"]["other"] is None


def test_check_and_explain_tell_of_a_prior_what_run_does(told):
    (checked,) = told("check", "{own}")[1]["result"]["checked"]
    assert checked["model"] == "none"
    assert (list(checked["choices"]), list(checked["formulas"])) == (["one", "two"], ["root", "cost"])
    assert checked["correlations"] == [{"first": "a", "second": "b", "measure": "spearman", "value": 0.5}]
    b = checked["priors"]["b"]
    assert (b["family"], b["evidence"], b["note"], b["line"]) == ("lognormal", "judgement", "a guess", 4)
    assert b["prior_percentiles"]["value"] == {"5": pytest.approx(1), "50": pytest.approx(3), "95": pytest.approx(9)}
    _, ran, _ = told("run", "{own}", *QUICK, "--percentiles", "5,50,95")
    assert b["prior_percentiles"] == ran["result"]["priors"]["b"]["prior_percentiles"]
    _, explained, _ = told(*ASKED["explain own"])
    assert list(explained["result"]["quantities"]) == ["b"]
    assert explained["result"]["quantities"]["b"]["prior"] == b
    assert explained["result"]["quantities"]["b"]["needed_by"] == ["cost"]


@pytest.mark.parametrize("name", ["check", "explain"])
def test_what_computes_nothing_has_markdown_and_no_csv(command, name):
    code, out, _ = command(name, *([BASE] if name == "check" else ["capex"]), "--format", "markdown")
    assert code == 0
    assert ("| --- |" in out) == (name == "check")
    code, out, err = command(name, *([BASE] if name == "check" else ["capex"]), "--format", "csv")
    assert (code, out, err) == (2, "", "there is no format 'csv'; choose one of github, json, markdown, table\n")


ANNOTATED = {  # what the notice begins with
    "run of nan": "own\nroot: P0.001 ",
    "tornado under a condition": "own\nroot: one prior from its P10 to its P90",
    "decide for own choices": "own\ncost [USD], the less the better",
    "check own": None,
    "verify": None,
    "explain one": None,
}


@pytest.mark.parametrize("name", ANNOTATED)
def test_every_command_annotates_for_github(printed, workflow, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    code, out, err = printed("github", *ASKED[name], out=False)
    lines = workflow(out)
    assert (code, err) == (0, "")
    assert {each.name for each in lines} - {"warning", "notice"} == {"group", "text", "endgroup"}
    assert {each.properties.get("title") for each in lines} <= {f"simulate {ASKED[name][0]}", None}
    notices = [each.text for each in lines if each.name == "notice"]
    assert len(notices) == (ANNOTATED[name] is not None)
    assert all(text.startswith(ANNOTATED[name]) for text in notices)
    assert not (tmp_path / "outputs").exists()


def test_a_log_holds_each_warning_once(printed, workflow):
    _, out, err = printed("github", *ASKED["run of nan"])
    _, _, warned = printed("csv", *ASKED["run of nan"])
    assert err == ""
    assert [f"warning: {each.text}" for each in workflow(out) if each.name == "warning"] == warned.splitlines() != []


def test_faults_are_annotations_of_their_lines(command, workflow, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = OWN.replace("sd = 1", "sd = '1'").replace("sqrt(a)", "sqrt(c)")
    for name, text in {"right": OWN, "odd": f'{OWN}[quantities.odd]\nformula = "a == b"\n', "wr, ong": wrong}.items():
        Path(f"{name}.toml").write_text(text)
    for asked in (("run", "wr, ong.toml"), ("check", "wr, ong.toml", "right.toml", "odd.toml"), ("check", ".")):
        code, out, err = command(*asked, "--format", "github", out=False)
        assert (code, err) == (2, "")
        lines = workflow(out)
        errors = [each for each in lines if each.name == "error"]
        assert [(each.properties["file"], each.properties["line"]) for each in errors] == [
            ("wr, ong.toml", "3"),
            ("wr, ong.toml", "6"),
        ]
        assert {each.properties["title"].partition(" (")[0] for each in errors} == {f"simulate {asked[0]}"}
        assert [each.text for each in errors] == command(*asked, out=False)[2].splitlines()
        warned = [each.properties["file"] for each in lines if each.name == "warning"]
        assert warned == ([] if asked[0] == "run" else ["odd.toml"])
    code, out, err = command("run", "right.toml", "--senarios", "1", "--format=github", out=False)
    (error,) = workflow(out)
    assert (code, err, error.properties) == (2, "", {"title": "simulate run (usage)"})


def test_the_last_format_counts(command):
    code, out, err = command("run", "nothing.toml", "--format", "json", "--format", "table")
    assert (code, out) == (2, "")
    assert err.startswith("nothing.toml: does not exist")
    assert command("run", "nothing.toml", "--format", "table", "--format=json")[1].startswith("{")


def test_exit_codes_stand_in_every_help_and_on_the_page(command):
    for name in ((), *((each,) for each in COMMANDS)):
        _, out, _ = command(*name, "--help")
        assert all(f"{code} {what}" in " ".join(out.split()) for code, what in SAID.items())
    for code in SAID:
        assert f"| {code} |" in PAGE


def test_the_examples_of_the_page_keep_to_the_schema():
    examples = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    for text in examples:
        LOOSE.validate(json.loads(text))
