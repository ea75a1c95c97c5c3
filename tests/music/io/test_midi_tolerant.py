"""MIDI files that are not as the specification has them, read as players play them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.music.controls import SUSTAIN, bend_ranges
from ritornello.music.io import midi_events, midi_read
from ritornello.music.io.limits import Remark
from ritornello.music.io.midi_container import take_apart
from ritornello.music.io.midi_read import read_bytes
from ritornello.music.io.midi_symusic import read_ordinary
from ritornello.music.io.midi_text import choose_codec, decode
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Lyric, Metre, Piece, Text, Track
from tests.strategies import full_pieces

END = b"\x00\xff\x2f\x00"
NOTE = b"\x00\x90\x3c\x50\x60\x80\x3c\x40"  # a quarter of middle C at 96 ticks
D_AFTER = b"\x00\x90\x3e\x50\x60\x80\x3e\x40"


def midi(*tracks: bytes, form: int = 1, extra: bytes = b"") -> bytes:
    chunks = b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)
    return b"MThd" + struct.pack(">IHHH", 6, form, len(tracks), 96) + chunks + extra


def meta(kind: int, payload: bytes, delta: int = 0) -> bytes:
    return bytes((delta, 0xFF, kind, len(payload))) + payload


def read(data: bytes) -> tuple[Piece, list[str]]:
    piece, told = read_bytes(data, "some.mid")
    return piece, [sentence for sentence in told if not isinstance(sentence, Remark)]


def notes(piece: Piece) -> list[list[tuple[int, int, int]]]:
    return [[(n.onset_ticks, n.duration_ticks, n.pitch) for n in t] for t in piece.tracks]


C_AND_D = [[(0, 96, 60), (96, 96, 62)]]


# --- the container ------------------------------------------------------------------------------


def test_padding_between_tracks_is_skipped_and_told() -> None:
    track = NOTE + END
    data = midi(track)
    chunk = data[14:]
    for padding in (b"\0", b"\0" * 5, b"\r\n", b"junk!"):
        piece, told = read(data[:10] + b"\0\2" + data[12:14] + chunk + padding + chunk)
        assert len(piece.tracks) == 2, padding
        assert any("between tracks" in sentence for sentence in told)


@pytest.mark.parametrize("wrong", [-3, -1, 1, 7, 100_000])
def test_a_wrong_last_length_is_mended_if_the_track_is_whole(wrong: int) -> None:
    track = NOTE + D_AFTER + END
    data = bytearray(midi(track))
    data[18:22] = struct.pack(">I", len(track) + wrong)
    piece, told = read(bytes(data))
    assert notes(piece) == C_AND_D
    assert any("announces" in sentence for sentence in told)


def test_a_length_that_swallows_the_next_track_is_mended() -> None:
    track = NOTE + END
    data = bytearray(midi(track, D_AFTER + END))
    data[18:22] = struct.pack(">I", len(track) + 12)
    assert notes(read(bytes(data))[0]) == [[(0, 96, 60)], [(0, 96, 62)]]


def test_a_riff_file_is_opened_whatever_comes_first_in_it() -> None:
    song = midi(NOTE + END)
    info = b"LIST" + struct.pack("<I", 5) + b"INFO!" + b"\0"
    body = b"RMID" + info + b"data" + struct.pack("<I", len(song)) + song
    piece, told = read(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert (piece.note_count, told) == (1, [])


def test_bytes_before_the_header_are_skipped_and_told() -> None:
    piece, told = read(bytes(128) + midi(NOTE + END))
    assert piece.note_count == 1
    assert told == ["128 bytes before the header were skipped."]


# --- events -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "between",
    [
        b"\x00\xf0\x03\x43\x12\x00\x00\xf7\x03\x01\x02\xf7",
        b"\x00\xf7\x02\xf3\x01",
        b"\x00\xf7\x01\xfa",
        b"\x00\xf0\x05\x41\x10\x42\x12\xf7",
        b"\x00\xf0\x02\x7d\x01" + b"\x00\xf7\x81\x00" + bytes(127) + b"\xf7",
        meta(0x7F, b"\x00\x00\x41\xff\x03\x90"),
        b"\x00\xb0\x07\xff",
        b"\x00\xb0\xa8\x40",
        b"\x00\xc0\xff\x00\xc0\x00",
        b"\x00\xe0\xff\xff\x00\xe0\x00\x40",
        b"\x00\xf8",
        b"\x00\xf1\x07",
    ],
)
@pytest.mark.parametrize("running", [False, True], ids=["status", "running"])
def test_what_stands_between_notes_moves_none(between: bytes, running: bool) -> None:
    first = b"\x00\x90\x3c\x50\x60\x3c\x00" if running else NOTE
    goes_on = running and 0x80 <= between[1] < 0xF0
    then = (b"\x00\x90" if goes_on else b"\x00") + b"\x3e\x50\x60\x3e\x00" if running else D_AFTER
    piece, _ = read(midi(first + between + then + END))
    assert notes(piece) == C_AND_D


def test_values_over_127_are_told() -> None:
    _, told = read(midi(NOTE + b"\x00\xb0\x07\xff" + END))
    assert told == ["1 values over 127 were taken as 127 (track 0)."]


def test_too_many_events_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi_read, "MOST_EVENTS", 100)
    with pytest.raises(InputError, match="more than 100 events"):
        read(midi(b"\x00\xa0\x3c\x01" + b"\x00\x3c\x01" * 200 + END))


@pytest.mark.parametrize("lost", range(5))
def test_a_lost_release_harms_its_own_note_only(lost: int) -> None:
    track = b""
    for number in range(5):
        release = b"\x60\xff\x01\x00" if number == lost else b"\x60\x80\x3c\x40"
        track += b"\x60\x90\x3c\x50" + release
    (found,) = notes(read(midi(track + END))[0])
    kept = [note for index, note in enumerate(found) if index != lost]
    assert [onset for onset, *_ in found] == [96 + 192 * number for number in range(5)]
    assert all(duration == 96 for _, duration, _ in kept)
    assert found[lost][1] <= 192


# --- channels -----------------------------------------------------------------------------------


def test_a_program_counts_for_a_track_that_sets_none() -> None:
    setup = b"\x00\xc0\x28" + b"\x00\xb0\x07\x50" + END
    own = b"\x00\xc0\x38" + NOTE + END
    piece, _ = read(midi(setup, NOTE + END, own))
    assert [track.program for track in piece.tracks] == [40, 56]
    assert [track.controls.tolist() for track in piece.tracks] == [[(0, 7, 80)]] * 2


def test_a_program_changed_by_another_track_counts_from_there() -> None:
    setup = b"\x00\xc0\x28" + b"\x60\xc0\x38" + END
    piece, _ = read(midi(setup, NOTE + D_AFTER + END))
    assert [(t.program, t.player, len(t)) for t in piece.tracks] == [(40, 1, 1), (56, 1, 1)]


def test_other_ports_have_other_programs() -> None:
    setup = meta(0x21, b"\x01") + b"\x00\xc0\x28" + END
    assert read(midi(setup, NOTE + END))[0].tracks[0].program == 0


GS_DRUMS = b"\x00\xf0\x0a\x41\x10\x42\x12\x40\x1b\x15\x01\x0f\xf7"  # of channel 12
XG_DRUMS = b"\x00\xf0\x08\x43\x10\x4c\x08\x0b\x07\x02\xf7"
GS_ON = b"\x00\xf0\x0a\x41\x10\x42\x12\x40\x00\x7f\x00\x41\xf7"


@pytest.mark.parametrize(
    ("before", "is_drum"),
    [
        (b"\x00\xbb\x00\x78\x00\xcb\x00", True),
        (b"\x00\xbb\x00\x7f\x00\xcb\x00", True),
        (b"\x00\xbb\x00\x7e\x00\xcb\x00", True),
        (b"\x00\xbb\x00\x79\x00\xcb\x00", False),
        (b"\x00\xbb\x00\x08\x00\xcb\x00", False),
        (GS_DRUMS, True),
        (XG_DRUMS, True),
        (GS_ON + b"\x00\xbb\x00\x7f\x00\xcb\x00", False),
    ],
)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["own track", "other track"])
def test_kits_are_told_by_bank_and_by_message(
    before: bytes, is_drum: bool, elsewhere: bool
) -> None:
    strike = b"\x00\x9b\x24\x50\x60\x8b\x24\x40"
    tracks = (before + END, strike + END) if elsewhere else (before + strike + END,)
    data = midi(*tracks)
    piece, _ = read(data)
    assert [track.is_drum for track in piece.tracks] == [is_drum]
    assert read(write_bytes(piece))[0].tracks == piece.tracks


def test_channel_10_may_be_melodic() -> None:
    strike = b"\x00\x99\x24\x50\x60\x89\x24\x40"
    melodic = b"\x00\xf0\x0a\x41\x10\x42\x12\x40\x10\x15\x00\x1b\xf7"
    assert not read(midi(melodic + strike + END))[0].tracks[0].is_drum
    assert not read(midi(b"\x00\xb9\x00\x79" + strike + END))[0].tracks[0].is_drum
    assert read(midi(b"\x00\xb9\x00\x00" + strike + END))[0].tracks[0].is_drum


def test_a_kit_in_several_tracks_stays_in_them() -> None:
    kick, snare = (b"\x00\x99" + bytes((key,)) + b"\x50\x60\x89" + bytes((key,)) + b"\x40"
                   for key in (36, 38))  # fmt: skip
    piece, _ = read(midi(meta(3, b"Kick") + kick + END, meta(3, b"Snare") + snare + END))
    assert [(track.name, track.is_drum) for track in piece.tracks] == [
        ("Kick", True),
        ("Snare", True),
    ]
    assert read(write_bytes(piece))[0].tracks == piece.tracks


# --- what is kept -------------------------------------------------------------------------------


def test_controllers_bends_pressures_and_words_are_kept() -> None:
    track = (
        b"\x00\xb0\x65\x00\x00\xb0\x64\x00\x00\xb0\x06\x0c\x00\xb0\x40\x7f"
        + b"\x00\xe0\x00\x50\x00\xd0\x20\x00\xa0\x3c\x30"
        + meta(5, b"Hal-")
        + NOTE
        + END
    )
    first = meta(3, b"Song") + meta(2, b"(c) me") + meta(6, b"Verse") + meta(7, b"Go", 96) + END
    piece, told = read(midi(first, track))
    voice = piece.tracks[0]
    assert voice.controls[-1].tolist() == (0, SUSTAIN, 127)
    assert bend_ranges(voice.controls)[1][-1] == 12
    assert voice.bends.tolist() == [(0, 2048)]
    assert voice.pressures.tolist() == [(0, 60, 48), (0, -1, 32)]
    assert voice.lyrics == (Lyric(0, "Hal-"),)
    assert (piece.title, piece.copyright) == ("Song", "(c) me")
    assert (piece.markers, piece.cues) == ((Text(0, "Verse"),), (Text(96, "Go"),))
    assert told == []


def test_words_of_a_track_of_their_own_go_to_who_sings_them() -> None:
    tune = b"\x00\x90\x3c\x50\x30\x80\x3c\x40\x30\x90\x3e\x50\x30\x80\x3e\x40"
    words = meta(5, b"la") + meta(5, b"lu", 96)
    piece, _ = read(midi(meta(3, b"Words") + words + END, NOTE + END, tune + END))
    assert [len(track.lyrics) for track in piece.tracks] == [0, 2]


def test_a_first_shorter_bar_is_a_pickup_in_both_ways() -> None:
    first = meta(0x58, b"\x01\x02\x18\x08") + meta(0x58, b"\x04\x02\x18\x08", 96) + END
    piece, _ = read(midi(first, NOTE + D_AFTER + END))
    assert piece.metres == (Metre(0, 4, 4), Metre(96, 4, 4))
    assert read(write_bytes(piece))[0] == piece
    assert meta(0x58, b"\x01\x02\x18\x08") in write_bytes(piece)


def test_every_track_ends_with_the_piece() -> None:
    piece, _ = read(midi(END, NOTE + END, D_AFTER + b"\x60\xff\x2f\x00"))
    assert len(piece.tracks) == 2
    again = write_bytes(piece)
    ends = set(midi_events.read_events(take_apart(again, "").chunks, "").ends_ticks)
    assert ends == {piece.length_ticks} == {192}


# --- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "names"),
    [
        ("cp932", ["ピアノ", "ベース", "主旋律", "千本桜", "ストリングス"]),
        ("euc_jp", ["ピアノ", "さくら"]),
        ("cp1251", ["Фортепиано", "Гитара", "Подмосковные вечера", "Хор"]),
        ("koi8-r", ["Фортепиано", "Подмосковные вечера"]),
        ("gbk", ["钢琴", "主旋律", "月亮代表我的心", "茉莉花", "二胡"]),
        ("big5", ["鋼琴", "主旋律", "望春風"]),
        ("cp949", ["피아노", "베이스", "아리랑", "고향의 봄"]),
        ("cp1252", ["Flöte", "Flûte", "Piano à queue", "Canção", "Don’t", "Größe", "Été"]),
        ("cp1250", ["Příliš žluťoučký kůň", "Skrzypce główne"]),
        ("utf-8", ["Flöte", "ピアノ", "钢琴"]),
    ],
)
def test_names_are_read_in_their_code_page(codec: str, names: list[str]) -> None:
    for name in names:
        raw = name.encode(codec)
        assert decode(raw, choose_codec([raw, b"Track 1"])) == name
        piece, _ = read(midi(meta(3, raw) + NOTE + END))
        assert piece.tracks[0].name == name


@pytest.mark.parametrize(
    ("codec", "texts"),
    [
        ("cp1253", ["Συννεφιασμένη Κυριακή", "Κιθάρα"]),
        ("cp1253", ["Βάρ", "κα", " στο", " για", "λό"]),
        ("cp1253", ["ΑΓΑΠΗ ΜΟΥ"]),
        ("cp1254", ["Aşkın Gözyaşları"]),
        ("cp1254", ["Sa", "na", " gön", "lüm", " şim", "di", " a", "ğı", "r"]),
        ("cp1254", ["Keman", "Flüt", "Vurmalı"]),
        ("cp1255", ["ירושלים של זהב", "גיטרה"]),
        ("cp1255", ["הת", "קו", "וה"]),
        ("cp1256", ["أغنية", "عود", "إيقاع"]),
        ("cp874", ["กีตาร์", "กลอง"]),
        ("cp1257", ["Daina apie meilę", "Žvaigždė"]),
        ("cp1250", ["Hej, sokoły", "Kłopoty miłości"]),
        ("cp1250", ["Tavaszi szél vizet áraszt", "Fúvósok"]),
        ("mac-roman", ["Flûte à bec", "Hautbois"]),
        ("mac-roman", ["Fröhliche Weihnacht überall"]),
        ("cp850", ["Coração", "Violão"]),
        ("cp932", ["ﾋﾟｱﾉ", "ﾍﾞｰｽ", "ﾄﾞﾗﾑ"]),
        ("cp932", ["ﾒﾛﾃﾞｨ"]),
        ("cp932", ["主旋律", "ﾊﾓﾘ"]),
        ("cp932", ["RPG2000 BGM J戦闘終了4"]),
        ("cp932", ["RPG2000 BGM J謎"]),
        ("cp866", ["ПРИПЕВ", "КУПЛЕТ"]),
        ("koi8-r", ["СКРИПКА", "АЛЬТ"]),
        ("cp1252", ["É", "toi", "le", " des", " nei", "ges"]),
    ],
)
def test_texts_of_a_file_are_read_in_their_code_page(codec: str, texts: list[str]) -> None:
    raw = [text.encode(codec) for text in texts]
    assert [decode(text, choose_codec(raw)) for text in raw] == texts


@given(raw=st.lists(st.binary(max_size=40), max_size=4))
def test_any_bytes_have_a_reading(raw: list[bytes]) -> None:
    codec = choose_codec(raw)
    assert all(isinstance(decode(text, codec), str) for text in raw)


def test_karaoke_has_its_title_and_its_words() -> None:
    words = (
        meta(3, b"Words")
        + b"".join(meta(1, text) for text in (b"@KMIDI KARAOKE FILE", b"@TMy Song", b"@TA. Nobody"))
        + meta(1, b"\\Twin")
        + meta(1, b"kle", 96)
        + meta(1, b"/How", 96)
        + END
    )
    piece, told = read(midi(meta(3, b"Soft Karaoke") + END, words, NOTE + D_AFTER + END))
    assert (piece.title, piece.composer) == ("My Song", "A. Nobody")
    assert [lyric.text for lyric in piece.tracks[0].lyrics] == ["\n\nTwin", "kle", "\nHow"]
    assert told == []
    assert read(write_bytes(piece))[0] == piece


# --- both readers -------------------------------------------------------------------------------


def read_by_ours(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Piece, list[str]]:
    with monkeypatch.context() as patch:
        patch.setattr(midi_read, "read_ordinary", lambda file: None)
        return read_bytes(data, "")


@settings(max_examples=100)
@given(piece=full_pieces())
def test_ordinary_files_are_read_as_all_others(piece: Piece) -> None:
    data = write_bytes(piece)
    assert read_bytes(data, "") == read_by_ours(data, pytest.MonkeyPatch())


@pytest.mark.data
@pytest.mark.parametrize(
    "folder", ["open_hymnal_midi", "freedoom_midi", "groove_midi", "mutopia_pd_midi"]
)
def test_real_files_are_read_alike(
    folder: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sorted((data_dir / folder).rglob("*.mid"))
    small = [path for path in paths if path.stat().st_size < 20_000]
    ordinary = 0
    for path in small[:: max(1, len(small) // 20)][:20]:
        data = path.read_bytes()
        ordinary += read_ordinary(take_apart(data, "")) is not None
        assert read_bytes(data, "") == read_by_ours(data, monkeypatch), path
    assert ordinary >= 8, "most files need no tolerance"


@settings(max_examples=300)
@given(
    cut=st.integers(0, 200),
    put=st.binary(max_size=6),
    where=st.integers(0, 200),
)
def test_damage_is_an_error_in_words_or_a_piece(cut: int, put: bytes, where: int) -> None:
    data = midi(
        meta(3, b"Song") + meta(0x51, b"\x07\xa1\x20") + END,
        b"\x00\xc0\x05\x00\xb0\x40\x7f" + NOTE + b"\x00\xe0\x00\x50" + D_AFTER + END,
        b"\x00\x99\x24\x50\x60\x24\x00" * 4 + END,
    )
    damaged = data[: 14 + where] + put + data[14 + where + cut % 8 :]
    try:
        piece, _ = read_bytes(damaged, "damaged")
    except InputError:
        return
    assert all(np.isfinite(track.notes["onset"]).all() for track in piece.tracks)


def test_a_marker_that_only_begins_like_ours_is_kept() -> None:
    markers = (Text(0, "ritornello:foo"), Text(0, "ritornello:late:3"))
    piece = Piece((Track([(0, 480, 60, 80)]),), markers=markers)
    assert read_bytes(write_bytes(piece), "")[0].markers == markers


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize(
    "name", ["скрипка", "соло гитара", "струнные", "Ударные", "Песня о друге", "дорожка 1", "Бас"]
)
def test_a_russian_name_alone_is_read_in_each_code_page(codec: str, name: str) -> None:
    assert decode(name.encode(codec), choose_codec([name.encode(codec)])) == name


def test_notes_end_where_all_of_their_channel_are_turned_off() -> None:
    silence = b"\x00\x90\x3c\x50\x00\x40\x50\x81\x48\xb0\x7b\x00\x00\x90\x43\x50\x60\x80\x43\x00"
    piece, repairs = read(midi(silence + END))
    assert [(n.onset_ticks, n.duration_ticks, n.pitch) for n in piece.tracks[0]] == [
        (0, 200, 60), (0, 200, 64), (200, 96, 67)
    ]  # fmt: skip
    assert not repairs


def test_what_stands_before_a_bank_stays_there() -> None:
    controls = b"\x00\xb0\x07\x5a\x00\xb0\x0a\x14\x00\xb0\x00\x08\x00\xc0\x28\x00\xb0\x5b\x05"
    piece, _ = read(midi(controls + NOTE + END))
    assert piece.tracks[0].controls["number"].tolist() == [7, 10, 0, 91]
    assert read(write_bytes(piece))[0] == piece


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_an_rmid_file_of_a_wrong_size_is_read_to_its_end(size: int) -> None:
    plain = midi(NOTE + END)
    sizes = struct.pack("<I", size)
    piece, _ = read(b"".join((b"RIFF", sizes, b"RMIDdata", sizes, plain)))
    assert piece.note_count == 1


def test_a_pitch_over_127_is_taken_as_127_and_told() -> None:
    piece, repairs = read(midi(b"\x00\x90\xbc\x50\x60\x80\xbc\x00" + END))
    assert [note.pitch for note in piece.tracks[0]] == [127]
    assert "over 127" in repairs[0]


def test_karaoke_without_its_mark_has_a_title_and_keeps_its_remarks() -> None:
    words = (b"@TSong", b"@TSinger", b"@TMade at home", b"\\La")
    piece, _ = read(midi(meta(3, b"Words") + b"".join(meta(1, text) for text in words) + END,
                         NOTE + END))  # fmt: skip
    assert (piece.title, piece.composer) == ("Song", "Singer")
    assert [text.text for text in piece.texts] == ["Made at home"]
    assert [lyric.text for lyric in piece.tracks[0].lyrics] == ["\n\nLa"]


def test_names_of_instruments_and_devices_are_kept_as_texts() -> None:
    piece, _ = read(midi(meta(4, b"Violin") + meta(9, b"Synth") + NOTE + END))
    assert sorted(text.text for text in piece.texts) == ["Synth", "Violin"]
    assert read(write_bytes(piece))[0] == piece


def test_chords_of_yamaha_instruments_are_chord_symbols() -> None:
    events = [
        b"\x31\x00",
        b"\x36\x0a\x33\x7f",
        b"\x27\x13\x7f\x7f",
        b"\x31\x22\x7f\x7f",
        b"\x7f\x00",
    ]
    data = b"".join(meta(0x7F, b"\x43\x7b\x01" + event) for event in events)
    piece, _ = read(midi(data + NOTE + END))
    assert [chord.text for chord in piece.chords] == ["Am7/E", "Bb7", "C", "N.C."]


def test_words_of_karaoke_without_its_header_are_sung() -> None:
    words = meta(3, b"Words") + meta(1, b"\\Hel") + meta(1, b"lo")
    piece, _ = read(midi(words + END, NOTE + END))
    assert [lyric.text for lyric in piece.tracks[0].lyrics] == ["\n\nHel", "lo"]


def test_tags_among_lyrics_are_not_sung() -> None:
    words = meta(5, b"{@LATIN}") + meta(5, b"{#Title=Song}la")
    piece, _ = read(midi(words + NOTE + END))
    assert [lyric.text for lyric in piece.tracks[0].lyrics] == ["la"]


@pytest.mark.parametrize("kind", [0x51, 0x58, 0x59])
def test_tempi_metres_and_keys_that_are_cut_short_are_left_out_and_told(kind: int) -> None:
    piece, repairs = read(midi(meta(kind, b"") + NOTE + END))
    assert [tempo.bpm for tempo in piece.tempos] == [120]
    assert (piece.metres, piece.keys) == ((Metre(0, 4, 4),), ())
    assert len(repairs) == 1


# --- spans of events ----------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(full_pieces(), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4))
def test_events_read_by_spans_are_those_read_one_by_one(
    piece: Piece, faults: list[tuple[int, int]]
) -> None:
    chunks = [bytearray(chunk) for chunk in take_apart(write_bytes(piece), "").chunks]
    chunk = chunks[-1]
    for place, byte in faults:
        chunk[place % len(chunk)] = byte

    def found() -> list[object] | str:
        try:
            events = midi_events.read_events([bytes(chunk) for chunk in chunks], "")
        except InputError as error:
            return str(error)
        columns = (events.tracks, events.ticks, events.statuses, events.firsts, events.seconds)
        lists = [column.tolist() for column in columns]
        return [*lists, events.messages, events.ends_ticks, events.faults]

    by_spans = found()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(midi_events, "_by_spans", lambda chunk, most: None)
        assert found() == by_spans


def test_a_program_counts_for_the_other_tracks_that_play_on_its_channel() -> None:
    strings = b"\x00\xc0\x30"
    for tracks in ((strings + NOTE + END, D_AFTER + END), (D_AFTER + END, strings + NOTE + END)):
        piece, _ = read(midi(*tracks))
        assert [track.program for track in piece.tracks] == [0x30, 0x30]
    piece, _ = read(midi(strings + NOTE + END, b"\x00\xc0\x00" + D_AFTER + END))
    assert [track.program for track in piece.tracks] == [0x30, 0], "one of its own"


def test_a_program_set_again_is_read_fast_and_changes_nothing() -> None:
    program = b"\x00\xc0\x09"
    data = midi(program + NOTE + program + D_AFTER + END)
    assert read_ordinary(take_apart(data, "")) is not None
    piece, _ = read(data)
    assert notes(piece) == C_AND_D
    assert [track.program for track in piece.tracks] == [9]


def test_names_in_a_code_page_are_read_fast_too() -> None:
    data = midi(meta(3, "ピアノ".encode("cp932")) + NOTE + END)
    assert read_ordinary(take_apart(data, "")) is not None
    assert [track.name for track in read(data)[0].tracks] == ["ピアノ"]
