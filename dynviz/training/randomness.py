"""The global generators of torch, NumPy and Python, seeded so that foreign code depends on seed and step alone."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


def seed(number: int, step: int, device: torch.device) -> None:
    """Seed all global generators for a step of a lane, independently of any other lanes.

    Args:
        number: The lane's seed.
        step: The training step; 0 before the first one.
        device: The device whose generator is seeded in addition to that of the CPU.
    """
    mixed = (number * 0x9E3779B97F4A7C15 + step) % 2**63
    # The generators themselves: torch.manual_seed takes 120 us, these 1.
    for generator in _torch_generators(device):
        generator.manual_seed(mixed)
    np.random.seed(mixed % 2**32)  # noqa: NPY002
    random.seed(mixed)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Restore all global generators afterwards; too slow to be used at each step."""
    devices = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    states = [
        (generator, generator.get_state())
        for device in [torch.device("cpu"), *devices]
        for generator in _torch_generators(device)[-1:]
    ]
    legacy, plain = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield
    finally:
        for generator, state in states:
            generator.set_state(state)
        np.random.set_state(legacy)  # noqa: NPY002
        random.setstate(plain)


def drawn() -> tuple[object, ...]:
    """The states of the CPU's global generators, to detect whether something draws from them."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    return (
        bytes(torch.default_generator.get_state().numpy()),
        name,
        np.asarray(keys).tobytes(),
        *rest,
        random.getstate(),
    )


def _torch_generators(device: torch.device) -> list[torch.Generator]:
    generators = [torch.default_generator]
    if device.type == "cuda" and torch.cuda.is_available():
        generators.append(torch.cuda.default_generators[device.index or 0])
    return generators
