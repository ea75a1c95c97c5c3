"""Routes of ratings: pairs to be heard blind, what was answered, and tests of real or machine."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel

from ritornello.studio.answers import (
    BlindTest,
    Job,
    NextPair,
    PairJob,
    Rated,
    Ratings,
    TestResults,
)
from ritornello.studio.job_requests import BlindTestRequest, PairRequest
from ritornello.studio.open_studio import Studio
from ritornello.studio.song_library import MissingError


class Rating(BaseModel):
    """Which side of a pair is better."""

    answer: Literal["left", "right", "tie", "both_bad"]


class Guess(BaseModel):
    """What was heard in a trial."""

    number: int
    answer: Literal["real", "machine"]


def rating_routes(studio: Studio) -> APIRouter:
    """The routes for a studio."""
    routes = APIRouter(prefix="/api", tags=["ratings"])
    ratings, tests = studio.library.ratings, studio.library.blind_tests

    def sound(folder: str, name: str) -> FileResponse:
        path = studio.library.job_folder(folder) / name
        if not path.is_file():
            raise MissingError("sound", name)
        return FileResponse(path, media_type="audio/mpeg")

    @routes.post("/pairs", status_code=201, summary="Write two pieces to be compared")
    def add_pair(request: PairRequest) -> PairJob:
        request.arguments()
        return {"job": studio.jobs.add(request.model_dump(mode="json"))}

    @routes.get("/pairs/next", summary="The pair to be rated next")
    def next_pair() -> NextPair:
        return {"pair": ratings.next_pair(), **ratings.counts()}

    @routes.get("/pairs/{pair}/{side}.mp3", summary="One side of a pair, as loud as the other")
    def pair_sound(pair: str, side: Literal["left", "right"]) -> FileResponse:
        studio.jobs.job(pair)
        return sound(pair, f"{side}.mp3")

    @routes.post("/pairs/{pair}/rating", summary="Say which side is better")
    def rate(pair: str, rating: Rating) -> Rated:
        return ratings.rate(pair, rating.answer)

    @routes.get("/ratings", summary="All ratings")
    def list_ratings() -> Ratings:
        return {"ratings": ratings.ratings(), **ratings.counts()}

    @routes.delete("/ratings/{pair}", status_code=204, summary="Forget a pair")
    def delete_rating(pair: str) -> None:
        ratings.skip(pair)

    @routes.post("/blind-tests", status_code=201, summary="Prepare a test of real or machine")
    def add_test(request: BlindTestRequest) -> BlindTest:
        return _in_preparation(studio.jobs.add(request.model_dump(mode="json")))

    @routes.get("/blind-tests/results", summary="What all tests say")
    def results() -> TestResults:
        return tests.results()

    @routes.get("/blind-tests/export.csv", summary="Every answer as a row")
    def export() -> Response:
        headers = {"content-disposition": 'attachment; filename="blind-tests.csv"'}
        return Response(tests.as_csv(), media_type="text/csv; charset=utf-8", headers=headers)

    @routes.get("/blind-tests/{test}", summary="How far a test is")
    def get_test(test: str) -> BlindTest:
        job = studio.jobs.job(test)
        if job["kind"] != "blind_test":
            raise MissingError("test", test)
        return tests.test(test) if job["state"] == "done" else _in_preparation(job)

    @routes.get("/blind-tests/{test}/{number}.mp3", summary="The sound of a trial")
    def test_sound(test: str, number: int) -> FileResponse:
        studio.jobs.job(test)
        return sound(test, f"{number}.mp3")

    @routes.post("/blind-tests/{test}/answers", summary="Answer a trial")
    def answer(test: str, guess: Guess) -> BlindTest:
        return tests.answer(test, guess.number, guess.answer)

    return routes


def _in_preparation(job: Job) -> BlindTest:
    """A test of which nothing can be heard yet; ``problem`` says why it never will."""
    return {
        "id": job["id"],
        "trials": job["request"]["trials"],
        "answered": 0,
        "trial": None,
        "result": None,
        "sources": None,
        "problem": job["error"] or None,
        "job": job,
    }
