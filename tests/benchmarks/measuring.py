"""How the benchmarks measure: two ways in turns, medians, and the memory at the peak."""

from __future__ import annotations

import gc
import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

Call = Callable[[], object]

WARM_UP = 2  # calls of each before the clock starts
LEAST_ROUNDS, MOST_ROUNDS = 5, 200
LEAST_SAMPLE_S = 0.5e-3  # quicker calls are timed several at a time, far above the clock's grain
STATUS = Path("/proc/self/status")
RESET_PEAK = Path("/proc/self/clear_refs")
# Freed memory goes back to the system at once, so that what stays resident is what is in use.
MEMORY_SETTINGS = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: medians and quartiles of as many rounds of ours, theirs, compiled."""

    ours_s: float
    theirs_s: float
    ours_quartiles_s: tuple[float, float]
    theirs_quartiles_s: tuple[float, float]
    rounds: int
    compiled_s: float | None = None
    compiled_quartiles_s: tuple[float, float] | None = None


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was given; the CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def seconds(call: Call, n_calls: int, device: torch.device) -> float:
    """Return the wall time of one call, the mean over a few in a row."""
    synchronize(device)
    start = time.perf_counter()
    for _ in range(n_calls):
        call()
    synchronize(device)
    return (time.perf_counter() - start) / n_calls


def interleaved(
    ours: Call, theirs: Call, device: torch.device, budget_s: float, compiled: Call | None = None
) -> Timing:
    """Time calls in turns, each first as often as last, until the budget is spent."""
    calls = (ours, theirs) if compiled is None else (ours, theirs, compiled)
    for call in calls:
        for _ in range(WARM_UP):
            call()
    first = [seconds(call, 1, device) for call in calls]
    n_calls = [max(1, math.ceil(LEAST_SAMPLE_S / max(taken, 1e-7))) for taken in first]
    samples: list[list[float]] = [[] for _ in calls]
    sides = range(len(calls))
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + budget_s
        while len(samples[0]) < MOST_ROUNDS:
            if len(samples[0]) >= LEAST_ROUNDS and time.perf_counter() > end:
                break
            for side in sides if len(samples[0]) % 2 else reversed(sides):
                samples[side].append(seconds(calls[side], n_calls[side], device))
    finally:
        gc.enable()
    medians = [statistics.median(side) for side in samples]
    quarters = [statistics.quantiles(side, n=4, method="inclusive") for side in samples]
    quartiles = [(low, high) for low, _, high in quarters]
    return Timing(
        ours_s=medians[0],
        theirs_s=medians[1],
        ours_quartiles_s=quartiles[0],
        theirs_quartiles_s=quartiles[1],
        rounds=len(samples[0]),
        compiled_s=None if compiled is None else medians[2],
        compiled_quartiles_s=None if compiled is None else quartiles[2],
    )


def peak_bytes(call: Call, device: torch.device) -> int | None:
    """Return how much memory one call needs at its peak beyond what was in use before it.

    On the CPU it is resident memory as the system counts it, so it holds everything: tensors, and
    what a library takes beside PyTorch's allocator. Where the system has no such count, None.
    The process must run under MEMORY_SETTINGS. On CUDA it is what PyTorch's allocator gave out.
    """
    call()  # what is made once, such as an optimiser's state, is in use before
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    if device.type != "cpu" or not RESET_PEAK.exists():
        return None
    try:
        RESET_PEAK.write_text("5")  # the peak becomes what is resident now
    except OSError:
        return None
    before = _resident_bytes("VmRSS")
    call()
    return max(0, _resident_bytes("VmHWM") - before)


def _resident_bytes(field: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return 1024 * int(line.split()[1])
    raise ValueError(f"{STATUS} must have a line {field}, got none")


def cpu_model() -> str:
    """Return what the processor calls itself."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
