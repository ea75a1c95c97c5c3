"""A mix to the notes of a whole band: taken apart, each stem transcribed, on the beats of the mix.

Beats, bars and key are heard in the mix, where all players tell them; notes in the stems, where
fewer sound at a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from ritornello.dsp.diagnostics import Finding
from ritornello.dsp.recordings import Recording
from ritornello.files import refuse_target, save
from ritornello.music.keys import KeyName, parse_key
from ritornello.music.piece import Track
from ritornello.separate.separation import separate
from ritornello.transcribe.cleaning import Cleaned
from ritornello.transcribe.command import program_of
from ritornello.transcribe.drum_detection import find_drums
from ritornello.transcribe.note_detection import find_notes
from ritornello.transcribe.sound_measures import measure
from ritornello.transcribe.transcription import RATE_HZ, Transcription, listen
from ritornello.transcribe.values import Hints

_DRUMS = "drums"
_PROGRAMS = {"bass": 33, "piano": 0, "other": 27}  # a clean electric guitar for the rest
_PITCHES = {"bass": (24, 64), "piano": (28, 108), "other": (36, 100)}
_UNHEARD_DB = 30.0  # a stem so much softer than the mix holds what the separator left over
_FEWEST_NOTES = 4
# A stem keeps traces of the others, so that a note there has to be clearer.
_LEAST_CONFIDENCE = 0.5
_NO_HINTS = Hints()


def transcribe_band(
    recording: str | PathLike[str],
    target: str | PathLike[str] | None = None,
    *,
    hints: Hints = _NO_HINTS,
    key: KeyName | str | None = None,
    instrument: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Transcription:
    """A recording of a band to its notes by player: bass, drums, piano and the others.

    Args:
        recording, target, hints, key: as of `transcribe`.
        instrument: what the notes of the others are written for; a guitar if None.
        progress: called with samples done and samples in all while the mix is taken apart.

    Returns:
        What was heard in the mix; its ``piece`` and ``notes`` are those of the stems.

    Raises:
        InputError, ConfigError, OutputError: as of `transcribe`.
    """
    if target is not None:
        refuse_target(target, overwrite=overwrite)
    programs = dict(_PROGRAMS)
    if instrument is not None:
        programs["other"] = program_of(instrument) or 0
    known = parse_key(key) if isinstance(key, str) else key
    mix = listen(Path(recording), hints, key=known)
    tracks: list[Track] = []
    heard: list[np.ndarray] = []
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="ritornello-") as folder:
        stems = separate(recording, folder, progress=progress).stems
        for name, path in stems.items():
            notes = _notes_of(name, path, mix)
            if len(notes) < _FEWEST_NOTES:
                sentence = f"Of {name} no notes were heard; there may be none in the recording."
                findings.append(Finding(f"no_{name}", sentence, len(notes)))
                continue
            is_drum = name == _DRUMS
            program = 0 if is_drum else programs[name]
            piece = mix.timeline.piece(notes, program, is_drum=is_drum, name=name)
            tracks += piece.tracks
            if not is_drum:
                heard.append(notes)
    piece = replace(mix.piece, tracks=tuple(tracks))
    joined = np.concatenate([mix.notes[:0], *heard])
    joined = joined[np.lexsort((joined["pitch"], joined["onset_seconds"]))]
    found = replace(mix, notes=joined, piece=piece, findings=(*mix.findings, *findings))
    if target is not None:
        save(piece, target, overwrite=overwrite)
    return found


def _notes_of(name: str, path: Path, mix: Transcription) -> np.ndarray:
    """The notes of one stem, `HEARD_NOTE_DTYPE`; none where it is all but silent."""
    stem = Recording.open(path)
    measures = measure(stem)
    if measures.is_silent or measures.usual_db < mix.measures.usual_db - _UNHEARD_DB:
        return mix.notes[:0]
    if name == _DRUMS:
        return find_drums(stem.blocks(RATE_HZ))
    cleaned = Cleaned.of(stem, replace(measures, tuning_cents=mix.measures.tuning_cents))
    lowest, highest = _PITCHES[name]
    return cleaned.in_time(
        find_notes(
            cleaned.tuned_blocks(RATE_HZ),
            voices=1 if name == "bass" else None,
            lowest_pitch=lowest,
            highest_pitch=highest,
            least_confidence=_LEAST_CONFIDENCE,
        ),
        RATE_HZ,
    )
