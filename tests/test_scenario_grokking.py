"""The scenario grokking: its equations, its transformer beside torch's own layers, its spectrum, and that it groks."""

import numpy as np
import pytest
import torch
from torch import Generator, nn

import dynviz
from dynviz import plugins
from dynviz.detection.scan import Scan, load
from dynviz.errors import DynvizError
from dynviz.scenarios._transformer import Transformer
from dynviz.scenarios.grokking import Grokking


@pytest.mark.parametrize("operation", ["add", "divide"])
def test_all_equations_are_right_and_each_is_either_trained_or_tested(operation):
    constants = Grokking(operation=operation, p=11, share=0.3).build(3).constants
    pairs, answers = (torch.cat([constants[f"train{end}"], constants[f"test{end}"]]) for end in ("", "_answer"))
    a, b, sign = pairs.T
    assert len(pairs) == 11 * (11 if operation == "add" else 10)
    assert len(constants["train"]) == round(0.3 * len(pairs))
    assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs)
    assert (sign == 11).all()
    assert ((a + b) % 11 == answers).all() if operation == "add" else (answers * b % 11 == a).all()


def test_the_transformer_is_torchs_own():
    shape = Transformer(tokens=7, outputs=5, length=4, width=12, heads=3, layers=2)
    parameters = {name: value.double() for name, value in shape.parameters(Generator().manual_seed(0)).items()}
    layers = []
    for layer in range(2):
        theirs = nn.TransformerEncoderLayer(12, 3, 48, 0.0, batch_first=True, norm_first=True, bias=False).double()
        attention = [parameters[f"{name}{layer}"] for name in ("query", "key", "value")]
        theirs.self_attn.in_proj_weight.data = torch.cat(attention)
        theirs.self_attn.out_proj.weight.data = parameters[f"mix{layer}"]
        theirs.linear1.weight.data, theirs.linear2.weight.data = parameters[f"up{layer}"], parameters[f"down{layer}"]
        layers.append(theirs)
    tokens = torch.randint(7, (6, 4), generator=Generator().manual_seed(1))
    x = parameters["embedding"][tokens] + parameters["position"]
    for theirs in layers:
        x = theirs(x, src_mask=nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.float64))
    expected = nn.LayerNorm(12, elementwise_affine=False)(x) @ parameters["output"].T
    torch.testing.assert_close(shape.logits(parameters, tokens), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(shape.logits(parameters, tokens, last=True), expected[:, -1], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("operation", "p"), [("add", 7), ("divide", 7), ("divide", 13)])
def test_the_spectrum_is_that_of_a_fourier_transform(operation, p):
    task = Grokking(operation=operation, p=p, width=8).build(0)
    (probe,) = task.probes
    with torch.no_grad():
        spectrum = probe.measure(task.parameters, task.constants, ())[-1].numpy()
    embedding = task.parameters["embedding"].numpy()
    # 3 is a primitive root of 7, and 2 of 13: any will do, for another one only renames the frequencies.
    root = {7: 3, 13: 2}[p]
    numbers = [pow(root, power, p) for power in range(p - 1)] if operation == "divide" else range(p)
    power = np.square(np.abs(np.fft.fft(embedding[list(numbers)], axis=0))).sum(axis=1)[1:]
    expected = np.array(
        [power[k] + (power[-1 - k] if k != len(power) - 1 - k else 0) for k in range((len(power) + 1) // 2)]
    )
    np.testing.assert_allclose(np.sort(spectrum), np.sort(expected / power.sum()), rtol=1e-4)
    if operation == "add":
        np.testing.assert_allclose(spectrum, expected / power.sum(), rtol=1e-4)


def test_a_number_that_is_a_wave_has_one_frequency():
    task = Grokking(p=11, width=4, heads=2).build(0)
    angles = 2 * np.pi * 3 * torch.arange(11) / 11
    embedding = torch.zeros(12, 4)
    embedding[:11, 0], embedding[:11, 2] = angles.cos(), 5 + 2 * angles.sin()
    spectrum = task.probes[0].measure({**task.parameters, "embedding": embedding}, task.constants, ())[-1]
    assert spectrum.tolist() == pytest.approx([0, 0, 1, 0, 0], abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "optimizer", "seed", "steps"),
    [("add", "adamw", 0, 2000), ("divide", "adamw:lr=2e-3,weight_decay=3", 1, 1200)],
)
def test_it_knows_the_training_pairs_at_once_and_the_others_long_after(tmp_path, operation, optimizer, seed, steps):
    scenario = f"grokking:operation={operation},p=23,share=0.6"
    run = dynviz.run(scenario, optimizer, seeds=str(seed), steps=steps, out=tmp_path / "run")["adamw"]
    (grokked,) = [event for event in Scan([run], load(["grokked"])).advance() if event.kind == "grokked"]
    assert grokked.value > 5
    known = int(run.steps("train_accuracy")[(run["train_accuracy"][:, 0] >= 0.99).argmax()])
    assert known < 200 < grokked.step
    assert run["test_accuracy"][known // 10, 0] < 0.3
    first, last = (np.sort(run["spectrum"][place, 0])[::-1][:5].sum() for place in (0, grokked.step // 10))
    assert first < 0.65 < 0.8 < last
    panels = plugins.load("views", "grokking").make(recordings=[run]).scene(steps).panels
    assert panels[0].readouts[0].text == f"grokked at step {grokked.step}"
    assert panels[0].x.scale == "log"


@pytest.mark.parametrize("options", [{"p": 9}, {"width": 6}, {"operation": "multiply"}, {"layers": 0}])
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(DynvizError, match=next(iter(options))):
        Grokking(**options)
