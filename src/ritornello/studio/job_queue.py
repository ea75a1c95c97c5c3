"""The queue of jobs: each is kept before it runs, so that none is lost, whatever ends the studio.

A job is queued, running, and then done, failed or cancelled. What it made is kept in the same
transaction that calls it done. When a library is opened, jobs that were running are queued again:
they have their seeds, so they make the same, and a training goes on from its last saved state.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from ritornello.errors import RitornelloError
from ritornello.json_values import JsonObject
from ritornello.note_model.library import DEFAULT_MODEL
from ritornello.studio.answers import Job, JobState, Trouble
from ritornello.studio.database import as_json, new_id, now
from ritornello.studio.event_log import EventLog
from ritornello.studio.helper_process import CancelledError, Helper
from ritornello.studio.job_kinds import KINDS, drawn, title_of
from ritornello.studio.library_folder import Library
from ritornello.studio.song_library import MissingError, StateError

_LOG = logging.getLogger(__name__)
_MOST_ATTEMPTS = 3
_MOST_WAITING = 200
_LISTED = 100
_COLUMNS = "id, kind, state, title, request, created, started, ended, attempts, song, result, error"
_JSON = ("request", "result", "error")
_OVER = ("done", "failed", "cancelled")
LANES = {"writing": 1, "long": 1}  # processes
WARM_LANE = "writing"


@dataclass
class _Running:
    """A job that runs, or is about to."""

    log: EventLog = field(default_factory=EventLog)
    helper: Helper | None = None
    progress: JsonObject = field(default_factory=dict)
    is_cancelled: bool = False


class JobQueue:
    """Jobs of a library, carried out by helpers, some at a time."""

    def __init__(
        self,
        library: Library,
        news: EventLog,
        arguments: Callable[[JsonObject], JsonObject],
    ) -> None:
        """A queue that does not run yet.

        Args:
            news: is told of every change of a job and of songs.
            arguments: of a request, for the call of a helper.
        """
        self._library, self._news, self._arguments = library, news, arguments
        self._database = library.database
        self._running: dict[str, _Running] = {}
        self._changing = threading.RLock()
        self._something_to_do = threading.Condition(self._changing)
        self._is_stopped = False
        self._threads: list[threading.Thread] = []
        self._helpers: list[Helper] = []

    # --- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to carry out jobs, those first that were interrupted."""
        for row in self._database.rows("SELECT id, attempts FROM jobs WHERE state = 'running'"):
            if row["attempts"] >= _MOST_ATTEMPTS:
                error = {
                    "what": f"The studio ended {row['attempts']} times while it did this.",
                    "where": "",
                    "next_step": "Try it with a smaller piece.",
                }
                self._set(row["id"], state="failed", ended=now(), error=as_json(error))
            else:
                self._set(row["id"], state="queued")
        for lane, count in LANES.items():
            for _ in range(count):
                helper = Helper()
                thread = threading.Thread(target=self._work, args=(lane, helper), daemon=True)
                self._helpers.append(helper)
                self._threads.append(thread)
                thread.start()

    def stop(self) -> None:
        """End all helpers; what they were doing is done when the library is opened again."""
        with self._changing:
            self._is_stopped = True
            self._something_to_do.notify_all()
        for helper in self._helpers:
            helper.stop()
        for thread in self._threads:
            thread.join(timeout=5)

    # --- jobs -------------------------------------------------------------------------------------

    def add(self, request: JsonObject) -> Job:
        """Put a job at the end of its lane.

        Args:
            request: checked, of plain values.

        Raises:
            StateError: if too many wait already. MissingError: if what it needs is not there.
        """
        request = drawn(request)
        waiting = self._database.row("SELECT COUNT(*) AS n FROM jobs WHERE state = 'queued'")
        if waiting is not None and waiting["n"] >= _MOST_WAITING:
            raise StateError(f"{_MOST_WAITING} jobs are waiting already.")
        song = None
        if "piece" in request:
            song = self._library.songs.version(request["piece"])["song"]
        if "recording" in request:
            self._library.recordings.recording(request["recording"])
        name = new_id()
        with self._changing:
            self._database.insert(
                "jobs",
                {
                    "id": name,
                    "kind": request["kind"],
                    "state": "queued",
                    "title": title_of(self._library, request),
                    "request": as_json(request),
                    "created": now(),
                    "song": song,
                },
            )
            self._running[name] = _Running()
            self._something_to_do.notify_all()
        job = self.job(name)
        self._news.tell("job", job)
        return job

    def jobs(self, state: str | None = None) -> list[Job]:
        """The newest jobs, of one state or all."""
        where, values = ("WHERE state = ?", (state,)) if state else ("", ())
        query = f"SELECT {_COLUMNS} FROM jobs {where} ORDER BY number DESC LIMIT {_LISTED}"
        return [self._job(row) for row in self._database.rows(query, *values)]

    def job(self, name: str) -> Job:
        """One job.

        Raises:
            MissingError: if there is none; so with all names here.
        """
        row = self._database.row(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", name)
        if row is None:
            raise MissingError("job", name)
        return self._job(row)

    def cancel(self, name: str) -> Job:
        """Stop a job, or take it out of the queue; one that is over stays as it is."""
        with self._changing:
            job = self.job(name)
            running = self._running.get(name)
            if job["state"] == "queued":
                self._end(name, running, "cancelled")
            elif job["state"] == "running" and running is not None:
                running.is_cancelled = True
                if running.helper is not None:
                    running.helper.cancel(gently=KINDS[job["kind"]].saves_state)
        return self.job(name)

    def retry(self, name: str) -> Job:
        """The same job once more, with the same seed.

        Raises:
            StateError: if it is not over.
        """
        job = self.job(name)
        if job["state"] not in _OVER:
            raise StateError("The job is not over yet.")
        return self.add(job["request"])

    def log_of(self, name: str) -> EventLog:
        """The events of a job; of one that is over, its end alone."""
        with self._changing:
            job = self.job(name)
            running = self._running.get(name)
            if running is not None:
                return running.log
            log = EventLog()
            if job["state"] in _OVER:
                log.tell("end", job)
                log.close()
            else:  # it waits since before the studio was opened
                running = self._running[name] = _Running(log)
            return log

    # --- inside -----------------------------------------------------------------------------------

    def _job(self, row: JsonObject) -> Job:
        values = {name: json.loads(row[name]) if row[name] else None for name in _JSON}
        running = self._running.get(row["id"])
        progress: JsonObject = {"step": "", "done": None, "seconds_left": None}
        progress.update(running.progress if running else {})
        if row["state"] == "done":
            progress["done"] = 1.0
        return cast(Job, {**row, **values, "progress": progress})

    def _set(self, name: str, **columns: Any) -> None:
        settings = ", ".join(f"{column} = ?" for column in columns)
        self._database.execute(f"UPDATE jobs SET {settings} WHERE id = ?", *columns.values(), name)

    def _work(self, lane: str, helper: Helper) -> None:
        """The life of a thread: one job of its lane after another."""
        kinds = [name for name, kind in KINDS.items() if kind.lane == lane]
        marks = ", ".join("?" * len(kinds))
        query = f"""SELECT id FROM jobs WHERE state = 'queued' AND kind IN ({marks})
                    ORDER BY number LIMIT 1"""
        with suppress(RitornelloError):  # the first piece need not wait for weights to be read
            if lane == WARM_LANE:
                helper.call("model_facts", {"model": DEFAULT_MODEL})
        while True:
            with self._changing:
                while not self._is_stopped and not (next_ := self._database.row(query, *kinds)):
                    self._something_to_do.wait()
                if self._is_stopped:
                    return
                assert next_ is not None
                name = str(next_["id"])
                running = self._running.setdefault(name, _Running())
                running.helper = helper
                attempts = self.job(name)["attempts"] + 1
                self._set(name, state="running", started=now(), attempts=attempts)
            if attempts > 1:
                running.log.tell("restart", {})
            self._news.tell("job", self.job(name))
            self._carry_out(name, running, helper)

    def _carry_out(self, name: str, running: _Running, helper: Helper) -> None:
        job = self.job(name)
        kind = KINDS[job["kind"]]

        def tell(event: str, data: JsonObject) -> None:
            if event == "progress":
                running.progress = data
            if event == "sample":
                data = {"url": f"/api/jobs/{name}/files/samples/{data['name']}"}
            running.log.tell(event, data)

        try:
            asked = {**self._arguments(job["request"]), **kind.prepare(self._library, job)}
            answer = helper.call(job["kind"], asked, tell=tell)
            with self._changing, self._database.transaction():
                if running.is_cancelled:
                    raise CancelledError("It was cancelled.")
                result = kind.finish(self._library, job, answer)
                song = next(iter(result.get("songs", ())), job["song"])
                self._set(name, state="done", ended=now(), song=song, result=as_json(result))
        except Exception as error:
            if self._is_stopped:
                return  # it stays as running, and is done when the library is opened again
            if isinstance(error, CancelledError) or running.is_cancelled:
                self._end(name, running, "cancelled")
            else:
                self._end(name, running, "failed", _words(error))
            return
        self._tell_end(running, self._forget(name))
        for each in result.get("songs", ()):
            self._news.tell("song", self._library.songs.song(each))
        if "model" in answer:
            self._news.tell("model", {"name": answer["model"]})

    def _end(
        self, name: str, running: _Running | None, state: JobState, error: Trouble | None = None
    ) -> None:
        """Call a job over that gave no result, and tell it."""
        words = None if error is None else as_json(error)
        try:
            self._set(name, state=state, ended=now(), error=words)
        except RitornelloError as refusal:  # a full disk: the job stays, and is done another day
            _LOG.error("The job %s could not be called %s: %s", name, state, refusal)
        self._tell_end(running, {**self._forget(name), "state": state, "error": error})

    def _forget(self, name: str) -> Job:
        with self._changing:
            self._running.pop(name, None)
            return self.job(name)

    def _tell_end(self, running: _Running | None, job: Job) -> None:
        if running is not None:
            running.log.tell("end", job)
            running.log.close()
        self._news.tell("job", job)


def _words(error: Exception) -> Trouble:
    """An error for the page; what nobody expected goes to the log as well."""
    if isinstance(error, RitornelloError):
        return {"what": error.what, "where": error.where, "next_step": error.next_step}
    _LOG.error("A job ended by a fault.", exc_info=error)
    what = f"This is a fault of ritornello ({type(error).__name__}: {error})."
    return {"what": what, "where": "", "next_step": "Please report it."}
