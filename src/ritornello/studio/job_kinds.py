"""The kinds of jobs: on which lane each runs, what a helper is asked, what becomes of the answer.

To add a kind, write its request in `job_requests`, its call in `helper_calls`, and a line in
`KINDS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject
from ritornello.music.io import midi_write
from ritornello.plan.song_form import parse_form
from ritornello.studio.answers import Job, JobResult, Link
from ritornello.studio.job_requests import any_seed
from ritornello.studio.library_folder import Library
from ritornello.studio.piece_json import piece_from_json


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Attributes:
        lane: "writing" for what takes seconds, "long" for what takes minutes.
        title: (request) -> what a list calls the job.
        prepare: (library, job) -> arguments of the call, beside those of the request.
        finish: (library, job, answer) -> result of the job, after keeping what the answer holds.
        saves_state: whether it can be interrupted gently, and goes on when it is run again.
    """

    lane: str
    title: Callable[[JsonObject], str]
    prepare: Callable[[Library, Job], JsonObject]
    finish: Callable[[Library, Job, JsonObject], JobResult]
    saves_state: bool = False


def _nothing(_library: Library, _job: Job) -> JsonObject:
    return {}


def _song(library: Library, job: Job) -> JsonObject:
    return {"song": library.songs.content(job["request"]["piece"])["piece"]}


def _recording(library: Library, job: Job) -> JsonObject:
    recording = job["request"]["recording"]
    return {
        "file": str(library.recordings.path(recording)),
        "name": Path(library.recordings.recording(recording)["name"]).stem,
        "folder": str(library.job_folder(job["id"])),
    }


def _music(library: Library, job: Job) -> JsonObject:
    """Where a training reads and writes; songs of the library become files in a folder first."""
    request = job["request"]
    output = library.models_folder / request["name"]
    if request["songs"] is None:
        return {"output": str(output)}
    folder = library.job_folder(job["id"]) / "music"
    folder.mkdir(parents=True, exist_ok=True)
    for name in request["songs"]:
        song = library.songs.song(name)
        # Of the title, so that the report names what a person knows.
        known = " ".join(re.findall(r"\w+", song["title"]))[:60]
        piece = library.songs.piece(song["head"])
        (folder / f"{known} {name}.mid").write_bytes(midi_write.write_bytes(piece))
    return {"output": str(output), "folder": str(folder)}


def _keep_pieces(library: Library, job: Job, answer: JsonObject) -> JobResult:
    """Keep pieces as versions of the song that they were written into, or as new songs."""
    request = job["request"]
    kept = []
    for number, made in enumerate(answer["pieces"]):
        given = made["given"]
        version = library.songs.add(
            piece_from_json(made["piece"]),
            job["kind"],
            parent=request.get("piece"),
            label=_label(job, number, len(answer["pieces"])),
            job=job["id"],
            given=None if given is None else [np.array(marks, bool) for marks in given],
            show=number == 0,
            title=request.get("title") or "",
            model=request.get("model"),
            seed=made["seed"],
            request=request,
            warnings=answer["warnings"],
        )
        kept.append(version)
    rest = {name: value for name, value in answer.items() if name not in ("pieces", "warnings")}
    if "files" in rest:
        rest["files"] = _links(job, rest["files"])
    result = {
        "pieces": [version["id"] for version in kept],
        "songs": list(dict.fromkeys(version["song"] for version in kept)),
        "warnings": answer["warnings"],
        **rest,
    }
    return cast(JobResult, result)


def _pairs(library: Library, job: Job) -> JsonObject:
    """Where a tuned model goes, and all that was rated."""
    return {
        "output": str(library.models_folder / job["request"]["name"]),
        "pairs": library.ratings.for_learning(),
    }


def _folder(library: Library, job: Job) -> JsonObject:
    folder = library.job_folder(job["id"])
    folder.mkdir(parents=True, exist_ok=True)
    return {"folder": str(folder)}


def _real_music(library: Library, job: Job) -> JsonObject:
    """Where the sounds of a test go, and the songs that were uploaded if no folder is named."""
    output = _folder(library, job)["folder"]
    uploads = [
        (song["title"], library.songs.content(version["id"])["piece"])
        for song in (library.songs.songs() if job["request"]["folder"] is None else ())
        for version in song["versions"]
        if version["kind"] == "upload"
    ]
    return {"output": output, "songs": uploads}


def _keep_pair(library: Library, job: Job, answer: JsonObject) -> JobResult:
    """Keep two pieces out of sight, until somebody wants one."""
    sides = [
        library.songs.add(
            piece_from_json(side["piece"]),
            "compose",
            label="Written to be rated",
            job=job["id"],
            hidden=True,
            model=job["request"]["model"],
            seed=side["seed"],
            request=job["request"],
        )
        for side in answer["sides"]
    ]
    seconds = max(side["seconds"] for side in answer["sides"])
    left, right = (side["id"] for side in sides)
    return {"pair": library.ratings.add_pair(job["id"], job["request"], left, right, seconds)}


