"""What is heard in solos of known truth: notes, beats, bars, metre and key."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import mir_eval
import numpy as np

from experiments.partner.units import Units
from experiments.remix.solos import PROTOCOL as OF_SOLOS
from experiments.remix.solos import Solo, known_solos
from ritornello.music.keys import TONICS_SHARP, KeyName, estimate_key, pitch_class_weights
from ritornello.transcribe.values import Beats

MATCH_SECONDS = 0.07  # of a beat, the usual tolerance
ONSET_SECONDS = 0.05  # of a note
PROTOCOL = (
    "notes: mir_eval.transcription, onsets within 50 ms, pitches within 50 cents, once without "
    "ends and once with ends within 20% (at least 50 ms); beats and downbeats: mir_eval.beat, "
    "within 70 ms, no warm-up left out, only from the first true beat to the last; any level: the "
    "best F1 of the found beats, every other of them, and twice as many; AMLt allows other "
    "metrical levels too; offsets: of the found beats that match; level: median interval against "
    "the true one; key: exact, and MIREX weights (fifth .5, relative .3, parallel .2); means over "
    f"solos, offsets pooled; {OF_SOLOS}"
)
SCORES = (
    "note_precision", "note_recall", "note_f1", "note_f1_with_ends", "beat_f1",
    "beat_f1_any_level", "beat_amlt", "downbeat_f1", "metre", "confidence", "key_exact",
    "key_weighted",
)  # fmt: skip
Row = dict[str, Any]


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """Scores by instrument and manner, of what is heard and of the baselines."""
    solos = known_solos(options)
    rows = [units.take(solo.name, partial(_scored, solo)) for solo in solos]
    return {"by_kind": summary(rows), "baselines": baselines(solos), "solos": rows}


# --- scores ---------------------------------------------------------------------------------------


def note_scores(truth: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Precision, recall and F1 by onset, and F1 by onset and end; `HEARD_NOTE_DTYPE` both."""
    if not len(found):
        return dict.fromkeys(("note_precision", "note_recall", "note_f1", "note_f1_with_ends"), 0.0)
    score = mir_eval.transcription.precision_recall_f1_overlap
    sides = [*_intervals(truth), *_intervals(found)]
    precision, recall, f1, _ = score(*sides, onset_tolerance=ONSET_SECONDS, offset_ratio=None)
    _, _, with_ends, _ = score(*sides, onset_tolerance=ONSET_SECONDS)
    return {
        "note_precision": precision,
        "note_recall": recall,
        "note_f1": f1,
        "note_f1_with_ends": with_ends,
    }


def beat_scores(
    beats: np.ndarray, downbeats: np.ndarray, found: np.ndarray, found_downbeats: np.ndarray
) -> Row:
    """F1 of both, other levels allowed of beats, and how far off those are that match, in ms."""
    within = (beats[0] - MATCH_SECONDS, beats[-1] + MATCH_SECONDS)
    found, found_downbeats = _inside(found, *within), _inside(found_downbeats, *within)
    offsets = nearest_offsets(found, beats)
    interval = np.median(np.diff(found)) if len(found) > 1 else np.inf
    return {
        "beat_f1": mir_eval.beat.f_measure(beats, found, MATCH_SECONDS),
        "beat_f1_any_level": max(
            mir_eval.beat.f_measure(beats, times, MATCH_SECONDS) for times in _levels(found)
        ),
        "downbeat_f1": mir_eval.beat.f_measure(downbeats, found_downbeats, MATCH_SECONDS),
        "beat_amlt": mir_eval.beat.continuity(beats, found)[3] if len(found) > 1 else 0.0,
        "intervals_to_true": float(interval / np.median(np.diff(beats))),
        "offsets_ms": [round(1000 * o, 1) for o in offsets if abs(o) <= MATCH_SECONDS],
    }


def _levels(found: np.ndarray) -> list[np.ndarray]:
    """The beats, every other of them from the first or the second, and those between too."""
    between = (found[1:] + found[:-1]) / 2
    return [found, found[::2], found[1::2], np.sort(np.concatenate([found, between]))]


def key_scores(truth: KeyName | None, found: KeyName | None) -> dict[str, float]:
    """Whether it is the key, and MIREX's weighted score; nan without a truth."""
    if truth is None:
        return {"key_exact": np.nan, "key_weighted": np.nan}
    if found is None:
        return {"key_exact": 0.0, "key_weighted": 0.0}
    same = (truth.tonic, truth.is_minor) == (found.tonic, found.is_minor)
    weighted = mir_eval.key.weighted_score(_mirex(truth), _mirex(found))
    return {"key_exact": float(same), "key_weighted": weighted}


