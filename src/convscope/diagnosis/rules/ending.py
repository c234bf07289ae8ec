"""Did training come to its end, with a network to show for it?"""

from dataclasses import dataclass

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import Verdict
from convscope.wording import rounded


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run stands.

    Attributes:
        resume: the command that goes on with it.
        step: the last one that was recorded.
        learning_rate: its own.
        is_kept: whether a network was kept.
        is_finished: whether all was done that was asked for.
    """

    resume: str
    step: int
    learning_rate: float
    is_kept: bool
    is_finished: bool


def ended(ending: Ending) -> Verdict:
    """Whether the run is finished, and whether there is anything to judge."""
    if ending.is_finished:
        return Verdict(fine=f"finished, with {ending.step:,} steps recorded")
    if ending.is_kept:
        finding = Finding(
            name="unfinished",
            severity="note",
            sentence=f"training is not finished: what is judged is how it was at its last checkpoint, "
            f"after step {ending.step:,} or before",
            advice=f"Go on with: {ending.resume}",
            p=0.0,
        )
    else:
        finding = Finding(
            name="nothing-kept",
            severity="error",
            sentence="training ended before it kept a network",
            evidence=f"its last record is of step {ending.step:,}, at a learning rate of "
            f"{rounded(ending.learning_rate, 2)}",
            advice=f"Where it was stopped, go on with: {ending.resume}; where it diverged, train again "
            "with a --learning-rate a tenth of that",
            p=0.0,
        )
    return Verdict(findings=(finding,), fine="")
