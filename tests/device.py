"""What a GPU has to show, see device.sh; each part is a process of its own, and its result is written at once."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

TASKS = (("voronoi:hidden=50", "adamw"), ("matrix-sensing", "sgd"), ("surface:f=rosenbrock", "adam"))
PARITY_STEPS = 23


def main(folder: Path) -> int:
    """Run all parts; the number of those that failed."""
    report = {}
    for name, (seconds, command) in parts(folder).items():
        start = time.perf_counter()
        print(f"--- {name}", flush=True)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
            result = {"status": done.returncode, "output": done.stdout[-20_000:], "errors": done.stderr[-5000:]}
        except subprocess.TimeoutExpired:
            result = {"status": None, "output": "", "errors": f"not finished after {seconds} s"}
        report[name] = {**result, "seconds": round(time.perf_counter() - start, 1)}
        print(result["output"], result["errors"], flush=True)
        (folder / "device.json").write_text(json.dumps(report, indent=2))
    return sum(part["status"] != 0 for part in report.values())


def parts(folder: Path) -> dict[str, tuple[int, list[str]]]:
    """Seconds at most, and the command, of each part."""
    dynviz = [sys.executable, "-m", "dynviz"]
    this = [sys.executable, "-m", "tests.device"]
    found = {"device": (60, [*this, "describe"])}
    if importlib.util.find_spec("pytest"):
        options = ["-q", "-p", "no:cacheprovider", "-m", "not slow"]
        found["tests"] = (150, [sys.executable, "-m", "pytest", *options, "tests/test_cuda.py"])
    found["parity"] = (100, [*this, "parity", str(folder / "parity")])
    for scenario, optimizer in TASKS:
        for seeds in ("42", "0:256"):
            words = ["bench", scenario, "-o", optimizer, "--seeds", seeds, "--device", "cuda", "--json"]
            found[f"{scenario}, {seeds}"] = (40, [*dynviz, *words])
    net = ["run", "matrix-sensing:model=transformer", "-o", "adam", "--device", "cuda", "--headless"]
    found["transformer"] = (150, [*dynviz, *net, "--out", str(folder / "transformer")])
    return found


def describe() -> None:
    """Say what there is."""
    import torch

    print(torch.__version__, torch.version.cuda, torch.cuda.get_device_name(0))


def parity(folder: Path) -> None:
    """Train every bundled scenario here and there in float64; print by how much losses differ at most."""
    import numpy as np

    import dynviz
    from dynviz import plugins
    from tests.sizes import SIZES

    worst = {}
    for scenario in plugins.files("scenarios"):
        name = f"{scenario}:{SIZES[scenario]}" if scenario in SIZES else scenario
        options = {"steps": PARITY_STEPS, "dtype": "float64", "seeds": "0:2"}
        try:
            one, other = (
                dynviz.run(name, "adam", device=device, out=folder / scenario / device, **options)["adam"]["loss"]
                for device in ("cpu", "cuda")
            )
        except Exception as error:
            worst[scenario] = repr(error)
            continue
        worst[scenario] = float(np.max(np.abs(one - other) / np.maximum(np.abs(one), 1e-9)))
    print(json.dumps(worst, indent=2))
    sys.exit(any(not (isinstance(difference, float) and difference < 1e-6) for difference in worst.values()))


if __name__ == "__main__":
    if sys.argv[1] == "describe":
        describe()
    elif sys.argv[1] == "parity":
        parity(Path(sys.argv[2]))
    else:
        sys.exit(main(Path(sys.argv[1])))
