"""Make the network that tells beats from notes: draw parts, train on them, put it in the package.

    python -m experiments.listening.note_beat_model train STORE WORK [--minutes 20]    # resumes
    python -m experiments.listening.note_beat_model train STORE WORK --goes-on --heard FILE
    python -m experiments.listening.note_beat_model pack WORK [--goes-on] [--player]

The parts and mixes are those of `beat_clips`, played but not rendered: what a transcriber would
hear of them is drawn at random, with missing and wrong notes and inexact times. Clips that were
rendered and transcribed (`heard_clips`) have the mistakes that it makes. What went on with clips of
players alone (`--strummed` ones among them) is packed as the network of these, beside that of all
music.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.command_line import train_and_pack
from experiments.listening.beat_clips import (
    ANY_PART,
    COMPOUND_METRES,
    METRES,
    Excerpt,
    Excerpts,
    Metres,
    in_seconds,
    owed_to,
)
from experiments.listening.heard_clips import HeardClip, load
from ritornello.corpus.store import Corpus
from ritornello.json_values import JsonObject
from ritornello.note_model import weights_file
from ritornello.note_model.weights_file import WeightsFile, save
from ritornello.rng import Rng
from ritornello.transcribe.note_beats import (
    FEATURES,
    NOTE_BEATS_FILE,
    NOTE_BEATS_KIND,
    PLAYER_BEATS_FILE,
    SLOWEST_BPM,
    TEMPI,
    TEMPI_AN_OCTAVE,
    events,
    transposed,
)

if TYPE_CHECKING:
    from experiments.listening.note_beats_training import PlayedPart

_PACKAGE = Path(__file__).resolve().parents[2] / "src" / "ritornello"
SHARES = {
    ANY_PART: 50, "piano": 13, "guitar": 7, "bass": 4, "strings": 7, "lead": 6, "mix": 13
}  # fmt: skip
_STEADY_SHARE = 0.4
_COMPOUND_SHARE, _TRIPLE_SHARE = 0.1, 0.06  # beside those that come anyway
_TRIPLE_METRES = frozenset({(3, 4)})
_SECONDS = 45.0
_PARTS = {"train": 24_000, "valid": 1200}
_FEWEST_NOTES, _FEWEST_BEATS = 16, 8
_BELL_SECONDS, _NEAR_SECONDS = 0.025, 0.07  # how near to a beat an event is
_LOST = ((0.3, 0.0), (0.3, 0.1), (0.25, 0.25), (0.15, 0.4))  # (how often, up to what share)
_WRONG = 0.08  # up to what share of notes
_WRONG_BY = (0, 12, -12, 19)  # semitones from a note that is there
_FORGOTTEN_VELOCITIES = 0.3  # how often
_DRUMS_AS_NOTES, _DRUM_PITCHES = 0.3, (28, 90)  # up to what share of strokes, heard where
_MANY_TOGETHER, _MIX_LOST = 0.8, 0.65  # how often, up to what share
_HEARD_PACES = 0.8, 0.92, 1.0, 1.12, 1.25  # at which what was heard is learned, too
_HEARD_VALID = 60  # clips of it


def heard(excerpt: Excerpt, rng: Rng) -> np.ndarray:
    """What a transcriber might hear of an excerpt, `HEARD_NOTE_DTYPE`."""
    pitched = [notes for notes, track in excerpt.parts if not track.is_drum]
    found = in_seconds(note for notes in pitched for note in notes)
    often, most = zip(*_LOST, strict=True)
    lost = np.full(len(found), rng.choice(most, p=often) * rng.random())
    if len(pitched) > 1 and rng.random() < _MANY_TOGETHER:
        lost = np.maximum(lost, _masked(found["pitch"]) * rng.uniform(0, _MIX_LOST))
    found = found[rng.random(len(found)) >= lost]
    strokes = in_seconds(note for notes, track in excerpt.parts if track.is_drum for note in notes)
    strokes = strokes[rng.random(len(strokes)) < rng.uniform(0, _DRUMS_AS_NOTES)]
    strokes["pitch"] = rng.integers(*_DRUM_PITCHES, len(strokes))
    found = np.concatenate([found, strokes])
    wrong = found[rng.integers(len(found), size=int(rng.uniform(0, _WRONG) * len(found)))].copy()
    wrong["pitch"] += rng.choice(_WRONG_BY, len(wrong))
    wrong["onset_seconds"] += rng.choice([0, 1], len(wrong)) * rng.exponential(0.25, len(wrong))
    found = np.concatenate([found, wrong])
    lengths = np.maximum(0.1, found["end_seconds"] - found["onset_seconds"])
    lengths *= np.exp(rng.normal(0, 0.25, len(found))) * rng.uniform(0.7, 1.05)
    found["onset_seconds"] += rng.normal(0, rng.uniform(0.003, 0.012), len(found))
    found["end_seconds"] = found["onset_seconds"] + np.maximum(0.05, lengths)
    if rng.random() < _FORGOTTEN_VELOCITIES:
        found["velocity"] = 80
    found["velocity"] += np.rint(rng.normal(0, 6, len(found))).astype(np.int16)
    return found[np.lexsort((found["pitch"], found["onset_seconds"]))]


def _masked(pitches: np.ndarray) -> np.ndarray:
    """How far other notes of a mix hide each, 0 to 1: what lies in the middle most."""
    if not len(pitches):
        return np.zeros(0)
    low, high = np.quantile(pitches, [0.1, 0.9])
    result: np.ndarray = 1 - 0.5 * ((pitches <= low) | (pitches >= high))
    return result


def metres(rng: Rng) -> Metres:
    drawn = rng.random()
    if drawn < _COMPOUND_SHARE:
        return COMPOUND_METRES
    return _TRIPLE_METRES if drawn < _COMPOUND_SHARE + _TRIPLE_SHARE else METRES


def parts(corpus: Corpus, side: str, count: int, seed: int) -> list[PlayedPart]:
    """So many `PlayedPart` to learn from."""
    excerpts, rng = Excerpts(corpus, side, _SECONDS), np.random.default_rng(seed)
    kinds, shares = [*SHARES], np.array([*SHARES.values()])
    found: list[PlayedPart] = []
    while len(found) < count:
        kind = str(rng.choice(kinds, p=shares / shares.sum()))
        steady = bool(rng.random() < _STEADY_SHARE)
        excerpt = excerpts.draw(kind, rng, steady=steady, metres=metres(rng))
        bars = excerpt.is_downbeat if excerpt.knows_bars else None
        part = played_part(heard(excerpt, rng), excerpt.beats_seconds, bars)
        if part is not None:
            found.append(part)
    return found


def parts_heard(clips: Iterable[HeardClip]) -> list[PlayedPart]:
    """Clips as they were transcribed, slower and faster too."""
    found = []
    for clip in clips:
        for pace in _HEARD_PACES:
            notes = clip.notes.copy()
            for name in ("onset_seconds", "end_seconds"):
                notes[name] /= pace
            part = played_part(notes, clip.beats_seconds / pace, clip.is_downbeat)
            if part is not None:
                found.append(part)
    return found


def played_part(
    notes: np.ndarray, beats: np.ndarray, is_downbeat: np.ndarray | None
) -> PlayedPart | None:
    """Notes and what is true of them, or None where there are too few."""
    from experiments.listening.note_beats_training import PlayedPart

    if len(notes) < _FEWEST_NOTES or len(beats) < _FEWEST_BEATS:
        return None
    times, table = events(notes)
    nearest = np.abs(times[:, None] - beats).argmin(axis=1)
    away = np.abs(times - beats[nearest])
    near = np.where(away < _NEAR_SECONDS, np.exp(-0.5 * (away / _BELL_SECONDS) ** 2), 0)
    lengths = np.interp(times, (beats[1:] + beats[:-1]) / 2, np.diff(beats))
    begins = np.zeros(len(beats)) if is_downbeat is None else is_downbeat
    return PlayedPart(
        table,
        np.stack([near, near * begins[nearest]], 1).astype(np.float32),
        (np.log2(60 / lengths / SLOWEST_BPM) * TEMPI_AN_OCTAVE).astype(np.float32),
        (times > beats[0] - _NEAR_SECONDS) & (times < beats[-1] + _NEAR_SECONDS),
        is_downbeat is not None,
    )


def train(
    store: Path,
    work: Path,
    minutes: float,
    *,
    goes_on: bool = False,
    heard_clips: Path | None = None,
) -> None:
    """Train, from nothing or from the network of the package; with clips that were heard too, the
    last of which are kept for validation."""
    from experiments.listening import learning as listeners
    from experiments.listening.note_beat_net import NoteBeatNet, NoteBeatNetConfig
    from experiments.listening.note_beats_training import NoteBeatLessons

    work.mkdir(parents=True, exist_ok=True)
    corpus = Corpus.open(store)
    sides = [parts(corpus, side, count, seed) for seed, (side, count) in enumerate(_PARTS.items())]
    if heard_clips is not None:
        clips = [*load(heard_clips)]
        sides[0] += parts_heard(clips[:-_HEARD_VALID])
        sides[1] += parts_heard(clips[-_HEARD_VALID:])
    print(f"{len(sides[0])} parts, {len(sides[1])} for validation", flush=True)
    network = NoteBeatNetConfig(FEATURES, TEMPI)
    known = weights_file.bundled(NOTE_BEATS_FILE, NOTE_BEATS_KIND) if goes_on else None
    listeners.train(
        lambda: listeners.begun(NoteBeatNet(network), known),
        network.settings(),
        NoteBeatLessons(sides[0], sides[1], transposed),
        work,
        listeners.ListenerTraining(seconds=60 * minutes, learning_rate=1.5e-3 if goes_on else 3e-3),
        watch=lambda told: print(told, flush=True),
    )


def pack(work: Path, *, goes_on: bool = False, file_name: str = NOTE_BEATS_FILE) -> None:
    """Put the best weights of a run into the package; of one that went on beside what is told of
    those of all music that were there."""
    from experiments.listening.learning import best

    run = best(work)
    of_run = {
        "steps": run["steps"],
        "minutes": round(run["seconds"] / 60, 1),
        "valid_loss_nats_per_event": round(run["best_loss"], 4),
    }
    provenance: JsonObject = {
        "about": "Tells beats, bars and tempo from notes; taught with the notes of pieces, inexact "
        "and with mistakes as a transcriber makes them.",
        "made_by": "experiments/listening/note_beat_model.py",
        "credits": owed_to(),
        "parts": _PARTS["train"],
        "part_seconds": _SECONDS,
        **of_run,
    }
    if goes_on:
        known = weights_file.bundled(NOTE_BEATS_FILE, NOTE_BEATS_KIND).provenance
        provenance = {**known, "gone_on": [*known.get("gone_on", []), of_run]}
    weights = {name: weight.numpy() for name, weight in run["best"].items()}
    file = WeightsFile(NOTE_BEATS_KIND, weights, run["settings"], provenance)
    save(file, _PACKAGE / "assets" / "listening" / file_name)
    print(provenance)


def main() -> None:
    parser, training, packing = train_and_pack(__doc__, minutes=20.0)
    training.add_argument("--goes-on", action="store_true", help="from the package's network")
    training.add_argument("--heard", type=Path, help="clips of `heard_clips` to learn from too")
    packing.add_argument("--goes-on", action="store_true", help="from the package's network")
    packing.add_argument("--player", action="store_true", help="as that of players alone")
    options = parser.parse_args()
    if options.command == "train":
        how = {"goes_on": options.goes_on, "heard_clips": options.heard}
        train(options.store, options.work, options.minutes, **how)
    else:
        file_name = PLAYER_BEATS_FILE if options.player else NOTE_BEATS_FILE
        pack(options.work, goes_on=options.goes_on, file_name=file_name)


if __name__ == "__main__":
    main()
