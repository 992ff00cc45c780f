"""How the stacks of a recording take their steps: one by one, compiled, or as CUDA graphs."""

from collections.abc import Callable, Sequence

from dynviz.errors import DynvizError
from dynviz.task import Batch
from dynviz.training.block import (
    LONGEST,
    BlockFunction,
    BlockProgram,
    TensorFunction,
    block_inputs,
    length,
)
from dynviz.training.compilation import CompiledFunction, check_compiler
from dynviz.training.cuda_graph import CapturedFunction
from dynviz.training.lane_stack import LaneStack
from dynviz.training.lane_stacks import LaneStacks
from dynviz.training.operators import operators
from dynviz.training.samples import SampleBuffers, Sampler
from dynviz.training.step_values import Phase, StepValues
from dynviz.training.steppers import RuleStepper, Stepper

MOST_COMPILED = 10
"""Steps of a compiled block at most: twice as many take twice as long to compile, and are hardly faster."""
MOST_OPERATORS = 1300
"""About how many operators a compiled block has at most: a deep network's are compiled for minutes otherwise."""


def block_functions(
    lanes: LaneStacks, samples: Sequence[SampleBuffers], label: str, *, compiled: bool
) -> tuple[BlockFunction | None, ...]:
    """How each stack takes several steps at once; None where it takes them one by one.

    Args:
        lanes: The stacks.
        samples: What is recorded of each stack.
        label: Of the recording, for an error.
        compiled: Whether steps shall be compiled.

    Raises:
        DynvizError: They cannot be compiled.
    """
    if compiled:
        check_compiler(lanes.device)
    return tuple(
        _block_function(stack, stepper, buffers, label, compiled=compiled)
        for stack, stepper, buffers in zip(lanes.stacks, lanes.steppers, samples, strict=True)
    )


def warm(lanes: LaneStacks, blocks: Sequence[BlockFunction | None], report: Callable[[str], None]) -> None:
    """Compile before training, on its first state, which stays as it is.

    Args:
        lanes: The stacks.
        blocks: What `block_functions` gave where steps shall be compiled.
        report: Is told what is done.

    Raises:
        DynvizError: They cannot be compiled.
    """
    for stack, stepper, block in zip(lanes.stacks, lanes.steppers, blocks, strict=True):
        if block is not None:
            report("compiling the steps (kept for the next run)")
            block.function(block_inputs(stack, stepper, 0, stack.batches(0, block.length)))


def _block_function(
    stack: LaneStack, stepper: Stepper, samples: SampleBuffers, label: str, *, compiled: bool
) -> BlockFunction | None:
    captured = stack.device.type == "cuda"
    if not (compiled or captured):
        return None
    if not isinstance(stepper, RuleStepper):
        if compiled:
            raise DynvizError(
                f"the steps of {label} cannot be compiled, for its class takes them itself; leave out --compile"
            )
        return None
    # What is drawn for a batch is drawn outside of the block.
    batch = stack.batches(0, 1)[0]
    step = operators(lambda: _one_step(stack, stepper, batch))
    if compiled and step.draws:
        raise DynvizError(
            f"the steps of {label} cannot be compiled, for they draw random numbers; leave out --compile, or draw them "
            "in the scenario's batches"
        )
    captured = captured and not (step.waits or step.draws)
    if not (compiled or captured):
        return None
    most = min(MOST_COMPILED, max(MOST_OPERATORS // step.count, 1)) if compiled else LONGEST
    program = block_program(stack, stepper, samples, most, captured=captured)
    function: TensorFunction = CompiledFunction(program, label) if compiled else program
    return BlockFunction(program.length, CapturedFunction(function) if captured else function)


def block_program(
    stack: LaneStack, stepper: RuleStepper, samples: SampleBuffers, most: int, *, captured: bool
) -> BlockProgram:
    """The longest block of steps that suits what is sampled.

    Args:
        stack: The lanes.
        stepper: Their optimizer.
        samples: What is recorded.
        most: Steps at most.
        captured: Whether nothing within a block may wait for the device.
    """
    # A copy of the stack: it measures anew, where the stack itself may still hold what it measured before training.
    probed = stack.standing_in(stack.theta, stack.buffers, stack.constants)
    values = StepValues(probed, stepper, 0, stack.batches(0, 1)[0])
    between: set[int] = set()
    within = {every for sampler in samples.at(*Phase.within_step()) for every in sampler.everies}
    for sampler in samples.at(Phase.STATE):
        (between if _is_apart(sampler, values, captured=captured) else within).update(sampler.everies)
    return BlockProgram(stack, stepper, samples, length(most, between, within))


def _is_apart(sampler: Sampler, values: StepValues, *, captured: bool) -> bool:
    """Whether samples cannot be read within a block: that takes long, or waits for the device."""
    if sampler.apart:
        return True
    reading = operators(lambda: sampler.read(values))
    return reading.draws or (captured and reading.waits)


def _one_step(stack: LaneStack, stepper: RuleStepper, batch: Batch) -> None:
    alone = stepper.standing_in(stepper.varying, dict(stepper.state()))
    gradient = stack.standing_in(stack.theta, stack.buffers, stack.constants).gradient(batch)[1]
    if alone.perturb is not None:
        gradient = gradient + alone.perturb(gradient, 1)
    alone.step(stack.theta, gradient, 1)
