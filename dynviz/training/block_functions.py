"""How the stacks of a recording take their steps: one by one, traced, compiled, or as CUDA graphs."""

from collections.abc import Callable, Sequence

from dynviz.errors import DynvizError
from dynviz.task import Batch
from dynviz.training.block import (
    LONGEST,
    BlockFunction,
    BlockProgram,
    FunctionByNames,
    TensorFunction,
    block_inputs,
    length,
)
from dynviz.training.compilation import CompiledFunction, check_compiler, has_compiler
from dynviz.training.cuda_graph import CapturedFunction
from dynviz.training.lane_stack import LaneStack
from dynviz.training.lane_stacks import LaneStacks
from dynviz.training.operators import Operators, operators
from dynviz.training.samples import SampleBuffers, Sampler
from dynviz.training.step_values import Phase, StepValues
from dynviz.training.steppers import RuleStepper, Stepper
from dynviz.training.tracing import TracedFunction

MOST_COMPILED = 10
"""Steps of a compiled block at most: twice as many take twice as long to compile, and are hardly faster."""
MOST_OPERATORS = 1300
"""About how many operators a compiled block has at most: a deep network's are compiled for minutes otherwise."""
LONG = 1_000_000
"""Steps over all lanes from which compiling pays by itself: training takes minutes then, and compiling seconds."""
TRACED_STEPS = 500
"""Steps of a run from which blocks of them are traced: it takes as long as about a hundred steps."""
TRACED_SHARE = 100
"""Steps of a run for each step of a traced block."""
MOST_TRACED = 1500
"""About how many operators a traced block has."""
SHORT_STEP = 200
"""Operators of a step up to which compiling takes seconds."""


def pays(lanes: LaneStacks, steps: int) -> bool:
    """Whether a run is compiled where nobody says whether it shall be.

    It depends on the run and on what is installed, and on nothing that changes from one run to the next.

    Args:
        lanes: The stacks.
        steps: Of the run.
    """
    if lanes.device.type != "cpu" or not has_compiler():
        return False
    if steps * sum(len(stack.lanes) for stack in lanes.stacks) < LONG:
        return False
    for stack, stepper in zip(lanes.stacks, lanes.steppers, strict=True):
        if not isinstance(stepper, RuleStepper) or stack.draws:
            return False
        step = _operators_of_step(stack, stepper)
        if step.draws or step.waits or step.count > SHORT_STEP:
            return False
    return True


def block_functions(
    lanes: LaneStacks, samples: Sequence[SampleBuffers], label: str, *, steps: int, compiled: bool
) -> tuple[BlockFunction | None, ...]:
    """How each stack takes several steps at once; None for a stack that takes them one by one.

    Args:
        lanes: The stacks.
        samples: The recorded samples of each stack.
        label: The label of the recording, for errors.
        steps: Of the run.
        compiled: Whether to compile steps.

    Raises:
        DynvizError: They cannot be compiled.
    """
    if compiled:
        check_compiler(lanes.device)
    return tuple(
        _block_function(stack, stepper, buffers, label, steps=steps, compiled=compiled)
        for stack, stepper, buffers in zip(lanes.stacks, lanes.steppers, samples, strict=True)
    )


def warm(lanes: LaneStacks, blocks: Sequence[BlockFunction | None], report: Callable[[str], None]) -> None:
    """Compile before training, using the initial state, which is not modified.

    Args:
        lanes: The stacks.
        blocks: The result of `block_functions`, with compiled steps.
        report: Called with what is being done.

    Raises:
        DynvizError: They cannot be compiled.
    """
    for stack, stepper, block in zip(lanes.stacks, lanes.steppers, blocks, strict=True):
        if block is not None:
            report("compiling the steps (kept for the next run)")
            block.function(block_inputs(stack, stepper, 0, stack.batches(0, block.length)))


def _block_function(
    stack: LaneStack, stepper: Stepper, samples: SampleBuffers, label: str, *, steps: int, compiled: bool
) -> BlockFunction | None:
    captured = stack.device.type == "cuda"
    traced = not (compiled or captured or stack.draws) and steps >= TRACED_STEPS
    if not (compiled or captured or traced):
        return None
    if not isinstance(stepper, RuleStepper):
        if compiled:
            raise DynvizError(
                f"the steps of {label} cannot be compiled, because its class computes them itself; leave out --compile"
            )
        return None
    step = _operators_of_step(stack, stepper)
    if compiled and step.draws:
        raise DynvizError(
            f"the steps of {label} cannot be compiled, because they draw random numbers; leave out --compile, or "
            "draw them in the scenario's batches"
        )
    if traced:
        if step.draws:
            return None
        program = block_program(
            stack, stepper, samples, min(max(MOST_TRACED // step.count, 1), LONGEST), captured=False
        )
        return BlockFunction(program.length, FunctionByNames(lambda: TracedFunction(program)), exact=True)
    captured = captured and not (step.waits or step.draws)
    if not (compiled or captured):
        return None
    stepper.take_as_tensors()
    most = min(MOST_COMPILED, max(MOST_OPERATORS // step.count, 1)) if compiled else LONGEST
    program = block_program(stack, stepper, samples, most, captured=captured)

    def make() -> TensorFunction:
        function: TensorFunction = CompiledFunction(program, label) if compiled else program
        return CapturedFunction(function) if captured else function

    return BlockFunction(program.length, FunctionByNames(make))


def block_program(
    stack: LaneStack, stepper: RuleStepper, samples: SampleBuffers, most: int, *, captured: bool
) -> BlockProgram:
    """The longest block of steps that is compatible with sampling.

    Args:
        stack: The lanes.
        stepper: Their optimizer.
        samples: What is recorded.
        most: The maximum number of steps.
        captured: Whether operations within a block must not wait for the device.
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


def _operators_of_step(stack: LaneStack, stepper: RuleStepper) -> Operators:
    # What is drawn for a batch, and for a rule that requests noise, is drawn outside of the block.
    batch = stack.batches(0, 1)[0]
    stepper.step_inputs(1, 1)
    return operators(lambda: _one_step(stack, stepper, batch))


def _one_step(stack: LaneStack, stepper: RuleStepper, batch: Batch) -> None:
    alone = stepper.standing_in(stepper.varying, dict(stepper.state()))
    gradient = stack.standing_in(stack.theta, stack.buffers, stack.constants).gradient(batch)[1]
    if alone.perturb is not None:
        gradient = gradient + alone.perturb(gradient, 1)
    alone.step(stack.theta, gradient, 1)
