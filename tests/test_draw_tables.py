"""Draw tables of every family's examples, and harder ones, against the exact inverse."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import special
from test_distributions import EXAMPLES, identifier, table

from simulate.distributions import FAMILIES, Distribution, Truncated, distribution
from simulate.sampling.sampler import Sampler
from simulate.sampling.schemes import SCHEMES
from simulate.sampling.tables import cell_edges, probabilities, probabilities_at, score_table, uniform_table

HARD = [
    (family, table(text))
    for family, text in [
        ("lognormal", "mu = 0, sigma = 5"),
        ("student_t", "df = 1.5, location = 0, scale = 1"),
        ("student_t", "df = 0.7, location = 0, scale = 1"),
        ("beta", "alpha = 0.1, beta = 0.1"),
        ("beta", "alpha = 2, beta = 0.1"),
        ("beta", "alpha = 2, beta = 0.1, lower = -7, upper = 0.3"),
        ("beta", "alpha = 0.1, beta = 0.1, lower = 5, upper = 6"),
        ("gamma", "shape = 0.01, scale = 1"),
        ("loguniform", "lower = 1e-30, upper = 1e30"),
        ("lognormal", "mu = 0, sigma = 5, lower = 1e9, upper = 1e11"),
        ("choice", "values = [1, 1000], weights = [1e-6, 1]"),
        ("mixture", 'components = [{dist = "lognormal", mu = 0, sigma = 5}, {dist = "normal", mean = -5, sd = 1}]'),
        (
            "mixture",
            'components = [{dist = "uniform", lower = 0, upper = 1}, {dist = "uniform", lower = 5, upper = 6}]',
        ),
    ]
]
every_table = pytest.mark.parametrize(("family", "parameters"), EXAMPLES + HARD, ids=identifier)


def words_of_every_octave():
    """Words at least 2^-30 from either end of (0, 1), as many from each octave of the distance, and the extremes."""
    generator = np.random.default_rng(6)
    octaves = [generator.integers(2**octave, 2 ** (octave + 1), 300) for octave in range(2, 31)]
    distances = np.concatenate([*octaves, [4, 2**30, 2**31 - 1]])
    return np.concatenate([distances, 2**32 - 1 - distances]).astype(np.uint32)


WORDS = words_of_every_octave()
BELOW, ABOVE = probabilities(WORDS)
SCORES = np.copysign(special.ndtri(np.minimum(BELOW, ABOVE)), BELOW - ABOVE)


def off(made, values, exact):
    """Differences relative to the value or to the interquartile range, whichever is more."""
    low, high = made.quantile(np.array([0.25, 0.75]))
    scale = np.maximum(np.abs(exact), high - low)
    return np.abs(values - exact) / np.where(scale > 0, scale, 1.0)


@every_table
def test_draws_keep_to_the_exact_inverse(family, parameters):
    made = distribution(family, parameters)
    alone = Sampler({"a": made}, {"a": 0}, {}, seed=7)
    tied = Sampler({"a": made, "b": made}, {"a": 0, "b": 1}, {("a", "b"): 0.5}, seed=7)
    by_words, by_scores = alone.at_words("a", WORDS[None]), tied.at_scores("a", SCORES)
    assert off(made, by_words, made.quantile(BELOW, ABOVE)).max() < 5e-5
    exact = made.quantile(special.ndtr(SCORES), special.ndtr(-SCORES))
    assert off(made, by_scores, exact).max() < 5e-5
    without = Sampler({"a": made}, {"a": 0}, {}, seed=7, exact=True)
    np.testing.assert_array_equal(without.at_words("a", WORDS[None]), made.quantile(BELOW, ABOVE))
    np.testing.assert_array_equal(without.at_scores("a", SCORES), exact)


@pytest.mark.parametrize("text", ["normal", "choice", "mixture"])
def test_a_draw_does_not_depend_on_how_many_are_drawn_with_it(text):
    family, parameters = next(each for each in EXAMPLES if each[0] == text)
    drawn = Sampler({"a": distribution(family, parameters)}, {"a": 0}, {}, seed=7)
    words = np.random.default_rng(8).integers(0, 2**32, 3 * 2**14 + 5, np.uint32)
    alone = [drawn.at_words("a", words[None, first : first + 1000]) for first in range(0, len(words), 1000)]
    assert np.array_equal(drawn.at_words("a", words[None]), np.concatenate(alone))


@every_table
def test_lines_keep_the_means_of_their_cells(family, parameters):
    made = distribution(family, parameters)
    lines = uniform_table(made)
    edge, width = cell_edges()
    some = np.arange(3, len(edge), 37)  # of the cells, in every octave, a few
    some = some[edge[some] >= 4]
    nodes, weights = np.polynomial.legendre.leggauss(8)
    at = edge[some, None] + width[some, None] * (nodes + 1) / 2
    middle = edge[some] + width[some] / 2
    for side, first in ((1, 0), (-1, len(edge))):
        exact = made.quantile(*probabilities_at(side * at)) @ weights / 2
        ours = lines.intercept[some + first] + lines.slope[some + first] * side * middle
        lined = ~np.isnan(ours)  # the others are drawn from the exact inverse
        assert (off(made, ours, exact)[lined] < 1e-9).all()


@pytest.mark.parametrize("made_of", [uniform_table, score_table])
@every_table
def test_blank_cells_are_few(family, parameters, made_of):
    """Where nothing jumps and no density is without bound, none; at a jump its cell and those beside it."""
    made = distribution(family, parameters)
    blank = np.count_nonzero(np.isnan(made_of(made).intercept))
    if family in {"choice", "empirical"}:
        assert blank <= 3 * len(made.jumps)
    elif family not in {"mixture", "loguniform", "beta", "gamma"} and (family, parameters) not in HARD:
        assert blank == 0


@dataclass(frozen=True)
class Counted(Distribution):
    """The standard normal distribution, as a costly one that notes how many quantiles it is asked for."""

    asked: list[int] = field(compare=False)
    costly = True

    def inverse(self, p, q):
        self.asked.append(np.size(p))
        return np.copysign(special.ndtri(np.minimum(p, q)), p - q)

    def cumulative(self, x):
        return special.ndtr(x), special.ndtr(-x)


@pytest.mark.parametrize("made_of", [uniform_table, score_table])
def test_a_costly_family_is_asked_for_few_quantiles(made_of):
    """Those of a grid of 561 scores, for the thousands of a table."""
    made_of.cache_clear()
    made = Counted([])
    assert len(made_of(made).intercept) > 8000
    assert 2 * 561 <= sum(made.asked) < 2 * 600


@pytest.mark.parametrize("tied", [False, True])
def test_no_value_of_no_component_is_drawn(tied):
    """Between the components of a mixture, and between the values of a choice, nothing is drawn."""
    made = {
        "choice": distribution("choice", table("values = [1, 2, 1000], weights = [1, 3, 1e-5]")),
        "mixture": distribution("mixture", HARD[-1][1]),
    }
    pairs = {("choice", "mixture"): 0.5} if tied else {}
    drawn = Sampler(made, {"choice": 0, "mixture": 1}, pairs, seed=7, scheme="random", size=2**18)
    columns = drawn.columns(drawn.words(0)(0))
    assert set(columns["choice"].tolist()) <= {1.0, 2.0, 1000.0}
    mixture = columns["mixture"]
    assert (((mixture >= 0) & (mixture <= 1)) | ((mixture >= 5) & (mixture <= 6))).all()


def narrow(*places, sd=1e-3, shape="normal"):
    """A mixture of narrow components."""
    if shape == "lognormal":
        return [{"dist": "lognormal", "median": place, "sigma": sd} for place in places]
    return [
        {"dist": shape, "location" if shape == "gumbel" else "mean": place, "scale" if shape == "gumbel" else "sd": sd}
        for place in places
    ]


REGIMES = {
    "two": (narrow(0, 100), [0.7, 0.3]),
    "two, far from 0": (narrow(1e6, 1e6 + 10), [0.7, 0.3]),
    "two halves": (narrow(0, 100), [1, 1]),
    "three": (narrow(-5, 0, 100), [0.123, 0.5, 0.377]),
    "a rare one": (narrow(0, 100), [0.9987, 0.0013]),
    "gumbel": (narrow(0, 100, shape="gumbel"), [0.35, 0.65]),
    "lognormal": (narrow(1, 1000, shape="lognormal"), [0.3, 0.7]),
    "within a wide one": ([*narrow(0.5, sd=1e-9), {"dist": "normal", "mean": 0, "sd": 1}], [1e-4, 1 - 1e-4]),
}


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("components", "weights"), REGIMES.values(), ids=list(REGIMES))
def test_each_component_is_drawn_as_often_as_its_weight_says(components, weights, tied):
    """A net of 2^16 words leaves each interval with its share of them to within two."""
    made = distribution("mixture", {"components": components, "weights": weights})
    pairs = {("a", "b"): 0.5} if tied else {}
    drawn = Sampler({"a": made, "b": made}, {"a": 0, "b": 1}, pairs, seed=7, size=2**16)
    column = drawn.columns(drawn.words(0)(0))["a"]
    for part, weight in zip(made.parts, weights, strict=True):
        low, high = part[1].quantile([1e-9, 1 - 1e-9]).tolist()
        if high - low > 1:
            continue
        expected = float(np.diff(made.probability([low, high])[0])[0])
        assert abs(np.count_nonzero((column >= low) & (column <= high)) - 2**16 * expected) <= 2
        assert expected == pytest.approx(weight / sum(weights), rel=1e-4)


def bounded_tails(family):
    """Bounds for a family that may be truncated, at its own percentiles."""
    return [(0.3, 0.300001), (1e-6, 0.5), (0.5, 1 - 1e-6)] if FAMILIES[family].truncatable else []


@pytest.mark.parametrize("scheme", SCHEMES)
@every_table
def test_draws_never_leave_the_support(family, parameters, scheme):
    """Nor the bounds of what is truncated, not by a rounding; at the ends of the words too."""
    made = [distribution(family, parameters)]
    if not isinstance(made[0], Truncated):
        made += [Truncated(made[0], *made[0].quantile(ends).tolist()) for ends in bounded_tails(family)]
    words = np.concatenate([np.arange(4096), 2**32 - 1 - np.arange(4096), WORDS]).astype(np.uint32)[None]
    for one in made:
        low, high = one.support
        if isinstance(one, Truncated):
            assert one.lower <= low
            assert high <= one.upper
        drawn = Sampler({"a": one, "b": one}, {"a": 0, "b": 1}, {}, seed=7, scheme=scheme, size=2**12)
        tied = Sampler({"a": one, "b": one}, {"a": 0, "b": 1}, {("a", "b"): 0.5}, seed=7, scheme=scheme, size=2**12)
        columns = [sampler.columns(sampler.words(0)(0))["a"] for sampler in (drawn, tied)]
        columns += [drawn.at_words("a", words), tied.at_scores("a", np.linspace(-9, 9, 20_001))]
        for column in columns:
            assert low <= column.min()
            assert column.max() <= high
