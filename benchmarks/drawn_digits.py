"""A hundred digits, drawn on the workbench's canvas by pointer events in a real browser: how many are right?

    python benchmarks/drawn_digits.py runs/digits-two-conv-1 [--count 100] [--seed 0] [--save FOLDER]

Each digit is one of two or three ways to write it, as strokes of our own, and varies at random (with a seed)
in size, place, slant, proportions, roundness of hand, and width of the pen. What is measured is the whole
way: strokes → canvas → PNG → the pixels that the network sees → its answer, read from the page.
"""

import argparse
import itertools
import json
import math
import os
import shutil
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from convscope.serving.listening import address_of, listen
from convscope.serving.server import Server
from convscope.serving.workbench import Workbench

CANVAS = 280
"""Pixels of the canvas's side."""

Point = tuple[float, float]
Stroke = list[Point]


def arc(centre: Point, radii: Point, start: float, end: float, steps: int = 24) -> Stroke:
    """Along an ellipse, from one angle to another: degrees, 0 at the right, 90 at the bottom."""
    angles = np.radians(np.linspace(start, end, steps))
    return [(centre[0] + radii[0] * math.cos(a), centre[1] + radii[1] * math.sin(a)) for a in angles]


# In a box of one by one, x to the right, y down.
WAYS: dict[int, list[list[Stroke]]] = {
    0: [
        [arc((0.5, 0.5), (0.32, 0.48), -90, 270, 48)],
        [arc((0.5, 0.5), (0.40, 0.46), -60, 305, 48)],
    ],
    1: [
        [[(0.5, 0.0), (0.5, 1.0)]],
        [[(0.30, 0.22), (0.52, 0.0), (0.52, 1.0)]],
        [[(0.62, 0.0), (0.44, 1.0)]],
    ],
    2: [
        [[*arc((0.48, 0.27), (0.33, 0.27), 190, 370), (0.72, 0.48), (0.12, 0.98), (0.88, 0.98)]],
        [
            [
                *arc((0.47, 0.30), (0.34, 0.29), 200, 395),
                (0.46, 0.70),
                (0.14, 0.95),
                (0.50, 0.93),
                (0.90, 0.96),
            ]
        ],
    ],
    3: [
        [arc((0.44, 0.26), (0.32, 0.25), 205, 445) + arc((0.44, 0.74), (0.36, 0.25), -85, 155)],
        [
            [
                (0.16, 0.06),
                (0.62, 0.03),
                *arc((0.46, 0.26), (0.3, 0.22), -40, 85),
                *arc((0.44, 0.72), (0.36, 0.25), -80, 150),
            ]
        ],
    ],
    4: [
        [[(0.34, 0.0), (0.14, 0.56), (0.88, 0.56)], [(0.66, 0.16), (0.62, 1.0)]],
        [[(0.22, 0.04), (0.20, 0.50), (0.76, 0.52)], [(0.76, 0.0), (0.74, 1.0)]],
    ],
    5: [
        [[(0.80, 0.02), (0.26, 0.02), (0.22, 0.44), *arc((0.44, 0.69), (0.36, 0.28), -120, 150)]],
        [
            [(0.28, 0.04), (0.22, 0.46), *arc((0.46, 0.70), (0.34, 0.27), -115, 145)],
            [(0.28, 0.04), (0.82, 0.03)],
        ],
    ],
    6: [
        [
            [
                (0.66, 0.0),
                (0.40, 0.22),
                (0.22, 0.50),
                (0.18, 0.72),
                *arc((0.48, 0.74), (0.30, 0.24), 180, -170, 40),
            ]
        ],
        [[(0.50, 0.0), (0.30, 0.30), (0.22, 0.62), *arc((0.50, 0.74), (0.28, 0.23), 200, -150, 40)]],
    ],
    7: [
        [[(0.12, 0.04), (0.86, 0.04), (0.44, 1.0)]],
        [[(0.14, 0.08), (0.84, 0.03), (0.62, 0.44), (0.46, 1.0)]],
    ],
    8: [
        [arc((0.5, 0.25), (0.26, 0.24), 90, 450, 36) + arc((0.5, 0.74), (0.33, 0.25), -90, 270, 36)],
        [
            [
                (0.74, 0.14),
                *arc((0.48, 0.23), (0.25, 0.22), -40, -230),
                (0.52, 0.5),
                *arc((0.48, 0.75), (0.3, 0.24), -50, 230, 32),
                (0.48, 0.48),
                (0.76, 0.14),
            ]
        ],
    ],
    9: [
        [[*arc((0.46, 0.27), (0.30, 0.26), -10, -360, 40), (0.77, 0.25), (0.72, 0.62), (0.64, 1.0)]],
        [[*arc((0.48, 0.28), (0.28, 0.26), -20, -370, 40), (0.76, 0.60), (0.60, 0.92), (0.34, 0.98)]],
    ],
}


