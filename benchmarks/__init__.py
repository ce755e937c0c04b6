"""Speed and memory, each measured against a named alternative in the same run: `python -m benchmarks --help`."""
