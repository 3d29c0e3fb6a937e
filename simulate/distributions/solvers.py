"""Roots, for percentiles that determine a family and for quantiles without closed form."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulate.distributions.protocol import Array

_EPSILON = float(np.finfo(np.float64).eps)


@np.errstate(all="ignore")
def root(residual: Callable[[Array, NDArray[np.intp]], Array], low: Array, high: Array) -> Array:
    """Where a non-decreasing residual crosses 0 between 1-D `low` and `high`, elementwise, to the last bits.

    The residual is given values and the indices they belong to. Inverse quadratic interpolation guarded by
    bisection: Chandrupatla, Advances in Engineering Software 28 (1997), 145-149.
    """
    found = high.copy()
    active = np.flatnonzero(low < high)
    a, b = high[active], low[active]
    fa, fb = residual(a, active), residual(b, active)
    # Where rounding has put the root outside, it is the end nearer to it.
    found[active] = np.where(fb >= 0, b, a)
    crossing = (fa > 0) & (fb < 0)
    active, a, b, fa, fb = active[crossing], a[crossing], b[crossing], fa[crossing], fb[crossing]
    share = np.full(a.shape, 0.5)
    for _ in range(2200):  # the halvings from the widest to the narrowest bracket; mostly about ten are needed
        if active.size == 0:
            break
        x = a + share * (b - a)
        fx = residual(x, active)
        same = (fx >= 0) == (fa >= 0)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        found[active] = best
        least = (2 * _EPSILON * np.abs(best) + 5e-324) / np.abs(b - a)
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        smooth = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
        quadratic = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        share = np.clip(np.where(smooth, quadratic, 0.5), least, 1 - least)
        open_ = (least < 0.5) & (fa != 0) & (fb != 0)
        active, a, b = active[open_], a[open_], b[open_]
        fa, fb, share = fa[open_], fb[open_], share[open_]
    return found


@np.errstate(all="ignore")
def newton(residual: Callable[[Array], Array], start: Array) -> Array:
    """Where a residual of one or two unknowns vanishes, by Newton's method with halved steps.

    The point reached where it does not converge; the caller checks what it is for.
    """
    point, misfit = start, residual(start)
    steps = 1e-6 * np.eye(start.size)
    for _ in range(100):
        slopes = [(residual(point + step) - residual(point - step)) / 2e-6 for step in steps]
        try:
            move = np.linalg.solve(np.stack(slopes, axis=1), misfit)
        except np.linalg.LinAlgError:
            break
        move *= min(1.0, 2.0 / float(np.max(np.abs(move), initial=1e-300)))
        for _ in range(30):
            trial = residual(point - move)
            if np.linalg.norm(trial) < np.linalg.norm(misfit):
                break
            move /= 2
        else:
            break
        point, misfit = point - move, trial
    return point
