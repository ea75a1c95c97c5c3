"""The pictures of the studio that the documentation shows, taken anew.

    ritornello studio --no-browser --library NEW_FOLDER    # with an empty library
    python -m experiments.studio.pictures http://127.0.0.1:8340 docs/images

A browser opens the page as a new visitor does, plays the ready piece, chooses bars and has them
filled; pictures of that, wide and on a telephone, light and dark, go to a folder as WebP. Take them
again when the page or the ready piece is another. Needs Chromium, Playwright and Pillow.
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

_WIDE, _TELEPHONE = (1280, 800), (390, 844)
_BETWEEN = 20  # pixels between the views of a telephone


def take_pictures(address: str, folder: Path) -> None:
    """Write ``studio.webp``, ``studio-fill.webp`` and ``studio-phone.webp`` to a folder."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)))
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = _visit(browser, address, _WIDE, "light")
        _play(page, seconds=11)
        _save(_shot(page), folder / "studio.webp")
        page = _visit(browser, address, _TELEPHONE, "light")
        _play(page, seconds=4)
        views = [_shot(page)]
        page = _visit(browser, address, _TELEPHONE, "dark")
        _play(page, seconds=0)
        page.get_by_role("button", name="Pause").click()
        page.locator(".strip").first.get_by_role("button").first.click()
        views.append(_shot(page))
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Make", exact=True).click()
        views.append(_shot(page))
        _save(_beside(views), folder / "studio-phone.webp")
        page = _visit(browser, address, _WIDE, "dark")
        _fill(page)
        _save(_shot(page), folder / "studio-fill.webp")
        browser.close()


def _visit(
    browser: Browser, address: str, size: tuple[int, int], theme: Literal["light", "dark"]
) -> Page:
    """A page as a new visitor sees it, once the piece is there."""
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme=theme, device_scale_factor=1.5
    )
    page.goto(address)
    page.locator(".strip").first.wait_for()
    page.wait_for_timeout(1500)
    return page


def _play(page: Page, seconds: float) -> None:
    page.get_by_role("button", name="Play this piece").click()
    page.wait_for_timeout(round(1000 * seconds))


def _fill(page: Page) -> None:
    """Have bars 13 to 16 written anew by all parts; they stay chosen."""
    _play(page, seconds=0)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("application", name="Piano-roll").focus()
    page.keyboard.press("Home")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.get_by_role("button", name="Fill").click()
    page.locator(".versions li").nth(1).wait_for()
    page.locator(".banner progress").wait_for(state="detached")
    page.wait_for_timeout(1000)


def _shot(page: Page) -> Image.Image:
    page.wait_for_timeout(400)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _beside(views: list[Image.Image]) -> Image.Image:
    """Pictures of one height in a row."""
    width = sum(view.width + _BETWEEN for view in views) - _BETWEEN
    row, left = Image.new("RGB", (width, views[0].height), "#808080"), 0
    for view in views:
        row.paste(view, (left, 0))
        left += view.width + _BETWEEN
    return row


def _save(picture: Image.Image, path: Path) -> None:
    picture.save(path, quality=82, method=6)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    take_pictures(asked.address, asked.folder)
