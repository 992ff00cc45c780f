"""Rules beside the implementations that others published, step by step and 200 steps along."""

import warnings

import pytest
import pytorch_optimizer
import torch
from torch import nn

from dynviz import plugins
from tests import network

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import numpy as np
    import optax
    from optax import contrib

STEPS = 200
TOLERANCE = {"rtol": 0, "atol": 1e-10}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(name, **values):
    return plugins.load("optimizers", name).make(**values)


def gradients(theta, step):
    leaves = {name: value.clone().requires_grad_() for name, value in theta.items()}
    found = torch.autograd.grad(network.loss(leaves, network.batch(step)), list(leaves.values()))
    return dict(zip(theta, found, strict=True))


def start(ndim=None):
    """The network's parameters, or those of one number of dimensions alone."""
    return {name: value for name, value in network.parameters().items() if ndim in (None, value.ndim)}


def time(step):
    return torch.tensor(step + 1.0, dtype=torch.float64)


class Torch:
    """A class of torch's kind, how it calls what our state holds, and what its numbers are multiplied by here."""

    def __init__(self, cls, names, scale=None, **options):
        self.cls, self.names, self.scale, self.options = cls, names, scale or {}, options

    def begin(self, theta):
        self.parameters = {name: nn.Parameter(value.clone()) for name, value in theta.items()}
        self.optimizer = self.cls(list(self.parameters.values()), **self.options)

    def step(self, found):
        for name, parameter in self.parameters.items():
            parameter.grad = found[name].clone()
        self.optimizer.step()
        return {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    def state(self, name, ours):
        theirs = self.optimizer.state[self.parameters[name]]
        return {
            key: theirs[self.names[key]] * self.scale.get(key, 1) if self.names.get(key) in theirs else value
            for key, value in ours.items()
        }


class Optax:
    """A transformation of optax; `find` takes a state of its apart, for one parameter."""

    def __init__(self, transformation, find):
        self.transformation, self.find = transformation, find

    def begin(self, theta):
        self.theta = {name: jnp.asarray(value.numpy()) for name, value in theta.items()}
        self.inner = self.transformation.init(self.theta)
        self.update = jax.jit(self.transformation.update)

    def step(self, found):
        given = {name: jnp.asarray(value.numpy()) for name, value in found.items()}
        updates, self.inner = self.update(given, self.inner, self.theta)
        self.theta = optax.apply_updates(self.theta, updates)
        return {name: torch.from_numpy(np.array(value)) for name, value in self.theta.items()}

    def state(self, name, ours):
        found = self.find(self.inner, name)
        return {
            key: torch.from_numpy(np.array(found[key])).reshape(value.shape) if key in found else value
            for key, value in ours.items()
        }


class NagGs:
    """The three updates of NAG-GS as its authors' code orders them: v, gamma, theta."""

    def __init__(self, alpha, mu, gamma):
        self.alpha, self.mu, self.first = alpha, mu, gamma

    def begin(self, theta):
        self.theta = {name: value.clone() for name, value in theta.items()}
        self.v = {name: value.clone() for name, value in theta.items()}
        self.gamma = self.first

    def step(self, found):
        b = self.alpha * self.mu / (self.alpha * self.mu + self.gamma)
        a = self.alpha / (1 + self.alpha)
        for name in self.theta:
            self.v[name] = (1 - b) * self.v[name] + b * self.theta[name] - b / self.mu * found[name]
            self.theta[name] = (1 - a) * self.theta[name] + a * self.v[name]
        self.gamma = (self.alpha * self.mu + self.gamma) / (1 + self.alpha)
        return dict(self.theta)

    def state(self, name, ours):
        share = 1.0 if self.first == self.mu else (self.gamma - self.mu) / (self.first - self.mu)
        return {"v": self.v[name], "p": torch.full_like(ours["p"], share)}


def decay_rate(step, exponent):
    return 1 - (step + 1.0) ** -exponent


def adafactor(lr, d, eps, scale):
    """optax's adafactor with its parts, and with the decay rate in float64."""
    parts = [
        optax.scale_by_factored_rms(
            min_dim_size_to_factor=2, epsilon=eps, decay_rate_fn=lambda i, e: decay_rate(jnp.asarray(i, float), e)
        ),
        optax.clip_by_block_rms(d),
        optax.scale_by_learning_rate(lr, flip_sign=False),
        *([optax.scale_by_param_block_rms()] if scale else []),
        optax.scale(-1),
    ]
    return optax.chain(*parts)


def factored(state, name):
    # optax leaves out the smaller of two dimensions first; W1 is [3, 5] and W2 [5, 2].
    inner = state[0]
    if inner.v_row[name].shape == (1,):
        return {"v": inner.v[name]}
    swapped = name == "W2"
    pair = {"row": inner.v_row[name], "column": inner.v_col[name]}
    return {"row": pair["column"], "column": pair["row"]} if swapped else pair


ADAFACTOR = {"row": "row_var", "column": "col_var", "v": "variance"}
MEAN = {"m": "momentum_buffer"}
SUMS = {"z": "z", "n": "n"}
ROWS_TO_COLUMNS = contrib.MuonDimensionNumbers(0, 1)

CASES = {
    "lion as in pytorch_optimizer": (
        make("lion", lr=1e-3, weight_decay=0.1),
        Torch(pytorch_optimizer.Lion, {"m": "exp_avg"}, lr=1e-3, weight_decay=0.1),
        None,
    ),
    "lion with other betas": (
        make("lion", lr=3e-3, beta1=0.5, beta2=0.8),
        Torch(pytorch_optimizer.Lion, {"m": "exp_avg"}, lr=3e-3, betas=(0.5, 0.8)),
        None,
    ),
    "lion as in optax": (
        make("lion", lr=1e-3, weight_decay=1e-3),
        Optax(optax.lion(1e-3), lambda state, name: {"m": state[0].mu[name]}),
        None,
    ),
    "signsgd as in optax": (make("signsgd", lr=1e-3), Optax(optax.sign_sgd(1e-3), lambda state, name: {}), None),
    "signsgd as in pytorch_optimizer": (
        make("signsgd", lr=1e-3, weight_decay=0.2),
        Torch(pytorch_optimizer.SignSGD, {}, lr=1e-3, momentum=0.0, weight_decay=0.2),
        None,
    ),
    "signum as in pytorch_optimizer": (
        make("signsgd", lr=1e-3, momentum=0.9, weight_decay=0.2),
        Torch(pytorch_optimizer.SignSGD, MEAN, lr=1e-3, momentum=0.9, weight_decay=0.2),
        None,
    ),
    "fromage as in pytorch_optimizer": (make("fromage"), Torch(pytorch_optimizer.Fromage, {}, lr=1e-2), None),
    "fromage as in optax": (make("fromage", lr=0.05), Optax(optax.fromage(0.05), lambda state, name: {}), None),
    "nag-gs as in its authors' code": (make("nag-gs"), NagGs(1e-2, 1.0, 1.0), None),
    "nag-gs with gamma that moves": (make("nag-gs", lr=0.05, mu=2.0, gamma=30.0), NagGs(0.05, 2.0, 30.0), None),
    "ftrl-prox as in pytorch_optimizer": (
        make("ftrl-prox", lr=0.1, l1=0.02, l2=0.1, centre="zero"),
        Torch(pytorch_optimizer.FTRL, SUMS, {"z": 0.1}, lr=0.1, beta=1.0, lambda_1=0.02, lambda_2=0.1),
        None,
    ),
    "ftrl-prox with beta 0": (
        make("ftrl-prox", lr=0.3, beta=0.0, centre="zero"),
        Torch(pytorch_optimizer.FTRL, SUMS, {"z": 0.3}, lr=0.3),
        None,
    ),
    "adafactor as in torch": (
        make("adafactor", eps1=0.0, weight_decay=0.1),
        Torch(torch.optim.Adafactor, ADAFACTOR, weight_decay=0.1),
        None,
    ),
    "adafactor of large steps as in torch": (
        make("adafactor", eps1=0.0, lr=0.5, beta2_decay=0.5, d=1.5, eps2=0.9),
        Torch(torch.optim.Adafactor, ADAFACTOR, lr=0.5, beta2_decay=-0.5, d=1.5, eps=(None, 0.9)),
        None,
    ),
    "adafactor as in optax": (
        make("adafactor", lr=0.01, eps1=1e-3, relative_step=False),
        Optax(adafactor(0.01, 1.0, 1e-3, scale=True), factored),
        None,
    ),
    "adafactor without scaling as in optax": (
        make("adafactor", lr=0.01, d=2.0, relative_step=False, scale_parameter=False),
        Optax(adafactor(0.01, 2.0, 1e-30, scale=False), factored),
        None,
    ),
    "muon in bfloat16 as in torch": (
        make("muon", dtype="bfloat16", weight_decay=0.1, eps=1e-7),
        Torch(torch.optim.Muon, MEAN, lr=0.02, weight_decay=0.1),
        2,
    ),
    "muon scaled by the root mean square as in torch": (
        make("muon", dtype="bfloat16", scale="rms", nesterov=False, lr=0.01),
        Torch(
            torch.optim.Muon, MEAN, lr=0.01, weight_decay=0.0, nesterov=False, adjust_lr_fn="match_rms_adamw", eps=1e-10
        ),
        2,
    ),
    "muon in float64 as in optax": (
        make("muon", scale="none", nesterov=False),
        Optax(
            optax.chain(
                contrib.scale_by_muon(
                    nesterov=False,
                    eps=0.0,
                    weight_dimension_numbers={"W1": ROWS_TO_COLUMNS, "W2": ROWS_TO_COLUMNS},
                ),
                optax.scale(-0.02),
            ),
            lambda state, name: {"m": state[0].mu[name]},
        ),
        2,
    ),
    "muon's vectors as AdamW in torch": (
        make("muon", lr=0.02, vector_rate=0.5, weight_decay=0.1),
        Torch(
            torch.optim.AdamW,
            {"m": "exp_avg", "v": "exp_avg_sq"},
            lr=0.01,
            betas=(0.9, 0.95),
            eps=1e-10,
            weight_decay=0.1,
        ),
        1,
    ),
}


def follow(rule, other, ndim, steps=STEPS):
    """Yield what both reach: from the other's state, and each along its own path."""
    theirs = start(ndim)
    if ndim is not None and not theirs:
        raise AssertionError(ndim)
    other.begin(theirs)
    own = dict(theirs)
    fixed = {name: value for name, value in start().items() if name not in theirs}
    state = {name: rule.init(value) for name, value in own.items()}
    for step in range(steps):
        found = gradients({**fixed, **theirs}, step)
        once = {}
        for name, value in theirs.items():
            terms, _ = rule.update(value, found[name], other.state(name, state[name]), time(step))
            once[name] = value + sum(terms.values())
        theirs = other.step({name: found[name] for name in theirs})
        found = gradients({**fixed, **own}, step)
        for name, value in own.items():
            terms, state[name] = rule.update(value, found[name], state[name], time(step))
            own[name] = value + sum(terms.values())
        yield theirs, once, own


@pytest.mark.parametrize("name", CASES)
def test_each_step_from_the_references_state_and_200_along_agree_to_1e_10(name):
    rule, other, ndim = CASES[name]
    for theirs, once, own in follow(rule, other, ndim):
        for part, expected in theirs.items():
            torch.testing.assert_close(once[part], expected, **TOLERANCE)
            torch.testing.assert_close(own[part], expected, **TOLERANCE)


def test_nag_gs_on_a_quadratic_is_a_power_of_its_matrix():
    a, mu, gamma, h = 0.3, 0.7, 0.7, torch.tensor([0.1, 1.0, 4.0], dtype=torch.float64)
    rule, theta = make("nag-gs", lr=a, mu=mu, gamma=gamma), torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    state, first = rule.init(theta), theta
    for step in range(60):
        terms, state = rule.update(theta, h * theta, state, time(step))
        theta = theta + sum(terms.values())
    for place, curvature in enumerate(h.tolist()):
        # v' = p theta + q v, theta' = (theta + a v') / (1 + a).
        p, q = (a * mu - a * curvature) / (a * mu + gamma), gamma / (a * mu + gamma)
        matrix = np.array([[(1 + a * p) / (1 + a), a * q / (1 + a)], [p, q]])
        expected = np.linalg.matrix_power(matrix, 60) @ np.full(2, first[place].item())
        np.testing.assert_allclose([theta[place], state["v"][place]], expected, rtol=0, atol=1e-12)


def test_gamma_of_nag_gs_goes_to_mu():
    rule, theta = make("nag-gs", lr=0.1, mu=2.0, gamma=30.0), torch.ones(1, dtype=torch.float64)
    state, gamma = rule.init(theta), 30.0
    for step in range(20):
        _, state = rule.update(theta, theta, state, time(step))
        gamma = (0.1 * 2.0 + gamma) / 1.1
    torch.testing.assert_close(2.0 + 28.0 * state["p"], torch.tensor([gamma], dtype=torch.float64))


def added(theta, terms):
    """The parameters after a step as training adds it up: term by term, rounded to their dtype."""
    for term in terms.values():
        theta = theta + term.to(theta.dtype)
    return theta


@pytest.mark.parametrize("centre", ["start", "zero"])
def test_ftrl_prox_minimises_what_the_paper_minimises(centre):
    lr, beta, l1, l2 = 0.2, 0.5, 0.8, 0.3
    rule = make("ftrl-prox", lr=lr, beta=beta, l1=l1, l2=l2, centre=centre)
    theta = torch.linspace(-1, 1, 9, dtype=torch.float64)
    anchor = theta if centre == "start" else torch.zeros_like(theta)
    state, draw, past, zeros = rule.init(theta), torch.Generator().manual_seed(0), [], 0
    for step in range(40):
        g = torch.randn(9, generator=draw, dtype=torch.float64) * torch.linspace(0, 1, 9, dtype=torch.float64)
        n = sum((each.square() for each, _, _ in past), torch.zeros(9, dtype=torch.float64))
        past.append((g, theta, ((n + g.square()).sqrt() - n.sqrt()) / lr))
        terms, state = rule.update(theta, g, state, time(step))
        theta = added(theta, terms)
        # The smooth part's slope is within l1 of zero where a weight is zero, and -l1 sign(theta) elsewhere.
        slope = sum(g + sigma * (theta - old) for g, old, sigma in past) + l2 * theta + beta / lr * (theta - anchor)
        moved = theta != 0
        torch.testing.assert_close(slope[moved], -l1 * theta[moved].sign(), rtol=0, atol=1e-11)
        assert (slope[~moved].abs() <= l1).all()
        zeros += int((~moved).sum())
    assert zeros > 20


def test_ftrl_prox_without_penalties_is_adagrad():
    rule, other = make("ftrl-prox", lr=0.1, beta=0.01), Torch(torch.optim.Adagrad, {}, lr=0.1, eps=0.01)
    for theirs, _, own in follow(rule, other, None):
        for part, expected in theirs.items():
            torch.testing.assert_close(own[part], expected, **TOLERANCE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_zeros_of_ftrl_prox_are_exact(dtype):
    theta = network.parameters(dtype=dtype)["W1"]
    rule = make("ftrl-prox", lr=torch.tensor(0.1, dtype=torch.float64), l1=torch.tensor(40.0, dtype=torch.float64))
    state, draw = rule.init(theta), torch.Generator().manual_seed(0)
    for step in range(30):
        g = torch.randn(theta.shape, generator=draw, dtype=dtype) + theta
        terms, state = rule.update(theta, g, state, time(step))
        assert terms["gradient"].dtype == dtype
        theta = added(theta, terms)
    assert (theta == 0).sum() > 3
    assert (theta != 0).sum() > 0


SPECTRA = {
    "flat": lambda k, draw: torch.ones(k),
    "power": lambda k, draw: 1 / torch.arange(1, k + 1),
    "exponential": lambda k, draw: torch.exp(-torch.arange(k) / 2),
    "uniform": lambda k, draw: torch.rand(k, generator=draw),
    "one large": lambda k, draw: torch.tensor([1.0] + [0.011] * (k - 1)),
    "four decades": lambda k, draw: 10 ** (-4 * torch.rand(k, generator=draw)),
}
SHAPES = [(1, 1), (1, 7), (7, 1), (3, 5), (5, 3), (16, 16), (64, 8), (8, 64), (40, 100), (100, 100)]
FROM = {3: 0.061, 4: 0.018, 5: 0.0052, 6: 0.0015}
"""The share of the Frobenius norm from which so many Newton-Schulz steps bring singular values into [.68, 1.14]."""


def with_spectrum(shape, spectrum, draw):
    """A matrix, its singular values over the Frobenius norm, and its singular vectors."""
    k = min(shape)
    left, right = (torch.linalg.qr(torch.randn(n, k, generator=draw, dtype=torch.float64))[0] for n in shape)
    values = spectrum(k, draw).double()
    values = values / values.norm()
    return 3.7 * (left * values) @ right.T, values, left, right


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize(("dtype", "slack"), [("theta", 0.0), ("bfloat16", 0.01)])
def test_singular_values_of_muons_update_are_near_one(spectrum, dtype, slack):
    draw, rule = torch.Generator().manual_seed(0), make("muon", lr=1.0, scale="none", dtype=dtype, momentum=0.0)
    for shape in SHAPES:
        matrix, values, left, right = with_spectrum(shape, SPECTRA[spectrum], draw)
        terms, _ = rule.update(torch.zeros(shape), matrix, {"m": torch.zeros_like(matrix)}, time(0))
        # In the basis of the input the update is diagonal.
        found = torch.diag(-left.T @ terms["step"] @ right)
        large = found[values > 0.01]
        assert large.min() > 0.68 - slack
        assert large.max() < 1.14 + slack
        assert found.max() < 1.21
        # In bfloat16 the rounding of large values is amplified in the directions of small ones.
        assert dtype == "bfloat16" or (found < 486 * values + 1e-12).all()


@pytest.mark.parametrize("steps", FROM)
def test_the_range_of_newton_schulz_is_the_one_that_is_told(steps):
    values = torch.logspace(-4, 0, 20001, dtype=torch.float64)
    rule = make("muon", ns_steps=steps)
    # A diagonal beside a column that takes the rest of the norm: each value alone.
    found = values.clone()
    for place in range(0, len(values), 500):
        rest = (1 - values[place] ** 2).clamp_min(0).sqrt()
        found[place] = rule._orthogonal(torch.diag(torch.stack([values[place], rest])))[0, 0]
    found, values = found[::500], values[::500]
    inside = (found > 0.68) & (found < 1.14)
    assert inside[values > FROM[steps]].all()
    assert not inside[values < 0.8 * FROM[steps]].all()


def test_muon_multiplies_by_the_root_of_rows_over_columns():
    tall = torch.linalg.qr(torch.randn(8, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
    sizes = {"original": 2.0, "rms": 0.2 * 8**0.5, "spectral": 2.0, "none": 1.0}
    wide = {"original": 1.0, "rms": 0.2 * 8**0.5, "spectral": 0.5, "none": 1.0}
    for scales, matrix in ((sizes, tall), (wide, tall.T)):
        steps = {}
        for scale in scales:
            rule = make("muon", scale=scale, lr=1.0)
            steps[scale] = rule.update(matrix, matrix, rule.init(matrix), time(0))[0]["step"]
        for scale, factor in scales.items():
            torch.testing.assert_close(steps[scale], factor * steps["none"])


def test_optax_corrects_the_momentum_of_muon_for_bias_and_agrees_later_on():
    draw = torch.Generator().manual_seed(0)
    m, g = (torch.randn(3, 5, generator=draw, dtype=torch.float64) for _ in range(2))
    rule, away = make("muon", lr=1.0, scale="none"), {}
    their = contrib.scale_by_muon(eps=0.0, weight_dimension_numbers={"W": ROWS_TO_COLUMNS})
    for count in (1, 2, 2000):
        state = their.init({"W": jnp.zeros((3, 5))})
        state = state._replace(count=jnp.asarray(count - 1), mu={"W": jnp.asarray(m.numpy() * (count > 1))})
        expected, _ = their.update({"W": jnp.asarray(g.numpy())}, state)
        terms, _ = rule.update(m, g, {"m": m * (count > 1)}, time(count - 1))
        away[count] = np.abs(-terms["step"].numpy() - np.asarray(expected["W"])).max()
    assert away[1] < 1e-10
    assert away[2] > 1e-3
    assert away[2000] < 1e-10


@pytest.mark.parametrize(("vectors", "length"), [("column", 0.6964), ("sgd", None)])
def test_vectors_of_muon_may_be_columns_or_take_sgd(vectors, length):
    rule, g = make("muon", lr=1.0, vectors=vectors), torch.tensor([3.0, -4.0], dtype=torch.float64)
    step = rule.update(g, g, rule.init(g), time(0))[0]["step"]
    torch.testing.assert_close(step / step.norm(), -g / 5)
    # Nesterov's first step: (1 - .95) (1 + .95) g.
    assert step.norm().item() == pytest.approx(length or 5 * 0.05 * 1.95, abs=1e-3)


def test_adafactor_keeps_rows_and_columns_of_matrices_alone():
    rule = make("adafactor")
    sizes = [sum(value.numel() for value in rule.init(torch.zeros(shape)).values()) for shape in ((30, 50), (7,), ())]
    assert sizes == [80, 7, 1]


def test_eps1_of_adafactor_is_added_to_the_square_as_published():
    rule, theta = make("adafactor", eps1=0.5, scale_parameter=False, relative_step=False, d=1e9, lr=1.0), torch.ones(2)
    step = rule.update(theta, torch.tensor([1.0, 0.0]), rule.init(theta), time(0))[0]["gradient"]
    torch.testing.assert_close(step, torch.tensor([-(1.5**-0.5), 0.0]))


def test_the_decay_of_optax_in_adafactor_is_not_scaled_by_the_rate():
    theta, zero = jnp.ones(3), jnp.zeros(3)
    updates, _ = (their := optax.adafactor(0.01, weight_decay_rate=0.1)).update(zero, their.init(theta), theta)
    np.testing.assert_allclose(np.asarray(updates), -0.1)
    rule, ours = make("adafactor", weight_decay=0.1), torch.ones(3)
    terms, _ = rule.update(ours, torch.zeros(3), rule.init(ours), time(0))
    torch.testing.assert_close(terms["decay"], torch.full((3,), -0.001))
    assert not terms["gradient"].any()


def test_optax_bounds_the_norms_of_fromage():
    theta, g = 1e-9 * torch.ones(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    ours = sum(make("fromage").update(theta, g, {}, time(0))[0].values())
    their = optax.fromage(0.01)
    found, _ = their.update(jnp.asarray(g.numpy()), their.init(jnp.asarray(theta.numpy())), jnp.asarray(theta.numpy()))
    assert np.abs(np.asarray(found)).max() > 100 * ours.abs().max()


@pytest.mark.parametrize("name", ["lion", "signsgd"])
def test_the_sign_of_what_is_no_number_is_none(name):
    rule, theta = make(name, lr=1.0), torch.zeros(3)
    terms, _ = rule.update(theta, torch.tensor([float("nan"), 0.0, -2.0]), rule.init(theta), time(0))
    assert terms["step"].isnan().tolist() == [True, False, False]
    assert terms["step"][1:].tolist() == [0.0, 1.0]
