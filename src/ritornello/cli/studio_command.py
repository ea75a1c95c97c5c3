"""`ritornello studio`: a page on this machine to compose by looking and listening."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ritornello.cli.options import Flag
from ritornello.cli.show import out
from ritornello.errors import MissingExtraError
from ritornello.folders import studio_folder


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
