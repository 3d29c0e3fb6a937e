"""What the machine gives a process: processors, and memory that is kept."""

import os
import sys
import threading

import numpy as np

# glibc gives arrays of a chunk's size back to the system after each operation, and zeroes them again for the next:
# a fifth of a run. These options of mallopt(3) let it keep them, in one arena, so that what one thread gives back
# another takes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENAS, _KEPT = -1, -3, -8, 2**28
_LEARNT = 31 * 2**20  # bytes, below the most up to which it learns by itself to keep what has been given back


def keep_freed_memory() -> None:
    """Let glibc keep the memory that arrays give back, in a process that is ours alone."""
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another allocator, another system
        return
    mallopt(_ARENAS, 1)
    mallopt(_MMAP_THRESHOLD, 2**25)
    mallopt(_TRIM_THRESHOLD, _KEPT)


def use_freed_memory_again() -> None:
    """Let glibc keep what arrays give back in any process, by one that nothing has touched and that goes at once."""
    np.empty(_LEARNT, np.uint8)


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def may_be_copied() -> bool:
    """Whether a copy of this process can work: on Linux, where no thread but this one may hold what the copy needs."""
    return sys.platform == "linux" and threading.active_count() == 1
