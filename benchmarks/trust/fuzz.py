"""Mutated files: 100 000 of every kind that tinyconv reads. No crash, no hang, no wrong error.

    python benchmarks/trust/fuzz.py                         some minutes; the figure is kept
    python benchmarks/trust/fuzz.py --cases 2000 --only tar picture       shown, not kept
    python benchmarks/trust/fuzz.py --show tar 1234 > file  the file of case 1234

Each kind is read in a process of its own, which is ended by the system when a file takes 10 s of
the processor, so that neither a crash nor a hang escapes: the parent notes the case and goes on
with the next one. What a case is and what may come of it stands in `mutants.py`.
"""
import argparse
import collections
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import mutants
from result import keep
from tqdm import tqdm

CASES = 100_000
HANG = 10                              # seconds of the processor after which a worker is ended
SLOW_DISKS_APART = "/dev/shm" if Path("/dev/shm").is_dir() else None
MIB = 1 << 20


# ---- in the worker -------------------------------------------------------------------------------

def work(name, first, last, seed):
    """Judge the cases first … last − 1; one line each: number, milliseconds, memory, outcome."""
    with tempfile.TemporaryDirectory(dir=SLOW_DISKS_APART) as folder:
        path = Path(folder) / "file"
        mutants.judge(name, first, path, seed)              # what is imported late is not counted
        before = _most_memory()
        for number in range(first, last):
            signal.setitimer(signal.ITIMER_PROF, HANG)      # its signal ends this process
            outcome, seconds = mutants.judge(name, number, path, seed)
            outcome = " ".join(outcome.split())
            print(number, seconds * 1e3, _most_memory() - before, outcome, flush=True)


def _most_memory():
    """The most memory that this process ever held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


# ---- in the parent -------------------------------------------------------------------------------

def survey(name, cases, seed, bar):
    """What came of all cases of a kind."""
    found = {"refused": 0, "valid": 0, "failures": [], "slowest_ms": 0.0, "memory_mib": 0.0}
    number = 0
    while number < cases:
        command = [sys.executable, __file__, "--work", name, str(number), str(cases), str(seed)]
        with tempfile.TemporaryFile("w+") as errors, subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True) as worker:
            for line in worker.stdout:
                _, milliseconds, memory, outcome = line.rstrip("\n").split(" ", 3)
                found["slowest_ms"] = max(found["slowest_ms"], float(milliseconds))
                found["memory_mib"] = max(found["memory_mib"], float(memory) / MIB)
                if outcome in found:
                    found[outcome] += 1
                else:
                    found["failures"].append(f"{name} {number}: {outcome}")
                number += 1
                bar.update()
            worker.wait()
            errors.seek(0)
            said = errors.read().strip()
        if number < cases or worker.returncode or said:     # nothing may be said beside the error
            end = (signal.strsignal(-worker.returncode) if worker.returncode < 0
                   else f"status {worker.returncode}")
            found["failures"].append(f"{name} {number}: the process ended with {end!r} "
                                     f"{said[-500:]}")
            number += 1
            bar.update()
    return found


def table(kinds):
    """The findings in lines for people."""
    lines = [f"{'':12} {'files':>8} {'refused':>8} {'valid':>8} {'failures':>8} {'slowest':>9} "
             f"{'memory':>9}"]
    for name, found in kinds.items():
        files = found["refused"] + found["valid"] + len(found["failures"])
        lines.append(f"{name:12} {files:8,} {found['refused']:8,} {found['valid']:8,} "
                     f"{len(found['failures']):8,} {found['slowest_ms']:6.0f} ms "
                     f"{found['memory_mib']:5.0f} MiB")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, help=f"files in all (default: {CASES})")
    parser.add_argument("--only", nargs="+", choices=[*mutants.KINDS], help="some kinds of file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", nargs=2, metavar=("KIND", "CASE"), help="write out one file")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        name, first, last, seed = args.work
        work(name, int(first), int(last), int(seed))
        return
    if args.show:
        sys.stdout.buffer.write(mutants.mutant(args.show[0], int(args.show[1]), args.seed)[0])
        return
    names = args.only or [*mutants.KINDS]
    whole, rest = divmod(args.cases or CASES, len(names))
    with tqdm(total=args.cases or CASES, unit=" files") as bar:
        kinds = {}
        for i, name in enumerate(names):
            bar.set_description(name)
            kinds[name] = survey(name, whole + (i < rest), args.seed, bar)
    print(table(kinds))
    total = collections.Counter()
    for found in kinds.values():
        total.update(refused=found["refused"], valid=found["valid"],
                     failures=len(found["failures"]))
        print(*found["failures"][:20], sep="\n", end="\n" * bool(found["failures"]))
    if args.only or args.cases or args.seed:
        sys.exit(1 if total["failures"] else 0)
    slowest = max(found["slowest_ms"] for found in kinds.values())
    keep("fuzz", what=f"{CASES:,} mutated files: {', '.join(names)}",
         found=f"{total['refused']:,} refused with a reason, {total['valid']:,} read rightly, "
               f"{total['failures']} crashes, hangs or wrong errors; the slowest took "
               f"{slowest:.0f} ms, the most memory "
               f"{max(found['memory_mib'] for found in kinds.values()):.0f} MiB",
         good=not total["failures"] and slowest < 1e3 * mutants.LIMIT, details=kinds)


if __name__ == "__main__":
    main()
