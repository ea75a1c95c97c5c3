"""Learn which way to count a recording is right, see `ritornello.transcribe.beat_candidates`.

    python -m experiments.listening.beat_choice TAUGHT HELD_OUT    # clips of `heard_clips`
    python -m experiments.listening.beat_choice TAUGHT HELD_OUT --only "thirds over halves"
    python -m experiments.listening.beat_choice TAUGHT HELD_OUT --phase    # beats or offbeats alone

Each way to count a clip gets the F1 of its beats, and the weights of a conditional logit are those
that give the ways chances like theirs. What tells even beats from those half a beat later is
learned after it, and how far the chosen beats are to be believed, to clips without beat too. Both
networks that tell beats must be packed before; what they have learned from does not do. Five
minutes for 400 clips, no torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from experiments.listening.beat_model import logistic
from experiments.listening.choice_learning import DECAY, beats_f1, learn_weights
from experiments.listening.heard_clips import HeardClip, load
from ritornello.note_model import weights_file
from ritornello.transcribe.activations import window_logits
from ritornello.transcribe.beat_candidates import (
    CHOICE_FILE,
    CHOICE_KIND,
    FEATURES,
    TAPPED_WEIGHT,
    Clues,
    Way,
    choice,
    describe,
    offbeats,
    ways,
)
from ritornello.transcribe.beats import bundled, features
from ritornello.transcribe.counting import PHASE_FEATURES, apart
from ritornello.transcribe.note_beats import told_by

_STEPS = 3000
_DECAY_BESIDE = 0.05  # of new weights beside those that were learned on other clips
# Clips are played as fast as they happen to be drawn, and tell nothing of what people tap.
_HELD = {FEATURES.index("tapped"): TAPPED_WEIGHT}
_CLEARLY_ON, _CLEARLY_OFF = 0.8, 0.35  # F1 of even beats and of those half a beat off
_PHASE_DECAY, _PHASE_SPEED = 0.1, 0.3


@dataclass(frozen=True, eq=False)
class Example:
    """The ways to count a clip.

    Attributes:
        described: [ways, FEATURES]. right: F1 of the beats of each, [ways].
        believed: what confidence is made of, for each way, [ways, 5].
        has_beat: whether the clip has.
        phases: of even beats that are right, and those half a beat off that are not, or the other
            way round: 1 or -1, the difference of what is `described`, and `counting.apart`.
    """

    described: np.ndarray
    right: np.ndarray
    believed: np.ndarray
    has_beat: bool
    phases: Sequence[tuple[int, np.ndarray, np.ndarray]] = ()


def examples(clips: Iterable[HeardClip]) -> list[Example]:
    """The ways to count each clip."""
    return [compared(clip.spectra, clip.notes, clip.beats_seconds) for clip in clips]


def compared(spectra: np.ndarray, notes: np.ndarray, true: np.ndarray) -> Example:
    """The ways to count what was heard, beside the true beats in seconds.

    Args:
        spectra: log bands [frames, bands]. notes: `HEARD_NOTE_DTYPE` by onset.
    """
    logits = window_logits([spectra.astype(np.float32)], bundled())
    told = told_by(notes)
    clues = Clues.of(logits, spectra, told, notes)
    described, right, believed, phases = [], [], [], []
    for way in ways(clues):
        beats = way.beats_seconds
        described.append(describe(way, clues))
        believed.append(features(logits, told, beats))
        right.append(_right(beats, true))
        if way.is_steady:
            other = Way(offbeats(beats), True)
            one, two = right[-1], _right(other.beats_seconds, true)
            if max(one, two) > _CLEARLY_ON and min(one, two) < _CLEARLY_OFF:
                more = described[-1] - describe(other, clues)
                phases.append((1 if one > two else -1, more, apart(way, other, clues)))
    has_beat = bool(len(true))
    return Example(np.array(described), np.array(right), np.array(believed), has_beat, phases)


def _right(beats: np.ndarray, true: np.ndarray) -> float:
    """F1 of beats as far as true ones are known; 0 where there are none."""
    return beats_f1(true, beats) if len(true) else 0.0


def learn(
    found: Sequence[Example], held: Mapping[int, float] | None = None, decay: float = DECAY
) -> np.ndarray:
    """Weights [features] of ways, see `learn_weights`; of the clips that have a beat."""
    choices = [(one.described, one.right) for one in found if one.has_beat]
    return learn_weights(choices, _STEPS, held, decay)


def learn_phase(found: Sequence[Example], weights: np.ndarray) -> np.ndarray:
    """Weights of `PHASE_FEATURES` by a logit without a constant, given those of ways."""
    rows = np.array(
        [
            sign * np.array([more @ weights, *other])
            for one in found
            for sign, more, other in one.phases
        ]
    )
    scale = np.sqrt(np.square(rows).mean(axis=0)) + 1e-9
    scaled, learned = rows / scale, np.zeros(len(PHASE_FEATURES))
    for _ in range(_STEPS):
        wrong = 1 / (1 + np.exp(scaled @ learned))
        learned += _PHASE_SPEED * (scaled.T @ wrong / len(scaled) - _PHASE_DECAY * learned)
    result: np.ndarray = learned / scale
    return result


def chosen(one: Example, weights: np.ndarray) -> int:
    return int((one.described @ weights).argmax())


def figures(found: Sequence[Example], weights: np.ndarray) -> dict[str, Any]:
    """Mean F1 of the first way, of the one chosen, and of the best there is."""
    found = [one for one in found if one.has_beat]
    picked = [one.right[chosen(one, weights)] for one in found]
    return {
        "clips": len(found),
        "first": round(float(np.mean([one.right[0] for one in found])), 3),
        "chosen": round(float(np.mean(picked)), 3),
        "best": round(float(np.mean([one.right.max() for one in found])), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("taught", type=Path)
    parser.add_argument("held_out", type=Path, help="clips that confidence is fitted to")
    parser.add_argument(
        "--only", nargs="+", choices=FEATURES, metavar="FEATURE",
        help="to learn; all else stays as it is in the package",
    )  # fmt: skip
    parser.add_argument(
        "--phase", action="store_true", help="learn only what tells beats from offbeats"
    )
    options = parser.parse_args()
    taught = examples(load(options.taught))
    data = f"{len(taught)} clips of heard_clips"
    if options.only:
        pack_only(options.only, taught, data)
        return
    if options.phase:
        pack_phase(taught, data)
        return
    pack(taught, examples(load(options.held_out)), data)


def pack(taught: Sequence[Example], held_out: Sequence[Example], data: str) -> None:
    """Learn, print what came of it, and put it into the package."""
    weights = learn(taught, _HELD)
    # Confidence is fitted on what the weights have not seen.
    rows = [one.believed[chosen(one, weights)] for one in held_out]
    right = [float(one.right[chosen(one, weights)]) for one in held_out]
    for name, weight in zip(FEATURES, weights, strict=True):
        print(f"{weight:8.2f}  {name}")
    came = {"taught": figures(taught, weights), "held out": figures(held_out, weights)}
    print(came)
    file = weights_file.WeightsFile(
        CHOICE_KIND,
        {
            "weights": weights.astype(np.float32),
            "phase": learn_phase(taught, weights).astype(np.float32),
        },
        {
            "features": list(FEATURES),
            "phase_features": list(PHASE_FEATURES),
            "confidence": logistic(rows, right),
        },
        {
            "about": "Weighs ways to count a recording, and tells how sure the chosen one is.",
            "data": f"rendered excerpts of the training side and CC0 songs: {data}",
            "figures": came,
            "made_by": "experiments/listening/beat_choice.py",
        },
    )
    _save(file)


def pack_only(names: Sequence[str], taught: Sequence[Example], data: str) -> None:
    """Learn the weights of some features beside all others, which stay, and put them into the
    package."""
    kept = choice()
    known = dict(zip(kept.settings["features"], kept.weights["weights"], strict=True))
    held = {number: known[name] for number, name in enumerate(FEATURES) if name not in names}
    weights = learn(taught, held, _DECAY_BESIDE)
    came: dict[str, Any] = {"taught": figures(taught, weights)}
    came |= {name: round(float(weights[FEATURES.index(name)]), 3) for name in names}
    print(came)
    _save(
        weights_file.WeightsFile(
            CHOICE_KIND,
            {**kept.weights, "weights": weights.astype(np.float32)},
            {**kept.settings, "features": list(FEATURES)},
            {**kept.provenance, "then": {"data": data, **came}},
        )
    )


def pack_phase(taught: Sequence[Example], data: str) -> None:
    """Learn what tells even beats from those half a beat later, as another network that reads
    notes asks for, and put it into the package; all else stays."""
    kept = choice()
    phase = learn_phase(taught, kept.weights["weights"].astype(np.float64))
    pairs = sum(len(one.phases) for one in taught)
    print(dict(zip(PHASE_FEATURES, phase.round(3), strict=True)), pairs)
    _save(
        weights_file.WeightsFile(
            CHOICE_KIND,
            {**kept.weights, "phase": phase.astype(np.float32)},
            kept.settings,
            {**kept.provenance, "phase": {"data": data, "pairs": pairs}},
        )
    )


def _save(file: weights_file.WeightsFile) -> None:
    folder = Path(str(files("ritornello"))) / "assets" / "listening"
    weights_file.save(file, folder / CHOICE_FILE, numbers="float32")


if __name__ == "__main__":
    main()
