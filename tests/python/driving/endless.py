"""A sampling loop without an end, for tests that kill it or its debugger: writes a position a step, and masks all again
where none is left. Arguments: a file to record into, or -; then a file that gets the generated region after each step.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python"))

import demask

MASK, LENGTH = 0, 12
record, told = sys.argv[1:3]
x = [MASK] * LENGTH
with open(told, "w", buffering=1) as steps, demask.debug(
    mask=MASK, eos=1, name="endless", record=None if record == "-" else record, quiet=True
) as dbg:
    dbg.knob("token", 5, 2, 9)
    while True:
        token = int(dbg.knob("token", 5, 2, 9))
        x = [MASK] * LENGTH if MASK not in x else x
        x[x.index(MASK)] = token
        x = dbg.step(x)
        steps.write(json.dumps(x) + "\n")
