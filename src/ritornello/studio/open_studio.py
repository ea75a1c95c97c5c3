"""An open studio: a library and all that works on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ritornello.json_values import JsonObject
from ritornello.studio.event_log import EventLog
from ritornello.studio.helper_pool import HelperPool
from ritornello.studio.job_queue import JobQueue
from ritornello.studio.job_requests import JobRequest
from ritornello.studio.library_folder import Library

_REQUESTS: TypeAdapter[Any] = TypeAdapter(JobRequest)
_READ_SECONDS, _WRITE_SECONDS = 30.0, 600.0
_REMEMBERED = 500


@dataclass(frozen=True)
class Studio:
    """What the routes need.

    Attributes:
        library: songs, recordings, models.
        jobs: the queue.
        news: of everything, for every page that is open.
        readers: helpers with limits, for foreign files. writers: for exports and questions.
    """

    library: Library
    jobs: JobQueue
    news: EventLog
    readers: HelperPool
    writers: HelperPool

    @classmethod
    def open(cls, folder: Path) -> Studio:
        """Open the library in a folder, or make it, and begin with the jobs that wait.

        Raises:
            OutputError, InputError: as of `Library`.
        """
        library, news = Library(folder), EventLog(_REMEMBERED)
        studio = cls(
            library,
            JobQueue(library, news, arguments_of),
            news,
            HelperPool(1, timeout_seconds=_READ_SECONDS, limits=True),
            HelperPool(2, timeout_seconds=_WRITE_SECONDS),
        )
        studio.jobs.start()
        return studio

    def close(self) -> None:
        """End all work; jobs go on when the library is opened again."""
        self.news.close()
        self.jobs.stop()
        self.readers.stop()
        self.writers.stop()
        self.library.close()


def arguments_of(request: JsonObject) -> JsonObject:
    """The arguments for the helper of a request that was kept."""
    arguments: JsonObject = _REQUESTS.validate_python(request).arguments()
    return arguments
