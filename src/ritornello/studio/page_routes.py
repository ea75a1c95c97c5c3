"""The page itself: files that were built from `web/`, and the SoundFont it plays with."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from ritornello.studio.open_studio import Studio
from ritornello.studio.song_library import MissingError

_PACKAGE = Path(str(files("ritornello")))
_ASSETS = _PACKAGE / "studio" / "assets"
_SOUNDFONT = _PACKAGE / "assets" / "FluidR3Mono_17presets.sf3"


def add_page(app: FastAPI, _studio: Studio) -> None:
    """Add the routes of the page to an application, after everything under /api."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/soundfont.sf3")
    def soundfont() -> FileResponse:
        headers = {"cache-control": "private, max-age=86400"}
        return FileResponse(_SOUNDFONT, media_type="application/octet-stream", headers=headers)

    @routes.get("/api/{rest:path}")
    def nothing(rest: str) -> None:
        raise MissingError("route", f"/api/{rest}")

    app.include_router(routes)
    # Compressed here and not for the whole application: events have to leave at once.
    app.mount("/", GZipMiddleware(_PageFiles(directory=_ASSETS, html=True)), name="page")


class _PageFiles(StaticFiles):
    """Files that a browser asks for anew each time, so that none is older than the studio."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response
