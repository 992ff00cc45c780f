"""What every optimizer of torch's kind has to keep, as one call for test suites."""

import copy
import inspect
import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from dynviz.errors import DynvizError, in_words
from dynviz.plugins import objects
from dynviz.plugins.objects import Given
from dynviz.plugins.schedules import Schedule
from dynviz.training.rule_optimizer import torch_optimizer

Make: TypeAlias = Callable[[Any], torch.optim.Optimizer]
STEPS = 6
LONG = 300


def check_optimizer(optimizer: Given | type, *, skip: Collection[str] = (), **options: Any) -> None:
    """See that an optimizer keeps what scripts rely on.

    It descends; the same steps come out twice, after `state_dict` and `torch.save`; float32, float64 and bfloat16 stay
    what they are; zero gradients make no NaN; parameters without gradients stay; empty and transposed ones work; sparse
    gradients are taken as dense ones are, or refused; groups and schedulers have an effect; a closure's loss is handed
    on.

    Args:
        optimizer: A class of torch's kind, a function of parameters that makes one, a rule, or whatever
            `dynviz run -o` takes: `adamw-l1`, `torch.optim.Adam:lr=1e-2`, `zoo.Lion`, `./mine.py`.
        skip: Names of checks to leave out: `descends`, `repeats`, `state_dict`, `saved`, `dtypes`, `zero_gradients`,
            `no_gradients`, `empty`, `transposed`, `sparse`, `groups`, `scheduler`, `closure`.
        options: Of the optimizer: `lr=1e-3`.

    Raises:
        AssertionError: It does not; all that it does not keep is named.
        DynvizError: There is no such optimizer, it makes several, or has a schedule.
        ValueError: There is no check of a name in `skip`.
    """
    unknown = set(skip) - CHECKS.keys()
    if unknown:
        raise ValueError(f"there is no check {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
    make = _maker(optimizer, options)
    broken = [f"{name}: {words}" for name, check in CHECKS.items() if name not in skip for words in _words(check, make)]
    if broken:
        raise AssertionError("the optimizer does not keep its contract:\n" + "\n".join(broken))


def _maker(optimizer: Any, options: dict[str, Any]) -> Make:
    kind: Any = optimizer
    given: Mapping[str, Any] = {}
    if isinstance(optimizer, str) or hasattr(optimizer, "update"):
        plugin = objects.plugin("optimizers", optimizer)
        if inspect.isfunction(plugin.target):
            raise DynvizError(f"{plugin.name} makes optimizers by parameter; single ones are checked")
        if any(isinstance(value, Schedule) for value in plugin.given.values()):
            raise DynvizError(f"{plugin.name} has a schedule; it is checked as scripts use it, with numbers alone")
        is_torch = isinstance(plugin.target, type) and issubclass(plugin.target, torch.optim.Optimizer)
        kind, given = (plugin.target, plugin.given) if is_torch else (torch_optimizer(optimizer), {})
    return lambda parameters: kind(parameters, **{**given, **options})


def _words(check: Callable[[Make], Iterator[str]], make: Make) -> Iterator[str]:
    """What a check has found, an error that it met included."""
    try:
        yield from check(make)
    except Exception as error:
        yield in_words(error)


def _parameters(dtype: torch.dtype = torch.float64) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((4, 3), (4,), (2, 4))
    return [nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)) for shape in shapes]


def _loss(parameters: Sequence[Tensor], step: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(100 + step)
    x = torch.randn(16, 3, generator=generator, dtype=torch.float64).to(parameters[0].dtype)
    first, offset, second = parameters
    out = torch.tanh(x @ first.T + offset) @ second.T
    return (out - torch.stack([x[:, 0], x[:, 1] * x[:, 2]], dim=1)).square().mean()


def _step(optimizer: torch.optim.Optimizer, closure: Callable[[], Any]) -> None:
    """Make a step of any optimizer: whether closures are taken, and called, is for one check alone to say."""
    closure()
    # Of the class: a scheduler puts a function of its own into the place of the method.
    if len(inspect.signature(type(optimizer).step).parameters) > 1:
        optimizer.step(closure)
    else:
        optimizer.step()


def _steps(
    optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor], steps: range, batch: int | None = None
) -> Tensor:
    for step in steps:

        def closure(step: int = step) -> Any:
            optimizer.zero_grad()
            loss = _loss(parameters, step if batch is None else batch)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        _step(optimizer, closure)
    return torch.cat([parameter.detach().reshape(-1) for parameter in parameters])


def _descends(make: Make) -> Iterator[str]:
    parameters = _parameters()
    before = float(_loss(parameters).detach())
    _steps(make(parameters), parameters, range(LONG), batch=0)
    after = float(_loss(parameters).detach())
    if not after < before:
        yield f"the loss went from {before:.4g} to {after:.4g} in {LONG} steps"


def _repeats(make: Make) -> Iterator[str]:
    ends = []
    for _ in range(2):
        parameters = _parameters()
        torch.manual_seed(0)
        ends.append(_steps(make(parameters), parameters, range(STEPS)))
    if not torch.equal(*ends):
        yield "the same steps gave other parameters"


