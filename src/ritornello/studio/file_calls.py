"""What helpers read and write: files of others, pieces as notes, sound, scores and archives."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ritornello import api
from ritornello.atomic import atomic_write
from ritornello.dsp.recordings import Recording
from ritornello.errors import CheckpointError, InputError, RitornelloError
from ritornello.json_values import JsonObject
from ritornello.music.chords import written_changes
from ritornello.music.harmony import piece_chords
from ritornello.music.io import losses, read_with_repairs, readable_extensions
from ritornello.music.piece import Piece
from ritornello.music.selection import new_alone
from ritornello.plan.analysis import analyse
from ritornello.plan.song_form import form_text
from ritornello.studio.helper_process import Tell
from ritornello.studio.piece_json import piece_from_json, piece_to_json
from ritornello.synth.render import stem_names

ARCHIVES = {"stems.zip": ".wav", "midis.zip": ".mid"}
PLAN = "plan.toml"
_LONGEST_RECORDING_SECONDS = 3600


def read_file(arguments: JsonObject, _tell: Tell) -> JsonObject:
    """Read ``file``: a piece with its ``repairs``, or what is known of a recording.

    Raises:
        InputError: if it is neither; it calls the file by ``name``.
    """
    path, name = Path(arguments["file"]), arguments["name"]
    try:
        if path.suffix.lower() in readable_extensions():
            piece, repairs = read_with_repairs(path)
            if not piece.note_count:
                raise InputError("There is no note in it.", where=name)
            return {"piece": piece_to_json(piece), "repairs": list(repairs)}
        recording = Recording.open(path)
    except RitornelloError as error:
        raise InputError(error.what, where=name, next_step=error.next_step) from None
    seconds = recording.duration_seconds
    if seconds > _LONGEST_RECORDING_SECONDS:
        raise InputError(
            f"{seconds / 60:.0f} minutes of sound; at most an hour was expected.",
            where=name,
            next_step="Cut the recording.",
        )
    return {
        "recording": {
            "format": recording.format,
            "rate_hz": recording.rate_hz,
            "channels": recording.channels,
            "seconds": round(seconds, 2),
        }
    }


def export(arguments: JsonObject, _tell: Tell) -> JsonObject:
    """Write a piece as ``format`` to ``file``: its ``parts``, or the ``new`` notes alone.

    Returns:
        ``losses``, what the format could not hold, and ``pages`` of a score.
    """
    piece = selected(
        piece_from_json(arguments["piece"]),
        parts=arguments["parts"],
        given=arguments["given"] if arguments["new"] else None,
    )
    if not piece.note_count:
        raise InputError("There is no note in this choice of parts, so nothing can be written.")
    kind, target = arguments["format"], Path(arguments["file"])
    if kind == PLAN:
        api.save_plan(analyse(piece), target, overwrite=True)
        return {"losses": []}
    if kind in ARCHIVES:
        _write_archive(piece, target, ARCHIVES[kind])
    else:
        api.save(piece, target, overwrite=True)
    return {"losses": losses(piece, f".{kind}")}


def read_plan(arguments: JsonObject, _tell: Tell) -> JsonObject:
    """The form of a piece: sections, chords, and which bar each bar returns to."""
    piece = piece_from_json(arguments["piece"])
    plan = analyse(piece)
    return {
        "form": form_text(plan.sections),
        "sections": [
            {"name": section.name, "start_bar": section.start + 1, "bars": section.bars}
            for section in plan.sections
        ],
        "chords": [[int(tick), text] for tick, text in written_changes(piece_chords(piece))],
        "returns": [bar + 1 - int(back) if back > 0 else 0 for bar, back in enumerate(plan.back)],
    }


def originality(arguments: JsonObject, _tell: Tell) -> JsonObject:
    """How much of a piece stands in the training music of a model, or why nobody can tell."""
    try:
        index = api.training_index(arguments["model"])
    except CheckpointError as error:
        return {"available": False, "reason": error.what}
    found = index.measure(piece_from_json(arguments["piece"]))
    return {"available": True, **found.as_facts(), "held_out": index.held_out}


def selected(
    piece: Piece,
    *,
    parts: Sequence[int] | None = None,
    given: Sequence[Sequence[bool]] | None = None,
) -> Piece:
    """Some of a piece.

    Args:
        parts: numbers of tracks from 1; None for all.
        given: notes to leave out, bool for each note of each track.

    Raises:
        InputError: if there is no such track, or no note is left.
    """
    tracks = list(piece.tracks)
    if parts is not None and not all(1 <= part <= len(tracks) for part in parts):
        raise InputError(f"The piece has parts 1 to {len(tracks)}.")
    chosen = range(len(tracks)) if parts is None else [part - 1 for part in parts]
    kept = replace(piece, tracks=tuple(tracks[index] for index in chosen))
    return kept if given is None else new_alone(kept, [given[index] for index in chosen])


def _write_archive(piece: Piece, target: Path, ending: str) -> None:
    """Each part as a file of its own, in one archive; they all begin together."""
    with tempfile.TemporaryDirectory(prefix="ritornello-studio-", dir=target.parent) as folder:
        mix = Path(folder, f"mix{ending}")
        if ending == ".mid":
            players = [track for track in piece.tracks if len(track)]
            files = [api.save(piece, mix)]
            for name, track in zip(stem_names(piece), players, strict=True):
                part = replace(piece, tracks=(track,))
                files.append(api.save(part, Path(folder, f"{name.replace(' ', '-')}{ending}")))
        else:
            files = api.render(piece, mix, stems=True)
        with (
            atomic_write(target, overwrite=True) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
        ):
            for file in files:
                archive.write(file, file.name)
