"""A studio with a browser in front of it: what the stories of the page share."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="the browser needs Playwright")
pytest.importorskip("fastapi", reason="the studio needs the extra studio")

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import ritornello

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
STORIES = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed: stories are not tried"),
]
PATIENCE_MS = 60_000


@contextmanager
def running_studio(library: Path, port: int = 0) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command with a library, and its address; it is killed at the end."""
    command = [sys.executable, "-m", "ritornello", "studio", "--no-browser"]
    command += ["--port", str(port), "--library", str(library)]
    source = str(Path(ritornello.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    line = running.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line
    address = found[0].rstrip("/")
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/api/about", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield address, running
    finally:
        running.kill()
        running.wait()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio with a library of its own."""
    with running_studio(tmp_path_factory.mktemp("library")) as (address, running):
        yield address
        running.terminate()
        running.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def visiting(browser: Browser, studio: str) -> Iterator[BrowserContext]:
    """A browser that has not been here; afterwards: no script failed, no request went out."""
    wrong: list[str] = []
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, base_url=studio, accept_downloads=True
    )
    context.set_default_timeout(PATIENCE_MS)
    own = (studio, "blob:", "data:")
    context.on("request", lambda each: None if each.url.startswith(own) else wrong.append(each.url))
    context.on("weberror", lambda each: wrong.append(str(each.error)))
    context.on("dialog", lambda each: wrong.append(f"dialog: {each.message}"))
    context.on(
        "console",
        lambda each: wrong.append(each.text) if "Content Security Policy" in each.text else None,
    )
    yield context
    context.close()
    assert not wrong


@pytest.fixture
def visitor(browser: Browser, studio: str) -> Iterator[BrowserContext]:
    with visiting(browser, studio) as context:
        yield context


def visit(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/")
    expect(page.locator("canvas.lanes")).to_be_visible(timeout=PATIENCE_MS)
    return page


def get(page: Page, path: str) -> Any:
    return page.request.get(f"/api{path}").json()


def compose(page: Page, **asked: str) -> dict[str, Any]:
    """The song that is shown after pressing Compose."""
    before = len(get(page, "/songs")["songs"])
    if "Number_of_bars" in asked:
        page.get_by_text("Bars", exact=True).first.click()
    for label, value in asked.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)
    page.get_by_role("button", name=re.compile("^Compose")).last.click()
    # A short piece may be written before anybody sees that it is.
    for _ in range(PATIENCE_MS // 100):
        songs: list[dict[str, Any]] = get(page, "/songs")["songs"]
        if len(songs) > before:
            break
        page.wait_for_timeout(100)
    assert len(songs) == before + 1
    # Until the piece is shown, keys go to the one before.
    title = page.get_by_label("Title of the piece")
    expect(title).to_have_value(songs[0]["title"], timeout=PATIENCE_MS)
    wait_until_written(page)
    return songs[0]


def wait_until_written(page: Page) -> None:
    expect(page.locator(".banner progress")).to_have_count(0, timeout=PATIENCE_MS)


def shown_label(page: Page) -> str:
    return page.locator(".version[aria-current=true]").inner_text(timeout=PATIENCE_MS)
