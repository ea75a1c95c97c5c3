"""Real or machine: tests, what was answered, and what it says."""

from __future__ import annotations

import csv
import io
import math

from ritornello.errors import InputError
from ritornello.json_values import JsonObject
from ritornello.studio.answers import (
    BlindTest,
    Job,
    OpenTrial,
    TestCounts,
    TestResults,
    TrialSource,
)
from ritornello.studio.database import Database, now
from ritornello.studio.song_library import MissingError, StateError

_Z = 1.959964  # of the normal distribution, for 95 of 100 intervals
_COLUMNS = ("test", "listener", "musician", "number", "is_real", "answer", "answered", "source")


class BlindTests:
    """The blind tests of a library."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: Job, trials: list[JsonObject]) -> str:
        """Keep a test that a job prepared; returns its name, which is that of the job."""
        name, request = str(job["id"]), job["request"]
        self._database.insert(
            "blind_tests",
            {
                "id": name,
                "listener": request["listener"],
                "musician": int(request["musician"]),
                "created": now(),
            },
        )
        for trial in trials:
            self._database.insert(
                "trials",
                {
                    "test": name,
                    "number": trial["number"],
                    "is_real": int(trial["is_real"]),
                    "source": trial["source"],
                },
            )
        return name

    def test(self, name: str) -> BlindTest:
        """How far a test is: the next trial, or its result once all is answered.

        Raises:
            MissingError: if there is none.
        """
        trials = self._database.rows("SELECT * FROM trials WHERE test = ? ORDER BY number", name)
        if not trials:
            raise MissingError("test", name)
        open_ = [trial for trial in trials if trial["answer"] is None]
        following: OpenTrial | None = None
        if open_:
            number = open_[0]["number"]
            following = {"number": number, "audio": f"/api/blind-tests/{name}/{number}.mp3"}
        return {
            "id": name,
            "trials": len(trials),
            "answered": len(trials) - len(open_),
            "trial": following,
            "result": None if open_ else summarise(trials),
            "sources": None
            if open_
            else [
                TrialSource(
                    number=trial["number"],
                    is_real=trial["is_real"],
                    answer=trial["answer"],
                    source=trial["source"],
                )
                for trial in trials
            ],
        }

    def answer(self, name: str, number: int, answer: str) -> BlindTest:
        """Keep an answer, "real" or "machine"; nothing is told before the last one.

        Raises:
            StateError: if it is answered already.
        """
        if answer not in ("real", "machine"):
            raise InputError("An answer is real or machine.")
        changed = self._database.execute(
            """UPDATE trials SET answer = ?, answered = ?
               WHERE test = ? AND number = ? AND answer IS NULL""",
            *(answer, now(), name, number),
        )
        if not changed:
            raise StateError("This was answered already, or there is no such trial.")
        return self.test(name)

    def results(self) -> TestResults:
        """What all answers say together, and those of musicians and of others."""
        rows = self._rows()
        return {
            "all": summarise(rows),
            "musicians": summarise([row for row in rows if row["musician"]]),
            "others": summarise([row for row in rows if not row["musician"]]),
        }

    def as_csv(self) -> str:
        """Every answer as a row, for a study of one's own."""
        text = io.StringIO()
        table = csv.DictWriter(text, _COLUMNS)
        table.writeheader()
        for row in self._rows():
            # A spreadsheet must not take a name for a formula.
            table.writerow(
                {
                    column: f"'{value}" if str(value)[:1] in "=+-@\t\r" else value
                    for column, value in row.items()
                }
            )
        return text.getvalue()

    def _rows(self) -> list[JsonObject]:
        return self._database.rows(
            """SELECT test, listener, musician, number, is_real, answer, answered, source
               FROM trials JOIN blind_tests ON blind_tests.id = trials.test
               WHERE answer IS NOT NULL ORDER BY answered"""
        )


def summarise(trials: list[JsonObject]) -> TestCounts:
    """Counts of answers, and how surely real and machine are told apart.

    Returns:
        ``right`` answers ``of`` all and the ``interval`` of their share, 95% after E. B. Wilson
        (1927), None without answers: one that holds .5 is no sign that anybody hears a difference.
    """
    real = [trial for trial in trials if trial["is_real"]]
    machine = [trial for trial in trials if not trial["is_real"]]
    called_real = [trial for trial in trials if trial["answer"] == "real"]
    right = sum((trial["answer"] == "real") == bool(trial["is_real"]) for trial in trials)
    return {
        "real": len(real),
        "real_called_real": sum(trial in called_real for trial in real),
        "machine": len(machine),
        "machine_called_real": sum(trial in called_real for trial in machine),
        "right": right,
        "of": len(trials),
        "interval": wilson_interval(right, len(trials)) if trials else None,
    }


def wilson_interval(successes: int, of: int) -> tuple[float, float]:
    """The 95% interval of a share.

    >>> wilson_interval(5, 10)
    (0.237, 0.763)
    """
    share = successes / of
    centre = share + _Z**2 / (2 * of)
    half = _Z * math.sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2))
    low, high = ((centre + sign * half) / (1 + _Z**2 / of) for sign in (-1, 1))
    return round(low, 3), round(high, 3)
