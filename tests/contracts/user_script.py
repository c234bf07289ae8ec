"""A script as users write them: mypy checks it strictly (scripts/check), and a test runs it."""

import convscope as cs

audit = cs.data("photos/")
grave: list[str] = [finding.said for finding in audit.findings if finding.severity == "error"]

rate: float = cs.find_lr("photos/", network="two-conv", size=16, threads=1).proposed
run: cs.FinishedRun = cs.train(
    "photos/", network="two-conv", size=16, threads=1, epochs=1, learning_rate=rate
)

accuracy: cs.Proportion = run.test.accuracy
low, high = accuracy.interval
weakest: list[tuple[str, float]] = [(scores.name, scores.recall) for scores in run.test.per_class]

classifier: cs.Classifier = cs.load(run)
answers: cs.Answers = cs.predict(classifier, ["new.png", "folder/"])
found: dict[str, str] = {answer.path: answer.class_name for answer in answers}

parameters: int = cs.summary("two-conv", image=(1, 28, 28)).total.parameters
written: str = cs.report(run).name


def misspelt() -> None:
    """A name that there is not is an error to the checker, and no Any."""
    cs.nothing()  # type: ignore[attr-defined]
