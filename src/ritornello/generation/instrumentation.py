"""Who plays together in the music that a model learned from, and in which collection.

What nobody asks for is taken from there: a piece without stated parts gets a line-up as often as it
occurs, and music without a stated collection is written like the one that such players play in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ritornello.generation.rules import Rules
from ritornello.music.instruments import INSTRUMENTS, parse_instrument


class LineUp(NamedTuple):
    """Names of instruments, one for each part; how often they play together; and where."""

    players: tuple[str, ...]
    weight: float
    collection: str | None = None


LineUps = Sequence[LineUp]


def read_line_ups(entries: Iterable[Sequence]) -> tuple[LineUp, ...]:
    """Line-ups as a model keeps them; older ones name no collection."""
    return tuple(LineUp(tuple(players), *rest) for players, *rest in entries)


def fill_in_instrumentation(rules: Rules, line_ups: LineUps, random: np.random.Generator) -> Rules:
    """The rules with parts and collection, where they are left open and anything is known."""
    if not line_ups:
        return rules
    if rules.parts is None:
        known = [line_up for line_up in line_ups if rules.collection in (None, line_up.collection)]
        known = known or list(line_ups)
        weights = np.array([line_up.weight for line_up in known], float)
        chosen = known[random.choice(len(known), p=weights / weights.sum())]
        return replace(
            rules, parts=chosen.players, collection=rules.collection or chosen.collection
        )
    if rules.collection is None:
        players = [INSTRUMENTS[parse_instrument(name)].name for name in rules.parts]
        return replace(rules, collection=likely_collection(players, line_ups))
    return rules


def likely_collection(players: Iterable[str], line_ups: LineUps) -> str | None:
    """Where line-ups most like these players, names of instruments, occur most; None if unknown."""
    wanted = Counter(players)
    likeness = [_likeness(wanted, Counter(line_up.players)) for line_up in line_ups]
    best = max(likeness, default=0.0)
    found: Counter[str] = Counter()
    for line_up, like in zip(line_ups, likeness, strict=True):
        if like == best and line_up.collection is not None:
            found[line_up.collection] += line_up.weight  # type: ignore[assignment]
    return found.most_common(1)[0][0] if found and best > 0 else None


def _likeness(first: Counter[str], second: Counter[str]) -> float:
    """Players in common, as a share of those in either; 0 to 1 (Jaccard index)."""
    return (first & second).total() / max(1, (first | second).total())
