r"""Make the bundled separator: render examples, train on them, measure, put it in the package.

    python -m experiments.separation.separator_model render CORPUS RUN --fonts ,A.sf2 \
        --unseen B.sf3 --loops LOOPS
    python -m experiments.separation.separator_model train RUN --minutes 60    # resumes
    python -m experiments.separation.separator_model pack RUN --loops LOOPS

CORPUS is a corpus store of sets that may train what ships, LOOPS `data/stem_loops15`, whose songs
are kept out of training. An empty name among the fonts is the font of the package.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.corpus.store import Corpus
from ritornello.dsp.effects import other_stems
from ritornello.dsp.sound_files import read_audio
from ritornello.note_model import weights_file
from ritornello.separate.overlapping_chunks import root_mean_square, separate_blocks
from ritornello.separate.rendered_stems import SongBook, save_examples
from ritornello.separate.runtime import SeparatorNetwork
from ritornello.separate.scores import ideal_ratio_mask, si_sdr_db
from ritornello.separate.separation import SEPARATOR_RATE_HZ, load_separator
from ritornello.separate.stem_examples import StemExamples
from ritornello.separate.stem_folders import PARTS, read_songs
from ritornello.separate.stem_player import RenderConfig

_SECONDS = 12.0
# How many, and the seed they are drawn by.
_EXAMPLES = {"valid": (16, 1), "unseen": (16, 2), "train": (520, 0)}
_ASSET = Path(__file__).resolve().parents[2] / "src/ritornello/assets/listening"
_CREDITS = (
    "Songs: Freedoom contributors (BSD-3), Groove MIDI Dataset (Google LLC, CC BY 4.0), OpenScore "
    "(CC0), Hauptstimme (MIT), Mutopia (PD, some CC BY), OpenEWLD (MIT), Open Hymnal Project (PD), "
    "band arrangements made by rules (CC BY 4.0). Sounds: FluidR3 (MIT)."
)
_LIMITS = (
    "It has heard rendered music only, which is easier than recordings: voices, and instruments "
    "unlike those of General MIDI, are strange to it. All channels share alike, so where a sound "
    "comes from does not help. Shares cannot turn phases: see the ideal ratio mask."
)


def render(corpus: Path, run: Path, fonts: Sequence[str], unseen: str, loops: Path) -> None:
    """Examples to train with, to choose weights by, and by a font that is never trained with."""
    music = Corpus.open(corpus)
    manifest = json.loads((loops / "manifest.json").read_text(encoding="utf-8"))
    left_out = frozenset(entry["file"] for entry in manifest)
    for name, (count, seed) in _EXAMPLES.items():
        if (run / name / "about.json").exists():
            continue
        side = "train" if name == "train" else "valid"
        heard = (unseen,) if name == "unseen" else tuple(fonts)
        config = RenderConfig(SEPARATOR_RATE_HZ, _SECONDS, heard, seed=seed)
        songs = SongBook.of_corpus(music, side, left_out)
        save_examples(songs, config, run / name, count=count, workers=0)


def train(run: Path, minutes: float) -> None:
    import torch

    from ritornello.separate.mixing import MIX_SECONDS, StemMixer
    from ritornello.separate.training import SeparatorProgress, SeparatorTraining, train_separator

    torch.set_num_threads(1)
    told = 0

    def watch(progress: SeparatorProgress) -> None:
        nonlocal told
        if progress.steps % 20 == 0 or len(progress.curve) > told:
            told = len(progress.curve)
            last = progress.curve[-1].gained_db if told else ()
            print(f"{progress.minutes:.2f} min, {progress.steps} steps, {progress.loss:.3f}", last,
                  flush=True)  # fmt: skip

    examples = StemExamples.open(run / "train")
    valid = StemExamples.open(run / "valid")
    train_separator(
        StemMixer(
            list(examples.stems),
            round(MIX_SECONDS * SEPARATOR_RATE_HZ),
            effect=lambda stems, rng: other_stems(stems, SEPARATOR_RATE_HZ, rng),
        ),
        [valid.read(index) for index in range(0, len(valid), 2)],
        SeparatorTraining(minutes, SEPARATOR_RATE_HZ, validate_minutes=2.0),
        judge=si_sdr_db,
        folder=run / "separator",
        watch=watch,
    )


def pack(run: Path, loops: Path) -> None:
    """The best weights so far, with their figures, into the package."""
    file = load_separator(run / "separator")
    network = SeparatorNetwork(file)
    sets = {
        "valid": _examples(StemExamples.open(run / "valid")),
        "unseen_font": _examples(StemExamples.open(run / "unseen")),
        "stem_loops15": (
            song.stems for song in read_songs(loops, read_audio, rate_hz=SEPARATOR_RATE_HZ).songs
        ),
    }
    figures = {name: scores(network, songs) for name, songs in sets.items()}
    about = {
        **file.provenance,
        "trained_minutes": file.provenance["validation"]["minutes"],
        "learned_from": f"{len(StemExamples.open(run / 'train'))} rendered examples of "
        f"{_SECONDS:g} s; half of the mixes of these at other speeds and through equalisers, "
        "some of them with noise or without the lowest and highest frequencies",
        "figures": figures,
        "protocol": "SI-SDR in dB, mean over the songs that have the part, mono at 44,100 Hz; "
        "gained: over that of the mix; ideal: of the ideal ratio mask",
        "credits": _CREDITS,
        "limits": _LIMITS,
    }
    weights_file.save(replace(file, provenance=about), _ASSET / "separator.safetensors")
    print(json.dumps(figures, indent=1))


def _examples(examples: StemExamples) -> Iterator[np.ndarray]:
    return (examples.read(index) for index in range(len(examples)))


def scores(network: SeparatorNetwork, songs: Iterator[np.ndarray]) -> dict[str, Any]:
    """SI-SDR of each part of songs [samples, parts]: made, gained over the mix, and ideal."""
    rows = []
    for stems in songs:
        mix = stems.sum(axis=1)
        blocks = [mix[:, None]]
        level = root_mean_square(blocks)
        made = list(separate_blocks(blocks, SEPARATOR_RATE_HZ, network, level=level))
        estimates = np.concatenate(made, axis=1)[..., 0]
        ideal = ideal_ratio_mask(stems, SEPARATOR_RATE_HZ)
        rows.append(
            [
                (si_sdr_db(stem, estimate), si_sdr_db(stem, mix), si_sdr_db(stem, bound))
                for stem, estimate, bound in zip(stems.T, estimates, ideal.T, strict=True)
            ]
        )
    table = np.array(rows)  # [songs, parts, 3]
    found: dict[str, Any] = {"songs": len(rows)}
    for part, name in enumerate(PARTS):
        heard = table[np.isfinite(table[:, part]).all(axis=1), part]
        if len(heard):
            made_db, mix_db, ideal_db = heard.mean(axis=0)
            found[name] = {
                "songs": len(heard),
                "made_db": round(made_db, 2),
                "gained_db": round(made_db - mix_db, 2),
                "ideal_gained_db": round(ideal_db - mix_db, 2),
            }
    for key in ("gained_db", "ideal_gained_db"):
        found[key] = round(float(np.mean([found[n][key] for n in PARTS if n in found])), 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)
    rendering = commands.add_parser("render")
    rendering.add_argument("corpus", type=Path)
    training = commands.add_parser("train")
    packing = commands.add_parser("pack")
    for command in (rendering, training, packing):
        command.add_argument("run", type=Path)
    rendering.add_argument("--fonts", default="")
    rendering.add_argument("--unseen", required=True)
    training.add_argument("--minutes", type=float, default=60.0, help="of processor time")
    for command in (rendering, packing):
        command.add_argument("--loops", type=Path, required=True)
    given = parser.parse_args()
    if given.what == "render":
        render(given.corpus, given.run, given.fonts.split(","), given.unseen, given.loops)
    elif given.what == "train":
        train(given.run, given.minutes)
    else:
        pack(given.run, given.loops)


if __name__ == "__main__":
    main()
