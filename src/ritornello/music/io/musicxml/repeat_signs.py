"""Signs that stand for music that was just written: a measure again (%), a beat again (/).

Both are written over empty measures or beats; where notes are written out, these are played.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree.ElementTree import Element

from ritornello.errors import InputError
from ritornello.music.io import MAX_NOTES
from ritornello.music.io.musicxml.numbers import number, value_quarters
from ritornello.music.io.musicxml.raw_measure import Measure, RawNote


class RepeatSigns:
    """The signs that hold in a part, by staff ("" for all of them).

    Args:
        divisions: ticks a quarter.
        repairs: counts what was played for a sign.
    """

    def __init__(self, divisions: int, repairs: Counter[str]) -> None:
        self._divisions, self._repairs = divisions, repairs
        self._measures: dict[str, int] = {}  # how many measures back
        self._beats: dict[str, tuple[int, int]] = {}  # where its first beat begins, and its length
        self._notes_repeated = 0

    def read(self, style: Element, now: int, measure: Measure, before: list[Measure]) -> None:
        """Take a ``<measure-style>`` at a time in a measure; ``before`` are those before it."""
        sign, staff = style.find("measure-repeat"), style.get("number", "")
        if sign is not None and sign.get("type") == "start":
            self._measures[staff] = int(number(style, "measure-repeat", 1))
        elif sign is not None:
            self._measures.pop(staff, None)
        sign = style.find("beat-repeat")
        if sign is None:
            return
        if staff in self._beats:
            self._play_beats(staff, now, measure, before)
            del self._beats[staff]
        if sign.get("type") == "start":
            self._beats[staff] = (now, self._beat_ticks(sign))

    def play_in(self, measure: Measure, before: list[Measure]) -> None:
        """Add to a measure, at its end, what signs stand for that still hold."""
        for staff, back in self._measures.items():
            is_written = any(staff in ("", note.staff) for note in measure.notes)
            if is_written or not 0 < back <= len(before):
                continue
            source = before[-back]
            self._add(measure, _of_staff(source, staff), 0)
            measure.length = max(measure.length, source.length)
            self._repairs["measure under a repeat sign played as the one before"] += 1
        if self._beats and not measure.length and before:
            measure.length = before[-1].length
        for staff, (_, beat_ticks) in self._beats.items():
            self._play_beats(staff, measure.length, measure, before)
            self._beats[staff] = (0, beat_ticks)

    def _beat_ticks(self, sign: Element) -> int:
        """How long a beat is: the value of the sign's slashes where it is told, else a quarter."""
        quarters = value_quarters(sign, "slash-type", "slash-dot") or 1.0
        return max(1, round(quarters * self._divisions))

    def _play_beats(self, staff: str, end: int, measure: Measure, before: list[Measure]) -> None:
        """Play in the empty beats from a sign to an end what stands in the beat before the sign."""
        start, beat_ticks = self._beats[staff]
        source, back = measure, start - beat_ticks
        if start == 0 and before:  # the sign goes on over the bar line
            source, back = before[-1], before[-1].length - beat_ticks
        beat = [
            replace(note, offset=note.offset - back)
            for note in _of_staff(source, staff)
            if back <= note.offset < back + beat_ticks
        ]
        if not beat:
            return
        written = {(note.offset - start) // beat_ticks for note in _of_staff(measure, staff)}
        for index in range((end - start) // beat_ticks):
            if index not in written:
                self._add(measure, beat, start + index * beat_ticks)
                self._repairs["beat under a repeat sign played as the one before"] += 1

    def _add(self, measure: Measure, notes: list[RawNote], start: int) -> None:
        self._notes_repeated += len(notes)
        if self._notes_repeated > MAX_NOTES:
            raise InputError(
                f"Repeated measures have more than {MAX_NOTES:,} notes.",
                next_step="Split the score into movements.",
            )
        for note in notes:
            at = start + note.offset
            again = replace(note, offset=at, tied_from=False, tied_to=False, lyrics=())
            measure.notes.append(again)
            measure.sounding = max(measure.sounding, at + note.duration)


def _of_staff(measure: Measure, staff: str) -> list[RawNote]:
    return [note for note in measure.notes if staff in ("", note.staff)]
