"""Rules that precondition by matrices: full-matrix AdaGrad, Shampoo, Sketchy, and Frequent Directions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_optimizer import Shampoo as TheirShampoo
from torch import nn

import dynviz
from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.optimizers._sketch import shrink
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.steppers import RuleStepper
from dynviz.views import _null
from tests import network

RULES = ["full-matrix-adagrad", "shampoo", "sketchy"]


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(name, **values):
    return plugins.load("optimizers", name).make(**values)


def time_of(step):
    return torch.tensor(step + 1.0, dtype=torch.float64)


def gradients(values, step):
    leaves = {name: value.clone().requires_grad_() for name, value in values.items()}
    found = torch.autograd.grad(network.loss(leaves, network.batch(step)), list(leaves.values()))
    return dict(zip(leaves, found, strict=True))


def advance(rule, values, states, found, step):
    after, later = {}, {}
    for name, value in values.items():
        terms, later[name] = rule.update(value, found[name], states[name], time_of(step))
        after[name] = value + sum(terms.values())
    return after, later


def started(rule, values):
    return {name: rule.init(value) for name, value in values.items()}


def inverse_root(matrix, power, eps=0.0):
    """By NumPy, as a pseudoinverse where eps is zero."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values + eps > 1e-12 * values.max()
    return (vectors[:, kept] * (values[kept] + eps) ** power) @ vectors[:, kept].T


class FullMatrix:
    """Duchi et al. 2011, from the paper."""

    def __init__(self, lr, eps):
        self.lr, self.eps, self.matrix = lr, eps, 0.0

    def step(self, gradient):
        row = gradient.ravel()
        self.matrix = self.matrix + np.outer(row, row)
        values, vectors = np.linalg.eigh(self.matrix)
        kept = values > 1e-12 * values.max()
        half = (vectors[:, kept] * np.sqrt(values[kept])) @ vectors[:, kept].T
        inside = vectors[:, kept] @ vectors[:, kept].T
        inverse = np.linalg.pinv(inside @ (self.eps * np.eye(len(row)) + half), rcond=1e-10)
        return -self.lr * (inverse @ row).reshape(gradient.shape)

    def state(self):
        return {"statistics": self.matrix}


class Kronecker:
    """Gupta et al. 2018, from the paper: one product of all axes' roots by the gradient in a row."""

    def __init__(self, lr, beta2, eps, interval=1):
        self.lr, self.beta2, self.eps, self.interval = lr, beta2, eps, interval
        self.matrices, self.roots, self.count = None, None, 0

    def step(self, gradient):
        order = gradient.ndim
        unfolded = [np.moveaxis(gradient, axis, 0).reshape(gradient.shape[axis], -1) for axis in range(order)]
        fresh = [each @ each.T for each in unfolded]
        old = self.matrices or [0.0] * order
        self.matrices = [self.beta2 * matrix + new for matrix, new in zip(old, fresh, strict=True)]
        if self.count % self.interval == 0:
            self.roots = [inverse_root(matrix, -1 / (2 * order), self.eps) for matrix in self.matrices]
        self.count += 1
        whole = np.eye(1)
        for root in self.roots:
            whole = np.kron(whole, root)
        return -self.lr * (whole @ gradient.ravel()).reshape(gradient.shape)

    def state(self):
        found = {f"statistics{axis}": matrix for axis, matrix in enumerate(self.matrices)}
        if self.interval > 1:
            found |= {f"root{axis}": root for axis, root in enumerate(self.roots)}
        return found


class Sketched:
    """Feinberg et al. 2023, algorithms 1 to 3, with the sketch as the full matrix that it stands for."""

    def __init__(self, lr, rank, beta2, eps):
        self.lr, self.rank, self.beta2, self.eps = lr, rank, beta2, eps
        self.sketches = None

    def step(self, gradient):
        order = gradient.ndim
        if self.sketches is None:
            self.sketches = [(np.zeros((size, size)), 0.0) for size in gradient.shape]
        roots = []
        for axis, (before, lost) in enumerate(self.sketches):
            rows = np.moveaxis(gradient, axis, 0).reshape(gradient.shape[axis], -1)
            values, vectors = np.linalg.eigh(self.beta2 * before + rows @ rows.T)
            size = min(self.rank, len(values))
            values, vectors = values[::-1][:size], vectors[:, ::-1][:, :size]
            least = max(values[-1], 0.0)
            sketch = (vectors * (values - least).clip(0)) @ vectors.T
            escaped = self.beta2 * lost + least
            self.sketches[axis] = sketch, escaped
            whole = sketch + escaped * np.eye(len(sketch))
            roots.append(inverse_root(whole, -1 / (2 * order), self.eps * np.linalg.norm(whole, 2)))
        for axis, root in enumerate(roots):
            gradient = np.moveaxis(np.tensordot(root, gradient, axes=(1, axis)), 0, axis)
        return -self.lr * gradient

    def state(self):
        found = {}
        for axis, (sketch, escaped) in enumerate(self.sketches):
            values, vectors = np.linalg.eigh(sketch)
            size = min(self.rank, len(values))
            found[f"sketch{axis}"] = (vectors * np.sqrt(values.clip(0))).T[::-1][:size].copy()
            found[f"escaped{axis}"] = escaped
        return found


