"""Fuzz every target for the same time; prints a line of JSON each.

python -m tests.fuzz --minutes 60
python -m tests.fuzz --target decoding --seed 0 --case 123    one case again
"""

import argparse
import json
import logging
import sys

from tests.fuzz import run
from tests.fuzz.targets import TARGETS

parser = argparse.ArgumentParser(
    prog="python -m tests.fuzz",
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
parser.add_argument("--minutes", type=float, default=2, help="of all targets together")
parser.add_argument("--target", choices=TARGETS, action="append")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--case", type=int, help="the number of one case")
options = parser.parse_args()
logging.getLogger("streamlit").setLevel(logging.ERROR)
names = options.target or list(TARGETS)
seconds = 60 * options.minutes / len(names) if options.case is None else 0
failed = False
for name in names:
    report = run(TARGETS[name], seconds, options.seed, options.case or 0)
    failed |= bool(report.failures)
    print(json.dumps({"target": name, "seed": options.seed} | vars(report)), flush=True)
sys.exit(failed)
