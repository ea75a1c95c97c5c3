"""Ours beside the three separators of `remix2023`: one set of examples, equal CPU time.

    python -m experiments.separation.separation --store STORE --fonts A.sf2,B.sf2 --unseen C.sf3
    python -m experiments.separation.separation --table    # of the figures there are, as Markdown

`--store` is a corpus store. Training examples are rendered from its training songs with the fonts;
validation and test examples from other songs, and once more with the font unseen. A run is kept in
`--work`: start the same command again to go on after a stop, or with some of the `--systems` to
train these first. Once all are trained, each is scored once; the figures go to
`experiments/results/separation.json` and, with curves, `separation.html`.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from experiments.music_sets import ROOT, data_folder
from experiments.scorecard import RESULTS, names, say, write
from experiments.separation.separators import (
    CHUNK_SECONDS,
    OURS,
    PUBLISHED,
    SYSTEMS,
    our_network,
    our_stems,
    published_runs,
    published_stems,
    teach_ours,
    teach_published,
)
from ritornello.corpus.store import Corpus
from ritornello.dsp.short_time import window_size
from ritornello.dsp.sound_files import read_audio
from ritornello.errors import InputError, RitornelloError
from ritornello.pages.charts import LINES, Curve
from ritornello.pages.curves_page import CurvesPage, curves_html
from ritornello.pages.numbers import number
from ritornello.papers.remix2023.measure import LABELS, Scores, baselines, mean, score
from ritornello.separate.rendered_stems import SongBook, save_examples
from ritornello.separate.scores import click_db
from ritornello.separate.stem_examples import StemExamples
from ritornello.separate.stem_folders import PARTS, StemSong, read_songs
from ritornello.separate.stem_player import RenderConfig

RATE_HZ = 22_050
TRAIN_SECONDS, TEST_SECONDS = 6.0, 10.0
VALIDATIONS = 8
LOOPS = "stem_loops15"
# Ours at work on long music: chunks short enough that 10 seconds have several borders.
SEAM_CHUNKS = {"chunk_seconds": 4.0, "overlap_seconds": 1.0}
COPY = "copy of the mix"
NAMES = {**LABELS, OURS: "ours"}


# --- examples -------------------------------------------------------------------------------------


def songs(corpus: Corpus, side: str, data: Path) -> SongBook:
    """The songs of "train", "valid" or "test", without those of the loops that are scored.

    The validation songs of the corpus are halved by title into "valid" and "test".
    """
    manifest = json.loads((data / LOOPS / "manifest.json").read_text(encoding="utf-8"))
    loops = {title(loop["file"]) for loop in manifest}
    pieces = corpus.indices("train" if side == "train" else "valid")
    files = (Path(corpus.name_of(int(index))).name for index in pieces)
    half = {"valid": 0, "test": 1}.get(side)
    other = {
        name
        for name in files
        if title(name) in loops or half not in (None, zlib.crc32(title(name).encode()) % 2)
    }
    return SongBook.of_corpus(corpus, "train" if side == "train" else "valid", frozenset(other))


def title(file_name: str) -> str:
    """What the versions of a song have in common: a__TITLE__version.mid."""
    pieces = Path(file_name).stem.split("__")
    return pieces[1] if len(pieces) > 2 else pieces[-1]


def examples(options: argparse.Namespace) -> dict[str, StemExamples]:
    """All sets of examples, rendered where they are not there yet."""
    found = {}
    seen = RenderConfig(RATE_HZ, TRAIN_SECONDS, tuple(options.fonts), seed=options.seed)
    longer = replace(seen, seconds=TEST_SECONDS)
    unseen = replace(longer, soundfonts=(str(options.unseen),))
    for name, side, config, count, first in (
        ("train", "train", seen, options.examples, 0),
        ("valid", "valid", seen, options.tests // 2, 1_000_000),
        ("test", "test", longer, options.tests, 2_000_000),
        ("unseen font", "test", unseen, options.tests, 2_000_000),
    ):
        folder = options.work / name.replace(" ", "-")
        try:
            found[name] = StemExamples.open(folder)
        except InputError:
            say(f"rendering {count} examples for {name}")
            book = songs(Corpus.open(options.store), side, options.data)
            found[name] = save_examples(book, config, folder, count=count, first=first, workers=1)
    return found


def as_songs(stored: StemExamples) -> list[StemSong]:
    stems = [stored.read(index) for index in range(len(stored))]
    return [
        StemSong(f"{number}", each.sum(axis=1), each[:, 0], PARTS[0], each, stored.rate_hz)
        for number, each in enumerate(stems)
    ]


# --- training and scoring -------------------------------------------------------------------------


def place(options: argparse.Namespace, system: str) -> Path:
    """Where a system is kept. The published go on when more minutes are asked for; ours, whose
    learning rate falls to the end of its time, begins anew.
    """
    result: Path = options.work / (f"{system}-{options.minutes:g}min" if system == OURS else system)
    return result


def teach(options: argparse.Namespace, sets: dict[str, StemExamples]) -> None:
    """Train the systems asked for, each from where it was, and keep their curves."""
    valid = [sets["valid"].read(index) for index in range(len(sets["valid"]))]
    for system in options.systems:
        folder = place(options, system)
        folder.mkdir(parents=True, exist_ok=True)
        if system == OURS:
            curve = teach_ours(sets["train"], valid, folder, options.minutes, VALIDATIONS, say)
        else:
            runs = published_runs(system, sets["train"], valid, folder)
            curve = teach_published(runs, options.minutes, VALIDATIONS, say)
        (folder / "curve.json").write_text(json.dumps(asdict(curve)), encoding="utf-8")


def is_trained(options: argparse.Namespace, system: str) -> bool:
    """Whether a system learned for the minutes asked for, but for one update more."""
    curve = place(options, system) / "curve.json"
    if not curve.exists():
        return False
    minutes = json.loads(curve.read_text(encoding="utf-8"))["minutes"]
    result: bool = options.minutes <= minutes <= 1.02 * options.minutes + 0.1
    return result


Separate = Callable[[np.ndarray], np.ndarray]


def trained(options: argparse.Namespace, train: StemExamples) -> dict[str, Separate]:
    """Every system: what it makes of a mix [samples], the stems [samples, parts]."""
    network = our_network(place(options, OURS))
    systems: dict[str, Separate] = {OURS: partial(our_stems, network, rate_hz=RATE_HZ)}
    for name in PUBLISHED:
        runs = published_runs(name, train, [], place(options, name))
        systems[name] = partial(published_stems, runs, rate_hz=RATE_HZ)
    return systems


def judge(options: argparse.Namespace, sets: dict[str, StemExamples]) -> dict[str, Any]:
    """Score every system once on everything that is held out."""
    loops = read_songs(options.data / LOOPS, read_audio, rate_hz=RATE_HZ).songs
    tests = {name: as_songs(sets[name]) for name in ("test", "unseen font")} | {"loops": loops}
    systems = trained(options, sets["train"])
    figures: dict[str, Any] = {"systems": {}, "tests": {}}
    for name, separate in systems.items():
        say(f"scoring {name}")
        curve = json.loads((place(options, name) / "curve.json").read_text(encoding="utf-8"))
        figures["systems"][name] = curve
        for test, pieces in tests.items():
            began = time.process_time()
            made = [separate(song.mix) for song in pieces]
            seconds = sum(len(song.mix) for song in pieces) / RATE_HZ
            row = judged(score(pieces, made), pieces)
            row["cpu_seconds_a_minute"] = 60 * (time.process_time() - began) / seconds
            figures["tests"].setdefault(test, {})[name] = row
            if test == "test":
                curve["seams_db"] = seams_db(name, made, pieces, options)
    for test, pieces in tests.items():
        for name, made in baselines(pieces, "mix").items():
            figures["tests"][test][name] = judged(score(pieces, made), pieces)
    real = [song.stems for song in tests["test"]]
    figures["seams_of_real_stems_db"] = click_mean(real, round(CHUNK_SECONDS * RATE_HZ), 0)
    return figures


def judged(found: Scores, pieces: list[StemSong]) -> dict[str, Any]:
    """SI-SDR and its gain over the mix, and the signal-to-noise ratio: parts and their mean."""
    untouched = score(pieces, baselines(pieces, "mix")[COPY])
    gains = [
        None if mine is None or other is None else mine - other
        for mine, other in zip(found.si_sdr, untouched.si_sdr, strict=True)
    ]
    return {
        "si_sdr_db": [*found.si_sdr[: len(PARTS)], mean(found.si_sdr)],
        "gained_db": [*gains[: len(PARTS)], mean(gains)],
        "snr_db": [*found.snr[: len(PARTS)], mean(found.snr)],
    }


def seams_db(
    name: str, made: list[np.ndarray], pieces: list[StemSong], options: argparse.Namespace
) -> float:
    """Steps between samples at the borders of a system's chunks against those elsewhere."""
    if name != OURS:
        return click_mean(made, round(CHUNK_SECONDS * RATE_HZ), 0)
    network = our_network(place(options, OURS))
    chunked = [our_stems(network, song.mix, RATE_HZ, **SEAM_CHUNKS) for song in pieces]
    hop = window_size(RATE_HZ, network.split.window_seconds) // 2
    frames = [round(seconds * RATE_HZ / hop) for seconds in SEAM_CHUNKS.values()]
    period = (frames[0] - frames[1]) * hop
    return click_mean(chunked, period, period - hop)


