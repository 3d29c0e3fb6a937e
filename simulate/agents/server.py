"""The server: tools and resources by the Model Context Protocol, over standard input and output."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from mcp import types as protocol
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from simulate import __version__
from simulate.agents.children import AT_ONCE, Limits, answer
from simulate.agents.tools import Tool, tools, written_schema
from simulate.priors import shipped
from simulate.signals import ENDING

GUIDE = "simulate://docs/llms"
SCHEMA = "simulate://schema"
PRIORS = "simulate://priors/"
INSTRUCTIONS = (
    "Monte Carlo uncertainty for the cost of large language models. Call `guide` first: it tells the format of priors "
    "files, all quantities and families, and ten examples. Then write a priors file as a text in `files`, `check` it, "
    "and `run`, `compare`, `tornado` or `decide`. Name `quantities`, so that answers stay short."
)


def serve(commands: Mapping[str, Callable[..., None]], limits: Limits, interrupted: Callable[[int], int]) -> None:
    """Serve the commands until standard input ends, or a signal comes.

    `commands` are by name, with their options flat; `interrupted` gives the exit code for the number of a signal.
    """
    anyio.run(_serve, _server(tools(commands), limits), limits, interrupted)


async def _serve(server: Server, limits: Limits, interrupted: Callable[[int], int]) -> None:
    heeded = [each for each in ENDING if signal.getsignal(each) not in (signal.SIG_IGN, None)]
    with anyio.open_signal_receiver(*heeded) as signals:
        async with anyio.create_task_group() as group, stdio_server() as (reading, writing):
            serving = anyio.CancelScope()

            async def end() -> None:
                async for number in signals:
                    serving.cancel()
                    for _ in range(AT_ONCE):  # when calls have ended their processes and taken away their files
                        await limits.turns.acquire_on_behalf_of(object())
                    os._exit(interrupted(number))  # for a thread waits for input, and cannot be told to stop

            group.start_soon(end)
            with serving:
                await server.run(reading, writing, server.create_initialization_options())
            if not serving.cancel_called:
                group.cancel_scope.cancel()


def _server(known: Mapping[str, Tool], limits: Limits) -> Server:
    """The protocol's server: what it lists, and what it does when asked."""
    listed = [_listed(tool) for tool in known.values()]

    async def list_tools(_context: ServerRequestContext, _asked: Any) -> protocol.ListToolsResult:
        return protocol.ListToolsResult(tools=listed)

    async def call_tool(
        _context: ServerRequestContext, asked: protocol.CallToolRequestParams
    ) -> protocol.CallToolResult:
        if asked.name not in known:
            raise MCPError(protocol.INVALID_PARAMS, f"there is no tool {asked.name}; there are {', '.join(known)}")
        found, text = await answer(known[asked.name], asked.arguments or {}, limits)
        return protocol.CallToolResult(
            content=[protocol.TextContent(type="text", text=text)],
            structured_content=found,
            is_error=bool(found["errors"]),
        )

    async def list_resources(_context: ServerRequestContext, _asked: Any) -> protocol.ListResourcesResult:
        return protocol.ListResourcesResult(resources=_resources())

    async def read_resource(
        _context: ServerRequestContext, asked: protocol.ReadResourceRequestParams
    ) -> protocol.ReadResourceResult:
        listed = {each.uri: each.mime_type for each in _resources()}
        if asked.uri not in listed:
            raise MCPError(protocol.INVALID_PARAMS, f"there is no resource {asked.uri}")
        if asked.uri == GUIDE:
            found, _ = await answer(known["guide"], {}, limits)
            if found["errors"]:
                raise MCPError(protocol.INTERNAL_ERROR, found["errors"][0]["message"])
            text = found["result"]["guide"]
        else:
            text = written_schema() if asked.uri == SCHEMA else _priors_text(asked.uri.removeprefix(PRIORS))
        contents = protocol.TextResourceContents(uri=asked.uri, mime_type=listed[asked.uri], text=text)
        return protocol.ReadResourceResult(contents=[contents])

    return Server(
        "simulate",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
    )


def _listed(tool: Tool) -> protocol.Tool:
    return protocol.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.schema,
        output_schema=_envelope_schema(),
        annotations=protocol.ToolAnnotations(
            read_only_hint=not tool.writes, destructive_hint=tool.writes, idempotent_hint=True, open_world_hint=False
        ),
    )


def _envelope_schema() -> dict[str, Any]:
    """The schema of the envelope, without words and what its settings and its result may hold: every tool repeats it.

    The whole is a resource.
    """
    whole = json.loads(written_schema())
    kept = {
        "type": whole["type"],
        "required": whole["required"],
        "properties": {**whole["properties"], "settings": {"type": "object"}},
        "$defs": {name: whole["$defs"][name] for name in ("file", "fault")},
    }
    return _without_words(kept)


def _without_words(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {key: _without_words(each) if isinstance(each, dict) else each for key, each in schema.items()}
    return {key: each for key, each in inner.items() if key != "description"}


def _resources() -> list[protocol.Resource]:
    told = [
        (GUIDE, "guide", "text/markdown", "How to write priors files and ask questions, for language models."),
        (SCHEMA, "schema", "application/schema+json", "The JSON Schema of every answer."),
        *(
            (f"{PRIORS}{name}", f"{name}.toml", "application/toml", f"The shipped priors file that is named {name}.")
            for name in shipped()
        ),
    ]
    return [
        protocol.Resource(uri=uri, name=name, mime_type=kind, description=description)
        for uri, name, kind, description in told
    ]


def _priors_text(name: str) -> str:
    return shipped()[name].read_text("utf-8")
