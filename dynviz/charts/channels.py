"""Names of channels and of plug-ins with options, in plain words."""

import re

WHOLE = {"val": "validation", "train": "training", "lr": "learning rate"}
"""Words for abbreviations in the names of channels."""
AXES = ("rows", "columns")
"""The axes of a matrix, which the names of an optimizer's statistics count."""
APART = re.compile(r",(?![^(\[]*[)\]])")
"""A comma between options, not one between the values of one of them."""


def plain(channel: str) -> str:
    """A channel's name in words, where no scenario gives it a title.

    >>> plain("val_loss"), plain("state.weight.sketch_error.0"), plain("state.W1.step_error")
    ('validation loss', 'sketch error of the rows of weight', 'step error of W1')
    """
    kind, _, name = channel.partition(".")
    if kind == "state" and "." in name:
        parameter, what, axis = _parts(name)
        of = f"the {AXES[axis]} of {parameter}" if 0 <= axis < len(AXES) else parameter
        return f"{_words(what)} of {of}"
    return _words(channel)


def _parts(name: str) -> tuple[str, str, int]:
    """The parameter, what is kept of it, and of which axis; -1 for all of it."""
    rest, _, last = name.rpartition(".")
    if last.isdecimal() and "." in rest:
        parameter, _, what = rest.rpartition(".")
        return parameter, what, int(last)
    return rest, last, -1


def _words(name: str) -> str:
    return " ".join(WHOLE.get(word, word) for word in name.replace("_", " ").split())


def written(name: str) -> str:
    """A plug-in with options, as a command names it, in words.

    >>> written("sketchy:rank=16,iterations=2"), written("sgd:lr=warmup(0.1,5),momentum=0.9"), written("beta2=0.99")
    ('sketchy rank 16, iterations 2', 'sgd lr warmup(0.1,5), momentum 0.9', 'beta2 0.99')
    """
    words = APART.sub(", ", re.sub(r"(?<=\w):(?=\w+=)", " ", name, count=1))
    return re.sub(r"\b(\w+)=", lambda match: f"{match[1].replace('_', ' ')} ", words)
