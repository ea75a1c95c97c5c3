"""The band under solos of known truth: in harmony, in time, at level, as long as asked."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments.partner.units import Units
from experiments.remix import meter, sound
from experiments.remix.accompaniment import going_along, of_another, offsets_to_beats, on_true_grid
from experiments.remix.hearing import about, beat_scores
from experiments.remix.solos import PROTOCOL as OF_SOLOS
from experiments.remix.solos import Solo, known_solos
from ritornello.api import Composer, Remix, remix
from ritornello.dsp.sound_files import read_audio
from ritornello.metrics.endings import ending
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import read
from ritornello.music.piece import Piece

LENGTHS_SECONDS = (30.0, 90.0, 180.0)
_IN_TIME_MS, _NEARLY_ALL_IN_TIME_MS = 15.0, 30.0
_BEATS_FOUND = 0.8  # of beat F1
REAL, ANOTHER, TOLD, OURS = "real", "another piece's", "ours, told the truth", "ours"
PROTOCOL = (
    "each solo given to ritornello.api.remix, nothing else told but the seed; harmony: "
    "metrics/consonance.py with the true notes of the solo, band notes moved through the true "
    "beats to the nearest twelfth of a quarter; real: what others play in the same piece; another "
    "piece's: the same of another solo of the kind; told the truth: `arrange` for the same band on "
    "the solo as written; in key: of the true key; timing: from each moment at which the band "
    "plays on its own beat to the nearest true beat, or half of one, solos pooled; found: beat "
    f"F1 of {_BEATS_FOUND} or more; the gate: median {_IN_TIME_MS:g} ms, 95th percentile "
    f"{_NEARLY_ALL_IN_TIME_MS:g} ms; sound: a BS.1770 meter of its own; MIDI played by itself and "
    "correlated with the stem in windows of 8 s, for every fifth remix; borders: of the "
    "energy of the second difference within 32 samples of the borders of the blocks in which the "
    "mix is played and written, the share within 2 samples, against the same share between "
    "borders, and the highest share of any border (one click alone has above half); seams: that "
    "energy where the solo comes round against the two places in the take that meet; "
    f"{OF_SOLOS}"
)
_HIGHEST = (
    "true_peak_db", "mp3_true_peak_db", "stems_to_mix_db", "lengths_apart_samples",
    "mp3_samples_more", "edges_db", "border_excess_db", "sharpest_border",
)  # fmt: skip
_OFFSETS = ("bias_ms", "median_ms", "p95_ms", "median_to_halves_ms", "p95_to_halves_ms")
_FURTHEST = ("midi_lag_ms", "solo_lag_ms")
Row = dict[str, Any]


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """Of all solos, and of a few at set lengths."""
    solos = known_solos(options)
    composer = Composer.load()
    rows = []
    for number, solo in enumerate(solos):
        alike = [s for s in solos if s.kind == solo.kind and s is not solo]
        other = alike[number % len(alike)]
        score = partial(_scored, composer, solo, other, options.seed, correlate=number % 5 == 0)
        rows.append(units.take(solo.name, score))
    firsts = {solo.kind: solo for solo in reversed(solos)}
    lengths = [
        units.take(f"{solo.name}, {seconds:g} s", partial(_of_length, solo, seconds, options.seed))
        for solo in firsts.values()
        for seconds in LENGTHS_SECONDS
    ]
    return {
        "harmony": harmony(rows),
        "timing": timing(rows),
        "sound": worst(rows),
        "lengths": lengths,
        "solos": rows,
    }


# --- one solo -------------------------------------------------------------------------------------


def _scored(composer: Composer, solo: Solo, other: Solo, seed: int, *, correlate: bool) -> Row:
    """What is measured of one remix.

    Args:
        correlate: whether its MIDI is played and compared with its stems, which takes long.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = remix(solo.path, Path(folder) / "remix", seed=seed)
        band = replace(made.piece, tracks=made.piece.tracks[1:])
        heard = beat_scores(
            solo.beats_seconds, solo.downbeats_seconds,
            made.transcription.beats.times_seconds, made.transcription.beats.downbeats_seconds,
        )  # fmt: skip
        written = {
            REAL: solo.accompaniment,
            ANOTHER: of_another(solo, other),
            TOLD: told(composer, solo, band, seed),
            OURS: on_true_grid(solo, band),
        }
        own = made.form.beats.times_seconds
        offsets = [1000 * offsets_to_beats(solo, band, own, parts) for parts in (1, 2)]
        return {
            **about(solo),
            "harmony": {way: going_along(solo, piece) for way, piece in written.items()},
            "beat_f1": heard["beat_f1"],
            "offsets_ms": [round(float(offset), 1) for offset in offsets[0]],
            "offsets_to_halves_ms": [round(float(offset), 1) for offset in offsets[1]],
            "sound": of_files(Path(folder) / "remix", solo.path, correlate=correlate),
            "ending": ending(made.piece).complete,
        }


