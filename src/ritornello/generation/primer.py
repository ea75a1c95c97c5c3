"""A person's music as the model can hear it; the music itself is never touched.

A model knows 24 ticks a quarter, some instruments, four parts of each, and bars of up to eight
quarters. A song may be anything. `fit` makes the nearest piece that the model can hear, and says
in plain words where that differs from the song.
"""

from __future__ import annotations

from dataclasses import dataclass

from ritornello.piece import Piece


@dataclass(frozen=True)
class Fitted:
    """What a model hears of a piece.

    Attributes:
        piece: at 24 ticks a quarter, one track for each part class that plays; the `notes`
            encoding gives its tracks just these classes.
        parts: part class of each track of the original piece, -1 for a track without notes.
        warnings: where it differs from the original, as sentences that name tracks and bars.
    """

    piece: Piece
    parts: tuple[int, ...]
    warnings: tuple[str, ...]


def fit(piece: Piece, *, known_instruments: frozenset[int] | None = None) -> Fitted:
    """The nearest piece that a model can hear.

    To compose beyond the end, give it the piece with its ``length_ticks`` grown: its last metre
    goes on until there.

    Args:
        piece: any piece, at any resolution.
        known_instruments: indices into `INSTRUMENTS` that the model has learned, see
            `ritornello.encodings.ngrams.known_instruments`; all where None.

    Raises:
        InputError: if the piece has no notes.
    """
    raise NotImplementedError
