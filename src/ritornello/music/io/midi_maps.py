"""Tempi, metres and keys as MIDI files write them, to those of a `Piece`; faults are told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ritornello.music.io.limits import FASTEST_BPM, SLOWEST_BPM
from ritornello.music.keys import KeyName
from ritornello.music.piece import DEFAULT_TEMPO_BPM, KeyChange, Metre, Tempo


def tempo_map(changes: Sequence[tuple[int, float]], repairs: list[str]) -> tuple[Tempo, ...]:
    """Tempi of (tick, microseconds a quarter); those no player keeps are clamped, and told."""
    if not changes:
        return ()
    fastest, slowest = 60e6 / FASTEST_BPM, 60e6 / SLOWEST_BPM
    lengths = [microseconds for _, microseconds in changes]
    if min(lengths) < fastest or max(lengths) > slowest:
        absurd = sum(not fastest <= microseconds <= slowest for microseconds in lengths)
        repairs.append(
            f"{absurd} tempi outside {SLOWEST_BPM:g} to {FASTEST_BPM:g} bpm were clamped."
        )
        changes = [(tick, min(max(length, fastest), slowest)) for tick, length in changes]
    tempos = [Tempo(tick, tempo_bpm(microseconds)) for tick, microseconds in changes]
    if tempos[0].tick > 0:
        tempos.insert(0, Tempo(0, DEFAULT_TEMPO_BPM))
    return tuple(tempos)


@lru_cache(maxsize=4096)
def tempo_bpm(microseconds_per_quarter: float) -> float:
    """The roundest tempo that programs write as this number, whether they round or cut it."""
    exact = 60e6 / microseconds_per_quarter
    for digits in (0, 1, 2, 3):
        rounded = round(exact, digits)
        if microseconds_per_quarter in (round(60e6 / rounded), int(60e6 / rounded)):
            return rounded
    return exact


def metre_map(
    changes: list[tuple[int, int, int]], resolution: int, repairs: list[str]
) -> tuple[Metre, ...]:
    """Metres of (tick, numerator, denominator); impossible ones are left out, and told."""
    found = [Metre(*change) for change in changes]
    kept = tuple(m for m in found if m.numerator and m.denominator in (1, 2, 4, 8, 16, 32, 64))
    if len(kept) < len(found):
        repairs.append(f"{len(found) - len(kept)} impossible metres were left out.")
    return as_pickup(kept, resolution)


def as_pickup(metres: tuple[Metre, ...], resolution: int) -> tuple[Metre, ...]:
    """Metres in which a single shorter bar at the beginning is a pick-up of the next metre."""
    if len(metres) < 2:
        return metres
    first, second = metres[:2]
    length = first.bar_ticks(resolution)
    if first.tick or second.tick != length or length >= second.bar_ticks(resolution):
        return metres
    return (second._replace(tick=0), *metres[1:])


def key_map(changes: list[tuple[int, int, int]], repairs: list[str]) -> tuple[KeyChange, ...]:
    """Keys of (tick, sharps, mode); impossible ones are left out, and told."""
    kept = [
        (tick, sharps, mode)
        for tick, sharps, mode in changes
        if abs(sharps) <= 7 and mode in (0, 1)
    ]
    if len(kept) < len(changes):
        repairs.append(f"{len(changes) - len(kept)} impossible key signatures were left out.")
    return tuple(
        KeyChange(tick, KeyName((sharps * 7 + 9 * mode) % 12, "minor" if mode else "major"))
        for tick, sharps, mode in kept
    )
