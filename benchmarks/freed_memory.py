"""What training on a CPU gains when freed memory is kept for the next step, not given back to the kernel.

    python benchmarks/freed_memory.py

Each measurement is a process of its own, plain and tuned in turn: time of the processor for each image, the
program's own and the kernel's, and the peak of memory.
"""

import json
import statistics
import subprocess
import sys

ROUNDS = 3
MEASURE = """
import json, os, resource, sys
if sys.argv[1] == "tuned":
    from convscope.cli.process import tune_process
    tune_process()
import torch
from convscope.config.asked import NetworkConfig
from convscope.networks.build import build_network
name, side, batch = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
network = build_network(
    NetworkConfig(name=name), in_channels=3, image_size=(side, side), num_classes=2, seed=0
).to(memory_format=torch.channels_last)
images = torch.rand(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
labels = torch.arange(batch) % 2
def step():
    network.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(network(images), labels).backward()
for _ in range(3): step()
before = os.times()
for _ in range(8): step()
after = os.times()
share = 1000 / (8 * batch)
print(json.dumps({
    "own": share * (after.user - before.user),
    "kernel": share * (after.system - before.system),
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""
NETWORKS = {"timm:efficientnet_lite0": (224, 16), "small-resnet": (32, 128), "counter": (64, 128)}
"""Network: side in pixels, images in a batch."""


def measure(kind: str, network: str) -> dict[str, float]:
    arguments = [sys.executable, "-c", MEASURE, kind, network, *map(str, NETWORKS[network])]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    for network in NETWORKS:
        rounds = [{kind: measure(kind, network) for kind in ("plain", "tuned")} for _ in range(ROUNDS)]
        for kind in ("plain", "tuned"):
            middle = {
                figure: statistics.median(r[kind][figure] for r in rounds) for figure in rounds[0][kind]
            }
            print(
                f"{network:24} {kind}  {middle['own']:6.2f} + {middle['kernel']:5.2f} ms an image"
                f" (own + kernel)   peak {middle['peak']:,.0f} MB"
            )
        ratios = [
            (r["plain"]["own"] + r["plain"]["kernel"]) / (r["tuned"]["own"] + r["tuned"]["kernel"])
            for r in rounds
        ]
        print(
            f"{network:24} ratio  median {statistics.median(ratios):.2f}, "
            f"least {min(ratios):.2f}, greatest {max(ratios):.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
