"""How the stacks of a recording take their steps: one by one, compiled, or as CUDA graphs."""

from collections.abc import Callable, Sequence

from dynviz.errors import DynvizError
from dynviz.training.captured import Captured
from dynviz.training.compiled import Compiled, check_compiler
from dynviz.training.crew import Crew
from dynviz.training.operators import operators
from dynviz.training.program import LONGEST, Function, Program, given, length
from dynviz.training.stack import Stack
from dynviz.training.steppers import RuleStepper, Stepper
from dynviz.training.tape import Measured, Tapes

COMPILED = 10
"""Steps of a compiled block at most: twice as many take twice as long to compile, and are hardly faster."""
OPERATORS = 1300
"""About how many operators a compiled block has at most: a deep network's are compiled for minutes otherwise."""
Way = tuple[Program, Function] | None
"""A program and what stands for it when it is compiled or captured; None where steps are taken one by one."""


def ways(crew: Crew, tapes: Sequence[Tapes], label: str, *, compiled: bool) -> tuple[Way, ...]:
    """How each stack takes its steps.

    Args:
        crew: The lanes.
        tapes: What is sampled of each stack.
        label: Of the recording, for an error.
        compiled: Whether steps shall be compiled.

    Raises:
        DynvizError: They cannot be compiled.
    """
    if compiled:
        check_compiler(crew.device)
    return tuple(
        _way(stack, stepper, each, label, compiled=compiled)
        for stack, stepper, each in zip(crew.stacks, crew.steppers, tapes, strict=True)
    )


def warm(crew: Crew, found: Sequence[Way], says: Callable[[str], None]) -> None:
    """Compile before training, on its first state, which stays as it is.

    Args:
        crew: The lanes.
        found: What `ways` gave where steps shall be compiled.
        says: Hears what is done.

    Raises:
        DynvizError: They cannot be compiled.
    """
    for stack, stepper, way in zip(crew.stacks, crew.steppers, found, strict=True):
        if way is not None:
            program, function = way
            says("compiling the steps (kept for the next run)")
            function(given(stack, stepper, 0, stack.batches(0, program.length)))


def _way(stack: Stack, stepper: Stepper, tapes: Tapes, label: str, *, compiled: bool) -> Way:
    captured = stack.device.type == "cuda"
    if not (compiled or captured):
        return None
    if not isinstance(stepper, RuleStepper):
        if compiled:
            raise DynvizError(
                f"the steps of {label} cannot be compiled, for its class takes them itself; leave out --compile"
            )
        return None
    step = operators(lambda: _one_step(stack, stepper))
    captured = captured and not step.waits
    if not (compiled or captured):
        return None
    most = min(COMPILED, max(OPERATORS // step.count, 1)) if compiled else LONGEST
    found = program(stack, stepper, tapes, most, captured=captured)
    function: Function = Compiled(found, label) if compiled else found
    return found, Captured(function) if captured else function


def program(stack: Stack, stepper: RuleStepper, tapes: Tapes, most: int, *, captured: bool) -> Program:
    """The longest block of steps that suits what is sampled.

    Args:
        stack: The lanes.
        stepper: Their optimizer.
        tapes: What is sampled.
        most: Steps at most.
        captured: Whether nothing within a block may wait for the device.
    """
    apart = {id(each): _apart(stack, each, captured=captured) for each in tapes.probes}
    before = [every for each in tapes.probes for every in each.every if apart[id(each)]]
    before += [tape.every for tape in tapes.states.tapes.values()]
    within = [every for each in tapes.probes for every in each.every if not apart[id(each)]]
    rows = [tapes.loss, tapes.gradient, tapes.perturbation, *tapes.parameters, *tapes.terms.values()]
    within += [tape.every for tape in rows if tape is not None]
    return Program(stack, stepper, tapes, length(most, before, within))


def _apart(stack: Stack, each: Measured, *, captured: bool) -> bool:
    """Whether a probe cannot be measured within a block: it takes long, or waits for the device."""
    if each.aside is not None:
        return True
    batch = stack.batches(0, 1)[0]
    return captured and operators(lambda: stack.measure(each.probe, batch)).waits


def _one_step(stack: Stack, stepper: RuleStepper) -> None:
    alone = stepper.standing_in(stepper.varying, dict(stepper.state()))
    batch = stack.batches(0, 1)[0]
    gradient = stack.standing_in(stack.theta, stack.buffers, stack.constants).gradient(batch)[1]
    if alone.perturb is not None:
        gradient = gradient + alone.perturb(gradient, 1)
    alone.step(stack.theta, gradient, 1)
