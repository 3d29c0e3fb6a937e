"""Priors files: from layers of TOML tables to `Priors`, with errors that name file, line, key and mend.

A file, the files that it extends, overrides and the catalog are layers; the nearest layer wins:
read (`files`) -> check the shape (`schema`) -> merge the layers, check and build (`building`).
"""

from simulate.priors.correlations import Correlation
from simulate.priors.layers import PriorsError, SourceFile
from simulate.priors.loading import choice, load_priors, stated
from simulate.priors.types import Choice, Prior, Priors, Published
from simulate.shipped import SHIPPED, shipped

__all__ = [
    "SHIPPED",
    "Choice",
    "Correlation",
    "Prior",
    "Priors",
    "PriorsError",
    "Published",
    "SourceFile",
    "choice",
    "load_priors",
    "shipped",
    "stated",
]
