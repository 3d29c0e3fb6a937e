"""The reference: words that are no quantities, explained from the registries and docstrings that the code works by."""
