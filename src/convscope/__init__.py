"""convscope: train, understand and prove convolutional image classifiers.

import convscope as cs

run = cs.train("photos/", epochs=5)
run.test.accuracy                    # Proportion(0.932, interval=(0.901, 0.954), n=366)
cs.load(run).predict("new.jpg")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convscope.classifier.classifier import Classifier as Classifier
    from convscope.classifier.prediction import Prediction as Prediction
    from convscope.evaluation.proportion import Proportion as Proportion
    from convscope.face import FinishedRun as FinishedRun
    from convscope.face import evaluate as evaluate
    from convscope.face import load as load
    from convscope.face import look as look
    from convscope.face import resume as resume
    from convscope.face import train as train

_PLACES = {
    "Classifier": "convscope.classifier.classifier",
    "FinishedRun": "convscope.face",
    "Prediction": "convscope.classifier.prediction",
    "Proportion": "convscope.evaluation.proportion",
    "evaluate": "convscope.face",
    "load": "convscope.face",
    "look": "convscope.face",
    "resume": "convscope.face",
    "train": "convscope.face",
}
__all__ = [
    "Classifier",
    "FinishedRun",
    "Prediction",
    "Proportion",
    "evaluate",
    "load",
    "look",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import late: `import convscope` and `convscope --help` need no torch."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'convscope' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
