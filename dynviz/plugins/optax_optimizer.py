"""A transformation of optax as a `torch.optim.Optimizer`, for runs and for scripts of one's own."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, overload

import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from dynviz.errors import DynvizError, in_words
from dynviz.plugins import optax_names

Parameters: TypeAlias = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]
SCRIPT = "__main__"
LEAF = "leaf"


class OptaxOptimizer(torch.optim.Optimizer):
    """Steps of a transformation; made by `from_optax`, which says which.

    All parameters are one tree, so that transformations such as `optax.clip_by_global_norm` see them together. A
    parameter without a gradient has a gradient of zero.

    Attributes:
        transformation: The transformation.
        advance: Function of (parameters, gradients, state, extra arguments) to the parameters and the state after a
            step, compiled once for all instances.
    """

    transformation: Any
    advance: Callable[..., Any]

    def __init__(self, params: Parameters) -> None:
        """Start with the state that the transformation begins with.

        Args:
            params: Parameters, named or not, or groups of them; their options mean nothing to optax.

        Raises:
            DynvizError: There is a complex parameter.
        """
        import jax

        super().__init__(params, {})
        groups = self.param_groups
        self._own: list[Tensor] = [parameter for group in groups for parameter in group["params"]]
        if any(parameter.is_complex() for parameter in self._own):
            raise DynvizError("complex parameters cannot be given to optax")
        given = [name for group in groups for name in group.get("param_names", [])]
        self._names = given or [f"parameter{number:06}" for number in range(len(self._own))]
        self._double = any(parameter.dtype == torch.float64 for parameter in self._own)
        with self._precision():
            state = self.transformation.init(self._arrays(self._own))
            leaves, self._tree = jax.tree_util.tree_flatten(state)
            self._keep(leaves)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Make one step.

        Args:
            closure: Evaluates the loss and its gradients; transformations that take the loss find it as `value`.

        Returns:
            The loss, where a closure told it.

        Raises:
            DynvizError: The transformation needs more than that, such as a function to search along; or a gradient is
                sparse.
        """
        import jax

        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in self._own]
        if any(gradient.is_sparse for gradient in gradients):
            raise DynvizError("sparse gradients cannot be given to optax")
        with self._precision():
            kept = self.state[self._own[0]] if self._own else {}
            state = jax.tree_util.tree_unflatten(self._tree, [_array(kept[name]) for name in kept])
            more = {} if loss is None else {"value": float(loss)}
            try:
                after, state = self.advance(self._arrays(self._own), self._arrays(gradients), state, more)
            except TypeError as error:
                raise DynvizError(f"this transformation of optax cannot make a step: {in_words(error)}") from error
            for name, parameter in zip(self._names, self._own, strict=True):
                parameter.copy_(from_dlpack(after[name]))
            self._keep(jax.tree_util.tree_leaves(state))
        return loss

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; the tree of a transformation's state does not grow later."""
        if hasattr(self, "_own"):
            raise DynvizError("optax's state has the parameters that it began with; groups cannot be added later")
        super().add_param_group(param_group)

    @contextlib.contextmanager
    def _precision(self) -> Iterator[None]:
        import jax

        with jax.enable_x64(self._double):
            yield

    def _arrays(self, tensors: Iterable[Tensor]) -> dict[str, Any]:
        return {name: _array(tensor) for name, tensor in zip(self._names, tensors, strict=True)}

    def _keep(self, leaves: Iterable[Any]) -> None:
        """Keep the state as tensors, of the first parameter, so that `state_dict` has it."""
        if self._own:
            self.state[self._own[0]] = {
                f"{LEAF}{number:03}": from_dlpack(leaf).clone() for number, leaf in enumerate(leaves)
            }


def _array(tensor: Tensor) -> Any:
    """A copy as JAX's array: torch writes into its own in place."""
    import jax.numpy as jnp

    return jnp.array(jnp.from_dlpack(tensor.detach().cpu().contiguous()), copy=True)


def from_optax(transformation: Any, name: str = "optax") -> type[OptaxOptimizer]:
    """A transformation of optax as a class like those of `torch.optim`, for `dynviz.run` and for scripts.

    Args:
        transformation: `optax.adamw(1e-3)`, `optax.chain(...)` or whatever has `init` and `update`.
        name: What the class, and so its recording, is called.

    Raises:
        DynvizError: optax is not installed, or this is no transformation.

    Example:
        >>> import optax, torch
        >>> weight = torch.nn.Parameter(torch.ones(2))
        >>> optimizer = from_optax(optax.sgd(0.5))([weight])
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [0.5, 0.5]
    """
    optax_names.check("from_optax")
    if not (callable(getattr(transformation, "init", None)) and callable(getattr(transformation, "update", None))):
        raise DynvizError(f"an object of type {type(transformation).__name__} is no transformation of optax")
    if not name.isidentifier():
        raise DynvizError(f"{name!r} cannot be the name of a class")
    members = {
        "transformation": transformation,
        "advance": staticmethod(_compiled(transformation)),
        # Like a class that a script defines: another process cannot make it from its name.
        "__module__": SCRIPT,
        "__doc__": OptaxOptimizer.__doc__,
    }
    return type(name, (OptaxOptimizer,), members)


def named(function: Callable[..., Any], name: str, options: Mapping[str, inspect.Parameter]) -> type[OptaxOptimizer]:
    """The class of a function of optax that makes a transformation, which is made with the options of each instance.

    Args:
        function: The function.
        name: `optax.NAME`.
        options: What it takes, by keyword.
    """

    @functools.cache
    def made(given: tuple[tuple[str, Any], ...]) -> tuple[Any, Callable[..., Any]]:
        try:
            transformation = function(**dict(given))
        except (TypeError, ValueError) as error:
            raise DynvizError(f"{name}: {in_words(error)}") from error
        if not callable(getattr(transformation, "update", None)):
            raise DynvizError(f"{name} makes no transformation of gradients")
        return transformation, _compiled(transformation)

    def begin(self: OptaxOptimizer, params: Parameters, **given: Any) -> None:
        self.transformation, self.advance = made(tuple(given.items()))
        OptaxOptimizer.__init__(self, params)

    begin.__annotations__ = {option: parameter.annotation for option, parameter in options.items()}
    subject = inspect.Parameter("params", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    members = {
        "__init__": begin,
        "__signature__": inspect.Signature([subject, *options.values()]),
        "__module__": name.rpartition(".")[0],
        "__doc__": inspect.getdoc(function),
    }
    return type(name.rpartition(".")[2], (OptaxOptimizer,), members)


def _compiled(transformation: Any) -> Callable[..., Any]:
    """The step of a transformation."""
    import jax
    import optax

    whole = optax.with_extra_args_support(transformation)

    def advance(parameters: Any, gradients: Any, state: Any, more: Any) -> Any:
        updates, state = whole.update(gradients, state, parameters, **more)
        return optax.apply_updates(parameters, updates), state

    return jax.jit(advance)