def nearest_offsets(found: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """Of each found moment to the nearest true beat, in seconds; positive if late."""
    if not len(found):
        return np.zeros(0)
    after = np.clip(np.searchsorted(beats, found), 1, len(beats) - 1)
    left, right = beats[after - 1], beats[after]
    return found - np.where(found - left < right - found, left, right)


def _scored(solo: Solo) -> Row:
    from ritornello.transcribe.transcription import listen

    take = listen(solo.path)
    return {
        **about(solo),
        **note_scores(solo.notes, take.notes),
        **_scored_beats(solo, take.beats),
        **key_scores(solo.key, take.key),
    }


def _scored_beats(solo: Solo, found: Beats) -> Row:
    scores = beat_scores(
        solo.beats_seconds, solo.downbeats_seconds, found.times_seconds, found.downbeats_seconds
    )
    return {
        **scores,
        "metre": float(found.metre == solo.metre),
        "confidence": found.confidence,
    }


def about(solo: Solo) -> Row:
    """What a row is about."""
    return {
        "name": solo.name,
        "kind": solo.kind,
        "manner": "rubato" if solo.manner.rubato else "steady",
        "rough": solo.manner.rough,
        "font": solo.font,
        "collection": solo.collection,
    }


def _intervals(notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ends = np.maximum(notes["end_seconds"], notes["onset_seconds"] + 1e-3)
    return np.stack([notes["onset_seconds"], ends], 1), mir_eval.util.midi_to_hz(notes["pitch"])


def _inside(times: np.ndarray, first: float, last: float) -> np.ndarray:
    return times[(times >= first) & (times <= last)]


def _mirex(key: KeyName) -> str:
    return f"{TONICS_SHARP[key.tonic]} {'minor' if key.is_minor else 'major'}"


# --- groups ---------------------------------------------------------------------------------------


def summary(rows: Sequence[Row]) -> dict[str, Row]:
    """Means by kind and manner, by font and roughness, and of all; offsets pooled."""
    groups: dict[str, list[Row]] = {}
    for label in ("kind", "font", "recording", "all"):
        for row in rows:
            groups.setdefault(_label(row, label), []).append(row)
    return {name: _summed(found) for name, found in groups.items()}


def _label(row: Row, by: str) -> str:
    return {
        "kind": f"{row['kind']}, {row['manner']}",
        "font": f"font {row['font']}",
        "recording": "rough" if row["rough"] else "clean",
        "all": "all",
    }[by]


def _summed(rows: Sequence[Row]) -> Row:
    offsets = np.concatenate([row["offsets_ms"] for row in rows])
    ratios = [row["intervals_to_true"] for row in rows]
    return {
        "solos": len(rows),
        **{name: _mean(row[name] for row in rows) for name in SCORES},
        "right_level": float(np.mean([r is not None and 0.85 < r < 1.18 for r in ratios])),
        "offset_median_ms": float(np.median(offsets)) if len(offsets) else np.nan,
        "offset_median_magnitude_ms": _percentile(offsets, 50),
        "offset_p95_magnitude_ms": _percentile(offsets, 95),
    }


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def _percentile(offsets: np.ndarray, share: float) -> float:
    return float(np.percentile(np.abs(offsets), share)) if len(offsets) else np.nan


# --- baselines ------------------------------------------------------------------------------------


def baselines(solos: Sequence[Solo]) -> dict[str, Row]:
    """What one gets for beats and keys without listening, or with part of the truth."""
    rows: dict[str, list[Row]] = {}
    for solo in solos:
        beats = solo.beats_seconds
        in_bar = round(len(beats) / len(solo.downbeats_seconds))
        fixed = np.arange(0, beats[-1] + 0.5, 0.5)
        even = np.linspace(beats[0], beats[-1], len(beats))
        solo_key = estimate_key(pitch_class_weights(solo.notes["pitch"]))
        for name, found in (("120 bpm from 0 s", fixed), ("true mean tempo and phase", even)):
            scores = beat_scores(beats, solo.downbeats_seconds, found, found[::in_bar])
            rows.setdefault(name, []).append({**about(solo), **scores})
        for name, key in (("C major", KeyName(0)), ("key of the true notes", solo_key)):
            rows.setdefault(name, []).append({**about(solo), **key_scores(solo.key, key)})
    return {name: _baseline(found) for name, found in rows.items()}


def _baseline(rows: list[Row]) -> Row:
    known = [name for name in SCORES if name in rows[0]]
    return {
        manner: {name: _mean(row[name] for row in here) for name in known}
        for manner in ("steady", "rubato")
        if (here := [row for row in rows if row["manner"] == manner])
    }


# --- the table ------------------------------------------------------------------------------------


def markdown(figures: dict[str, Any]) -> str:
    columns = {
        "note_f1": "notes", "note_f1_with_ends": "with ends", "beat_f1": "beats",
        "beat_f1_any_level": "any level", "beat_amlt": "AMLt", "downbeat_f1": "downbeats",
        "right_level": "level", "metre": "metre", "key_exact": "key", "key_weighted": "key, MIREX",
    }  # fmt: skip
    in_ms = ("offset_median_ms", "offset_median_magnitude_ms", "offset_p95_magnitude_ms")
    head = ["solos", "", *columns.values(), "bias ms", "median ms", "p95 ms"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in figures["by_kind"].items():
        cells = [_cell(row[column], 2) for column in columns] + [_cell(row[c], 1) for c in in_ms]
        lines.append(f"| {name} | {row['solos']} | {' | '.join(cells)} |")
    lines += ["", "| baseline | manner | beats | downbeats | key | key, MIREX |", "|---" * 6 + "|"]
    for name, manners in figures["baselines"].items():
        for manner, row in manners.items():
            wanted = ("beat_f1", "downbeat_f1", "key_exact", "key_weighted")
            cells = [_cell(row.get(column), 2) for column in wanted]
            lines.append(f"| {name} | {manner} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
