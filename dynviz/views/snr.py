"""Signal-to-noise ratio against the size of the matrix, one panel per optimizer."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, trend
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.samples import has, index_at, need
from dynviz.charts.series import series
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Line, Mark, Panel, Points, Readout, ReferenceLine, Scene
from dynviz.scene.ticks import number

Array: TypeAlias = NDArray[Any]

FAMILIES = {"square": "lane3", "fat": "lane2", "skinny": "lane0", "low rank": "lane5"}
"""What varies: all sizes, or one beside an input, an output or both of fixed length; the colours of the documents."""
LONGER = {"fat": "fat: more outputs", "skinny": "skinny: more inputs"}
"""Families in words that say what makes them."""
CONTROLS = {"svd_snr": "SVD", "lstsq_snr": "lstsq"}
"""Channels of least-squares solutions, and the titles of their panels."""
BATCH = 32
ENOUGH = 20
"""Examples for each parameter that the line of Hoffmann et al. 2022 asks for."""


@frozen
class MatrixFacts:
    """What is known of the matrix: its inputs M and outputs N, its rank, whether singular values are scaled.

    Attributes:
        snr: Which definition of the ratio is recorded.
    """

    M: int
    N: int
    rank: int
    scaled: bool
    snr: str = "plain"


@frozen
class Size:
    """A recording's place in the figure: its family, whether singular values are scaled, its size, its optimizer."""

    family: str
    scaled: bool
    rank: int
    label: str


def view(recordings: Sequence[Recording], *, control: bool = True, ranked: bool = False, before: int = 0) -> Film:
    """A point is the median over the lanes of a recording, in dB.

    The ratio is that of the test loss before training to the mean of the last four test losses. Lines join recordings
    of one family: square matrices; fat ones, whose output is longer than their rank; skinny ones, whose input is; and
    square ones of low rank. Dashed lines have scaled singular values. A vertical line in a family's colour is where its
    examples are 20 times its parameters. If there is only one size, the ratio is drawn over the steps.

    Args:
        recordings: What is shown; of as many sizes and optimizers as there are.
        control: Whether to add panels for least squares by singular value decomposition and by `numpy.linalg.lstsq`.
        ranked: Whether the optimizers stand from the best to the worst, by the median of their last ratios, rather than
            in their order. Each panel then says the median of its ratios, and has a line there. Nothing is said of the
            number of examples, and a story has no counter of steps.
        before: A step with which ranked optimizers are compared: panels say their median of then too, and have a dotted
            line there; 0: none.
    """
    need("snr", recordings, "snr", "svd_snr")
    for recording in recordings:
        _facts(recording)
    sizes = [_size(recording) for recording in recordings]
    if before and not (ranked and 0 < before <= min(recording.recorded for recording in recordings)):
        raise DynvizError(
            "the view snr compares with a recorded step, and where it ranks: write ranked=true,before=500"
        )
    if len({(size.family, size.rank) for size in sizes}) == 1:
        return _over_steps(recordings)
    labels = list(dict.fromkeys(size.label for size in sizes))
    if ranked:
        labels.sort(key=lambda label: -_middle(recordings, label))
    panels = [_panel(recordings, sizes, label, ranked=ranked, before=before) for label in labels]
    x, y = _axes(recordings, sizes)
    if ranked:
        # Beside the median there is no room for the unit, which the words above all panels have.
        x, y = replace(x, at=tuple(sorted({float(size.rank) for size in sizes}))), replace(y, label="")
    panels = [_framed(panel, x, y) for panel in panels]
    if control:
        panels += [
            _framed(_control(recordings, sizes, channel, title), x, y)
            for channel, title in CONTROLS.items()
            if all(has(recording, channel) for recording in recordings)
        ]
    if not ranked:
        return _film(recordings, panels, _words(recordings, sizes), _chinchilla(recordings, sizes))
    film_of_ranks = _film(recordings, panels, _ranked_words(recordings, sizes, before), ())

    def still(step: int) -> Scene:
        return replace(film_of_ranks.scene(step), steps=-1)

    return replace(film_of_ranks, story=lambda: replace(film_of_ranks, scene=still))


def ratio(recording: Recording, step: int) -> float:
    """The median of the lanes' ratios at a step, in dB; that of a lane that diverged is below all others."""
    ratios = recording["snr"][index_at(recording.steps("snr"), step)]
    return float(trend.middle(ratios[None], "higher")[1, 0])


def _middle(recordings: Sequence[Recording], label: str) -> float:
    """The median of an optimizer's last ratios."""
    return float(np.median([ratio(one, int(one.steps("snr")[-1])) for one in recordings if one.label == label]))


def _facts(recording: Recording) -> MatrixFacts:
    return recording.facts_as(MatrixFacts)


