"""What a classifier says of images: the likeliest classes, on a screen with small bars, and a summary."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from convscope.classifier.prediction import NO_ANSWER, UNKNOWN, Prediction, chance
from convscope.cli.screen import print_line, print_table
from convscope.wording import legible, some, times

TOP = 5
"""Classes of a single image."""

BAR = 12
CLASSES_SUMMED = 12
NOT_SURE = "not sure"


def print_predictions(console: Console, predictions: Sequence[Prediction], top: int | None) -> None:
    """Of one image the likeliest classes, `top` of them; of several the likeliest one each, and a summary."""
    if not predictions:
        return
    if predictions[0].value is not None:
        rows = [(one.path, _answer(one), ", ".join(one.remarks)) for one in predictions]
        print_table(console, ("image", "value", ""), rows)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("image", overflow="fold")
    table.add_column("class", overflow="fold")
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for one in predictions:
        most = top or (TOP if len(predictions) == 1 else 1 if one.is_sure else 2)
        for row in _rows(one, most, bars=console.is_terminal):
            table.add_row(*row)
    console.print(table)
    if len(predictions) > 1:
        console.print()
        _print_summary(console, predictions)


def _rows(prediction: Prediction, top: int, *, bars: bool) -> Iterator[tuple[Text, ...]]:
    """Bars are for eyes: what a pipe reads has none."""
    path = legible(prediction.path)
    if prediction.unknown:
        yield (Text(path), Text(UNKNOWN, style="bold"), Text(""), Text(prediction.remarks[0]))
        path, top = "", 1
    if prediction.possible is not None:
        top = max(top, len(prediction.possible))
    for place, (name, probability) in enumerate(prediction.likeliest(top)):
        yield (
            Text(path if place == 0 else ""),
            Text(legible(name), style="bold" if place == 0 and prediction.is_answered else ""),
            Text(chance(probability)),
            _behind(bar(probability) if bars else "", _remark(prediction, place, name)),
        )


def _behind(drawn: str, remark: str) -> Text:
    between = "  " if drawn and remark else ""
    return Text.assemble((drawn, "cyan"), (between + remark, "bold"))


def _answer(prediction: Prediction) -> str:
    return UNKNOWN if prediction.unknown else prediction.class_name


def _remark(prediction: Prediction, place: int, name: str) -> str:
    """Behind a class: whether it is one of the possible, and behind the first whether it is no answer."""
    said = []
    if prediction.possible is not None and name in prediction.possible and len(prediction.possible) > 1:
        said.append("possible")
    if place == 0 and not prediction.unknown:
        said += [NO_ANSWER] if prediction.abstains else [] if prediction.is_sure else [NOT_SURE]
    return ", ".join(said)


def bar(share: float) -> str:
    """A share, 0 to 1, as a bar of half columns, `BAR` at most; full only for what is certain."""
    halves = round(2 * BAR * share)
    if halves == 2 * BAR and share < 1:
        halves -= 1
    return "━" * (halves // 2) + "╸" * (halves % 2)


def _print_summary(console: Console, predictions: Sequence[Prediction]) -> None:
    counts = Counter(one.class_name for one in predictions if one.is_answered).most_common()
    shown = [f"{name}: {count:,}" for name, count in counts[:CLASSES_SUMMED]]
    if len(counts) > CLASSES_SUMMED:
        shown.append(f"and {some(len(counts) - CLASSES_SUMMED, 'class', 'classes')} more")
    for word, count in (
        (UNKNOWN, sum(one.unknown for one in predictions)),
        (NO_ANSWER, sum(one.abstains and not one.unknown for one in predictions)),
    ):
        if count:
            shown.append(f"{word}: {count:,}")
    unsure = sum(one.is_answered and not one.is_sure for one in predictions)
    reason = f"{NOT_SURE} {times(unsure)}: no class has both half of all and twice the next" if unsure else ""
    print_line(console, some(len(predictions), "image"), " · ".join(shown), reason)
