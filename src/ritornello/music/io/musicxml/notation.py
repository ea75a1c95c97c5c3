"""Written notes to symbols: chords, voices, ties, tuplets, rests and beams of one staff.

Input are notes with written times from `ritornello.music.quantise`; output are the symbols of each
bar and voice, in order and without gaps, as a score prints them. Nothing here knows XML.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ritornello.music.quantise import NOTATABLE, PLAIN, Bar, Ratio, span_ticks

# Written length in 64th notes -> type and dots, the longest first.
_TYPES = ("64th", "32nd", "16th", "eighth", "quarter", "half", "whole", "breve")
_VALUES = {1 << power: (name, 0) for power, name in enumerate(_TYPES)}
_VALUES |= {3 << power >> 1: (name, 1) for power, name in enumerate(_TYPES) if power}
_LENGTHS = sorted(_VALUES, reverse=True)
_BEAMS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}
_PER_QUARTER = 16  # 64th notes in a quarter


@dataclass(slots=True)
class Chord:
    """Notes of one staff with the same written onset and end; ``notes`` index the track."""

    onset: int
    end: int
    notes: list[int]
    top_pitch: int


@dataclass(slots=True)
class Symbol:
    """One printed note, chord, rest (``chord`` is None) or blank space (``is_space``).

    Attributes:
        onset, ticks: when and how long, in ticks.
        kind, dots: written value; kind is "" for spaces and whole-bar rests.
        ratio: the tuplet ratio; `PLAIN` outside tuplets.
        tuplet_edges: "start" and "stop" where a tuplet begins and ends.
        tied_from, tied_to: whether a tie comes in and goes out.
        beams: one MusicXML beam value a level.
    """

    onset: int
    ticks: int
    chord: Chord | None
    kind: str = ""
    dots: int = 0
    ratio: Ratio = PLAIN
    is_space: bool = False
    tuplet_edges: list[str] = field(default_factory=list)
    tied_from: bool = False
    tied_to: bool = False
    beams: list[str] = field(default_factory=list)


class _Piece(NamedTuple):
    """A chord, or silence, between two ticks."""

    start: int
    end: int
    chord: Chord | None


def assign_voices(chords: Iterable[Chord], limit: int) -> tuple[list[list[Chord]], int]:
    """Chords in voices that never overlap, at most ``limit``, and how many were changed.

    Each chord takes the first free voice, higher chords first. Where none is free, the chord
    that would end soonest is written shorter, up to the new onset; where all began together,
    the new notes join the chord whose end is nearest. No note is left out.
    """
    voices: list[list[Chord]] = []
    changed = 0
    for chord in sorted(chords, key=lambda chord: (chord.onset, -chord.top_pitch, chord.end)):
        free = next((voice for voice in voices if voice[-1].end <= chord.onset), None)
        if free is not None:
            free.append(chord)
        elif len(voices) < limit:
            voices.append([chord])
        else:
            changed += 1
            earlier = [voice for voice in voices if voice[-1].onset < chord.onset]
            if earlier:
                voice = min(earlier, key=lambda voice: voice[-1].end)
                voice[-1].end = chord.onset
                voice.append(chord)
            else:
                host = min(voices, key=lambda voice: abs(voice[-1].end - chord.end))[-1]
                host.notes.extend(chord.notes)
    return voices, changed


def write_voice(
    voice: list[Chord], bars: list[Bar], resolution: int, *, is_first: bool
) -> dict[int, list[Symbol]]:
    """Symbols of one voice by bar index.

    The first voice fills every bar, with rests where it is silent. Other voices have only the
    bars they sound in, with blank space for silence outside tuplets.
    """
    by_bar: dict[int, list[_Piece]] = defaultdict(list)
    index = 0
    for chord in voice:
        while bars[index].end <= chord.onset:
            index += 1
        here = index
        while here < len(bars) and bars[here].start < chord.end:
            start, end = max(chord.onset, bars[here].start), min(chord.end, bars[here].end)
            by_bar[here].append(_Piece(start, end, chord))
            here += 1
    wanted = range(len(bars)) if is_first else sorted(by_bar)
    return {
        here: _write_bar(by_bar.get(here, []), bars[here], resolution, is_first=is_first)
        for here in wanted
    }


def _write_bar(
    sounding: list[_Piece], bar: Bar, resolution: int, *, is_first: bool
) -> list[Symbol]:
    if not sounding:
        return [Symbol(bar.start, bar.end - bar.start, None)]
    pieces = list(_with_silence(sounding, bar))
    symbols: list[Symbol] = []
    for start, end, ratio in _regions(pieces, bar, resolution):
        inside = [
            _Piece(max(piece.start, start), min(piece.end, end), piece.chord)
            for piece in pieces
            if piece.start < end and piece.end > start
        ]
        region: list[Symbol] = []
        for piece in inside:
            if piece.chord is None and ratio == PLAIN and not is_first:
                space = Symbol(piece.start, piece.end - piece.start, None, is_space=True)
                region.append(space)
            elif ratio == PLAIN:
                region += _plain_symbols(piece, bar, resolution)
            else:
                region += _tuplet_symbols(piece, ratio, resolution)
        if ratio != PLAIN:
            region[0].tuplet_edges.append("start")
            region[-1].tuplet_edges.append("stop")
        symbols += region
    _add_beams(symbols, bar, resolution)
    return symbols


def _with_silence(sounding: list[_Piece], bar: Bar) -> Iterator[_Piece]:
    """The pieces with silence between them, from bar line to bar line."""
    now = bar.start
    for piece in sounding:
        if piece.start > now:
            yield _Piece(now, piece.start, None)
        yield piece
        now = piece.end
    if now < bar.end:
        yield _Piece(now, bar.end, None)


def _regions(pieces: list[_Piece], bar: Bar, resolution: int) -> list[tuple[int, int, Ratio]]:
    """The bar as (start, end, ratio): each tuplet alone, plain spans run together."""
    points = [piece.start for piece in pieces if piece.start > bar.start]
    span = span_ticks(bar.metre, resolution)
    regions: list[tuple[int, int, Ratio]] = []
    start = bar.start
    while start < bar.end:
        end = min(start + span, bar.end)
        if _is_wide_triplet(points, start, start + 2 * span, bar, resolution):
            end, ratio = start + 2 * span, Ratio(3, 2)
        else:
            ratio = _ratio([p - start for p in points if start < p < end], end - start, resolution)
        if regions and ratio == regions[-1][2] == PLAIN:
            regions[-1] = (regions[-1][0], end, PLAIN)
        else:
            regions.append((start, end, ratio))
        start = end
    return regions


def _ratio(offsets: list[int], length: int, resolution: int) -> Ratio:
    for ratio, parts in NOTATABLE:
        if all(offset * parts % resolution == 0 for offset in [*offsets, length]):
            return ratio
    # Only a span that holds no boundary gets here: quantised times fit one of the ratios.
    return PLAIN


def _is_wide_triplet(points: list[int], start: int, end: int, bar: Bar, resolution: int) -> bool:
    """Three quarters in the time of a half: boundaries at thirds of two whole quarters only."""
    if end > bar.end or end - start != 2 * resolution or resolution % 3:
        return False
    if (start - bar.start) % (2 * resolution):
        return False
    thirds = {start + 2 * resolution // 3, start + 4 * resolution // 3}
    inside = {point for point in points if start < point < end}
    return bool(inside) and inside <= thirds


def _tuplet_symbols(piece: _Piece, ratio: Ratio, resolution: int) -> Iterator[Symbol]:
    """The longest values first."""
    unit = resolution * ratio.normal  # ticks of a written 64th, times 16 times actual
    left = (piece.end - piece.start) * _PER_QUARTER * ratio.actual // unit
    start = piece.start
    while left:
        length = next(length for length in _LENGTHS if length <= left)
        ticks = length * unit // (_PER_QUARTER * ratio.actual)
        yield _symbol(piece, start, ticks, length, ratio)
        start += ticks
        left -= length


def _plain_symbols(piece: _Piece, bar: Bar, resolution: int) -> Iterator[Symbol]:
    """Values that show the beats: off the beat a value ends by the next beat, but for one
    syncopation; on the beat it may last whole beats, or less than one, or one and a half."""
    beat = max(bar.metre.beat_ticks(resolution), 1)
    start = piece.start
    while start < piece.end:
        left = (piece.end - start) * _PER_QUARTER // resolution
        for length in _LENGTHS:
            ticks = length * resolution // _PER_QUARTER
            if length <= left and _may_stand(start - bar.start, ticks, beat, piece):
                break
        yield _symbol(piece, start, ticks, length, PLAIN)
        start += ticks


def _may_stand(offset: int, ticks: int, beat: int, piece: _Piece) -> bool:
    phase = offset % beat
    if phase + ticks <= beat:
        return True
    if piece.chord is None:
        return phase == 0 and ticks % beat == 0 and offset % ticks == 0
    if phase == 0:
        return ticks % beat == 0 or 2 * ticks == 3 * beat
    return 2 * phase == beat and ticks == beat == piece.end - piece.start


def _symbol(piece: _Piece, start: int, ticks: int, length: int, ratio: Ratio) -> Symbol:
    kind, dots = _VALUES[length]
    symbol = Symbol(start, ticks, piece.chord, kind, dots, ratio)
    if piece.chord is not None:
        symbol.tied_from = start > piece.chord.onset
        symbol.tied_to = start + ticks < piece.chord.end
    return symbol


def _add_beams(symbols: list[Symbol], bar: Bar, resolution: int) -> None:
    """Join flagged notes that lie in one beat."""
    window = bar.metre.beat_ticks(resolution)
    if window < resolution:  # a felt beat shorter than a quarter would leave every flag alone
        window = resolution * 3 // 2 if bar.metre.numerator % 3 == 0 else resolution
    group: list[Symbol] = []
    for symbol in symbols:
        beat = (symbol.onset - bar.start) // window
        joins = symbol.chord is not None and symbol.kind in _BEAMS
        if group and (not joins or beat != (group[0].onset - bar.start) // window):
            _beam(group)
            group = []
        if joins:
            group.append(symbol)
    _beam(group)


def _beam(group: list[Symbol]) -> None:
    if len(group) < 2:
        return
    counts = [0, *(_BEAMS[symbol.kind] for symbol in group), 0]
    for place, symbol in enumerate(group, start=1):
        for level in range(1, counts[place] + 1):
            before, after = counts[place - 1] >= level, counts[place + 1] >= level
            lonely = "forward hook" if place == 1 else "backward hook"
            names = {(False, False): lonely, (False, True): "begin", (True, False): "end"}
            symbol.beams.append(names.get((before, after), "continue"))