def _size(recording: Recording) -> Size:
    facts = _facts(recording)
    equal = "square" if facts.rank == facts.M else "low rank"
    family = equal if facts.M == facts.N else "fat" if facts.M < facts.N else "skinny"
    return Size(family, facts.scaled, facts.rank, recording.label)


def _axes(recordings: Sequence[Recording], sizes: Sequence[Size]) -> tuple[Axis, Axis]:
    ranks = [size.rank for size in sizes]
    x = Axis(_reach(ranks), "log", "rank")
    ends = [ratio(recording, int(recording.steps("snr")[-1])) for recording in recordings]
    ends += [float(value) for recording in recordings for value in recording["svd_snr"][0]]
    seen = [value for value in ends if np.isfinite(value)]
    return x, Axis((min(0.0, *seen, 0.0) * 1.05, 1.08 * max(10.0, *seen, 10.0)), label="dB")


def _reach(ranks: Sequence[int]) -> tuple[float, float]:
    """The ends of the axis of ranks."""
    return min(ranks) / 1.15, max(ranks) * 1.15


def _over_steps(recordings: Sequence[Recording]) -> Film:
    panel = series(recordings, "snr", scale="linear")
    control = float(np.median(np.concatenate([recording["svd_snr"][0] for recording in recordings])))
    reference, words = ReferenceLine(control), Readout(f"SVD {control:.0f}", "muted")

    def at(step: int) -> Panel:
        whole = panel.at(step)
        y = replace(whole.y, limits=(whole.y.limits[0], max(whole.y.limits[1], 1.05 * control)), label="dB")
        readouts = (*whole.readouts, words)
        return replace(whole, title="signal-to-noise ratio", y=y, marks=(reference, *whole.marks), readouts=readouts)

    losses = series(recordings, "test_loss", scale="log")
    return film(recordings, [MovingPanel(panel.steps, at), losses])


def _panel(
    recordings: Sequence[Recording], sizes: Sequence[Size], label: str, *, ranked: bool, before: int
) -> MovingPanel:
    """The lines of one optimizer as they stand at a step, and their median if optimizers are ranked by it."""
    mine = [(size, one) for size, one in zip(sizes, recordings, strict=True) if size.label == label]
    groups = _grouped([size for size, _ in mine])
    unused = Axis((0.0, 1.0))
    earlier = float(np.median([ratio(one, before) for _, one in mine])) if before else 0.0

    def at(step: int) -> Panel:
        ratios = np.array([ratio(one, step) for _, one in mine])
        middle = float(np.median(ratios))
        marks: list[Mark] = [ReferenceLine(earlier, dash="dotted")] if before and np.isfinite(earlier) else []
        marks += [ReferenceLine(middle, dash="solid")] if ranked and np.isfinite(middle) else []
        for (family, scaled), members in groups.items():
            ranks = np.array([mine[index][0].rank for index in members], dtype=np.float64)
            marks += _marks(family, ranks, ratios[members], scaled=scaled)
        then, widest = (f"{_whole(earlier)} → ", "000 → 000 dB") if before else ("", "000 dB")
        told = Readout(f"{then}{_whole(middle)} dB", "text", widest=widest)
        return Panel(label, unused, unused, tuple(marks), (told,) if ranked else ())

    return MovingPanel(union([one.steps("snr") for _, one in mine]), at)


def _whole(ratio: float) -> str:
    """A ratio in whole dB; of lanes that diverged there is none."""
    return f"{round(ratio)}" if np.isfinite(ratio) else "-"


def _grouped(sizes: Sequence[Size]) -> dict[tuple[str, bool], list[int]]:
    """The places of the sizes of each line, the smallest first."""
    order = sorted(range(len(sizes)), key=lambda index: (sizes[index].family, sizes[index].scaled, sizes[index].rank))
    families = itertools.groupby(order, key=lambda index: (sizes[index].family, sizes[index].scaled))
    return {key: list(members) for key, members in families}


def _marks(family: str, ranks: Array, values: Array, *, scaled: bool) -> list[Mark]:
    color = FAMILIES[family]
    line = Line(ranks, values, color, dash="dashed" if scaled else "solid", width=1.5)
    return [line, Points(ranks, values, color, 3.5, "ring" if scaled else "dot")]


