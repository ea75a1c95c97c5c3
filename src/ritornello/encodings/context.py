"""What a composer always knows: inputs that are computed from the events so far, never predicted.

Four tables of class indices go with the events of the `notes` encoding, in the order in which a
composer comes to know them:

    context  before the event: the previous event, its place in the bar, bars done and left, metre,
             tempo, what came next at this place one, two and four bars ago (the lookback), and how
             many notes its part has struck together
    place    once the shift is chosen: the place in the bar and the bars left at the new onset, and
             which pitch classes sound there
    memory   once the part is chosen: the last pitch, duration and velocity of that part, and what
             it played at this very onset one, two and four bars ago
    echo     once the pitch is chosen: the last duration and velocity of that pitch in that part

`compute` makes them for a whole piece at once, `Tracker` one event at a time; a test proves the
two equal. `CONTEXT`, `PLACE`, `MEMORY` and `ECHO` give the columns with the number of classes.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np

from ritornello.encodings.notes import (
    DRUM_PITCH,
    DURATION,
    DURATIONS,
    FIELDS,
    MAX_SHIFT,
    NONE,
    PART,
    PITCH,
    RESOLUTION,
    REST,
    SHIFT,
    SIZES,
    START,
    TEMPO,
    TEMPO_CLASSES,
    TEMPO_PITCH,
    Encoded,
    is_note,
)
from ritornello.piece import Metre

_INPUT_SIZES = [size + 1 for size in SIZES]  # with NONE
_LONGEST_BAR = 192
_PHRASE_BARS = 16
_CHORD_SIZES = 16
_METRES = (
    (4, 4), (3, 4), (2, 4), (6, 8), (2, 2), (3, 8), (9, 8), (12, 8),
    (6, 4), (3, 2), (5, 4), (7, 8), (7, 4), (5, 8), (4, 2),
)  # fmt: skip
_DONE_EDGES = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 64)
_LEFT_EDGES = (*range(1, 18), 21, 25, 33, 49, 65, 97, 129)
BARS_LEFT_UNKNOWN = len(_LEFT_EDGES) + 1
TEMPO_UNKNOWN = TEMPO_CLASSES
LOOKBACK_BARS = (1, 2, 4)
_DURATION_TICKS: list[int] = DURATIONS.tolist()

_PLACE = {
    "bar_position": _LONGEST_BAR,
    "beat_position": 48,
    "bar_in_phrase": _PHRASE_BARS,
    "bars_left": BARS_LEFT_UNKNOWN + 1,
}
_PITCH_CLASSES = 12
PLACE: dict[str, int] = {**_PLACE, **{f"sounds_{pc}": 2 for pc in range(_PITCH_CLASSES)}}
CONTEXT: dict[str, int] = {
    **{f"previous_{name}": size for name, size in zip(FIELDS, _INPUT_SIZES, strict=True)},
    **_PLACE,
    "bars_done": len(_DONE_EDGES) + 1,
    "metre": len(_METRES) + 1,
    "tempo": TEMPO_CLASSES + 1,
    **{
        f"{name}_{bars}_bars_ago": size
        for bars in LOOKBACK_BARS
        for name, size in zip(FIELDS, _INPUT_SIZES, strict=True)
    },
    "chord_size": _CHORD_SIZES,
}
MEMORY: dict[str, int] = {
    **dict(zip(FIELDS[PITCH:], _INPUT_SIZES[PITCH:], strict=True)),
    **{f"pitch_{bars}_bars_ago": _INPUT_SIZES[PITCH] for bars in LOOKBACK_BARS},
}
ECHO: dict[str, int] = dict(zip(FIELDS[PITCH + 1 :], _INPUT_SIZES[PITCH + 1 :], strict=True))

CONTEXT_COLUMN = {name: index for index, name in enumerate(CONTEXT)}
PLACE_COLUMN = {name: index for index, name in enumerate(PLACE)}


@dataclass(frozen=True)
class Inputs:
    """The computed inputs of a piece; int64 [events, columns] each."""

    context: np.ndarray
    place: np.ndarray
    memory: np.ndarray
    echo: np.ndarray


class Grid:
    """The bars of a piece: where in the music a tick lies.

    Args:
        metres: the metre map, at 24 ticks a quarter.
        length_ticks: the final bar line, or None for music without an end.
    """

    def __init__(self, metres: tuple[Metre, ...], length_ticks: int | None) -> None:
        starts, lengths, beats, names = [], [], [], []
        for index, metre in enumerate(metres):
            bar = metre.bar_ticks(RESOLUTION)
            last = index + 1 == len(metres)
            end = metres[index + 1].tick if not last else length_ticks
            if end is None:
                end = metre.tick + bar  # `locate_one` counts on from the last bar
            ticks = np.arange(metre.tick, end, bar)
            starts.append(ticks)
            lengths.append(np.full(len(ticks), bar))
            beats.append(np.full(len(ticks), metre.beat_ticks(RESOLUTION)))
            pair = (metre.numerator, metre.denominator)
            name = _METRES.index(pair) if pair in _METRES else len(_METRES)
            names.append(np.full(len(ticks), name))
        self.bar_starts = np.concatenate(starts)
        self.bar_lengths = np.concatenate(lengths)
        self._beats = np.concatenate(beats)
        self._metres = np.concatenate(names)
        self.length_ticks = length_ticks
        tables = (self.bar_starts, self.bar_lengths, self._beats, self._metres)
        self._bars = [*zip(*(table.tolist() for table in tables), strict=True)]
        self._starts = self.bar_starts.tolist()

    def locate_one(self, tick: int) -> tuple[list[int], list[int], int]:
        """`locate` for one tick, without the price of arrays; also far into endless music."""
        index = bisect_right(self._starts, tick) - 1
        start, length, beat, metre = self._bars[index]
        beyond, into_bar = 0, tick - start
        if self.length_ticks is None:
            beyond, into_bar = divmod(into_bar, length)
        bar = index + beyond
        if self.length_ticks is None:
            left = BARS_LEFT_UNKNOWN
        else:
            bars_left = 0 if tick >= self.length_ticks else len(self._starts) - bar
            left = bisect_right(_LEFT_EDGES, bars_left)
        place = [
            min(into_bar, _LONGEST_BAR - 1),
            min(into_bar % beat, 47),
            bar % _PHRASE_BARS,
            left,
        ]
        return place, [bisect_right(_DONE_EDGES, bar), metre], length

    def locate(self, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where ticks lie.

        Returns:
            place: int64 [ticks, 4], the columns of `PLACE`.
            rest: int64 [ticks, 2], bars done (class) and metre (class).
            bar_length: int64 [ticks], length of the bar in ticks.
        """
        bar = np.searchsorted(self.bar_starts, ticks, side="right") - 1
        into_bar = ticks - self.bar_starts[bar]
        count = len(self.bar_starts)
        if self.length_ticks is not None:
            left = np.where(ticks >= self.length_ticks, 0, count - bar)
            left = np.digitize(left, _LEFT_EDGES)
        else:
            left = np.full(len(ticks), BARS_LEFT_UNKNOWN)
        place = np.stack(
            [
                np.minimum(into_bar, _LONGEST_BAR - 1),
                np.minimum(into_bar % self._beats[bar], 47),
                bar % _PHRASE_BARS,
                left,
            ],
            axis=1,
        )
        rest = np.stack([np.digitize(bar, _DONE_EDGES), self._metres[bar]], axis=1)
        return place, rest, self.bar_lengths[bar]


