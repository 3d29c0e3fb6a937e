"""Samples of every family, and independence of the streams that they come from, under the scheme `random`.

**Families.** Draws go through the exact distribution function and the normal quantile function (an atom's share of the
probability is spread evenly), which makes them standard normal, and are tested on both sides at a false-alarm rate of
1e-6: their mean, and their distribution by Kolmogorov and Smirnov. With 2^17 draws the mean has a power of 0.99 against
any shift of 0.02 standard deviations of the family: with z the normal score of x, the shift of the mean of z is 0.02 sd
E[dz/dx] >= 0.02 sd / E[dx/dz] (Jensen) = 0.02 sd / Cov(x, z) (Stein) >= 0.02 (Cauchy and Schwarz), and
0.02 sqrt(2^17) = 7.24 standard errors, of which the critical value takes 4.89.

**Streams.** No PractRand or TestU01 is packaged for Python: the battery is NIST's SP 800-22 from `nistrng`, on streams
interleaved word by word, and beside it the birthday spacings of Marsaglia, which NIST lacks, and the correlations of
all pairs of streams.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats
from test_distributions import examples

from simulate.distributions import FAMILIES, distribution
from simulate.sampling.sampler import Sampler
from simulate.sampling.schemes import SCHEMES
from simulate.sampling.schemes.sobol import keyed_words
from simulate.sampling.tables import normal_scores as table_scores

FALSE_ALARM = 1e-6
DRAWS = 2**17
SHIFT = 0.02  # standard deviations
CRITICAL = float(special.ndtri(1 - FALSE_ALARM / 2))
POWER = float(special.ndtr(SHIFT * np.sqrt(DRAWS) - CRITICAL))

every_family = pytest.mark.parametrize("family", FAMILIES)


def made(family):
    return distribution(family, examples(family)[0])


def drawn(family, pairs=None, size=DRAWS):
    sampler = Sampler(
        {"a": made(family), "b": made(family)}, {"a": 0, "b": 1}, pairs or {},
        seed=11, scheme="random", size=size, wanted=["a"],
    )  # fmt: skip
    return sampler.columns(sampler.words(0)(0))["a"]


def normal_scores(family, values):
    """Standard normal, if the values are draws of the family; those beyond its range are infinite."""
    built = made(family)
    below, above = built.probability(values)
    if len(np.unique(values[:1000])) < 1000:  # there are atoms
        before = built.probability(np.nextafter(values, -np.inf))[0]
        atoms = below - before > 1e-9
        spread = np.random.default_rng(12).random(len(values))
        below = np.where(atoms, before + spread * (below - before), below)
        above = np.where(atoms, 1 - below, above)
    return np.where(below <= above, special.ndtri(below), -special.ndtri(above))


def shifted(family, values):
    """Draws that are off by 0.02 standard deviations (of a normal of its quartiles, where there is none)."""
    built = made(family)
    low, high = built.quantile(np.array([0.25, 0.75]))
    sd = built.sd if np.isfinite(built.sd) else (high - low) / (2 * special.ndtri(0.75))
    return values + SHIFT * (sd if sd > 0 else abs(built.mean))


def mean_is_off(scores):
    return not abs(scores.mean()) * np.sqrt(len(scores)) < CRITICAL


def distribution_is_off(scores):
    distance = stats.kstest(scores, "norm", method="asymp").statistic
    return np.sqrt(len(scores)) * distance > special.kolmogi(FALSE_ALARM)


def test_the_power_is_as_stated():
    assert POWER > 0.99


@every_family
def test_draws_have_the_distribution(family):
    scores = normal_scores(family, drawn(family))
    assert not mean_is_off(scores)
    assert not distribution_is_off(scores)


@every_family
def test_correlated_draws_have_the_distribution(family):
    """They come by tables of their own, in the copula's normal scores."""
    scores = normal_scores(family, drawn(family, {("a", "b"): -0.4}, 2**16))
    assert not mean_is_off(scores)
    assert not distribution_is_off(scores)


