"""What agents get: the guide and its examples, and the tools and command lines that the commands make."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Annotated

import pytest
import typer
from jsonschema import Draft202012Validator

from simulate.agents.tools import FILES, MOST_FILES, Tool, tools
from simulate.cli.app import read_as_options
from simulate.cli.commands import COMMANDS
from simulate.cli.options import flattened
from simulate.distributions import FAMILIES
from simulate.errors import CODES, SimulateError
from simulate.grammar import FORMS
from simulate.model import quantities
from simulate.priors import shipped
from simulate.priors.keys import keys

PAGE = Path("docs/llms.md").read_text(encoding="utf-8")
TOOLS = tools(read_as_options())
EXAMPLES = re.findall(r"^### (\d+\. [^\n]*)\n(.*?)(?=^### |\Z)", PAGE, re.DOTALL | re.MULTILINE)
QUICK = ["--scenarios", "2048"]

# ---------------------------------------------------------------- the guide


def test_the_page_is_what_the_code_makes(command):
    """Where this fails: simulate guide > docs/llms.md."""
    code, out, _ = command("guide")
    assert (code, out) == (0, PAGE)
    _, out, _ = command("guide", "--format", "json")
    assert json.loads(out)["result"] == {"guide": PAGE}
    assert command("guide", "--format", "csv") == (*(2, ""), "there is no format 'csv'; choose one of markdown, json\n")


def test_the_page_names_all_that_there_is():
    words = {each.strip(".") for each in re.findall(r"[\w.-]+", PAGE)}
    for known in (COMMANDS, FAMILIES, CODES, shipped(), quantities("llm_cost"), {each.name for each in FORMS}):
        assert set(known) <= words
    assert "{{" not in PAGE
    assert len(PAGE.encode()) < 50_000  # it is read whole, each time


def test_every_key_of_a_priors_file_is_told():
    for key in keys():
        assert key.says, f"{key.path} needs words: a docstring, or Field(description=...)"
        assert key.is_table or f"| `{key.path}` | {key.brief} | {key.default} |" in PAGE
    told = {key.path: key.default for key in keys()}
    assert told["run.percentiles"] == "[5.0, 25.0, 50.0, 75.0, 95.0]"


def test_there_are_ten_examples():
    assert [title.split(".")[0] for title, _ in EXAMPLES] == [str(each) for each in range(1, 11)]


@pytest.mark.parametrize("text", [text for _, text in EXAMPLES], ids=[title for title, _ in EXAMPLES])
def test_an_example_of_the_page_runs_and_has_what_it_says(command, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    for name, content in re.findall(r"```(?:toml|csv) (\S+)\n(.*?)```", text, re.DOTALL):
        Path(name).write_text(content, encoding="utf-8")
    ((refused, line),) = re.findall(r"```sh( refused)?\n(.*?)\n```", text, re.DOTALL)
    words = shlex.split(line)[1:]
    code, out, _ = command(*words, *([] if words[0] in {"check", "tornado"} else QUICK), out=False)
    assert code == (2 if refused else 0)
    told = json.loads(out)
    read = re.findall(r"`((?:result|errors)\..*?)`", text)
    assert read
    for path in read:
        assert at(told, path) is not None, path


def at(told, path):
    """The value at a path of names parted by points, which names may hold as well."""
    if not path:
        return told
    if isinstance(told, list):
        first, _, rest = path.partition(".")
        return at(told[int(first)], rest)
    for name, each in told.items():
        if path == name or path.startswith(f"{name}."):
            return at(each, path[len(name) + 1 :])
    raise LookupError(f"{path} is not among {', '.join(told)}")


@pytest.mark.parametrize("mend", [("p50 = 9\n", ""), ('"lognormal"\np5 = 4', '"metalog"\nlower = 0\np5 = 4')])
def test_the_refused_example_is_mended_as_it_says(load, mend):
    (content,) = re.findall(r"```toml mine.toml\n(.*?)```", PAGE, re.DOTALL)
    assert mend[0] in content
    load(content.replace(*mend))


# ---------------------------------------------------------------- tools from commands


def test_the_tools_are_all_commands_but_the_server():
    assert TOOLS.keys() == set(COMMANDS) - {"mcp"}


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_has_all_options_of_its_command(command, name):
    """Those of the help, but for the printing, and one that takes two values."""
    _, out, _ = command(name, "--help")
    options = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", out, re.MULTILINE)) - {"help", "format", "quiet", "interval"}
    tool = TOOLS[name]
    Draft202012Validator.check_schema(tool.schema)
    assert {each.name for each in tool.parameters.values() if each.option} == {
        each.replace("-", "_") for each in options
    }
    assert set(tool.schema["properties"]) - {*tool.parameters} == ({FILES} if tool.operands else set())
    assert "Examples" not in tool.description
    assert all(each["description"] for each in tool.schema["properties"].values())


def of_options(
    thing: Annotated[str, typer.Argument(metavar="THING", help="What.")],
    *,
    one_more: Annotated[list[str] | None, typer.Option(help="More.")] = None,
    count: Annotated[int | None, typer.Option(help="How many.")] = None,
    pair: Annotated[tuple[str, float] | None, typer.Option()] = None,
    kind: Annotated[str, typer.Option("--sort", "-k", metavar="good|bad")] = "good",
    draw: Annotated[bool | None, typer.Option("--draw/--no-draw")] = None,
) -> None:
    """Do it.

    Over two
    lines.

    \b
    Examples:
      none
    """


DO = Tool("do", flattened(of_options))


def test_parameters_are_those_that_the_signature_declares():
    found = {each.name: each for each in DO.parameters.values()}
    assert list(found) == ["thing", "one_more", "count", "sort", "draw"]
    assert DO.description == "Do it.\n\nOver two lines."
    assert DO.schema["required"] == ["thing"]
    properties = DO.schema["properties"]
    assert properties["one_more"] == {"type": "array", "items": {"type": "string"}, "description": "More."}
    assert properties["count"] == {"type": "integer", "description": "How many."}
    assert (properties["sort"]["enum"], properties["sort"]["default"]) == (["good", "bad"], "good")
    assert properties["draw"]["type"] == "boolean"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"thing": "a"}, ["--", "a"]),
        ({"thing": "--sort=x"}, ["--", "--sort=x"]),
        ({"thing": 3, "count": "-5"}, ["--count=-5", "--", "3"]),
        ({"thing": "a", "one_more": ["x", "--y"]}, ["--one-more=x", "--one-more=--y", "--", "a"]),
        ({"thing": "a", "one_more": "x,y"}, ["--one-more=x,y", "--", "a"]),
        ({"thing": "a", "sort": ["x", 2.5], "count": None}, ["--sort=x,2.5", "--", "a"]),
        ({"thing": "a", "draw": True}, ["--draw", "--", "a"]),
        ({"thing": "a", "draw": False}, ["--no-draw", "--", "a"]),
        ({"thing": "a.toml:one", "files": {"a.toml": ""}}, ["--", "/f/a.toml:one"]),
        ({"thing": "b.toml", "files": {"a.toml": ""}}, ["--", "b.toml"]),
        ({"thing": "a", "files": {"a.toml": "", "a": ""}}, ["--", "/f/a"]),
    ],
)
def test_a_call_is_a_command_line(given, words):
    line = DO.line(given, "/f")
    assert line[0] == "do"
    assert [each for each in line[1:] if each != "--format=json"] == words


def test_operands_that_are_left_out_keep_their_places():
    assert TOOLS["explain"].line({"priors": "base"}, "/f")[-2:] == ["", "base"]
    assert TOOLS["explain"].line({}, "/f")[-1] == "--"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "thing: is missing; give THING"),
        ({"thing": "-"}, "thing: '-' cannot be read here; give the text in files, and its name"),
        (
            {"thing": "a = 1\nb = 2"},
            "thing: is a text in place of a name; give it in files as mine.toml, and name that",
        ),
        ({"thing": "a:b", "files": {"a.toml": ""}}, "thing: 'a:b' is not among files; did you mean a.toml?"),
        ({"thing": {"a": 1}}, "thing: must be a text, not an object"),
        ({"thing": "a\0"}, "thing: holds the character NUL, which no text may; take it out"),
        ({"thing": "a", "cuont": 3}, "cuont: there is no such parameter; did you mean count?"),
        ({"thing": "a", "x" * 9: 3}, f"{'x' * 9}: there is no such parameter; known are thing, one_more, count"),
        ({"thing": "a", "format": "csv"}, "format: there is no such parameter"),
        ({"thing": "a", "count": True}, "count: must be a number, not true"),
        ({"thing": "a", "one_more": [["x"]]}, 'one_more: must be a list of texts, such as ["..."], not a list'),
        ({"thing": "a", "draw": "yes"}, "draw: must be true or false, not 'yes'"),
        ({"thing": "a", "files": "x"}, f"files: must be an object of at most {MOST_FILES} texts by name"),
        ({"thing": "a", "files": {str(each): "" for each in range(51)}}, "files: must be an object of at most 50"),
        ({"thing": "a", "files": {"a": 1}}, "files.a: must be the text of the file, not 1"),
        *(
            ({"thing": "a", "files": {name: ""}}, f"files.{name}: must be the plain name of a file")
            for name in ("../a", "/a", "a/b", ".a", "", "..", "a:b")
        ),
    ],
)
def test_what_no_command_line_can_be_made_of_is_refused(given, line):
    with pytest.raises(SimulateError) as refused:
        DO.line(given, "/f")
    assert str(refused.value).startswith(line)
    assert refused.value.faults[0].code == "usage"


def test_explain_lists_all_quantities_with_what_a_file_says(command):
    _, out, _ = command("explain", "", "base", "--format", "json")
    assert json.loads(out)["result"]["quantities"]["pue"]["prior"]["family"]
