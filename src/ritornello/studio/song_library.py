"""Songs and their versions: a tree of pieces, none of which ever changes.

Whatever is done to a piece makes a new one that names its parent. A song is such a tree and its
head, the version that is shown; to undo is to move the head.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.music.piece_facts import facts_of, new_bars
from ritornello.studio.answers import PieceAnswer, Song, Version
from ritornello.studio.database import Database, as_json, new_id, now
from ritornello.studio.piece_json import piece_from_json, piece_to_json

_VERSION = "id, song, parent, kind, label, created, job, facts"
_LONGEST_TITLE = 200
_HIDDEN = 2  # in place of 1 for a song that was removed
Given = Sequence[np.ndarray] | None


class MissingError(ConfigError):
    """Something is asked for by an id that nothing has."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"There is no {what} {name!r}.", next_step="Load the page again.")


class StateError(ConfigError):
    """Something cannot be done in the state that things are in."""


class SongLibrary:
    """The songs of a library."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- songs ------------------------------------------------------------------------------------

    def songs(self, *, deleted: bool = False) -> list[Song]:
        """All songs with their versions, the one that was changed last first."""
        query = "SELECT * FROM songs WHERE deleted = ? ORDER BY updated DESC, id"
        versions: dict[str, list[Version]] = {}
        for row in self._database.rows(f"SELECT {_VERSION} FROM pieces ORDER BY created, rowid"):
            versions.setdefault(row["song"], []).append(_version(row))
        return [_song(row, versions[row["id"]]) for row in self._database.rows(query, int(deleted))]

    def song(self, name: str) -> Song:
        """One song.

        Raises:
            MissingError: if there is none; so with all names here.
        """
        row = self._song_row(name)
        query = f"SELECT {_VERSION} FROM pieces WHERE song = ? ORDER BY created, rowid"
        return _song(row, [_version(each) for each in self._database.rows(query, name)])

    def change_song(
        self,
        name: str,
        *,
        title: str | None = None,
        head: str | None = None,
        deleted: bool | None = None,
    ) -> Song:
        """Give a song another title, show another of its versions, remove it or bring it back."""
        with self._database.transaction():
            self._song_row(name)
            if title is not None:
                self._set(name, "title", _title(title))
            if head is not None:
                self._move_head(name, head)
            if deleted is not None:
                self._set(name, "deleted", int(deleted))
            return self.song(name)

    def undo(self, name: str) -> Song:
        """Show the parent of the version that is shown.

        Raises:
            StateError: if it has none.
        """
        with self._database.transaction():
            parent = self._piece_row(self._song_row(name)["head"])["parent"]
            if parent is None:
                raise StateError("This is the first version, so there is nothing to undo.")
            return self.change_song(name, head=parent)

    def redo(self, name: str) -> Song:
        """Show the version again that came from the one that is shown, and was shown last.

        Raises:
            StateError: if none came from it.
        """
        with self._database.transaction():
            child = self._piece_row(self._song_row(name)["head"])["last_child"]
            if child is None:
                raise StateError("This is the last version, so there is nothing to redo.")
            return self.change_song(name, head=child)

    # --- pieces -----------------------------------------------------------------------------------

    def add(
        self,
        piece: Piece,
        kind: str,
        *,
        parent: str | None = None,
        label: str = "",
        job: str | None = None,
        given: Given = None,
        show: bool = True,
        hidden: bool = False,
        **facts: Any,
    ) -> Version:
        """Keep a piece, as a version that came from another or as a new song.

        Args:
            parent: the version that it was made of; without one it begins a song.
            label: what was done, in a few words.
            given: bool [notes] for each track, which notes are of the parent.
            show: whether it becomes the head of its song.
            hidden: whether a new song is in no list, until it is brought back like a removed one.
            facts: what else is known, of plain values: the model, the seed, the request.

        Returns:
            The version.
        """
        marks = None if given is None else [each.tolist() for each in given]
        content = {"piece": piece_to_json(piece), "given": marks}
        name, moment = new_id(), now()
        with self._database.transaction():
            song = new_id() if parent is None else str(self._piece_row(parent)["song"])
            row = {
                "id": name,
                "song": song,
                "parent": parent,
                "kind": kind,
                "label": label,
                "created": moment,
                "job": job,
                "facts": as_json(
                    {
                        "title": piece.title,
                        **facts,
                        **facts_of(piece),
                        "new_bars": None if given is None else new_bars(piece, given),
                    }
                ),
                "content": gzip.compress(as_json(content).encode(), compresslevel=5, mtime=0),
            }
            if parent is None:
                title = _title(piece.title or label or "Piece")
                self._database.insert(
                    "songs",
                    {
                        "id": song,
                        "deleted": _HIDDEN if hidden else 0,
                        "title": title,
                        "head": name,
                        "created": moment,
                        "updated": moment,
                    },
                )
            self._database.insert("pieces", row)
            if show:
                self._move_head(song, name)
        return _version(row)

    def version(self, name: str) -> Version:
        """What is known of a piece, without its notes."""
        return _version(self._piece_row(name))

    def whole(self, name: str) -> PieceAnswer:
        """A version with its notes."""
        known = {"warnings": [], "request": None, **self.version(name), **self.content(name)}
        return cast(PieceAnswer, known)

    def content(self, name: str) -> JsonObject:
        """``piece`` and ``given`` of a piece, as JSON values."""
        row = self._database.row("SELECT content FROM pieces WHERE id = ?", name)
        if row is None:
            raise MissingError("piece", name)
        value: JsonObject = json.loads(gzip.decompress(row["content"]))
        return value

    def piece(self, name: str) -> Piece:
        """A piece."""
        return piece_from_json(self.content(name)["piece"], "the library")

    def given(self, name: str) -> list[np.ndarray] | None:
        """Which notes of a piece were given, bool [notes] for each track; None where none were."""
        marks = self.content(name)["given"]
        return None if marks is None else [np.array(each, bool) for each in marks]

    # --- inside -----------------------------------------------------------------------------------

    def _song_row(self, name: str) -> JsonObject:
        row = self._database.row("SELECT * FROM songs WHERE id = ?", name)
        if row is None:
            raise MissingError("song", name)
        return row

    def _piece_row(self, name: str) -> JsonObject:
        query = f"SELECT {_VERSION}, last_child FROM pieces WHERE id = ?"
        row = self._database.row(query, name)
        if row is None:
            raise MissingError("piece", name)
        return row

    def _move_head(self, song: str, head: str) -> None:
        """Show a version, and remember it and those before it as the way to redo."""
        child = self._piece_row(head)
        if child["song"] != song:
            raise StateError("This version is of another song.")
        self._set(song, "head", head)
        while child["parent"] is not None:
            self._database.execute(
                "UPDATE pieces SET last_child = ? WHERE id = ?", child["id"], child["parent"]
            )
            child = self._piece_row(child["parent"])

    def _set(self, song: str, column: str, value: Any) -> None:
        self._database.execute(
            f"UPDATE songs SET {column} = ?, updated = ? WHERE id = ?", value, now(), song
        )


def _song(row: JsonObject, versions: list[Version]) -> Song:
    return cast(Song, {**row, "deleted": bool(row["deleted"]), "versions": versions})


def _version(row: JsonObject) -> Version:
    known = {name: row[name] for name in _VERSION.split(", ") if name != "facts"}
    return cast(Version, {**known, **json.loads(row["facts"])})


def _title(text: str) -> str:
    """A title in one printable line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:_LONGEST_TITLE] or "Piece"
