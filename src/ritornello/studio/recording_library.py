"""The recordings of a library: files as they were given, under names of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from ritornello.json_values import JsonObject
from ritornello.studio.answers import RecordingFacts
from ritornello.studio.database import Database, as_json, new_id, now
from ritornello.studio.song_library import MissingError


class RecordingLibrary:
    """The recordings of a library; their files are in a folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder

    def add(self, file: Path, name: str, facts: JsonObject) -> RecordingFacts:
        """Keep a file, which is moved; ``name`` is what people see and names no file."""
        key = new_id()
        self._folder.mkdir(exist_ok=True)
        kept = file.replace(self._folder / f"{key}{file.suffix}")
        row = {
            "id": key,
            "name": name,
            "file": kept.name,
            "created": now(),
            "facts": as_json(facts),
        }
        self._database.insert("recordings", row)
        return _recording(row)

    def all(self) -> list[RecordingFacts]:
        """All recordings, the newest first."""
        rows = self._database.rows("SELECT * FROM recordings ORDER BY created DESC")
        return [_recording(row) for row in rows]

    def recording(self, name: str) -> RecordingFacts:
        """What is known of a recording.

        Raises:
            MissingError: if there is none.
        """
        return _recording(self._row(name))

    def path(self, name: str) -> Path:
        """Its file."""
        return self._folder / str(self._row(name)["file"])

    def _row(self, name: str) -> JsonObject:
        row = self._database.row("SELECT * FROM recordings WHERE id = ?", name)
        if row is None:
            raise MissingError("recording", name)
        return row


def _recording(row: JsonObject) -> RecordingFacts:
    facts = {
        "id": row["id"],
        "name": row["name"],
        "created": row["created"],
        **json.loads(row["facts"]),
    }
    return cast(RecordingFacts, facts)
