"""A MusicXML score as a piece: measures in the order they are played, ties joined.

Simple repeats and numbered endings are played out; jumps (D.C., D.S., coda) are not followed.
A measure that is not as long as its metre says (an upbeat, a bar cut by a repeat) keeps its
length: the metre is stated again after it, so that the bar lines of the piece stay the score's.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io.musicxml.container import ScoreXml, open_score
from ritornello.music.io.musicxml.measures import (
    LENGTH_FIELD,
    Measure,
    PartInfo,
    PartReader,
    RawNote,
    read_part_info,
)
from ritornello.music.keys import KeyName, estimate_key
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track
from ritornello.music.spelling import Signature, key_of

_MAX_RESOLUTION = 32767
_MAX_PLAYED_MEASURES = 50_000
_T = TypeVar("_T")


def read_bytes(data: bytes, where: str) -> tuple[Piece, list[str]]:
    """The piece in .musicxml, .xml or .mxl bytes, and a sentence for each kind of repair.

    Args:
        data: the file.
        where: its name, for messages.

    Raises:
        InputError: if the bytes are not a MusicXML score that can be read.
    """
    repairs: Counter[str] = Counter()
    xml = open_score(data, where)
    try:
        piece = _read(xml, repairs)
    except InputError as error:
        raise InputError(error.what, where=where, next_step=error.next_step) from None
    return piece, [f"{count} x {what}." for what, count in repairs.items() if count]


def _read(xml: ScoreXml, repairs: Counter[str]) -> Piece:
    score_parts = {part.get("id", ""): part for part in xml.header.findall("part-list/score-part")}
    infos = [read_part_info(score_parts.get(identity), repairs) for identity in xml.parts]
    parts = [
        PartReader(measures, info, repairs)
        for measures, info in zip(xml.parts.values(), infos, strict=True)
    ]
    common = math.lcm(*(part.divisions for part in parts))
    resolution = common
    if common > _MAX_RESOLUTION:
        resolution = 10_080  # whole for every value and tuplet in use
        repairs["grid too fine: times rounded to 10080 ticks a quarter"] += 1
    scales = [(resolution, part.divisions) for part in parts]
    timeline = _Timeline([part.measures for part in parts], scales, resolution)
    repairs["repeated measure played again"] += len(timeline.played) - len(timeline.measures)
    tracks: list[Track] = []
    for part, info, scale in zip(parts, infos, scales, strict=True):
        tracks += _tracks(part.measures, info, timeline, scale)
    return Piece(
        tuple(tracks),
        resolution,
        tuple(Tempo(tick, bpm) for tick, bpm in timeline.tempos()),
        tuple(Metre(tick, *metre) for tick, metre in timeline.metres()),
        tuple(_key_changes(timeline.keys(), tracks)),
        _stated_length(xml, timeline),
        _title(xml),
    )


def _title(xml: ScoreXml) -> str:
    for path in ("work/work-title", "movement-title"):
        if title := " ".join((xml.header.findtext(path) or "").split()):
            return title
    return ""


def _stated_length(xml: ScoreXml, timeline: _Timeline) -> int:
    """Where the piece ends: with its last bar, or inside it where our own writer says so."""
    for field in xml.header.iterfind("identification/miscellaneous/miscellaneous-field"):
        text = (field.text or "").strip()
        if field.get("name") == LENGTH_FIELD and text.isdecimal() and len(text) < 14:
            start = timeline.starts[-1]
            if start <= int(text) <= timeline.end:
                return int(text)
    return timeline.end


# --- the order of measures --------------------------------------------------------------------


class _Bar(NamedTuple):
    """What the parts say together about one measure; ticks are of the piece."""

    length: int
    metre: tuple[int, int] | None
    tempos: list[tuple[int, float]]
    keys: list[tuple[int, Signature]]
    repeats_from: bool
    repeat_times: int
    endings: frozenset[int]


class _Timeline:
    """Played measures and their starts: ``played[k]`` begins at ``starts[k]`` ticks."""

    def __init__(
        self, parts: list[list[Measure]], scales: list[tuple[int, int]], resolution: int
    ) -> None:
        self.resolution = resolution
        self.measures = _merged(parts, scales, resolution)
        self.played = _play_order(self.measures)
        lengths = [self.measures[index].length for index in self.played]
        ends = np.cumsum(lengths).tolist()
        self.starts = [0, *ends[:-1]]
        self.end = int(ends[-1])

    def tempos(self) -> Iterator[tuple[int, float]]:
        return self._changes([bar.tempos for bar in self.measures])

    def keys(self) -> Iterator[tuple[int, Signature]]:
        return self._changes([bar.keys for bar in self.measures])

    def metres(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """The metre changes, and the metre again after a measure of another length."""
        stated = [[(0, bar.metre)] if bar.metre else [] for bar in self.measures]
        changes = dict(self._changes(stated))
        metre = (4, 4)
        for index, start, following in zip(
            self.played, self.starts, [*self.starts[1:], None], strict=True
        ):
            metre = changes.get(start, metre)
            nominal = self.resolution * 4 * metre[0] // metre[1]
            if self.measures[index].length != nominal and following is not None:
                changes.setdefault(following, metre)
        yield from sorted(changes.items())

    def _changes(self, by_measure: list[list[tuple[int, _T]]]) -> Iterator[tuple[int, _T]]:
        """Changes at their played times; a jump back restates what held there at first."""
        in_force: list[_T | None] = []
        latest: _T | None = None
        for changes in by_measure:
            in_force.append(latest)
            latest = changes[-1][1] if changes else latest
        current: _T | None = None
        previous = -1
        for index, start in zip(self.played, self.starts, strict=True):
            changes = by_measure[index]
            held = in_force[index]
            is_jump = index != previous + 1
            if is_jump and held is not None and held != current and not _begins(changes):
                yield start, held
                current = held
            for offset, value in changes:
                yield start + offset, value
                current = value
            previous = index


def _begins(changes: list[tuple[int, _T]]) -> bool:
    return bool(changes) and changes[0][0] == 0


def _merged(
    parts: list[list[Measure]], scales: list[tuple[int, int]], resolution: int
) -> list[_Bar]:
    """One bar for each measure number; the first part that says something is believed."""
    bars: list[_Bar] = []
    metre = (4, 4)
    for index in range(max(len(measures) for measures in parts)):
        here = [
            (measures[index], scale)
            for measures, scale in zip(parts, scales, strict=True)
            if index < len(measures)
        ]
        stated = next((measure.metre for measure, _ in here if measure.metre), None)
        metre = stated or metre
        nominal = max(1, resolution * 4 * metre[0] // metre[1])
        # Rests that overfill a bar are a slip of the program that wrote them; notes are not.
        reached = max(_scaled(measure.length, scale) for measure, scale in here)
        sounding = max(_scaled(measure.sounding, scale) for measure, scale in here)
        length = max(sounding, min(reached, nominal))
        tempos: dict[int, float] = {}
        keys: dict[int, Signature] = {}
        for measure, scale in here:
            for offset, bpm in measure.tempos:
                tempos.setdefault(_scaled(offset, scale), bpm)
            for offset, signature in measure.keys:
                at = _scaled(offset, scale)
                if at not in keys or keys[at].mode == "none":  # as of a drum staff
                    keys[at] = signature
        bars.append(
            _Bar(
                length or nominal,
                stated,
                sorted(tempos.items()),
                sorted(keys.items()),
                any(measure.repeats_from for measure, _ in here),
                max(measure.repeat_times for measure, _ in here),
                next((measure.endings for measure, _ in here if measure.endings), frozenset()),
            )
        )
    return bars


def _scaled(ticks: int, scale: tuple[int, int]) -> int:
    to, of = scale
    return (2 * ticks * to + of) // (2 * of)


def _play_order(bars: list[_Bar]) -> list[int]:
    """Measure indices as they are played, through repeats and numbered endings.

    Raises:
        InputError: if the repeats unfold to more than 50,000 measures.
    """
    order: list[int] = []
    index = section = 0
    current_pass = 1
    while index < len(bars):
        bar = bars[index]
        if bar.repeats_from and index > section:
            section, current_pass = index, 1
        if (
            bar.endings
            and current_pass not in bar.endings
            and _has_ending(bars, index, current_pass)
        ):
            index += 1
            continue
        order.append(index)
        if len(order) > _MAX_PLAYED_MEASURES:
            raise InputError(f"The repeats unfold to more than {_MAX_PLAYED_MEASURES:,} measures.")
        following = bars[index + 1].endings if index + 1 < len(bars) else frozenset()
        times = bar.repeat_times
        if times and bar.endings:
            more = following and min(following) > current_pass
            times = max(bar.endings) + 1 if more else max(bar.endings)
        if current_pass < times:
            current_pass += 1
            index = section
            continue
        if times or (bar.endings and not following):
            section, current_pass = index + 1, 1
        index += 1
    return order


def _has_ending(bars: list[_Bar], index: int, wanted: int) -> bool:
    """Whether this or a later ending of the same group is for the wanted pass."""
    while index < len(bars) and bars[index].endings:
        if wanted in bars[index].endings:
            return True
        index += 1
    return False


# --- notes ------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Sounding:
    """A note at its place in the piece; ``written_end`` is where a tie may go on."""

    onset: int
    end: int
    written_end: int
    note: RawNote


def _tracks(
    measures: list[Measure], info: PartInfo, timeline: _Timeline, scale: tuple[int, int]
) -> Iterator[Track]:
    """A track for each sound of the part: players who change instruments become several."""
    by_sound: dict[tuple[int, bool], list[tuple[int, int, int, int]]] = defaultdict(list)
    for sounding in _sounding_notes(measures, timeline, scale):
        note = sounding.note
        onset = max(0, sounding.onset)
        row = (onset, max(1, sounding.end - onset), note.pitch, note.velocity)
        by_sound[note.sound].append(row)
    for (program, is_drum), rows in (by_sound or {info.default_sound: []}).items():
        yield Track(rows, program, is_drum, info.name)  # type: ignore[arg-type]


def _sounding_notes(
    measures: list[Measure], timeline: _Timeline, scale: tuple[int, int]
) -> list[_Sounding]:
    result: list[_Sounding] = []
    tied: dict[int, list[_Sounding]] = defaultdict(list)
    for index, start in zip(timeline.played, timeline.starts, strict=True):
        # A chord may follow its bar's later voices: ties are joined in the order of time.
        notes = measures[index].notes if index < len(measures) else []
        for note in sorted(notes, key=lambda note: note.offset):
            onset = start + _scaled(note.offset, scale)
            written_end = start + _scaled(note.offset + note.duration, scale)
            end = written_end + _signed(note.release, scale)
            held = _tied_note(tied[note.pitch], onset, note)
            if held is not None:
                held.end, held.written_end = end, written_end
            else:
                held = _Sounding(onset + _signed(note.attack, scale), end, written_end, note)
                result.append(held)
            if note.tied_to:
                tied[note.pitch].append(held)
    return result


def _tied_note(waiting: list[_Sounding], onset: int, note: RawNote) -> _Sounding | None:
    """The waiting note that ends where this one begins, of the same voice if there is one.

    Old programs write only the start of a tie: within a voice that is enough.
    """
    # What ended earlier was never continued; what ends later still waits.
    waiting[:] = [held for held in waiting if held.written_end >= onset]
    ending = [held for held in waiting if held.written_end == onset]
    held = next((held for held in ending if held.note.voice == note.voice), None)
    if held is None and note.tied_from and ending:
        held = ending[0]
    if held is not None:
        waiting.remove(held)
    return held


def _signed(ticks: int, scale: tuple[int, int]) -> int:
    return _scaled(ticks, scale) if ticks else 0


# --- keys -------------------------------------------------------------------------------------


def _key_changes(changes: Iterator[tuple[int, Signature]], tracks: list[Track]) -> list[KeyChange]:
    """Keys of the signatures; without a mode, the likelier of the major and minor key.

    Mode "none" claims no key and gives none.
    """
    stated = list(changes)
    result: list[KeyChange] = []
    for (tick, signature), (following, _) in pairwise(
        [*stated, (2**62, stated[-1][1])] if stated else []
    ):
        key = key_of(signature)
        if key is None and signature.mode != "none":
            key = _likelier(signature.fifths, tracks, tick, following)
        if key is not None:
            result.append(KeyChange(tick, key))
    return result


def _likelier(fifths: int, tracks: list[Track], start: int, end: int) -> KeyName:
    major = KeyName(fifths * 7 % 12)
    weights = np.zeros(12)
    for track in tracks:
        notes = track.notes[(track.notes["onset"] >= start) & (track.notes["onset"] < end)]
        if not track.is_drum:
            np.add.at(weights, notes["pitch"] % 12, notes["duration"])
    relative = KeyName((major.tonic + 9) % 12, "minor")
    return relative if estimate_key(weights) == relative else major
