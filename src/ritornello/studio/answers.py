"""The shapes of what the HTTP API answers, one type each; `/api/openapi.json` is made of them.

Where a type is open (`_OPEN`), more fields may come: facts that a kind of job adds, or that an
older version of the library kept.
"""

from __future__ import annotations

from typing import Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from ritornello.json_values import JsonObject

_OPEN = ConfigDict(extra="allow")
JobState = Literal["queued", "running", "done", "failed", "cancelled"]


# --- pieces -----------------------------------------------------------------------------------


@with_config(_OPEN)
class Version(TypedDict):
    """A version of a song: facts of a piece without its notes, as `--json` of commands has them."""

    id: str
    song: str
    parent: str | None
    kind: str
    label: str
    created: str
    job: str | None
    title: NotRequired[str]
    key: NotRequired[str | None]
    tempo_bpm: NotRequired[float]
    metre: NotRequired[str]
    bars: NotRequired[int]
    seconds: NotRequired[float]
    parts: NotRequired[dict[str, int]]
    new_bars: NotRequired[tuple[int, int] | None]
    model: NotRequired[str | None]
    seed: NotRequired[int | None]
    request: NotRequired[JsonObject | None]
    warnings: NotRequired[list[str]]


@with_config(_OPEN)
class PieceAnswer(Version):
    """A version with its notes; ``given`` says of each note of each track whether it was given."""

    piece: JsonObject
    given: list[list[bool]] | None


class Song(TypedDict):
    """A song, and the version of it that is shown."""

    id: str
    title: str
    head: str
    created: str
    updated: str
    deleted: bool
    versions: list[Version]


class Songs(TypedDict):
    """Songs, the one that was changed last first."""

    songs: list[Song]


class FormSection(TypedDict):
    """A section of a form; bars count from 1."""

    name: str
    start_bar: int
    bars: int


class PlanAnswer(TypedDict):
    """The form of a piece; chords with their ticks; for each bar the one it returns to, or 0."""

    form: str
    sections: list[FormSection]
    chords: list[tuple[int, str]]
    returns: list[int]


@with_config(_OPEN)
class Originality(TypedDict):
    """What of a piece stands in the training music, or the ``reason`` why nobody can tell."""

    available: bool
    reason: NotRequired[str]
    texture: NotRequired[JsonObject]
    parts: NotRequired[JsonObject]
    held_out: NotRequired[JsonObject]


class Pages(TypedDict):
    """How many pages a score has."""

    pages: int


# --- files ------------------------------------------------------------------------------------


class Format(TypedDict):
    """A format that pieces can be exported in; ``content`` is score, sound, picture and so on."""

    id: str
    name: str
    content: str


class Formats(TypedDict):
    """All formats of exports."""

    formats: list[Format]


@with_config(_OPEN)
class RecordingFacts(TypedDict):
    """A recording that was uploaded."""

    id: str
    name: str
    created: str
    format: NotRequired[str]
    rate_hz: NotRequired[int]
    channels: NotRequired[int]
    seconds: NotRequired[float]


class Recordings(TypedDict):
    """Recordings, the newest first."""

    recordings: list[RecordingFacts]


class Upload(TypedDict):
    """What an uploaded file became: a ``piece`` or a ``recording``."""

    kind: Literal["piece", "recording"]
    piece: NotRequired[PieceAnswer]
    recording: NotRequired[RecordingFacts]


# --- jobs -------------------------------------------------------------------------------------


class Trouble(TypedDict):
    """Why something failed, where, and what to do next."""

    what: str
    where: str
    next_step: str


@with_config(_OPEN)
class Progress(TypedDict):
    """How far a job is; ``done`` from 0 to 1 where it is known."""

    step: str
    done: float | None
    seconds_left: float | None


class Link(TypedDict):
    """A file that a job made."""

    name: str
    url: str


@with_config(_OPEN)
class JobResult(TypedDict):
    """What a job made; ``pieces`` and ``songs`` are ids."""

    pieces: NotRequired[list[str]]
    songs: NotRequired[list[str]]
    warnings: NotRequired[list[str]]
    files: NotRequired[list[Link]]
    pair: NotRequired[str]
    test: NotRequired[str]
    model: NotRequired[str]


