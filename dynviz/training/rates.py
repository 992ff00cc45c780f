"""The learning rate, and other hyperparameters that change with the step, as numbers to record."""

from collections.abc import Mapping
from dataclasses import field

import torch
from torch import Tensor

from dynviz.frozen import frozen
from dynviz.plugins.schedules import Schedule
from dynviz.training.lane_stack import LaneStack
from dynviz.training.plan import RecordingPlan

ALWAYS = "lr"
"""What can be recorded also where it stays as it is."""


@frozen
class Rates:
    """Values of hyperparameters at each step.

    Attributes:
        schedules: The schedules of hyperparameters that change with the step.
        constants: For other hyperparameters that can be recorded, a number for each lane.
        changed: Values set during training, by name and by lane; None stands for all lanes.
    """

    schedules: Mapping[str, Schedule]
    constants: Mapping[str, tuple[float, ...]]
    changed: dict[str, dict[int | None, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: RecordingPlan) -> "Rates":
        """The values for a recording to be created."""
        values, schedules = plan.values(), plan.schedules()
        lanes = [{**values, **lane.hyperparameters}.get(ALWAYS) for lane in plan.lanes]
        own = ALWAYS in plan.lanes[0].hyperparameters
        if own:
            schedules = {name: schedule for name, schedule in schedules.items() if name != ALWAYS}
        constant = ALWAYS not in schedules and all(isinstance(value, int | float) for value in lanes)
        return cls(schedules, {ALWAYS: tuple(float(value or 0) for value in lanes)} if constant else {})

    def change(self, name: str, lane: int | None, value: float) -> None:
        """Note that a hyperparameter was set, for all lanes or one."""
        if lane is None:
            self.changed[name] = {}
        self.changed.setdefault(name, {})[lane] = value

    @property
    def moving(self) -> dict[str, bool]:
        """Which hyperparameters can be recorded, and whether they change with the step."""
        return {**dict.fromkeys(self.constants, False), **dict.fromkeys(self.schedules, True)}

    def at(self, stack: LaneStack, t: int) -> dict[str, Tensor]:
        """The values used by step t, by name, with a leading dimension for lanes if there are several."""
        # As exact as the arithmetic.
        dtype = torch.float64 if stack.theta.dtype == torch.float64 else torch.float32
        rates = {
            name: torch.tensor([values[lane] for lane in stack.lanes], dtype=dtype)
            for name, values in self.constants.items()
        }
        for name, schedule in self.schedules.items():
            rates[name] = torch.full((len(stack.lanes),), schedule.at(t), dtype=dtype)
        for name, values in self.changed.items():
            if name in rates:
                # What was set for all lanes last has taken the place of what was set for one before.
                kept = rates[name].tolist()
                now = [values.get(lane, values.get(None, kept[place])) for place, lane in enumerate(stack.lanes)]
                rates[name] = torch.tensor(now, dtype=rates[name].dtype)
        return {name: value[0] if stack.single else value for name, value in rates.items()}
