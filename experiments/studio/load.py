"""How the studio bears many at once: streams, and files that are no music.

    python -m experiments.studio.load -o experiments/results/studio_load.json

Starts a studio with an empty library and then:

1. 50 clients follow one job that composes, from its first note to its end, each on a connection of
   its own. Measured: when each gets each event, against the first who gets it; and how long
   `GET /api/about` takes meanwhile.
2. 1,000 damaged files are uploaded: real ones with bytes changed, cut or swapped, noise with every
   ending, names with paths and markup. Measured: answers by status, seconds, memory of the server
   before and after, and files outside of the library (there must be none).
3. What a person does in an hour, without the pauses: pieces are composed, opened, bars of them
   filled, and exported. Measured: memory of the server and of its helpers after a tenth of that and
   at the end.
4. A browser that was never here opens the page and presses play. Measured: until the piece can be
   seen, and from the press until it sounds. Left out where no Chromium is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from ritornello import Composer

_NAMES = ("a", "../up", "..\\up", "<script>alert(1)</script>", "x" * 300, "a\u202eb", "CON", ".")
_ENDINGS = ("mid", "abc", "musicxml", "mxl", "npz", "wav", "mp3", "flac", "ogg", "exe", "")


def _memory_mb(process: int) -> float:
    """What a process holds, in MiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


async def _follow(client: httpx.AsyncClient, job: str) -> list[tuple[int, float]]:
    """When each event of a job came: its number and the time."""
    came = []
    async with client.stream("GET", f"/api/jobs/{job}/events") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                came.append((int(line[4:]), time.monotonic()))
    return came


async def stream(address: str, clients: int, bars: int) -> dict[str, Any]:
    """Many clients of one job."""
    limits = httpx.Limits(max_connections=clients + 5)
    async with httpx.AsyncClient(
        base_url=address, timeout=300, limits=limits, trust_env=False
    ) as client:
        request = {"kind": "compose", "bars": bars, "seed": 1, "style": "pop"}
        job = (await client.post("/api/jobs", json=request)).json()["id"]
        start = time.monotonic()
        following = [asyncio.create_task(_follow(client, job)) for _ in range(clients)]
        waits = []
        while not all(task.done() for task in following):
            asked = time.monotonic()
            await client.get("/api/about")
            waits.append(1000 * (time.monotonic() - asked))
            await asyncio.sleep(0.1)
        heard = [task.result() for task in following]
        done = (await client.get(f"/api/jobs/{job}")).json()
        piece = (await client.get(f"/api/pieces/{done['result']['pieces'][0]}")).json()
    first: dict[int, float] = {}
    for came in heard:
        for number, at in came:
            first[number] = min(at, first.get(number, at))
    late = [1000 * (at - first[number]) for came in heard for number, at in came]
    notes, seconds = sum(piece["parts"].values()), max(first.values()) - start
    return {
        "clients": clients,
        "all_got_every_event": len({len(came) for came in heard}) == 1,
        "events": len(first),
        "notes": notes,
        "notes_per_second": round(notes / seconds),
        "event_after_the_first_client_ms": _quantiles(late),
        "other_requests_ms": _quantiles(waits),
    }


def _quantiles(values: list[float]) -> dict[str, float]:
    return {
        name: round(float(np.quantile(values, share)), 1)
        for name, share in (("median", 0.5), ("95%", 0.95), ("most", 1.0))
    }


def _damaged(good: dict[str, bytes], rng: random.Random) -> tuple[str, bytes]:
    """A name and the bytes of a file that is no music, or hardly."""
    ending = rng.choice(_ENDINGS)
    name = f"{rng.choice(_NAMES)}.{ending}"
    source = bytearray(good.get(ending, b"") or rng.randbytes(rng.randint(0, 5000)))
    for _ in range(rng.randint(0, 40)):
        if source:
            source[rng.randrange(len(source))] = rng.randrange(256)
    if rng.random() < 0.4:
        source = source[: rng.randint(0, len(source))]
    return name, bytes(source)


