"""Show that a classifier may be shared: threads that predict and evaluate at once get the same bits as one.

    python scripts/predict_in_threads.py --rounds 1000

Each network has what training mode would change: dropout, batch normalisation, or both. In each round half
of the threads predict pictures and half evaluate a split, all on one classifier. Exit code 0: every answer
equals the one given alone, and no weight, buffer or mode has moved; 1: some do not. `--toggle` is the
control: each call switches the network to evaluation mode and back, as a forward pass once did, and must end
with 1.
"""

import argparse
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image

from convscope.classifier.classifier import Classifier
from convscope.classifier.logits import evaluation_mode
from convscope.classifier.target import Target
from convscope.config.asked import NetworkConfig
from convscope.data.dataset import ImageSet
from convscope.data.preprocessing import Preprocessing
from convscope.evaluation.predictions import predict_images

SIZE = 32
NETWORKS = (
    NetworkConfig(name="two-conv", dropout=0.5),
    NetworkConfig(name="small-resnet"),
    NetworkConfig(name="timm:resnet10t", dropout=0.5),
)


def wrong_answers(config: NetworkConfig, *, threads: int, rounds: int, toggle: bool) -> int:
    """How many answers of all threads and rounds differ in a bit from the one that a thread alone gets."""
    preprocessing = Preprocessing(height=SIZE, width=SIZE, channels=3)
    classifier = Classifier.build(config, preprocessing, Target(class_names=("a", "b", "c")), seed=1)
    pixels = np.random.default_rng(0).integers(0, 256, (6, SIZE, SIZE, 3), dtype=np.uint8)
    pictures = [Image.fromarray(each) for each in pixels]
    images = ImageSet(
        torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
        torch.arange(6) % 3,
        tuple("abcdef"),
        ("",) * 6,
    )

    def predicted() -> object:
        return [prediction.to_dict() for prediction in classifier.predict(pictures)]

    def evaluated() -> object:
        return predict_images(classifier, images, "test").evaluation.to_dict()

    def answers_of(ask: Callable[[], object]) -> list[object]:
        together.wait()
        found = []
        for _ in range(rounds):
            if toggle:
                with evaluation_mode(classifier.network.train()):
                    found.append(ask())
            else:
                found.append(ask())
        return found

    asks = [predicted if number % 2 else evaluated for number in range(threads)]
    expected = {ask: ask() for ask in (predicted, evaluated)}
    before = _state(classifier)
    together = threading.Barrier(threads)
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(answers_of, asks))
    moved = 0 if toggle or _state(classifier) == before else 1
    return moved + sum(
        answer != expected[ask] for ask, answers in zip(asks, found, strict=True) for answer in answers
    )


def _state(classifier: Classifier) -> object:
    tensors = classifier.network.state_dict().values()
    return [t.contiguous().numpy().tobytes() for t in tensors], [
        m.training for m in classifier.network.modules()
    ]


def main() -> int:
    """Count the wrong answers of each network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--toggle", action="store_true")
    options = parser.parse_args()
    total = 0
    for config in NETWORKS:
        wrong = wrong_answers(config, threads=options.threads, rounds=options.rounds, toggle=options.toggle)
        print(f"{config.name}: {wrong} of {options.threads * options.rounds} answers differ")
        total += wrong
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
