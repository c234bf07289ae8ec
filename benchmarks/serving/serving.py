"""The prediction API under load on this machine, beside a plain FastAPI and PyTorch handler.

    python benchmarks/serving/serving.py --write benchmarks/results/serving.md

Three servers, each a process of its own, are asked in turn, round after round, by clients that ask again as
soon as they are answered: `convscope serve`; the same with each image alone (without batching); and
`peers/plain_server.py`. Servers and clients share the machine, and so does whatever else runs on it: beside
requests a second and latencies stand the CPU seconds that the server took for a thousand requests, which
others disturb less. Then: answers under load against `Classifier.predict` on the same file alone; the memory
over many requests; and how long it takes to refuse image bombs.
"""

import argparse
import datetime
import io
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import numpy as np
from load import ask
from PIL import Image

import convscope as cs
from convscope.data.sources.named import named_source

HERE = Path(__file__).parent
PLAIN = HERE.parent / "peers" / "plain_server.py"
BOMBS = HERE.parents[1] / "tests" / "unit" / "serving" / "bombs.py"
BATCHED, ALONE, PEER = "convscope serve", "without batching", "plain FastAPI + PyTorch"
TICKS = os.sysconf("SC_CLK_TCK")

ALONE_SERVER = """
import sys
from pathlib import Path
from convscope.cli.process import tune_process
tune_process()
from convscope.serving.listening import listen
from convscope.serving.server import Server
from convscope.serving.workbench import Workbench
runs, port = Path(sys.argv[1]), int(sys.argv[2])
Server(Workbench(runs), listen("127.0.0.1", port), together=1).serve_until_stopped()
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=2000, help="of each server, in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--answers", type=int, default=10_000, help="answers that are held against predict")
    parser.add_argument("--memory", type=int, default=50_000, help="requests over which memory is watched")
    parser.add_argument("--steps", type=int, default=400, help="of the training on MNIST")
    parser.add_argument("--networks", nargs="+", default=["two-conv", "efficientnet-lite0"])
    parser.add_argument("--runs", type=Path, help="runs called as the networks are used, or put there")
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    text = (
        f"Measured on {datetime.date.today()}, {os.cpu_count()} cores, by `benchmarks/serving/serving.py`.\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        for section in sections(asked, asked.runs or Path(folder) / "runs"):
            print(section, flush=True)
            text += f"\n{section}"
    if asked.write:
        asked.write.write_text(f"# The prediction API under load\n\n{text}")


def sections(asked: argparse.Namespace, runs: Path) -> Iterator[str]:
    """Each as soon as it is measured."""
    for network in asked.networks:
        images = images_of(network)
        if not (runs / network).is_dir():
            make_run(runs, network, images, asked.steps)
        yield "\n".join([f"## {network}", "", *compare(runs, network, images, asked)])
    first = asked.networks[0]
    yield "\n".join(["## Memory and bombs", "", *endure(runs, first, images_of(first), asked), ""])


def images_of(network: str) -> list[bytes]:
    """Files as they are sent: digits of MNIST's test set as PNGs, or pictures of a photo's size as JPEGs."""
    if network == "two-conv":
        source = named_source("mnist")
        test = [row for row, split in enumerate(source.splits or ()) if split == "test"]
        return [encoded(source.images[row, 0], "PNG") for row in test]
    return [photo(number) for number in range(200)]


def encoded(pixels: np.ndarray, form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, quality=88)
    return file.getvalue()


def photo(number: int) -> bytes:
    """A smooth random picture with noise, 500 × 375 px."""
    generator = np.random.default_rng(number)
    shade = 60 + 120 * (number % 2)
    coarse = generator.integers(shade - 60, shade + 60, (7, 8, 3), dtype=np.uint8)
    return encoded(np.asarray(Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC)), "JPEG")


def make_run(runs: Path, network: str, images: list[bytes], steps: int) -> None:
    """Train `runs/NETWORK`: on MNIST, or in a few steps on some of the photos."""
    if network == "two-conv":
        cs.train("mnist", network=network, steps=steps, runs=runs, name=network)
        return
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(images[:40]):
            place = Path(folder) / "photos" / ("dark", "light")[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.jpg").write_bytes(content)
        cs.train(Path(folder) / "photos", network=network, steps=4, runs=runs, name=network)


@contextmanager
def server(kind: str, runs: Path, network: str, warm: bytes) -> Iterator[tuple[str, int]]:
    """Starts one; answers with its URL for predictions, once it has answered, and its process's id."""
    port = free_port()
    command = {
        BATCHED: [
            "-c",
            "from convscope.cli.main import main; main()",
            "serve",
            str(runs),
            "--port",
            str(port),
        ],
        ALONE: ["-c", ALONE_SERVER, str(runs), str(port)],
        PEER: [str(PLAIN), str(runs / network), str(port)],
    }[kind]
    path = "/predict" if kind == PEER else f"/api/v1/runs/{network}/predict"
    url = f"http://127.0.0.1:{port}{path}"
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                httpx.post(
                    url, content=warm, headers={"Content-Type": "image/png"}, timeout=120
                ).raise_for_status()
                break
            except httpx.ConnectError:
                time.sleep(0.2)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def compare(runs: Path, network: str, images: list[bytes], asked: argparse.Namespace) -> list[str]:
    """The three servers in turn, and a table of what they did; then right and wrong answers."""
    found: dict[tuple[str, int], list[dict[str, float]]] = defaultdict(list)
    share = 1 if network == "two-conv" else 20  # a photo takes longer
    with ExitStack() as running:
        places = {
            kind: running.enter_context(server(kind, runs, network, images[0]))
            for kind in (BATCHED, ALONE, PEER)
        }
        for number in range(asked.rounds):
            for clients in (1, 8, 64):
                count = max(clients * 2, asked.requests // share)
                for kind, (url, pid) in list(places.items())[:: 1 if number % 2 else -1]:
                    figures = measure(url, pid, images, clients, count)
                    print(f"{network}, {kind}, {clients} clients: {figures}", file=sys.stderr, flush=True)
                    found[kind, clients].append(figures)
        wrong = answers_line(runs, network, images, places[BATCHED][0], max(1, asked.answers // share))
    return [*table(found), "", *verdict(found), "", wrong, ""]


def measure(url: str, pid: int, images: list[bytes], clients: int, count: int) -> dict[str, float]:
    ask(url, images, clients=clients, requests=clients * 2)
    before = cpu_seconds(pid)
    answered = ask(url, images, clients=clients, requests=count)
    milliseconds = sorted(1000 * each for each in answered.latencies)
    return {
        "requests/s": count / answered.seconds,
        "p50": milliseconds[len(milliseconds) // 2],
        "p99": milliseconds[min(len(milliseconds) - 1, int(len(milliseconds) * 0.99))],
        "cpu": 1000 * (cpu_seconds(pid) - before) / count,
        "refused": answered.refused,
    }


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def table(found: dict[tuple[str, int], list[dict[str, float]]]) -> list[str]:
    head = ["server", "clients", "requests/s", "p50 ms", "p99 ms", "CPU s per 1,000", "refused"]
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for (kind, clients), rounds in sorted(found.items(), key=lambda each: each[0][1]):
        middle = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        cells = [f"{middle[name]:,.{digits}f}" for name, digits in FIGURES]
        lines.append(f"| {kind} | {clients} | {' | '.join(cells)} |")
    return lines


FIGURES = (("requests/s", 0), ("p50", 1), ("p99", 1), ("cpu", 2), ("refused", 0))


def verdict(found: dict[tuple[str, int], list[dict[str, float]]]) -> list[str]:
    """Ratios to the plain handler, round by round: both sides of each were measured one after the other."""

    def ratios(name: str, clients: int) -> str:
        pairs = zip(found[BATCHED, clients], found[PEER, clients], strict=True)
        values = [ours[name] / theirs[name] for ours, theirs in pairs]
        return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"

    return [
        "Beside the plain handler, median and range over rounds: "
        f"requests/s at 64 clients × {ratios('requests/s', 64)}; p99 at one client × {ratios('p99', 1)}; "
        f"CPU seconds at 64 clients × {ratios('cpu', 64)}."
    ]


def answers_line(runs: Path, network: str, images: list[bytes], url: str, count: int) -> str:
    """Answers to 64 clients at once against the classifier's own to each file alone."""
    documents = ask(url, images, clients=64, requests=count, keep=True).documents
    classifier = cs.load(runs / network)
    wrong, furthest = 0, 0.0
    for number in range(count):
        [own] = classifier.predict([images[number % len(images)]])
        [told] = documents[number]["predictions"]
        wrong += told["class"] != own.class_name
        pairs = zip(told["probabilities"].values(), own.probabilities.values(), strict=True)
        furthest = max(furthest, *(abs(ours - theirs) for ours, theirs in pairs))
    return (
        f"Of {count:,} answers under load of 64 clients {wrong} name another class than `predict` on that "
        f"file alone; probabilities differ by {furthest:.1e} at most."
    )


def endure(runs: Path, network: str, images: list[bytes], asked: argparse.Namespace) -> list[str]:
    """Memory over many requests, and image bombs."""
    with server(BATCHED, runs, network, images[0]) as (url, pid):
        resident = []
        for _ in range(6):
            ask(url, images, clients=64, requests=max(1, asked.memory // 6))
            resident.append(megabytes(pid, "VmRSS"))
        steps = " → ".join(f"{each:,.0f}" for each in resident)
        lines = [
            f"Over {asked.memory:,} requests the server's memory went {steps} MB (resident, six times).",
            "",
        ]
        return [*lines, bombs_line(url, pid)]


def bombs_line(url: str, pid: int) -> str:
    bombs: dict[str, bytes] = runpy.run_path(str(BOMBS))["BOMBS"]
    seconds, codes = [], set()
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = megabytes(pid, "VmRSS")
    for content in bombs.values():
        begun = time.perf_counter()
        answer = httpx.post(url, content=content, headers={"Content-Type": "image/png"}, timeout=60)
        seconds.append(time.perf_counter() - begun)
        codes.add(answer.status_code)
    more = megabytes(pid, "VmHWM") - before
    return (
        f"{len(bombs)} image bombs were answered with {sorted(codes)}, the slowest in {max(seconds):.2f} s; "
        f"at its peak the server had {more:,.0f} MB more than before."
    )


def megabytes(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
