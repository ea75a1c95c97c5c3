"""Files that people met and other programs read wrongly, each with its right value.

`symbolic/NAME.expected.json` says where a case comes from and what is right: tracks with notes as
[onset, duration or null, pitch] in quarter notes and a program (a number, several good ones, or
null for any), metres, tempos, bars, title, names, key, and what a message must or must not say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ritornello.music.io import losses, read_with_repairs, write
from ritornello.music.piece import Piece, Track

FOLDER = Path(__file__).parent / "symbolic"
CASES = sorted(FOLDER.glob("*.expected.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name.split(".")[0])
def test_a_file_from_the_field_is_read_as_meant(case: Path, tmp_path: Path) -> None:
    right = json.loads(case.read_text(encoding="utf-8"))
    piece, repairs = read_with_repairs(FOLDER / right["input"])
    expected = dict(right["expected"])
    expected.pop("reads", None)
    told = " ".join((*repairs, *losses(piece, ".npz")))
    assert expected.pop("told", "") in told
    if "not_told" in expected:
        assert expected.pop("not_told") not in told
    if "tracks" in expected:
        assert_tracks(piece, expected.pop("tracks"))
    if "midi_bars_by_music21" in expected:
        assert_bars_by_music21(piece, expected.pop("midi_bars_by_music21"), tmp_path)
    for name, value in expected.items():
        assert FOUND[name](piece) == value, name


FOUND: dict[str, Any] = {
    "title": lambda piece: piece.title,
    "names": lambda piece: [track.name for track in piece.tracks],
    "metres": lambda piece: [[beats(piece, m.tick), *m[1:]] for m in piece.metres],
    "tempos": lambda piece: [[beats(piece, t.tick), t.bpm] for t in piece.tempos],
    "bars": lambda piece: [beats(piece, tick) for tick in piece.bar_starts_ticks().tolist()],
    "key": lambda piece: [piece.keys[0].key.tonic, piece.keys[0].key.scale],
}


def beats(piece: Piece, ticks: int) -> float:
    return ticks / piece.resolution


def assert_tracks(piece: Piece, expected: list[dict[str, Any]]) -> None:
    assert len(piece.tracks) == len(expected)
    for track, right in zip(piece.tracks, expected, strict=True):
        assert track.is_drum == right["is_drum"]
        if right["program"] is not None and not track.is_drum:
            programs = right["program"]
            assert track.program in (programs if isinstance(programs, list) else [programs])
        assert_notes(piece, track, right["notes"])


def assert_notes(piece: Piece, track: Track, expected: list[list[float | None]]) -> None:
    found = sorted(
        (beats(piece, note.onset_ticks), note.pitch, beats(piece, note.duration_ticks))
        for note in track
    )
    right = sorted(expected, key=lambda note: (note[0], note[2]))
    assert [note[:2] for note in found] == [(onset, pitch) for onset, _, pitch in right]
    for (*_, duration), (_, length, _) in zip(found, right, strict=True):
        assert length is None or duration == pytest.approx(length, abs=0.01)


def assert_bars_by_music21(piece: Piece, expected: list[float], folder: Path) -> None:
    import music21

    path = write(piece, folder / "piece.mid")
    score = music21.converter.parse(path, forceSource=True)
    measures = score.parts[0].getElementsByClass("Measure")  # type: ignore[union-attr]
    assert [float(measure.offset) for measure in measures][: len(expected)] == expected
