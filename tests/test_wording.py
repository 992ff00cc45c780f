"""Titles, words for options, and a user's own words."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from dynviz.animation.drawing import open_film
from dynviz.animation.wording import Wording, read_language
from dynviz.charts import caption
from dynviz.charts.rates import schedule
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording.metadata import Hyperparameter
from dynviz.scene.marks import Readout, Scene
from tests.recorded import surface


def titled(folder, label, **changes):
    """A recording of a scenario that gives words."""
    recording = surface(folder / label, steps=60)
    recording.metadata = replace(recording.metadata, label=label, title="Rosenbrock's valley", **changes)
    return recording


def texts(scene):
    yield scene.title
    for readout in scene.readouts:
        yield readout.in_words(readout.text)
    for panel in scene.panels:
        yield from (panel.title, panel.x.label, panel.y.label)


def test_a_picture_has_the_title_of_its_scenario_and_what_all_options_mean(tmp_path):
    both = [titled(tmp_path, name, what={"noise": "noise 5", "f": ""}) for name in ("adamw", "sgd")]
    scene = open_film(both, "path").scene(0)
    assert scene.title == "Rosenbrock's valley"
    assert [readout.text for readout in scene.readouts[:3]] == ["noise 5", "adamw", "sgd"]
    # Without words of the scenario it says what made it.
    for one in both:
        one.metadata = replace(one.metadata, title="", what={})
    assert open_film(both, "path").scene(0).title.startswith("surface")


def test_options_that_differ_become_names(tmp_path):
    he, xavier = (
        titled(tmp_path / word, "sgd", what={"f": "", "layers": "30 layers", "init": word}) for word in ("He", "Xavier")
    )
    assert caption.names([he, xavier]) == ("He", "Xavier")
    assert [readout.text for readout in caption.what([he, xavier])] == ["30 layers, sgd"]


def test_learning_rates_with_a_schedule_become_names(tmp_path):
    rates = (0.1, "exponential(0.1,0.005)")
    both = [
        titled(tmp_path / str(index), "sgd", hyperparameters={"lr": Hyperparameter(rate, "given")})
        for index, rate in enumerate(rates)
    ]
    assert caption.names(both) == ("constant 0.1", "0.1 falling to 0.005")
    assert [readout.text for readout in caption.readouts(both)][:2] == ["constant 0.1", "0.1 falling to 0.005"]


@pytest.mark.parametrize("rate", ["warmup(0.1,5) then cosine(0.1)", "stairs(0.1,3)", "cosine()"])
def test_other_schedules_stay_as_they_were_written(rate):
    assert schedule(rate) == ""


def test_words_of_the_user_stand_in_the_picture(tmp_path):
    language = {"loss": "Verlust", "step": "Schritt", "of": "von", "rosenbrock": "Rosenbrock"}
    wording = Wording("Mein Titel", "Ein Satz.", (("adamw", "ours"),), tuple(language.items()))
    recordings = wording.relabelled([titled(tmp_path, "adamw"), titled(tmp_path, "sgd")])
    assert [recording.label for recording in recordings] == ["ours", "sgd"]
    scene = wording.applied(open_film(recordings, "path")).scene(30)
    found = list(texts(scene))
    assert found[:2] == ["Mein Titel", "Ein Satz."]
    assert any(text.startswith("ours") for text in found)
    assert "Verlust" in found
    assert "Schritt" in found
    assert scene.counter == ("Schritt", "von")
    assert not any("loss" in text.split() for text in found)


def test_a_caption_with_a_full_stop_stands_in_place_of_the_sentence_of_the_picture():
    said = (Readout("adam", "lane0"), Readout("adam arrives first.", "text"), Readout("seed 42", "muted"))
    film = Film(np.arange(1), lambda step: Scene("", (), step, 0, said))
    for sentence, left in (("same start", 4), ("Adam is first.", 3)):
        found = Wording(caption=sentence).applied(film).scene(0).readouts
        assert found[0].text == sentence
        assert len(found) == left
        assert (said[1] in found) == (left == 4)


def test_a_word_is_replaced_only_as_a_whole():
    wording = Wording(language=(("loss", "Verlust"), ("validation loss", "Prüfverlust"), ("adamw", "ours")))
    words = "loss of adamw and adamw-l1: validation loss, lossless"
    assert wording.translated(words) == "Verlust of ours and adamw-l1: Prüfverlust, lossless"


def test_the_command_line_takes_them_and_any_number_of_processes_agrees(tmp_path):
    recording = surface(tmp_path / "adamw", steps=60)
    (tmp_path / "de.toml").write_text('step = "Schritt"\n"of" = "von"\n')
    options = ["--frames", "4", "--size", "320x240", "--alt", "--title", "Titel", "--caption", "Satz."]
    options += ["--label", "adamw=unser", "--language", str(tmp_path / "de.toml")]
    files = [tmp_path / f"{workers}.gif" for workers in (1, 2)]
    for workers, file in enumerate(files, 1):
        command = ["export", str(recording.folder), str(file), *options, "--workers", str(workers)]
        done = CliRunner().invoke(commands, command)
        assert done.exit_code == 0, done.output
    assert files[0].read_bytes() == files[1].read_bytes()
    words = (tmp_path / "1.alt.txt").read_text()
    assert "Titel" in words
    assert "unser" in words
    assert "Schritt 60 von 60" in words
    with Image.open(files[0]) as picture:
        # What made it is written as it was.
        assert "optimizer adamw" in picture.info["comment"].decode()


def test_recordings_of_one_name_are_called_apart_by_the_folders_of_their_runs(tmp_path):
    both = [titled(tmp_path / run, "sgd") for run in ("quintic", "cubic")]
    wording = Wording(labels=(("sgd", "others"), ("cubic/sgd", "ours")))
    assert [recording.label for recording in wording.relabelled(both)] == ["others", "ours"]
    with pytest.raises(DynvizError, match="no recording named 'cubic/adam'"):
        Wording(labels=(("cubic/adam", "ours"),)).relabelled(both)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--label", "adamw"], "write NAME=TEXT"),
        (["--label", "adam=ours"], "no recording named 'adam'; did you mean 'adamw'"),
        (["--language", "none.toml"], "cannot read none.toml"),
    ],
)
def test_what_cannot_be_named_is_said(tmp_path, arguments, words):
    recording = surface(tmp_path / "adamw", steps=60)
    done = CliRunner().invoke(commands, ["export", str(recording.folder), str(tmp_path / "a.png"), *arguments])
    assert done.exit_code != 0
    assert words in f"{done.output} {done.exception}".replace("\n", " ")


@pytest.mark.parametrize("text", ["loss = 3", "loss Verlust", '[loss]\na = "b"'])
def test_a_file_that_is_no_table_of_words_is_refused(tmp_path, text):
    (tmp_path / "de.toml").write_text(text)
    with pytest.raises(DynvizError, match=r"de\.toml"):
        read_language(tmp_path / "de.toml")


def test_every_scenario_has_a_title_and_words_for_its_own_options():
    from dynviz import plugins

    for name in plugins.files("scenarios"):
        plugin = plugins.load("scenarios", name)
        task = plugin.make().build(0)
        assert task.title, name
        assert set(task.what) <= set(plugin.options), name
        json.dumps(dict(task.what))
