"""Music without an end is a value: kept, taken back and branched, it plays the very same notes."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.generated.judge import violations
from ritornello.errors import ConfigError, InputError
from ritornello.generation.instrumentation import Instrumentation
from ritornello.generation.job import is_drums
from ritornello.generation.rules import Rules
from ritornello.generation.sampling import Sampling
from ritornello.generation.session.improvisation import HISTORY_BARS, Improvisation
from ritornello.generation.session.moment import Moment, drop_forgotten
from ritornello.generation.usual_music import UsualMusic
from ritornello.music.chords import parse_chord
from ritornello.music.io.midi_write import write_bytes
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import matching, notes
from ritornello.note_model.encoding.notes import END, PART, PITCH, SHIFT
from ritornello.note_model.engine import open_engine
from ritornello.note_model.engine.reference import Engine
from ritornello.note_model.network import NoteModel, NoteModelConfig
from tests.examples import band

BAR = 96
RULES = Rules(parts=("piano", "bass", "drums"), polyphony={"all": 8})


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An untrained model that leaves few rests."""
    torch.manual_seed(1)
    model = NoteModel(NoteModelConfig(layers=1, width=16, head_width=16))
    with torch.no_grad():
        bias: torch.Tensor = model.heads[0].get_parameter("out.bias")
        bias[:] = -6
        bias[[0, 12, 24, 36]] = 2
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return open_engine(Checkpoint(weights, model.settings(), collections=("band",)))