def click_mean(made: list[np.ndarray], period: int, start: int) -> float:
    """Mean of `click_db` over the stems [samples, parts] that sound, from a sample on."""
    found = [click_db(stem[start:], period) for stems in made for stem in stems.T]
    return float(np.mean([value for value in found if np.isfinite(value)]))


# --- results --------------------------------------------------------------------------------------


def protocol(options: argparse.Namespace, sets: dict[str, StemExamples]) -> str:
    shown = ", ".join(Path(font).name or "the bundled font" for font in options.fonts)
    return (
        f"{len(sets['train'])} examples of {TRAIN_SECONDS:g} s rendered from the training songs of "
        f"the corpus with {shown} at {RATE_HZ} Hz, mono, half of them with parts of different "
        f"songs; {options.minutes:g} minutes of CPU time of one thread for each system, validation "
        "not counted; One2Four split: a quarter of it for each of its four networks; published: "
        "settings of the recipe remix2023 (Adam 1e-4, batches of two chunks of 1 s, mean squared "
        "error, best validation loss kept); ours: settings of ritornello.separate.training, best "
        f"validation kept; scored once on {len(sets['test'])} examples of {TEST_SECONDS:g} s from "
        f"held-out songs, on the same songs with {Path(options.unseen).name}, which no training "
        f"example uses, and on the 15 loops of {LOOPS}, whose songs were left out; gain: SI-SDR "
        "less that of the mix, mean over parts of the means over the examples that have the part; "
        f"seams: at borders of 1 s for the published, of chunks of {SEAM_CHUNKS['chunk_seconds']:g}"
        f" s with {SEAM_CHUNKS['overlap_seconds']:g} s overlap for ours"
    )


