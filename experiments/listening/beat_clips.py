"""Short recordings whose beats are known: pieces rendered as players play, and sound without beat.

Each is an excerpt of a piece in one metre: a full mix, a part alone, or the whole piece on one
instrument; at a tempo near its own, steady or with rubato; with inexact fingers, silence before the
first note, swing, and what rooms and recorders do to it. Half of the parts are not sampled but
synthesised (`tones`), every third accompaniment is of no piece but a pattern of its style
(`rule_accompaniments`), and some clips are stems of real CC0 songs. Used by `beat_model` and
`experiments.listening.note_beat_model` to train and by `experiments.listening.beats` to measure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from experiments.listening import rule_accompaniments
from experiments.listening.drum_kits import Kit, one_shots
from experiments.listening.tones import FAMILIES, Instrument
from ritornello.corpus.store import Corpus
from ritornello.dsp.effects import band_limit, random_effects
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Metre, Piece, Track
from ritornello.rng import Rng
from ritornello.synth.sampler import PlayedNote, Sampler
from ritornello.synth.soundfont import SoundFont
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

RATE_HZ = 22_050
# What is heard alone, the programs it may be played on, and the sets it is drawn from.
_PROGRAMS = {
    "piano": (0, 0, 0, 1, 2, 4, 5),
    "guitar": (24, 25, 25, 26, 27, 30),
    "bass": (32, 33, 33, 34, 36),
    "strings": (48, 48, 49, 50, 40, 42),
    "lead": (73, 65, 66, 40, 71, 68, 56, 52, 80, 0, 27),
}
_SETS = {
    "mix": {"band_arranged_synth": 9, "freedoom_midi": 5, "openscore_lieder_midi": 2,
            "mutopia_pd_midi": 2, "openscore_quartets_midi": 1, "openscore_orchestra_midi": 1},
    "piano": {"openscore_lieder_midi": 7, "mutopia_pd_midi": 5, "band_arranged_synth": 5,
              "open_hymnal_midi": 3},
    "guitar": {"band_arranged_synth": 10, "freedoom_midi": 3, "mutopia_pd_midi": 4,
               "open_hymnal_midi": 3},
    "bass": {"band_arranged_synth": 12, "freedoom_midi": 8},
    "strings": {"band_arranged_synth": 6, "openscore_quartets_midi": 5, "open_hymnal_midi": 3,
                "mutopia_pd_midi": 6},
    "lead": {"band_arranged_synth": 7, "openewld_pd": 5, "openscore_lieder_midi": 4,
             "mutopia_pd_midi": 4},
    "drums": {"groove_midi": 14, "band_arranged_synth": 3, "freedoom_midi": 3},
}  # fmt: skip
KINDS = tuple(_SETS)
ANY_PART = "any part"
_SETS[ANY_PART] = {
    "band_arranged_synth": 6, "freedoom_midi": 4, "mutopia_pd_midi": 4, "openscore_lieder_midi": 4,
    "openscore_quartets_midi": 3, "openscore_orchestra_midi": 3, "open_hymnal_midi": 2,
    "openewld_pd": 2,
}  # fmt: skip
SETS = tuple(sorted({name for sets in _SETS.values() for name in sets}))
BEATLESS = ("notes", "speech", "noise", "drone")
# The files of these sets begin with the upbeat and their bar lines ignore it.
_UPBEATS_UNKNOWN = {"mutopia_pd_midi", "open_hymnal_midi"}
Metres = frozenset[tuple[int, int]]
COMPOUND_METRES: Metres = frozenset({(6, 8), (9, 8), (12, 8)})
METRES: Metres = frozenset({(4, 4), (3, 4), (2, 4), (2, 2)}) | COMPOUND_METRES
_COUNTED_IN_QUARTERS = (2, 2)  # as fast as it is written; people count four
_STYLED_SHARE = 0.3  # of the kinds that accompany
_STYLED = "mix", "piano", "guitar", "bass", "drums", "any part"
_SHORTEST_BEATS = 16
_LARGEST_RUBATO = 0.15
_BREATHES_SHARE, _LONGEST_BREATH = 0.3, 0.5  # beats
_SYNTHESISED_SHARE = 0.5
_SWING_SHARE = 0.15
_OUT_OF_TUNE_SHARE, _LARGEST_TUNING = 0.4, 0.5  # semitones off, as whoever tunes by ear
_TRIES = 1000


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording and its beats.

    Attributes:
        samples: mono float32 at `RATE_HZ`.
        beats_seconds: of the felt beats from the first note to the last; empty without beat.
        notes: as played, `HEARD_NOTE_DTYPE` by onset.
        is_downbeat: bool for each beat, or None where the file does not tell.
        beats_per_bar: 0 without beat.
        kind: one of `KINDS`, or what sounds without beat.
        is_steady: whether the tempo is constant.
    """

    samples: np.ndarray
    beats_seconds: np.ndarray
    notes: np.ndarray
    is_downbeat: np.ndarray | None
    beats_per_bar: int
    kind: str
    is_steady: bool


