"""Who plays: the parts of a piece by instrument and desk, their names, and who has the melody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ritornello.errors import ConfigError
from ritornello.music.instruments import BASSES, INSTRUMENTS, parse_instrument
from ritornello.music.piece import Piece

DESKS = 4  # players of one instrument that are told apart
# Who has the melody of a band, the likeliest last. Counted in 443 training pieces of the band sets:
# whoever blows, bows or sings one line, and a synth lead, always (213 of 213 pieces that have one);
# else the first of two players of an instrument; else a distorted guitar (60%), an electric one
# (43%), a piano (13%), strings (7%).
_SELDOM_LEADS = ("effects", "mallets", "brass", "pad", "guitar", "organ", "strings", "piano",
                 "electric guitar", "distortion guitar")  # fmt: skip
LINES = ("voice", "trumpet", "saxophone", "clarinet", "oboe", "flute", "violin", "lead")
LEADS = (*LINES, "electric guitar", "distortion guitar")

BAND, SONG, CHAMBER = range(3)  # what returns, and how closely, hangs on which of them plays
_VOICE = "voice"


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


def ensemble_of(players: Sequence[Player]) -> int:
    """`BAND` with a drummer, `SONG` with a voice and none, else `CHAMBER`."""
    if any(player.is_drum for player in players):
        return BAND
    sings = any(INSTRUMENTS[player.instrument].name == _VOICE for player in players)
    return SONG if sings else CHAMBER


DRUMS, BASS, TUNE, OTHERS = "drums", "bass", "tune", "others"


def role_of(player: Player, *, is_melody: bool) -> str:
    """What a player does: `DRUMS`, `BASS`, `TUNE`, or one of `OTHERS`."""
    if player.is_drum:
        return DRUMS
    if is_melody:
        return TUNE
    return BASS if player.instrument in BASSES else OTHERS


def melody_of(players: Sequence[Player]) -> int | None:
    """The index of the player that has the melody; None of drums alone.

    Without drums it is the first desk of the instrument that is last in the order of `INSTRUMENTS`,
    as in quartets, songs and piano duets.

    >>> band = [Player(parse_instrument(name)) for name in ("drums", "bass", "flute", "strings")]
    >>> melody_of(band)
    2
    """
    pitched = [index for index, player in enumerate(players) if not player.is_drum]
    above = [index for index in pitched if players[index].instrument not in BASSES] or pitched
    if not pitched:
        return None
    if len(pitched) == len(players):
        return max(above, key=lambda index: (players[index].instrument, -players[index].desk))
    count = Counter(player.instrument for player in players)

    def leads(index: int) -> tuple[int, int, int]:
        instrument, desk = players[index].instrument, players[index].desk
        name = INSTRUMENTS[instrument].name
        if name in LINES:
            return 2, LINES.index(name), -desk
        place = _SELDOM_LEADS.index(name) if name in _SELDOM_LEADS else -1
        return int(count[instrument] > 1), place, -desk

    return max(above, key=leads)
