"""convscope: train, understand and prove convolutional image classifiers.

import convscope as cs

run = cs.train("photos/", epochs=5)
run.test.accuracy                    # Proportion(0.932, interval=(0.901, 0.954), n=366)
cs.predict(run, "new.jpg")
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convscope.classifier.answers import Answers as Answers
    from convscope.classifier.classifier import Classifier as Classifier
    from convscope.classifier.prediction import Prediction as Prediction
    from convscope.evaluation.proportion import Proportion as Proportion
    from convscope.face.asking import load as load
    from convscope.face.asking import look as look
    from convscope.face.asking import predict as predict
    from convscope.face.asking import report as report
    from convscope.face.auditing import DataAudit as DataAudit
    from convscope.face.auditing import data as data
    from convscope.face.comparing import ComparedRuns as ComparedRuns
    from convscope.face.comparing import compare as compare
    from convscope.face.diagnosing import Diagnosed as Diagnosed
    from convscope.face.diagnosing import diagnose as diagnose
    from convscope.face.finished import FinishedRun as FinishedRun
    from convscope.face.judging import Judgement as Judgement
    from convscope.face.judging import evaluate as evaluate
    from convscope.face.layers import summary as summary
    from convscope.face.rates import find_lr as find_lr
    from convscope.face.training import resume as resume
    from convscope.face.training import train as train

_PLACES = {
    "Answers": "convscope.classifier.answers",
    "Classifier": "convscope.classifier.classifier",
    "ComparedRuns": "convscope.face.comparing",
    "DataAudit": "convscope.face.auditing",
    "Diagnosed": "convscope.face.diagnosing",
    "FinishedRun": "convscope.face.finished",
    "Judgement": "convscope.face.judging",
    "Prediction": "convscope.classifier.prediction",
    "Proportion": "convscope.evaluation.proportion",
    "compare": "convscope.face.comparing",
    "data": "convscope.face.auditing",
    "diagnose": "convscope.face.diagnosing",
    "evaluate": "convscope.face.judging",
    "find_lr": "convscope.face.rates",
    "load": "convscope.face.asking",
    "look": "convscope.face.asking",
    "predict": "convscope.face.asking",
    "report": "convscope.face.asking",
    "resume": "convscope.face.training",
    "summary": "convscope.face.layers",
    "train": "convscope.face.training",
}
__all__ = [
    "Answers",
    "Classifier",
    "ComparedRuns",
    "DataAudit",
    "Diagnosed",
    "FinishedRun",
    "Judgement",
    "Prediction",
    "Proportion",
    "compare",
    "data",
    "diagnose",
    "evaluate",
    "find_lr",
    "load",
    "look",
    "predict",
    "report",
    "resume",
    "summary",
    "train",
]


class _Room(ModuleType):
    """A room with the name of a function: `convscope.data` holds modules, `cs.data("photos/")` answers."""

    @property
    def __wrapped__(self) -> Any:
        """The function; what asks for a signature or for help finds it here."""
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(_PLACES[name]), name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.__wrapped__(*arguments, **named)


for _name in ("data", "report"):
    import_module(f"convscope.{_name}").__class__ = _Room


if not TYPE_CHECKING:  # which would take every name for one that there is

    def __getattr__(name: str) -> Any:
        """Import late: `import convscope` and `convscope --help` need no torch."""
        if name in _PLACES:
            return getattr(import_module(_PLACES[name]), name)
        raise AttributeError(f"module 'convscope' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
