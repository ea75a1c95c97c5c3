"""Learn which level and which bars a tempo that bends is followed by, see
`ritornello.transcribe.bar_following`.

    python -m experiments.listening.bar_choice TAUGHT [TAUGHT ...]    # clips of `heard_clips`

Prints the two rows of weights that stand in that module. Of each clip whose likeliest way bends,
the levels get the mean of beat F1 and downbeat F1 of their likeliest bars (.7 and .3), the bars of
the level that is chosen the same (.5 and .5), and the weights of a conditional logit are those that
give them chances like theirs. What `beat_choice` and `bar_model` pack must be packed before. Three
minutes for 400 clips, no torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.listening.choice_learning import Choice, beats_f1, learn_weights
from experiments.listening.heard_clips import HeardClip, load
from ritornello.transcribe.activations import window_logits
from ritornello.transcribe.bar_following import FEATURES, Candidate, followed, levels
from ritornello.transcribe.bars import COUNTS
from ritornello.transcribe.beat_candidates import Clues
from ritornello.transcribe.beats import bundled
from ritornello.transcribe.counting import likeliest
from ritornello.transcribe.note_beats import told_by
from ritornello.transcribe.tracking import snap

_LEVEL_SHARE, _BAR_SHARE = 0.3, 0.5  # of downbeats in what is right
_STEPS = 1000
_LEARNED = len(FEATURES) - 1  # "in two or four" is chosen by hand
_FEWEST_BEATS = 8


def candidates(clip: HeardClip) -> tuple[Sequence[Candidate], Sequence[Sequence[Candidate]]]:
    """The levels of a clip that bends, and for each what it may be followed by; or nothing."""
    told = told_by(clip.notes)
    if told is None or len(clip.beats_seconds) < _FEWEST_BEATS:
        return [], []
    logits = window_logits([clip.spectra.astype(np.float32)], bundled())
    clues = Clues.of(logits, clip.spectra, told, clip.notes)
    way, every = likeliest(clues)
    if way.is_steady or len(way.beats_seconds) < _FEWEST_BEATS:
        return [], []
    found = [Candidate.of(one, clues, logits, COUNTS) for one in levels(way, every, clues)]
    bars = [
        [
            level,
            *(
                Candidate.of(followed(level.way, clues, count), clues, logits, [count])
                for count in COUNTS
            ),
        ]
        for level in found
    ]
    return found, bars


def right(one: Candidate, clip: HeardClip, share: float) -> float:
    """The mean of beat F1 and, if bars are known, a share of downbeat F1."""
    beats = snap(one.way.beats_seconds, clip.notes["onset_seconds"])
    of_beats = beats_f1(clip.beats_seconds, beats)
    if clip.is_downbeat is None:
        return of_beats
    downbeats = beats[one.first :: one.beats_per_bar]
    return (1 - share) * of_beats + share * beats_f1(
        clip.beats_seconds[clip.is_downbeat], downbeats
    )


def choice(found: Sequence[Candidate], clip: HeardClip, share: float) -> Choice:
    described = np.array([one.described[:_LEARNED] for one in found])
    return described, np.array([right(one, clip, share) for one in found])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("taught", type=Path, nargs="+")
    options = parser.parse_args()
    of_levels: list[Choice] = []
    bars: list[list[Choice]] = []
    for path in options.taught:
        for clip in load(path):
            found, again = candidates(clip)
            if found:
                of_levels.append(choice(found, clip, _LEVEL_SHARE))
                bars.append([choice(one, clip, _BAR_SHARE) for one in again])
    level_weights = learn_weights([one for one in of_levels if len(one[1]) > 1], _STEPS)
    chosen = [int((described @ level_weights).argmax()) for described, _ in of_levels]
    bar_weights = learn_weights(
        [one[level] for one, level in zip(bars, chosen, strict=True)], _STEPS
    )
    print(f"{len(of_levels)} clips")
    for name, weights in (("levels", level_weights), ("bars", bar_weights)):
        print(name, dict(zip(FEATURES, weights.round(3).tolist(), strict=False)))


if __name__ == "__main__":
    main()
