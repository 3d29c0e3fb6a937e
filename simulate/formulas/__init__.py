"""Formulas of a priors file.

`text` takes the units out of what is written, `formula` compiles it, `units` derives its unit, `equality` tells what of
it rounding decides.
"""

from simulate.formulas.equality import Kind, decided_by_rounding, kind
from simulate.formulas.formula import Formula, FormulaError, Percentile, formula, visible
from simulate.formulas.text import Units

__all__ = [
    "Formula",
    "FormulaError",
    "Kind",
    "Percentile",
    "Units",
    "decided_by_rounding",
    "formula",
    "kind",
    "visible",
]
