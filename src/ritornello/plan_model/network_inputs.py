"""A plan as the arrays that the network learns from: `Past` walked through from bar to bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music.keys import KeyName
from ritornello.plan.plan import OPEN
from ritornello.plan_model.past import HEADS, PARTS, PLAYER, STATIC, TRUNK, Past
from ritornello.plan_model.plan_rows import BEGINS, FIELDS, LABEL, PlanRows

MAJOR, MINOR, NO_MODE = range(3)
LEFT_COLUMN = len(TRUNK) - 6  # of `TRUNK`; the last one of `PLAYER`
assert TRUNK[LEFT_COLUMN] == PLAYER[-1]


@dataclass(frozen=True)
class PlanInputs:
    """What goes with the bars of a plan; the columns as of `past`.

    Attributes:
        fields: int64 [bars, 11], the bars themselves.
        trunk: int64 [bars, columns]. played: float32 [bars, `PARTS`], who played in the bar before.
        candidates: uint8 [bars, distances].
        heads: by field int64 [bars, columns].
        legal_begins, legal_labels: bool [bars, classes].
        players: int64 [players of all bars, columns], plays: int64 of each 0 or 1, and player_bars:
            int64, the bar it belongs to.
        static: int64 [2], mode and number of players. in_piece: float32 [`PARTS`], who plays.
    """

    fields: np.ndarray
    trunk: np.ndarray
    played: np.ndarray
    candidates: np.ndarray
    heads: dict[str, np.ndarray]
    legal_begins: np.ndarray
    legal_labels: np.ndarray
    players: np.ndarray
    plays: np.ndarray
    player_bars: np.ndarray
    static: np.ndarray
    in_piece: np.ndarray

    def __len__(self) -> int:
        return len(self.fields)


def mode_of_key(key: KeyName | None) -> int:
    """`MAJOR`, `MINOR` or `NO_MODE`, where there is no key."""
    if key is None:
        return NO_MODE
    return MINOR if key.is_minor else MAJOR


def static_of(past: Past, mode: int) -> tuple[np.ndarray, np.ndarray]:
    """What holds for a whole piece: the columns of `STATIC`, and who plays at all."""
    in_piece = np.zeros(PARTS, np.float32)
    in_piece[past.parts] = 1.0
    return np.array([mode, min(len(past.parts), STATIC[1] - 1)]), in_piece


def played_row(past: Past) -> np.ndarray:
    """Who played in the bar before, float32 [`PARTS`]."""
    row = np.zeros(PARTS, np.float32)
    row[[part for part, on in zip(past.parts, past.played_before(), strict=True) if on]] = 1.0
    return row


def inputs(rows: PlanRows, mode: int, *, told_end: bool = True) -> PlanInputs:
    """All that the network sees of a plan in which nothing is open.

    Raises:
        ConfigError: if something is.
    """
    if (rows.fields == OPEN).any() or (rows.plays == OPEN).any():
        raise ConfigError("A plan to learn from or to score leaves nothing open.")
    past = Past(rows.players, rows.metres, rows.lengths.tolist(), told_end=told_end)
    bars, players = rows.plays.shape
    trunk, played, candidates = [], np.zeros((bars, PARTS), np.float32), []
    heads: dict[str, list[list[int]]] = {name: [] for name in FIELDS}
    begins, labels, of_players = [], [], []
    for bar, (fields, plays) in enumerate(
        zip(rows.fields.tolist(), rows.plays.tolist(), strict=True)
    ):
        trunk.append(past.trunk())
        played[bar] = played_row(past)
        candidates.append(past.candidates(fields[BEGINS], fields[LABEL]))
        begins.append(past.legal_begins())
        labels.append(past.legal_labels())
        playing = sum(plays)
        for name in FIELDS:
            heads[name].append(past.head(name, fields, playing))
        of_players += [past.player(index, fields, plays[:index]) for index in range(players)]
        past.advance(fields, plays)
    static, in_piece = static_of(past, mode)
    return PlanInputs(
        rows.fields,
        np.array(trunk),
        played,
        np.array(candidates),
        {name: np.array(table).reshape(bars, len(HEADS[name])) for name, table in heads.items()},
        np.array(begins),
        np.array(labels),
        np.array(of_players, np.int64).reshape(bars * players, len(PLAYER)),
        rows.plays.ravel(),
        np.repeat(np.arange(bars), players),
        static,
        in_piece,
    )