def upload(address: str, files: int, server: int, library: Path) -> dict[str, Any]:
    """Many files that are no music."""
    rng, statuses = random.Random(0), Counter[int]()
    good = {}
    with tempfile.TemporaryDirectory() as folder:
        piece = Composer.load().compose(bars=4, seed=2, parts=("piano", "bass", "drums"))
        for ending in ("mid", "abc", "musicxml", "mxl", "npz", "wav", "mp3"):
            good[ending] = piece.save(Path(folder, f"good.{ending}")).read_bytes()
    outside = set(library.parent.iterdir())
    before, start = _memory_mb(server), time.monotonic()
    with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
        for _ in range(files):
            name, data = _damaged(good, rng)
            answer = client.post("/api/uploads", params={"name": name}, content=data)
            statuses[answer.status_code] += 1
            assert answer.status_code in (201, 413, 415, 422), answer.text
        assert client.get("/api/about").status_code == 200
    return {
        "files": files,
        "answers": {str(status): count for status, count in sorted(statuses.items())},
        "seconds": round(time.monotonic() - start, 1),
        "server_mb_before": round(before),
        "server_mb_after": round(_memory_mb(server)),
        "files_outside_of_the_library": len(set(library.parent.iterdir()) - outside),
        "uploads_left_behind": len([*(library / "uploads").iterdir()]),
    }


def work(address: str, rounds: int, server: int) -> dict[str, Any]:
    """An hour of composing, filling and exporting, one job after another."""
    memory: list[tuple[float, float]] = []
    start = time.monotonic()
    with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
        for number in range(rounds):
            asked = {"kind": "compose", "bars": 8, "seed": number, "parts": ["piano", "bass"]}
            piece = _made(client, asked)
            filled = _made(client, {"kind": "fill", "piece": piece, "bars": [3, 4], "seed": number})
            client.get(f"/api/pieces/{filled}/plan")
            for ending in ("mid", "musicxml"):
                assert client.get(f"/api/pieces/{filled}/export/{ending}").status_code == 200
            if number in (rounds // 10, rounds - 1):
                helpers = sum(_memory_mb(child) for child in _children(server))
                memory.append((_memory_mb(server), helpers))
    (early, helpers_early), (late, helpers_late) = memory
    return {
        "jobs": 2 * rounds,
        "exports": 2 * rounds,
        "seconds": round(time.monotonic() - start),
        "server_mb": [round(early), round(late)],
        "helpers_mb": [round(helpers_early), round(helpers_late)],
    }


def _made(client: httpx.Client, request: dict[str, Any]) -> str:
    """The piece that a job makes, once it is over."""
    job = client.post("/api/jobs", json=request).json()
    while job["state"] not in ("done", "failed"):
        time.sleep(0.02)
        job = client.get(f"/api/jobs/{job['id']}").json()
    return str(job["result"]["pieces"][0])


def _children(process: int) -> list[int]:
    return [
        int(child)
        for thread in Path(f"/proc/{process}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]


def first_sound(address: str) -> dict[str, float] | None:
    """Seconds until a new visitor sees a piece, and hears it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = opened.new_page()
        start = time.monotonic()
        page.goto(address)
        page.get_by_role("button", name="Play this piece").wait_for()
        seen = time.monotonic() - start
        page.get_by_role("button", name="Play this piece").click()
        pressed = time.monotonic()
        level = page.locator("[data-level]")
        while float(level.get_attribute("data-level") or 0) <= 0.01:
            page.wait_for_timeout(10)
        heard = time.monotonic() - pressed
        opened.close()
    return {"until_it_is_seen": round(seen, 2), "from_press_to_sound": round(heard, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--bars", type=int, default=64)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=200, help="of work: two jobs, two exports")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "library")
        command = ["studio", "--no-browser", "--port", "0", "--library", str(library)]
        server = subprocess.Popen(
            [sys.executable, "-m", "ritornello", *command],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[-1]
            time.sleep(3)
            facts = {
                "processors": os.cpu_count(),
                "load_of_machine": round(os.getloadavg()[0], 1),
                "first_sound_seconds": first_sound(address),
                "streaming": asyncio.run(stream(address, arguments.clients, arguments.bars)),
                "work": work(address, arguments.rounds, server.pid),
                "uploads": upload(address, arguments.files, server.pid, library),
            }
        finally:
            server.terminate()
            server.wait()
    arguments.output.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
