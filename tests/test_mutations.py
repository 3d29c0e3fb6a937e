"""Shipped priors files with something broken in each: every one is run, or refused in a line for each fault."""

from __future__ import annotations

import random
import re

import pytest

from simulate.errors import SimulateError
from simulate.priors import SHIPPED, Priors, load_priors

FILES = sorted(SHIPPED.glob("*.toml"))
WORDS = (
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "true",
    '""',
    "[]",
    "{}",
    '"x"',
    "1e-320",
    "priors",
    "dist",
    "[[a]]",
    "\x00",
    "é",
)


def mutant(seed: int) -> str:
    """The text of a shipped file with one to three changes: of a line, a value, a character or a word."""
    chance = random.Random(seed)
    text = chance.choice(FILES).read_text(encoding="utf-8")
    for _ in range(chance.randint(1, 3)):
        lines = text.split("\n")
        place = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, lines[chance.randrange(len(lines))])
            case 2:
                lines[place] = re.sub(r"=.*", lambda _: f"= {chance.choice(WORDS)}", lines[place])
            case 3:
                at = chance.randrange(len(lines[place]) + 1)
                lines[place] = lines[place][:at] + chance.choice('"[]{}=.,#\n\t0e-_') + lines[place][at + 1 :]
            case 4:
                lines[place] = re.sub(r"\d+", lambda _: chance.choice(WORDS), lines[place], count=1)
            case _:
                lines[place] = re.sub(r"[a-z_]{3,}", lambda _: chance.choice(WORDS), lines[place], count=1)
        text = "\n".join(lines)
    return text


def read(text: str) -> Priors | str:
    """A file with a run that is quickly done, or what it is refused with."""
    try:
        return load_priors(text, ["run.scenarios=8192"])
    except SimulateError as error:
        return str(error)


@pytest.mark.parametrize(
    "seeds", [range(100), pytest.param(range(100, 5100), marks=pytest.mark.long)], ids=["sample", "5,000"]
)
def test_a_broken_file_is_refused_in_a_line_for_each_fault_or_run(seeds, agreed):
    """What `check` refuses a run refuses in the same words; the others have possible results, without a warning."""
    refused, runs = list[str](), list[str]()
    for place, seed in enumerate(seeds):
        found = read(mutant(seed))
        if isinstance(found, str):
            refused.append(found)
        elif len(seeds) > 100 or place % 4 == 0:
            runs.append(agreed(found))
    assert len(refused) > len(seeds) / 3
    faults = [line for message in refused for line in message.split("\n")]
    assert [line for line in faults if not (line.startswith("<text>:") or line.endswith("mend these first"))] == []
    assert runs.count("") > 0.9 * len(runs)
