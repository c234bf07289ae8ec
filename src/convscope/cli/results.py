"""What a finished training or evaluation says on the screen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from convscope.cli.screen import print_line, print_table, print_whole
from convscope.diagnosis.finding import Finding
from convscope.evaluation.confusion import Confusion
from convscope.evaluation.corrected import BothWays, said_both_ways
from convscope.evaluation.metrics import CLASS_COLUMNS, Evaluation
from convscope.evaluation.predictions import ImageEvaluation
from convscope.evaluation.proportion import Proportion, mean_over_folds
from convscope.runs.checkpoint_names import kept_in_words
from convscope.wording import between, command, duration, here, listed, percent, rounded, some, times

WIDE_INTERVAL = 0.05
WORST_SHOWN = 9
FEWEST_FOR_FIVE = 10
"""Images of a test split, from which on there are enough of them all for five folds."""
PLAINLY_LAST = "the last step"


def print_summary(
    console: Console, summary: dict[str, Any], findings: Sequence[Finding] = (), rules: int = 0
) -> None:
    """The end of a training: how good, how sure, what was kept, and what to make of it.

    Of the findings the first is shown, and those that its figures must be read with; `rules` were asked.
    """
    if summary["untrained"] and summary["untrained"]["accuracy"] is not None:
        untrained = summary["untrained"]
        print_line(
            console,
            "untrained",
            percent(untrained["accuracy"], 1),
            _loss_beside_chance(untrained),
        )
    for split in ("validation", "test"):
        if split in summary:
            held_out = split == "test" and "folds" in summary
            print_line(console, "held out" if held_out else split, *_figures(summary[split], held_out))
            if split in summary.get("by_series", {}):
                print_line(console, "", summary["by_series"][split]["sentence"])
    _print_as_labelled(console, summary.get("corrections", {}).get("figures"))
    for note in summary.get("notes", ()):
        print_line(console, "note", note)
    if "fits" in summary:
        print_line(
            console,
            "fits",
            " · ".join(_fit_words(fit) for fit in summary["fits"]),
            _fits_concluded(summary["fits"]),
        )
    if "folds" in summary:
        print_line(console, "folds", *_fold_figures(summary["folds"]))
    _print_temperature(console, summary.get("temperature"))
    confused = summary.get("test", {}).get("most_confused") or []
    if confused:
        pairs = [
            f"{pair['true']} taken for {pair['predicted']} ({times(pair['count'])})" for pair in confused[:3]
        ]
        print_line(console, "confused", " · ".join(pairs))
    _print_top(console, findings, rules)
    seconds = summary["seconds"]
    _print_kept(console, summary)
    total = f"in all {duration(seconds['total'])}"
    print_line(console, "time", f"training {duration(seconds['train'])}", total)


def print_after_training(console: Console, run: Path, report: Path | None) -> None:
    """Where the report is, if there is one, and what to type next."""
    if report is not None:
        print_whole(console, "report", here(report))
    print_whole(
        console,
        "next",
        command("convscope", "evaluate", run),
        command("convscope", "diagnose", run),
        command("convscope", "look", run),
        command("convscope", "predict", run, "new.jpg"),
    )


def _print_temperature(console: Console, fitted: dict[str, Any] | None) -> None:
    """What the class scores are divided by, and what that changes, where it is kept."""
    if fitted is None or fitted["value"] == 1:
        return
    loss, error = fitted["loss"], fitted["calibration_error"]
    changes = (
        f"log loss {rounded(loss['before'])} → {rounded(loss['after'])}",
        f"calibration error {percent(error['before'], 1)} → {percent(error['after'], 1)}",
    )
    where = f"on {some(fitted['n'], 'image')} held out, each by what the others ask for; no answer changes"
    print_line(console, "temperature", f"{rounded(fitted['value'], 2)}: {', '.join(changes)}", where)


def _print_kept(console: Console, summary: dict[str, Any]) -> None:
    """Which checkpoint the classifier is, and why, where that is not simply the last; that it ended early."""
    kept, ended = summary.get("kept"), ""
    if summary.get("stopped_early"):
        ended = (
            f"early stopping ended it after {some(summary['steps'], 'step')}; more --epochs change nothing"
        )
    if kept and (ended or kept["why"] != PLAINLY_LAST):
        name = kept_in_words(kept["checkpoint"], summary["steps"])
        print_line(console, "kept", f"{name}: {kept['why']}", ended)


def _print_as_labelled(console: Console, figures: dict[str, Any] | None) -> None:
    """Beside a figure by corrected labels, the one by the labels of the source."""
    if figures is not None:
        print_line(console, "as labelled", *said_both_ways(figures))


def _print_top(console: Console, findings: Sequence[Finding], rules: int) -> None:
    first = [each for number, each in enumerate(findings) if number == 0 or each.is_alarming]
    print_findings(console, first)
    if findings:
        left = len(findings) - len(first)
        if left:
            print_line(console, "", f"{some(left, 'note')} more: convscope diagnose")
    elif rules:
        print_line(
            console, "finding", "nothing found", f"{some(rules, 'rule')} looked; diagnose asks them all"
        )


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Conclusions, each with its evidence and what to do."""
    for finding in findings:
        print_line(console, "finding", finding.said, finding.advice)


def _loss_beside_chance(untrained: dict[str, Any]) -> str:
    chance = rounded(untrained["chance_loss"])
    return f"loss {rounded(untrained['loss'])}; a network that knows nothing has {chance}"


