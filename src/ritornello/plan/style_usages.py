"""What is usual in a style: its tempi, the beats its drummers hold, who plays it and how busily.

Asked for a style, a network goes some way towards it, but its tempo, its beat and its players are
drawn as in any music. So where a style is asked for they are drawn as they are in that style. The
table was counted in the training music (`experiments.learning.style_usages`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from ritornello.plan.activity import Activity
from ritornello.plan.bar_strokes import RESOLUTION
from ritornello.plan.drum_grooves import BEAT_KEYS, HAT, Beat, Drummers, Groove
from ritornello.plan.form_filling import Drumming
from ritornello.plan.held_rhythms import HeldStroke, WeightedRhythms
from ritornello.rng import Rng

_TABLE = "style_usages.json"
# Collections of the counted music that have no usages of their own.
_DRUMS_ALONE, _NO_STYLES = "groove_", ("free_game_midi",)


@dataclass(frozen=True)
class StyleUsages:
    """What is usual in a style.

    Attributes:
        tempi: quarter notes a minute, its deciles.
        drummers: by metre what each of some holds.
        line_ups: names of instruments, one for each part, and how many pieces are for them.
        rounds: shares of the bars of who accompanies that stand as 1, 2 and 4 bars before, the
            nearest of these; and of the tune. None of music that does not go
            round in four bars.
        answers: shares of the bars of its tunes whose notes begin as those of the bar two, four and
            eight before do, see `held_rhythms.ANSWERS_BARS`; none where there are no tunes.
        rests: by what players do, see `players.role_of`, in how many sections they are silent; none
            where few are.
        bass: notes a quarter that basses play, quartiles; none where there are few basses.
        rhythms: by metre and name of an instrument the bars that it accompanies a drummer in, or
            alone a singer, see `held_rhythms`, and how many players hold each.
        registers: by name of an instrument the lowest and the highest pitch of nine of ten notes
            that it accompanies a drummer with.
        activities: by how many play, those of pieces without drums.
        drumming: when drummers play; that of all music where they are few.
    """

    tempi: tuple[float, ...]
    drummers: Mapping[tuple[int, int], Drummers] = field(default_factory=dict)
    line_ups: tuple[tuple[float, tuple[str, ...]], ...] = ()
    bass: tuple[float, ...] = ()
    rounds: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    answers: tuple[float, ...] = ()
    rests: Mapping[str, float] = field(default_factory=dict)
    rhythms: Mapping[tuple[int, int], Mapping[str, WeightedRhythms]] = field(default_factory=dict)
    registers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    activities: Mapping[int, tuple[Activity, ...]] = field(default_factory=dict)
    drumming: Drumming = field(default_factory=Drumming)

    def draw_tempo(self, rng: Rng) -> float:
        """A tempo, quarter notes a minute."""
        return float(rng.choice(self.tempi))

    def rhythms_in(self, metre: tuple[int, int]) -> Mapping[str, WeightedRhythms]:
        """The rhythms of a metre by name of an instrument.

        In six, nine and twelve eighths, where the style has none of its own, they are those of two,
        three and four quarters that strike on beats alone, with the beats dotted.
        """
        own = self.rhythms.get(metre, {})
        numerator, denominator = metre
        if own or denominator != 8 or numerator % 3 or numerator < 6:
            return own
        dotted = {
            name: [
                (count, tuple(stroke.dotted() for stroke in bar))
                for count, bar in found
                if all(stroke.onset_ticks % RESOLUTION == 0 for stroke in bar)
            ]
            for name, found in self.rhythms.get((numerator // 3, 4), {}).items()
        }
        return {name: found for name, found in dotted.items() if found}

    def drummers_within(self, metre: tuple[int, int], keys: Collection[int]) -> Drummers:
        """Who in a metre needs no other keys; none where no keys are left to play to them."""
        kit, struck = {*keys}, frozenset[int]()
        found = []
        for own in self.drummers.get(metre, ()):
            needed = frozenset[int]().union(*(groove.keys for groove in own))
            if needed <= kit:
                found.append(own)
                struck |= needed
        return found if kit - struck - {*BEAT_KEYS} else ()


def is_own_music(collection: str | None) -> bool:
    """Whether it is a collection that nothing was counted in: music of somebody's own.

    What is usual in all music then says little of it, such as the beats that drummers hold.
    """
    if collection is None or collection.startswith(_DRUMS_ALONE) or collection in _NO_STYLES:
        return False
    return usages_of(collection) is None


def usages_of(collection: str | None) -> StyleUsages | None:
    """What is usual in a collection of training music; None where that was not counted."""
    return None if collection is None else _usages().get(collection)


@cache
def _usages() -> dict[str, StyleUsages]:
    table = json.loads(files("ritornello.plan").joinpath(_TABLE).read_text(encoding="utf-8"))
    return {
        name: StyleUsages(
            tuple(map(float, entry["tempi"])),
            {
                _metre(metre): tuple(tuple(_groove(*bars) for bars in own) for own in found)
                for metre, found in entry["drummers"].items()
            },
            tuple((count, tuple(parts)) for count, parts in entry.get("line_ups", ())),
            tuple(entry.get("bass", ())),
            _rounds(entry.get("rounds")),
            tuple(entry.get("answers", ())),
            entry.get("rests", {}),
            {
                _metre(metre): {
                    player: tuple(
                        (count, tuple(HeldStroke(*stroke) for stroke in bar))
                        for count, bar in found
                    )
                    for player, found in of_metre.items()
                }
                for metre, of_metre in entry.get("rhythms", {}).items()
            },
            {name: (low, high) for name, (low, high) in entry.get("registers", {}).items()},
            {
                int(players): tuple(Activity(*each) for each in found)
                for players, found in entry.get("activities", {}).items()
            },
            Drumming(*entry.get("drumming", ())),
        )
        for name, entry in table.items()
    }


def _rounds(found: Any) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    return None if found is None else (tuple(found[0]), tuple(found[1]))


def _metre(text: str) -> tuple[int, int]:
    numerator, denominator = text.split("/")
    return int(numerator), int(denominator)


def _groove(bars: Sequence[Any], fills: Sequence[Any]) -> Groove:
    """Of bars and fills, of which a number stands for an equal one before."""
    every = [*bars, *fills]
    beats = [_beat(every[bar] if isinstance(bar, int) else bar) for bar in every]
    return Groove(tuple(beats[: len(bars)]), tuple(beats[len(bars) :]))


def _beat(lines: Mapping[str, list[list[int]]]) -> Beat:
    strokes = ((tick, int(key), loud) for key, found in lines.items() for tick, loud in found)
    return Beat((), (), (), HAT, tuple(sorted(strokes)))
