import dataclasses

import matplotlib
import numpy as np
import pytest

from dynviz.encoding.palettes import thinned
from dynviz.encoding.patches import FEW
from dynviz.errors import DynvizError
from dynviz.pixels.cutout import on
from dynviz.scene.norm import Norm
from dynviz.scene.palette import Palette
from dynviz.scene.theme import THEMES, cividis, contrast, theme

both = pytest.mark.parametrize("look", THEMES.values(), ids=THEMES)


def hexadecimal(rgb):
    return "#" + bytes(rgb).hex().upper()


def test_lanes_are_okabe_ito_in_order_with_yellow_last_on_light_ground():
    first = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"]
    light, dark = ([hexadecimal(look.color(f"lane{index}")) for index in range(6)] for look in THEMES.values())
    assert light == first
    assert dark == ["#4FA8E8", *first[1:4], "#A6DCF7", first[5]]
    assert hexadecimal(theme("dark").color("lane6")) == "#F0E442"
    assert contrast(theme("light").color("lane7"), theme("light").color("ground")) > 2
    assert hexadecimal(theme("dark").color("ground")) == "#0F141A"
    assert hexadecimal(theme("light").color("ground")) == "#FFFFFF"


@both
def test_terms_have_fixed_colours_and_those_a_rule_named_have_one_too(look):
    named = [
        look.color(f"term.{name}") for name in ("gradient", "momentum", "preconditioning", "decay", "noise", "own")
    ]
    assert len(set(named)) == 6
    assert not set(named) & {look.color("lane0"), look.color("lane1")}
    assert look.color("term.curvature") == look.color("term.curvature")


def test_an_unknown_colour_or_theme_is_refused_with_what_there_is():
    with pytest.raises(DynvizError, match="did you mean 'lane1'"):
        theme("light").color("lane11")
    with pytest.raises(DynvizError, match="dark, light"):
        theme("solarized")


def test_the_ramp_for_ordered_values_is_cividis():
    expected = matplotlib.colormaps["cividis"](np.linspace(0, 1, 64), bytes=True)[:, :3].astype(int)
    assert np.abs(cividis().astype(int) - expected).max() <= 1


@both
@pytest.mark.parametrize(("name", "ends"), [("signed", ("lane0", "lane1")), ("classes", ("class0", "class1"))])
def test_the_middle_of_signed_values_and_of_classes_is_the_ground(look, name, ends):
    ramp, norm = look.ramp(name), Norm(-3, 3)
    assert tuple(ramp[norm.levels(np.zeros(1))[0]]) == look.color("ground")
    assert (tuple(ramp[0]), tuple(ramp[-1])) == tuple(map(look.color, ends))
    distance = np.abs(ramp.astype(int) - look.color("ground")).sum(axis=1)
    assert (np.diff(distance[:32]) <= 0).all()
    assert (np.diff(distance[32:]) >= 0).all()


@both
def test_the_palette_holds_every_colour_that_is_drawn_and_leaves_room_for_transparency(look):
    palette = look.palette()
    held = {tuple(color) for color in palette.tolist()}
    assert len(held) == len(palette) <= 255
    for name in ("classes", "ordered", "signed"):
        far = np.abs(look.ramp(name)[:, None].astype(int) - palette.astype(int)).max(axis=-1).min(axis=1)
        assert far.max() <= 8
        alone = look.palette([name])
        assert {tuple(color) for color in look.ramp(name).tolist()} <= {tuple(color) for color in alone.tolist()}
    ground = np.array(look.color("ground"))
    for role in look.colors:
        for share in look.blends(role):
            blend = (ground + share * (np.array(look.color(role)) - ground)).round().astype(int)
            assert tuple(blend.tolist()) in held


@both
def test_words_can_be_read_and_lanes_keep_their_hue(look):
    for role in look.colors:
        # Edges of lines and balls are no words.
        if role not in {"ground", "grid", "rim", "casing"}:
            assert contrast(look.ink(role), look.color("ground")) >= 3


