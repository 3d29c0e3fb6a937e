"""`simulate mcp`: the questions as tools for agents."""

from typing import Annotated

import typer

from simulate.errors import SimulateError

EXTRA = "pip install 'llm-cost-simulate[mcp]'"


def command(
    *,
    seconds: Annotated[float, typer.Option(min=0.1, help="So long a call may take before it is ended.")] = 60,
    scenarios: Annotated[
        float | None, typer.Option(metavar="COUNT", help="So many scenarios a call may ask for, such as 1e7.")
    ] = None,
    size: Annotated[int, typer.Option(min=1000, help="So many bytes an answer may have.")] = 250_000,
) -> None:
    """Serve the commands to agents as MCP tools.

    A client of the Model Context Protocol starts this command and speaks with it over standard input and
    output; it ends when its input does. The tools are all other commands, with their options, and answer
    with the JSON of --format json. Each call is a process of its own. Resources are the guide, the shipped
    priors files and the schema of the answers. Needs the extra mcp: pip install 'llm-cost-simulate[mcp]'.

    \b
    Examples:
      simulate mcp
      simulate mcp --seconds 20 --scenarios 1e6
      uvx --from 'llm-cost-simulate[mcp]' simulate mcp
    """  # noqa: D301
    from simulate.settings import Count, checked

    most = None if scenarios is None else checked(Count, "--scenarios", scenarios)
    try:
        from simulate.agents.children import Limits
        from simulate.agents.server import serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"anyio", "mcp"}:
            raise
        state = "not installed" if isinstance(error, ModuleNotFoundError) else "too old"
        raise SimulateError(f"mcp is {state}; {EXTRA}") from None
    from simulate.cli.app import read_as_options
    from simulate.cli.exit_codes import SIGNAL

    serve(read_as_options(), Limits(seconds, size, most), lambda number: SIGNAL + number)
