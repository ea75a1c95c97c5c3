"""Ten remixes of real recordings, measured: the band's time, harmony, bass, levels and ending.

    python -m experiments.listening.real_remixes --field FOLDER [--only NAME] [--save]

No hints but the length. The takes are those of `real_takes` that have a player: solos, excerpts and
CC0 songs that the listeners have not learned from.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.listening.real_takes import Take, excerpt_takes, field_takes, levels, song_takes
from experiments.music_sets import ROOT, data_folder
from experiments.scorecard import plain, say, write
from ritornello.accompany.remix import remix
from ritornello.accompany.result import Remix
from ritornello.dsp.sound_files import read_audio
from ritornello.metrics.consonance import agreement, by_chance
from ritornello.music.harmony import piece_chords
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Piece, Track

PROTOCOL = (
    "remix with the usual band, 24 s, seed 1; beats: each moment at which the band plays on a beat "
    "of its own, to the nearest true beat at the level (as written, twice, half, offbeat) that "
    "fits best of those nearest in tempo, in ms, median and 95%, and the share within 70 ms; "
    "chord: share of the band's notes in the chord of the "
    "player's notes, and what it is in eleven other keys; bass: notes within a quarter of a beat "
    "of a bar line that are the root of the chord of the player's notes alone; levels: loudness of "
    "stems against the solo in LU; ends: parts whose last note begins in the last bar, and the "
    "level of the last 50 ms"
)
_SECONDS = 24.0
_ON_BEAT_SECONDS = 0.002
_NEAR_BEATS = 0.25
_CLOSE_SECONDS = 0.07


def _is_bass(track: Track) -> bool:
    return not track.is_drum and INSTRUMENTS[track.instrument].name in ("bass", "double bass")


def beat_offsets(take: Take, made: Remix) -> np.ndarray:
    """Seconds from true beats to what the band plays on its own beats, while the take sounds."""
    own = made.form.beats.times_seconds
    onsets = np.unique(np.concatenate([track.notes["onset"] for track in made.piece.tracks[1:]]))
    seconds = made.piece.ticks_to_seconds(onsets)
    on_own = np.abs(seconds[:, None] - own).min(axis=1) < _ON_BEAT_SECONDS
    last = min(take.beats[-1], made.form.last_bar_seconds)
    if made.form.loop_seconds is not None:
        last = min(last, made.form.loop_seconds[1])
    seconds = seconds[on_own & (seconds > take.beats[0] - 0.2) & (seconds < last + 0.2)]
    tempo = np.log2(np.median(np.diff(own)))
    found = [level for level in levels(take.beats) if len(level) > 1]
    away = [abs(np.log2(np.median(np.diff(level))) - tempo) for level in found]
    nearest = [level for level, far in zip(found, away, strict=True) if far < min(away) + 0.1]
    offsets = [
        level[np.abs(seconds[:, None] - level).argmin(axis=1)] - seconds for level in nearest
    ]
    return min(offsets, key=lambda offset: float(np.median(np.abs(offset))))


def bass_on_roots(piece: Piece) -> tuple[int, int]:
    """Bass notes on bar lines that are roots of the player's chords, and how many there are."""
    changes = piece_chords(replace(piece, tracks=piece.tracks[:1]))
    ticks, right, count = [change.tick for change in changes], 0, 0
    near = _NEAR_BEATS * piece.metres[-1].beat_ticks(piece.resolution)
    for bass in filter(_is_bass, piece.tracks[1:]):
        for start in piece.bar_starts_ticks():
            index = int(np.searchsorted(ticks, start, side="right")) - 1
            chord = changes[index].chord if index >= 0 else None
            here = bass.notes[np.abs(bass.notes["onset"] - start) <= near]
            if chord is not None:
                count += len(here)
                right += int((here["pitch"] % 12 == chord.root).sum())
    return right, count


def figures_of(take: Take, made: Remix, folder: Path) -> dict[str, Any]:
    piece, mix = made.piece, made.mix
    band = replace(piece, tracks=piece.tracks[1:])
    given = replace(piece, tracks=piece.tracks[:1])
    right, count = bass_on_roots(piece)
    row: dict[str, Any] = {"bass_right": right, "bass_notes": count}
    row["in_chord"] = agreement(given, band).notes_in_chord
    row["in_chord_by_chance"] = by_chance(given, band)["other keys"].notes_in_chord
    if len(take.beats):
        away = np.abs(beat_offsets(take, made)) * 1000
        row |= {"beat_ms": float(np.median(away)), "beat_ms_95": float(np.quantile(away, 0.95))}
        row["beats_within_70"] = float((away < 1000 * _CLOSE_SECONDS).mean())
    loud = {name: stem.played_lufs + stem.level_db for name, stem in mix.stems.items()}
    row["levels_lu"] = {name: lufs - loud["solo"] for name, lufs in loud.items()}
    last_bar = piece.bar_starts_ticks()[-1]
    playing = [track for track in band.tracks if len(track)]
    row["parts"] = len(playing)
    row["parts_that_end"] = sum(bool(t.notes["onset"].max() >= last_bar) for t in playing)
    sound = read_audio(folder / "mix.wav")
    tail = sound.samples[-round(0.05 * sound.rate_hz) :]
    row["tail_db"] = float(20 * np.log10(np.sqrt(np.square(tail).mean()) + 1e-9))
    seconds = made.form.duration_seconds
    row["notes_a_second"] = {name: n / seconds for name, n in made.note_counts.items()}
    return row


def measure(options: argparse.Namespace) -> dict[str, Any]:
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        sounds, out = Path(scratch) / "takes", Path(scratch)
        sounds.mkdir()
        songs = [t for t in song_takes(options.data, sounds) if t.name.startswith("test/")]
        for take in [*field_takes(options.field), *excerpt_takes(options.data), *songs]:
            if options.only and not any(part in take.name for part in options.only):
                continue
            folder = out / take.name.replace("/", "-")
            made = remix(take.path, folder, duration_seconds=_SECONDS, seed=1)
            rows[take.name] = plain(figures_of(take, made, folder))
            say(f"{take.name:20} {rows[take.name]}")
    return {"protocol": PROTOCOL, "seeds": [1], "figures": {"takes": rows, "all": _all(rows)}}


def _all(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    found = {
        name: float(np.mean([row[name] for row in rows.values() if name in row]))
        for name in ("in_chord", "in_chord_by_chance", "beat_ms", "beat_ms_95", "beats_within_70")
        if any(name in row for row in rows.values())
    }
    notes = sum(row["bass_notes"] for row in rows.values())
    found["bass_on_root"] = sum(row["bass_right"] for row in rows.values()) / max(1, notes)
    found["bass_notes"] = notes
    parts = sum(row["parts"] for row in rows.values())
    found["parts_that_end"] = sum(row["parts_that_end"] for row in rows.values()) / max(1, parts)
    say(f"{'all':20} {found}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--field", type=Path, required=True, help="folder with truth.json")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--results", type=Path, default=ROOT / "experiments" / "results")
    options = parser.parse_args()
    start = time.process_time()
    result = measure(options)
    if options.save:
        used = {"cpu_seconds": time.process_time() - start}
        program = "experiments.listening.real_remixes"
        say(f"{write('real_remixes', result, used, options.results, program)}")


if __name__ == "__main__":
    main()
