"""Ctrl-C, which goes to all processes of a terminal: whoever waits for the others ends them, and they end with it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from simulate.machine import keep_freed_memory

LOOK = 0.5  # seconds between two looks whether the process that waits is there


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep Ctrl-C from the processes started here."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    from loky.backend import resource_tracker as of_loky

    for tracker in (resource_tracker, of_loky):  # each lets signals through again when it starts
        tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin(parent: int) -> None:
    """Prepare a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed_memory()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process once it has another parent, for then its own was killed."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)
