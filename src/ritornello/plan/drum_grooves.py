"""Beats that a drummer holds through a section, drawn from those that drummers do hold.

A network that goes on from bar to bar seldom settles on a beat. So each section of a form may state
one: two bars of kick and snare, and a cymbal that keeps the time, and the rest of the kit is played
to it; or, where a style is known, four bars of one of its drummers and what he plays in every
eighth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ritornello.rng import Rng, weighted_index

KICK, SNARE, HAT, RIDE, CRASH = 36, 38, 42, 51, 49
BEAT_KEYS = (35, 36, 38, 40, 42, 51)  # nobody adds to them where a beat is stated
STATED_KEYS = frozenset({KICK, SNARE, HAT, RIDE})
GROOVE_BARS = 2
CYCLE_BARS, FILL_BARS = 4, 8  # of the grooves of styles: they go round, and every eighth is a fill
_EIGHTHS, _SIXTEENTHS = tuple(range(0, 96, 12)), tuple(range(0, 96, 6))
_Ticks = tuple[int, ...]
# Of what is stated: the means of the training music, cymbals a little less between the beats.
_VELOCITIES = {KICK: 78, SNARE: 102}
_CYMBAL_ON, _CYMBAL_OFF = 80, 66
_BEAT_TICKS = 24


class Beat(NamedTuple):
    """What is struck in a bar, and when: ticks from the bar line, 24 a quarter note."""

    kick: _Ticks
    snare: _Ticks
    cymbal: _Ticks
    cymbal_key: int
    others: tuple[tuple[int, int, int], ...] = ()  # tick, key and velocity of whatever else

    def strokes(self) -> list[tuple[int, int, int]]:
        """Tick, key and velocity of each."""
        lines = ((KICK, self.kick), (SNARE, self.snare), (self.cymbal_key, self.cymbal))
        struck = [
            (tick, key, _VELOCITIES.get(key, _CYMBAL_OFF if tick % _BEAT_TICKS else _CYMBAL_ON))
            for key, ticks in lines
            for tick in ticks
        ]
        return [*struck, *self.others]

    def from_tick(self, tick: int) -> Beat:
        """What is struck at a tick of the bar and after it."""
        return Beat((), (), (), HAT, tuple(each for each in self.strokes() if each[0] >= tick))

    @property
    def keys(self) -> frozenset[int]:
        """Those that it strikes."""
        return frozenset(key for _, key, _ in self.strokes())


@dataclass(frozen=True)
class Groove:
    """The beats of bars that go round, one after the other.

    Attributes:
        fills: what may be played in the place of a bar that leads on; none of a groove to which
            the rest of the kit is still to be played.
    """

    beats: tuple[Beat, ...]
    fills: tuple[Beat, ...] = ()

    @property
    def keys(self) -> frozenset[int]:
        """Those that it strikes."""
        return frozenset[int]().union(*(beat.keys for beat in (*self.beats, *self.fills)))

    @property
    def is_whole(self) -> bool:
        """Whether it is all that a drummer plays."""
        return bool(self.fills)

    def beat(self, bar: int) -> Beat:
        """Of a bar counted from the first of the section."""
        return self.beats[bar % len(self.beats)]

    def fill(self, rng: Rng, *, is_last: bool) -> Beat:
        """Of a bar that leads on; of the last one of a section one that differs, if there is
        any."""
        other = [fill for fill in self.fills if fill not in self.beats] if is_last else []
        found = other or self.fills
        return found[int(rng.integers(len(found)))]


Drummers = Sequence[tuple[Groove, ...]]  # what each of them holds, in one section or another


# Counted in the 1,328 training pieces with drums of freedoom_midi, free_game_midi,
# band_arranged_synth and groove_midi: what is held for three bars or more, on 16ths, each piece
# counting once; the usual ones alone. By metre the snare with the kicks that go with it, and the
# cymbals; those in 16ths come half as often, as what is composed to them is thin. What the other
# counts held is so varied that it is left to the network (`_OTHERS`), half as often too.
_Kicks = tuple[tuple[float, _Ticks], ...]
_Snares = tuple[tuple[_Ticks, _Kicks], ...]
_Cymbals = tuple[tuple[float, int, _Ticks], ...]
_BACKBEAT_KICKS: _Kicks = (
    (33, (0, 24, 48, 72)), (22, (0, 48)), (11, (24, 48, 72)), (9, (0,)), (8, (0, 36, 60)),
    (7, (0, 18, 36, 60)), (7, (12, 60)), (6.5, (0, 48, 60, 84)), (6, (0, 60)), (5, (0, 48, 60)),
    (5, (0, 12, 60)), (5, (48,)), (5, (0, 12, 36, 60)), (4, (0, 60, 84)),
)  # fmt: skip
_FOUR: _Snares = (
    ((24, 72), _BACKBEAT_KICKS),
    ((24, 54, 72), ((2.5, (0, 66, 84)), (1, (0, 36, 60, 78)))),
    ((48,), ((20, (0,)), (11, (36,)), (8, (0, 36, 72)))),
    ((24,), ((17, (0, 48)), (7, (0, 60)), (6, (0, 24, 48, 72)))),
    ((72,), ((13, (0, 24, 48, 72)), (10, (0, 24, 48)), (7, (0, 18, 36)))),
    ((12, 36, 60, 84), ((14, (0, 24, 48, 72)),)),
    ((24, 84), ((4, (0, 60)), (3, (0, 48, 60)))),
)
_FOUR_CYMBALS: _Cymbals = (
    (76, HAT, _EIGHTHS), (31, RIDE, _EIGHTHS), (28, HAT, (0, 24, 48, 72)), (14, HAT, _SIXTEENTHS),
    (7, RIDE, (0, 24, 48, 72)), (6, HAT, (12, 36, 60, 84)),
)  # fmt: skip
_ONE_KICK: _Kicks = ((2, (0,)), (1, (0, 24)), (1, (0, 60)))
_COUNTED: dict[tuple[int, int], tuple[_Snares, _Cymbals]] = {
    (4, 4): (_FOUR, _FOUR_CYMBALS),
    (3, 4): (
        (((24,), ((155, (0,)),)), ((36,), _ONE_KICK)),
        ((5, HAT, (0, 24, 48)), (1, HAT, _EIGHTHS[:6]), (1, RIDE, _EIGHTHS[:6])),
    ),
    (6, 8): ((((36,), _ONE_KICK),), ((2, HAT, _EIGHTHS[:6]), (1, RIDE, _EIGHTHS[:6]))),
    (2, 4): (
        (((24,), ((4, (0,)), (2, (0, 24)))),),
        ((17, HAT, _EIGHTHS[:4]), (8, HAT, _SIXTEENTHS[:8]), (3, RIDE, _EIGHTHS[:4])),
    ),
}
_OTHERS = 0.25
_SAME_AGAIN = 0.4  # how often the second bar has the kick of the first
_OTHER_GROOVE = 0.65  # how often a section of a new name has another of its drummer's grooves
_ONE_FOR_ALL = 0.5  # how often a section has the groove of the piece


def draw_grooves(
    names: Iterable[str], metre: tuple[int, int], rng: Rng, own: Drummers = ()
) -> dict[str, Groove | None]:
    """The groove of each section by its name; None where it is left to who plays.

    Args:
        names: of the sections, in order.
        metre: numerator and denominator; of a metre that is not counted here all is left open.
        own: drummers of a style, one of whom plays, in place of what is usual in all music; a
            section of a new name mostly has the next of his grooves.
    """
    found: dict[str, Groove | None] = {}
    if own:
        drummer = own[int(rng.integers(len(own)))]
        first = int(rng.integers(len(drummer)))
        place = first
        for name in dict.fromkeys(names):
            found[name] = drummer[place % len(drummer)]
            place += rng.random() < _OTHER_GROOVE
        return found
    main = draw_groove(metre, rng)
    for name in names:
        if name not in found:
            found[name] = main if rng.random() < _ONE_FOR_ALL else draw_groove(metre, rng)
    return found


def draw_groove(metre: tuple[int, int], rng: Rng, own: Drummers = ()) -> Groove | None:
    """One groove; None where it is left to who plays. Arguments as of `draw_grooves`."""
    if own:
        drummer = own[int(rng.integers(len(own)))]
        return drummer[int(rng.integers(len(drummer)))]
    if metre not in _COUNTED or rng.random() < _OTHERS:
        return None
    snares, cymbals = _COUNTED[metre]
    snare, kicks = snares[weighted_index([sum(n for n, _ in kicks) for _, kicks in snares], rng)]
    _, key, cymbal = cymbals[weighted_index([count for count, _, _ in cymbals], rng)]
    weights = [count for count, _ in kicks]
    first = weighted_index(weights, rng)
    second = first if rng.random() < _SAME_AGAIN else weighted_index(weights, rng)
    return Groove(tuple(Beat(kicks[one][1], snare, cymbal, key) for one in (first, second)))