def _control(recordings: Sequence[Recording], sizes: Sequence[Size], channel: str, title: str) -> MovingPanel:
    """The least-squares solution, which needs no steps: the same in all scenes."""
    lines: dict[tuple[str, bool], dict[int, float]] = {}
    for recording, size in zip(recordings, sizes, strict=True):
        value = float(np.median(recording[channel][0]))
        lines.setdefault((size.family, size.scaled), {})[size.rank] = value
    marks: list[Mark] = []
    for (family, scaled), values in lines.items():
        ranks = sorted(values)
        marks += _marks(family, np.array(ranks, np.float64), np.array([values[rank] for rank in ranks]), scaled=scaled)
    still = Panel(title, Axis((0.0, 1.0)), Axis((0.0, 1.0)), tuple(marks), (Readout("from 2M examples", "muted"),))
    return MovingPanel(recordings[0].steps("snr")[:1], lambda _: still)


def _framed(panel: MovingPanel, x: Axis, y: Axis) -> MovingPanel:
    return MovingPanel(panel.steps, lambda step: replace(panel.at(step), x=x, y=y))


def _film(
    recordings: Sequence[Recording],
    panels: Sequence[MovingPanel],
    words: tuple[Readout, ...],
    references: tuple[ReferenceLine, ...],
) -> Film:
    """A film whose title names what all sizes share, and whose readouts are the families."""
    total = max(recording.total for recording in recordings)
    title = caption.title(recordings)
    columns = math.ceil(math.sqrt(len(panels)))

    def scene(step: int) -> Scene:
        drawn = []
        for moving in panels:
            panel = moving.at(step)
            low, high = panel.x.limits
            own = tuple(reference for reference in references if low < reference.at < high)
            drawn.append(replace(panel, marks=(*own, *panel.marks)))
        return Scene(title, tuple(drawn), step, total, words, columns=columns)

    return Film(union([panel.steps for panel in panels]), scene)


def _words(recordings: Sequence[Recording], sizes: Sequence[Size]) -> tuple[Readout, ...]:
    """What is drawn, and what colours and dashes mean."""
    families = {size.family for size in sizes}
    words = [Readout(name, FAMILIES[name]) for name in FAMILIES if name in families]
    if any(size.scaled for size in sizes):
        words.append(Readout("dashed: scaled", "muted"))
    words += _seeds(recordings)
    first, last = _reach([size.rank for size in sizes])
    if any(first < reference.at < last for reference in _chinchilla(recordings, sizes)):
        words.append(Readout(f"dotted: {ENOUGH} examples per parameter", "muted"))
    what = ", ".join(["signal-to-noise ratio in dB, the larger the better", *_kinds(recordings)])
    return Readout(what, "muted"), *words


def _ranked_words(recordings: Sequence[Recording], sizes: Sequence[Size], before: int) -> tuple[Readout, ...]:
    """The same, first a sample of each line; then what stands along the vertical axis, next to the panels."""
    what = ", ".join(["signal-to-noise ratio, dB (higher is better)", *_kinds(recordings)])
    grey = f"grey: median, dotted after {number(Decimal(before))} steps" if before else "grey: median"
    families = {size.family for size in sizes}
    words = LONGER | _size_of_low_rank(recordings)
    samples = [Readout(f"━ {words.get(name, name)}", FAMILIES[name]) for name in FAMILIES if name in families]
    if any(size.scaled for size in sizes):
        samples.append(Readout("╍╍ scaled: singular values 1 to 5", "muted"))
    return *samples, Readout(what, "muted"), Readout(grey, "muted"), *_seeds(recordings)


def _size_of_low_rank(recordings: Sequence[Recording]) -> dict[str, str]:
    """The family of low rank in words that say how large its matrices are, if all are of one size."""
    sizes = {(one.M, one.N) for one in map(_facts, recordings) if one.rank < min(one.M, one.N)}
    return {"low rank": "low rank: {} × {}".format(*min(sizes))} if len(sizes) == 1 else {}


def _seeds(recordings: Sequence[Recording]) -> list[Readout]:
    """The seeds, if all recordings have the same."""
    seeds = {caption.seeds(recording) for recording in recordings}
    return [Readout(text, "muted") for text in seeds] if len(seeds) == 1 else []


def _kinds(recordings: Sequence[Recording]) -> list[str]:
    """Definitions of the ratio other than the plain one."""
    return sorted({_facts(recording).snr for recording in recordings} - {"plain"})


def _chinchilla(recordings: Sequence[Recording], sizes: Sequence[Size]) -> tuple[ReferenceLine, ...]:
    """Where the examples of a family are 20 times its parameters, as a rank."""
    ranks: dict[str, float] = {}
    for recording, size in zip(recordings, sizes, strict=True):
        parameters = recording.total * BATCH / ENOUGH
        if size.family == "square":
            ranks[size.family] = parameters**0.5
        elif size.family != "low rank":
            ranks[size.family] = parameters / max(_facts(recording).M, _facts(recording).N)
    return tuple(ReferenceLine(at, FAMILIES[family], vertical=True, dash="dotted") for family, at in ranks.items())
