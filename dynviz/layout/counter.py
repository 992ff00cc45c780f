"""The words for the step that a scene shows."""

from dynviz.scene.marks import Scene
from dynviz.scene.ticks import THIN


def step_words(scene: Scene) -> str:
    """The counter at the upper right of a picture; empty if the picture belongs to no step.

    >>> from dynviz.scene.marks import Scene
    >>> step_words(Scene("", (), step=4300, steps=10_000)).replace(THIN, " ")
    'step 4 300 of 10 000'
    """
    if scene.steps < 0:
        return ""
    step, steps = (f"{value:,}".replace(",", THIN) for value in scene.count or (scene.step, scene.steps))
    before, between = scene.counter
    return f"{before} {step} {between} {steps}" if scene.steps > 0 else f"{before} {step}"
