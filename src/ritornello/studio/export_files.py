"""Pieces as files to take away: written by a helper, kept in a cache, since pieces never change."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from ritornello.errors import ConfigError
from ritornello.files import file_kinds
from ritornello.studio.answers import Format, Song
from ritornello.studio.database import as_json
from ritornello.studio.file_calls import ARCHIVES, PLAN
from ritornello.studio.open_studio import Studio

_MOST_CACHE_BYTES = 2 * 2**30
_MEDIA_TYPES = {
    "mid": "audio/midi",
    "musicxml": "application/vnd.recordare.musicxml+xml",
    "mxl": "application/vnd.recordare.musicxml",
    "abc": "text/vnd.abc; charset=utf-8",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "score.svg": "image/svg+xml",
    "pdf": "application/pdf",
    "stems.zip": "application/zip",
    "midis.zip": "application/zip",
    PLAN: "application/toml",
}
_NAMES = {
    "mid": "MIDI",
    "musicxml": "MusicXML",
    "mxl": "MusicXML, compressed",
    "abc": "ABC",
    "npz": "Piano-roll as numbers",
    "wav": "WAV",
    "mp3": "MP3",
    "flac": "FLAC",
    "ogg": "Ogg Vorbis",
    "png": "Picture of the piano-roll",
    "svg": "Piano-roll as SVG",
    "score.svg": "Score, first page",
    "pdf": "Score as PDF",
    "stems.zip": "Stems: each part as WAV",
    "midis.zip": "Each part as MIDI",
    PLAN: "Plan, to edit and compose from",
}
_writing: dict[Path, threading.Lock] = {}
_writing_lock = threading.Lock()


@dataclass(frozen=True)
class Export:
    """What is asked for: a format, numbers of tracks from 1 (None for all), new notes alone."""

    format: str
    parts: tuple[int, ...] | None = None
    new: bool = False


def export_formats() -> list[Format]:
    """Formats that pieces can be exported in: ``id``, ``name`` and ``content``."""
    contents = {kind.endings[0][1:]: kind.content for kind in file_kinds() if kind.is_written}
    return [
        {"id": name, "name": _NAMES.get(name, name), "content": content}
        for name, content in {
            **contents,
            **dict.fromkeys(ARCHIVES, "archive"),
            PLAN: "plan",
        }.items()
    ]


def media_type(name: str) -> str:
    """The media type of a file by its ending."""
    ending = next((ending for ending in _MEDIA_TYPES if name.endswith(f".{ending}")), "")
    return _MEDIA_TYPES.get(ending, "application/octet-stream")


def exported(studio: Studio, piece: str, export: Export, page: int = 1) -> Path:
    """The file of a piece; what was written once is there at once.

    Args:
        page: of a score.

    Raises:
        ConfigError: if there is no such format or page. MissingError: if there is no such piece.
        RitornelloError: if it cannot be written.
    """
    known = [entry["id"] for entry in export_formats()]
    if export.format not in known:
        raise ConfigError(
            f"{export.format!r} is nothing that can be exported.",
            next_step=f"Known: {', '.join(known)}.",
        )
    studio.library.songs.version(piece)  # of which nothing else is made a path
    asked = hashlib.sha256(as_json([export.format, export.parts, export.new]).encode())
    folder = studio.library.cache_folder / f"{piece}-{asked.hexdigest()[:16]}"
    target = folder / f"piece.{export.format}"
    with _lock_of(target):
        if not target.is_file():
            content = studio.library.songs.content(piece)
            folder.mkdir(parents=True, exist_ok=True)
            studio.writers.call(
                "export",
                piece=content["piece"],
                given=content["given"],
                new=export.new,
                parts=export.parts,
                format=export.format,
                file=str(target),
            )
            _make_room(studio.library.cache_folder, folder)
    found = score_pages(folder) if page > 1 else [target]
    if not 1 <= page <= max(len(found), 1):
        raise ConfigError(f"The score has {len(found)} pages; asked for page {page}.")
    return found[page - 1]


def score_pages(folder: Path) -> list[Path]:
    """The pages of a score, in order; the first has no number in its name."""
    further = sorted(folder.glob("piece-*.score.svg"), key=lambda path: int(path.name[6:-10]))
    return [folder / "piece.score.svg", *further]


def _lock_of(target: Path) -> threading.Lock:
    with _writing_lock:
        return _writing.setdefault(target, threading.Lock())


def _make_room(cache: Path, newest: Path) -> None:
    """Remove what was written first, once there is too much of it."""
    entries: list[tuple[float, int, Path]] = []
    for folder in cache.iterdir():
        sizes = [path.stat().st_size for path in folder.iterdir()] if folder.is_dir() else []
        entries.append((folder.stat().st_mtime, sum(sizes), folder))
    total = sum(size for _, size, _ in entries)
    for _, size, folder in sorted(entries):
        if total <= _MOST_CACHE_BYTES:
            return
        if folder != newest:
            for path in folder.iterdir():
                path.unlink(missing_ok=True)
            folder.rmdir()
            total -= size


def file_stem(song: Song) -> str:
    """A name for a file of a song, from its title."""
    letters = "".join(c if c.isalnum() else "-" for c in song["title"])
    return "-".join(filter(None, letters.split("-")))[:60].lower() or "piece"
