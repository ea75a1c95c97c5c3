"""What a model is to know of the music it learned from: what composing takes where nobody asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject
from ritornello.music.keys import KeyName
from ritornello.music.piece import DEFAULT_TEMPO_BPM, Metre, Piece, Tempo
from ritornello.note_model.encoding import ngrams, notes
from ritornello.note_model.encoding.piece_controls import is_minor, read_controls
from ritornello.plan.analysis import analyse
from ritornello.plan.feel import FEELS
from ritornello.plan.held_beats import held_bars
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan.returning_bars import AGAIN
from ritornello.plan.sections import END, INTRO, Section, letter
from ritornello.plan.song_form import form_text, parse_form
from ritornello.training.batches import Music

_MOST_PIECES = 1000
_LINE_UPS = 200
_LARGEST_LINE_UP = 8
_MOST_ANALYSED = 200  # pieces, some 8 ms each
_FORM_BARS = (8, 96)
_AGAIN_LEAST = 0.5  # of the bars of a section that is one that was there
_LEAST_ALIKE, _LEAST_SHARE = 3, 0.2  # pieces of one form, so that it is a usual one
_PHRASE_BARS, _MOSTLY = 4, 0.5
_DENOMINATORS = (2, 4, 8, 16)  # of metres that composing can be asked for

_KEEP_TEMPO = 0.5  # of the pieces of a collection
_SAME_TEMPO, _KEPT_SHARE = 0.03, 0.8  # as a ratio less one; of the ticks of a piece

TempoCounts = dict[str, dict[str, int]]
"""Pieces by metre, such as "6/8", empty where it is unknown, and by quarter notes a minute."""

LineUp = tuple[tuple[str, ...], float, str, str | None]
"""Players, how often they play together, their collection, and their metre, such as "6/8"."""


@dataclass(frozen=True)
class MusicFacts:
    """Facts of the training split.

    Attributes:
        line_ups: who plays together, see `common_line_ups`.
        minor_shares: share of the pieces in minor, by collection.
        keys: pieces in each key, by collection.
        forms: pieces in each usual form, by collection, see `usual_forms`.
        tempos: pieces at each tempo, by collection and metre, see `usual_tempos`.
        held_beats: pieces by the bars of a beat that their drummers hold, by collection, see
            `ritornello.plan.held_beats`.
        feels: pieces by the grid of most of their bars, by collection, see `usual_feels`.
        baseline: counts of events, see `ritornello.note_model.encoding.ngrams`.
    """

    line_ups: list[LineUp] = field(default_factory=list)
    minor_shares: dict[str, float] = field(default_factory=dict)
    keys: dict[str, dict[str, int]] = field(default_factory=dict)
    forms: dict[str, dict[str, int]] = field(default_factory=dict)
    tempos: dict[str, TempoCounts] = field(default_factory=dict)
    held_beats: dict[str, dict[str, int]] = field(default_factory=dict)
    feels: dict[str, dict[str, int]] = field(default_factory=dict)
    baseline: ngrams.Counts = field(default_factory=dict)

    def for_composing(self) -> JsonObject:
        """As a model keeps them beside its baseline."""
        names = ("line_ups", "minor_shares", "keys", "forms", "tempos", "held_beats", "feels")
        return {name: getattr(self, name) for name in names}


def read_facts(music: Music) -> MusicFacts:
    """The facts of the training split, from at most 1,000 pieces evenly spread over it."""
    indices = music.indices("train")
    sample = indices[:: max(1, len(indices) // _MOST_PIECES)]
    real = [music.piece(index) for index in sample]
    pieces = [notes.encode(piece) for piece in real]
    collections = [*map(music.collection_of, sample)]
    named = [*zip(collections, pieces, strict=True)]
    some = slice(None, None, -(-len(real) // _MOST_ANALYSED) or 1)
    analysed = [*zip(collections[some], map(analyse, real[some]), strict=True)]
    return MusicFacts(
        common_line_ups((name, encoded, 1.0) for name, encoded in named),
        minor_shares(named),
        key_counts(named),
        usual_forms(analysed),
        usual_tempos(zip(collections, real, strict=True)),
        held_beats(zip(collections, real, strict=True)),
        usual_feels(analysed),
        ngrams.count(encoded.fields for encoded in pieces),
    )


def common_line_ups(pieces: Iterable[tuple[str, notes.Encoded, float]]) -> list[LineUp]:
    """Who plays together, how often, in which collection and metre; the most frequent first.

    Args:
        pieces: their collections and weights; large groups are left out.
    """
    counts: defaultdict[tuple[tuple[str, ...], str, str | None], float] = defaultdict(float)
    for collection, encoded, weight in pieces:
        players = notes.instrumentation_of(encoded)
        if len(players) <= _LARGEST_LINE_UP:
            counts[players, collection, _metre(encoded.metres[0])] += weight
    common = sorted(counts.items(), key=lambda item: -item[1])[:_LINE_UPS]
    return [(players, weight, name, metre) for (players, name, metre), weight in common]


def _metre(metre: Metre) -> str | None:
    """As text; None where composing cannot be asked for it."""
    quarters = 4 * metre.numerator / metre.denominator
    # Files in 1/4 mean that their metre is not known.
    known = metre.denominator in _DENOMINATORS and 1 <= quarters <= 8 and metre.numerator > 1
    return f"{metre.numerator}/{metre.denominator}" if known else None


def usual_tempos(pieces: Iterable[tuple[str, Piece]]) -> dict[str, TempoCounts]:
    """How many pieces are at each tempo, quarter notes a minute, by collection and metre.

    Of collections half of whose pieces keep their tempo; others leave it to the network, which
    changes it as they do. The metre of most pieces comes first.
    """
    kept: defaultdict[str, list[bool]] = defaultdict(list)
    counts: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    for name, piece in pieces:
        bpm = _kept_tempo(piece)
        kept[name].append(bpm is not None)
        if bpm is not None and notes.SLOWEST_BPM <= bpm <= notes.FASTEST_BPM:
            metre = _metre(piece.metres[0]) if piece.metres else None
            counts[name][metre or ""][str(bpm)] += 1
    return {
        name: {
            metre: dict(sorted(found.items(), key=lambda item: int(item[0])))
            for metre, found in sorted(by_metre.items(), key=lambda item: -item[1].total())
        }
        for name, by_metre in counts.items()
        if np.mean(kept[name]) >= _KEEP_TEMPO
    }


def _kept_tempo(piece: Piece) -> int | None:
    """The tempo at which nearly all of a piece is, but for an end that slows down; None if none."""
    tempos = piece.tempos or (Tempo(0, DEFAULT_TEMPO_BPM),)
    bpm = np.array([tempo.bpm for tempo in tempos])
    edges = np.array([tempo.tick for tempo in tempos] + [piece.length_ticks])
    ticks = np.maximum(np.diff(np.minimum(edges, piece.length_ticks)), 0)
    if not ticks.any():
        return round(float(bpm[0]))
    near = np.abs(bpm[:, None] / bpm - 1) <= _SAME_TEMPO
    main = int((near @ ticks).argmax())
    share = float(near[main] @ ticks) / float(ticks.sum())
    return round(float(bpm[main])) if share >= _KEPT_SHARE else None


def usual_forms(pieces: Iterable[tuple[str, Plan]]) -> dict[str, dict[str, int]]:
    """The forms that pieces of a collection have, as text, and how many have each.

    It is one where many pieces share it. Else it is all those in which a section comes again, if
    many pieces are in such ones; collections of other pieces have none.

    Pieces of another length than a song do not count, nor do bars that lead to the first section
    or follow the last: a tune with an upbeat is "A 8, A 8, B 8, B 8" as well. Where most pieces
    begin with such a bar, so do the forms: else a section that comes again would begin with a rest.

    Args:
        pieces: their collections, and their plans as they are read.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    returning: defaultdict[str, Counter[str]] = defaultdict(Counter)
    led: defaultdict[str, list[bool]] = defaultdict(list)
    for name, plan in pieces:
        sections = _by_what_returns(plan)
        form = _bare_form(sections)
        counts[name][form] += 1
        led[name].append(sections[:1] == (Section(INTRO, 0, 1),))
        if form and _comes_again(sections):
            returning[name][form] += 1
    usual = {}
    for name, found in counts.items():
        many = max(_LEAST_ALIKE, _LEAST_SHARE * found.total())
        alike, form = max(((count, form) for form, count in found.items() if form), default=(0, ""))
        upbeat = bool(np.mean(led[name]) > _MOSTLY)
        if alike >= many:
            usual[name] = {_led(form, upbeat): alike}
        elif returning[name].total() >= many:
            common = returning[name].most_common()
            usual[name] = {_led(form, upbeat): count for form, count in common}
    return usual