class Job(TypedDict):
    """A job, with the request that it answers."""

    id: str
    kind: str
    state: JobState
    title: str
    request: JsonObject
    created: str
    started: str | None
    ended: str | None
    attempts: int
    song: str | None
    result: JobResult | None
    error: Trouble | None
    progress: Progress


class Jobs(TypedDict):
    """Jobs, the newest first."""

    jobs: list[Job]


# --- ratings and tests ------------------------------------------------------------------------


class PairSide(TypedDict):
    """One side of a pair: where its sound is, and its notes as a piece."""

    audio: str
    notes: JsonObject


class Pair(TypedDict):
    """Two pieces to be compared, without who wrote them."""

    id: str
    left: PairSide
    right: PairSide


class Counts(TypedDict):
    """How many pairs are rated, and how many wait."""

    rated: int
    waiting: int


class NextPair(Counts):
    """The pair to be rated next, if one waits."""

    pair: Pair | None


class PairJob(TypedDict):
    """The job that writes a pair."""

    job: Job


class RatedSide(TypedDict):
    """Which piece and song a side was."""

    piece: str
    song: str


class Rated(Counts):
    """What a rating reveals."""

    left: RatedSide
    right: RatedSide


class RatingAnswer(TypedDict):
    """An answer about a pair; ``left`` and ``right`` are ids of pieces."""

    id: str
    answer: Literal["left", "right", "tie", "both_bad"]
    left: str
    right: str
    model: str
    created: str


class Ratings(Counts):
    """All answers, the newest first."""

    ratings: list[RatingAnswer]


class OpenTrial(TypedDict):
    """The excerpt to be heard next."""

    number: int
    audio: str


class TrialSource(TypedDict):
    """What an excerpt was, and what it was called; ``is_real`` is 1 for real music."""

    number: int
    is_real: int
    answer: Literal["real", "machine"]
    source: str


class TestCounts(TypedDict):
    """Answers of blind tests; ``interval`` holds 95% of the share that is right."""

    real: int
    real_called_real: int
    machine: int
    machine_called_real: int
    right: int
    of: int
    interval: tuple[float, float] | None


class BlindTest(TypedDict):
    """How far a blind test is; ``job`` and ``problem`` while or where it could not be prepared."""

    id: str
    trials: int
    answered: int
    trial: OpenTrial | None
    result: TestCounts | None
    sources: list[TrialSource] | None
    problem: NotRequired[Trouble | None]
    job: NotRequired[Job]


class TestResults(TypedDict):
    """What all answers say together, and those of musicians and of others."""

    all: TestCounts
    musicians: TestCounts
    others: TestCounts


# --- models -----------------------------------------------------------------------------------


class ReadableFormats(TypedDict):
    """Endings of files that can be read as pieces and as recordings; formats of exports."""

    read: list[str]
    sound: list[str]
    export: list[Format]


class Extras(TypedDict):
    """Whether what training and scores need is installed."""

    train: bool
    score: bool


class About(TypedDict):
    """This studio; ``sounds_as`` says which program of the SoundFont stands for each one."""

    version: str
    library: str
    lan: bool
    upload_bytes: int
    formats: ReadableFormats
    extras: Extras
    first_piece: str | None
    sounds_as: list[int]


class ModelEntry(TypedDict):
    """A model in the list; ``problem`` says why it cannot be used."""

    name: str
    title: str
    origin: str
    usable: bool
    problem: str
    size_bytes: int


class Models(TypedDict):
    """All models, and the one that is used where none is named."""

    models: list[ModelEntry]
    default: str


class InstrumentFacts(TypedDict):
    """An instrument that a model knows, and its range as MIDI pitches."""

    name: str
    program: int
    is_drum: bool
    low: int
    high: int
    voices: int


class ModelFacts(TypedDict):
    """What a model knows, and the limits of what it can be asked for."""

    name: str
    styles: list[str]
    collections: list[str]
    instruments: list[InstrumentFacts]
    card: JsonObject
    keys: list[str]
    scales: list[str]
    metres: list[str]
    has_form: bool
    sections: list[str]
    voices: list[str]
    limits: dict[str, tuple[int, int]]
