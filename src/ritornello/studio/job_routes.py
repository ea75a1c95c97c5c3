"""Routes of jobs: ask for one, watch it, cancel it, take its files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Body, Header
from fastapi.responses import FileResponse, StreamingResponse

from ritornello.studio.answers import Job, Jobs, JobState
from ritornello.studio.event_log import EventLog
from ritornello.studio.export_files import media_type
from ritornello.studio.job_kinds import files_folder
from ritornello.studio.job_requests import JobRequest
from ritornello.studio.open_studio import Studio
from ritornello.studio.request_guard import whole_number
from ritornello.studio.song_library import MissingError

# A page of ours or of others: it may look as it likes, and do nothing.
_HARMLESS = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob: 'self'; "
    "media-src data: blob: 'self'; script-src 'none'; frame-ancestors 'self'"
)


def job_routes(studio: Studio) -> APIRouter:
    """The routes for a studio."""
    routes, jobs = APIRouter(prefix="/api", tags=["jobs"]), studio.jobs

    @routes.post("/jobs", status_code=201, summary="Ask for a job")
    def add_job(request: Annotated[JobRequest, Body()]) -> Job:
        request.arguments()  # refuses what has no meaning
        return jobs.add(request.model_dump(mode="json"))

    @routes.get("/jobs", summary="The newest jobs")
    def list_jobs(state: JobState | None = None) -> Jobs:
        return {"jobs": jobs.jobs(state)}

    @routes.get("/jobs/{job}", summary="One job")
    def get_job(job: str) -> Job:
        return jobs.job(job)

    @routes.post("/jobs/{job}/cancel", summary="Stop a job; one that is over stays as it is")
    def cancel(job: str) -> Job:
        return jobs.cancel(job)

    @routes.post("/jobs/{job}/retry", status_code=201, summary="The same job once more")
    def retry(job: str) -> Job:
        return jobs.retry(job)

    @routes.get("/jobs/{job}/events", summary="What a job does, as server-sent events")
    async def job_events(
        job: str, last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        return _stream(jobs.log_of(job), last_event_id)

    @routes.get("/events", summary="What happens in the studio, as server-sent events")
    async def events(last_event_id: Annotated[str | None, Header()] = None) -> StreamingResponse:
        return _stream(studio.news, last_event_id or str(studio.news.newest))

    @routes.get("/jobs/{job}/files/{name:path}", summary="A file that a job made")
    def get_file(job: str, name: str) -> FileResponse:
        found = jobs.job(job)
        folder = files_folder(studio.library, found).resolve()
        path = (folder / name.replace("\0", "")).resolve()
        if folder not in path.parents or not path.is_file():
            raise MissingError("file", name)
        if path.suffix == ".html":
            headers = {"content-security-policy": _HARMLESS}
            return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)
        return FileResponse(path, media_type=media_type(path.name))

    return routes


def _stream(log: EventLog, last_event_id: str | None) -> StreamingResponse:
    """A log as a response; a browser that comes back says what it had last."""
    after = whole_number(last_event_id or "") or 0

    async def texts() -> AsyncIterator[str]:
        yield ": hello\n\n"  # so that the browser knows at once that it is heard
        async for text in log.follow(after):
            yield text

    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(texts(), media_type="text/event-stream", headers=headers)