def _led(form: str, by_upbeat: bool) -> str:
    """A form with a bar before its first section, unless there are some."""
    return f"{INTRO} 1, {form}" if by_upbeat and not form.startswith(INTRO) else form


def _comes_again(sections: tuple[Section, ...]) -> bool:
    """Whether a section comes again, and all of them have whole phrases."""
    names = [each.name for each in _bare(sections)]
    whole = all(each.bars % _PHRASE_BARS == 0 for each in _bare(sections))
    return len({*names}) < len(names) and whole


def _by_what_returns(plan: Plan) -> tuple[Section, ...]:
    """The sections of a piece, called alike where half of one returns as it was in the other.

    The analysis calls sections alike that have half of their strokes in common: to it the second
    strain of many a jig, over the chords of the first, is the first one varied.
    """
    found: list[Section] = []
    for section in plan.sections:
        name, kinds = section.name, {each.name for each in found} - {INTRO, END}
        if name not in (INTRO, END):
            same = (each.name for each in found if _is_again(plan, section, each))
            name = next(same, letter(len(kinds)))
        found.append(replace(section, name=name))
    return tuple(found)


def _is_again(plan: Plan, section: Section, earlier: Section) -> bool:
    inside = slice(section.start, section.end)
    from_there = plan.back[inside] == section.start - earlier.start
    return bool((from_there & (plan.close[inside] == AGAIN)).mean() >= _AGAIN_LEAST)


