"""What a run of a published system leaves behind: everything that the report shows.

An outcome is plain data. It is kept as `outcome.json` in the run's folder, beside the samples that
it names by relative paths, so that a report can be written at any later time.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ritornello.atomic import atomic_write
from ritornello.errors import InputError

OUTCOME_FILE = "outcome.json"
_NO_RIVALS = ("real", "target", "ideal")  # values to reach; those of trivial models are rivals


@dataclass(frozen=True)
class Figure:
    """A number with all that makes it honest.

    Attributes:
        name: what was measured, in words a musician can read.
        value: of the published system as it ran here. unit: "nats", "dB", "%", ... or "".
        better: which way is better; "" where neither is, or nearness to real music.
        published: the value its authors report, if any.
        ours: of our own model on the same data, if it was measured.
        baselines: trivial or ideal values beside it: {"unigram": 3.97, "real music": 0.93}.
        protocol: on what, and how, in one line.
    """

    name: str
    value: float | None
    unit: str = ""
    better: Literal["lower", "higher", ""] = ""
    published: float | None = None
    ours: float | None = None
    baselines: dict[str, float] = field(default_factory=dict)
    protocol: str = ""

    @property
    def aim(self) -> float | None:
        """The value of real music, where being near to it is what is better."""
        real = (value for name, value in self.baselines.items() if name.startswith("real"))
        return None if self.better else next(real, None)

    @property
    def direction(self) -> str:
        """Which way is better, in words; "" where nothing is."""
        words = {"lower": "less is better", "higher": "more is better", "": ""}
        return words[self.better] if self.aim is None else "nearer to real music is better"

    @property
    def values(self) -> dict[str, float]:
        """All that is known, by whose it is: published, here, ours, and what they compare with."""
        own = {"published": self.published, "here": self.value, "ours": self.ours}
        return {name: value for name, value in own.items() if value is not None} | self.baselines

    @property
    def winners(self) -> list[str]:
        """Whose values are best; none without a direction or anything to compare with.

        What is no rival, such as real music or a bound, does not count, nor what the authors
        report of other data.
        """
        rivals = {
            name: self._badness(value)
            for name, value in self.values.items()
            if name != "published" and not name.startswith(_NO_RIVALS)
        }
        if not self.direction or len(rivals) < 2:
            return []
        best = min(rivals.values())
        return [name for name, badness in rivals.items() if badness == best]

    def _badness(self, value: float) -> float:
        if self.aim is not None:
            return abs(value - self.aim)
        return -value if self.better == "higher" else value


@dataclass(frozen=True)
class Table:
    """Variants side by side; the first column names its rows, numbers are shown to 4 digits."""

    title: str
    columns: list[str]
    rows: list[list[Any]]
    note: str = ""


def or_none(value: float) -> float | None:
    """A number for a table or a figure; None for one that could not be measured (nan)."""
    return None if math.isnan(value) else float(value)


@dataclass(frozen=True)
class Chart:
    """Lines over one axis: {"training": ([x...], [y...]), ...}."""

    title: str
    x_name: str
    y_name: str
    lines: dict[str, tuple[list[float], list[float]]]

    def __post_init__(self) -> None:
        # JSON knows no tuples.
        pairs = {name: (list(x), list(y)) for name, (x, y) in self.lines.items()}
        object.__setattr__(self, "lines", pairs)


@dataclass(frozen=True)
class Histogram:
    """Counts of named things, such as the most frequent tokens, or of values between edges."""

    title: str
    labels: list[str]
    counts: list[float]


@dataclass(frozen=True)
class Sample:
    """Something to see and hear; paths are relative to the run's folder.

    Attributes:
        name: "LSTMCell, sequence 12". maker: who made it.
        midi, sound: a .mid and an .mp3 file, where there are.
    """

    name: str
    maker: Literal["published", "ours", "real"]
    midi: str | None = None
    sound: str | None = None


@dataclass
class Outcome:
    """A run of a system.

    Attributes:
        id: of the system. budget, seed, seconds, machine, command: of the run.
        data: what it learned from, in a sentence, with counts of files, notes and left-out items.
        stand_in: whether that is other data than the authors used.
        departures: settings that differ from the published ones, and choices where they are silent.
        weaknesses: faults of the published system that were seen and measured here.
        compared: how our own model does on the same data, in a sentence or two.
        wishes: what the authors asked for next -> how our model answers, by a measurement, or
            "not yet".
    """

    id: str
    budget: str
    seed: int
    seconds: float = 0.0
    machine: str = ""
    command: str = ""
    data: str = ""
    stand_in: bool = True
    departures: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    histograms: list[Histogram] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    weaknesses: list[str] = field(default_factory=list)
    compared: str = ""
    wishes: dict[str, str] = field(default_factory=dict)

    @property
    def key_figure(self) -> Figure | None:
        """The figure that stands for the run: the first that was measured on ours too, if any.

        One that says which way is better comes before others.
        """
        measured = [figure for figure in self.figures if figure.value is not None]
        both = [figure for figure in measured if figure.ours is not None]
        told = [figure for figure in both if figure.direction]
        return next(iter([*told, *both, *measured]), None)

    @property
    def is_compared(self) -> bool:
        """Whether our own model was measured on the same data."""
        return bool(self.compared) or any(figure.ours is not None for figure in self.figures)

    def save(self, folder: Path) -> Path:
        """Write it to `OUTCOME_FILE` in a folder, in place of an earlier one."""
        path = folder / OUTCOME_FILE
        with atomic_write(path, overwrite=True) as partial:
            # NumPy's numbers become plain ones.
            partial.write_text(json.dumps(asdict(self), indent=1, default=float), encoding="utf-8")
        return path

    @classmethod
    def load(cls, folder: Path) -> Outcome:
        """Read it from a folder.

        Raises:
            InputError: if there is none, or it is damaged.
        """
        path = folder / OUTCOME_FILE
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            kinds = {
                "figures": Figure,
                "tables": Table,
                "charts": Chart,
                "histograms": Histogram,
                "samples": Sample,
            }
            for name, kind in kinds.items():
                table[name] = [kind(**item) for item in table[name]]
            return cls(**table)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"No outcome of a run can be read here ({error}).",
                where=str(path),
                next_step="Make one: ritornello papers run SYSTEM -o FOLDER",
            ) from error
