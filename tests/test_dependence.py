"""Correlations that come out as asked: 300 random matrices, margins with atoms, and what no copula attains."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from simulate.dependence import DependenceError, in_conflict, latent_correlation, triangular_factor
from simulate.distributions import distribution
from simulate.priors import PriorsError, load_priors
from simulate.sampling.sampler import Sampler

NORMAL = distribution("normal", {"mean": 0, "sd": 1})
MARGINS = {
    "lognormal": distribution("lognormal", {"mu": 0, "sigma": 1}),
    "truncated": distribution("normal", {"mean": 0, "sd": 1, "lower": 0.5, "upper": 3}),
    "choice": distribution("choice", {"values": [4, 8, 16], "weights": [1, 2, 1]}),
    "rare": distribution("choice", {"values": [0, 1], "weights": [9, 1]}),
    "empirical": distribution("empirical", {"values": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]}),
    "mixture": distribution(
        "mixture", {"components": [{"value": 2}, {"dist": "uniform", "lower": 0, "upper": 1}], "weights": [1, 2]}
    ),
}
STATISTICS = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}


def draws(margins, latent, seed, size):
    names = [f"x{place}" for place in range(len(margins))]
    sampler = Sampler(
        dict(zip(names, margins, strict=True)),
        {name: place for place, name in enumerate(names)},
        latent,
        seed=seed,
        scheme="random",
        size=size,
    )
    return np.array(list(sampler.columns(sampler.words(0)(0)).values()))


def random_correlation(generator, dimension):
    """The correlations of random combinations of as many independent variables as a random number says."""
    factor = generator.standard_normal((dimension, int(generator.integers(1, 2 * dimension + 1))))
    factor += 0.3 * np.linalg.norm(factor) / np.sqrt(factor.size) * np.eye(*factor.shape)
    factor /= np.linalg.norm(factor, axis=1, keepdims=True)
    return factor @ factor.T


@pytest.mark.parametrize("block", [0, 1, 2, *(pytest.param(each, marks=pytest.mark.long) for each in range(3, 10))])
def test_spearman_of_300_random_matrices_to_dimension_20(block):
    """Within 5 / sqrt(n); 21,000 pairs in all, each beyond it once in 1.7 million: 1.2 % false alarms."""
    size = 2**12
    for place in range(30):
        seed = 30 * block + place
        generator = np.random.default_rng(seed)
        dimension = 2 + seed % 19
        matrix = random_correlation(generator, dimension)
        targets = 6 / np.pi * np.arcsin(np.clip(matrix, -1, 1) / 2)
        latent = {
            (f"x{i}", f"x{j}"): latent_correlation("spearman", float(targets[i, j]))
            for i in range(dimension)
            for j in range(i)
        }
        found = stats.spearmanr(draws([NORMAL] * dimension, latent, seed, size), axis=1).statistic
        assert np.max(np.abs(np.atleast_2d(found if dimension > 2 else [[1, found], [found, 1]]) - targets)) < (
            5 / np.sqrt(size)
        )


@pytest.mark.parametrize("measure", STATISTICS)
@pytest.mark.parametrize("first", MARGINS)
@pytest.mark.parametrize("second", MARGINS)
def test_pairs_with_atoms_and_bounds(measure, first, second):
    size = 2**13
    margins = [MARGINS[first], MARGINS[second]]
    for target in (0.25, -0.25):
        try:
            latent = latent_correlation(measure, target, *margins)
        except DependenceError:
            assert {first, second} & {"rare", "choice", "empirical", "mixture"}
            continue
        columns = draws(margins, {("x0", "x1"): latent}, 11, size)
        # 1e-3 is what the parameter is found to
        assert abs(STATISTICS[measure](*columns).statistic - target) < 5 / np.sqrt(size) + 1e-3


def two_valued(share):
    """1 with a probability, else 0."""
    return distribution("choice", {"values": [0, 1], "weights": [1 - share, share]})


def both_above(first, second, r):
    """P(Z1 > z1, Z2 > z2), above which lie these shares, of standard normals correlated by r."""
    z = -special.ndtri([first, second])
    return stats.multivariate_normal.cdf(-z, cov=[[1, r], [r, 1]], abseps=1e-9, releps=1e-9)


@pytest.mark.parametrize("target", [0.35, 0.1, -0.1, -0.2])
@pytest.mark.parametrize("measure", STATISTICS)
def test_two_values_each_have_their_closed_form(measure, target):
    """Both measures are the correlation of the two indicators; the parameter is good for 1e-3 of it."""
    p, q = 0.1, 0.3
    r = latent_correlation(measure, target, two_valued(p), two_valued(q))
    assert abs((both_above(p, q, r) - p * q) / np.sqrt(p * (1 - p) * q * (1 - q)) - target) < 1e-3


@pytest.mark.parametrize("target", [0.05, 0.4, -0.4, 0.6, -0.65])
@pytest.mark.parametrize("weights", [[8, 2], [2, 3, 5], [1, 1, 1, 7]])
@pytest.mark.parametrize("swapped", [False, True])
def test_values_beside_a_continuous_margin_have_their_closed_form(target, weights, swapped):
    """Cov(Phi(Z1), 1{Z2 > z}) = P(Z1 > W, Z2 > z) - q/2, W another standard normal; mid-ranks are sums of such."""
    shares = np.array(weights) / 10
    margins = NORMAL, distribution("choice", {"values": list(range(len(weights))), "weights": weights})
    r = latent_correlation("spearman", target, *(margins[::-1] if swapped else margins))
    above, steps = 1 - np.cumsum(shares)[:-1], (shares[1:] + shares[:-1]) / 2
    covariance = sum(step * (both_above(0.5, q, r / np.sqrt(2)) - q / 2) for step, q in zip(steps, above, strict=True))
    assert abs(covariance / np.sqrt((1 - np.sum(shares**3)) / 12 / 12) - target) < 1e-3


@pytest.mark.parametrize(
    ("measure", "margins", "least", "greatest"),
    [
        ("spearman", (0.1, None), -np.sqrt(0.27), np.sqrt(0.27)),  # sqrt(3 q (1 - q))
        ("kendall", (0.1, None), -np.sqrt(0.18), np.sqrt(0.18)),  # sqrt(2 q (1 - q))
        ("spearman", (0.1, 0.3), -0.03 / np.sqrt(0.0189), 0.07 / np.sqrt(0.0189)),  # of the indicators
        ("kendall", (0.1, 0.3), -0.03 / np.sqrt(0.0189), 0.07 / np.sqrt(0.0189)),
    ],
)
def test_the_bounds_of_two_values_have_their_closed_forms(measure, margins, least, greatest):
    made = [NORMAL if share is None else two_valued(share) for share in margins]
    told = f"lies from {np.ceil(least * 1000) / 1000:g} to {np.floor(greatest * 1000) / 1000:g}$"
    for value in (0.99, -0.99):
        with pytest.raises(DependenceError, match=told):
            latent_correlation(measure, value, *made)
    for value in (0.999 * least, 0.999 * greatest):
        assert abs(latent_correlation(measure, value, *made)) > 0.8


def test_what_the_margins_do_not_allow_is_told_with_the_bound():
    with pytest.raises(DependenceError, match=r"0\.\d+") as refused:
        latent_correlation("spearman", 0.99, MARGINS["rare"], MARGINS["choice"])
    assert "nan" not in str(refused.value)


def test_it_is_told_at_its_line(tmp_path):
    path = tmp_path / "file.toml"
    path.write_text(
        'model = "none"\n[priors]\na = {dist = "choice", values = [0, 1], weights = [9, 1]}\n'
        'b = {dist = "normal", mean = 0, sd = 1}\n[quantities.y]\nformula = "a + b"\n[correlations]\na.b = 0.95\n',
        encoding="utf-8",
    )
    with pytest.raises(PriorsError, match=r"file\.toml:8: correlations\.a\.b: "):
        load_priors(path)


def test_the_factor_gives_the_matrix_back():
    matrix = random_correlation(np.random.default_rng(3), 12)
    factor = triangular_factor(matrix)
    assert np.allclose(factor @ factor.T, matrix, atol=1e-12)
    assert np.array_equal(factor, np.tril(factor))


def test_a_conflict_names_those_in_it():
    latent = {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9, ("c", "d"): 0.2}
    assert set(in_conflict(["a", "b", "c", "d"], latent)) == {"a", "b", "c"}
    assert in_conflict(["a", "b", "c", "d"], {("a", "b"): 0.9, ("c", "d"): 0.5}) == ()
    assert in_conflict(["a", "b", "c"], {("a", "b"): 1.0, ("b", "c"): -1.0, ("a", "c"): -1.0}) == ()  # singular
