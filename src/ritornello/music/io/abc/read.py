"""ABC tunes as pieces: the written measures as they are played, on one grid of ticks.

Repeats, endings and the order of parts are played out; a measure that is not as long as its metre
(an upbeat, a bar cut by a repeat) keeps its length, and the metre is stated again after it, so
that the bar lines of the piece are the printed ones. Rhythm is as written: a fermata lengthens
nothing and a hornpipe is not dotted. Chord symbols are names: no accompaniment is made of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple, TypeVar

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io.abc.book import Tune, TuneBook, decode
from ritornello.music.io.abc.play import Signs, play_order
from ritornello.music.io.abc.score import WHOLE, Findings, Measure, Score, VoiceInfo
from ritornello.music.io.abc.tune import read_tune
from ritornello.music.keys import KeyName
from ritornello.music.piece import (
    DEFAULT_RESOLUTION,
    NOTE_DTYPE,
    KeyChange,
    Metre,
    Piece,
    Tempo,
    Track,
)

_MOST_RESOLUTION = 32767
_FINE_RESOLUTION = 10_080  # whole for every value and tuplet in use
_MOST_BEATS = 255
_T = TypeVar("_T", int, np.ndarray)
_Value = TypeVar("_Value")
_MOST_TIME = 10**6 * WHOLE  # fits a table of 64-bit numbers


def read_bytes(data: bytes, where: str) -> tuple[Piece, list[str]]:
    """The first tune of an ABC file, and a sentence for all that was left out or changed.

    Args:
        data: the file; nothing else is ever read.
        where: its name, for messages.

    Raises:
        InputError: if there is no tune, or the first one has no notes or too many.
    """
    book = AbcBook(data, where)
    piece, told = book.read_piece(1)
    if len(book) > 1:
        told = [
            f"The book holds {len(book)} tunes; this is the first.",
            "Add #2 to the name of the file for the second tune.",
            *told,
        ]
    return piece, told


class AbcBook:
    """The tunes of an ABC file, counted from 1.

    Args:
        data: the file; nothing else is ever read.
        where: its name, for messages.

    Raises:
        InputError: if there is no tune.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self._tunes = TuneBook(decode(data))
        self._where = where
        if not len(self._tunes):
            raise InputError(
                "There is no tune: no line begins with X:.",
                where=where,
                next_step="Begin each tune with a line such as X:1.",
            )

    def __len__(self) -> int:
        return len(self._tunes)

    def read_piece(self, number: int) -> tuple[Piece, list[str]]:
        """One tune, and a sentence for all that was left out or changed.

        Raises:
            InputError: if there is no such tune, or it has no notes or too many.
        """
        if not 1 <= number <= len(self):
            raise InputError(
                f"The book holds {len(self)} tunes; found a request for number {number}.",
                where=self._where,
                next_step=f"Give a number from 1 to {len(self)}.",
            )
        return _piece(self._tunes[number - 1], self._where)


def _piece(tune: Tune, where: str) -> tuple[Piece, list[str]]:
    findings = Findings()
    told = [f"{tune.includes} included files were left out."] if tune.includes else []
    try:
        score = read_tune(tune, findings)
        piece = _Player(score, findings).piece()
    except InputError as error:
        place = f"{where}, line {tune.lines[0].number}" if tune.lines else where
        raise InputError(error.what, where=place, next_step=error.next_step) from None
    return piece, told + findings.sentences()


class _Bar(NamedTuple):
    """What the voices say together about one measure."""

    length: int
    nominal: int
    metre: tuple[int, int] | None
    tempos: list[tuple[int, float]]
    keys: list[tuple[int, KeyName | None]]


