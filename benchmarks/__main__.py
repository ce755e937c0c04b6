"""Measure and print as JSON.

speed       both distributions of a track against librosa's mel spectrogram
under_load  the same track alone and beside busy processes, with threads that spin or sleep
lab         a moved slider of the augmentation lab against librosa's mel spectrogram
why         another class explained, against one prediction and one patch at a time; deletion tests
scale       training against a plain loop with librosa; ×1, ×4, ×16 data (--out: DIR/scale.json)
runtime     both networks by ONNX Runtime against PyTorch: parity, time, memory, start
collections seconds a file of 10, 100 and 1,000 files; songs; a million rows (alone on the machine)
opening     an example and a new track on Listen: the server's CPU time against the analysis's
memory      the served app: first page, 40 tracks in a row, long ones, 20 visitors (needs Chromium)
classroom   40 students answer ten questions in a room of the quiz (needs Chromium)
live        Live's spectrograms and predictions in Chromium against the library's; time, bytes
hostile     each file of --inputs DIR uploaded while another visitor opens an example (Chromium)
lesson      the Lab's lesson rehearsed in Chromium; screenshots and worksheet in --out DIR
"""

import argparse
import json
import os
from pathlib import Path

# As the app and the command line do, before PyTorch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

parser = argparse.ArgumentParser(
    prog="python -m benchmarks",
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
CHOICES = [
    "speed",
    "under_load",
    "lab",
    "why",
    "scale",
    "runtime",
    "collections",
    "opening",
    "memory",
    "classroom",
    "live",
]
parser.add_argument("what", nargs="*", choices=[*CHOICES, "hostile", "lesson"], default=CHOICES)
parser.add_argument(
    "--out",
    type=Path,
    metavar="DIR",
    help="for scale: where Results finds it, assets/results; for lesson: an empty folder",
)
parser.add_argument("--inputs", type=Path, metavar="DIR", help="for hostile")
options = parser.parse_args()
for what in options.what:
    if what == "speed":
        from benchmarks.speed import measure

        print(json.dumps(measure(), indent=1))
    elif what == "under_load":
        from benchmarks import load

        print(json.dumps(load.measure(), indent=1))
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
    elif what == "runtime":
        from benchmarks import runtime

        print(json.dumps(runtime.measure(), indent=1))
    elif what == "collections":
        from benchmarks import collections

        print(json.dumps(collections.measure(), indent=1))
    elif what == "opening":
        from benchmarks import opening

        print(json.dumps(opening.measure(), indent=1))
    elif what == "live":
        from benchmarks import live

        print(json.dumps(live.measure(), indent=1))
    elif what == "classroom":
        from benchmarks import classroom

        print(json.dumps(classroom.measure(), indent=1, ensure_ascii=False))
    elif what == "hostile":
        from benchmarks import memory

        print(json.dumps(memory.hostile(options.inputs), indent=1, ensure_ascii=False))
    elif what == "lesson":
        from benchmarks import lesson

        print(json.dumps(lesson.rehearse(options.out), indent=1))
    else:
        from benchmarks import memory

        print(json.dumps({"first page": memory.first_page()}, indent=1))
        print(json.dumps({"many tracks": memory.many_tracks()}))
        print(json.dumps({"long tracks": memory.long_tracks()}, indent=1))
        print(json.dumps({"20 visitors": memory.strangers()}, indent=1))
