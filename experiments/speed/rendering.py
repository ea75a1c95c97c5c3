"""How fast a piece becomes sound: a 3-minute song of five parts, stage by stage, on one core.

Run: OMP_NUM_THREADS=1 python -m experiments.speed.rendering [PIECE.mid ...]
Without files it plays a song made here, which is the same on every run.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from ritornello.dsp.mastering import apply_gain, limiter_curve, mastering_gain, measure
from ritornello.dsp.reverb import add_room
from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.sound_formats import AUDIO_SUFFIXES
from ritornello.music.io.midi_read import read_bytes
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.pages.pianoroll import pianoroll_png, pianoroll_svg
from ritornello.synth.render import render, render_stems
from ritornello.synth.soundfont import SoundFont

RATE = 44_100


def five_part_song(minutes: float = 3.0) -> Piece:
    """Lead, piano, bass, strings and drums at 100 bpm, with human timing and dynamics."""
    rng = np.random.default_rng(7)
    bars = round(minutes * 25)
    roots = (0, 5, 9, 7)
    lead, piano, bass, strings, drums = [], [], [], [], []
    for bar in range(bars):
        root, start = roots[bar % 4], bar * 1920
        chord = [48 + (root + step) % 12 for step in (0, 4, 7, 11)]
        strings += [(start, 1900, pitch + 12, 60) for pitch in chord[:3]]
        for eighth in range(8):
            at = start + eighth * 240 + int(rng.integers(0, 12))
            loudness = int(rng.integers(60, 110))
            drums.append((at, 60, 42, loudness))
            piano += [(at, int(rng.integers(150, 230)), pitch, loudness) for pitch in chord]
            if eighth % 2 == 0:
                drums.append((at, 60, 36 if eighth % 4 == 0 else 38, 100))
                bass.append((at, 400, 36 + root % 12, 90))
                lead.append((at, int(rng.integers(200, 460)), 72 + int(rng.choice(roots)), 90))
    tracks = (
        Track(drums, is_drum=True),
        *(Track(notes, program) for notes, program in ((bass, 33), (piano, 0), (strings, 48))),
        Track(lead, 73),
    )
    return Piece(tracks, tempos=(Tempo(0, 100.0),))


Result = TypeVar("Result")


def timed(name: str, music_seconds: float, work: Callable[[], Result]) -> Result:
    start = time.process_time()
    result = work()
    seconds = time.process_time() - start
    print(f"  {name:<28}{seconds:8.2f} s {music_seconds / max(seconds, 1e-9):10.0f} x real time")
    return result


def report(piece: Piece, name: str) -> None:
    music = piece.duration_seconds
    print(f"{name}: {music:.0f} s, {len(piece.tracks)} parts, {piece.note_count} notes")
    font = SoundFont.load()
    timed("render, nothing decoded yet", music, lambda: render(piece, soundfont=font))
    mix = timed("render, samples decoded", music, lambda: render(piece, soundfont=font))
    timed("render_stems", music, lambda: render_stems(piece, soundfont=font))
    samples = np.ascontiguousarray(mix.samples.T)
    timed("  of it: room", music, lambda: add_room(samples.copy(), RATE))
    levels = timed("  of it: loudness and peaks", music, lambda: measure(samples, RATE))
    gain = timed("  of it: finding the gain", music, lambda: mastering_gain(levels))
    curve = limiter_curve(levels.peaks * gain)
    hop = levels.hop
    timed("  of it: applying it", music, lambda: apply_gain(samples, gain, curve, hop))
    with tempfile.TemporaryDirectory() as folder:
        for suffix in sorted(AUDIO_SUFFIXES):
            path = Path(folder) / f"mix{suffix}"
            timed(f"write {suffix}", music, partial(write_audio, mix, path))
    timed("piano-roll PNG", music, lambda: pianoroll_png(piece))
    timed("piano-roll SVG", music, lambda: pianoroll_svg(piece))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  most memory so far: {peak_mb:.0f} MB")


def main() -> None:
    for path in map(Path, sys.argv[1:]):
        report(read_bytes(path.read_bytes(), path.name)[0], path.name)
    if len(sys.argv) == 1:
        report(five_part_song(), "made here")


if __name__ == "__main__":
    main()