def markdown(results: dict[str, Any]) -> str:
    """Gains of every system on every test, the bounds beside them."""
    lines = []
    for test, rows in results["figures"]["tests"].items():
        lines += [
            f"SI-SDR over the mix in dB, {test}:",
            "",
            f"| stems by | {' | '.join(PARTS)} | mean | SNR, dB |",
            "|---" * (len(PARTS) + 3) + "|",
        ]
        for name, row in rows.items():
            cells = [*row["gained_db"], row["snr_db"][-1]]
            told = ["" if cell is None else f"{cell:+.1f}" for cell in cells]
            lines.append(f"| {NAMES.get(name, name)} | {' | '.join(told)} |")
        lines.append("")
    lines += [
        "| system | parameters | updates | CPU min | seams, dB | CPU s a minute of music |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in results["figures"]["systems"].items():
        speed = results["figures"]["tests"]["test"][name]["cpu_seconds_a_minute"]
        lines.append(
            f"| {NAMES[name]} | {row['parameters']:,} | {row['steps']:,} | {row['minutes']:.1f} | "
            f"{row['seams_db']:+.2f} | {speed:.1f} |"
        )
    return "\n".join(lines)


def picture(results: dict[str, Any]) -> str:
    """A page with the curves over training time and the gains."""
    looks = dict(zip(SYSTEMS, LINES, strict=False))
    curves = []
    for name, row in results["figures"]["systems"].items():
        minutes = np.array([point["minutes"] for point in row["points"]])
        gains = [
            [np.nan if gain is None else gain for gain in point["gained_db"]]
            for point in row["points"]
        ]
        curves.append(Curve(minutes, np.nanmean(np.array(gains, float), 1), looks[name]))
    tests = results["figures"]["tests"]
    rows = [
        [NAMES.get(name, name), *(number(tests[test][name]["gained_db"][-1]) for test in tests)]
        for name in next(iter(tests.values()))
    ]
    page = CurvesPage(
        title="Separators at equal training time",
        curves=curves,
        looks={looks[name]: NAMES[name] for name in results["figures"]["systems"]},
        x_name="CPU minutes",
        y_name="SI-SDR over the mix, dB",
        caption="Validation songs, mean of parts",
        head=["stems by", *tests],
        rows=rows,
        table_caption="SI-SDR over the mix, dB, mean of parts",
        note=results["protocol"],
    )
    return curves_html(page)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", type=Path, help="corpus store with the songs")
    parser.add_argument("--fonts", type=names, default=[""], help="paths; none: the bundled one")
    parser.add_argument("--unseen", type=Path, help="a font no training example uses")
    parser.add_argument("--minutes", type=float, default=15.0, help="of CPU time for each system")
    parser.add_argument("--examples", type=int, default=450, help="to learn from")
    parser.add_argument("--tests", type=int, default=24, help="examples of each test")
    parser.add_argument("--systems", type=names, default=[*SYSTEMS], help="to train now")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of music sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "separation")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--table", action="store_true", help="only print the table")
    options = parser.parse_args()
    if not options.table and (options.store is None or options.unseen is None):
        parser.error("--store and --unseen are needed, or --table")
    if unknown := set(options.systems) - set(SYSTEMS):
        parser.error(f"--systems are {', '.join(SYSTEMS)}; not {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    options = arguments()
    path = options.results / "separation.json"
    if not options.table:
        torch.set_num_threads(1)
        try:
            sets = examples(options)
            teach(options, sets)
            if missing := [system for system in SYSTEMS if not is_trained(options, system)]:
                raise SystemExit(f"Not trained so long yet: {', '.join(missing)}; nothing scored.")
            found = {
                "protocol": protocol(options, sets),
                "seeds": [options.seed],
                "figures": judge(options, sets),
            }
        except RitornelloError as error:
            raise SystemExit(str(error)) from error
        used = {"cpu_seconds": 60 * len(SYSTEMS) * options.minutes}
        path = write(
            "separation", found, used, options.results, "experiments.separation.separation"
        )
        results = json.loads(path.read_text(encoding="utf-8"))
        path.with_suffix(".html").write_text(picture(results), encoding="utf-8")
    if not path.is_file():
        raise SystemExit(f"{path}: There are no figures yet; run the comparison first.")
    print(markdown(json.loads(path.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
