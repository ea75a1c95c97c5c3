"""A mix to the notes of a whole band: taken apart, each stem transcribed, on the beats of the mix.

Beats, bars and key are heard in the mix, where all players tell them; notes in the stems, where
fewer sound at a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
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
_SAME_SECONDS = 0.05  # between onsets of one pitch in two stems that are one note
_LOUD_VELOCITY, _LEAST_SURE = 100, 0.1
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
    with tempfile.TemporaryDirectory(prefix="ritornello-") as folder:
        stems = separate(recording, folder, progress=progress).stems
        heard = {name: _notes_of(name, path, mix) for name, path in stems.items()}
    drums = heard.pop(_DRUMS)[0]
    by_player = {**dict(zip(heard, once_each([*heard.values()]), strict=True)), _DRUMS: drums}
    tracks: list[Track] = []
    findings: list[Finding] = []
    for name in stems:
        notes = by_player[name]
        if len(notes) < _FEWEST_NOTES:
            by_player[name] = notes[:0]
            sentence = f"Of {name} no notes were heard; there may be none in the recording."
            findings.append(Finding(f"no_{name}", sentence, len(notes)))
            continue
        is_drum = name == _DRUMS
        program = 0 if is_drum else programs[name]
        tracks += mix.timeline.piece(notes, program, is_drum=is_drum, name=name).tracks
    joined = np.concatenate([mix.notes[:0], *(by_player[name] for name in heard)])
    joined = joined[np.lexsort((joined["pitch"], joined["onset_seconds"]))]
    piece = replace(mix.piece, tracks=tuple(tracks))
    found = replace(mix, notes=joined, piece=piece, findings=(*mix.findings, *findings))
    if target is not None:
        save(piece, target, overwrite=overwrite)
    return found


def once_each(heard: Sequence[tuple[np.ndarray, float]]) -> list[np.ndarray]:
    """The notes of each stem without those that are louder and clearer in another one.

    A separator that is not sure gives a note to several stems; one of them plays it.

    Args:
        heard: of each stem its notes, `HEARD_NOTE_DTYPE` by onset, and its level in dB.
    """
    kept = []
    for number, (notes, level_db) in enumerate(heard):
        here = _levels_db(notes, level_db)
        alone = np.ones(len(notes), bool)
        for other, (others, other_db) in enumerate(heard):
            if other == number:
                continue
            there = _levels_db(others, other_db)
            onsets = notes["onset_seconds"]
            first = np.searchsorted(others["onset_seconds"], onsets - _SAME_SECONDS)
            last = np.searchsorted(others["onset_seconds"], onsets + _SAME_SECONDS, "right")
            for n, near in enumerate(map(slice, first, last)):
                same = there[near][others["pitch"][near] == notes["pitch"][n]]
                # Of two that are as loud the first stem has it.
                if len(same) and (same.max(), other < number) > (here[n], False):
                    alone[n] = False
        kept.append(notes[alone])
    return kept


def _levels_db(notes: np.ndarray, level_db: float) -> np.ndarray:
    """How loud each note is, from its velocity, 40 dB for a factor of ten; less if unsure."""
    sure = notes["velocity"] / _LOUD_VELOCITY * np.maximum(notes["confidence"], _LEAST_SURE)
    result: np.ndarray = level_db + 40 * np.log10(sure)
    return result


def _notes_of(name: str, path: Path, mix: Transcription) -> tuple[np.ndarray, float]:
    """The notes of one stem, `HEARD_NOTE_DTYPE`, and its level in dB; none where it is all but
    silent, and no strokes where there is no beat: noise, claps and speech have many."""
    stem = Recording.open(path)
    measures = measure(stem)
    if measures.is_silent or measures.usual_db < mix.measures.usual_db - _UNHEARD_DB:
        return mix.notes[:0], measures.usual_db
    if name == _DRUMS:
        strokes = find_drums(stem.blocks(RATE_HZ)) if mix.beats.confidence else mix.notes[:0]
        return strokes, measures.usual_db
    cleaned = Cleaned.of(stem, replace(measures, tuning_cents=mix.measures.tuning_cents))
    lowest, highest = _PITCHES[name]
    notes = cleaned.in_time(
        find_notes(
            cleaned.tuned_blocks(RATE_HZ),
            voices=1 if name == "bass" else None,
            lowest_pitch=lowest,
            highest_pitch=highest,
        ),
        RATE_HZ,
    )
    return notes, measures.usual_db
