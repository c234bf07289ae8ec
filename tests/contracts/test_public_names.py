"""What `import convscope as cs` promises: these names, and how they are called."""

import inspect

import pytest

import convscope

FUNCTIONS = {
    "compare": "*runs, split='test', within=1.0",
    "data": "source, **settings",
    "diagnose": "run, *, untrained=False, memorise=False, learning_curve=False",
    "evaluate": "run, data=None, *, split='test', checkpoint='final', ignore_unknown=False, "
    "allow_broken=False, max_pixels=None, test_time_augmentation=False",
    "find_lr": "data, *, progress=None, **settings",
    "load": "run, checkpoint='final'",
    "look": "run, checkpoint='final'",
    "predict": "run, pictures, *, checkpoint='final', max_pixels=None, sets=None, risk=None, coverage=None",
    "report": "run",
    "resume": "run, *, steps=None, epochs=None, progress=None",
    "summary": "network, *, image=None, classes=None, batch_norm=None",
    "train": "data, *, runs='runs', name=None, progress=None, **settings",
}
CLASSES = {
    "Answers": {"counts": None, "save": "self, path", "to_csv": "self", "to_dict": "self"},
    "Classifier": {
        "load": "path, which='final'",
        "predict": "self, pictures",
        "predict_all": "self, pictures",
        "save": "self, folder, *, overwrite=False",
        "to": "self, device",
    },
    "ComparedRuns": {"only": None, "to_dict": "self", "verdict": None},
    "Diagnosed": {"findings": None, "to_dict": "self"},
    "DataAudit": {"findings": None, "picture": "self", "samples": "self", "training": "self"},
    "FinishedRun": {
        "choices": None,
        "curve": "self, what='loss'",
        "findings": None,
        "metrics": None,
        "summary": None,
        "test": None,
        "validation": None,
    },
    "Judgement": {
        "accuracy": None,
        "confusion": None,
        "findings": None,
        "mean_absolute_error": None,
        "notes": None,
        "per_class": None,
        "to_dict": "self",
    },
    "Prediction": {"likeliest": "self, most=5", "outside": None, "to_dict": "self", "value": None},
    "Proportion": {"interval": None, "to_dict": "self", "value": None},
}
"""Methods with their parameters; None for what is a value."""


def parameters(function: object) -> str:
    """A signature without its types, as one calls it."""
    signature = inspect.signature(function)
    plain = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    return str(inspect.Signature(plain)).strip("()")


def test_the_package_hands_out_these_names_and_no_others() -> None:
    assert set(convscope.__all__) == {*FUNCTIONS, *CLASSES}
    assert set(dir(convscope)) == set(convscope.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_called_as_promised(name: str) -> None:
    function = getattr(convscope, name)
    assert parameters(function) == FUNCTIONS[name]
    assert function.__doc__


@pytest.mark.parametrize(
    ("name", "member"), [(name, member) for name, members in CLASSES.items() for member in members]
)
def test_a_member_is_there_and_is_called_as_promised(name: str, member: str) -> None:
    owner, expected = getattr(convscope, name), CLASSES[name][member]
    if expected is None:
        assert member in owner.__annotations__ or not callable(getattr(owner, member))
        return
    method = getattr(owner, member)
    assert parameters(method) == expected
    assert method.__doc__
