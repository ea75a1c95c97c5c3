"""What is found in real recordings: CC0 loops, and excerpts in the public domain or CC BY."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments.partner.units import Units
from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.dsp.waveform import Waveform

PROTOCOL = (
    "nobody wrote down what these recordings hold, so there is no score: what is found, beside the "
    "tempi at which a loop is 4, 8, 16 or 32 beats long (60 to 180 bpm), and what file names and "
    "notes state; loops are played over and over for 24 s or more"
)
_LOOPED_SECONDS = 24.0
# By a part of the file name: the title, the pack's own notes, or the name itself.
STATED = {
    "Hungarian_Dance": "F# minor",
    "solo-trumpet": "F, 90 bpm",
    "loop_drone_g_97": "G, 97 bpm",
}


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """A row for each recording."""
    folder = options.data / "audio_clips"
    paths = sorted((folder / "cc0_loops").glob("*.flac"))
    paths += sorted((folder / "music_excerpts").glob("*.ogg"))
    return {path.stem: units.take(path.stem, partial(_heard, path, units)) for path in paths}


def _heard(path: Path, units: Units) -> dict[str, Any]:
    from ritornello.transcribe.transcription import listen

    sound = read_audio(path)
    is_loop = path.parent.name == "cc0_loops"
    if is_loop:
        path = units.folder / f"{path.stem}.wav"
        times = int(np.ceil(_LOOPED_SECONDS / sound.duration_seconds))
        looped = Waveform(np.tile(sound.samples, (times, 1)), sound.rate_hz)
        write_audio(looped, path, overwrite=True)
    take = listen(path)
    stated = [text for part, text in STATED.items() if part in path.name]
    return {
        "seconds": sound.duration_seconds,
        "tempi_of_a_loop": loop_tempi(sound.duration_seconds) if is_loop else [],
        "stated": stated[0] if stated else "",
        "tempo_bpm": take.beats.tempo_bpm,
        "confidence": take.beats.confidence,
        "metre": list(take.beats.metre),
        "downbeat_confidence": take.beats.downbeat_confidence,
        "key": None if take.key is None else str(take.key),
        "notes": len(take.notes),
        "findings": {finding.name: finding.sentence for finding in take.findings},
    }


def loop_tempi(seconds: float) -> list[float]:
    """At which a sound so long is 4, 8, 16 or 32 beats, from 60 to 180 bpm."""
    tempi = [60 * beats / seconds for beats in (4, 8, 16, 32)]
    return [round(bpm, 1) for bpm in tempi if 60 <= round(bpm) <= 180]


def markdown(figures: dict[str, Any]) -> str:
    head = ["recording", "s", "expected", "bpm", "sure", "metre", "key", "notes", "said"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in figures.items():
        loop = " or ".join(f"{bpm:g}" for bpm in row["tempi_of_a_loop"])
        lines.append(
            f"| {name[:40]} | {row['seconds']:.1f} | {row['stated'] or loop} "
            f"| {row['tempo_bpm']:.1f} | {row['confidence']:.2f} "
            f"| {'/'.join(map(str, row['metre']))} | {row['key'] or ''} | {row['notes']} "
            f"| {'; '.join(row['findings'])} |"
        )
    return "\n".join(lines)
