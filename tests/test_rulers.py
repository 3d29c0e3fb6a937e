"""Rulers: cells that hold their values, of which kind by which pilot, and percentiles as from an exact sort."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from simulate.bands import Bands
from simulate.folding import fold
from simulate.priors import load_priors
from simulate.replicates import Workers
from simulate.rulers import MOST_VALUES, Bits, Knots, laid_out
from simulate.runs import run
from simulate.spread import standard_error
from simulate.statistics import percentiles
from simulate.summary import WEIGHT, Summary

SIZE, CHUNKS, REPLICATES = 2**14, 4, 16
PERCENTS = [0.1, 0.5, 1, 2.5, 5, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9]


def columns(replicate: int) -> dict[str, np.ndarray]:
    """The chunks of a replicate of each column."""
    random = np.random.default_rng([20230214, replicate])
    shape = CHUNKS, SIZE
    z, y, u = random.normal(size=shape), random.normal(size=shape), random.random(shape)
    with np.errstate(over="ignore"):
        return {
            "normal": z,
            "lognormal": np.exp(z / 2),
            "heavy": np.exp(2 * z),
            "a narrow normal far from 0": 1e6 + z,
            "a normal far from 0": 1e6 + 1000 * z,
            "two narrow modes": np.where(u < 0.3, 1e6, 2e6) + z,
            "a lognormal far from 0": 1e6 + np.exp(z),
            "more than half a constant": np.where(u < 0.55, 7.0, np.exp(z)),
            "a hundredth a constant": np.where(u < 0.01, 1.0, np.exp(z)),
            "a share near 1": 1 - 1e-3 * u,
            "a uniform": u,
            "the arcsine": np.sin(np.pi * (u - 0.5)),
            "a risk event": np.exp(z) + np.where(u < 1e-5, 1e12, 0.0) * np.exp(y),
            "the fourth power of a pole": 1 / (1 + z * np.sqrt(2)) ** 4,
            "negative": -np.exp(z),
            "hundreds of decades": np.exp(100 * z),
            "both signs over hundreds of decades": np.sign(u - 0.5) * np.exp(100 * z),
            "whole numbers": np.floor(1000 * np.exp(z)),
            "sums of dice": np.floor(6 * u) + np.floor(3 * np.exp(z / 4)),
            "mostly nan": np.where(u < 0.9, np.nan, 1e6 + z),
            "nearly a constant": np.where(u < 0.9999, 5.0, z),
            "denormal": z * 1e-320,
            "near the greatest float": 1e308 * u * np.sign(z),
        }


DRAWN = [columns(replicate) for replicate in range(REPLICATES)]
KINDS = list(DRAWN[0])


def band_of(name: str, workers: Workers | None = None):
    """The band of a column, counted as runs count."""
    statistics = (percentiles(PERCENTS),)
    bands = Bands(statistics)

    def work(gathering, task, ticks):
        replicate, chunks = task
        for chunk in ticks(chunks):
            gathering.add("x", DRAWN[replicate][name][chunk], SIZE)
        return gathering.finish(statistics)

    fold(
        work,
        [(replicate, range(CHUNKS)) for replicate in range(REPLICATES)],
        bands.add,
        keys=["x"],
        scenarios=REPLICATES * CHUNKS * SIZE,
        pilots=[(replicate, range(1)) for replicate in range(REPLICATES)],
        pilot=SIZE,
        workers=workers or Workers("serial"),
        what="test",
        steps=lambda _: CHUNKS,
    )
    return bands["x"]


def exact(values: np.ndarray) -> np.ndarray:
    """Percentiles by sorting: at a value that repeats that value, else between neighbours."""
    values = values[np.isfinite(values)]
    step, between = (np.percentile(values, PERCENTS, method=method) for method in ("inverted_cdf", "hazen"))
    repeated = [np.count_nonzero(values == value) > 1 for value in step]
    return np.where(repeated, step, between)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", KINDS)
def test_percentiles_are_those_of_an_exact_sort(name):
    """To a tenth of a standard error: the noise of counting is a hundredth or two, by the layout of the cells."""
    every = np.array([drawn[name].ravel() for drawn in DRAWN])
    found, sorted_once = band_of(name).value("percentiles"), exact(every.ravel())
    exponents = -np.frexp(sorted_once)[1]  # so that errors have squares
    errors = standard_error(np.ldexp([exact(each) for each in every], exponents))
    off = np.ldexp(found, exponents) - np.ldexp(sorted_once, exponents)
    assert (np.abs(off) <= 0.1 * errors).all(), off / errors


def test_a_pilot_chooses_the_cells():
    def ruler(name):
        return laid_out([(DRAWN[0][name][0], None)], 1 / CHUNKS / REPLICATES)

    assert isinstance(ruler("lognormal"), Bits)
    assert isinstance(ruler("heavy"), Bits)
    for name in ("normal", "a narrow normal far from 0", "a hundredth a constant", "negative", "a share near 1"):
        assert isinstance(ruler(name), Knots), name
        assert not ruler(name).by_value
    assert ruler("sums of dice").by_value
    assert ruler("whole numbers").by_value
    assert len(ruler("normal").knots) < 2**10 + 2**7


def test_a_column_that_is_far_more_even_than_chance_has_knots():
    """Bins would tell its percentiles less sharply than the net knows them."""
    normals = [NormalDist().inv_cdf((stratum + 0.5) / SIZE) for stratum in range(SIZE)]
    halves = [np.random.default_rng(side).permutation(normals[side::2]) for side in (0, 1)]
    even, chance = (np.exp(each) for each in (np.concatenate(halves), np.random.default_rng(2).normal(size=SIZE)))
    assert isinstance(laid_out([(even, None)], 0.01), Knots)
    assert isinstance(laid_out([(chance, None)], 0.01), Bits)


def test_few_scenarios_are_counted_one_by_one_and_many_are_not():
    values = np.random.default_rng(3).normal(size=SIZE)
    assert laid_out([(values, None)], SIZE / MOST_VALUES).by_value
    assert not laid_out([(values, None)], SIZE / (MOST_VALUES + 1)).by_value
    assert laid_out([], 0.01).by_value


def test_weights_lay_out_knots_by_what_they_weigh():
    """Of values that weigh nothing but around 3, all but the outermost knots lie there."""
    values = np.random.default_rng(4).uniform(0, 10, SIZE)
    weights = np.round(np.exp(-0.5 * ((values - 3) / 0.1) ** 2) * WEIGHT).astype(np.int64)
    knots = laid_out([(values[weights > 0], weights[weights > 0])], 0.01).knots
    assert (np.abs(knots - 3) < 0.5).all()
    assert len(knots) > 200


FLOATS = np.unique(
    np.concatenate(
        [
            sign
            * np.concatenate([10.0 ** np.arange(-323, 308, 0.37), [0.0, 5e-324, 1.7976931348623157e308], np.arange(50)])
            for sign in (1, -1)
        ]
    )
)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "ruler",
    [
        Bits(),
        Bits(1023 << 10, 1 << 12),
        Knots(np.array([0.0])),
        Knots(np.array([-1.0, 0.0, 1e-300, 3.0, 40.0])),
        Knots(np.array([-1.7e308, -3.0, 1.7e308])),
        Knots(np.array([5e-324, 1e-323, 1.0])),
    ],
)
def test_each_float_lies_in_its_cell_and_cells_rise(ruler):
    cells, _ = ruler.places(FLOATS, None)
    low, high = ruler.ends(cells)
    rounding = np.maximum(1e-14 * np.abs(FLOATS), 5e-324)
    if not (isinstance(ruler, Knots) and ruler.knots[0] < -1e308):  # whose one width no float can say
        assert (np.diff(cells) >= 0).all()
    with np.errstate(over="ignore"):
        assert (low <= FLOATS + rounding).all()
        assert (high >= FLOATS - rounding).all()
    backwards, weights = ruler.places(FLOATS[::-1].copy(), np.arange(len(FLOATS))[::-1].copy())
    assert np.array_equal(np.sort(backwards), cells)
    assert np.array_equal(backwards[np.argsort(weights)], cells)


def test_values_beyond_the_pilot_are_told_by_their_distance_from_it():
    """With a pilot far too narrow, percentiles are still good to 2^-10 of the distance."""
    pilot, values = np.linspace(9, 11, 2000), np.random.default_rng(5).normal(10, 1e6, 2**18)
    summary = Summary(laid_out([(pilot, None)], 0.001))
    summary.add(values, len(values))
    found = summary.finish().percentiles(PERCENTS)
    assert found == pytest.approx(np.percentile(values, PERCENTS), rel=2**-9, abs=40)  # a gap at the median is 10 wide


def test_resolution_is_what_spreading_counts_evenly_may_miss():
    """Percentiles of an exponential in bins of a tenth are off by no more, and not by far less."""
    values = -np.log1p(-(np.arange(2**20) + 0.5) / 2**20)
    summary = Summary(Knots(np.arange(0, 40, 3.2)))  # 32 bins between neighbours
    summary.add(values, len(values))
    percents = np.linspace(5, 95, 500)
    off = np.abs(summary.finish().percentiles(percents) + np.log1p(-percents / 100))
    told = summary.resolution(percents)
    assert (off <= 1.1 * told).all()
    assert off.max() > told.min() / 20
    assert Summary(Bits()).resolution([50]).tolist() == pytest.approx([np.nan], nan_ok=True)


def test_resolution_of_equal_cells_is_that_of_its_formula():
    """A hundred in each of 32 cells, one wide: of a quarter of them, 800 lie beyond."""
    summary = Summary(Knots(np.array([0.0, 32.0])))
    summary.add((np.arange(3200) + 0.5) / 100, 3200)
    assert summary.finish().resolution([25, 75]) == pytest.approx(2 * [np.hypot(100 / 800 / 8, 1 / 100)], rel=1e-9)


def test_errors_take_in_the_resolution():
    band = band_of("lognormal")
    spread = standard_error(band.replicates("percentiles"))
    told = band.error("percentiles")
    assert told == pytest.approx(np.hypot(spread, band.summary.resolution(PERCENTS)), rel=1e-12)
    assert (told > spread).all()


@pytest.mark.parametrize("name", ["two narrow modes", "a risk event", "sums of dice", "whole numbers", "lognormal"])
def test_any_order_of_chunks_and_replicates_gives_the_same_percentiles(name):
    ruler = laid_out([(DRAWN[0][name][0], None)], 1 / CHUNKS / REPLICATES)
    found = set()
    for step in (1, -1):
        whole = Summary()
        for drawn in DRAWN[:6:][::step]:
            part = Summary(ruler)
            for chunk in drawn[name][::step]:
                part.add(chunk, SIZE)
            whole.merge(part.finish())
        found.add((*whole.percentiles(PERCENTS), *whole.shortest_interval(90), whole.mean_beyond(99)))
    assert len(found) == 1


def test_percentiles_of_a_pole_are_those_of_its_closed_form():
    """1 / d^4 of a normal d, in which one scenario in 1e5 is 1e12 times the median."""
    text = """
    model = "none"
    [priors]
    price = {dist = "normal", mean = 3, sd = 1}
    cost = {dist = "normal", mean = 2, sd = 1}
    [quantities]
    risk = {formula = "1/(price - cost)**4"}
    """
    result = run(load_priors(text), scenarios=2**20, percentiles=[1, 5, 25, 50, 75, 95])
    difference = NormalDist(1, 2**0.5)
    for percent in (1, 5, 25, 50, 75, 95):
        value, error = result.estimate("percentiles", quantity="risk", percentile=percent)
        near = value**-0.25  # |d| is below this where risk is above
        below = 1 - (difference.cdf(near) - difference.cdf(-near))
        slope = (difference.pdf(near) + difference.pdf(-near)) * near / 4 / value
        assert abs(below - percent / 100) <= 5 * error * slope
