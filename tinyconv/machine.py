"""What a result depends on besides the code: processor, memory, versions, commit, other work."""
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

VECTORS = "sse4.2", "avx", "avx2", "fma", "avx512f", "avx512bf16", "neon", "asimd", "sve"
PACKAGES = "numpy", "numba", "llvmlite"
VERSION = "0.1.0"


def describe():
    """The machine, as a dictionary for JSON."""
    return {"processor": _processor(), "cores": cores(), "vectors": _vectors(),
            "kernels": _kernels(), "memory_gib": _memory(), "system": platform.system()}


def cores():
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load():
    """Processes that were running or waiting, averaged over the last minute; None if unknown."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def versions(*others):
    """The versions of Python, of this package, of what its results depend on, and of `others`.

    None stands for what is not installed.
    """
    found = {"python": platform.python_version(), "tinyconv": VERSION}
    for name in (*PACKAGES, *others):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def commit():
    """The commit of the source, with "-dirty" if the package itself (not results, not documents)
    was changed since; None if it is installed."""
    here = Path(__file__).parent
    if not _git(here, "ls-files", "--error-unmatch", "__init__.py"):
        return None                    # not our repository, even if there is one around
    changed = "-dirty" if _git(here, "status", "--porcelain", "--", ".") else ""
    return _git(here, "rev-parse", "--short=12", "HEAD") + changed


def _git(folder, *command):
    try:
        return subprocess.run(["git", "--no-optional-locks", "-C", folder, *command], check=True,
                              capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor():
    """The name of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            facts = dict(map(str.strip, line.split(":", 1)) for line in file if ":" in line)
        model = facts.get("model name") or facts.get("Model")
    except OSError:
        model, facts = None, {}
    if model and "cpu family" in facts:
        model += f" (family {facts['cpu family']}, model {facts['model']})"
    return model or platform.processor() or platform.machine()


def _vectors():
    """The vector instructions it has."""
    from llvmlite.binding import get_host_cpu_features
    features = get_host_cpu_features()
    return [name for name in VECTORS if features.get(name)]


def _kernels():
    """What kernels are compiled for: "host", this processor, unless Numba was told otherwise."""
    from numba import config
    if config.DISABLE_JIT:
        return "plain Python"
    return " ".join(filter(None, (config.CPU_NAME, config.CPU_FEATURES))) or "host"


def _memory():
    """Memory in GiB, or None if unknown."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30, 1)
    except (AttributeError, ValueError, OSError):
        return None
