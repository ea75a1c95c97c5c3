"""The notes of a part as tracks: ties joined, and with each note what is sung and printed at it."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ritornello.music.io.musicxml.directions import (
    BEND,
    CUE,
    LYRIC,
    MARKER,
    PRESSURE,
    TEXT,
    value_of,
)
from ritornello.music.io.musicxml.instruments import PartInfo, Sound
from ritornello.music.io.musicxml.lyrics import LINE, PARAGRAPH
from ritornello.music.io.musicxml.raw_measure import Measure, RawNote
from ritornello.music.io.musicxml.signs import Sign
from ritornello.music.io.musicxml.timeline import Scale, ScoreTimeline, scaled
from ritornello.music.piece import Lyric, Mark, Track

_OF_THE_PIECE = (MARKER, CUE, TEXT)


@dataclass(slots=True, eq=False)
class _Sounding:
    """A note at its place in the piece, with the signs and syllables of all it is tied to.

    Signs are where it begins, syllables (tick, verse, text) where they are written.
    """

    onset: int
    end: int
    note: RawNote
    signs: list[Sign] = field(default_factory=list)
    lyrics: list[tuple[int, int, str]] = field(default_factory=list)


def read_tracks(
    measures: list[Measure], info: PartInfo, timeline: ScoreTimeline, scale: Scale
) -> list[Track]:
    """A track for each sound of a part, in the order of its part list.

    Players who change instruments become several tracks, of one ``player`` (1, for the caller to
    number) where no two of them sound together. What is said between the notes goes to the first.
    """
    by_sound: dict[Sound, list[_Sounding]] = defaultdict(list)
    for sounding in _sounding_notes(measures, timeline, scale):
        by_sound[sounding.note.sound].append(sounding)
    listed = [instrument.sound for instrument in info.instruments.values()]
    sounds = sorted(by_sound, key=lambda sound: (*listed, sound).index(sound))
    beside = _beside(measures, timeline, scale)
    tracks: list[Track] = []
    for program, is_drum, singer in sounds or [info.default.sound]:
        notes = by_sound[program, is_drum, singer]
        tracks.append(
            Track(
                [_row(sounding) for sounding in notes],
                program,
                is_drum,
                info.name if singer is None else singer,
                controls=beside.controls,
                bends=beside.bends,
                pressures=beside.pressures,
                lyrics=(*_lyrics(notes), *beside.lyrics),
                marks=(*beside.marks, *_marks(notes)),
                player=int(len(sounds) > 1 and singer is None and _take_turns(by_sound)),
            )
        )
        beside = _Beside()
    return tracks


@dataclass
class _Beside:
    """What a part says between its notes."""

    controls: list[tuple[int, int, int]] = field(default_factory=list)
    bends: list[tuple[int, int]] = field(default_factory=list)
    pressures: list[tuple[int, int, int]] = field(default_factory=list)
    lyrics: list[Lyric] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


def _beside(measures: list[Measure], timeline: ScoreTimeline, scale: Scale) -> _Beside:
    beside = _Beside()
    for measure, start in _played(measures, timeline):
        beside.controls += [
            (start + scaled(offset, scale), number, value)
            for offset, number, value in measure.controls
        ]
        for offset, remark in measure.remarks:
            tick = start + scaled(offset, scale)
            kind, name, pitch = remark
            if kind == BEND:
                beside.bends.append((tick, value_of(remark, -8192, 8191)))
            elif kind == PRESSURE:
                beside.pressures.append((tick, pitch, value_of(remark, 0, 127)))
            elif kind == LYRIC:
                beside.lyrics.append(Lyric(tick, name, max(1, pitch)))
            elif kind not in _OF_THE_PIECE:
                beside.marks.append(Mark(tick, kind, name, pitch))
    return beside


def read_texts(
    parts: Iterable[tuple[list[Measure], Scale]], timeline: ScoreTimeline, kind: str
) -> list[tuple[int, str]]:
    """(tick, text) of the markers, cues or texts of a piece; what several parts say counts once."""
    found: list[tuple[int, str]] = []
    known: set[tuple[int, str]] = set()
    for measures, scale in parts:
        new = [
            (tick, remark.name)
            for measure, start in _played(measures, timeline)
            for offset, remark in measure.remarks
            if remark.kind == kind
            and ((tick := start + scaled(offset, scale)), remark.name) not in known
        ]
        found += new
        known.update(new)
    return sorted(found, key=lambda text: text[0])


def _played(measures: list[Measure], timeline: ScoreTimeline) -> Iterator[tuple[Measure, int]]:
    for index, start in zip(timeline.played, timeline.starts, strict=True):
        if index < len(measures):
            yield measures[index], start


def _row(sounding: _Sounding) -> tuple[int, int, int, int]:
    onset = sounding.onset
    return onset, max(1, sounding.end - onset), sounding.note.pitch, sounding.note.velocity


def _take_turns(by_sound: dict[Sound, list[_Sounding]]) -> bool:
    """Whether the sounds of a part, none of them drums, are never heard together."""
    if any(is_drum for _, is_drum, _ in by_sound):
        return False
    spans = sorted(
        (
            (sounding.onset, sounding.end, sound)
            for sound, notes in by_sound.items()
            for sounding in notes
        ),
        key=lambda span: span[:2],  # not by the sounds, of which some have no singer
    )
    latest, whose = -1, None
    for onset, end, sound in spans:
        if onset < latest and sound != whose:
            return False
        if end > latest:
            latest, whose = end, sound
    return True


# --- what stands at the notes -----------------------------------------------------------------


def _marks(notes: list[_Sounding]) -> Iterator[Mark]:
    """The signs of notes: one mark for all pitches where all that begin there have the sign."""
    beginning: dict[int, Counter[int]] = defaultdict(Counter)
    signed: dict[tuple[int, Sign], Counter[int]] = defaultdict(Counter)
    for sounding in notes:
        onset, pitch = sounding.onset, sounding.note.pitch
        beginning[onset][pitch] += 1
        for sign in sounding.signs:
            signed[onset, sign][pitch] += 1
    for (onset, sign), pitches in signed.items():
        every = beginning[onset]
        times = pitches.total() // every.total()
        if times and all(pitches[pitch] == times * every[pitch] for pitch in every):
            yield from [Mark(onset, *sign)] * times
        else:
            yield from (Mark(onset, *sign, pitch) for pitch in pitches.elements())


def _lyrics(notes: list[_Sounding]) -> Iterator[Lyric]:
    """The syllables of notes; a line ends where the next syllable of its verse begins."""
    syllables = sorted(
        (lyric for sounding in notes for lyric in sounding.lyrics),
        key=lambda syllable: syllable[0],
    )
    ended: dict[int, tuple[int, str]] = {}
    for onset, verse, text in syllables:
        if text in (LINE, PARAGRAPH):
            ended[verse] = (onset, text)
            continue
        if verse in ended:
            yield Lyric(onset, ended.pop(verse)[1], verse)
        yield Lyric(onset, text, verse)
    for verse, (onset, text) in ended.items():
        yield Lyric(onset, text, verse)


def _sounding_notes(
    measures: list[Measure], timeline: ScoreTimeline, scale: Scale
) -> list[_Sounding]:
    result: list[_Sounding] = []
    waiting: _Waiting = defaultdict(dict)
    passes: Counter[int] = Counter()
    times = Counter(timeline.played)
    for index, start in zip(timeline.played, timeline.starts, strict=True):
        # A chord may follow its bar's later voices: ties are joined in the order of time.
        notes = measures[index].notes if index < len(measures) else []
        passes[index] += 1
        verse = passes[index] if _verses(notes) == times[index] > 1 else 0
        for note in sorted(notes, key=lambda note: note.offset):
            onset = start + scaled(note.offset, scale)
            written_end = start + scaled(note.offset + note.duration, scale)
            end = written_end + _signed(note.release, scale)
            held = _tied_note(waiting[note.pitch, onset], note)
            if held is not None:
                held.end = end
            else:
                onset = max(0, onset + _signed(note.attack, scale))
                held = _Sounding(onset, end, note)
                result.append(held)
            held.signs += note.signs
            held.lyrics += [
                (onset, 1 if verse else number, text)
                for number, text in note.lyrics
                if verse in (0, number)
            ]
            if note.tied_to:
                waiting[note.pitch, written_end].setdefault(note.voice, deque()).append(held)
    return result


def _verses(notes: list[RawNote]) -> int:
    """How many verses stand under a measure, if all from the first on do.

    A measure that is played as often has one verse each time.
    """
    verses = {verse for note in notes for verse, _ in note.lyrics}
    return len(verses) if verses == set(range(1, len(verses) + 1)) else 0


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


def _signed(ticks: int, scale: Scale) -> int:
    return scaled(ticks, scale) if ticks else 0
