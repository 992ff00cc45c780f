"""What the fixture `dynamics` gives: runs that are compared with goldens."""

import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynviz.charts.series import scalars
from dynviz.detection import scan
from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.plugins.objects import Given
from dynviz.recording import Recording, open_all
from dynviz.rule import Rule
from dynviz.task import Scenario
from dynviz.testing.drawn import text_picture
from dynviz.testing.golden import Deviation, Golden, deviations, fingerprint

SHOWN = 12
"""So many deviations are printed; the page has all of them."""


@frozen(kw_only=True)
class GoldenPlace:
    """Where a test's goldens are, and what may be done with them.

    Attributes:
        folder: Of the goldens of the test's module.
        stem: Of the test's own.
        scratch: Where runs are recorded.
        pages: Where pages about failures are written.
        update: Whether goldens are written anew.
        ci: Whether a missing golden fails, and none is ever written, not even anew.
    """

    folder: Path
    stem: str
    scratch: Path
    pages: Path
    update: bool
    ci: bool


class Dynamics:
    """Trains, or opens what was trained, and compares it with goldens that lie beside the test.

    Example:
        def test_lion(dynamics):
            dynamics("surface:f=rosenbrock", "./lion.py:lr=1e-3", steps=200).check(at=[1, 10, 200], view="path")
    """

    def __init__(self, place: GoldenPlace) -> None:
        self._place = place
        self._runs = self._checks = 0

    def __call__(
        self,
        scenario: Given | Scenario,
        *optimizers: Given | Rule,
        steps: int | None = None,
        seeds: int | str | Sequence[int] = 42,
        record: str | Sequence[str] = (),
        **options: Any,
    ) -> "CheckedRun":
        """Train as `dynviz.run` does; scenarios and optimizers are names, files, classes or objects."""
        from dynviz.training import run

        self._runs += 1
        out = self._place.scratch / f"dynamics-{self._runs}"
        trained = run(scenario, list(optimizers), steps=steps, seeds=seeds, record=record, out=out, **options)
        return CheckedRun(self, trained.recordings)

    def recorded(self, source: str | Path) -> "CheckedRun":
        """What was recorded elsewhere, such as with `dynviz.record`."""
        return CheckedRun(self, open_all([source]))

    def compare(self, now: Golden, rtol: float) -> None:
        """Compare with the golden, or write it.

        Raises:
            AssertionError: It is not as it was, or there is no golden.
        """
        if self._place.update and self._place.ci:
            raise AssertionError("--dynviz-update writes no goldens in CI; run it where CI is not set, and commit them")
        self._checks += 1
        number = "" if self._checks == 1 else f"-{self._checks}"
        file = self._place.folder / f"{self._place.stem}{number}.txt"
        if self._place.update or not (file.exists() or self._place.ci):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(now.to_text(), encoding="utf-8")
            return
        if not file.exists():
            raise AssertionError(
                f"there is no golden {file}; run pytest with --dynviz-update, and commit what it writes"
            )
        try:
            golden = Golden.from_text(file.read_text(encoding="utf-8"))
        except (DynvizError, ValueError) as error:
            raise AssertionError(f"{file} is no golden: {error}; --dynviz-update writes it anew") from None
        apart = deviations(golden, now, rtol)
        if apart:
            page = self._place.pages / f"{self._place.stem}{number}.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(_page(self._place.stem, golden, now, apart), encoding="utf-8")
            raise AssertionError("\n".join(_failure(file, page, golden, now, apart)))


