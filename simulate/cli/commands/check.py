"""`simulate check`: what a priors file says, and what is wrong with it."""

from simulate.cli.options import Source


def command(source: Source) -> None:
    """Check a priors file and print its priors.

    Nothing is run. The exit code is 0 where all is well, else 2 with a line for each fault, 20 at most.

    \b
    Example:
      simulate check priors/base.toml
    """  # noqa: D301
    from simulate.explaining import priors_sections
    from simulate.layout import print_sections

    print_sections(priors_sections(source.load()))
