"""Choose the dimensions of Sobol's sequence that the package draws by, and write their direction numbers.

    python -m benchmarks sobol_directions [--write]

Of the 21,201 dimensions of new-joe-kuo-6, which scipy ships, the first 147 are those of the names that the list of the
model's names began with. After them come, in rising order, those that fill the plane well with each before them. Two
dimensions depend on each other to the order w in 2^m points where the sum of some of the first d digits of the one and
of the first w - d of the other, the last of each among them, is the same in all points; the net of the two then has a
t of m - w + 1 or more. Refused are

    w <= 3 in 2^10 points (t >= 8) with one of the first 147: 276 with 86;
    w <= 2, 3, 4, 4, 5 in 2^12 to 2^16 points (t > 10, 10, 10, 11, 11) with any.

Those refused for the former alone follow, for second streams.

Told is what is left, and how far from 0 the correlation of two is, over 16 scrambled nets as in a run: of those
chosen, of neighbours in the sequence, and of random generating matrices, in standard errors of as many random points.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import scipy

from simulate.sampling.schemes.sobol import generated, keyed_words, net, scrambled

DATA = Path(__file__).parent.parent / "simulate" / "data" / "sobol_directions.npy"
SOURCE = Path(scipy.__file__).parent / "stats" / "_sobol_direction_numbers.npz"
FIRST = 147
WITH_FIRST = {10: 3}  # bits of the number of points: the highest order of dependence that is refused
WITH_ANY = {12: 2, 13: 3, 14: 4, 15: 4, 16: 5}


def joe_kuo() -> np.ndarray:
    """The direction numbers of all dimensions: (21201, 32) words, the first bit the highest."""
    with np.load(SOURCE) as stored:
        polynomials, initial = stored["poly"].astype(np.uint64), stored["vinit"].astype(np.uint64)
    degrees = np.array([int(polynomial).bit_length() - 1 for polynomial in polynomials])
    numbers = np.ones((len(polynomials), 32), np.uint64)
    for degree in range(1, degrees.max() + 1):
        rows = degrees == degree
        own = numbers[rows]
        own[:, :degree] = initial[rows, :degree]
        for place in range(degree, 32):
            own[:, place] = own[:, place - degree]
            for back in range(1, degree + 1):
                coefficient = polynomials[rows] >> np.uint64(degree - back) & np.uint64(1)
                own[:, place] ^= (own[:, place - back] << np.uint64(back)) * coefficient
        numbers[rows] = own
    return (numbers << np.arange(31, -1, -1, dtype=np.uint64)).astype(np.uint32)


def digit_sums(directions: np.ndarray, bits: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    """The sums of a dimension's first digits, each as the bits of a point's number that it adds, and its last digit."""
    sums, last = np.zeros(1, np.int64), np.zeros(1, np.int64)
    for digit in range(order):
        row = (directions[:bits].astype(np.int64) >> (31 - digit) & 1) @ (1 << np.arange(bits))
        sums, last = np.concatenate([sums, sums ^ row]), np.concatenate([last, np.full(len(sums), digit + 1)])
    return sums[1:], last[1:]


class Taken:
    """Which sums of digits the dimensions taken have, by the bits of the number of points."""

    def __init__(self, refused: dict[int, int]) -> None:
        self.refused = refused
        self.last = {bits: np.full(2**bits, 99) for bits in refused}

    def add(self, directions: np.ndarray) -> None:
        """Take a dimension."""
        for bits, order in self.refused.items():
            sums, last = digit_sums(directions, bits, order - 1)
            np.minimum.at(self.last[bits], sums, last)

    def fits(self, directions: np.ndarray) -> bool:
        """Whether a dimension depends on none of those taken to an order that is refused."""
        found = ((digit_sums(directions, bits, order - 1), bits, order) for bits, order in self.refused.items())
        return all((self.last[bits][sums] + last > order).all() for (sums, last), bits, order in found)


def chosen(numbers: np.ndarray) -> list[int]:
    """The dimensions that are kept, the first ones as they are, those for second streams last."""
    first, any_other = Taken(WITH_FIRST), Taken(WITH_ANY)
    kept, second = list(range(FIRST)), []
    for directions in numbers[:FIRST]:
        first.add(directions)
        any_other.add(directions)
    for place in range(FIRST, len(numbers)):
        if first.fits(numbers[place]) and any_other.fits(numbers[place]):
            any_other.add(numbers[place])
            kept.append(place)
    for place in sorted({*range(FIRST, len(numbers))}.difference(kept)):
        if any_other.fits(numbers[place]):
            any_other.add(numbers[place])
            second.append(place)
    return kept + second


def correlations(plain: np.ndarray, bits: int) -> np.ndarray:
    """The correlation of each pair over 16 scrambled nets of 2^bits points, in standard errors of random points."""
    count = len(plain)
    sums = np.zeros((count, count))
    for replicate in range(16):
        random = keyed_words(1, [replicate], range(count), 33)[0]
        words = net(scrambled(plain, random[:, :32]), random[:, 32], 2**bits)(0)
        uniform = ((words + 0.5) / 2**32 - 0.5) * np.sqrt(12)
        sums += uniform @ uniform.T
    return sums[np.triu_indices(count, 1)] / np.sqrt(16 * 2**bits)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="write the direction numbers into the package")
    numbers = joe_kuo()
    kept = chosen(numbers)
    print(f"{len(kept)} dimensions, the last {kept[-1]}; {FIRST} to {FIRST + 9} are {kept[FIRST : FIRST + 10]}")
    if parser.parse_args().write:
        np.save(DATA, numbers[kept])
    few = np.random.default_rng(1).choice(np.arange(FIRST, len(kept)), 200, replace=False)
    own = np.arange(2**63, 2**63 + 200, dtype=np.uint64)
    sets = {
        "the first 200": numbers[:200],
        "1,400 to 1,599": numbers[1400:1600],
        "20,000 to 20,199": numbers[20000:20200],
        "200 of those chosen": numbers[kept][few],
        "200 random matrices": generated(keyed_words(1, [0], own, 32)[0]),
    }
    for bits in (10, 12, 14):
        for name, plain in sets.items():
            found = np.abs(correlations(plain, bits))
            beyond = ", ".join(f"{np.count_nonzero(found > limit)} beyond {limit}" for limit in (5, 10, 20))
            print(f"2^{bits}  {name:20} rms {np.sqrt(np.mean(found**2)):.2f}, {beyond} of {len(found):,}")
