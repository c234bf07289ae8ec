"""Can the label be told from the file alone? Then the network may have learned that instead of the picture.

Torralba and Efros, "Unbiased look at dataset bias" (2011): what a set's images have in common by how they
came about is learned before what they show.
"""

from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.telling import HalfTest
from convscope.wording import percent, some

_PART = 0.5
"""Of the way from chance to all: a picture's content shows in its file's size, a little."""
_FEWEST = 40


def told_by_file(told: tuple[HalfTest, str]) -> Verdict:
    """Whether size, width, height and compression of a file give its label away.

    Args:
        told: what came of telling the labels from these alone, and which of them tells most.
    """
    test, by = told
    if test.total < _FEWEST:
        raise AbsentError(f"{some(test.total, 'file')} are too few to tell")
    evidence = (
        f"size, sides and compression of a file give its class away for {percent(test.share)} of "
        f"{some(test.total, 'file')}, and the most frequent class {percent(test.by_chance)}"
    )
    if test.p(_PART) >= 0.5:
        return Verdict(fine=evidence)
    finding = Finding(
        name="told-by-file",
        severity="warning",
        sentence=f"the label can be told from the file without looking at the picture, most by its {by}",
        evidence=evidence,
        advice="Save all images in one size and quality, and judge it on images of another origin",
        p=test.p(_PART),
    )
    return Verdict(findings=(finding,), fine="")