def told(composer: Composer, solo: Solo, band: Piece, seed: int) -> Piece:
    """What the same players are given to play where the solo is known as written."""
    players = [INSTRUMENTS[track.instrument].name for track in band.tracks]
    given = replace(solo.given, tempos=solo.given.tempos[:1])
    whole = composer.arrange(given, players, seed=seed).piece
    return replace(whole, tracks=whole.tracks[1:])


def of_files(folder: Path, take: Path, *, correlate: bool) -> Row:
    """Levels, lengths and agreement of all files of a remix."""
    mix = read_audio(folder / "mix.wav")
    stems = {
        path.stem: read_audio(path) for path in sorted(folder.glob("*.wav")) if path.stem != "mix"
    }
    coded = read_audio(folder / "mix.mp3")
    lags: list[float] = []
    for name, stem in stems.items():
        if correlate and name != "solo":
            lags += sound.midi_lags_ms(stem, read(folder / f"{name}.mid"))
    return {
        **sound.levels(mix, stems),
        "mp3_lufs": meter.lufs(coded.samples, coded.rate_hz),
        "mp3_true_peak_db": meter.true_peak_db(coded.samples),
        "mp3_samples_more": len(coded.samples) - len(mix.samples),
        "midi_lag_ms": max(map(abs, lags), default=np.nan),
        "solo_lag_ms": sound.take_lag_ms(stems["solo"], read_audio(take)),
    }


