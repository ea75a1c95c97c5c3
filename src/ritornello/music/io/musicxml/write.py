"""A piece as a MusicXML 4.0 score that a player can read and that loses nothing.

What is printed comes from `music.quantise` and `music.io.musicxml.notation`. What sounds is
kept beside it with the attributes MusicXML has for performances: ``attack`` and ``release``
(ticks by which a note sounds off its written time) and ``dynamics`` (the velocity; 90 is 100%).
So a human performance is engraved in 16ths and still comes back tick for tick.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from xml.sax.saxutils import escape

from ritornello.errors import InputError
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io.musicxml.container import compressed
from ritornello.music.io.musicxml.marks import clef, dynamic_marks, tempo_lines
from ritornello.music.io.musicxml.measures import FORTE_VELOCITY, LENGTH_FIELD
from ritornello.music.io.musicxml.notation import Symbol
from ritornello.music.io.musicxml.parts import Voice, has_grand_staff, write_part
from ritornello.music.piece import Piece, Track
from ritornello.music.quantise import PLAIN, Bar, list_bars
from ritornello.music.spelling import (
    WRITABLE_SCALES,
    Signature,
    Spelled,
    altered_by,
    drum_sign,
    estimated_signature,
    signature_of,
    spell,
)

_LOG = logging.getLogger(__name__)

_MAX_BARS = 50_000
_LOWEST_PITCH = 12  # octave 0 is the lowest MusicXML can write
_ACCIDENTALS = {-1: "flat", 0: "natural", 1: "sharp"}


def holdable(piece: Piece) -> bool:
    """Whether reading the written score gives the very same piece.

    It does when: there is at least one track; the title and names are printable text without
    outer or double spaces; every metre begins on a 64th note and its unit is whole ticks;
    every key has a scale with a MusicXML mode, stands alone on its bar line, before the end;
    no tempo or metre stands after the end; and pitched notes are 12 or higher. Notes may be
    anywhere: those off every notatable grid are printed nearby and keep their sounding time.
    """
    texts = [piece.title, *(track.name for track in piece.tracks)]
    end = max(1, piece.length_ticks)
    ticks = [*(tempo.tick for tempo in piece.tempos), *(metre.tick for metre in piece.metres)]
    ticks += [change.tick for change in piece.keys]
    return (
        bool(piece.tracks)
        and all(text == " ".join(text.split()) and text.isprintable() for text in texts)
        and _has_notatable_bars(piece)
        and all(0 <= tick < end for tick in ticks)
        and len({change.tick for change in piece.keys}) == len(piece.keys)
        and {change.tick for change in piece.keys} <= {bar.start for bar in list_bars(piece, end)}
        and all(change.key.scale in WRITABLE_SCALES for change in piece.keys)
        and all(
            track.is_drum or len(track) == 0 or track.notes["pitch"].min() >= _LOWEST_PITCH
            for track in piece.tracks
        )
    )


def write_bytes(piece: Piece) -> bytes:
    """The piece as uncompressed MusicXML 4.0, partwise, UTF-8.

    What a score cannot print as it is gets changed, never left out, and is logged with its
    count: pitches below 12 go up an octave; key changes go to the nearest bar line; where bars
    do not lie on a grid of 64ths, the piece is moved to 480 ticks a quarter first.

    Raises:
        InputError: if the piece has no track, or more than 50,000 bars.
    """
    if not piece.tracks:
        raise InputError(
            "The piece has no parts, and a score needs at least one.",
            next_step="Add a track, even one without notes.",
        )
    _check_size(piece)
    score = with_notatable_bars(piece)
    bars = list_bars(score, score.length_ticks)
    signatures = bar_signatures(score, bars)
    lines = [*_header(score), "<part-list>"]
    for number, track in enumerate(score.tracks, start=1):
        lines += _score_part(track, number)
    lines.append("</part-list>")
    for number, track in enumerate(score.tracks, start=1):
        part = _PartWriter(track, number, bars, signatures, score)
        lines += part.lines()
    lines.append("</score-partwise>\n")
    return "\n".join(lines).encode()


def write_compressed_bytes(piece: Piece) -> bytes:
    """The piece as compressed MusicXML (.mxl); see `write_bytes`."""
    return compressed(write_bytes(piece))


# --- what the piece allows --------------------------------------------------------------------


def _has_notatable_bars(piece: Piece) -> bool:
    return all(
        4 * piece.resolution % metre.denominator == 0 and metre.tick * 16 % piece.resolution == 0
        for metre in piece.metres
    )


def _check_size(piece: Piece) -> None:
    shortest = min(metre.bar_ticks(piece.resolution) for metre in piece.metres)
    last = max(piece.length_ticks, piece.metres[-1].tick)
    if last // shortest > _MAX_BARS:
        raise InputError(
            f"The piece may have {last // shortest:,} bars; a score has at most {_MAX_BARS:,}.",
            where=piece.title,
            next_step="Cut the piece, or remove what stands far behind its end.",
        )


def with_notatable_bars(piece: Piece) -> Piece:
    if _has_notatable_bars(piece):
        return piece
    moved = piece.at_resolution(480)
    unit = 480 // 16
    metres = tuple(
        metre._replace(tick=(metre.tick + unit // 2) // unit * unit) for metre in moved.metres
    )
    _LOG.info("Moved the bar lines of %r to a grid of 64th notes.", piece.title)
    return replace(moved, metres=metres)


def bar_signatures(piece: Piece, bars: list[Bar]) -> dict[int, Signature]:
    """Bar index -> the signature that begins there; always one for the first bar."""
    starts = [bar.start for bar in bars]
    signatures: dict[int, Signature] = {}
    for change in piece.keys:
        after = bisect_right(starts, change.tick)
        near = [index for index in (after - 1, after) if 0 <= index < len(bars)]
        index = min(near, key=lambda index: abs(starts[index] - change.tick))
        signatures[index] = signature_of(change.key)
    if 0 not in signatures:
        signatures[0] = estimated_signature(piece)
    return signatures


# --- header and part list ---------------------------------------------------------------------


def _header(piece: Piece) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
        ' "http://www.musicxml.org/dtds/partwise.dtd">'
    )
    yield '<score-partwise version="4.0">'
    if piece.title:
        yield f"<work><work-title>{escape(piece.title)}</work-title></work>"
    yield "<identification><encoding><software>ritornello</software></encoding><miscellaneous>"
    yield f'<miscellaneous-field name="{LENGTH_FIELD}">{piece.length_ticks}</miscellaneous-field>'
    yield "</miscellaneous></identification>"


def _score_part(track: Track, number: int) -> Iterator[str]:
    yield f'<score-part id="P{number}"><part-name>{escape(track.name)}</part-name>'
    if not track.name:
        shown = escape(track.label.capitalize())
        yield f"<part-name-display><display-text>{shown}</display-text></part-name-display>"
    if track.is_drum:
        keys = sorted(set(track.notes["pitch"].tolist())) or [36]
        for key in keys:
            name = escape(drum_sign(key).name)
            yield f'<score-instrument id="P{number}-I{key + 1}">'
            yield f"<instrument-name>{name}</instrument-name></score-instrument>"
        for key in keys:
            yield f'<midi-instrument id="P{number}-I{key + 1}"><midi-channel>10</midi-channel>'
            yield f"<midi-unpitched>{key + 1}</midi-unpitched></midi-instrument>"
    else:
        channel = (number - 1) % 15 + 1
        channel += channel >= 10
        name = escape(INSTRUMENTS[track.instrument].name.capitalize())
        yield f'<score-instrument id="P{number}-I1"><instrument-name>{name}</instrument-name>'
        yield f'</score-instrument><midi-instrument id="P{number}-I1">'
        yield f"<midi-channel>{channel}</midi-channel>"
        yield f"<midi-program>{track.program + 1}</midi-program></midi-instrument>"
    yield "</score-part>"


# --- one part ---------------------------------------------------------------------------------


class _PartWriter:
    """The measures of one track."""

    def __init__(
        self,
        track: Track,
        number: int,
        bars: list[Bar],
        signatures: dict[int, Signature],
        piece: Piece,
    ) -> None:
        self.track = track
        self.number = number
        self.bars = bars
        self.signatures = signatures
        self.piece = piece
        self.notes = track.notes.tolist()
        self.is_grand = has_grand_staff(track)
        # Some programs print a signature on a percussion staff: drums in a band have none.
        self.is_keyless = track.is_drum and not all(other.is_drum for other in piece.tracks)
        self.voices = write_part(track, bars, piece.resolution)
        low = 0 if track.is_drum else int((track.notes["pitch"] < _LOWEST_PITCH).sum())
        if low:
            _LOG.info("%s: %d notes below octave 0 written an octave up.", track.label, low)

    def lines(self) -> Iterator[str]:
        yield f'<part id="P{self.number}">'
        marks = dynamic_marks(self.track, self.bars)
        tempos = tempo_lines(self.piece.tempos, self.bars) if self.number == 1 else {}
        signature = self.signatures[0]
        for index, bar in enumerate(self.bars):
            signature = self.signatures.get(index, signature)
            is_cut = bar.end - bar.start < bar.metre.bar_ticks(self.piece.resolution)
            implicit = ' implicit="yes"' if is_cut else ""
            yield f'<measure number="{index + 1}"{implicit}>'
            yield from self._attributes(index)
            yield from tempos.get(index, ())
            if index in marks:
                yield (
                    '<direction placement="below"><direction-type><dynamics>'
                    f"<{marks[index]}/></dynamics></direction-type></direction>"
                )
            yield from self._music(index, signature)
            if index == len(self.bars) - 1:
                yield '<barline location="right"><bar-style>light-heavy</bar-style></barline>'
            yield "</measure>"
        yield "</part>"

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
            yield clef(self.track)
        yield "</attributes>"

    def _music(self, index: int, signature: Signature) -> Iterator[str]:
        here = [(voice, voice.bars[index]) for voice in self.voices if index in voice.bars]
        bar = self.bars[index]
        spelled = {} if self.track.is_drum else self._spell(here, signature)
        for place, (voice, symbols) in enumerate(here):
            if place:
                yield f"<backup><duration>{bar.end - bar.start}</duration></backup>"
            for symbol in symbols:
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

    def _spell(
        self, here: list[tuple[Voice, list[Symbol]]], signature: Signature
    ) -> dict[tuple[int, int], tuple[Spelled, str]]:
        """(symbol id, place in its chord) -> spelled pitch and the accidental to print.

        An accidental lasts to the bar line, on its own line of its own staff.
        """
        by_signature = altered_by(signature.fifths)
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
        return (
            f"<note>{rest}<duration>{symbol.ticks}</duration><voice>{voice.number}</voice>"
            f"{_value(symbol)}{self._staff(voice)}{_notations(symbol, ties=False)}</note>"
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
            f"<duration>{symbol.ticks}</duration>{_ties(symbol)}<voice>{voice.number}</voice>"
            f"{_value(symbol, accidental)}{self._staff(voice)}{_beams(symbol, order)}"
            f"{_notations(symbol, ties=True, is_first=order == 0)}</note>"
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
            f"{_notations(symbol, ties=True, is_first=order == 0)}</note>"
        )

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


def _notations(symbol: Symbol, *, ties: bool, is_first: bool = True) -> str:
    signs = ""
    if ties:
        signs += '<tied type="stop"/>' * symbol.tied_from
        signs += '<tied type="start"/>' * symbol.tied_to
    if is_first:
        signs += "".join(f'<tuplet type="{edge}"/>' for edge in symbol.tuplet_edges)
    return f"<notations>{signs}</notations>" if signs else ""
