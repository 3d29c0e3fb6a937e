"""Along values of a prior: how bands move, and which choice is the best at each."""

from simulate.sweeps.sweep import sweep

__all__ = ["sweep"]
