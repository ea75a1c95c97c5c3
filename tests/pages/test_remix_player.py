"""The player of a remix in a real browser: plays, mutes, seeks, from a file and offline."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.music.piece import Piece, Track
from ritornello.pages.remix_page import RemixPage, Stem, remix_html

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the browser is driven by playwright: pip install playwright"
)
_RATE_HZ, _SECONDS = 8_000, 90
# Keeps the gains that the page makes, in the order of its rows.
_WATCH = """const Gain = window.GainNode; window.gains = [];
window.GainNode = class extends Gain {
  constructor(...how) { super(...how); window.gains.push(this); } };
"""
_HEARD = "window.gains.map((node) => Math.round(node.gain.value))"
_TIME = "Number(document.getElementById('seek').value)"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mix of two stems of a minute and a half."""
    folder = tmp_path_factory.mktemp("remix")
    rows = {}
    for name in ("mix", "solo", "bass"):
        sound = Waveform(np.zeros((_SECONDS * _RATE_HZ, 1), np.float32), _RATE_HZ)
        path = write_audio(sound, folder / f"{name}.mp3")
        rows[name] = Stem(name, np.zeros((100, 2), np.float32), path)
    remix = RemixPage(
        *("A remix", "", [], [], float(_SECONDS), [rows["solo"], rows["bass"]], rows["mix"]),
        *(Piece((Track([]),)), np.zeros(0), np.zeros(0), [], []),
    )
    path = folder / "remix.html"
    path.write_text(remix_html(remix), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip("needs Chromium or Chrome")
    with playwright.sync_playwright() as runner:
        opened = runner.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, page_file: Path) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text))
    opened.add_init_script(_WATCH)
    opened.goto(page_file.as_uri())
    yield opened
    context.close()
    assert not problems


def test_play_moves_on_and_pause_stays(page: Any) -> None:
    assert page.get_by_role("button", name="Play").is_visible()
    assert page.locator("audio").count() == 3
    assert not page.locator("audio").first.is_visible()
    page.click("#play")
    page.wait_for_function(f"{_TIME} >= 0.5")
    assert page.locator(".cursor").evaluate("box => parseFloat(getComputedStyle(box).left)") > 0
    page.get_by_role("button", name="Pause").click()
    stopped = page.evaluate(_TIME)
    page.wait_for_timeout(200)
    assert page.evaluate(_TIME) == stopped


def test_mix_is_heard_until_a_stem_is_muted_or_alone(page: Any) -> None:
    page.click("#play")
    page.wait_for_function(f"{_TIME} > 0")
    assert page.evaluate(_HEARD) == [1, 0, 0]
    for button, heard in (
        ("Mute bass", [0, 1, 0]),
        ("Mute bass", [1, 0, 0]),
        ("Hear bass alone", [0, 0, 1]),
        ("Mute solo", [0, 0, 1]),
        ("Hear bass alone", [0, 0, 1]),
        ("Mute solo", [1, 0, 0]),
    ):
        page.get_by_role("button", name=button).click()
        page.wait_for_function(f"String({_HEARD}) === '{','.join(map(str, heard))}'")


def test_click_and_keys_seek_and_the_view_follows(page: Any) -> None:
    page.locator(".area").nth(1).click(position={"x": 180, "y": 10})
    assert page.evaluate(_TIME) == pytest.approx(180 / 36, abs=0.5)
    page.focus("#seek")
    page.keyboard.press("End")
    assert page.evaluate(_TIME) == _SECONDS
    page.keyboard.press("ArrowLeft")
    page.click("#play")
    page.wait_for_function("document.querySelector('.timeline').scrollLeft > 1000")
    page.wait_for_function(f"{_TIME} === 0")  # the end was reached
    assert page.get_by_role("button", name="Play").is_visible()


def test_page_is_no_wider_than_a_phone_and_shows_all_at_once_if_asked(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Whole length").click()
    assert page.evaluate("document.querySelector('.lanes').clientWidth") < 390


def test_without_script_every_sound_has_its_player(browser: Any, page_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    opened = context.new_page()
    opened.goto(page_file.as_uri())
    assert all(player.is_visible() for player in opened.locator("audio").all())
    assert not opened.locator("#play").is_visible()
    context.close()