def _bare(sections: tuple[Section, ...]) -> list[Section]:
    """Without single bars around them."""
    return [each for each in sections if each.bars > 1 or each.name not in (INTRO, END)]


def _bare_form(sections: tuple[Section, ...]) -> str:
    """A form without single bars around it; empty if it is none of a song, or cannot be asked for:
    the analysis may find two beginnings."""
    inside = _bare(sections)
    if not _FORM_BARS[0] <= sum(section.bars for section in inside) <= _FORM_BARS[1]:
        return ""
    form = form_text(tuple(inside))
    try:
        return form if parse_form(form) else ""
    except ConfigError:
        return ""


def held_beats(pieces: Iterable[tuple[str, Piece]]) -> dict[str, dict[str, int]]:
    """How many pieces hold a beat of so many bars, by collection; 0 bars where they hold none."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, piece in pieces:
        if (bars := held_bars(piece)) is not None:
            counts[name][str(bars)] += 1
    return {name: dict(found.most_common()) for name, found in counts.items()}


def usual_feels(pieces: Iterable[tuple[str, Plan]]) -> dict[str, dict[str, int]]:
    """How many pieces stand on each grid in most of their bars, by collection and its name."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, plan in pieces:
        known = plan.feel[plan.feel != OPEN]
        if len(known):
            counts[name][FEELS[int(np.bincount(known).argmax())]] += 1
    return {name: dict(found.most_common()) for name, found in counts.items()}


def minor_shares(pieces: Iterable[tuple[str, notes.Encoded]]) -> dict[str, float]:
    """Share of the pieces that are in minor, by collection; drums alone have no key."""
    modes: defaultdict[str, list[bool]] = defaultdict(list)
    for collection, key in _keys(pieces):
        modes[collection].append(is_minor(key))
    return {name: round(float(np.mean(found)), 3) for name, found in modes.items()}


def key_counts(pieces: Iterable[tuple[str, notes.Encoded]]) -> dict[str, dict[str, int]]:
    """How many pieces are in each key, by collection; the most usual first."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for collection, key in _keys(pieces):
        counts[collection][str(KeyName(key % 12, "minor" if is_minor(key) else "major"))] += 1
    return {name: dict(found.most_common()) for name, found in counts.items()}


def _keys(pieces: Iterable[tuple[str, notes.Encoded]]) -> Iterable[tuple[str, int]]:
    for collection, encoded in pieces:
        key = read_controls(encoded, None).key
        if key is not None:
            yield collection, key
