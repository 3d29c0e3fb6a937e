"""Which dimension of a scheme each name has.

A name of a model has the dimension that is its place in `data/dimensions.txt`, a list that only grows. Of any other
name, one of a priors file's own, a hash of the name chooses one of 705 dimensions, which fill the plane well with
the listed ones and with each other; where a name before it in the file has that one, it chooses again, up to four
times; then it has one of its own, made from its name, of which there is no end. So a name's draws do not depend on
others, but for those that choose the same. A name that comes after others moves none of them; one that is put in or
taken out before n of them moves another with probability n / 705, seldom more than one. In the second of two streams,
which has other dimensions, that is n / 447.

(Dimensions without exception would be made from names alone. They were measured: their pairs are as uneven as chance,
eight times as much as those of the chosen ones in 2^14 points.)
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources

from simulate.sampling.keys import number_of, part_of

LISTED = (range(200), range(905, 1105))  # for the list, by stream
OWN = (range(200, 905), range(1105, 1552))  # for other names
_CHOICES = 4


@cache
def listed() -> dict[str, int]:
    """The names in `data/dimensions.txt`, each with its place there, which is its dimension for good."""
    text = (resources.files("simulate") / "data" / "dimensions.txt").read_text(encoding="utf-8")
    names = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: place for place, name in enumerate(names)}


def dimensions(names: Iterable[str], stream: int = 0) -> dict[str, int]:
    """The dimension of each name in stream 0 or 1: listed ones in the list's order, then the others in theirs."""
    asked = dict.fromkeys(names)
    found = {name: LISTED[stream][place] for name, place in listed().items() if name in asked}
    taken, own = set[int](), OWN[stream]
    for name in asked:
        if name not in found:
            number = number_of(part_of(name, stream=stream))
            chosen = (own[number // len(own) ** again % len(own)] for again in range(_CHOICES))
            found[name] = next((place for place in chosen if place not in taken), number)
            taken.add(found[name])
    return found
