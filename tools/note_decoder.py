"""Make the network that tells notes from what merely looks like one: render, train, pack.

python -m tools.note_decoder render STORE WORK [--font FONT.sf2]   # skips kinds that are there
python -m tools.note_decoder train WORK                            # weights into the package

The network that hears (basic-pitch's) stays as it is; ours reads its output around each peak.
Training pieces only, half of the clips as somebody might record them. While it learns, activities
are made weaker at random, as those of instruments that are harder to hear are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tools.note_clips import KINDS, clips

from ritornello import weights_file
from ritornello.audio.listening.note_activity import (
    FRAME_SAMPLES,
    LOWEST_KEY,
    RATE_HZ,
    Activity,
    activities,
)
from ritornello.audio.listening.note_decoding import (
    AHEAD,
    DECODER_FILE,
    DECODER_KIND,
    PAST,
    WEAKENED,
    blank,
    describe,
    find_peaks,
    vertices,
)
from ritornello.audio.soundfont import SoundFont
from ritornello.corpus.store import Corpus
from ritornello.io.atomic import atomic_write

_ASSETS = Path(__file__).parents[1] / "src" / "ritornello" / "assets" / "listening"
_CLIPS = {"piano": 2.0, "string chords": 1.5}  # against other kinds
_SOFT = ("flute", "violin", "string chords", "voice")  # whose attacks are heard late
_HIDDEN, _STEPS, _BATCH, _RATE = 48, 6000, 512, 5e-3
_SEED = 0


def render(store: Path, work: Path, font: str | None, count: int) -> None:
    """Keep what the network would look at in clips, a file for each kind and way of recording."""
    corpus, sounds = Corpus.open(store), SoundFont.load(font)
    for kind in KINDS:
        for effects in (False, True):
            path = work / f"{kind.replace(' ', '-')}-{'effects' if effects else 'clean'}.npz"
            if path.exists():
                continue
            drawn = clips(
                corpus, "train", kind, round(count * _CLIPS.get(kind, 1)), sounds,
                _SEED + effects, effects=effects, transposed=True,
            )  # fmt: skip
            rows = [examples(clip.samples, clip.notes, kind) for clip in drawn]
            with atomic_write(path) as temporary:
                np.savez(temporary, **{
                    name: np.concatenate([row[name] for row in rows]) for name in rows[0]
                })  # fmt: skip
            print(path, flush=True)


def examples(samples: np.ndarray, notes: np.ndarray, kind: str) -> dict[str, np.ndarray]:
    """Each peak of a recording: what the network sees, whether it is a note, how late it is."""
    heard = Activity(*map(np.concatenate, zip(*activities([samples]), strict=True)))
    count = len(heard.onset)
    padded = Activity(*map(np.concatenate, zip(blank(PAST), heard, blank(AHEAD), strict=True)))
    rows, keys = find_peaks(padded.onset, count)
    frames = rows - PAST + vertices(padded.onset, rows, keys)
    late = _lateness(frames, keys, notes, 0.13 if kind in _SOFT else 0.06)
    return {
        "features": describe(padded, rows, keys),
        "late": np.nan_to_num(late).astype(np.float32),
        "is_note": np.isfinite(late),
        "weight": np.full(len(rows), 1 / len(notes), np.float32),
    }


def _lateness(
    frames: np.ndarray, keys: np.ndarray, notes: np.ndarray, latest_seconds: float
) -> np.ndarray:
    """Frames from the note that each peak stands for, the nearest ones first; nan for none."""
    truth = notes["onset_seconds"] * RATE_HZ / FRAME_SAMPLES
    late = frames[:, None] - truth
    seconds = late * FRAME_SAMPLES / RATE_HZ
    fits = (keys[:, None] + LOWEST_KEY == notes["pitch"]) & (seconds > -0.06)
    peaks, which = np.nonzero(fits & (seconds < latest_seconds))
    found = np.full(len(frames), np.nan)
    taken: set[int] = set()
    for n in np.argsort(np.abs(late[peaks, which]), kind="stable"):
        if np.isnan(found[peaks[n]]) and which[n] not in taken:
            taken.add(int(which[n]))
            found[peaks[n]] = late[peaks[n], which[n]]
    return found


def train(work: Path) -> None:
    """Learn from all clips and write the weights."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    torch.manual_seed(_SEED)
    files = sorted(work.glob("*.npz"))
    shards = [dict(np.load(path)) for path in files]
    x, late, is_note, weight = (
        torch.from_numpy(np.concatenate([shard[name] for shard in shards])).float()
        for name in ("features", "late", "is_note", "weight")
    )
    weight /= weight.mean()
    network = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], _HIDDEN), torch.nn.Tanh(), torch.nn.Linear(_HIDDEN, 2)
    )
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, _STEPS)
    weakened = [torch.from_numpy(which) for which in WEAKENED]
    for _ in range(_STEPS):
        rows = torch.randint(len(x), (_BATCH,))
        seen = x[rows]
        for which, (low, high) in zip(weakened, ((0.65, 1.1), (0.75, 1.1)), strict=True):
            factor = low + (high - low) * torch.rand(_BATCH, 1)
            seen = torch.where(which, seen * factor, seen)
        logit, heard_late = network(seen + 0.03 * torch.randn(seen.shape)).T
        nats = binary_cross_entropy_with_logits(logit, is_note[rows], reduction="none")
        error = (heard_late - late[rows]).abs() * is_note[rows]
        loss = (weight[rows] * (nats + 0.05 * error)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    weights = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    about = {
        "examples": len(x),
        "notes": int(is_note.sum()),
        "music": "training side of "
        + ", ".join(sorted({s for k in KINDS.values() for s in k.sets})),
        "sound": "rendered with FluidR3 (MIT); half of it with random rooms, filters, noise, mp3",
        "seed": _SEED,
        "limits": "no recording of a real instrument was learned from",
    }
    weights_file.save(
        weights_file.WeightsFile(DECODER_KIND, weights, {"hidden": _HIDDEN}, about),
        _ASSETS / DECODER_FILE,
    )
    print(f"{len(x)} examples, {float(loss.detach()):.4f} nats")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    rendering = commands.add_parser("render")
    rendering.add_argument("store", type=Path)
    rendering.add_argument("work", type=Path)
    rendering.add_argument("--font", help="SoundFont in place of the package's")
    rendering.add_argument("--clips", type=int, default=8, help="of each kind, clean and recorded")
    training = commands.add_parser("train")
    training.add_argument("work", type=Path)
    options = parser.parse_args()
    if options.command == "render":
        options.work.mkdir(parents=True, exist_ok=True)
        render(options.store, options.work, options.font, options.clips)
    else:
        train(options.work)


if __name__ == "__main__":
    main()
