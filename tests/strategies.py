"""Hypothesis strategies for music, shared by all tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from ritornello.music.keys import KeyName
from ritornello.music.note_tables import BEND_DTYPE, CONTROL_DTYPE, PRESSURE_DTYPE, event_table
from ritornello.music.piece import (
    ChordSymbol,
    KeyChange,
    Lyric,
    Mark,
    Metre,
    Piece,
    Tempo,
    Text,
    Track,
)

RESOLUTIONS = (24, 96, 480)
METRES = st.sampled_from([(4, 4), (3, 4), (2, 4), (6, 8), (12, 8), (5, 4), (7, 8), (2, 2), (3, 8)])
BPM = st.one_of(st.integers(20, 300).map(float), st.floats(1, 10_000))
KEYS = st.builds(KeyName, st.integers(0, 11), st.sampled_from(["major", "minor", "dorian"]))
PLAIN_NAMES = st.sampled_from(["", "Violin 1", "Flûte", "ピアノ", "<&>"])
NAMES = st.one_of(PLAIN_NAMES, st.text(st.characters(codec="utf-8"), max_size=12))


@st.composite
def note_lists(
    draw: st.DrawFn, resolution: int, end_ticks: int, *, is_drum: bool = False, lowest: int = 0
) -> list[tuple[int, int, int, int]]:
    """Notes of one part as (onset, duration, pitch, velocity), none or up to about thirty.

    On plain, triplet and free grids, with chords, rests, repeated and overlapping pitches.
    """
    steps = [resolution, resolution // 2, resolution // 4, resolution // 3, 1]
    pitches = st.integers(35, 81) if is_drum else st.integers(lowest, 127)
    notes = []
    for _ in range(draw(st.integers(0, 8))):
        step = draw(st.sampled_from(steps))
        onset = draw(st.integers(0, end_ticks // step - 1)) * step
        duration = step * draw(st.integers(1, 8))
        velocity = draw(st.integers(1, 127))
        chord = draw(st.lists(pitches, min_size=1, max_size=4))
        notes += [(onset, duration, pitch, velocity) for pitch in chord]
    return notes


@st.composite
def tracks(
    draw: st.DrawFn,
    resolution: int,
    end_ticks: int,
    *,
    lowest: int = 0,
    names: st.SearchStrategy[str] = NAMES,
) -> Track:
    """A part: pitched or drums, with or without a name, perhaps without a note."""
    is_drum = draw(st.booleans())
    return Track(
        draw(note_lists(resolution, end_ticks, is_drum=is_drum, lowest=lowest)),
        program=draw(st.integers(0, 127)),
        is_drum=is_drum,
        name=draw(names),
    )


@st.composite
def pieces(draw: st.DrawFn, *, max_tracks: int = 4, bars: int = 4) -> Piece:
    """A piece: any parts, with changes of tempo, metre and key, on and off the bar lines."""
    resolution = draw(st.sampled_from(RESOLUTIONS))
    end = 4 * resolution * bars
    ticks = st.one_of(
        st.integers(0, bars).map(lambda bar: bar * 4 * resolution), st.integers(0, end)
    )
    return Piece(
        tracks=tuple(draw(st.lists(tracks(resolution, end), max_size=max_tracks))),
        resolution=resolution,
        tempos=tuple(draw(st.lists(st.builds(Tempo, ticks, BPM), max_size=3))),
        metres=tuple(draw(st.lists(st.builds(_metre, ticks, METRES), max_size=3))),
        keys=tuple(draw(st.lists(st.builds(KeyChange, ticks, KEYS), max_size=2))),
        length_ticks=draw(st.integers(0, end)),
        title=draw(NAMES),
    )


WORDS = st.one_of(
    st.sampled_from(["la", "Hal-", "lu_", "Strophe 2", "ああ", "<&>"]),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
CHORDS = st.sampled_from(["C", "Am7", "F#m7b5", "Bbmaj7/D", "N.C.", "G7sus4"])
MARKS = st.sampled_from(
    [
        ("articulation", "staccato"),
        ("articulation", "accent"),
        ("ornament", "trill-mark"),
        ("fermata", "upright"),
        ("dynamic", "mf"),
        ("words", "dolce"),
    ]
)


@st.composite
def playing(
    draw: st.DrawFn, ticks: st.SearchStrategy[int], controllers: st.SearchStrategy[int]
) -> dict[str, Any]:
    """How a track is played: controls, bends and pressures at ticks, as fields of a `Track`."""
    values = st.integers(0, 127)
    bends, keys = st.integers(-8192, 8191), st.integers(-1, 127)
    controls = draw(st.lists(st.tuples(ticks, controllers, values), max_size=6))
    bent = draw(st.lists(st.tuples(ticks, bends), max_size=4))
    pressed = draw(st.lists(st.tuples(ticks, keys, values), max_size=4))
    return {
        "controls": event_table(controls, CONTROL_DTYPE),
        "bends": event_table(bent, BEND_DTYPE),
        "pressures": event_table(pressed, PRESSURE_DTYPE),
    }


@st.composite
def full_pieces(draw: st.DrawFn, *, max_tracks: int = 3, bars: int = 3) -> Piece:
    """A piece of `pieces` with anything beside its notes."""
    piece = draw(pieces(max_tracks=max_tracks, bars=bars))
    ticks = st.integers(0, 4 * piece.resolution * bars)
    values = st.integers(0, 127)
    texts = st.lists(st.builds(Text, ticks, WORDS), max_size=2)

    def full(track: Track) -> Track:
        return replace(
            track,
            **draw(playing(ticks, values)),
            lyrics=tuple(
                draw(st.lists(st.builds(Lyric, ticks, WORDS, st.integers(1, 2)), max_size=3))
            ),
            marks=tuple(
                Mark(draw(ticks), *draw(MARKS), draw(st.sampled_from([-1, 60])))
                for _ in range(draw(st.integers(0, 2)))
            ),
            player=draw(st.sampled_from([0, 0, 0, 1, 2])),
        )

    return replace(
        piece,
        tracks=tuple(full(track) for track in piece.tracks),
        composer=draw(NAMES),
        copyright=draw(NAMES),
        chords=tuple(draw(st.lists(st.builds(ChordSymbol, ticks, CHORDS), max_size=3))),
        markers=tuple(draw(texts)),
        cues=tuple(draw(texts)),
        texts=tuple(draw(texts)),
    )


@st.composite
def scores(draw: st.DrawFn, *, max_tracks: int = 4, bars: int = 4) -> Piece:
    """A piece as it can stand in a score: one metre, changes on its bar lines, no low pitches."""
    resolution = draw(st.sampled_from(RESOLUTIONS))
    metre = _metre(0, draw(METRES))
    end = metre.bar_ticks(resolution) * bars
    lines = st.integers(0, bars - 1).map(lambda bar: bar * metre.bar_ticks(resolution))
    parts = tracks(resolution, end, lowest=12, names=PLAIN_NAMES)
    changes = draw(st.lists(st.builds(KeyChange, lines, KEYS), max_size=2))
    return Piece(
        tracks=tuple(draw(st.lists(parts, min_size=1, max_size=max_tracks))),
        resolution=resolution,
        tempos=tuple(draw(st.lists(st.builds(Tempo, lines, BPM), max_size=2))),
        metres=(metre,),
        keys=tuple({change.tick: change for change in changes}.values()),
        length_ticks=end,
        title=draw(PLAIN_NAMES),
    )


@st.composite
def tunes(draw: st.DrawFn, *, max_tracks: int = 3, bars: int = 4) -> Piece:
    """A piece of `scores` whose parts are on one plain grid or on triplets."""
    piece = draw(scores(max_tracks=max_tracks, bars=bars))
    step = draw(st.sampled_from([2, 3, 4])) if piece.metres[0].denominator == 4 else 2
    unit = piece.resolution // step

    def on_grid(track: Track) -> Track:
        notes = track.notes.copy()
        notes["onset"] -= notes["onset"] % unit
        notes["duration"] += -notes["duration"] % unit
        return replace(track, notes=notes)

    tracks = [on_grid(track) for track in piece.tracks]
    return replace(piece, tracks=tuple(tracks))


def _metre(tick: int, metre: tuple[int, int]) -> Metre:
    return Metre(tick, *metre)
