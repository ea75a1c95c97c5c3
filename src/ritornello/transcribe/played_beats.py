"""A piece that was played without a beat grid to the same notes on beats that its notes tell.

A pianist who plays freely into a MIDI file leaves the tempo of the file at its default, so that
bars and beats of the file have nothing to do with the music. The network that reads the notes of
recordings (`note_beats`) hears where beats are; the tempo map follows them, and every note keeps
its second to within half a millisecond.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.music.changes import retimed
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import PLACES, Piece
from ritornello.note_model import weights_file
from ritornello.transcribe.bars import with_bars
from ritornello.transcribe.note_beats import (
    ENOUGH_NOTES,
    NOTE_BEATS_FILE,
    NOTE_BEATS_KIND,
    NoteBeats,
    begin_events,
    read_notes,
)
from ritornello.transcribe.timeline import RESOLUTION, Timeline
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Beats, Hints

_FEWEST_EVENTS = 32  # fewer do not show that there is no grid
# Of events that fall anywhere, n of them, the phases in a grid add up to about 1 / sqrt(n); of
# those on a grid, to most of 1 on its lines. Grids by the parts of a quarter note.
_GRIDS = (1, 2, 3, 4, 5, 6, 8, 12)
_ON_GRID = 0.3
_SHORTEST_SECONDS, _LONGEST_SECONDS = 60 / 230, 1.5  # of a beat
_EDGE_SECONDS = 2.0  # in which the first and the last beat lie
_USUAL_LOGIT, _MOST_EVIDENCE = -1.0, 4.0  # of an event of which nothing is known; cut here
_CHANGE_NATS = 15.0  # for a beat e times as long as the one before
_SKIP_NATS = 1.5  # for a beat on which nothing begins
_LENGTH_WEIGHT = 0.5  # of what the network says of the length of a beat
_BEGINS = -1


class Regridded(NamedTuple):
    """A piece on beats that were found in it.

    Attributes:
        piece: the same notes at the same seconds, on a tempo map of the beats.
        beats: that were found.
    """

    piece: Piece
    beats: Beats

    def __str__(self) -> str:
        """What was found, as a sentence."""
        numerator, denominator = self.beats.metre
        return (
            f"it was played without a beat grid, so beats were found in its notes: about "
            f"{self.beats.tempo_bpm:.0f} a minute, in {numerator}/{denominator}"
        )


def lacks_beats(piece: Piece) -> bool:
    """Whether the notes of a piece keep to no grid of its beats: it has one tempo and metre, enough
    notes, and they begin anywhere between the beats."""
    if len(piece.tempos) > 1 or len(piece.metres) > 1:
        return False
    onsets = _heard(piece)["onset_seconds"]
    onsets = onsets[begin_events(onsets)]
    if len(onsets) < _FEWEST_EVENTS:
        return False
    bpm = piece.tempos[0].bpm if piece.tempos else 120.0
    phases = onsets * bpm / 60
    return all(abs(np.exp(2j * np.pi * phases * grid).mean()) < _ON_GRID for grid in _GRIDS)


def on_its_beats(piece: Piece) -> Regridded:
    """A piece on the beats that are heard in its notes; its own tempi and metres go.

    Raises:
        InputError: if it has too few notes to tell.
    """
    notes = _heard(piece)
    told = read_notes(notes, weights_file.bundled(NOTE_BEATS_FILE, NOTE_BEATS_KIND))
    times = _beat_times(told) if len(notes) >= ENOUGH_NOTES else np.zeros(0)
    if len(times) < 2:
        raise InputError(
            f"No beats are told by {len(notes)} notes.",
            where=piece.title,
            next_step="Give it beats in a DAW, or compose with it as it is: --keep-beats.",
        )
    found = with_bars(Beats(times, (4, 4), 0, 4, 1.0, 0.0), notes, Hints(), told)
    timeline = Timeline.of_beats(found, piece.duration_seconds)
    return Regridded(_moved(piece, timeline), found)


def _beat_times(told: NoteBeats) -> np.ndarray:
    """The beats that explain the answers of the network best, float64 [beats], in seconds.

    A beat lies on an event, or between two events that are two beats apart, more only in silence.
    Of all rows of beats from the beginning to the end the best is found by dynamic programming over
    (event, length of the beat before it): the sum over beats of the evidence of a beat at the
    event, of how likely its length is, and of -c * |log(now / before)| for each change of the
    length. All notes are known here, so, other than in sound, the freest tempo costs little.
    """
    times = told.times_seconds
    odds = np.clip(told.logits[:, 0] - _USUAL_LOGIT, -_MOST_EVIDENCE, _MOST_EVIDENCE)
    rows: list[_Ways] = []
    for event, now in enumerate(times.tolist()):
        first = int(np.searchsorted(times, now - 2 * _LONGEST_SECONDS))
        before = np.tile(np.arange(first, event), 2)
        beats = np.repeat([1, 2], event - first)
        if event and now - times[event - 1] > _LONGEST_SECONDS:  # any number of beats in silence
            silence = now - times[event - 1]
            beats = np.arange(1, int(silence / _SHORTEST_SECONDS) + 2)
            before = np.full(len(beats), event - 1)
        lengths = (now - times[before]) / beats
        can = (lengths >= _SHORTEST_SECONDS) & (lengths <= _LONGEST_SECONDS)
        before, beats, lengths = before[can], beats[can], lengths[can]
        score, way = np.zeros(len(before)), np.full(len(before), _BEGINS)
        for place, (earlier, length) in enumerate(
            zip(before.tolist(), lengths.tolist(), strict=True)
        ):
            begins = times[earlier] - times[0] <= _EDGE_SECONDS
            score[place] = odds[earlier] if begins else -np.inf
            if len(rows[earlier].lengths):
                change = np.abs(np.log(length / rows[earlier].lengths))
                found = rows[earlier].score - _CHANGE_NATS * change
                best = int(found.argmax())
                if found[best] > score[place]:
                    score[place], way[place] = found[best], best
        if len(before):
            here = told._replace(tempo_nats=told.tempo_nats[event : event + 1])
            likely = here.length_nats(lengths)[0]
            score += odds[event] + beats * _LENGTH_WEIGHT * likely - (beats - 1) * _SKIP_NATS
        rows.append(_Ways(lengths, score, before, beats, way))
    return _way_back(times, rows)


class _Ways(NamedTuple):
    """Ways to come to a beat on an event: [ways] each."""

    lengths: np.ndarray
    score: np.ndarray
    before: np.ndarray  # the event with the beat before it, or the one before that
    beats: np.ndarray  # from there to here
    way: np.ndarray  # how that was come to, or `_BEGINS`


def _way_back(times: np.ndarray, rows: list[_Ways]) -> np.ndarray:
    ends = [
        event
        for event in np.flatnonzero(times[-1:] - times <= _EDGE_SECONDS).tolist()
        if np.isfinite(rows[event].score).any()
    ]
    if not ends:
        return np.zeros(0)
    event = max(ends, key=lambda end: float(rows[end].score.max()))
    way, found = int(rows[event].score.argmax()), [float(times[event])]
    while way != _BEGINS:
        row = rows[event]
        earlier = int(row.before[way])
        between = np.linspace(times[event], times[earlier], int(row.beats[way]) + 1)
        found += between[1:].tolist()
        event, way = earlier, int(row.way[way])
    return np.array(found[::-1])


def _heard(piece: Piece) -> np.ndarray:
    """The notes of a piece in seconds, of its drums where there are no others."""
    tracks = [track for track in piece.tracks if not track.is_drum] or [*piece.tracks]
    rows = np.concatenate([np.zeros(0, NOTE_DTYPE), *(track.notes for track in tracks)])
    found = np.zeros(len(rows), HEARD_NOTE_DTYPE)
    found["onset_seconds"] = piece.ticks_to_seconds(rows["onset"])
    found["end_seconds"] = piece.ticks_to_seconds(rows["onset"] + rows["duration"])
    found["pitch"], found["velocity"], found["confidence"] = rows["pitch"], rows["velocity"], 1.0
    result: np.ndarray = np.sort(found, order=["onset_seconds", "pitch"])
    return result


def _moved(piece: Piece, timeline: Timeline) -> Piece:
    """A piece on another tempo map, all of it at its seconds."""

    def at(ticks: Any) -> Any:
        return timeline.ticks(piece.ticks_to_seconds(np.asarray(ticks)))

    places: dict[str, Any] = {name: retimed(getattr(piece, name), at) for name in PLACES}
    return replace(
        piece,
        resolution=RESOLUTION,
        tracks=tuple(track.retimed(at) for track in piece.tracks),
        tempos=timeline.tempos,
        metres=timeline.metres,
        keys=retimed(piece.keys, at),
        length_ticks=int(at(piece.length_ticks)),
        **places,
    )
