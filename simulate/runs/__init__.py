"""The first question: how wide are the bands."""

from simulate.runs.draws import draws
from simulate.runs.run import run

__all__ = ["draws", "run"]
