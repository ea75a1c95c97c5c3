"""Which preset plays a General MIDI program that a SoundFont does not have."""

from __future__ import annotations

from collections.abc import Collection

# Programs (first, last) and what sounds most like them, best first.
_SUBSTITUTES: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (0, 3, (0,)),
    (4, 5, (4, 5, 0)),
    (6, 7, (6, 7, 0)),
    (8, 15, (11, 12, 8, 4)),
    (16, 23, (16, 19, 21)),
    (24, 25, (24, 25, 27)),
    (26, 28, (27, 26, 28, 25)),
    (29, 31, (30, 29, 27)),
    (32, 32, (32, 33)),
    (33, 37, (33, 34, 32)),
    (38, 39, (38, 39, 33)),
    (40, 45, (48, 49, 40, 42)),
    (46, 46, (46, 24, 25, 0)),
    (47, 47, (47, 32)),
    (48, 51, (48, 49)),
    (52, 54, (52, 53, 89, 48)),
    (55, 63, (61, 56, 57, 60)),
    (64, 71, (65, 66, 71, 73)),
    (72, 79, (73, 75)),
    (80, 87, (81, 80)),
    (88, 103, (89, 88, 48)),
    (104, 108, (25, 24)),
    (109, 111, (65, 40, 48)),
    (112, 115, (11, 12, 4)),
    (116, 118, (47, 32)),
    (119, 127, (89, 48)),
)


def substitute_program(program: int, available: Collection[int]) -> int:
    """The program of ``available`` (not empty) that sounds most like ``program``, 0-127."""
    likely = next(names for low, high, names in _SUBSTITUTES if low <= program <= high)
    for number in (program, *likely):
        if number in available:
            return number
    # Outside the table: the nearest of the same family of eight, else the nearest of all.
    return min(
        available,
        key=lambda number: (number // 8 != program // 8, abs(number - program), number),
    )
