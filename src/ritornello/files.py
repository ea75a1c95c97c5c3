"""Pieces from files and to files: as notes, as sound, as pictures. The ending chooses."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ritornello.atomic import atomic_write, refuse_existing
from ritornello.dsp.sound_formats import AUDIO_SUFFIXES, SOUND_FORMATS
from ritornello.errors import ConfigError, OutputError
from ritornello.music import io

if TYPE_CHECKING:
    import numpy as np

    from ritornello.dsp.waveform import Waveform
    from ritornello.music.piece import Piece

_LOG = logging.getLogger(__name__)
_NOTEBOOK_RATE_HZ = 32_000
_NOTEBOOK_MOST_SECONDS = 900


def load(source: Any) -> Piece:
    """The piece in a file, in the bytes of one, or in an object of another library.

    Args:
        source: one of

            - the path of a MIDI, MusicXML, ABC or piano-roll (.npz) file; of a book of tunes the
              first one is taken, and ``book.abc#3`` is the third;
            - the bytes of such a file, or a file that is open for reading, as bytes or as text;
            - a score of symusic, pretty_midi, mido or miditoolkit, or a stream of music21;
            - an array of notes or a piano-roll, or a table of notes of pandas: how they are
              understood, `ritornello.music.io.note_arrays` says.

            What had to be dropped or mended is told as warnings of the logger ``ritornello``.

    Raises:
        InputError: if the file is missing, damaged, too large or of an unknown kind, or the object
            cannot be a piece.
        ConfigError: if ``source`` is none of these.
    """
    from ritornello.music.io.limits import Remark
    from ritornello.music.io.sources import read_source
    from ritornello.music.piece import Piece

    if isinstance(source, Piece):
        return source
    piece, where, repairs = read_source(source)
    for repair in repairs:
        if not isinstance(repair, Remark):
            _LOG.warning("%s: %s", where, repair)
    return piece


def save(
    piece: Piece,
    path: str | PathLike[str],
    *,
    given: Sequence[np.ndarray] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a piece; the ending of ``path`` chooses what is written.

    Notes: mid, musicxml, mxl, abc, npz. Sound: wav, flac, ogg, mp3. Piano-roll: png, svg. Score
    (extra ``score``): score.svg, pdf. The file appears whole or not at all. Each further page of
    an SVG score is a file of its own, ``song-2.score.svg``.

    Args:
        piece: what is written.
        path: where to.
        given: bool [notes] for each track, which of its notes a piano-roll shows as given ones,
            see `ritornello.generation.partner.Result`.
        overwrite: replace a file that is there.

    Returns:
        The path written.

    Raises:
        OutputError: if the ending is unknown, or the file exists or cannot be written.
        MissingExtraError: if a score is asked for without the extra.
    """
    target = Path(path)
    kind = refuse_target(target, overwrite=overwrite)
    for loss in io.losses(piece, kind):
        _LOG.warning("%s: %s", target.name, loss)
    return _save(piece, target, kind, given, overwrite=overwrite)


def _save(
    piece: Piece,
    target: Path,
    kind: str,
    given: Sequence[np.ndarray] | None = None,
    *,
    overwrite: bool,
) -> Path:
    if kind in io.writable_extensions():
        return io.write(piece, target, overwrite=overwrite)
    if kind in AUDIO_SUFFIXES:
        return render(piece, target, overwrite=overwrite)[0]
    pages = PICTURES[kind].draw(piece, given)
    targets = [target, *(_page_path(target, kind, page) for page in range(2, len(pages) + 1))]
    for path in targets:
        refuse_existing(path, overwrite)
    for path, content in zip(targets, pages, strict=True):
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_bytes(content)
    return target


def _page_path(target: Path, ending: str, page: int) -> Path:
    return target.with_name(f"{target.name[: -len(ending)]}-{page}{target.name[-len(ending) :]}")


