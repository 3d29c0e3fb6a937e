"""Honest bands on the cost of large language models: priors in, percentile bands out.

From Python:

    import simulate

    priors = simulate.load_priors("priors/base.toml")
    result = simulate.run(priors, scenarios=1_000_000)     # an xarray.Dataset along `percentile`
    result["capex"].sel(percentile=50)
    simulate.draws(priors, scenarios=1_000)                # the scenarios themselves, along `scenario`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulate.engine import draws, run
    from simulate.priors import Priors, PriorsError, load_priors

__version__ = "0.1.0"
__all__ = ["Priors", "PriorsError", "__version__", "draws", "load_priors", "run"]

_HOMES = {
    "Priors": "priors",
    "PriorsError": "priors",
    "draws": "engine",
    "load_priors": "priors",
    "run": "engine",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the help must not wait for numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'simulate' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"simulate.{_HOMES[name]}"), name)
