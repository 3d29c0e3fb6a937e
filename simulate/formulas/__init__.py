"""Formulas of a priors file: `text` takes the units out of what is written, `formula` compiles it, `units` derives."""

from simulate.formulas.formula import Formula, FormulaError, Percentile, formula, visible
from simulate.formulas.text import Units

__all__ = ["Formula", "FormulaError", "Percentile", "Units", "formula", "visible"]
