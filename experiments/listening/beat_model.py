"""Make the network that hears beats: render clips, train on them, put the weights in the package.

    python -m experiments.listening.beat_model render STORE WORK --songs DATA    # clips of a store
    python -m experiments.listening.beat_model train WORK           # resumes
    python -m experiments.listening.beat_model pack STORE WORK      # calibrates; into the package

The confidence in bars is that of beats by sound and notes together: pack `note_beat_model` first.
How sure the beats are is fitted by `beat_choice`, afterwards.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.listening.beat_clips import BEATLESS, KINDS, Clip, Renderer, owed_to
from experiments.listening.kept_arrays import save_arrays
from experiments.listening.real_songs import RealSongs
from ritornello.corpus.store import Corpus
from ritornello.note_model.weights_file import WeightsFile, save
from ritornello.transcribe import tracking
from ritornello.transcribe.activations import KIND, beat_logits
from ritornello.transcribe.bars import bar_shares
from ritornello.transcribe.beats import bundled, raw_beats
from ritornello.transcribe.note_beats import told_by
from ritornello.transcribe.note_detection import find_notes
from ritornello.transcribe.spectra import BANDS, FRAME_SECONDS, log_bands

_PACKAGE = Path(__file__).resolve().parents[2] / "src" / "ritornello"

_SHARES = {"mix": 22, "piano": 20, "guitar": 15, "bass": 10, "strings": 10, "lead": 12, "drums": 6}
_BEATLESS = {"notes": 2, "speech": 1.5, "noise": 0.75, "drone": 0.75}
_REAL, _REAL_SHARE = "real songs", 6
_STEADY_SHARE = 0.4
_CLIPS_A_SHARD = 100
_CALIBRATION_CLIPS, _CALIBRATION_SEED = 140, 99
_NEAR_SECONDS = 0.07
_RIGHT_F1 = 0.8
_NEWTON_STEPS, _PULL = 30, 0.1


def render(
    store: Path,
    work: Path,
    fonts: list[str],
    clips: int,
    side: str,
    seed: int,
    songs: Path | None = None,
) -> None:
    """Keep clips as shards ``SIDE-000.npz``; those that are there already are left alone.

    Args:
        songs: the music sets, of whose `real_stems/train` some clips are.
    """
    corpus = Corpus.open(store)
    work.mkdir(parents=True, exist_ok=True)
    recorded = RealSongs(songs) if songs else None
    of_kinds = _SHARES | _BEATLESS | ({_REAL: _REAL_SHARE} if recorded else {})
    shares, kinds = np.array([*of_kinds.values()]), [*of_kinds]
    for number in range(-(-clips // _CLIPS_A_SHARD)):
        path = work / f"{side}-{number:03}.npz"
        if path.exists():
            continue
        # A new one each time: it keeps all the sounds that it has played.
        renderer = Renderer(corpus, side, [None, *fonts], data=songs)
        rng = np.random.default_rng([seed, number])
        shard = []
        for kind in rng.choice(kinds, _CLIPS_A_SHARD, p=shares / shares.sum()):
            if kind == _REAL and recorded:
                shard.append(recorded.clip(rng))
            elif kind in KINDS:
                steady = rng.random() < _STEADY_SHARE
                shard.append(renderer.clip(str(kind), rng, steady=steady))
            else:
                shard.append(renderer.beatless(str(kind), rng))
        save_arrays(as_arrays(shard), path)
        print(path, flush=True)


def as_arrays(clips: list[Clip]) -> dict[str, np.ndarray]:
    """What training reads: ``spectra`` [clips, frames, bands], ``targets`` [clips, frames, 2] and
    ``knows_bars`` [clips]."""
    spectra = np.stack([np.concatenate([*log_bands([clip.samples])]) for clip in clips])
    frames = np.arange(spectra.shape[1]) * FRAME_SECONDS
    targets = np.stack([_pulses(clip, frames) for clip in clips])
    return {
        "spectra": spectra.astype(np.float16),
        "targets": targets.astype(np.float16),
        "knows_bars": np.array([_knows_bars(clip) for clip in clips]),
    }


def _knows_bars(clip: Clip) -> bool:
    return clip.is_downbeat is not None or not len(clip.beats_seconds)


def _pulses(clip: Clip, frames: np.ndarray) -> np.ndarray:
    """Bells around beats and around those that begin bars, [frames, 2]."""
    found = np.zeros((len(frames), 2))
    down = np.zeros(len(clip.beats_seconds), bool) if clip.is_downbeat is None else clip.is_downbeat
    for column, beats in enumerate((clip.beats_seconds, clip.beats_seconds[down])):
        if len(beats):
            away = np.abs(frames[:, None] - beats).min(axis=1)
            found[:, column] = np.exp(-0.5 * (away / tracking.BELL_SECONDS) ** 2)
    return found


def _shards(work: Path, side: str) -> dict[str, np.ndarray]:
    shards = [np.load(path) for path in sorted(work.glob(f"{side}-*.npz"))]
    return {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0].files}


def train(work: Path, minutes: float, *, goes_on: bool = False) -> None:
    """Train, from nothing or from the network of the package."""
    from experiments.listening import learning as listeners
    from experiments.listening.beat_net import BeatNet, BeatNetConfig
    from experiments.listening.beats_training import BeatClips, BeatLessons

    sides = [BeatClips(**_shards(work, side)) for side in ("train", "valid")]
    print(f"{len(sides[0])} clips, {len(sides[1])} for validation", flush=True)
    network = BeatNetConfig(bands=BANDS)
    known = bundled() if goes_on else None
    listeners.train(
        lambda: listeners.begun(BeatNet(network), known),
        network.settings(),
        BeatLessons(sides[0], sides[1]),
        work,
        listeners.ListenerTraining(seconds=60 * minutes, learning_rate=2e-3 if goes_on else 4e-3),
        watch=lambda told: print(told, flush=True),
    )


def pack(store: Path, work: Path, fonts: list[str]) -> None:
    """Fit how far the network is to be believed on clips of validation pieces; write the file."""
    from experiments.listening.learning import best

    run = best(work)
    weights = {name: weight.numpy() for name, weight in run["best"].items()}
    made = WeightsFile(KIND, weights, run["settings"])
    renderer = Renderer(Corpus.open(store), "valid", [None, *fonts])
    settings = {**made.settings, "downbeat_confidence": calibrated(_drawn(renderer), made)}
    provenance = {
        "about": "Hears beats and the beginnings of bars in music played by one or many; trained "
        "on rendered clips alone, so real recordings are harder than the figures say.",
        "made_by": "experiments/listening/beat_model.py",
        "credits": owed_to(),
        "soundfonts": "FluidR3 and FluidR3Mono (MIT)",
        "clips": sum(len(np.load(path)["knows_bars"]) for path in work.glob("train-*.npz")),
        "clip_seconds": 20,
        "steps": run["steps"],
        "minutes": round(run["seconds"] / 60, 1),
        "valid_loss_nats_per_frame": round(run["best_loss"], 4),
    }
    file = WeightsFile(KIND, weights, settings, provenance)
    save(file, _PACKAGE / "assets" / "listening" / "beats.safetensors")
    print(settings, provenance)


def _drawn(renderer: Renderer) -> list[Clip]:
    """Clips of all kinds that are the same on every run."""
    clips = []
    for number in range(_CALIBRATION_CLIPS):
        rng = np.random.default_rng([_CALIBRATION_SEED, number])
        kind = KINDS[number % len(KINDS)]
        clips.append(renderer.clip(kind, rng, steady=number % 2 == 0))
        if number % 5 == 0:
            clips.append(renderer.beatless(BEATLESS[number // 5 % len(BEATLESS)], rng))
    return clips


def calibrated(clips: list[Clip], network: WeightsFile) -> list[float]:
    """Weights of a logistic curve that expects the F1 of downbeats among clips with right beats."""
    from mir_eval.beat import f_measure

    margins, bar_scores = [], []
    for clip in clips:
        true = clip.beats_seconds
        if clip.is_downbeat is None or not len(true):
            continue
        logits = beat_logits([clip.samples], network)
        found = raw_beats(logits, told_by(find_notes([clip.samples])))
        near = (found > true[0] - _NEAR_SECONDS) & (found < true[-1] + _NEAR_SECONDS)
        if f_measure(true, found[near]) > _RIGHT_F1:
            bars = tracking.find_bars(bar_shares(logits, found), (4, 3, 2))
            begins = np.arange(len(found)) % bars.beats_per_bar == bars.first
            margins.append([bars.margin])
            bar_scores.append(f_measure(true[clip.is_downbeat], found[near & begins]))
    return logistic(margins, bar_scores)


def logistic(rows: Sequence[Any] | np.ndarray, wanted: Sequence[float] | np.ndarray) -> list[float]:
    """A bias and a weight for each column that make the logistic curve expect what is wanted, 0 to
    1; by Newton's method on the cross entropy with a slight pull to zero."""
    x = np.column_stack([np.ones(len(wanted)), np.array(rows)])
    weights = np.zeros(x.shape[1])
    for _ in range(_NEWTON_STEPS):
        expected = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (np.array(wanted) - expected) - _PULL * weights
        bend = (x * (expected * (1 - expected))[:, None]).T @ x + _PULL * np.eye(len(weights))
        weights = weights + np.linalg.solve(bend, slope)
    return [round(float(weight), 4) for weight in weights]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    rendering = commands.add_parser("render")
    rendering.add_argument("store", type=Path)
    rendering.add_argument("work", type=Path)
    rendering.add_argument("--font", action="append", default=[], help="beside the package's")
    rendering.add_argument("--clips", type=int, default=3000)
    rendering.add_argument("--side", default="train", choices=["train", "valid"])
    rendering.add_argument("--seed", type=int, default=0)
    rendering.add_argument("--songs", type=Path, help="music sets with real stems to learn from")
    training = commands.add_parser("train")
    training.add_argument("work", type=Path)
    training.add_argument("--minutes", type=float, default=25.0, help="of processor time")
    training.add_argument("--goes-on", action="store_true", help="from the package's network")
    packing = commands.add_parser("pack")
    packing.add_argument("store", type=Path)
    packing.add_argument("work", type=Path)
    packing.add_argument("--font", action="append", default=[], help="beside the package's")
    options = parser.parse_args()
    if options.command == "render":
        which = options.clips, options.side, options.seed, options.songs
        render(options.store, options.work, options.font, *which)
    elif options.command == "train":
        train(options.work, options.minutes, goes_on=options.goes_on)
    else:
        pack(options.store, options.work, options.font)


if __name__ == "__main__":
    main()
