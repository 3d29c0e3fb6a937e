"""The model's constants, fitted to what open training runs and published benchmarks report."""
