"""Keys that change the axes of curves."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dynviz.player.fitting import SMOOTHED, SPANS, Span
from dynviz.player.training_screen import TrainingScreen
from dynviz.player.words import grouped

SHOWN: Mapping[Span, str] = {
    "recorded": "axes show the steps so far",
    "plan": "axes show the whole plan",
    "last": "axes show the last tenth of the plan, up to this step",
}


class AxisScreen(TrainingScreen):
    """A screen whose keys change the axes of curves."""

    def _change_axes(self, words: str, **changed: Any) -> None:
        self.state.axes = replace(self.state.axes, **changed)
        self.say(words)
        self.beat()

    def action_fit(self) -> None:
        """Show axes of the steps recorded so far, of all that are planned, or of the last ones."""
        span = SPANS[(SPANS.index(self.state.axes.span) + 1) % len(SPANS)]
        self._change_axes(SHOWN[span], span=span, between=None)

    def action_log(self, axis: str) -> None:
        """Make the axes of steps, or the vertical ones, logarithmic, and back."""
        name, words = {"x": ("log_x", "axes of steps"), "y": ("log_y", "vertical axes of curves")}[axis]
        log = not getattr(self.state.axes, name)
        self._change_axes(f"{words}: {'logarithmic' if log else 'as the view has them'}", **{name: log})

    def action_smooth(self) -> None:
        """Show curves as means of more samples, or as they are."""
        width = SMOOTHED[(SMOOTHED.index(self.state.axes.smooth) + 1) % len(SMOOTHED)]
        words = (
            f"curves show the mean of the last {grouped(width)} samples"
            if width > 1
            else "curves are as the view has them"
        )
        self._change_axes(words, smooth=width)
