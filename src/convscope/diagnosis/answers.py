"""Rules on what a network answered: whether it answers at all, and whether the figures mean what they say."""

import math

import numpy as np

from convscope.diagnosis.finding import Finding, gravest_first
from convscope.diagnosis.rule import FALSE_ALARMS, AbsentError
from convscope.diagnosis.rules.shift import unlike_training
from convscope.evaluation.calibration import Calibration
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.proportion import Proportion
from convscope.wording import between, percent, rounded, some

_TOLD_APART = 0.06
"""Calibration errors that chance alone makes as large as this hide what there is to see."""
_DRAWS = 2000
_ENOUGH = 8
"""With fewer images one answer to all of them may be luck."""
_NEARLY_ALL = 0.9
_LIKE_ANOTHER = 0.5
"""A class must have no more than this share of the images for answering it nearly always to be a fault."""
_EXPECTED = 5.0
"""So many images of a class must there be for never answering it to be more than luck."""
_MOST_NAMED = 5
_SPREAD = 0.01
"""Answers that spread over less than this share of the truth's spread are one answer."""

_MORE_IMAGES = "More images held out would tell: --folds 5 holds out every one once"
_LEARN_AGAIN = "Train again with a lower --learning-rate; convscope find-lr proposes one"


def answers(judged: Predictions) -> list[Finding]:
    """All findings on the answers to one split, the gravest first; none where there is no image."""
    if not len(judged) or not np.isfinite(judged.logits).all():
        return []
    if judged.is_regression:
        found = [*(one_number(judged) or no_better_number(judged)), *outside_range(judged)]
    else:
        found = one_answer(judged) or [*never_answered(judged), *no_better(judged)]
    return gravest_first([*found, *unlike(judged)])


def unlike(judged: Predictions) -> list[Finding]:
    """Whether more images are unlike those of training than chance makes in one of 300 sets of images."""
    try:
        found = unlike_training(judged).findings
    except AbsentError:
        return []
    return [finding for finding in found if finding.p is not None and finding.p <= FALSE_ALARMS]


def images_of(judged: Predictions, count: int | None = None) -> str:
    """`750 test images`, `1 image held out`."""
    amount = len(judged) if count is None else count
    if judged.folds:
        return f"{some(amount, 'image')} held out"
    return some(amount, f"{'training' if judged.split == 'train' else judged.split} image")


def one_answer(judged: Predictions) -> list[Finding]:
    """Whether it gives one class to all images, or to nearly all, though they are of several."""
    given = np.bincount(judged.predicted, minlength=len(judged.class_names))
    true = np.bincount(judged.labels, minlength=len(judged.class_names))
    most = int(given.argmax())
    count, total = int(given[most]), len(judged)
    if total < 2 or true[most] == total:
        return []
    others = int((true > 0).sum()) - int(true[most] > 0)
    is_all = count == total
    if not is_all and (count < _NEARLY_ALL * total or true[most] > _LIKE_ANOTHER * total or total < _ENOUGH):
        return []
    to_whom = f"all {images_of(judged)}" if is_all else f"{count:,} of {images_of(judged)}"
    return [
        Finding(
            name="one-answer",
            severity="error" if total >= _ENOUGH else "warning",
            sentence=f"always the same class, “{judged.class_names[most]}”, for {to_whom}",
            evidence=f"{true[most]:,} of them are of it, the others of {some(others, 'class', 'classes')}",
            advice=_advice(int(true[most]), total),
        )
    ]


def never_answered(judged: Predictions) -> list[Finding]:
    """Classes that it never gives, though enough images are of them."""
    given = np.bincount(judged.predicted, minlength=len(judged.class_names))
    true = np.bincount(judged.labels, minlength=len(judged.class_names))
    missing = np.flatnonzero((given == 0) & (true >= _EXPECTED)).tolist()
    if not missing:
        return []
    names = ", ".join(f"“{judged.class_names[index]}”" for index in missing[:_MOST_NAMED])
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    them, they = ("it", "it is") if len(missing) == 1 else ("them", "they are")
    which = "the class" if len(missing) == 1 else f"{len(missing)} of {len(judged.class_names)} classes:"
    return [
        Finding(
            name="never-answered",
            severity="warning",
            sentence=f"it never answers {which} {names}{more}",
            evidence=f"{int(true[missing].sum()):,} of {images_of(judged)} are of {them}",
            advice=f"Train longer, or with --balance sampling where {they} rare",
        )
    ]


