"""Kill commands at random moments, and look at what they leave: nothing half written, no leftovers.

    python -m experiments.fuzz.kill --music FOLDER --recording take.wav

Each command runs once unbroken, which tells how long it takes. Then it is killed (SIGKILL, with all
that it started) at moments drawn from the whole of that time. After each kill every visible file
must be whole; then the same command runs to its end, after which no hidden file may be left. Two
cores and 40 kills take some 20 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ritornello.errors import RitornelloError
from ritornello.music.io import read
from ritornello.note_model import checkpoint

RESULTS = Path(__file__).resolve().parents[1] / "results" / "kill.json"
_TAKES_AT_MOST_SECONDS = 900


@dataclass(frozen=True)
class Command:
    """A command and how often it is killed.

    Attributes:
        words: of the command line; it runs in a folder with `music/`, `song.mid` and `take.wav`.
        kills: how often.
        again: words that the second run needs beside them.
    """

    name: str
    words: tuple[str, ...]
    kills: int
    again: tuple[str, ...] = ("--overwrite",)


COMMANDS = (
    Command(
        "train",
        (*("train", "music", "-o", "model", "--steps", "60", "--batch", "4"),
         *("--width", "48", "--layers", "1", "--threads", "1")),
        8,
        again=(),
    ),
    Command(
        "compose",
        ("compose", "--bars", "16", "-n", "2", "--seed", "7", "-f", "mid,musicxml,mp3,png,svg",
         "--stems"),
        8,
    ),
    Command("render", ("render", "song.mid", "-o", "song.mp3", "--stems"), 6),
    Command("convert", ("convert", "song.mid", "song.flac"), 6),
    Command("remix", ("remix", "take.wav", "--seed", "3", "-o", "remix"), 4),
    Command("inspect", ("inspect", "music", "-o", "report.html"), 4),
    Command("papers", ("papers", "run", "hybrid-gru2023", "--budget", "tiny", "-o", "papers"), 4),
)  # fmt: skip


# --- is a file whole? ---------------------------------------------------------------------------


def _xml(path: Path) -> None:
    ElementTree.parse(path)


def _sound(path: Path) -> None:
    import soundfile

    soundfile.read(path)


def _picture(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as image:
        image.load()


def _html(path: Path) -> None:
    if not path.read_text(encoding="utf-8").rstrip().removesuffix(">").endswith("/html"):
        raise ValueError("it ends early")


def _json(path: Path) -> None:
    json.loads(path.read_text(encoding="utf-8"))


def _lines(path: Path) -> None:
    """A journal grows; only its last line may be cut, and is passed over by whoever reads it."""
    for line in path.read_text(encoding="utf-8").splitlines()[:-1]:
        json.loads(line)


def _model(path: Path) -> None:
    if path.name == checkpoint.MODEL_FILE:
        checkpoint.load(path)
    else:
        from safetensors.numpy import load_file

        load_file(path)


def _torch(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if archive.testzip():
            raise ValueError("its check sums are wrong")


def _array(path: Path) -> None:
    np.load(path, mmap_mode="r")


WHOLE: dict[str, Callable[[Path], object]] = {
    **dict.fromkeys((".mid", ".npz"), read),
    **dict.fromkeys((".musicxml", ".svg"), _xml),
    **dict.fromkeys((".wav", ".mp3", ".flac", ".ogg"), _sound),
    ".png": _picture,
    ".html": _html,
    ".json": _json,
    ".jsonl": _lines,
    ".safetensors": _model,
    ".pt": _torch,
    ".npy": _array,
}


def broken(folder: Path) -> list[str]:
    """Visible files in a folder that are not whole, each with why."""
    found = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in inside.parts):
            continue
        try:
            if path.suffix in WHOLE:
                WHOLE[path.suffix](path)
        except (RitornelloError, OSError, ValueError, RuntimeError, SyntaxError) as error:
            found.append(f"{inside}: {type(error).__name__}: {error}")
    return found


def hidden(folder: Path) -> list[str]:
    """What lies hidden in a folder: files on their way, and locks."""
    names = (path.relative_to(folder) for path in folder.rglob("*"))
    return sorted(
        str(name) for name in names if name.name.startswith(".") or name.suffix == ".lock"
    )


# --- runs ---------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What came of the kills of a command."""

    seconds: float
    kills: int = 0
    ended_before: int = 0
    left_hidden: int = 0
    broken: list[str] = field(default_factory=list)
    not_run_again: list[str] = field(default_factory=list)
    hidden_at_last: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.broken or self.not_run_again or self.hidden_at_last)


def _start(words: tuple[str, ...], folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder / "tmp")}
    return subprocess.Popen(
        [sys.executable, "-m", "ritornello", *words],
        cwd=folder / "work",
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _prepared(given: Path, folder: Path) -> Path:
    shutil.copytree(given, folder / "work")
    (folder / "tmp").mkdir()
    return folder / "work"


def measure(command: Command, given: Path, rng: random.Random) -> Tally:
    """Kill a command at random moments, and say what is left."""
    with tempfile.TemporaryDirectory() as name:
        _prepared(given, Path(name))
        start = time.monotonic()
        process = _start(command.words, Path(name))
        if process.communicate(timeout=_TAKES_AT_MOST_SECONDS) and process.returncode:
            raise SystemExit(f"{command.name} fails unbroken")
        tally = Tally(round(time.monotonic() - start, 1))
    for _ in range(command.kills):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            work = _prepared(given, folder)
            process = _start(command.words, folder)
            try:
                process.wait(rng.uniform(0.02, 1.0) * tally.seconds)
                tally.ended_before += 1
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            tally.kills += 1
            tally.broken += broken(work)
            tally.left_hidden += bool(hidden(work))
            again = _start((*command.words, *command.again), folder)
            _, said = again.communicate(timeout=_TAKES_AT_MOST_SECONDS)
            if again.returncode:
                tally.not_run_again.append(said[-300:])
            tally.broken += broken(work)
            tally.hidden_at_last += hidden(work)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--music", type=Path, required=True, help="folder of some MIDI files")
    parser.add_argument("--recording", type=Path, required=True, help="a short solo")
    parser.add_argument("--only", nargs="+", choices=[command.name for command in COMMANDS])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        given = Path(name)
        shutil.copytree(options.music, given / "music")
        shutil.copy(sorted((given / "music").rglob("*.mid"))[0], given / "song.mid")
        shutil.copy(options.recording, given / "take.wav")
        for command in COMMANDS:
            if options.only and command.name not in options.only:
                continue
            tally = measure(command, given, random.Random(options.seed))
            found[command.name] = {**vars(tally), "clean": tally.clean}
            print(command.name, json.dumps(found[command.name]), flush=True)
    clean = all(each["clean"] for each in found.values())
    kills = sum(each["kills"] for each in found.values())
    if not options.only:
        text = json.dumps({"kills": kills, "clean": clean, "commands": found}, indent=1)
        RESULTS.write_text(f"{text}\n", encoding="utf-8")
    print(f"{kills} kills, {'nothing' if clean else 'something'} is left")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
