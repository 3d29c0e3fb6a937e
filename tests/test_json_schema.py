"""The JSON Schema of priors files: it takes what is right, and refuses what is wrong as far as a schema can know."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from simulate.catalog import accelerators
from simulate.distributions import FAMILIES
from simulate.distributions.parameters import PARAMETERS
from simulate.model import quantities
from simulate.priors import SHIPPED, PriorsError, load_priors, shipped
from simulate.priors.keys import keys
from simulate.reference.families import examples
from simulate.reference.json_schema import schema
from simulate.reference.templates import template, template_names
from simulate.sampling.schemes import SCHEMES

FILE_NAME = "priors.schema.json"  # beside the shipped priors files
ROOT = Path(__file__).parent.parent
MADE = schema()
VALID = Draft202012Validator(MADE)
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
TOML = re.compile(r"^```toml.*\n(.*?)^```", re.DOTALL | re.MULTILINE)
BLOCKS = {
    f"{page.name}-{place}": text for page in PAGES for place, text in enumerate(TOML.findall(page.read_text("utf-8")))
}


def faults(text):
    return [error.message for error in VALID.iter_errors(tomllib.loads(text))]


def test_the_shipped_schema_is_what_the_code_makes(command):
    """Where this fails: simulate schema > priors/priors.schema.json."""
    code, out, err = command("schema")
    assert (code, err) == (0, "")
    assert out == (ROOT / "priors" / FILE_NAME).read_text(encoding="utf-8")
    _, out, _ = command("schema", "--format", "json")
    assert json.loads(out)["result"]["schema"] == json.loads(json.dumps(MADE))
    assert command("schema", "--format", "csv")[2] == "there is no format 'csv'; choose one of schema, json\n"


def test_the_schema_is_one_and_holds_all_that_an_editor_completes():
    Draft202012Validator.check_schema(MADE)
    tables = MADE["$defs"]
    for name in ("priors", "quantities"):
        known = tables[name]["properties"]
        assert known.keys() == quantities("llm_cost").keys()
        assert all(each["description"].endswith("]") for each in known.values())
    prior = tables["PriorTable"]["properties"]
    assert prior["dist"]["enum"] == [*FAMILIES]
    assert prior.keys() >= PARAMETERS.keys()
    assert all(each["description"] for each in prior.values())
    assert MADE["properties"]["accelerator"]["anyOf"][0]["enum"] == [*accelerators()]
    assert MADE["properties"]["extends"]["anyOf"][0]["enum"] == [*shipped()]
    assert tables["RunTable"]["properties"]["scheme"]["enum"] == [*SCHEMES]
    assert tables["RunTable"]["properties"]["seed"]["default"] == 20230214
    described = {key.path: key.says for key in keys() if "." not in key.path}
    assert {name: each["description"] for name, each in MADE["properties"].items()} == described


@pytest.mark.parametrize("name", [*shipped(), *template_names()])
def test_it_takes_the_files_that_ship(name):
    text = shipped()[name].read_text("utf-8") if name in shipped() else template(name)
    assert faults(text) == []
    if name in shipped():
        assert text.startswith(f"#:schema {FILE_NAME}\n")
        assert (SHIPPED / FILE_NAME).is_file()


@pytest.mark.parametrize("name", BLOCKS)
def test_it_takes_what_the_pages_show(name):
    assert faults(BLOCKS[name]) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_it_takes_every_way_to_state_a_family(family):
    dist = "" if family == "constant" else f'dist = "{family}", '
    for example in examples(family):
        for more in ("", ", unit = '1', evidence = 'judgement', source = 'x', note = 'y', label = 'z'"):
            assert faults(f"[priors]\npue = {{{dist}{example[1:-1]}{more}}}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "[priors.pue]\np95 = 3\n",
        '[priors.pue]\ndist = "normal"\n"p2.5" = 1\np95 = 3\nlower = 0\n',
        '[priors.mine]\ndist = "empirical"\nfile = "a.csv"\ncolumn = "x"\nweights = "n"\n',
        '[run]\nscenarios = 1e5\npercentiles = "5,50"\nfail_if = "P(capex > 1e9) > 10%"\n',
        "[run]\nscenarios = 100_000\nquantities = ['capex']\nfail_if = ['mean(capex) > 1']\n",
        '[run]\nscenarios = "1 million"\n[priors]\npue = { value = "1.05 to 1.3" }\nmfu = { value = "40%" }\n',
        'accelerator = "h100 sxm"\nprecision = { weights = "FP4" }\n[choices.a]\nprecision = "FP8"\n',
        'extends = "../base.toml"\n[correlations]\npue.mine = 0.5\nmine.other = { kendall = -0.1 }\n',
    ],
)
def test_it_takes_what_is_right(text):
    assert faults(text) == []


WRONG = [
    '[priors.pue]\ndist = "lognormal"\np5 = 1\nmea = 3\n',
    '[priors.pue]\ndist = "lognorm"\np5 = 1\np95 = 3\n',
    '[priors.pue]\ndist = "triangular"\np5 = 1\np95 = 3\n',
    '[priors.pue]\ndist = "normal"\nmean = 3\n',
    '[priors.pue]\ndist = "uniform"\nlower = 1\nupper = 2\np5 = 3\n',
    '[priors.pue]\ndist = "normal"\nmean = 3\nsd = -1\n',
    '[priors.pue]\nvalue = "3"\n',
    "[priors.pue]\nvalue = 3\np5 = 2\n",
    '[priors.pue]\nvalue = 3\nevidence = "sure"\n',
    "[priors.pue]\nvalue = 3\nsorce = 'x'\n",
    "[priors]\npue = 3\n",
    "[run]\nscenarois = 5\n",
    '[run]\nscenarios = "many"\n',
    "[run]\nscenarios = 0\n",
    "[run]\nscenarios = 1.5\n",
    '[run]\nscheme = "sobl"\n',
    'precision = "FP7"\n',
    'model = "llm"\n',
    "title = 3\n",
    "[correlations]\na.b = 2\n",
    "[correlations]\na.b = { pearson = 0.3 }\n",
    '[[published]]\nquantity = "capex"\n',
    '[published]\nquantity = "capex"\nvalue = 3\n',
    '[quantities.x]\nformla = "2"\n',
    "[pue]\nvalue = 2\n",
    "[choices.a.priors.pue]\nvalu = 2\n",
    "[choices.a]\naccelerator = 5\n",
    '[priors.x]\ndist = "mixture"\ncomponents = [{dist = "normal", mean = 3, sd = -1}]\n',
    '[priors.x]\ndist = "choice"\nvalues = 3\n',
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_it_refuses_what_is_wrong(text):
    assert faults(text)
    with pytest.raises(PriorsError, match="<text>"):
        load_priors(text)
