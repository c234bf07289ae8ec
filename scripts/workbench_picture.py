"""Photograph the workbench, as Chromium shows it: how docs/workbench.webp, the README's picture, is made.

    python scripts/workbench_picture.py docs/workbench.webp [RUNS]

Serves a folder of runs that holds one of the digits called two-conv, and opens one value of its convolution;
without a folder it trains that run first, which takes half a minute.
"""

import io
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import convscope as cs
from convscope.serving.listening import address_of, listen
from convscope.serving.server import Server
from convscope.serving.workbench import Workbench

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WIDTH, HIGH, SCALE = 1260, 1240, 1.25
PATIENCE = 300_000  # milliseconds: what is looked for in the training images takes a while


def main() -> None:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(place) / "runs"
        if not folder.is_dir():
            cs.train("digits", name="two-conv", runs=folder)
        listening = listen("127.0.0.1", 0)
        server = Server(Workbench(folder), listening)
        thread = threading.Thread(target=server.serve_until_stopped)
        thread.start()
        try:
            with sync_playwright() as started:
                arguments = ["--no-sandbox", "--disable-gpu"]
                browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
                picture = photograph(browser, address_of(listening, "127.0.0.1").rstrip("/"))
                browser.close()
        finally:
            server.stop()
            thread.join()
    picture.save(target, "WEBP", quality=82, method=6)


def photograph(browser: Browser, address: str) -> Image.Image:
    """One value of the first convolution, with its arithmetic and what excites its unit most."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HIGH}, device_scale_factor=SCALE)
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/runs/two-conv/learn#convolution", timeout=PATIENCE)
    page.get_by_role("link", name="Click any other value of this map").click()
    page.wait_for_url("**/network/**")
    page.locator("#patches img").first.wait_for()
    return Image.open(io.BytesIO(page.screenshot()))


if __name__ == "__main__":
    main()
