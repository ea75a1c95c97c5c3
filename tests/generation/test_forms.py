"""Pieces by a form: sections return, players enter and leave, durations are exact, rules hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.generated.judge import violations
from ritornello.errors import ConfigError
from ritornello.generation.composer import Composer
from ritornello.generation.job import whole_piece
from ritornello.generation.plan_drafts import form_of, without_players
from ritornello.generation.planned import in_a_band, plan_symbols
from ritornello.generation.rules import Rules
from ritornello.metrics.keeping.measures import measure
from ritornello.music.chords import chord_of_class
from ritornello.music.instruments import parse_instrument
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Piece
from ritornello.note_model.encoding.notes import part_of
from ritornello.plan.analysis import analyse
from ritornello.plan.bar_strokes import RESOLUTION, Shared, Strokes
from ritornello.plan.returning_bars import VARIED_LEAST
from tests.plan.songs import phrase, song

BAND = ("flute", "piano", "bass", "drums")


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer.load()


def likeness(piece: Piece, distance: int) -> np.ndarray:
    """How alike each bar is to the one so many bars before it, float64 [bars]."""
    found: np.ndarray = Shared.of(Strokes.of(piece.at_resolution(RESOLUTION))).alike[:, distance]
    return found


@pytest.mark.parametrize("seed", range(3))
def test_what_a_form_says_returns_is_found_to_return(composer: Composer, seed: int) -> None:
    piece = composer.compose(form="intro 4, A 8, B 8, A 8, end 4", parts=BAND, seed=seed)
    assert piece.bar_count == 32
    assert [mark.text for mark in piece.markers] == ["intro", "A", "B", "A", "end"]
    # The last bar ends with a fill, and players who come in make a bar less like what it was.
    assert likeness(piece, 16)[20:27].mean() > VARIED_LEAST
    rules = Rules(32, parts=BAND)
    assert not violations(write_bytes(piece), rules)


def test_players_enter_and_leave(composer: Composer) -> None:
    plan = composer.plan(form="intro 4, verse, chorus, end 4", parts=BAND, seed=2)
    assert plan.plays[:4].sum(axis=1).max() < len(BAND)
    assert (plan.plays[12:] == 1).all()
    found = analyse(composer.compose(plan=plan, seed=2))
    for section in plan.sections:
        said = plan.plays[section.start : section.end].max(axis=0)
        heard = found.plays[section.start : section.end].max(axis=0)
        last = section.end == plan.bars  # where all may end together
        assert ((heard <= said) | last).all()
        assert heard[said == 1].all()


def test_a_plan_is_written_to_and_the_same_piece_comes_of_it(composer: Composer) -> None:
    asked = {"form": "A 4, B 4, A 4", "parts": BAND, "seed": 5}
    plan = composer.plan(**asked)  # type: ignore[arg-type]
    direct = composer.compose(**asked)  # type: ignore[arg-type]
    by_plan = composer.compose(plan=plan, parts=BAND, seed=5)
    assert [len(track) for track in direct.tracks] == [len(track) for track in by_plan.tracks]


@pytest.mark.parametrize("wish", [{}, {"form": "A 8, B 8"}, {"tempo_bpm": 120.0}])
def test_a_duration_is_exact(composer: Composer, wish: dict[str, object]) -> None:
    piece = composer.compose(duration="0:40", parts="piano", **wish)  # type: ignore[arg-type]
    assert piece.duration_seconds == pytest.approx(40, abs=1e-3)


def test_pieces_of_one_duration_have_tempi_of_their_own_and_whole_phrases(
    composer: Composer,
) -> None:
    pieces = composer.compose_many(4, duration="1:00", collection="jazz", seed=5)
    assert len({piece.tempos[0].bpm for piece in pieces}) > 1
    for piece in pieces:
        assert piece.duration_seconds == pytest.approx(60, abs=1e-3)
        assert piece.bar_count % 4 == 0
    assert composer.compose(duration="1:00", collection="jazz", seed=7) == pieces[2]


def test_the_form_of_a_song_is_taken_without_its_harmony(composer: Composer) -> None:
    taken = form_of(analyse(song(phrase(1), phrase(2), phrase(1))))
    assert taken.key is None
    piece = composer.compose(plan=without_players(taken), parts="piano", seed=3)
    assert [mark.text for mark in piece.markers] == ["A", "B", "A"]
    assert (likeness(piece, 16)[16:23] >= VARIED_LEAST).all()


def test_the_form_of_a_waltz_is_a_waltz_in_a_style_that_swings(composer: Composer) -> None:
    waltz = composer.compose(bars=8, metre="3/4", parts="piano", seed=1)
    piece = composer.compose(plan=form_of(analyse(waltz)), collection="jazz", seed=1)
    assert [str(metre) for metre in piece.metres] == [str(metre) for metre in waltz.metres]


def test_a_drummer_holds_a_beat_and_nobody_adds_to_it(composer: Composer) -> None:
    held = distinct = 0.0
    for seed in range(12):
        piece = composer.compose(form="A 8, B 8, A 8", parts=BAND, seed=seed)
        figures = measure(piece)
        distinct += figures["different kick-and-snare bars"]
        held += figures["bars with the snare on 2 and 4"]
        rules = Rules(24, parts=BAND)
        assert not violations(write_bytes(piece), rules)
    assert distinct / 12 < 0.3  # bar by bar .3 to .6
    assert held / 12 > 0.15  # of one drummer all bars or none
    thin = composer.compose(form="A 8", parts=BAND, ranges={"drums": (38, 45)}, seed=1)
    assert not violations(write_bytes(thin), Rules(8, parts=BAND, ranges={"drums": (38, 45)}))


def test_a_long_section_of_a_band_is_played_twice(composer: Composer) -> None:
    returning = [
        measure(composer.compose(form="A 16, B 8", parts=BAND, seed=seed)) for seed in range(8)
    ]
    assert np.mean([figures["melody as 8 bars before"] for figures in returning]) > 0.1


@pytest.mark.parametrize("bars", [4, 8, 12])
def test_a_short_piano_does_not_go_round_in_a_loop(composer: Composer, bars: int) -> None:
    pieces = composer.compose_many(6, bars=bars, parts=("piano",), seed=1)
    assert np.mean([measure(piece)["looped bars"] for piece in pieces]) <= 0.1


def test_a_form_of_one_bar(composer: Composer) -> None:
    piece = composer.compose(form="A 1", parts=("piano", "drums"), seed=1)
    assert piece.bar_count == 1


def test_other_chords_are_played_anew(composer: Composer) -> None:
    chords = "C F G C | Am Dm E Am"
    piece = composer.compose(form="A 4, A 4", chords=chords, parts=("piano", "drums"), seed=1)
    assert not violations(write_bytes(piece), Rules(8, chords=chords, parts=("piano", "drums")))


def test_stated_chords_of_a_plan_hold(composer: Composer) -> None:
    plan = composer.plan(form="A 4", parts=("piano",), seed=1)
    chords = np.repeat([[0], [5], [7], [0]], 2, axis=1)  # C, F, G, C as major triads, whole bars
    asked = replace(plan, chords=chords, drafted_chords=False)
    piece = composer.compose(plan=asked, parts=("piano",), seed=1, ending=False)
    (track,) = piece.tracks
    onsets = track.notes["onset"]
    for bar, triad in ((1, {5, 9, 0}), (2, {7, 11, 2})):
        first = track.notes["pitch"][onsets == bar * 96] % 12
        assert set(first.tolist()) <= triad
    assert [symbol.text for symbol in piece.chords][:3] == ["C", "F", "G"]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"form": "A 5000"}, "at most 4000"),
        ({"form": "foo 3"}, "No section is called 'foo'"),
        ({"form": "A 8", "bars": 9}, "9 bars were asked for"),
        ({"duration": "soon"}, "not a duration"),
        ({"duration": 120, "bars": 4}, "need 8 bpm"),
        ({"duration": 120, "bars": 16, "tempo_bpm": 120.0}, "last 32 seconds"),
        ({"duration": float("nan")}, "not a duration"),
    ],
)
def test_what_makes_no_sense_is_refused(
    composer: Composer, wish: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        composer.compose(**wish)  # type: ignore[arg-type]


def test_longer_pieces_have_a_form_unless_none_is_wanted(composer: Composer) -> None:
    rules = Rules(32, parts=("piano", "bass"), key="G major")
    piece = composer.compose(rules, seed=3)
    assert [mark.text for mark in piece.markers] == ["intro", "A", "B", "A", "end"]
    assert len({chord.text for chord in piece.chords}) > 1
    assert not violations(write_bytes(piece), rules)
    for plain in (
        composer.compose(rules, seed=3, form="none"),
        composer.compose(rules, bars=3, seed=3),
        composer.compose(form="none", duration="0:50", parts=("piano",), seed=3),
    ):
        assert not plain.markers
    assert composer.compose(rules, seed=3, chords="G C").chords[1].text == "C"


def test_sections_and_chords_of_a_piece_that_swings_stand_at_their_bars(
    composer: Composer,
) -> None:
    piece = composer.compose(form="A 4, B 4", parts=("piano", "bass"), swing=2, seed=1)
    bars = piece.bar_starts_ticks().tolist()
    assert [mark.tick for mark in piece.markers] == [bars[0], bars[4]]
    halves = {bar + half for bar in bars for half in (0, 2 * piece.resolution)}
    assert {chord.tick for chord in piece.chords} <= halves
    assert piece.chords[-1].tick >= bars[4]


def test_drums_alone_have_no_chords(composer: Composer) -> None:
    assert not composer.compose(bars=8, parts=("drums",), seed=1).chords


def test_chords_that_nobody_asked_for_bind_the_accompaniment_where_they_are_told(
    composer: Composer,
) -> None:
    plan = composer.plan(form="A 8, B 8", parts=BAND, key="C major", seed=1)
    assert plan.drafted_chords
    piece = composer.compose(plan=plan, seed=1, parts=BAND, key="C major")
    off = dict.fromkeys(BAND, 0)
    for track in piece.tracks:
        for onset, _, pitch, _ in track.notes.tolist():
            bar, within = divmod(onset, 4 * piece.resolution)
            chord = chord_of_class(int(plan.chords[bar, 0]))
            assert chord is not None
            told = not within and (bar % 2 == 0 or bar % 8 >= 6)
            if pitch % 12 not in chord.pitch_classes and told and not track.is_drum:
                off[track.name] += 1
    assert off["piano"] == off["bass"] == 0


def test_who_accompanies_a_band_stays_below_its_melody(composer: Composer) -> None:
    piece = composer.compose(bars=16, parts=("lead", "piano", "bass", "drums"), seed=1)
    top = {track.name: int(track.notes["pitch"].max()) for track in piece.tracks}
    low = {track.name: int(track.notes["pitch"].min()) for track in piece.tracks}
    assert top["piano"] <= 74  # as nine of ten notes of pianos in bands
    assert low["lead"] >= 58
    (drums,) = (track.notes["onset"] for track in piece.tracks if track.is_drum)
    assert np.unique(drums, return_counts=True)[1].max() <= 4  # two hands and two feet
    wide = in_a_band(whole_piece(Rules(8, parts=BAND, ranges={"piano": (30, 100)})))
    assert wide.ranges.get(part_of(parse_instrument("piano"), 0)) is None


@pytest.mark.parametrize("seed", range(3))
def test_a_dense_flute_holds_the_last_chord(composer: Composer, seed: int) -> None:
    rules = Rules(4, "2/4", parts=("flute", "piano"), densities={"flute": "high"})
    assert not violations(write_bytes(composer.compose(rules, seed=seed)), rules)


def test_chord_symbols_are_those_that_sound(composer: Composer) -> None:
    piece = composer.compose(bars=16, parts=("voice", "piano"), key="C major", seed=1)
    heard = plan_symbols(analyse(piece))
    assert piece.chords == heard
    assert len({symbol.text for symbol in piece.chords}) > 2


def test_sections_begin_with_a_crash_and_few_bars_inside_them_do(composer: Composer) -> None:
    """Real bands: .36 of the sections and .15 of the other bars; game music: .42 and .11."""
    pieces = composer.compose_many(
        12, collection="pop", metre=(4, 4), parts=BAND, form="A 8, B 8, A 8, B 8", seed=1
    )
    struck = np.zeros((len(pieces), 32), bool)
    for piece, bars in zip(pieces, struck, strict=True):
        (drums,) = (track for track in piece.at_resolution(24).tracks if track.is_drum)
        onsets = drums.notes["onset"][np.isin(drums.notes["pitch"], (49, 57))]
        bars[onsets[onsets % 96 == 0] // 96] = True
    heads = struck[:, 8::8]
    assert 0.2 < heads.mean() < 0.6
    assert struck[:, 1:].sum() - heads.sum() < 0.2 * 28 * len(pieces)


def test_the_plan_of_a_duration_lasts_as_long(composer: Composer) -> None:
    asked = {"parts": ("voice", "piano"), "seed": 4}
    plan = composer.plan(duration="1:00", **asked)  # type: ignore[arg-type]
    piece = composer.compose(plan=plan, **asked)  # type: ignore[arg-type]
    assert abs(float(piece.ticks_to_seconds(np.array([piece.length_ticks]))[0]) - 60) < 0.1