@both
def test_a_colour_of_the_palette_finds_itself_and_others_the_nearest(look):
    palette = Palette(look.palette())
    again = palette.colors[palette.indices(palette.colors)].astype(int)
    wrong = (again != palette.colors).any(axis=1)
    assert wrong.mean() < 0.1
    assert np.abs(again - palette.colors).max() <= 3
    colors = np.random.default_rng(0).integers(0, 256, (500, 3))
    found = palette.colors[palette.indices(colors)].astype(int)
    nearest = np.sqrt(((colors[:, None] - palette.colors[None].astype(int)) ** 2).sum(-1)).min(axis=1)
    # The table goes by the middles of cells of 4 x 4 x 4 colours, each within sqrt(3) x 2 of what lies in it.
    assert (np.sqrt(((found - colors) ** 2).sum(-1)) <= nearest + 7).all()


def test_the_nearest_colour_does_not_depend_on_what_was_asked_before():
    colors = np.random.default_rng(0).integers(0, 256, (2000, 3))
    one, other = Palette(theme("dark").palette()), Palette(theme("dark").palette())
    other.indices(colors[::-7])
    assert np.array_equal(one.indices(colors), other.indices(colors))


def test_classes_look_like_no_lane_in_front_and_apart_also_without_green():
    """Machado, Oliveira and Fernandes (2009): what is seen of linear colours with deuteranopia."""
    seen = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
    for look in THEMES.values():
        roles = ("class0", "class1", "lane0", "lane1")
        colors = {role: (np.array(look.color(role)) / 255) ** 2.2 for role in roles}
        for one in ("class0", "class1"):
            for other in roles:
                if one != other:
                    full, without = (
                        np.abs(matrix @ (colors[one] - colors[other])).max() for matrix in (np.eye(3), seen)
                    )
                    assert full > 0.12
                    assert without > 0.08


def test_futures_can_be_seen_on_dark_ground():
    look = theme("dark")
    ground = np.array(look.color("ground"))
    for index in range(8):
        share = look.future(f"lane{index}")
        ghost = (ground + share * (np.array(look.color(f"lane{index}")) - ground)).round()
        assert contrast(tuple(ghost), look.color("ground")) >= 3
        assert share < 0.8


@both
def test_a_small_palette_keeps_what_tells_lanes_apart(look):
    small = Palette(thinned(look.palette(), FEW, look.pinned()))
    for role in look.colors:
        if role.startswith("lane"):
            ground, color = np.array(look.color("ground")), np.array(look.color(role))
            for share in (1, look.future(role), look.shade):
                wanted = (ground + share * (color - ground)).round()
                drawn = small.colors[small.indices(wanted[None].astype(np.uint8))][0]
                assert np.abs(drawn.astype(int) - wanted).max() <= 4


@both
def test_a_small_palette_draws_the_edges_of_a_term_in_its_own_colour(look):
    roles = [role for role in look.colors if role.startswith("term.")]
    small = Palette(thinned(look.palette(["valley"]), FEW, look.pinned(roles)))
    ground = np.array(look.color("ground"))
    for role in roles:
        for share in look.blends(role):
            wanted = (ground + share * (np.array(look.color(role)) - ground)).round()
            drawn = small.colors[small.indices(wanted[None].astype(np.uint8))][0]
            assert np.abs(drawn.astype(int) - wanted).max() <= 4


@both
@pytest.mark.parametrize("ramp", ["ordered", "signed", "classes", "valley"])
def test_a_small_palette_keeps_steps_of_every_ramp(look, ramp):
    small = thinned(look.palette([ramp]), FEW, look.pinned()).tolist()
    kept = [level for level, color in enumerate(look.ramp(ramp).tolist()) if color in small]
    # Of a valley there are a dozen bands, and no more levels in any palette.
    assert {0, 61 if ramp == "valley" else 63} <= set(kept)
    assert max(np.diff(kept)) < 16


@pytest.mark.parametrize("first", ["own", "base"])
def test_a_theme_made_from_another_has_a_palette_of_its_own(first, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('base = "dark"\n[colors]\nground = "#400000"\nlane0 = "#00ff00"\n')
    own, base = theme(str(file)), dataclasses.replace(theme("dark"))
    on_black = on((0, 0, 0), base)
    palettes = {}
    for look in (own, base, on_black) if first == "own" else (on_black, base, own):
        palettes[look.color("ground")] = look.palette().tolist()
    assert all(palettes[ground][0] == list(ground) for ground in palettes)
    assert [0, 255, 0] in palettes[64, 0, 0]
    assert [0, 255, 0] not in palettes[0, 0, 0]
