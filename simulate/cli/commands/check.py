"""`simulate check`: what a priors file says, and what is wrong with it."""

from functools import partial

from simulate.cli.emitting import print_as
from simulate.cli.options import Printed, Source


def command(source: Source, *, output: Printed = "table") -> None:
    """Check a priors file and print its priors.

    Nothing is run. The exit code is 0 where all is well, else 2 with a line for each fault, 20 at most.

    \b
    Examples:
      simulate check priors/base.toml
      simulate check priors/base.toml --format json
    """  # noqa: D301
    from simulate.explaining import checked_plain, priors_sections

    priors = source.load()
    print_as(output, partial(priors_sections, priors), partial(checked_plain, [priors]))
