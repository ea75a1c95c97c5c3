"""What a reader finds in the tracks of a MIDI file, before it is a `Piece`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ritornello.music.io.limits import Remark
from ritornello.music.io.midi_events import Message
from ritornello.music.io.midi_words import MidiWords
from ritornello.music.note_tables import NOTE_DTYPE

UNHEARD = Remark("Controllers on channels that play no note were left out.")


class NoteColumns:
    """The notes of all tracks, one track after another, so that each step is one operation.

    Attributes:
        onset, duration: int64 [notes].
        pitch, velocity: integers [notes].
        sizes: how many notes each track has.
    """

    def __init__(self, tracks: list[dict[str, np.ndarray]]) -> None:
        """From the columns of each track, in any order: time, duration, pitch and velocity."""
        self.sizes = [len(columns["time"]) for columns in tracks]
        self.onset = _joined(tracks, "time", np.int64)
        self.duration = _joined(tracks, "duration", np.int64)
        self.pitch = _joined(tracks, "pitch", np.int16)
        self.velocity = _joined(tracks, "velocity", np.int16)

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def track_numbers(self) -> np.ndarray:
        """The track of each note, int64 [notes]."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def ran_over(self, most_ticks: int) -> bool:
        """Whether a note begins before the piece, or is negative or at least so long."""
        # Of all numbers together a bit is set where it is in one of them, the sign too.
        if np.bitwise_or.reduce(self.onset) < 0:
            return True
        if 0 <= np.bitwise_or.reduce(self.duration) < most_ticks:
            return False
        return bool(((self.duration < 0) | (self.duration >= most_ticks)).any())

    def ends_ticks(self) -> list[int]:
        """Where the last note of each track ends; 0 for one without notes."""
        starts = list(accumulate(self.sizes, initial=0))[:-1]
        heard = [start for start, size in zip(starts, self.sizes, strict=True) if size]
        if not heard:
            return [0] * len(self.sizes)
        ends = iter(np.maximum.reduceat(self.onset + self.duration, heard).tolist())
        return [next(ends) if size else 0 for size in self.sizes]

    def tables(self) -> list[np.ndarray]:
        """The `NOTE_DTYPE` table of each track, sorted and read-only as a `Track` wants it."""
        # One key of 31 bits of time and 7 of pitch; a stable sort is fast on what is nearly sorted.
        key = self.onset << 7
        key |= self.pitch
        if len(self.sizes) > 1:
            key += np.repeat(np.arange(len(self.sizes)) << 38, self.sizes)
        duration, velocity = self.duration, self.velocity
        if not (key[1:] > key[:-1]).all():
            order = np.argsort(key, kind="stable")
            key = key.take(order)  # twice as fast as by index
            is_tied = np.zeros(len(key), bool)
            np.equal(key[1:], key[:-1], out=is_tied[1:])
            if is_tied.any():
                is_tied[:-1] |= is_tied[1:]
                places = np.flatnonzero(is_tied)
                tied = order[places]
                by_all = np.lexsort([velocity[tied], duration[tied], key[places]])
                order[places] = tied[by_all]
            duration, velocity = duration.take(order), velocity.take(order)
        table = np.empty(len(key), NOTE_DTYPE)
        table["pitch"] = key & 0x7F
        key >>= 7
        key &= _LAST_TICK
        table["onset"], table["duration"], table["velocity"] = key, duration, velocity
        table.flags.writeable = False
        return [table[start:end] for start, end in pairwise(accumulate(self.sizes, initial=0))]


_LAST_TICK = 2**31 - 1


def _joined(tracks: list[dict[str, np.ndarray]], name: str, dtype: type) -> np.ndarray:
    if not tracks:
        return np.zeros(0, dtype)
    return np.concatenate([columns[name] for columns in tracks], dtype=dtype, casting="unsafe")


@dataclass
class MidiMusic:
    """What a reader found in the tracks of a file.

    Attributes:
        notes: of all parts, one part after another.
        is_lost: bool [notes], which were never released; None if all were.
        owners: the track of the file each part stands in.
        programs, drums, names, playing: of each part; the last are fields of `Track`.
        tempos, metres, keys: ticks, with the bytes of the events as numbers.
        messages: of each track of the file.
        end_ticks: the last end of a track.
    """

    notes: NoteColumns
    is_lost: np.ndarray | None
    owners: list[int]
    programs: list[int]
    drums: list[bool]
    names: list[str]
    playing: list[dict[str, Any]]
    tempos: list[tuple[int, int]]
    metres: list[tuple[int, int, int]]
    keys: list[tuple[int, int, int]]
    messages: list[list[Message]]
    end_ticks: int
    texts: MidiWords


def left_out(count: int) -> Remark:
    """The remark on a number of messages to synthesizers."""
    return Remark(f"Messages to synthesizers (system exclusive) were left out: {count:,}.")