def refuse_target(
    path: str | PathLike[str], *, stems: bool = False, overwrite: bool = False
) -> str:
    """Refuse at once what `save`, or with ``stems`` `render`, would refuse after the work.

    Returns:
        The ending that chooses the format, lower case.

    Raises:
        OutputError: if nothing can be written with this ending, the file or the folder of the stems
            exists, or the folder cannot be written.
        MissingExtraError: if it is a score and the extra is not there.
    """
    path = Path(path)
    refuse_existing(path, overwrite)
    name = path.name.lower()
    endings = (*PICTURES, *io.writable_extensions(), *sorted(AUDIO_SUFFIXES))
    ending = next((ending for ending in endings if name.endswith(ending)), None)
    if ending in (".score.svg", ".pdf"):
        from ritornello.pages.score import require_engraver

        require_engraver(pdf=ending == ".pdf")
    if stems and ending in AUDIO_SUFFIXES and _has_stems(path) and not overwrite:
        raise OutputError(
            "The folder for the stems exists already and was not touched.",
            where=str(_stem_folder(path)),
            next_step="Choose another name or pass --overwrite.",
        )
    if ending is not None:
        return ending
    raise OutputError(
        f"{path.suffix or 'A name without an ending'} is nothing that can be written.",
        where=str(path),
        next_step=f"Known: {', '.join(writable_formats())}.",
    )


def _stem_folder(target: Path) -> Path:
    return target.with_name(f"{target.stem}-stems")


def _has_stems(target: Path) -> bool:
    """Whether the folder for the stems is taken; those of another format may stand there."""
    folder = _stem_folder(target)
    if not folder.is_dir():
        return folder.exists()
    endings = {path.suffix.lower() for path in folder.iterdir()}
    return target.suffix.lower() in endings or bool(endings - AUDIO_SUFFIXES)


@dataclass(frozen=True)
class FileKind:
    """A kind of file for pieces.

    Attributes:
        endings: lower case, with the dot; the first one is the usual one.
        content: what is in it.
        about: what it is, in a few words. keeps: what of a piece it holds, where that is not all.
        is_read, is_written: what can be done with it.
        extra: the extra of the package that it needs, or nothing.
    """

    endings: tuple[str, ...]
    content: Literal["notes", "sound", "picture"]
    about: str
    keeps: str = ""
    is_read: bool = False
    is_written: bool = True
    extra: str = ""


def file_kinds() -> list[FileKind]:
    """Every kind of file that a piece is read from or written to."""
    return [
        *(
            FileKind(
                entry.extensions,
                "notes",
                entry.about,
                "; also ".join(filter(None, (entry.keeps, ", ".join(entry.holds)))),
                entry.reader is not None,
                entry.writer is not None,
            )
            for entry in io.FORMATS
        ),
        *(FileKind((ending,), "sound", kind.about) for ending, kind in SOUND_FORMATS.items()),
        *(
            FileKind((ending,), "picture", picture.about, extra=picture.extra)
            for ending, picture in PICTURES.items()
        ),
    ]


def writable_formats(*, usual_only: bool = False) -> list[str]:
    """What `save` can write, as endings without the first dot; of each kind all, or the usual."""
    return [
        ending[1:]
        for kind in file_kinds()
        if kind.is_written
        for ending in kind.endings[: 1 if usual_only else None]
    ]