class CheckedRun:
    """Recordings that can be checked.

    Attributes:
        recordings: In order.
    """

    def __init__(self, dynamics: Dynamics, recordings: Sequence[Recording]) -> None:
        self._dynamics = dynamics
        self.recordings = tuple(recordings)

    def check(
        self,
        *,
        rtol: float = 1e-6,
        at: Sequence[int] = (),
        channels: Sequence[str] = (),
        events: bool = True,
        view: str = "",
        quantiles: tuple[float, float] | None = None,
    ) -> None:
        """Compare numbers, events and a picture with the test's golden.

        On the machine's kind that made the golden all must be the same to the last bit. Elsewhere numbers may differ
        by `rtol`, events must be of the same kinds, and with `quantiles` the median over seeds must lie in the band.

        Args:
            rtol: As a share of the larger number.
            at: Steps; by default the first, the middle and the last one. The golden holds these alone, so that a
                difference may have begun between two of them.
            channels: By default the loss and all other scalars.
            events: Whether events are compared.
            view: A view to draw after the last of the steps; none: no picture.
            quantiles: Keep the median over seeds and these quantiles rather than every seed: for chaotic runs.

        Raises:
            AssertionError: It is not as it was: the first of the checked steps that differs with its channel, both
                pictures, and the path of a page with both sides.
            DynvizError: There is no such step, channel or view, so that nothing would be compared.
        """
        total = max(recording.total for recording in self.recordings)
        for step in at:
            if not 0 <= step <= total:
                raise DynvizError(f"there is no step {step} to check: there are 0 to {total}")
        recorded = list(dict.fromkeys(name for recording in self.recordings for name in recording))
        for name in channels:
            if name not in recorded:
                raise unknown("channel to check", name, recorded)
        steps = sorted(set(at)) or sorted({min(1, total), total // 2, total})
        names = tuple(channels) or tuple(scalars(self.recordings))
        shown = f"{view} at step {steps[-1]}" if view else ""
        now = Golden(
            made=fingerprint(),
            facts=dict(self._facts()),
            numbers=dict(self._numbers(steps, names, quantiles)),
            events=tuple(self._events()) if events else None,
            view=shown,
            picture=text_picture(self.recordings, view, steps[-1]) if view else "",
        )
        self._dynamics.compare(now, rtol)

    def _facts(self) -> Iterator[tuple[str, str]]:
        first = self.recordings[0].metadata
        task = first.scenario
        yield "task", ", ".join([task.name, *(f"{name}={value}" for name, value in task.given.items())])
        for recording in self.recordings:
            values = recording.metadata.hyperparameters.items()
            yield f"optimizer {recording.label}", ", ".join(f"{name}={one.value}" for name, one in values)
        yield "steps", str(first.steps)

    def _numbers(
        self, steps: Sequence[int], names: Sequence[str], quantiles: tuple[float, float] | None
    ) -> Iterator[tuple[tuple[int, str], float]]:
        for step in steps:
            for recording in self.recordings:
                for name in names:
                    if name not in recording:
                        continue
                    lanes = np.asarray(recording.at(name, step), dtype=np.float64)
                    for index in np.ndindex(lanes.shape[1:]):
                        place = f"[{', '.join(map(str, index))}]" if index else ""
                        column = lanes[(slice(None), *index)]
                        if quantiles is None:
                            for seed, value in zip(recording.seeds, column, strict=True):
                                yield (step, f"{recording.label} seed {seed} {name}{place}"), float(value)
                            continue
                        for share in (quantiles[0], 0.5, quantiles[1]):
                            label = f"{recording.label} {name}{place} quantile {100 * share:g} %"
                            yield (step, label), float(np.quantile(column, share))

    def _events(self) -> Iterator[str]:
        for occurrence in scan.Scan(self.recordings, scan.load()).advance():
            recording = self.recordings[occurrence.recording]
            words = f" ({occurrence.words})" if occurrence.words else ""
            value = "" if occurrence.value is None else f" {occurrence.value!r}"
            where = f"{recording.label} seed {recording.seeds[occurrence.lane]} step {occurrence.step}"
            yield f"{where}: {occurrence.kind}{value}{words}"


def _failure(file: Path, page: Path, golden: Golden, now: Golden, apart: Sequence[Deviation]) -> Iterator[str]:
    """What is printed."""
    first = next((deviation for deviation in apart if deviation.step >= 0), apart[0])
    yield f"not as in {file}"
    yield f"first of the checked steps: {first}" if first.step >= 0 else f"first: {first}"
    yield from (f"  {deviation}" for deviation in apart[:SHOWN])
    if len(apart) > SHOWN:
        yield f"  and {len(apart) - SHOWN} more"
    if golden.picture != now.picture:
        yield from ("", f"was: {golden.view}", golden.picture, "", f"is: {now.view}", now.picture)
    yield f"both sides: {page}"
    yield "if it should be so, run pytest with --dynviz-update"


def _page(title: str, golden: Golden, now: Golden, apart: Sequence[Deviation]) -> str:
    """A page with both sides."""
    keys = sorted({**golden.numbers, **now.numbers}, key=lambda key: key[0])
    bad = {(deviation.step, deviation.what) for deviation in apart}
    rows = "".join(
        f"<tr{' class=bad' if key in bad else ''}><td>{key[0]}</td><td>{html.escape(key[1])}</td>"
        f"<td>{golden.numbers.get(key, '')!r}</td><td>{now.numbers.get(key, '')!r}</td></tr>"
        for key in keys
    )
    sides = "".join(
        f"<section><h2>{name}</h2><p>{html.escape(side.made)}</p><pre>{html.escape(side.picture)}</pre>"
        f"<pre>{html.escape(chr(10).join(side.events or ()))}</pre></section>"
        for name, side in (("golden", golden), ("now", now))
    )
    told = "".join(f"<li>{html.escape(str(deviation))}</li>" for deviation in apart)
    return (
        f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{STYLE}</style>"
        f"<h1>{html.escape(title)}</h1><ul>{told}</ul><main>{sides}</main>"
        f"<table><tr><th>step<th>channel<th>golden<th>now</tr>{rows}</table>"
    )


STYLE = (
    "body{font:15px system-ui;margin:2rem;color-scheme:light dark}main{display:flex;gap:2rem;flex-wrap:wrap}"
    "pre{font:12px/1.15 monospace}td,th{text-align:left;padding:0.1rem 0.8rem}.bad{color:#c0392b;font-weight:600}"
)
