"""Honest bands on the cost of large language models: priors in, percentile bands out."""

__version__ = "0.1.0"
