"""The door: priors from a path, a name, a text or a mapping, read again from what they keep, and shown."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from simulate.errors import SimulateError
from simulate.priors import SHIPPED, PriorsError, SourceFile, choice, load_priors, stated
from simulate.settings import Settings

OWN = """model = "none"
[run]
scheme = "random"
percentiles = [95, 5]
[priors.price]
dist = "lognormal"
p5 = 10
p95 = 30
unit = "cents"
evidence = "judgement"
[priors.amount]
dist = "uniform"
lower = 1
upper = 3
[correlations]
price.amount = 0.5
[quantities.cost]
formula = "price * amount"
unit = "cents"
[choices.less.priors.amount]
upper = 2
"""
DATA = '[priors.a]\ndist = "empirical"\nfile = "a.csv"\ncolumn = "a"\n[quantities.y]\nformula = "a"\n'


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refusal(source, *overrides):
    with pytest.raises(PriorsError) as refused:
        load_priors(source, overrides)
    assert str(refused.value).isprintable(), "one line without control characters"
    return str(refused.value)


def assert_alike(priors, others):
    """Everything but where they come from."""
    assert priors.priors.keys() == others.priors.keys()
    for name, prior in priors.priors.items():
        assert prior.distribution == others.priors[name].distribution
        assert (prior.unit, prior.specification) == (others.priors[name].unit, others.priors[name].specification)
    assert [each.latent for each in priors.correlations] == [each.latent for each in others.correlations]
    assert (priors.run, priors.choices, priors.own) == (others.run, others.choices, others.own)
    assert (priors.chosen, priors.overrides) == (others.chosen, others.overrides)


# ---------------------------------------------------------------- what it takes


@pytest.mark.parametrize("source", [OWN, tomllib.loads(OWN)], ids=["text", "mapping"])
def test_a_text_and_a_mapping_read_as_the_file_does(load, source):
    assert_alike(load(OWN, "amount.lower=1.5"), load_priors(source, ["amount.lower=1.5"]))


def test_a_mapping_is_left_as_it_was():
    tables = tomllib.loads(OWN)
    load_priors(tables, ["amount.lower=1.5"])
    assert tables == tomllib.loads(OWN)


def test_a_text_may_be_one_line():
    assert load_priors('model = "none"', ["x=1", 'quantities.y.formula="x"']).own == ("y",)


def test_one_override_may_stand_alone():
    assert load_priors(OWN, "amount.lower=1.5").overrides == ("amount.lower=1.5",)


def test_run_has_a_scheme():
    assert load_priors(OWN).run == Settings(scheme="random", percentiles=(5, 95))


def test_a_mapping_may_hold_numpys_numbers():
    tables = {
        "model": "none",
        "run": {"scenarios": np.int64(64)},
        "priors": {"a": {"dist": "empirical", "values": np.arange(4.0)}, "b": {"value": np.float32(0.5)}},
        "quantities": {"y": {"formula": "a + b"}},
    }
    priors = load_priors(tables)
    assert priors.run.scenarios == 64
    assert priors.priors["a"].distribution.support == (0, 3)
    assert json.loads(priors.files[0].text)["priors"]["b"] == {"value": 0.5}


def test_a_file_beside_a_link_is_the_one_that_the_system_opens(tmp_path):
    """`..` after a link to a folder is above where the link leads, not above the link."""
    for place, value in (("far", 2), (".", 1)):
        (tmp_path / place / "folder").mkdir(parents=True)
        text = f'model = "none"\n[priors.a]\nvalue = {value}\n[quantities.y]\nformula = "a"\n'
        (tmp_path / place / "base.toml").write_text(text, encoding="utf-8")
    (tmp_path / "far" / "folder" / "child.toml").write_text('extends = "../base.toml"\n', encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "folder")
    (tmp_path / "chain").symlink_to(tmp_path / "link")
    for folder in ("link", "chain", "far/folder", "folder/../far/folder"):
        priors = load_priors(tmp_path / folder / "child.toml")
        assert priors.priors["a"].distribution.support == (2, 2)
        assert stated(priors.files).priors["a"].distribution.support == (2, 2)
    assert load_priors(tmp_path / "far/folder/child.toml").files[1].path == tmp_path / "far/base.toml"
    (tmp_path / "far" / "base.toml").unlink()
    with pytest.raises(PriorsError, match=r"link/\.\./base\.toml does not exist"):
        load_priors(tmp_path / "link" / "child.toml")


def test_a_path_is_no_name_of_a_file_that_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("./base", "./base.toml", "~/base"):
        with pytest.raises(PriorsError, match="does not exist"):
            load_priors(path)


def test_shipped_files_by_name(tmp_path):
    (tmp_path / "base").mkdir()  # a folder is no priors file
    for name in ("base", "base.toml", Path("base"), "llama-3.1-405b"):
        assert load_priors(name).path == SHIPPED / f"{str(name).removesuffix('.toml')}.toml"
    child = tmp_path / "child.toml"
    for name in ("base", "base.toml"):
        assert load_priors(f'extends = "{name}"').priors.keys() == load_priors("base").priors.keys()
        child.write_text(f'extends = "{name}"\n', encoding="utf-8")  # where no file of the name lies beside it
        assert load_priors(child).files[1].path == SHIPPED / "base.toml"


def test_a_file_that_is_there_goes_before_one_that_ships(load, tmp_path):
    load("[priors.pue]\nvalue = 1.1\n", name="base")
    assert set(load_priors("base.toml").priors) == {"pue"}
    assert len(load_priors("base").priors) > 30
    (tmp_path / "base").write_text("[priors.pue]\nvalue = 1.2\n", encoding="utf-8")
    assert load_priors("base").priors["pue"].distribution.support == (1.2, 1.2)
    assert set(load_priors('extends = "base"\n').priors) == {"pue"}


def test_a_file_may_have_an_equals_sign_in_its_name(load):
    load("[priors.pue]\nvalue = 1.1\n", name="pue=1.1")
    assert load_priors("pue=1.1.toml").path == Path("pue=1.1.toml")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("\n[priors.pue]\nvalue = 0.5\n", "<text>:3: priors.pue.value: pue cannot be below 1; "),
        ("[priors.pue\nvalue = 1\n", "<text>:1: TOML: "),
        ("\ufeff\n[priors.pue]\nvalue = 0.5\n", "<text>:3: priors.pue.value: "),
        ("", "<text>:1: the file is empty; "),
        ("title = '\ud800'", "<text>:1: is not UTF-8; "),
        ('extends = "none.toml"', "<text>:1: extends: none.toml does not exist; check the path"),
        ({}, "<mapping>: states no priors; add [priors.NAME] tables"),
        ({"priors": {"pue": {"value": "1"}}}, "<mapping>: priors.pue.value: must be a number without quotes"),
        ({"priors": {"pue": {"value": float("nan")}}}, "<mapping>: priors.pue.value: must be a finite number"),
        ({"priors": {"pue": object()}}, "<mapping>: object is no value of TOML; give tables, "),
        ({("a", "b"): 1}, "<mapping>: keys must be str"),
        ({"pue": {"value": 1.1}}, "<mapping>: pue: unknown table; a prior is written [priors.pue]"),
    ],
)
def test_what_is_wrong_with_a_text_or_a_mapping(source, message):
    assert refusal(source).startswith(message)


def test_an_override_of_a_mapping_is_named():
    assert refusal({"priors": {"pue": {"value": 1.1}}}, "pue=0.5").startswith("--set 'pue=0.5': priors.pue.value: ")


# ---------------------------------------------------------------- what it keeps


@pytest.mark.parametrize("chosen", ["", "less"])
@pytest.mark.parametrize("kind", ["file", "text", "mapping"])
def test_priors_are_read_again_from_what_they_keep(load, kind, chosen):
    source = {"text": OWN, "mapping": tomllib.loads(OWN)}.get(kind)
    priors = load(OWN, "price.p5=11") if source is None else load_priors(source, ["price.p5=11"])
    if source is None:
        priors.path.write_text("[priors.pue]\nvalue = 1.1\n", encoding="utf-8")
    kept = [(str(file.path), file.text, file.digest) for file in priors.files]
    files = [SourceFile(Path(path), text, digest) for path, text, digest in json.loads(json.dumps(kept))]
    again = stated(files, priors.overrides, chosen)
    assert_alike(choice(priors, chosen) if chosen else priors, again)
    assert again.files == priors.files


def test_extended_files_are_read_again_when_they_are_gone(load):
    load(OWN, name="base")
    priors = load('extends = "base.toml"\n[priors.amount]\nlower = 1.5\n')
    for file in priors.files:
        file.path.unlink()
    assert_alike(priors, stated(priors.files))
    assert stated(priors.files).priors["price"].inherited


def test_a_file_of_data_is_looked_for_where_it_was(load, tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n2\n", encoding="utf-8")
    priors = load(DATA)
    priors.path.unlink()
    assert_alike(priors, stated(priors.files))
    (tmp_path / "a.csv").unlink()
    with pytest.raises(PriorsError, match=r"priors.toml:3: priors.a.file: .* cannot be read"):
        stated(priors.files)


def test_texts_that_are_not_whole_are_refused(load):
    load(OWN, name="base")
    files = load('extends = "base.toml"\n').files
    for part in ([], files[:1], (files[1], files[1])):
        with pytest.raises(PriorsError, match="are not whole"):
            stated(part)
    with pytest.raises(PriorsError, match=r"^a.toml:1: the file is empty"):
        stated([SourceFile(Path("a.toml"), "", "")])


def test_the_digest_is_that_of_what_is_kept():
    for priors in (load_priors(OWN), load_priors(tomllib.loads(OWN))):
        assert priors.files[0].digest == hashlib.sha256(priors.files[0].text.encode()).hexdigest()


# ---------------------------------------------------------------- how it shows itself


def test_a_prior_shows_itself_in_a_line():
    price = load_priors(OWN).priors["price"]
    assert repr(price) == "price: lognormal, p5 = 10, p95 = 30 [cents]: P5 10, P50 17.32, P95 30"
    pue = load_priors('[priors.seconds_per_token]\nvalue = 20\nunit = "ms/token"\n').priors["seconds_per_token"]
    assert repr(pue) == "seconds_per_token: constant, value = 20 [ms/token]: P5 20, P50 20, P95 20"


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (5, "overrides: must be a list in square brackets, not 5"),
        (np.array(5), "overrides: must be a list in square brackets, not 5"),
        ({"pue": 1.1}, "overrides: must be a list in square brackets, not a table"),
        ([1.5], "overrides: must be text in quotes, not 1.5"),
    ],
    ids=repr,
)
def test_overrides_that_are_no_texts_are_refused(overrides, fault):
    with pytest.raises(SimulateError, match=f"^{fault}$"):
        load_priors(OWN, overrides)


def test_overrides_are_taken_from_whatever_lists_them():
    texts = ["price.p5=11", "amount.upper=9"]
    taken = [load_priors(OWN, each).overrides for each in (texts, tuple(texts), iter(texts), np.array(texts))]
    assert taken == [tuple(texts)] * 4


@pytest.mark.parametrize("name", [5, None, ["less"], np.array(["less"])], ids=repr)
def test_a_choice_that_is_no_name_is_refused(name):
    with pytest.raises(SimulateError, match=r"^choice: must be text in quotes, not "):
        choice(load_priors(OWN), name)


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"\ud800": 1, "priors": {"a": {"value": 1}}}, ""),
        ({"priors": {"a": {"value": 1, "\ud800": 1}}}, "priors.a: "),
        ({"priors": {"pue": {"value": 1}}, "run": {"\ud800": 1}}, "run: "),
    ],
)
def test_keys_that_no_file_can_hold_are_refused(tables, key):
    assert refusal(tables) == f'<mapping>: {key}must be text that UTF-8 can write, not "\\ud800"'


def test_priors_show_themselves():
    told = repr(choice(load_priors(OWN, ["price.p5=11"]), "less")).splitlines()
    assert told == [
        "Priors of <text>: text",
        "  model         none, 3 quantities",
        "  overrides     1: price.p5=11",
        "  priors        2: price, amount; 1 from judgement",
        "  correlations  1: price with amount",
        "  formulas      1: cost",
        "  choices       1: less; less applied",
        "  headline      cost",
        "Run them: simulate.run(priors), 1,000,000 scenarios",
    ]


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_priors_show_themselves_briefly(path):
    priors = load_priors(path)
    lines = repr(priors).splitlines()
    assert len(lines) <= 20
    assert max(map(len, lines[1:])) <= 120
    assert str(path) in lines[0]
    for prior in priors.priors.values():
        assert "\n" not in repr(prior)


@pytest.mark.parametrize(
    "text", [".".join(["x"] * 30_000) + "=1", "x=" + "[" * 9000, "quantities.y.formula='" + "x+" * 40_000 + "x'"]
)
def test_an_override_of_many_pages_is_named_in_one_short_line_with_its_fault(text):
    told = refusal('model = "none"\n', text)
    assert told.startswith(f"--set '{text[:290]}")
    assert any(
        fault in told for fault in ("parts has more than 50; ", "nest too deeply", "characters, more than 4000; ")
    )
    assert len(told) < 700
