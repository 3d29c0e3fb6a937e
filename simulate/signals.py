"""The signals that end a run, and how what must not be broken off is kept from them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals that end a run wait until the block has ended; only a main thread gets any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    come: list[int] = []
    handlers = {each: signal.getsignal(each) for each in ENDING}
    handlers = {each: handler for each, handler in handlers.items() if callable(handler)}
    try:
        for each in handlers:
            signal.signal(each, lambda number, _frame: come.append(number))
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        for each in come[:1]:
            signal.raise_signal(each)
