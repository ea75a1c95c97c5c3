"""What helpers do for ratings: pairs to be heard blind, tests of real or machine, tuned models."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ritornello import api
from ritornello.corpus.listing import list_files
from ritornello.dsp.mastering import measure
from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.errors import InputError, RitornelloError
from ritornello.generation.preference.comparisons import Comparison
from ritornello.generation.preference.tuning import tune as tune_model
from ritornello.generation.rules import MAX_PARTS, Rules
from ritornello.json_values import JsonObject
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Piece
from ritornello.music.slicing import slice_bars
from ritornello.studio.composing_calls import open_composer
from ritornello.studio.helper_process import Tell
from ritornello.studio.piece_json import piece_from_json, piece_to_json
from ritornello.synth.render import render

_LUFS = -18.0  # at most
_LEAST_NOTES_A_BAR = 2
_TRIES = 200


def pair(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Write two pieces for one wish, and play them equally loud into ``folder``."""
    tell("progress", {"step": "composing", "done": None, "seconds_left": None})
    pieces = open_composer(arguments["model"]).compose_many(
        2,
        seed=arguments["seed"],
        temperature=arguments["temperature"],
        top_p=arguments["top_p"],
        best_of=1,  # what people rate is what a model writes
        **arguments["rules"],
    )
    tell("progress", {"step": "playing", "done": 0.5, "seconds_left": None})
    order = [0, 1]
    random.SystemRandom().shuffle(order)
    folder = Path(arguments["folder"])
    names = ("left", "right")
    seconds = play_alike(
        [pieces[number] for number in order], [folder / f"{name}.mp3" for name in names]
    )
    return {
        "sides": [
            {
                "piece": piece_to_json(replace(pieces[number], title=f"Rated {name}")),
                "seed": arguments["seed"] + number,
                "seconds": length,
            }
            for name, number, length in zip(names, order, seconds, strict=True)
        ]
    }


def blind_test(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Play real excerpts, and as many that a model wrote for the same bands, into ``output``.

    Every real piece gives one excerpt at most, and what the model writes is taken as it comes.
    """
    output, trials, bars = Path(arguments["output"]), arguments["trials"], arguments["bars"]
    rng = random.Random(arguments["seed"])
    composer = open_composer(arguments["model"])
    real = _excerpts(arguments, rng)
    is_real = [number % 2 == 0 for number in range(trials)]
    rng.shuffle(is_real)
    made, pieces = [], []
    for number, (name, excerpt) in enumerate(real[:trials], 1):
        tell("progress", {"step": "composing", "done": number / trials, "seconds_left": None})
        source, piece = name, excerpt
        if not is_real[number - 1]:
            source, seed = f"{arguments['model']}, for the band of {name}", rng.randrange(10**6)
            piece = composer.compose(_same_band(excerpt, arguments["style"]), seed=seed, best_of=1)
        pieces.append(piece)
        made.append({"number": number, "is_real": is_real[number - 1], "source": source})
    tell("progress", {"step": "playing", "done": None, "seconds_left": None})
    play_alike(pieces, [output / f"{each['number']}.mp3" for each in made])
    return {"trials": made, "bars": bars}


def tune(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Learn from ``pairs`` and make a model in ``output``."""
    tell("progress", {"step": "comparing", "done": None, "seconds_left": None})
    output = Path(arguments["output"])
    learn_network = None
    if arguments["network"]:
        from ritornello.training.preference_learning import learn_heads

        def watch(done: float) -> None:
            tell("progress", {"step": "learning", "done": done, "seconds_left": None})

        learn_network = partial(learn_heads, watch=watch)
    comparisons = [
        Comparison(piece_from_json(left), piece_from_json(right), answer)
        for left, right, answer in arguments["pairs"]
    ]
    about = tune_model(
        arguments["model"],
        comparisons,
        output,
        candidates=arguments["candidates"],
        learn_network=learn_network,
        overwrite=True,
    )
    return {"model": output.name, "files": [], "learned": about}


def play_alike(pieces: Sequence[Piece], targets: Sequence[Path]) -> list[float]:
    """Play pieces into files, all at the loudness of the softest; returns the seconds of each.

    The softest counts, as what is made softer needs no limiter, which one could hear.
    """
    sounds = [render(piece) for piece in pieces]
    lufs = [measure(sound.samples.T, sound.rate_hz).lufs() for sound in sounds]
    wanted = min([_LUFS, *filter(np.isfinite, lufs)])
    for sound, loudness, target in zip(sounds, lufs, targets, strict=True):
        gain = np.float32(10 ** ((wanted - loudness) / 20) if np.isfinite(loudness) else 1)
        write_audio(Waveform(sound.samples * gain, sound.rate_hz), target, overwrite=True)
    return [round(sound.duration_seconds, 2) for sound in sounds]


def _excerpts(arguments: JsonObject, rng: random.Random) -> list[tuple[str, Piece]]:
    """Excerpts of as many real pieces as there are trials, with their names.

    Raises:
        InputError: if there are not enough.
    """
    sources: Sequence[tuple[str, Any]] = arguments["songs"]
    if arguments["folder"] is not None:
        folder = Path(arguments["folder"])
        sources = [(name, folder / name) for name in list_files(folder).music]
    order = rng.sample(range(len(sources)), len(sources))
    found: list[tuple[str, Piece]] = []
    for index in order[:_TRIES]:
        if len(found) == arguments["trials"]:
            break
        name, source = sources[index]
        try:
            piece = api.load(source) if isinstance(source, Path) else piece_from_json(source)
        except RitornelloError:
            continue
        excerpt = _excerpt(piece, arguments["bars"], rng)
        if excerpt is not None:
            found.append((name, excerpt))
    if len(found) < arguments["trials"]:
        raise InputError(
            f"{len(found)} real pieces have {arguments['bars']} bars with music; "
            f"{arguments['trials']} are needed, one a trial.",
            next_step="Name a folder of music that the model did not learn from, or ask for less.",
        )
    return found


def _excerpt(piece: Piece, bars: int, rng: random.Random) -> Piece | None:
    """Some bars from within a piece; None where they hold hardly a note, or too large a band."""
    if piece.bar_count < bars:
        return None
    first = rng.randrange(piece.bar_count - bars + 1)
    excerpt = slice_bars(piece, first, first + bars)
    tracks = tuple(track for track in excerpt.tracks if len(track))
    if not 1 <= len(tracks) <= MAX_PARTS or excerpt.note_count < _LEAST_NOTES_A_BAR * bars:
        return None
    return replace(excerpt, tracks=tracks)


def _same_band(excerpt: Piece, style: str | None) -> Rules:
    """Rules for a piece like an excerpt: its length, metre, tempo and players."""
    metre = excerpt.metres[0]
    names = [INSTRUMENTS[track.instrument].name for track in excerpt.tracks]
    rules: dict[str, Any] = {
        "bars": excerpt.bar_count,
        "tempo_bpm": float(np.clip(excerpt.tempos[0].bpm, 20, 320)),
        "collection": style,
        "ending": False,
    }
    try:
        return Rules(metre=(metre.numerator, metre.denominator), parts=tuple(names), **rules)
    except RitornelloError:  # a band or a metre that the model cannot count: it is left open
        return Rules(**rules)
