"""Tapes: the player's screen recorded from a script of keys, on a clock of the script's own."""

import asyncio
import json
import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyte
import pytest
from click.testing import CliRunner
from PIL import Image

from dynviz.cells.cells import Cells
from dynviz.cells.wide import in_cells
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.player.stage import staged
from dynviz.tapes import playing
from dynviz.tapes.drawing import SHADES_OF_LETTERS, ScreenDrawing, colors, shares
from dynviz.tapes.playing import play
from dynviz.tapes.reading import COMMANDS, parse
from dynviz.tapes.script import KEYS, Press, Sleep
from dynviz.tapes.settings import SETTINGS
from dynviz.tapes.still import screen_svg
from tests import recorded

SIZE = (80, 20)
SHOWN = """
Play {run}   # a comment
Set Columns 80
Set Rows 20
Set View scalars
Set Step 200
Set Framerate 5
Sleep 400ms
Right@200ms 5
Tab Shift+Tab
Type "?"
Sleep 1s
Escape
"""
"""Ends at step 205."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "voronoi-1"
    recorded.two_of_voronoi(folder)
    return folder


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    """The files of a tape, by their suffixes."""
    folder = tmp_path_factory.mktemp("tapes")
    (folder / "demo.tape").write_text(SHOWN.format(run=run))
    files = {suffix: folder / f"demo.{suffix}" for suffix in ("gif", "cast", "svg")}
    done = tape(folder / "demo.tape", *files.values())
    assert done.exit_code == 0, done.output
    return files


def tape(*arguments):
    return CliRunner().invoke(commands, ["tape", *map(str, arguments)])


def screenshot(run, step):
    """What the player itself shows there."""

    async def shown():
        async with staged([str(run)], size=SIZE, view="scalars", step=step) as stage:
            return stage.cells

    return asyncio.run(shown())


def events(cast):
    header, *lines = map(json.loads, cast.read_text().splitlines())
    return header, lines


def replayed(cast):
    """The screen of a terminal that was sent the recording."""
    header, lines = events(cast)
    screen = pyte.Screen(header["term"]["cols"], header["term"]["rows"])
    stream = pyte.Stream(screen)
    for _, code, data in lines:
        if code == "o":
            stream.feed(data)
    return screen


def seen(text, **settings):
    sets = "".join(f"Set {name} {value}\n" for name, value in settings.items())
    return play(parse(sets + text, "t.tape"))


def test_a_cast_leaves_a_terminal_with_the_screen_of_the_player(run, made):
    screen, cells = replayed(made["cast"]), screenshot(run, 205)
    assert [line.rstrip() for line in screen.display] == [line.rstrip() for line in cells.text().split("\n")]
    assert "step 205" in screen.display[0]
    for row in range(cells.rows):
        for column in range(cells.columns):
            shown = screen.buffer[row][column]
            assert shown.bg == cells.palette[cells.ground[row, column]].tobytes().hex()
            if shown.data != " ":
                assert shown.fg == cells.palette[cells.ink[row, column]].tobytes().hex()
                assert shown.bold == cells.bold[row, column]


def test_the_last_frame_of_a_gif_is_the_drawing_of_that_screen(run, made):
    with Image.open(made["gif"]) as gif:
        gif.seek(gif.n_frames - 1)
        last = np.asarray(gif.convert("RGB")).astype(int)
    drawn = ScreenDrawing(*SIZE, font_size=16, padding=10).draw(screenshot(run, 205)).astype(int)
    # Colours that differ by less are one in the palette.
    assert abs(last - drawn).max() < 4


def test_a_still_is_the_picture_that_play_prints(run, made):
    printed = screen_svg([str(run)], view="scalars", theme="dark", step=205, size=SIZE)

    def drawn(text):
        return re.sub("<(title|metadata)>.*?</.*?>", "", text)

    assert drawn(made["svg"].read_text()) == drawn(printed)


def test_a_cast_is_an_asciicast_of_version_3_with_intervals(made):
    header, lines = events(made["cast"])
    assert header["version"] == 3
    assert header["term"] == {"cols": 80, "rows": 20, "type": "xterm-256color"}
    assert {code for _, code, _ in lines[:-1]} == {"o"}
    assert lines[-1][1:] == ["x", "0"]
    assert lines[0][0] == 0.0
    # 0.4 s, five keys of 0.2 s, four of 50 ms, 1 s, and one frame more at the end.
    assert sum(interval for interval, *_ in lines) == pytest.approx(0.4 + 1 + 0.2 + 1 + 0.2)


def test_a_gif_lasts_as_long(made):
    with Image.open(made["gif"]) as gif:
        durations = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            durations.append(gif.info["duration"])
        assert sum(durations) == pytest.approx(2800, abs=10)
        assert "optimizer adamw-l1:lr=0.01" in gif.info["comment"].decode()


def _compute():
    while True:
        pass


def test_the_bytes_are_the_same_elsewhere_however_busy_the_machine_is(run, made):
    files = {suffix: file.with_name(f"again.{suffix}") for suffix, file in made.items()}
    busy = [multiprocessing.get_context("spawn").Process(target=_compute, daemon=True) for _ in range(2)]
    for process in busy:
        process.start()
    try:
        command = [sys.executable, "-m", "dynviz", "tape", made["gif"].with_name("demo.tape"), *files.values()]
        environment = {
            **os.environ,
            "PYTHONHASHSEED": "7",
            "NO_COLOR": "1",
            "COLUMNS": "50",
            "TEXTUAL_ANIMATIONS": "full",
        }
        subprocess.run(command, env=environment, check=True, capture_output=True)
    finally:
        for process in busy:
            process.kill()
            process.join()
    for suffix, file in files.items():
        assert file.read_bytes() == made[suffix].read_bytes(), suffix


def test_time_passes_as_the_tape_says(run):
    taped = seen(f"Play {run}\nSleep 2s", Framerate=5, Columns=80)
    steps = [cells.text().partition("step ")[2].split()[0] for cells in (screen.cells for screen in taped.screens)]
    # 400 steps in 20 s: four each 200 ms.
    assert [int(step) for step in steps] == list(range(0, 41, 4))
    assert {screen.milliseconds for screen in taped.screens} == {200}


def test_what_is_hidden_takes_no_time_and_speed_shortens_the_rest(run):
    taped = seen(f"Play {run}\nHide Sleep 5s Space Show Sleep 3s", PlaybackSpeed=2)
    assert [screen.milliseconds for screen in taped.screens] == [1550]


def test_a_tape_that_would_fill_the_memory_is_refused(run, monkeypatch):
    monkeypatch.setattr(playing, "MOST_SHOWN", 3 * 80 * 20)
    with pytest.raises(DynvizError, match=r"line 4: a tape shows 3 screens of 80 columns and 20 rows at most"):
        seen(f"Play {run}\nSleep 4s", Columns=80, Rows=20)


def test_a_tape_waits_for_words_on_the_screen(run):
    taped = seen(f'Play {run}\nType "]"\nWait@9s /step 1[0-9]{{2}} /\nScreenshot a.png')
    ((name, cells),) = taped.screenshots
    assert name == "a.png"
    assert " step 10" in cells.text()
    with pytest.raises(DynvizError, match=r"t\.tape, line 2: /never/ is not on the screen within 1 s"):
        seen(f"Play {run}\nWait@1s /never/")


def test_screenshots_are_files_of_their_own(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = f"Play {run}\nSet Theme light\nSet Step 9\nScreenshot a.png Screenshot a.txt Screenshot a.svg"
    Path("still.tape").write_text(text)
    assert tape("still.tape").output.split() == ["a.png", "a.txt", "a.svg"]
    with Image.open("a.png") as picture:
        assert picture.size == (1020, 620)
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert "step 9 of 400" in Path("a.txt").read_text()
    assert "<svg" in Path("a.svg").read_text()
    assert "a.png, a.txt, a.svg exists already" in str(tape("still.tape").exception)
    assert tape("still.tape", "--force").exit_code == 0


PLAY = "Play runs/x\n"
PAGE = (Path(__file__).parent.parent / "docs" / "tapes.md").read_text()


def test_the_page_about_tapes_names_all_that_there_is_and_no_more():
    (example,) = re.findall(r"```tape\n(.*?)```", PAGE, re.DOTALL)
    assert parse(example, "valley.tape").outputs == ("valley.gif", "valley.cast")
    commands_of, settings_of = (
        re.findall(r"^\| (`.*?) \|", part, re.MULTILINE) for part in PAGE.split("## Commands")[1].split("| setting ")
    )
    named = {word for cell in commands_of for word in re.findall(r"`([\w+]+)[^`]*`", cell) if "+" not in word}
    assert named == {*COMMANDS, *KEYS} - {"Wait+Screen"}
    assert {word for cell in settings_of for word in re.findall(r"`(\w+)`", cell)} == set(SETTINGS)


def test_commands_of_one_line_are_read_in_turn():
    read = parse("Play a 'b c'/\nOutput /o/\nDown@1s 2 Sleep .5 Type 'n ' Ctrl+P Shift+Left Shift+n # end", "t")
    assert read.sources == ("a", "b c", "/")
    assert read.outputs == ("/o/",)
    assert read.acts == (
        *[Press(3, "down", 1.0)] * 2,
        Sleep(3, 0.5),
        *(Press(3, key, 0.05) for key in ("n", "space", "ctrl+p", "shift+left", "N")),
    )


def test_pixels_give_as_many_columns_and_rows_as_fit():
    settings = parse(PLAY + "Set Width 1020\nSet Height 619", "t").settings
    assert (settings.columns, settings.rows) == (100, 29)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "t plays nothing"),
        ("Play", "line 1: the run after Play is missing"),
        (PLAY + "Play b", "line 2: a tape plays once, and line 1 does"),
        (PLAY + "\nSlep 1s", "line 3: no command named 'Slep'; did you mean 'Sleep'"),
        (PLAY + "Rihgt 5", "line 2: no command named 'Rihgt'; did you mean 'Right'"),
        (PLAY + "Ctrl+Rihgt", "line 2: no key named 'Rihgt'; did you mean 'Right'"),
        (PLAY + "Strg+Right", "line 2: no modifier of keys named 'Strg'"),
        (PLAY + "Right 0", "line 2: Right cannot be pressed 0 times"),
        (PLAY + f"Right {'9' * 30}", "choose 1 to 1000"),
        (PLAY + 'Type "q', "line 2: a quotation is not closed"),
        (PLAY + "Type q", "line 2: the text after Type"),
        (PLAY + 'Type "\x1b"', "Type types printable characters"),
        (PLAY + '"q"', "'q' stands where a command is expected"),
        (PLAY + "Sleep", "line 2: the time after Sleep"),
        (PLAY + "Sleep 1h", "'1h' is not a time; write 500ms, 2s or 1.5"),
        (PLAY + "Sleep 11m", "too long; a tape lasts 600 s at most"),
        (PLAY + "Sleep 9m\nSpace@31s 2", "line 3: the tape lasts longer than 600 s"),
        (PLAY + "Wait", "the regular expression after Wait"),
        (PLAY + "Wait /(/", r"/(/ is not a regular expression"),
        (PLAY + "Set", "the setting after Set is missing"),
        (PLAY + "Set Colums 9", "no setting named 'Colums'; did you mean 'Columns'"),
        (PLAY + "Set Columns 9", "line 2: Set Columns: '9' is not a whole number from 40 to 300"),
        (PLAY + "Set Framerate nan", "'nan' is not a number from 1 to 50"),
        (PLAY + "Set Theme drak", "no theme named 'drak'; did you mean 'dark'"),
        (PLAY + "Set View pth", "no view named 'pth'; did you mean 'path'"),
        (PLAY + f"Set View {__file__}", f"{__file__} is code of your own, which a tape does not run"),
        (PLAY + "Set Width 100", "Set Width leaves room for 8 columns"),
        (PLAY + "Set Width 900\nSet Columns 80", "Set Width and Set Columns contradict each other"),
        (PLAY + "Space\nSet Rows 20", "line 3: Set Rows stands after the first key"),
    ],
)
def test_a_bad_line_is_named_with_what_would_be_accepted(text, says):
    with pytest.raises(DynvizError) as error:
        parse(text, "t")
    assert says in str(error.value)


def test_what_cannot_be_played_or_written_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def refused(text, *outputs):
        Path("t.tape").write_bytes(text if isinstance(text, bytes) else text.encode())
        done = tape("t.tape", *outputs)
        assert done.exit_code == 1
        assert isinstance(done.exception, DynvizError)
        return str(done.exception)

    assert refused("Play gone\nSpace", "a.gif") == "t.tape, line 1: there is no folder gone"
    assert "holds several runs" in refused(f"Play {run.parent}\nSpace", "a.gif")
    assert "is recorded nowhere" in refused(f"Play {run}")
    assert "not a.doc" in refused(f"Play {run}", "a.doc")
    assert "there is no folder" in refused(f"Play {run}", "no/a.gif")
    assert "two outputs have one name" in refused(f"Play {run}", "a.gif", "./a.gif")
    assert "a Screenshot ends in" in refused(f"Play {run}\nScreenshot a.gif")
    assert "all of it is hidden" in refused(f"Play {run}\nHide Sleep 1s", "a.gif")
    assert "line 2: the player has no key 'k'" in refused(f'Play {run}\nType "k"', "a.gif")
    assert "line 2: 'F' (fork" in refused(f'Play {run}\nType "F"', "a.gif")
    assert "line 2: the player was left before" in refused(f'Play {run}\nType "q" Right', "a.gif")
    assert refused(b"\xff\xfe", "a.gif") == "cannot read t.tape: it is not text"

    assert not list(tmp_path.glob("a.*"))


def test_blocks_braille_and_lines_fill_their_cells_exactly():
    full = SHADES_OF_LETTERS

    def drawn(glyph):
        return shares(glyph, 16, bold=False)

    assert (drawn("▀")[:10] == full).all()
    assert not drawn("▀")[10:].any()
    assert (drawn("▂")[15:] == full).all()
    assert not drawn("▂")[:15].any()
    assert (drawn("█") == full).all()
    dots = drawn("⣿")
    assert (dots[:5, :5] == dots[15:, 5:]).all()
    assert dots[2, 2] == full
    assert (dots == dots[::-1, ::-1]).all()
    # A line of boxes goes on in the next cell without a gap.
    row = np.flatnonzero(drawn("─").all(axis=1))
    assert (drawn("┼")[row] == full).all()
    assert (drawn("┤")[row, :5] == full).all()
    assert not drawn("┤")[row, 6:].any()


def test_a_wide_character_takes_two_cells_and_one_that_is_unknown_is_a_box():
    cells = Cells.blank(3, 1, np.array([[0, 0, 0], [255, 255, 255]]))
    cells.glyphs[0], cells.ink[0] = in_cells("a学"), 1
    letters = ScreenDrawing(3, 1, 16, 0).draw(cells)[..., 0]
    assert letters.shape == (20, 30)
    assert letters[:, 10:20].any()
    assert letters[:, 20:].any()
    assert colors([cells], 16)[0].tolist() == [0, 0, 0]
