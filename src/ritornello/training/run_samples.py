"""The pieces composed on the way, for the page of the training run to play."""

from __future__ import annotations

from pathlib import Path

from ritornello.corpus.listing import RUN_SAMPLES
from ritornello.pages.training_page import RunSample

_SOUNDS = (".mp3", ".ogg")
_MOST_SAMPLE_BYTES = 11_000_000  # four thirds of it as text, which is about 15 MB


def run_samples(folder: Path) -> tuple[list[RunSample], int]:
    """The pieces that a run left in its folder of samples, newest first.

    Returns:
        As many as a page may hold, and how many more there are.
    """
    folder /= RUN_SAMPLES
    sounds: dict[str, Path] = {}
    for ending in _SOUNDS:
        for path in folder.glob(f"[!.]*{ending}"):
            sounds.setdefault(path.stem, path)
    # "step-000400" precedes "step-000800" in time, and names of other kinds come last.
    order = sorted(sounds, key=lambda stem: (not stem.startswith("step-"), stem))
    chosen = list(reversed(order))
    sizes = {stem: path.stat().st_size for stem, path in sounds.items()}
    while sum(sizes[stem] for stem in chosen) > _MOST_SAMPLE_BYTES:
        chosen = chosen[::2] if len(chosen) > 1 else []  # every other, never losing the newest
    return [_sample(sounds[stem]) for stem in chosen], len(order) - len(chosen)


def _sample(sound: Path) -> RunSample:
    kind, _, step = sound.stem.partition("-")
    title = f"Step {int(step):,}" if kind == "step" and step.isdigit() else sound.stem
    return RunSample(title, sound, sound.with_suffix(".mid"))
