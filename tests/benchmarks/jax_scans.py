"""The same tasks in JAX: a jitted scan over steps, and evaluations of the same points, on one core.

`python -m tests.benchmarks.jax_scans NAME STEPS` prints microseconds of processor time and of wall clock a step.
"""

import json
import os
import sys
import time

FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
SLICE, POINTS, GRID, EVERY, BLOCK = 128, 10_000, 16_384, 100, 100


def centers(hidden, lanes=1, *, evaluated=True):
    """The learned centers of voronoi; with its validation points, its map and its gaps every 100 steps."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    def scores(p, x):
        c = p["centers"]
        away = x @ (c / jnp.sum(c * c, axis=1, keepdims=True)).T - p["offset"]
        return -p["scale"] * (jax.nn.relu(away * p["slopes"][0]) + jax.nn.relu(away * p["slopes"][1]))

    def logits(p, x):
        return jax.nn.softmax(scores(p, x), axis=1) @ p["head"].T

    def losses(p, x, y):
        values = logits(p, x)
        return jax.nn.logsumexp(values, axis=1) - jnp.take_along_axis(values, y[:, None], axis=1)[:, 0]

    def step(state, batch):
        p, m, v, t = state
        loss, g = jax.value_and_grad(lambda p: losses(p, *batch).mean())(p)
        p, m, v, t = adamw(jax, jnp, (p, m, v, t), g, decay=1e-2)
        return (p, m, v, t), (loss, p["offset"], p["scale"], p["slopes"])

    def sliced(function, x):
        padded = jnp.pad(x, ((0, -len(x) % SLICE), (0, 0))).reshape(-1, SLICE, 2)
        return jax.lax.map(function, padded).reshape(-1, 2)[: len(x)]

    @jax.jit
    def evaluate(p, points, labels, grid):
        values = sliced(lambda x: logits(p, x), points)
        loss = jax.nn.logsumexp(values, axis=1) - jnp.take_along_axis(values, labels[:, None], axis=1)[:, 0]
        shares = sliced(lambda x: jax.nn.softmax(logits(p, x), axis=1), grid)
        some = scores(p, points[:500])
        gaps = [gap(each) for each in (some, jax.nn.softmax(some, axis=1))]
        return loss.mean(), (values.argmax(1) == labels).mean(), shares.astype("float16"), gaps

    def gap(values):
        """Between the largest and the second; `top_k` takes a hundred times as long."""
        first = values.max(axis=1, keepdims=True)
        return (first - jnp.where(values == first, -jnp.inf, values).max(axis=1, keepdims=True)).mean()

    draw = np.random.default_rng(0)
    single = {
        "centers": 100 * draw.standard_normal((hidden, 2)),
        "offset": draw.random(1),
        "scale": np.ones(1),
        "slopes": np.array([-0.4, 0.4]),
        "head": draw.uniform(-1, 1, (2, hidden)) / hidden**0.5,
    }
    p = {name: jnp.asarray(value, "float32") for name, value in single.items()}
    x, y = draw.uniform(-100, 100, (BLOCK, 32, 2)).astype("float32"), draw.integers(0, 2, (BLOCK, 32))
    scan = jax.jit(lambda state, x, y: jax.lax.scan(step, state, (x, y)))
    if lanes > 1:
        p = {name: jnp.stack([value] * lanes) for name, value in p.items()}
        x, y = (np.stack([part] * lanes) for part in (x, y))
        scan = jax.jit(jax.vmap(lambda state, x, y: jax.lax.scan(step, state, (x, y))))
    points, grid = (draw.uniform(-100, 100, (count, 2)).astype("float32") for count in (POINTS, GRID))
    labels = draw.integers(0, 2, POINTS)
    zeros = jax.tree.map(jnp.zeros_like, p)
    state = [(p, zeros, zeros, jnp.zeros(lanes) if lanes > 1 else jnp.zeros(()))]

    def block():
        if evaluated:
            jax.block_until_ready(evaluate(state[0][0], points, labels, grid))
        state[0], out = scan(state[0], x, y)
        jax.block_until_ready(out)

    return block


def adamw(jax, jnp, state, g, *, decay, lr=1e-2):
    """One step of AdamW."""
    p, m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)

    def moved(p, m, v):
        return p - lr * decay * p - lr * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)

    return jax.tree.map(moved, p, m, v), m, v, t


def sensing():
    """matrix-sensing: SGD on a product of two matrices, one sample a step; its error and its spectrum as recorded."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    d, draw = 256, np.random.default_rng(0)
    target = jnp.asarray(100 * draw.standard_normal((d, 2)) @ draw.standard_normal((2, d)), "float32")
    state = [[jnp.asarray(draw.standard_normal((d, d)) / 16, "float32") for _ in range(2)]]
    a, b = (draw.standard_normal((BLOCK, d)).astype("float32") for _ in range(2))

    def step(p, batch):
        def loss(p):
            a, b = batch
            return 0.5 * (a @ target @ b - a @ p[0] @ p[1] @ b) ** 2

        value, g = jax.value_and_grad(loss)(p)
        return jax.tree.map(lambda p, g: p - 2e-8 * g, p, g), value

    scan = jax.jit(lambda p, a, b: jax.lax.scan(step, p, (a, b)))
    error = jax.jit(lambda p: jnp.linalg.norm(p[0] @ p[1] - target) / jnp.linalg.norm(target))
    spectrum = jax.jit(lambda p: jnp.linalg.svd(p[0] @ p[1]))
    count = [0]

    def block():
        jax.block_until_ready(error(state[0]))
        if count[0] % 2 == 0:
            jax.block_until_ready(spectrum(state[0]))
        count[0] += 1
        state[0], out = scan(state[0], a, b)
        jax.block_until_ready(out)

    return block


