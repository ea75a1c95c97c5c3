"""A plan: what a piece does bar by bar, without its notes.

`ritornello.plan.analysis` reads one from any piece; a person may state one, or a part of one, and
leave the rest open.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music.chords import CHORD_OPEN
from ritornello.music.keys import KeyName
from ritornello.music.piece import Metre
from ritornello.plan.bar_strokes import FARTHEST_BARS, RESOLUTION
from ritornello.plan.players import Player
from ritornello.plan.returning_bars import NEW
from ritornello.plan.sections import Section

OPEN = -1  # nothing is stated; nan where values are no whole numbers, `CHORD_OPEN` for chords
MAX_BARS = 4000


@dataclass(frozen=True, eq=False)
class Plan:
    """A row for each bar. Whatever is `OPEN` is left to who composes.

    Attributes:
        players: who plays in the piece, in the order of instruments and desks.
        metres: the metre map at 24 ticks a quarter, the first at tick 0, each on a bar line.
        back: int64 [bars], how many bars back the bar is that it returns to; 0 where it is new.
        close: int64 [bars], how closely: `returns.NEW`, `VARIED` or `AGAIN`.
        chords: int64 [bars, 2], the chord at the beginning of each half, classes of
            `ritornello.music.chords`.
        plays: int64 [bars, players], 1 for who begins a note in the bar, else 0.
        density: float64 [bars], notes a quarter note of all players together.
        loudness: float64 [bars], mean MIDI velocity; 0 where nothing begins.
        feel: int64 [bars], an index into `feel.FEELS`.
        swing: float64 [bars], the swing ratio; nan where there is none.
        sections: from the first bar to the last, or none at all where they are open.
        back_by_player, close_by_player: int64 [bars, players], the same of each player alone;
            where it is silent it is new.
        key, tempo_bpm, title: of the piece; None and "" where open.
        drafted_chords: whether the chords were drawn with the form and asked for by nobody.

    Raises:
        ConfigError: if the rows do not fit each other, or a bar returns to none.
    """

    players: tuple[Player, ...]
    metres: tuple[Metre, ...]
    back: np.ndarray
    close: np.ndarray
    chords: np.ndarray
    plays: np.ndarray
    density: np.ndarray
    loudness: np.ndarray
    feel: np.ndarray
    swing: np.ndarray
    sections: tuple[Section, ...] = ()
    back_by_player: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    close_by_player: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    key: KeyName | None = None
    tempo_bpm: float | None = None
    title: str = ""
    drafted_chords: bool = False

    @classmethod
    def open(
        cls,
        bars: int,
        metres: tuple[Metre, ...] = (Metre(0, 4, 4),),
        players: tuple[Player, ...] = (),
    ) -> Plan:
        """A plan that states nothing but how many bars there are, and who may play."""
        return cls(
            players,
            metres,
            back=np.full(bars, OPEN),
            close=np.full(bars, OPEN),
            chords=np.full((bars, 2), CHORD_OPEN),
            plays=np.full((bars, len(players)), OPEN),
            density=np.full(bars, np.nan),
            loudness=np.full(bars, np.nan),
            feel=np.full(bars, OPEN),
            swing=np.full(bars, np.nan),
        )

    def __post_init__(self) -> None:
        bars, players = self.bars, len(self.players)
        if not 1 <= bars <= MAX_BARS:
            raise ConfigError(f"A plan has 1 to {MAX_BARS} bars; found {bars}.")
        for name in ("back_by_player", "close_by_player"):
            if not getattr(self, name).size:
                object.__setattr__(self, name, np.full((bars, players), OPEN))
        wide = {
            "chords": 2,
            **dict.fromkeys(("plays", "back_by_player", "close_by_player"), players),
        }
        for one in fields(self):
            table = getattr(self, one.name)
            if isinstance(table, np.ndarray):
                shape = (bars, wide[one.name]) if one.name in wide else (bars,)
                if table.shape != shape:
                    raise ConfigError(f"{one.name} has the shape {table.shape}, expected {shape}.")
                table.flags.writeable = False
        self._check_returns()
        self._check_sections()

    def _check_returns(self) -> None:
        earlier = np.arange(self.bars) - np.maximum(self.back, 0)
        wrong = (self.back > FARTHEST_BARS) | (self.back < OPEN) | (earlier < 0)
        wrong |= (self.back > 0) & (self.lengths[np.maximum(earlier, 0)] != self.lengths)
        if wrong.any():
            bar = int(np.flatnonzero(wrong)[0])
            raise ConfigError(
                f"It returns to the bar {int(self.back[bar])} before it.",
                where=f"bar {bar + 1} of the plan",
                next_step="A bar returns to an earlier bar of the same length, at most "
                f"{FARTHEST_BARS} bars back.",
            )
        stated = (self.back >= 0) & (self.close >= 0)
        wrong = stated & ((self.back == 0) != (self.close == NEW))
        if wrong.any():
            bar = int(np.flatnonzero(wrong)[0])
            raise ConfigError(
                "A bar is new, or it returns to another; this one is said to do both.",
                where=f"bar {bar + 1} of the plan",
            )

    def _check_sections(self) -> None:
        at = 0
        for section in self.sections:
            if section.start != at or section.bars < 1:
                raise ConfigError(
                    f"The section {section.name} begins at bar {section.start + 1} and has "
                    f"{section.bars} bars; expected one that begins at bar {at + 1}.",
                )
            at = section.end
        if self.sections and at != self.bars:
            raise ConfigError(f"The sections have {at} bars, the plan {self.bars}.")

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and all(
            np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")
            if isinstance(mine, np.ndarray)
            else mine == theirs
            for mine, theirs in (
                (getattr(self, one.name), getattr(other, one.name)) for one in fields(self)
            )
        )

    @property
    def bars(self) -> int:
        return len(self.back)

    @cached_property
    def _grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each bar starts and how long it is, in ticks."""
        starts: list[int] = []
        for number, metre in enumerate(self.metres):
            end = self.metres[number + 1].tick if number + 1 < len(self.metres) else None
            tick = metre.tick
            while len(starts) < self.bars and (end is None or tick < end):
                starts.append(tick)
                tick += metre.bar_ticks(RESOLUTION)
        lengths = np.diff(np.array([*starts, tick]))
        return np.array(starts), lengths

    @property
    def starts(self) -> np.ndarray:
        """Where each bar begins, int64 [bars], 24 ticks a quarter."""
        return self._grid[0]

    @property
    def lengths(self) -> np.ndarray:
        """How long each bar is, int64 [bars], 24 ticks a quarter."""
        return self._grid[1]

    def is_usual(self, bar: int) -> bool:
        """Whether a bar is as long as the first metre says, which an upbeat is not."""
        return bool(self.lengths[bar] == self.metres[0].bar_ticks(RESOLUTION))

    def metre_of(self, bar: int) -> Metre:
        """The metre in which a bar stands."""
        return [metre for metre in self.metres if metre.tick <= self.starts[bar]][-1]

    def section_of(self, bar: int) -> Section | None:
        """The section that a bar belongs to; None where they are open."""
        return next((one for one in self.sections if one.start <= bar < one.end), None)

    def transposed(self, semitones: int) -> Plan:
        """The same plan with its chords and its key moved."""
        chords = np.where(
            self.chords < CHORD_OPEN - 1,
            self.chords // 12 * 12 + (self.chords + semitones) % 12,
            self.chords,
        )
        key = (
            None if self.key is None else replace(self.key, tonic=(self.key.tonic + semitones) % 12)
        )
        return replace(self, chords=chords, key=key)
