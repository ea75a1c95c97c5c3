"""Pieces as plain JSON values and back; nothing of a piece is lost.

The shape is that of `Piece` and `Track`, with rows in place of tables:

    {"resolution": 480, "tempos": [[0, 120.0]], "metres": [[0, 4, 4]], "keys": [[0, "D minor"]],
     "tracks": [{"name": "Lead", "program": 0, "is_drum": false,
                 "notes": [[onset, duration, pitch, velocity], ...]}]}

``bar_lines``, and of a track ``label`` and ``instrument``, can be computed: they are written for
whoever shows the piece, and ignored when read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

import numpy as np

from ritornello.errors import InputError, shortened
from ritornello.json_values import JsonObject
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import check_size
from ritornello.music.keys import parse_key
from ritornello.music.note_tables import BEND_DTYPE, CONTROL_DTYPE, NOTE_DTYPE, PRESSURE_DTYPE
from ritornello.music.piece import (
    ChordSymbol,
    KeyChange,
    Lyric,
    Mark,
    Metre,
    Piece,
    Tempo,
    Text,
    Track,
)

_TABLES = {
    "notes": NOTE_DTYPE,
    "controls": CONTROL_DTYPE,
    "bends": BEND_DTYPE,
    "pressures": PRESSURE_DTYPE,
}
_TEXTS = ("title", "composer", "copyright")
_PLACES: dict[str, Callable[..., Any]] = {
    "tempos": Tempo,
    "metres": Metre,
    "chords": ChordSymbol,
    "markers": Text,
    "cues": Text,
    "texts": Text,
}
_MOST_TRACKS = 1000


def piece_to_json(piece: Piece) -> JsonObject:
    """The JSON value of a piece."""
    return {
        "resolution": piece.resolution,
        "length_ticks": piece.length_ticks,
        **{name: getattr(piece, name) for name in _TEXTS},
        **{name: [list(place) for place in getattr(piece, name)] for name in _PLACES},
        "keys": [[tick, str(key)] for tick, key in piece.keys],
        "bar_lines": piece.bar_starts_ticks().tolist(),
        "tracks": [_track_to_json(track) for track in piece.tracks],
    }


def _track_to_json(track: Track) -> JsonObject:
    return {
        "name": track.name,
        "label": track.label,
        "instrument": INSTRUMENTS[track.instrument].name,
        "program": track.program,
        "is_drum": track.is_drum,
        "player": track.player,
        **{name: [list(row) for row in getattr(track, name).tolist()] for name in _TABLES},
        "lyrics": [list(lyric) for lyric in track.lyrics],
        "marks": [list(mark) for mark in track.marks],
    }


def piece_from_json(value: object, where: str = "the piece") -> Piece:
    """The piece of a JSON value.

    Raises:
        InputError: if it is none, or larger than `ritornello.music.io` takes.
    """
    whole = _mapping(value, where)
    tracks = whole.get("tracks", [])
    if not isinstance(tracks, list) or len(tracks) > _MOST_TRACKS:
        raise InputError(f"Tracks are a list of at most {_MOST_TRACKS}.", where=where)
    try:
        texts: dict[str, Any] = {name: str(whole.get(name, "")) for name in _TEXTS}
        places: dict[str, Any] = {
            name: tuple(_row(kind, row) for row in whole.get(name, []))
            for name, kind in _PLACES.items()
        }
        piece = Piece(
            tracks=tuple(_track_from_json(track, where) for track in tracks),
            resolution=int(whole.get("resolution", 480)),
            length_ticks=int(whole.get("length_ticks", 0)),
            keys=tuple(KeyChange(int(tick), parse_key(key)) for tick, key in whole.get("keys", [])),
            **texts,
            **places,
        )
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InputError(
            f"This is not a piece as JSON ({shortened(str(error))}).", where=where
        ) from None
    check_size(piece, where)
    return piece


def _track_from_json(value: object, where: str) -> Track:
    track = _mapping(value, where)
    return Track(
        **{name: _table(track.get(name, []), dtype) for name, dtype in _TABLES.items()},
        program=int(track.get("program", 0)),
        is_drum=bool(track.get("is_drum", False)),
        name=str(track.get("name", "")),
        lyrics=tuple(_row(Lyric, row) for row in track.get("lyrics", [])),
        marks=tuple(_row(Mark, row) for row in track.get("marks", [])),
        player=int(track.get("player", 0)),
    )


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError("A piece and each of its tracks is a JSON object.", where=where)
    return value


def _table(rows: Sequence[Sequence[int]], dtype: np.dtype) -> np.ndarray:
    return np.array([tuple(row) for row in rows], dtype=dtype)


def _row(kind: Callable[..., Any], row: Sequence[Any]) -> Any:
    """A place of a piece; every field has the type it is declared with."""
    types: dict[str, Callable[[Any], Any]] = get_type_hints(kind)
    return kind(*(read(cell) for read, cell in zip(types.values(), row, strict=False)))
