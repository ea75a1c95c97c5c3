"""The chords of a song for who is written into it: those that fit a melody, or a draft.

A draft stands in where none are written above the song, with a chord for each half bar: what fits a
melody alone best, or in a band what sounds there. In other music a draft brought more dissonance
than the network alone (docs/decisions/given-notes.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ritornello.generation.edit.melody_chords import (
    Harmonisation,
    Melody,
    key_of_melody,
    plan_harmony,
)
from ritornello.generation.edit.plans import EditPlan, FittedSong, most_notes_at_once
from ritornello.music.chords import CHORD_CLASSES
from ritornello.music.instruments import BASSES, DRUMS, INSTRUMENTS, parse_instrument
from ritornello.music.keys import KeyName
from ritornello.music.piece import Piece, Track
from ritornello.note_model.encoding import notes
from ritornello.plan.analysis import analyse
from ritornello.plan.players import LINES

_CHORD, _MOSTLY = 3, 0.6  # notes of a chord, and the share of chords that are no tune
_BAND = {DRUMS, parse_instrument("bass")}


def with_drafted_chords(made: EditPlan, song: FittedSong) -> EditPlan:
    """A plan whose new parts hold to a draft on beats, if no chords are stated."""
    job = made.job
    if len(job.given.chord_ticks) or job.length_ticks is None:
        return made
    found = _of_melody_alone(song)
    if found is None and _BAND.isdisjoint(job.players or ()):
        return made
    ticks, chords = found or _heard(song)
    drafts = {tick: chord for tick, chord in zip(ticks.tolist(), chords.tolist(), strict=True)
              if chord < CHORD_CLASSES}  # fmt: skip
    if not drafts:
        return made
    given = replace(job.given, chord_ticks=ticks, chord_classes=chords)
    return replace(made, job=replace(job, given=given, drafts=drafts, chords_hold=True))


def with_kept_chords(made: EditPlan, song: FittedSong) -> EditPlan:
    """A plan whose players, who accompany, keep the chords of a song, written or drafted.

    Args:
        song: before anything is written anew.
    """
    if made.job.song_chords:
        return replace(made, job=replace(made.job, chords_hold=True))
    return with_drafted_chords(made, song)


def may_accompany(parts: Iterable[int], kept: Piece) -> bool:
    """Whether part classes are written to accompany what is kept of a song: it has the tune."""
    names = {INSTRUMENTS[notes.instrument_of(part)].name for part in parts}
    return names.isdisjoint(LINES) and has_tune(kept)


def has_tune(song: Piece) -> bool:
    """Whether somebody plays more than chords and a bass."""
    return any(not _accompanies(track) for track in song.tracks if len(track) and not track.is_drum)


def _accompanies(track: Track) -> bool:
    """Whether a track is a bass, or mostly chords that are struck at once."""
    _, sizes = np.unique(track.notes["onset"], return_counts=True)
    return track.instrument in BASSES or bool(np.mean(sizes >= _CHORD) >= _MOSTLY)


def harmony_of(
    song: FittedSong, melody: int, key: KeyName | None, *, ends: bool, by_halves: bool = False
) -> Harmonisation:
    """Phrases and chords of a melody in a song, see `plan_harmony`.

    Args:
        melody: index of its track. key: that of the melody where None.
    """
    heard, piece = heard_as(song, melody), song.fitted.piece
    sung = Melody.of(heard, song.song.tracks[melody], song.song.resolution)
    key = key or key_of_melody(song.song, heard.notes)
    return plan_harmony(sung, piece.metres, piece.length_ticks, key, ends=ends, by_halves=by_halves)


def heard_as(song: FittedSong, index: int) -> Track:
    """What the model reads in place of a track of a song that has notes."""
    return song.fitted.piece.tracks[song.parts.index(song.fitted.parts[index])]


def _of_melody_alone(song: FittedSong) -> tuple[np.ndarray, np.ndarray] | None:
    """Ticks and chords that fit a melody; None where something else of pitch is in the song."""
    playing = [index for index in song.tracks_with_notes if not song.song.tracks[index].is_drum]
    if len(playing) != 1 or most_notes_at_once(heard_as(song, playing[0])) > 1:
        return None
    found = harmony_of(song, playing[0], None, ends=True, by_halves=True).chords
    return np.array(found.ticks), np.array(found.classes)


def _heard(song: FittedSong) -> tuple[np.ndarray, np.ndarray]:
    """Ticks and chords that sound in a song; no class of a chord where none does."""
    plan = analyse(song.fitted.piece)
    halves = plan.starts[:, None] + plan.lengths[:, None] // 2 * np.arange(2)
    return halves.ravel(), plan.chords.ravel()
