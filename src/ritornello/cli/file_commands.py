"""`ritornello render` and `ritornello convert`: from files of music to other files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ritornello.cli.choices import SONG_HELP, SOUND_HELP, TARGET_HELP
from ritornello.cli.options import Flag
from ritornello.cli.show import out, say
from ritornello.cli.streams import is_stream, read_from, write_to
from ritornello.errors import ConfigError

_SHOWN_REPAIRS = 10


def render(
    piece: Annotated[Path, Parameter(help=SONG_HELP)],
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o", help=SOUND_HELP)],
    to: str = "wav",
    stems: Flag = False,
    soundfont: Path | None = None,
    overwrite: Flag = False,
) -> None:
    """Play a file of music into a sound file.

    Parameters
    ----------
    to
        Ending of what goes to standard output.
    stems
        Also write each part alone, into a folder beside it.
    soundfont
        Another set of instruments, an .sf2 or .sf3 file.
    overwrite
        Replace files that are there.
    """
    from ritornello import api

    if is_stream(output) and stems:
        raise ConfigError(
            "Stems are files of their own: they cannot go to standard output.", where="-o -"
        )
    with write_to(output, to) as target, read_from(piece) as source:
        for path in api.render(
            source, target, stems=stems, soundfont=soundfont, overwrite=overwrite
        ):
            if not is_stream(output):
                out.print(str(path), markup=False)


def convert(
    source: Annotated[Path, Parameter(help=SONG_HELP)],
    target: Annotated[Path, Parameter(help=TARGET_HELP)],
    /,
    *,
    to: str = "mid",
    overwrite: Flag = False,
) -> None:
    """Write a file of music in another format; the endings choose.

    Parameters
    ----------
    to
        Ending of what goes to standard output, where the target is -.
    overwrite
        Replace a file that is there.
    """
    from ritornello import api
    from ritornello.music.io.limits import Remark

    with write_to(target, to) as written, read_from(source) as read:
        repairs = api.convert(read, written, overwrite=overwrite)
    for repair in repairs[:_SHOWN_REPAIRS]:
        say(repair if isinstance(repair, Remark) else f"Mended: {repair}")
    if len(repairs) > _SHOWN_REPAIRS:
        say(f"... and {len(repairs) - _SHOWN_REPAIRS} more.")
    if not is_stream(target):
        out.print(str(target), markup=False)