def _keep_test(library: Library, job: Job, answer: JsonObject) -> JobResult:
    return {"test": library.blind_tests.add(job, answer["trials"])}


def _keep_model(_library: Library, job: Job, answer: JsonObject) -> JobResult:
    return cast(JobResult, {**answer, "files": _links(job, answer["files"])})


def _links(job: Job, files: list[str]) -> list[Link]:
    return [{"name": name, "url": f"/api/jobs/{job['id']}/files/{name}"} for name in files]


def files_folder(library: Library, job: Job) -> Path:
    """Where the files of a finished job are."""
    if job["kind"] in ("train", "tune"):
        return library.models_folder / str(job["request"]["name"])
    return library.job_folder(job["id"])


# --- words ------------------------------------------------------------------------------------


def title_of(library: Library, request: JsonObject) -> str:
    """What a list calls a job; parts have the names that they have in the piece."""
    parts, piece = request.get("parts"), request.get("piece")
    if parts and piece:
        labels = [track["label"] for track in library.songs.content(piece)["piece"]["tracks"]]
        known = dict(enumerate(labels, 1))
        request = {**request, "parts": [known.get(part, part) for part in parts]}
    return KINDS[request["kind"]].title(request)


def _label(job: Job, number: int, total: int) -> str:
    text = job["title"]
    return text if total == 1 else f"{text}, variation {number + 1}"


def _bars(bars: list[int]) -> str:
    return f"bar {bars[0]}" if bars[0] == bars[1] else f"bars {bars[0]} to {bars[1]}"


def _names(parts: list[Any] | None) -> str:
    if not parts:
        return "all parts"
    return ", ".join(f"part {part}" if isinstance(part, int) else str(part) for part in parts)


def _arrange_title(request: JsonObject) -> str:
    where = f" in {_bars(request['bars'])}" if request.get("bars") else ""
    return f"Add {', '.join(request['add'])}{where}"


def _vary_title(request: JsonObject) -> str:
    where = "" if request["bars"] is None else f", {_bars(request['bars'])}"
    closeness = request.get("closeness")
    kept = "" if closeness is None else f", {closeness:.0%} kept"
    return f"Vary {_names(request['parts'])}{where}{kept}"


def _compose_title(request: JsonObject) -> str:
    if request["title"]:
        return str(request["title"])
    if request["form"]:
        bars = sum(section.bars for section in parse_form(request["form"], bars=request["bars"]))
        return f"Song of {bars} bars"
    return f"Piece of {request['duration'] or str(request['bars'] or 16) + ' bars'}"


KINDS = {
    "compose": Kind("writing", _compose_title, _nothing, _keep_pieces),
    "continue": Kind(
        "writing", lambda request: f"{request['bars']} bars more", _song, _keep_pieces
    ),
    "fill": Kind(
        "writing",
        lambda request: f"{_bars(request['bars']).capitalize()} anew, {_names(request['parts'])}",
        _song,
        _keep_pieces,
    ),
    "arrange": Kind("writing", _arrange_title, _song, _keep_pieces),
    "vary": Kind("writing", _vary_title, _song, _keep_pieces),
    "harmonise": Kind(
        "writing", lambda request: f"Add {', '.join(request['voices'])}", _song, _keep_pieces
    ),
    "pair": Kind("writing", lambda request: "Two pieces to compare", _folder, _keep_pair),
    "blind_test": Kind(
        "long",
        lambda request: f"Real or machine, {request['trials']} excerpts",
        _real_music,
        _keep_test,
    ),
    "tune": Kind("long", lambda request: f"Tune {request['name']}", _pairs, _keep_model),
    "transcribe": Kind(
        "long",
        lambda request: "The band written down" if request.get("band") else "Written down",
        _recording,
        _keep_pieces,
    ),
    "remix": Kind(
        "long",
        lambda request: f"Remix with {', '.join(request['parts'])}",
        _recording,
        _keep_pieces,
    ),
    "train": Kind(
        "long",
        lambda request: f"Train {request['name']}",
        _music,
        _keep_model,
        saves_state=True,
    ),
}


def drawn(request: JsonObject) -> JsonObject:
    """A request with everything settled that is left to chance, so that it can be done again.

    Raises:
        ConfigError: if it is of no known kind.
    """
    if request["kind"] not in KINDS:
        raise ConfigError(f"No job is called {request['kind']!r}.")
    if "seed" in request and request["seed"] is None:
        return {**request, "seed": any_seed()}
    return request
