"""What is compared: an optimizer of any kind, with its parameters, terms and state in rows."""

import contextlib
import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from dynviz import plugins
from dynviz.difference.optax_step import OptaxStep, is_optax
from dynviz.errors import DynvizError
from dynviz.plugins.spec import parse
from dynviz.recording.metadata import Lane
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.plan import RecordingPlan, check_optimizer, hyperparameters
from dynviz.training.steppers import RuleStepper
from dynviz.training.torch_stepper import TorchStepper

CANONICAL: Mapping[str, str] = {
    "exp_avg": "m",
    "mu": "m",
    "exp_avg_sq": "v",
    "nu": "v",
    "square_avg": "v",
    "momentum_buffer": "velocity",
    "trace": "velocity",
    "sum": "v",
    "exp_inf": "u",
}
"""Names that the same state tensor has elsewhere."""


class Steps(Protocol):
    """An optimizer that makes steps.

    Attributes:
        values: Its hyperparameters.
    """

    values: Mapping[str, Any]

    def step(self, theta: Tensor, gradient: Tensor, t: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The parameters after step t (from 1), and the terms of the step, in rows."""
        ...

    def state(self) -> Mapping[str, Tensor]:
        """State tensors of the parameters' shapes, in rows, by their names here."""
        ...


class PluginSteps:
    """A rule, or a class of torch's kind."""

    def __init__(self, plugin: plugins.Plugin, layout: ParameterLayout, theta: Tensor, evaluate: Any = None) -> None:
        check_optimizer(plugin)
        known = hyperparameters(plugin, {})
        plan = RecordingPlan(
            scenario=plugin,
            optimizer=plugin,
            label=plugin.label,
            order=0,
            hyperparameters=known,
            lanes=(Lane(0),),
            steps=1,
        )
        self.values: Mapping[str, Any] = {name: value.value for name, value in known.items()}
        self._layout = layout
        fixed = plan.values()
        if plan.is_torch:
            if plan.is_factory:
                raise DynvizError(f"{plugin.name} makes optimizers by parameter; diff compares single ones")
            self._stepper: Any = TorchStepper(
                lambda parameters: plugin.target(parameters, **fixed),
                plugin.name,
                layout,
                theta,
                schedules=plan.schedules(),
                evaluate=evaluate,
            )
        else:
            self._stepper = RuleStepper(plugin.target(**fixed), {}, layout, theta, schedules=plan.schedules())

    @property
    def evaluates(self) -> bool:
        """Whether its steps evaluate the loss themselves."""
        return self._stepper.perturb is not None or bool(getattr(self._stepper, "closure", False))

    def step(self, theta: Tensor, gradient: Tensor, t: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        after, terms = self._stepper.step(theta, gradient, t)
        return after, terms

    def state(self) -> Mapping[str, Tensor]:
        kept = self._stepper.state()
        if isinstance(self._stepper, TorchStepper):
            optimizer = self._stepper.optimizers[0]
            pieces = [dict(optimizer.state.get(one, {})) for one in self._stepper.parameters[0]]
            kept = dict(zip(self._layout.shapes, pieces, strict=True))
        elif "" in kept:
            return {name: value for name, value in kept[""].items() if value.numel() == sum(self._layout.sizes)}
        names = dict.fromkeys(name for state in kept.values() for name in state)
        return self._rows({name: {key: state.get(name) for key, state in kept.items()} for name in names})

    def _rows(self, states: Mapping[str, Mapping[str, Any]]) -> dict[str, Tensor]:
        """Those state tensors that all parameters have in their own shape."""
        return {
            name: self._layout.join(values)
            for name, values in states.items()
            if all(
                isinstance(value, Tensor) and tuple(value.shape) == self._layout.shapes[key]
                for key, value in values.items()
            )
        }


def canonical(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State tensors by one name each, whatever library they are of."""
    return {CANONICAL.get(name.rsplit(".", 1)[-1], name): value for name, value in state.items()}


def candidate(text: str, layout: ParameterLayout, theta: Tensor) -> Steps:
    """Make what a text names: a rule, a class, a file, a file at a git revision, `optax.NAME`.

    Raises:
        DynvizError: It is none of these, or needs more than gradients.
    """
    if is_optax(text):
        return OptaxStep(parse(text), layout, theta)
    with _at_revision(text) as plain:
        steps = PluginSteps(plugins.load("optimizers", plain), layout, theta)
    if steps.evaluates:
        raise DynvizError(f"{text} evaluates the loss elsewhere than at the parameters; diff gives it gradients alone")
    return steps


@contextlib.contextmanager
def _at_revision(text: str) -> Iterator[str]:
    """The text with a path that exists: of `./mine.py@HEAD~1:lr=0.1` the file's folder as it was at that revision."""
    path, sign, rest = text.partition(".py@")
    if not sign:
        yield text
        return
    revision, colon, options = rest.partition(":")
    file = Path(f"{path}.py").expanduser()
    folder = file.parent
    # The folder is enough: a file imports its neighbours.
    done = subprocess.run(
        ["git", "-C", os.fspath(folder), "archive", "--format=tar", revision, "."], capture_output=True, check=False
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise DynvizError(f"{file} at {revision}: {reason[-1] if reason else 'git failed'}")
    with tempfile.TemporaryDirectory(prefix="dynviz-") as there:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(there, filter="data")
        earlier = Path(there) / file.name
        if not earlier.is_file():
            raise DynvizError(f"there is no {file.name} in {folder} at {revision}")
        try:
            yield f"{earlier}{colon}{options}"
        except DynvizError as error:
            # The copy is gone when the words are read.
            raise DynvizError(str(error).replace(os.fspath(earlier), f"{file} at {revision}")) from error