def print_evaluation(
    console: Console,
    label: str,
    evaluation: ImageEvaluation,
    thumbs: int = WORST_SHOWN,
    both: BothWays | None = None,
) -> None:
    """All of an evaluation, as text; by the labels of the source, too, where some were corrected."""
    if not isinstance(evaluation, Evaluation):
        console.print(str(evaluation))
        _print_as_labelled(console, None if both is None else both.to_dict())
        return
    print_line(console, label, str(evaluation.accuracy))
    _print_as_labelled(console, None if both is None else both.to_dict())
    low, high = evaluation.loss_interval
    interval = f", 95 % interval {low:.3g}–{high:.3g}" if low == low else ""
    print_line(console, "loss", f"{evaluation.loss:.4g}{interval}")
    console.print()
    cells = [scores.cells() for scores in evaluation.per_class]
    print_table(console, CLASS_COLUMNS, cells, left_out_first=("F1 %",))
    console.print()
    _print_weakest(console, evaluation)
    _print_confusion(console, evaluation.confusion)
    if evaluation.most_confused:
        console.print()
        for pair in evaluation.most_confused:
            print_line(console, "confused", f"{pair.true} taken for {pair.predicted} ({times(pair.count)})")
    if evaluation.worst:
        console.print()
        rows = [
            (
                error.id,
                error.true,
                error.predicted,
                percent(error.probability, 1),
                f"{error.loss:.3g}",
            )
            for error in evaluation.worst[:thumbs]
        ]
        print_table(console, ("worst errors", "true", "predicted", "probability", "loss"), rows)


def _print_weakest(console: Console, evaluation: Evaluation) -> None:
    """The class that is recognised least, or several; by chance some are, too (binomial test, Bonferroni)."""
    from scipy.special import bdtr

    known = [scores for scores in evaluation.per_class if scores.support]
    weakest = min(known, key=lambda scores: scores.recall, default=None)
    if weakest is None or len(known) < 2 or weakest.recall == 1:
        return
    chance = len(known) * float(bdtr(weakest.right, weakest.support, evaluation.accuracy.value))
    alike = [scores.name for scores in known if scores.recall == weakest.recall]
    amount = f"{weakest.right:,} of {weakest.support:,}" if len(alike) == 1 else percent(weakest.recall)
    print_line(
        console,
        "weakest",
        f"{listed(alike)}: {amount} recognised",
        "within chance of the others" if chance > 0.05 else "fewer than chance makes of the others' share",
    )
    console.print()


def _print_confusion(console: Console, confusion: Confusion) -> None:
    console.print(Text(str(confusion)))


def _figures(values: dict[str, Any], held_out: bool) -> tuple[str, ...]:
    """An accuracy with its interval, or a mean absolute error; where folds held images out, that it is so."""
    if "accuracy" not in values:
        error = values["mean_absolute_error"]
        return (
            f"mean absolute error {rounded(error['value'])}",
            f"95 % interval {_ends(error)}, n = {error['n']:,}",
        )
    accuracy = Proportion(values["accuracy"]["correct"], values["accuracy"]["n"])
    low, high = accuracy.interval
    if high - low <= WIDE_INTERVAL:
        return (str(accuracy),)
    folds = 5 if accuracy.n >= FEWEST_FOR_FIVE else 2  # a class has to have an image for each
    advice = "each held out once" if held_out else f"For a better figure: --folds {folds}"
    return str(accuracy), f"wide: {accuracy.n:,} images{', ' if held_out else '. '}{advice}"


def _ends(figure: dict[str, Any]) -> str:
    """`1.2–3.4`; that there is none, where JSON holds None."""
    low, high = figure["interval"]
    return "none from one image, or from errors all alike" if low is None else between(low, high)


def _fit_words(fit: dict[str, Any]) -> str:
    """`crop 90.0 % (79.5–96.2), cuts 33 % away`; of the run's own, that it is."""
    if "accuracy" in fit:
        low, high = fit["accuracy"]["interval"]
        figure = f"{percent(fit['accuracy']['value'], 1)} ({100 * low:.1f}–{100 * high:.1f})"
    else:
        figure = f"{rounded(fit['mean_absolute_error']['value'])} ({_ends(fit['mean_absolute_error'])})"
    cut = f", cuts {percent(fit['discarded'], 0)} away" if fit["discarded"] > 0.005 else ""
    return f"{fit['fit']} {'as trained ' if fit['is_own'] else ''}{figure}{cut}"


def _fits_concluded(fits: Sequence[dict[str, Any]]) -> str:
    """Whether another way of fitting images into the square would be worth a training of its own."""
    own = next((fit for fit in fits if fit["is_own"]), None)
    if own is None or "accuracy" not in own:
        return "on validation, with 95 % intervals"
    measured = f"on {own['accuracy']['n']:,} validation images, with 95 % intervals: "
    best = max(fits, key=lambda fit: float(fit["accuracy"]["value"]))
    if best["accuracy"]["value"] <= own["accuracy"]["value"]:
        return f"{measured}none is better than {own['fit']}"
    if best["accuracy"]["interval"][0] <= own["accuracy"]["interval"][1]:
        return (
            f"{measured}what {best['fit']} gains is within chance; a training with --fit {best['fit']}, and "
            "convscope compare, would tell"
        )
    return f"{measured}{best['fit']} is better; try a training with --fit {best['fit']}"


def _fold_figures(folds: dict[str, Any]) -> tuple[str, str]:
    """The mean over folds, and how it came about."""
    repeats = "" if folds["repeats"] == 1 else f", {times(folds['repeats'])}"
    how = f"{folds['folds']}-fold cross-validation{repeats}; the classifier kept is fitted on all images"
    return str(mean_over_folds(folds)), how
