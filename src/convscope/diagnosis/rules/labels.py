"""Are the labels right: do they say anything of the images, and how many are probably wrong?"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, softmax

from convscope.diagnosis.finding import MOST_IMAGES, Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.telling import HalfTest
from convscope.evaluation.predictions import Predictions
from convscope.wording import percent, shown, some, some_do

_SOUND = 0.1
"""Part of the way from the most frequent class to all right that images with meaning allow at the least."""
_ENOUGH_CLASSES = 6
_OF_ALL, _OF_WRONG = 0.01, 0.1
_SUREST, _RARER = 0.2, 0.3
_FLOOR = 0.02
"""More wrong answers than this among the surest fifth are no slips."""
_FLAT = 0.4
"""From this part of the share of wrong answers elsewhere on, being sure does not help."""
_FEWEST = 100
_DRAWS = 500
_NAMED = 3
_RANKS_ALL = "--folds 5 holds every image out once, and so ranks all"


def random_labels(held_out: Predictions, plain: HalfTest) -> Verdict:
    """Whether the labels say nothing of the images: neither network nor plain classifier finds anything.

    Zhang et al. ("Understanding deep learning requires rethinking generalization", 2017): networks learn
    random labels by heart, and are at chance on other images.

    Args:
        held_out: the network's answers to images that it never met.
        plain: those of a linear classifier on small grey copies, fitted on one half of the training images.
    """
    common = float(np.bincount(held_out.labels).max() / len(held_out))
    sound = max(common, plain.by_chance) + _SOUND * (1 - max(common, plain.by_chance))
    p = max(
        float(bdtr(held_out.accuracy.correct, len(held_out), sound)),
        float(bdtr(plain.right, plain.total, sound)),
    )
    evidence = (
        f"the network is right for {percent(held_out.accuracy.value)} of {some(len(held_out), 'image')} held "
        f"out, a linear classifier for {percent(plain.share)} of {plain.total:,}, the most frequent class "
        f"for {percent(common)}"
    )
    finding = Finding(
        name="labels-random",
        severity="error",
        sentence="the labels say nothing of the images",
        evidence=evidence,
        advice="Look at some images with their labels: were names and images joined in the wrong order?",
        p=p,
    )
    return Verdict(findings=(finding,) if p < 0.5 else (), fine="the labels can be told from the images")


def wrong_labels(held_out: Predictions) -> Verdict:
    """Whether labels are wrong, how many, and which.

    A hard image is taken for what it looks like: its label is then among the more probable answers. A label
    that is wrong is as likely as not among the less probable half, and the network is sure of another class.
    Such images are counted, and held against both a hundredth of all and a tenth of those answered wrongly:
    both chosen on simulated answers. How often sound runs raise it: benchmarks/diagnosis/healthy.py. Fewer
    than six classes have no such half; there, wrong answers are counted among the fifth that it is surest of.

    The count and the ranking: Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in
    dataset labels" (2021), from probabilities of images that the network was not fitted on.
    """
    total = len(held_out)
    if total < _FEWEST:
        raise AbsentError(
            f"{some(total, 'image')} held out are too few to tell a wrong label from a hard image"
            f"{'' if held_out.folds else f'; {_RANKS_ALL}'}"
        )
    if held_out.accuracy.value < 0.5:
        raise AbsentError("a network that is wrong for half of the images cannot judge their labels")
    probabilities = softmax(held_out.logits.astype(np.float64), axis=1)
    count, p = (_unlikely if probabilities.shape[1] >= _ENOUGH_CLASSES else _sure)(probabilities, held_out)
    p = p if _errs_when_sure(probabilities, held_out) else 1.0
    suspects, low, high = estimated_count(probabilities, held_out.labels)
    fine = f"{some_do(count, 'label', 'stands')} far from what it is sure of, of {total:,} held out"
    if p >= 0.5:
        return Verdict(fine=fine)
    ranked = likeliest_wrong(probabilities, held_out.labels)[: min(suspects, MOST_IMAGES)]
    finding = Finding(
        name="labels-wrong",
        severity="warning",
        sentence=f"about {suspects:,} of {total:,} labels held out are wrong ({low:,}–{high:,})",
        evidence=f"{fine}; first {_named(held_out, ranked)}",
        advice=f"Look at those that it is surest of; {_RANKS_ALL}",
        p=p,
        images=tuple(held_out.ids[row] for row in ranked),
    )
    return Verdict(findings=(finding,), fine=fine)


def doubtful_labels(held_out: Predictions) -> list[Finding]:
    """Labels that are worth a look, where as many may be hard images: a note, and no test."""
    probabilities = softmax(held_out.logits.astype(np.float64), axis=1)
    suspicious = confidently_other(probabilities, held_out.labels)
    ranked = likeliest_wrong(probabilities, held_out.labels)
    ranked = ranked[suspicious[ranked]][:MOST_IMAGES]
    if not len(ranked) or held_out.accuracy.value < 0.5:
        return []
    count = int(suspicious.sum())
    first = _named(held_out, ranked)
    return [
        Finding(
            name="labels-doubtful",
            severity="note",
            sentence=f"{some(count, 'label')} of {len(held_out):,} held out may be worth a look",
            evidence=f"it is sure of another class, as of hard images too; first {first}",
            advice="" if held_out.folds else _RANKS_ALL,
            images=tuple(held_out.ids[row] for row in ranked),
        )
    ]


def _named(held_out: Predictions, ranked: NDArray[np.int64]) -> str:
    return ", ".join(
        f"{shown(held_out.ids[row])} ({held_out.class_names[held_out.labels[row]]}, rather "
        f"{held_out.class_names[held_out.predicted[row]]})"
        for row in ranked[:_NAMED].tolist()
    )


def _errs_when_sure(probabilities: NDArray[np.float64], held_out: Predictions) -> bool:
    """Whether wrong answers among the fifth that it is surest of are no rarer than three tenths of elsewhere.

    A network that learned from few images errs, and is sure, where an image is unlike those; but of what it
    is surest of it is right.
    """
    wrong = held_out.predicted != held_out.labels
    surest = np.argsort(-probabilities.max(axis=1), kind="stable")[: int(_SUREST * len(wrong))]
    return bool(wrong[surest].mean() >= _RARER * np.delete(wrong, surest).mean())


def _unlikely(probabilities: NDArray[np.float64], held_out: Predictions) -> tuple[int, float]:
    """How many labels are far from what the network is sure of, and how often so many are by chance."""
    labels = held_out.labels
    own = probabilities[np.arange(len(labels)), labels][:, None]
    in_lower_half = (probabilities > own).sum(axis=1) >= probabilities.shape[1] / 2
    count = int((confidently_other(probabilities, labels) & in_lower_half).sum())
    wrong = int((held_out.predicted != labels).sum())
    return count, max(_at_least(count, len(labels), _OF_ALL), _at_least(count, wrong, _OF_WRONG))


def _sure(probabilities: NDArray[np.float64], held_out: Predictions) -> tuple[int, float]:
    """The same, of wrong answers among the fifth of the images that the network is surest of."""
    wrong = held_out.predicted != held_out.labels
    surest = np.argsort(-probabilities.max(axis=1), kind="stable")[: int(_SUREST * len(wrong))]
    count, elsewhere = int(wrong[surest].sum()), float(np.delete(wrong, surest).mean())
    return count, max(_at_least(count, len(surest), _FLOOR), _at_least(count, len(surest), _FLAT * elsewhere))


def estimated_count(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[int, int, int]:
    """How many labels (N,) are wrong, by confident learning, with an interval.

    Images of which no class is above its threshold are not counted. The lower end takes all of them to be
    right; the upper end as many of them to be wrong as of the counted ones with their label, as the source
    does when it scales its counts to all images. Both ends are moved outwards to those of a 95 % bootstrap.

    Args:
        probabilities: (N, K), of images that the network was not fitted on.
        labels: as given.
    """
    suspicious = confidently_other(probabilities, labels)
    counted = (probabilities >= _thresholds(probabilities, labels)).any(axis=1)
    of_label = np.bincount(labels, minlength=probabilities.shape[1])
    among = np.bincount(labels[counted], minlength=len(of_label))
    scaled = float(
        (np.bincount(labels[suspicious], minlength=len(of_label)) * of_label / among.clip(1)).sum()
    )
    random = np.random.default_rng(0)
    low = np.quantile(random.binomial(len(labels), suspicious.mean(), _DRAWS), 0.025)
    high = np.quantile(random.binomial(len(labels), min(1.0, scaled / len(labels)), _DRAWS), 0.975)
    return int(suspicious.sum()), int(low), int(high)


def likeliest_wrong(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of all images (N,), those first whose label the network gives the least probability."""
    return np.argsort(probabilities[np.arange(len(labels)), labels], kind="stable")


def confidently_other(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N,): whether an image is counted as of another class than its label's: off the joint's diagonal.

    A class's threshold is the mean probability of that class among the images with its label; of several
    classes above theirs the most probable one counts.
    """
    above = np.where(probabilities >= _thresholds(probabilities, labels), probabilities, -1.0)
    best = above.argmax(axis=1)
    return np.asarray((above.max(axis=1) > 0) & (best != labels))


def _thresholds(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(K,), of a class that no image is labelled as: out of reach."""
    of_class = (labels == each for each in range(probabilities.shape[1]))
    means = [probabilities[mine, each].mean() if mine.any() else 2.0 for each, mine in enumerate(of_class)]
    return np.array(means)


def _at_least(count: int, among: int, share: float) -> float:
    """How often `count` or more of `among` come of a share that is no larger."""
    return 1.0 if count == 0 else float(bdtrc(count - 1, among, share))
