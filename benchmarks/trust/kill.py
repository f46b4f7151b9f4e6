"""Kill a training run at random moments (SIGKILL): is a step that was saved ever lost?

    python benchmarks/trust/kill.py               200 times
    python benchmarks/trust/kill.py --kills 25 --json

Each trial starts a run that saves a checkpoint after every step, kills it at a moment drawn evenly
from its whole duration (what is over by then does not count), looks at what is left, and resumes
it; every third one is killed again while it resumes. In the end weights, metrics and last
checkpoint must be those of the run that nobody killed, bit for bit. The runs are those of the
command line, in processes that are forked from this one so that they need not import anything; only
figures are not drawn.
"""
import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from result import keep

from tinyconv import data
from tinyconv.__main__ import main as tinyconv
from tinyconv.atomic import litter
from tinyconv.checkpoint import CheckpointError, read_checkpoint, series
from tinyconv.training import figures

RUN = ["train", "mlp", "--limit", "90", "--epochs", "3", "--batch-size", "15",
       "--checkpoint-every", "1", "--threads", "1"]
TIMES = "seconds", "images_per_second"           # all else in metrics.jsonl must be the same


def started(arguments, told=None):
    """Fork a process that runs this command line; each step it has saved it writes to `told`."""
    child = os.fork()
    if child:
        return child
    with open(os.devnull, "w", encoding="utf-8") as sys.stdout:
        sys.stderr = sys.stdout
        figures.curves = figures.confusion = lambda *_: b""
        save = series.save_next

        def save_and_tell(folder, step, state):
            save(folder, step, state)
            if told is not None:
                os.write(told, step.to_bytes(8, "little"))
        series.save_next = save_and_tell
        os._exit(tinyconv(arguments))


def run_to_its_end(*arguments):
    """The exit status of the command line."""
    return os.waitstatus_to_exitcode(os.waitpid(started(list(arguments)), 0)[1])


def killed(moment, *arguments):
    """Run the command line and kill it after so many seconds: the last step it said it had saved,
    and whether it was alive until then."""
    ear, mouth = os.pipe()
    child = started(list(arguments), mouth)
    os.close(mouth)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(ear, "rb") as file:
        told = file.read()
    return int.from_bytes(told[-8:], "little") if told else None, status == -signal.SIGKILL


def outcome(folder):
    """All that must be the same, whether a run was killed or not."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    step = series.steps(folder)[-1]
    state = read_checkpoint(folder / f"checkpoint-{step}.safetensors")
    arrays = {f"{part}/{name}": value.tobytes() for part in ("model", "optimizer")
              for name, value in _arrays(state[part])}
    return {"weights": (folder / "weights.safetensors").read_bytes(), "step": step,
            "metrics": [{k: v for k, v in r.items() if k not in TIMES} for r in records],
            "generators": state["generators"], **arrays}


def _arrays(tree, path=""):
    if hasattr(tree, "tobytes"):
        yield path, tree
    elif isinstance(tree, (dict, list)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _arrays(value, f"{path}/{key}")


def trial(folder, moments, expected):
    """One run, killed once for each of the moments; returns what went wrong, as a list, how often
    it was killed before it was over, and how often a file was being written at that moment."""
    faults, saved, kills, amid = [], None, 0, 0
    for moment in moments:
        begun = folder.is_dir() and series.steps(folder)
        told, alive = killed(moment, *(["train", "--resume", str(folder)] if begun
                                       else [*RUN, "--out", str(folder)]))
        saved = saved if told is None else told
        faults += damage(folder, saved)
        kills += alive
        amid += bool(folder.is_dir() and litter(folder))
    begun = folder.is_dir() and series.steps(folder)
    status = run_to_its_end(*(["train", "--resume", str(folder)] if begun
                              else [*RUN, "--out", str(folder)]))
    if status:
        faults.append(f"the run that was resumed ended with status {status}")
        return faults, kills, amid
    found = outcome(folder)
    faults += [f"{key} is not that of the unbroken run" for key in expected
               if found.get(key) != expected[key]]
    if litter(folder):
        faults.append("there are unfinished files left")
    return faults, kills, amid


def damage(folder, saved):
    """What is wrong with the checkpoints that a killed run has left, the last saved at `saved`."""
    steps = series.steps(folder) if folder.is_dir() else []
    if saved is not None and (not steps or steps[-1] < saved):
        yield f"step {saved} was saved and is lost"
    for step in steps:
        try:
            read_checkpoint(folder / f"checkpoint-{step}.safetensors")
        except CheckpointError as error:
            yield str(error)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print, and keep nothing")
    args = parser.parse_args()
    data.load_both("digits")         # drawn once, for all processes
    chance, faults, kills, trials, amid = random.Random(args.seed), [], 0, 0, 0
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        if run_to_its_end(*RUN, "--out", str(place / "first")):          # compiles what is needed
            sys.exit("the run does not work at all")
        begin = time.monotonic()
        run_to_its_end(*RUN, "--out", str(place / "unbroken"))
        duration = time.monotonic() - begin
        expected = outcome(place / "unbroken")
        while kills < args.kills:
            folder = place / f"{trials}"
            count = min(1 + (trials % 3 == 2), args.kills - kills)
            moments = [chance.uniform(0, duration) for _ in range(count)]
            problems, hit, unfinished = trial(folder, moments, expected)
            faults += [f"run {trials}, killed after {moments} s: {fault}" for fault in problems]
            kills, trials, amid = kills + hit, trials + 1, amid + unfinished
    found = {"kills": kills, "amid a save": amid, "runs": trials, "faults": faults,
             "seconds of a run": round(duration, 2)}
    if args.json:
        print(json.dumps(found))
        sys.exit(1 if faults else 0)
    for fault in faults:
        print(fault)
    result = (f"{len(faults)} faults" if faults else
              f"0 checkpoints lost; {trials} of {trials} runs end with the bits of the unbroken one")
    keep("kill", f"training runs killed (SIGKILL) at {kills} random moments, {amid} of them amid "
         "the writing of a file, and resumed", result, not faults, found)


if __name__ == "__main__":
    main()