class _Player:
    """Plays a score: `piece` is what comes out."""

    def __init__(self, score: Score, findings: Findings) -> None:
        self.score = score
        self.findings = findings
        columns = list(zip_longest(*(measures for _, measures in score.voices)))
        self.bars = [self._together(column) for column in columns]
        if score.own.get("key") == "estimated":  # by our writer, for the sake of a signature
            first = self.bars[0]
            self.bars[0] = first._replace(keys=[(0, None), *(k for k in first.keys if k[0])])
        signs = [_signs(column) for column in columns]
        self._tell_lengths(columns, signs)
        line = score.voices[0][1][0].line
        self.played = play_order(signs, score.parts_order, lambda what: findings.count(line, what))
        self.resolution = self._resolution()
        self.per_tick = WHOLE // (4 * self.resolution)
        self.starts: list[int] = []
        now = 0
        for index in self.played:
            self.starts.append(now)
            now += self.bars[index].length
        self.end = now
        if now > _MOST_TIME:
            raise InputError("The tune becomes absurdly long when played.")

    def piece(self) -> Piece:
        resolution, ticks = self.resolution, self._ticks
        tempos, keys = [bar.tempos for bar in self.bars], [bar.keys for bar in self.bars]
        return Piece(
            tuple(self._tracks()),
            resolution,
            tuple(Tempo(ticks(at), bpm) for at, bpm in self._changes(tempos)),
            tuple(Metre(ticks(at), *metre) for at, metre in self._metres()),
            tuple(KeyChange(ticks(at), key) for at, key in self._changes(keys) if key),
            self._length(),
            next((title for title in self.score.titles if title), ""),
        )

    def _length(self) -> int:
        """Where the piece ends: with its last bar, or inside it where our own writer says so."""
        stated = _number(self.score.own.get("length", ""))
        is_inside = self._ticks(self.starts[-1]) <= stated <= self._ticks(self.end)
        return stated if is_inside else self._ticks(self.end)

    # --- what the voices say together ---

    def _together(self, column: tuple[Measure | None, ...]) -> _Bar:
        """One bar of the measures of all voices; the first that says something is believed."""
        here = [measure for measure in column if measure is not None]
        length = max(measure.length for measure in here)
        if any(measure.length != length for measure in here):
            self.findings.count(here[0].line, "bar in which the voices differ in length")
        tempos: dict[int, float] = {}
        keys: dict[int, KeyName | None] = {}
        for measure in here:
            for at, bpm in measure.tempos:
                tempos.setdefault(at, bpm)
            for at, key in measure.keys:
                keys.setdefault(at, key)
        nominal, metre = here[0].nominal, here[0].metre
        return _Bar(length, nominal, metre, sorted(tempos.items()), sorted(keys.items()))

    def _tell_lengths(self, columns: list[tuple[Measure | None, ...]], signs: list[Signs]) -> None:
        """Count bars that are not as long as their metre where no upbeat or repeat explains it."""
        last = len(signs) - 1
        for index, bar in enumerate(self.bars):
            if bar.length == bar.nominal or not bar.nominal:
                continue
            before, here = signs[max(0, index - 1)], signs[index]
            after = signs[min(last, index + 1)]
            is_edge = (
                index in (0, last)
                or here != Signs()
                or before.repeat_to > 0
                or before.is_section_end
                or after.repeat_from > 0
                or bool(after.passes)
            )
            if bar.length > bar.nominal or not is_edge:
                line = next(measure.line for measure in columns[index] if measure is not None)
                kind = "longer" if bar.length > bar.nominal else "shorter"
                self.findings.count(line, f"bar {kind} than its metre")

    # --- time ---

    def _resolution(self) -> int:
        """Ticks a quarter in which every time is whole; a multiple of the usual one if possible."""
        unit = WHOLE // 4
        for _, measures in self.score.voices:
            for measure in measures:
                unit = math.gcd(unit, measure.length)
                for note in measure.notes:
                    unit = math.gcd(unit, note.offset, note.duration)
        needed = WHOLE // 4 // unit
        stated = _number(self.score.own.get("ticks", ""))
        if 0 < stated <= _MOST_RESOLUTION and stated % needed == 0:
            return stated
        usual = math.lcm(needed, DEFAULT_RESOLUTION)
        if usual <= _MOST_RESOLUTION:
            return usual
        if needed > _MOST_RESOLUTION:
            line = self.score.voices[0][1][0].line
            self.findings.count(line, "grid too fine: times rounded to 10080 ticks a quarter")
            return _FINE_RESOLUTION
        return needed

    def _ticks(self, time: _T) -> _T:
        return (2 * time + self.per_tick) // (2 * self.per_tick)

    # --- what is played ---

    def _metres(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Metre changes, and the metre again behind a bar of another length."""
        current: tuple[int, int] | None = None
        is_broken = True
        for index, start in zip(self.played, self.starts, strict=True):
            bar = self.bars[index]
            metre = bar.metre or _metre_of_length(bar.length)
            if metre != current or is_broken:
                yield start, metre
            current = metre
            is_broken = bar.length * metre[1] != WHOLE * metre[0]

    def _changes(self, by_bar: list[list[tuple[int, _Value]]]) -> Iterator[tuple[int, _Value]]:
        """Changes at their played times; a jump back restates what held there at first."""
        in_force: list[_Value | None] = []
        latest: _Value | None = None
        for changes in by_bar:
            in_force.append(latest)
            latest = changes[-1][1] if changes else latest
        current: _Value | None = None
        previous = -1
        for index, start in zip(self.played, self.starts, strict=True):
            changes, held = by_bar[index], in_force[index]
            begins = bool(changes) and changes[0][0] == 0
            if index != previous + 1 and held is not None and held != current and not begins:
                yield start, held
                current = held
            for at, value in changes:
                if value != current:
                    yield start + at, value
                current = value
            previous = index

    def _tracks(self) -> Iterator[Track]:
        """A track for each voice; the second staff of a keyboard goes with the first."""
        second = self.score.second_staves
        for index, (info, measures) in enumerate(self.score.voices):
            if index not in second:
                rows = self._rows(measures)
                for other, (_, lower) in enumerate(self.score.voices):
                    if second.get(other) == index:
                        rows += self._rows(lower)
                yield self._track(info, rows)

    def _rows(self, measures: list[Measure]) -> list[list[int]]:
        """[onset, end, pitch, velocity] of the notes of a voice as it is played, ties joined."""
        rows: list[list[int]] = []
        held: dict[tuple[int, int], int] = {}  # (layer, pitch) of a tied note -> its row
        for index, start in zip(self.played, self.starts, strict=True):
            if index >= len(measures):
                continue
            for note in measures[index].notes:
                onset = start + note.offset
                end = onset + note.duration
                place = (note.layer, note.pitch)
                row = held.pop(place, -1)
                if row >= 0 and rows[row][1] == onset:
                    rows[row][1] = end
                else:
                    row = len(rows)
                    rows.append([onset, end, note.pitch, note.velocity])
                if note.is_tied:
                    held[place] = row
        return rows

    def _track(self, info: VoiceInfo, rows: list[list[int]]) -> Track:
        times = np.array(rows, np.int64).reshape(-1, 4)
        times[:, :2] = self._ticks(times[:, :2])
        notes = np.empty(len(times), NOTE_DTYPE)
        notes["onset"] = times[:, 0]
        notes["duration"] = np.maximum(1, times[:, 1] - times[:, 0])
        notes["pitch"] = times[:, 2]
        notes["velocity"] = times[:, 3]
        return Track(notes, info.program, info.is_drum, info.name)


def _signs(column: tuple[Measure | None, ...]) -> Signs:
    """The repeat signs of one measure, in whichever voice they are written."""
    here = [measure for measure in column if measure is not None]
    return Signs(
        max(measure.repeat_from for measure in here),
        max(measure.repeat_to for measure in here),
        next((measure.passes for measure in here if measure.passes), frozenset()),
        any(measure.is_section_end for measure in here),
        next((measure.part for measure in here if measure.part), ""),
    )


def _number(text: str) -> int:
    """A number of ours, -1 where there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 14 else -1


def _metre_of_length(length: int) -> tuple[int, int]:
    """The metre of a bar without one: its length in the largest units that fit."""
    for unit in (4, 8, 16, 32, 64):
        if length * unit % WHOLE == 0 and length * unit // WHOLE <= _MOST_BEATS:
            return length * unit // WHOLE, unit
    return max(1, min(_MOST_BEATS, length * 64 // WHOLE)), 64
