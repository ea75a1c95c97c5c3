"""What is heard in real recordings, beside what is heard in rendered ones.

    python -m experiments.listening.real_takes --field FOLDER [--only NAME] [--save]

The takes, all with known values: solos (violin, guitar, voice, saxophone: CC BY, credits in the
folder's `truth.json`), CC0 loops whose length tells their beats, CC0 songs mixed from their stems,
and excerpts of stated key; the rendered row is the mixes of `stem_loops15`. Constants of
`ritornello.transcribe` were chosen on the five solos and on rendered parts, the priors of 4/4 and
12/8 on the rendered row itself, and the key profiles on all takes of known key; for beats and notes
loops, songs and excerpts only tell what came of it.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np

from experiments.music_sets import ROOT, data_folder
from experiments.scorecard import plain, say, write
from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.music import io
from ritornello.music.keys import KeyName, parse_key
from ritornello.transcribe.transcription import Transcription, listen
from ritornello.transcribe.values import Hints

PROTOCOL = (
    "no hints; beats within 70 ms, and at half or twice or three times the tempo or on the offbeat "
    "too (any level); tempo within 4%; metre by what a listener counts (2/2 of four beats is 4/4); "
    "notes with onsets within 50 and 100 ms and pitches within 50 cents of what was sung or "
    "played, ends ignored; key as it sounds, and as it is stated; "
    "loops are played over and over for 24 s, their beats lie evenly from "
    "their start, at the tempi that make them 4, 8, 16 or 32 beats long; songs: the mix of stems, "
    "45 s from 60 s on of the long ones; means over the takes that have the value"
)
_LOOPED_SECONDS = 24.0
_SONG_SECONDS = (60.0, 105.0)
_STATED_KEYS = {"Hungarian_Dance": "F# minor", "solo-trumpet": "F major"}
# What sounds where the stated key does not: a scale of E flat, F, G, A flat, B flat, C, D whose
# fourth note has 235.5 Hz, called E major; and a dance that orchestras play in G minor.
_SOUNDING_KEYS = {"sax_scale": "Eb major", "Hungarian_Dance": "G minor"}


@dataclass
class Take:
    """A recording and what is known of it; empty where nothing is."""

    name: str
    group: str
    path: Path
    beats: np.ndarray = field(default_factory=lambda: np.zeros(0))
    any_level_only: bool = False
    downbeats: np.ndarray = field(default_factory=lambda: np.zeros(0))
    tempo_bpm: float | None = None
    metre: str | None = None
    key: str | None = None
    notes: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))


def field_takes(folder: Path) -> Iterator[Take]:
    """Solos with the values of `truth.json`."""
    for name, truth in json.loads((folder / "truth.json").read_text()).items():
        yield Take(
            name,
            "real solos",
            folder / f"{name}.ogg",
            np.array(truth["beats_seconds"] or []),
            False,
            np.array(truth["downbeats_seconds"] or []),
            truth["tempo_bpm"],
            truth["metre"],
            truth["key"],
            np.array(truth["notes"] or []).reshape(-1, 3),
        )


def loop_takes(data: Path, scratch: Path) -> Iterator[Take]:
    """CC0 loops, each played over and over."""
    for path in sorted((data / "audio_clips" / "cc0_loops").glob("*.flac")):
        sound = read_audio(path)
        times = int(np.ceil(_LOOPED_SECONDS / sound.duration_seconds))
        looped = Waveform(np.tile(sound.samples, (times, 1)), sound.rate_hz)
        target = write_audio(looped, scratch / f"{path.stem}.wav", overwrite=True)
        lengths = [sound.duration_seconds / beats for beats in (4, 8, 16, 32)]
        usual = min(lengths, key=lambda length: abs(np.log2(length / 0.5)))
        beats = np.arange(0, looped.duration_seconds, usual)
        yield Take(path.stem, "real loops", target, beats, True)


def song_takes(data: Path, scratch: Path) -> Iterator[Take]:
    """Mixes of the stems of CC0 songs."""
    folder = data / "real_stems"
    for name, truth in json.loads((folder / "truth.json").read_text()).items():
        sounds = [read_audio(path) for path in sorted((folder / name).glob("*.ogg"))]
        length = min(len(sound.samples) for sound in sounds)
        mix = np.sum([sound.samples[:length].mean(axis=1) for sound in sounds], axis=0)
        rate_hz, start = sounds[0].rate_hz, 0.0
        if length / rate_hz > _SONG_SECONDS[1]:
            start, end = _SONG_SECONDS
            mix = mix[round(start * rate_hz) : round(end * rate_hz)]
        mix *= 0.9 / max(0.9, float(np.abs(mix).max()))
        target = scratch / f"{name.replace('/', '-')}.wav"
        write_audio(Waveform(mix[:, None].astype(np.float32), rate_hz), target, overwrite=True)
        period = 60 / truth["bpm"]
        number = np.arange(2000)
        grid = truth["first_beat_s"] + period * number - start
        inside = (grid >= 0) & (grid < len(mix) / rate_hz)
        # The stems begin at bar 1, and the songs are in 4/4.
        bars = grid[inside & (number % 4 == 0)]
        known = truth["bpm"], "4/4", truth["key"]
        taught = "songs heard in training" if name.startswith("train/") else "real songs"
        yield Take(name, taught, target, grid[inside], False, bars, *known)


def excerpt_takes(data: Path) -> Iterator[Take]:
    """Excerpts whose key their titles state."""
    for path in sorted((data / "audio_clips" / "music_excerpts").glob("*.ogg")):
        for part, key in _STATED_KEYS.items():
            if part in path.name:
                yield Take(part, "real excerpts", path, key=key)


def rendered_takes(data: Path, scratch: Path) -> Iterator[Take]:
    """Mixes and piano or lead stems of rendered loops, with their MIDI."""
    folder = data / "stem_loops15"
    for song in sorted(folder.glob("loop*")):
        piece = io.read(song / "loop.mid")
        sounds = [read_audio(path) for path in sorted(song.glob("*.flac"))]
        length = min(len(sound.samples) for sound in sounds)
        mix = np.sum([sound.samples[:length] for sound in sounds], axis=0)
        target = scratch / f"{song.name}.wav"
        write_audio(Waveform(mix.astype(np.float32), sounds[0].rate_hz), target, overwrite=True)
        quarter = piece.resolution
        beats = piece.ticks_to_seconds(np.arange(0, piece.length_ticks, quarter))
        bars = piece.ticks_to_seconds(piece.bar_starts_ticks())
        metre = piece.metres[0]
        key = str(piece.keys[0].key) if piece.keys else None
        yield Take(
            song.name,
            "rendered mixes",
            target,
            beats,
            False,
            bars,
            60 / float(np.median(np.diff(beats))),
            f"{metre.numerator}/{metre.denominator}",
            key,
        )


# --- scores ---------------------------------------------------------------------------------------


def scores(take: Take, heard: Transcription) -> dict[str, Any]:
    """What was right of one take."""
    row: dict[str, Any] = {"tempo_bpm": heard.beats.tempo_bpm, "metre": heard.beats.metre}
    row |= {"key": str(heard.key), "confidence": heard.beats.confidence}
    row["downbeat_confidence"] = heard.beats.downbeat_confidence
    if len(take.beats):
        row |= beat_scores(take, heard)
    if len(take.downbeats):
        row["downbeat_f"] = _beat_f(take.downbeats, heard.beats.downbeats_seconds)
    if take.metre:
        row["metre_right"] = float(_counted(take.metre) == _counted_heard(heard))
    if take.key:
        sounding = _SOUNDING_KEYS.get(take.name, take.key)
        row["key_right"] = float(_is_same(heard.key, parse_key(sounding)))
        row["key_as_stated"] = float(_is_same(heard.key, parse_key(take.key)))
    if len(take.notes):
        for name, within in (("note_f_50", 0.05), ("note_f_100", 0.1)):
            row[name] = _note_f(take.notes, heard.notes, within)
    return row


def _is_same(heard: KeyName | None, key: KeyName) -> bool:
    """Whether a key was heard as it is, major or minor."""
    return heard is not None and (heard.tonic, heard.is_minor) == (key.tonic, key.is_minor)


def beat_scores(take: Take, heard: Transcription) -> dict[str, float]:
    times = heard.beats.times_seconds
    any_level = max(_beat_f(level, times) for level in levels(take.beats))
    row = {"beat_f_any_level": any_level}
    if take.any_level_only:
        return row
    row["beat_f"] = _beat_f(take.beats, times)
    if take.tempo_bpm:
        row["tempo_right"] = float(abs(heard.beats.tempo_bpm / take.tempo_bpm - 1) < 0.04)
    return row


def levels(beats: np.ndarray) -> Iterator[np.ndarray]:
    """The beats as they may be counted otherwise."""
    yield beats
    places = np.arange(len(beats))
    for many in (2, 3):
        yield np.interp(np.arange(0, len(beats) - 1, 1 / many), places, beats)
        for first in range(many):
            yield beats[first::many]
    yield np.interp(places[:-1] + 0.5, places, beats)


def _beat_f(true: np.ndarray, found: np.ndarray) -> float:
    # mir_eval leaves out the first five seconds, where trackers settle; here they count.
    return float(mir_eval.beat.f_measure(np.asarray(true), np.asarray(found)))


def _counted(metre: str) -> str:
    return {"2/2": "4/4", "4/2": "4/4"}.get(metre, metre)


def _counted_heard(heard: Transcription) -> str:
    numerator, denominator = heard.beats.metre
    return _counted(f"{numerator}/{denominator}")


def _note_f(true: np.ndarray, notes: np.ndarray, within: float) -> float:
    found = np.stack([notes["onset_seconds"], notes["end_seconds"]], axis=1)
    if not len(found):
        return 0.0
    sides = true[:, :2], _hz(true[:, 2]), found, _hz(notes["pitch"])
    score = mir_eval.transcription.precision_recall_f1_overlap(
        *sides, onset_tolerance=within, offset_ratio=None
    )
    return float(score[2])


def _hz(pitches: np.ndarray) -> np.ndarray:
    result: np.ndarray = 440 * 2 ** ((np.asarray(pitches, float) - 69) / 12)
    return result


_FIGURES = (
    "beat_f", "beat_f_any_level", "tempo_right", "downbeat_f", "metre_right", "key_right",
    "key_as_stated",
    "note_f_50", "note_f_100",
)  # fmt: skip


def means(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean of each figure over the takes that have it, and how many do."""
    found: dict[str, Any] = {"takes": len(rows)}
    for name in _FIGURES:
        values = [row[name] for row in rows if name in row]
        if values:
            found[name] = float(np.mean(values))
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    data = options.data
    rows: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        takes = [*field_takes(options.field), *excerpt_takes(data)]
        takes += [*loop_takes(data, folder), *song_takes(data, folder)]
        takes += rendered_takes(data, folder)
        for take in takes:
            if options.only and not any(part in take.name + take.group for part in options.only):
                continue
            start = time.process_time()
            row = scores(take, listen(take.path, Hints()))
            row["cpu_seconds"] = time.process_time() - start
            say(f"{take.name:22} {_line(row)}")
            rows[take.name] = row
            groups.setdefault(take.group, []).append(row)
    figures = {group: means(found) for group, found in groups.items()}
    real = [row for group, found in groups.items() if group.startswith("real") for row in found]
    figures["all real"] = means(real)
    for group, row in figures.items():
        say(f"{group:22} {_line(row)}")
    return {"protocol": PROTOCOL, "seeds": [], "figures": {**figures, "takes": rows}}


def _line(row: dict[str, Any]) -> str:
    said = [f"{name} {row[name]:.2f}" for name in _FIGURES if name in row]
    if "key" in row:
        said.append(f"[{row['tempo_bpm']:.0f} {row['metre'][0]}/{row['metre'][1]} {row['key']}]")
    return "  ".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--field", type=Path, required=True, help="folder with truth.json")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--results", type=Path, default=ROOT / "experiments" / "results")
    options = parser.parse_args()
    start = time.process_time()
    result = plain(measure(options))
    if options.save:
        used = {"cpu_seconds": time.process_time() - start}
        program = "experiments.listening.real_takes"
        say(f"{write('real_takes', result, used, options.results, program)}")


if __name__ == "__main__":
    main()
