"""The studio's library: one SQLite file, its tables, and how they came to be so.

Each entry of `MIGRATIONS` makes the next version of the tables, and stays as it is for ever: a
library of any older version is brought up to date when it is opened, in one transaction. One of a
newer version is refused untouched.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from ritornello.errors import InputError, OutputError, RitornelloError
from ritornello.json_values import JsonObject

SqlValue: TypeAlias = int | float | str | bytes | None

DATABASE_FILE = "studio.db"
# "Rito" in the header of the file says that it is a library, and no other program's database.
_APPLICATION_ID = 0x5269746F
MIGRATIONS = (
    """
    CREATE TABLE songs (
        id TEXT PRIMARY KEY, title TEXT NOT NULL, head TEXT NOT NULL, created TEXT NOT NULL,
        updated TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE pieces (
        id TEXT PRIMARY KEY, song TEXT NOT NULL REFERENCES songs (id) DEFERRABLE INITIALLY DEFERRED,
        parent TEXT REFERENCES pieces (id), kind TEXT NOT NULL, label TEXT NOT NULL,
        created TEXT NOT NULL, job TEXT, facts TEXT NOT NULL, content BLOB NOT NULL,
        last_child TEXT
    ) STRICT;
    CREATE INDEX pieces_of_song ON pieces (song, created);
    CREATE TABLE recordings (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, file TEXT NOT NULL, created TEXT NOT NULL,
        facts TEXT NOT NULL
    ) STRICT;
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
        state TEXT NOT NULL, title TEXT NOT NULL, request TEXT NOT NULL, created TEXT NOT NULL,
        started TEXT, ended TEXT, attempts INTEGER NOT NULL DEFAULT 0, song TEXT, result TEXT,
        error TEXT
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state, number);
    CREATE TABLE pairs (
        id TEXT PRIMARY KEY, model TEXT NOT NULL, request TEXT NOT NULL, created TEXT NOT NULL,
        left_piece TEXT NOT NULL, right_piece TEXT NOT NULL, answer TEXT, answered TEXT
    ) STRICT;
    CREATE TABLE blind_tests (
        id TEXT PRIMARY KEY, listener TEXT NOT NULL, musician INTEGER NOT NULL,
        created TEXT NOT NULL
    ) STRICT;
    CREATE TABLE trials (
        test TEXT NOT NULL REFERENCES blind_tests (id), number INTEGER NOT NULL,
        is_real INTEGER NOT NULL, source TEXT NOT NULL, answer TEXT,
        answered TEXT, PRIMARY KEY (test, number)
    ) STRICT;
    """,
)


class Database:
    """A connection that threads share, one transaction at a time."""

    def __init__(self, path: Path) -> None:
        """Open a library, make it, or bring it up to date.

        Raises:
            InputError: if the file is no library, damaged, or of a newer version.
            OutputError: if it cannot be made or written.
        """
        self.path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.OperationalError) as error:
            raise OutputError(
                f"The library cannot be opened ({error}).",
                where=str(path),
                next_step="Name a folder you can write with --library.",
            ) from None
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise InputError(
                f"This is not a library of the studio, or it is damaged ({error}).",
                where=str(path),
                next_step="Move the file away, or name another folder with --library.",
            ) from None
        except RitornelloError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        version = self._pragma("user_version")
        if version and self._pragma("application_id") != _APPLICATION_ID:
            raise sqlite3.DatabaseError("it belongs to another program")
        if version > len(MIGRATIONS):
            raise InputError(
                f"The library is of version {version}; this studio knows up to {len(MIGRATIONS)}.",
                where=str(self.path),
                next_step="Install a newer ritornello, or name another folder with --library.",
            )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA busy_timeout = 5000")
        with self.transaction():
            for number in range(version, len(MIGRATIONS)):
                for statement in MIGRATIONS[number].split(";"):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        self._connection.execute("PRAGMA foreign_keys = ON")

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements of the body are carried out, or none.

        Raises:
            OutputError: if the disk is full or the file cannot be written.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield  # a part of the one that is going on
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise OutputError(
                        f"The library cannot be written ({error}).",
                        where=str(self.path),
                        next_step="Make room on the disk and try again; nothing was changed.",
                    ) from None
                raise

    def execute(self, statement: str, *values: SqlValue) -> int:
        """Carry out a statement that changes something; returns how many rows it changed."""
        with self.transaction():
            return self._connection.execute(statement, values).rowcount

    def rows(self, statement: str, *values: SqlValue) -> list[JsonObject]:
        """The rows that a query finds, by the names of their columns."""
        with self._lock:
            return [dict(row) for row in self._connection.execute(statement, values)]

    def row(self, statement: str, *values: SqlValue) -> JsonObject | None:
        """The first row that a query finds; None without one."""
        return next(iter(self.rows(statement, *values)), None)

    def insert(self, table: str, row: Mapping[str, SqlValue]) -> None:
        """Add a row to a table; the names are those of the program, never of a request."""
        marks = ", ".join("?" * len(row))
        self.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())

    def close(self) -> None:
        """Close the file; what was written stays."""
        with self._lock:
            self._connection.close()


def new_id() -> str:
    """A name that nothing else has."""
    return secrets.token_hex(6)


def now() -> str:
    """The time, as text that sorts by time."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_json(value: object) -> str:
    """JSON for a column."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
