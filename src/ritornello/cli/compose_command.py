"""`ritornello compose`: rules in, pieces out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ritornello.cli.options import (
    ANY_STYLE,
    AS_USUAL,
    NO_LIMITS,
    Limits,
    Making,
    Metre,
    Names,
    Style,
    split_names,
)
from ritornello.cli.pieces import Watch, Written, write_pieces

if TYPE_CHECKING:
    from ritornello.api import Composer


def compose(
    *,
    bars: int = 16,
    tempo: float | None = None,
    metre: Metre | None = None,
    parts: Names = (),
    end: bool = True,
    style: Style = ANY_STYLE,
    limits: Limits = NO_LIMITS,
    making: Making = AS_USUAL,
) -> None:
    """Compose new pieces.

    What you ask for is kept exactly; what you leave open the model decides.

    Parameters
    ----------
    bars
        Exact length of the piece.
    tempo
        Quarter notes a minute.
    metre
        Such as 4/4, 3/4 or 6/8. Left out, one that is usual in the music of the model.
    parts
        Who plays, such as piano,bass,drums. All of them do, and nobody else.
    end
        Whether the last bar is an ending: the chord of the tonic is struck and held.
    """
    from ritornello.generation.rules import Rules

    rules = Rules(
        bars=bars,
        metre=metre,
        tempo_bpm=tempo,
        parts=tuple(split_names(parts)) or None,
        ending=end,
        **style.fields(),
        **limits.fields(),
    )

    def write(composer: Composer, seed: int, number: int, watch: Watch) -> list[Written]:
        pieces = composer.compose_many(number, rules, seed=seed, watch=watch, **making.boldness())
        return [Written(piece) for piece in pieces]

    write_pieces(making, "Piece", "piece", write)
