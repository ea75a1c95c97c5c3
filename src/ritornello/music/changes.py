"""Things that stand at ticks, such as tempi and lyrics: put in order, and moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import lt
from typing import Any, Protocol, Self, TypeVar


class _Placed(Protocol):
    """A named tuple with a tick."""

    @property
    def tick(self) -> int: ...

    def _replace(self, *, tick: int) -> Self: ...


Place = TypeVar("Place", bound=_Placed)


def retimed(places: tuple[Place, ...], moved: Callable[[int], Any]) -> tuple[Place, ...]:
    """The same with their ticks moved, as `Track.retimed` says it."""
    return tuple(place._replace(tick=int(moved(place.tick))) for place in places)


def from_zero(
    changes: Iterable[Place], default: Place, *, moves_first: bool = False
) -> tuple[Place, ...]:
    """Changes sorted by tick, of which the last at a tick wins, and one stands at tick 0.

    Args:
        default: stands there where none of them does.
        moves_first: rather than the default, the first of them is moved there.
    """
    changes = tuple(changes)
    ticks = [change.tick for change in changes]
    if ticks[:1] == [0] and all(map(lt, ticks, ticks[1:])):
        return changes
    at: dict[int, Place] = {}
    for change in sorted(changes, key=lambda change: change.tick):
        at[change.tick] = change
    if 0 not in at:
        first = next(iter(at.values()), default)
        at[0] = first._replace(tick=0) if moves_first else default
    return tuple(at[tick] for tick in sorted(at))
