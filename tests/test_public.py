"""The public interface, pinned: what a script may import, and what it gets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import simulate

BASE = Path(__file__).parent.parent / "priors" / "base.toml"


def test_the_exported_names_are_these():
    assert simulate.__all__ == ["Priors", "PriorsError", "__version__", "draws", "load_priors", "run"]
    for name in simulate.__all__:
        assert getattr(simulate, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'sample'"):
        simulate.sample  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, simulate; print([m for m in ('numpy', 'xarray', 'scipy', 'pydantic') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_a_script_gets_bands_and_draws():
    priors = simulate.load_priors(BASE)
    bands = simulate.run(priors, scenarios=4096, percentiles=[50], quantities=["capex"])
    assert bands["capex"].attrs["units"] == "USD"
    assert bands["capex"].attrs["ancillary_variables"].split()[0] == "capex_se"
    assert float(bands["capex"].sel(percentile=50)) > 1e6
    assert simulate.draws(priors, scenarios=1000)["capex"].shape == (1000,)
