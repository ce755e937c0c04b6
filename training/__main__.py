"""`python -m training`; see training.cli."""

import logging
import sys
import warnings

from training.cli import main

if __name__ == "__main__":
    # Lightning repeats its advertisements, and the reason why each run ended, for every run.
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    # Every resumed run has a folder; a split without validation has none to load.
    warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
    warnings.filterwarnings("ignore", "Total length of `list` across ranks is zero")
    warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")
    sys.exit(main())