def owed_to() -> dict[str, str]:
    """Whom to thank for each of `SETS`, as the recipe of the bundled model names them."""
    recipe = Path(__file__).parents[1] / "default.toml"
    thanks = tomllib.loads(recipe.read_text(encoding="utf-8"))["credits"]
    return {name: thanks[name] for name in SETS}


class Excerpts:
    """Draws excerpts of one side of a corpus, as somebody plays them.

    Args:
        seconds: length of what is played, at most.
        styled: share of the kinds that accompany that is of `rule_accompaniments`, not the corpus.
    """

    def __init__(
        self, corpus: Corpus, side: str, seconds: float, styled: float = _STYLED_SHARE
    ) -> None:
        self._corpus, self._seconds, self._styled = corpus, seconds, styled
        self._pieces: dict[str, list[int]] = {}
        for index in corpus.indices(side):
            self._pieces.setdefault(corpus.collection_of(index), []).append(int(index))

    def draw(self, kind: str, rng: Rng, *, steady: bool, metres: Metres = METRES) -> Excerpt:
        """Music of one of `KINDS`, or `ANY_PART`, in one of some metres.

        Raises:
            ValueError: if the corpus has none.
        """
        sets, shares = zip(*_SETS[kind].items(), strict=True)
        for _ in range(_TRIES):
            name = str(rng.choice(sets, p=np.array(shares) / sum(shares)))
            if name not in self._pieces:
                continue
            is_styled = kind in _STYLED and rng.random() < self._styled
            if is_styled:
                piece = rule_accompaniments.piece(rng)
            else:
                piece = self._corpus.piece(int(rng.choice(self._pieces[name])))
            found = excerpt(piece, kind, rng, self._seconds, steady, metres)
            if found is not None and (is_styled or name not in _UPBEATS_UNKNOWN):
                return found
            if found is not None and found.beats_per_bar != 2:
                return replace(found, knows_bars=False)
        raise ValueError(f"No music for {kind} in {', '.join(sets)}.")


