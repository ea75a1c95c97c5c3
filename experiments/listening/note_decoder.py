"""Make the network that tells notes from what merely looks like one: render, train, pack.

    python -m experiments.listening.note_decoder render STORE WORK [--font FONT.sf2]
    python -m experiments.listening.note_decoder train WORK         # weights into the package

The network that hears (basic-pitch's) stays as it is; ours read its output around each peak and
each end. Training pieces only: on sampled instruments, half of these clips as somebody might record
them, and as many on synthesised ones that strum and sing between the keys (`synthesised_solos`).
While they learn, activities are made weaker at random, as those of instruments that are harder to
hear are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.listening.kept_arrays import save_arrays
from experiments.listening.note_clips import KINDS, NO_NOTES, Clip, clips, without_notes
from experiments.listening.synthesised_solos import drum_machines, performed
from experiments.music_sets import data_folder
from ritornello.corpus.store import Corpus
from ritornello.note_model import weights_file
from ritornello.synth.soundfont import SoundFont
from ritornello.transcribe.note_activity import (
    FRAME_SAMPLES,
    LOWEST_KEY,
    RATE_HZ,
    Activity,
    activities,
)
from ritornello.transcribe.note_decoding import DECODER_FILE, DECODER_KIND, SHORTEST_FRAMES
from ritornello.transcribe.note_features import (
    ACTIVITIES,
    AHEAD,
    PAST,
    describe_ends,
    describe_onsets,
    find_peaks,
    first_levels_db,
    vertices,
)

FRAME_SECONDS = FRAME_SAMPLES / RATE_HZ
_ASSETS = Path(__file__).parents[2] / "src" / "ritornello" / "assets" / "listening"
_CLIPS = {"piano": 2.0, "string chords": 1.5}  # against other kinds
# How late a peak may stand for a note; soft attacks are heard late.
_EARLIEST_SECONDS, _LATEST_SECONDS = 0.06, 0.06
_SOFT_SECONDS = {"flute": 0.13, "violin": 0.13, "voice": 0.13, "string-chords": 0.25}
_FRAMES_A_HEIGHT = 9.0  # a peak of 1 counts as so much nearer than one of 0
_AFTER_END_FRAMES = 50
_HIDDEN_ONSET, _HIDDEN_END = 160, 24
_STEPS, _BATCH, _RATE = 16_000, 512, 5e-3
_CLEAN, _RECORDED, _SYNTHESISED = "clean", "effects", "synthesised"
_WEAKEST = 0.7
_FEWEST_NOTES = 15
_SEED = 0


class Examples(NamedTuple):
    """What a network sees [examples, features], answers [examples, 1 or 2], what each counts."""

    seen: np.ndarray
    answers: np.ndarray
    weights: np.ndarray


def render(store: Path, work: Path, font: str | None, count: int) -> None:
    """Keep the activity heard in clips and their notes, in files by kind and way of recording."""
    corpus, sounds = Corpus.open(store), SoundFont.load(font)
    for kind in (*KINDS, NO_NOTES):
        for number, way in enumerate((_CLEAN, _RECORDED, _SYNTHESISED)):
            path, seed = work / f"{kind.replace(' ', '-')}-{way}.npz", _SEED + number
            if path.exists():
                continue
            if kind == NO_NOTES and way == _SYNTHESISED:
                drawn = drum_machines(corpus, "train", 2 * count, data_folder(), seed)
            elif kind == NO_NOTES:
                drawn = without_notes(corpus, "train", count, sounds, seed)
            else:
                many = count * _CLIPS.get(kind, 1) * (2 if way == _SYNTHESISED else 1)
                drawn = clips(
                    corpus, "train", kind, round(many), sounds, seed,
                    effects=way == _RECORDED, transposed=True,
                )  # fmt: skip
            if way == _SYNTHESISED and kind != NO_NOTES:
                drawn = performed(drawn, np.random.default_rng([seed, [*KINDS].index(kind)]))
            _keep(drawn, path)
            print(path, flush=True)


def _keep(drawn: Iterable[Clip], path: Path) -> None:
    kept: dict[str, np.ndarray] = {}
    for number, clip in enumerate(drawn):
        heard = map(np.concatenate, zip(*activities([clip.samples]), strict=True))
        for name, part in zip(Activity._fields, heard, strict=True):
            kept[f"{name}{number}"] = part.astype(np.float16)
        kept[f"notes{number}"] = clip.notes
    save_arrays(kept, path)


# --- what is learned ------------------------------------------------------------------------------


def onset_examples(heard: Activity, notes: np.ndarray, latest_seconds: float) -> Examples:
    """Each peak of a recording, and 1 and how late it is, in frames, if it is a note; else 0, 0."""
    frames = _padded(heard)
    rows, keys = find_peaks(frames.onset, len(heard.onset))
    peaks = rows - PAST + vertices(frames.onset, rows, keys)
    heights = frames.onset[rows, keys]
    late = _lateness(peaks, heights, keys, notes, latest_seconds)
    answers = np.stack([np.isfinite(late), np.nan_to_num(late)], axis=1)
    weights = np.full(len(rows), 1 / max(len(notes), _FEWEST_NOTES))
    return Examples(describe_onsets(frames, rows, keys), answers, weights)


def _lateness(
    peaks: np.ndarray,
    heights: np.ndarray,
    keys: np.ndarray,
    notes: np.ndarray,
    latest_seconds: float,
) -> np.ndarray:
    """Frames from the note that each peak stands for, near and high ones first; nan for none."""
    late = peaks[:, None] - notes["onset_seconds"] / FRAME_SECONDS
    fits = keys[:, None] + LOWEST_KEY == notes["pitch"]
    fits &= (late > -_EARLIEST_SECONDS / FRAME_SECONDS) & (late < latest_seconds / FRAME_SECONDS)
    of_peak, of_note = np.nonzero(fits)
    unlikely = np.abs(late[of_peak, of_note]) - _FRAMES_A_HEIGHT * heights[of_peak]
    found = np.full(len(peaks), np.nan)
    taken: set[int] = set()
    for n in np.argsort(unlikely, kind="stable"):
        if np.isnan(found[of_peak[n]]) and of_note[n] not in taken:
            taken.add(int(of_note[n]))
            found[of_peak[n]] = late[of_peak[n], of_note[n]]
    return found


def end_examples(heard: Activity, notes: np.ndarray) -> Examples:
    """Moments from soon after a note's onset to well after its end; the answer is whether it ended.

    They stop where the key is struck again; those around the end count most.
    """
    frames, parts = _padded(heard), []
    last = len(heard.onset) + PAST - 1
    for note in notes:
        key = int(note["pitch"]) - LOWEST_KEY
        begun, end = (
            note[name] / FRAME_SECONDS + PAST for name in ("onset_seconds", "end_seconds")
        )
        again = notes["onset_seconds"][notes["pitch"] == note["pitch"]] / FRAME_SECONDS + PAST
        until = min([last, end + _AFTER_END_FRAMES, *(again[again > begun + 1] + SHORTEST_FRAMES)])
        rows = np.arange(round(begun) + SHORTEST_FRAMES, until, 2).astype(np.int64)
        if not len(rows):
            continue
        keys = np.full(len(rows), key)
        level = first_levels_db(frames, np.array([round(begun)]), np.array([key]))
        seen = describe_ends(frames, rows, keys, rows - round(begun), level.repeat(len(rows)))
        weight = np.where(np.abs(rows - end) < AHEAD, 1.0, 0.3) / len(notes)
        parts.append(Examples(seen, (rows >= end)[:, None], weight))
    return Examples(*map(np.concatenate, zip(*parts, strict=True)))


def _padded(heard: Activity) -> Activity:
    return Activity(
        *map(np.concatenate, zip(Activity.silent(PAST), heard, Activity.silent(AHEAD), strict=True))
    )


# --- learning -------------------------------------------------------------------------------------


def train(work: Path) -> None:
    """Learn both networks from all clips and write the weights."""
    onsets, ends = [], []
    for path in sorted(work.glob("*.npz")):
        clip = np.load(path)
        latest = _SOFT_SECONDS.get(path.stem.rsplit("-", 1)[0], _LATEST_SECONDS)
        for number in range(sum(name.startswith("notes") for name in clip.files)):
            kept = (clip[f"{name}{number}"].astype(np.float32) for name in Activity._fields)
            heard = Activity(*kept)
            onsets.append(onset_examples(heard, clip[f"notes{number}"], latest))
            if len(clip[f"notes{number}"]):
                ends.append(end_examples(heard, clip[f"notes{number}"]))
    weights: dict[str, np.ndarray] = {}
    for name, parts, hidden in (("onset", onsets, _HIDDEN_ONSET), ("end", ends, _HIDDEN_END)):
        examples = Examples(*map(np.concatenate, zip(*parts, strict=True)))
        learned, loss = _learn(examples, hidden, ACTIVITIES if name == "onset" else ())
        print(f"{name}: {len(examples.seen)} examples, loss {loss:.4f}", flush=True)
        weights |= {f"{name}.{key}": value for key, value in learned.items()}
    sets = sorted({name for kind in KINDS.values() for name in kind.sets})
    about = {
        "clips": len(onsets),
        "music": "training side of " + ", ".join(sets),
        "sound": "rendered with FluidR3 (MIT), and synthesised out of tune and strummed; three "
        "quarters of it with random rooms, filters, noise, mp3",
        "seed": _SEED,
        "limits": "no recording of a real instrument was learned from",
    }
    settings = {"hidden_onset": _HIDDEN_ONSET, "hidden_end": _HIDDEN_END}
    made = weights_file.WeightsFile(DECODER_KIND, weights, settings, about)
    weights_file.save(made, _ASSETS / DECODER_FILE)


def _learn(
    examples: Examples, hidden: int, weakened: tuple[np.ndarray, ...]
) -> tuple[dict[str, np.ndarray], float]:
    """Weights, and the loss of the last batches: nats, and for onsets also frames off / 20.

    Args:
        weakened: groups of columns that are multiplied at random, each group alike.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    torch.manual_seed(_SEED)
    seen, answers, weight = (torch.from_numpy(part).float() for part in examples)
    weight /= weight.mean()
    groups = [torch.from_numpy(group) for group in weakened]
    network = torch.nn.Sequential(
        torch.nn.Linear(seen.shape[1], hidden),
        torch.nn.Tanh(),
        torch.nn.Linear(hidden, answers.shape[1]),
    )
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, _STEPS)
    losses = []
    for _ in range(_STEPS):
        rows = torch.randint(len(seen), (_BATCH,))
        x, y = seen[rows], answers[rows]
        for group in groups:
            factor = _WEAKEST + (1.1 - _WEAKEST) * torch.rand(_BATCH, 1)
            x = torch.where(group, x * factor, x)
        out = network(x + 0.03 * torch.randn(x.shape))
        loss = binary_cross_entropy_with_logits(out[:, 0], y[:, 0], reduction="none")
        if y.shape[1] > 1:
            loss = loss + 0.05 * y[:, 0] * (out[:, 1] - y[:, 1]).abs()
        loss = (weight[rows] * loss).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    state = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    return state, float(np.mean(losses[-200:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    rendering = commands.add_parser("render")
    rendering.add_argument("store", type=Path)
    rendering.add_argument("work", type=Path)
    rendering.add_argument("--font", help="SoundFont in place of the package's")
    rendering.add_argument("--clips", type=int, default=16, help="of each kind, clean and recorded")
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
