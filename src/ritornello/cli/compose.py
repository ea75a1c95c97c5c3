"""`ritornello compose`: rules in, pieces out as files, and a few friendly lines about them."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ritornello.cli.options import Flag, Names, read_range, split_names, split_pairs
from ritornello.cli.originality import as_facts
from ritornello.cli.show import out, print_json, progress, say
from ritornello.errors import ConfigError

if TYPE_CHECKING:
    from ritornello.api import Attempt
    from ritornello.piece import Piece

_SOUNDS = frozenset({"wav", "flac", "ogg", "mp3"})
_SEEDS = 1_000_000  # few enough for a pleasant file name


def compose(
    *,
    model: Annotated[str, Parameter(alias="-m")] = "default",
    bars: int = 16,
    tempo: float | None = None,
    key: str | None = None,
    metre: str = "4/4",
    parts: Names = (),
    polyphony: Names = (),
    ranges: Annotated[Names, Parameter(name="--range")] = (),
    density: float | None = None,
    like: str | None = None,
    temperature: float = 0.9,
    top_p: float = 0.97,
    seed: int | None = None,
    number: Annotated[int, Parameter(alias="-n")] = 1,
    formats: Annotated[Names, Parameter(name=("--formats", "-f"))] = ("mid,mp3,png",),
    output: Annotated[Path, Parameter(alias="-o")] = Path("out"),
    stems: Flag = False,
    original: Flag = False,
    overwrite: Flag = False,
    json: Flag = False,
) -> None:
    """Compose new pieces.

    What you ask for is kept exactly; what you leave open the model decides.

    Parameters
    ----------
    model
        A model's name, or the folder that `ritornello train` wrote.
    bars
        Exact length of the piece.
    tempo
        Quarter notes a minute.
    key
        Tonic and scale, such as "D minor", Bb or "E dorian". All notes keep to it.
    metre
        Such as 4/4, 3/4 or 6/8.
    parts
        Who plays, such as piano,bass,drums. All of them do, and nobody else.
    polyphony
        Most notes a part holds at a time, such as lead=1,all=4.
    ranges
        Lowest and highest MIDI pitch of a part, such as bass=28-50 (60 is middle C).
    density
        Notes a beat to aim at. A wish, not a rule.
    like
        Collection of the training music to write like. A wish, not a rule.
    temperature
        1 follows the model, lower is safer, higher is wilder.
    top_p
        Share of the likeliest choices that are considered, up to 1.
    seed
        The same seed gives the same piece; at random if left out.
    number
        How many pieces; each gets the next seed.
    formats
        What to write: mid, musicxml, mxl, npz, wav, flac, ogg, mp3, png, svg, score.svg, pdf.
    output
        Folder to write into.
    stems
        Also write each part as a sound of its own.
    original
        Try further seeds until no two bars stand in the training music, in any transposition.
    overwrite
        Replace files that are there.
    json
        Print the result for programs.
    """
    from ritornello import api
    from ritornello.generation.rules import Rules

    start = time.monotonic()
    rules = Rules(
        bars=bars,
        metre=metre,
        tempo_bpm=tempo,
        key=key,
        parts=tuple(split_names(parts)) or None,
        polyphony=split_pairs(polyphony, "--polyphony", "lead=1,all=4", int),
        ranges=split_pairs(ranges, "--range", "bass=28-50", read_range),
        density=density,
        collection=like,
    )
    if number < 1:
        raise ConfigError(f"At least one piece is needed; asked for {number}.")
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    endings = _endings(formats, stems)
    targets = [
        [output / f"piece-{seed + index}.{ending}" for ending in endings] for index in range(number)
    ]
    for paths in targets:
        for path in paths:
            api.refuse_target(path, overwrite=overwrite)
    taught = api.training_index(model) if original else None
    composer = api.Composer.load(model)
    attempts: list[Attempt] = []
    with progress("Composing") as watch:
        if taught is None:
            pieces = composer.compose_many(
                number, rules, seed=seed, temperature=temperature, top_p=top_p, watch=watch
            )
        else:

            def make(tried: int) -> Piece:
                return composer.compose(rules, seed=tried, temperature=temperature, top_p=top_p)

            for done in range(number):
                watch(done, number)
                attempts.append(api.most_original(make, taught, seed=seed + done))
            pieces = [attempt.piece for attempt in attempts]
    written = []
    with progress("Writing") as watch:
        for index, (piece, paths) in enumerate(zip(pieces, targets, strict=True)):
            watch(index, number)
            written.append([p for path in paths for p in _write(piece, path, stems, overwrite)])
    seconds = time.monotonic() - start
    rows = [
        _facts(piece, seed + index, files)
        for index, (piece, files) in enumerate(zip(pieces, written, strict=True))
    ]
    for row, attempt in zip(rows, attempts, strict=False):
        row["original"] = {
            "within_limit": attempt.within_limit,
            "tries": attempt.tries,
            "seed": attempt.seed,
            **as_facts(attempt.originality),
        }
    if json:
        print_json({"model": model, "seconds": round(seconds, 2), "pieces": rows})
    else:
        _print(rows, seconds)


def _endings(formats: tuple[str, ...], stems: bool) -> list[str]:
    """The endings to write, each once; stems need a sound."""
    endings = list(dict.fromkeys(name.lower().lstrip(".") for name in split_names(formats)))
    if not endings:
        raise ConfigError("No format to write is given.", next_step="Write it as in -f mid,mp3")
    if stems and not _SOUNDS.intersection(endings):
        endings.append("wav")
    return endings


def _write(piece: Piece, path: Path, stems: bool, overwrite: bool) -> list[Path]:
    from ritornello import api

    if stems and path.suffix[1:] in _SOUNDS:
        return api.render(piece, path, stems=True, overwrite=overwrite)
    return [api.save(piece, path, overwrite=overwrite)]


def _facts(piece: Piece, seed: int, files: list[Path]) -> dict[str, Any]:
    """What a person or a program wants to know of a piece."""
    return {
        "seed": seed,
        "files": [str(path) for path in files],
        "key": str(piece.keys[0].key) if piece.keys else None,
        "tempo_bpm": piece.tempos[0].bpm,
        "metre": f"{piece.metres[0].numerator}/{piece.metres[0].denominator}",
        "bars": piece.bar_count,
        "seconds": round(piece.duration_seconds, 1),
        "parts": {track.label: len(track) for track in piece.tracks},
    }


def _print(rows: list[dict[str, Any]], seconds: float) -> None:
    for row in rows:
        key = f"{row['key']}, " if row["key"] else ""
        parts = ", ".join(f"{name} ({count})" for name, count in row["parts"].items())
        minutes, rest = divmod(round(row["seconds"]), 60)
        out.print(
            f"Piece {row['seed']}: {key}{row['tempo_bpm']:g} bpm, {row['metre']}, "
            f"{row['bars']} bars, {minutes}:{rest:02d}",
            style="bold",
        )
        out.print(f"  notes: {parts}", markup=False)
        if tried := row.get("original"):
            tries = "1 try" if tried["tries"] == 1 else f"{tried['tries']} tries"
            kept = "copies no two bars" if tried["within_limit"] else "copies least, but too much"
            out.print(f"  {kept} of the training music ({tries})")
        for path in row["files"]:
            out.print(f"  {path}", markup=False)
    first, last = rows[0]["seed"], rows[-1]["seed"]
    seeds = f"seed {first}" if first == last else f"seeds {first} to {last}"
    say(f"Done in {seconds:.1f} seconds, with {seeds}.")
