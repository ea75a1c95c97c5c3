"""How well notes are heard in rendered solos whose notes are known, and what is heard in others.

    python -m experiments.listening.transcription [--unseen FONT.sf3]

The solos are made of validation pieces by `note_clips`. Beside them stands the same network
read with its published thresholds alone. A font that took no part in training may be given.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np

from experiments.listening.note_clips import KINDS, Clip, clips
from experiments.music_sets import ROOT, data_folder, open_music_sets
from experiments.scorecard import RESULTS, plain, say, write
from ritornello.dsp.effects import add_noise, through_mp3
from ritornello.dsp.sound_files import read_audio
from ritornello.synth.soundfont import SoundFont
from ritornello.transcribe.note_activity import FRAME_SAMPLES, LOWEST_KEY, RATE_HZ, activities
from ritornello.transcribe.note_detection import estimated_voices, find_notes
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

PROTOCOL = (
    "20 s of one part (piano and string chords: all such parts) of validation pieces, rendered "
    "dry, flat dynamics drawn anew; mir_eval.transcription: onsets within 50 ms, pitches within 50 "
    "cents, ends ignored or within 20% (at least 50 ms); means over clips; no hint is given; "
    "noise: white, 20 dB below; mp3: about 64 kbit a second at 22,050 Hz; late_ms: median of found "
    "onsets that match; velocity_r: correlation of heard with played velocities; one_voice: share "
    "of clips heard as one voice; right_by_confidence: share of found notes that match, by what "
    "was said; thresholds: peaks of onset activity of 0.5 on, until activity stays below 0.3 for "
    "11 frames, at least 11 frames long, as published, without the pass for what is left over"
)
_CONFIDENCES = (0.4, 0.6, 0.8, 0.95, 1.0)
_SECONDS_OF_NOISE = 30


# --- rendered solos -------------------------------------------------------------------------------


def heard_solos(
    solos: Iterable[Clip], listen: Callable[[np.ndarray], np.ndarray]
) -> dict[str, Any]:
    """Scores by instrument, and of all."""
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for clip in solos:
        by_kind.setdefault(clip.kind, []).append(scores(clip.notes, listen(clip.samples)))
    rows = {kind: _means(of_kind) for kind, of_kind in by_kind.items()}
    everything = [row for of_kind in by_kind.values() for row in of_kind]
    return {**rows, "all": _means(everything) | {"right_by_confidence": _calibration(everything)}}


def scores(truth: np.ndarray, found: np.ndarray) -> dict[str, Any]:
    """One solo, `HEARD_NOTE_DTYPE` both."""
    sides = [*_intervals(truth), *_intervals(found)]
    score = mir_eval.transcription.precision_recall_f1_overlap
    row: dict[str, Any] = {"one_voice": float(estimated_voices(found) == 1)}
    if not len(found):
        return row | dict.fromkeys(("precision", "recall", "f1", "f1_with_ends"), 0.0)
    row["precision"], row["recall"], row["f1"], _ = score(*sides, offset_ratio=None)
    row["f1_with_ends"] = score(*sides)[2]
    pairs = mir_eval.transcription.match_notes(*sides, offset_ratio=None)
    if len(pairs) > 2:
        true, heard = truth[[n for n, _ in pairs]], found[[n for _, n in pairs]]
        late = heard["onset_seconds"] - true["onset_seconds"]
        row["late_ms"] = 1000 * float(np.median(late))
        if min(np.ptp(true["velocity"]), np.ptp(heard["velocity"])) > 0:
            row["velocity_r"] = float(np.corrcoef(true["velocity"], heard["velocity"])[0, 1])
    matched = np.zeros(len(found), bool)
    matched[[n for _, n in pairs]] = True
    return row | {"confidence": found["confidence"], "matched": matched}


def by_thresholds(samples: np.ndarray) -> np.ndarray:
    """The baseline of `PROTOCOL`."""
    onset, sounding, *_ = map(np.concatenate, zip(*activities([samples]), strict=True))
    padded = np.pad(sounding, ((0, 10), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded < 0.3, 11, axis=0)
    quiet_after = np.all(windows, axis=-1)
    above = np.pad(onset, ((1, 1), (0, 0)))
    peaks = (onset >= 0.5) & (onset > above[:-2]) & (onset >= above[2:])
    notes = []
    for frame, key in np.argwhere(peaks):
        ends = np.flatnonzero(quiet_after[frame + 1 :, key])
        end = frame + 1 + (ends[0] if len(ends) else len(onset) - frame - 1)
        if end - frame >= 11:
            begins, stops = (at * FRAME_SAMPLES / RATE_HZ for at in (frame, end))
            notes.append((begins, stops, key + LOWEST_KEY, 80, onset[frame, key]))
    return np.array(notes, HEARD_NOTE_DTYPE)


def _intervals(notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hz = 440 * 2 ** ((notes["pitch"].astype(float) - 69) / 12)
    return np.stack([notes["onset_seconds"], notes["end_seconds"]], axis=1), hz


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    names = ("precision", "recall", "f1", "f1_with_ends", "late_ms", "velocity_r", "one_voice")
    columns = {name: [row[name] for row in rows if name in row] for name in names}
    return {name: float(np.mean(column)) for name, column in columns.items() if column}


def _calibration(rows: list[dict[str, Any]]) -> dict[str, float]:
    rows = [row for row in rows if "matched" in row]
    said, right = (
        np.concatenate([row[name] for row in rows]) for name in ("confidence", "matched")
    )
    bins = [*pairwise(_CONFIDENCES)]
    inside = {f"{low:g} to {high:g}": (said >= low) & (said <= high) for low, high in bins}
    return {name: float(right[rows].mean()) for name, rows in inside.items() if rows.any()}


# --- other sounds ---------------------------------------------------------------------------------


def heard_recordings(folder: Path) -> dict[str, Any]:
    """What is found in real recordings, loops of drums and noise; nobody wrote down the truth."""
    import soxr

    found: dict[str, Any] = {}
    for path in sorted([*folder.glob("music_excerpts/*.ogg"), *folder.glob("cc0_loops/*.flac")]):
        sound = read_audio(path)
        mono = sound.samples.mean(axis=1)
        found[f"{path.parent.name}/{path.stem}"] = findings(
            soxr.resample(mono, sound.rate_hz, RATE_HZ).astype(np.float32)
        )
    noise = np.random.default_rng(0).standard_normal(_SECONDS_OF_NOISE * RATE_HZ)
    return found | {"white noise": findings((0.1 * noise).astype(np.float32))}


def findings(samples: np.ndarray) -> dict[str, float]:
    """How many notes, which, and in how much of the time none sounds."""
    notes, seconds = find_notes([samples]), len(samples) / RATE_HZ
    frames = np.zeros(round(seconds * 100) + 1, bool)
    for note in notes:
        frames[round(note["onset_seconds"] * 100) : round(note["end_seconds"] * 100)] = True
    row = {"seconds": seconds, "notes_a_second": len(notes) / seconds, "silent": 1 - frames.mean()}
    if len(notes):
        row |= {
            "lowest_pitch": int(notes["pitch"].min()),
            "highest_pitch": int(notes["pitch"].max()),
            "confidence": float(notes["confidence"].mean()),
            "voices": estimated_voices(notes),
        }
    return row


# --- all of it ------------------------------------------------------------------------------------


class Timed:
    """Counts the processor time of `find_notes`."""

    def __init__(self) -> None:
        self.cpu_seconds = self.music_seconds = 0.0

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        start = time.process_time()
        notes = find_notes([samples])
        self.cpu_seconds += time.process_time() - start
        self.music_seconds += len(samples) / RATE_HZ
        return notes


def measure(options: argparse.Namespace) -> dict[str, Any]:
    corpus = open_music_sets(options.store, options.data).corpus
    fonts = {"bundled font": None} | ({"unseen font": options.unseen} if options.unseen else {})
    figures: dict[str, Any] = {}
    ours = Timed()
    for name, path in fonts.items():
        font = SoundFont.load(path)
        solos = [
            clip
            for kind in KINDS
            for clip in clips(corpus, "valid", kind, options.clips, font, options.seed)
        ]
        ways = {"clean": heard_solos(solos, ours), "thresholds": heard_solos(solos, by_thresholds)}
        if path is None:
            ways |= {
                "noise": heard_solos(solos, lambda sound: ours(_noisy(sound, options.seed))),
                "mp3": heard_solos(solos, lambda sound: ours(through_mp3(sound, RATE_HZ, 0.6))),
            }
        for way, rows in ways.items():
            figures[f"{name}, {way}"] = rows
            say(f"{name}, {way}: " + ", ".join(f"{k} {v['f1']:.3f}" for k, v in rows.items()))
    figures["recordings"] = heard_recordings(options.data / "audio_clips")
    figures["times_real_time"] = ours.music_seconds / ours.cpu_seconds
    say(str(plain(figures["recordings"])))
    fonts_said = f"; unseen font: {Path(options.unseen).name}" if options.unseen else ""
    protocol = f"{PROTOCOL}; {options.clips} clips of each kind{fonts_said}"
    return {"protocol": protocol, "seeds": [options.seed], "figures": figures}


def _noisy(sound: np.ndarray, seed: int) -> np.ndarray:
    return add_noise(sound, RATE_HZ, "white", 20, np.random.default_rng(seed))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of the music sets")
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "music_sets")
    parser.add_argument("--unseen", help="a SoundFont that took no part in training")
    parser.add_argument("--clips", type=int, default=3, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    start = time.process_time()
    found = measure(options)
    used = {"cpu_seconds": time.process_time() - start}
    program = "experiments.listening.transcription"
    say(f"{write('transcription', found, used, options.results, program)}")


if __name__ == "__main__":
    main()
