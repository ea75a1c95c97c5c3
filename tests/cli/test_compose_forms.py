"""`ritornello compose` by a form, a duration, a plan and a song; what makes no sense is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello.api import load, load_plan
from tests.cli.conftest import Outcome


def test_a_form_its_plan_and_the_form_of_what_came_of_it(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    asked = ("compose", "--form", "A 4, B 4, A 4", "--parts", "piano,bass", "-f", "mid")
    assert command(*asked, "--seed", 1).code == 0
    piece = load(tmp_path / "out" / "piece-1.mid")
    assert [mark.text for mark in piece.markers] == ["A", "B", "A"]
    assert command(*asked[:-2], "--plan-only", "--seed", 1).code == 0
    plan = load_plan(tmp_path / "out" / "plan-1.toml")
    assert [section.bars for section in plan.sections] == [4, 4, 4]
    done = command("compose", "--plan", "out/plan-1.toml", "--seed", 2, "-f", "musicxml")
    assert done.code == 0
    assert ">A<" in (tmp_path / "out" / "piece-2.musicxml").read_text()
    done = command("compose", "--form-of", "out/piece-1.mid", "--duration", "0:24", "--seed", 3)
    assert done.code == 0
    assert load(tmp_path / "out" / "piece-3.mid").duration_seconds == pytest.approx(24, abs=0.01)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--form", "A 4001"), "at most 4000"),
        (("--form", "coda 4, A 8"), "an end last"),
        (("--form", "A 8", "--bars", 9), "9 bars were asked for"),
        (("--form", "A", "--plan", "plan.toml"), "--form and --plan"),
        (("--form-of", "silent.mid"), "silent.mid"),
        (("--plan", "plan.toml"), "plan.toml"),
        (("--duration", "soon"), "not a duration"),
        (("--plan-only", "--form", "none"), "needs a form"),
    ],
)
def test_what_makes_no_sense_is_said_once(
    command: Callable[..., Outcome], tmp_path: Path, words: tuple[object, ...], message: str
) -> None:
    (tmp_path / "plan.toml").write_text("bras = 4\n")
    (tmp_path / "silent.mid").write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x18MTrk\0\0\0\4\0\xff\x2f\0")
    done = command("compose", *words)
    assert done.code in (1, 2)
    assert message in done.err
    assert "Traceback" not in done.err
    assert not [*tmp_path.glob("out/*")]
