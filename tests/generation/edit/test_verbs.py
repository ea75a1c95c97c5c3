"""Whatever the song and the verb: given notes stay, new ones are where they may be, bars count."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from experiments.generated.unchanged import DRUMS, Part, changes
from ritornello.errors import ConfigError, InputError, RitornelloError
from ritornello.generation import compose
from ritornello.generation.compose import write
from ritornello.generation.edit import verbs
from ritornello.generation.edit.perform import perform
from ritornello.generation.edit.plans import EditPlan, finish
from ritornello.generation.job import chord_symbols
from ritornello.generation.rules import Rules
from ritornello.generation.writer import Writer
from ritornello.music import io
from ritornello.music.chords import CHORD_OPEN
from ritornello.music.instruments import INSTRUMENTS, parse_instrument
from ritornello.music.io.midi_read import read_bytes
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.keys import KeyName, parse_key
from ritornello.music.piece import Metre, Piece, Tempo, Track
from ritornello.music.slicing import bar_lines
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import DURATIONS, END
from ritornello.note_model.engine.reference import Engine
from tests.examples import band
from tests.strategies import pieces, scores

NAMES = [instrument.name for instrument in INSTRUMENTS]
LINE = [(0, 24, 60, 80), (24, 24, 62, 80), (96, 96, 64, 80)]


@dataclass(frozen=True)
class Request:
    """A plan, and what a judge needs to know of it: times in quarter notes, programs or drums."""

    plan: EditPlan
    gap: tuple[Fraction, Fraction]
    parts: Collection[Part]
    bars: int
    rewritten: bool = False
    players: int = 0  # so many parts must play


def programs(song: Piece, tracks: Collection[int]) -> set[Part]:
    chosen = [song.tracks[index] for index in tracks]
    return {DRUMS if track.is_drum else track.program for track in chosen}


def beats(song: Piece, tick: int) -> Fraction:
    return Fraction(tick, song.resolution)


RULES = st.fixed_dictionaries(
    {},
    optional={
        "polyphony": st.fixed_dictionaries({"all": st.integers(1, 3)}),
        "key": st.builds(KeyName, st.integers(0, 11), st.sampled_from(["major", "minor"])),
        "chords": st.sampled_from(["Am F C G", "C | % | Dm7 G7"]),
        "ending": st.booleans(),
    },
)
KNOWN = st.none() | st.frozensets(st.integers(0, len(INSTRUMENTS) - 1), min_size=1)
SONGS = (
    st.one_of(pieces(max_tracks=5), pieces(max_tracks=7, bars=1), scores(max_tracks=5, bars=2))
    .filter(lambda song: song.note_count)
    # As a MIDI file can hold it: there, of notes of one pitch, the first begun is the first to end.
    .map(lambda song: read_bytes(write_bytes(song), "")[0])
)


def heard_bars(song: Piece) -> int:
    """The bars of a song without the empty ones at its end, where there are several."""
    lines = bar_lines(song)
    last = max(track.end_ticks for track in song.tracks)
    heard = next(number for number, line in enumerate(lines) if number and line >= last)
    return heard if len(lines) - 1 - heard >= 2 else len(lines) - 1


@st.composite
def requests(draw: Any, verb: str, song: Piece) -> Request:
    """A request for a verb on a song, under rules."""
    more = {"rules": Rules(**draw(RULES)), "known": draw(KNOWN)}
    lines = bar_lines(song)
    bars, everyone = len(lines) - 1, range(len(song.tracks))
    some = draw(st.lists(st.sampled_from(everyone), min_size=1, unique=True))
    some_or_all = draw(st.sampled_from([None, some]))
    asked = programs(song, everyone if some_or_all is None else some)
    whole = Fraction(0), beats(song, lines[-1])
    if verb == "fill":
        first = draw(st.integers(1, bars))
        last = draw(st.integers(first, bars))
        plan = verbs.fill_job(song, first, last, some_or_all, **more)
        gap = beats(song, lines[first - 1]), beats(song, lines[last])
        return Request(plan, gap, asked, bars, rewritten=True)
    if verb == "vary":
        plan = verbs.vary_job(song, some, **more)
        return Request(plan, whole, programs(song, some), bars, True, len(plan.homes))
    bars = heard_bars(song)
    whole = Fraction(0), beats(song, lines[bars])
    if verb == "continue":
        count = draw(st.integers(1, 4))
        plan = verbs.continue_job(song, count, tracks=some_or_all, **more)
        begin = max(track.end_ticks for track in song.tracks)
        after = beats(song, begin), beats(song, plan.kept.length_ticks)
        return Request(plan, after, asked, bars + count)
    if verb == "arrange":
        add = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
        plan = verbs.arrange_job(song, add, end=draw(st.booleans()), **more)
        new: set[Part] = {INSTRUMENTS[parse_instrument(name)].program for name in add}
        return Request(plan, whole, new | {DRUMS}, bars, players=len(add))
    voices = draw(st.lists(st.sampled_from([*verbs.VOICES]), min_size=1, max_size=3))
    choir = draw(st.sampled_from([None, parse_instrument("piano")]))
    plan = verbs.harmonise_job(song, voices, choir=choir, **more)
    return Request(plan, whole, programs(song, everyone), bars, players=len(voices))


def written(engine: Engine, plan: EditPlan, *seeds: int) -> list[Writer]:
    writers = [Writer.start(plan.job, np.random.default_rng(seed)) for seed in seeds or (0,)]
    write(engine, writers)
    return writers


def made(engine: Engine, plan: EditPlan, seed: int = 0) -> Piece:
    return finish(plan, written(engine, plan, seed)[0]).piece


def composed(writer: Writer) -> list[tuple[int, int, int, int]]:
    """Onset, part class, MIDI pitch and end of the notes that were not given."""
    onset, found = 0, []
    for (shift, part, pitch, duration, _), new in zip(writer.events, writer.composed, strict=True):
        onset += shift
        if new and notes.is_note(np.array(part)):
            found.append((onset, part, pitch % 128, onset + int(DURATIONS[duration])))
    return found


# --- for all songs -----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["fill", "continue", "vary", "arrange", "harmonise"])
@settings(max_examples=15, suppress_health_check=[*HealthCheck])
@given(song=SONGS, data=st.data(), seed=st.integers(0, 2**32 - 2))
def test_given_notes_stay_and_new_ones_are_where_they_may_be(
    verb: str, engine: Engine, song: Piece, data: st.DataObject, seed: int
) -> None:
    try:
        request = data.draw(requests(verb, song))
    except RitornelloError:
        assume(False)
    plan = request.plan
    writers = written(engine, plan, seed, seed + 1)
    assert written(engine, plan, seed + 1)[0].events == writers[1].events
    for writer in writers:
        piece = finish(plan, writer).piece
        assert piece.bar_count == request.bars
        assert changes(
            write_bytes(song), write_bytes(piece), gap=request.gap, parts=request.parts,
            rewritten=request.rewritten,
        ) == []  # fmt: skip
        new = composed(writer)
        assert not request.players or len({part for _, part, *_ in new}) == request.players
        assert all(low <= pitch <= high for _, part, pitch, _ in new
                   for low, high in [plan.job.range_of(part)])  # fmt: skip


@pytest.mark.data
@pytest.mark.parametrize(
    "folder", ["openscore_quartets_midi", "open_hymnal_midi", "band_arranged_synth"]
)
def test_real_music_stays_as_it_is(engine: Engine, data_dir: Path, folder: str) -> None:
    path = sorted((data_dir / folder).rglob("*.mid"))[3]
    song = io.read(path)
    first, last = 5, 6
    lines = bar_lines(song)
    piece = made(engine, verbs.fill_job(song, first, last, [0], rules=Rules()))
    gap = beats(song, lines[first - 1]), beats(song, lines[last])
    assert changes(
        path.read_bytes(), write_bytes(piece), gap=gap, parts=programs(song, [0]), rewritten=True
    ) == []  # fmt: skip
    assert piece.tracks[0] != song.tracks[0]


# --- where writing begins and ends -------------------------------------------------------------


def test_bars_are_counted_as_people_do() -> None:
    song = band(bars=6, metre=(3, 4))
    opening = verbs.fill_job(song, 2, 3, rules=Rules()).job.openings[0]
    assert (opening.start_ticks, opening.end_ticks) == (72, 216)


def test_bars_of_a_metre_no_model_counts_are_bars_of_the_song() -> None:
    long = Metre(0, 17, 4).bar_ticks(24)
    song = Piece((Track([(0, 24, 60, 80)]),), 24, metres=(Metre(0, 17, 4),), length_ticks=3 * long)
    opening = verbs.fill_job(song, 2, 2, rules=Rules()).job.openings[0]
    assert (opening.start_ticks, opening.end_ticks) == (long, 2 * long)


@pytest.mark.parametrize(("bars", "left"), [((1, 1), 1), ((8, 8), 1), ((1, 8), 0)])
def test_a_gap_may_be_at_the_start_at_the_end_or_everywhere(
    engine: Engine, bars: tuple[int, int], left: int
) -> None:
    plan = verbs.fill_job(band(), *bars, rules=Rules())
    assert (plan.kept.note_count > 0) == left
    assert made(engine, plan).bar_count == 8


def test_a_half_empty_last_bar_is_filled_up_from_its_first_silent_beat() -> None:
    song = Piece((Track([(0, 96, 60, 80), (96, 30, 62, 80)]),), 24)
    opening = verbs.continue_job(song, 2, rules=Rules()).job.openings[0]
    assert (opening.start_ticks, opening.end_ticks) == (96 + 48, 4 * 96)


def test_tempo_and_metre_of_the_end_go_on(engine: Engine) -> None:
    song = replace(
        band(bars=4),
        tempos=(Tempo(0, 100), Tempo(192, 80), Tempo(5000, 60)),
        metres=(Metre(0, 4, 4), Metre(288, 3, 4), Metre(6000, 4, 4)),
    )
    piece = made(engine, verbs.continue_job(song, 3, rules=Rules()))
    assert piece.tempos == (Tempo(0, 100), Tempo(192, 80))
    assert piece.metres == (Metre(0, 4, 4), Metre(288, 3, 4))
    assert piece.length_ticks == 288 + (2 + 3) * 72  # its last chord sounds into a fifth bar


def test_a_continued_song_ends_in_its_key(engine: Engine) -> None:
    song = Piece((Track([(24 * i, 24, 62 + (0, 2, 4, 5, 7, 4, 2, 0)[i % 8], 80)
                         for i in range(32)]),), 24)  # fmt: skip
    plan = verbs.continue_job(song, 4, rules=Rules(ending=True))
    assert plan.job.key is not None
    last = [note for note in made(engine, plan).tracks[0] if note.onset_ticks >= 11 * 96]
    assert {note.onset_ticks for note in last} == {11 * 96}
    assert last[0].pitch % 12 == plan.job.key.tonic


# --- who plays ---------------------------------------------------------------------------------


def test_a_part_without_notes_can_be_written_for(engine: Engine) -> None:
    song = replace(band(), tracks=(*band().tracks, Track([], 33, name="second bass")))
    piece = made(engine, verbs.vary_job(song, [3], rules=Rules()))
    assert len(piece.tracks[3]) > 0
    assert piece.tracks[:3] == song.tracks[:3]


def test_of_two_players_of_an_instrument_one_is_written_anew(engine: Engine) -> None:
    song = Piece((Track(LINE, 40, name="first"), Track(LINE, 40, name="second")), 24)
    plan = verbs.vary_job(song, [0], rules=Rules())
    heard = {event[1][notes.PART] for event in plan.job.given.events}
    assert heard >= {notes.part_of(parse_instrument("violin"), 1)}
    piece = made(engine, plan)
    assert piece.tracks[1] == song.tracks[1]
    assert piece.tracks[0] != song.tracks[0]


def test_parts_go_on_as_they_play_unless_rules_name_them() -> None:
    low_chord = [(0, 48, 40, 80), (0, 48, 45, 80), (48, 48, 43, 80)]
    song = Piece((Track(low_chord, 73, name="flute"),), 24)
    flute = notes.part_of(parse_instrument("flute"))
    job = verbs.continue_job(song, 2, rules=Rules()).job
    assert job.range_of(flute)[0] == 43  # heard an octave higher: 40 is beyond what is learned
    assert job.polyphony_of(flute) in (None, 2)
    strict = Rules(ranges={"flute": (60, 80)}, polyphony={"flute": 1})
    job = verbs.continue_job(song, 2, rules=strict).job
    assert (job.range_of(flute), job.polyphony_of(flute)) == ((60, 80), 1)


def test_voices_sing_in_their_ranges_one_note_at_a_time(engine: Engine) -> None:
    song = Piece((Track(LINE, 52, name="choir"),), 24)
    plan = verbs.harmonise_job(song, ("bass", "alto", "tenor"), rules=Rules())
    piece = made(engine, plan)
    assert [track.name for track in piece.tracks] == ["choir", "alto", "tenor", "bass"]
    for track in piece.tracks[1:]:
        low, high = verbs.VOICES[track.name]
        assert track.program == 52
        assert all(low <= note.pitch <= high for note in track)
        sounding = track.notes["onset"] + track.notes["duration"]
        assert (sounding[:-1] <= track.notes["onset"][1:]).all()


def test_chords_are_stated_where_a_gap_begins_between_two_ticks() -> None:
    metres = (Metre(0, 4, 4), Metre(325, 2, 2))  # the second bar line is heard a bit early
    song = Piece((Track([(0, 3000, 60, 80)]),), metres=metres)
    given = verbs.fill_job(song, 2, 2, rules=Rules(chords="Am")).job.given
    assert given.chord_ticks.tolist() == [0, 16, 112]


def test_chords_are_stated_where_there_is_writing() -> None:
    plan = verbs.fill_job(band(), 3, 4, rules=Rules(chords="Am | G"))
    given = plan.job.given.chords
    classes = [given.one(96 * bar)[0] for bar in range(8)]
    assert len({*classes[2:4]}) == 2
    assert {*classes[:2], *classes[4:]} == {CHORD_OPEN}


# --- long songs, and refusals ------------------------------------------------------------------


def test_of_a_long_song_the_network_reads_the_end_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "HISTORY_EVENTS", 40)
    steps = []
    step = engine.step

    def counted(*inputs: Any) -> Any:
        steps.append(1)
        return step(*inputs)

    monkeypatch.setattr(engine, "step", counted)
    plan = verbs.fill_job(band(bars=60), 50, 50, [1], rules=Rules())
    writer = written(engine, plan)[0]
    assert len(writer.events) > 500
    assert len(steps) < 120
    assert writer.events[-1][notes.PART] != END  # nor does it read what comes after the gap


@pytest.mark.parametrize(
    "ask",
    [
        lambda song: verbs.fill_job(song, 0, 2, rules=Rules()),
        lambda song: verbs.fill_job(song, 3, 2, rules=Rules()),
        lambda song: verbs.fill_job(song, 8, 9, rules=Rules()),
        lambda song: verbs.continue_job(song, 0, rules=Rules()),
        lambda song: verbs.continue_job(song, 10**6, rules=Rules()),
        lambda song: verbs.vary_job(song, [], rules=Rules()),
        lambda song: verbs.arrange_job(song, [], rules=Rules()),
        lambda song: verbs.arrange_job(song, ["drums"], rules=Rules()),
        lambda song: verbs.arrange_job(song, ["kazoo"], rules=Rules()),
        lambda song: verbs.harmonise_job(song, ["treble"], rules=Rules()),
        lambda song: verbs.harmonise_job(song, ["bass"] * 4, rules=Rules()),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(ask: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError):
        ask(band())


@pytest.mark.parametrize("tracks", [(), (Track([(0, 6, 36, 90)], is_drum=True),)])
def test_without_a_melody_nothing_is_harmonised(tracks: tuple[Track]) -> None:
    with pytest.raises(InputError):
        verbs.harmonise_job(Piece(tracks, 24), ["alto"], rules=Rules())


@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_a_band_that_is_asked_to_ends_together(engine: Engine, seed: int) -> None:
    song = band(seed, bars=4)
    added = verbs.arrange_job(song, ["violin", "horn"], end=True, rules=Rules())
    made = perform(engine, [added], [seed])[0].piece
    last = made.bar_starts_ticks()[-1]
    in_last = [track.notes[track.notes["onset"] >= last] for track in made.tracks[-2:]]
    assert sum(map(len, in_last)), "somebody strikes the last chord"
    assert all((notes["onset"] == last).all() for notes in in_last)


def test_a_band_ends_in_the_key_that_a_song_is_said_to_be_in(engine: Engine) -> None:
    song, key = band(4, bars=4), parse_key("F# minor")
    plan = verbs.arrange_job(song, ["bass"], end=True, key=key, rules=Rules())
    assert verbs.arrange_job(song, ["bass"], end=True, rules=Rules()).job.key != key
    track = perform(engine, [plan], [4])[0].piece.tracks[-1]
    assert track.notes["pitch"][-1] % 12 == key.tonic


@settings(max_examples=15)
@given(seed=st.integers(0, 99))
def test_who_is_asked_to_join_in_does_not_rest_for_good(engine: Engine, seed: int) -> None:
    song = band(seed, bars=12)
    plan = verbs.arrange_job(song, ["violin", "horn"], rules=Rules())
    made = perform(engine, [plan], [seed])[0].piece
    bar = made.metres[0].bar_ticks(made.resolution)
    for track in made.tracks[len(song.tracks) :]:
        onsets = [0, *track.notes["onset"].tolist(), made.length_ticks]
        ends = [0, *(track.notes["onset"] + track.notes["duration"]).tolist()]
        rests = [onset - end for onset, end in zip(onsets[1:], ends, strict=True)]
        assert max(rests) <= 3 * bar, "the next moment after two bars may be a bar away"


def test_a_chart_says_nothing_of_a_bar_that_has_begun() -> None:
    one_bar = (Metre(0, 4, 4),)
    assert chord_symbols(Rules(chords="Am F"), one_bar, 96, start_ticks=10) == ()
    (second,) = chord_symbols(Rules(chords="Am F"), one_bar, 192, start_ticks=10)
    assert (second.tick, second.text) == (96, "Am")


def test_a_variation_rests_no_longer_than_what_it_replaces() -> None:
    bass = Track([(96 * bar, 90, 40, 80) for bar in range(8)], 33)
    lead = Track([(96 * bar, 24, 72, 80) for bar in (0, 3, 4, 7)], 80)
    song = Piece((bass, lead), 24, metres=(Metre(0, 4, 4),), length_ticks=8 * 96)
    job = verbs.vary_job(song, [0, 1], closeness=0.5, rules=Rules()).job
    rests = {part: opening.longest_rest_ticks for opening in job.openings for part in opening.parts}
    assert sorted(rest or 0 for rest in rests.values()) == [12, 264]