def recovery():
    """matrix-recovery: a layer from 64 to 64 with AdamW, its test loss each step, its spectra every 10."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    d, draw = 64, np.random.default_rng(0)
    target = jnp.asarray(np.linalg.qr(draw.standard_normal((d, d)))[0], "float32")
    p = {"weight": jnp.asarray(draw.uniform(-1, 1, (d, d)) / 8, "float32"), "bias": jnp.zeros(d)}
    zeros = jax.tree.map(jnp.zeros_like, p)
    state = [(p, zeros, zeros, jnp.zeros(()))]
    x = draw.random((BLOCK // 10, 10, 2, 32, d)).astype("float32") - 0.5
    x /= np.linalg.norm(x, axis=-1, keepdims=True)

    def errors(p, x):
        return x @ p["weight"].T + p["bias"] - x @ target

    def step(state, x):
        loss, g = jax.value_and_grad(lambda p: (errors(p, x[0]) ** 2).sum())(state[0])
        test = (errors(state[0], x[1]) ** 2).sum() / 32
        return adamw(jax, jnp, state, g, decay=0.0), (loss, test)

    scan = jax.jit(lambda state, x: jax.lax.scan(step, state, x))

    @jax.jit
    def spectra(p, before, x):
        gradient = 2 * errors(p, x).T @ x
        values = [jnp.linalg.svd(m, compute_uv=False) for m in (gradient, p["weight"] - before)]
        return jnp.linalg.svd(p["weight"]), values, jnp.linalg.norm(p["weight"].T - target)

    def block():
        for ten in x:
            before = state[0][0]["weight"]
            state[0], out = scan(state[0], ten)
            jax.block_until_ready((out, spectra(state[0][0], before, ten[0, 0])))

    return block


def rosenbrock():
    """surface:f=rosenbrock with AdamW."""
    import jax
    import jax.numpy as jnp

    p = jnp.array([-1.5, 2.0])
    state = [(p, jnp.zeros(2), jnp.zeros(2), jnp.zeros(()))]

    def step(state, _):
        loss, g = jax.value_and_grad(lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2)(state[0])
        state = adamw(jax, jnp, state, g, decay=1e-2)
        return state, (loss, state[0])

    scan = jax.jit(lambda state: jax.lax.scan(step, state, None, length=BLOCK))

    def block():
        state[0], out = scan(state[0])
        jax.block_until_ready(out)

    return block


BLOCKS = {
    "main": lambda: centers(2048),
    "centers-50": lambda: centers(50),
    "lanes-256": lambda: centers(50, 256, evaluated=False),
    "sensing": sensing,
    "recovery": recovery,
    "rosenbrock": rosenbrock,
}
"""Functions of 100 steps, by the name of the job."""


def main(name, steps):
    """Print how long a step takes, after two blocks that compile and warm up."""
    block = BLOCKS[name]()
    block()
    block()
    count = max(1, steps // BLOCK)
    processor, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        block()
    scale = 1e6 / count / BLOCK
    print(json.dumps([scale * (time.process_time() - processor), scale * (time.perf_counter() - wall)]))


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = FLAGS
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    main(sys.argv[1], int(sys.argv[2]))