def compute(encoded: Encoded) -> Inputs:
    """All computed inputs of a piece at once."""
    fields, onsets = encoded.fields, encoded.onsets_ticks
    grid = Grid(encoded.metres, encoded.length_ticks)
    place, rest, bar_length = grid.locate(onsets)
    start_place, start_rest, start_bar = grid.locate(np.zeros(1, np.int64))

    previous = np.concatenate([[NONE], fields[:-1]])
    previous[0, SHIFT] = 0
    before = np.concatenate([[0], onsets[:-1]])
    context = [
        previous,
        np.concatenate([start_place, place[:-1]]),
        np.concatenate([start_rest, rest[:-1]]),
        _tempo_before(fields)[:, None],
        *_lookbacks(fields, onsets, previous, before, np.concatenate([start_bar, bar_length[:-1]])),
    ]
    context.append(_chord_sizes(fields)[:, None])
    same_part = _previous_alike(fields[:, PART])
    last_of_part = np.where(same_part[:, None] < 0, NONE[PITCH:], fields[same_part, PITCH:])
    then = _part_lookbacks(fields, onsets, previous, bar_length)
    same_voice = _previous_alike(fields[:, PART] * (NONE[PITCH] + 1) + fields[:, PITCH])
    return Inputs(
        np.concatenate(context, axis=1),
        np.concatenate([place, _sounding(fields, onsets)], axis=1),
        np.concatenate([last_of_part, then], axis=1),
        np.where(same_voice[:, None] < 0, NONE[PITCH + 1 :], fields[same_voice, PITCH + 1 :]),
    )


def _tempo_before(fields: np.ndarray) -> np.ndarray:
    """Tempo class in force before each event, int64 [events]."""
    changes = np.where(fields[:, PART] == TEMPO, np.arange(len(fields)), -1)
    latest = np.concatenate([[-1], np.maximum.accumulate(changes)[:-1]])
    return np.where(latest < 0, TEMPO_UNKNOWN, fields[latest, PITCH] - TEMPO_PITCH)


