"""Plans as rows of class indices, a row a bar: what the plan network predicts, and in which order.

    begins       whether a section begins
    label        which: the intro, a new one, one that was there (by how long ago it last was), the
                 end; none where no section begins
    back         how many bars back the bar is that it returns to, 0 for none
    close        varied or again; none where it is new
    plays        who begins a note: one yes or no for each player of the piece
    root, kind, second_root, second_kind
                 the chord of each half, its root above the tonic; no kind where no chord sounds
    density, loudness, feel

A plan has one spelling, so the product of all predictions is its exact likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music.chords import NO_CHORD, QUALITIES
from ritornello.music.keys import KeyName
from ritornello.music.piece import Metre
from ritornello.plan.bar_strokes import FARTHEST_BARS
from ritornello.plan.feel import EIGHTHS, FEELS, SWUNG, TRIPLETS
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan.players import Player
from ritornello.plan.returning_bars import NEW
from ritornello.plan.sections import END, INTRO, Section, letter

FIELDS = (
    "begins", "label", "back", "close", "root", "kind", "second_root", "second_kind",
    "density", "loudness", "feel",
)  # fmt: skip
(BEGINS, LABEL, BACK, CLOSE, ROOT, KIND, SECOND_ROOT, SECOND_KIND, DENSITY, LOUDNESS, FEEL) = range(
    len(FIELDS)
)
# Labels of a section that begins: the intro, a new one, the one that was there last, the one before
# that, ..., the end. All that were there longer ago share the last of these.
RECENT = 7
LABEL_INTRO, LABEL_NEW, LABEL_SAME, LABEL_END = 0, 1, 2, 2 + RECENT
NO_ROOT = 12
DENSITY_EDGES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)  # notes a quarter note
LOUDNESS_STEP = 8
SIZES = (
    2,
    LABEL_END + 1,
    FARTHEST_BARS + 1,
    2,
    NO_ROOT + 1,
    len(QUALITIES),
    NO_ROOT + 1,
    len(QUALITIES),
    len(DENSITY_EDGES) + 1,
    128 // LOUDNESS_STEP,
    len(FEELS),
)
NONE = SIZES  # the class of a field that a bar does not have: an input, never predicted
_DENSITY_VALUES = (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 7.0, 10.0, 16.0, 24.0)
_SWING = {EIGHTHS: 1.0, SWUNG: 2.0, TRIPLETS: 2.0}


@dataclass(frozen=True)
class PlanRows:
    """A plan in class indices; what is open is `OPEN`.

    Attributes:
        fields: int64 [bars, 11]. plays: int64 [bars, players], 0 or 1.
        metres: of each bar, numerator and denominator. lengths: int64 [bars] in ticks.
        players: who plays in the piece.
    """

    fields: np.ndarray
    plays: np.ndarray
    metres: tuple[tuple[int, int], ...]
    lengths: np.ndarray
    players: tuple[Player, ...]

    def __len__(self) -> int:
        return len(self.fields)


def rows_of(plan: Plan) -> PlanRows:
    """The rows of a plan. Chords are told from its key, from C where it has none."""
    tonic = 0 if plan.key is None else plan.key.tonic
    fields = np.full((plan.bars, len(FIELDS)), OPEN)
    if plan.sections:
        fields[:, BEGINS], fields[:, LABEL] = _labels(plan.sections, plan.bars)
    fields[:, BACK] = plan.back
    fields[:, CLOSE] = np.where(plan.close == NEW, NONE[CLOSE], plan.close - 1)
    fields[plan.close == OPEN, CLOSE] = OPEN
    fields[(plan.back > 0) & (plan.close == NEW), CLOSE] = OPEN
    for half, (root, kind) in enumerate(((ROOT, KIND), (SECOND_ROOT, SECOND_KIND))):
        chord = plan.chords[:, half]
        stated = chord < NO_CHORD
        fields[stated, root] = (chord[stated] - tonic) % 12
        fields[stated, kind] = chord[stated] // 12
        fields[chord == NO_CHORD, root] = NO_ROOT
        fields[chord == NO_CHORD, kind] = NONE[KIND]
    known = ~np.isnan(plan.density)
    fields[known, DENSITY] = np.digitize(plan.density[known], DENSITY_EDGES)
    known = ~np.isnan(plan.loudness)
    fields[known, LOUDNESS] = plan.loudness[known] // LOUDNESS_STEP
    fields[:, FEEL] = plan.feel
    metres = [plan.metre_of(bar) for bar in range(plan.bars)]
    return PlanRows(
        fields,
        plan.plays.copy(),
        tuple((metre.numerator, metre.denominator) for metre in metres),
        plan.lengths,
        plan.players,
    )


def _labels(sections: Sequence[Section], bars: int) -> tuple[np.ndarray, np.ndarray]:
    begins, label = np.zeros(bars, np.int64), np.full(bars, NONE[LABEL])
    recent: list[str] = []  # names, the latest first
    for section in sections:
        begins[section.start] = 1
        if section.name in (INTRO, END):
            label[section.start] = LABEL_INTRO if section.name == INTRO else LABEL_END
            continue
        if section.name in recent:
            rank = recent.index(section.name)
            label[section.start] = LABEL_SAME + min(rank, RECENT - 1)
            recent.pop(rank)
        else:
            label[section.start] = LABEL_NEW
        recent.insert(0, section.name)
    return begins, label


def plan_of(
    rows: PlanRows,
    metres: tuple[Metre, ...],
    key: KeyName | None = None,
    names: Sequence[str] | None = None,
) -> Plan:
    """The plan that rows without an open field say.

    Args:
        metres: of the plan. key: chords are above its tonic.
        names: of the sections in order; letters where None.

    Raises:
        ConfigError: if something is open.
    """
    fields = rows.fields
    if (fields == OPEN).any() or (rows.plays == OPEN).any():
        raise ConfigError("The rows leave something open.")
    tonic = 0 if key is None else key.tonic
    chords = []
    for root, kind in ((ROOT, KIND), (SECOND_ROOT, SECOND_KIND)):
        pitch_class = (fields[:, root] + tonic) % 12
        silent = fields[:, root] == NO_ROOT
        chords.append(np.where(silent, NO_CHORD, fields[:, kind] * 12 + pitch_class))
    feel = fields[:, FEEL]
    swing = np.array([_SWING.get(index, np.nan) for index in feel.tolist()])
    plan = Plan(
        rows.players,
        metres,
        back=fields[:, BACK].copy(),
        close=np.where(fields[:, BACK] == 0, NEW, fields[:, CLOSE] + 1),
        chords=np.stack(chords, axis=1),
        plays=rows.plays.copy(),
        density=np.array(_DENSITY_VALUES)[fields[:, DENSITY]],
        loudness=fields[:, LOUDNESS] * float(LOUDNESS_STEP) + LOUDNESS_STEP // 2,
        feel=feel.copy(),
        swing=swing,
        key=key,
    )
    return replace(plan, sections=_sections(fields, names))


def _sections(fields: np.ndarray, names: Sequence[str] | None) -> tuple[Section, ...]:
    starts = np.flatnonzero(fields[:, BEGINS]).tolist()
    ends = [*starts[1:], len(fields)]
    recent: list[str] = []
    found = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        label = int(fields[start, LABEL])
        if label in (LABEL_INTRO, LABEL_END):
            name = INTRO if label == LABEL_INTRO else END
        elif label == LABEL_NEW:
            name = letter(len(recent))
            recent.insert(0, name)
        else:
            name = recent.pop(min(label - LABEL_SAME, len(recent) - 1))
            recent.insert(0, name)
        found.append(Section(names[number] if names else name, start, end - start))
    return tuple(found)
