"""A moment of music without an end, as a value: all that its future depends on, in a small file.

What the computed inputs know of the music is not kept; it is read again from the events that are
remembered. The events grow up to `matching.REACH` and some, whatever the length of the music.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ritornello.errors import InputError
from ritornello.generation.job import ENDLESS, Job, Opening, given_events, parts_of, stated_chords
from ritornello.generation.planned import beside_beats, drums_as_usual, in_a_band, may_state_beats
from ritornello.generation.rules import Rules
from ritornello.generation.sampling import Sampling
from ritornello.generation.session.session_form import SessionForm
from ritornello.json_values import JsonObject
from ritornello.music.chords import Chart
from ritornello.music.keys import KeyName, parse_key
from ritornello.music.piece import Metre, Tempo
from ritornello.note_model.encoding import matching
from ritornello.note_model.encoding.bar_grid import LONGEST_BAR_TICKS
from ritornello.note_model.encoding.context import LOOKBACK_BARS
from ritornello.note_model.encoding.notes import DURATIONS, NONE, PART, PITCH, RESOLUTION, SHIFT

Event = tuple[int, int, int, int, int]
Remembered = list[tuple[int, Event]]  # onset and fields of each event
FORMAT = "ritornello-session-1"
_WINDOW_TICKS = max(LOOKBACK_BARS[-1] * LONGEST_BAR_TICKS, int(DURATIONS[-1]))
_VOICE_NOTES = matching.VOICE_STEPS + 2  # of a part: so many make the steps it is known by


@dataclass(frozen=True)
class Settings:
    """What is asked of the music from a tick on.

    Attributes:
        rules: its bars and metre do not count.
        sampling: temperature and nucleus.
        start_ticks: nothing is written before.
        chords_start_ticks: where the first bar of the chords is.
        key: a soft constraint where the rules ask for none.
        form: the section that is played; None for music that goes on from bar to bar.
    """

    rules: Rules
    sampling: Sampling
    start_ticks: int = 0
    chords_start_ticks: int = 0
    key: KeyName | None = None
    form: SessionForm | None = None

    @property
    def parts(self) -> list[int]:
        """Part classes that may play, ascending."""
        return parts_of(self.rules.instruments())

    def given(self, job: Job) -> np.ndarray:
        """What the form gives of notes; int64 [notes, 5], onsets in place of shifts."""
        if self.form is None:
            return np.zeros((0, len(NONE)), np.int64)
        found = [self.form.given(self.start_ticks)]
        if job.beats:
            found += self.form.beats(self.parts, self.start_ticks).values()
        rows = np.concatenate(found)
        return rows[np.lexsort((rows[:, PITCH], rows[:, PART], rows[:, SHIFT]))]

    def job(self, metres: tuple[Metre, ...]) -> Job:
        """Music without an end under these rules; the chords of the rules go round."""
        rules, chart, start = self.rules, self.rules.chart, self.chords_start_ticks
        form, parts = self.form, self.parts
        chords, repeat = None, None
        metre = [metre for metre in metres if metre.tick <= start][-1]
        if chart is not None:
            repeat = start, len(chart) * metre.bar_ticks(RESOLUTION)
            chords = stated_chords(rules, metres, start + 2 * repeat[1], start)
        elif form is not None:
            chords = form.told_drafts(metre.beat_ticks(RESOLUTION))
        players = rules.instruments()
        openings: tuple[Opening, ...] = (Opening(tuple(parts), self.start_ticks, ENDLESS),)
        job = Job(
            rules,
            metres,
            None,
            replace(given_events(None, chords=chords), chords_repeat=repeat),
            openings if form is None else form.openings(parts, self.start_ticks),
            None if players is None else frozenset(players),
            key=self.key,
            drafts={} if form is None else form.drafts(),
            leaves_figures=form is not None,
        )
        if form is not None and players is not None:
            job = replace(in_a_band(job), rhythms=form.rhythms(rules, metre, parts))
        if form is None or players is None or not may_state_beats(job):
            return job
        beats = tuple(form.beats(parts, self.start_ticks))
        own = rules.collection in form.own_drumming and rules.density is None
        is_whole = form.groove is not None and form.groove.is_whole and drums_as_usual(job)
        if beats and (own or is_whole):
            stated = form.holding(parts)
            job = replace(job, openings=form.openings(parts, self.start_ticks, stated))
        return replace(
            job,
            beats=beats,
            beat_keys=frozenset() if form.groove is None else form.groove.keys,
            polyphony=beside_beats(job) if beats else job.polyphony,
        )


@dataclass(frozen=True)
class Instant:
    """What changes from one event to the next, beside the events themselves.

    Attributes:
        settings: in force. pending: those that follow at their start, or None.
        state: of the network, float32 [1, layers, numbers]; never written to.
        rng: state of the random generator.
        seconds: onset of the last event.
        tempos: where the tempo changed, as far as the events are remembered.
        reached_ticks: bar line up to which silence is settled, where that is beyond the last event.
    """

    settings: Settings
    pending: Settings | None
    state: np.ndarray
    rng: Mapping[str, Any]
    seconds: float
    tempos: tuple[Tempo, ...]
    reached_ticks: int


@dataclass(frozen=True, eq=False)
class Moment:
    """All that the future of the music depends on, save the model.

    Attributes:
        instant: see there.
        metres: the metre map, at 24 ticks a quarter; the last one goes on for ever.
        events: int64 [events, 6], onset and fields of those remembered.
        skipped: between so many of them, the first, others are forgotten.
    """

    instant: Instant
    metres: tuple[Metre, ...]
    events: np.ndarray
    skipped: int = 0

    def remembered_events(self) -> Remembered:
        return [(row[0], tuple(row[1:])) for row in self.events.tolist()]

    def to_bytes(self, **about: str) -> bytes:
        """As a file; ``about`` is anything else that it should say."""
        instant = self.instant
        header = {
            "format": FORMAT,
            **about,
            "settings": _settings_out(instant.settings),
            "pending": None if instant.pending is None else _settings_out(instant.pending),
            "random": instant.rng,
            "seconds": instant.seconds,
            "tempos": instant.tempos,
            "reached_ticks": instant.reached_ticks,
            "metres": self.metres,
            "skipped": self.skipped,
        }
        events = self.events.copy()
        events[:, 0] = np.diff(events[:, 0], prepend=0)
        file = io.BytesIO()
        np.savez_compressed(
            file,
            header=np.frombuffer(json.dumps(header).encode(), np.uint8),
            waits=events[:, 0],
            fields=np.ascontiguousarray(events[:, 2:].T.astype(np.int16)),
            shifts=events[:, 1],
            state=instant.state,
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> tuple[Moment, JsonObject]:
        """What `to_bytes` wrote, and all that its header says.

        Raises:
            InputError: if it is something else, damaged, or of another version.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes())
                if header.get("format") != FORMAT:
                    raise InputError(
                        f"Expected a moment of the format {FORMAT}, "
                        f"found {header.get('format', 'none')}.",
                        next_step="Use the version of ritornello that kept it.",
                    )
                onsets = np.cumsum(file["waits"])
                events = np.stack([onsets, file["shifts"], *file["fields"]], axis=1)
                pending = header["pending"]
                instant = Instant(
                    _settings_in(header["settings"]),
                    None if pending is None else _settings_in(pending),
                    file["state"],
                    header["random"],
                    header["seconds"],
                    tuple(Tempo(*tempo) for tempo in header["tempos"]),
                    header["reached_ticks"],
                )
                metres = tuple(Metre(*metre) for metre in header["metres"])
                return cls(instant, metres, events.astype(np.int64), header["skipped"]), header
        except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise InputError(
                f"This is no moment of music that could be read ({error}).",
                next_step="Give what Snapshot.save wrote.",
            ) from error


