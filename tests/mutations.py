"""Recordings as somebody else may send them: whole files of the right format that say something else.

What is changed and how is drawn by hypothesis. Names of fields are those of the schema, and values those at its limits.
"""

import copy
import io
import json
import os
import shutil
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dynviz.recording import changes, metadata, schema
from dynviz.recording.events import Event
from dynviz.recording.notes import Note
from dynviz.sweeps import jobs

CODE = "import pathlib\npathlib.Path({mark!r}).touch()\ndef view(recordings):\n    raise SystemExit\n"
"""A plug-in that leaves a mark when it is run."""
WRONG = [
    None, True, 0, -1, 1, 2**31, 2**63, 10**30, 10**400, 0.5, 1e308, "NaN", "Infinity", "-Infinity",
    "", "a", "é\u202e\x1b]0;owned\x07", "../../etc/passwd", "os.system", "subprocess.Popen",
    "__import__('os').system('true')", "\ud800", "x" * 5000, [], {}, [1], [[]], [[[1]]], {"a": 1}, [-1, 2], [10**30],
    [0], [1, 2, 3, 4, 5], ["a", None], [None] * 3, "<f8", "|O", "<U3", "centers", "loss", "parameters",
]  # fmt: skip
LIMITS = [limit + past for limit in (schema.STEPS, schema.LANES, schema.LARGEST) for past in (-1, 0, 1)]
WORDS = [word for kind in (metadata.Status, metadata.Source) for word in kind.__args__]
KINDS = (
    metadata.Metadata, metadata.ChannelInfo, metadata.Named, metadata.Lane, metadata.Part, metadata.Hyperparameter,
    metadata.Origin, Event, changes.Change, changes.Request, Note, jobs.Job, jobs.Settings,
)  # fmt: skip
NAMES = sorted({field.name for kind in KINDS for field in fields(kind)})
"""Of every field that a file may have."""
KEYS = st.sampled_from(NAMES) | st.sampled_from(["a", "0", "../x", "x\x1b[2J", "loss", "centers"]) | st.text(max_size=9)
LEAVES = (
    st.sampled_from(WRONG) | st.sampled_from(LIMITS) | st.sampled_from(WORDS) | st.text(max_size=20)
    | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
VALUES = LEAVES | st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=9
)


@dataclass
class Change:
    """What is drawn for one recording: choices among what it holds, and values in its place."""

    data: Any
    rng: Random
    code: str

    def value(self) -> Any:
        """Another value, or the path of a program; a copy, since what is put into a tree may be mutated there."""
        return copy.deepcopy(self.data.draw(VALUES | st.sampled_from([self.code, [self.code]])))

    def key(self) -> str:
        return self.data.draw(KEYS)


def one_in(rng, count):
    """Seldom true. Hypothesis draws floats that are small more often, and the ends of long ranges."""
    return rng.randrange(count) == 1


def deep(levels):
    tree = []
    for _ in range(levels):
        tree = [tree]
    return tree


def places(tree, path=()):
    """Every place in a tree."""
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        if len(path) < 40:
            yield from places(value, (*path, key))


