"""A MusicXML score as a piece: measures in the order they are played, ties joined.

Simple repeats and numbered endings are played out; jumps (D.C., D.S., coda) are not followed.
A measure that is not as long as its metre says (an upbeat, a bar cut by a repeat) keeps its
length: the metre is stated again after it, so that the bar lines of the piece stay the score's.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeVar

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io import MAX_NOTES
from ritornello.music.io.limits import MOST_TRACKS
from ritornello.music.io.musicxml.container import ScoreXml, open_score
from ritornello.music.io.musicxml.instruments import PartInfo, read_part_list
from ritornello.music.io.musicxml.measures import (
    FINE_RESOLUTION,
    LENGTH_FIELD,
    Measure,
    PartReader,
    RawNote,
    first_divisions,
)
from ritornello.music.keys import KeyName, estimate_key
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track
from ritornello.music.spelling import Signature, key_of

_MAX_RESOLUTION = 32767
_MAX_PLAYED_MEASURES = 50_000
_MAX_ALL_MEASURES = 500_000  # of all parts together
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
    _check_size(xml)
    score_parts = {part.get("id", ""): part for part in xml.header.findall("part-list/score-part")}
    elements = list(xml.parts.values())

    def is_sung(index: int) -> bool:
        return any(True for measure in elements[index] for _ in measure.iter("lyric"))

    stated = [score_parts.get(identity) for identity in xml.parts]
    infos = read_part_list(stated, is_sung, repairs)
    divisions = next(filter(None, map(first_divisions, elements)), Fraction(1))
    parts = [
        PartReader(measures, info, repairs, divisions)
        for measures, info in zip(elements, infos, strict=True)
    ]
    common = math.lcm(*(part.divisions for part in parts))
    resolution = common
    if common > _MAX_RESOLUTION:
        resolution = FINE_RESOLUTION
        repairs["grid too fine: times rounded to 10080 ticks a quarter"] += 1
    scales = [(resolution, part.divisions) for part in parts]
    timeline = _Timeline([part.measures for part in parts], scales, resolution)
    repairs["repeated measure played again"] += len(timeline.played) - len(set(timeline.played))
    repairs["jump (D.C., D.S., coda) not followed"] += timeline.jumps
    _check_unfolded([part.measures for part in parts], timeline)
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


def _check_size(xml: ScoreXml) -> None:
    """Refuse scores of more parts or measures than anything can be that is read by people.

    Raises:
        InputError: naming what there is too much of.
    """
    most = max(len(measures) for measures in xml.parts.values())
    total = sum(len(measures) for measures in xml.parts.values())
    for what, count, limit in (
        ("parts", len(xml.parts), MOST_TRACKS),
        ("measures", most, _MAX_PLAYED_MEASURES),
        ("measures in all parts", total, _MAX_ALL_MEASURES),
    ):
        if count > limit:
            raise InputError(
                f"The score has {count:,} {what}; at most {limit:,} are read.",
                next_step="Split the score into movements.",
            )


def _check_unfolded(parts: list[list[Measure]], timeline: _Timeline) -> None:
    """Refuse scores whose repeats multiply a crowded measure.

    Raises:
        InputError: if more is played than `ritornello.music.io.MAX_NOTES` events.
    """
    times = Counter(timeline.played)
    events = sum(
        times[index] * measure.event_count
        for measures in parts
        for index, measure in enumerate(measures)
    )
    if events > MAX_NOTES:
        raise InputError(
            f"{events:,} notes and marks, repeats included; at most {MAX_NOTES:,} were expected.",
            next_step="Split the score into movements.",
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
    jumps: int


class _Timeline:
    """Played measures and their starts: ``played[k]`` begins at ``starts[k]`` ticks."""

    def __init__(
        self, parts: list[list[Measure]], scales: list[tuple[int, int]], resolution: int
    ) -> None:
        self.resolution = resolution
        self.measures = _merged(parts, scales, resolution)
        self.played = _play_order(self.measures)
        self.jumps = sum(bar.jumps for bar in self.measures)
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
    by_index: list[list[tuple[Measure, tuple[int, int]]]] = [
        [] for _ in range(max(len(measures) for measures in parts))
    ]
    for measures, scale in zip(parts, scales, strict=True):
        for index, measure in enumerate(measures):
            by_index[index].append((measure, scale))
    for here in by_index:
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
                max(measure.jumps for measure, _ in here),
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
    groups = _ending_groups(bars)
    index = section = 0
    current_pass = 1
    while index < len(bars):
        bar = bars[index]
        if bar.repeats_from and index > section:
            section, current_pass = index, 1
        if current_pass not in bar.endings and groups[index] >> current_pass & 1:
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


def _ending_groups(bars: list[_Bar]) -> list[int]:
    """For each bar the passes that it or a later ending of the same group is for, as bits."""
    groups: list[int] = []
    passes = 0
    for bar in reversed(bars):
        passes = passes | sum(1 << number for number in bar.endings) if bar.endings else 0
        groups.append(passes)
    return groups[::-1]


# --- notes ------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Sounding:
    """A note at its place in the piece."""

    onset: int
    end: int
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
    for (program, is_drum), rows in (by_sound or {info.default[:2]: []}).items():
        yield Track(rows, program, is_drum, info.name)  # type: ignore[arg-type]


def _sounding_notes(
    measures: list[Measure], timeline: _Timeline, scale: tuple[int, int]
) -> list[_Sounding]:
    result: list[_Sounding] = []
    waiting: _Waiting = defaultdict(dict)
    for index, start in zip(timeline.played, timeline.starts, strict=True):
        # A chord may follow its bar's later voices: ties are joined in the order of time.
        notes = measures[index].notes if index < len(measures) else []
        for note in sorted(notes, key=lambda note: note.offset):
            onset = start + _scaled(note.offset, scale)
            written_end = start + _scaled(note.offset + note.duration, scale)
            end = written_end + _signed(note.release, scale)
            held = _tied_note(waiting[note.pitch, onset], note)
            if held is not None:
                held.end = end
            else:
                held = _Sounding(onset + _signed(note.attack, scale), end, note)
                result.append(held)
            if note.tied_to:
                waiting[note.pitch, written_end].setdefault(note.voice, deque()).append(held)
    return result


# Notes whose tie may go on: by pitch and the tick where they end, then by voice.
_Waiting = defaultdict[tuple[int, int], dict[str, deque["_Sounding"]]]


def _tied_note(ending: dict[str, deque[_Sounding]], note: RawNote) -> _Sounding | None:
    """The note that a note goes on with, of the same voice if there is one.

    Old programs write only the start of a tie: within a voice that is enough.
    """
    voice = note.voice
    if voice not in ending:
        if not (note.tied_from and ending):
            return None
        voice = next(iter(ending))
    held = ending[voice].popleft()
    if not ending[voice]:
        del ending[voice]
    return held


def _signed(ticks: int, scale: tuple[int, int]) -> int:
    return _scaled(ticks, scale) if ticks else 0


# --- keys -------------------------------------------------------------------------------------


def _key_changes(changes: Iterator[tuple[int, Signature]], tracks: list[Track]) -> list[KeyChange]:
    """Keys of the signatures; without a mode, the likelier of the major and minor key.

    Mode "none" claims no key and gives none.
    """
    stated = list(changes)
    weights = _pitch_class_weights([tick for tick, _ in stated], tracks)
    result: list[KeyChange] = []
    for (tick, signature), weight in zip(stated, weights, strict=True):
        key = key_of(signature)
        if key is None and signature.mode != "none":
            key = _likelier(signature.fifths, weight)
        if key is not None:
            result.append(KeyChange(tick, key))
    return result


def _pitch_class_weights(starts: list[int], tracks: list[Track]) -> np.ndarray:
    """Ticks of each pitch class from each start to the next, float [starts, 12]; no drums."""
    weights = np.zeros((len(starts), 12))
    for track in tracks:
        if not track.is_drum and starts:
            place = np.searchsorted(starts, track.notes["onset"], side="right") - 1
            inside = place >= 0
            notes = track.notes[inside]
            np.add.at(weights, (place[inside], notes["pitch"] % 12), notes["duration"])
    return weights


def _likelier(fifths: int, weights: np.ndarray) -> KeyName:
    major = KeyName(fifths * 7 % 12)
    relative = KeyName((major.tonic + 9) % 12, "minor")
    return relative if estimate_key(weights) == relative else major
