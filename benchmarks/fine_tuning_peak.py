"""Fine-tuning on a CPU: images a second by the library's convolutions and by ours, and the share of the peak.

    python benchmarks/fine_tuning_peak.py --rounds 7

A step of the default network for photos as `train` takes it (16 images of 256 px, augmented, the first
stages frozen), with the operators as the library has them and with those of `training/convolving`, in turn.
A layer's operations are those of its forward pass, once more for the gradient of its weights where they are
trained, and once more for the gradient of what comes in where a layer before it is; torch's own counter takes
depthwise convolutions' gradients for dense ones. The peak is what a large matrix product reaches in the same
process, in the same number format.
"""

import argparse
from statistics import median
from typing import Any

from speed import FEW, OURS, job_of, training_ways
from speed_results import prepare_process, timed

SIZE = 256
LIBRARY = "convolutions as the library has them"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    prepare_process()
    import torch

    from convscope.benchmarking.peak import measure_peak

    ways = {
        name: way
        for name, way in training_ways("pretrained", on_old_cpu=True).items()
        if name in (OURS, LIBRARY)
    }
    flops = FEW * flops_of_an_image(job_of("pretrained", {"batch_size": FEW}).classifier.network)
    before = measure_peak(torch.device("cpu"), torch.float32)
    found = timed(ways, options.rounds)
    peak = max(before.gflops, measure_peak(torch.device("cpu"), torch.float32).gflops)
    print(
        f"{torch.get_num_threads()} threads, peak {peak:.0f} GFLOP/s, {flops / FEW / 1e9:.2f} GFLOP an image"
    )
    for name in (LIBRARY, OURS):
        way = found["ways"][name]
        seconds = median(way["seconds"])
        rate, share = FEW / seconds, flops / seconds / 1e9 / peak
        print(f"{name}: {1000 * seconds:.0f} ms, {rate:.1f} images/s, {100 * share:.0f} % of the peak")
    print(f"library / ours: {found['ways'][LIBRARY]['ratio']}; quiet: {found['quiet']}")


def flops_of_an_image(network: Any) -> int:
    """Forwards and backwards, for one image of a step."""
    from convscope.networks.following.summarising import summarise

    modules, total, is_learning = dict(network.named_modules()), 0, False
    for layer in summarise(network, (3, SIZE, SIZE)).layers:
        is_trained = any(weight.requires_grad for weight in modules[layer.name].parameters(recurse=False))
        total += layer.flops * (1 + is_trained + is_learning)
        is_learning = is_learning or is_trained
    return total


if __name__ == "__main__":
    main()
