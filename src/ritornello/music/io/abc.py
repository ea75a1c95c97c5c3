"""ABC notation, text to `Piece`.

symusic brings the converter abc2midi; its messages name real faults and are handed on. Chord
symbols are not played: abc2midi would make an accompaniment of its own from them, and a model
would learn that figure as if someone had written it.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io import midi_read
from ritornello.music.io.limits import decode_text
from ritornello.music.piece import Piece, Track

_TIMEOUT_SECONDS = 10.0
_MOST_MIDI_BYTES = 16 * 2**20
_MOST_MESSAGES = 20
_TUNE_START = re.compile(rb"^X:", re.MULTILINE)
_INCLUDE = re.compile(rb"^%%abc-include[^\n]*", re.MULTILINE)
_CHORD_SYMBOL = re.compile(rb'"[A-G][^"\n]*"')
_MESSAGE = re.compile(r"(?:Warning|Error) in line-char (\d+)-\d+ : (.*)")
# abc2midi begins each note one tick late, as an articulation, and ends tracks 26 ticks late.
_LATE_TICKS, _TAIL_TICKS = 1, 26


def split_tunebook(data: bytes) -> list[bytes]:
    """The tunes of a book, each a complete ABC text; what stands before the first goes to all."""
    starts = [match.start() for match in _TUNE_START.finditer(data)]
    edges = [*starts, len(data)]
    return [data[: edges[0]] + data[start:end] for start, end in pairwise(edges)]


def read_bytes(data: bytes, where: str) -> tuple[Piece, list[str]]:
    """The first tune of an ABC file, and what the converter had to say about it.

    Raises:
        InputError: if there is no tune, or it cannot be converted.
    """
    tunes = split_tunebook(data)
    if not tunes:
        raise InputError(
            "There is no tune: no line begins with X:.",
            where=where,
            next_step="Begin each tune with a line such as X:1.",
        )
    repairs: list[str] = []
    if len(tunes) > 1:
        repairs.append(f"The book holds {len(tunes)} tunes; this is the first.")
    tune, includes = _INCLUDE.subn(b"%", tunes[0])
    if includes:
        repairs.append(f"{includes} included files were left out.")
    chords = len(_CHORD_SYMBOL.findall(tune))
    if chords:
        repairs.append(f"{chords} chord symbols were left out: they are names, not notes.")
    midi, messages = _convert(tune, where)
    repairs += messages[:_MOST_MESSAGES]
    if len(messages) > _MOST_MESSAGES:
        repairs.append(f"There were {len(messages) - _MOST_MESSAGES} more messages.")
    piece, midi_repairs = midi_read.read_bytes(midi, where)
    return _on_time(piece, _title(tune)), repairs + midi_repairs


def _convert(tune: bytes, where: str) -> tuple[bytes, list[str]]:
    """The tune as a MIDI file, and the converter's messages."""
    with tempfile.TemporaryDirectory(prefix="ritornello-") as folder:
        source, target = Path(folder, "tune.abc"), Path(folder, "tune.mid")
        source.write_bytes(tune)
        command = [os.environ["SYMUSIC_ABC2MIDI"], str(source), "-NGUI", "-o", str(target)]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"The tune was not converted in {_TIMEOUT_SECONDS:g} seconds.", where=where
            ) from error
        found = _MESSAGE.findall(done.stdout.decode("utf-8", "replace"))
        messages = [f"Line {line}: {text.strip()}." for line, text in found]
        if done.returncode != 0 or not target.exists():
            reason = messages[-1] if messages else "The converter stopped."
            raise InputError(
                f"The tune cannot be read. {reason}", where=where, next_step="Correct that line."
            )
        if target.stat().st_size > _MOST_MIDI_BYTES:
            raise InputError("The tune becomes absurdly long when played.", where=where)
        return target.read_bytes(), messages


def _title(tune: bytes) -> str:
    match = re.search(rb"^T:(.*)$", tune, re.MULTILINE)
    return decode_text(match.group(1)) if match else ""


def _on_time(piece: Piece, title: str) -> Piece:
    """The piece on its written grid; the converter gives the title to the first voice too."""

    def moved(track: Track) -> Track:
        notes = track.notes.copy()
        late = np.minimum(notes["onset"], _LATE_TICKS)
        notes["onset"] -= late
        notes["duration"] += late
        return replace(track, notes=notes, name="" if track.name == title else track.name)

    return replace(
        piece,
        tracks=tuple(moved(track) for track in piece.tracks),
        length_ticks=piece.length_ticks - _TAIL_TICKS,
        title=title,
    )
