"""Schemes, tables and copula: known words, scipy's sequence, exact inverses, and independence of everything else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats
from scipy.stats import qmc

from simulate import sampling
from simulate.dependence import latent_correlation
from simulate.distributions import distribution
from simulate.sampling import SCHEMES, Sampler

NORMAL = distribution("normal", {"mean": 0, "sd": 1})
UNIFORM = distribution("uniform", {"lower": 0, "upper": 1})
COSTLY = distribution("beta", {"alpha": 4, "beta": 16})


def sampler(names, scheme="sobol", latent=None, seed=7, family=UNIFORM, size=2**10, **kwargs):
    dimensions = {name: place for place, name in enumerate(names)}
    return Sampler(
        dict.fromkeys(names, family), dimensions, latent or {}, seed=seed, scheme=scheme, size=size, **kwargs
    )


def draws(made, replicate=0, chunk=0):
    return made.columns(made.words(replicate)(chunk))


def test_the_unscrambled_sequence_is_scipys(monkeypatch):
    identity = sampling._directions()[:40].copy(), np.zeros(40, np.uint32)
    monkeypatch.setattr(sampling, "_scrambled_directions", lambda *_: identity)
    blocks = sampling.sobol(0, 0, [str(d) for d in range(40)], list(range(40)), 2**7)
    ours = np.concatenate([blocks(chunk) for chunk in range(8)], axis=1)
    theirs = qmc.Sobol(40, scramble=False, bits=32).random(2**10)
    assert np.array_equal(ours.T / 2.0**32, theirs)


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        (
            "sobol",
            [[2209645357, 1971865365, 442484610, 3965911994], [1850490285, 3073662535, 3665814406, 50823276]],
        ),
        (
            "random",
            [
                [618174706, 3142809376, 3681353582, 3760922501],
                [4193721261, 3992760257, 1396524622, 3426842709],
            ],
        ),
    ],
)
def test_the_words_have_known_values(scheme, words):
    """For a port to be checked against: seed 20230214, replicate 3, chunk 2 of 2^14, names pue and capex."""
    blocks = SCHEMES[scheme](20230214, 3, ["pue", "capex"], [0, 41], 2**14)
    assert blocks(2)[:, :4].tolist() == words


def test_splitmix64_is_the_published_one():
    # the first outputs of SplitMix64 from state 1234567 (Steele, Lea and Flood 2014; rosettacode.org)
    state = np.full(3, 1234567, np.uint64)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert sampling._mixed(state, np.arange(3)).tolist() == expected


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_column_does_not_depend_on_what_else_is_drawn(scheme):
    few = sampler(["a", "b"], scheme)
    many = sampler(["a", "b", "c", "d"], scheme)
    assert draws(few)["b"].tolist() == draws(many)["b"].tolist()


def test_random_streams_are_keyed_by_name_alone():
    forward, backward = sampler(["a", "b"], "random"), sampler(["b", "a"], "random")
    assert draws(forward)["a"].tolist() == draws(backward)["a"].tolist()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_a_wanted_column_is_correlated_with_is_drawn_behind_it(scheme):
    latent = {("a", "b"): 0.7, ("b", "c"): -0.4}
    everything = sampler(["a", "b", "c"], scheme, latent)
    one = sampler(["a", "b", "c"], scheme, latent, wanted=["c"])
    assert list(draws(one)) == ["c"]
    assert draws(one)["c"].tolist() == draws(everything)["c"].tolist()


@pytest.mark.parametrize(
    ("scheme", "other"),
    [
        ("random", {"seed": 8}),
        ("random", {"replicate": 1}),
        ("random", {"chunk": 1}),
        ("random", {"stream": 1}),
        # nets of one dimension share their leading digits, and are not independent point by point
        ("sobol", {"stream": 1}),
    ],
)
def test_seeds_replicates_chunks_and_streams_are_independent(scheme, other):
    size = 2**12
    first = draws(sampler(["a"], scheme, size=size))["a"]
    made = sampler(["a"], scheme, size=size, seed=other.get("seed", 7), stream=other.get("stream", 0))
    second = draws(made, other.get("replicate", 0), other.get("chunk", 0))["a"]
    # under independence the correlation has a standard deviation of 1/sqrt(n): 5 of them, 6e-7 false alarms
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(size)


def test_a_replicate_is_a_net():
    # 2^10 points of a Sobol' net put one point into each of 2^10 equal intervals, in every dimension
    for column in draws(sampler([str(place) for place in range(30)])).values():
        assert np.array_equal(np.sort((column * 2**10).astype(int)), np.arange(2**10))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_uniforms_are_uniform(scheme):
    made = sampler(["a"], scheme, size=2**14)
    column = np.concatenate([draws(made, replicate)["a"] for replicate in range(16)])
    assert stats.kstest(column, "uniform").pvalue > 1e-6
    assert 0 < column.min() < column.max() < 1


def test_probabilities_are_exact_in_both_tails():
    words = np.array([0, 1, 2**31, 2**32 - 1], np.uint32)
    below, above = sampling.probabilities(words)
    assert below.tolist() == [0.5 / 2**32, 1.5 / 2**32, 0.5 + 0.5 / 2**32, 1 - 0.5 / 2**32]
    assert above[-1] == 0.5 / 2**32


def test_the_copula_has_its_parameter():
    size = 2**14
    latent = {("a", "b"): 0.8, ("a", "c"): -0.5}
    made = sampler(["a", "b", "c"], "random", latent, family=NORMAL, size=size)
    correlation = np.corrcoef(list(draws(made).values()))
    for (first, second), value in {("a", "b"): 0.8, ("a", "c"): -0.5, ("b", "c"): 0.0}.items():
        row, column = "abc".index(first), "abc".index(second)
        # the sample correlation has a standard deviation of (1 - r^2)/sqrt(n)
        assert abs(correlation[row, column] - value) < 5 * (1 - value**2) / np.sqrt(size)


@pytest.mark.parametrize("measure", ["spearman", "kendall"])
def test_rank_correlations_come_out_as_asked(measure):
    size = 2**14
    latent = latent_correlation(measure, -0.6)
    made = sampler(["a", "b"], "random", {("a", "b"): latent}, family=COSTLY, size=size)
    columns = list(draws(made).values())
    statistic = getattr(stats, {"spearman": "spearmanr", "kendall": "kendalltau"}[measure])
    assert abs(statistic(*columns).statistic + 0.6) < 5 / np.sqrt(size)


def test_perfect_correlation_is_allowed_and_contradiction_is_not():
    columns = draws(sampler(["a", "b"], latent={("a", "b"): 1.0}))
    assert np.array_equal(columns["a"], columns["b"])
    with pytest.raises(ValueError, match="not positive semidefinite"):
        sampler(["a", "b", "c"], latent={("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9})


def test_tables_keep_within_one_in_twenty_thousand_of_the_exact_inverse():
    words = np.random.default_rng(5).integers(0, 2**32, 2**14, dtype=np.uint32)
    words[:64] = np.arange(64)  # the far tails too
    words[64:128] = 2**32 - 1 - np.arange(64)
    below, above = sampling.probabilities(words)
    for family in (NORMAL, COSTLY):
        column = sampler(["a"], family=family).columns(words[None])["a"]
        exact = family.quantile(below, above)
        spread = np.diff(family.quantile(np.array([0.25, 0.75])))[0]
        assert np.max(np.abs(column - exact) / np.maximum(np.abs(exact), spread)) < 5e-5


def test_a_cells_line_keeps_the_mean_of_the_cell():
    table = sampling._uniform_table(NORMAL)
    edge, width = sampling._cell_edges()
    inner, outer = special.ndtri((edge + width) / 2.0**32), special.ndtri(edge / 2.0**32)
    density = lambda z: np.exp(-z * z / 2) / np.sqrt(2 * np.pi)  # noqa: E731
    exact = (density(outer) - density(inner)) / (width / 2.0**32)  # the integral of z phi(z)
    half = len(edge)
    middle = edge + width / 2
    ours = table.intercept[:half] + table.slope[:half] * middle
    common = edge > 2.0**16  # below, the exact integral cancels in double precision
    assert np.max(np.abs(ours - exact)[common]) < 1e-9


def test_too_many_quantities_are_refused():
    with pytest.raises(ValueError, match="1024"):
        sampler(["a"], stream=1024)
