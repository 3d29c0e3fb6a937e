"""`simulate mcp` as a client sees it: a session over standard input and output, limits, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import anyio
import pytest
from jsonschema import Draft202012Validator
from mcp import ClientSession, MCPError, StdioServerParameters, stdio_client

from simulate.agents.children import INDENTED, Limits, answer
from simulate.agents.tools import tools
from simulate.cli.app import read_as_options
from simulate.priors import shipped
from simulate.settings import LIMIT

ROOT = Path(__file__).parent.parent
TOOLS = tools(read_as_options())
SERVER = ["-P", "-m", "simulate", "mcp"]
SIZE = 60_000
NOW = 'model = "none"\n[priors.load]\ndist = "lognormal"\np5 = 1\np95 = 3\n[quantities.cost]\nformula = "2 * load"\n'
NEXT = 'extends = "now.toml"\n[priors.load]\ndist = "lognormal"\np5 = 4\np95 = 9\n'
QUICK = {"scenarios": 2048}
ENDLESS = {"priors": "base", "scenarios": 1e13}
CALLS = {
    "check": {"priors": ["now.toml"], "files": {"now.toml": NOW.replace("p95", "p96x")}},
    "explain": {},  # all quantities: too much for SIZE
    "compare": {
        "cases": ["now.toml", "next.toml"],
        "quantities": ["cost"],
        "fail_if": ["P(cost > 9) > 1%"],
        "files": {"now.toml": NOW, "next.toml": NEXT},
        **QUICK,
    },
}
OTHERS = {
    "guide": {},
    "run": {"priors": "base", "quantities": "capex", **QUICK},
    "tornado": {"priors": "base", "quantities": "capex"},
    "decide": {"priors": "own-or-rent", **QUICK},
    "sweep": {"priors": "own-or-rent", "over": "discount_rate=0.05,0.1", **QUICK},
    "backtest": {},
    "verify": {"result": "nothing.nc"},
    "show": {"priors": "base"},
    "new": {"for": "training"},
    "schema": {},
}


def in_session(ask, *options, cwd=ROOT):
    """What a function of a client's session gives, with a server of its own."""

    async def asked():
        server = StdioServerParameters(
            command=sys.executable, args=[*SERVER, *options], env={"PYTHONPATH": str(ROOT)}, cwd=cwd
        )
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            await session.initialize()
            return await ask(session)

    return anyio.run(asked)


def running(marker):
    """The processes in whose command line a text stands."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [each.parent.name] if marker.encode() in each.read_bytes() else []
        except OSError:  # it has ended meanwhile
            continue
    return found


def comes_true(condition):
    """Whether something is so within ten seconds."""
    deadline = time.monotonic() + 10
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met


async def called_at_once(session, calls):
    found = {}

    async def call(name, given):
        found[name] = await session.call_tool(name, given)

    async with anyio.create_task_group() as group:
        for name, given in calls.items():
            group.start_soon(call, name, given)
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What one session is told, in a folder where nothing is written, with a module that nobody must import."""
    folder = tmp_path_factory.mktemp("folder")
    (folder / "simulate.py").write_text("raise SystemExit('a module of the working directory')", encoding="utf-8")

    async def ask(session):
        found = {"tools": (await session.list_tools()).tools, **await called_at_once(session, CALLS)}
        found["resources"] = (await session.list_resources()).resources
        for name in ("docs/llms", "schema", "priors/base"):
            (found[name],) = (await session.read_resource(f"simulate://{name}")).contents
        for name, asked in {
            "no tool": partial(session.call_tool, "rum", {}),
            "no resource": partial(session.read_resource, "simulate://priors/../base"),
        }.items():
            with pytest.raises(MCPError) as refused:
                await asked()
            found[name] = str(refused.value)
        async with anyio.create_task_group() as group:
            group.start_soon(session.call_tool, "run", {**ENDLESS, "seed": 77001})
            found["began"] = await anyio.to_thread.run_sync(comes_true, lambda: running("--seed=77001"))
            group.cancel_scope.cancel()
        found["cancelled"] = await anyio.to_thread.run_sync(comes_true, lambda: not running("--seed=77001"))
        return found

    found = in_session(ask, "--size", str(SIZE), cwd=folder)
    assert list(folder.iterdir()) == [folder / "simulate.py"]
    return found


def test_the_tools_are_listed_with_schemas(told):
    assert [each.name for each in told["tools"]] == list(TOOLS)
    for each in told["tools"]:
        Draft202012Validator.check_schema(each.output_schema)
        assert each.annotations.read_only_hint == (
            each.name in {"guide", "check", "explain", "verify", "show", "schema"}
        )
    assert sum(len(each.model_dump_json(exclude_none=True)) for each in told["tools"]) < 48_000  # an agent reads them


def test_an_answer_is_the_envelope_and_its_text(told):
    schema = Draft202012Validator(json.loads(told["schema"].text))
    for name in CALLS:
        answered = told[name]
        assert json.loads(answered.content[0].text) == answered.structured_content
        assert ": " not in answered.content[0].text.split('"errors"')[0]
        schema.validate(answered.structured_content)
        assert answered.structured_content["command"] == name
        assert answered.is_error == bool(answered.structured_content["errors"])


def test_texts_of_a_call_are_files_for_it_alone(told):
    whole = told["compare"].structured_content
    assert [each["path"] for each in whole["files"]] == ["now.toml", "next.toml", "now.toml"][: len(whole["files"])]
    assert list(whole["result"]["cases"]) == ["now", "next"]
    assert whole["result"]["quantities"]["cost"]["ratio_percentiles"]["value"]["next"]["50"] == pytest.approx(
        3.46, rel=0.01
    )


