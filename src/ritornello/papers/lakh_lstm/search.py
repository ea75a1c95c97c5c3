"""A search over the settings of our model, which the authors of `lakh-lstm` asked for.

Learning rate, width and dropout, each tried for equal minutes on the same songs. The best and the
default are then compared on test songs that no choice was made by.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ritornello.errors import MissingExtraError
from ritornello.json_values import JsonObject
from ritornello.note_model import checkpoint
from ritornello.papers.lakh_lstm.data import SIDES, Songs
from ritornello.papers.shared.ours import score_ours, train_ours
from ritornello.papers.shared.outcome import Table
from ritornello.papers.shared.search import Range, Report, Space, Trial, best_of, search
from ritornello.papers.shared.study import Study
from ritornello.training.config import TrainConfig, network_size

_WIDTHS = (96, 128, 192, 256, 384)
_SPACE: Space = {
    "learning_rate": Range(3e-4, 1e-2),
    "width": _WIDTHS,
    "dropout": Range(0.0, 0.5, log=False),
}


@dataclass(frozen=True)
class Searched:
    """Trials, and nats a note of the test songs after the minutes of a trial.

    Attributes:
        trials: the default first; empty where Optuna is missing. minutes: of each.
        default, best: nats a note on the test songs.
        missing: why there was no search, or "".
    """

    trials: list[Trial]
    minutes: float
    default: float
    best: float
    missing: str = ""


def search_settings(study: Study, songs: Songs) -> Searched:
    """Try settings of our model; the number and the minutes of the trials are the study's."""
    trials, minutes = study.settings["trials"], study.settings["trial_minutes"]
    taught = sum(song.piece.note_count for song in songs.train)
    size = network_size(taught, minutes)
    default = {
        "learning_rate": TrainConfig.learning_rate,
        "width": size.width,
        "dropout": size.dropout,
    }
    pieces = [(song.name, song.piece, side) for side in SIDES for song in songs.side(side)]
    models = study.folder / "ours-search"
    paths: dict[tuple[Any, ...], Path] = {}

    def attempt(settings: JsonObject, report: Report) -> None:
        number = len(paths)
        study.say(f"our model: trial {number + 1} of {trials}, {minutes:.2g} minutes")
        paths[tuple(settings.values())] = model = train_ours(
            pieces,
            models / str(number),
            minutes=minutes,
            seed=study.seed,
            threads=study.threads,
            **settings,
        )
        found = checkpoint.load(model).provenance["validation"]
        report(0, found["nats_per_note"])

    try:
        tried = search(_SPACE, default, attempt, trials, seed=study.seed)
    except MissingExtraError as error:
        return Searched([], minutes, 0.0, 0.0, f"{error.what} {error.next_step}")
    test = [song.piece for song in songs.test]
    nats = [
        float(score_ours(paths[tuple(trial.settings.values())], test)["nats_per_note"])
        for trial in (tried[0], best_of(tried))
    ]
    shutil.rmtree(models)
    return Searched(tried, minutes, nats[0], nats[1])


def table(found: Searched) -> Table:
    """All trials in the order they were made."""
    return Table(
        "Search over the settings of our model",
        ["trial", *_SPACE, "nats a note on validation"],
        [
            [number, *trial.settings.values(), trial.best]
            for number, trial in enumerate(found.trials, 1)
        ],
        found.missing
        or f"{found.minutes:g} minutes a trial on the same songs; the first has the defaults. On "
        f"the test songs the best trial needs {found.best:.3f} nats a note, the first "
        f"{found.default:.3f}.",
    )


def sentence(found: Searched) -> str:
    """The answer to what the authors asked for."""
    if found.missing:
        return f"Not measured here: {found.missing}"
    best = best_of(found.trials).settings
    return (
        f"Of {len(found.trials)} trials of our model the best has a learning rate of "
        f"{best['learning_rate']:.2g}, a width of {best['width']} and a dropout of "
        f"{best['dropout']:.2f}: {found.best:.3f} nats a note of the test songs, with the defaults "
        f"{found.default:.3f}, after {found.minutes:g} minutes each."
    )
