"""`convscope evaluate`: how good a trained classifier is, on its own test split or on other data."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from convscope.cli.output import log_console, print_json, result_console
from convscope.cli.watching import Watcher
from convscope.wording import here


def evaluate(
    run: Path,
    data: str | None = None,
    /,
    *,
    split: str = "test",
    checkpoint: str = "final",
    ignore_unknown: bool = False,
    allow_broken: bool = False,
    max_pixels: int | None = None,
    test_time_augmentation: Annotated[bool, Parameter(negative="")] = False,
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
    allow_broken
        Go on even when more than 5 % of the files cannot be read.
    max_pixels
        Files whose header announces more pixels are left out; as in training unless given.
    test_time_augmentation
        Also report, apart, answers averaged over each image and its mirror image.
    json
        Print one JSON document on stdout.
    """
    with Watcher(log_console()):
        from convscope.classifier.held_out.alarms import too_few
        from convscope.cli.results import print_evaluation, print_findings
        from convscope.cli.screen import print_line, print_whole
        from convscope.evaluation.metrics import Evaluation
        from convscope.face.judging import evaluate as judge

        judged = judge(
            run,
            data,
            split=split,
            checkpoint=checkpoint,
            ignore_unknown=ignore_unknown,
            allow_broken=allow_broken,
            max_pixels=max_pixels,
            test_time_augmentation=test_time_augmentation,
        )
    if json:
        found = {"findings": [finding.to_dict() for finding in judged.findings]}
        print_json(judged.measured.to_dict() | found)
        return 0
    console = result_console()
    for note in judged.notes:
        print_line(console, "note", note)
    print_evaluation(console, judged.name, judged.figures, both=judged.measured.both)
    unknown = judged.predictions.unknown
    if unknown is not None or judged.predictions.likened_to:
        console.print()
        print_line(console, "unknown", str(unknown or too_few(judged.predictions.likened_to)))
    if judged.findings:
        console.print()
        print_findings(console, judged.findings)
    mirrored = judged.mirrored
    if mirrored is not None:
        figure = mirrored.accuracy if isinstance(mirrored, Evaluation) else mirrored.mean_absolute_error
        console.print()
        print_line(console, "mirrored", str(figure), "each image and its mirror image averaged")
    report = run / "report.html"
    if data is None and (split, checkpoint) == ("test", "final") and report.is_file():
        console.print()
        print_whole(console, "report", f"{here(report)} shows its errors")
    return 0
