"""The application: all routes of a studio, and errors as the page shows them.

Every failure has one shape, that of `ritornello.errors`:

    {"error": {"what": "The file is empty.", "where": "song.mid", "next_step": ""}}
"""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ritornello import __version__
from ritornello.errors import (
    CheckpointError,
    ConfigError,
    InputError,
    MissingExtraError,
    OutputError,
    RitornelloError,
)
from ritornello.json_values import JsonObject
from ritornello.studio.job_routes import job_routes
from ritornello.studio.library_routes import library_routes
from ritornello.studio.model_routes import model_routes
from ritornello.studio.open_studio import Studio
from ritornello.studio.page_routes import add_page
from ritornello.studio.rating_routes import rating_routes
from ritornello.studio.request_guard import Access, Guard
from ritornello.studio.song_library import MissingError, StateError
from ritornello.studio.upload_files import MOST_BYTES, TooLargeError

_LOG = logging.getLogger(__name__)
# The first that fits counts.
_STATUS: tuple[tuple[type[RitornelloError], int], ...] = (
    (MissingError, 404),
    (CheckpointError, 404),
    (StateError, 409),
    (TooLargeError, 413),
    (ConfigError, 400),
    (InputError, 415),
    (MissingExtraError, 501),
    (OutputError, 507),
)
_SLACK_BYTES = 2**20


def create_app(studio: Studio, access: Access) -> FastAPI:
    """The application of a studio, for those whom ``access`` names."""
    app = FastAPI(
        title="ritornello studio",
        version=__version__,
        description="Pieces, jobs and ratings of the studio, for its page and for programs.",
        openapi_url="/api/openapi.json",
        # Their pages would fetch scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(library_routes(studio))
    app.include_router(job_routes(studio))
    app.include_router(rating_routes(studio))
    app.include_router(model_routes(studio, lan=bool(access.token)))
    add_page(app, studio)
    _answer_errors(app)
    app.add_middleware(Guard, access=access, most_bytes=MOST_BYTES + _SLACK_BYTES)
    return app


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(RitornelloError)
    async def expected(_request: Request, error: RitornelloError) -> JSONResponse:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        return _error(status, error.what, error.where, error.next_step)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        first: JsonObject = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"][1:])
        return _error(422, f"{first['msg']}.", where, "")

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> JSONResponse:
        return _error(error.status_code, f"{error.detail}.", "", "")

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, error: Exception) -> JSONResponse:
        _LOG.error("A request ended by a fault.", exc_info=error)
        what = f"This is a fault of ritornello ({type(error).__name__}: {error})."
        return _error(500, what, "", "Please report it.")


def _error(status: int, what: str, where: str, next_step: str) -> JSONResponse:
    words = {"what": what, "where": where, "next_step": next_step}
    return JSONResponse({"error": words}, status_code=status)