def no_better(judged: Predictions) -> list[Finding]:
    """Whether always giving the most frequent class would do as well."""
    true = np.bincount(judged.labels, minlength=len(judged.class_names))
    accuracy, common = judged.accuracy, Proportion(int(true.max()), len(judged))
    if common.value == 1 or accuracy.interval[0] > common.value:
        return []
    is_tied = int((true == true.max()).sum()) > 1
    common_class = "the same class" if is_tied else f"“{judged.class_names[int(true.argmax())]}”"
    low, high = accuracy.interval
    is_no_better = accuracy.value <= common.value
    said = "no better" if is_no_better else "not clearly better"
    return [
        Finding(
            name="no-better",
            severity="warning" if is_no_better else "note",
            sentence=f"{said} than always answering {common_class}",
            evidence=f"that gets {percent(common.value)}, and this {percent(accuracy.value)} "
            f"(95 % interval {100 * low:.0f}–{100 * high:.0f})",
            advice="" if is_no_better or judged.folds else _MORE_IMAGES,
        )
    ]


def one_number(judged: Predictions) -> list[Finding]:
    """Whether it gives one number to all images, though the truth differs."""
    truth = float(np.std(judged.labels.astype(np.float64)))
    given = float(np.std(judged.values.astype(np.float64)))
    if len(judged) < 2 or truth == 0 or given >= _SPREAD * truth:
        return []
    return [
        Finding(
            name="one-answer",
            severity="error" if len(judged) >= _ENOUGH else "warning",
            sentence=f"always about the same number, {rounded(float(np.mean(judged.values)))}, "
            f"for all {images_of(judged)}",
            evidence=f"its answers have a standard deviation of {rounded(given)}, the truth {rounded(truth)}",
            advice=_LEARN_AGAIN,
        )
    ]


def no_better_number(judged: Predictions) -> list[Finding]:
    """Whether always answering with the median would do as well."""
    labels = judged.labels.astype(np.float64)
    median = float(np.median(labels))
    spread = float(np.abs(labels - median).mean())
    error = judged.regression.mean_absolute_error
    if spread == 0 or error.interval[1] < spread:
        return []
    is_no_better = error.value >= spread
    said = "no better" if is_no_better else "not clearly better"
    ends = between(*error.interval)
    return [
        Finding(
            name="no-better",
            severity="warning" if is_no_better else "note",
            sentence=f"{said} than always answering {rounded(median)}, the median",
            evidence=f"that is off by {rounded(spread)} on average, and this by {rounded(error.value)} "
            f"(95 % interval {ends})",
        )
    ]


def outside_range(judged: Predictions) -> list[Finding]:
    """Numbers, true or answered, outside the range that the network was taught."""
    if judged.training_range is None:
        return []
    low, high = judged.training_range
    seen = f"{rounded(low)}–{rounded(high)}, the range seen in training"
    found, findings = judged.regression, []
    if found.targets_outside:
        said = f"{found.targets_outside:,} of {len(judged):,} targets lie outside {seen}"
        taught = "nothing taught it such images"
        findings.append(Finding(name="targets-outside", severity="warning", sentence=said, evidence=taught))
    if found.answers_outside:
        said = f"{found.answers_outside:,} of {len(judged):,} answers lie outside {seen}"
        advice = "Take them as a direction, not as a figure"
        findings.append(Finding(name="answers-outside", severity="warning", sentence=said, advice=advice))
    return findings


def confidence(judged: Predictions) -> Finding:
    """Whether "90 % sure" is right nine times in ten, as far as so many images can tell."""
    calibration = judged.calibration
    error, over = calibration.error, calibration.overconfidence
    if not math.isfinite(error):
        return Finding(name="confidence", severity="note", sentence="no image to judge its confidence by")
    by_chance = _most_by_chance(calibration)
    evidence = (
        f"expected calibration error {percent(error)}; on as many images a perfectly calibrated network "
        f"shows up to {percent(by_chance)}"
    )
    if error > by_chance:
        how = "it is surer than it is right" if over > 0 else "it is right more often than it is sure"
        if abs(over) < error / 2:
            how, over = "its confidence is off in both directions", error
        said = f"{how}, by {100 * abs(over):.1f} points on average"
        return Finding(name="confidence", severity="warning", sentence=said, evidence=evidence)
    if by_chance > _TOLD_APART:
        said = f"{images_of(judged)} cannot tell whether its confidence is to be believed"
        return Finding(name="confidence", severity="note", sentence=said, evidence=evidence)
    said = "its confidence can be taken at its word: the error is no larger than chance makes it"
    return Finding(name="confidence", severity="fine", sentence=said, evidence=evidence)


def _most_by_chance(calibration: Calibration) -> float:
    """The error that a perfectly calibrated network stays below 19 times in 20, drawn bin by bin."""
    random = np.random.default_rng(0)
    sure = np.array([each.confidence for each in calibration.bins])
    counts = np.array([each.accuracy.n for each in calibration.bins])
    right = random.binomial(counts, np.clip(sure, 0, 1), size=(_DRAWS, len(counts))) / counts
    errors = (np.abs(right - sure) * counts).sum(axis=1) / counts.sum()
    return float(np.quantile(errors, 0.95))


def _advice(true: int, total: int) -> str:
    if true > _LIKE_ANOTHER * total:
        return f"{_LEARN_AGAIN}, and --balance sampling keeps the frequent class from drowning the others"
    return _LEARN_AGAIN
