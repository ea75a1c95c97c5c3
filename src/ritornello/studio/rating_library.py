"""Pairs of pieces that are heard blind, and what was answered."""

from __future__ import annotations

from ritornello.errors import InputError
from ritornello.generation.preference.comparisons import ANSWERS, Answer
from ritornello.json_values import JsonObject
from ritornello.studio.answers import Counts, Pair, PairSide, Rated, RatedSide, RatingAnswer
from ritornello.studio.database import Database, as_json, now
from ritornello.studio.song_library import MissingError, SongLibrary, StateError

_RATED = "answer IS NOT NULL"


class RatingLibrary:
    """The pairs of a library. Which side a piece is on was left to chance when it was written."""

    def __init__(self, database: Database, songs: SongLibrary) -> None:
        self._database, self._songs = database, songs

    def add_pair(
        self, name: str, request: JsonObject, left: str, right: str, seconds: float
    ) -> str:
        """Keep a pair that the job of this name wrote for a request; returns the name."""
        self._database.insert(
            "pairs",
            {
                "id": name,
                "model": request["model"],
                "request": as_json({**request, "seconds": seconds}),
                "created": now(),
                "left_piece": left,
                "right_piece": right,
            },
        )
        return name

    def next_pair(self) -> Pair | None:
        """The oldest pair that is not rated; nothing tells who wrote what and how."""
        row = self._database.row(f"SELECT * FROM pairs WHERE NOT ({_RATED}) ORDER BY rowid LIMIT 1")
        if row is None:
            return None
        left, right = (
            PairSide(
                audio=f"/api/pairs/{row['id']}/{side}.mp3",
                notes=self._songs.content(row[f"{side}_piece"])["piece"],
            )
            for side in ("left", "right")
        )
        return {"id": row["id"], "left": left, "right": right}

    def counts(self) -> Counts:
        """How many pairs are rated, and how many wait."""
        return {
            "rated": self._count(_RATED),
            "waiting": self._count(f"NOT ({_RATED})"),
        }

    def rate(self, name: str, answer: str) -> Rated:
        """Keep an answer, in place of an earlier one.

        Returns:
            The counts, and which piece and song each side was.

        Raises:
            MissingError: if there is no such pair.
            InputError: if it is no answer.
        """
        if answer not in ANSWERS:
            raise InputError(f"An answer is one of {', '.join(ANSWERS)}.")
        row = self._row(name)
        self._database.execute(
            "UPDATE pairs SET answer = ?, answered = ? WHERE id = ?", answer, now(), name
        )
        left, right = (
            RatedSide(piece=version["id"], song=version["song"])
            for version in (self._songs.version(row[f"{side}_piece"]) for side in ("left", "right"))
        )
        return {**self.counts(), "left": left, "right": right}

    def skip(self, name: str) -> None:
        """Forget a pair, rated or not; its pieces stay."""
        self._row(name)
        self._database.execute("DELETE FROM pairs WHERE id = ?", name)

    def ratings(self) -> list[RatingAnswer]:
        """All answers, the newest first."""
        rows = self._database.rows(f"SELECT * FROM pairs WHERE {_RATED} ORDER BY answered DESC")
        return [
            {
                "id": row["id"],
                "answer": row["answer"],
                "left": row["left_piece"],
                "right": row["right_piece"],
                "model": row["model"],
                "created": row["answered"],
            }
            for row in rows
        ]

    def for_learning(self) -> list[tuple[JsonObject, JsonObject, Answer]]:
        """Left piece, right piece and answer of every rated pair, as JSON values.

        Raises:
            StateError: if nothing is rated.
        """
        rated = self.ratings()
        if not rated:
            raise StateError("Nothing is rated yet.", next_step="Rate some pairs first.")
        return [
            (
                self._songs.content(each["left"])["piece"],
                self._songs.content(each["right"])["piece"],
                each["answer"],
            )
            for each in rated
        ]

    def _row(self, name: str) -> JsonObject:
        row = self._database.row("SELECT * FROM pairs WHERE id = ?", name)
        if row is None:
            raise MissingError("pair", name)
        return row

    def _count(self, condition: str) -> int:
        row = self._database.row(f"SELECT COUNT(*) AS n FROM pairs WHERE {condition}")
        return 0 if row is None else int(row["n"])
