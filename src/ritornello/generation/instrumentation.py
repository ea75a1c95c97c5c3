"""Instrumentations of the training music: which instruments play together, how often, and where.

They fill in what the rules leave open: parts and their metre are sampled in proportion to how often
an instrumentation occurs, and the collection is that in which the likest instrumentations occur
most.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ritornello.generation.rules import Rules
from ritornello.music.instruments import BASSES, INSTRUMENTS, parse_instrument
from ritornello.plan.players import LEADS, LINES, Player, melody_of
from ritornello.plan.style_usages import is_own_music, usages_of
from ritornello.rng import Rng

_ALONE = frozenset({"piano", "harpsichord", "organ", "guitar", "harp"})  # chords and tune in one
_LEAST_SHARE = 0.7


class Instrumentation(NamedTuple):
    """Instruments by name, one for each part; how often they play together; in which collection,
    and in which metre."""

    players: tuple[str, ...]
    weight: float
    collection: str | None = None
    metre: str | None = None


Instrumentations = Sequence[Instrumentation]


def read_instrumentations(entries: Iterable[Sequence[Any]]) -> tuple[Instrumentation, ...]:
    """The entries of a model's metadata as values; older models name no collection or metre."""
    return tuple(Instrumentation(tuple(players), *rest) for players, *rest in entries)


def fill_in_instrumentation(rules: Rules, instrumentations: Instrumentations, rng: Rng) -> Rules:
    """The rules with parts, collection and metre filled in where they are open.

    Args:
        instrumentations: to sample from, by weight; with none of them the rules stay as they are.
    """
    if not instrumentations:
        return rules
    instrumentations = _own_in_metre(rules, instrumentations)
    if rules.parts is None:
        known = _of_collection(rules.collection, instrumentations)
        if rules.collection is None:
            known = _that_make_a_piece(known)
        known = [each for each in known if _has_a_lead(each.players)] or known
        weights = np.array([each.weight for each in known], float)
        chosen = known[rng.choice(len(known), p=weights / weights.sum())]
        return replace(
            rules,
            parts=chosen.players,
            collection=rules.collection or chosen.collection,
            metre=chosen.metre if rules.metre is None else rules.metre,
        )
    if rules.collection is None:
        players = [INSTRUMENTS[parse_instrument(name)].name for name in rules.parts]
        likely = likely_collection(players, instrumentations)
        rules = replace(rules, collection=likely or _own_collection(instrumentations, rng))
    metred = [
        each for each in instrumentations if each.metre and each.collection == rules.collection
    ]
    if rules.metre is None and metred:
        weights = np.array([each.weight for each in metred], float)
        chosen = metred[rng.choice(len(metred), p=weights / weights.sum())]
        return replace(rules, metre=chosen.metre)
    return rules


def usual_metre(collection: str | None, instrumentations: Instrumentations) -> str | None:
    """The metre of most music, or of most of a collection; None where it is not known."""
    weights: defaultdict[str, float] = defaultdict(float)
    for each in instrumentations:
        if each.metre and collection in (None, each.collection):
            weights[each.metre] += each.weight
    return max(weights, key=lambda metre: weights[metre], default=None)


def own_drumming(instrumentations: Instrumentations) -> tuple[str, ...]:
    """The collections of somebody's own in which drums play."""
    names = {each.collection for each in instrumentations if "drums" in each.players}
    return tuple(sorted(name for name in names if name and is_own_music(name)))


def _of_collection(collection: str | None, of_all: Instrumentations) -> list[Instrumentation]:
    """Those of a collection, or what is usual in it; else those of the other styles of a set, whose
    names begin with the same word; else all.

    >>> band = Instrumentation(("drums", "bass"), 1.0, "band_pop")
    >>> _of_collection("band_funk", [band, Instrumentation(("voice",), 9.0, "songs")]) == [band]
    True
    """
    if collection is None:
        return [*of_all]
    word = collection.split("_")[0]
    own = [each for each in of_all if each.collection == collection]
    if not own and (usages := usages_of(collection)) is not None:
        own = [Instrumentation(parts, n, collection) for n, parts in usages.line_ups]
    kin = [each for each in of_all if (each.collection or "").split("_")[0] == word]
    return own or kin or [*of_all]


