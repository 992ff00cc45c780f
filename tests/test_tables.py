"""Recordings as tables and arrays of other libraries: read back by those, they are the recorded numbers."""

import csv
import math

import numpy as np
import pandas as pd
import pytest
import xarray
from click.testing import CliRunner
from pyarrow import parquet

import dynviz
from dynviz.cli import commands
from dynviz.errors import DynvizError
from dynviz.recording import Writer
from dynviz.recording.metadata import ChannelInfo, Hyperparameter, Lane, Metadata, Named
from dynviz.tables.writing import write

CHANNELS = {
    "loss": ChannelInfo(1, "<f4", help="mean over the batch", of_steps=True),
    "acc": ChannelInfo(4, "<f8"),
    "position": ChannelInfo(5, "<f8", (2,), ("x or y",), "where it is"),
    "count": ChannelInfo(2, "<i8"),
    "weights": ChannelInfo(5, "<f4", (10, 7), ("unit", "input")),
    "pair": ChannelInfo(5, "<c16", (2,), ("input",)),
    "seed": ChannelInfo(1, "<f8", title="a seed of its own"),
    "target": ChannelInfo(0, "<f8"),
}
SETTINGS = {
    "lr": Hyperparameter(0.1, "given"),
    "decay": Hyperparameter(None, "default"),
    "loss": Hyperparameter("cosine(1)", "default"),
    "steps": Hyperparameter(3, "default"),
}


def made(folder, label, channels, values):
    lanes = (Lane(7), Lane(8, {"lr": 0.2}))
    metadata = Metadata(Named("bowl"), Named(label), label, len(label), SETTINGS, (), lanes, 10, channels)
    with Writer.create(folder / label, metadata) as writer:
        for name, samples in values.items():
            writer.write(name, 0, samples)
        writer.status("finished")


@pytest.fixture
def run(tmp_path):
    """Two recordings; of the first, some channels are seldom sampled, and one has two named entries."""
    rng = np.random.default_rng(0)
    values = {}
    for name, info in CHANNELS.items():
        samples = rng.uniform(-9, 9, (info.samples(10), 2, *info.shape))
        values[name] = samples.astype(info.dtype)
    values["loss"][3] = math.nan, math.inf
    made(tmp_path / "run", "sgd", CHANNELS, values)
    made(tmp_path / "run", "adam", {"loss": CHANNELS["loss"]}, {"loss": values["loss"] + 1})
    return dynviz.open(tmp_path / "run")


def check(frame, recording):
    """The rows of a data frame are the samples of a recording."""
    for lane in (0, 1):
        rows = frame[(frame.recording == recording.label) & (frame.lane == lane)].set_index("step")
        assert rows.index.tolist() == list(range(11 if "seed" in recording else 10))
        assert set(rows["lr"]) == {(0.1, 0.2)[lane]}
        assert set(rows["optimizer.loss"]) == {"cosine(1)"}
        columns = {"loss": "loss", "acc": "acc", "count": "count", "seed": "channel.seed"}
        for channel in columns.keys() & set(recording.channels):
            column = rows[columns[channel]]
            at = recording.steps(channel)
            assert np.array_equal(column.loc[at].to_numpy(float), recording[channel][:, lane], equal_nan=True)
            assert column.drop(at).isna().all()
        if "position" in recording:
            assert rows["position[y]"].loc[[0, 5, 10]].tolist() == recording["position"][:, lane, 1].tolist()
            assert rows["pair[1].imag"].loc[[0, 5, 10]].tolist() == recording["pair"][:, lane, 1].imag.tolist()


def test_a_data_frame_has_a_row_for_each_step_of_each_lane(run):
    frame = run.to_pandas()
    for recording in run.values():
        check(frame, recording)
    assert frame.columns[:3].tolist() == ["recording", "lane", "seed"]
    assert not {"weights[0,0]", "target"} & set(frame.columns)
    assert frame.attrs["columns"]["loss"] == {"description": "mean over the batch", "units": "1"}
    assert frame.attrs["columns"]["step"]["units"] == "steps"
    assert frame.attrs["recordings"]["sgd"]["scenario"] == "bowl"
    assert frame["steps"].dtype == np.int64
    alone = run["sgd"].to_pandas(["weights", "t*"])
    assert alone["weights[9,6]"].dropna().tolist() == run["sgd"]["weights"][:, :, 9, 6].T.ravel().tolist()
    assert alone["target"].dropna().tolist() == run["sgd"]["target"][0].tolist()
    with pytest.raises(DynvizError, match="no channel named 'los'; did you mean 'loss'"):
        run.to_pandas(["los"])


