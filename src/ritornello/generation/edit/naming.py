"""Which tracks of a song a person means: by number, by name, or by instrument."""

from __future__ import annotations

from collections.abc import Sequence

from ritornello.errors import ConfigError
from ritornello.music.instruments import parse_instrument
from ritornello.music.piece import Piece


def find_tracks(song: Piece, names: str | Sequence[str | int]) -> list[int]:
    """Indices of tracks, ascending.

    Args:
        names: one or several; each is the number of a track, counted from 1; its name; an
            instrument, which means all tracks of that; or an instrument and a number, as in
            "violin 2"; or "all". Of two meanings the first holds. Case does not matter.

    Raises:
        ConfigError: if a name means no track; the message lists those of the song.
    """
    each = [names] if isinstance(names, str) else names
    return sorted({index for name in each for index in _find(song, str(name))})


def _find(song: Piece, name: str) -> list[int]:
    wanted = " ".join(name.casefold().split())
    if wanted.isdecimal() and 1 <= int(wanted) <= len(song.tracks):
        return [int(wanted) - 1]
    labels = [" ".join(track.label.casefold().split()) for track in song.tracks]
    if found := [index for index, label in enumerate(labels) if label == wanted]:
        return found
    instrument, _, number = wanted.rpartition(" ")
    if instrument and number.isdecimal():
        players = _tracks_of_instrument(song, instrument)
        if 1 <= int(number) <= len(players):
            return [players[int(number) - 1]]
    if players := _tracks_of_instrument(song, wanted):
        return players
    if wanted == "all":
        return [*range(len(song.tracks))]
    listed = ", ".join(f"{index + 1} {track.label!r}" for index, track in enumerate(song.tracks))
    raise ConfigError(
        f"The song has no part {name!r}.",
        where=song.title,
        next_step=f"Its parts, by number or name: {listed or 'none'}.",
    )


def _tracks_of_instrument(song: Piece, name: str) -> list[int]:
    """Indices of the tracks of an instrument; none if there is no such instrument."""
    try:
        instrument = parse_instrument(name)
    except ConfigError:
        return []
    return [index for index, track in enumerate(song.tracks) if track.instrument == instrument]
