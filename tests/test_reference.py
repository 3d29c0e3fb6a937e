"""Words that are no quantities: each is explained, from the registries and the schema of priors files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from simulate import model
from simulate.catalog import CatalogError, accelerator_name, accelerators
from simulate.distributions import FAMILIES
from simulate.distributions.parameters import PARAMETERS
from simulate.distributions.reading import forms
from simulate.errors import SimulateError
from simulate.explaining import explained, explained_plain
from simulate.formulas.formula import FUNCTIONS
from simulate.formulas.words import FUNCTION_WORDS
from simulate.layout import laid_out, plain
from simulate.priors import load_priors, shipped
from simulate.priors.keys import keys
from simulate.priors.schema import File
from simulate.reference.families import examples, optional, said, ways
from simulate.reference.meaning import LISTS
from simulate.reference.words import KINDS, all_words, meanings
from simulate.syntax import loads
from simulate.token_prices import apis

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "priors.md").read_text(encoding="utf-8")


def text_of(word):
    return plain(laid_out(explained(word)))


def pasted(text):
    """The indented blocks of a text, without the indentation."""
    return ["\n".join(line[4:] for line in part.splitlines()) for part in text.split("\n\n") if part.startswith("    ")]


@pytest.mark.parametrize("word", all_words())
def test_every_word_is_explained(word):
    for meaning in meanings(word):
        assert meaning.brief, f"{word} needs words"
        assert meaning.text == meaning.text.strip("\n")
        text = plain(laid_out(meaning.sections, 100))
        assert text.startswith(f"{meaning.word}  {meaning.kind}\n")


def test_all_that_there_is_has_words():
    words = set(all_words())
    assert words >= {*FAMILIES, *FUNCTIONS, *accelerators(), *apis(), *shipped(), *(key.path for key in keys())}
    assert [kind.name for kind in KINDS] == list(LISTS)
    assert FUNCTION_WORDS.keys() == FUNCTIONS.keys()
    assert all(call.startswith(f"{name}(") for name, (call, _) in FUNCTION_WORDS.items())
    taken = {key for kind in FAMILIES.values() for form in forms(kind) for key in form.kinds}
    assert taken == PARAMETERS.keys(), "a parameter needs words in distributions/parameters.py, and no other has any"


def test_what_the_issue_of_a_word_names_is_one():
    for word in (
        "title",
        "extends",
        "accelerator",
        "precision",
        "where",
        "shift",
        "weights",
        "file",
        "column",
        "p97.5",
    ):
        assert text_of(word)


def test_only_lists_are_called_as_quantities_of_the_model_are():
    assert set(model.quantities("llm_cost")) & set(all_words()) <= set(LISTS)


def test_a_word_that_is_a_quantity_too_is_told_as_both():
    text = text_of("accelerators")
    assert text.startswith("accelerators  [1]\n")
    assert "\nThe catalog, accelerator = " in text
    whole = explained_plain("accelerators")["result"]
    assert list(whole["quantities"]) == ["accelerators"]
    assert {each["kind"] for each in whole["words"]} == {"list", "shipped priors file"}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_a_prior_to_paste_and_what_its_examples_give(family):
    (meaning,) = (each for each in meanings(family) if each.kind.startswith("family"))
    (block,) = pasted(meaning.text)
    prior = load_priors(f'model = "none"\n{block}\n[quantities.y]\nformula = "NAME"\n').priors["NAME"]
    assert prior.family == family
    told = meaning.tables["examples"][-1]
    assert float(told["mean"]) == pytest.approx(prior.distribution.mean, rel=1e-3, nan_ok=True)
    assert float(told["from"]) == pytest.approx(prior.distribution.support[0], rel=1e-3)
    assert {row["key"] for row in meaning.tables["parameters"]} >= prior.specification.keys() - {"p5", "p50", "p95"} - {
        "p10", "p90"
    }  # fmt: skip


def test_a_family_is_told_by_what_others_call_it():
    assert "Other programs call it norm, gaussian, gauss." in text_of("normal")
    with pytest.raises(SimulateError, match=r'^there is no word gaussian; write dist = "normal"$'):
        explained("gaussian")


@pytest.mark.parametrize("key", [key for key in keys() if pasted(key.says)], ids=lambda key: key.path)
def test_what_a_key_shows_is_of_a_priors_file(key):
    tables = loads("\n".join(pasted(key.says)))
    assert next(iter(tables)) == key.path.partition(".")[0]
    File.model_validate(tables)


def test_tables_show_what_to_write():
    tables = {key.path for key in keys() if key.is_table}
    assert tables >= {"run", "priors", "correlations", "published", "quantities", "choices"}
    for key in keys():
        assert not key.is_table or pasted(key.says), f"{key.path} needs an example"


def test_the_page_has_every_key_family_and_parameter():
    """A row that is missing is printed as it is to stand there."""
    for key in keys():
        assert key.is_table or f"| `{key.path}` | {key.brief} | {key.default} |" in PAGE
    for family in FAMILIES:
        brief = " ".join(said(family).partition("\n\n")[0].split())
        told = " or ".join(ways(family)), ", ".join(optional(family)), f"`{examples(family)[-1]}`"
        assert f"| `{family}` | {brief} | {' | '.join(told)} |" in PAGE.replace("\\|", "|")
    for name, text in PARAMETERS.items():
        assert f"| `{name}` | {text} |" in PAGE


@pytest.mark.parametrize("block", re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
def test_an_example_of_the_page_is_right(load, tmp_path, block):
    (tmp_path / "offers.csv").write_text("price,count\n230000,3\n300000,1\n", encoding="utf-8")
    whole = "extends" in block or "model" in block
    assert load(block if whole else f'extends = "base"\n{block}').priors


def test_words_that_the_page_names_are_words():
    for word in re.findall(r"`simulate explain (\S+?)`", PAGE):
        assert word in {"WORD", "NAME"} or meanings(word)


def test_a_key_of_several_tables_is_told_of_each():
    text = text_of("note")
    for path in ("priors.NAME.note", "quantities.NAME.note", "published.note", "choices.NAME.note"):
        assert path in text
    assert text_of("run.seed").startswith("run.seed  key of a priors file\n")
    assert "20230214" in text_of("seed")


def test_accelerators_are_words_in_any_spelling():
    assert text_of("h100") == text_of("H100 SXM5")
    assert "server_price" in text_of("h100")
    assert "Also written H100, H100 80GB, H100 SXM." in text_of("h100")
    with pytest.raises(CatalogError):
        accelerator_name("h1000")
    with pytest.raises(SimulateError, match=r"^there is no word H1000; did you mean H100"):
        explained("H1000")


def test_suggestions_look_at_all_words():
    for word, meant in (
        ("choics", "choices"),
        ("logmormal", "lognormal"),
        ("capx", "capex"),
        ("precsion", "precision"),
    ):
        with pytest.raises(SimulateError, match=rf"^there is no word {word}; did you mean {meant}\?$"):
            explained(word)
    with pytest.raises(SimulateError, match=r"^there is no word qqq; `simulate explain` lists all$"):
        explained("qqq")


def test_words_are_told_in_every_format(command):
    code, out, err = command("explain", "run", "--format", "json")
    assert (code, err) == (0, "")
    (word,) = json.loads(out)["result"]["words"]
    assert (word["word"], word["kind"]) == ("run", "table of a priors file")
    assert {"key": "run.seed", "holds": "The same seed gives the same result, to the bit.", "default": "20230214"} in (
        word["tables"]["keys"]
    )
    code, out, _ = command("explain", "families", "--format", "markdown")
    assert re.search(r"^\| lognormal \| ", out, re.MULTILINE)
    code, out, _ = command("explain")
    assert f"More words: {', '.join(LISTS)}" in " ".join(out.split())


def test_a_quantity_of_the_file_goes_before_another_word(load):
    priors = load('model = "none"\n[priors.mean]\nvalue = 3\n[quantities.y]\nformula = "2 * mean"\n')
    assert plain(laid_out(explained("mean", priors))).startswith("mean  [1]\n")
