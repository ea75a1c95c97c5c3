"""Every file of a folder is used, rejected with its reason, or counted as no music."""

from __future__ import annotations

import os
import pickle
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello.corpus.scan import Limits, scan
from ritornello.corpus.splits import assign_splits
from ritornello.corpus.store import build_store
from ritornello.errors import ConfigError, InputError
from ritornello.music.piece import Metre, Piece, Track


def midi_bytes(events: bytes, division: int = 480) -> bytes:
    """A one-track MIDI file; written by hand, so that it can be wrong."""
    track = events + b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, division)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


def variable_length(value: int) -> bytes:
    digits = [value & 127]
    while value := value >> 7:
        digits.append(128 | value & 127)
    return bytes(reversed(digits))


def note(pitch: int, wait: int, length: int) -> bytes:
    on = variable_length(wait) + bytes([0x90, pitch, 80])
    return on + variable_length(length) + bytes([0x80, pitch, 0])


def reasons(folder: Path, **options: object) -> dict[str, str]:
    result = scan(folder, workers=1, **options)  # type: ignore[arg-type]
    return {item.path: item.rejection.reason if item.rejection else "" for item in result.files}


def test_each_bad_file_is_rejected_with_its_own_reason(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    folder = write_tunes({"good.mid": tune(1)})
    good = (folder / "good.mid").read_bytes()
    files = {
        "empty.mid": b"",
        "random.mid": bytes(range(256)) * 20,
        "truncated.mid": good[: len(good) // 2],
        "no_notes.mid": midi_bytes(b""),
        "few.mid": midi_bytes(note(60, 0, 480) * 3),
        # 12 hours and 4 hours at 120 bpm: the reader refuses the first, the scan the second.
        "ten_hours.mid": midi_bytes(note(60, 0, 480) * 9 + note(62, 12 * 3600 * 960, 480)),
        "four_hours.mid": midi_bytes(note(60, 0, 480) * 9 + note(62, 4 * 3600 * 960, 480)),
        "million.mid": midi_bytes(b"".join(note(40 + i % 50, 0, 1) for i in range(1_000_100))),
        "crowded.mid": midi_bytes(b"".join(note(40 + i % 50, 0, 1) for i in range(251_000))),
        "copy.mid": good,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "broken_link.mid").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe.mid")
    (folder / "notes.txt").write_text("not music")
    found = reasons(folder)
    assert found == {
        "good.mid": "exact copy",
        "copy.mid": "",
        "empty.mid": "empty file",
        "random.mid": "not MIDI",
        "truncated.mid": "truncated",
        "no_notes.mid": "no notes",
        "few.mid": "too few notes",
        "ten_hours.mid": "too long",
        "four_hours.mid": "too long",
        "million.mid": "too many notes",
        "crowded.mid": "too many notes",
        "broken_link.mid": "cannot be opened",
        "pipe.mid": "not a regular file",
    }
    assert scan(folder, workers=1).other_endings == {".txt": 1}


def test_notes_without_length_are_repaired_and_said_so(
    write_tunes: Callable[[dict[str, Piece]], Path], tune: Callable[..., Piece]
) -> None:
    folder = write_tunes({"a.mid": tune(1)})
    (folder / "zero.mid").write_bytes(
        midi_bytes(b"".join(note(60 + i, 240, 240 if i % 2 else 0) for i in range(20)))
    )
    zero = scan(folder, workers=1).files[1]
    assert zero.path == "zero.mid"
    assert zero.rejection is None
    assert zero.repairs


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_file_without_read_rights_is_named(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    folder = write_tunes({"a.mid": tune(1), "b.mid": tune(2)})
    (folder / "a.mid").chmod(0)
    assert reasons(folder)["a.mid"] == "cannot be opened"


def test_copies_name_the_file_that_is_used(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    folder = write_tunes(
        {
            "1.mid": tune(1),
            "2_other_resolution.mid": tune(1).at_resolution(96),
            "3_up.mid": tune(1, transpose=5),
            "4_other.mid": tune(2),
        }
    )
    result = scan(folder, workers=1)
    told = {item.path: item.rejection for item in result.rejected}
    assert {path: rejection.reason for path, rejection in told.items() if rejection} == {
        "2_other_resolution.mid": "same notes",
        "3_up.mid": "transposed copy",
    }
    assert {rejection.copy_of for rejection in told.values() if rejection} == {"1.mid"}


def test_folders_without_music_say_what_to_do(tmp_path: Path) -> None:
    for make, text in (
        (lambda path: None, "no such folder"),
        (lambda path: path.mkdir(), "no files at all"),
        (lambda path: (path / "a.doc").write_text("x"), r"found 1 \.doc"),
    ):
        folder = tmp_path / "folder"
        make(folder)
        with pytest.raises(InputError, match=text) as caught:
            scan(folder)
        assert caught.value.next_step
    with pytest.raises(InputError, match="a folder is needed"):
        scan(tmp_path / "folder" / "a.doc")


def test_measures_of_a_known_piece(write_tunes: Callable[[dict[str, Piece]], Path]) -> None:
    scale = [0, 2, 4, 5, 7, 9, 11, 12]
    melody = [(i * 480, 480, 62 + step, 80) for i, step in enumerate(scale)]
    drums = [(i * 480, 10, 36, 80) for i in range(8)]
    folder = write_tunes(
        {
            "waltz.mid": Piece(
                (Track(melody, program=73), Track(drums, is_drum=True)),
                metres=(Metre(0, 3, 4),),
            )
        }
    )
    report = scan(folder, workers=1).files[0]
    assert (report.notes, report.drum_notes, report.bars) == (16, 8, 3)
    assert report.parts == ("flute", "drums")
    assert (report.metres, report.key, report.tempo_bpm) == (("3/4",), "D major", 120.0)
    assert report.seconds == pytest.approx(4.0, abs=0.05)


def test_collections_are_first_level_folders_but_not_sides_of_a_split(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    folder = write_tunes(
        {
            "jazz/a.mid": tune(1),
            "jazz/deep/b.mid": tune(2),
            "folk/c.mid": tune(3),
            "loose.mid": tune(4),
        }
    )
    found = {item.path: item.collection for item in scan(folder, workers=1).files}
    assert found == {
        "jazz/a.mid": "jazz",
        "jazz/deep/b.mid": "jazz",
        "folk/c.mid": "folk",
        "loose.mid": "music",
    }
    assert scan(folder, collections=["folk"], workers=1).collections == ("folk",)
    with pytest.raises(ConfigError, match="'rock' is not a sub-folder"):
        scan(folder, collections=["rock"])


def test_split_folders_and_link_circles(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    folder = write_tunes({"train/a.mid": tune(1), "valid/b.mid": tune(2)})
    (folder / "train" / "again").symlink_to(folder)
    result = scan(folder, workers=1)
    assert result.collections == ("music",)
    assert [item.path for item in result.files] == ["train/a.mid", "valid/b.mid"]


def test_what_a_training_run_composed_is_no_music_to_learn_from(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    pieces = {"a.mid": tune(1), "mine/samples/final.mid": tune(2), "samples/b.mid": tune(3)}
    folder = write_tunes(pieces)
    (folder / "mine" / "metrics.jsonl").touch()
    result = scan(folder, workers=1)
    assert [item.path for item in result.files] == ["a.mid", "samples/b.mid"]
    assert result.other_endings["(samples of a training run)"] == 1


def test_result_is_the_same_with_more_workers_and_can_be_pickled(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    folder = write_tunes({f"{seed}.mid": tune(seed % 6, transpose=seed // 6) for seed in range(12)})
    one, two = scan(folder, workers=1), scan(folder, workers=2)
    assert one.files == two.files
    assert pickle.loads(pickle.dumps(one)) == one
    assert Counter(item.rejection is None for item in one.files) == {True: 6, False: 6}


def test_progress_reaches_the_number_of_files(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    calls: list[tuple[int, int]] = []
    scan(
        write_tunes({"a.mid": tune(1), "b.mid": tune(2)}),
        workers=1,
        progress=lambda *call: calls.append(call),
    )
    assert calls == [(1, 2), (2, 2)]


def test_limits_can_be_changed(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    folder = write_tunes({"a.mid": tune(1, notes=20)})
    assert reasons(folder, limits=Limits(min_notes=30)) == {"a.mid": "too few notes"}


@pytest.mark.data
def test_real_collections_are_read_almost_whole(data_dir: Path) -> None:
    result = scan(data_dir, collections=["open_hymnal_midi"])
    bad = Counter(item.rejection.reason for item in result.rejected if item.rejection)
    assert set(bad) <= {"same notes", "exact copy", "transposed copy"}
    # Each hymn is there as ABC and as MIDI: one of the two is used.
    assert bad["same notes"] > 100
    assert len(result.used) > 200


def test_every_tune_of_a_book_is_a_piece(tmp_path: Path) -> None:
    tunes = "".join(
        f"X:{number}\nT:Tune {number}\nM:4/4\nL:1/8\nK:C\n{music}|{music}|\n\n"
        for number, music in enumerate(["CDEFGABc", "cAFDGEBC", "CDEFGABc", "z8"], 1)
    )
    (tmp_path / "book.abc").write_text(tunes)
    (tmp_path / "one.abc").write_text("X:1\nM:4/4\nL:1/8\nK:C\nCCGGAAG2|FFEEDDC2|\n")
    result = scan(tmp_path, workers=1)
    reasons = {item.path: item.rejection and item.rejection.reason for item in result.files}
    assert reasons == {
        "book.abc#1": None,
        "book.abc#2": None,
        "book.abc#3": "same notes",
        "book.abc#4": "no notes",
        "one.abc": None,
    }
    assert [item.title for item in result.used] == ["Tune 1", "Tune 2", ""]
    assert len({item.sha256 for item in result.files}) == 5
    corpus = build_store(result, tmp_path / "store", splits=assign_splits(result), workers=1)
    names = [corpus.name_of(index) for index in range(len(corpus))]
    assert names == ["book.abc#1", "book.abc#2", "one.abc"]
