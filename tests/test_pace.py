"""Frames spread by what moves: against constructed films whose moves are known in closed form."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dynviz.animation.drawing import open_film
from dynviz.animation.export import POSTER, animate
from dynviz.animation.motion import moves
from dynviz.animation.pace import MOTION, _capped, by_motion, spread
from dynviz.cells.canvas import CellCanvas
from dynviz.film import Film
from dynviz.pixels import PixelCanvas
from dynviz.pixels.vector import Vector
from dynviz.player.playback import SECONDS, Playback
from dynviz.player.timeline import TICK, TimelineState, layout, track
from dynviz.scene.marks import Axis, Field, Line, Panel, Points, Scene
from dynviz.scene.norm import Norm
from dynviz.scene.step_scale import StepScale
from dynviz.scene.theme import light
from tests.recorded import surface
from tests.scenes import every_mark

STEPS = np.arange(1001)
PLANE = Axis((0.0, 1.0)), Axis((0.0, 1.0))


def ball(way):
    """A film of one ball that is at `way` [steps, 2]."""

    def scene(step):
        x, y = way[step, :1], way[step, 1:]
        return Scene("ball", (Panel("plane", *PLANE, (Points(x, y, "lane0"),), square=True),), step, 1000)

    return Film(STEPS[: len(way)], scene)


def diagonal(share):
    return np.stack([share, share], axis=1)


def test_frames_are_dense_where_the_ball_moves():
    # It moves for the first hundred steps, then rests: 80 % of the frames are there, and 20 % spread over all.
    film = ball(diagonal(np.minimum(STEPS / 100, 1.0)))
    frames = by_motion(film, 51, (None, None))
    assert (len(frames), frames[0], frames[-1]) == (51, 0, 1000)
    assert sum(frame <= 100 for frame in frames) == pytest.approx(50 * (MOTION + 0.1 * (1 - MOTION)), abs=2)
    assert set(frames) <= set(STEPS.tolist())


def test_as_much_moves_between_any_two_frames_of_an_even_film():
    film = ball(diagonal(np.sqrt(STEPS / 1000)))
    places = np.sqrt(np.array(by_motion(film, 41, (None, None)))[8:] / 1000)
    even = np.sqrt(np.array(spread(film, 41, (None, None)))[8:] / 1000)
    assert np.ptp(np.diff(places)) < 0.5 * np.ptp(np.diff(even)) + 0.005


def test_a_whole_move_is_a_diagonal_and_a_whole_field_is_one():
    assert moves(ball(diagonal(STEPS / 1000)), STEPS).sum() == pytest.approx(1.0)

    def scene(step):
        values = np.full((4, 4), step / 1000)
        return Scene("", (Panel("", *PLANE, (Field(values, (0, 1, 0, 1), Norm(0, 1)),)),), step, 1000)

    assert moves(Film(STEPS, scene), STEPS).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("way", [np.zeros(1001), 0.3 * (STEPS % 2) / 60, np.full(1001, np.nan)])
def test_what_rests_or_is_nowhere_does_not_move(way):
    assert by_motion(ball(diagonal(np.asarray(way, float))), 20, (None, None)) is None


def test_curves_over_steps_go_by_steps():
    line = Line(STEPS.astype(float), np.sqrt(STEPS), "lane0")
    axes = Axis((0, 1000), label="step"), Axis((0, 40))
    film = Film(STEPS, lambda step: Scene("", (Panel("loss", *axes, (line.at(step),)),), step, 1000))
    assert by_motion(film, 20, (None, None)) is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.floats(0.1, 0.9))
def test_no_step_takes_more_than_a_frame(weights, part):
    total = part * len(weights)
    capped = _capped(np.array(weights), total)
    assert capped.max() <= 1 + 1e-9
    assert capped.sum() == pytest.approx(total, rel=1e-6)
    order = np.argsort(weights, kind="stable")
    assert (np.diff(capped[order]) >= -1e-9).all()


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=30, unique=True).map(sorted), st.floats(0, 1))
def test_places_and_steps_of_a_scale_are_inverse(frames, place):
    scale = StepScale(tuple(frames))
    assert scale.places(scale.steps(place)) == pytest.approx(place, abs=1e-6)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return surface(tmp_path_factory.mktemp("run") / "adamw", steps=300)


def decoded(file):
    with Image.open(file) as image:
        for index in range(image.n_frames):
            image.seek(index)
            yield np.asarray(image.convert("RGB")).astype(float), image.info["duration"]


def test_a_frame_is_a_recorded_step_and_the_first_one_a_poster(recording, tmp_path):
    animate([recording], tmp_path / "a.gif", view="path", frames=12, size=(320, 240), quality="best")
    film = open_film([recording], "path")
    steps = by_motion(film, 12, (None, None))
    scale = StepScale(tuple(steps))
    canvas = PixelCanvas(320, 240)
    scenes = [replace(film.scene(step), scale=scale) for step in steps]
    wanted = [canvas.poster(scenes[0], scenes[-1]), *map(canvas.draw, scenes[1:])]
    frames = list(decoded(tmp_path / "a.gif"))
    assert frames[0][1] == 1000 * POSTER
    assert frames[-1][1] == 2500
    for (pixels, _), picture in zip(frames, wanted, strict=True):
        assert np.abs(pixels - picture).mean() < 1.0


def test_a_poster_has_the_last_picture_at_a_third_of_its_strength():
    canvas = PixelCanvas(400, 300)
    film = ball(diagonal(0.1 + 0.8 * STEPS / 1000))
    first, last = canvas.draw(film.scene(0)).astype(int), canvas.draw(film.scene(1000)).astype(int)
    poster = canvas.poster(film.scene(0), film.scene(1000)).astype(int)
    own = (first != poster).any(axis=-1)
    ball_color, ground = np.array(light.color("lane0")), np.array(light.color("ground"))
    at = (last == ball_color).all(axis=-1)
    assert own[at].all()
    assert np.abs(poster[at] - (ground + (ball_color - ground) / 3)).max() <= 1
    # The start stands as it did, and words do not mix.
    assert (poster[(first == ball_color).all(axis=-1)] == ball_color).all()
    assert (poster[:30] == first[:30]).all()


def test_no_scale_and_no_warp_where_frames_go_by_steps(recording, tmp_path):
    animate([recording], tmp_path / "a.gif", view="path", frames=7, size=(320, 240), pace="steps", quality="best")
    film, canvas = open_film([recording], "path"), PixelCanvas(320, 240)
    frames = list(decoded(tmp_path / "a.gif"))
    for (pixels, _), step in list(zip(frames, range(0, 301, 50), strict=True))[1:]:
        assert np.abs(pixels - canvas.draw(film.scene(step))).mean() < 1.0


@pytest.mark.parametrize("step", [0, 400, 1000])
def test_all_backends_show_the_same_scale(step):
    scale = StepScale((0, 10, 20, 40, 400, 1000))
    scene = replace(every_mark(step), scale=scale)
    share = float(scale.places(step))
    # In pixels the dot is the only dark thing in the strip above the words.
    pixels = PixelCanvas(800, 600).draw(scene)
    strip = pixels[600 - 38 : 600 - 24]
    dark = np.flatnonzero((strip == np.array(light.color("text"))).all(axis=-1).any(axis=0))
    assert (dark.mean() - 13) / (800 - 26) == pytest.approx(share, abs=0.01)
    cells = CellCanvas(100, 30).draw(scene)
    row = "".join(map(chr, cells.glyphs[-1]))
    assert row.index("●") == pytest.approx(1 + share * 97, abs=1)
    texts = [part.split("<")[0] for part in Vector(800, 600, light).svg(scene).split(">")]
    for label in ("step 0", "200", "1\u2009000"):
        assert label in texts
        assert label.replace("\u2009", " ")[1:-1] in row.replace("\u2009", " ")


def test_the_player_takes_its_time_where_the_scale_does():
    playback = Playback()
    playback.extend(STEPS, 1000)
    playback.scale = StepScale((0, 1, 2, 3, 1000))
    playback.toggle(0.0)
    for half in range(1, round(1.5 * SECONDS) + 1):
        playback.advance(half / 2)
    assert playback.step == 3
    line = track(60, 1000, playback.scale)
    assert [line.step(line.column(step)) for step in (0, 1, 2, 3, 1000)] == [0, 1, 2, 3, 1000]
    row = layout(60, TimelineState(3, 1000, 1000, scale=playback.scale))
    text = "".join(word.text for word in row)
    assert text.index("●") == line.left + round(0.75 * (line.columns - 1))
    assert TICK in text
