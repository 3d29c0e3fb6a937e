"""Ctrl-C, SIGTERM, a terminal that closes: an exception, so that what is open is closed, and a shell's exit code."""

import atexit
import signal
import sys
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any, NoReturn

from simulate.cli.exit_codes import SIGNAL
from simulate.signals import ENDING

_received: list[int] = []


class Interrupted(BaseException):
    """A signal to end."""


def check() -> None:
    """Raise Interrupted where a signal has come, also one whose exception somebody has swallowed."""
    if _received:
        raise Interrupted


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the signals that are not ignored end the block with SystemExit, whatever the code in it makes of them.

    Extension modules turn the exception into another while they are imported; Python drops one that a destructor
    raises, so that it is raised again soon after, and what else fails in one then goes untold. Signals that come while
    the process ends, after the block, come to nothing.
    """
    _received.clear()

    def interrupt(number: int, _frame: object) -> NoReturn:
        _received.append(number)
        raise Interrupted

    def dropped(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, Interrupted):
            Timer(0.01, interrupt_main, _received[:1]).start()
        elif not _received:
            told(unraisable)

    handlers = {each: signal.getsignal(each) for each in ENDING}
    heeded = {each: handler for each, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    told, sys.unraisablehook = sys.unraisablehook, dropped
    try:
        for each in heeded:
            signal.signal(each, interrupt)
        yield
    except BaseException:
        if _received:
            sys.exit(SIGNAL + _received[0])
        raise
    finally:
        sys.unraisablehook = told
        for each, handler in heeded.items():
            signal.signal(each, handler)
        atexit.unregister(_ignore)
        atexit.register(_ignore)


def _ignore() -> None:
    """Let signals come to nothing, for Python tells of those that come while it ends in a traceback."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
