"""Transferring the state of training to other lanes or another optimizer: what is kept, and what is new."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from dynviz.rule import NOISE, State
from dynviz.training.chained import parts
from dynviz.training.lane_stack import LaneStack
from dynviz.training.lane_stacks import LaneStacks
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.steppers import RuleStepper, Stepper
from dynviz.training.torch_stepper import TorchStepper

Tree: TypeAlias = Any
WHOLE = ""
"""The unit of a rule that sees all parameters in one row."""


class Inheritance:
    """What lanes inherit from the lanes of another recording.

    Attributes:
        report: What happened to each part of the optimizer's state, by name: `kept`, `new`, or `dropped` if only the
            parent has it.
    """

    def __init__(self, parent: LaneStacks, state: Sequence[Tree], *, keep: bool, changed: Mapping[str, Any]) -> None:
        """Take a state apart.

        Args:
            parent: The lanes to which it belongs.
            state: The state from `LaneStacks.state`.
            keep: Whether to keep the optimizer's state as far as it fits.
            changed: Hyperparameters that override those in the state of a PyTorch optimizer.
        """
        self.report: dict[str, str] = {}
        self._keep, self._changed = keep, changed
        self._lanes: dict[int, tuple[Stepper, Tree]] = {}
        for stack, stepper, tree in zip(parent.stacks, parent.steppers, state, strict=True):
            for place, lane in enumerate(stack.lanes):
                self._lanes[lane] = stepper, _one_lane(stack, stepper, tree, place)

    def state(self, child: LaneStacks, origins: Sequence[int]) -> list[Tree]:
        """The state from which other lanes continue.

        Args:
            child: The lanes.
            origins: For each of them, the lane of the parent that it continues.
        """
        states = []
        for stack, stepper in zip(child.stacks, child.steppers, strict=True):
            parents = [self._lanes[origins[lane]] for lane in stack.lanes]
            theta = _together([tree["theta"] for _, tree in parents], stack)
            buffers = _together([tree["buffers"] for _, tree in parents], stack)
            states.append({"theta": theta, "buffers": buffers, "optimizer": self._optimizer(stack, stepper, parents)})
        return states

    def _optimizer(self, stack: LaneStack, stepper: Stepper, parents: Sequence[tuple[Stepper, Tree]]) -> Tree:
        if isinstance(stepper, RuleStepper):
            return _together([self._of_rule(stack.layout, stepper, *parent) for parent in parents], stack)
        assert isinstance(stepper, TorchStepper)
        own = stepper.state()
        return [self._of_class(stepper, parent, fresh) for parent, fresh in zip(parents, own, strict=True)]

    def _drop(self, parent: Stepper, tree: Tree) -> None:
        """Report the parts of the parent's state that the child has not."""
        rule = isinstance(parent, RuleStepper)
        for name in (name for tensors in tree["optimizer"].values() for name in tensors) if rule else ("rest",):
            if name != NOISE:
                self.report.setdefault(name, "dropped")

    def _of_rule(self, layout: ParameterLayout, stepper: RuleStepper, parent: Stepper, tree: Tree) -> dict[str, State]:
        """The state of one lane of a rule: tensors of equal name, shape and dtype are kept."""
        fresh = stepper.fresh(tree["theta"])
        kept = _by_parameter(layout, parent, tree["optimizer"]) if isinstance(parent, RuleStepper) else {}
        if stepper.whole:
            kept = _in_one_row(layout, kept)
        states: dict[str, State] = {}
        for unit, tensors in fresh.items():
            states[unit] = {}
            for name, tensor in tensors.items():
                other = kept.get(unit, {}).get(name)
                fits = other is not None and (other.shape, other.dtype) == (tensor.shape, tensor.dtype)
                states[unit][name] = other if self._keep and fits and other is not None else tensor
                if name != NOISE:
                    self.report[name] = "kept" if self._keep and fits else "new"
        self._drop(parent, tree)
        return states

    def _of_class(self, stepper: TorchStepper, parent: tuple[Stepper, Tree], fresh: Tree) -> Tree:
        """The state of one lane of a class of torch's kind: all of it of the same class, and none of another."""
        before, tree = parent
        same = isinstance(before, TorchStepper) and _kinds(before) == _kinds(stepper)
        kept = self._keep and same
        self.report["all"] = "kept" if kept else "new"
        if not kept:
            self._drop(before, tree)
            return fresh
        state = dict(tree["optimizer"])
        # Values that were changed win: load_state_dict would bring the old ones back.
        state["param_groups"] = [
            {**group, **{name: value for name, value in self._changed.items() if name in group}}
            for group in state["param_groups"]
        ]
        return state


def _kinds(stepper: TorchStepper) -> list[type]:
    return [type(part) for part in parts(stepper.optimizers[0])]


def _one_lane(stack: LaneStack, stepper: Stepper, tree: Tree, place: int) -> Tree:
    if stack.single:
        optimizer = tree["optimizer"] if isinstance(stepper, RuleStepper) else tree["optimizer"][0]
        return {**tree, "optimizer": optimizer}

    def one(value: Tree) -> Tree:
        return pytree.tree_map(lambda tensor: tensor[place], value)

    optimizer = one(tree["optimizer"]) if isinstance(stepper, RuleStepper) else tree["optimizer"][place]
    return {"theta": one(tree["theta"]), "buffers": one(tree["buffers"]), "optimizer": optimizer}


def _together(trees: Sequence[Tree], stack: LaneStack) -> Tree:
    """The trees of several lanes as one, with the lanes in front; of a lane alone its own."""
    if stack.single:
        return pytree.tree_map(lambda tensor: tensor.clone(), trees[0])
    return pytree.tree_map(lambda *tensors: torch.stack(tensors), *trees)


def _by_parameter(layout: ParameterLayout, stepper: RuleStepper, state: Mapping[str, State]) -> dict[str, State]:
    """The state of one lane by parameter; what is not of the parameters' shape stays with the whole row."""
    if not stepper.whole:
        return {unit: dict(tensors) for unit, tensors in state.items()}
    states: dict[str, State] = {name: {} for name in layout.shapes}
    states[WHOLE] = {}
    for name, tensor in state.get(WHOLE, {}).items():
        states[WHOLE][name] = tensor
        if tensor.shape == (sum(layout.sizes),):
            for parameter, part in layout.views(tensor).items():
                states[parameter][name] = part.clone()
    return states


def _in_one_row(layout: ParameterLayout, state: Mapping[str, State]) -> dict[str, State]:
    """The tensors that every parameter has in its own shape, joined as the parameters are."""
    row: dict[str, Tensor] = dict(state.get(WHOLE, {}))
    first = next(iter(layout.shapes), WHOLE)
    for name in state.get(first, {}):
        parts = {parameter: state[parameter].get(name) for parameter in layout.shapes}
        if name not in row and all(
            part is not None and tuple(part.shape) == layout.shapes[parameter] for parameter, part in parts.items()
        ):
            row[name] = layout.join({parameter: part for parameter, part in parts.items() if part is not None})
    return {WHOLE: row}
