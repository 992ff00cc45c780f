"""Steps of an optax transformation."""

import contextlib
import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dynviz.errors import DynvizError, in_words, unknown
from dynviz.plugins import optax_names
from dynviz.plugins.spec import Spec
from dynviz.training.parameter_layout import ParameterLayout


def is_optax(text: str) -> bool:
    """Whether a text names an optax transformation."""
    return text.startswith(optax_names.PREFIX)


class OptaxStep:
    """Steps of `optax.NAME:option=value`, in the dtype of the parameters.

    Attributes:
        values: Its arguments, the defaults too.
    """

    def __init__(self, spec: Spec, layout: ParameterLayout, theta: Tensor) -> None:
        """Make the transformation.

        Raises:
            DynvizError: optax is not installed, has no such function, or it refuses its arguments.
        """
        function = optax_names.function(spec.name)
        known = inspect.signature(function).parameters
        given = {option: _value(text) for option, text in spec.options.items()}
        for option in given:
            if option not in known:
                raise unknown(f"option of {spec.name}", option, known)
        try:
            self._transformation = function(**given)
        except (TypeError, ValueError) as error:
            raise DynvizError(f"{spec.name}: {in_words(error)}") from error
        import jax
        import optax

        if not isinstance(self._transformation, optax.GradientTransformation):
            raise DynvizError(f"{spec.name} makes no transformation of gradients")

        defaults = {key: one.default for key, one in known.items() if one.default is not inspect.Parameter.empty}
        self.values: Mapping[str, Any] = {**defaults, **given}
        self._layout, self._double = layout, theta.dtype == torch.float64
        with self._precision():
            self._state = self._transformation.init(self._tree(theta))
            # As training scripts do; else loops inside of it are compiled anew at every step.
            self._update = jax.jit(self._transformation.update)

    @contextlib.contextmanager
    def _precision(self) -> Iterator[None]:
        import jax

        with jax.enable_x64(self._double):
            yield

    def _tree(self, row: Tensor) -> dict[str, Any]:
        import jax.numpy as jnp

        return {name: jnp.asarray(value.detach().numpy()) for name, value in self._layout.views(row).items()}

    def _row(self, tree: Mapping[str, Any]) -> Tensor:
        return self._layout.join({name: torch.from_numpy(np.array(value)) for name, value in tree.items()})

    def step(self, theta: Tensor, gradient: Tensor, t: int) -> tuple[Tensor, Mapping[str, Tensor]]:  # noqa: ARG002
        """The parameters after a step; the step is one term."""
        import optax

        with self._precision():
            parameters = self._tree(theta)
            updates, self._state = self._update(self._tree(gradient), self._state, parameters)
            after = self._row(optax.apply_updates(parameters, updates))
            return after, {"step": self._row(updates)}

    def state(self) -> Mapping[str, Tensor]:
        """The parts of its state that have the parameters' shapes."""
        import jax

        with self._precision():
            leaves: dict[str, dict[str, Any]] = {}
            for path, leaf in jax.tree_util.tree_flatten_with_path(self._state)[0]:
                *fields, parameter = (str(getattr(key, "name", getattr(key, "key", ""))) for key in path)
                if self._layout.shapes.get(parameter) == np.shape(leaf):
                    leaves.setdefault(next(filter(None, reversed(fields)), "state"), {})[parameter] = leaf
            return {name: self._row(tree) for name, tree in leaves.items() if len(tree) == len(self._layout.shapes)}


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None, "inf": math.inf}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
