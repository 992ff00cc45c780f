"""Where a run trains."""

import contextlib
import platform
from collections.abc import Iterator

import torch

from dynviz.errors import DynvizError


def find(name: str) -> torch.device:
    """The device of this name: `auto` (CUDA where there is one, else the CPU), `cpu`, `cuda` or `cuda:N`.

    Raises:
        DynvizError: There is no such device here.
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


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread of torch, which is fastest for tasks of this size, and give back what was set."""
    threads = torch.get_num_threads()
    settle()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)


def settle() -> None:
    """Make the present thread one that computes alone.

    Numbers below 1e-38 become 0: a softmax that has become sharp is full of them, they change nothing that is
    recorded, and a processor takes many times as long for each.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
