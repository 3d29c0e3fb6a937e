"""The grammar of questions: each form over the table, what is refused in which line, and the page of the reference."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulate import grammar
from simulate.errors import SimulateError
from simulate.formulas import Formula, Units

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reference" / "questions.md").read_text(encoding="utf-8")
FORMS = {form.name: form for form in grammar.FORMS}


def block(kind):
    """The lines of a fenced block of the page, each a form and its text."""
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[1]
    return [re.match(r"(\S+) +(.*)", line).groups() for line in found.splitlines()]


def refusal(form, text):
    with pytest.raises(SimulateError) as refused:
        form.read(text, "--option")
    message = str(refused.value)
    assert message.isprintable()
    assert message.startswith("--option '")
    assert message.endswith(f"'{form.examples[-1]}'")
    return message


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """Examples of paths are those of the repository."""
    monkeypatch.chdir(ROOT)


# ---------------------------------------------------------------- the table and the page


@pytest.mark.parametrize("form", grammar.FORMS, ids=FORMS)
def test_examples_of_the_table_are_read(form):
    assert form.looks
    for example in form.examples:
        form.read(example, "--option")


@pytest.mark.parametrize("form", grammar.FORMS, ids=FORMS)
def test_the_page_has_the_form_and_its_example_is_read(form):
    rows = [re.split(r" (?<!\\)\| ", row.strip("| ")) for row in PAGE.splitlines() if row.startswith("| ")]
    (row,) = [row for row in rows if row[0] == form.name]
    assert len(row) == 5
    assert all(row)
    form.read(row[2].strip("`"), "--option")


def test_the_table_of_the_page_has_no_other_form():
    table = re.search(r"^\| form .*?\n\n", PAGE, re.DOTALL | re.MULTILINE)[0]
    assert re.findall(r"^\| (\w+) ", table, re.MULTILINE) == ["form", *FORMS]


@pytest.mark.parametrize(("name", "text"), block("questions"))
def test_examples_of_the_page_are_read(name, text):
    FORMS[name].read(text, "--option")


@pytest.mark.parametrize(("name", "line"), block("refused"))
def test_what_the_page_refuses_is_refused_for_its_reason(name, line):
    text, reason = re.split(r" +-> ", line)
    assert reason in refusal(FORMS[name], text)


@pytest.mark.parametrize(("name", "text"), block("to-come"))
def test_what_is_to_come_is_refused(name, text):
    assert re.search("not allowed(?: here)?, nor yet", refusal(FORMS[name], text))


def test_the_line_of_the_page_is_the_line():
    (line,) = re.findall(r"^    (--given '(.*?)': .*)$", PAGE, re.MULTILINE)
    with pytest.raises(SimulateError) as refused:
        grammar.CONDITION.read(line[1], "--given")
    assert str(refused.value) == line[0]


def test_the_table_is_read_without_numpy():
    code = "import sys; from simulate import grammar; assert grammar.FORMS; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# ---------------------------------------------------------------- each form, good and bad

GOOD = {
    ("observation", "capex = 5e8 +- 10%"): ("capex", 5e8, 5e7),
    ("observation", " capex==-2+/-0.5 "): ("capex", -2.0, 0.5),
    ("observation", "capex = -200 ± 5 %"): ("capex", -200.0, 10.0),
    ("percentile", "P90(capex)"): ("capex", 90.0),
    ("percentile", " p2.5 ( capex ) "): ("capex", 2.5),
    ("percentile", "capex:P90"): ("capex", 90.0),
    ("percentile", "p90:p90"): ("p90", 90.0),
    ("precision", "0.5%"): ((None, None, 0.005),),
    ("precision", "0.5%, capex:p97.5=0.2 %, P50(y)=0.01"): (
        (None, None, 0.005),
        ("capex", 97.5, 0.002),
        ("y", 50.0, 0.01),
    ),
    ("precision", "1e-4"): ((None, None, 1e-4),),
    ("statistic", "mean"): ("mean", None),
    ("statistic", " expected_shortfall   95 "): ("expected_shortfall", 95.0),
    ("statistic", "shortest 95%"): ("shortest", 95.0),
    ("bridge", "50, 95,mean"): (50.0, 95.0, "mean"),
    ("bridge", " none "): (),
    ("setting", "pue=1.1"): {"pue": 1.1},
    ("setting", "run.seed=3"): {"run": {"seed": 3}},
    ("setting", 'pue={dist="uniform",lower=1.05}'): {"pue": {"dist": "uniform", "lower": 1.05}},
    ("variation", "pue=1.1,1.2"): ("pue", ("1.1", "1.2")),
    ("variation", "pue = 1.1"): ("pue", ("1.1",)),
    ("variation", 'a={x=1,y=[2,3]},"b,c",\'d,"\',4'): ("a", ("{x=1,y=[2,3]}", '"b,c"', "'d,\"'", "4")),
    ("variation", r'a="b\",c",1'): ("a", (r'"b\",c"', "1")),
    ("variation", 'q.x.formula="a == b"'): ("q.x.formula", ('"a == b"',)),
    ("names", " capex , opex_per_year"): ("capex", "opex_per_year"),
    ("names", " all"): "all",
    ("numbers", "5, 50,-1e3"): (5.0, 50.0, -1000.0),
    ("case", "priors/base.toml"): (Path("priors/base.toml"), ""),
    ("case", "priors/accelerators.toml:h100"): (Path("priors/accelerators.toml"), "h100"),
    ("case", "outputs/none"): (Path("outputs/none"), ""),
}


@pytest.mark.parametrize(("name", "text"), GOOD)
def test_texts_are_read(name, text):
    assert FORMS[name].read(text, "--option") == GOOD[name, text]


@pytest.mark.parametrize(
    ("text", "value"),
    [("a > 10%", 0.1), ("a>10 %", 0.1), ("(a > 2.5e1%) & (a < 90%)", 0.25), ("a * 10% > 0.01", 0.1), ("a >= 10%", 0.1)],
)
@pytest.mark.parametrize("name", ["condition", "probability"])
def test_a_number_with_a_percent_sign_is_one_in_a_question(name, text, value):
    compiled = FORMS[name].read(text, "--option", ["a"], Units({"a": "1"}))
    assert compiled(value * (1 + 1e-9)) == 1
    assert compiled(value * (1 - 1e-9)) == 0
    again = FORMS[name].read(compiled.text, "--option", ["a"], Units({"a": "1"}))
    assert again(value * (1 + 1e-9)) == 1


def test_a_setting_in_a_short_form_needs_no_quotes():
    assert FORMS["setting"].read("a.value= 1 to 2 USD", "--set") == {"a": {"value": "1 to 2 USD"}}
    assert FORMS["setting"].read("a='1 to 2'", "--set") == {"a": "1 to 2"}
    assert FORMS["setting"].read("share = 10 %", "--set") == {"share": "10 %"}
    assert FORMS["setting"].read("share=-2.5e1%", "--set") == {"share": "-2.5e1%"}


OTHER_DIGITS = ("1_0", "\u0661\u0660", "\uff11")  # which float reads, and none of our forms
BAD = {
    ("condition", "a > 10% + b"): "column 5: 10% may be a number or not; write 10 [%], or 10 % (...)",
    ("condition", "a ≥ 1"): "column 3: ≥ is a comparison sign; write >=",
    ("condition", "a = 1"): "column 3: = is no comparison; write ==",
    ("observation", "a = 10% +- 1%"): "10% is a share or a number; write it without the sign",
    ("condition", ""): "is empty",
    ("condition", " "): "is empty",
    ("condition", "capex + 1"): "is no condition",
    ("condition", "pi > 3"): "names no quantity",
    ("condition", "capex >"): "column 8: this is no formula",
    ("condition", "a.b > 1"): "column 1: attributes",
    ("condition", "nope(a) > b ^ 2"): "^ is not allowed",
    ("condition", "capex > 365 [day/yr]"): "column 14: there is no unit 'yr'; did you mean 'year'?",
    ("condition", "capex[0] > 5"): "column 1: indexing is not allowed",
    ("probability", "P(capex)"): "is no condition",
    ("probability", "P(a > 1) > 0.5"): "goes around the whole condition",
    ("probability", "P(a > 1"): "this is no formula",
    ("probability", "  P(a.b)"): "column 5: attributes",
    ("observation", "capex = 1"): "is no measured value",
    ("observation", "capex = x +- 1"): "holds no two finite numbers",
    ("observation", "capex = 0 +- 5%"): "must be above 0",
    ("observation", "capex = 1 +- -2"): "must be above 0",
    ("observation", "capex = nan +- 1"): "holds no two finite numbers",
    ("observation", "capex = 1 [USD] +- 1"): "brackets are not allowed here, nor yet with a unit",
    ("percentile", "capex"): "'capex' is no percentile of a quantity",
    ("percentile", "capex:p0"): "0 is not between 0 and 100 %",
    ("percentile", "capex:p1.2.3"): "'1.2.3' is no number",
    ("precision", ""): "is empty",
    ("precision", "soon"): "'soon' is no target",
    ("precision", "0%"): "'0%' is not between 0 and 100 %",
    ("precision", "200%"): "'200%' is not between 0 and 100 %",
    ("precision", "nan"): "'nan' is no target",
    **{("numbers", text): f"'{text}' is no number" for text in OTHER_DIGITS},
    **{("precision", f"{text}%"): f"'{text}%' is no target" for text in OTHER_DIGITS},
    **{("bridge", text): f"'{text}' is no number" for text in OTHER_DIGITS},
    **{("observation", f"capex = 1 +- {text}"): "holds no two finite numbers" for text in OTHER_DIGITS},
    **{("gate", f"P(capex > 1) > {text}%"): f"'{text}%' is no probability" for text in OTHER_DIGITS},
    **{("setting", f"pue = {text}%"): "is no TOML" for text in ("\u0661\u0660", "1__0", "10_", "1_0.0_1")},
    ("precision", "capex:p100=1%"): "100 is not between 0 and 100 %",
    ("precision", "0.5%,"): "a comma has nothing beside it",
    ("statistic", ""): "is no name of a statistic",
    ("statistic", "shortest 95 96"): "is no name of a statistic",
    ("statistic", "shortest x"): "'x' is no number",
    ("statistic", "shortest 100"): "100 is not between 0 and 100 %",
    ("bridge", ""): "is empty",
    ("bridge", "median"): "'median' is no number",
    ("bridge", "50,101"): "101 is not between 0 and 100 %",
    ("setting", ""): "sets nothing",
    ("setting", "pue"): "is no TOML: the key ends here, and has no value; ",
    ("setting", "pue=lognormal"): "column 5: no value begins so, and text stands in quotes; write for instance",
    ("setting", "a=" + "[" * 5000): "brackets nest too deeply",
    ("setting", "a=" + "9" * 5000): "is no TOML: a number is longer than any that is meant",
    ("variation", "=1,2"): "lists no values",
    ("variation", "pue= "): "lists no values",
    ("variation", "pue=1,,2"): "a comma has nothing beside it",
    ("variation", "pue=1],[2"): "a ] stands alone",
    ("variation", "pue='a,b"): "a ' stands alone",
    ("names", ""): "is empty",
    ("names", "capex,"): "a comma has nothing beside it",
    ("numbers", ""): "is empty",
    ("numbers", "5 50"): "'5 50' is no number",
    ("numbers", "5,inf"): "'inf' is no number",
    ("case", " "): "is empty",
    ("case", ":h100"): "is no file",
    ("case", "priors:h100"): "priors is no file that could hold choices",
    ("case", "priors/base.toml:"): "names no choice after the colon",
    ("case", "a\0b:c"): "is no file",
    ("case", "a" * 5000 + ":b"): "is no file",
}


@pytest.mark.parametrize(("name", "text"), BAD, ids=[f"{name} {text[:30]!r}" for name, text in BAD])
def test_other_texts_are_refused_in_one_line(name, text):
    assert BAD[name, text] in refusal(FORMS[name], text)


@pytest.mark.parametrize("value", [5, True, None, ["pue > 1"], b"pue > 1", {}], ids=repr)
@pytest.mark.parametrize("form", grammar.FORMS, ids=FORMS)
def test_what_is_no_text_is_refused(form, value):
    with pytest.raises(SimulateError, match=f"^--option: must be text in quotes, not {re.escape(repr(value))}$"):
        form.read(value, "--option")


def test_control_characters_do_not_reach_the_terminal():
    assert "'pue\\x1b\\n'" in refusal(grammar.CONDITION, "pue\x1b\n")


def test_a_percentile_in_digits_of_another_script_is_none():
    assert grammar.CONDITION.read("capex > P90", "--given").percentiles
    assert not grammar.CONDITION.read("capex > P\u0669\u0660", "--given").percentiles


def test_a_percentage_may_be_parted_as_in_toml():
    assert grammar.SETTING.read("pue=1_200.5%", "--set") == {"pue": "1_200.5%"}


# ---------------------------------------------------------------- conditions


def test_a_bare_condition_and_its_probability_are_the_same():
    bare = grammar.CONDITION.read("(a > 1) | (b > 2)", "--given")
    asked = grammar.PROBABILITY.read("P((a > 1) | (b > 2))", "--probability")
    assert isinstance(asked, Formula)
    assert asked == bare
    assert asked.text == "(a > 1) | (b > 2)"
    assert [bare(*values) for values in [(0, 0), (2, 0), (0, 3)]] == [0, 1, 1]
    assert [asked(*values) for values in [(0, 0), (2, 0), (0, 3)]] == [0, 1, 1]
    assert pickle.loads(pickle.dumps(asked)) == bare


def test_a_quantity_may_be_called_p_or_e():
    assert grammar.PROBABILITY.read("P > 1", "--probability").names == ("P",)
    assert grammar.CONDITION.read("e > a", "--given").names == ("a",)
    assert grammar.CONDITION.read("e > a", "--given", ["e"]).names == ("e", "a")
    assert grammar.PROBABILITY.read("P(e > a)", "--given", known=["e"]).names == ("e", "a")


# ---------------------------------------------------------------- cases


def test_a_path_with_a_colon(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("run:one").mkdir()
    assert grammar.CASE.read("run:one", "CASE") == (Path("run:one"), "")
    Path("run").write_text("", encoding="utf-8")
    assert "is a path, and could be a choice of run as well" in refusal(grammar.CASE, "run:one")
    assert grammar.CASE.read("run:two", "CASE") == (Path("run"), "two")


# ---------------------------------------------------------------- lists of any content

NAME = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).filter(lambda name: name != "all")
VALUE = st.recursive(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.text(st.characters(codec="ascii", exclude_characters="'\n\r", exclude_categories=["Cc"])).map("'{}'".format),
        st.text(st.characters(codec="ascii", exclude_categories=["Cc"])).map(
            lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]"),
        st.dictionaries(NAME, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{name} = {value}" for name, value in table.items()) + "}"
        ),
    ),
    max_leaves=5,
)


@given(NAME, st.lists(VALUE, min_size=1, max_size=4))
def test_variations_are_what_they_were_made_of(name, values):
    read = grammar.VARIATION.read(f"{name}={','.join(values)}", "--vary")
    assert read == (name, tuple(values))
    for value in values:
        assert list(grammar.SETTING.read(f"{name}={value}", "--set")) == [name]


@given(st.lists(NAME, min_size=1), st.sampled_from([",", ", ", " , "]))
def test_names_are_what_they_were_made_of(names, comma):
    assert grammar.NAMES.read(comma.join(names), "--quantities") == tuple(names)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_what_they_were_made_of(numbers):
    assert grammar.NUMBERS.read(",".join(map(repr, numbers)), "--percentiles") == tuple(numbers)


@given(st.sampled_from(grammar.FORMS), st.text(max_size=30))
def test_any_text_is_read_or_refused_in_one_line(form, text):
    told = "--option '"
    try:
        form.read(text, "--option")
    except SimulateError as refused:
        told = str(refused)
    assert told.isprintable()
    assert told.startswith("--option '")
