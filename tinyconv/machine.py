"""What a result depends on besides the code: the machine and the versions of everything beneath."""
import os
import platform
from importlib import metadata
from pathlib import Path

VERSION = "0.1.0"


def machine():
    """System, processor, cores this process may use, and memory in GiB, as far as can be told."""
    return {"system": platform.system(), "processor": _processor(), "cores": _cores(),
            "memory_gib": _memory()}


def versions(*others):
    """The versions of Python, of this package, of what its results depend on, and of `others`."""
    found = {"python": platform.python_version(), "tinyconv": VERSION}
    for name in ("numpy", "numba", "llvmlite", *others):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _memory():
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
