"""Where everything of a piece stands in its ABC tune, and what of it is read back.

The notes are those of the printed score (`ritornello.music.io.musicxml.parts`): times on a grid
that can be notated, the voices of a part as layers, keyboards on two staves. All else hangs on a
note or rest: a chord symbol that changes under a note cuts it in two that are tied.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from ritornello.errors import InputError
from ritornello.music.dynamics import VELOCITIES
from ritornello.music.io.abc.fields import MODE_FIFTHS, MODES
from ritornello.music.io.abc.signs import (
    DECORATIONS,
    DEFAULT_VELOCITY,
    PLACED,
)
from ritornello.music.io.abc.voice import chord_symbol
from ritornello.music.io.limits import clean_name
from ritornello.music.io.musicxml.marks import clef_sign, dynamic_marks
from ritornello.music.io.musicxml.notation import Symbol
from ritornello.music.io.musicxml.parts import Voice, has_grand_staff, write_part
from ritornello.music.io.musicxml.write import bar_signatures, with_notatable_bars
from ritornello.music.keys import KeyName
from ritornello.music.note_tables import ALL_PITCHES, NOTE_DTYPE
from ritornello.music.piece import (
    ChordSymbol,
    KeyChange,
    Lyric,
    Mark,
    Metre,
    Piece,
    Tempo,
    Text,
    Track,
)
from ritornello.music.quantise import PLAIN, Bar, list_bars, span_ticks
from ritornello.music.spelling import KeySignature

_LOG = logging.getLogger(__name__)

_MOST_BARS = 50_000
_MOST_VERSES = 20
_PER_QUARTER = 16  # the finest notes that are cut in two: 64ths


@dataclass
class Event:
    """One note, chord or rest and what stands at it.

    Attributes:
        symbol: as printed; ``pitches`` are its notes, empty for a rest.
        begins: ticks of the piece at which its notes begin, empty where a tie leads to it.
        marks: kind and name of each, in order.
        syllables: by verse.
        tempo, chord, marker: what begins here, if anything.
    """

    symbol: Symbol
    pitches: list[int]
    begins: frozenset[int]
    marks: list[tuple[str, str]] = field(default_factory=list)
    syllables: dict[int, str] = field(default_factory=dict)
    tempo: float | None = None
    chord: str = ""
    marker: str = ""


@dataclass
class Staff:
    """One V: of the tune: a part, or one hand of a keyboard; layers hold events by bar index."""

    number: int
    clef: str
    layers: list[dict[int, list[Event]]]

    def first_layer(self) -> Iterator[Event]:
        """The events of the layer that fills every bar, in order."""
        for _, events in sorted(self.layers[0].items()):
            yield from events


class Part:
    """One track: its staves, and the notes, marks and syllables that are read back."""

    def __init__(self, track: Track, number: int, bars: list[Bar], piece: Piece) -> None:
        self.track = track
        pitches = track.notes["pitch"].tolist()
        onsets = track.notes["onset"].tolist()
        # A tune on the piano is one voice; two hands need two.
        is_grand = has_grand_staff(track) and _sounds_together(track)
        voices = write_part(track, bars, piece.resolution, is_grand=is_grand)
        self.staves = [
            Staff(
                number + hand,
                ("treble", "bass")[hand] if is_grand else clef_sign(track),
                [_layer(v, pitches, onsets, bars) for v in voices if v.staff == hand + 1],
            )
            for hand in range(1 + is_grand)
        ]
        self._bars = bars
        self.lost: Counter[str] = Counter()
        self.marks: list[tuple[Event, str, str]] = []
        self.lyrics: list[tuple[Event, int]] = []

    def events(self) -> Iterator[tuple[int, Event]]:
        """(bar index, event) of all layers, those of the first staff first."""
        for staff in self.staves:
            for layer in staff.layers:
                for index, events in sorted(layer.items()):
                    for event in events:
                        yield index, event

    def place_marks(self) -> None:
        """Hang the marks on their events, and dynamic marks by loudness if there are none."""
        own = [mark for mark in self.track.marks if mark.kind == "dynamic"]
        at = {event.symbol.onset: event for event in self.staves[0].first_layer()}
        if not own:
            marked = dynamic_marks(self.track, self._bars)
            own = [Mark(self._bars[index].start, "dynamic", m) for index, m in marked.items()]
        others = [mark for mark in self.track.marks if mark.kind != "dynamic"]
        beginning: dict[int, list[Event]] = defaultdict(list)
        standing: dict[int, list[Event]] = defaultdict(list)
        for _, event in self.events():
            for tick in event.begins:
                beginning[tick].append(event)
            standing[event.symbol.onset].append(event)
        for mark in (*own, *others):
            name = clean_name(mark.name)
            known = mark.kind in ("words", "slur") or (mark.kind, name) in DECORATIONS
            found = (
                at.get(mark.tick)
                if mark.kind in PLACED
                else _event_of(mark, beginning[mark.tick], standing[mark.tick])
            )
            if mark.kind == "wedge" and name == "stop":
                known = True
            if found is None or not known or not name:
                self.lost["mark"] += 1
                continue
            found.marks.append((mark.kind, name))
            self.marks.append((found, mark.kind, name))

    def place_lyrics(self) -> None:
        """Give the syllables to the notes they are sung on."""
        at: dict[int, Event] = {}
        for staff in reversed(self.staves):
            for event in staff.first_layer():
                at |= dict.fromkeys(event.begins, event)
        for lyric in self.track.lyrics:
            text = clean_name(lyric.text)
            found = at.get(lyric.tick)
            word = text.rstrip("-_")
            if found is None or not word or lyric.verse > _MOST_VERSES:
                self.lost["syllable"] += bool(text)
            elif lyric.verse in found.syllables:
                self.lost["syllable"] += 1
            else:
                found.syllables[lyric.verse] = word + text[len(word) :][:1]
                self.lyrics.append((found, lyric.verse))
        for staff in self.staves:
            _drop_idle_holds(list(staff.first_layer()))

    def held(self) -> Track:
        """The track as it is read back."""
        # Of marks at one place the last one counts.
        changes = [
            (event.symbol.onset, VELOCITIES[name])
            for event, kind, name in self.marks
            if kind == "dynamic" and name in VELOCITIES
        ]
        ticks = [tick for tick, _ in changes]
        rows = []
        begun: dict[int, set[int]] = defaultdict(set)
        for _, event in self.events():
            chord, onset = event.symbol.chord, event.symbol.onset
            if chord is None or event.symbol.tied_from:
                continue
            place = bisect_right(ticks, onset)
            velocity = changes[place - 1][1] if place else DEFAULT_VELOCITY
            begun[onset].update(event.pitches)
            rows += [(onset, chord.end - onset, pitch, velocity) for pitch in event.pitches]
        track = self.track
        return Track(
            np.array(rows, NOTE_DTYPE),
            0 if track.is_drum else track.program,
            track.is_drum,
            clean_name(track.name),
            lyrics=tuple(
                Lyric(event.symbol.onset, event.syllables[verse], verse)
                for event, verse in self.lyrics
            ),
            marks=tuple(
                Mark(event.symbol.onset, kind, name, _pitch_of(event, kind, begun))
                for event, kind, name in self.marks
            ),
        )


def _sounds_together(track: Track) -> bool:
    """Whether a note begins while another one sounds."""
    onsets = track.notes["onset"]
    ends = np.maximum.accumulate(onsets + track.notes["duration"])
    return bool((onsets[1:] < ends[:-1]).any())


def _layer(
    voice: Voice, pitches: list[int], onsets: list[int], bars: list[Bar]
) -> dict[int, list[Event]]:
    layer = {}
    for index, symbols in voice.bars.items():
        edges = [*(symbol.onset for symbol in symbols[1:]), bars[index].end]
        layer[index] = [
            _event(symbol, until, pitches, onsets)
            for symbol, until in zip(symbols, edges, strict=True)
        ]
    return layer


def _event(symbol: Symbol, until: int, pitches: list[int], onsets: list[int]) -> Event:
    """The event of a symbol that lasts until the next one.

    In a bar that a metre cuts off the beat, printed values do not add up; those of ABC can.
    """
    symbol = replace(symbol, ticks=until - symbol.onset)
    notes = symbol.chord.notes if symbol.chord else []
    begins = frozenset(onsets[note] for note in notes) if not symbol.tied_from else frozenset()
    return Event(symbol, sorted({pitches[note] for note in notes}), begins)


def _event_of(mark: Mark, beginning: list[Event], standing: list[Event]) -> Event | None:
    """The event a mark belongs to: one with its note that begins there, or that stands there."""
    for event in (*beginning, *standing):
        if mark.pitch == ALL_PITCHES or mark.pitch in event.pitches:
            return event
    return None


def _pitch_of(event: Event, kind: str, begun: dict[int, set[int]]) -> int:
    """The pitch a mark is read back with: of all where its event is all that begins there."""
    if kind in PLACED or not event.pitches:
        return ALL_PITCHES
    is_all = begun.get(event.symbol.onset) == set(event.pitches)
    return ALL_PITCHES if is_all else event.pitches[-1]


def _drop_idle_holds(events: list[Event]) -> None:
    """A syllable that is held over no further note is not written as held."""
    notes = [event for event in events if event.pitches and not event.symbol.tied_from]
    for place, event in enumerate(notes):
        for verse, text in event.syllables.items():
            following = notes[place + 1].syllables if place + 1 < len(notes) else event.syllables
            if text.endswith("_") and verse in following:
                event.syllables[verse] = text[:-1]


class Layout:
    """The written form of a piece.

    Raises:
        InputError: if the piece has no note, or more than 50,000 bars.
    """

    def __init__(self, piece: Piece) -> None:
        if not piece.note_count:
            raise InputError(
                "The piece has no notes, and an ABC tune needs one.",
                where=piece.title,
                next_step="Choose another format, such as MusicXML.",
            )
        shortest = min(metre.bar_ticks(piece.resolution) for metre in piece.metres)
        if max(piece.length_ticks, piece.metres[-1].tick) // shortest > _MOST_BARS:
            raise InputError(
                f"The piece may have more than {_MOST_BARS:,} bars.",
                where=piece.title,
                next_step="Cut the piece, or remove what stands far behind its end.",
            )
        heard = tuple(metre for metre in piece.metres if metre.tick < piece.length_ticks)
        self.piece = with_notatable_bars(replace(piece, metres=heard))
        self.bars = _bars(self.piece)
        self.signatures = bar_signatures(self.piece, self.bars)
        self.parts: list[Part] = []
        number = 1
        for track in self.piece.tracks:
            part = Part(track, number, self.bars, self.piece)
            self.parts.append(part)
            number += len(part.staves)
        self.lost: Counter[str] = Counter()
        chords = [ChordSymbol(tick, chord_symbol(text)) for tick, text in self.piece.chords]
        self.lost["chord symbol"] += sum(not chord.text for chord in chords)
        chords = [chord for chord in chords if chord.text]
        self._cut_at({chord.tick for chord in chords})
        self._place(chords)
        for part in self.parts:
            part.place_marks()
            part.place_lyrics()

    def _cut_at(self, ticks: Iterable[int]) -> None:
        """Cut the notes and rests of the first voice where a chord changes inside them."""
        wanted = sorted(ticks)
        layer = self.parts[0].staves[0].layers[0]
        for index, bar in enumerate(self.bars):
            inside = wanted[bisect_left(wanted, bar.start) : bisect_left(wanted, bar.end)]
            if inside:
                layer[index] = [
                    piece for event in layer[index] for piece in self._pieces(event, inside)
                ]

    def _pieces(self, event: Event, ticks: list[int]) -> list[Event]:
        symbol = event.symbol
        start, end = symbol.onset, symbol.onset + symbol.ticks
        edges = [
            tick
            for tick in ticks
            if start < tick < end and tick * _PER_QUARTER % self.piece.resolution == 0
        ]
        if symbol.ratio != PLAIN or not edges:
            return [event]
        found = []
        for first, last in zip([start, *edges], [*edges, end], strict=True):
            inner = replace(
                symbol,
                onset=first,
                ticks=last - first,
                tied_from=bool(symbol.chord) and (symbol.tied_from or first > start),
                tied_to=bool(symbol.chord) and (symbol.tied_to or last < end),
                beams=symbol.beams if first == start else [],
            )
            begins = event.begins if first == start else frozenset[int]()
            found.append(Event(inner, event.pitches, begins))
        return found

    def _place(self, chords: list[ChordSymbol]) -> None:
        """Hang tempi, chord symbols and markers on the first voice: where they stand or next."""
        events = list(self.parts[0].staves[0].first_layer())
        onsets = [event.symbol.onset for event in events]

        def at(tick: int, what: str) -> Event | None:
            place = bisect_left(onsets, tick)
            if place == len(onsets) or onsets[place] != tick:
                self.lost[f"{what} off the notes"] += 1
            return events[place] if place < len(onsets) else None

        for tempo in self.piece.tempos:
            if event := at(tempo.tick, "tempo"):
                event.tempo = round(tempo.bpm, 6)
        for chord in chords:
            if event := at(chord.tick, "chord symbol"):
                event.chord = chord.text
        for marker in self.piece.markers:
            text = clean_name(marker.text)
            if text and (event := at(marker.tick, "marker")):
                event.marker = text

    def held(self) -> Piece:
        """The piece as it is read back."""
        piece = self.piece
        first = list(self.parts[0].staves[0].first_layer())
        tempos: list[Tempo] = []
        for event in first:
            if event.tempo is not None and (not tempos or tempos[-1].bpm != event.tempo):
                tempos.append(Tempo(event.symbol.onset, event.tempo))
        metres: list[Metre] = []
        is_broken = True
        for bar in self.bars:
            metre = bar.metre._replace(tick=bar.start)
            if is_broken or metre[1:] != metres[-1][1:]:
                metres.append(metre)
            is_broken = bar.end - bar.start != metre.bar_ticks(piece.resolution)
        keys: list[KeyChange] = []
        for index, signature in sorted(self.signatures.items()):
            key = key_of(signature)
            if signature.mode != "none" and (not keys or keys[-1].key != key):
                keys.append(KeyChange(self.bars[index].start, key))
        return Piece(
            tuple(part.held() for part in self.parts),
            piece.resolution,
            tuple(tempos),
            tuple(metres),
            tuple(keys),
            piece.length_ticks,
            clean_name(piece.title),
            clean_name(piece.composer),
            clean_name(piece.copyright),
            tuple(ChordSymbol(event.symbol.onset, event.chord) for event in first if event.chord),
            tuple(Text(event.symbol.onset, event.marker) for event in first if event.marker),
        )


def _bars(piece: Piece) -> list[Bar]:
    """The bars of the piece; the last one ends with it where that is on a beat."""
    bars = [bar for bar in list_bars(piece, piece.length_ticks) if bar.start < piece.length_ticks]
    last = bars[-1]
    if (piece.length_ticks - last.start) % span_ticks(last.metre, piece.resolution) == 0:
        bars[-1] = last._replace(end=min(last.end, piece.length_ticks))
    return bars


def scale_of(signature: KeySignature) -> str:
    """The scale that a mode of a signature is written as."""
    return MODES.get(signature.mode[:3], "major")


def key_of(signature: KeySignature) -> KeyName:
    """The key that a written signature is read as."""
    scale = scale_of(signature)
    return KeyName((signature.fifths - MODE_FIFTHS[scale]) * 7 % 12, scale)
