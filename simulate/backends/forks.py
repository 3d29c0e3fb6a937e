"""Copies of this process, which hold all that it holds: they share no lock, start at once, and end with the work.

Threads are not copied, and what one holds stays held, so that by default only a process of one thread is.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, NoReturn

from simulate.backends import Result, Task, Ticks
from simulate.backends._carried import brought, done
from simulate.backends._flight import AHEAD
from simulate.backends._signals import begin
from simulate.errors import SimulateError
from simulate.signals import ENDING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def in_order(
    work: Callable[[Task, Ticks], Result], tasks: Sequence[Task], workers: int, ticks: Ticks
) -> Generator[Result, None, None]:
    """Work tasks off in copies of this process, whose steps are not told.

    Raises SimulateError where one of them is killed, and where the system makes none.
    """
    del ticks
    if not hasattr(os, "fork"):
        raise SimulateError("--backend forks: this system does not copy processes; leave --backend out")
    known = getattr(work, "known", ())
    places = {id(each): place for place, each in enumerate(known)}
    copies: dict[Connection, int] = {}
    try:
        for _ in range(min(workers, len(tasks))):
            _copy(lambda number: done(work, tasks[number], places), copies)
        for found in _taken(list(copies), len(tasks)):
            yield brought(found, known)
    except (EOFError, ConnectionError):
        mend = "where memory is short, ask for fewer --workers"
        raise SimulateError(f"a worker process has been killed or has crashed; {mend}") from None
    finally:
        for connection, process in copies.items():
            connection.close()
            with suppress(OSError):  # a process that heeds none of its children has none to wait for
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)


def _taken(copies: Sequence[Connection], tasks: int) -> Generator[bytes, None, None]:
    """The results of as many tasks in their order, of which each copy is given the next when it has done one."""
    begun, found, free = 0, dict[int, bytes | Exception](), deque([*copies] * AHEAD)
    for number in range(tasks):
        while True:
            while free and begun < min(tasks, number + AHEAD * len(copies)):
                free.popleft().send(begun)
                begun += 1
            if number in found:
                break
            ready = {*wait(copies)}
            for copy in [each for each in copies if each in ready]:
                place, error = copy.recv()
                found[place] = error or copy.recv_bytes()
                free.append(copy)
        result = found.pop(number)
        if isinstance(result, Exception):
            raise result
        yield result


def _copy(work: Callable[[int], bytes], copies: dict[Connection, int]) -> None:
    """Copy this process, and put the copy's connection and number among the others'."""
    from multiprocessing import Pipe

    ours, theirs = Pipe()
    parent, before = os.getpid(), signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        with warnings.catch_warnings():  # of Python, where libraries have threads of their own
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if not process:
            _serve(work, theirs, [ours, *copies], parent)
        copies[ours] = process
    except OSError as error:
        raise SimulateError(f"no further process can be made: {error.strerror}; ask for fewer --workers") from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()


def _serve(work: Callable[[int], bytes], connection: Connection, others: Sequence[Connection], parent: int) -> NoReturn:
    """Work tasks off by number, in a copy, until it is ended."""
    try:
        for other in others:
            other.close()
        for each in ENDING:
            signal.signal(each, signal.SIG_DFL)
        begin(parent)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        while True:
            number = connection.recv()
            try:
                result = work(number)
            except Exception as error:  # noqa: BLE001 - whoever waits raises it
                connection.send((number, error))
            else:
                connection.send((number, None))
                connection.send_bytes(result)
    finally:
        os._exit(1)
