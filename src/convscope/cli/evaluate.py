"""`convscope evaluate`: how good a trained classifier is, on its own test split or on other data."""

from pathlib import Path

from convscope.cli.output import print_json, result_console


def evaluate(
    run: Path,
    data: str | None = None,
    /,
    *,
    split: str = "test",
    checkpoint: str = "final",
    ignore_unknown: bool = False,
    json: bool = False,
) -> int:
    """Accuracy with its interval, per class, confusion matrix, most confused pairs and worst errors.

    Parameters
    ----------
    run
        A run, or a folder that a classifier was saved to.
    data
        Other images to evaluate on; the run's own split unless given. Classes are matched by name.
    split
        Of the run's own data: test, validation or train.
    checkpoint
        final, last, best, untrained, or a step.
    ignore_unknown
        Leave out images of classes that the classifier does not know.
    json
        Print one JSON document on stdout.
    """
    from convscope.cli.results import print_evaluation, print_line
    from convscope.evaluation.evaluating import evaluate_path

    result = evaluate_path(run, data, split=split, checkpoint=checkpoint, ignore_unknown=ignore_unknown)
    if json:
        print_json(result.to_dict())
        return 0
    console = result_console()
    for note in result.notes:
        print_line(console, "note", note)
    print_evaluation(console, result.split, result.evaluation)
    return 0
