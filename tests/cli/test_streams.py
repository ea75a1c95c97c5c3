"""`-` reads standard input and writes standard output, whatever the format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ritornello.music.io import read
from ritornello.music.io.abc.write import write_bytes as write_abc
from ritornello.music.piece import Piece, Track

PIECE = Piece((Track([(0, 480, 60, 80), (480, 480, 64, 80)], name="Vl"),), title="Tune")


def ritornello(*words: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ritornello", *map(str, words)]
    done = subprocess.run(command, input=given, capture_output=True)
    assert b"Traceback" not in done.stderr
    assert b"fault" not in done.stderr
    return done


@pytest.mark.parametrize("ending", ["mid", "musicxml", "mxl", "npz", "abc"])
def test_each_format_goes_in_and_out_of_a_pipe(tmp_path: Path, ending: str) -> None:
    if ending == "abc":
        data = write_abc(PIECE)
    else:
        data = PIECE.save(tmp_path / f"song.{ending}").read_bytes()
    done = ritornello("convert", "-", "-", "--to", ending, given=data)
    assert done.returncode == 0, done.stderr
    again = tmp_path / f"again.{ending}"
    again.write_bytes(done.stdout)
    found = read(again)
    assert [(note.pitch, note.velocity > 0) for note in found.tracks[0]] == [(60, True), (64, True)]


def test_commands_are_joined_by_pipes(tmp_path: Path, tiny_model: Path) -> None:
    made = ritornello("compose", "--bars", 1, "-m", tiny_model, "--seed", 1, "-o", "-")
    assert made.stdout.startswith(b"MThd")
    assert b"seed 1" in made.stderr
    more = ritornello(
        *("continue", "-", "--bars", 1, "-m", tiny_model, "--seed", 1, "-f", "musicxml", "-o", "-"),
        given=made.stdout,
    )
    assert more.stdout.startswith(b"<?xml")
    sound = ritornello("render", "-", "-o", "-", "--to", "flac", given=made.stdout)
    assert sound.stdout.startswith(b"fLaC")
    (tmp_path / "song.flac").write_bytes(sound.stdout)
    notes = ritornello(
        "transcribe", "-", "-o", "-", given=PIECE.save(tmp_path / "a.wav").read_bytes()
    )
    assert notes.stdout.startswith(b"MThd")


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        ("convert - song.mid", b"", b"empty"),
        ("convert - song.mid", b"no music", b"first bytes"),
        ("convert - song.mid", b"PK\x03\x04 and no more", b"damaged"),
        ("convert - song.mid", b"MThd", b"cut short|MIDI"),
        ("compose -n 2 -o -", b"", b"one piece in one format"),
        ("compose -f mid,mp3 -o -", b"", b"one piece in one format"),
        ("render - --stems -o -", b"MThd", b"Stems are files"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, given: bytes, said: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ritornello(*words.split(), given=given)
    assert done.returncode in (1, 2)
    assert not done.stdout
    assert any(each in done.stderr for each in said.split(b"|")), done.stderr
    assert not list(tmp_path.iterdir())
