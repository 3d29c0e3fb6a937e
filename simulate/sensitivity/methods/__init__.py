"""Methods, a file each: how the effect of a prior is measured. A new method is a module with a `METHOD`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.registry import Registry

if TYPE_CHECKING:  # the names of the methods must not wait for numpy
    from simulate.sensitivity.method import Method

METHODS: Registry[Method] = Registry("simulate.sensitivity.methods", "METHOD", "method")
