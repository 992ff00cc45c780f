"""Hooks on a script's optimizers, whose steps become recordings."""

import atexit
import contextlib
import math
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

from dynviz.errors import DynvizError, in_words
from dynviz.recorder.description import OWN, LoopPlan, describe
from dynviz.recorder.description import value as value_channel
from dynviz.recorder.growing import GrowingRecording
from dynviz.recorder.models import Optimizer
from dynviz.recorder.tracked import TrackedOptimizer
from dynviz.recorder.values import LOSS
from dynviz.recording import layout
from dynviz.recording.metadata import Status
from dynviz.training import session
from dynviz.training.preparation import LARGE
from dynviz.training.session import Progress


class Recorder:
    """Records a loop; made by `record`. Call it with each step's loss, and close it, or use it in a `with` statement.

    What goes wrong with the files ends the recording with a warning, not the training.

    Attributes:
        folder: The folder of the recordings; None in a process that does not record.
    """

    def __init__(
        self, tracked: Sequence[TrackedOptimizer], folder: Path | None, plan: LoopPlan, *, yes: bool = False
    ) -> None:
        """Begin to follow optimizers; see `record`."""
        self.folder = folder
        self._tracked = list(tracked) if folder is not None else []
        self._plan, self._yes = plan, yes
        self._growing: dict[str, GrowingRecording] = {}
        self._progress: Progress = session.default_progress()
        self._loss = math.nan
        self._titles: dict[str, str] = {}
        self._ended = False
        # A process that was forked from this one, such as a data loader's, has the hooks too.
        self._process = os.getpid()
        self._hooks: list[Any] = []
        for order, one in enumerate(self._tracked):
            self._hooks += self._hooked(one, order)
        if self._tracked:
            atexit.register(self._at_exit)

    def __call__(self, loss: Any = None, /, **values: Any) -> None:
        """Report the loss of a step, and other values by name.

        Args:
            loss: Of the batch; a number, or a tensor of one. None where it is not known.
            values: More numbers: `val_loss=v`. They become channels of these names, in the letters that those may have.

        Raises:
            DynvizError: A value is no number, or its name cannot be a channel's.
        """
        given: dict[str, Any] = {} if loss is None else {LOSS: loss}
        for words, value in values.items():
            name = layout.channel_name(words)
            layout.check_channel(name, "<f8")
            if name in OWN or name.startswith(("term.", "singular_values.")):
                raise DynvizError(f"{name} is a channel of the recorder itself; call the value otherwise")
            given[name] = value
            if words != name:
                self._titles[name] = words
        for tracked in self._tracked:
            tracked.reports.give(given)

    def close(self, *arguments: object) -> None:
        """End the recording: finished, interrupted by Ctrl-C, or failed. Closing twice is harmless.

        Args:
            arguments: What ended the loop before its end, for frameworks that call back instead of raising it. It can
                stand among others, so that this method itself can be such a callback.
        """
        self._end_with(next((one for one in arguments if isinstance(one, BaseException)), None))

    def __enter__(self) -> "Recorder":
        """The recorder itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the recording, see `close`."""
        self._end_with(error)

    def _hooked(self, tracked: TrackedOptimizer, order: int) -> list[Any]:
        def before(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ARG001
            return self._guarded(self._before, tracked, args, kwargs) or (args, kwargs)

        def after(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:  # noqa: ARG001
            self._guarded(self._after, tracked, order)

        def passes(gradient: torch.Tensor) -> None:  # noqa: ARG001
            self._guarded(tracked.see_pass)

        return [
            tracked.optimizer.register_step_pre_hook(before),
            tracked.optimizer.register_step_post_hook(after),
            *(one.register_hook(passes) for one in tracked.tensors if one.requires_grad),  # type: ignore[no-untyped-call]
        ]

    @torch.no_grad()
    def _before(self, tracked: TrackedOptimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if tracked.is_skipped():
            return None
        if tracked.steps:
            self._put_values(tracked)
        tracked.begin_step(
            sampled=tracked.steps % self._plan.every == 0, terms=(tracked.steps + 1) % self._plan.every == 0
        )
        # The optimizer itself is the first argument, a closure the second.
        if len(args) > 1 and callable(args[1]):
            return (args[0], tracked.watched(args[1]), *args[2:]), kwargs
        if callable(kwargs.get("closure")):
            return args, {**kwargs, "closure": tracked.watched(kwargs["closure"])}
        return args, kwargs

    @torch.no_grad()
    def _after(self, tracked: TrackedOptimizer, order: int) -> None:
        if tracked.is_skipped():
            return
        sample, terms = tracked.end_step()
        step = tracked.steps
        growing = self._growing.get(tracked.label)
        if growing is None:
            growing = self._begin(tracked, order)
            for name in tracked.terms:
                growing.put(f"term.{name}", torch.zeros(tracked.coordinates.size))
        elif step >= growing.metadata.steps:
            growing.lengthen(2 * growing.metadata.steps)
        for name, value in sample.items():
            growing.put(name, value)
        if step % self._plan.every == 0:
            for name, row in terms.items():
                growing.put(f"term.{name}", row)
        if growing.flush(step):
            self._check_growth(growing)
            if len(self._growing) == len(self._tracked):
                self._progress.move(tracked.label, step, self._loss, growing.metadata.steps)

    def _begin(self, tracked: TrackedOptimizer, order: int) -> GrowingRecording:
        assert self.folder is not None
        growing = GrowingRecording(self.folder / tracked.label, describe(tracked, order, self._plan))
        self._growing[tracked.label] = growing
        if len(self._growing) == len(self._tracked):
            begun = [one.metadata for one in self._growing.values()]
            self._progress.begin(self.folder, begun, [0] * len(begun))
        return growing

    def _put_values(self, tracked: TrackedOptimizer) -> None:
        """Write the values of the step that was made last, unless another one was begun since then and has failed."""
        growing = self._growing[tracked.label]
        index = tracked.steps - 1
        if growing.count(LOSS) > index:
            return
        for name, value in tracked.report().items():
            if name not in growing.metadata.channels:
                growing.add(name, value_channel(name, self._titles.get(name, "")))
            while growing.count(name) < index:
                growing.put(name, math.nan)
            growing.put(name, value)
            if name == LOSS:
                self._see(growing, tracked, index, value)

    def _see(self, growing: GrowingRecording, tracked: TrackedOptimizer, step: int, loss: float) -> None:
        """Take note of a loss; the first that was given and is not finite is an event."""
        if math.isfinite(loss):
            self._loss = loss
        elif tracked.reports.given and not tracked.diverged:
            tracked.diverged = True
            growing.event(step, "diverged", loss)

    def _check_growth(self, growing: GrowingRecording) -> None:
        if growing.written > LARGE and not self._yes:
            raise DynvizError(
                f"it has grown to {growing.written / 1e9:.1f} GB; record less (every=10) or pass yes=True to allow more"
            )

    def _guarded(self, hook: Callable[..., Any], *args: Any) -> Any:
        """Call a hook; what goes wrong in it ends the recording, not the training."""
        if self._ended or os.getpid() != self._process:
            return None
        try:
            return hook(*args)
        # Hours of training are worth more than their recording.
        except Exception as error:
            words = in_words(error)
            warnings.warn(f"the recording in {self.folder} has ended: {words}; training goes on", stacklevel=4)
            self._end("failed", words)
            return None

    def _end_with(self, error: BaseException | None) -> None:
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self._end("finished")
        elif isinstance(error, KeyboardInterrupt):
            self._end("interrupted")
        else:
            self._end("failed", in_words(error))

    def _end(self, status: Status, error: str = "") -> None:
        if self._ended or os.getpid() != self._process:
            return
        self._ended = True
        atexit.unregister(self._at_exit)
        for hook in self._hooks:
            hook.remove()
        for tracked in self._tracked:
            if growing := self._growing.get(tracked.label):
                with contextlib.suppress(DynvizError) if error else contextlib.nullcontext():
                    self._finish(tracked, growing, status, error)
        if self._growing:
            for label, growing in self._growing.items():
                self._progress.move(label, growing.metadata.steps, self._loss, growing.metadata.steps)
            self._progress.end()
        elif self.folder is not None:
            # No step was made, and so nothing was recorded.
            with contextlib.suppress(OSError):
                self.folder.rmdir()

    @torch.no_grad()
    def _finish(self, tracked: TrackedOptimizer, growing: GrowingRecording, status: Status, error: str) -> None:
        tracked.reports.close()
        self._put_values(tracked)
        last = tracked.state_sample()
        # A last step between two samples was not looked at.
        last |= {f"term.{name}": torch.full((tracked.coordinates.size,), math.nan) for name in tracked.terms}
        growing.finish(tracked.steps, last, status, error)

    def _at_exit(self) -> None:
        """The script ends without having closed the recorder, perhaps because of an error."""
        self._end_with(getattr(sys, "last_value", None))
