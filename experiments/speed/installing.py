"""How long the first steps take, and how much room: a wheel in a new environment, then a song.

    python -m experiments.speed.installing --pythons python3.11 python3.12 python3.13

For each Python: seconds to install the wheel with all that it needs, megabytes without pip itself,
and seconds to the first song. What pip downloads is not counted twice: it keeps it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "experiments" / "results" / "installing.json"
_OF_PIP = ("pip", "setuptools", "pkg_resources", "wheel", "_distutils_hack")


def run(*command: object, folder: Path) -> float:
    """Run a command in a folder; the seconds it takes."""
    start = time.monotonic()
    subprocess.run([*map(str, command)], cwd=folder, check=True, capture_output=True)
    return round(time.monotonic() - start, 1)


def megabytes(folder: Path) -> float:
    """What an environment takes on disk, without what every environment begins with."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    own = (
        path
        for path in files
        if not any(part.split("-")[0] in _OF_PIP for part in path.relative_to(folder).parts)
    )
    return round(sum(path.stat().st_blocks * 512 for path in own) / 1e6, 1)


def measure(python: str, wheel: Path) -> dict[str, Any]:
    """The first steps with one Python."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(python, "-m", "venv", folder / "env", folder=folder)
        ours = folder / "env" / "bin"
        install = run(ours / "pip", "install", "--quiet", wheel, folder=folder)
        room = megabytes(folder / "env")
        song = run(ours / "ritornello", "compose", "--bars", "16", "--seed", "7", folder=folder)
        healthy = subprocess.run([ours / "ritornello", "doctor"], cwd=folder, capture_output=True)
        version = subprocess.run([ours / "python", "--version"], capture_output=True, text=True)
        return {
            "python": version.stdout.split()[-1],
            "install_seconds": install,
            "megabytes": room,
            "first_song_seconds": song,
            "files": len([*(folder / "out").iterdir()]),
            "healthy": healthy.returncode == 0,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pythons", nargs="+", default=[sys.executable])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT]
        run(*build, folder=Path(folder))
        (wheel,) = Path(folder).glob("*.whl")
        found = [measure(python, wheel) for python in options.pythons]
        size = round(wheel.stat().st_size / 1e6, 1)
    text = json.dumps({"wheel_megabytes": size, "pythons": found}, indent=1)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
