"""Chords are found where music has them: in what was built from chords, and in real music."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.errors import ConfigError
from ritornello.music import io
from ritornello.music.chords import (
    NO_CHORD,
    QUALITIES,
    Chord,
    ChordChange,
    chord_changes,
    chord_class,
    parse_chart,
    parse_chord,
)
from ritornello.music.harmony import Segments, detect, piece_chords, segments
from ritornello.music.keys import estimate_key
from ritornello.music.piece import Metre, Piece, Track
from tests.examples import band
from tests.strategies import pieces

COMMON_TIME = (Metre(0, 4, 4),)


def played(chart: str, bars: int) -> tuple[Piece, tuple[ChordChange, ...]]:
    """A chart as whole chords over their bass, and its changes."""
    starts = [96 * bar for bar in range(bars)]
    changes = chord_changes(parse_chart(chart), starts, 96 * bars)
    ends = [*(change.tick for change in changes[1:]), 96 * bars]
    notes = []
    for (tick, chord), end in zip(changes, ends, strict=True):
        if chord:
            bass = chord.root if chord.bass is None else chord.bass
            pitches = [36 + bass, *(60 + pitch_class for pitch_class in chord.pitch_classes)]
            notes += [(tick, end - tick, pitch, 80) for pitch in pitches]
    return Piece((Track(notes),), 24, metres=COMMON_TIME, length_ticks=96 * bars), changes


@pytest.mark.parametrize("quality", QUALITIES)
def test_every_chord_is_found_when_it_is_played(quality: str) -> None:
    for root in range(12):
        chord = Chord(root, quality)
        piece, _ = played(str(chord), 2)
        assert piece_chords(piece) == (ChordChange(0, chord),)


@pytest.mark.parametrize(
    "chart",
    [
        "Am F C G",
        "Dm7 G7 | Cmaj7 | Bm7b5 E7 | Am",
        "C | C/E | F | Gsus4 G",
        "N.C. | N.C. | D | A7",
    ],
)
def test_a_chart_is_found_when_it_is_played(chart: str) -> None:
    piece, changes = played(chart, 8)
    named = [ChordChange(tick, chord and replace(chord, bass=None)) for tick, chord in changes]
    merged = [
        now
        for before, now in zip([None, *named], named, strict=False)
        if before is None or before.chord != now.chord
    ]
    assert list(piece_chords(piece)) == merged


@given(
    st.lists(
        st.tuples(st.integers(0, 380), st.integers(1, 120), st.integers(24, 103)), max_size=40
    ),
    st.integers(-24, 24),
)
def test_music_moved_has_its_chords_moved(notes: list[tuple[int, ...]], semitones: int) -> None:
    onsets, durations, pitches = np.array(notes, np.int64).reshape(-1, 3).T
    beats = segments(COMMON_TIME, 384, 24)
    here = detect(onsets, durations, pitches, beats)
    there = detect(onsets, durations, pitches + semitones, beats)
    moved = np.where(here == NO_CHORD, NO_CHORD, here // 12 * 12 + (here + semitones) % 12)
    assert np.array_equal(there, moved)


@given(pieces(), st.randoms(use_true_random=False))
def test_drums_and_the_order_of_parts_change_nothing(piece: Piece, random: Random) -> None:
    without = tuple(track for track in piece.tracks if not track.is_drum)
    shuffled = random.sample(without, len(without))
    found = piece_chords(piece)
    assert piece_chords(replace(piece, tracks=without)) == found
    assert piece_chords(replace(piece, tracks=tuple(shuffled))) == found


@given(pieces())
def test_beats_cover_a_piece_bar_by_bar(piece: Piece) -> None:
    beats = segments(piece.metres, piece.length_ticks, piece.resolution)
    lines = beats.starts_ticks[beats.on_bar_line]
    assert np.array_equal(lines, piece.bar_starts_ticks())
    assert (np.diff([*beats.starts_ticks, beats.length_ticks]) > 0).all()


def test_a_band_is_heard_through_its_drums() -> None:
    root = int(band().tracks[1].notes["pitch"][0]) % 12
    found = piece_chords(band())
    assert [chord and chord.root for _, chord in found] == [
        (root + step) % 12 for step in (0, 5, 7, 0, 5, 7, 0)
    ]
    assert {chord and chord.quality for _, chord in found} == {"maj"}


def test_silence_has_no_chord() -> None:
    assert piece_chords(Piece(())) == ()
    assert piece_chords(Piece((), length_ticks=1920)) == (ChordChange(0, None),)
    drums = Piece((Track([(0, 6, 36, 90)], is_drum=True),))
    assert piece_chords(drums) == (ChordChange(0, None),)


# --- real music --------------------------------------------------------------------------------


def _share(found: np.ndarray, written: np.ndarray) -> tuple[float, float]:
    """Share of the beats with a written chord whose root, and whose chord, was found."""
    known = written < NO_CHORD
    same_root = (found % 12 == written % 12) & (found < NO_CHORD)
    return float(same_root[known].mean()), float((found == written)[known].mean())


POP909_QUALITIES = {
    "hdim7": "m7b5", "maj6": "6", "min6": "m6", "minmaj7": "m(maj7)", "sus4(b7)": "7sus4",
    "sus4(b7,9)": "9sus4", "maj(9)": "add9", "min(9)": "madd9",
}  # fmt: skip


def _pop909_labels(file: Path, beats_ms: np.ndarray) -> np.ndarray:
    """The chord of each beat as annotated, `NO_CHORD` where there is none or no such quality."""
    labels = np.full(len(beats_ms), NO_CHORD)
    for line in file.read_text().splitlines():
        start, end, name = line.split()
        root, _, quality = name.partition(":")
        inside = (beats_ms >= float(start) * 1000 - 60) & (beats_ms < float(end) * 1000 - 60)
        quality = quality.split("/")[0]
        try:
            chord = parse_chord(root + POP909_QUALITIES.get(quality, quality))
        except ConfigError:
            continue
        labels[inside] = chord_class(chord)
    return labels


@pytest.mark.data
def test_chords_of_piano_arrangements_agree_with_their_annotation(data_dir: Path) -> None:
    found, written = [], []
    for folder in sorted((data_dir / "pop909").glob("[0-9]*"))[::60]:
        piece = io.read(folder / f"{folder.name}.mid")
        notes = np.concatenate([track.notes for track in piece.tracks if not track.is_drum])
        ends = notes["onset"] + notes["duration"]
        onsets, ends = (np.rint(piece.ticks_to_seconds(t) * 1000) for t in (notes["onset"], ends))
        times, _, downbeat = np.loadtxt(folder / "beat_midi.txt").T
        starts = np.rint(times * 1000).astype(int)
        places = np.where(downbeat > 0, 0, 2)
        beats = Segments(starts, places, int(max(ends.max(), starts[-1] + 1)))
        found.append(detect(onsets.astype(int), (ends - onsets).astype(int), notes["pitch"], beats))
        written.append(_pop909_labels(folder / "chord_midi.txt", starts))
    root, exact = _share(np.concatenate(found), np.concatenate(written))
    assert root > 0.88
    assert exact > 0.75


@pytest.mark.data
def test_a_melody_alone_tells_more_than_its_key(data_dir: Path) -> None:
    folder = data_dir / "openewld_pd"
    found, written, tonics = [], [], []
    for sheet in json.loads((folder / "leadsheets.json").read_text())[::3]:
        piece = io.read(folder / "midi" / sheet["file"])
        notes = piece.tracks[0].notes
        beats = segments(piece.metres, piece.length_ticks, piece.resolution)
        found.append(detect(notes["onset"], notes["duration"], notes["pitch"], beats))
        labels = np.full(len(beats.starts_ticks), NO_CHORD)
        for start, root, _ in sheet["chords"]:
            labels[beats.starts_ticks >= start * piece.resolution - 1] = root
        written.append(labels)
        key = estimate_key(np.bincount(notes["pitch"] % 12, notes["duration"], 12))
        tonics.append(np.full(len(labels), key.tonic if key else 0))
    labels = np.concatenate(written)
    assert (
        _share(np.concatenate(found), labels)[0] > _share(np.concatenate(tonics), labels)[0] + 0.03
    )
