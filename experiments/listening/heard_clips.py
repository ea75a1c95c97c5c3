"""Clips as they are heard: the bands and the notes of rendered recordings, kept in a file.

    python -m experiments.listening.heard_clips STORE DATA FILE --clips 500 [--side valid] [--alone]
    python -m experiments.listening.heard_clips STORE DATA FILE --clips 300 --strummed

Rendering and transcribing takes longer than all that is learned from it, so it is done once.
`note_beat_model` learns from the notes, with the mistakes that a transcriber makes, `beat_choice`
from both. A second for a clip of twenty; no torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.listening.beat_clips import (
    ANY_PART,
    BEATLESS,
    COMPOUND_METRES,
    KINDS,
    Clip,
    Renderer,
)
from experiments.listening.kept_arrays import save_arrays
from experiments.listening.real_songs import RealSongs
from ritornello.corpus.store import Corpus
from ritornello.rng import Rng
from ritornello.transcribe.note_detection import find_notes
from ritornello.transcribe.spectra import log_bands

_BEATLESS_SHARE, _REAL_SHARE, _STEADY_SHARE = 0.08, 0.04, 0.4
_COMPOUND_SHARE, _TRIPLE_SHARE = 0.14, 0.06
_TRIPLE_METRES = frozenset({(3, 4)})
_STRUMMED = frozenset({(4, 4)}), _TRIPLE_METRES  # half of what is strummed is in each of them
_FAST_BPM, _STRUMMED_STEADY_SHARE = 120, 0.7
_ALONE = ANY_PART, "mix", "mix", "piano", "guitar", "strings", "lead"  # what has notes


@dataclass(frozen=True, eq=False)
class HeardClip:
    """What is heard in a recording, and what is true of it.

    Attributes:
        spectra: log bands, float16 [frames, bands]. notes: `HEARD_NOTE_DTYPE` by onset.
        beats_seconds: empty without beat.
        is_downbeat: bool for each beat, or None where the piece does not tell.
        beats_per_bar: 0 without beat. is_compound: whether beats fall into three.
        kind: see `beat_clips.Clip`.
    """

    spectra: np.ndarray
    notes: np.ndarray
    beats_seconds: np.ndarray
    is_downbeat: np.ndarray | None
    beats_per_bar: int
    is_compound: bool
    kind: str

    @classmethod
    def of(cls, clip: Clip, *, is_compound: bool) -> HeardClip:
        """A clip, which is heard as a user's recording is."""
        return cls(
            np.concatenate([*log_bands([clip.samples])]).astype(np.float16),
            find_notes([clip.samples]),
            clip.beats_seconds,
            clip.is_downbeat,
            clip.beats_per_bar,
            is_compound,
            clip.kind,
        )


def draw(renderer: Renderer, songs: RealSongs | None, rng: Rng, *, alone: bool) -> HeardClip:
    """A clip of any kind, also of real songs if there are some; or of what has notes alone."""
    drawn = 1.0 if alone else rng.random()
    if drawn < _BEATLESS_SHARE:
        return HeardClip.of(renderer.beatless(str(rng.choice(BEATLESS)), rng), is_compound=False)
    if songs is not None and drawn < _BEATLESS_SHARE + _REAL_SHARE:
        return HeardClip.of(songs.clip(rng), is_compound=False)
    steady, metre = bool(rng.random() < _STEADY_SHARE), rng.random()
    kind = str(rng.choice(_ALONE if alone else KINDS))
    if metre < _COMPOUND_SHARE:
        kind = ANY_PART if kind == "drums" else kind
        return HeardClip.of(
            renderer.clip(kind, rng, steady=steady, metres=COMPOUND_METRES), is_compound=True
        )
    if metre < _COMPOUND_SHARE + _TRIPLE_SHARE:
        kind = ANY_PART if kind == "drums" else kind
        return HeardClip.of(
            renderer.clip(kind, rng, steady=steady, metres=_TRIPLE_METRES), is_compound=False
        )
    return HeardClip.of(renderer.clip(kind, rng, steady=steady), is_compound=False)


def strummed(renderer: Renderer, rng: Rng) -> HeardClip:
    """A clip of a guitar that accompanies, often off the beat, or of a fast waltz; see
    `rule_accompaniments`, of which the renderer draws alone."""
    metres = _STRUMMED[int(rng.integers(2))]
    while True:
        steady = bool(rng.random() < _STRUMMED_STEADY_SHARE)
        clip = renderer.clip("guitar", rng, steady=steady, metres=metres)
        is_fast = 60 / np.median(np.diff(clip.beats_seconds)) > _FAST_BPM
        if is_fast or metres != _TRIPLE_METRES:
            return HeardClip.of(clip, is_compound=False)


def save(clips: Sequence[HeardClip], path: Path) -> None:
    """Write clips to a file."""
    kept: dict[str, np.ndarray] = {}
    for number, clip in enumerate(clips):
        kept[f"spectra{number}"], kept[f"notes{number}"] = clip.spectra, clip.notes
        down = np.zeros(0, bool) if clip.is_downbeat is None else clip.is_downbeat
        kept[f"beats{number}"], kept[f"down{number}"] = clip.beats_seconds, down
    kept["beats_per_bar"] = np.array([clip.beats_per_bar for clip in clips])
    kept["is_compound"] = np.array([clip.is_compound for clip in clips])
    kept["kinds"] = np.array([clip.kind for clip in clips])
    save_arrays(kept, path)


def load(path: Path) -> Iterator[HeardClip]:
    """The clips of a file that `save` wrote."""
    with np.load(path) as kept:
        rows = zip(kept["beats_per_bar"], kept["is_compound"], kept["kinds"], strict=True)
        for number, (beats_per_bar, is_compound, kind) in enumerate(rows):
            down = kept[f"down{number}"]
            yield HeardClip(
                kept[f"spectra{number}"],
                kept[f"notes{number}"],
                kept[f"beats{number}"],
                down if len(down) else None,
                int(beats_per_bar),
                bool(is_compound),
                str(kind),
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("data", type=Path, help="music sets, for one-shots and real songs")
    parser.add_argument("file", type=Path)
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--side", choices=("train", "valid"), default="train")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alone", action="store_true", help="nothing without notes")
    parser.add_argument(
        "--strummed", action="store_true", help="guitars off the beat, fast waltzes"
    )
    options = parser.parse_args()
    corpus, rng = Corpus.open(options.store), np.random.default_rng(options.seed)
    styled = {"styled": 1.0} if options.strummed else {}
    renderer = Renderer(corpus, options.side, [None], options.seconds, options.data, **styled)
    songs = RealSongs(options.data) if options.side == "train" else None
    found = []
    for number in range(options.clips):
        if options.strummed:
            found.append(strummed(renderer, rng))
        else:
            found.append(draw(renderer, songs, rng, alone=options.alone))
        if number % 50 == 49:
            print(number + 1, flush=True)
    save(found, options.file)


if __name__ == "__main__":
    main()
