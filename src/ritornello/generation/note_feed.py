"""Notes of pieces that are still being written, for whoever looks on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ritornello.generation.two_hands import as_one
from ritornello.generation.writer import Writer
from ritornello.note_model.encoding.notes import (
    PART,
    RESOLUTION,
    SHIFT,
    decode_by_part,
    is_note,
)


class NewNote(NamedTuple):
    """A note that was just written.

    ``variation`` counts the pieces that are written side by side from 0; times are in quarter
    notes from the beginning of the piece; ``part`` is the name of an instrument, such as "violin",
    or of its second player, "violin 2"; ``pitch`` is a MIDI number, ``velocity`` is 1-127.
    """

    variation: int
    part: str
    program: int
    is_drum: bool
    onset_quarters: float
    duration_quarters: float
    pitch: int
    velocity: int


class NoteFeed:
    """Tells each note once that a model wrote; to be given as ``hear`` to a `Composer`.

    >>> from ritornello import Composer
    >>> heard = []
    >>> piece = Composer.load().compose(bars=2, parts=("piano",), hear=NoteFeed(heard.extend))
    >>> {note.part for note in heard} <= {"piano"}
    True
    """

    def __init__(
        self, tell: Callable[[list[NewNote]], None], *, returning_too: bool = False
    ) -> None:
        """Tell lists of new notes, none of them empty.

        Args:
            returning_too: whether notes are told that the model did not write at their place: those
                of bars that return in a piece with a form, and, into a song, those of the song.
        """
        self._tell, self._all = tell, returning_too
        self._told: dict[int, tuple[int, int]] = {}  # events that were told, and where they end

    def __call__(self, writers: Sequence[Writer]) -> None:
        """Tell what each of the writers, always the same ones, has written since."""
        new = [note for number, writer in enumerate(writers) for note in self._new(number, writer)]
        if new:
            self._tell(new)

    def _new(self, number: int, writer: Writer) -> list[NewNote]:
        told, end_ticks = self._told.get(number, (0, 0))
        if len(writer.events) == told:
            return []
        first = told
        while first and writer.events[first][SHIFT] == 0:
            first -= 1  # one hand's note at this moment may have been told, and the other's is new
        fields = as_one(np.array(writer.events[first:]), writer.job.second_hand)
        if first < told:
            fields[0, SHIFT] = 0
        onsets = end_ticks + np.cumsum(fields[:, SHIFT])
        self._told[number] = len(writer.events), int(onsets[-1])
        chosen = is_note(fields[:, PART])
        if not self._all:
            chosen &= np.array(writer.composed[first:])
        chosen[: told - first] = False
        rows = fields[chosen]
        rows[:, SHIFT] = np.diff(onsets[chosen], prepend=0)
        return [
            NewNote(
                number,
                track.name,
                track.program,
                track.is_drum,
                note.onset_ticks / RESOLUTION,
                note.duration_ticks / RESOLUTION,
                note.pitch,
                note.velocity,
            )
            for track in decode_by_part(rows).values()
            for note in track
        ]
