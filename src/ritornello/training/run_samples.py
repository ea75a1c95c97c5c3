"""The pieces composed on the way, inside the page of the training report, to be heard there."""

from __future__ import annotations

from pathlib import Path

from ritornello.pages.page import download, grid, player, text

SAMPLES_FOLDER = "samples"
_SOUNDS = (".mp3", ".ogg")
_MOST_SAMPLE_BYTES = 11_000_000  # four thirds of it as text, which is about 15 MB


def players(folder: Path) -> str:
    """Players of the pieces that a run left in its folder of samples, newest first."""
    folder /= SAMPLES_FOLDER
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
    if not order:
        return ""
    left = len(order) - len(chosen)
    others = f" {left} more are in the folder {text(folder.name)}." if left else ""
    found = grid(_player(sounds[stem]) for stem in chosen)
    return (
        '<section class="players"><h2>What it composed on the way</h2><p>Short pieces by the model '
        f"as it was after that many steps, newest first.{others}</p>{found}</section>"
    )


def _player(sound: Path) -> str:
    kind, _, step = sound.stem.partition("-")
    title = f"Step {int(step):,}" if kind == "step" and step.isdigit() else text(sound.stem)
    midi = sound.with_suffix(".mid")
    return f"<figure><h3>{title}</h3>{player(sound)}{download(midi, 'MIDI file')}</figure>"
