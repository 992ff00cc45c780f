"""Transformations of optax, by name: `optax.adamw`, `optax.contrib.muon`."""

import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

from dynviz.errors import DynvizError, unknown

PREFIX = "optax."
NUMBERS = ("float", "int", "bool", "str")


def check(name: str) -> None:
    """Check that optax is installed, without importing it.

    Raises:
        DynvizError: It is not installed.
    """
    if importlib.util.find_spec("optax") is None:
        raise DynvizError(f"{name} needs optax, which is not installed; install it with: pip install 'dynviz[optax]'")


def function(name: str) -> Callable[..., Any]:
    """The function of `optax.NAME` that makes a transformation.

    The name may come from anybody, in a recording or a picture: it leads to public functions of optax and nowhere else.

    Raises:
        DynvizError: optax is not installed, or has no such function.
    """
    check(name)
    import optax

    short = name.removeprefix(PREFIX)
    found: Any = optax
    for part in short.split("."):
        inside = inspect.ismodule(found) and found.__name__.partition(".")[0] == optax.__name__
        found = getattr(found, part, None) if inside and not part.startswith("_") else None
    if not inspect.isfunction(found) or found.__module__.partition(".")[0] != optax.__name__:
        raise unknown("optax transformation", short, [one for one in dir(optax) if one[0].islower()])
    return found


def find(name: str) -> type:
    """The transformation as a class like those of torch.optim, whose options are the function's arguments.

    Args:
        name: `optax.NAME`.

    Raises:
        DynvizError: There is none, or it takes something that cannot be written, such as another transformation.
    """
    made_by = function(name)
    from dynviz.plugins.optax_optimizer import named

    options = {}
    for option, parameter in inspect.signature(made_by).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD) or (
            required and not any(kind in str(parameter.annotation) for kind in NUMBERS)
        ):
            raise DynvizError(
                f"{name} takes {option}, which cannot be written; give dynviz.from_optax(...) to dynviz.run instead"
            )
        if required or type(parameter.default) in (bool, int, float, str) or parameter.default is None:
            # Learning rates may be schedules there, and are numbers here.
            options[option] = parameter.replace(
                kind=inspect.Parameter.KEYWORD_ONLY,
                annotation=_kind(parameter),
            )
    return named(made_by, name, options)


def _kind(parameter: inspect.Parameter) -> Any:
    if parameter.default is None:
        return Any
    return float if parameter.default is inspect.Parameter.empty else type(parameter.default)