def _chord_sizes(fields: np.ndarray) -> np.ndarray:
    """Notes that the part of the event before each event has struck on its tick, int64 [events]."""
    index = np.arange(len(fields))
    begins = (fields[:, SHIFT] > 0) | (np.diff(fields[:, PART], prepend=-1) != 0)
    size = 1 + index - np.maximum.accumulate(np.where(begins, index, 0))
    return np.concatenate([[0], np.minimum(size[:-1], _CHORD_SIZES - 1)])


def _previous_alike(key: np.ndarray) -> np.ndarray:
    """Index of the previous event with an equal key, -1 where there is none."""
    order = np.argsort(key, kind="stable")
    alike = key[order][1:] == key[order][:-1]
    found = np.full(len(key), -1)
    found[order[1:][alike]] = order[:-1][alike]
    return found


def _order_key(onset: Any, part: Any, pitch: Any) -> Any:
    """Sorts like (onset, part, pitch); on integers and on arrays of them."""
    return (onset * (START + 1) + part) * (NONE[PITCH] + 1) + pitch


def _lookbacks(
    fields: np.ndarray,
    onsets: np.ndarray,
    previous: np.ndarray,
    before: np.ndarray,
    bar_length: np.ndarray,
) -> list[np.ndarray]:
    """For each distance, the note that followed the same place that many bars ago."""
    notes = np.flatnonzero(is_note(fields[:, PART]))
    keys = _order_key(onsets[notes], fields[notes, PART], fields[notes, PITCH])
    known = np.searchsorted(notes, np.arange(len(fields)))  # notes before each event
    after_event = is_note(previous[:, PART])
    part = np.where(after_event, previous[:, PART], 0)
    pitch = np.where(after_event, previous[:, PITCH], 0)
    tables = []
    for bars in LOOKBACK_BARS:
        then = before - bars * bar_length
        index = np.searchsorted(keys, _order_key(then, part, pitch), side="right")
        found = (then >= 0) & (index < known)
        note = notes[np.where(found, index, 0)] if len(notes) else np.zeros_like(index)
        table = np.where(found[:, None], fields[note], NONE)
        shift = np.minimum(onsets[note] - then, MAX_SHIFT)
        table[:, SHIFT] = np.where(found, shift, NONE[SHIFT])
        tables.append(table)
    return tables


def _part_lookbacks(
    fields: np.ndarray, onsets: np.ndarray, previous: np.ndarray, bar_length: np.ndarray
) -> np.ndarray:
    """The pitch the part played here some bars ago, above what it has struck already; by distance.

    int64 [events, distances]; NONE where it did not play.
    """
    notes = np.flatnonzero(is_note(fields[:, PART]))
    keys = _order_key(onsets[notes], fields[notes, PART], fields[notes, PITCH])
    same_chord = (fields[:, SHIFT] == 0) & (fields[:, PART] == previous[:, PART])
    above = np.where(same_chord, previous[:, PITCH], -1)
    columns = []
    for bars in LOOKBACK_BARS:
        then = onsets - bars * bar_length
        wanted = _order_key(then, fields[:, PART], above)
        index = np.minimum(np.searchsorted(keys, wanted, side="right"), len(keys) - 1)
        note = notes[index]
        found = (then >= 0) & (onsets[note] == then) & (fields[note, PART] == fields[:, PART])
        found &= fields[note, PITCH] > above
        columns.append(np.where(found, fields[note, PITCH], NONE[PITCH]))
    return np.stack(columns, axis=1)