def _of_length(solo: Solo, seconds: float, seed: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        made = remix(solo.path, Path(folder) / "remix", duration_seconds=seconds, seed=seed)
        files = [*(Path(folder) / "remix").glob("*.wav"), *(Path(folder) / "remix").glob("*.mp3")]
        sounds = [read_audio(path) for path in files]
        last = ending(made.piece)
        return {
            "name": solo.name,
            "asked_seconds": seconds,
            "samples_apart": max(abs(len(s.samples) - round(seconds * s.rate_hz)) for s in sounds),
            "ends": {**last._asdict(), "complete": last.complete},
            "edges_db": max(sound.edges_db(s) for s in sounds),
            "seam_excess_db": _seam_excess_db(made),
        }


def _seam_excess_db(made: Remix) -> float:
    """Of the place where the recording comes round; nan where it does not."""
    if made.form.loop_seconds is None:
        return np.nan
    stem = read_audio(made.report.parent / "solo.wav")
    first, last = (round(seconds * stem.rate_hz) for seconds in made.form.loop_seconds)
    seams = np.arange(last, len(stem.samples), last - first)
    # The two places that meet; the second is heard in the take alone.
    take = made.transcription.recording.blocks(stem.rate_hz, channels=2)
    samples = np.concatenate([*take])
    beside = max(sound.movement(samples, np.array([place])) for place in (first, last))
    own = np.square(stem.samples[:last]).sum() / np.square(samples[:last]).sum()  # gain of the stem
    return float(10 * np.log10(sound.movement(stem.samples, seams) / (own * beside)))


# --- all of them ----------------------------------------------------------------------------------


def harmony(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """Means by kind of solo and way of accompanying, over solos in which it can be judged."""
    table: dict[str, dict[str, Row]] = {}
    for kind in (*dict.fromkeys(row["kind"] for row in rows), "all"):
        here = [row["harmony"] for row in rows if kind in (row["kind"], "all")]
        table[kind] = {}
        for way in (REAL, OURS, TOLD, ANOTHER):
            judged = [found[way] for found in here if found[way]]
            fields = judged[0] if judged else {}
            table[kind][way] = {field: _mean([row[field] for row in judged]) for field in fields}
    return table


def timing(rows: Sequence[Row]) -> dict[str, Row]:
    """Offsets in ms by kind and manner: bias, median and 95th percentile of the magnitude."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        names = [f"{row['kind']}, {row['manner']}", "all"]
        if row["beat_f1"] >= _BEATS_FOUND:
            names.append("all whose beats were found")
        for name in names:
            groups.setdefault(name, []).append(row)
    return {name: _offsets(found) for name, found in groups.items()}


def _offsets(rows: Sequence[Row]) -> Row:
    pooled = np.concatenate([row["offsets_ms"] for row in rows])
    halves = np.abs(np.concatenate([row["offsets_to_halves_ms"] for row in rows]))
    found = [row for row in rows if row["offsets_ms"]]
    in_time = [
        np.median(np.abs(row["offsets_ms"])) <= _IN_TIME_MS
        and np.percentile(np.abs(row["offsets_ms"]), 95) <= _NEARLY_ALL_IN_TIME_MS
        for row in found
    ]
    if not len(pooled):
        return {"solos": len(rows)}
    return {
        "solos": len(rows),
        "bias_ms": float(np.median(pooled)),
        "median_ms": float(np.median(np.abs(pooled))),
        "p95_ms": float(np.percentile(np.abs(pooled), 95)),
        "median_to_halves_ms": float(np.median(halves)),
        "p95_to_halves_ms": float(np.percentile(halves, 95)),
        "solos_within_the_gate": int(sum(in_time)),
    }


def worst(rows: Sequence[Row]) -> Row:
    """The value furthest from what is wanted, of all remixes; of lags in either direction."""
    sounds = [row["sound"] for row in rows]

    def known(name: str) -> list[float]:
        return [each[name] for each in sounds if each[name] is not None]

    return {
        **{name: [min(known(name)), max(known(name))] for name in ("lufs", "mp3_lufs")},
        **{name: max(known(name), default=None) for name in _HIGHEST},
        **{name: max(map(abs, known(name)), default=None) for name in _FURTHEST},
        "endings_complete": float(np.mean([row["ending"] for row in rows])),
    }


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


# --- the tables -----------------------------------------------------------------------------------


def markdown(figures: dict[str, Any]) -> str:
    ways = (REAL, OURS, TOLD, ANOTHER)
    lines = [f"| solos | share of band notes | {' | '.join(ways)} |", "|---" * 6 + "|"]
    for kind, found in figures["harmony"].items():
        for field, title in (("notes_in_chord", "in the chord"), ("in_key", "in the key")):
            cells = [_percent(found[way].get(field)) for way in ways]
            lines.append(f"| {kind} | {title} | {' | '.join(cells)} |")
    lines += [
        "",
        "| solos | | bias ms | median ms | p95 ms | to halves, median | p95 | within the gate |",
    ]
    lines.append("|---" * 8 + "|")
    for name, row in figures["timing"].items():
        cells = [f"{row[field]:.1f}" if field in row else "" for field in _OFFSETS]
        cells.append(str(row.get("solos_within_the_gate", "")))
        lines.append(f"| {name} | {row['solos']} | {' | '.join(cells)} |")
    lines += ["", "| the worst of all remixes | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in figures["sound"].items()]
    lines += ["", "| solo | asked s | samples off | ends | seam dB |", "|---" * 5 + "|"]
    for row in figures["lengths"]:
        lacks = [name for name, good in row["ends"].items() if not good]
        seam = "" if row["seam_excess_db"] is None else f"{row['seam_excess_db']:.1f}"
        lines.append(
            f"| {row['name']} | {row['asked_seconds']:g} | {row['samples_apart']} "
            f"| {'not ' + ', '.join(lacks) if lacks else 'like an ending'} | {seam} |"
        )
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}%"
