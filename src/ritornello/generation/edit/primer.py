"""Fit any song to what the model can read; the song itself is never touched.

A model knows 24 ticks a quarter, some instruments, four parts of each, and bars of up to eight
quarters. A song may be anything. `fit` makes the nearest piece that the model can read, and warns
in plain words where that differs from the song.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ritornello.errors import InputError
from ritornello.generation.countable_bars import MetreSpan, countable_metre_map, spans
from ritornello.generation.edit.instrument_substitution import substitute_instrument
from ritornello.music.instruments import DRUMS, INSTRUMENTS
from ritornello.music.keys import pitch_name
from ritornello.music.piece import Piece, Track
from ritornello.music.quantise import list_bars, span_edges, written_times
from ritornello.note_model.encoding.notes import (
    PARTS_PER_INSTRUMENT,
    RESOLUTION,
    TEMPO_CLASSES,
    instrument_of,
    part_of,
    tempo_bpm,
)

_Subject = TypeVar("_Subject")
_Warnings = defaultdict[str, list[_Subject]]  # sentences, each with all it is true of
_OCTAVE = 12
# Rounding moves a note by up to a half of a tick; more than a quarter of one is worth a word.
_MOVED_TICKS = 0.25
_MOVED_SHARE = 0.1


@dataclass(frozen=True)
class Fitted:
    """What a model reads in place of a piece.

    Attributes:
        piece: at 24 ticks a quarter, one track for each part class that plays; the `notes`
            encoding gives its tracks just these classes.
        parts: part class of each track of the original piece, -1 for a track without notes.
        warnings: where it differs from the original, as sentences that name tracks and bars.
    """

    piece: Piece
    parts: tuple[int, ...]
    warnings: tuple[str, ...]

    def with_notes_of(self, piece: Piece) -> Piece:
        """What the model reads of the original with other notes in its tracks.

        Args:
            piece: the original with other notes; its tracks are fitted to the same parts and bars.
        """
        at_grid = piece.at_resolution(RESOLUTION)
        tracks = _model_tracks(at_grid.tracks, self.parts, defaultdict(list))
        return replace(self.piece, tracks=tracks)


def fit(piece: Piece, *, known_instruments: frozenset[int] | None = None) -> Fitted:
    """The nearest piece that a model can read.

    Onsets are rounded to 24 ticks a quarter. An instrument the model has not learned is substituted
    by its nearest kin; notes more than an octave outside the usual range are moved by octaves;
    tracks beyond four of one instrument share the last part, and drum tracks are one; bars that
    cannot be counted become shorter ones, see `ritornello.generation.countable_bars`.

    To compose beyond the end, give it the piece with its ``length_ticks`` grown: the last metre
    goes on until there.

    Args:
        piece: any piece, at any resolution.
        known_instruments: indices into `INSTRUMENTS` that the model has learned, see
            `ritornello.note_model.encoding.ngrams.known_instruments`; all where None.

    Raises:
        InputError: if the piece has no notes.
    """
    if not piece.note_count:
        raise InputError(
            "The piece has no notes to go by.",
            where=piece.title,
            next_step="Give a piece with notes, or write one from nothing: ritornello compose.",
        )
    about_tracks: _Warnings[str] = defaultdict(list)
    about_bars: _Warnings[range] = defaultdict(list)
    instruments = _model_instruments(piece, known_instruments, about_tracks)
    parts = _model_parts(piece, instruments, about_tracks)
    at_grid = piece.at_resolution(RESOLUTION)
    tracks = _model_tracks(at_grid.tracks, parts, about_tracks)
    bars = list(spans(piece))
    for span in bars:
        if sentence := span.warning():
            about_bars[sentence].append(span.bars)
    _check_tempos(piece, bars, about_bars)
    fitted = replace(at_grid, tracks=tracks, metres=countable_metre_map(piece, bars))
    warnings = (
        *_track_warnings(about_tracks),
        *_bar_warnings(about_bars),
        *_off_grid_warnings(piece),
    )
    return Fitted(fitted, parts, warnings)


def _model_instruments(
    piece: Piece, known: frozenset[int] | None, warnings: _Warnings[str]
) -> list[int]:
    """Index into `INSTRUMENTS` of the instrument that the model reads each track as."""
    known = frozenset(range(len(INSTRUMENTS))) if known is None else known
    instruments = [substitute_instrument(track.instrument, known) for track in piece.tracks]
    for index, (track, instrument) in enumerate(zip(piece.tracks, instruments, strict=True)):
        if not len(track) or track.instrument in known:
            continue
        name, other = INSTRUMENTS[track.instrument].name, INSTRUMENTS[instrument].name
        missing = f"{name} is not among the instruments the model has learned"
        if other == name:
            warnings[f"{missing}, nor is any like it; read as it is."].append(_label(index, track))
        else:
            warnings[f"{missing}; read as {other}."].append(_label(index, track))
    return instruments


def _model_parts(piece: Piece, instruments: list[int], warnings: _Warnings[str]) -> tuple[int, ...]:
    """Part class of each track, -1 for those without notes."""
    counts: Counter[int] = Counter()
    parts = []
    for index, (track, instrument) in enumerate(zip(piece.tracks, instruments, strict=True)):
        if not len(track):
            parts.append(-1)
            continue
        parts.append(part_of(instrument, counts[instrument]))
        counts[instrument] += 1
        if instrument == DRUMS and counts[DRUMS] > 1:
            warnings["read as one with the drums before."].append(_label(index, track))
        elif counts[instrument] > PARTS_PER_INSTRUMENT:
            sentence = (
                f"a model reads {PARTS_PER_INSTRUMENT} parts of {INSTRUMENTS[instrument].name}; "
            )
            warnings[f"{sentence}read as one with the last of them."].append(_label(index, track))
    return tuple(parts)


def _model_tracks(
    tracks: tuple[Track, ...], parts: tuple[int, ...], warnings: _Warnings[str]
) -> tuple[Track, ...]:
    """The tracks as one for each part class, played by its instrument, in its range."""
    tables: dict[int, list[np.ndarray]] = {}
    first: dict[int, Track] = {}
    for index, (track, part) in enumerate(zip(tracks, parts, strict=True)):
        if part < 0:
            continue
        label, instrument = _label(index, track), instrument_of(part)
        if track.instrument != instrument:
            track = replace(track, program=INSTRUMENTS[instrument].program)
        notes = track.notes.copy()
        notes["pitch"], sentences = _move_into_range(notes["pitch"], instrument)
        for sentence in sentences:
            warnings[sentence].append(label)
        first.setdefault(part, track)
        tables.setdefault(part, []).append(notes)
    return tuple(
        replace(track, notes=np.concatenate(tables[part])) for part, track in first.items()
    )


def _move_into_range(pitches: np.ndarray, instrument: int) -> tuple[np.ndarray, list[str]]:
    """Pitches, int [notes], brought by octaves to within one of the usual range; and what moved."""
    who = INSTRUMENTS[instrument]
    low, high = max(0, who.low - _OCTAVE), min(127, who.high + _OCTAVE)
    up = np.maximum(0, -((pitches - low) // _OCTAVE))
    down = np.maximum(0, -((high - pitches) // _OCTAVE))
    sentences = []
    for octaves, limit, beyond, towards in (
        (up, low, "below", "higher"),
        (down, high, "above", "lower"),
    ):
        if count := int((octaves > 0).sum()):
            far = "an octave" if octaves.max() == 1 else f"up to {octaves.max()} octaves"
            name = f"key {limit}" if who.is_drum else pitch_name(limit)
            notes = "1 note" if count == 1 else f"{count} notes"
            sentences.append(
                f"{notes} {beyond} {name} {'is' if count == 1 else 'are'} read {far} {towards}."
            )
    return pitches + _OCTAVE * (up - down), sentences


def _check_tempos(piece: Piece, bars: list[MetreSpan], warnings: _Warnings[range]) -> None:
    """Warn of tempi beyond those the model has classes for."""
    slowest, fastest = tempo_bpm(0), tempo_bpm(TEMPO_CLASSES - 1)
    for tick, bpm in piece.tempos:
        if slowest <= bpm <= fastest or tick >= piece.length_ticks:
            continue
        beyond, limit = ("slower", slowest) if bpm < slowest else ("faster", fastest)
        span = next(span for span in reversed(bars) if span.metre.tick <= tick)
        bar = span.bars.start + (tick - span.metre.tick) // span.metre.bar_ticks(piece.resolution)
        warnings[f"a tempo {beyond} than {limit:g} bpm is read as {limit:g} bpm."].append(
            range(bar, bar + 1)
        )


def _off_grid_warnings(piece: Piece) -> list[str]:
    onsets = np.concatenate([track.notes["onset"] for track in piece.tracks])
    ticks = onsets * RESOLUTION / piece.resolution
    count = int((np.abs(ticks - np.round(ticks)) > _MOVED_TICKS).sum())
    if count <= _MOVED_SHARE * len(onsets):
        return []
    return [
        f"{count} of {len(onsets)} notes lie between the 24ths of a quarter that a model counts; "
        "read rounded to them."
    ]


def quantise_to_notation(piece: Piece) -> Piece:
    """The piece quantised: onsets and ends where a score would have them, see `music.quantise`.

    A model that reads a performer's every hesitation as rhythm would answer in kind. Onsets lie on
    24ths of a quarter then, those of quintuplets and of fast ornaments on the nearest.
    """
    if not piece.note_count:
        return piece
    edges = span_edges(list_bars(piece, piece.length_ticks), piece.resolution)
    times = [written_times(track, edges, piece.resolution) for track in piece.tracks]
    tracks = []
    for track, time in zip(piece.tracks, times, strict=True):
        table = track.notes.copy()
        counted = np.rint(time.onsets * (RESOLUTION / piece.resolution))
        table["onset"] = np.rint(counted * (piece.resolution / RESOLUTION))
        if not track.is_drum:  # the length of a drum stroke is not written
            table["duration"] = np.maximum(1, time.ends - time.onsets)
        tracks.append(replace(track, notes=table))
    return replace(piece, tracks=tuple(tracks))


# --- warnings ---------------------------------------------------------------------------------


def _label(index: int, track: Track) -> str:
    return f"{index + 1} {track.label!r}"


def _track_warnings(warnings: _Warnings[str]) -> list[str]:
    """One sentence for all tracks it is true of."""
    return [
        f"track{'s' if len(tracks) > 1 else ''} {', '.join(tracks)}: {sentence}"
        for sentence, tracks in warnings.items()
    ]


def _bar_warnings(warnings: _Warnings[range]) -> list[str]:
    """One sentence for all bars it is true of, neighbours together."""
    sentences = []
    for sentence, found in warnings.items():
        runs: list[range] = []
        for bars in sorted(found, key=lambda bars: bars.start):
            if runs and bars.start <= runs[-1].stop:
                runs[-1] = range(runs[-1].start, max(runs[-1].stop, bars.stop))
            else:
                runs.append(bars)
        names = [f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
        many = len(names) > 1 or len(runs[0]) > 1
        sentences.append(f"bar{'s' if many else ''} {', '.join(names)}: {sentence}")
    return sentences
