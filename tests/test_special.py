"""Special functions: scipy's own, without the package around them."""

import subprocess
import sys

import pytest
from scipy import special as public

from simulate import special

FEW = 30  # modules of scipy's; all of scipy.special has 70


def printed(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("name", special.__all__)
def test_they_are_the_public_ones(name):
    assert getattr(special, name) is getattr(public, name)


def test_their_package_is_not_run():
    loaded, heavy = printed(
        "import sys, simulate.special\n"
        "print(sum(name.startswith('scipy') for name in sys.modules), 'numpy.f2py' in sys.modules)"
    )
    assert int(loaded) < FEW
    assert heavy == "False"


@pytest.mark.parametrize(
    "use",
    [
        "import scipy.special; print(scipy.special.expit(0.0))",
        "from scipy.special import expit; print(expit(0.0))",
        "from scipy.special import *; print(expit(0.0))",
        "import scipy.optimize; print(scipy.special._ufuncs.expit(0.0))",
    ],
)
def test_who_wants_the_package_has_all_of_it(use):
    whole = "print('scipy.special._basic' in sys.modules)"
    assert printed(f"import simulate.special, sys; {whole}; {use}; {whole}") == ["False", "0.5", "True"]


def test_a_package_that_is_there_is_left_as_it_is():
    assert printed(
        "import scipy.special as package, simulate.special, sys; print(sys.modules['scipy.special'] is package)"
    ) == ["True"]
