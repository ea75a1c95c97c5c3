"""A piece as an ABC tune: what a player reads, and programs play.

Loudness is written as dynamic marks, not note by note, and a performance in its written times;
`holdable` is the piece that comes back. What ABC has no sign for stands in one line
``%%ritornello``, which other programs pass over.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from ritornello.music.io.abc.book import escaped_text
from ritornello.music.io.abc.fields import MODE_FIFTHS
from ritornello.music.io.abc.layout import Event, Layout, Part, Staff, scale_of
from ritornello.music.io.abc.lyrics import written_syllable
from ritornello.music.io.abc.signs import DECORATIONS
from ritornello.music.io.limits import clean_name
from ritornello.music.piece import DEFAULT_RESOLUTION, Metre, Piece
from ritornello.music.quantise import PLAIN
from ritornello.music.spelling import FIFTHS, KeySignature, alterations_of, spell

_BARS_A_LINE = 4
_UNIT = 8  # L:1/8
_ACCIDENTALS = {-1: "_", 0: "=", 1: "^"}


def holdable(piece: Piece) -> Piece:
    """The piece as ABC holds it: what reading `write_bytes` gives.

    Notes have their written times and the velocity of the dynamic mark in force; drums last until
    the next hit. Names are one line. Tempi, chord symbols and markers stand at the note or rest of
    the first part that begins there or next, keys at the nearest bar line, named by a mode. A
    metre that changes nothing is not kept.

    Raises:
        InputError: if the piece has no note, or more than 50,000 bars.
    """
    return Layout(piece).held()


def losses(piece: Piece) -> list[str]:
    """What the tune of a piece does not hold of kinds that ABC has signs for, as sentences."""
    if not piece.note_count:
        return []
    layout = Layout(piece)
    told = []
    for part in layout.parts:
        for kind, why in (("mark", "with a sign"), ("syllable", "at a note")):
            if count := part.lost[kind]:
                where = f"(part {part.track.label})"
                told.append(f"ABC holds a {kind} only {why}: {count} are left out {where}.")
    if count := layout.lost["chord symbol"]:
        told.append(f"ABC holds chord symbols that name a chord: {count} are left out.")
    held = layout.held()
    pairs = list(zip(layout.piece.tracks, held.tracks, strict=True))
    times = sum(
        track.notes[["onset", "duration"]].tolist() != kept.notes[["onset", "duration"]].tolist()
        for track, kept in pairs
        if not track.is_drum
    )
    if times:
        told.append(f"ABC holds written times, not played ones: {times} parts are moved to a grid.")
    if any(set(t.notes["velocity"].tolist()) - set(k.notes["velocity"].tolist()) for t, k in pairs):
        told.append("ABC holds loudness as dynamic marks: velocities are those of the marks.")
    for what in ("tempo", "chord symbol", "marker"):
        if count := layout.lost[f"{what} off the notes"]:
            told.append(f"A {what} needs a note in ABC: {count} are moved to the next one.")
    return told


def write_bytes(piece: Piece) -> bytes:
    """The piece as one tune in ABC 2.1, UTF-8; see `holdable`.

    Raises:
        InputError: if the piece has no note, or more than 50,000 bars.
    """
    return "\n".join(_lines(Layout(piece))).encode() + b"\n"


def _lines(layout: Layout) -> Iterator[str]:
    piece, parts = layout.piece, layout.parts
    staves = [(part, staff) for part in parts for staff in part.staves]
    yield "X:1"
    for letter, text in (("T", piece.title), ("C", piece.composer)):
        if name := clean_name(text):
            gap = " " * name.startswith((":", "|"))  # "C:|" would be a note before a repeat
            yield f"{letter}:{gap}{escaped_text(name)}"
    if name := clean_name(piece.copyright):
        yield f"Z:abc-copyright {escaped_text(name)}"
    if own := " ".join(_own(layout)):
        yield f"%%ritornello {own}"
    yield f"M:{_metre(layout.bars[0].metre)}"
    yield f"L:1/{_UNIT}"
    first = next(parts[0].staves[0].first_layer())
    yield f"Q:{_tempo(first.tempo or piece.tempos[0].bpm)}"
    key = f"K:{_key_name(layout.signatures[0])}"
    if len(staves) > 1:
        hands = (" ".join(str(staff.number) for staff in part.staves) for part in parts)
        yield "%%score " + " ".join(f"{{{hand}}}" if " " in hand else hand for hand in hands)
    if len(staves) > 1 or parts[0].track.name:
        for part, staff in staves:
            name = _escaped(clean_name(part.track.name), '"')
            yield f'V:{staff.number} clef={staff.clef} name="{name}"'
            yield _player(part)
        yield key
    else:
        yield _player(parts[0])
        yield f"{key} clef={staves[0][1].clef}"
    texts = [(staff, list(_bars(layout, part, staff)), _Words(staff)) for part, staff in staves]
    for start in range(0, len(layout.bars), _BARS_A_LINE):
        here = range(start, min(start + _BARS_A_LINE, len(layout.bars)))
        for staff, bars, words in texts:
            if len(texts) > 1:
                yield f"V:{staff.number}"
            yield " ".join(bars[index] for index in here)
            yield from words.lines(here)


def _own(layout: Layout) -> Iterator[str]:
    """What stands in the line for our reader alone."""
    piece = layout.piece
    if piece.resolution != DEFAULT_RESOLUTION:
        yield f"ticks={piece.resolution}"
    if piece.length_ticks < layout.bars[-1].end:
        yield f"length={piece.length_ticks}"
    if layout.signatures[0].mode == "none":
        yield "key=estimated"
    hands = [part.staves for part in layout.parts if len(part.staves) > 1]
    if hands:
        yield "hands=" + ",".join(f"{upper.number}+{lower.number}" for upper, lower in hands)


def _escaped(text: str, signs: str) -> str:
    """A text with those signs written by their numbers, as they would end it."""
    text = escaped_text(text)
    for sign in signs:
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _player(part: Part) -> str:
    return "%%MIDI channel 10" if part.track.is_drum else f"%%MIDI program {part.track.program}"


def _metre(metre: Metre) -> str:
    return f"{metre.numerator}/{metre.denominator}"


def _tempo(bpm: float) -> str:
    """Quarters a minute, with as many digits as are read."""
    return f"1/4={bpm:.6f}".rstrip("0").rstrip(".")


def _key_name(signature: KeySignature) -> str:
    """``Ador`` for a signature and a mode; the tonic is spelled by its place among the fifths."""
    scale = scale_of(signature)
    line = signature.fifths - MODE_FIFTHS[scale]
    sign = {-1: "b", 0: "", 1: "#"}[(line + 1) // 7]
    mode = {"major": "", "minor": "m", "natural minor": "aeo"}.get(scale, scale[:3])
    return f"{FIFTHS[(line + 1) % 7]}{sign}{mode}"


# --- bars -------------------------------------------------------------------------------------


def _bars(layout: Layout, part: Part, staff: Staff) -> Iterator[str]:
    """The bars of one staff, each with its bar line."""
    resolution = layout.piece.resolution
    signature = layout.signatures[0]
    last = len(layout.bars) - 1
    wedge = _Wedge()
    for index, bar in enumerate(layout.bars):
        text = ""
        if index and bar.metre[1:] != layout.bars[index - 1].metre[1:]:
            text += f"[M:{_metre(bar.metre)}]"
        if index and index in layout.signatures:
            signature = layout.signatures[index]
            text += f"[K:{_key_name(signature)}]"
        spelling = _Spelling(staff, index, signature)
        used = [place for place, layer in enumerate(staff.layers) if index in layer]
        layers = []
        for place in range(max(used) + 1):
            events = staff.layers[place].get(index)
            if events:
                layers.append(_layer(events, spelling, wedge, resolution, is_first=index == 0))
            else:  # a voice that rests keeps its place, so that ties find the next bar of theirs
                layers.append(f"x{_length(Fraction(bar.end - bar.start), resolution)}")
        # A double bar shows that a bar is short on purpose.
        is_cut = bar.end - bar.start != bar.metre.bar_ticks(resolution)
        line = "|]" if index == last else "||" if is_cut and index else "|"
        yield f"{text}{' & '.join(layers)} {line}"


def _layer(
    events: list[Event], spelling: _Spelling, wedge: _Wedge, resolution: int, *, is_first: bool
) -> str:
    """One voice in one bar."""
    found: list[str] = []
    for place, event in enumerate(events):
        symbol = event.symbol
        text = ""
        if event.tempo is not None and not (is_first and place == 0):
            text += f"[Q:{_tempo(event.tempo)}]"
        if event.marker:
            text += f"[P:{_escaped(event.marker, '[]')}]"
        if event.chord:
            text += f'"{escaped_text(event.chord)}"'
        if "start" in symbol.tuplet_edges:
            inside = (inner.symbol.tuplet_edges for inner in events[place:])
            count = next(number for number, edges in enumerate(inside, 1) if "stop" in edges)
            text += f"({symbol.ratio.actual}:{symbol.ratio.normal}:{count}"
        length = Fraction(symbol.ticks)
        if symbol.ratio != PLAIN:
            length = length * symbol.ratio.actual / symbol.ratio.normal
        text += "".join(_mark(kind, name, wedge) for kind, name in event.marks)
        text += "(" * event.marks.count(("slur", "start"))
        text += spelling.written(event, _length(length, resolution))
        text += ")" * event.marks.count(("slur", "stop"))
        is_beamed = bool(symbol.beams) and symbol.beams[0] in ("continue", "end")
        found.append(text if is_beamed or not found else f" {text}")
    return "".join(found)


class _Wedge:
    """Which wedge is open: its end is written by the same name."""

    def __init__(self) -> None:
        self.name = "crescendo"


def _mark(kind: str, name: str, wedge: _Wedge) -> str:
    if kind == "slur":
        return ""
    if kind == "words":
        return f'"^{_escaped(name, chr(34))}"'
    if (kind, name) == ("wedge", "stop"):
        return f"!{wedge.name})!"
    if kind == "wedge":
        wedge.name = name
    return f"!{DECORATIONS[kind, name]}!"


def _length(ticks: Fraction, resolution: int) -> str:
    """The length of a note in units: "" for one, ``3``, ``3/2``, ``/2``."""
    units = ticks * _UNIT / (4 * resolution)
    over = "" if units.numerator == 1 else str(units.numerator)
    return over if units.denominator == 1 else f"{over}/{units.denominator}"


class _Spelling:
    """The notes of one bar of one staff, spelled.

    A letter that has an accidental anywhere in the bar is written with one everywhere in it:
    programs differ on whether an accidental holds in other octaves and in overlays. So is one that
    is tied to from the bar before, beside a note that may have had its letter there.
    """

    def __init__(self, staff: Staff, index: int, signature: KeySignature) -> None:
        self.signature = signature
        by_signature = alterations_of(signature.fifths)
        events = [event for layer in staff.layers for event in layer.get(index, ())]
        sounding = {pitch for event in events for pitch in event.pitches}
        names = [spell(pitch, signature) for pitch in sounding]
        self.accidental_letters = {n.step for n in names if n.alter != by_signature[n.step]}
        for event in events:
            near = any(high - low <= 2 for low, high in pairwise(sorted(event.pitches)))
            if event.symbol.tied_from and near:
                self.accidental_letters |= {spell(each, signature).step for each in event.pitches}

    def written(self, event: Event, length: str) -> str:
        if not event.pitches:
            return f"{'x' if event.symbol.is_space else 'z'}{length}"
        notes = "".join(self._note(pitch) for pitch in event.pitches)
        tie = "-" if event.symbol.tied_to else ""
        return f"{f'[{notes}]' if len(event.pitches) > 1 else notes}{length}{tie}"

    def _note(self, pitch: int) -> str:
        name = spell(pitch, self.signature)
        # Spelling has a lowest octave; what is moved by it comes back down here.
        octave = name.octave + (pitch - name.pitch) // 12
        accidental = _ACCIDENTALS[name.alter] if name.step in self.accidental_letters else ""
        if octave >= 5:
            return f"{accidental}{name.step.lower()}" + "'" * (octave - 5)
        return f"{accidental}{name.step}" + "," * (4 - octave)


# --- words ------------------------------------------------------------------------------------


class _Words:
    """The ``w:`` lines of one staff."""

    def __init__(self, staff: Staff) -> None:
        self._events = staff.layers[0]
        self._verses = max(
            (verse for event in staff.first_layer() for verse in event.syllables), default=0
        )
        self._last = [""] * (self._verses + 1)

    def lines(self, bars: range) -> list[str]:
        """A line for each verse up to the last that has words here."""
        found = [self._line(bars, verse) for verse in range(1, self._verses + 1)]
        while found and not found[-1]:
            found.pop()
        return [f"w:{line}" for line in found]

    def _line(self, bars: range, verse: int) -> str:
        signs: list[str] = []
        for index in bars:
            for event in self._events[index]:
                if event.pitches:
                    signs.append(self._sign(event, verse))
        while signs and signs[-1] == "*":
            signs.pop()
        return " ".join(signs) if any(sign != "*" for sign in signs) else ""

    def _sign(self, event: Event, verse: int) -> str:
        """The syllable of a note, or how the one before goes on over it."""
        text = event.syllables.get(verse)
        if text is not None:
            self._last[verse] = text
            return written_syllable(text.removesuffix("_"))
        last = self._last[verse]
        if last.endswith("-"):
            return "-"
        if last.endswith("_") or (last and event.symbol.tied_from):
            return "_"
        self._last[verse] = ""
        return "*"