def drawn_digit(digit: int, random: np.random.Generator) -> tuple[list[Stroke], int]:
    """The strokes of a digit on the canvas, in its pixels, and the width of the pen."""
    ways = WAYS[digit]
    strokes = ways[random.integers(len(ways))]
    high = random.uniform(0.4, 0.85) * CANVAS
    wide = high * random.uniform(0.6, 0.95)
    slant = random.uniform(-0.1, 0.35)
    waves = random.normal(0, 0.018, (2, 2, 3))
    placed = [[_bent(point, waves, slant) for point in _dense(stroke)] for stroke in strokes]
    points = np.array([point for stroke in placed for point in stroke]) * (wide, high)
    pen = int(np.clip(random.uniform(0.07, 0.16) * high, 8, 34))
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    room = np.maximum(CANVAS - size - 2 * pen, 0)
    shift = pen + random.uniform(0, 1, 2) * room - low
    return [[(x * wide + shift[0], y * high + shift[1]) for x, y in stroke] for stroke in placed], pen


def _dense(stroke: Stroke) -> Stroke:
    """With a point at least every thirtieth of the box."""
    found = [stroke[0]]
    for (x0, y0), (x1, y1) in itertools.pairwise(stroke):
        steps = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) * 30))
        found += [(x0 + (x1 - x0) * k / steps, y0 + (y1 - y0) * k / steps) for k in range(1, steps + 1)]
    return found


def _bent(point: Point, waves: np.ndarray, slant: float) -> Point:
    """Slanted, and bent a little by slow waves, as no hand is straight."""
    x, y = point
    phases = np.array([1, 2, 3]) * math.pi
    bend = [
        float((waves[axis, 0] * np.sin(phases * x) + waves[axis, 1] * np.sin(phases * y)).sum())
        for axis in (0, 1)
    ]
    return x + bend[0] + slant * (0.5 - y), y + bend[1]


def draw(page: Any, strokes: list[Stroke], pen: int) -> str:
    """Draw on the page's canvas and wait for the whole answer; its class."""
    page.locator("#clear").click()
    page.locator("#pen").evaluate("(pen, width) => { pen.value = width; }", pen)
    before = int(page.locator("#try").get_attribute("data-answered") or 0)
    box = page.locator("#paper").bounding_box()
    for stroke in strokes:
        page.mouse.move(box["x"] + 1 + stroke[0][0], box["y"] + 1 + stroke[0][1])
        page.mouse.down()
        for x, y in stroke[1:]:
            page.mouse.move(box["x"] + 1 + x, box["y"] + 1 + y)
        page.mouse.up()
    page.wait_for_function(
        "before => { const data = document.querySelector('#try').dataset;"
        " return Number(data.answered ?? 0) > before && !document.querySelector('#more').matches('.old')"
        " && data.waiting === '0'; }",
        arg=before,
    )
    return str(page.locator("#try").get_attribute("data-class"))


def main() -> None:
    """Draw them all and say how many were right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="a folder for the pixels of those that were wrong")
    told = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or sys.exit("needs Chromium")
    listening = listen("127.0.0.1", 0)
    server = Server(Workbench(told.run), listening)
    thread = threading.Thread(target=server.serve_until_stopped)
    thread.start()
    address = address_of(listening, "127.0.0.1").rstrip("/")
    random = np.random.default_rng(told.seed)
    right, wrong = 0, Counter[str]()
    saved = told.save or Path(tempfile.mkdtemp())
    saved.mkdir(parents=True, exist_ok=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(120_000)
            page.goto(f"{address}/runs/{told.run.resolve().name}/try")
            for number in range(told.count):
                digit = number % 10
                answer = draw(page, *drawn_digit(digit, random))
                right += answer == str(digit)
                print(f"{right} of {number + 1} right", file=sys.stderr, end="\r")
                if answer != str(digit):
                    wrong[f"{digit} taken for {answer}"] += 1
                    page.screenshot(path=str(saved / f"{number:03d}-{digit}-as-{answer}.png"))
            browser.close()
    finally:
        server.stop()
        thread.join()
    print(
        json.dumps(
            {"run": told.run.name, "drawn": told.count, "seed": told.seed, "right": right, "wrong": wrong}
        )
    )


if __name__ == "__main__":
    main()
