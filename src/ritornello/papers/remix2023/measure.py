"""The stems that `remix2023` writes, against the real ones and against doing nothing clever."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ritornello.papers.shared.outcome import Table
from ritornello.separate import scores as separation
from ritornello.separate.stem_folders import PARTS, StemSong

SOURCES = ("mix", "solo")
LABELS = {"one2one": "One2One", "combined": "One2Four combined", "split": "One2Four split"}
BOUND = "ideal ratio mask"
SILENCE = "silence"
_SETTLED = 0.95
_SAME_DB = 100.0  # ratios of equal sounds are infinite; above this nobody hears a difference


@dataclass(frozen=True)
class Scores:
    """Means over songs, for each of `PARTS` and then for the sum of the stems; dB.

    A value is None where no song has one: a silent stem has no ratio, nor has silence a shape.
    """

    si_sdr: list[float | None]
    snr: list[float | None]
    distance: list[float | None]

    def improvement_on(self, other: Scores) -> float | None:
        """Mean gain in SI-SDR over other scores, stems only; None if either has none."""
        mine, theirs = mean(self.si_sdr), mean(other.si_sdr)
        return None if mine is None or theirs is None else round(mine - theirs, 4) + 0.0


def mean(values: list[float | None]) -> float | None:
    """Mean over the stems that have a value, the sum of the stems left out."""
    return _mean_of(value for value in values[: len(PARTS)] if value is not None)


def network_input(song: StemSong, source: str) -> np.ndarray:
    """What a network hears of a song, float32 [samples]."""
    return song.mix if source == "mix" else song.solo


def baselines(songs: list[StemSong], source: str) -> dict[str, list[np.ndarray]]:
    """Stems [samples, parts] of each song that need no learning, and for a mix the bound."""
    copies = [np.repeat(network_input(song, source)[:, None], len(PARTS), axis=1) for song in songs]
    found = {
        SILENCE: [np.zeros_like(song.stems) for song in songs],
        f"copy of the {source}": copies,
        f"a quarter of the {source}": [copy / len(PARTS) for copy in copies],
    }
    if source == "mix":
        found[BOUND] = [separation.ideal_ratio_mask(song.stems, song.rate_hz) for song in songs]
    return found


def score(songs: list[StemSong], stems: list[np.ndarray]) -> Scores:
    """Score the stems [samples, parts] made for each song."""
    rows: list[list[list[float]]] = [[], [], []]
    for song, made in zip(songs, stems, strict=True):
        real = np.column_stack([song.stems, song.stems.sum(axis=1)])
        pairs = list(zip(real.T, np.column_stack([made, made.sum(axis=1)]).T, strict=True))
        rows[0].append([separation.si_sdr_db(*pair) for pair in pairs])
        rows[1].append([separation.snr_db(*pair) for pair in pairs])
        rows[2].append([separation.log_spectral_distance_db(*pair, song.rate_hz) for pair in pairs])
    return Scores(*(_means(np.array(table)) for table in rows))


def clicks_db(songs: list[StemSong], stems: list[np.ndarray], seconds: float) -> float | None:
    """Steps between samples at the borders of chunks against those elsewhere, all stems."""
    return _mean_of(
        separation.click_db(made[:, part], round(seconds * song.rate_hz))
        for song, made in zip(songs, stems, strict=True)
        for part in range(len(PARTS))
        if song.stems[:, part].any()
    )


def noise_db(songs: list[StemSong], stems: list[np.ndarray]) -> float | None:
    """Level of the made stems where the real ones pause; missing parts pause throughout."""
    return _mean_of(
        separation.noise_db(song.stems[:, part], made[:, part], song.rate_hz)
        for song, made in zip(songs, stems, strict=True)
        for part in range(len(PARTS))
    )


def likeness(songs: list[StemSong], stems: list[np.ndarray], source: str) -> float | None:
    """Mean size of the correlation of the made stems with what was heard, 0 to 1."""
    found = []
    for song, made in zip(songs, stems, strict=True):
        for part in range(len(PARTS)):
            if made[:, part].std() > 0:
                found.append(abs(np.corrcoef(made[:, part], network_input(song, source))[0, 1]))
    return _mean_of(found)


def level_db(songs: list[StemSong], stems: list[np.ndarray]) -> float | None:
    """How loud the made stems are against the real ones, dB; silent real stems are left out."""
    return _mean_of(
        10 * np.log10(made[:, part].var() / song.stems[:, part].var())
        for song, made in zip(songs, stems, strict=True)
        for part in range(len(PARTS))
        if song.stems[:, part].any() and made[:, part].var() > 0
    )


def settled_epoch(losses: list[float]) -> int:
    """The epoch, from 1, by which 95% of the fall from the first to the lowest loss is done."""
    target = losses[0] - _SETTLED * (losses[0] - min(losses))
    return next(epoch for epoch, loss in enumerate(losses, 1) if loss <= target)


def tables(source: str, scores: dict[str, Scores], songs: list[StemSong]) -> list[Table]:
    """SI-SDR, SNR and spectral distance of every estimate, part by part."""
    columns = ["stems by", *PARTS, "mean", "sum of the stems"]
    copy = scores[f"copy of the {source}"]
    counted = [sum(bool(song.stems[:, i].any()) for song in songs) for i in range(len(PARTS))]
    with_part = ", ".join(f"{part} in {n}" for part, n in zip(PARTS, counted, strict=True))
    on = f"{len(songs)} test songs ({with_part}), heard: the {source}"
    on += "" if source == "mix" else ", which is part of a real stem, mostly of other"
    made = []
    for field, title, note in (
        ("si_sdr", "SI-SDR in dB, higher is better", f"{on}. Loudness does not count."),
        ("snr", "Signal-to-noise ratio in dB, higher is better", f"{on}. Silence gets 0."),
        ("distance", "Log-spectral distance in dB, lower is better", f"{on}; parts that a song "
         "lacks count and should be silent."),
    ):  # fmt: skip
        rows = []
        for name, found in scores.items():
            values = getattr(found, field)
            row = [name, *values[:-1], mean(values), values[-1]]
            rows.append([*row, found.improvement_on(copy)] if field == "si_sdr" else row)
        more = [f"improvement on the {source}"] if field == "si_sdr" else []
        made.append(Table(f"From the {source}: {title}", columns + more, rows, note))
    return made


def _means(table: np.ndarray) -> list[float | None]:
    """Means of [songs, columns] over the songs that have a value."""
    return [_mean_of(column) for column in np.minimum(table, _SAME_DB).T]


def _mean_of(values: Iterable[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return round(float(np.mean(known)), 4) + 0.0 if known else None  # no minus zero
