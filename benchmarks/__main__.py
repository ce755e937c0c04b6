"""Measure and print as JSON.

speed     both distributions of a track against librosa's mel spectrogram
lab       a moved slider of the augmentation lab against librosa's mel spectrogram
why       another class explained, against one prediction and one patch at a time; deletion tests
scale     training against a plain loop with librosa; ×1, ×4, ×16 data (--out: DIR/scale.json)
memory    the served app: first page, 40 tracks in a row, 30 sessions at once (needs Chromium)
"""

import argparse
import json
from pathlib import Path

parser = argparse.ArgumentParser(
    prog="python -m benchmarks",
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
CHOICES = ["speed", "lab", "why", "scale", "memory"]
parser.add_argument("what", nargs="*", choices=CHOICES, default=CHOICES)
parser.add_argument(
    "--out", type=Path, metavar="DIR", help="for scale: where Results finds it, assets/results"
)
options = parser.parse_args()
for what in options.what:
    if what == "speed":
        from benchmarks.speed import measure

        print(json.dumps(measure(), indent=1))
    elif what == "lab":
        from benchmarks import lab

        print(json.dumps(lab.measure(), indent=1))
    elif what == "why":
        from benchmarks import why

        print(json.dumps({"seconds for 30 s of audio": why.speed()}, indent=1), flush=True)
        print(json.dumps({"fraction of the probability that is left": why.worth()}, indent=1))
    elif what == "scale":
        from benchmarks import scale

        result = scale.measure()
        print(json.dumps(result, indent=1, ensure_ascii=False))
        if options.out is not None:
            scale.write(result, options.out)
    else:
        from benchmarks import memory

        print(json.dumps({"first page": memory.first_page()}, indent=1))
        print(json.dumps({"many tracks": memory.many_tracks()}))
        print(json.dumps({"30 sessions": memory.many_sessions()}, indent=1))
