"""Special functions of scipy's, without the rest of their package.

`import scipy.special` takes 0.2 s, nearly all of it for other array libraries, numpy's tests and f2py among what these
bring along; the compiled functions take a tenth of that. So the package is put in place without being run, and runs as
a whole once somebody asks for more of it.
"""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """A package that runs when it is first asked for a name other than those of its compiled modules."""

    def __getattr__(self, name: str) -> Any:
        self.__class__ = ModuleType  # type: ignore[assignment]
        assert self.__spec__ is not None
        assert self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


if "scipy.special" not in sys.modules:
    _spec = find_spec("scipy.special")
    assert _spec is not None
    _package = module_from_spec(_spec)
    _package.__class__ = _Later
    sys.modules["scipy.special"] = _package

from scipy.special._ufuncs import (  # noqa: E402
    bdtr,
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    ndtr,
    ndtri,
    pdtrik,
    stdtrit,
)

__all__ = [
    "bdtr",
    "betainc",
    "betaincc",
    "betainccinv",
    "betaincinv",
    "gammainc",
    "gammaincc",
    "gammainccinv",
    "gammaincinv",
    "ndtr",
    "ndtri",
    "pdtrik",
    "stdtrit",
]
