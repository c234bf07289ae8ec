"""What training gains on a shared machine when waiting threads do not spin: alone, and beside busy processes.

    python benchmarks/waiting_threads.py

Each measurement is a process of its own, since the setting is read when torch loads.
"""

import os
import statistics
import subprocess
import sys

ROUNDS = 3
STEPS = 40
BATCH = 128
SPIN = {"default": None, "1000": "1000"}
BUSY = "while True: pass"
MEASURE = f"""
import time, torch
from convscope.config.asked import NetworkConfig
from convscope.networks.build import build_network
network = build_network(
    NetworkConfig(name="two-conv"), in_channels=1, image_size=(28, 28), num_classes=10, seed=0
).to(memory_format=torch.channels_last)
images = torch.rand({BATCH}, 1, 28, 28).contiguous(memory_format=torch.channels_last)
labels = torch.arange({BATCH}) % 10
def step():
    network.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(network(images), labels).backward()
for _ in range(5): step()
start = time.perf_counter()
for _ in range({STEPS}): step()
print({STEPS} * {BATCH} / (time.perf_counter() - start))
"""


def images_per_second(spin: str | None) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    if spin is not None:
        environment["GOMP_SPINCOUNT"] = spin
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    print(
        f"{os.cpu_count()} cores; two-conv, images/s forward and backward, batch {BATCH}, median of {ROUNDS}"
    )
    for neighbours in (0, 1, 2):
        busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(neighbours)]
        try:
            rates: dict[str, list[float]] = {name: [] for name in SPIN}
            for _ in range(ROUNDS):
                for name, spin in SPIN.items():
                    rates[name].append(images_per_second(spin))
        finally:
            for process in busy:
                process.kill()
        medians = {name: statistics.median(values) for name, values in rates.items()}
        ratio = medians["1000"] / medians["default"]
        print(
            f"beside {neighbours} busy processes: "
            + ", ".join(f"{n} {v:,.0f}" for n, v in medians.items())
            + f"; ratio {ratio:.2f}"
        )


if __name__ == "__main__":
    main()