class Renderer:
    """Draws clips of one side of a corpus.

    Args:
        fonts: paths of SoundFonts; None is the one of the package.
        seconds: length of a clip.
        data: the music sets, of whose one-shots kits are made; without, drums are of the fonts.
        styled: see `Excerpts`.
    """

    def __init__(
        self,
        corpus: Corpus,
        side: str,
        fonts: Sequence[str | None],
        seconds: float = 20.0,
        data: Path | None = None,
        styled: float = _STYLED_SHARE,
    ) -> None:
        self._excerpts, self._seconds = Excerpts(corpus, side, seconds, styled), seconds
        self._shots = one_shots(data, side) if data else None
        self._samplers = [Sampler(SoundFont.load(font), RATE_HZ) for font in fonts]

    def clip(self, kind: str, rng: Rng, *, steady: bool, metres: Metres = METRES) -> Clip:
        """A recording of a kind with a beat, in one of some metres; see `recorded`.

        Raises:
            ValueError: if the corpus has no music of that kind.
        """
        found = self._excerpts.draw(kind, rng, steady=steady, metres=metres)
        return self.recorded(found, kind, rng, steady=steady)

    def recorded(self, found: Excerpt, kind: str, rng: Rng, *, steady: bool) -> Clip:
        """A recording of an excerpt, somewhat out of tune in some cases."""
        clip = Clip(
            self._play(found, rng),
            found.beats_seconds,
            in_seconds(note for notes, _ in found.parts for note in notes),
            found.is_downbeat if found.knows_bars else None,
            found.beats_per_bar,
            kind,
            steady,
        )
        if rng.random() > _OUT_OF_TUNE_SHARE:
            return clip
        return faster(clip, 2 ** (rng.uniform(-_LARGEST_TUNING, _LARGEST_TUNING) / 12))

    def beatless(self, kind: str, rng: Rng) -> Clip:
        """Sound of one of `BEATLESS`: notes at random times, speech-like, noise, or held notes."""
        count = round(self._seconds * RATE_HZ)
        notes: list[PlayedNote] = []
        if kind == "noise":
            samples = rng.standard_normal(count).astype(np.float32) * np.float32(0.1)
            samples = band_limit(samples, RATE_HZ, 20.0, float(rng.uniform(800, 11_000)))
        elif kind == "speech":
            samples = _speech(count, rng)
        else:
            samples, notes = self._notes_at_random(count, rng, sustained=kind == "drone")
        recorded = _as_recorded(samples, rng)
        return Clip(recorded, np.zeros(0), in_seconds(notes), None, 0, kind, False)

    def _play(self, excerpt: Excerpt, rng: Rng) -> np.ndarray:
        count = round(self._seconds * RATE_HZ)
        out = np.zeros(count, np.float32)
        sampler = self._samplers[rng.integers(len(self._samplers))]
        for notes, track in excerpt.parts:
            is_sampled = rng.random() > _SYNTHESISED_SHARE
            if track.is_drum and self._shots and not is_sampled:
                part = Kit.draw(self._shots, rng).play(notes, count)
            elif track.is_drum or is_sampled:
                both = np.zeros((2, count), np.float32)
                sampler.play(notes, both, program=track.program, is_drum=track.is_drum)
                part = both.mean(axis=0)
            else:
                family = str(rng.choice(FAMILIES))
                part = Instrument.draw(family, rng).play(notes, count, RATE_HZ, rng)
                part *= np.float32(0.1 / max(1e-4, float(np.sqrt(np.square(part).mean()))))
            out += part * np.float32(rng.uniform(0.6, 1.4))
        return _as_recorded(out, rng)

    def _notes_at_random(
        self, count: int, rng: Rng, *, sustained: bool
    ) -> tuple[np.ndarray, list[PlayedNote]]:
        """Notes whose distances are exponential, so that none tells the next."""
        gap = rng.uniform(2, 5) if sustained else rng.uniform(0.15, 0.8)
        times = np.cumsum(rng.exponential(gap, 400))
        onsets = (times[times * RATE_HZ < count] * RATE_HZ).astype(int)
        length = 8.0 if sustained else float(rng.uniform(0.1, 0.8))
        notes = [
            PlayedNote(int(onset), int(onset + length * RATE_HZ), int(pitch), int(velocity))
            for onset, pitch, velocity in zip(
                onsets,
                rng.integers(45, 80, len(onsets)),
                rng.integers(40, 110, len(onsets)),
                strict=True,
            )
        ]
        programs = _PROGRAMS["strings" if sustained else str(rng.choice(["piano", "guitar"]))]
        out = np.zeros((2, count), np.float32)
        sampler = self._samplers[rng.integers(len(self._samplers))]
        sampler.play(notes, out, program=int(rng.choice(programs)))
        return out.mean(axis=0), notes


