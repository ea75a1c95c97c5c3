"""What may be asked for as a job: a shape for each kind, checked before anything is kept.

Names are those of the command line. What is left out is left to the model, or as the commands have
it. `JobRequest` is any of them, told apart by ``kind``.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ritornello.accompany.stated_chords import parse_stated
from ritornello.errors import ConfigError
from ritornello.generation.rules import DENSITIES, Rules, parse_metre
from ritornello.json_values import JsonObject
from ritornello.note_model.library import DEFAULT_MODEL
from ritornello.plan.plan_text import parse_plan
from ritornello.plan.song_form import parse_duration, parse_form

MOST_VARIATIONS = 8
_SEEDS = 1_000_000
_MOST_SEED = 2**53 - 1  # what any JSON keeps exactly (RFC 8259, 6)

Part = int | str
Bars = tuple[int, int]
# Of a model: it becomes the name of a folder.
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\w[\w .-]*$")]


Text = Annotated[str, Field(max_length=20_000)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Writing(_Request):
    """What all jobs share that write notes."""

    model: str = DEFAULT_MODEL
    seed: int | None = Field(None, ge=0, le=_MOST_SEED, description="at random if left out")
    adventure: float = Field(0.5, ge=0, le=1, description="0 is safe, 0.5 usual, 1 adventurous")
    temperature: float | None = Field(None, gt=0, le=5, description="in place of adventure")
    top_p: float | None = Field(None, gt=0, le=1, description="in place of adventure")
    variations: int = Field(1, ge=1, le=MOST_VARIATIONS)
    key: Text | None = None
    chords: Text | None = None
    density: float | Literal["low", "medium", "high"] | None = None
    densities: dict[str, float | str] = {}
    polyphony: dict[str, int] = {}
    ranges: dict[str, Bars] = {}
    style: Text | None = None
    swing: float | None = Field(None, description="1 is straight, 2 a triplet feel")
    scale: str | None = Field(None, description='pitch classes, such as "0 2 3 7 8"')
    loudness: float | None = Field(None, description="mean velocity, 1 to 127")

    def fields_of_rules(self) -> JsonObject:
        """As fields of `Rules`, of plain values."""
        density = DENSITIES[self.density] if isinstance(self.density, str) else self.density
        return {
            "key": self.key or None,
            "chords": self.chords or None,
            "density": density,
            "densities": self.densities,
            "polyphony": self.polyphony,
            "ranges": {name: list(limits) for name, limits in self.ranges.items()},
            "collection": self.style,
            "swing": self.swing,
            "scale": self.scale or None,
            "loudness": self.loudness,
        }

    def arguments(self) -> JsonObject:
        """For the call of a helper.

        Raises:
            ConfigError: if a rule has no meaning.
        """
        rules = self.fields_of_rules()
        Rules(**rules)
        return {
            "model": self.model,
            "seed": self.seed,
            "variations": self.variations,
            "temperature": self.temperature or round(0.75 + 0.5 * self.adventure, 3),
            "top_p": self.top_p or round(0.94 + 0.06 * self.adventure, 3),
            "rules": rules,
        }


class _WholePiece(Writing):
    """What whole pieces are to be."""

    bars: int | None = None
    duration: Text | None = Field(None, description='such as "2:00", in place of bars')
    tempo: float | None = None
    metre: str = "4/4"
    parts: list[str] | None = None
    form: Text | None = Field(None, description='such as "intro 4, A 8, B 8, A 8, end 4"')
    ending: bool = True
    best_of: int | None = Field(
        None,
        ge=1,
        le=32,
        description="candidates, of which a critic keeps one; by default as usual",
    )

    def fields_of_rules(self) -> JsonObject:
        return {
            **super().fields_of_rules(),
            **({} if self.bars is None else {"bars": self.bars}),
            "metre": self.metre,
            "tempo_bpm": self.tempo,
            "parts": self.parts or None,
            "ending": self.ending,
        }

    def arguments(self) -> JsonObject:
        form: JsonObject = {}
        if self.duration:
            form["duration"] = parse_duration(self.duration)
        if self.form:
            parse_form(self.form, bars=self.bars)
            form["form"] = self.form
        arguments = super().arguments()
        rules = {**arguments["rules"], **form}
        return {**arguments, "best_of": self.best_of, "rules": rules}


class ComposeRequest(_WholePiece):
    """A whole piece."""

    kind: Literal["compose"]
    title: str | None = Field(None, max_length=200)
    plan: str | None = Field(
        None, max_length=2_000_000, description="bar by bar, as TOML, in place of a form"
    )

    def fields_of_rules(self) -> JsonObject:
        fields = super().fields_of_rules()
        # A plan has metres of its own.
        said = "metre" in self.model_fields_set or not self.plan
        return fields if said else fields | {"metre": None}

    def arguments(self) -> JsonObject:
        if self.plan and self.form:
            raise ConfigError("A form and a plan were given together.", next_step="Give one.")
        if self.plan:
            parse_plan(self.plan)
        return {**super().arguments(), "plan": self.plan or None}


class PairRequest(_WholePiece):
    """Two pieces for one wish, to be rated blind."""

    kind: Literal["pair"] = "pair"


class _IntoPiece(Writing):
    """Into a version of a song."""

    piece: str


class ContinueRequest(_IntoPiece):
    """Go on where a song stops."""

    kind: Literal["continue"]
    bars: int = Field(16, ge=1)
    parts: list[Part] | None = None
    end: bool = True

    def fields_of_rules(self) -> JsonObject:
        return {**super().fields_of_rules(), "ending": self.end}

    def arguments(self) -> JsonObject:
        return {**super().arguments(), "bars": self.bars, "parts": self.parts or None}


class FillRequest(_IntoPiece):
    """Write bars anew, of all parts or some."""

    kind: Literal["fill"]
    bars: Bars = Field(description="first and last, from 1")
    parts: list[Part] | None = None

    def arguments(self) -> JsonObject:
        return {**super().arguments(), "bars": list(self.bars), "parts": self.parts or None}


class ArrangeRequest(_IntoPiece):
    """Add players."""

    kind: Literal["arrange"]
    add: list[str] = Field(min_length=1)
    bars: Bars | None = Field(None, description="first and last that they play in")
    end: bool = False

    def arguments(self) -> JsonObject:
        bars = None if self.bars is None else list(self.bars)
        return {**super().arguments(), "add": self.add, "bars": bars, "end": self.end}


class VaryRequest(_IntoPiece):
    """Write parts anew, all of them or some bars; what is not named is locked."""

    kind: Literal["vary"]
    parts: list[Part] = Field(min_length=1)
    bars: Bars | None = None
    closeness: float | None = Field(None, ge=0, le=1, description="share of bars that stays")

    def arguments(self) -> JsonObject:
        if self.bars is not None and self.closeness is not None:
            raise ConfigError("Bars are varied as a whole; closeness is for whole parts.")
        bars = None if self.bars is None else list(self.bars)
        return {
            **super().arguments(),
            "parts": self.parts,
            "bars": bars,
            "closeness": self.closeness,
        }


class HarmoniseRequest(_IntoPiece):
    """Set voices to a melody."""

    kind: Literal["harmonise"]
    voices: list[str] = ["alto", "tenor", "bass"]
    melody: Part | None = None
    end: bool = True

    def arguments(self) -> JsonObject:
        own = {"voices": self.voices, "melody": self.melody, "end": self.end}
        return {**super().arguments(), **own}


class _Hearing(BaseModel):
    """A recording, and what is known of it."""

    recording: str
    tempo: float | None = Field(None, ge=20, le=400)
    metre: str | None = None
    downbeat: float | None = Field(None, ge=0, description="second at which some bar begins")
    steady: bool = Field(False, description="one tempo all along, as to a click")
    beats: list[float] | None = Field(
        None, min_length=2, max_length=100_000, description="seconds of the beats by hand"
    )
    instrument: str | None = None

    def hearing(self) -> JsonObject:
        if self.metre is not None:
            parse_metre(self.metre)
        return {
            "tempo": self.tempo,
            "metre": self.metre,
            "downbeat": self.downbeat,
            "steady": self.steady,
            "beats": self.beats,
            "instrument": self.instrument or None,
        }


class TranscribeRequest(_Hearing, _Request):
    """Write down what one instrument plays, or a whole band."""

    kind: Literal["transcribe"]
    key: str | None = None
    band: bool = Field(False, description="a mix is taken apart, and each player written down")

    def arguments(self) -> JsonObject:
        Rules(key=self.key or None)
        return {**self.hearing(), "key": self.key or None, "band": self.band}


class RemixRequest(_Hearing, Writing):
    """Put a band under a recording."""

    kind: Literal["remix"]
    parts: list[str] = Field(["bass", "drums", "piano", "other"], min_length=1)
    chords_at: list[tuple[float, str]] | None = Field(
        None, min_length=1, max_length=10_000, description="seconds and symbol of each chord"
    )
    duration: float | None = Field(None, ge=1, le=3600, description="seconds")
    loop: bool = True
    keep_solo: bool = True
    stem: Literal["bass", "drums", "piano", "other"] | None = None

    def arguments(self) -> JsonObject:
        if self.chords_at is not None:
            parse_stated(self.chords_at)
        return {
            **super().arguments(),
            **self.hearing(),
            "parts": self.parts,
            "chords_at": self.chords_at,
            "duration": self.duration,
            "loop": self.loop,
            "keep_solo": self.keep_solo,
            "stem": self.stem,
        }


class TrainRequest(_Request):
    """Learn a model from a folder of this machine, or from songs of the library."""

    kind: Literal["train"]
    name: Name
    folder: str | None = None
    songs: list[str] | None = Field(None, description="in place of a folder: their versions shown")
    minutes: float = Field(10, gt=0, le=10_000)
    start: str | None = Field(None, description="a model to begin with; from nothing if left out")
    seed: int = Field(0, ge=0)

    def arguments(self) -> JsonObject:
        if (self.folder is None) == (not self.songs):
            raise ConfigError("Give either a folder or songs to learn from.")
        return {
            "folder": self.folder,
            "minutes": self.minutes,
            "start": self.start or None,
            "seed": self.seed,
        }


class TuneRequest(_Request):
    """Learn from the ratings of the library: a model that keeps what is liked best."""

    kind: Literal["tune"]
    name: Name
    model: str = DEFAULT_MODEL
    candidates: int = Field(8, ge=2, le=32, description="how many pieces one is chosen from")
    network: bool = Field(False, description="whether the network learns too; needs PyTorch")

    def arguments(self) -> JsonObject:
        return {"model": self.model, "candidates": self.candidates, "network": self.network}


class BlindTestRequest(_Request):
    """Real or machine: excerpts of real music, and as many that a model writes for the same band.

    The real music is that of a folder of this machine, or the songs that were uploaded; it should
    be music that the model did not learn from.
    """

    kind: Literal["blind_test"] = "blind_test"
    listener: str = Field("", max_length=60)
    musician: bool = False
    trials: int = Field(10, ge=2, le=60)
    bars: int = Field(8, ge=2, le=32)
    folder: str | None = None
    model: str = DEFAULT_MODEL
    style: str | None = None
    seed: int | None = Field(None, ge=0)

    def arguments(self) -> JsonObject:
        return {
            "trials": self.trials,
            "bars": self.bars,
            "folder": self.folder,
            "model": self.model,
            "style": self.style,
            "seed": self.seed,
        }


JobRequest = Annotated[
    ComposeRequest
    | PairRequest
    | TuneRequest
    | BlindTestRequest
    | ContinueRequest
    | FillRequest
    | ArrangeRequest
    | VaryRequest
    | HarmoniseRequest
    | TranscribeRequest
    | RemixRequest
    | TrainRequest,
    Field(discriminator="kind"),
]


def any_seed() -> int:
    """A seed drawn at random, few digits long."""
    return secrets.randbelow(_SEEDS)