def _goes_on(make: Make, carry: Callable[[Any], Any]) -> Iterator[str]:
    parameters = _parameters()
    optimizer = make(parameters)
    _steps(optimizer, parameters, range(STEPS))
    others = [nn.Parameter(parameter.detach().clone()) for parameter in parameters]
    again = make(others)
    again.load_state_dict(carry(optimizer.state_dict()))
    torch.manual_seed(0)
    one = _steps(optimizer, parameters, range(STEPS, 2 * STEPS))
    torch.manual_seed(0)
    if not torch.equal(one, _steps(again, others, range(STEPS, 2 * STEPS))):
        yield "it goes on otherwise than one that was not stopped"


def _state_dict(make: Make) -> Iterator[str]:
    yield from _goes_on(make, copy.deepcopy)


def _saved(make: Make) -> Iterator[str]:
    def carry(state: Any) -> Any:
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        return torch.load(file, weights_only=True)

    yield from _goes_on(make, carry)


def _dtypes(make: Make) -> Iterator[str]:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        parameters = _parameters(dtype)
        row = _steps(make(parameters), parameters, range(STEPS))
        if any(parameter.dtype != dtype for parameter in parameters) or not row.isfinite().all():
            yield f"{dtype} does not stay finite, or what it is"


def _zero_gradients(make: Make) -> Iterator[str]:
    parameters = _parameters()
    optimizer = make(parameters)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = sum((0 * parameter).sum() for parameter in parameters)
        loss.backward()  # type: ignore[union-attr]
        return loss

    for _ in range(STEPS):
        _step(optimizer, closure)
    if not all(parameter.isfinite().all() for parameter in parameters):
        yield "parameters are no numbers any more"


def _no_gradients(make: Make) -> Iterator[str]:
    parameters = [*_parameters(), nn.Parameter(torch.ones(3, dtype=torch.float64))]
    _steps(make(parameters), parameters[:3], range(STEPS))
    if not torch.equal(parameters[3].detach(), torch.ones(3, dtype=torch.float64)):
        yield "a parameter without a gradient was changed"


def _empty(make: Make) -> Iterator[str]:
    parameters = [*_parameters(), nn.Parameter(torch.empty(0, dtype=torch.float64))]
    parameters[3].grad = torch.empty(0, dtype=torch.float64)
    optimizer = make(parameters)
    _loss(parameters[:3]).backward()  # type: ignore[no-untyped-call]
    _step(optimizer, lambda: 0.0)
    yield from ()


def _transposed(make: Make) -> Iterator[str]:
    plain = _parameters()
    turned = [
        nn.Parameter(one.detach().T.contiguous().T) if one.ndim == 2 else nn.Parameter(one.detach().clone())
        for one in plain
    ]
    one, other = (_steps(make(parameters), parameters, range(STEPS)) for parameters in (plain, turned))
    if not torch.allclose(one, other, rtol=1e-9, atol=1e-12):
        yield "parameters that are not contiguous step otherwise"


def _sparse(make: Make) -> Iterator[str]:
    ends = []
    for sparse in (False, True):
        torch.manual_seed(0)
        table = nn.Embedding(5, 3, sparse=sparse, dtype=torch.float64)
        optimizer = make(table.parameters())
        table(torch.tensor([0, 2, 3, 1, 4])).square().sum().backward()
        try:
            _step(optimizer, lambda: 0.0)
        except Exception:
            if sparse:
                return  # a refusal
            raise
        ends.append(table.weight.detach())
    if not torch.allclose(ends[0], ends[1]):
        yield "a sparse gradient is taken otherwise than the same one as a dense tensor"


def _groups(make: Make) -> Iterator[str]:
    parameters = _parameters()
    if "lr" not in make(parameters).param_groups[0]:
        return
    lr = float(make(parameters).param_groups[0]["lr"])
    others = _parameters()
    optimizer = make([{"params": others[:1], "lr": 3 * lr}, {"params": others[1:]}])
    rows = [_steps(made, own, range(1)) for made, own in ((make(parameters), parameters), (optimizer, others))]
    if torch.equal(rows[0][:12], rows[1][:12]):
        yield "the learning rate of a group has no effect"
    if not torch.equal(rows[0][12:], rows[1][12:]):
        yield "the learning rate of one group changes another"


def _scheduler(make: Make) -> Iterator[str]:
    rows = []
    for factor in (1.0, 0.25):
        parameters = _parameters()
        optimizer = make(parameters)
        if "lr" not in optimizer.param_groups[0]:
            return
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, factor)
        _steps(optimizer, parameters, range(2))
        scheduler.step()
        rows.append(_steps(optimizer, parameters, range(2, 4)))
    if torch.equal(*rows):
        yield "a scheduler of the learning rate has no effect"


def _closure(make: Make) -> Iterator[str]:
    parameters = _parameters()
    optimizer = make(parameters)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = _loss(parameters)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    expected = float(_loss(parameters).detach())
    loss: Any = optimizer.step(closure)
    got = float(loss.detach()) if isinstance(loss, Tensor) else loss
    if got != expected:
        yield f"step(closure) returns {got}, not the loss {expected} at the parameters before it"


CHECKS: dict[str, Callable[[Make], Iterator[str]]] = {
    "descends": _descends,
    "repeats": _repeats,
    "state_dict": _state_dict,
    "saved": _saved,
    "dtypes": _dtypes,
    "zero_gradients": _zero_gradients,
    "no_gradients": _no_gradients,
    "empty": _empty,
    "transposed": _transposed,
    "sparse": _sparse,
    "groups": _groups,
    "scheduler": _scheduler,
    "closure": _closure,
}
