"""The models: which modules of quantities they consist of, and what is told of them unless asked otherwise."""

from collections.abc import Mapping
from functools import cache
from types import ModuleType

from simulate.errors import SimulateError
from simulate.graph import Quantity, quantities_of
from simulate.model import (
    architecture,
    bought_tokens,
    capex,
    demand,
    energy,
    fleet,
    layout,
    load,
    opex,
    ownership,
    prefill_pool,
    roofline,
    serving,
    sessions,
    sizing,
    speculation,
    step,
    token_costs,
    traffic,
    training,
    training_mfu,
)

# In the order in which they are told. Draws do not hang on it: see simulate/sampling/dimensions.py.
MODELS: dict[str, tuple[ModuleType, ...]] = {
    "llm_cost": (
        demand,
        sessions,
        serving,
        fleet,
        capex,
        training,
        energy,
        opex,
        ownership,
        bought_tokens,
        architecture,
        sizing,
        layout,
        roofline,
        speculation,
        step,
        prefill_pool,
        load,
        token_costs,
        traffic,
        training_mfu,
    ),
    "none": (),
}

# What `run` reports unless asked for something else.
HEADLINE: tuple[str, ...] = ("accelerators", "capex", "opex_per_year", "cost_per_question", "training_cost")


@cache
def quantities(name: str) -> Mapping[str, Quantity]:
    """The quantities of the model that a priors file names, in the model's order.

    Raises SimulateError where there is no such model.
    """
    if name not in MODELS:
        raise SimulateError(f"there is no model {name!r}; models are {', '.join(MODELS)}")
    return quantities_of(MODELS[name])
