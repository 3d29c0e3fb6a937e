"""Queueing: who waits where arrivals are Poisson, how often and how long."""

from typing import Any

import numpy as np

from simulate.arrays import is_column
from simulate.graph import Array

TAIL = 0.01  # of the questions: what a 99th percentile leaves above it
POOL = 64  # servers at most: with more of them hardly anybody waits


def erlang_c(servers: Array, utilization: Array) -> Array:
    """Share of the arrivals that wait in a queue of M/M/c: exponential times of service, POOL servers at most.

    By Erlang's recursion over the servers; with one it is the utilization. Broadcasts.
    """
    load = servers * utilization
    blocked: Any = 1.0
    for count in range(1, 1 + (POOL if is_column(servers) else int(servers))):
        blocked = np.where(count <= servers, load * blocked / (count + load * blocked), blocked)
    waits: Array = (blocked / (1 - utilization * (1 - blocked)))[()]
    return waits


def mean_delay(utilization: Array, service: Array, variation: Array, servers: Array) -> Array:
    """Mean wait of those that wait, in the unit of the time of service, whose coefficient of variation is given.

    (1 + CV^2)/2 times that in M/M/c: exactly so with one server, else about so. Broadcasts.
    Source: Pollaczek, 1930, and Khinchine, 1932; for several servers Lee and Longton, 1959.
    """
    return service * (1 + variation**2) / 2 / (servers * (1 - utilization))


def mean_wait(utilization: Array, service: Array, variation: Array, servers: Array) -> Array:
    """Mean wait of all, those too that do not wait: in M/G/1 u (1 + CV^2) / (2 (1 - u)) times the time of service."""
    return erlang_c(servers, utilization) * mean_delay(utilization, service, variation, servers)


def late_wait(utilization: Array, service: Array, variation: Array, servers: Array) -> Array:
    """The wait that a share TAIL exceeds: who waits at all does so for an exponential time, exactly in M/M/c."""
    waits = erlang_c(servers, utilization)
    return mean_delay(utilization, service, variation, servers) * np.log(np.maximum(waits / TAIL, 1))
