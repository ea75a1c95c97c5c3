"""ABC tunes as pieces: the written measures as they are played, on one grid of ticks.

Repeats, endings and the order of parts are played out; a measure that is not as long as its metre
(an upbeat, a bar cut by a repeat) keeps its length, and the metre is stated again after it, so
that the bar lines of the piece are the printed ones. Rhythm is as written: a fermata lengthens
nothing and a hornpipe is not dotted. Chord symbols are names: no accompaniment is made of them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io.abc.book import Tune, TuneBook, decode
from ritornello.music.io.abc.play import Signs, play_order
from ritornello.music.io.abc.score import (
    WHOLE,
    Findings,
    Measure,
    Score,
    VoiceInfo,
    WrittenMark,
    WrittenSyllable,
    cut_like_others,
)
from ritornello.music.io.abc.signs import DEFAULT_VELOCITY, PLACED
from ritornello.music.io.abc.tune import read_tune
from ritornello.music.io.limits import tempos_of_score
from ritornello.music.keys import KeyName
from ritornello.music.note_tables import ALL_PITCHES, NOTE_DTYPE
from ritornello.music.piece import (
    DEFAULT_RESOLUTION,
    ChordSymbol,
    KeyChange,
    Lyric,
    Mark,
    Metre,
    Piece,
    Text,
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
        cut_like_others([measures for _, measures in score.voices], findings)
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
        score, resolution, ticks = self.score, self.resolution, self._ticks
        tempos, keys = [bar.tempos for bar in self.bars], [bar.keys for bar in self.bars]
        metres = tuple(Metre(ticks(at), *metre) for at, metre in self._metres())
        bpms = ((ticks(at), bpm) for at, bpm in self._changes(tempos))
        return Piece(
            tuple(self._tracks()),
            resolution,
            tempos_of_score(bpms, metres, resolution),
            metres,
            tuple(KeyChange(ticks(at), key) for at, key in self._changes(keys) if key),
            self._length(),
            score.title,
            score.composer,
            score.copyright,
            tuple(ChordSymbol(ticks(at), text) for at, text in self._placed("chords")),
            tuple(Text(ticks(at), text) for at, text in self._placed("markers")),
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

    def _placed(self, kind: Literal["chords", "markers"]) -> Iterator[tuple[int, str]]:
        """Texts above the whole tune at their played times, of all voices, each once."""
        for index, start in zip(self.played, self.starts, strict=True):
            found: dict[tuple[int, str], None] = {}
            for _, measures in self.score.voices:
                if index < len(measures):
                    found |= dict.fromkeys(getattr(measures[index], kind))
            for at, text in sorted(found):
                yield start + at, text

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
        """A track for each voice, the second staff of a keyboard with the first.

        A voice that changes its instrument becomes a track for each, of one player.
        """
        second = self.score.second_staves
        player = 0
        for index, (info, measures) in enumerate(self.score.voices):
            if index in second:
                continue
            others = [staff for staff, first in second.items() if first == index]
            staves = [measures, *(self.score.voices[other][1] for other in others)]
            voice = _PlayedVoice(staves, info.program)
            for staff in staves:
                voice.play(staff, self.played, self.starts)
            programs = list(dict.fromkeys(row.program for row in voice.rows)) or [info.program]
            player += len(programs) > 1
            for program in programs:
                track = self._track(voice, program, info)
                yield track if len(programs) == 1 else replace(track, player=player)

    def _track(self, voice: _PlayedVoice, program: int, info: VoiceInfo) -> Track:
        rows = [row for row in voice.rows if row.program == program]
        times = np.array([(row.onset, row.end) for row in rows], np.int64).reshape(-1, 2)
        onsets, ends = self._ticks(times[:, 0]), self._ticks(times[:, 1])
        notes = np.empty(len(rows), NOTE_DTYPE)
        notes["onset"] = onsets
        notes["duration"] = np.maximum(1, ends - onsets)
        notes["pitch"] = [row.pitch for row in rows]
        notes["velocity"] = [row.velocity for row in rows]
        ticks = self._ticks
        return Track(
            notes,
            program,
            info.is_drum,
            info.name,
            controls=[(ticks(at), *rest) for at, of, *rest in voice.controls if of == program],
            lyrics=tuple(
                Lyric(ticks(at), text, verse)
                for at, of, text, verse in voice.syllables
                if of == program
            ),
            marks=tuple(
                Mark(ticks(at), mark.kind, mark.name, voice.pitch_of(at, mark))
                for at, of, mark in voice.marks
                if of == program
            ),
        )


@dataclass(slots=True)
class _Row:
    """A note as it is played; times as in the score."""

    onset: int
    end: int
    pitch: int
    velocity: int
    program: int


class _PlayedVoice:
    """What the staves of a player sound and show at the times they are played.

    Args:
        staves: the measures of each; what one says of loudness and instrument holds for all.
        program: in force at first.
    """

    def __init__(self, staves: list[list[Measure]], program: int) -> None:
        columns = list(zip_longest(*staves))
        self._velocities = _Standing([_joined(c, "velocities") for c in columns], DEFAULT_VELOCITY)
        self._programs = _Standing([_joined(c, "programs") for c in columns], program)
        self.rows: list[_Row] = []
        # Each with its time and the program in force there.
        self.marks: list[tuple[int, int, WrittenMark]] = []
        self.syllables: list[tuple[int, int, str, int]] = []
        self.controls: list[tuple[int, int, int, int]] = []
        self._begun: dict[int, set[int]] | None = None

    def play(self, measures: list[Measure], played: list[int], starts: list[int]) -> None:
        """Add the measures of one staff in their order, ties joined."""
        held: dict[tuple[int, int], _Row] = {}  # (layer, pitch) of a tied note -> its row
        times, passes = Counter(played), Counter[int]()
        for index, start in zip(played, starts, strict=True):
            if index >= len(measures):
                continue
            measure = measures[index]
            passes[index] += 1
            velocity_at, program_at = self._velocities.of(index), self._programs.of(index)
            for note in measure.notes:
                onset = start + note.offset
                row = held.pop((note.layer, note.pitch), None) if held else None
                if row is not None and row.end == onset:
                    row.end = onset + note.duration
                else:
                    velocity, of = velocity_at(note.offset), program_at(note.offset)
                    row = _Row(onset, onset + note.duration, note.pitch, velocity, of)
                    self.rows.append(row)
                if note.is_tied:
                    held[note.layer, note.pitch] = row
            self.marks += [(start + m.offset, program_at(m.offset), m) for m in measure.marks]
            self.syllables += [
                (start + sung.offset, program_at(sung.offset), sung.text, verse)
                for sung, verse in _sung(measure.syllables, times[index], passes[index])
            ]
            self.controls += [
                (start + at, program_at(at), number, value)
                for at, number, value in measure.controls
            ]

    def pitch_of(self, time: int, mark: WrittenMark) -> int:
        """The pitch a mark is at: of its highest note, or of all where no others begin there."""
        if not mark.notes or mark.kind in PLACED:
            return ALL_PITCHES
        if self._begun is None:
            self._begun = defaultdict(set)
            for row in self.rows:
                self._begun[row.onset].add(row.pitch)
        pitches = {note.pitch for note in mark.notes}
        return ALL_PITCHES if self._begun.get(time) == pitches else max(pitches)


def _sung(
    syllables: list[WrittenSyllable], times: int, now: int
) -> list[tuple[WrittenSyllable, int]]:
    """What is sung the ``now``-th of so many times, with its verse.

    A measure that is played as often as it has verses has one of them each time.
    """
    verses = {sung.verse for sung in syllables}
    if times > 1 and verses == set(range(1, times + 1)):
        return [(sung, 1) for sung in syllables if sung.verse == now]
    return [(sung, sung.verse) for sung in syllables]


class _Standing:
    """What holds where, of changes in measures in the order they are written."""

    def __init__(self, changes: list[list[tuple[int, int]]], first: int) -> None:
        self._changes = changes
        self._before = []
        for here in changes:
            self._before.append(first)
            first = here[-1][1] if here else first

    def of(self, index: int) -> Callable[[int], int]:
        """What holds at an offset of a measure: the last change at or before it."""
        before, changes = self._before[index], self._changes[index]
        if not changes:
            return lambda offset: before
        offsets = [at for at, _ in changes]
        values = [before, *(value for _, value in changes)]
        return lambda offset: values[bisect_right(offsets, offset)]


def _joined(
    column: tuple[Measure | None, ...], kind: Literal["velocities", "programs"]
) -> list[tuple[int, int]]:
    """The changes of one measure of all staves, in order of time."""
    changes = [change for measure in column if measure for change in getattr(measure, kind)]
    return sorted(changes, key=lambda change: change[0])


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