@pytest.fixture
def short_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lookback that is over within a test."""
    monkeypatch.setattr(matching, "REACH", 64)


def _take(music: Improvisation, events: int) -> list[tuple[int, int, int, int, int]]:
    return list(islice(music, events))


def _onsets(events: Iterable[tuple[int, ...]], start: int = 0) -> list[int]:
    result: list[int] = (start + np.cumsum([event[SHIFT] for event in events])).tolist()
    return result


def test_a_seed_gives_the_same_music_and_no_end(engine: Engine) -> None:
    first = _take(Improvisation.start(engine, RULES, seed=3), 200)
    assert first == _take(Improvisation.start(engine, RULES, seed=3), 200)
    assert first != _take(Improvisation.start(engine, RULES, seed=4), 200)
    assert END not in {event[PART] for event in first}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("events"), st.integers(1, 40)),
        st.tuples(st.just("bars"), st.integers(1, 3)),
        st.tuples(st.just("undo_notes"), st.integers(1, 12)),
        st.tuples(st.just("undo_bars"), st.integers(1, 3)),
        st.tuples(st.just("reseed"), st.integers(0, 9)),
        st.tuples(st.just("change"), st.sampled_from(["C major", "F# minor", None])),
    ),
    max_size=8,
)


def _do(music: Improvisation, action: str, number: Any) -> None:
    if action == "events":
        _take(music, number)
    elif action == "bars":
        list(music.bars(number))
    elif action == "change":
        tempo = None if number is None else 77.0
        rules = Rules(parts=RULES.parts, key=number, tempo_bpm=tempo, chords=number and number[0])
        music.change(rules, Sampling(0.8))
    else:
        try:
            getattr(music, action)(number)
        except ConfigError:
            assert action in ("undo_notes", "undo_bars")


@settings(
    max_examples=24,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, seed=st.integers(0, 99), form=st.booleans())
def test_whatever_was_done_a_moment_plays_on_alike(
    engine: Engine,
    short_reach: None,
    steps: list[tuple[str, int] | tuple[str, str]] | list[tuple[str, int]],
    seed: int,
    form: bool,
) -> None:
    music = Improvisation.start(engine, RULES, seed=seed, form=form)
    _take(music, 100)
    for step in steps:
        _do(music, *step)
    moment, twin = music.moment(), music.branch()
    data = moment.to_bytes()
    line, seconds = music.line_ticks, music.onset_seconds
    expected = _take(music, 40)
    assert data == moment.to_bytes()  # going on has not changed it
    for other in (twin, music.at(moment), music.at(Moment.from_bytes(data)[0])):
        assert (other.line_ticks, other.onset_seconds) == (line, seconds)
        assert _take(other, 40) == expected
        assert other.tempo_bpm == music.tempo_bpm


def test_long_after_the_lookback_is_full_a_moment_still_plays_on_alike(
    engine: Engine, short_reach: None
) -> None:
    music = Improvisation.start(engine, Rules(parts=("piano", "violin", "bass")), seed=0)
    for _ in range(4):
        _take(music, 250)
        moment = music.moment()
        assert moment.skipped > 0
        again = music.at(moment)
        expected = _take(music.branch(), 60)
        assert _take(again, 60) == expected


def test_only_what_nothing_can_tell_is_forgotten(engine: Engine, short_reach: None) -> None:
    remembered = []
    onset = 0
    for event in _take(Improvisation.start(engine, RULES, seed=5), 1000):
        onset += event[SHIFT]
        remembered.append((onset, event))
    kept, skipped = drop_forgotten(remembered)
    assert skipped < len(kept) < 600
    assert kept[skipped:] == remembered[-len(kept[skipped:]) :]
    assert kept == sorted(kept, key=lambda row: row[0])
    latest, latest_kept = (
        {(event[PART], event[PITCH]): (onset, event) for onset, event in rows}
        for rows in (remembered, kept)
    )
    assert latest_kept == latest
    assert drop_forgotten(kept, skipped) == (kept, skipped)


def test_notes_taken_back_are_written_again(engine: Engine) -> None:
    music = Improvisation.start(engine, RULES, seed=1)
    written = _take(music, 150)
    music.undo_notes(40)
    again = []
    while music.onset_ticks < sum(event[SHIFT] for event in written):
        again.append(next(music))
    assert written[-len(again) :] == again[: len(written)]
    assert sum(0 < event[PART] < notes.REST for event in again) >= 40


def test_bars_taken_back_are_written_again_or_otherwise(engine: Engine) -> None:
    music = Improvisation.start(engine, RULES, seed=1)
    first = list(music.bars(4))
    assert max(_onsets(first)) < 4 * BAR == music.line_ticks
    second = list(music.bars(3))
    music.undo_bars(3)
    assert music.line_ticks == 4 * BAR
    assert list(music.bars(3)) == second
    music.undo_bars(3)
    music.reseed(7)
    other = list(music.bars(3))
    assert other != second
    assert min(_onsets(other, sum(event[SHIFT] for event in first))) >= 4 * BAR
    music.undo_bars(7)
    assert list(music.bars(4)) == first


def test_a_bar_that_has_begun_is_the_first_to_take_back(engine: Engine) -> None:
    music = Improvisation.start(engine, RULES, seed=2)
    list(music.bars(2))
    begun = [next(music) for _ in range(6)]
    assert music.onset_ticks > 2 * BAR
    music.undo_bars(-(-(music.line_ticks - 2 * BAR) // BAR))
    assert music.line_ticks == 2 * BAR
    assert [next(music) for _ in range(6)] == begun


def test_more_than_is_remembered_cannot_be_taken_back(engine: Engine) -> None:
    music = Improvisation.start(engine, RULES, seed=2)
    list(music.bars(HISTORY_BARS + 20))
    before = music.moment().to_bytes()
    for undo in (music.undo_bars, music.undo_notes):
        with pytest.raises(ConfigError, match="can be taken back; asked for 99999"):
            undo(99999)
    with pytest.raises(ConfigError, match=rf"last {HISTORY_BARS} bars"):
        music.undo_bars(HISTORY_BARS + 1)
    assert music.moment().to_bytes() == before
    music.undo_bars(HISTORY_BARS)
    assert music.line_ticks == 20 * BAR


# --- steering -------------------------------------------------------------------------------------


def test_a_change_holds_from_the_next_bar_line_on_and_exactly(engine: Engine) -> None:
    music = Improvisation.start(engine, RULES, seed=6)
    list(music.bars(2))
    for _ in range(3):
        next(music)
    line = music.line_ticks
    asked = Rules(
        bars=8, parts=("flute", "bass"), key="E minor", polyphony={"all": 1}, tempo_bpm=77,
        ending=False,
    )  # fmt: skip
    music.change(asked, Sampling(0.7))
    list(music.bars(9))
    piece = music.piece(8)
    assert music.line_ticks == line + 8 * BAR
    assert {track.name for track in piece.tracks} == {"flute", "bass"}
    assert violations(write_bytes(piece), asked) == []
    assert [(tempo.tick, tempo.bpm) for tempo in piece.tempos] == [(0, 77)]


def test_the_last_word_before_the_bar_line_counts(engine: Engine) -> None:
    music = Improvisation.start(engine, RULES, seed=6)
    list(music.bars(2))  # the first event after them is drawn already
    for part in ("flute", "bass"):
        music.change(Rules(parts=(part,)), Sampling())
    list(music.bars(8))
    assert {track.name for track in music.piece(8).tracks} == {"bass"}


def test_chords_go_round_for_ever(engine: Engine) -> None:
    rules = Rules(parts=("piano", "guitar"), polyphony={"all": 8})
    music = Improvisation.start(engine, rules, seed=0)
    list(music.bars(1))
    music.change(replace(rules, chords="C | F G | Am"), Sampling())
    list(music.bars(40))
    bars = [["C"], ["F", "G"], ["Am"]]
    piece = music.piece(40)
    on_beat = [note for track in piece.tracks for note in track if note.onset_ticks % 24 == 0]
    assert len(on_beat) > 20
    for note in on_beat:
        bar, place = divmod(note.onset_ticks, BAR)
        chords = bars[bar % 3]
        chord = parse_chord(chords[place * len(chords) // BAR])
        assert note.pitch % 12 in chord.pitch_classes


def test_what_cannot_be_met_changes_nothing(engine: Engine) -> None:
    music = Improvisation.start(engine, RULES, seed=6)
    list(music.bars(2))
    twin = music.branch()
    narrow = Rules(parts=("bass",), ranges={"bass": (40, 40)}, chords="C#")
    with pytest.raises(ConfigError, match="bass has no note of Db"):
        music.change(narrow, Sampling())
    assert _take(music, 50) == _take(twin, 50)


# --- primers and pieces ---------------------------------------------------------------------------


def test_music_goes_on_where_a_primer_ends(engine: Engine) -> None:
    primer = band(seed=3, bars=4)
    music = Improvisation.start(engine, Rules(), seed=0, primer=primer)
    assert music.line_ticks == 4 * BAR
    list(music.bars(4))
    piece = music.piece()
    assert piece.bar_count == 8
    assert piece.tempos == primer.tempos
    for track in piece.tracks:
        [given_track] = [other for other in primer.tracks if other.name == track.name]
        heard = [note for note in track if note.onset_ticks < 4 * BAR]
        assert [note[::2] for note in heard] == [note[::2] for note in given_track]
    assert any(note.onset_ticks >= 4 * BAR for track in piece.tracks for note in track)
    with pytest.raises(ConfigError, match="last 4 bars"):
        music.undo_bars(5)
    music.undo_bars(4)
    moment = Moment.from_bytes(music.moment().to_bytes())[0]
    assert _take(music.at(moment), 60) == _take(music, 60)


def test_a_primer_may_be_left_in_another_tempo(engine: Engine) -> None:
    asked = Rules(tempo_bpm=66, parts=("bass", "flute"))
    music = Improvisation.start(engine, asked, seed=0, primer=band(bars=2))
    list(music.bars(2))
    tempos = music.piece().tempos
    assert (tempos[-1].tick, tempos[-1].bpm) == (2 * BAR, 66)
    assert {track.name for track in music.piece(2).tracks} <= {"bass", "flute"}


def test_a_piece_is_what_was_played(engine: Engine) -> None:
    music = Improvisation.start(engine, RULES, seed=9)
    with pytest.raises(InputError, match="No note"):
        music.piece()
    events = list(music.bars(6))
    piece, end = music.piece(), music.piece(2)
    assert piece.bar_count == 6
    assert piece.note_count == sum(0 < event[PART] < notes.REST for event in events)
    assert end.length_ticks == 2 * BAR
    late = [on for on, event in zip(_onsets(events), events, strict=True)
            if on >= 4 * BAR and event[PART] not in (0, notes.REST)]  # fmt: skip
    assert end.note_count == len(late)


def test_a_file_that_is_no_moment_is_refused(engine: Engine) -> None:
    data = Improvisation.start(engine, RULES, seed=9).moment().to_bytes()
    for wrong in (b"", b"no moment", data[:200], data[:-40]):
        with pytest.raises(InputError, match="no moment of music"):
            Moment.from_bytes(wrong)


# --- memory ---------------------------------------------------------------------------------------


def test_what_is_remembered_does_not_grow_with_the_music(
    engine: Engine, short_reach: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ritornello.generation.session.improvisation._THIN_EVERY", 64)
    monkeypatch.setattr("ritornello.generation.session.improvisation.HISTORY_BARS", 4)
    music = Improvisation.start(engine, RULES, seed=0)
    _take(music, 1000)
    before = _remembered_bytes(music)
    _take(music, 1400)
    assert _remembered_bytes(music) < 1.3 * before
    assert len(music.moment().to_bytes()) < 16_000


def _remembered_bytes(music: Improvisation) -> int:
    """All that an improvisation holds beside the model."""
    held = {name: value for name, value in vars(music).items() if name != "_engine"}
    return len(pickle.dumps(held))


def test_drummers_of_somebodys_own_music_hold_what_they_play_and_nothing_else(
    engine: Engine,
) -> None:
    known = (Instrumentation(("piano", "drums"), 1.0, "mine"),)
    rules = Rules(parts=("piano", "drums"), collection="mine")
    bar_sets: dict[int, list[frozenset[tuple[int, int]]]] = {}
    for held in (0, 2):
        music = Improvisation.start(
            engine,
            rules,
            seed=3,
            instrumentations=known,
            usual=UsualMusic(held_beats={"mine": {str(held): 1}}),
            form=True,
        )
        first = _take(music, 60)
        again = music.at(Moment.from_bytes(music.moment().to_bytes())[0])
        rest = [*music.bars(20)]
        assert rest == [*again.bars(20)]
        onsets = _onsets([*first, *rest])
        bars: list[set[tuple[int, int]]] = [set() for _ in range(24)]
        for onset, event in zip(onsets, [*first, *rest], strict=True):
            if is_drums(event[PART]) and onset < 24 * BAR:
                bars[onset // BAR].add((onset % BAR, event[PITCH]))
        bar_sets[held] = [*map(frozenset, bars)]
    assert bar_sets[2][2:7] == [*bar_sets[2][:2], *bar_sets[2][:2], bar_sets[2][0]]
    assert len({*bar_sets[2][:2]}) == 2
    assert len({*bar_sets[0][:8]}) > 4
