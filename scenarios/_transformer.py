"""A small transformer that predicts the next token: pre-normalised, causal, without biases."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from dynviz.task import Tensors

EXPANSION = 4
"""Units of the hidden layer of an MLP, over the width."""


@dataclass(frozen=True, kw_only=True)
class Transformer:
    """The shape of a transformer.

    Attributes:
        tokens: That it reads.
        outputs: Among which it chooses.
        length: Of a sequence.
        width: Of what it carries along.
        heads: Of attention; they share the width.
        layers: How many.
    """

    tokens: int
    outputs: int
    length: int
    width: int
    heads: int
    layers: int

    def parameters(self, generator: Generator) -> dict[str, Tensor]:
        """Initial ones: normal numbers of variance 1 / (numbers that reach one unit)."""
        width, inner = self.width, EXPANSION * self.width
        shapes = {"embedding": (self.tokens, width), "position": (self.length, width)}
        for layer in range(self.layers):
            shapes |= {f"{name}{layer}": (width, width) for name in ("query", "key", "value", "mix")}
            shapes |= {f"up{layer}": (inner, width), f"down{layer}": (width, inner)}
        shapes["output"] = (self.outputs, width)
        # A table of rows that are looked up has rows of length one, too.
        return {name: torch.randn(shape, generator=generator) / math.sqrt(shape[1]) for name, shape in shapes.items()}

    def logits(self, parameters: Tensors, tokens: Tensor, *, last: bool = False) -> Tensor:
        """Logits of the next token after each place [sequences, length, outputs].

        With `last` after the last place alone, [sequences, outputs].
        """
        x = parameters["embedding"][tokens] + parameters["position"][: tokens.shape[1]]
        for layer in range(self.layers):
            # In the last layer nothing reads what the other places carry.
            own = x[:, -1:] if last and layer == self.layers - 1 else x
            x = own + self._attention(parameters, layer, _normalised(own), _normalised(x))
            hidden = functional.linear(_normalised(x), parameters[f"up{layer}"]).relu()
            x = x + functional.linear(hidden, parameters[f"down{layer}"])
        x = _normalised(x[:, -1] if last else x)
        return functional.linear(x, parameters["output"])

    def _attention(self, parameters: Tensors, layer: int, own: Tensor, others: Tensor) -> Tensor:
        query, key, value = (
            self._by_head(functional.linear(x, parameters[f"{name}{layer}"]))
            for name, x in (("query", own), ("key", others), ("value", others))
        )
        scores = query @ key.mT / math.sqrt(self.width // self.heads)
        length = others.shape[1]
        if own.shape[1] == length:
            later = torch.ones(length, length, dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(later, -math.inf)
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        return functional.linear(mixed, parameters[f"mix{layer}"])

    def _by_head(self, x: Tensor) -> Tensor:
        """[sequences, length, width] to [sequences, heads, length, width of a head]."""
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)


def _normalised(x: Tensor) -> Tensor:
    """Layer normalisation without parameters."""
    return functional.layer_norm(x, x.shape[-1:])
