"""The process of one side: a request a line comes in, an answer a line goes out, both JSON.

    {"work": "conv", "arguments": {…}, "measure": "time", "seconds": 0.5, "least": 5}
    {"parts": {"conv": {"quartiles": [q1, median, q3], "samples": 31}}, "fingerprint": […]}

`measure` is "time" (see `clock`), "memory" (do the work `least` times; answer with the most memory
the process ever held) or "first" (do it once, in a process that was started for it: whoever started
it has the clock). What goes wrong comes back as {"error": …}.
"""
import gc
import json
import os
import sys

from . import clock


def serve(lib, works):
    """Answer requests for the works {name: function(lib, **arguments) → Work} until there are no
    more."""
    answers = _standard_output()
    for line in sys.stdin:
        try:
            answer = _answer(lib, works, json.loads(line))
        except Exception as error:               # whatever it is, the other side wants to know
            answer = {"error": _describe(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        gc.collect()                             # the next work begins with a clean slate


def _standard_output():
    """Standard output for answers alone: what libraries print goes to standard error from now."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _answer(lib, works, request):
    lib.begin()
    work = works[request["work"]](lib, **request["arguments"])
    if request["measure"] == "first":
        for part in work.parts.values():
            part()
        return {}
    if request["measure"] == "memory":
        for _ in range(request["least"]):
            for part in work.parts.values():
                part()
        return {"bytes": peak_memory(), "fingerprint": work.fingerprint()}
    samples = clock.measure(work, request["seconds"], request["least"])
    return {"parts": {name: {"quartiles": clock.quartiles(s), "samples": len(s)}
                      for name, s in samples.items()},
            "fingerprint": work.fingerprint()}


def _describe(error):
    """An error in one line; errors of compilers are long."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text[:300]


def peak_memory():
    """The most memory this process ever held, in bytes.

    Linux: not `ru_maxrss`, which begins with what the parent held when it started this process.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            held = next(line for line in file if line.startswith("VmHWM:"))
        return int(held.split()[1]) * 1024
    except (OSError, StopIteration):
        import resource
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
