"""A piece as an ABC tune: what a player reads, and programs play.

The notes are those of the printed score (`ritornello.music.io.musicxml.parts`): times on a grid
that can be notated, voices of a part as overlays (``&``), keyboards on two staves. Loudness is
written as dynamic marks, not note by note, and a performance in its written times; `holdable` is
the piece that comes back. What ABC has no sign for stands in one line ``%%ritornello``, which
other programs pass over.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io.abc.book import escaped_text
from ritornello.music.io.abc.fields import MODE_FIFTHS, MODES
from ritornello.music.io.abc.voice import DEFAULT_VELOCITY, VELOCITIES
from ritornello.music.io.limits import clean_name
from ritornello.music.io.musicxml.marks import clef_sign, dynamic_marks
from ritornello.music.io.musicxml.notation import Symbol
from ritornello.music.io.musicxml.parts import Voice, has_grand_staff, write_part
from ritornello.music.io.musicxml.write import bar_signatures, with_notatable_bars
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
from ritornello.music.quantise import PLAIN, Bar, list_bars, span_ticks
from ritornello.music.spelling import FIFTHS, Signature, altered_by, spell

_LOG = logging.getLogger(__name__)

_MOST_BARS = 50_000
_BARS_A_LINE = 4
_UNIT = 8  # L:1/8
_ACCIDENTALS = {-1: "_", 0: "=", 1: "^"}


def holdable(piece: Piece) -> Piece:
    """The piece as ABC holds it: what reading `write_bytes` gives.

    Notes have their written times and the velocity of the dynamic mark in force; drums last until
    the next hit. Names are one line. A tempo stands at the note or rest that begins there or next,
    a key at the nearest bar line, named by a mode. A metre that changes nothing is not kept.

    Raises:
        InputError: if the piece has no note, or more than 50,000 bars.
    """
    return _Tune(piece).held()


def write_bytes(piece: Piece) -> bytes:
    """The piece as one tune in ABC 2.1, UTF-8; what is changed is told in the log, see `holdable`.

    Raises:
        InputError: if the piece has no note, or more than 50,000 bars.
    """
    return _Tune(piece).text().encode()


@dataclass
class _Staff:
    """One V: of the tune: a part, or one hand of a keyboard."""

    number: int
    clef: str
    voices: list[Voice]


@dataclass
class _Part:
    """One track, as it is written."""

    track: Track
    staves: list[_Staff]
    marks: dict[int, str]  # bar index -> dynamic mark
    notes: list[tuple[int, int, int, int]] = field(default_factory=list)  # that are read back


class _Tune:
    """The written form of a piece, as `text` and as what it holds."""

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
        end = piece.length_ticks
        heard = tuple(metre for metre in piece.metres if metre.tick < end)
        self.piece = with_notatable_bars(replace(piece, metres=heard))
        self.bars = _bars(self.piece)
        self.signatures = bar_signatures(self.piece, self.bars)
        self.parts: list[_Part] = []
        number = 1
        for track in self.piece.tracks:
            part = self._part(track, number)
            self.parts.append(part)
            number += len(part.staves)
        self.tempos = self._tempos()

    def _part(self, track: Track, number: int) -> _Part:
        voices = write_part(track, self.bars, self.piece.resolution)
        marks = dynamic_marks(track, self.bars)
        staves = []
        for staff in range(1, 2 + has_grand_staff(track)):
            sign = clef_sign(track) if not has_grand_staff(track) else ("treble", "bass")[staff - 1]
            here = [voice for voice in voices if voice.staff == staff]
            staves.append(_Staff(number + staff - 1, sign, here))
        part = _Part(track, staves, marks)
        part.notes = self._notes(part)
        return part

    # --- what is read back ---

    def held(self) -> Piece:
        piece = self.piece
        end = self.bars[-1].end
        metres: list[Metre] = []
        is_broken = True
        for bar in self.bars:
            metre = bar.metre._replace(tick=bar.start)
            if is_broken or metre[1:] != metres[-1][1:]:
                metres.append(metre)
            is_broken = bar.end - bar.start != metre.bar_ticks(piece.resolution)
        keys = [
            KeyChange(self.bars[index].start, _key_of(signature))
            for index, signature in sorted(self.signatures.items())
            if signature.mode != "none"
        ]
        kept = [key for at, key in enumerate(keys) if not at or key.key != keys[at - 1].key]
        return Piece(
            tuple(
                Track(
                    np.array(part.notes, NOTE_DTYPE),
                    0 if part.track.is_drum else part.track.program,
                    part.track.is_drum,
                    clean_name(part.track.name),
                )
                for part in self.parts
            ),
            piece.resolution,
            tuple(self.tempos),
            tuple(metres),
            tuple(kept),
            min(end, piece.length_ticks),
            clean_name(piece.title),
        )

    def _notes(self, part: _Part) -> list[tuple[int, int, int, int]]:
        """The notes of the written symbols, with the velocities of the marks."""
        pitches = part.track.notes["pitch"].tolist()
        marked = sorted(part.marks)
        velocity_of_bar = np.full(len(self.bars), DEFAULT_VELOCITY)
        for index in marked:
            velocity_of_bar[index:] = VELOCITIES[part.marks[index]]
        notes = []
        for staff in part.staves:
            for voice in staff.voices:
                for index, symbols in sorted(voice.bars.items()):
                    for symbol in symbols:
                        chord = symbol.chord
                        if chord is None or symbol.tied_from:
                            continue
                        notes += [
                            (symbol.onset, chord.end - chord.onset, pitch, velocity_of_bar[index])
                            for pitch in sorted({pitches[note] for note in chord.notes})
                        ]
        return notes

    def _tempos(self) -> list[Tempo]:
        """Tempo changes at symbols of the first voice: at its tick, or where the next begins."""
        first = self.parts[0].staves[0].voices[0]
        onsets = [symbol.onset for index in sorted(first.bars) for symbol in first.bars[index]]
        found: dict[int, Tempo] = {}
        at = np.searchsorted(onsets, [tempo.tick for tempo in self.piece.tempos])
        for tempo, place in zip(self.piece.tempos, at.tolist(), strict=True):
            if place < len(onsets):
                found[onsets[place]] = Tempo(onsets[place], round(tempo.bpm, 6))
        moved = sum(tempo.tick not in found for tempo in self.piece.tempos)
        if moved:
            _LOG.info("%d tempo changes moved to the next note, or left out at the end.", moved)
        tempos = list(found.values())
        return [t for k, t in enumerate(tempos) if not k or t.bpm != tempos[k - 1].bpm]

    # --- the text ---

    def text(self) -> str:
        piece = self.piece
        lines = ["X:1"]
        if title := clean_name(piece.title):
            lines.append(f"T:{escaped_text(title)}")
        if own := " ".join(self._own()):
            lines.append(f"%%ritornello {own}")
        lines += [f"M:{_metre(self.bars[0].metre)}", f"L:1/{_UNIT}"]
        lines.append(f"Q:{_tempo(self.tempos[0].bpm)}")
        number_of_staves = sum(len(part.staves) for part in self.parts)
        if number_of_staves > 1:
            order = " ".join(
                f"{{{' '.join(str(staff.number) for staff in part.staves)}}}"
                if len(part.staves) > 1
                else str(part.staves[0].number)
                for part in self.parts
            )
            lines.append(f"%%score {order}")
        key = f"K:{_key_name(self.signatures[0])}"
        if number_of_staves == 1 and not self.parts[0].track.name:
            _, *lines_of_voice = _voice_lines(self.parts[0])
            lines += [*lines_of_voice, f"{key} clef={self.parts[0].staves[0].clef}"]
        else:
            for part in self.parts:
                lines += _voice_lines(part)
            lines.append(key)
        tempos = {tempo.tick: tempo for tempo in self.tempos[1:]}
        texts = [
            (staff, list(self._bars(part, staff, tempos if not number else {})))
            for part in self.parts
            for number, staff in enumerate(part.staves, 0 if part is self.parts[0] else 1)
        ]
        for start in range(0, len(self.bars), _BARS_A_LINE):
            for staff, bars in texts:
                if len(texts) > 1:
                    lines.append(f"V:{staff.number}")
                lines.append(" ".join(bars[start : start + _BARS_A_LINE]))
        return "\n".join(lines) + "\n"

    def _own(self) -> Iterator[str]:
        """What stands in the line for our reader alone."""
        piece = self.piece
        if piece.resolution != DEFAULT_RESOLUTION:
            yield f"ticks={piece.resolution}"
        if piece.length_ticks < self.bars[-1].end:
            yield f"length={piece.length_ticks}"
        if self.signatures[0].mode == "none":
            yield "key=estimated"
        hands = [part.staves for part in self.parts if len(part.staves) > 1]
        if hands:
            yield "hands=" + ",".join(f"{upper.number}+{lower.number}" for upper, lower in hands)

    def _bars(self, part: _Part, staff: _Staff, tempos: dict[int, Tempo]) -> Iterator[str]:
        """The bars of one staff, each with its bar line."""
        signature = self.signatures[0]
        last = len(self.bars) - 1
        layers = len(staff.voices)
        for index, bar in enumerate(self.bars):
            start = []
            if index and bar.metre[1:] != self.bars[index - 1].metre[1:]:
                start.append(f"[M:{_metre(bar.metre)}]")
            if index and index in self.signatures:
                signature = self.signatures[index]
                start.append(f"[K:{_key_name(signature)}]")
            if index in part.marks:
                start.append(f"!{part.marks[index]}!")
            spelling = _Spelling(part, staff, index, signature)
            used = [place for place in range(layers) if index in staff.voices[place].bars]
            texts = []
            for place in range(max(used) + 1):
                # A voice that rests keeps its place, so that ties find the next bar of theirs.
                symbols = staff.voices[place].bars.get(index)
                texts.append(
                    self._layer(symbols, spelling, tempos if not place else {})
                    if symbols
                    else f"x{self._length(Fraction(bar.end - bar.start))}"
                )
            music = " & ".join(texts)
            # A double bar shows that a bar is short on purpose.
            is_cut = bar.end - bar.start != bar.metre.bar_ticks(self.piece.resolution)
            line = "|]" if index == last else "||" if is_cut and index else "|"
            yield f"{''.join(start)}{music} {line}"

    def _layer(self, symbols: list[Symbol], spelling: _Spelling, tempos: dict[int, Tempo]) -> str:
        """The symbols of one voice in one bar."""
        found: list[str] = []
        for place, symbol in enumerate(symbols):
            text = ""
            if symbol.onset in tempos:
                text += f"[Q:{_tempo(tempos[symbol.onset].bpm)}]"
            if "start" in symbol.tuplet_edges:
                count = next(
                    number
                    for number, inner in enumerate(symbols[place:], 1)
                    if "stop" in inner.tuplet_edges
                )
                text += f"({symbol.ratio.actual}:{symbol.ratio.normal}:{count}"
            length = Fraction(symbol.ticks)
            if symbol.ratio != PLAIN:
                length = length * symbol.ratio.actual / symbol.ratio.normal
            text += spelling.symbol(symbol, self._length(length))
            is_beamed = bool(symbol.beams) and symbol.beams[0] in ("continue", "end")
            found.append(text if is_beamed or not found else f" {text}")
        return "".join(found)

    def _length(self, ticks: Fraction) -> str:
        """The length of a note in units: "" for one, ``3``, ``3/2``, ``/2``."""
        units = ticks * _UNIT / (4 * self.piece.resolution)
        over = "" if units.numerator == 1 else str(units.numerator)
        return over if units.denominator == 1 else f"{over}/{units.denominator}"


class _Spelling:
    """The notes of one bar of one staff, spelled.

    A letter that has an accidental anywhere in the bar is written with one everywhere in it:
    programs differ on whether an accidental holds in other octaves and in overlays.
    """

    def __init__(self, part: _Part, staff: _Staff, index: int, signature: Signature) -> None:
        self.pitches = part.track.notes["pitch"].tolist()
        self.signature = signature
        self.by_signature = altered_by(signature.fifths)
        sounding = {
            self.pitches[note]
            for voice in staff.voices
            for symbol in voice.bars.get(index, ())
            if symbol.chord is not None
            for note in symbol.chord.notes
        }
        names = [spell(pitch, signature) for pitch in sounding]
        self.accidental_letters = {
            name.step for name in names if name.alter != self.by_signature[name.step]
        }

    def symbol(self, symbol: Symbol, length: str) -> str:
        if symbol.chord is None:
            return f"{'x' if symbol.is_space else 'z'}{length}"
        pitches = sorted({self.pitches[note] for note in symbol.chord.notes})
        notes = "".join(self._note(pitch) for pitch in pitches)
        tie = "-" if symbol.tied_to else ""
        return f"{f'[{notes}]' if len(pitches) > 1 else notes}{length}{tie}"

    def _note(self, pitch: int) -> str:
        name = spell(pitch, self.signature)
        # Spelling has a lowest octave; what is moved by it comes back down here.
        octave = name.octave + (pitch - name.pitch) // 12
        accidental = _ACCIDENTALS[name.alter] if name.step in self.accidental_letters else ""
        if octave >= 5:
            return f"{accidental}{name.step.lower()}" + "'" * (octave - 5)
        return f"{accidental}{name.step}" + "," * (4 - octave)


def _bars(piece: Piece) -> list[Bar]:
    """The bars of the piece; the last one ends with it where that is on a beat."""
    bars = [bar for bar in list_bars(piece, piece.length_ticks) if bar.start < piece.length_ticks]
    last = bars[-1]
    if (piece.length_ticks - last.start) % span_ticks(last.metre, piece.resolution) == 0:
        bars[-1] = last._replace(end=min(last.end, piece.length_ticks))
    return bars


def _voice_lines(part: _Part) -> Iterator[str]:
    """The V: of each staff, and who plays it."""
    for staff in part.staves:
        name = escaped_text(clean_name(part.track.name)).replace('"', "\\u0022")
        yield f'V:{staff.number} clef={staff.clef} name="{name}"'
        if part.track.is_drum:
            yield "%%MIDI channel 10"
        else:
            yield f"%%MIDI program {part.track.program}"


def _metre(metre: Metre) -> str:
    return f"{metre.numerator}/{metre.denominator}"


def _tempo(bpm: float) -> str:
    """Quarters a minute, with as many digits as are read."""
    return f"1/4={bpm:.6f}".rstrip("0").rstrip(".")


def _key_of(signature: Signature) -> KeyName:
    """The key that `_key_name` is read as."""
    scale = _scale(signature)
    return KeyName((signature.fifths - MODE_FIFTHS[scale]) * 7 % 12, scale)


def _scale(signature: Signature) -> str:
    return MODES.get(signature.mode[:3], "major")


def _key_name(signature: Signature) -> str:
    """``Ador`` for a signature and a mode; the tonic is spelled by its place among the fifths."""
    scale = _scale(signature)
    line = signature.fifths - MODE_FIFTHS[scale]
    sign = {-1: "b", 0: "", 1: "#"}[(line + 1) // 7]
    mode = {"major": "", "minor": "m", "natural minor": "aeo"}.get(scale, scale[:3])
    return f"{FIFTHS[(line + 1) % 7]}{sign}{mode}"
