r"""Make the bundled separator: render examples, train on them, measure, put it in the package.

    python -m experiments.separation.separator_model render CORPUS RUN --fonts ,A.sf2 \
        --unseen B.sf3
    python -m experiments.separation.separator_model train RUN --minutes 60    # resumes
    python -m experiments.separation.separator_model pack RUN

CORPUS is a corpus store of sets that may train what ships. An empty name among the fonts is the
font of the package. The songs of `data/stem_loops15` are kept out of training; two CC0 songs that
people recorded (`data/real_stems/train`) are learned from too. A run begins with the bundled
weights, or with `--anew`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments.listening.drum_kits import one_shots
from experiments.music_sets import data_folder
from experiments.separation.real_songs import whole_songs
from experiments.separation.synthesised_stems import play_synthesised
from ritornello.corpus.store import Corpus
from ritornello.dsp.effects import other_stems
from ritornello.dsp.sound_files import read_audio
from ritornello.note_model import weights_file
from ritornello.note_model.weights_file import WeightsFile
from ritornello.separate.overlapping_chunks import root_mean_square, separate_blocks
from ritornello.separate.rendered_stems import SongBook
from ritornello.separate.runtime import SeparatorNetwork
from ritornello.separate.scores import ideal_ratio_mask, si_sdr_db
from ritornello.separate.separation import SEPARATOR_RATE_HZ, load_separator
from ritornello.separate.stem_examples import StemExamples, write_examples
from ritornello.separate.stem_folders import PARTS, read_songs
from ritornello.separate.stem_player import Example, RenderConfig, Score, play

_SECONDS = 12.0
# How many, and the seed they are drawn by; the synthesised ones are played so in part.
_EXAMPLES = {
    "valid": (16, 1), "unseen": (16, 2), "synthesised_valid": (16, 3),
    "train": (240, 0), "synthesised_train": (320, 4),
}  # fmt: skip
_REAL_TIMES = 2  # each second of a real song is drawn as often as so many of the others
_LEARNING_RATE = 4e-3
_ASSET = Path(__file__).resolve().parents[2] / "src/ritornello/assets/listening"
_CREDITS = (
    "Songs: Freedoom contributors (BSD-3), Groove MIDI Dataset (Google LLC, CC BY 4.0), OpenScore "
    "(CC0), Hauptstimme (MIT), Mutopia (PD, some CC BY), OpenEWLD (MIT), Open Hymnal Project (PD), "
    "band arrangements made by rules (CC BY 4.0). Sounds: FluidR3 (MIT), drum one-shots (CC0). "
    "Two songs with their stems: Software-Entwicklungskit, Everything is Free (CC0)."
)
_LIMITS = (
    "But for two songs it has heard rendered and synthesised music only, which is easier than "
    "recordings: real pianos and voices are strange to it. All channels share alike, so where a "
    "sound comes from does not help. Shares cannot turn phases: see the ideal ratio mask."
)
_BEFORE = (
    "rendered examples of 12 s, for 22 minutes; half of the mixes of these at other speeds and "
    "through equalisers, some with noise or without the lowest and highest frequencies"
)


def render(corpus: Path, run: Path, fonts: Sequence[str], unseen: str) -> None:
    """Examples to train with, to choose weights by, and by a font that is never trained with."""
    music = Corpus.open(corpus)
    loops = data_folder() / "stem_loops15"
    manifest = json.loads((loops / "manifest.json").read_text(encoding="utf-8"))
    left_out = frozenset(entry["file"] for entry in manifest)
    for name, (count, seed) in _EXAMPLES.items():
        if (run / name / "about.json").exists():
            continue
        side = "train" if name.endswith("train") else "valid"
        heard = (unseen,) if name == "unseen" else tuple(fonts)
        config = RenderConfig(SEPARATOR_RATE_HZ, _SECONDS, heard, seed=seed)
        songs = SongBook.of_corpus(music, side, left_out)
        perform: Callable[[Score], Example] = play
        if name.startswith("synthesised"):
            perform = partial(play_synthesised, shots=one_shots(data_folder(), side))
        made = (perform(songs.draw(config, number)) for number in range(count))
        write_examples(
            run / name,
            ((example.stems, example.sources) for example in made),
            count=count, samples=config.samples, rate_hz=config.rate_hz,
        )  # fmt: skip


def train(run: Path, minutes: float, *, anew: bool) -> None:
    import torch

    from ritornello.separate.mixing import MIX_SECONDS, StemMixer
    from ritornello.separate.training import SeparatorProgress, SeparatorTraining, train_separator

    torch.set_num_threads(1)
    told = 0

    def watch(progress: SeparatorProgress) -> None:
        nonlocal told
        if progress.steps % 200 == 0 or len(progress.curve) > told:
            told = len(progress.curve)
            last = progress.curve[-1].gained_db if told else ()
            print(f"{progress.minutes:.2f} min, {progress.steps} steps, {progress.loss:.3f}", last,
                  flush=True)  # fmt: skip

    made = [StemExamples.open(run / name) for name in ("train", "synthesised_train")]
    real = [*_real_stems()]
    valid = [StemExamples.open(run / name) for name in ("valid", "synthesised_valid")]
    train_separator(
        StemMixer(
            [*made[0].stems, *made[1].stems, *_REAL_TIMES * real],
            round(MIX_SECONDS * SEPARATOR_RATE_HZ),
            effect=lambda stems, rng: other_stems(stems, SEPARATOR_RATE_HZ, rng),
        ),
        [each.read(index) for each in valid for index in range(0, len(each), 2)],
        SeparatorTraining(
            minutes, SEPARATOR_RATE_HZ, learning_rate=_LEARNING_RATE, validate_minutes=2.0
        ),
        judge=si_sdr_db,
        start=None if anew else load_separator(None),
        folder=run / "separator",
        watch=watch,
    )


def _real_stems() -> Iterator[np.ndarray]:
    """The songs that people recorded, int16 [samples, parts] at the rate of the separator."""
    import soxr

    for _, stems, rate_hz in whole_songs(data_folder(), "train"):
        full = soxr.resample(stems.astype(np.float32), rate_hz, SEPARATOR_RATE_HZ)
        yield np.rint(np.clip(full, -1, 1) * 32_767).astype(np.int16)


def measure(run: Path, file: WeightsFile) -> dict[str, Any]:
    """Figures of weights on all sets, by name."""
    loops = read_songs(data_folder() / "stem_loops15", read_audio, rate_hz=SEPARATOR_RATE_HZ)
    sets = {
        "valid": _examples(StemExamples.open(run / "valid")),
        "unseen_font": _examples(StemExamples.open(run / "unseen")),
        "synthesised": _examples(StemExamples.open(run / "synthesised_valid")),
        "stem_loops15": (song.stems for song in loops.songs),
    }
    network = SeparatorNetwork(file)
    return {name: scores(network, of_set) for name, of_set in sets.items()}


def pack(run: Path) -> None:
    """The best weights so far, with their figures, into the package."""
    file = load_separator(run / "separator")
    figures = measure(run, file)
    about = {
        **file.provenance,
        "trained_minutes": file.provenance["validation"]["minutes"],
        "learned_from": f"{_BEFORE}; then {len(StemExamples.open(run / 'train'))} of them and "
        f"{len(StemExamples.open(run / 'synthesised_train'))} of {_SECONDS:g} s in which some play "
        "synthesisers, voices, bows and drum machines drawn anew, and two recorded songs",
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
    training.add_argument("--anew", action="store_true", help="not with the bundled weights")
    given = parser.parse_args()
    if given.what == "render":
        render(given.corpus, given.run, given.fonts.split(","), given.unseen)
    elif given.what == "train":
        train(given.run, given.minutes, anew=given.anew)
    else:
        pack(given.run)


if __name__ == "__main__":
    main()
