"""The list of runs with a thousand runs in the folder: the first page, and what sorting and finding take.

    python benchmarks/runs_page.py [--runs 1000] [--rounds 9]

The server is this process, and Chromium sorts and finds. Told is the processor time of each, which a busy
machine does not lengthen; the shortest and the middle of the rounds.
"""

import argparse
import shutil
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convscope.runs.folder import Run

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

SORT = """() => {
  document.querySelector("[data-sort=accuracy]").click();
  document.querySelector("table.runs").getBoundingClientRect();  // laid out, too
}"""
FIND = """(words) => {
  const field = document.querySelector("[name=q]");
  field.value = words;
  field.dispatchEvent(new Event("input", {bubbles: true}));
  document.querySelector("table.runs").getBoundingClientRect();
}"""


def make_runs(folder: Path, count: int) -> None:
    """Runs with the files that a list reads; a summary as long as those of ten classes are."""
    per_class = [
        {"name": str(k), "precision": 0.9, "interval": [0.8, 0.95], "support": 75} for k in range(10)
    ]
    for number in range(count):
        run = Run(folder / f"run-{number}")
        run.path.mkdir(parents=True)
        data = ("digits", "photos", "mnist")[number % 3]
        run.write("config.json", {"data": {"source": data}, "network": {"name": "two-conv"}})
        run.write("dataset.json", {"name": data})
        share = 0.5 + (number * 37 % count) / (2.5 * count)
        figures = {"accuracy": {"value": share, "n": 750, "interval": [share - 0.01, share + 0.01]}}
        both = {split: figures | {"per_class": per_class} for split in ("validation", "test")}
        run.write("summary.json", {"network": "two-conv", "steps": 9, "seconds": {"total": 9.0}, **both})


def said(name: str, values: list[float]) -> str:
    """Milliseconds."""
    return f"{name:44} {min(values):8.1f} ms at least, {statistics.median(values):8.1f} in the middle"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    from convscope.serving import journal
    from convscope.serving.listening import address_of, listen
    from convscope.serving.server import Server
    from convscope.serving.workbench import Workbench

    journal.FRESH = 0.0  # every page looks at the folder
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "runs"
        make_runs(folder, asked.runs)
        listening = listen("127.0.0.1", 0)
        workbench = Workbench(folder)
        workbench.entries()  # as the command reads the folder before the server is up
        server = Server(workbench, listening)
        thread = threading.Thread(target=server.serve_until_stopped)
        thread.start()
        address = address_of(listening, "127.0.0.1")
        try:
            measure(address, asked.rounds)
        finally:
            server.stop()
            thread.join()


def measure(address: str, rounds: int) -> None:
    """Print the figures."""
    walls, works = [], []
    for _ in range(rounds):
        wall, work = time.perf_counter(), time.process_time()
        with urllib.request.urlopen(address) as answer:
            size = len(answer.read())
        walls.append(1000 * (time.perf_counter() - wall))
        works.append(1000 * (time.process_time() - work))
    print(f"{'the page':44} {size / 1e3:8.0f} kB")
    print(f"{'the first page after the server is up':44} {walls[0]:8.1f} ms, processor {works[0]:.1f} ms")
    print(said("the page again, the whole folder looked at", walls[1:]))
    print(said("  of that processor time", works[1:]))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        thread = page.context.new_cdp_session(page)
        thread.send("Performance.enable", {"timeDomain": "threadTicks"})

        def worked(do: Callable[[], object]) -> float:
            """Milliseconds of processor time of the page's own thread."""
            before = busy(thread)
            do()
            return 1000 * (busy(thread) - before)

        opened = [worked(lambda: page.goto(address, wait_until="load")) for _ in range(3)]
        print(said("opened in the browser: processor time", opened))
        print(said("sorted by accuracy", [worked(lambda: page.evaluate(SORT)) for _ in range(rounds)]))
        words = ("photos", "photos 99", "", "mnist 5", "")
        found = [worked(lambda k=k: page.evaluate(FIND, words[k % len(words)])) for k in range(rounds)]
        print(said("found by a word", found))
        browser.close()


def busy(session: Any) -> float:
    """Seconds that the page's thread has worked."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


if __name__ == "__main__":
    main()
