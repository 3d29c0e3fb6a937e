"""Sobol' indices: first-order and total, shares of the variance; they assume independence.

They come from pick-freeze: f(A) and f(B), A and B being independent streams, and both with one column exchanged. The
estimators used divide by what the same four values say of the variance: of those compared in benchmarks/tornado.py
they err least where tails are heavy, as in products, at equal cost half as much in total indices (on the bounded
Ishigami and g-functions Saltelli's and Jansen's err less).

Source: Azzini, Mara and Rosati (2021), Environ. Model. Softw. 144, 105167, for both orders.
"""

import numpy as np

from simulate.backends import Ticks
from simulate.graph import Array
from simulate.sensitivity.method import Asking, Measured, Method, share

EXCHANGED = 2**12  # scenarios of a chunk of which each column is exchanged in turn: all columns fit the cache


def measure(asking: Asking) -> Measured:
    """Estimate both indices by Azzini's estimators.

    With A' and B' for A and B with one column exchanged, in means over scenarios:
    first = -2 (f(B') - f(B)) (f(A') - f(A)) / D, total = ((f(B') - f(B))^2 + (f(A') - f(A))^2) / D,
    D = (f(A) - f(B))^2 + (f(B') - f(A'))^2.
    """
    names = asking.movers
    first, second = (asking.drawn(stream=stream, correlated=False, largest=EXCHANGED) for stream in (0, 1))
    whole = first.plan.keeping_all()
    parts = {name: first.plan.below([name]) for name in names}

    def work(replicate: int, ticks: Ticks) -> Array:
        """Means of the products behind the indices: (prior, [first, total, their divisor, the quantity])."""
        words = [(drawn, drawn.sampler.words(replicate)) for drawn in (first, second)]
        sums = np.zeros((len(names), 4))
        for chunk in range(first.chunks):
            columns, others = (whole(drawn.inputs(of_chunk(chunk))) for drawn, of_chunk in words)
            a, b = (asking.scaled(each[asking.quantity]) for each in (columns, others))
            for row, name in ticks(zip(sums, names, strict=True)):
                mixed = {**columns, name: others[name]}, {**others, name: columns[name]}
                exchanged, returned = (asking.scaled(parts[name](each)[asking.quantity]) for each in mixed)
                in_a, in_b = exchanged - a, returned - b
                row += [
                    np.mean(-2 * in_b * in_a),
                    np.mean(in_a * in_a + in_b * in_b),
                    np.mean((a - b) ** 2 + (returned - exchanged) ** 2),
                    np.mean(a),
                ]
        return sums / first.chunks

    found = np.array(asking.of_replicates(work, first, steps=first.chunks * len(names)))
    effects = {
        name: {"first": share(asking, own, divisor), "total": share(asking, total, divisor)}
        for name, (own, total, divisor, _) in zip(names, found.transpose(1, 2, 0), strict=True)
    }
    return Measured(asking.baseline(found[:, 0, 3].mean()), effects)


METHOD = Method(
    measure,
    scenarios=2**19,
    heading="Sobol' indices, shares of the variance",
    figures={"first": "first order", "total": "total"},
    size="total",
    of_correlations=(
        "Sobol' indices assume independent priors: the correlations of the priors file are left out here. "
        "--method shapley keeps them."
    ),
    mixes=True,
)