def look(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def mutate(tree, change):
    """Delete, retype, resize, rename or swap something in a tree, in place."""
    rng = change.rng
    known = [path for path in places(tree) if path]
    if not known:
        return change.value()
    path = rng.choice(known)
    *above, key = path
    holder = look(tree, above)
    value = holder[key]
    wrong = change.value()
    how = rng.choice(["delete", "retype", "retype", "retype", "resize", "rename", "swap", "insert", "nest"])
    if how == "delete":
        del holder[key]
    elif how == "resize" and isinstance(value, list | str) and value:
        holder[key] = rng.choice([value * 2, value[:-1], value[:1] * 100])
    elif how == "resize" and type(value) in (int, float):
        holder[key] = rng.choice([value * 2, value + 1, value - 1, -value, value * 10**6])
    elif how == "rename" and isinstance(holder, dict):
        holder[rng.choice([change.key(), *holder])] = holder.pop(key)
    elif how == "swap":
        # What holds the other cannot be put inside itself.
        *others, other = rng.choice(
            [one for one in known if one[: len(path)] != path and path[: len(one)] != one] or [path]
        )
        there = look(tree, others)
        holder[key], there[other] = copy.deepcopy(there[other]), copy.deepcopy(value)
    elif how == "insert" and isinstance(value, dict):
        value[change.key()] = wrong
    elif how == "insert" and isinstance(value, list):
        value.insert(rng.randrange(len(value) + 1), wrong)
    elif how == "nest":
        holder[key] = deep(rng.choice([1, 60, 150]))
    else:
        holder[key] = wrong
    return tree


def name_code(tree, change):
    """Name a file of Python wherever a plug-in is named."""
    code = change.code
    change.rng.choice(
        [
            lambda: tree.update(views=[code, *tree["views"]]),
            lambda: tree.update(views=[f"{code}:a=1"]),
            lambda: tree["scenario"].update(name=code, file=code),
            lambda: tree["optimizer"].update(name=code, file=code),
        ]
    )()


def mutate_json(data, change):
    tree = json.loads(data)
    if one_in(change.rng, 10) and isinstance(tree, dict) and "views" in tree:
        name_code(tree, change)
        return json.dumps(tree).encode()
    for _ in range(change.rng.choice([1, 1, 2, 3])):
        tree = mutate(tree, change)
    return json.dumps(tree).encode()


def mutate_lines(data, change):
    rng = change.rng
    lines = data.splitlines() or [b'{"step": 1, "lane": 0, "kind": "diverged", "value": null}']
    at = rng.randrange(len(lines))
    lines[at] = rng.choice([mutate_json(lines[at], change), b"[" * 5000, b"{}", b"\xff", b"1" * 5000])
    return b"\n".join(lines) + b"\n"


def member(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return file.getvalue()


def bomb(shape):
    """An array whose header promises more than there is."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def mutate_npz(data, change):
    rng = change.rng
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice([*members, *["about.npy"] * 3 * ("about.npy" in members)])
    array = np.lib.format.read_array(io.BytesIO(members[name]))
    if name in ("about.npy", "tree.npy") and rng.randrange(5) < 4:
        text = array.tobytes() if name == "about.npy" else str(array)
        mutated = mutate_json(text, change)
        array = np.frombuffer(mutated, np.uint8) if name == "about.npy" else np.array(mutated.decode())
        members[name] = member(array)
    else:
        members[name] = rng.choice(
            [
                lambda: bomb((10**12,)),
                lambda: bomb((-1,)),
                lambda: member(np.array([{"a": 1}], object)),
                lambda: member(array.reshape(-1)[:-1]),
                lambda: member(array[None]),
                lambda: member(np.array("x")),
                lambda: member(np.zeros(0)),
                lambda: member(np.full(array.shape, np.nan)),
                lambda: b"",
                lambda: members[name][:-1],
            ]
        )()
    if one_in(rng, 7):
        del members[name]
    method = rng.choice([zipfile.ZIP_STORED] * 9 + [zipfile.ZIP_DEFLATED])
    if method == zipfile.ZIP_DEFLATED:
        members["zeros.npy"] = member(np.zeros(10**6))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for key, content in members.items():
            archive.writestr(key, content)
    return file.getvalue()


def mutate_channel(data, change):
    """The samples, or the header with them."""
    rng = change.rng
    numbers = bytearray(data)
    how = rng.randrange(4)
    if how == 0:
        return bytes(numbers[: rng.randrange(len(numbers) + 1)])
    if how == 1:
        numbers[256:] = Random(rng.randrange(2**32)).randbytes(max(len(numbers) - 256, 0))
    elif how == 2:
        numbers[64:80] = b"%16d" % rng.choice([0, 1, 10**6, 10**15])
    else:
        numbers[256:] = np.full(max(len(numbers) - 256, 0) // 4, np.nan, "<f4").tobytes()
    return bytes(numbers)


def instead(file, rng):
    """Something else in a file's place."""
    file.unlink()
    rng.choice(
        [
            lambda: os.mkfifo(file),
            file.mkdir,
            lambda: file.symlink_to("/dev/zero"),
            lambda: file.symlink_to(file.name),
            lambda: file.write_bytes(b""),
            lambda: None,
        ]
    )()


def harm(run: Path, change: Change) -> str:
    """Mutate something in a copy of a run; what it was."""
    rng = change.rng
    files = sorted(path for path in run.rglob("*") if path.is_file())
    chosen = rng.choice([path for path in files if path.suffix != ".py"])
    # What is said matters most: half of the time it is a text.
    texts = [path for path in files if path.suffix in (".json", ".jsonl")]
    chosen = rng.choice(texts) if rng.randrange(5) < 3 else chosen
    if one_in(rng, 25):
        instead(chosen, rng)
        return f"{chosen.name} replaced"
    mutated = {
        ".json": mutate_json, ".jsonl": mutate_lines, ".npz": mutate_npz, ".npy": mutate_channel,
    }.get(chosen.suffix)  # fmt: skip
    if mutated is None:
        return f"{chosen.name} as it was"
    data = mutated(chosen.read_bytes(), change)
    # The copy shares its files with the original.
    chosen.unlink()
    chosen.write_bytes(data)
    return chosen.name


def share(source: Path, target: Path) -> None:
    """A copy of a folder whose files are the same until they are replaced."""
    shutil.copytree(source, target, copy_function=os.link)
