"""A library: one folder with the database, recordings, files of jobs, models and a cache."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO

from ritornello.errors import OutputError
from ritornello.studio.blind_tests import BlindTests
from ritornello.studio.database import DATABASE_FILE, Database
from ritornello.studio.rating_library import RatingLibrary
from ritornello.studio.recording_library import RecordingLibrary
from ritornello.studio.song_library import SongLibrary

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LOCK_FILE = "studio.lock"


class Library:
    """The library in a folder, open for one studio at a time."""

    def __init__(self, folder: Path) -> None:
        """Open a library, or make it.

        Raises:
            OutputError: if the folder cannot be written, or another studio has it open.
            InputError: if the database is damaged or newer.
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / _LOCK_FILE)
        except OSError as error:
            raise OutputError(
                f"The library cannot be written ({error.strerror}).",
                where=str(folder),
                next_step="Name a folder you can write with --library.",
            ) from None
        self.database = Database(folder / DATABASE_FILE)
        self.songs = SongLibrary(self.database)
        self.recordings = RecordingLibrary(self.database, folder / "recordings")
        self.ratings = RatingLibrary(self.database, self.songs)
        self.blind_tests = BlindTests(self.database)
        self.models_folder = folder / "models"
        self.cache_folder = folder / "cache"
        self.uploads_folder = folder / "uploads"
        # What an upload left that was cut off.
        shutil.rmtree(self.uploads_folder, ignore_errors=True)
        for made in (self.models_folder, self.cache_folder, self.uploads_folder):
            made.mkdir(exist_ok=True)

    def job_folder(self, job: str) -> Path:
        """Where a job keeps its files."""
        return self.folder / "jobs" / job

    def close(self) -> None:
        """Close it; another studio may open it then."""
        self.database.close()
        self._lock.close()


def _locked(path: Path) -> IO[str]:
    """A file that nobody else has locked, and that nobody else can lock while it is open.

    Raises:
        OutputError: if somebody has.
    """
    file = path.open("w")
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise OutputError(
                "The studio is open with this library already.",
                where=str(path.parent),
                next_step="Use the page that is open, or name another folder with --library.",
            ) from None
    return file
