"""What a fixed list of commands prints and writes, as fingerprints, to compare two versions of the program.

    python -m tests.behaviour before.json        in one checkout
    python -m tests.behaviour after.json         in another
    python -m tests.behaviour before.json after.json

Numbers are compared by their bytes, pictures by their decoded pixels, all else as text.
"""

import contextlib
import hashlib
import json
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image, ImageSequence

from dynviz.cli import commands

COMMANDS = """
run surface:f=rosenbrock,grid=24 -o adamw -o nag-gs -o lion -o fromage --steps 60 --out valley
run surface:f=rosenbrock,noise=5,grid=24 -o sgd:lr=1e-4 -o 'adam:lr=cosine(1e-2)' --seeds 0:12 --steps 40 --out cloud
run surface:f=two-wells,grid=24 -o sgd:lr=0.1 -o torch.optim.NAdam:lr=0.01 --steps 30 --dtype float64 --out wells
run surface:f=booth,grid=16 -o adam+proximal-l1 -o sgd+sam -o zoo.Lion --steps 20 --record parameters --out rules
run voronoi:hidden=24,grid=16 -o adamw -o adamw-l1 --steps 40 --record 'term.*' --record gradient --out voronoi
run voronoi:model=labels,grid=16 -o adamw --seeds 0:2 --steps 30 --out labels
run matrix-sensing:d=12 -o sgd --steps 30 --out sensing
run matrix-recovery:M=8 -o shampoo -o adam --steps 20 --record gradient --record 'state.*' --out recovery
run landscape:model=mlp,data=shapes -o sgd -o adam --steps 20 --record parameters:every=2 --out landscape
run initialisation:layers=4,width=8,data=shapes -o sgd --steps 20 --out initialisation
run icon:data=shapes -o adam --steps 10 --out icon
run --resume valley --steps 90
sweep surface:f=booth,grid=16 -o adam:lr=log(1e-3,1,4) -o sgd:nesterov=[true,false],momentum=0.5 --steps 20 --out sweep
project landscape --grid 7 --directions pca
project landscape --grid 7 --line --seed 3
sharpness landscape --samples 3
export valley valley.gif --view path --frames 20 --alt
export valley relief.png --view surface3d --theme dark --size 640x480
export cloud cloud.gif --view cloud --frames 12 --size 480x360
export voronoi voronoi.webp --frames 6 --quality small
export voronoi update.html --view update --frames 4
export labels@0 labels.apng --frames 5 --theme dark
export landscape plane.png --view landscape
export sweep map.png --view map
export recovery sheet.png --contact 4 --size 900x600
show valley
show voronoi --view curves --at 20
show sweep --view map
list
list optimizers adamw-l1
""".strip().splitlines()
MASKED = re.compile(r"\d+(\.\d+)?( ms| s\b| steps/s)|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def fingerprints() -> dict[str, str]:
    """Everything that the commands print and leave, by command or file."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ |= {"COLUMNS": "100", "LINES": "40"}
        for number, line in enumerate(COMMANDS, 1):
            words = shlex.split(line)
            if words[0] == "run" and "--headless" not in words:
                words.append("--headless")
            done = CliRunner().invoke(commands, words)
            said = MASKED.sub("...", done.stdout)
            found[f"{number:02} {line}"] = f"{done.exit_code} {said or done.exception or ''}"
        for file in sorted(path for path in Path().rglob("*") if path.is_file()):
            found[str(file)] = fingerprint(file)
    return found


def fingerprint(file: Path) -> str:
    """What is in a file, without what changes from run to run."""
    if file.suffix == ".npz":
        with np.load(file) as arrays:
            return digest(b"".join(name.encode() + arrays[name].tobytes() for name in sorted(arrays.files)))
    if file.suffix in (".gif", ".png", ".webp", ".apng"):
        with Image.open(file) as picture:
            frames = [
                (np.asarray(frame.convert("RGBA")), frame.info.get("duration"))
                for frame in ImageSequence.Iterator(picture)
            ]
        data = b"".join(pixels.tobytes() + repr(milliseconds).encode() for pixels, milliseconds in frames)
        return f"{len(frames)} frames {digest(data)}"
    if file.name == "run.json":
        tree = json.loads(file.read_text())
        return digest(json.dumps({name: value for name, value in tree.items() if name != "created"}).encode())
    return digest(file.read_bytes())


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def main() -> None:
    """Write fingerprints, or say how two files of them differ."""
    if len(sys.argv) == 2:
        target = Path(sys.argv[1]).resolve()
        target.write_text(json.dumps(fingerprints(), indent=1))
        return
    before, after = (json.loads(Path(name).read_text()) for name in sys.argv[1:])
    differ = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    for name in differ:
        print(f"{name}\n  - {before.get(name)}\n  + {after.get(name)}")
    print(f"{len(before)} before, {len(after)} after, {len(differ)} differ")
    sys.exit(bool(differ))


if __name__ == "__main__":
    main()
