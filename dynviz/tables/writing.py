"""Recordings as data frames, and as files of tables and arrays."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dynviz.errors import DynvizError
from dynviz.recording import Recording, Run
from dynviz.tables.columns import Block, Cells, Table, TableColumn
from dynviz.tables.labelled import attributes_of, datasets, tree

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import xarray

Say: TypeAlias = Callable[[str], None]
INSTALL = "install it with: pip install 'dynviz[{}]'"


def data_frame(source: Recording | Run, channels: Sequence[str] = ()) -> "pd.DataFrame":
    """A data frame with a row for each step of each lane, see `Table.of`; `attrs` describes its columns.

    Raises:
        DynvizError: pandas is not installed, or there is no such channel.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise DynvizError(f"a data frame needs pandas; {INSTALL.format('table')}") from error
    table = Table.of(_recordings(source), channels)
    blocks = list(table.blocks())
    data = {name: _plain([block[name] for block in blocks]) for name in table.columns}
    frame = pd.DataFrame(data)
    frame.attrs = {
        "columns": {name: _about(column) for name, column in table.columns.items()},
        "recordings": {recording.label: attributes_of(recording) for recording in table.recordings},
    }
    return frame


def arrays(source: Recording | Run, channels: Sequence[str] = ()) -> "xarray.Dataset | xarray.DataTree":
    """The data set of a recording, or a tree with that of each recording of a run."""
    if isinstance(source, Recording):
        return datasets({source.label: source}, channels)[source.label]
    return tree(datasets(source, channels))


def write(recordings: Sequence[Recording], target: Path, channels: Sequence[str] = (), say: Say | None = None) -> None:
    """Write recordings to a file in the format of its suffix, one of `FORMATS`.

    Args:
        recordings: At least one.
        target: The file.
        channels: Names or patterns of channels; see `Table.of` and `dataset` for those that are written by default.
        say: Called with what was left out.

    Raises:
        DynvizError: There is no such channel, or the format needs a package that is not installed.
    """
    FORMATS[target.suffix.lower()](recordings, target, channels, say or (lambda _: None))


def _write_csv(recordings: Sequence[Recording], target: Path, channels: Sequence[str], say: Say) -> None:
    table = _table(recordings, channels, say)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        for block in table.blocks():
            writer.writerows(zip(*(_texts(cells) for cells in block.values()), strict=True))


def _write_parquet(recordings: Sequence[Recording], target: Path, channels: Sequence[str], say: Say) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DynvizError(f"a Parquet file needs pyarrow; {INSTALL.format('table')}") from error
    table = _table(recordings, channels, say)
    fields = [pa.field(name, _arrow(column), metadata=_about(column)) for name, column in table.columns.items()]
    about = {recording.label: attributes_of(recording) for recording in recordings}
    schema = pa.schema(fields, metadata={"dynviz": json.dumps(about)})
    with parquet.ParquetWriter(target, schema) as writer:
        for block in table.blocks():
            arrays = [_cells(block, field) for field in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _write_netcdf(recordings: Sequence[Recording], target: Path, channels: Sequence[str], say: Say) -> None:  # noqa: ARG001
    try:
        import h5netcdf  # noqa: F401
    except ImportError as error:
        raise DynvizError(f"a NetCDF file needs h5netcdf; {INSTALL.format('xarray')}") from error
    labelled: dict[str, Recording] = {}
    for number, recording in enumerate(recordings, 1):
        labelled[recording.label if recording.label not in labelled else f"{recording.label}-{number}"] = recording
    read = datasets(labelled, channels)
    whole: Any = next(iter(read.values())) if len(read) == 1 else tree(read)
    whole.to_netcdf(target, engine="h5netcdf")


FORMATS: Mapping[str, Callable[[Sequence[Recording], Path, Sequence[str], Say], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".nc": _write_netcdf,
}
"""What writes a file, by its suffix."""


def _table(recordings: Sequence[Recording], channels: Sequence[str], say: Say) -> Table:
    table = Table.of(recordings, channels)
    for name, count in table.omitted.items():
        say(f"left out: {name}, which has {count} numbers a sample; add it with --channel {name}")
    return table


def _recordings(source: Recording | Run) -> list[Recording]:
    return [source] if isinstance(source, Recording) else list(source.recordings)


def _about(column: TableColumn) -> dict[str, str]:
    return {name: words for name, words in (("description", column.help), ("units", column.units)) if words}


def _plain(parts: Sequence[Cells]) -> Any:
    """Cells of a column as an array; NaN, or None of text, where there is nothing."""
    values = np.concatenate([part.data for part in parts])
    hidden = np.concatenate([np.ma.getmaskarray(part) for part in parts])
    if hidden.any():
        if values.dtype.kind in "biu":
            values = values.astype(np.float64)
        values[hidden] = None if values.dtype == object else np.nan
    return values


def _texts(cells: Cells) -> list[str]:
    """Cells as text, with as many digits as tell a number from all others; empty where there is nothing."""
    values = cells.data.tolist() if cells.dtype != np.float32 else [str(value) for value in cells.data]
    return ["" if hidden else str(value) for value, hidden in zip(values, np.ma.getmaskarray(cells), strict=True)]


def _arrow(column: TableColumn) -> "pa.DataType":
    import pyarrow as pa

    return pa.string() if column.dtype == object else pa.from_numpy_dtype(column.dtype)


def _cells(block: Block, field: "pa.Field") -> "pa.Array":
    import pyarrow as pa

    cells = block[field.name]
    return pa.array(cells.data, type=field.type, mask=np.ma.getmaskarray(cells))