def drop_forgotten(
    events: Remembered, skipped: int = 0, needed_ticks: int | None = None
) -> tuple[Remembered, int]:
    """The events without those that no computed input can tell any more.

    What stays: all within the reach of the lookback, in events and in ticks, and of the older ones
    the last of each pitch of each part and the last few notes of each part.

    Args:
        events: in order. skipped: between so many of them, the first, others are forgotten.
        needed_ticks: from where on all that was played matters in any case.

    Returns:
        the events that stay, and how many of them have gaps between.
    """
    edge = len(events) - (matching.REACH + matching.LONG_EVENTS + 1)
    if edge <= skipped:
        return events, skipped
    oldest = events[-1][0] - _WINDOW_TICKS
    if needed_ticks is not None:
        oldest = min(oldest, needed_ticks)
    while edge > skipped and events[edge - 1][0] >= oldest:
        edge -= 1
    kept: Remembered = []
    seen: set[tuple[int, int]] = set()
    of_part: Counter[int] = Counter()
    for onset, event in reversed(events[:edge]):
        part, pitch = event[PART], event[PITCH]
        if (part, pitch) not in seen or of_part[part] < _VOICE_NOTES:
            kept.append((onset, event))
        seen.add((part, pitch))
        of_part[part] += 1
    return kept[::-1] + events[edge:], len(kept)


def _settings_out(settings: Settings) -> JsonObject:
    rules = dict(vars(settings.rules))
    rules["key"] = None if rules["key"] is None else str(rules["key"])
    rules["chords"] = _chart_out(settings.rules.chart)
    key = None if settings.key is None else str(settings.key)
    return {
        **vars(settings),
        "rules": rules,
        "sampling": asdict(settings.sampling),
        "key": key,
        "form": None if settings.form is None else settings.form.as_json(),
    }


def _settings_in(found: JsonObject) -> Settings:
    metre = found["rules"]["metre"]
    rules = dict(found["rules"], metre=None if metre is None else tuple(metre))
    rules["ranges"] = {name: tuple(limits) for name, limits in rules["ranges"].items()}
    sampling = Sampling(**found["sampling"])
    key = None if found["key"] is None else parse_key(found["key"])
    form = None if found.get("form") is None else SessionForm.from_json(found["form"])
    told = {"rules": Rules(**rules), "sampling": sampling, "key": key, "form": form}
    return Settings(**{**found, **told})


def _chart_out(chart: Chart | None) -> str | None:
    if chart is None:
        return None
    bars = (" ".join("N.C." if chord is None else str(chord) for chord in bar) for bar in chart)
    return "| " + " | ".join(bars) + " |"