def faster(clip: Clip, factor: float) -> Clip:
    """A clip so much faster and higher, as long as before: silent at its end, or cut there."""
    count = len(clip.samples)
    places = np.arange(count) * factor
    samples = np.interp(places, np.arange(count), clip.samples, right=0.0).astype(np.float32)
    beats, notes = clip.beats_seconds / factor, clip.notes.copy()
    for name in ("onset_seconds", "end_seconds"):
        notes[name] /= factor
    heard = beats < count / RATE_HZ
    return replace(
        clip,
        samples=samples,
        beats_seconds=beats[heard],
        notes=notes[notes["onset_seconds"] < count / RATE_HZ],
        is_downbeat=None if clip.is_downbeat is None else clip.is_downbeat[heard],
    )


# --- what is played -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Excerpt:
    """Music as somebody plays it.

    Attributes:
        parts: notes in samples at `RATE_HZ`, and the part that they are of.
        beats_seconds: of the felt beats from the first note to the last.
        is_downbeat: bool for each beat; without meaning unless ``knows_bars``.
        beats_per_bar: felt beats.
    """

    parts: list[tuple[list[PlayedNote], Track]]
    beats_seconds: np.ndarray
    is_downbeat: np.ndarray
    beats_per_bar: int
    knows_bars: bool = True


def in_seconds(notes: Iterable[PlayedNote]) -> np.ndarray:
    """Notes of a clip as if they were heard perfectly, `HEARD_NOTE_DTYPE` by onset."""
    table = np.array([*notes], np.float64).reshape(-1, 4)
    table = table[np.lexsort((table[:, 2], table[:, 0]))]
    found = np.ones(len(table), HEARD_NOTE_DTYPE)
    found["onset_seconds"], found["end_seconds"] = table[:, 0] / RATE_HZ, table[:, 1] / RATE_HZ
    found["pitch"], found["velocity"] = table[:, 2], table[:, 3]
    return found