def _own_in_metre(rules: Rules, of_all: Instrumentations) -> Instrumentations:
    """Those in the metre that is asked for, if there are such and all music is somebody's own."""
    if rules.metre is None or not all(is_own_music(each.collection) for each in of_all):
        return of_all
    metre = "{}/{}".format(*rules.counts)
    return [each for each in of_all if each.metre == metre] or of_all


def _own_collection(instrumentations: Instrumentations, rng: Rng) -> str | None:
    """A collection for players whom none has, where all music is somebody's own."""
    if not all(is_own_music(each.collection) for each in instrumentations):
        return None
    weights = np.array([each.weight for each in instrumentations], float)
    return instrumentations[rng.choice(len(weights), p=weights / weights.sum())].collection


def _that_make_a_piece(known: list[Instrumentation]) -> list[Instrumentation]:
    """Those that somebody who asks for nothing would keep: not a cello alone, nor four pianos.

    Where most of the music is of that kind, such as tunes for a violin, all stay.
    """
    found = [each for each in known if _makes_a_piece(each.players)]
    share = sum(each.weight for each in found) / sum(each.weight for each in known)
    return found if share >= _LEAST_SHARE else known


@cache
def _has_a_lead(names: tuple[str, ...]) -> bool:
    """Whether a band has somebody that models give its tune; of two pianos neither gets it."""
    players = [
        Player(parse_instrument(name), names[:at].count(name)) for at, name in enumerate(names)
    ]
    melody = melody_of(players)
    above = [p for p in players if not p.is_drum and p.instrument not in BASSES]
    if melody is None or len(above) < 2 or not any(player.is_drum for player in players):
        return True
    return INSTRUMENTS[players[melody].instrument].name in LEADS


def _makes_a_piece(players: Sequence[str]) -> bool:
    kinds = set(players)
    return len(kinds) > 1 or kinds == {"voice"} or (len(players) <= 2 and kinds <= _ALONE)


def likely_collection(players: Iterable[str], instrumentations: Instrumentations) -> str | None:
    """The collection in which the instrumentations most like one occur most; None if unknown.

    Args:
        players: names of instruments, one for each part.
    """
    wanted = Counter(players)
    likeness = [_likeness(wanted, Counter(each.players)) for each in instrumentations]
    best = max(likeness, default=0.0)
    found: Counter[str] = Counter()
    for each, like in zip(instrumentations, likeness, strict=True):
        if like == best and each.collection is not None:
            found[each.collection] += each.weight  # type: ignore[assignment]
    return found.most_common(1)[0][0] if found and best > 0 else None


def collection_to_join(
    players: Iterable[str],
    joining: Iterable[str],
    counts: tuple[int, int],
    instrumentations: Instrumentations,
) -> str | None:
    """The collection in which a song and who joins it are at home; None if unknown.

    Who accompanies by a rhythm joins where such rhythms were counted, if they were anywhere: among
    tunes alone a bass has next to nothing to play.

    Args:
        players: names of instruments, one for each part. joining: those of them that are added.
        counts: of the metre.
    """
    players, joining = [*players], {*joining}.difference(LINES)
    accompanying = [
        each
        for each in instrumentations
        if (usages := usages_of(each.collection)) is not None
        and not joining.isdisjoint(usages.rhythms_in(counts))
    ]
    return likely_collection(players, accompanying) or likely_collection(players, instrumentations)


def _likeness(first: Counter[str], second: Counter[str]) -> float:
    """Players in common, as a share of those in either; 0 to 1 (Jaccard index)."""
    return (first & second).total() / max(1, (first | second).total())
