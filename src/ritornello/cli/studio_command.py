"""`ritornello studio`, a page to compose by looking and listening, and `tune`, from its ratings."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ritornello.cli.options import Flag
from ritornello.cli.show import out, print_json, say
from ritornello.errors import MissingExtraError
from ritornello.folders import studio_folder


def tune(
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    model: Annotated[str, Parameter(alias="-m")] = "default",
    ratings: Path | None = None,
    candidates: int = 8,
    overwrite: Flag = False,
    json: Flag = False,
) -> None:
    """Learn from pairs that you rated in the studio what to keep of what a model composes.

    The new model has the same network, and a critic that chooses the best of several pieces.

    Parameters
    ----------
    output
        Folder for the tuned model.
    model
        A model's name, or the folder that `ritornello train` wrote.
    ratings
        The database of a studio, studio.db; that of your own library if left out.
    candidates
        How many pieces the critic chooses one from, each time the model composes one.
    overwrite
        Replace the folder.
    json
        Print the result for programs.
    """
    from ritornello.errors import InputError
    from ritornello.generation.preference.comparisons import Comparison
    from ritornello.generation.preference.tuning import tune as tune_model
    from ritornello.studio.database import DATABASE_FILE, Database
    from ritornello.studio.piece_json import piece_from_json
    from ritornello.studio.rating_library import RatingLibrary
    from ritornello.studio.song_library import SongLibrary

    path = ratings or studio_folder() / DATABASE_FILE
    if not path.is_file():
        raise InputError(
            "There is no such library.",
            where=str(path),
            next_step="Rate some pairs first: ritornello studio",
        )
    database = Database(path)
    pairs = RatingLibrary(database, SongLibrary(database)).for_learning()
    database.close()
    comparisons = [
        Comparison(piece_from_json(left), piece_from_json(right), answer)
        for left, right, answer in pairs
    ]
    about = tune_model(model, comparisons, output, candidates=candidates, overwrite=overwrite)
    if json:
        print_json(about)
        return
    out.print(f"{about['pairs']} pairs are learned.", style="bold")
    if about["held_back_right"] is not None:
        share, tried = about["held_back_right"], about["held_back_pairs"]
        out.print(f"  of {tried} pairs held back it names the winner in {share:.0%}")
    out.print(f"  you like: {', '.join(about['likes']) or 'nothing that it could name'}")
    out.print(f"  {output}", markup=False)
    say(f"Compose with it: ritornello compose -m {shlex.quote(str(output))}")


def studio(
    *,
    port: int | None = None,
    browser: bool = True,
    library: Path | None = None,
    lan: Flag = False,
) -> None:
    """Open the studio: compose by looking and listening, on a page in your browser.

    It runs on this machine, and nothing leaves it.
    Needs the extra: pip install 'ritornello[studio]'

    Parameters
    ----------
    port
        To listen at; 8340, or the next one that is free, if left out. 0 is any free one.
    browser
        Whether to open the page in a browser.
    library
        Folder of your songs, recordings and ratings; one of your own folders if left out.
    lan
        Let other machines of your network in, with an address that has a token in it.
    """
    for package in ("fastapi", "uvicorn"):
        if find_spec(package) is None:
            raise MissingExtraError("The studio needs FastAPI and uvicorn.", extra="studio")
    from ritornello.studio.serve_studio import serve_studio

    serve_studio(
        library or studio_folder(),
        port=port,
        lan=lan,
        browser=browser,
        say=lambda sentence: out.print(sentence, markup=False),
    )
