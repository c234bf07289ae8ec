"""What classifiers would answer in bfloat16 in place of float32, over the test images of their runs.

python benchmarks/answers.py NAME=RUN[,DATA] …
"""

import sys

import torch
from speed_results import keep_answers, prepare_process


def compare(run: str, data: str | None) -> dict[str, float]:
    """Answers that change, how many are right before and after, the largest change of a probability."""
    from convscope.classifier.classifier import Classifier
    from convscope.config.asked import DataConfig
    from convscope.data.loading import load_dataset

    classifier = Classifier.load(run)
    preprocessing = classifier.preprocessing
    config = DataConfig(source=data) if data else _own_data(run)
    dataset = load_dataset(
        config,
        size=preprocessing.size,
        channels=preprocessing.channels,
        fit=preprocessing.fit,
        seed=_seed(run),
    )
    images, labels = dataset.test.images, dataset.test.labels
    before = classifier.logits(images)
    with torch.autocast("cpu", torch.bfloat16):
        after = classifier.logits(images).float()
    answers = [logits.argmax(1) for logits in (before, after)]
    return {
        "images": len(labels),
        "changed": int((answers[0] != answers[1]).sum()),
        "right_before": int((answers[0] == labels).sum()),
        "right_after": int((answers[1] == labels).sum()),
        "largest": (before.softmax(1) - after.softmax(1)).abs().max().item(),
    }


def _own_data(run: str) -> object:
    from convscope.runs.folder import Run

    return Run.open(run).config.data


def _seed(run: str) -> int:
    from convscope.runs.folder import Run

    return int(Run.open(run).config.seed)


def main() -> None:
    prepare_process()
    for asked in sys.argv[1:]:
        name, _, rest = asked.partition("=")
        run, _, data = rest.partition(",")
        keep_answers(name, compare(run, data or None))


if __name__ == "__main__":
    main()
