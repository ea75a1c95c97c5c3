"""What a reader finds in the tracks of a MIDI file, before it is a `Piece`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ritornello.music.io.limits import Remark
from ritornello.music.io.midi_events import Message
from ritornello.music.io.midi_words import MidiWords
from ritornello.music.note_tables import NOTE_DTYPE

# How symusic calls the columns of `NOTE_DTYPE`.
_THEIR_NAMES = {"onset": "time", "duration": "duration", "pitch": "pitch", "velocity": "velocity"}
_NEGATIVE = 1 << 63  # the least number that is below 0 with a sign
UNHEARD = Remark("Controllers on channels that play no note were left out.")


@dataclass
class NoteColumns:
    """The notes of all tracks, one track after another, so that each step is one operation.

    Attributes:
        table: `NOTE_DTYPE` [notes], of each track in any order.
        sizes: how many notes each track has, int64 [tracks].
    """

    table: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, tracks: list[dict[str, np.ndarray]]) -> NoteColumns:
        """From the columns of each track: time, duration, pitch and velocity."""
        sizes = [len(columns["time"]) for columns in tracks]
        table = np.empty(sum(sizes), NOTE_DTYPE)
        for name, theirs in _THEIR_NAMES.items():
            if tracks:
                parts = [columns[theirs] for columns in tracks]
                np.concatenate(parts, out=table[name], casting="unsafe")
        return cls(table, np.array(sizes, np.int64))

    @property
    def onset(self) -> np.ndarray:
        """A view, int64 [notes]."""
        return self.table["onset"]

    @property
    def duration(self) -> np.ndarray:
        """A view, int64 [notes]."""
        return self.table["duration"]

    @property
    def track_numbers(self) -> np.ndarray:
        """The track of each note, int64 [notes]."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def ran_over(self, most_ticks: int) -> bool:
        """Whether a note begins before the piece, or is negative or at least so long."""
        # Numbers below 0 are very large ones without a sign: one pass sees both ends.
        onset, duration = self.onset.view(np.uint64), self.duration.view(np.uint64)
        return int(onset.max(initial=0)) >= _NEGATIVE or int(duration.max(initial=0)) >= most_ticks

    def ends_ticks(self) -> list[int]:
        """Where the last note of each track ends; 0 for one without notes."""
        heard = self.sizes > 0
        starts = (np.cumsum(self.sizes) - self.sizes)[heard]
        ends = np.zeros(len(self.sizes), np.int64)
        if len(starts):
            ends[heard] = np.maximum.reduceat(self.onset + self.duration, starts)
        result: list[int] = ends.tolist()
        return result

    def tables(self) -> list[np.ndarray]:
        """The `NOTE_DTYPE` table of each track, sorted and read-only as a `Track` wants it."""
        # One key of 31 bits of time and 7 of pitch; a stable sort is fast on what is nearly sorted.
        table = self.table
        key = table["onset"] << 7
        key += table["pitch"]
        key += np.repeat(np.arange(len(self.sizes)) << 38, self.sizes)
        if not (key[1:] > key[:-1]).all():
            order = np.argsort(key, kind="stable")
            in_order = key[order]
            ties = np.flatnonzero(in_order[1:] == in_order[:-1])
            if len(ties):
                places = np.union1d(ties, ties + 1)
                tied = order[places]
                by_all = np.lexsort([table["velocity"][tied], table["duration"][tied], key[tied]])
                order[places] = tied[by_all]
            table = table.take(order)  # twenty times as fast as by index
        table.flags.writeable = False
        edges = [0, *np.cumsum(self.sizes).tolist()]
        return [table[start:end] for start, end in pairwise(edges)]


@dataclass
class MidiMusic:
    """What a reader found in the tracks of a file.

    Attributes:
        notes: of all parts, one part after another.
        is_lost: bool [notes], which were never released.
        owners: the track of the file each part stands in.
        programs, drums, names, playing: of each part; the last are fields of `Track`.
        tempos, metres, keys: ticks, with the bytes of the events as numbers.
        messages: of each track of the file.
        end_ticks: the last end of a track.
    """

    notes: NoteColumns
    is_lost: np.ndarray
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
