"""Which choice, at what regret, and what would be worth finding out first."""

from simulate.decisions.decide import decide

__all__ = ["decide"]
