"""The scenarios themselves, as many as asked."""

from collections.abc import Sequence

import numpy as np

from simulate.graph import Array
from simulate.priors import Priors
from simulate.results import Result
from simulate.results.provenance import described, put_quantities
from simulate.sampling.sampler import REPLICATES
from simulate.scenarios import Drawing, asked_quantities


def draws(
    priors: Priors,
    *,
    scenarios: int | None = None,
    seed: int | None = None,
    scheme: str | None = None,
    quantities: Sequence[str] | str | None = None,
) -> Result:
    """Draw exactly as many scenarios as asked: every input and quantity, in its unit, `value` along `scenario`.

    They are the first scenarios of each replicate in turn; the coordinate `replicate` tells which. Raises
    SimulateError for what cannot be asked or computed.
    """
    settings = priors.run.asked(scenarios=scenarios, seed=seed, scheme=scheme)
    names = asked_quantities(priors, quantities)
    drawn = Drawing({"": priors}, settings).scenarios("", names)
    shares = [
        settings.scenarios // REPLICATES + (place < settings.scenarios % REPLICATES) for place in range(REPLICATES)
    ]
    kept: dict[str, list[Array]] = {name: [] for name in dict.fromkeys([*drawn.plan.inputs, *names])}
    for replicate, share in enumerate(shares):
        for begun, chunk in zip(range(0, share, drawn.size), drawn.in_chunks(replicate), strict=False):
            for name, parts in kept.items():
                column = np.broadcast_to(chunk.columns[name], drawn.size)
                parts.append(column[: share - begun].astype(np.float64))
    result = described("draws", priors, settings, drawn)
    result.attributes["scenarios"] = settings.scenarios
    put_quantities(result, [priors.quantities[name] for name in kept])
    result.beside("replicate", ("scenario",), np.repeat(np.arange(REPLICATES), shares))
    values = np.array([np.concatenate(parts) for parts in kept.values()])
    result.put("value", ("quantity", "scenario"), values, label="each scenario", unit_of="unit")
    return result
