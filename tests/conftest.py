"""What many tests share: priors files written and read in one step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulate.priors import Priors, load_priors


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Priors]:
    """Write the text of a priors file and load it: `load(text, "pue=1.1")`.

    A name writes a further file beside it, for `extends` or to compare: `load(text, name="two")`. The path is
    `priors.path`. Where no file is needed, or a fixture lives longer, `load_priors(text)` reads the text itself.
    """

    def loaded(text: str, *overrides: str, name: str = "priors") -> Priors:
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return load_priors(path, overrides)

    return loaded