def test_what_is_wrong_is_told_by_file_and_line(told):
    (fault,) = told["check"].structured_content["errors"]
    assert (fault["file"], fault["line"], fault["key"]) == ("now.toml", 5, "priors.load.p96x")


def test_a_gate_that_fails_is_no_error(told):
    gates = told["compare"].structured_content["result"]["gates"]
    assert gates["P(cost > 9) > 1%"]["gate_verdict"]["value"]["next"] == "fails"
    assert not told["compare"].is_error


def test_an_answer_that_is_too_long_is_refused_in_a_line(told):
    (fault,) = told["explain"].structured_content["errors"]
    assert fault["message"] == f"the answer is longer than {SIZE:,} bytes"
    assert "fewer quantities" in fault["fix"]


def test_resources_are_the_guide_the_schema_and_the_shipped_files(told):
    assert [each.uri for each in told["resources"]] == [
        *("simulate://docs/llms", "simulate://schema"),
        *(f"simulate://priors/{name}" for name in shipped()),
    ]
    assert told["docs/llms"].text == (ROOT / "docs" / "llms.md").read_text(encoding="utf-8")
    assert told["priors/base"].text == shipped()["base"].read_text(encoding="utf-8")
    assert told["priors/base"].mime_type == "application/toml"


def test_there_is_nothing_of_another_name(told):
    assert told["no tool"].startswith("there is no tool rum; there are backtest, check")
    assert told["no resource"] == "there is no resource simulate://priors/../base"


def test_a_call_that_is_cancelled_leaves_no_process(told):
    assert told["began"]
    assert told["cancelled"]


@pytest.mark.long
def test_every_tool_answers():
    found = in_session(partial(called_at_once, calls=OTHERS), cwd=ROOT)
    assert set(OTHERS) | set(CALLS) == set(TOOLS)
    for name in OTHERS:
        assert found[name].structured_content["command"] == name
        assert found[name].is_error == (name == "verify")


@pytest.mark.long
def test_a_guide_that_is_too_long_is_refused_in_a_line():
    async def ask(session):
        with pytest.raises(MCPError, match="longer than 1,000 bytes"):
            await session.read_resource("simulate://docs/llms")

    in_session(ask, "--size", "1000")


# ---------------------------------------------------------------- limits, without a server

RUN = TOOLS["run"]


def test_a_call_that_takes_too_long_is_ended():
    found, _ = anyio.run(answer, RUN, {**ENDLESS, "seed": 77002}, Limits(seconds=0.2))
    (fault,) = found["errors"]
    assert fault["message"] == "has not ended in 0.2 seconds"
    assert not running("--seed=77002")


@pytest.mark.parametrize(("printed", "size", "refused"), [(2000, 1000, False), (9000, 1000, True)])
def test_what_a_command_prints_may_be_longer_for_its_blanks_but_not_without_end(monkeypatch, printed, size, refused):
    """A command that prints blanks, in place of one that prints much."""
    assert 2000 <= INDENTED * size < 9000
    text = f'{{{" " * printed}"errors": []}}'
    monkeypatch.setattr(RUN.__class__, "line", lambda *_: ["-c", f"print({text!r})"])
    monkeypatch.setattr("simulate.agents.children.COMMAND", [sys.executable])
    found, told = anyio.run(answer, RUN, {}, Limits(size=size))
    assert bool(found["errors"]) == refused
    assert (told == '{"errors":[]}') != refused


def test_a_command_that_says_nothing_is_told(monkeypatch):
    monkeypatch.setattr("simulate.agents.children.COMMAND", [sys.executable, "-c", "pass"])
    found, _ = anyio.run(answer, RUN, {"priors": "base"}, Limits())
    assert found["errors"][0]["message"] == "run has ended without an answer"


@pytest.mark.parametrize("text", ["\ud800", "a" * 200_000])
def test_what_no_system_takes_as_a_word_is_told(text):
    found, _ = anyio.run(answer, RUN, {"priors": text}, Limits())
    assert found["errors"][0]["code"] in {"file", "syntax"}


def test_the_fewer_scenarios_are_allowed(monkeypatch):
    monkeypatch.delenv(LIMIT, raising=False)
    assert Limits().environment[LIMIT] == str(10**15)
    assert Limits(scenarios=5000).environment[LIMIT] == "5000"
    monkeypatch.setenv(LIMIT, "300")
    assert Limits(scenarios=5000).environment[LIMIT] == "300"


# ---------------------------------------------------------------- the command


def test_sigterm_ends_the_server_and_its_calls():
    server = subprocess.Popen([sys.executable, *SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    asked = [
        {
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "a test", "version": "1"},
            },
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "run", "arguments": {**ENDLESS, "seed": 77003}}},
    ]
    for each in asked:
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **each}).encode() + b"\n")
    server.stdin.flush()
    assert comes_true(lambda: running("--seed=77003"))
    server.terminate()
    assert server.wait(10) == 143
    assert not running("--seed=77003")
    for line in server.stdout:
        assert json.loads(line)["jsonrpc"] == "2.0"
    server.stdin.close()
    server.stdout.close()


def test_the_extra_is_asked_for_where_it_is_missing(command, monkeypatch):
    line = "; pip install 'llm-cost-simulate[mcp]'\n"
    monkeypatch.delitem(sys.modules, "simulate.agents.server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert command("mcp") == (2, "", f"mcp is not installed{line}")


@pytest.mark.parametrize("option", [("--seconds", "0"), ("--size", "10"), ("--scenarios", "0"), ("--scenarios", "1.5")])
def test_limits_that_are_none_are_refused(command, option):
    code, _, err = command("mcp", *option)
    assert code == 2
    assert option[0] in err
