"""Speed and memory against a named alternative in the same run: `python -m benchmarks --help`."""
