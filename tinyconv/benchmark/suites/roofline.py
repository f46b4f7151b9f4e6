"""How far each kernel is from what the machine can do.

A kernel that computes F operations on B bytes takes at least F / peak and at least B / bandwidth.
Both roofs are measured here: multiply-adds on numbers in the nearest cache, and copies of many
sizes, since what fits into a cache is read faster. Williams, Waterman & Patterson 2009, "Roofline".
"""
from dataclasses import replace

from ..case import OURS, Case, Finding
from ..sides.roofline import operations
from ..summary import geometric_mean
from .kernels import convolutions, others
from .suite import Suite

KIB = 2 ** 10
SIZES = [64 * KIB * 4 ** i for i in range(7)]              # 64 KiB … 256 MiB
PEAK, COPY = "multiply-adds", "copy"


def _every():
    yield Case(PEAK, "numbers in the nearest cache", "multiply_add", {}, "GFLOP/s",
               operations() / 1e9, (OURS,), flops=operations(), seconds=1.0)
    for size in SIZES:
        name = f"{size // KIB} KiB" if size < KIB ** 2 else f"{size // KIB ** 2} MiB"
        yield Case(COPY, name, "copy", {"nbytes": size}, "GB/s", size / 1e9, (OURS,), bytes=size,
                   seconds=1.0)
    for case in (*convolutions(), *others()):
        rate = case.flops or case.bytes
        yield replace(case, sides=(OURS,), unit="GFLOP/s" if case.flops else "GB/s",
                      amount=rate / 1e9, target=None)


def roofs(entries):
    """The peak in GFLOP/s, and the bandwidths {bytes: GB/s}."""
    done = [e for e in entries if "median" in e["sides"].get(OURS, {})]
    peak = [e["sides"][OURS]["median"] for e in done if e["group"] == PEAK]
    copies = {e["bytes"]: e["sides"][OURS]["median"] for e in done if e["group"] == COPY}
    return (peak[0] if peak else None), copies


def share(entry, peak, copies):
    """The part (0 … 1) of the lower roof that a kernel reaches.

    The bandwidth is that of the copy whose size is nearest.
    """
    bandwidth = copies[min(copies, key=lambda size: abs(size.bit_length()
                                                        - int(entry["bytes"]).bit_length()))]
    least = max(entry["flops"] / peak, entry["bytes"] / bandwidth) / 1e9       # seconds
    work = entry["flops"] or entry["bytes"]
    return least / (work / 1e9 / entry["sides"][OURS]["median"])


def shares(entries):
    """[(entry, share)] of all kernels that were measured; empty where a roof is missing."""
    peak, copies = roofs(entries)
    if peak is None or not copies:
        return []
    return [(e, share(e, peak, copies)) for e in entries
            if e["group"] not in (PEAK, COPY) and "median" in e["sides"].get(OURS, {})]


def _findings(entries):
    found, groups = shares(entries), {}
    for entry, part in found:
        kind = (f"convolution, {entry['arguments']['part']}" if entry["work"] == "conv"
                else entry["work"].replace("_", " "))
        groups.setdefault(kind, []).append(part)
    return [Finding(f"{kind} ({len(parts)}): geometric mean of the share of the roof",
                    100 * geometric_mean(parts), "%") for kind, parts in groups.items()]


ROOFLINE = Suite("roofline", "distance from the peak and the bandwidth of this machine", _every,
                 _findings)