def excerpt(
    piece: Piece, kind: str, rng: Rng, seconds: float, steady: bool, metres: Metres
) -> Excerpt | None:
    """Random bars of a piece in one metre; None where the piece has none that will do."""
    tracks = _players(piece, kind, rng)
    spans = [
        (metre, end)
        for metre, end in zip(
            piece.metres, [m.tick for m in piece.metres[1:]] + [piece.length_ticks], strict=True
        )
        if (metre.numerator, metre.denominator) in metres
        and end - metre.tick >= _SHORTEST_BEATS * metre.beat_ticks(piece.resolution)
    ]
    if not tracks or not spans:
        return None
    metre, end = spans[rng.integers(len(spans))]
    if (metre.numerator, metre.denominator) == _COUNTED_IN_QUARTERS:
        metre = Metre(metre.tick, 4, 4)
    beat, bar = metre.beat_ticks(piece.resolution), metre.bar_ticks(piece.resolution)
    bpm = _tempo(piece, metre, rng)
    beats = int(seconds * bpm / 60)
    last_start = max(0, (end - metre.tick - beats * beat) // bar)
    start = metre.tick + int(rng.integers(last_start + 1)) * bar
    beats = min(beats, (end - start) // beat)
    # Now and then the recording begins within a bar.
    start += beat * int(rng.integers(bar // beat)) if rng.random() < 0.3 else 0
    onsets = np.unique(np.concatenate([track.notes["onset"] for track in tracks]))
    onsets = onsets[(onsets >= start) & (onsets < start + beats * beat)]
    if len(np.unique((onsets - start) // (2 * beat))) < max(0.7 * beats / 2, _SHORTEST_BEATS / 4):
        return None
    grid = _grid_seconds(beats + 4, bpm, bar // beat, rng, steady)
    grid = grid + (rng.uniform(0, 1.5) if rng.random() < 0.5 else rng.uniform(0, 0.1))
    first, last = (int((tick - start) // beat) for tick in (onsets[0], onsets[-1]))
    numbers = np.arange(first, last + 1)
    numbers = numbers[grid[numbers] < seconds]
    inexact = rng.uniform(0, 0.018)
    is_swung = metre.denominator != 8 and rng.random() < _SWING_SHARE
    swing = rng.uniform(0.5, 0.68) if is_swung else 0.5
    played = [
        (_played(track, start, beat, beats, grid, rng, inexact, swing), track) for track in tracks
    ]
    down = ((start - metre.tick) // beat + numbers) % (bar // beat) == 0
    return Excerpt(played, grid[numbers], down, bar // beat)


def _players(piece: Piece, kind: str, rng: Rng) -> list[Track]:
    """The parts of a piece that play, transposed at random; none if the kind is not in it."""
    tracks = [track for track in piece.tracks if len(track)]
    pitched = [track for track in tracks if not track.is_drum]
    if kind == "drums":
        return [track for track in tracks if track.is_drum]
    if kind == "mix":
        chosen = tracks if len(tracks) > 1 else []
    elif kind == ANY_PART:
        chosen = [pitched[rng.integers(len(pitched))]] if pitched else []
    else:
        own = [track for track in pitched if _family(track) == kind]
        if kind == "lead":
            own = [max(pitched, key=lambda track: track.notes["pitch"].mean())] if pitched else []
        elif not own and len(pitched) == len(tracks) <= 5 and kind != "bass":
            own = pitched  # hymns and the like, on one instrument
        program = int(rng.choice(_PROGRAMS[kind]))
        chosen = [replace(track, program=program) for track in own]
    shift = int(rng.integers(-5, 7))
    return [track if track.is_drum else _moved(track, shift) for track in chosen]


@cache
def _families() -> dict[str, str]:
    return {
        "piano": "piano",
        "guitar": "guitar",
        "electric guitar": "guitar",
        "distortion guitar": "guitar",
        "bass": "bass",
        "strings": "strings",
        "violin": "strings",
        "viola": "strings",
        "cello": "strings",
    }


def _family(track: Track) -> str | None:
    return _families().get(INSTRUMENTS[track.instrument].name)


def _moved(track: Track, semitones: int) -> Track:
    notes = track.notes.copy()
    notes["pitch"] = np.clip(notes["pitch"] + semitones, 21, 108)
    return replace(track, notes=notes)


def _tempo(piece: Piece, metre: Metre, rng: Rng) -> float:
    """Felt beats a minute, near those of the piece."""
    written = [tempo.bpm for tempo in piece.tempos if tempo.tick <= metre.tick][-1]
    felt = written * piece.resolution / metre.beat_ticks(piece.resolution)
    low, high = (45, 110) if metre.denominator == 8 else (55, 190)
    return float(np.clip(felt * np.exp(rng.uniform(-0.25, 0.25)), low, high))


def _grid_seconds(beats: int, bpm: float, bar: int, rng: Rng, steady: bool) -> np.ndarray:
    """When each beat is played: waves of tempo of up to 15%, phrases that end slower, breaths."""
    lengths = np.full(beats, 60 / bpm)
    if not steady:
        number = np.arange(beats)
        depth = rng.uniform(0.03, _LARGEST_RUBATO)
        for period in rng.uniform(4, 40, 2):
            wave = np.sin(2 * np.pi * (number / period + rng.random()))
            lengths *= np.exp(depth / 2 * wave)
        if rng.random() < 0.5:
            phrase = bar * int(rng.choice([4, 8]))
            slower = np.maximum(0, number % phrase - (phrase - 4)) / 3
            lengths *= 1 + rng.uniform(0.05, 0.3) * slower
            if rng.random() < _BREATHES_SHARE:  # between phrases, as long as it takes
                last = number % phrase == phrase - 1
                lengths *= 1 + last * rng.uniform(0, _LONGEST_BREATH, beats)
    return np.concatenate([[0], np.cumsum(lengths)])


def _played(
    track: Track,
    start: int,
    beat: int,
    beats: int,
    grid: np.ndarray,
    rng: Rng,
    inexact_seconds: float,
    swing: float,
) -> list[PlayedNote]:
    """The notes of the excerpt in samples; chords are inexact together and a little apart.

    Half a beat is played at ``swing`` of it, what lies between accordingly.
    """
    notes = track.notes
    notes = notes[(notes["onset"] >= start) & (notes["onset"] < start + beats * beat)]
    places, chord = np.unique(notes["onset"], return_inverse=True)
    late = rng.normal(0, inexact_seconds, len(places))[chord]
    late += np.abs(rng.normal(0, inexact_seconds / 2, len(notes)))
    number = np.arange(0, len(grid) - 0.5, 0.5)
    grid = np.interp(np.where(number % 1, number - 0.5 + swing, number), np.arange(len(grid)), grid)
    onset = np.interp((notes["onset"] - start) / beat, number, grid)
    end = np.interp((notes["onset"] + notes["duration"] - start) / beat, number, grid)
    first = np.maximum(0, (onset + late) * RATE_HZ).astype(int)
    last = np.maximum(first + 441, (end + late) * RATE_HZ).astype(int)
    order = np.argsort(first, kind="stable")
    columns = (first, last, notes["pitch"], notes["velocity"])
    return [
        PlayedNote(*note)
        for note in zip(*(column[order].tolist() for column in columns), strict=True)
    ]


# --- how it is recorded ---------------------------------------------------------------------------


def _as_recorded(samples: np.ndarray, rng: Rng) -> np.ndarray:
    """What a room, a microphone, a recorder and a codec leave of it, at a random level."""
    samples = (samples / max(float(np.abs(samples).max()), 1e-6)).astype(np.float32)
    if rng.random() < 0.15:
        samples = band_limit(samples, RATE_HZ, 30.0, float(rng.uniform(2_500, 8_000)))
    strength = float(rng.choice([0.0, 0.7, 1.3], p=[0.2, 0.4, 0.4]))
    samples = random_effects(samples, RATE_HZ, rng, strength=strength)
    return (samples * 10 ** (rng.uniform(-24, -1) / 20)).astype(np.float32)


def _speech(count: int, rng: Rng) -> np.ndarray:
    """Syllables of random lengths and vowels with pauses: a buzz through two resonances."""
    out = np.zeros(count + RATE_HZ, np.float32)
    at = 0
    while at < count:
        size = int(rng.uniform(0.08, 0.35) * RATE_HZ)
        seconds = np.arange(size) / RATE_HZ
        voice_hz = rng.uniform(90, 220) * (1 + 0.1 * np.cumsum(rng.normal(0, 1, size)) / size**0.5)
        phase = np.cumsum(voice_hz) / RATE_HZ
        formants = rng.uniform((300, 900), (800, 2500))
        harmonics = np.arange(1, 25)[:, None]
        width = [1 / (1 + ((harmonics * voice_hz.mean() - f) / 150) ** 2) for f in formants]
        sound = (sum(width) * np.sin(2 * np.pi * harmonics * phase)).sum(axis=0)
        if rng.random() < 0.3:
            sound = rng.standard_normal(size)  # a consonant
        rise = np.minimum(1, np.minimum(seconds, seconds[::-1]) / 0.03)
        out[at : at + size] += (rng.uniform(0.1, 0.3) * rise * sound).astype(np.float32)
        pause = rng.exponential(0.6) if rng.random() < 0.2 else rng.exponential(0.03)
        at += size + int(pause * RATE_HZ)
    return out[:count]
