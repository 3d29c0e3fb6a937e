"""The economics of serving and training a large language model, as functions wired by name."""

from simulate.model.models import HEADLINE, MODELS, quantities

__all__ = ["HEADLINE", "MODELS", "quantities"]
