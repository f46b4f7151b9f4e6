"""What a script of this folder found: kept as results/trust-FIGURE.json and shown in the README."""
import json
import subprocess
import sys
import time
from pathlib import Path

from tinyconv import machine
from tinyconv.atomic import write_atomically

BENCHMARKS = Path(__file__).parents[1]
FORMAT = 1
began = time.monotonic()


def keep(figure, what, found, good, details=None):
    """Write the file, print what was found, fill the table of the README; exit 1 if not `good`.

    `what` was done and `found` are one line of words and numbers each, for the table.
    """
    document = {"format": FORMAT, "figure": figure, "what": what, "found": found,
                "good": bool(good), "command": " ".join(["python", *_shown(sys.argv)]),
                "seconds": round(time.monotonic() - began),
                "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "commit": machine.commit(), "machine": machine.describe(),
                "versions": machine.versions(), "details": details or {}}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(BENCHMARKS / "results" / f"trust-{figure}.json", text.encode())
    print(f"{what}: {found}")
    subprocess.run([sys.executable, str(BENCHMARKS / "readme.py")], check=True)
    sys.exit(0 if good else 1)


def _shown(words):
    """The command line as one types it at the root of the repository."""
    return [f"benchmarks/trust/{Path(words[0]).name}", *words[1:]]