def render(
    piece: Any,
    path: str | PathLike[str],
    *,
    stems: bool = False,
    soundfont: str | PathLike[str] | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Play a piece into a sound file, and each part into one of its own if asked.

    Args:
        piece: a piece, or anything that `load` takes.
        path: wav, flac, ogg or mp3.
        stems: also write each part, in the format of ``path``, into a folder beside it: for
            ``song.wav`` into ``song-stems/``. They start together and have one length.
        soundfont: an .sf2 or .sf3 file; None for the one that ships with the package.
        overwrite: replace files that are there.

    Returns:
        The paths written, the mix first.

    Raises:
        ConfigError: if the ending is not one of sound.
        InputError: if the piece or the SoundFont cannot be used.
        OutputError: if a file exists or cannot be written.
    """
    from ritornello.synth.render import stem_names
    from ritornello.synth.render_files import render_stems_to_files, render_to_file

    target = Path(path)
    if target.suffix.lower() not in AUDIO_SUFFIXES:
        raise ConfigError(
            f"{target.suffix or 'A name without an ending'} is not a sound format.",
            where=str(target),
            next_step=f"Use one of {', '.join(sorted(AUDIO_SUFFIXES))}.",
        )
    refuse_target(target, stems=stems, overwrite=overwrite)
    source = load(piece)
    render_to_file(source, target, soundfont=soundfont, overwrite=overwrite)
    if not stems:
        return [target]
    targets = {
        name: _stem_folder(target) / f"{name.replace(' ', '-')}{target.suffix}"
        for name in stem_names(source)
    }
    render_stems_to_files(source, targets, soundfont=soundfont, overwrite=overwrite)
    return [target, *targets.values()]


def convert(
    source: str | PathLike[str], target: str | PathLike[str], *, overwrite: bool = False
) -> tuple[str, ...]:
    """Read one file and write it as another; the endings choose the formats.

    Returns:
        What had to be dropped or mended to read it and what the target cannot hold, as sentences;
        those that are a `ritornello.music.io.limits.Remark` tell of no damage.

    Raises:
        InputError: if the source cannot be read. OutputError: if the target cannot be written.
    """
    kind = refuse_target(target, overwrite=overwrite)
    piece, repairs = io.read_with_repairs(source)
    _save(piece, Path(target), kind, overwrite=overwrite)
    from ritornello.music.io.limits import Remark

    return (*repairs, *map(Remark, io.losses(piece, kind)))


def notebook_html(piece: Piece) -> str:
    """How a notebook shows a piece: its piano-roll and a player, in one HTML fragment.

    Pieces without notes or longer than 15 minutes have no player.
    """
    from ritornello.pages.notebook import fragment
    from ritornello.pages.pianoroll import pianoroll_svg
    from ritornello.synth.render import render as play

    sound = None
    if piece.note_count and piece.duration_seconds <= _NOTEBOOK_MOST_SECONDS:
        sound = _mp3(play(piece, rate_hz=_NOTEBOOK_RATE_HZ))
    return fragment(pianoroll_svg(piece), sound)


def sound_html(waveform: Waveform) -> str:
    """How a notebook shows a sound: a player; without one if it is empty or over 15 minutes."""
    from ritornello.pages.notebook import fragment

    is_short = 0 < waveform.duration_seconds <= _NOTEBOOK_MOST_SECONDS
    channels = f"{waveform.channels} channel{'s' * (waveform.channels != 1)}"
    about = f"{waveform.duration_seconds:.1f} s, {channels}, {waveform.rate_hz:,} Hz"
    return fragment(None, _mp3(waveform) if is_short else None, about)


def _mp3(waveform: Waveform) -> bytes:
    from ritornello.dsp.sound_files import write_audio

    with tempfile.TemporaryDirectory(prefix="ritornello-") as folder:
        return write_audio(waveform, Path(folder, "sound.mp3")).read_bytes()


# --- pictures ----------------------------------------------------------------------------------


def _pianoroll_png(piece: Piece, given: Sequence[np.ndarray] | None) -> list[bytes]:
    from ritornello.pages.pianoroll import pianoroll_png

    return [pianoroll_png(piece, given=given)]


def _pianoroll_svg(piece: Piece, given: Sequence[np.ndarray] | None) -> list[bytes]:
    from ritornello.pages.pianoroll import pianoroll_svg

    return [pianoroll_svg(piece, given=given).encode()]


def _score_svg(piece: Piece, _given: Sequence[np.ndarray] | None) -> list[bytes]:
    from ritornello.pages.score import score_svg

    return [page.encode() for page in score_svg(piece)]


def _score_pdf(piece: Piece, _given: Sequence[np.ndarray] | None) -> list[bytes]:
    from ritornello.pages.score import score_pdf

    return [score_pdf(piece)]


@dataclass(frozen=True)
class Picture:
    """A kind of picture.

    Attributes:
        about: what it shows, in a few words.
        draw: (piece, which notes were given or None) -> pages as the bytes of one file each.
        extra: the extra of the package that it needs, or nothing.
    """

    about: str
    draw: Callable[[Piece, Sequence[np.ndarray] | None], list[bytes]]
    extra: str = ""


# The longer ending comes first: "x.score.svg" ends in ".svg" too.
PICTURES: dict[str, Picture] = {
    ".score.svg": Picture("engraved score, each further page a file", _score_svg, "score"),
    ".pdf": Picture("engraved score", _score_pdf, "score"),
    ".png": Picture("piano-roll, as pixels", _pianoroll_png),
    ".svg": Picture("piano-roll, as shapes", _pianoroll_svg),
}
