"""`ritornello studio`, a page to compose by looking and listening, and `tune`, from its ratings."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ritornello.cli.options import AnyWhole, Flag, Whole
from ritornello.cli.show import out, print_json, progress, say
from ritornello.errors import MissingExtraError
from ritornello.folders import studio_folder

if TYPE_CHECKING:
    from ritornello.generation.preference.tuning import LearnNetwork


def tune(
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    model: Annotated[str, Parameter(alias="-m")] = "default",
    ratings: Path | None = None,
    candidates: Whole = 8,
    network: Flag = False,
    overwrite: Flag = False,
    json: Flag = False,
) -> None:
    """Learn from pairs that you rated in the studio what to keep of what a model composes.

    The new model has a critic that chooses the best of several pieces, and with --network a network
    that learned to write more like what you preferred.

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
    network
        Let the network learn too, as far as it knows other music as well as before.
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
    with progress("Learning") as watch:
        about = tune_model(
            model,
            comparisons,
            output,
            candidates=candidates,
            learn_network=_learner(watch) if network else None,
            overwrite=overwrite,
        )
    if json:
        print_json(about)
        return
    out.print(f"{about['pairs']} pairs are learned.", style="bold")
    if about["held_back_right"] is not None:
        share, tried = about["held_back_right"], about["held_back_pairs"]
        out.print(f"  of {tried} pairs held back it names the winner in {share:.0%}")
    out.print(f"  you like: {', '.join(about['likes']) or 'nothing that it could name'}")
    if "network" in about:
        out.print(f"  {_of_network(about['network'])}")
    out.print(f"  {output}", markup=False)
    say(f"Compose with it: ritornello compose -m {shlex.quote(str(output))}")


def _learner(watch: Callable[[int, int, str], None]) -> LearnNetwork:
    """What lets a network learn, and tells how far it is."""
    if find_spec("torch") is None:
        raise MissingExtraError("A network learns with PyTorch.", extra="train")
    from ritornello.training.preference_learning import learn_heads

    return partial(learn_heads, watch=lambda done: watch(round(100 * done), 100, "Learning"))


def _of_network(facts: dict[str, Any]) -> str:
    return (
        f"the network learned from {facts['pairs']} pairs with a winner: of "
        f"{facts['held_back_pairs']} held back it prefers it in {facts['held_back_right']:.0%}, "
        f"and what it was costs it {facts['nats_change']:+.1%} in nats"
    )


def studio(
    *,
    port: AnyWhole = None,
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
