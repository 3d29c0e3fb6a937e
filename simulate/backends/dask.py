"""Many machines, by dask: the workers of a scheduler that is there, or some of this machine.

Its own workers are started by a command, so that a script needs no guard of its main module.
"""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from simulate.backends import Result, Task, Ticks
from simulate.backends._carried import Carried, brought
from simulate.backends._flight import taken
from simulate.backends._signals import uninterrupted
from simulate.errors import SimulateError
from simulate.machine import keep_freed_memory

if TYPE_CHECKING:
    from distributed import Client, Future, SpecCluster

PATIENCE = 5  # seconds for a scheduler to answer, and to have a worker
STARTING = 60  # seconds for workers of this machine to start
LOGGED = 16  # messages that a cluster of ours remembers
LOSSES = 10  # workers that may be lost under one task
INSTALL = "install it by pip install 'llm-cost-simulate[distributed]', or choose another --backend"


class _Cluster(NamedTuple):
    """A scheduler's client, with the workers and the folder that are this process's own, if any."""

    client: Client
    own: SpecCluster | None = None
    folder: TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """End what is this process's own."""
        _clusters.clear()
        self.client.close()
        if self.own:
            self.own.close()
        if self.folder:
            self.folder.cleanup()


_clusters: dict[tuple[str | None, int], _Cluster] = {}  # one, kept for what is asked next


def in_order(
    work: Callable[[Task, Ticks], Result],
    tasks: Sequence[Task],
    workers: int,
    ticks: Ticks,
    scheduler: str | None = None,
) -> Generator[Result, None, None]:
    """Work tasks off by all workers of a scheduler, or by so many of this machine. Their steps are not told.

    What a lost worker had is done again by others. Raises SimulateError where dask is not installed, no scheduler
    answers, its workers are lost or have other versions of what the bits rest on.
    """
    del ticks
    try:
        from distributed import CancelledError, KilledWorker
    except ImportError:
        raise SimulateError(f"--backend dask: dask is not installed; {INSTALL}") from None
    known = getattr(work, "known", ())
    carried = Carried.of(work, known)
    cluster = _cluster(scheduler, workers)

    def submit(task: Task) -> Future[bytes]:
        return cluster.client.submit(carried, task, pure=False, retries=LOSSES)

    try:
        for found in taken(submit, tasks, sum(cluster.client.nthreads().values())):
            yield brought(found, known)
    except (KilledWorker, CancelledError, OSError) as error:
        cluster.close()
        raise SimulateError(f"dask has lost the work: {error}; the logs of its workers may say why") from None
    except BaseException:
        cluster.close()
        raise


def _cluster(scheduler: str | None, workers: int) -> _Cluster:
    """The cluster of a scheduler, or one of so many workers of this machine."""
    key = scheduler, 0 if scheduler else workers
    if key in _clusters and _clusters[key].client.status == "running":
        return _clusters[key]
    for other in [*_clusters.values()]:
        other.close()
    if not _clusters:
        atexit.register(lambda: [each.close() for each in [*_clusters.values()]])
    found = _there(scheduler) if scheduler else _started(workers)
    try:
        _check(found.client, scheduler)
        if not scheduler:  # workers that are ours alone
            with suppress(TimeoutError):
                found.client.wait_for_workers(workers, timeout=STARTING)
            found.client.run(keep_freed_memory, on_error="ignore")
    except BaseException:
        found.close()
        raise
    _clusters[key] = found
    return found


def _there(scheduler: str) -> _Cluster:
    from distributed import Client

    try:
        return _Cluster(Client(scheduler, timeout=PATIENCE, set_as_default=False))
    except (OSError, TimeoutError, ValueError):
        mend = "start one by dask scheduler and workers by dask worker, and give its address, such as tcp://host:8786"
        raise SimulateError(f"--scheduler {scheduler}: no scheduler answers there; {mend}") from None


def _started(workers: int) -> _Cluster:
    import dask
    from distributed import Client, Scheduler, SpecCluster
    from distributed.deploy.subprocess import SubprocessWorker

    folder = TemporaryDirectory(prefix="simulate-", ignore_cleanup_errors=True)
    options = {
        "host": "127.0.0.1",
        "nthreads": 1,
        "memory_limit": None,
        "dashboard": False,
        "local_directory": folder.name,
        "silence_logs": logging.CRITICAL,
    }
    worker = {"cls": SubprocessWorker, "options": {"worker_kwargs": options}}
    scheduler = {
        "cls": Scheduler,
        "options": {"host": "127.0.0.1", "port": 0, "dashboard": False, "dashboard_address": ":0"},
    }
    # logs of messages would hold the work that each task carried, 200 kB a task
    settings = {"temporary-directory": folder.name, "distributed.admin.low-level-log-length": LOGGED}
    with uninterrupted(), dask.config.set(settings):
        own = SpecCluster(
            dict.fromkeys(range(workers), worker), scheduler, worker, silence_logs=logging.CRITICAL, name="simulate"
        )
        return _Cluster(Client(own, timeout=PATIENCE, set_as_default=False), own, folder)


def _versions() -> str:
    """What the bits rest on, in this process."""
    import numpy as np

    import simulate

    python = ".".join(map(str, sys.version_info[:2]))
    return f"simulate {simulate.__version__}, numpy {np.__version__}, Python {python}"


def _check(client: Client, scheduler: str | None) -> None:
    """Raise SimulateError where there is no worker, or one has other versions than this process."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE if scheduler else STARTING)
    except TimeoutError:
        told = f"--scheduler {scheduler}: has no worker; start some by dask worker {scheduler}"
        raise SimulateError(told if scheduler else "--backend dask: no worker has started") from None
    own = _versions()
    for worker, versions in client.run(_versions, on_error="return").items():
        if versions != own:
            there = versions if isinstance(versions, str) else f"no such package: {versions}"
            raise SimulateError(f"worker {worker} has {there}; here are {own}: install the same on both")