@every_family
def test_a_shift_of_a_fiftieth_of_a_standard_deviation_is_caught(family):
    with np.errstate(invalid="ignore"):  # beyond the range on either side
        assert mean_is_off(normal_scores(family, shifted(family, drawn(family))))


# ---------------------------------------------------------------------------------------------------------
# Streams


def words(*, seed=20230214, replicate=0, names=("a",), chunk=0, size=2**12):
    made_words = SCHEMES["random"](seed, [replicate], list(names), list(range(len(names))), size, 1)
    return made_words(chunk)


def keyed(replicate):
    """The words that scramble a net: those of 16 dimensions."""
    return keyed_words(20230214, [replicate], range(16), 2**8)[0]


# 16 streams that differ in one respect, each a row
STREAMS = {
    "names": lambda: words(names=[f"prior_{each}" for each in range(16)]),
    "replicates": lambda: np.concatenate([words(replicate=each) for each in range(16)]),
    "chunks": lambda: np.concatenate([words(chunk=each) for each in range(16)]),
    "seeds": lambda: np.concatenate([words(seed=each) for each in range(16)]),
    "scrambles of dimensions": lambda: np.concatenate([keyed(each) for each in range(16)], axis=1),
    "scrambles of replicates": lambda: np.concatenate([keyed(each).reshape(1, -1) for each in range(16)]),
}
every_stream = pytest.mark.parametrize("streams", STREAMS)
# As nistrng calls them. Its others take seconds, or average several p-values, which is none.
BATTERY = [
    "monobit",
    "frequency_within_block",
    "runs",
    "longest_run_ones_in_a_block",
    "binary_matrix_rank",
    "dft",
    "maurers_universal",
]


def interleaved(streams):
    """Word by word from each stream in turn."""
    return STREAMS[streams]().T.ravel()


def bits_of(column):
    return np.unpackbits(column.astype(">u4").view(np.uint8)).astype(np.int64)


def p_values(column):
    nistrng = pytest.importorskip("nistrng", reason="nistrng, of the extra `test`, has the battery")
    bits = bits_of(column[: 2**14])
    tests = {name: nistrng.SP800_22R1A_BATTERY[name] for name in BATTERY}
    assert all(test.is_eligible(bits) for test in tests.values())
    return {name: float(test.run(bits.copy())[0].score) for name, test in tests.items()}


@every_stream
def test_interleaved_streams_pass_the_battery(streams):
    assert {name: p for name, p in p_values(interleaved(streams)).items() if not p > FALSE_ALARM} == {}


def test_the_battery_catches_a_stream_that_repeats_another():
    columns = STREAMS["names"]()
    columns[1] = columns[0] ^ np.uint32(2**31)  # antithetic in all but the last 31 bits
    assert min(p_values(columns.T.ravel()).values()) < FALSE_ALARM


def spacings_repeated(column):
    """How many spacings of 2^12 birthdays in a year of 2^32 days are met again, over 16 such years: Poisson's.

    Source: Marsaglia and Tsang (2002), J. Stat. Software 7(3): lambda = m^3 / 4n a year, here 4.
    """
    birthdays = np.sort(column[: 16 * 2**12].reshape(16, -1), axis=1)
    spacings = np.sort(np.diff(birthdays, axis=1), axis=1)
    return int((np.diff(spacings, axis=1) == 0).sum())


@every_stream
def test_birthday_spacings_of_interleaved_streams(streams):
    expected = 16 * (2**12) ** 3 / (4 * 2**32)
    low, high = stats.poisson.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], expected)
    assert low <= spacings_repeated(interleaved(streams)) <= high


@every_stream
def test_no_two_streams_are_correlated(streams):
    columns = np.stack([table_scores(words) for words in STREAMS[streams]()])
    correlations = np.corrcoef(columns)[np.triu_indices(len(columns), 1)]
    critical = special.ndtri(1 - FALSE_ALARM / 2 / len(correlations))
    assert np.abs(correlations).max() * np.sqrt(columns.shape[1]) < critical
