"""Make the network that hears drums: render clips, train on them, put the weights in the package.

python -m experiments.listening.drum_model render WORK --data FOLDER
python -m experiments.listening.drum_model train WORK --minutes 6    # resumes
python -m experiments.listening.drum_model pack WORK                 # thresholds, the package
python -m experiments.listening.drum_model measure --data FOLDER     # stems with their MIDI

With `--kits FOLDER` thresholds are chosen on recorded drums too, and others are measured; see
`recorded_kits`.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import mir_eval
import numpy as np
import soxr
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from experiments.listening import learning
from experiments.listening.beat_net import BeatNet, BeatNetConfig
from experiments.listening.drum_clips import SECONDS, DrumClip, clips
from experiments.listening.kept_arrays import save_arrays
from experiments.listening.recorded_kits import CHOOSING, MEASURED, recorded_kit
from ritornello.dsp.sound_files import read_audio
from ritornello.music import io
from ritornello.note_model.weights_file import WeightsFile, load, save
from ritornello.transcribe.activations import window_logits
from ritornello.transcribe.drum_detection import (
    DRUM_KINDS,
    DRUMS_FILE,
    DRUMS_KIND,
    find_drums,
    kind_of,
    strokes,
)
from ritornello.transcribe.spectra import BANDS, FRAME_SECONDS, RATE_HZ, log_bands

_PACKAGE = Path(__file__).resolve().parents[2] / "src" / "ritornello"
_COUNTS = {"train": 3000, "validation": 64}
_RECORDED = 16  # clips of each recorded kit
_NEARLY = 0.01
_BELL_SECONDS = 0.013
_NEAR_SECONDS = 0.05


def render(work: Path, data: Path, kits: Path | None) -> None:
    """Keep spectra and targets of both sides, and of validation on recorded drums."""
    for seed, (side, count) in enumerate(_COUNTS.items()):
        _keep(clips(data, side, count, seed), work / f"{side}.npz")
    if kits is not None:
        drawn = (
            clips(data, "validation", _RECORDED, seed, partial(recorded_kit, kits / name))
            for seed, name in enumerate(CHOOSING)
        )
        _keep(chain.from_iterable(drawn), work / "recorded.npz")


def _keep(drawn: Iterable[DrumClip], path: Path) -> None:
    spectra, targets = [], []
    for clip in drawn:
        bands = np.concatenate([*log_bands([clip.samples])])
        spectra.append(bands.astype(np.float16))
        targets.append(bells(clip.seconds, clip.kinds, len(bands)).astype(np.float16))
    kept = {"spectra": np.stack(spectra), "targets": np.stack(targets)}
    save_arrays(kept, path, overwrite=True)
    print(path, len(spectra), flush=True)


def bells(seconds: np.ndarray, kinds: np.ndarray, frames: int) -> np.ndarray:
    """Bells around the strokes of each kind, [frames, kinds]."""
    found = np.zeros((frames, len(DRUM_KINDS)))
    times = np.arange(frames) * FRAME_SECONDS
    for kind in range(len(DRUM_KINDS)):
        mine = seconds[kinds == kind]
        if len(mine):
            away = np.abs(times[:, None] - mine).min(axis=1)
            found[:, kind] = np.exp(-0.5 * (away / _BELL_SECONDS) ** 2)
    return found


@dataclass(frozen=True)
class DrumLessons:
    """See `experiments.listening.learning.Lessons`; loss in nats a frame, of all kinds."""

    train: dict[str, np.ndarray]
    valid: dict[str, np.ndarray]
    together: int = 16
    excerpt: int = 240

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Random excerpts, louder or softer and coloured: spectra and targets."""
        spectra, targets = self.train["spectra"], self.train["targets"]
        chosen = rng.integers(len(spectra), size=self.together)
        starts = rng.integers(spectra.shape[1] - self.excerpt + 1, size=self.together)
        rows = [(c, slice(s, s + self.excerpt)) for c, s in zip(chosen, starts, strict=True)]
        heard = np.stack([spectra[row] for row in rows]).astype(np.float32)
        heard = heard + rng.uniform(-1, 0.3, (len(heard), 1, 1)).astype(np.float32)
        heard += rng.normal(0, 0.1, (len(heard), 1, BANDS)).astype(np.float32)
        answers = np.stack([targets[row] for row in rows]).astype(np.float32)
        return torch.from_numpy(np.maximum(heard, -5.0)), torch.from_numpy(answers)

    def loss(self, network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Cross entropy of all kinds together, in nats a frame."""
        spectra, targets = batch
        return len(DRUM_KINDS) * binary_cross_entropy_with_logits(network(spectra), targets)

    def score(self, network: nn.Module) -> float:
        """Loss over the clips of validation."""
        network.eval()
        with torch.no_grad():
            frames = self.valid["spectra"].shape[1] // 4 * 4
            batch = tuple(
                torch.from_numpy(self.valid[name][:, :frames].astype(np.float32))
                for name in ("spectra", "targets")
            )
            return float(self.loss(network, batch).item())


def train(work: Path, minutes: float, known: WeightsFile | None) -> None:
    sides: list[dict[str, np.ndarray]] = [dict(np.load(work / f"{side}.npz")) for side in _COUNTS]
    config = BeatNetConfig(
        BANDS, stride=2, context=3, channels=64, hidden=40, layers=2, answers=len(DRUM_KINDS)
    )
    learning.train(
        lambda: learning.begun(BeatNet(config), known),
        config.settings(),
        DrumLessons(sides[0], sides[1]),
        work,
        learning.ListenerTraining(seconds=60 * minutes, validations=15),
        watch=lambda told: print(told, flush=True),
    )


def pack(work: Path) -> None:
    """Choose thresholds on validation clips, the mean of drawn and recorded kits if there are some;
    write the file."""
    run = learning.best(work)
    weights = {name: weight.numpy() for name, weight in run["best"].items()}
    made = WeightsFile(DRUMS_KIND, weights, run["settings"])
    paths = [work / f"{name}.npz" for name in ("validation", "recorded")]
    sets = [dict(np.load(path)) for path in paths if path.exists()]
    heard = [
        [window_logits([part.astype(np.float32)], made) for part in valid["spectra"]]
        for valid in sets
    ]
    thresholds = []
    for kind in range(len(DRUM_KINDS)):
        scored = [
            (np.mean([_f(*pair, kind, least) for pair in zip(heard, sets, strict=True)]), least)
            for least in np.arange(0.15, 0.75, 0.05)
        ]
        # The least of those that are nearly the best: kits that nobody knows are heard more softly.
        best = max(scored)[0]
        least = min(least for score, least in scored if score > best - _NEARLY)
        thresholds.append(round(float(least), 2))
    provenance = {
        "about": "Hears kick, snare, hi-hat, tom and cymbal; trained on human drumming (Groove "
        "MIDI Dataset, Google LLC, CC BY 4.0) played on synthesised drums and CC0 one-shots.",
        "made_by": "experiments/listening/drum_model.py",
        "clips": _COUNTS["train"],
        "clip_seconds": SECONDS,
        "steps": run["steps"],
        "minutes": round(run["seconds"] / 60, 1),
        "valid_loss_nats": round(run["best_loss"], 4),
    }
    settings = {**made.settings, "thresholds": thresholds}
    file = WeightsFile(DRUMS_KIND, made.weights, settings, provenance)
    save(file, _PACKAGE / "assets" / "listening" / DRUMS_FILE, overwrite=True)
    print(thresholds)


def _f(logits: list[np.ndarray], valid: dict[str, np.ndarray], kind: int, least: float) -> float:
    """Onset F1 of one kind in all clips, one after the other, at a threshold."""
    true, mine = [], []
    for n, answers in enumerate(logits):
        later = 2 * SECONDS * n
        found = strokes(answers, valid["spectra"][n].astype(np.float32), [least] * len(DRUM_KINDS))
        heard = [kind_of(int(pitch)) == kind for pitch in found["pitch"]]
        mine.append(found["onset_seconds"][heard] + later)
        target = valid["targets"][n][:, kind].astype(float)
        rises, falls = target >= np.roll(target, 1), target > np.roll(target, -1)
        true.append(np.flatnonzero((target > 0.6) & rises & falls) * FRAME_SECONDS + later)
    both = np.concatenate(true), np.concatenate(mine)
    return float(mir_eval.onset.f_measure(*both, _NEAR_SECONDS)[0])


def measure(data: Path, kits: Path | None) -> dict[str, float]:
    """Onset F1 (50 ms) of each kind: on the drum stems of `stem_loops15`, and on unseen clips of
    kits that are drawn and of recorded ones."""
    rows: dict[str, list[float]] = {}
    takes = []
    for song in sorted((data / "stem_loops15").glob("loop*")):
        if (song / "drums.flac").exists():
            piece = io.read(song / "loop.mid")
            notes = np.concatenate([t.notes for t in piece.tracks if t.is_drum])
            sound = read_audio(song / "drums.flac")
            mono = soxr.resample(sound.samples.mean(axis=1), sound.rate_hz, RATE_HZ)
            times = piece.ticks_to_seconds(notes["onset"])
            kinds = np.array([kind_of(int(p)) for p in notes["pitch"]])
            takes.append(("stems", mono.astype(np.float32), times, kinds))
    takes += [("unseen kits", *clip) for clip in clips(data, "test", 30, 7)]
    for seed, name in enumerate(MEASURED if kits else ()):
        drawn = clips(data, "test", _RECORDED, seed, partial(recorded_kit, Path(str(kits)) / name))
        takes += [("recorded kits", *clip) for clip in drawn]
    for group, samples, times, kinds in takes:
        found = find_drums([samples])
        heard = np.array([kind_of(int(pitch)) for pitch in found["pitch"]])
        for number, kind in enumerate(DRUM_KINDS):
            true = np.sort(times[kinds == number])
            if len(true) < 3:
                continue
            mine = found["onset_seconds"][heard == number]
            score = mir_eval.onset.f_measure(true, mine, _NEAR_SECONDS)[0]
            rows.setdefault(f"{group} {kind}", []).append(float(score))
            rows.setdefault(f"{group} all", []).append(float(score))
    return {name: round(float(np.mean(values)), 3) for name, values in sorted(rows.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("render", "train", "pack", "measure"))
    parser.add_argument("work", type=Path, nargs="?", default=Path("drums"))
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--kits", type=Path, help="folder of recorded kits")
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--goes-on", type=Path, help="weights of a network that has learned")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.step == "render":
        render(options.work, options.data, options.kits)
    elif options.step == "train":
        known = options.goes_on and load(options.goes_on, DRUMS_KIND)
        train(options.work, options.minutes, known)
    elif options.step == "pack":
        pack(options.work)
    else:
        print(json.dumps(measure(options.data, options.kits), indent=1))


if __name__ == "__main__":
    main()
