"""What is computed on a device by kernels of its own, on arrays of a module that has cupy's `RawModule`."""

from simulate.device.launches import Bins, Parts, Tally, add_multiple, on_score_lines, on_word_lines, tally, with_kernel

__all__ = ["Bins", "Parts", "Tally", "add_multiple", "on_score_lines", "on_word_lines", "tally", "with_kernel"]
