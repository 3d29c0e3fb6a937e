"""Which dimension of a scheme each name has.

A name of a model has the dimension that is its place in `data/dimensions.txt`, a list that only grows. Of any other
name, one of a priors file's own, a hash of the name chooses one of `OWN` dimensions, which fill the plane well with
the listed ones and with each other; where a name before it in the file has that one, it has one of its own, made from
its name. So a name's draws do not depend on the others, with one exception: of two names for which the hash chooses
the same dimension the first has it. A name that comes after the others moves none of them; one that is put in or
taken out before n of them, or a new order, moves at most one, and that with probability n / 705.

(Dimensions without exception would be made from names alone. They were measured: their pairs are as uneven as chance,
eight times as much as those of the chosen ones in 2^14 points.)
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources

from simulate.sampling.keys import number_of

OWN = range(200, 905)  # those before are for the list


@cache
def listed() -> dict[str, int]:
    """The names in `data/dimensions.txt`, each with its place there, which is its dimension for good."""
    text = (resources.files("simulate") / "data" / "dimensions.txt").read_text(encoding="utf-8")
    names = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: place for place, name in enumerate(names)}


def dimensions(names: Iterable[str]) -> dict[str, int]:
    """The dimension of each name: listed ones in the list's order, then the others in theirs."""
    asked = dict.fromkeys(names)
    found = {name: place for name, place in listed().items() if name in asked}
    taken = set()
    for name in asked:
        if name not in found:
            number = number_of(name)
            place = OWN[number % len(OWN)]
            found[name] = number if place in taken else place
            taken.add(place)
    return found
