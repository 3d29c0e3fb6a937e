"""Shipped priors files with something broken in each: every one is read, or refused in a line for each fault."""

from __future__ import annotations

import random
import re

import pytest

from simulate.errors import SimulateError
from simulate.priors import SHIPPED, load_priors

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


def refusal(text: str) -> str:
    """What a file is refused with; '' where it is read."""
    try:
        load_priors(text)
    except SimulateError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "seeds", [range(200), pytest.param(range(200, 5200), marks=pytest.mark.long)], ids=["sample", "5,000"]
)
def test_a_broken_file_is_read_or_refused_in_a_line_for_each_fault(seeds):
    told = [message for seed in seeds if (message := refusal(mutant(seed)))]
    assert len(told) > len(seeds) / 3
    faults = [line for message in told for line in message.split("\n")]
    assert [line for line in faults if not (line.startswith("<text>:") or line.endswith("mend these first"))] == []
