"""Beats by hand: what is written is read again, and what others write is read too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ritornello.errors import ConfigError, InputError
from ritornello.transcribe.beats_file import read_beats, write_beats
from ritornello.transcribe.values import Beats, Hints


def test_what_is_written_is_read_with_its_bars(tmp_path: Path) -> None:
    beats = Beats(0.3 + 0.5 * np.arange(20), (3, 4), 2, 3, 0.9, 0.8)
    hints = read_beats(write_beats(beats, tmp_path / "beats.txt"))
    assert hints.beats_seconds is not None
    np.testing.assert_allclose(hints.beats_seconds, beats.times_seconds)
    assert hints.metre == (3, 4)
    assert hints.downbeat_seconds == pytest.approx(1.3)


def test_beats_in_threes_stay_so(tmp_path: Path) -> None:
    beats = Beats(0.3 + 0.5 * np.arange(20), (6, 8), 1, 2, 0.9, 0.8)
    path = write_beats(beats, tmp_path / "beats.txt")
    assert read_beats(path).metre == (6, 8)
    assert read_beats(path, Hints(metre=(2, 4))).metre == (2, 4)
    # Every other beat taken out, or bars made longer: the list says more than its first line.
    path.write_text(path.read_text().replace(" 1\n", " 3\n", 1))
    assert read_beats(path).metre == (6, 8)
    path.write_text("# metre 6/8\n" + "".join(f"{t}.5 {t % 3 + 1}\n" for t in range(9)))
    assert read_beats(path).metre == (3, 4)


@pytest.mark.parametrize(
    "text",
    [
        "0.5\n1.0\n1.5\n",
        "\ufeff# taps\n\n0.5\r\n1.0\r\n1.5",
        "0.500000\t0.500000\tone\n1.0\t1.0\ttwo\n1.5\t1.5\tthree\n",  # labels of Audacity
        "0.5,beat\n1.0,beat\n1.5,beat\n",
    ],
)
def test_files_of_others_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "beats.txt").write_text(text, encoding="utf-8")
    assert read_beats(tmp_path / "beats.txt").beats_seconds == (0.5, 1.0, 1.5)


@pytest.mark.parametrize(
    ("numbers", "metre"),
    [
        ("1313131", (2, 4)),
        ("3412341", (4, 4)),
        ("123", (3, 4)),
        ("1231212312", (3, 4)),
        ("111", None),
    ],
)
def test_bars_are_as_long_as_from_one_to_one(
    tmp_path: Path, numbers: str, metre: tuple[int, int] | None
) -> None:
    """Whoever takes out every other beat leaves the numbers of those that stay."""
    lines = [f"{0.5 + 0.5 * place} {number}" for place, number in enumerate(numbers)]
    (tmp_path / "beats.txt").write_text("\n".join(lines))
    assert read_beats(tmp_path / "beats.txt").metre == metre


def test_what_the_player_says_beside_it_stays(tmp_path: Path) -> None:
    (tmp_path / "beats.txt").write_text("0.5 1\n1.0 2\n1.5 3\n2 1\n")
    hints = read_beats(tmp_path / "beats.txt", Hints(metre=(9, 8), steady=True))
    assert hints.metre == (9, 8)
    assert hints.steady
    assert hints.downbeat_seconds == 0.5


@pytest.mark.parametrize(
    ("text", "error"),
    [("1.0\nfast\n", InputError), ("1.0\n", ConfigError), ("2\n1\n", ConfigError)],
)
def test_what_is_no_list_of_beats_is_refused(
    tmp_path: Path, text: str, error: type[Exception]
) -> None:
    (tmp_path / "beats.txt").write_text(text)
    with pytest.raises(error):
        read_beats(tmp_path / "beats.txt")
    with pytest.raises(InputError, match="no such file"):
        read_beats(tmp_path / "none.txt")
    with pytest.raises(InputError, match="cannot be read"):
        read_beats(tmp_path)
