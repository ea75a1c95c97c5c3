"""Who joins a song follows its chords and holds a rhythm, as an accompanist does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ritornello.generation.composer import Composer
from ritornello.music import io
from ritornello.music.chords import Chord, symbol_changes
from ritornello.music.piece import Piece, Track

LEAD_SHEET = """X:1
T:A lead sheet
M:4/4
L:1/4
Q:1/4=112
K:G
D|"G"B2 d B|"C"c2 e c|"D7"A2 d c|"G"B3 D|"Em"B2 g e|"Am/C"c2 e c|"D7"A F A d|"G"G3|]
"""
JIG = """X:1
T:A jig
M:6/8
L:1/8
Q:3/8=110
K:D
"D"A2F A2d|"G"B2d g3|"D"f2d A2F|"A7"E3 E3|"D"A2F A2d|"G"B2d g2e|"A7"c2d e2c|"D"d6|]
"""


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer.load()


def song(tmp_path: Path, text: str) -> Piece:
    path = tmp_path / "song.abc"
    path.write_text(text, encoding="utf-8")
    return io.read(path)


def added(composer: Composer, given: Piece, *players: str, seed: int = 0) -> list[Track]:
    result = composer.arrange(given, players, seed=seed)
    return list(result.piece.tracks[len(given.tracks) :])


def chord_at(given: Piece, tick: int) -> Chord | None:
    changes = symbol_changes(given.chords)
    before = [change.chord for change in changes if change.tick <= tick]
    return before[-1] if before else None


@pytest.mark.parametrize("seed", range(3))
def test_notes_on_beats_are_of_the_chord_that_is_written_above(
    composer: Composer, tmp_path: Path, seed: int
) -> None:
    given = song(tmp_path, LEAD_SHEET)
    for track in added(composer, given, "piano", "bass", seed=seed):
        for onset, pitch in zip(track.notes["onset"], track.notes["pitch"], strict=True):
            chord = chord_at(given, int(onset))
            if onset % given.resolution == 0 and chord is not None:
                assert int(pitch) % 12 in chord.pitch_classes


@pytest.mark.parametrize("seed", range(3))
def test_a_bass_begins_each_chord_with_its_lowest_note(
    composer: Composer, tmp_path: Path, seed: int
) -> None:
    given = song(tmp_path, LEAD_SHEET)
    (bass,) = added(composer, given, "bass", seed=seed)
    begun = dict(zip(bass.notes["onset"].tolist(), bass.notes["pitch"].tolist(), strict=True))
    met = 0
    for tick, chord in symbol_changes(given.chords):
        if tick in begun and chord is not None:
            met += 1
            assert begun[tick] % 12 == (chord.root if chord.bass is None else chord.bass)
    assert met >= 4


@pytest.mark.parametrize("text", [LEAD_SHEET, JIG])
@pytest.mark.parametrize("player", ["bass", "guitar", "piano"])
def test_accompanists_play_in_every_bar_also_without_drums(
    composer: Composer, tmp_path: Path, text: str, player: str
) -> None:
    given = song(tmp_path, text)
    (track,) = added(composer, given, player)
    starts = np.array([0, *[tick for tick, _ in symbol_changes(given.chords)]])
    whole = starts[1:]
    begun = np.searchsorted(whole, track.notes["onset"], side="right")
    assert {*range(1, len(whole))} <= {*begun.tolist()}


def test_harmonise_sings_the_chords_that_are_written(composer: Composer, tmp_path: Path) -> None:
    given = song(tmp_path, LEAD_SHEET)
    result = composer.harmonise(given, seed=0)
    voices = result.piece.tracks[len(given.tracks) :]
    for tick, chord in symbol_changes(given.chords):
        assert chord is not None
        for voice in voices:
            sounds = (voice.notes["onset"] <= tick) & (
                voice.notes["onset"] + voice.notes["duration"] > tick
            )
            assert {int(p) % 12 for p in voice.notes["pitch"][sounds]} <= {*chord.pitch_classes}


def test_without_chords_all_who_join_share_one_draft(composer: Composer, tmp_path: Path) -> None:
    given = replace(song(tmp_path, LEAD_SHEET), chords=())
    piano, bass = added(composer, given, "piano", "bass", seed=1)
    lines = [given.resolution * (1 + 4 * bar) for bar in range(7)]
    agree = 0
    for tick in lines:
        low = [int(p) % 12 for o, p in zip(*_columns(bass), strict=True) if o == tick]
        high = {int(p) % 12 for o, p in zip(*_columns(piano), strict=True) if o == tick}
        chords = (
            [Chord(low[0], kind).pitch_classes for kind in ("maj", "min", "7", "dim")]
            if low
            else []
        )
        agree += bool(high) and any(high <= {*classes} for classes in chords)
    assert agree >= 4


def _columns(track: Track) -> tuple[np.ndarray, np.ndarray]:
    return track.notes["onset"], track.notes["pitch"]


def test_a_range_and_a_scale_that_are_asked_for_come_before_the_chords_of_a_song(
    composer: Composer, tmp_path: Path
) -> None:
    given = song(tmp_path, LEAD_SHEET)
    asked = composer.arrange(given, ("bass",), ranges={"bass": (40, 41)}, seed=0)
    assert {*asked.piece.tracks[1].notes["pitch"].tolist()} <= {40, 41}
    asked = composer.arrange(given, ("bass", "piano"), scale=(1, 3, 6, 8, 10), seed=0)
    for track in asked.piece.tracks[1:]:
        assert {pitch % 12 for pitch in track.notes["pitch"].tolist()} <= {1, 3, 6, 8, 10}


CHORDS = """X:1
T:Chords
M:4/4
L:1/1
K:C
[CEG]|[A,CE]|[F,A,C]|[G,B,D]|[CEG]|[A,CE]|[G,B,DF]|[CEG]|
"""


@pytest.mark.parametrize("others", [(), ("bass", "drums")])
def test_a_line_over_chords_alone_is_a_tune(
    composer: Composer, tmp_path: Path, others: tuple[str, ...]
) -> None:
    given = song(tmp_path, CHORDS)
    tracks = added(composer, given, "saxophone", *others, seed=1)
    (tune,) = (track for track in tracks if track.label == "saxophone")
    beats = given.length_ticks / given.resolution
    assert 0.6 * beats <= len(tune) <= 1.4 * beats
    assert len({*tune.notes["pitch"].tolist()}) >= 5
    assert len({*tune.notes["duration"].tolist()}) >= 2


def test_a_bass_that_is_varied_accompanies_as_before(composer: Composer, tmp_path: Path) -> None:
    given = song(tmp_path, LEAD_SHEET)
    played = composer.arrange(given, ("bass",), seed=0).piece
    varied = composer.vary(played, (2,), seed=1).piece
    bass = varied.tracks[1]
    assert bass.notes.tobytes() != played.tracks[1].notes.tobytes()
    begun = dict(zip(*(column.tolist() for column in _columns(bass)), strict=True))
    changes = [change for change in symbol_changes(given.chords) if change.chord is not None]
    roots = [begun[tick] % 12 == (chord.root if chord.bass is None else chord.bass)
             for tick, chord in changes if chord is not None and tick in begun]  # fmt: skip
    assert len(roots) >= 4
    assert all(roots)
