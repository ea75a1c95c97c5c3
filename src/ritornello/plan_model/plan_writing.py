"""Writing plans: the network's distributions, what is stated as masks, and a seed.

What a plan states is kept exactly; what it leaves open is drawn. A form, stated by its sections,
also says what returns: the bars of a section that was there before return to the bars at the same
place of it, and those of a new one to no bar of another section as closely as a copy. Every player
plays at least once: who has not by the middle enters at the next section.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music.keys import KeyName
from ritornello.note_model.engine.drawing import draw
from ritornello.note_model.engine.layers import sigmoid
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan_model.network_inputs import mode_of_key, played_row, static_of
from ritornello.plan_model.past import LEGAL, Past
from ritornello.plan_model.plan_engine import PlanEngine
from ritornello.plan_model.plan_rows import (
    BACK,
    BEGINS,
    CLOSE,
    FIELDS,
    KIND,
    LABEL,
    NO_ROOT,
    NONE,
    ROOT,
    SECOND_KIND,
    SECOND_ROOT,
    SIZES,
    PlanRows,
    plan_of,
    rows_of,
)
from ritornello.rng import Rng

_SAME_NAME = 2  # bit of `Past.candidates`
_VARIED = 0  # class of the field close
_NO_CHORD = {KIND: ROOT, SECOND_KIND: SECOND_ROOT}


@dataclass(frozen=True)
class PlanSampling:
    """How bold plans are drawn; see `ritornello.note_model.engine.drawing.draw`."""

    temperature: float = 1.0
    top_p: float = 0.98


@dataclass
class _Writer:
    """One plan in the making."""

    past: Past
    rng: Rng
    fields: list[list[int]]
    plays: list[list[int]]


def write_plans(
    engine: PlanEngine,
    wanted: Plan,
    seeds: Sequence[int],
    *,
    key: KeyName | None = None,
    collection: str | None = None,
    sampling: PlanSampling | None = None,
) -> list[Plan]:
    """Plans that keep what is stated and draw what is open, side by side.

    Args:
        wanted: its bars, metres and players are those of the plans.
        seeds: one for each plan; a plan depends on its seed alone.
        key: chords are told from it; that of ``wanted`` where None, else C major.
        collection: to write like; any where None.

    Raises:
        ConfigError: if nobody plays, the collection is not known, or what is stated cannot be met.
    """
    if not wanted.players:
        raise ConfigError("A plan needs players.", next_step="Name the parts.")
    if collection is not None and collection not in engine.collections:
        raise ConfigError(
            f"The plan network does not know music like {collection!r}.",
            next_step=f"Known: {', '.join(engine.collections)}.",
        )
    key = key or wanted.key or KeyName(0)
    stated = rows_of(replace(wanted, key=key))
    lengths = stated.lengths.tolist()
    writers = [
        _Writer(Past(stated.players, stated.metres, lengths), np.random.default_rng(seed), [], [])
        for seed in seeds
    ]
    static, in_piece = static_of(writers[0].past, mode_of_key(key))
    owner = len(engine.collections) if collection is None else engine.collections.index(collection)
    count = len(writers)
    condition = engine.condition(
        np.tile(np.append(static, owner), (count, 1)), np.tile(in_piece, (count, 1))
    )
    state = engine.initial_state(count)
    form = bool(wanted.sections)
    for bar in range(len(stated)):
        state = _write_bar(engine, writers, stated, bar, condition, state, sampling, form=form)
    names = [section.name for section in wanted.sections] or None
    return [
        replace(
            plan_of(
                replace(stated, fields=np.array(w.fields), plays=np.array(w.plays)),
                wanted.metres,
                key,
                names,
            ),
            tempo_bpm=wanted.tempo_bpm,
            title=wanted.title,
        )
        for w in writers
    ]


def _write_bar(
    engine: PlanEngine,
    writers: Sequence[_Writer],
    stated: PlanRows,
    bar: int,
    condition: np.ndarray,
    state: np.ndarray,
    sampling: PlanSampling | None,
    *,
    form: bool,
) -> np.ndarray:
    """Write the bar of each plan; returns the state of the network."""
    sampling = sampling or PlanSampling()
    trunk = np.array([writer.past.trunk() for writer in writers])
    played = np.array([played_row(writer.past) for writer in writers])
    hidden, state = engine.step(trunk, played, condition, state)
    chosen = [list(NONE) for _ in writers]
    playing = [0] * len(writers)
    uniform = np.array([w.rng.random(len(FIELDS) + stated.plays.shape[1]) for w in writers])
    plays: list[list[int]] = [[] for _ in writers]
    for index, name in enumerate(FIELDS):
        if index == CLOSE + 1:  # who plays is decided between the returns and the chords
            _choose_players(
                engine, writers, stated.plays[bar], hidden, chosen, plays,
                uniform[:, len(FIELDS) :], sampling,
            )  # fmt: skip
            playing = [sum(row) for row in plays]
        present = [_present(index, row) for row in chosen]
        if not any(present):
            continue
        columns = np.array(
            [w.past.head(name, row, n) for w, row, n in zip(writers, chosen, playing, strict=True)]
        ).reshape(len(writers), -1)
        bits = None
        if index == BACK:
            bits = np.array(
                [
                    w.past.candidates(c[BEGINS], c[LABEL])
                    for w, c in zip(writers, chosen, strict=True)
                ]
            )
        logits = engine.logits(name, hidden, columns.astype(np.int64), bits)
        legal = np.array(
            [
                _legal(w.past, index, row, int(stated.fields[bar, index]), stated.fields[bar],
                       None if bits is None else bits[number], form=form, bar=bar)
                for number, (w, row) in enumerate(zip(writers, chosen, strict=True))
            ]
        )  # fmt: skip
        drawn = draw(
            logits, legal, uniform[:, index], sampling.temperature, sampling.top_p
        ).tolist()
        for row, here, value in zip(chosen, present, drawn, strict=True):
            if here:
                row[index] = value
    for writer, row, who in zip(writers, chosen, plays, strict=True):
        writer.past.advance(row, who)
        writer.fields.append(row)
        writer.plays.append(who)
    return state


def _present(index: int, chosen: Sequence[int]) -> bool:
    """Whether a bar has a field, given those before it."""
    if index == LABEL:
        return chosen[BEGINS] == 1
    if index == CLOSE:
        return chosen[BACK] > 0
    return index not in _NO_CHORD or chosen[_NO_CHORD[index]] != NO_ROOT


def _legal(
    past: Past,
    index: int,
    chosen: Sequence[int],
    stated: int,
    row: np.ndarray,
    bits: np.ndarray | None,
    *,
    form: bool,
    bar: int,
) -> np.ndarray:
    """Classes that a field may take: all, those of the encoding, of the form, or the one stated."""
    legal = np.ones(SIZES[index], bool)
    if index == BEGINS:
        legal &= past.legal_begins()
    elif index == LABEL:
        legal &= past.legal_labels()
    elif index == BACK and bits is not None:
        legal &= (bits & LEGAL) > 0
        same = legal & ((bits & _SAME_NAME) > 0)
        if row[CLOSE] in (0, 1):
            legal[0] = False
        if row[CLOSE] == NONE[CLOSE]:
            legal[1:] = False
        elif form and stated == OPEN and same.any():
            legal = same
    elif index == CLOSE and form and past.is_foreign(chosen):
        legal[:] = np.arange(len(legal)) == _VARIED
    if 0 <= stated < SIZES[index]:
        wanted = np.zeros(len(legal), bool)
        wanted[stated] = True
        if index in (BACK, BEGINS, LABEL) and not (wanted & legal).any():
            raise ConfigError(
                f"What is stated of {FIELDS[index]} cannot follow the bars before it.",
                where=f"bar {bar + 1} of the plan",
            )
        return wanted
    return legal


def _choose_players(
    engine: PlanEngine,
    writers: Sequence[_Writer],
    stated: np.ndarray,
    hidden: np.ndarray,
    chosen: Sequence[Sequence[int]],
    plays: list[list[int]],
    uniform: np.ndarray,
    sampling: PlanSampling,
) -> None:
    """Decide for one player after the other who plays in the bar."""
    for player, said in enumerate(stated.tolist()):
        columns = [
            w.past.player(player, row, who)
            for w, row, who in zip(writers, chosen, plays, strict=True)
        ]
        logits = engine.player_logits(hidden, np.array(columns))
        chances = sigmoid(logits / sampling.temperature)
        for number, (writer, who) in enumerate(zip(writers, plays, strict=True)):
            if said != OPEN:
                who.append(said)
            elif writer.past.must_enter(player, chosen[number][BEGINS]):
                who.append(1)
            else:
                who.append(int(uniform[number, player] < chances[number]))
