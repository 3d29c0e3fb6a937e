"""Schemes, tables and copula: known words, scipy's sequence, exact inverses, and independence of everything else.

What any scheme must do is tested over the registry, so that a new one is tested without a new test.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import special, stats
from scipy.stats import qmc

from benchmarks import sobol_directions
from simulate import model
from simulate.dependence import DependenceError, latent_correlation
from simulate.distributions import distribution
from simulate.errors import SimulateError
from simulate.sampling.dimensions import LISTED, OWN, dimensions, listed
from simulate.sampling.keys import mixed, part_of
from simulate.sampling.sampler import Sampler
from simulate.sampling.schemes import SCHEMES
from simulate.sampling.schemes.latin_hypercube import ROUNDS, permutation
from simulate.sampling.schemes.sobol import directions, keyed_words, net
from simulate.sampling.tables import cell_edges, probabilities, uniform_table

NORMAL = distribution("normal", {"mean": 0, "sd": 1})
UNIFORM = distribution("uniform", {"lower": 0, "upper": 1})
COSTLY = distribution("beta", {"alpha": 4, "beta": 16})
FALSE_ALARM = 1e-6

every_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def sampler(names, scheme="sobol", latent=None, seed=7, family=UNIFORM, size=2**10, stream=0, **kwargs):
    places = {name: LISTED[stream][place] for place, name in enumerate(names)}
    options = {"seed": seed, "scheme": scheme, "size": size, "stream": stream, **kwargs}
    return Sampler(dict.fromkeys(names, family), places, latent or {}, **options)


def draws(made, replicate=0, chunk=0):
    return made.columns(made.words(replicate)(chunk))


def blocks(scheme, names="ab", *, seed=7, replicate=0, size=2**10, chunks=3):
    return SCHEMES[scheme](seed, [replicate], list(names), list(range(len(names))), size, chunks)


# ---------------------------------------------------------------------------------------------------------
# Any scheme


def test_the_names_of_the_schemes_do_not_wait_for_numpy():
    program = "import sys; from simulate.sampling.schemes import SCHEMES; print(*SCHEMES, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "latin_hypercube random sobol False\n"


@every_scheme
def test_a_chunk_needs_no_other(scheme):
    whole = blocks(scheme)
    together = [whole(chunk) for chunk in range(3)]
    for chunk in (2, 0, 1):
        assert np.array_equal(blocks(scheme)(chunk), together[chunk])
    assert together[0].dtype == np.uint32
    assert together[0].shape == (2, 2**10)


@every_scheme
def test_a_name_does_not_depend_on_what_else_is_drawn(scheme):
    assert np.array_equal(blocks(scheme, "ab")(1), blocks(scheme, "abcd")(1)[:2])
    few, many = sampler(["a", "b"], scheme), sampler(["a", "b", "c", "d"], scheme)
    assert draws(few)["b"].tolist() == draws(many)["b"].tolist()
    assert blocks(scheme, "")(1).shape == (0, 2**10)


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme != "sobol"])
def test_streams_are_keyed_by_name_alone(scheme):
    forward, backward = sampler(["a", "b"], scheme), sampler(["b", "a"], scheme)
    assert draws(forward)["a"].tolist() == draws(backward)["a"].tolist()


@every_scheme
@pytest.mark.parametrize("other", [{"seed": 8}, {"replicate": 1}, {"chunk": 1}, {"stream": 1}], ids=str)
def test_seeds_replicates_chunks_and_streams_are_independent(scheme, other):
    size = 2**12
    first = draws(sampler(["a"], scheme, size=size, chunks=2))["a"]
    made = sampler(["a"], scheme, size=size, chunks=2, seed=other.get("seed", 7), stream=other.get("stream", 0))
    second = draws(made, other.get("replicate", 0), other.get("chunk", 0))["a"]
    assert np.mean(first == second) < 1e-3
    if scheme == "sobol" and "stream" not in other:
        return  # nets of one dimension share their leading digits, and are not independent point by point
    # under independence the correlation has a standard deviation of 1/sqrt(n): 5 of them, 6e-7 false alarms
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(size)


@every_scheme
def test_uniforms_are_uniform(scheme):
    made = sampler(["a"], scheme, size=2**14)
    column = np.concatenate([draws(made, replicate)["a"] for replicate in range(16)])
    assert stats.kstest(column, "uniform").pvalue > FALSE_ALARM
    assert 0 < column.min() < column.max() < 1


@every_scheme
def test_names_are_independent(scheme):
    """Each pair of 8 names in 16 by 16 cells, over 16 replicates of two chunks; more even than chance is fine."""
    words = [blocks(scheme, "abcdefgh", replicate=r, chunks=2)(chunk) for r in range(16) for chunk in (0, 1)]
    cells = (np.concatenate(words, axis=1) >> np.uint32(28)).astype(np.int64)
    expected = cells.shape[1] / 256
    for first in range(8):
        for second in range(first):
            counts = np.bincount(16 * cells[first] + cells[second], minlength=256)
            excess = np.sum((counts - expected) ** 2) / expected
            assert excess < stats.chi2(255).isf(FALSE_ALARM), (first, second)


# For a port to be checked against: seed 20230214, replicate 3, chunk 2 of 4 of 2^14, names pue and capex.
KNOWN = {
    "sobol": [[2209645357, 1971865365, 442484610, 3965911994], [1850490285, 3073662535, 3665814406, 50823276]],
    "random": [[618174706, 3142809376, 3681353582, 3760922501], [4193721261, 3992760257, 1396524622, 3426842709]],
    "latin_hypercube": [[4030473432, 1312144211, 3403864940, 542826539], [1266350583, 328330748, 60773181, 290704449]],
}


@pytest.mark.parametrize("scheme", KNOWN)
def test_the_words_have_known_values(scheme):
    made = SCHEMES[scheme](20230214, [3], ["pue", "capex"], [0, 41], 2**14, 4)
    assert made(2)[:, :4].tolist() == KNOWN[scheme]


def test_every_seed_and_replicate_keys_other_words():
    keys = [(seed, replicate) for seed in (0, 1, 2, 64, 128, 2**32, 2**63, 2**63 + 1) for replicate in (0, 1, 2)]
    words = {keyed_words(seed, [replicate], range(3), 2).tobytes() for seed, replicate in keys}
    assert len(words) == len(keys)
    assert len(np.unique(keyed_words(0, [0], range(3), 2))) == 6


def test_splitmix64_is_the_published_one():
    # the first outputs of SplitMix64 from state 1234567 (Steele, Lea and Flood 2014; rosettacode.org)
    state = np.full(3, 1234567, np.uint64)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert mixed(state, np.arange(3, dtype=np.uint64)).tolist() == expected


# ---------------------------------------------------------------------------------------------------------
# Sobol's nets


def test_the_unscrambled_sequence_is_scipys():
    chunk = net(directions()[:40], np.zeros(40, np.uint32), 2**7)
    ours = np.concatenate([chunk(place) for place in range(8)], axis=1)
    theirs = qmc.Sobol(40, scramble=False, bits=32).random(2**10)
    assert np.array_equal(ours.T / 2.0**32, theirs)


def test_a_replicate_is_a_net():
    # 2^10 points of a Sobol' net put one point into each of 2^10 equal intervals, in every dimension
    for column in draws(sampler([str(place) for place in range(30)])).values():
        assert np.array_equal(np.sort((column * 2**10).astype(int)), np.arange(2**10))


@pytest.fixture(scope="module")
def joe_kuo():
    return sobol_directions.joe_kuo()


def test_the_direction_numbers_are_joe_and_kuos(joe_kuo):
    assert joe_kuo.shape == (21201, 32)
    ours = directions()
    assert np.array_equal(ours[: sobol_directions.FIRST], joe_kuo[: sobol_directions.FIRST])
    number = {row.tobytes(): place for place, row in enumerate(joe_kuo)}
    places = [number[row.tobytes()] for row in ours]
    assert len(set(places)) == len(places)
    assert 276 not in places[: OWN[0].stop]  # which is uneven with 86


@pytest.mark.long
def test_the_dimensions_are_those_that_are_chosen(joe_kuo):
    assert np.array_equal(directions(), joe_kuo[sobol_directions.chosen(joe_kuo)])


def test_no_two_dimensions_depend_on_each_other(joe_kuo):
    taken, first = (
        sobol_directions.Taken(sobol_directions.WITH_ANY),
        sobol_directions.Taken(sobol_directions.WITH_FIRST),
    )
    for place, numbers in enumerate(directions()):
        assert taken.fits(numbers), place
        assert first.fits(numbers) or place >= OWN[0].stop, place
        taken.add(numbers)
        if place < sobol_directions.FIRST:
            first.add(numbers)
    assert not first.fits(joe_kuo[276])


def test_dependence_is_what_the_points_show():
    """Two dimensions depend to the order 2 where the first digits of both are the same, or opposite, in all points."""
    plain = directions()[:20]
    words = net(plain, np.zeros(20, np.uint32), 2**3)(0)
    digit = words >> np.uint32(31)
    for row, column in zip(*np.triu_indices(20, 1), strict=True):
        taken = sobol_directions.Taken({3: 2})
        taken.add(plain[row])
        assert taken.fits(plain[column]) == (0 < np.count_nonzero(digit[row] == digit[column]) < 8)


@pytest.mark.parametrize("bits", [1, 4, 10])
def test_dimensions_of_any_number_are_as_even_as_the_first(bits):
    numbers = [2**63 + 5, 2**64 - 1, 1000]
    for replicate in range(4):
        words = SCHEMES["sobol"](7, [replicate], "abc", numbers, 2**bits, 1)(0)
        for row in words:
            assert np.array_equal(np.sort(row >> np.uint32(32 - bits)), np.arange(2**bits))


def test_dimensions_of_any_number_are_paired_anew_in_each_replicate():
    """The sum of first digits that is the same in all of 2^3 points, for two dimensions, is not so in others."""
    same = []
    for replicate in range(64):
        digit = SCHEMES["sobol"](7, [replicate], "ab", [2**63, 2**63 + 1], 2**3, 1)(0) >> np.uint32(31)
        same.append(np.count_nonzero(digit[0] == digit[1]) in {0, 8})
    # a first digit adds the first bit of the number and any of the others: the same ones with probability 1/4
    assert stats.binomtest(sum(same), 64, 0.25).pvalue > FALSE_ALARM


@every_scheme
def test_very_many_names_are_drawn(scheme):
    names = [f"p{number}" for number in range(1100)]
    made = Sampler(dict.fromkeys(names, UNIFORM), dimensions(names), {}, seed=7, scheme=scheme, size=2**4)
    assert len({column.tobytes() for column in draws(made).values()}) == 1100


# ---------------------------------------------------------------------------------------------------------
# Latin hypercubes


def strata(words, count):
    """The n-th parts of (0, 1) that hold the uniforms (x + 1/2) / 2^32, in exact arithmetic."""
    return [(2 * word + 1) * count >> 33 for word in words.tolist()]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(some.integers(0, 8), some.integers(1, 40), some.integers(0, 2**63 - 1), some.integers(0, 15), some.text())
def test_a_hypercube_has_one_scenario_in_every_stratum(bits, chunks, seed, replicate, name):
    size = 2**bits
    made = blocks("latin_hypercube", ["a", name], seed=seed, replicate=replicate, size=size, chunks=chunks)
    words = np.concatenate([made(chunk) for chunk in range(chunks)], axis=1)
    for row in words:
        assert sorted(strata(row, size * chunks)) == list(range(size * chunks))
    for row in made(chunks - 1):
        assert sorted(strata(row, size)) == list(range(size))  # a slice is a hypercube by itself


@pytest.mark.parametrize("chunks", [2**18, 2**18 - 1, 3 * 2**16, 2**17 + 1])
def test_strata_of_few_words_are_hit_once_at_most(chunks):
    """Near 2^32 scenarios a stratum holds one word or two, and a chunk of 2^14 still none that another has."""
    size, count = 2**14, 2**14 * chunks
    made = blocks("latin_hypercube", "a", size=size, chunks=chunks)
    hit = [stratum for chunk in (0, 1, chunks // 2, chunks - 1) for stratum in strata(made(chunk)[0], count)]
    assert len(set(hit)) == 4 * size
    assert max(hit) < count


def test_more_scenarios_than_words_are_refused():
    with pytest.raises(SimulateError, match=r"4,294,967,296 scenarios a replicate, not .*; choose the scheme random"):
        blocks("latin_hypercube", size=2**14, chunks=2**18 + 1)


@pytest.mark.parametrize("chunks", [1, 3, 4])
def test_a_hypercube_sums_as_exactly_as_its_strata(chunks):
    """Of an additive function the mean is off by at most half a stratum a name, and by less for jitter."""
    size = 2**10
    made = sampler(["a", "b"], "latin_hypercube", size=size, chunks=chunks)
    total = sum(float(np.sum(list(draws(made, 0, chunk).values()))) for chunk in range(chunks))
    # the jitter of n strata: n independent uniforms of variance 1 / 12n^2; and the tables' lines, which keep 1e-9
    assert abs(total / (size * chunks) - 1) < 5 * np.sqrt(2 / 12) * (size * chunks) ** -1.5 + 1e-8


@given(some.integers(0, 12), some.integers(0, 2**64 - 1))
def test_an_order_is_a_permutation(bits, state):
    constants = mixed(np.uint64(state), np.arange(2 * ROUNDS, dtype=np.uint64)).astype(np.uint32)
    assert sorted(permutation(2**bits, constants).tolist()) == list(range(2**bits))


@pytest.mark.parametrize("size", [4, 16, 64])
def test_orders_are_equally_likely_pair_by_pair(size):
    constants = np.random.default_rng(3).integers(0, 2**32, (2**14, 2 * ROUNDS), dtype=np.uint32)
    orders = np.array([permutation(size, each) for each in constants]).astype(np.int64)
    for i, j in [(0, 1), (0, size // 2), (1, 3), (0, size - 1), (size // 2 - 1, size // 2)]:
        counts = np.bincount(orders[:, i] * size + orders[:, j], minlength=size * size).reshape(size, size)
        assert stats.chisquare(counts[~np.eye(size, dtype=bool)]).pvalue > FALSE_ALARM


# ---------------------------------------------------------------------------------------------------------
# Dimensions


def test_the_list_of_dimensions_holds_the_models_names():
    names = {name for each in model.MODELS for name in model.quantities(each)}
    assert len(names & set(listed())) > 100
    assert sorted(listed().values()) == list(range(len(listed())))  # a name twice would leave a gap


def test_every_dimension_of_the_list_and_of_own_names_has_its_direction_numbers():
    assert max(listed().values()) in LISTED[0]
    assert len(LISTED[0]) == len(LISTED[1])
    each = [*LISTED[0], *OWN[0], *LISTED[1], *OWN[1]]
    assert each == list(range(len(directions())))


def own_names(count, seed):
    letters = np.random.default_rng(seed).choice(list("abcdefghijklmnopqrstuvwxyz"), (count, 10))
    return ["".join(each) for each in letters]


def test_listed_names_keep_their_places_whatever_else_there_is():
    some_listed = list(listed())[40:60]
    found = dimensions([*own_names(3000, 1), *some_listed[::-1]])
    assert list(found)[:20] == some_listed
    assert [found[name] for name in some_listed] == list(range(40, 60))


def test_no_two_names_have_one_dimension_in_any_stream():
    names = [*own_names(5000, 2), *listed()]
    found = [*dimensions(names).values(), *dimensions(names, 1).values()]
    assert len(set(found)) == 2 * len(names)
    # of N places, a random choice of 5,000 leaves N exp(-5000 / N) free: 0.6 and 0.006
    assert len({*OWN[0], *OWN[1]}.difference(found)) < 8


def test_what_comes_after_a_name_does_not_move_it():
    names = own_names(1200, 3)
    whole = dimensions(names)
    for count in (1, 10, 100, 1000, 1199):
        before = dimensions(names[:count])
        assert before == {name: whole[name] for name in names[:count]}


def test_what_is_put_before_names_seldom_moves_one():
    """With the stated probability that one of n names has what the new one chooses."""
    moved = []
    for seed in range(1000):
        new, *names = own_names(26, seed)
        before, after = dimensions(names), dimensions([new, *names])
        moved.append(sum(after[name] != before[name] for name in names))
    assert stats.binomtest(np.count_nonzero(moved), len(moved), 25 / len(OWN[0])).pvalue > FALSE_ALARM
    # a name that is moved chooses again: what another of the 25 has, with the same probability
    assert stats.binomtest(moved.count(1), np.count_nonzero(moved), 1 - 25 / len(OWN[0])).pvalue > FALSE_ALARM


def test_parts_of_a_prior_have_names_of_their_own():
    keys = [
        part_of("pue"),
        part_of("pue", "happens"),
        part_of("pue", 1),
        part_of("pue", stream=1),
        part_of("pue", 1, 1),
    ]
    assert keys[0] == "pue"
    assert len(set(keys)) == 5
    found = dimensions(keys)
    assert found["pue"] == listed()["pue"]
    assert len(set(found.values())) == 5
    for scheme in SCHEMES:
        made = Sampler(dict.fromkeys(keys, UNIFORM), found, {}, seed=7, scheme=scheme, size=2**8)
        alone = Sampler({"pue": UNIFORM}, dimensions(["pue"]), {}, seed=7, scheme=scheme, size=2**8)
        columns = draws(made)
        assert np.array_equal(columns["pue"], draws(alone)["pue"])
        assert len({column.tobytes() for column in columns.values()}) == 5


@every_scheme
def test_a_stream_is_moved_by_no_other_name(scheme):
    def drawn(names):
        return draws(Sampler(dict.fromkeys(names, UNIFORM), dimensions(names, 1), {}, seed=7, scheme=scheme, stream=1))

    many = drawn(["a", "b", "c", "pue", "racks"])
    for name, column in drawn(["b", "pue"]).items():
        assert np.array_equal(many[name], column)


# ---------------------------------------------------------------------------------------------------------
# The sampler and its tables


@every_scheme
def test_what_a_wanted_column_is_correlated_with_is_drawn_behind_it(scheme):
    latent = {("a", "b"): 0.7, ("b", "c"): -0.4}
    everything = sampler(["a", "b", "c"], scheme, latent)
    one = sampler(["a", "b", "c"], scheme, latent, wanted=["c"])
    assert list(draws(one)) == ["c"]
    assert draws(one)["c"].tolist() == draws(everything)["c"].tolist()


def test_probabilities_are_exact_in_both_tails():
    words = np.array([0, 1, 2**31, 2**32 - 1], np.uint32)
    below, above = probabilities(words)
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
    with pytest.raises(DependenceError, match="not positive semidefinite"):
        sampler(["a", "b", "c"], latent={("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9})


def test_tables_keep_within_one_in_twenty_thousand_of_the_exact_inverse():
    words = np.random.default_rng(5).integers(0, 2**32, 2**14, dtype=np.uint32)
    words[:64] = np.arange(64)  # the far tails too
    words[64:128] = 2**32 - 1 - np.arange(64)
    below, above = probabilities(words)
    for family in (NORMAL, COSTLY):
        column = sampler(["a"], family=family).columns(words[None])["a"]
        exact = family.quantile(below, above)
        spread = np.diff(family.quantile(np.array([0.25, 0.75])))[0]
        assert np.max(np.abs(column - exact) / np.maximum(np.abs(exact), spread)) < 5e-5


def test_a_cells_line_keeps_the_mean_of_the_cell():
    table = uniform_table(NORMAL)
    edge, width = cell_edges()
    inner, outer = special.ndtri((edge + width) / 2.0**32), special.ndtri(edge / 2.0**32)
    density = lambda z: np.exp(-z * z / 2) / np.sqrt(2 * np.pi)  # noqa: E731
    exact = (density(outer) - density(inner)) / (width / 2.0**32)  # the integral of z phi(z)
    half = len(edge)
    middle = edge + width / 2
    ours = table.intercept[:half] + table.slope[:half] * middle
    common = edge > 2.0**16  # below, the exact integral cancels in double precision
    assert np.max(np.abs(ours - exact)[common]) < 1e-9
