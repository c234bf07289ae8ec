"""Measure the peers in turn: one fresh process a measurement, one JSON line each; it can be stopped and goes
on.

    python benchmarks/peers/measure.py RESULTS.jsonl vgg12-step vgg16 --environments FOLDER --data FOLDER

A round asks every peer of a row once, each round beginning with another. What stands in RESULTS already is
not measured again; a peer that could not do a row is not asked a second time. Every process has the same
cores, the same thread variables, an empty home folder and, where the kernel allows it (`unshare --net`), no
network. Beside each measurement stands the share of the machine that others took meanwhile, from
/proc/stat.
"""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rows import PEERS, ROWS, Row

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src"
NAMED_VERSIONS = (
    *("convscope", "torch", "torchvision", "timm", "lightning", "fastai", "keras", "tensorflow-cpu"),
    *("tensorflow_cpu", "ultralytics", "autogluon.multimodal", "onnxruntime", "openvino", "numpy"),
)


def main() -> None:
    arguments = parse()
    alone(arguments.results)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = time.monotonic()
    try:
        for name, peer, number in left_to_measure(arguments):
            if arguments.most_seconds and time.monotonic() - begun > arguments.most_seconds:
                sys.exit("not finished: call it again to go on")
            print(f"{name}, round {number}: {peer} …", file=sys.stderr, flush=True)
            found = measure(arguments, name, peer, number)
            append(arguments.results, found)
            print(f"    {found['figures']}, others {found['others']:.1%}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("stopped: call it again to go on", file=sys.stderr)
        sys.exit(130)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="a .jsonl, made or gone on with")
    parser.add_argument("rows", nargs="+", choices=ROWS)
    parser.add_argument("--environments", type=Path, required=True, help="what environments.py made")
    parser.add_argument("--data", type=Path, required=True, help="what prepare.py made")
    parser.add_argument("--peers", nargs="+", choices=PEERS, metavar="PEER", help="these alone")
    parser.add_argument("--rounds", type=int, help="instead of a row's own number")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=8, help="of cifar10")
    parser.add_argument(
        "--limit", type=float, default=120, help="seconds of training after which mnist gives up"
    )
    parser.add_argument("--timeout", type=float, default=3600, help="seconds of one measurement")
    parser.add_argument("--most-seconds", type=float, help="begin nothing after these; call again to go on")
    parser.add_argument("--retry-failed", action="store_true", help="ask again who could not do a row")
    parser.add_argument("--quick", action="store_true", help="a few steps each, to see that all scripts work")
    arguments = parser.parse_args()
    if not arguments.environments.is_dir():
        parser.error(f"{arguments.environments} is no folder; make it with environments.py")
    if not (arguments.data / "mnist.npz").exists():
        parser.error(f"{arguments.data} has no mnist.npz; make it with prepare.py")
    return arguments


