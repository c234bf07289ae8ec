"""What a classifier says of several images, as a list that shows itself."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from convscope.classifier.held_out.answering import Keeping
from convscope.classifier.held_out.record import HeldOut
from convscope.classifier.prediction import NO_ANSWER, UNKNOWN, Prediction, chance
from convscope.classifier.thumbnails import thumbnail
from convscope.data.quarantine import Quarantined
from convscope.notebook import Html, bar, box, columns, line, table, title
from convscope.wording import some

SHOWN = 20
"""Images that are shown one by one; of the others there is the number."""


class Answers(list[Prediction]):
    """Predictions in the order in which the images were asked for.

    Attributes:
        left_out: what could not be read, each with its path and the reason.
        rests_on: the images held out that tell what is unknown; None where there are none.
        keeping: how the answers keep to a share of right ones that was asked for; None where none was.

    >>> import convscope as cs
    >>> answers = cs.predict("runs/photos", ["new.png", "folder/", "notes.txt"])
    >>> answers.counts
    {'bee': 2}
    >>> [entry.path for entry in answers.left_out]
    ['notes.txt']
    >>> answers.save("answers.csv").read_text().splitlines()[0]
    'path,answer,sure,class,probability,ant,bee'
    """

    def __init__(
        self,
        predictions: Iterable[Prediction],
        left_out: Iterable[Quarantined] = (),
        rests_on: HeldOut | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        super().__init__(predictions)
        self.left_out, self.rests_on, self.keeping = tuple(left_out), rests_on, keeping

    @property
    def counts(self) -> dict[str, int]:
        """How many images there are of each class, by these answers; empty for numbers."""
        given = Counter(each.class_name for each in self if each.value is None and each.is_answered)
        return dict(given.most_common())

    @property
    def not_answered(self) -> dict[str, int]:
        """How many images are unknown, and how many have no answer because none is sure enough."""
        unknown = sum(each.unknown for each in self)
        none = sum(each.abstains and not each.unknown for each in self)
        return {word: count for word, count in ((UNKNOWN, unknown), (NO_ANSWER, none)) if count}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "predictions": [each.to_dict() for each in self],
            "held_out": None if self.rests_on is None else self.rests_on.to_dict(),
            "promise": None if self.keeping is None else self.keeping.to_dict(),
            "quarantined": [{"path": each.path, "reason": each.reason} for each in self.left_out],
        }

    def document(self, run: str) -> dict[str, Any]:
        """What `convscope predict --json` prints of them, and the prediction API answers."""
        return {"run": run} | self.to_dict()

    def to_csv(self) -> str:
        """A line for each image: path, answer, sure, likeliest class, its probability, that of every class.

        The answer is the class or the number, `unknown`, or nothing where it abstains; sure is yes or no.
        Numbers have a value in place of classes.
        """
        file = io.StringIO(newline="")
        writer = csv.writer(file)
        if self and self[0].value is not None:
            writer.writerow(("path", "answer", "sure", "value"))
            writer.writerows((each.path, each.answer, _yes_or_no(each), each.value) for each in self)
            return file.getvalue()
        names = list(self[0].probabilities) if self else []
        writer.writerow(("path", "answer", "sure", "class", "probability", *names))
        writer.writerows(
            (
                each.path,
                each.answer,
                _yes_or_no(each),
                each.class_name,
                each.probability,
                *each.probabilities.values(),
            )
            for each in self
        )
        return file.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write `to_csv()` to a file."""
        target = Path(path)
        target.write_text(self.to_csv(), encoding="utf-8", newline="")
        return target

    def __str__(self) -> str:
        head = ("image", "value") if self._are_numbers else ("image", "class", "probability")
        rows = [self._cells(each) for each in self[:SHOWN]]
        return "\n".join(
            [columns((*head, ""), rows, first_numbers=len(head) - 1) if rows else self._summary, *self._rest]
        )

    def _repr_html_(self) -> str:
        shown = self[:SHOWN]
        pictures = [thumbnail(each.path) for each in shown]
        rows = [
            (picture, *self._cells(each, bar(each.probability)))
            for picture, each in zip(pictures, shown, strict=True)
        ]
        head = (
            ("", "image", "value", "") if self._are_numbers else ("", "image", "class", "", "probability", "")
        )
        places = table(head, rows, first_numbers=2 if self._are_numbers else 4) if rows else ""
        return box(title(self._summary), places, *map(line, self._rest))

    @property
    def _are_numbers(self) -> bool:
        return bool(self) and self[0].value is not None

    def _cells(self, each: Prediction, *bars: Html) -> tuple[str, ...]:
        remarks = ", ".join(each.remarks)
        if each.value is not None:
            return (each.path, each.class_name, remarks)
        name = each.class_name if each.is_answered else each.answer or NO_ANSWER
        return (each.path, str(name), *bars, chance(each.probability), remarks)

    @property
    def _summary(self) -> str:
        counts = " · ".join(f"{name} {count:,}" for name, count in list(self.counts.items())[:SHOWN])
        apart = [f"{word} {count:,}" for word, count in self.not_answered.items()]
        said = " · ".join([*([counts] if counts else []), *apart])
        return f"{some(len(self), 'image')}{': ' if said else ''}{said}"

    @property
    def _rest(self) -> list[str]:
        """What is not shown, and why."""
        more = len(self) - SHOWN
        lines = [f"and {more:,} more; all of them: to_csv()"] if more > 0 else []
        lines += [f"left out: {each.path} ({each.reason})" for each in self.left_out[:SHOWN]]
        hidden = len(self.left_out) - SHOWN
        return lines + ([f"and {hidden:,} more left out"] if hidden > 0 else [])


def _yes_or_no(answer: Prediction) -> str:
    return "yes" if answer.is_sure else "no"
