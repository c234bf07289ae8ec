"""What the curves say of rate and length, as the Deep Learning Tuning Playbook reads them.

Godbole, Dahl, Gilmer, Shallue and Nado, "Deep learning tuning playbook" (2023): is it still improving at the
end, did it overfit, and since when?
"""

import math
from collections.abc import Sequence
from typing import Any

from scipy.special import ndtr

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.wording import percent, rounded

_FEWEST = 3
_HIGHER = 1.1
_GAIN = 0.02


def curves(records: Sequence[dict[str, Any]], validation_images: int) -> Verdict:
    """Whether validation was still improving at the end, or has grown worse since an epoch.

    Args:
        records: what training recorded, a line each.
        validation_images: how many there are.
    """
    seen = [each for each in records if each["split"] == "validation" and each["step"] > 0]
    if len(seen) < _FEWEST or not all(math.isfinite(each["loss"]) for each in seen):
        raise AbsentError(f"fewer than {_FEWEST} validations were recorded")
    losses = [each["loss"] for each in seen]
    lowest = losses.index(min(losses))
    since = len(losses) - 1 - lowest
    findings = []
    if since and losses[-1] > _HIGHER * losses[lowest]:
        # Were the level the same ever since, each order of the values would be as likely: that the first is
        # the least and the last among the greatest has this chance, at each place where the least may stand.
        greatest = sum(each >= losses[-1] for each in losses[lowest + 1 :])
        p = min(1.0, len(losses) * greatest / (since * (since + 1)))
        if all(after > before for before, after in zip(losses[lowest:], losses[lowest + 1 :], strict=False)):
            p = min(p, len(losses) / math.factorial(since + 1))
        findings.append(
            Finding(
                name="overfits",
                severity="note",
                sentence=f"it overfits since epoch {rounded(seen[lowest]['epoch'])}",
                evidence=f"validation loss {rounded(losses[lowest])} there, {rounded(losses[-1])} at the end",
                advice="Stop there with --early-stopping 3, or train with stronger --augmentation",
                p=p,
            )
        )
    middle = seen[(2 * len(seen)) // 3 - 1]
    if middle.get("accuracy") is not None and lowest == len(losses) - 1:
        gain = seen[-1]["accuracy"] - middle["accuracy"]
        spread = math.sqrt(0.25 / validation_images * 2)  # of two shares, at the most
        if gain > _GAIN:
            findings.append(
                Finding(
                    name="still-improving",
                    severity="note",
                    sentence="it was still improving at the end",
                    evidence=f"validation accuracy {percent(middle['accuracy'], 1)} at epoch "
                    f"{rounded(middle['epoch'])}, {percent(seen[-1]['accuracy'], 1)} at the end",
                    advice="Train longer: twice the --epochs",
                    p=float(ndtr(-gain / spread)),
                )
            )
    return Verdict(
        findings=tuple(findings),
        fine=f"validation loss lowest at epoch {rounded(seen[lowest]['epoch'])} "
        f"of {rounded(seen[-1]['epoch'])}",
    )
