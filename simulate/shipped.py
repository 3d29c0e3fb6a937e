"""The priors files that ship with the package, which every question and `extends` reach by name."""

from pathlib import Path

# In a wheel the priors files lie inside the package, in a checkout beside it.
PACKAGED = Path(__file__).parent / "data" / "priors"
SHIPPED = PACKAGED if PACKAGED.is_dir() else Path(__file__).parents[1] / "priors"


def shipped() -> dict[str, Path]:
    """The priors files that ship with the package, by their names."""
    return {file.stem: file for file in sorted(SHIPPED.glob("*.toml"))}


def shipped_file(name: str) -> Path | None:
    """The file of this name, with or without its ending, that ships with the package; None for no such name."""
    path = SHIPPED / f"{name.removesuffix('.toml')}.toml"
    try:
        return path if Path(name).name == name and path.is_file() else None
    except (OSError, ValueError):  # of a name too long for any file, say
        return None
