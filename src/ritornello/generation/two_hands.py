"""Who plays a piano alone has two hands: it is written for both, and they are one player at last.

Music for one piano is mostly written down as two parts. Asked for a single one, a model plays what
it knows of a single part: a tune without anything under it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ritornello.generation.instrumentation import Instrumentations
from ritornello.generation.rules import Rules
from ritornello.music.instruments import INSTRUMENTS, parse_instrument
from ritornello.note_model.encoding.notes import (
    NONE,
    PART,
    PITCH,
    REST,
    SHIFT,
    instrument_of,
    is_note,
    part_of,
)
from ritornello.plan.plan import Plan

_KEYBOARDS = frozenset({"piano", "harpsichord", "organ", "harp", "accordion"})


def for_two_hands(
    rules: Rules, plan: Plan | None, instrumentations: Instrumentations
) -> Rules | None:
    """The rules with a part for each hand; None where they ask for no keyboard alone.

    None as well where they say how many notes a part holds, where the plan has one player, and
    where the music of the model has one part for it more often than two.

    Args:
        rules: checked. plan: that is asked for, if one is.
        instrumentations: who plays together in the music of the model.
    """
    if rules.parts is None or len(rules.parts) != 1 or rules.polyphony:
        return None
    instrument = INSTRUMENTS[parse_instrument(rules.parts[0])]
    name = instrument.name
    counts = Counter[tuple[str, ...]]()
    for each in instrumentations:
        counts[each.players] += each.weight  # type: ignore[assignment]
    is_one = plan is not None and len(plan.players) == 1
    if name not in _KEYBOARDS or is_one or counts[name, name] <= counts[name,]:
        return None
    # Each hand holds half of what both may hold.
    return replace(rules, parts=(name, name), polyphony={name: instrument.voices // 2})


def second_hand(rules: Rules) -> int:
    """The part class of the second hand of rules for two."""
    assert rules.parts is not None
    return part_of(parse_instrument(rules.parts[0]), 1)


def lower_hand(parts: Sequence[int]) -> int | None:
    """The part class of the second of two hands, where these are all; None for others."""
    if len(parts) != 2 or parts[1] != parts[0] + 1:
        return None
    instruments = {instrument_of(part) for part in parts}
    is_keyboard = {INSTRUMENTS[instrument].name for instrument in instruments} <= _KEYBOARDS
    return parts[1] if is_keyboard and len(instruments) == 1 else None


def as_one(fields: np.ndarray, second: int | None) -> np.ndarray:
    """Events of two hands as those of one player; a key that both strike is struck once.

    Args:
        fields: int64 [events, 5]. second: part class of the second hand; None where there is none.
    """
    if second is None:
        return fields
    fields = fields.copy()
    fields[fields[:, PART] == second, PART] = second - 1
    keys = np.stack([np.cumsum(fields[:, SHIFT]), fields[:, PART], fields[:, PITCH]])
    again = np.ones(len(fields), bool)
    again[np.unique(keys, axis=1, return_index=True)[1]] = False
    again &= is_note(fields[:, PART])
    fields[again, PART:] = (REST, *NONE[PITCH:])
    return fields
