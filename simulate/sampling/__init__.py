"""Draws addressed, not consumed: uniforms follow from (seed, replicate, dimension or name, chunk) alone.

So a result does not depend on threads or order, a new prior leaves the other columns as they were, and two
cases drawn from one seed are paired. `schemes` make the uniforms, `tables` turn them into values of a
distribution, `sampler` does both for named distributions and correlates them, and `dimensions` says which
dimension of a scheme a name has.
"""
