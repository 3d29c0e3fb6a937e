"""What a question returns, and how it is kept: arrays along named dimensions, in memory and in files."""

from simulate.results.result import Result, Variable

__all__ = ["Result", "Variable"]