def _sounding(fields: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Whether each pitch class sounds at the onset of each event, from notes before it."""
    pitched = (fields[:, PITCH] < DRUM_PITCH) & is_note(fields[:, PART])
    ends = onsets + DURATIONS[np.where(pitched, fields[:, DURATION], 0)]
    columns = []
    for pitch_class in range(_PITCH_CLASSES):
        member = pitched & (fields[:, PITCH] % _PITCH_CLASSES == pitch_class)
        begun = np.cumsum(member) - member
        # A note that has ended by now began earlier, so it is among those begun.
        ended = np.searchsorted(np.sort(ends[member]), onsets, side="right")
        columns.append(begun > ended)
    return np.stack(columns, axis=1).astype(np.int64)


class Tracker:
    """The computed inputs of a growing piece, one event at a time.

    It is a plain value beside the state of the network: `copy` it to branch or to rewind. It keeps
    the notes of the last four bars only, so that endless music needs constant memory.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.onset_ticks = 0
        self.previous: tuple[int, ...] = (0, *NONE[PART:])
        self.tempo = TEMPO_UNKNOWN
        self._chord_size = 0
        self._memory: dict[int, tuple[int, ...]] = {}
        self._echo: dict[tuple[int, int], tuple[int, ...]] = {}
        self._keys: list[int] = []
        self._notes: list[tuple[int, tuple[int, ...]]] = []  # onset and fields
        self._held: list[tuple[int, int]] = []  # end and pitch class of notes that may sound
        self._where = self._next = grid.locate_one(0)
        self._next_ticks = 0  # `_next` is where this tick lies

    def copy(self) -> Tracker:
        twin = object.__new__(Tracker)
        twin.__dict__.update(self.__dict__)
        twin._memory, twin._echo = dict(self._memory), dict(self._echo)
        twin._keys, twin._notes = list(self._keys), list(self._notes)
        twin._held = list(self._held)
        return twin

    def context(self) -> list[int]:
        """The columns of `CONTEXT` for the next event."""
        place, rest, bar_length = self._where
        row = [*self.previous, *place, *rest, self.tempo]
        part, pitch = self.previous[PART], self.previous[PITCH]
        if not TEMPO < part < REST:
            part = pitch = 0
        now, bar = _order_key(self.onset_ticks, part, pitch), _order_key(bar_length, 0, 0)
        for bars in LOOKBACK_BARS:
            then = self.onset_ticks - bars * bar_length
            index = bisect_right(self._keys, now - bars * bar) if then >= 0 else -1
            if 0 <= index < len(self._keys):
                onset, fields = self._notes[index]
                row += (min(onset - then, MAX_SHIFT), *fields[PART:])
            else:
                row += NONE
        row.append(self._chord_size)
        return row

    def place(self, shift: int) -> list[int]:
        """The columns of `PLACE` at the onset that a shift leads to."""
        onset = self.onset_ticks + shift
        sounds = [0] * _PITCH_CLASSES
        for end, pitch_class in self._held:
            if end > onset:
                sounds[pitch_class] = 1
        return self._locate(onset)[0] + sounds

    def memory(self, shift: int, part: int) -> list[int]:
        """The columns of `MEMORY` for a part that plays after a shift."""
        row = [*self._memory.get(part, NONE[PITCH:])]
        onset = self.onset_ticks + shift
        bar_length = self._locate(onset)[2]
        above = self.previous[PITCH] if shift == 0 and part == self.previous[PART] else -1
        now, bar = _order_key(onset, part, above), _order_key(bar_length, 0, 0)
        for bars in LOOKBACK_BARS:
            then = onset - bars * bar_length
            pitch = NONE[PITCH]
            index = bisect_right(self._keys, now - bars * bar)
            if then >= 0 and index < len(self._keys):
                found_onset, fields = self._notes[index]
                if found_onset == then and fields[PART] == part:
                    pitch = fields[PITCH]
            row.append(pitch)
        return row

    def echo(self, part: int, pitch: int) -> tuple[int, ...]:
        return self._echo.get((part, pitch), NONE[PITCH + 1 :])

    def advance(self, event: tuple[int, ...]) -> None:
        """Take the event as written."""
        shift, part, pitch, duration, velocity = event
        again = shift == 0 and part == self.previous[PART]
        self._chord_size = min(self._chord_size + 1, _CHORD_SIZES - 1) if again else 1
        self.onset_ticks += shift
        self.previous = event
        self._where = self._locate(self.onset_ticks)
        if part == TEMPO:
            self.tempo = pitch - TEMPO_PITCH
        self._memory[part] = (pitch, duration, velocity)
        self._echo[part, pitch] = (duration, velocity)
        if TEMPO < part < REST:
            self._keys.append(_order_key(self.onset_ticks, part, pitch))
            self._notes.append((self.onset_ticks, event))
            self._held = [note for note in self._held if note[0] > self.onset_ticks]
            if pitch < DRUM_PITCH:
                end = self.onset_ticks + _DURATION_TICKS[duration]
                self._held.append((end, pitch % _PITCH_CLASSES))
            self._forget()

    def _forget(self) -> None:
        if len(self._keys) % 1024 == 0:
            oldest = self.onset_ticks - LOOKBACK_BARS[-1] * _LONGEST_BAR
            keep = bisect_right(self._keys, _order_key(oldest, 0, 0))
            del self._keys[:keep], self._notes[:keep]

    def _locate(self, tick: int) -> tuple[list[int], list[int], int]:
        """`Grid.locate_one`, once for all who ask about the next onset."""
        if tick != self._next_ticks:
            self._next, self._next_ticks = self.grid.locate_one(tick), tick
        return self._next