def test_lanes_are_chosen_as_everywhere(run):
    chosen = dynviz.open(f"{run.folder}/sgd@1")
    assert set(chosen.to_pandas().seed) == {8}
    assert chosen.to_xarray()["loss"].shape == (11, 1)


def test_labelled_arrays_have_coordinates_and_units(run):
    recording = run["sgd"]
    data = recording.to_xarray()
    assert {"step": 11, "step_5": 3, "lane": 2, "unit": 10, "input": 7}.items() <= dict(data.sizes).items()
    assert np.array_equal(data["loss"].values[:10], recording["loss"], equal_nan=True)
    assert np.isnan(data["loss"].values[10]).all()
    assert data["count"].dtype == np.int64
    assert data["position"].sel(step_5=5, lane=1).sel({"position.entry": "y"}) == recording["position"][1, 1, 1]
    assert np.array_equal(data["weights"].values, recording["weights"])
    # Another channel calls a dimension of another size the same.
    assert data["pair.real"].dims == ("step_5", "lane", "pair.input")
    assert data["target"].dims == ("lane",)
    assert data["seed"].values.tolist() == [7, 8]
    assert data["lr"].values.tolist() == [0.1, 0.2]
    assert data["loss"].attrs == {"long_name": "loss", "description": "mean over the batch", "units": "1"}
    assert data["channel.seed"].attrs["long_name"] == "a seed of its own"
    assert data.attrs["optimizer"] == "sgd"
    assert set(run.to_xarray().children) == {"sgd", "adam"}
    assert list(recording.to_xarray(["acc"])) == ["acc"]


def test_files_hold_the_numbers(run, tmp_path):
    def export(name, *arguments):
        done = CliRunner().invoke(commands, ["export", str(run.folder), str(tmp_path / name), *arguments])
        assert done.exit_code == 0, done.output
        return done

    done = export("data.csv")
    assert "left out: weights, which has 70 numbers a sample; add it with --channel weights" in done.stderr
    assert done.stdout.strip() == str(tmp_path / "data.csv")
    with (tmp_path / "data.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 11 + 2 * 10
    sgd = [row for row in rows if row["recording"] == "sgd" and row["lane"] == "1"]
    assert [np.float32(row["loss"]) for row in sgd[:3]] == run["sgd"]["loss"][:3, 1].tolist()
    assert [row["loss"] for row in sgd[3:4]] == ["inf"]
    assert [row["acc"] for row in sgd[:3]] == [str(run["sgd"]["acc"][0, 1]), "", ""]
    check(pd.read_csv(tmp_path / "data.csv").astype({"loss": "f4"}), run["sgd"])

    export("data.parquet")
    check(pd.read_parquet(tmp_path / "data.parquet"), run["sgd"])
    schema = parquet.read_schema(tmp_path / "data.parquet")
    assert schema.field("position[x]").metadata == {b"description": b"where it is", b"units": b"1"}
    assert str(schema.field("count").type) == "int64"
    assert b"bowl" in schema.metadata[b"dynviz"]

    export("data.nc", "--channel", "loss", "--channel", "pos*")
    tree = xarray.open_datatree(tmp_path / "data.nc", engine="h5netcdf")
    assert np.array_equal(tree["sgd/position"].values, run["sgd"]["position"])
    assert tree["adam/lr"].values.tolist() == [0.1, 0.2]
    write([run["sgd"]], tmp_path / "one.nc")
    with xarray.open_dataset(tmp_path / "one.nc", engine="h5netcdf") as data:
        assert np.array_equal(data["weights"].values, run["sgd"]["weights"])
        assert data["optimizer.loss"].values.tolist() == ["cosine(1)"] * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["data.csv", "--view", "curves"], "--view is about pictures"),
        (["data.nc", "--channel", "none"], "no channel named 'none'"),
        (["picture.png", "--channel", "loss"], "--channel chooses what is written to a table"),
        (["nowhere/data.csv"], "there is no folder"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(commands, ["export", str(run.folder), *arguments])
    assert done.exit_code
    assert words in done.output + str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_file_is_replaced_only_when_asked(run, tmp_path):
    arguments = ["export", str(run.folder), str(tmp_path / "data.csv")]
    (tmp_path / "data.csv").write_text("mine")
    assert "--force" in str(CliRunner().invoke(commands, arguments).exception)
    assert (tmp_path / "data.csv").read_text() == "mine"
    assert CliRunner().invoke(commands, [*arguments, "--force"]).exit_code == 0