def alone(results: Path) -> None:
    """Two at once would measure each other. The lock is let go of when the process ends."""
    try:
        fcntl.flock(os.open(f"{results}.lock", os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"somebody else measures into {results}; wait until that has ended")


def left_to_measure(arguments: argparse.Namespace) -> Any:
    """(row, peer, round), round by round; what another measurement has answered meanwhile is left out."""
    for name in arguments.rows:
        row = ROWS[name]
        peers = [peer for peer in row.peers if not arguments.peers or peer in arguments.peers]
        unable = set() if arguments.retry_failed else failures(arguments.results)
        for number in range(arguments.rounds or row.rounds):
            shift = number % len(peers) if peers else 0
            for peer in peers[shift:] + peers[:shift]:
                done = {(each["row"], each["peer"], each["round"]) for each in succeeded(arguments.results)}
                if (name, peer, number) not in done and (name, peer) not in unable:
                    yield name, peer, number
                    unable |= {(name, peer)} & failures(arguments.results)


def failures(results: Path) -> set[tuple[str, str]]:
    """(row, peer) of those whose last answer was that they could not."""
    last = {(each["row"], each["peer"]): "failed" in each["figures"] for each in read(results)}
    return {key for key, is_failed in last.items() if is_failed}


def succeeded(results: Path) -> list[dict[str, Any]]:
    return [each for each in read(results) if "failed" not in each["figures"]]


def read(results: Path) -> list[dict[str, Any]]:
    """All measurements. Half a line, which an interruption left, is none."""
    found = []
    for line in results.read_text().splitlines() if results.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def append(results: Path, found: dict[str, Any]) -> None:
    is_halfway = results.exists() and results.read_text()[-1:] not in ("\n", "")
    with results.open("a") as file:
        file.write("\n" * is_halfway + json.dumps(found) + "\n")


def measure(arguments: argparse.Namespace, name: str, peer: str, number: int) -> dict[str, Any]:
    scratch = Path(tempfile.mkdtemp(prefix="peer-"))
    try:
        process = run(arguments, ROWS[name], words(arguments, name, peer, number, scratch), scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {
        "row": name,
        "peer": peer,
        "round": number,
        "figures": process.figures | {"peak_mb": process.peak_mb},
        "others": round(process.others, 4),
        "seconds": round(process.seconds, 1),
        "threads": arguments.threads,
        "quick": arguments.quick,
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "versions": versions(arguments.environments / PEERS[peer].environment),
        "commit": commit(),
    }


def words(arguments: argparse.Namespace, name: str, peer: str, number: int, scratch: Path) -> list[str]:
    which = PEERS[peer]
    found: list[Any] = [arguments.environments.resolve() / which.environment / "bin" / "python"]
    found += [HERE / which.script, name, "--data", arguments.data.resolve(), "--scratch", scratch / "files"]
    found += ["--seed", number, "--threads", arguments.threads]
    found += ["--epochs", arguments.epochs, "--limit", arguments.limit]
    found += ["--quick"] if arguments.quick else []
    found += ["--variant", which.variant] if which.variant else []
    return [*without_network(), *map(str, found)]


def without_network() -> list[str]:
    apart = ["unshare", "--net"]
    try:
        done = subprocess.run([*apart, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return []
    return apart if done.returncode == 0 else []


@dataclass(frozen=True)
class Finished:
    """A process that has ended: what it answered, and what it cost."""

    figures: dict[str, Any]
    seconds: float
    others: float
    peak_mb: float


def run(arguments: argparse.Namespace, row: Row, command: list[str], scratch: Path) -> Finished:
    (scratch / "files").mkdir()
    cores = sorted(os.sched_getaffinity(0))[: arguments.threads]
    busy, start = busy_seconds(), time.monotonic()
    with (scratch / "answer").open("wb") as answer, (scratch / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=answer,
            stderr=log,
            env=environment(arguments, row, scratch),
            cwd=scratch,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        try:
            in_time, usage = wait(process.pid, arguments.timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    seconds = time.monotonic() - start
    others = busy_seconds() - busy - usage.ru_utime - usage.ru_stime
    figures = read_answer(scratch) if in_time else {"failed": f"not done after {arguments.timeout:.0f} s"}
    share = max(0.0, others) / (seconds * (os.cpu_count() or 1))
    return Finished(figures, seconds, share, usage.ru_maxrss / 1024)


def environment(arguments: argparse.Namespace, row: Row, scratch: Path) -> dict[str, str]:
    """The same for all. Waiting threads do not spin: beside other work that would punish some more."""
    threads = str(arguments.threads)
    counts = ("OMP", "MKL", "OPENBLAS")
    compiled = scratch if row.counts_start else arguments.data.resolve()
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "CONVSCOPE_DATA") if name in os.environ}
    return kept | {
        **{f"{name}_NUM_THREADS": threads for name in counts},
        "TF_NUM_INTRAOP_THREADS": threads,
        "GOMP_SPINCOUNT": "1000",
        "HOME": str(scratch / "files"),
        "TMPDIR": str(scratch),
        "TORCHINDUCTOR_CACHE_DIR": str(compiled / "compiled"),
        "PYTHONPATH": str(SOURCE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def wait(process: int, timeout: float) -> tuple[bool, Any]:
    """Whether it ended by itself, and what it and its children used."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        done, _, usage = os.wait4(process, os.WNOHANG)
        if done:
            return True, usage
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    return False, os.wait4(process, 0)[2]


def read_answer(scratch: Path) -> dict[str, Any]:
    lines = (scratch / "answer").read_text().splitlines()
    log = (scratch / "log").read_text(errors="replace").strip().splitlines()
    if not lines:
        return {"failed": "ended without an answer: " + " ".join(log[-2:])[:300]}
    figures: dict[str, Any] = json.loads(lines[-1])
    if "failed" in figures:
        print("\n".join(log[-15:]), file=sys.stderr)
    return figures


def busy_seconds() -> float:
    """CPU seconds of all cores that were not idle since the machine began, stolen ones included."""
    first = Path("/proc/stat").read_text().partition("\n")[0]
    fields = [int(field) for field in first.split()[1:9]]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = fields
    ticks = user + nice + system + interrupts + soft_interrupts + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def versions(folder: Path) -> dict[str, str]:
    file = folder / "versions.json"
    found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return {name: found[name] for name in NAMED_VERSIONS if name in found}


def commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
