"""The device on which a run trains."""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator

import numpy as np
import torch

import dynviz
from dynviz.errors import DynvizError
from dynviz.training import openblas, randomness


def versions() -> dict[str, str]:
    """The versions of what computes a run's numbers."""
    return {
        "dynviz": dynviz.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def find(name: str) -> torch.device:
    """The device with this name: `auto` (CUDA if available, else the CPU), `cpu`, `cuda` or `cuda:N`.

    Raises:
        DynvizError: The device does not exist here.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    family, _, index = name.partition(":")
    if family != "cuda" or (index and not index.isdecimal()):
        raise DynvizError(f"no device named {name!r}; devices are auto, cpu, cuda and cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(index or 0) >= count:
        there = f"there are {count}" if count else "there is none"
        raise DynvizError(f"no CUDA device for --device {name}: {there} that this torch can use; --device cpu works")
    return torch.device("cuda", int(index or 0))


def describe(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


@contextlib.contextmanager
def reproducible() -> Iterator[None]:
    """Compute with one thread and separate global generators, and restore the previous settings afterwards.

    One thread is fastest for tasks of this size, and results depend on it, because a sum over several threads is
    rounded differently. Everything whose results are stored therefore runs under it: building tasks, training, probes,
    projections. Threads started meanwhile must each call `settle`.
    """
    threads, flushes = torch.get_num_threads(), _flushes()
    settle()
    try:
        with openblas.one_thread(), randomness.kept():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushes)


def settle() -> None:
    """Set up the current thread to compute with a single thread.

    Numbers below 1e-38 become 0: a sharp softmax is full of them, they do not affect any recorded value, and processors
    take many times longer for each.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def _flushes() -> bool:
    """Whether the present thread takes numbers that are too small for full precision as 0; torch does not tell."""
    return sys.float_info.min * 0.5 == 0.0
