"""Calls of tools: each runs a command as a child process, which no other call and no fault of its own can disturb."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from anyio.abc import Process

from simulate.agents.tools import Tool
from simulate.errors import Fault, SimulateError
from simulate.settings import LIMIT, most_scenarios

AT_ONCE = 4  # calls; more wait for their turn
COMMAND = [sys.executable, "-P", "-m", "simulate"]  # -P: no module of the working directory
INDENTED = 8  # so many times as long as it is sent may an answer be as a command prints it


@dataclass(frozen=True)
class Limits:
    """What a call may take: seconds, bytes of its answer, and scenarios, None for as many as there may be anyway."""

    seconds: float = 60.0
    size: int = 250_000
    scenarios: int | None = None

    @cached_property
    def turns(self) -> anyio.CapacityLimiter:
        """How many calls run at once."""
        return anyio.CapacityLimiter(AT_ONCE)

    @property
    def environment(self) -> dict[str, str]:
        """That of the commands."""
        most = [most_scenarios(), *([self.scenarios] if self.scenarios else [])]
        return {**os.environ, LIMIT: str(min(most))}


async def answer(tool: Tool, given: Mapping[str, Any], limits: Limits) -> tuple[dict[str, Any], str]:
    """Call a tool: the envelope that its command prints, and that as a text without blanks.

    What goes wrong stands in the envelope. Where the call is cancelled, its process is ended.
    """
    try:
        async with limits.turns:
            with TemporaryDirectory(prefix="simulate-") as folder:
                line = tool.line(given, folder)
                _write(tool.files(given), Path(folder))
                printed = await _output(line, limits)
            found = _read(tool, printed.decode("utf-8").replace(f"{folder}{os.sep}", ""))
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) > limits.size:
            raise _too_long(limits)
    except SimulateError as error:
        faults = error.faults
    except OSError as error:
        faults = (Fault(error.strerror or str(error), str(error.filename or ""), code="file"),)
    except UnicodeError:
        faults = (Fault("a text holds characters that no UTF-8 can write; take them out", code="syntax"),)
    else:
        return found, text
    from simulate.formats.json import envelope  # late: most calls need no numpy here

    found = envelope(tool.name, errors=faults)
    return found, json.dumps(found, ensure_ascii=False, separators=(",", ":"))


async def _output(line: Sequence[str], limits: Limits) -> bytes:
    """What a command prints. Raises SimulateError where it takes too long or prints too much."""
    process = await anyio.open_process(
        [*COMMAND, *line], stdin=subprocess.DEVNULL, stderr=None, env=limits.environment, start_new_session=True
    )
    printed = bytearray()
    try:
        with anyio.fail_after(limits.seconds):
            assert process.stdout
            async for piece in process.stdout:
                printed += piece
                if len(printed) > INDENTED * limits.size:
                    raise _too_long(limits)
            await process.wait()
    except TimeoutError:
        mend = "ask for fewer quantities or scenarios, 131072 say, or start the server with more --seconds"
        raise SimulateError(f"has not ended in {limits.seconds:g} seconds; {mend}") from None
    finally:
        _end(process)
        with anyio.CancelScope(shield=True):
            await process.aclose()
    return bytes(printed)


def _end(process: Process) -> None:
    """End a process and all that it has started, where it still runs."""
    if process.returncode is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _write(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")


def _read(tool: Tool, printed: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(printed)
    except ValueError:
        raise SimulateError(f"{tool.name} has ended without an answer; the server's standard error says why") from None
    return found


def _too_long(limits: Limits) -> SimulateError:
    mend = "ask for fewer quantities or percentiles, or start the server with a larger --size"
    return SimulateError(f"the answer is longer than {limits.size:,} bytes; {mend}")
