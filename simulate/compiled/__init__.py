"""Loops that numba compiles, of the extra `fast`: the same bits as numpy's, in less time."""

from simulate.compiled.loops import LEAST, SWITCH, compilable, prepare

__all__ = ["LEAST", "SWITCH", "compilable", "prepare"]
