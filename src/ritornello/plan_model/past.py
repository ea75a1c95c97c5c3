"""What the plan network sees before each bar and at each of its predictions: computed, never
predicted, from the rows so far.

One growing plan, a bar at a time, serves training and playing alike. `Past` is told the fields of a
bar in their order and answers with class indices for the network:

    trunk       before the bar: the bar before it, where in the piece and its section it stands, and
                what it would be if it went on returning to where the bar before did
    candidates  once the section is known: what speaks for each earlier bar
    heads       for each field: what was chosen of the bar so far, and what stands in the bar that
                it returns to
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from ritornello.note_model.encoding.bar_grid import METRES
from ritornello.plan.bar_strokes import FARTHEST_BARS
from ritornello.plan.players import DESKS, Player
from ritornello.plan_model.plan_rows import (
    BACK,
    BEGINS,
    DENSITY,
    FEEL,
    KIND,
    LABEL,
    LABEL_END,
    LABEL_INTRO,
    LABEL_NEW,
    LABEL_SAME,
    LOUDNESS,
    NONE,
    RECENT,
    ROOT,
    SECOND_KIND,
    SECOND_ROOT,
    SIZES,
)

_INPUT = tuple(size + 1 for size in SIZES)  # with NONE
_SECTION_BARS = 33
_PHRASE_BARS = 16
_DONE_EDGES = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)
_LEFT_EDGES = (*range(1, 18), 21, 25, 33, 49, 65, 97, 129)
_LETTERS = 9
_PLAYING = 17
_SINCE = (1, 2, 3, 4, 8, 16)
_CLOSENESS = 3  # varied, again, new
_DEVIATIONS = 4

# Columns of each table, with their numbers of classes.
TRUNK = (
    *_INPUT,  # the bar before
    *(_INPUT[field] for field in (BEGINS, LABEL, ROOT, KIND)),  # the one to go on to
    _SECTION_BARS, _PHRASE_BARS, len(_DONE_EDGES) + 1, len(_LEFT_EDGES) + 2,
    _LETTERS, _INPUT[LABEL], len(METRES) + 1, 2, _PLAYING,
)  # fmt: skip
STATIC = (3, _PLAYING)  # mode, players; and the collection
_SO_FAR = (_INPUT[BEGINS], _INPUT[LABEL], _CLOSENESS)
_THERE = (ROOT, KIND, SECOND_ROOT, SECOND_KIND)
HEADS: dict[str, tuple[int, ...]] = {
    "begins": (),
    "label": (_LETTERS,),
    "back": (_INPUT[BEGINS], _INPUT[LABEL]),
    "close": (_INPUT[BEGINS], _INPUT[LABEL], SIZES[BACK], _INPUT[BEGINS], 2),
    "root": (*_SO_FAR, *(_INPUT[field] for field in _THERE), *(_INPUT[field] for field in _THERE)),
    "kind": (*_SO_FAR, _INPUT[ROOT], _INPUT[ROOT], _INPUT[KIND]),
    "second_root": (*_SO_FAR, *(_INPUT[field] for field in (ROOT, KIND, *_THERE))),
    "second_kind": (
        *_SO_FAR,
        *(_INPUT[field] for field in (ROOT, KIND, SECOND_ROOT, SECOND_ROOT, SECOND_KIND)),
    ),
    "density": (*_SO_FAR, _INPUT[DENSITY], _INPUT[DENSITY], _PLAYING, _PLAYING),
    "loudness": (*_SO_FAR, _INPUT[LOUDNESS], _INPUT[LOUDNESS], _INPUT[DENSITY]),
    "feel": (*_SO_FAR, _INPUT[FEEL], _INPUT[FEEL], _INPUT[DENSITY]),
}
PARTS = 128  # instrument * DESKS + desk
# Of one player: who, whether it played in the bar before, whether in the bar returned to and how
# close that is, for how long it has been silent, how many before it do otherwise than there, and
# what else is known of the bar.
PLAYER = (PARTS, 2, 2 * _CLOSENESS, len(_SINCE) + 2, _DEVIATIONS, _INPUT[BEGINS], _INPUT[LABEL],
          len(_LEFT_EDGES) + 2)  # fmt: skip
# What speaks for an earlier bar, one bit each: it is as far back as the one before returned, it
# stands at the same place of a section of the same name, of the latest such section, of any
# section; it begins a section; it is new itself.
FEATURES = 6
LEGAL = 1 << FEATURES  # and whether it may be returned to at all


def part_of(player: Player) -> int:
    """The class of a player, 0 to `PARTS` - 1."""
    return player.instrument * DESKS + player.desk


class Past:
    """A growing plan. `copy` branches it.

    Args:
        players: who plays in the piece.
        metres: of each bar to come. lengths: of each in ticks.
        told_end: whether the number of bars is known.
    """

    def __init__(
        self,
        players: Sequence[Player],
        metres: Sequence[tuple[int, int]],
        lengths: Sequence[int],
        *,
        told_end: bool = True,
    ) -> None:
        self.parts = [part_of(player) for player in players]
        self._metres = [METRES.index(m) if m in METRES else len(METRES) for m in metres]
        self._lengths = np.asarray(lengths)
        self._told_end = told_end
        bars = len(lengths)
        self._rows: list[tuple[int, ...]] = []
        self._plays: list[tuple[int, ...]] = []
        self._letters: list[int] = []  # names of sections by how long ago they were; latest first
        self._section_start, self._section_label, self._name = 0, NONE[LABEL], -1
        self._last_back = 0
        self._named = np.full(bars, -2)  # name of the section of each bar
        self._place = np.zeros(bars, np.int64)  # in its section
        self._start = np.zeros(bars, np.int64)  # of its section
        self._new = np.zeros(bars, bool)
        self._silent = [len(_SINCE) + 1] * len(self.parts)  # class of the bars since each played
        self._since = [-1] * len(self.parts)

    def copy(self) -> Past:
        twin = object.__new__(Past)
        twin.__dict__.update(self.__dict__)
        for name in ("_rows", "_plays", "_letters", "_silent", "_since"):
            setattr(twin, name, list(getattr(self, name)))
        for name in ("_named", "_place", "_start", "_new"):
            setattr(twin, name, getattr(self, name).copy())
        return twin

    @property
    def bar(self) -> int:
        """The bar to come."""
        return len(self._rows)

    @property
    def _left(self) -> int:
        if not self._told_end:
            return len(_LEFT_EDGES) + 1
        return bisect_right(_LEFT_EDGES, len(self._lengths) - self.bar)

    # --- before the bar ------------------------------------------------------------------------

    def trunk(self) -> list[int]:
        """The columns of `TRUNK`."""
        bar = self.bar
        before = self._rows[-1] if self._rows else NONE
        onward = self._rows[bar - self._last_back] if self._last_back else NONE
        metre = self._metres[bar]
        changed = int(bar > 0 and metre != self._metres[bar - 1])
        playing = sum(self._plays[-1]) if self._plays else 0
        return [
            *before,
            *(onward[field] for field in (BEGINS, LABEL, ROOT, KIND)),
            min(bar - self._section_start, _SECTION_BARS - 1),
            bar % _PHRASE_BARS,
            bisect_right(_DONE_EDGES, bar),
            self._left,
            min(len(self._letters), _LETTERS - 1),
            self._section_label,
            metre,
            changed,
            min(playing, _PLAYING - 1),
        ]

    def played_before(self) -> tuple[int, ...]:
        """0 or 1 for each player: whether it played in the bar before."""
        return self._plays[-1] if self._plays else (0,) * len(self.parts)

    # --- legality ------------------------------------------------------------------------------

    def legal_begins(self) -> list[bool]:
        """A piece begins with a section, and nothing follows the end."""
        return [self.bar > 0, self._section_label != LABEL_END]

    def legal_labels(self) -> list[bool]:
        """Labels that a section that begins may have."""
        known = min(len(self._letters), RECENT)
        legal = [False] * SIZES[LABEL]
        legal[LABEL_INTRO] = self.bar == 0
        legal[LABEL_NEW] = True
        legal[LABEL_SAME : LABEL_SAME + known] = [True] * known
        legal[LABEL_END] = self.bar > 0
        return legal

    # --- the bar, field by field ---------------------------------------------------------------

    def name_of(self, begins: int, label: int) -> tuple[int, int]:
        """The number of the section that the bar is in, -1 without a letter; and where it began."""
        if not begins:
            return self._name, self._section_start
        if label in (LABEL_INTRO, LABEL_END):
            return -1, self.bar
        if label == LABEL_NEW:
            return len(self._letters), self.bar
        return self._letters[min(label - LABEL_SAME, len(self._letters) - 1)], self.bar

    def candidates(self, begins: int, label: int) -> np.ndarray:
        """What speaks for each distance, uint8 [distances], bits as of `FEATURES` and `LEGAL`."""
        bar = self.bar
        found = np.zeros(FARTHEST_BARS + 1, np.uint8)
        found[0] = LEGAL
        count = min(bar, FARTHEST_BARS)
        if not count:
            return found
        name, start = self.name_of(begins, label)
        earlier = bar - np.arange(1, count + 1)
        same_place = self._place[earlier] == bar - start
        same_name = same_place & (self._named[earlier] == name) & (name >= 0)
        same_name &= self._start[earlier] != start
        bits = LEGAL * (self._lengths[earlier] == self._lengths[bar])
        bits = bits | 2 * same_name | 8 * same_place | 16 * (self._place[earlier] == 0)
        bits |= 32 * self._new[earlier]
        nearest = int(same_name.argmax())
        if same_name[nearest]:
            bits[nearest] |= 4
        if 0 < self._last_back <= count:
            bits[self._last_back - 1] |= 1
        found[1 : count + 1] = bits
        return found

    def there(self, back: int) -> tuple[int, ...]:
        """The row of the bar that far back; `NONE` where the bar is new."""
        return self._rows[self.bar - back] if back else NONE

    def head(self, name: str, chosen: Sequence[int], playing: int = 0) -> list[int]:
        """The columns of `HEADS` for a field.

        Args:
            chosen: the fields of the bar; those up to this one count.
            playing: how many players play in it, once they are known.
        """
        if name == "begins":
            return []
        if name == "label":
            return [min(len(self._letters), _LETTERS - 1)]
        begins, label, back, close = chosen[:4]
        if name == "back":
            return [begins, label]
        there = self.there(back)
        if name == "close":
            new = int(back > 0 and self._new[self.bar - back])
            return [begins, label, back, there[BEGINS], new]
        before = self._rows[-1] if self._rows else NONE
        so_far = [begins, label, close]
        if name == "root":
            return [*so_far, *(there[f] for f in _THERE), *(before[f] for f in _THERE)]
        if name == "kind":
            return [*so_far, chosen[ROOT], there[ROOT], there[KIND]]
        if name == "second_root":
            return [*so_far, chosen[ROOT], chosen[KIND], *(there[f] for f in _THERE)]
        if name == "second_kind":
            return [
                *so_far, chosen[ROOT], chosen[KIND], chosen[SECOND_ROOT],
                there[SECOND_ROOT], there[SECOND_KIND],
            ]  # fmt: skip
        if name == "density":
            were = sum(self._plays[self.bar - back]) if back else 0
            return [
                *so_far, there[DENSITY], before[DENSITY],
                min(playing, _PLAYING - 1), min(were, _PLAYING - 1),
            ]  # fmt: skip
        field = LOUDNESS if name == "loudness" else FEEL
        return [*so_far, there[field], before[field], chosen[DENSITY]]

    def player(self, index: int, chosen: Sequence[int], decided: Sequence[int]) -> list[int]:
        """The columns of `PLAYER` for a player.

        Args:
            chosen: the fields of the bar up to its closeness.
            decided: 0 or 1 for each player before it.
        """
        begins, label, back, close = chosen[:4]
        there = self._plays[self.bar - back] if back else self.played_before()
        deviations = sum(a != b for a, b in zip(decided, there, strict=False))
        return [
            self.parts[index],
            self.played_before()[index],
            there[index] * _CLOSENESS + close,
            self._silent[index],
            min(deviations, _DEVIATIONS - 1),
            begins,
            label,
            self._left,
        ]

    # --- rules of forms and line-ups -------------------------------------------------------------

    def is_foreign(self, chosen: Sequence[int]) -> bool:
        """Whether the bar returned to belongs to a section of another name, or of none."""
        name, _ = self.name_of(chosen[BEGINS], chosen[LABEL])
        return bool(chosen[BACK]) and self._named[self.bar - chosen[BACK]] != name

    def must_enter(self, index: int, begins: int) -> bool:
        """Whether a player who has never played plays now: at the first section past the middle."""
        bars = len(self._lengths)
        late = 2 * self.bar >= bars and (begins == 1 or self.bar + 1 == bars)
        return self._since[index] < 0 and late

    # --- after the bar -------------------------------------------------------------------------

    def advance(self, fields: Sequence[int], plays: Sequence[int]) -> None:
        """Take a bar as written: its fields and who plays."""
        bar, (begins, label, back, *_) = self.bar, fields
        self._name, self._section_start = self.name_of(begins, label)
        if begins:
            self._section_label = label
            if self._name >= 0:
                if label != LABEL_NEW:
                    self._letters.remove(self._name)
                self._letters.insert(0, self._name)
        self._named[bar], self._start[bar] = self._name, self._section_start
        self._place[bar] = bar - self._section_start
        self._new[bar] = back == 0
        if back:
            self._last_back = back
        for index, playing in enumerate(plays):
            if playing:
                self._since[index] = bar
            silent = bar - self._since[index]
            never = self._since[index] < 0
            self._silent[index] = len(_SINCE) + 1 if never else bisect_right(_SINCE, silent)
        self._rows.append(tuple(fields))
        self._plays.append(tuple(plays))
