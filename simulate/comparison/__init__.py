"""Why estimates differ: cases side by side on common uniforms, and their change split over its causes."""

from simulate.comparison.cases import Case, cases_of, default_name
from simulate.comparison.compare import compare

__all__ = ["Case", "cases_of", "compare", "default_name"]
