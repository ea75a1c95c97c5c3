"""Who plays: the parts of a piece by instrument and desk, and their names."""

from __future__ import annotations

from dataclasses import dataclass

from ritornello.errors import ConfigError
from ritornello.music.instruments import INSTRUMENTS, parse_instrument
from ritornello.music.piece import Piece

DESKS = 4  # players of one instrument that are told apart


@dataclass(frozen=True, order=True)
class Player:
    """An instrument and a desk, as in violin 1 and violin 2.

    Attributes:
        instrument: index into `ritornello.music.instruments.INSTRUMENTS`.
        desk: 0 to `DESKS` - 1; players beyond the last share the last, and drummers the first.
    """

    instrument: int
    desk: int = 0

    @property
    def is_drum(self) -> bool:
        return INSTRUMENTS[self.instrument].is_drum

    def __str__(self) -> str:
        name = INSTRUMENTS[self.instrument].name
        return name if self.desk == 0 else f"{name} {self.desk + 1}"


def parse_player(text: str) -> Player:
    """Read "violin", or "violin 2".

    Raises:
        ConfigError: if there is no such instrument or desk.
    """
    name, _, last = text.strip().rpartition(" ")
    if not (name and last.isdigit()):
        return Player(parse_instrument(text))
    player = Player(parse_instrument(name), int(last) - 1)
    most = 1 if player.is_drum else DESKS
    if not 0 <= player.desk < most:
        raise ConfigError(f"{text!r}: a plan has players 1 to {most} of {name}.")
    return player


def owners(piece: Piece) -> list[Player | None]:
    """Who plays each track; None where it has no notes."""
    desks: dict[int, int] = {}
    found: list[Player | None] = []
    for track in piece.tracks:
        if not len(track):
            found.append(None)
            continue
        desk = desks.get(track.instrument, 0)
        desks[track.instrument] = desk + 1
        found.append(Player(track.instrument, 0 if track.is_drum else min(desk, DESKS - 1)))
    return found
