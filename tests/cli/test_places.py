"""Any locale, any file name, no home: the commands work and say so in plain signs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ritornello.dsp.recordings import Recording
from ritornello.dsp.sound_files import read_audio
from ritornello.music.piece import Piece, Track

NAME = os.fsdecode(b"caf\xc3\xa9 \xff\x80")  # its last bytes are no UTF-8
LOCALES = (
    {"LC_ALL": "POSIX"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "ascii:strict"},
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "ritornello", *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
    )
    assert b"Traceback" not in done.stderr, done.stderr
    assert b"fault" not in done.stderr, done.stderr
    return done


@pytest.fixture
def song(tmp_path: Path) -> Path:
    piece = Piece((Track([(0, 480, 60, 80)], name="Flöte ♯"),), title="Ünïcode ☃")
    return piece.save(tmp_path / f"{NAME}.mid")


@pytest.mark.parametrize("locale", LOCALES, ids=lambda each: "-".join(each.values()))
def test_names_and_signs_are_written_in_every_locale(
    tmp_path: Path, song: Path, locale: dict[str, str]
) -> None:
    target = f"out {NAME}.wav"
    done = run(tmp_path, "convert", song.name, target, **locale)
    assert done.returncode == 0
    # In the signs of the locale; what is no text stays the bytes it is.
    assert done.stdout.startswith(b"out caf")
    assert done.stdout.endswith(b" \xff\x80.wav\n")
    assert (tmp_path / target).exists()
    done = run(tmp_path, "inspect", ".", "--json", **locale)
    assert json.loads(done.stdout.decode("utf-8", "surrogateescape"))
    assert b"ritornello" in run(tmp_path, "doctor", **locale).stdout
    done = run(tmp_path, "compose", "--key", "♯é→", **locale)
    assert done.returncode == 2
    assert done.stderr


def test_sound_is_written_and_read_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.wav"
    piece = Piece((Track([(0, 480, 60, 80)]),))
    piece.save(path)
    assert read_audio(path).rate_hz == 44_100
    assert sum(map(len, Recording.open(path).blocks(8_000))) > 0
    soundfile.write(os.fsencode(tmp_path / "plain.wav"), np.zeros(10), 8_000)


def test_a_user_whom_the_system_does_not_list_and_without_a_home(tmp_path: Path) -> None:
    code = (
        "import pwd, sys\n"
        "def nobody(number): raise KeyError(f'uid not found: {number}')\n"
        "pwd.getpwuid = nobody\n"
        "from ritornello.cli import run\n"
        "made = ['compose', '--bars', '1', '-f', 'mid']\n"
        "sys.exit(run(['models']) or run(['doctor']) or run(made))"
    )
    homes = ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in homes}
    environment["TMPDIR"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"out", f"ritornello-{os.getuid()}-cache"}
