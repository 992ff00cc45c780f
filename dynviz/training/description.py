"""The description of a recording to be created, from one measurement of the initial state."""

import dataclasses

import torch
from torch import Tensor

from dynviz.recording import inputs
from dynviz.recording.metadata import Metadata
from dynviz.rule import fallback
from dynviz.task import Channel
from dynviz.training import devices
from dynviz.training.block import LONGEST
from dynviz.training.channels import SampleFormat, info
from dynviz.training.lane_stacks import LaneStacks
from dynviz.training.plan import RecordingPlan, named, sampling
from dynviz.training.samples import grouped
from dynviz.training.step_values import StepValues
from dynviz.training.steppers import RuleStepper
from dynviz.training.trees import to_arrays

CHECKPOINTS = 20
CHECKPOINT_BYTES = 200_000_000
"""How many checkpoints a run keeps, and how much room they may take before there are fewer."""

MAP = "map"
"""The view that suits lanes that differ in hyperparameters, before those of the scenario."""


def available(lanes: LaneStacks) -> dict[str, Channel]:
    """Every channel that these lanes can record, by name."""
    return {source.channel.name: source.channel for source in lanes.sources[0]}


def describe(plan: RecordingPlan, lanes: LaneStacks, created: str) -> Metadata:
    """Measure everything once in the initial state, and describe the recording to be created.

    Raises:
        DynvizError: A probe does not fit its channels, or a request asks for more samples of a constant.
    """
    task, layout = lanes.stacks[0].task, lanes.stacks[0].layout
    known = available(lanes)
    chosen = sampling(plan.requests, {name: (channel.every, channel.on) for name, channel in known.items()})
    formats = _formats(lanes, len(plan.lanes), set(chosen))
    channels = {name: info(known[name], every, formats[name]) for name, every in chosen.items()}
    if all(stack.layout == layout for stack in lanes.stacks):
        for name in (source.channel.name for source in lanes.sources[0] if source.is_row):
            if name in channels:
                channels[name] = dataclasses.replace(channels[name], parts=layout.parts)
    return Metadata(
        scenario=named(plan.scenario, dataclasses.asdict(plan.scenario.make())),
        optimizer=named(plan.optimizer),
        label=plan.label,
        order=plan.order,
        hyperparameters=plan.hyperparameters,
        terms=lanes.steppers[0].terms,
        lanes=plan.lanes,
        steps=plan.steps,
        channels=channels,
        views=((MAP,) if any(lane.hyperparameters for lane in plan.lanes) else ()) + task.views,
        facts=task.facts,
        story=task.story,
        title=task.title,
        what=task.what,
        parameters=layout.shapes,
        fallbacks=_fallbacks(lanes),
        versions=devices.versions(),
        device=str(lanes.device),
        device_name=devices.describe(lanes.device),
        threads=1,
        checkpoint_every=_checkpoint_every(plan.steps, lanes),
        created=created,
        dtype=plan.dtype,
        compiled=plan.compiled,
        inputs=inputs.of(plan.scenario.code + plan.optimizer.code, plan.scenario.data + plan.optimizer.data),
    )


def _fallbacks(lanes: LaneStacks) -> dict[str, str]:
    """What the rule does with each parameter whose shape it is not made for; stacks may differ in this."""
    texts_of: dict[str, list[str]] = {}
    for stepper, stack in zip(lanes.steppers, lanes.stacks, strict=True):
        if isinstance(stepper, RuleStepper):
            for name, shape in stack.layout.shapes.items():
                texts_of.setdefault(name, []).append(fallback(stepper.rule, shape))
    words = {name: " or ".join(dict.fromkeys(filter(None, texts))) for name, texts in texts_of.items()}
    return {name: text for name, text in words.items() if text}


def _formats(lanes: LaneStacks, count: int, chosen: set[str]) -> dict[str, SampleFormat]:
    """The format of every chosen channel, from measuring the state before training."""
    samples: dict[str, list[Tensor]] = {name: [torch.empty(0)] * count for name in chosen}
    for stack, stepper, sources in zip(lanes.stacks, lanes.steppers, lanes.sources, strict=True):
        batch = stack.batches(0, 1)[0]
        values = StepValues.before_training(stack, stepper, batch)
        values.first, values.loss = True, stack.loss(batch)
        for _, together in grouped(source for source in sources if source.channel.name in chosen):
            measured = together[0].read(values)
            for source in together:
                value = source.sample(measured)
                for place, lane in enumerate(stack.lanes):
                    samples[source.channel.name][lane] = value if stack.single else value[place]
    return {
        name: SampleFormat(values[0].dtype, tuple(tuple(value.shape) for value in values))
        for name, values in samples.items()
    }


def _checkpoint_every(steps: int, lanes: LaneStacks) -> int:
    state = sum(array.nbytes for array in to_arrays(lanes.state()).values())
    # A rule's state is about as large at the end as before the first step; torch's classes make theirs later.
    size = max(state, 3 * sum(stack.theta.nbytes for stack in lanes.stacks))
    count = int(min(max(CHECKPOINT_BYTES // size, 2), CHECKPOINTS))
    # Blocks of steps do not reach over a checkpoint.
    return -(-max(steps, 1) // (count * LONGEST)) * LONGEST
