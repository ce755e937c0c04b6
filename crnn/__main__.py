"""`python -m crnn`: the same as the command `crnn`."""

import sys

from crnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
