"""Routes of the library: songs, their versions, files in and out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, cast

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel

from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.music.selection import without
from ritornello.music.slicing import bar_edges
from ritornello.studio.answers import (
    Formats,
    Originality,
    Pages,
    PieceAnswer,
    PlanAnswer,
    Recordings,
    Song,
    Songs,
    Upload,
)
from ritornello.studio.export_files import (
    Export,
    export_formats,
    exported,
    file_stem,
    media_type,
    score_pages,
)
from ritornello.studio.open_studio import Studio
from ritornello.studio.piece_json import piece_from_json
from ritornello.studio.request_guard import whole_number
from ritornello.studio.upload_files import take_upload

_FOR_EVER = "private, max-age=31536000, immutable"


class SongChange(BaseModel):
    """What is to be changed of a song."""

    title: str | None = None
    head: str | None = None
    deleted: bool | None = None


class EditedPiece(BaseModel):
    """A piece that was changed by hand."""

    piece: JsonObject
    parent: str | None = None
    label: str = ""
    title: str | None = None


class Gap(BaseModel):
    """Bars, first and last from 1, and numbers of tracks from 1 (all where None)."""

    bars: tuple[int, int]
    parts: list[int] | None = None


def library_routes(studio: Studio) -> APIRouter:
    """The routes for a studio."""
    routes, songs = APIRouter(prefix="/api", tags=["library"]), studio.library.songs

    def told(song: Song) -> Song:
        studio.news.tell("song", song)
        return song

    def keep_edit(piece: Piece, parent: str | None, label: str, title: str) -> PieceAnswer:
        version = songs.add(piece, "edit", parent=parent, label=label, title=title)
        told(songs.song(version["song"]))
        return songs.whole(version["id"])

    @routes.get("/songs", summary="All songs with their versions, the newest first")
    def list_songs(deleted: bool = False) -> Songs:
        return {"songs": songs.songs(deleted=deleted)}

    @routes.get("/songs/{song}", summary="One song")
    def get_song(song: str) -> Song:
        return songs.song(song)

    @routes.patch("/songs/{song}", summary="Rename a song, show a version, remove or restore it")
    def change_song(song: str, change: SongChange) -> Song:
        return told(songs.change_song(song, **change.model_dump()))

    @routes.post("/songs/{song}/undo", summary="Show the parent of the version shown")
    def undo(song: str) -> Song:
        return told(songs.undo(song))

    @routes.post("/songs/{song}/redo", summary="Show the version again that was undone")
    def redo(song: str) -> Song:
        return told(songs.redo(song))

    @routes.delete("/songs/{song}", status_code=204, summary="Remove a song; it can be restored")
    def delete_song(song: str) -> None:
        told(songs.change_song(song, deleted=True))

    @routes.get(
        "/pieces/{piece}", summary="A version with all its notes", response_model=PieceAnswer
    )
    def get_piece(piece: str) -> Response:
        # A piece may have a million notes: it goes out as it is, through no model.
        content = json.dumps(songs.whole(piece), ensure_ascii=False, separators=(",", ":"))
        return Response(content, media_type="application/json")

    @routes.post("/pieces", status_code=201, summary="Keep a piece that was changed by hand")
    def add_piece(edit: EditedPiece) -> PieceAnswer:
        piece = piece_from_json(edit.piece)
        return keep_edit(piece, edit.parent, edit.label or "Edited", edit.title or piece.title)

    @routes.post(
        "/pieces/{piece}/delete-bars", status_code=201, summary="Clear bars of all parts or some"
    )
    def delete_bars(piece: str, gap: Gap) -> PieceAnswer:
        source = songs.piece(piece)
        edges = bar_edges(source).tolist()
        first, last = gap.bars
        if not 1 <= first <= last < len(edges):
            raise ConfigError(f"The piece has bars 1 to {len(edges) - 1}.")
        tracks = range(len(source.tracks)) if gap.parts is None else [n - 1 for n in gap.parts]
        cleared = without(source, edges[first - 1], edges[last], list(tracks))
        bars = f"Bar {first}" if first == last else f"Bars {first} to {last}"
        return keep_edit(cleared, piece, f"{bars} cleared", source.title)

    @routes.post("/uploads", status_code=201, summary="Take a file of music, as the body")
    async def upload(
        request: Request, name: Annotated[str, Query(max_length=1000)], listed: bool = True
    ) -> Upload:
        return await take_upload(studio, name, request.stream(), listed=listed)

    @routes.get("/recordings", summary="All recordings")
    def list_recordings() -> Recordings:
        return {"recordings": studio.library.recordings.all()}

    @routes.get("/recordings/{recording}/audio", summary="A recording, as it was given")
    def get_audio(recording: str) -> FileResponse:
        path = studio.library.recordings.path(recording)
        return FileResponse(path, media_type=media_type(path.name))

    @routes.get("/formats", summary="What pieces can be exported as")
    def list_formats() -> Formats:
        return {"formats": export_formats()}

    @routes.get("/pieces/{piece}/export/{form}", summary="A piece as a file of a format")
    def export(
        piece: str, form: str, parts: str = "", new: bool = False, download: bool = False
    ) -> FileResponse:
        numbers = tuple(_number(part) for part in parts.split(",") if part.strip())
        path = exported(studio, piece, Export(form, numbers or None, new))
        song = songs.song(songs.version(piece)["song"])
        return _file(path, f"{file_stem(song)}.{form}" if download else None)

    @routes.get("/pieces/{piece}/score", summary="How many pages the score of a piece has")
    def score(piece: str) -> Pages:
        first = exported(studio, piece, Export("score.svg"))
        return {"pages": len(score_pages(first.parent))}

    @routes.get("/pieces/{piece}/score/{page}.svg", summary="A page of the score")
    def score_page(piece: str, page: int) -> FileResponse:
        return _file(exported(studio, piece, Export("score.svg"), page), None)

    @routes.get("/pieces/{piece}/plan", summary="Sections, chords and returning bars of a piece")
    def plan(piece: str) -> PlanAnswer:
        found = studio.writers.call("read_plan", piece=songs.content(piece)["piece"])
        return cast(PlanAnswer, found)

    @routes.get("/pieces/{piece}/originality", summary="What stands in the training music")
    def originality(piece: str, model: str = "default") -> Originality:
        content = songs.content(piece)["piece"]
        found = studio.writers.call("originality", piece=content, model=model)
        return cast(Originality, found)

    return routes


def _number(text: str) -> int:
    number = whole_number(text.strip())
    if number is None:
        raise ConfigError(f"{text[:20]!r} is no number of a part.")
    return number


def _file(path: Path, download: str | None) -> FileResponse:
    headers = {"cache-control": _FOR_EVER}
    return FileResponse(path, media_type=media_type(path.name), filename=download, headers=headers)
