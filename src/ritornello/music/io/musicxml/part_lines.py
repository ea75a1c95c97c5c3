"""One part of a score as lines of MusicXML: its measures with all that stands in them."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ritornello.music.io.limits import clean_name
from ritornello.music.io.musicxml.choir_staves import is_choir, shares_staff, singer_id
from ritornello.music.io.musicxml.directions import (
    CUE,
    MARKER,
    TEXT,
    ControlWriter,
    Direction,
    direction,
)
from ritornello.music.io.musicxml.harmony import harmony
from ritornello.music.io.musicxml.marks import clef, dynamic_marks, tempo_lines
from ritornello.music.io.musicxml.measures import FORTE_VELOCITY
from ritornello.music.io.musicxml.notation import Symbol
from ritornello.music.io.musicxml.parts import Voice, has_grand_staff, write_part, write_singers
from ritornello.music.io.musicxml.placing import merged, place
from ritornello.music.io.musicxml.signs import SlurNumbers, fermata, notations
from ritornello.music.piece import Piece, Track
from ritornello.music.quantise import PLAIN, Bar
from ritornello.music.spelling import KeySignature, Spelled, alterations_of, drum_sign, spell

_LOG = logging.getLogger(__name__)

LOWEST_PITCH = 12  # octave 0 is the lowest MusicXML can write
_ACCIDENTALS = {-1: "flat", 0: "natural", 1: "sharp"}
_Line = tuple[int, Callable[[int], str]]  # a tick, and what is written so many ticks before it


class PartWriter:
    """The measures of one part, which is one track or the tracks of one player."""

    def __init__(
        self,
        tracks: Sequence[Track],
        number: int,
        bars: list[Bar],
        signatures: dict[int, KeySignature],
        piece: Piece,
    ) -> None:
        self.track, owned = (
            merged(tracks) if len(tracks) > 1 else (tracks[0], [range(len(tracks[0]))])
        )
        self.number = number
        self.bars = bars
        self.signatures = signatures
        self.piece = piece
        self.players = len(tracks)
        self.is_sung_by_several = shares_staff(tracks)
        self.notes = self.track.notes.tolist()
        self.is_grand = not self.is_sung_by_several and has_grand_staff(self.track)
        # Some programs print a signature on a percussion staff: drums in a band have none.
        self.is_keyless = self.track.is_drum and not all(other.is_drum for other in piece.tracks)
        self.voices = (
            write_singers(tracks, owned, bars, piece.resolution)
            if self.is_sung_by_several
            else write_part(self.track, bars, piece.resolution)
        )
        self.placed = place(tracks, owned, self.voices, bars)
        self._slurs = {voice.number: SlurNumbers() for voice in self.voices}
        self._between = self._lines_between(tracks)
        low = 0 if self.track.is_drum else int((self.track.notes["pitch"] < LOWEST_PITCH).sum())
        if low:
            _LOG.info("%s: %d notes below octave 0 written an octave up.", self.track.label, low)

    def lines(self) -> Iterator[str]:
        yield f'<part id="P{self.number}">'
        tempos = tempo_lines(self.piece.tempos, self.bars) if self.number == 1 else {}
        signature = self.signatures[0]
        cut = [
            bar.end - bar.start < bar.metre.bar_ticks(self.piece.resolution) for bar in self.bars
        ]
        first = 0 if cut[0] and len(cut) > 1 else 1  # a pick-up is no bar by itself
        for index, is_cut in enumerate(cut):
            signature = self.signatures.get(index, signature)
            implicit = ' implicit="yes"' if is_cut else ""
            yield f'<measure number="{index + first}"{implicit}>'
            yield from self._attributes(index)
            yield from tempos.get(index, ())
            yield from self._music(index, signature)
            if index == len(self.bars) - 1:
                yield '<barline location="right"><bar-style>light-heavy</bar-style></barline>'
            yield "</measure>"
        yield "</part>"

    def _lines_between(self, tracks: Sequence[Track]) -> dict[int, deque[_Line]]:
        """Bar index -> what stands between its notes, in order of time.

        Marks of loudness that a track lacks are taken from its velocities, and marked as taken.
        """
        lines: list[_Line] = []
        if not any(mark.kind == "dynamic" for track in tracks for mark in track.marks):
            for index, name in dynamic_marks(self.track, self.bars).items():
                mark = Direction("dynamic", name)
                start = self.bars[index].start
                lines.append((start, partial(direction, mark, is_estimated=True)))
        remarks = list(self.placed.remarks)
        if self.number == 1:
            for kind, texts in (
                (MARKER, self.piece.markers),
                (CUE, self.piece.cues),
                (TEXT, self.piece.texts),
            ):
                remarks += [
                    (tick, Direction(kind, name))
                    for tick, text in texts
                    if (name := clean_name(text))
                ]
        lines += [(tick, partial(direction, remark)) for tick, remark in remarks]
        if self.number == self._chord_part():
            for tick, text in self.piece.chords:
                if name := clean_name(text):
                    lines.append((tick, partial(harmony, name)))
        controls = ControlWriter()
        lines += [
            (tick, controls.line(controller, value))
            for tick, controller, value in self.placed.controls
        ]
        starts = [bar.start for bar in self.bars]
        by_bar: dict[int, deque[_Line]] = defaultdict(deque)
        for tick, line in sorted(lines, key=lambda entry: entry[0]):
            by_bar[bisect_right(starts, tick) - 1].append((tick, line))
        return by_bar

    def _chord_part(self) -> int:
        """The number of the part that has the chord symbols: the first one with pitches."""
        parts = enumerate(part_tracks(self.piece), start=1)
        return next((number for number, tracks in parts if not tracks[0].is_drum), 1)

    def _attributes(self, index: int) -> Iterator[str]:
        metre = self.bars[index].metre
        is_new_metre = index == 0 or metre is not self.bars[index - 1].metre
        if not (is_new_metre or index in self.signatures):
            return
        yield "<attributes>"
        if index == 0:
            yield f"<divisions>{self.piece.resolution}</divisions>"
        if index in self.signatures:
            fifths, mode = (0, "none") if self.is_keyless else self.signatures[index]
            yield f"<key><fifths>{fifths}</fifths><mode>{mode}</mode></key>"
        if is_new_metre:
            yield f"<time><beats>{metre.numerator}</beats>"
            yield f"<beat-type>{metre.denominator}</beat-type></time>"
        if index == 0 and self.is_grand:
            yield "<staves>2</staves>"
            yield '<clef number="1"><sign>G</sign><line>2</line></clef>'
            yield '<clef number="2"><sign>F</sign><line>4</line></clef>'
        elif index == 0:
            yield clef(self.track, by_pitch=self.is_sung_by_several)
        yield "</attributes>"

    def _music(self, index: int, signature: KeySignature) -> Iterator[str]:
        here = [(voice, voice.bars[index]) for voice in self.voices if index in voice.bars]
        bar = self.bars[index]
        spelled = {} if self.track.is_drum else self._spell(here, signature)
        between = self._between.get(index, deque())
        for place_of_voice, (voice, symbols) in enumerate(here):
            if place_of_voice:
                yield f"<backup><duration>{bar.end - bar.start}</duration></backup>"
            for symbol in symbols:
                yield from _lines_before(between, symbol.onset, symbol.onset + symbol.ticks)
                if symbol.is_space:
                    yield f"<forward><duration>{symbol.ticks}</duration></forward>"
                elif symbol.chord is None:
                    yield self._rest(symbol, voice)
                elif self.track.is_drum:
                    for order, note in enumerate(symbol.chord.notes):
                        yield self._drum_note(symbol, order, note, voice)
                else:
                    for order, note in enumerate(symbol.chord.notes):
                        name, accidental = spelled[id(symbol), order]
                        yield self._pitched_note(symbol, order, note, voice, name, accidental)
            # What stands behind the last bar; the first voice is the whole bar long.
            yield from _lines_before(between, bar.end, None)

    def _spell(
        self, here: list[tuple[Voice, list[Symbol]]], signature: KeySignature
    ) -> dict[tuple[int, int], tuple[Spelled, str]]:
        """(symbol id, place in its chord) -> spelled pitch and the accidental to print.

        An accidental lasts to the bar line, on its own line of its own staff.
        """
        by_signature = alterations_of(signature.fifths)
        in_force: dict[tuple[int, str, int], int] = {}
        result: dict[tuple[int, int], tuple[Spelled, str]] = {}
        sounding = [
            (symbol.onset, voice.number, voice.staff, symbol)
            for voice, symbols in here
            for symbol in symbols
        ]
        for _, _, staff, symbol in sorted(sounding, key=lambda entry: entry[:2]):
            for order, note in enumerate(symbol.chord.notes if symbol.chord else ()):
                name = spell(self.notes[note][2], signature)
                line = (staff, name.step, name.octave)
                is_new = in_force.get(line, by_signature[name.step]) != name.alter
                accidental = ""
                if is_new and not symbol.tied_from:
                    accidental = f"<accidental>{_ACCIDENTALS[name.alter]}</accidental>"
                    in_force[line] = name.alter
                result[id(symbol), order] = (name, accidental)
        return result

    # --- notes and rests: children in the order the schema wants ---

    def _rest(self, symbol: Symbol, voice: Voice) -> str:
        rest = "<rest/>" if symbol.kind else '<rest measure="yes"/>'
        held = "".join(map(fermata, self.placed.fermatas.pop(symbol.onset, ())))
        return (
            f"<note>{rest}<duration>{symbol.ticks}</duration><voice>{voice.number}</voice>"
            f"{_value(symbol)}{self._staff(voice)}{_notations(symbol, held)}</note>"
        )

    def _pitched_note(
        self,
        symbol: Symbol,
        order: int,
        note: int,
        voice: Voice,
        name: Spelled,
        accidental: str,
    ) -> str:
        alter = f"<alter>{name.alter}</alter>" if name.alter else ""
        return (
            f"{self._note_start(symbol, order, note)}"
            f"<pitch><step>{name.step}</step>{alter}<octave>{name.octave}</octave></pitch>"
            f"<duration>{symbol.ticks}</duration>{_ties(symbol)}{self._player(note)}"
            f"<voice>{voice.number}</voice>{_value(symbol, accidental)}"
            f"{self._stem(voice)}{self._staff(voice)}{_beams(symbol, order)}"
            f"{self._beside(symbol, order, note, voice)}</note>"
        )

    def _drum_note(self, symbol: Symbol, order: int, note: int, voice: Voice) -> str:
        key = self.notes[note][2]
        sign = drum_sign(key)
        head = "" if sign.head == "normal" else f"<notehead>{sign.head}</notehead>"
        stem = "up" if voice.is_first_on_staff else "down"
        return (
            f"{self._note_start(symbol, order, note)}"
            f"<unpitched><display-step>{sign.step}</display-step>"
            f"<display-octave>{sign.octave}</display-octave></unpitched>"
            f"<duration>{symbol.ticks}</duration>{_ties(symbol)}"
            f'<instrument id="P{self.number}-I{key + 1}"/><voice>{voice.number}</voice>'
            f"{_value(symbol)}<stem>{stem}</stem>{head}{_beams(symbol, order)}"
            f"{self._beside(symbol, order, note, voice)}</note>"
        )

    def _player(self, note: int) -> str:
        """The instrument of a note, where the part has several."""
        if self.players == 1:
            return ""
        place = self.placed.owners[note] + 1
        identity = f"P{self.number}-I{place}"
        if self.is_sung_by_several:
            identity = singer_id(self.number, place)
        return f'<instrument id="{identity}"/>'

    def _beside(self, symbol: Symbol, order: int, note: int, voice: Voice) -> str:
        """Ties, tuplets, signs and words of a note; its signs and words where it begins."""
        signs = ""
        if not symbol.tied_from:
            wanted = self.placed.signs.pop((id(symbol.chord), note), ())
            signs = notations(wanted, self._slurs[voice.number])
        onset = symbol.onset if symbol.tied_from else self.notes[note][0]
        lyrics = self.placed.lyrics[self.placed.owners[note]].at(onset)
        return f"{_notations(symbol, signs, is_note=True, is_first=order == 0)}{lyrics}"

    def _note_start(self, symbol: Symbol, order: int, note: int) -> str:
        """The opening tag, with how the note is performed."""
        onset, duration, _, velocity = self.notes[note]
        chord = symbol.chord
        attack = release = dynamics = ""
        if chord is not None and not symbol.tied_from:
            dynamics = f' dynamics="{velocity * 100 / FORTE_VELOCITY:.2f}"'
            if onset != chord.onset:
                attack = f' attack="{onset - chord.onset}"'
        if chord is not None and not symbol.tied_to and onset + duration != chord.end:
            release = f' release="{onset + duration - chord.end}"'
        return f"<note{attack}{release}{dynamics}>{'<chord/>' * (order > 0)}"

    def _stem(self, voice: Voice) -> str:
        """Up for the higher of two singers on a staff, down for the lower; else left open."""
        if not self.is_sung_by_several:
            return ""
        return f"<stem>{'up' if voice.is_first_on_staff else 'down'}</stem>"

    def _staff(self, voice: Voice) -> str:
        return f"<staff>{voice.staff}</staff>" if self.is_grand else ""


def _value(symbol: Symbol, accidental: str = "") -> str:
    if not symbol.kind:
        return ""
    ratio = ""
    if symbol.ratio != PLAIN:
        ratio = (
            f"<time-modification><actual-notes>{symbol.ratio.actual}</actual-notes>"
            f"<normal-notes>{symbol.ratio.normal}</normal-notes></time-modification>"
        )
    return f"<type>{symbol.kind}</type>{'<dot/>' * symbol.dots}{accidental}{ratio}"


def _ties(symbol: Symbol) -> str:
    return '<tie type="stop"/>' * symbol.tied_from + '<tie type="start"/>' * symbol.tied_to


def _beams(symbol: Symbol, order: int) -> str:
    """Beams stand on the first note of a chord."""
    levels = enumerate(symbol.beams if order == 0 else (), start=1)
    return "".join(f'<beam number="{level}">{name}</beam>' for level, name in levels)


def _notations(symbol: Symbol, signs: str, *, is_note: bool = False, is_first: bool = True) -> str:
    parts = ""
    if is_note:
        parts += '<tied type="stop"/>' * symbol.tied_from
        parts += '<tied type="start"/>' * symbol.tied_to
    if is_first:
        parts += "".join(f'<tuplet type="{edge}"/>' for edge in symbol.tuplet_edges)
    parts += signs
    return f"<notations>{parts}</notations>" if parts else ""


def _lines_before(between: deque[_Line], onset: int, end: int | None) -> Iterator[str]:
    """What stands before the end of a symbol, each with its distance from the symbol's onset."""
    while between and (end is None or between[0][0] < end):
        tick, line = between.popleft()
        yield line(tick - onset)


def part_tracks(piece: Piece) -> list[list[Track]]:
    """The tracks of each part: one, those of a player who changes instruments, or two singers.

    Of a player they stand beside each other, have one name and no two the same program; of singers
    see `choir_staves`.
    """
    parts: list[list[Track]] = []
    sung = 0  # tracks that were taken as a choir, two of each part
    for index, track in enumerate(piece.tracks):
        if index < sung:
            continue
        if is_choir(choir := piece.tracks[index : index + 4]):
            parts += [[*choir[:2]], [*choir[2:]]]
            sung = index + 4
            continue
        before = parts[-1] if parts else []
        joins = (
            bool(before and track.player)
            and track.player == before[0].player
            and track.name == before[0].name
            and not (track.is_drum or before[0].is_drum)
            and track.program not in {other.program for other in before}
        )
        if joins:
            before.append(track)
        else:
            parts.append([track])
    return parts
