"""What is wrong with priors files, and what stands behind what they say."""

from simulate.checking.check import MANY, check_run, checked_file, checked_files, named_files

__all__ = ["MANY", "check_run", "checked_file", "checked_files", "named_files"]
