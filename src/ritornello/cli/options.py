"""Options that several commands share, and how people write them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict, TypeVar

from cyclopts import Parameter, Token

from ritornello.cli.choices import FORMATS_HELP
from ritornello.dsp.sound_formats import AUDIO_SUFFIXES
from ritornello.errors import ConfigError
from ritornello.files import writable_formats

Value = TypeVar("Value")

_SEEDS = 1_000_000  # few enough for a pleasant file name

SOUNDS = frozenset(suffix[1:] for suffix in AUDIO_SUFFIXES)
_DENSITY_EXAMPLE = "3 or --density piano=high,bass=1.5"


def _whole(kind: Any, value: str, *, delimiter: str | None = None) -> list[str]:
    # An environment variable is one text: "double bass,piano" must not be cut at the blank.
    return [value]


# Names with commas between them: --parts piano,bass. A list in ritornello.toml does as well.
Names = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False, env_var_split=_whole)]
Metre = Annotated[str, Parameter(alias="--meter")]
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


def _whole_number(kind: Any, tokens: Sequence[Token]) -> int:
    # 4.5 would become 4 without a word.
    text = tokens[0].value
    for read in (int, float):
        try:
            number = read(text)
        except ValueError:
            continue
        if number == number // 1:  # which endless numbers and none are not
            return int(number)
    raise ValueError(f'"{text}" is no whole number.')


Whole = Annotated[int, Parameter(converter=_whole_number)]
AnyWhole = Annotated[int | None, Parameter(converter=_whole_number)]


def split_names(texts: Iterable[str]) -> list[str]:
    """The names in texts such as "piano, bass"."""
    names = [name.strip() for text in texts for name in text.split(",")]
    return [name for name in names if name]


def some_names(texts: Iterable[str], what: str, option: str, example: str) -> list[str]:
    """The names in texts, of which there must be some.

    Raises:
        ConfigError: if there are none; it begins with ``what``.
    """
    names = split_names(texts)
    if not names:
        raise ConfigError(
            f"{what} is named.", where=option, next_step=f"Write it as in {option} {example}"
        )
    return names


def split_pairs(
    texts: Iterable[str], option: str, example: str, read: Callable[[str], Value]
) -> dict[str, Value]:
    """Name -> value of texts such as "lead=1,all=4".

    Raises:
        ConfigError: if one is not a name, an equals sign and a readable value.
    """
    pairs = {}
    for text in split_names(texts):
        name, equals, value = text.partition("=")
        try:
            if not (name.strip() and equals):
                raise ValueError
            pairs[name.strip()] = read(value.strip())
        except ValueError:
            raise ConfigError(
                f"{text!r} is not a name with a value.",
                where=option,
                next_step=f"Write it as in {option} {example}",
            ) from None
    return pairs


def read_range(text: str) -> tuple[int, int]:
    """Read "28-50".

    Raises:
        ValueError: if it is something else.
    """
    low, _, high = text.partition("-")
    return int(low), int(high)


def read_bars(text: str) -> tuple[int, int]:
    """Read "9-12" or "9".

    Raises:
        ConfigError: if it is something else.
    """
    first, _, last = text.partition("-")
    try:
        return int(first), int(last or first)
    except ValueError:
        raise ConfigError(
            f"{text!r} names no bars.",
            where="--bars",
            next_step="Write it as in --bars 9-12, or --bars 9 for one bar.",
        ) from None


# --- options in a group -----------------------------------------------------------------------


class Boldness(TypedDict):
    """How boldly to write, as a `Composer` is told."""

    temperature: float
    top_p: float


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """Which model writes, and how boldly.

    Attributes
    ----------
    model
        A model's name, or the folder that `ritornello train` wrote.
    temperature
        1 is the usual boldness, lower is safer, higher is wilder.
    top_p
        Share of the likeliest choices that are considered, up to 1.
    seed
        The same seed gives the same piece; at random if left out.
    """

    model: Annotated[str, Parameter(alias="-m")] = "default"
    temperature: float = 1.0
    top_p: float = 0.97
    seed: AnyWhole = None

    def boldness(self) -> Boldness:
        """As arguments of a `Composer`."""
        return {"temperature": self.temperature, "top_p": self.top_p}

    def seed_or_any(self) -> int:
        """The seed, or one drawn at random."""
        return secrets.randbelow(_SEEDS) if self.seed is None else self.seed


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Making(ModelChoice):
    """How boldly and how often to write, and where to.

    Attributes
    ----------
    number
        How many pieces; each gets the next seed.
    output
        Folder to write into, or the file of one piece, such as song.mid; - for standard output.
    stems
        Also write each part as a sound of its own.
    original
        Try further seeds until no two bars stand in the training music, in any transposition.
    overwrite
        Replace files that are there.
    json
        Print the result for programs.
    """

    number: Annotated[int, Parameter(alias="-n")] = 1
    formats: Annotated[Names, Parameter(name=("--formats", "-f"), help=FORMATS_HELP)] = (
        "mid,mp3,png",
    )
    output: Annotated[Path, Parameter(alias="-o")] = Path("out")
    stems: Flag = False
    original: Flag = False
    overwrite: Flag = False
    json: Flag = False

    def endings(self) -> list[str]:
        """The endings to write, each once; stems need a sound."""
        endings = list(dict.fromkeys(e.lower().lstrip(".") for e in split_names(self.formats)))
        if not endings:
            raise ConfigError("No format to write is given.", next_step="Write it as in -f mid,mp3")
        if self.stems and not SOUNDS.intersection(endings):
            endings.append("wav")
        return endings

    def targets(
        self, stem: str, seeds: Sequence[int], *, only: str | None = None
    ) -> list[list[Path]]:
        """The files of each piece: "STEM-SEED.ENDING" in a folder, or the one that is named.

        Args:
            only: the one ending of what is no music, such as a plan, in place of the formats.

        Raises:
            ConfigError: if no format is asked for, or a file is to hold several pieces or formats.
        """
        endings = self.endings() if only is None else [only]
        own = file_ending(self.output, writable_formats() if only is None else endings)
        if own is None:
            return [[self.output / f"{stem}-{seed}.{end}" for end in endings] for seed in seeds]
        is_one = len(seeds) == 1 and (self.formats == AS_USUAL.formats or endings == [own])
        if not is_one or (only is None and self.stems and own not in SOUNDS):
            raise ConfigError(
                "A file holds one piece in one format, and stems are sounds.",
                where=f"-o {self.output}",
                next_step="Name a folder for several, as in -o out, or one file, as in -o song.wav",
            )
        return [[self.output]]


def file_ending(output: Path, known: Iterable[str]) -> str | None:
    """Which known ending the name of a file has, such as song.mid; None for a folder."""
    name = output.name.lower()
    longest_first = sorted(known, key=len, reverse=True)  # "score.svg" before "svg"
    found = next((ending for ending in longest_first if name.endswith(f".{ending}")), None)
    return None if output.is_dir() else found


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Style:
    """What new notes are to be like.

    Attributes
    ----------
    key
        Tonic and scale, such as "D minor", Bb or "E dorian". All new notes keep to it.
    chords
        Chords, one a bar as in "Am F C G", more between bar lines; repeated to the end.
    density
        Notes a beat, as in 3; of parts also low, medium, high, as in piano=high,bass=2.
    like
        Style or collection of the training music, see `ritornello models`; followed, not exactly.
    scale
        Notes of a scale of your own that all new notes are of: "C D Eb G Ab", or "0 2 3 7 8".
    loudness
        Soft, medium, loud, a mark such as pp or mf, or the mean velocity of new notes, 1 to 127.
    swing
        1 straight to 3 dotted, 2 a triplet; by default as the song, or 2 for --like swing or jazz.
    """

    key: str | None = None
    chords: str | None = None
    density: Names = ()
    like: Annotated[str | None, Parameter(alias="--style")] = None
    swing: float | None = None
    scale: str | None = None
    loudness: str | None = None

    def fields(self) -> dict[str, Any]:
        """As fields of `Rules`.

        Raises:
            ConfigError: if a density cannot be read.
        """
        texts = split_names(self.density)
        named = [text for text in texts if "=" in text]
        plain = [text for text in texts if "=" not in text]
        return {
            "key": self.key,
            "chords": self.chords,
            "density": _read_density(plain),
            "densities": split_pairs(named, "--density", _DENSITY_EXAMPLE, _density_value),
            "collection": self.like,
            "swing": self.swing,
            "scale": self.scale,
            "loudness": self.loudness,
        }


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PartLimits:
    """What single parts may do.

    Attributes
    ----------
    polyphony
        Most notes a part holds at a time, such as lead=1,all=4.
    ranges
        Lowest and highest MIDI pitch of a part, such as bass=28-50 (60 is middle C).
    """

    polyphony: Names = ()
    ranges: Annotated[Names, Parameter(name="--range")] = ()

    def fields(self) -> dict[str, Any]:
        """As fields of `Rules`.

        Raises:
            ConfigError: if one is not a name with a value.
        """
        return {
            "polyphony": split_pairs(self.polyphony, "--polyphony", "lead=1,all=4", int),
            "ranges": split_pairs(self.ranges, "--range", "bass=28-50", read_range),
        }


# The options of commands where none is stated.
AS_USUAL, ANY_STYLE, NO_LIMITS = Making(), Style(), PartLimits()


def _read_density(texts: list[str]) -> float | None:
    if not texts:
        return None
    try:
        (text,) = texts
        return float(text)
    except ValueError:
        raise ConfigError(
            f"{', '.join(texts)!r} is no density.",
            where="--density",
            next_step=f"Write it as in --density {_DENSITY_EXAMPLE}",
        ) from None


def _density_value(text: str) -> float | str:
    """A number, or a word that `Rules` knows or refuses."""
    try:
        return float(text)
    except ValueError:
        return text
