"""JSON files that end with a checksum of themselves, so that corruption can be detected."""

import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dynviz.errors import DynvizError
from dynviz.recording import disk, files

FIELD = "checksum"
_END = re.compile(rb',\n "checksum": "([0-9a-f]{8})"\n}\n\Z')


def seal(tree: Mapping[str, Any]) -> bytes:
    r"""Serialize a tree, with a CRC-32 of all preceding bytes as its last field.

    >>> print(seal({"steps": 3}).decode(), end="")
    {
     "steps": 3,
     "checksum": "f133e75f"
    }
    """
    body = json.dumps(tree, indent=1, allow_nan=False).encode().removesuffix(b"\n}")
    return body + b',\n "%s": "%08x"\n}\n' % (FIELD.encode(), zlib.crc32(body))


def unseal(data: bytes) -> Any:
    """Parse a tree without verifying its checksum, so that a file edited by hand can be viewed.

    Raises:
        ValueError: It is not JSON.
    """
    tree = json.loads(data.decode())
    if isinstance(tree, dict):
        tree.pop(FIELD, None)
    return tree


def is_intact(data: bytes) -> bool:
    r"""Whether the checksum matches; older files without a checksum count as intact.

    >>> data = seal({"steps": 3})
    >>> is_intact(data), is_intact(data.replace(b"3", b"7")), is_intact(b'{"steps": 3}')
    (True, False, True)
    """
    end = _END.search(data)
    if end is None:
        return f'"{FIELD}"'.encode() not in data
    return zlib.crc32(data[: end.start()]) == int(end[1], 16)


def check(path: Path) -> None:
    """Check that a file is intact, before building on it.

    Raises:
        DynvizError: It is damaged or cannot be read.
    """
    try:
        intact = is_intact(files.read(path))
    except OSError as error:
        raise disk.unreadable(path, error) from error
    if not intact:
        raise DynvizError(
            f"{path} is not what was written: its checksum differs; put back a copy of it, or, if you changed it "
            f"yourself, remove its field {FIELD}"
        )
