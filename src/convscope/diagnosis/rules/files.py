"""Can the label be told from the file alone? Then the network may have learned that instead of the picture.

Torralba and Efros, "Unbiased look at dataset bias" (2011): what a set's images have in common by how they
came about is learned before what they show.
"""

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.rules.limits import larger_by_chance
from convscope.diagnosis.telling import HalfTest
from convscope.evaluation.proportion import Proportion
from convscope.wording import percent, some

_PART = 0.5
"""Of the way from chance to all: a picture's content shows in its file's size, a little."""
_FEWEST = 40


def told_by_file(told: tuple[HalfTest, str], plain: HalfTest) -> Verdict:
    """Whether size, width, height and compression of a file give its label away.

    A picture's content shows in its file's size, too: a one takes less ink than a zero. So a file must tell
    more than a plain classifier finds in the pixels.

    Args:
        told: what came of telling the labels from these alone, and which of them tells most.
        plain: the same from small copies of the pixels.
    """
    test, by = told
    if test.total < _FEWEST:
        raise AbsentError(f"{some(test.total, 'file')} are too few to tell")
    evidence = (
        f"size, sides and compression of a file give its class away for {percent(test.share)} of "
        f"{some(test.total, 'file')}, small copies of the pixels for {percent(plain.share)}, and the most "
        f"frequent class {percent(test.by_chance)}"
    )
    more = larger_by_chance(Proportion(test.right, test.total), Proportion(plain.right, plain.total))
    p = max(test.p(_PART), more)
    if p >= 0.5:
        return Verdict(fine=evidence)
    finding = Finding(
        name="told-by-file",
        severity="warning",
        sentence=f"the label can be told from the file without looking at the picture, most by its {by}",
        evidence=evidence,
        advice="Save all images in one size and quality, and judge it on images of another origin",
        p=p,
    )
    return Verdict(findings=(finding,), fine="")
