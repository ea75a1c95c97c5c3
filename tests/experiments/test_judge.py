"""The judge of rules misses no violation that is planted, and blames nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from experiments.generated.judge import violations
from ritornello.generation.rules import Rules
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Metre, Piece, Tempo, Track

BAR = 96
RULES = Rules(
    bars=4, tempo_bpm=100, key="C major", parts=("flute", "piano", "bass", "drums"),
    chords="C | F G | % | C",
)  # fmt: skip
PIANO = [(0, 48, 60, 80), (0, 48, 64, 80), (96, 24, 65, 80), (150, 12, 62, 80), (288, 96, 64, 80)]
BASS = [(0, 24, 36, 80), (96, 24, 41, 80), (144, 24, 43, 80), (288, 96, 36, 80)]
FLUTE = [(0, 24, 72, 80), (12 + 96, 12, 74, 80), (288, 24, 79, 80)]
DRUMS = [(0, 6, 36, 80), (288, 6, 49, 80)]


def song(
    flute: list[tuple[int, int, int, int]] = FLUTE,
    piano: list[tuple[int, int, int, int]] = PIANO,
    bass: list[tuple[int, int, int, int]] = BASS,
    drums: list[tuple[int, int, int, int]] = DRUMS,
    **changes: Any,
) -> Piece:
    tracks = (
        Track(flute, 73, name="flute"), Track(piano, 0, name="piano"), Track(bass, 33, name="bass"),
        Track(drums, is_drum=True, name="drums"),
    )  # fmt: skip
    made = Piece(tracks, 24, (Tempo(0, 100),), (Metre(0, 4, 4),), length_ticks=4 * BAR)
    return replace(made, **changes)


def found(piece: Piece, **changes: Any) -> list[str]:
    return violations(write_bytes(piece), replace(RULES, **changes))


def test_a_song_that_keeps_the_rules_is_blameless() -> None:
    assert found(song()) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"tempos": (Tempo(0, 101),)}, "tempo 101"),
        ({"metres": (Metre(0, 2, 4),)}, "metre 2/4"),
        ({"length_ticks": 5 * BAR}, "5 bars"),
        ({"tracks": song().tracks[:3]}, "parts ['bass', 'flute', 'piano']"),
        ({"tracks": (*song().tracks, song().tracks[0])}, "parts ['bass', 'drums', 'flute', 'flute"),
    ],
)
def test_a_wrong_frame_is_named(changes: dict[str, Any], fault: str) -> None:
    (first, *_) = found(song(**changes))
    assert fault in first


@pytest.mark.parametrize(
    ("note", "fault"),
    [
        ((30, 6, 30, 80), "flute plays 30 at beat 5/4, outside 55 to 98"),
        ((30, 6, 61, 80), "flute plays 61 at beat 5/4, outside C major"),
        ((48, 6, 62, 80), "flute plays 62 at beat 2, outside the chord"),  # of C
        ((144, 6, 69, 80), "flute plays 69 at beat 6, outside the chord"),  # of G, after F
        ((240, 6, 72, 80), "flute plays 72 at beat 10, outside the chord"),  # % repeats F G
        ((6, 6, 76, 80), "flute holds 2 notes at beat 1/4"),
        ((294, 24, 76, 80), "flute begins after the first beat of the last bar"),
        ((270, 20, 72, 80), "flute sounds into the last bar"),
    ],
)
def test_a_wrong_note_is_named(note: tuple[int, int, int, int], fault: str) -> None:
    assert fault in found(song(flute=[*FLUTE, note]))


def test_between_the_beats_and_in_the_last_bar_the_chart_says_nothing() -> None:
    assert found(song(flute=[*FLUTE, (54, 6, 62, 80)])) == []
    assert found(song(), chords="C | F G | % | F") == []
    kinds = " ".join(found(song(), chords="C | F G | % | F", ending=False))
    assert "flute plays 79 at beat 12, outside the chord" in kinds


def test_a_chord_of_which_the_key_has_no_note_in_range_goes_beyond_the_key() -> None:
    asked = Rules(
        bars=4, key="C major", parts=("flute",), ranges={"flute": (73, 74)}, chords="Db",
        ending=False,
    )  # fmt: skip

    def faults(onset: int, pitch: int) -> list[str]:
        flute = Track([(onset, 6, pitch, 80)], 73, name="flute")
        return violations(write_bytes(song(tracks=(flute,))), asked)

    assert faults(24, 73) == []
    assert faults(24, 74) == ["flute plays 74 at beat 1, outside the chord"]
    assert faults(30, 73) == ["flute plays 73 at beat 5/4, outside C major"]
    assert faults(30, 74) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"flute": [*FLUTE[:-1], (288, 24, 77, 80)]}, "not the tonic's"),  # F is not of C
        ({"bass": [*BASS[:-1], (288, 96, 43, 80)]}, "not the tonic's"),  # the bass plays G
        ({"piano": [*PIANO[:-1], (288, 12, 64, 80)]}, "piano holds the last chord for 1/2 beats"),
        ({"flute": FLUTE[:-1], "piano": PIANO[:-1], "bass": BASS[:-1]}, "no pitched part strikes"),
        ({"drums": [*DRUMS, (312, 6, 49, 80)]}, "drums begins after the first beat"),
    ],
)
def test_what_is_no_ending_is_named(changes: dict[str, Any], fault: str) -> None:
    assert fault in " ".join(found(song(**changes)))
    assert fault not in " ".join(found(song(**changes), ending=False))


def test_without_a_key_any_triad_ends_a_piece() -> None:
    minor = [*PIANO[:-1], (288, 96, 63, 80)]
    assert found(song(piano=minor), key=None) == []
    cluster = [*PIANO[:-1], (288, 96, 62, 80)]
    assert "not the tonic's" in " ".join(found(song(piano=cluster), key=None))


def test_polyphony_is_the_usual_one_unless_another_is_asked_for() -> None:
    chord = song(bass=[*BASS, (0, 24, 40, 80)])
    assert found(chord) == ["bass holds 2 notes at beat 0"]
    assert found(chord, polyphony={"bass": 2}) == []