ORACLES = [
    ("full-matrix-adagrad", {"lr": 0.02, "eps": 1e-8}, FullMatrix),
    ("full-matrix-adagrad", {"lr": 0.05, "eps": 0.3}, FullMatrix),
    ("shampoo", {"lr": 0.02, "beta2": 1.0, "eps": 1e-6}, Kronecker),
    ("shampoo", {"lr": 0.02, "beta2": 0.9, "eps": 1e-3}, Kronecker),
    ("shampoo", {"lr": 0.02, "beta2": 1.0, "eps": 1e-3, "interval": 7}, Kronecker),
    ("shampoo", {"lr": 0.02, "beta2": 0.9, "eps": 1e-3, "interval": 3}, Kronecker),
    ("sketchy", {"lr": 0.02, "rank": 1, "beta2": 0.999, "eps": 1e-7}, Sketched),
    ("sketchy", {"lr": 0.02, "rank": 2, "beta2": 0.999, "eps": 1e-7}, Sketched),
    ("sketchy", {"lr": 0.02, "rank": 3, "beta2": 1.0, "eps": 1e-3}, Sketched),
    ("sketchy", {"lr": 0.02, "rank": 128, "beta2": 0.9, "eps": 1e-7}, Sketched),
]
SHAPES = {"cube": (2, 3, 4), "matrix": (3, 5), "tall": (5, 2), "vector": (6,)}


@pytest.mark.parametrize(("name", "options", "oracle"), ORACLES)
def test_200_steps_on_a_network_follow_the_papers_formulas_to_1e_10(name, options, oracle):
    rule, values = make(name, **options), network.parameters()
    states, oracles = started(rule, values), {name: oracle(**options) for name in values}
    theirs = dict(values)
    for step in range(200):
        values, states = advance(rule, values, states, gradients(values, step), step)
        moved = gradients(theirs, step)
        theirs = {key: value + torch.from_numpy(oracles[key].step(moved[key].numpy())) for key, value in theirs.items()}
        for key, value in theirs.items():
            torch.testing.assert_close(values[key], value, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("name", "options", "oracle"), ORACLES)
def test_each_step_from_the_papers_own_state_is_the_papers_to_1e_10(name, options, oracle):
    rule, generator = make(name, **options), torch.Generator().manual_seed(3)
    for shape in SHAPES.values():
        theta, other = torch.zeros(shape, dtype=torch.float64), oracle(**options)
        state = rule.init(theta)
        for step in range(30):
            gradient = torch.randn(shape, generator=generator, dtype=torch.float64)
            terms, _ = rule.update(theta, gradient, state, time_of(step))
            expected = other.step(gradient.numpy())
            torch.testing.assert_close(sum(terms.values()), torch.from_numpy(expected), rtol=0, atol=1e-10)
            state = {key: torch.as_tensor(value, dtype=torch.float64) for key, value in other.state().items()}


