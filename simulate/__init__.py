"""Honest bands on the cost of large language models: priors in, percentile bands out.

From Python:

    import simulate

    priors = simulate.load_priors("base")                  # a path, a shipped file's name, text, or a mapping
    bands = simulate.run(priors, scenarios=1_000_000)      # an xarray.Dataset along `quantity` and `percentile`
    bands["percentiles"].sel(quantity="capex", percentile=50)
    simulate.plot(bands)["bands"].savefig("bands.png")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulate.errors import SimulateError
    from simulate.library import backtest, compare, decide, draws, explain, plot, run, sweep, tornado, verify
    from simulate.priors import Priors, PriorsError, load_priors

__version__ = "0.1.0"

_ROOMS = {
    "errors": ("SimulateError",),
    "library": ("backtest", "compare", "decide", "draws", "explain", "plot", "run", "sweep", "tornado", "verify"),
    "priors": ("Priors", "PriorsError", "load_priors"),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}
__all__ = [
    "Priors",
    "PriorsError",
    "SimulateError",
    "__version__",
    "backtest",
    "compare",
    "decide",
    "draws",
    "explain",
    "load_priors",
    "plot",
    "run",
    "sweep",
    "tornado",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the help must not wait for numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'simulate' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"simulate.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
