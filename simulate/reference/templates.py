"""Templates of priors files: short, commented, and whole, so that they run as they are."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "templates"
USUAL = "serving"


def template_names() -> tuple[str, ...]:
    """What there is a template for, the usual one first."""
    return (USUAL, *sorted({file.stem for file in FOLDER.glob("*.toml")} - {USUAL}))


def template(name: str, file: str = "FILE") -> str:
    """The text of a template, in which the commands of its comments name the file."""
    return (FOLDER / f"{name}.toml").read_text("utf-8").replace("FILE", file)
