"""An independent judge of given notes: did they come out as they went in, and is the rest in place?

Both files are read with mido, not with the readers of the package. A note is where it begins and
how long it lasts in quarter notes (exact fractions), its pitch, velocity and program, or "drums".
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

import mido

_DRUM_CHANNEL = 9
DRUMS = "drums"
Part = int | str  # a General MIDI program from 0, or DRUMS
Gap = tuple[Fraction | int, Fraction | int]


class PlayedNote(NamedTuple):
    """A note of a file. Times in quarter notes."""

    onset_beats: Fraction
    part: Part
    pitch: int
    duration_beats: Fraction
    velocity: int

    def __str__(self) -> str:
        who = self.part if self.part == DRUMS else f"program {self.part}"
        return (
            f"pitch {self.pitch} of {who} at beat {self.onset_beats} for {self.duration_beats}, "
            f"velocity {self.velocity}"
        )


def changes(
    given: bytes,
    made: bytes,
    *,
    gap: Gap | None = None,
    parts: Collection[Part] | None = None,
    rewritten: bool = False,
) -> list[str]:
    """Every given note that is not in the made file, and every other note that should not be.

    Args:
        given, made: MIDI files.
        gap: where notes may be composed, [start, end) in quarter notes; they begin and end in it.
            None is anywhere.
        parts: which may be composed. None is any.
        rewritten: given notes that begin in the gap in these parts may go, as when bars are filled
            anew; otherwise every given note stays.

    Returns:
        One sentence for each fault; empty if there is none. As many equal notes as were given are
        given notes, any more are composed.
    """
    before, after = Counter(notes(given)), Counter(notes(made))
    lost = [
        f"lost or changed: {note}"
        for note in sorted((before - after).elements(), key=_order)
        if not (rewritten and _begins_in(note, gap) and _allowed(note, parts))
    ]
    wrong = []
    for note in sorted((after - before).elements(), key=_order):
        if not _allowed(note, parts):
            wrong.append(f"composed in another part: {note}")
        elif not _begins_in(note, gap):
            wrong.append(f"composed outside the gap: {note}")
        elif gap is not None and note.onset_beats + note.duration_beats > gap[1]:
            wrong.append(f"composed beyond the end of the gap: {note}")
    return lost + wrong


def notes(midi_bytes: bytes) -> Iterator[PlayedNote]:
    """The notes of a file."""
    return chain.from_iterable(tracks(mido.MidiFile(file=io.BytesIO(midi_bytes))))


def tracks(midi: mido.MidiFile) -> Iterator[list[PlayedNote]]:
    """The notes of each track. Of equal pitches on a channel the first begun is the first to end.

    A note of no length is one tick long. A note that nothing ends is none; where there are fewer
    releases than notes, it is one that no release is nearest to.
    """
    for track in midi.tracks:
        found = []
        unended = _unended(track)
        tick, program = 0, dict.fromkeys(range(16), 0)
        held: dict[tuple[int, int], deque[tuple[int, Part, int]]] = defaultdict(deque)
        for index, message in enumerate(track):
            tick += message.time
            if message.type == "program_change":
                program[message.channel] = message.program
            if message.type not in ("note_on", "note_off"):
                continue
            row = held[message.channel, message.note]
            if message.type == "note_on" and message.velocity:
                if index in unended:
                    continue
                drums = message.channel == _DRUM_CHANNEL
                row.append((tick, DRUMS if drums else program[message.channel], message.velocity))
            elif row:
                onset, part, velocity = row.popleft()
                beat = midi.ticks_per_beat
                length = Fraction(max(tick - onset, 1), beat)
                found.append(
                    PlayedNote(Fraction(onset, beat), part, message.note, length, velocity)
                )
        yield found


def _unended(track: mido.MidiTrack) -> set[int]:
    """Indices of the strikes that are left when each release ends the last one before it.

    A release at the very tick of that strike ends the one before, if there is one.
    """
    tick = 0
    held: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for index, message in enumerate(track):
        tick += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        row = held[message.channel, message.note]
        if message.type == "note_on" and message.velocity:
            row.append((tick, index))
        elif row:
            row.pop(-2 if len(row) > 1 and row[-1][0] == tick else -1)
    return {index for row in held.values() for _, index in row}


def _begins_in(note: PlayedNote, gap: Gap | None) -> bool:
    return gap is None or gap[0] <= note.onset_beats < gap[1]


def _allowed(note: PlayedNote, parts: Collection[Part] | None) -> bool:
    return parts is None or note.part in parts


def _order(note: PlayedNote) -> tuple[Fraction, str, int]:
    return note.onset_beats, str(note.part), note.pitch