def test_shampoo_is_that_of_pytorch_optimizer():
    rule, values = make("shampoo", lr=0.03, eps=1e-6), network.parameters()
    theirs = {name: nn.Parameter(value.clone()) for name, value in values.items()}
    other = TheirShampoo(list(theirs.values()), lr=0.03, matrix_eps=1e-6)
    states = started(rule, values)
    for step in range(200):
        before = {name: value.detach().clone() for name, value in theirs.items()}
        kept = {
            name: {
                f"statistics{axis}": other.state[value][f"pre_cond_{axis}"]
                - 1e-6 * torch.eye(size, dtype=torch.float64)
                for axis, size in enumerate(value.shape)
            }
            for name, value in theirs.items()
            if step
        }
        values, states = advance(rule, values, states, gradients(values, step), step)
        found = gradients(before, step)
        for name, value in theirs.items():
            value.grad = found[name].clone()
        once, _ = advance(rule, before, kept or started(rule, before), found, step)
        other.step()
        for name, value in theirs.items():
            torch.testing.assert_close(once[name], value.detach(), rtol=0, atol=1e-10)
            torch.testing.assert_close(values[name], value.detach(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("beta2", [1.0, 0.9])
def test_sketchy_with_full_rank_is_shampoo(beta2):
    rules = make("shampoo", lr=0.02, beta2=beta2, eps=0.0), make("sketchy", lr=0.02, beta2=beta2, eps=0.0, rank=5)
    paths = [(network.parameters(), started(rule, network.parameters())) for rule in rules]
    for step in range(200):
        paths = [
            advance(rule, values, states, gradients(values, step), step)
            for rule, (values, states) in zip(rules, paths, strict=True)
        ]
        for name in paths[0][0]:
            torch.testing.assert_close(paths[0][0][name], paths[1][0][name], rtol=0, atol=1e-10)


def test_the_first_step_of_shampoo_is_the_orthogonal_factor_of_the_gradient():
    gradient = torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rule = make("shampoo", lr=0.5, eps=0.0)
    terms, _ = rule.update(gradient, gradient, rule.init(gradient), time_of(0))
    u, _, v = torch.linalg.svd(gradient, full_matrices=False)
    torch.testing.assert_close(sum(terms.values()), -0.5 * (u @ v), rtol=0, atol=1e-12)


def test_normalised_averages_are_shampoos_with_another_lr():
    beta2, eps = 0.9, 1e-3
    rule, oracle = make("shampoo", lr=0.1, beta2=beta2, eps=eps), []
    left, right, theta = np.zeros((3, 3)), np.zeros((4, 4)), torch.zeros(3, 4, dtype=torch.float64)
    state, generator = rule.init(theta), torch.Generator().manual_seed(1)
    for step in range(10):
        gradient = torch.randn(3, 4, generator=generator, dtype=torch.float64)
        g = gradient.numpy()
        left, right = beta2 * left + (1 - beta2) * g @ g.T, beta2 * right + (1 - beta2) * g.T @ g
        scaled = (1 - beta2) * eps
        oracle = inverse_root(left, -0.25, scaled) @ g @ inverse_root(right, -0.25, scaled)
        terms, state = rule.update(theta, gradient, state, time_of(step))
        expected = torch.from_numpy(-0.1 * (1 - beta2) ** 0.5 * oracle)
        torch.testing.assert_close(sum(terms.values()), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("shape", [(), (1,), (5,), (1, 4), (3, 4), (2, 3, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradients_part_and_the_turn_are_orthogonal_and_go_down(name, shape, dtype):
    rule, generator = make(name, lr=1.0), torch.Generator().manual_seed(5)
    theta = torch.zeros(shape, dtype=dtype)
    state = rule.init(theta)
    for step in range(5):
        gradient = 1e9 * torch.randn(shape, generator=generator, dtype=dtype)
        terms, state = rule.update(theta, gradient, state, time_of(step))
        whole = sum(terms.values())
        assert set(terms) == {"gradient", "preconditioning"}
        assert abs((terms["gradient"] * terms["preconditioning"]).sum()) < 1e-12 * whole.square().sum()
        assert (terms["gradient"] * gradient).sum() < 0
        assert whole.shape == shape
        assert 0.1 < whole.norm() < 10


@pytest.mark.parametrize("name", RULES)
def test_a_gradient_of_zero_makes_no_step(name):
    theta = torch.ones(3, 2)
    rule = make(name)
    terms, state = rule.update(theta, torch.zeros(3, 2), rule.init(theta), time_of(0))
    assert all(torch.equal(term, torch.zeros(3, 2).double()) for term in terms.values())
    terms, _ = rule.update(theta, theta, state, time_of(1))
    assert sum(terms.values()).isfinite().all()


@pytest.mark.parametrize("name", [*RULES, "sketchy:rank=2"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e200])
def test_one_number_that_is_not_finite_spoils_its_own_lane_and_parameter_alone(name, bad):
    layout = ParameterLayout({"W": (3, 4), "b": (4,)})
    rows = torch.randn(3, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    stepper, healthy = (RuleStepper(make(name), {}, layout, rows) for _ in range(2))
    theta, other = rows, rows
    for step in range(3):
        found = rows * (step + 1)
        other, _ = healthy.step(other, found, step + 1)
        spoiled = found.clone()
        spoiled[1, 5] = bad if step == 1 else spoiled[1, 5]
        theta, _ = stepper.step(theta, spoiled, step + 1)
    torch.testing.assert_close(theta[[0, 2]], other[[0, 2]], rtol=0, atol=1e-13)
    torch.testing.assert_close(theta[1, 12:], other[1, 12:], rtol=0, atol=1e-13)
    # Sketches hold no squares, so that 1e200 is nothing special to them.
    assert theta[1, :12].isnan().all() or (bad == 1e200 and name.startswith("sketchy"))


def test_the_state_of_sketchy_is_rank_times_m_plus_n_numbers():
    def numbers(rule, *shape):
        return sum(value.numel() for value in rule.init(torch.zeros(shape)).values())

    assert numbers(make("sketchy", rank=8), 50, 30) == 8 * (50 + 30) + 2
    assert numbers(make("sketchy", rank=8), 50) == 8 * 50 + 1
    assert numbers(make("sketchy", rank=8), 50, 3) == 8 * 50 + 3 * 3 + 2
    assert numbers(make("shampoo"), 50, 30) == 50**2 + 30**2
    assert numbers(make("full-matrix-adagrad", largest=600), 20, 30) == (20 * 30) ** 2
    state = make("sketchy", rank=8).init(torch.zeros(50, 30))
    assert {value.dtype for value in state.values()} == {torch.float32}


def test_the_state_keeps_its_shape_and_dtype_as_it_steps():
    for name in RULES:
        rule, theta = make(name), torch.randn(6, 4)
        stepper = RuleStepper(rule, {}, ParameterLayout({"W": (6, 4)}), theta.reshape(-1))
        before = {key: (value.shape, value.dtype) for key, value in stepper.state()["W"].items()}
        stepper.step(theta.reshape(-1), theta.reshape(-1), 1)
        assert {key: (value.shape, value.dtype) for key, value in stepper.state()["W"].items()} == before


def test_a_long_parameter_is_whitened_in_blocks():
    rule, theta = make("full-matrix-adagrad", largest=10), torch.zeros(4, 6, dtype=torch.float64)
    state = rule.init(theta)
    assert state["statistics"].shape == (3, 8, 8)
    parts = [make("full-matrix-adagrad") for _ in range(3)]
    states = [part.init(theta.reshape(3, 8)[place]) for place, part in enumerate(parts)]
    for t in range(1, 6):
        gradient, time = torch.randn(4, 6, dtype=torch.float64), torch.tensor(float(t))
        terms, state = rule.update(theta, gradient, state, time)
        for place, part in enumerate(parts):
            alone, states[place] = part.update(theta[0], gradient.reshape(3, 8)[place], states[place], time)
            torch.testing.assert_close(
                sum(terms.values()).reshape(3, 8)[place], sum(alone.values()), rtol=0, atol=1e-12
            )
    with pytest.raises(DynvizError, match="largest=0"):
        make("full-matrix-adagrad", largest=0).init(theta)


def test_a_long_axis_of_shampoo_keeps_the_diagonal_of_its_matrix():
    rule, theta, oracle = make("shampoo", lr=0.1, largest=3, eps=1e-4), torch.zeros(5, 3, dtype=torch.float64), 0.0
    state, generator, right = rule.init(theta), torch.Generator().manual_seed(4), np.zeros((3, 3))
    for step in range(20):
        gradient = torch.randn(5, 3, generator=generator, dtype=torch.float64)
        g = gradient.numpy()
        oracle, right = oracle + (g**2).sum(axis=1), right + g.T @ g
        expected = -0.1 * (oracle + 1e-4)[:, None] ** -0.25 * (g @ inverse_root(right, -0.25, 1e-4))
        terms, state = rule.update(theta, gradient, state, time_of(step))
        torch.testing.assert_close(sum(terms.values()), torch.from_numpy(expected), rtol=0, atol=1e-12)
    assert sum(value.numel() for value in state.values()) == 5 + 9
    np.testing.assert_allclose(rule.watch(state)["eigenvalues.0"], np.sort(oracle)[::-1], rtol=1e-12)


def test_the_matrix_that_is_shown_is_what_the_full_matrix_multiplies_the_gradient_by():
    rule, theta = make("full-matrix-adagrad", eps=0.5, lr=0.1), torch.zeros(3, dtype=torch.float64)
    state = rule.init(theta)
    for step in range(1, 5):
        gradient = torch.randn(3, dtype=torch.float64, generator=torch.Generator().manual_seed(step))
        terms, state = rule.update(theta, gradient, state, torch.tensor(float(step)))
        shown = rule.watch(state)["preconditioner"]
        torch.testing.assert_close(sum(terms.values()), -0.1 * shown @ gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "value"), [("shampoo", "interval"), ("sketchy", "rank"), ("full-matrix-adagrad", "largest")]
)
def test_a_count_below_one_is_refused(name, value):
    with pytest.raises(DynvizError, match=rf"{name}:{value}=0 is not a number of \w+; write 1 or more"):
        make(name, **{value: 0})


# Frequent Directions


def sketch_of(blocks, size):
    """The sketch of all rows, and the escaped mass."""
    sketch, escaped = torch.zeros(size, blocks[0].shape[1], dtype=torch.float64), 0.0
    for block in blocks:
        found = shrink(sketch, torch.from_numpy(block))
        sketch, escaped = found.rows, escaped + float(found.escaped)
    return sketch.numpy(), escaped


def check_bound(blocks, size):
    a = np.concatenate(blocks)
    b, escaped = sketch_of(blocks, size)
    spectrum = np.linalg.svd(a, compute_uv=False) ** 2
    left = np.linalg.eigvalsh(a.T @ a - b.T @ b)
    slack = 1e-11 * spectrum.sum()
    bound = min(spectrum[k:].sum() / (size - k) for k in range(size))
    assert left.min() >= -slack
    assert left.max() <= escaped + slack
    assert escaped <= bound + slack
    return left.max() / bound if bound > slack else 0.0


def rows_of(kind, count, width, rng):
    if kind == "gaussian":
        return rng.standard_normal((count, width))
    if kind == "basis":
        # Misra-Gries: the items of a stream, none of them frequent.
        return np.eye(width)[np.arange(count) % width]
    if kind == "growing":
        return rng.standard_normal((count, width)) * np.geomspace(1, 1e6, count)[:, None]
    if kind == "shrinking":
        return rng.standard_normal((count, width)) * np.geomspace(1e6, 1, count)[:, None]
    if kind == "low rank":
        return rng.standard_normal((count, 2)) @ rng.standard_normal((2, width))
    turn = np.linspace(0, np.pi, count)
    return np.eye(width)[0] * np.cos(turn)[:, None] + np.eye(width)[-1] * np.sin(turn)[:, None]


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from(["gaussian", "basis", "growing", "shrinking", "low rank", "turning"]),
    width=st.integers(2, 12),
    share=st.floats(0, 1),
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    shuffled=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_frequent_directions_keeps_its_bound_on_streams(kind, width, share, lengths, shuffled, seed):
    rng = np.random.default_rng(seed)
    rows = rows_of(kind, sum(lengths), width, rng)
    if shuffled:
        rng.shuffle(rows)
    blocks = np.split(rows, np.cumsum(lengths)[:-1])
    check_bound(blocks, 1 + round(share * (width - 1)))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_frequent_directions_keeps_its_bound_on_whole_numbers_of_any_kind(data):
    width = data.draw(st.integers(1, 5))
    row = st.lists(st.integers(-3, 3), min_size=width, max_size=width)
    rows = np.array(data.draw(st.lists(row, min_size=1, max_size=15)), dtype=np.float64)
    check_bound(list(rows[:, None]), data.draw(st.integers(1, width)))


def test_the_bound_is_reached_by_a_stream_of_orthogonal_rows():
    # All l rows of the sketch equal: each shrink removes all, the worst that can be.
    blocks = list(np.eye(8)[:4, None]) * 3
    assert check_bound(blocks, 4) > 0.99


def test_a_sketch_that_subtracts_nothing_breaks_the_bound():
    def forgetful(sketch, rows):
        _, values, directions = np.linalg.svd(np.concatenate([sketch, rows]), full_matrices=False)
        return (values[:, None] * directions)[: len(sketch)]

    sketch, stream = np.zeros((2, 6)), np.eye(6)[np.arange(60) % 6]
    for row in stream[:, None]:
        sketch = forgetful(sketch, row)
    left = np.linalg.eigvalsh(stream.T @ stream - sketch.T @ sketch).max()
    assert left > 0.9 * min((60 - 10 * k) / (2 - k) for k in range(2)) / 3 * 0.9
    b, _ = sketch_of(list(stream[:, None]), 2)
    assert np.linalg.eigvalsh(b.T @ b).max() < 10


def test_a_sketchs_rows_are_orthogonal_and_their_lengths_are_its_eigenvalues():
    rule, theta = make("sketchy", rank=3, beta2=0.95), torch.zeros(6, 5, dtype=torch.float64)
    state, generator = rule.init(theta), torch.Generator().manual_seed(2)
    for step in range(20):
        gradient = torch.randn(6, 5, generator=generator, dtype=torch.float64)
        _, state = rule.update(theta, gradient, state, time_of(step))
    for axis, size in enumerate((6, 5)):
        sketch = state[f"sketch{axis}"]
        whole = sketch.mT @ sketch + state[f"escaped{axis}"] * torch.eye(size, dtype=torch.float64)
        expected = torch.linalg.eigvalsh(whole).flip(0)
        torch.testing.assert_close(rule.watch(state)[f"eigenvalues.{axis}"], expected, rtol=1e-12, atol=0)


# The null of Gaussian gradients


def share_of_averages(rows, columns, beta2, steps, seed=0):
    """Of the top quarter, in Shampoo's own recurrence over Gaussian gradients."""
    generator, left = torch.Generator().manual_seed(seed), torch.zeros(rows, rows, dtype=torch.float64)
    for _ in range(steps):
        gradient = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
        left = torch.addmm(left, gradient, gradient.mT, beta=beta2)
    return float(_null.top_quarter(torch.linalg.eigvalsh(left).numpy()))


def test_the_null_of_1024_by_256_gradients_gives_26_5_percent():
    assert round(100 * _null.share(1024, 256, 0.999, 10_000), 1) == 26.5


@pytest.mark.parametrize(("rows", "columns", "beta2", "steps"), [
    (64, 16, 0.99, 600), (64, 16, 0.9, 200), (64, 16, 1.0, 30), (40, 2, 0.9, 100), (96, 3, 0.95, 5), (6, 1, 0.9, 99),
])  # fmt: skip
def test_the_null_is_what_averaging_gaussian_gradients_gives(rows, columns, beta2, steps):
    draws = [share_of_averages(rows, columns, beta2, steps, seed=seed) for seed in range(max(4, 400 // rows))]
    error = np.std(draws) / len(draws) ** 0.5
    assert _null.share(rows, columns, beta2, steps) == pytest.approx(np.mean(draws), abs=0.012 + 3 * error)


@pytest.mark.slow
def test_averaging_1024_by_256_gradients_of_noise_gives_26_5_percent():
    torch.set_num_threads(2)
    # Sixteen gradients at a time, side by side. After 4 000 steps the first ones weigh 2 % of the last.
    block, beta2, generator = 16, 0.999, torch.Generator().manual_seed(0)
    left, weights = torch.zeros(1024, 1024), beta2 ** (torch.arange(block).flip(0) / 2)
    for _ in range(4000 // block):
        drawn = (torch.randn(1024, 256, block, generator=generator) * weights).reshape(1024, -1)
        left = torch.addmm(left, drawn, drawn.mT, beta=beta2**block)
    assert round(100 * float(_null.top_quarter(torch.linalg.eigvalsh(left.double()).numpy())), 1) == 26.5


def test_shampoos_statistics_are_those_averages():
    rule, generator = make("shampoo", beta2=0.9), torch.Generator().manual_seed(0)
    theta = torch.zeros(16, 4, dtype=torch.float64)
    state = rule.init(theta)
    for step in range(40):
        gradient = torch.randn(16, 4, generator=generator, dtype=torch.float64)
        _, state = rule.update(theta, gradient, state, time_of(step))
    share = float(_null.top_quarter(rule.watch(state)["eigenvalues.0"].numpy()))
    assert share == pytest.approx(share_of_averages(16, 4, 0.9, 40), abs=1e-12)


# By name


@pytest.mark.parametrize("scenario", [pytest.param("voronoi", marks=pytest.mark.slow), "surface", "matrix-sensing"])
def test_every_rule_runs_by_name(scenario, tmp_path):
    rules = RULES if scenario == "surface" else RULES[1:]
    run = dynviz.run(scenario, [*rules, "sketchy:rank=2"], seeds="0:2", steps=3, out=tmp_path / "run")
    for recording in run.values():
        assert recording.status == "finished"
        assert recording["loss"].shape[1] == 2
        assert np.isfinite(recording["loss"]).all()


def test_the_full_matrix_runs_on_a_large_parameter(tmp_path):
    run = dynviz.run("matrix-sensing:d=32", "full-matrix-adagrad", seeds="0:2", steps=3, out=tmp_path / "run")
    assert np.isfinite(run["full-matrix-adagrad"]["loss"]).all()
