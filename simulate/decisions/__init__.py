"""Which choice, at what regret, and what would be worth finding out first."""

from __future__ import annotations

from simulate.decisions.decide import decide

__all__ = ["decide"]
