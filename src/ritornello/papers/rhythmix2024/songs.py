"""Complete songs: those of `rhythmix2024`, ours, and what can be heard in them.

The published system goes on from a primer, one line at a time, and stops when it has written
enough. Our model writes all parts of a song together, from nothing, with an end on the last bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from ritornello.generation.composer import Composer
from ritornello.generation.instrumentation import Instrumentation
from ritornello.metrics.endings import ending
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint, likelihood
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import DURATION, PITCH
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.engine import open_engine
from ritornello.papers.rhythmix2024 import encoding as onehot_events
from ritornello.papers.rhythmix2024.data import Song, bare_piece
from ritornello.papers.rhythmix2024.encoding import DURATIONS_TICKS, Line
from ritornello.papers.rhythmix2024.model import EventLSTM
from ritornello.papers.rhythmix2024.train import continue_primers

PRIMER_TICKS = 4 * 96  # four bars of 4/4
_SONG_TICKS = 16 * 96
_SONG_BARS = 16
_MOST_EVENTS = 256
_SIXTEENTH_TICKS = 6
_CONSONANT = frozenset({0, 3, 4, 5, 7, 8, 9})  # semitones within the octave
_BATCH = 32


# --- the published system ----------------------------------------------------------------------


def song_of(model: EventLSTM, song: Song, *, seed: int) -> Piece:
    """Every line of a song taken up after four bars, each for itself, to sixteen bars."""
    return _join_lines(song, [_continue_line(model, line.events, seed) for line in song.lines])


def opening_of(song: Song) -> Piece:
    """The real song, as long as those of `song_of`."""
    return _join_lines(song, [line.events for line in song.lines])


def _continue_line(model: EventLSTM, events: np.ndarray, seed: int) -> np.ndarray:
    primer = _until(events, PRIMER_TICKS)
    return np.concatenate([primer, continue_primers(model, [primer], _MOST_EVENTS, seed=seed)[0]])


def _join_lines(song: Song, lines: Sequence[np.ndarray]) -> Piece:
    cut = [
        replace(line, events=_until(events, _SONG_TICKS))
        for line, events in zip(song.lines, lines, strict=True)
    ]
    return onehot_events.decode(cut)


def _until(events: np.ndarray, ticks: int) -> np.ndarray:
    """The events that start before a tick; at least one."""
    starts = np.cumsum(DURATIONS_TICKS[events[:, 1]]) - DURATIONS_TICKS[events[:, 1]]
    result: np.ndarray = events[starts < ticks]
    return result


# --- our model ---------------------------------------------------------------------------------


def songs_of_ours(model: Path, count: int, *, seed: int) -> list[Piece]:
    """Songs of sixteen bars, one note at a time in each part, for line-ups of the training music.

    Line-ups of one player are drawn only where there are no others.
    """
    composer = Composer.load(model)
    known = composer.instrumentations
    groups = [one for one in known if len(one.players) > 1] or known
    weights = np.array([one.weight for one in groups])
    return [
        composer.compose(
            bars=_SONG_BARS,
            polyphony={"all": 1},
            parts=chosen.players if chosen else None,
            collection=chosen.collection if chosen else None,
            seed=number,
            best_of=1,
        )
        for number in range(seed, seed + count)
        for chosen in [_one_of(groups, weights, number)]
    ]


def _one_of(
    groups: Sequence[Instrumentation], weights: np.ndarray, seed: int
) -> Instrumentation | None:
    """Who plays, as often as in the training music; None where the model knows of nobody."""
    if not groups:
        return None
    return groups[np.random.default_rng(seed).choice(len(groups), p=weights / weights.sum())]


def nats_of_ours(model: Path, lines: Sequence[np.ndarray]) -> np.ndarray:
    """Exact nats a note of our model on lines, [pitch, time], all but the events that end them.

    ``time`` is all that is not pitch: shift and duration, and the fields that are the same for
    every note here (who plays, how loud) or say that a silence goes on.
    """
    made = checkpoint.load(model)
    engine = open_engine(made)
    total, count = np.zeros(2), 0
    ordered = sorted(lines, key=len)
    for first in range(0, len(ordered), _BATCH):
        rows = []
        for events in ordered[first : first + _BATCH]:
            whole = sequences(bare_piece(events), None, len(made.collections), open_probability=1)
            rows.append(whole.part(0, len(whole) - 1))
        fields = likelihood.score(engine, rows).sum(axis=0)
        total += fields[PITCH], fields.sum() - fields[PITCH]
        count += sum(int((row.fields[:, DURATION] < notes.NONE[DURATION]).sum()) for row in rows)
    return total / count


# --- what can be heard -------------------------------------------------------------------------


def closes(events: np.ndarray) -> bool:
    """Whether a line ends on the tonic of the key it is likeliest in, with a closing duration."""
    last = ending(bare_piece(events))
    return bool(last.tonic_chord and last.closing_duration)


def melody_of(piece: Piece) -> np.ndarray | None:
    """The events of the first line of a piece, or None where no part is a line."""
    lines: tuple[Line, ...] = onehot_events.encode(piece).lines
    return lines[0].events if lines else None


def consonance(piece: Piece, *, from_ticks: int = 0) -> tuple[int, int]:
    """How the lines of a piece agree: consonant pairs of sounding notes, and all pairs.

    Each pair of parts is looked at on each sixteenth; unisons, thirds, fourths, fifths, sixths
    and their octaves are consonant.
    """
    steps = piece.length_ticks // _SIXTEENTH_TICKS + 1
    sounding = [_sounding(track.notes, steps) for track in piece.tracks if not track.is_drum]
    consonant = pairs = 0
    for one, other in combinations(sounding, 2):
        both = (one >= 0) & (other >= 0)
        both[: from_ticks // _SIXTEENTH_TICKS] = False
        intervals = np.abs(one[both] - other[both]) % 12
        pairs += len(intervals)
        consonant += int(np.isin(intervals, [*_CONSONANT]).sum())
    return consonant, pairs


def consonant_share(pieces: Sequence[Piece], *, from_ticks: int = PRIMER_TICKS) -> float | None:
    """Share of consonant pairs over all pieces, after the primer; None where there is no pair."""
    counts = np.array([consonance(piece, from_ticks=from_ticks) for piece in pieces]).reshape(-1, 2)
    consonant, pairs = counts.sum(axis=0).tolist()
    return consonant / pairs if pairs else None


def mix_songs(songs: Sequence[Song]) -> list[Piece]:
    """Openings whose second and further lines come from the next song: lines that never met."""
    following = [*songs[1:], *songs[:1]]
    return [
        opening_of(replace(song, lines=(song.lines[0], *other.lines[1:])))
        for song, other in zip(songs, following, strict=True)
    ]


def _sounding(table: np.ndarray, steps: int) -> np.ndarray:
    """The pitch that sounds on each sixteenth, -1 for none; int64 [steps]."""
    pitches = np.full(steps, -1, np.int64)
    for onset, duration, pitch, _ in table.tolist():
        first = -(-onset // _SIXTEENTH_TICKS)
        pitches[first : -(-(onset + duration) // _SIXTEENTH_TICKS)] = pitch
    return pitches
