"""Gatherings: what waits and is summarized in one go is what it is alone, to the bit."""

import pickle

import numpy as np
import pytest

from simulate.gathering import SHORT, Fault, Gathering, finished
from simulate.graph import Quantity
from simulate.rulers import Bits, Knots
from simulate.statistics import usual
from simulate.summary import WEIGHT, Summary, add_rows

RANDOM = np.random.default_rng(20250301)
SIZE = 64
COLUMNS = {
    "normal": RANDOM.normal(3, 1e5, SIZE),
    "tied": RANDOM.integers(0, 4, SIZE).astype(float),
    "same": np.full(SIZE, 7.0),
    "huge": RANDOM.normal(0, 1e300, SIZE),
    "tiny": np.abs(RANDOM.normal(0, 1e-300, SIZE)),
    "broken": np.where(np.arange(SIZE) % 3, RANDOM.normal(0, 1, SIZE), np.nan),
    "alone": np.where(np.arange(SIZE) == 5, 2.0, np.inf),
    "nothing": np.full(SIZE, np.nan),
}
WEIGHTS = {"once": None, "weighed": RANDOM.integers(1, 2 * WEIGHT, SIZE)}
PERCENTS = (5.0, 50.0, 95.0)


def told(summary):
    """All that a summary tells."""
    moments = summary.count, summary.nonfinite, summary.minimum, summary.maximum, summary.mean, summary.effective
    return repr((moments, summary.sd, summary.percentiles(PERCENTS), summary.resolution(PERCENTS)))


def alone(ruler, column, size, weights):
    """The summary of two blocks of a column that nothing else is added with."""
    summary = Summary(ruler)
    for _ in range(2):
        summary.add(column, size, weights)
    return told(summary.finish())


@pytest.mark.parametrize("ruler", [Bits(), Knots(np.array([-1e5, 0.0, 3.0, 1e5]))], ids=["values", "cells"])
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_columns_added_in_one_go_are_as_each_alone(ruler, weights):
    summaries = [Summary(ruler) for _ in COLUMNS]
    for _ in range(2):
        add_rows(summaries, np.array([*COLUMNS.values()]), SIZE, weights)
    for summary, (name, column) in zip(summaries, COLUMNS.items(), strict=True):
        assert told(summary.finish()) == alone(ruler, column, SIZE, weights), name


@pytest.mark.parametrize("size", [SIZE, SHORT, SHORT + 1])
def test_replicates_finished_together_are_as_each_alone(size):
    """Whatever waits in them: two blocks of each column, and a number for all."""
    columns = {name: np.resize(column, size) for name, column in COLUMNS.items()} | {"number": 4.0}
    statistics = usual(PERCENTS)

    def gathered(replicate):
        gathering = Gathering(dict.fromkeys(columns, Bits()))
        for block in range(2):
            for name, column in columns.items():
                gathering.add(name, column * (1 + block + replicate), size)
        return gathering

    together = finished([gathered(replicate) for replicate in range(3)], statistics)
    for replicate, parts in enumerate(together):
        single = gathered(replicate).finish(statistics)
        assert [*parts] == [*single] == [*columns]
        for name, part in parts.items():
            assert told(part.summary) == told(single[name].summary)
            assert repr(part.values) == repr(single[name].values)
            assert part.fixed is single[name].fixed is (name == "number")


def test_faults_are_counted_with_the_chunk_of_the_first():
    share = Quantity("share", "1", "", lower=0.0, upper=1.0)
    gathering = Gathering({"share": Bits(), "other": Bits()}, {"share": share})
    blocks = {3: [0.5, 1.0], 5: [0.5, 2.0], 7: [-1.0, np.nan], 9: [np.inf, 3.0]}
    for chunk, column in blocks.items():
        gathering.add("share", np.array(column), 2, chunk=chunk)
        gathering.add("other", np.array([1.0, 5.0]), 2, chunk=chunk)
    carried = pickle.loads(pickle.dumps(gathering))  # as from another process
    for each in (gathering, carried):
        parts = each.finish(())
        assert parts["share"].faults == {Fault.NO_NUMBER: 2, Fault.IMPOSSIBLE: 3}
        assert parts["share"].first == {Fault.NO_NUMBER: 7, Fault.IMPOSSIBLE: 5}
        assert not parts["other"].first


def test_the_first_chunk_with_a_fault_is_that_of_the_piece_before():
    pieces = []
    for chunk in (2, 4):
        pieces.append(Gathering({"x": Bits()}))
        pieces[-1].add("x", np.array([1.0, np.nan]), 2, chunk=chunk)
    pieces[0].merge(pieces[1])
    assert pieces[0].finish(())["x"].first == {Fault.NO_NUMBER: 2}
