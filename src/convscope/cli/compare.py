"""`convscope compare`: is it better, or luck?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from convscope.cli.output import print_json, result_console
from convscope.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from convscope.comparison.comparing import Comparison

FEWEST = 2
SHOWN_IMAGES = 6


def compare(
    *runs: Annotated[Path, Parameter(name="RUN", negative="")],
    split: str = "test",
    within: float = 1.0,
    json: bool = False,
) -> int:
    """Compare runs on the same images: paired tests, one verdict, and what differs.

    Two runs are compared as the classifiers they are. Two groups of seeds, or two cross-validated runs, are
    compared as recipes: whether these settings would be better again.

    Parameters
    ----------
    runs
        Two or more runs, groups of seeds, or cross-validated runs; each is compared with those before it.
    split
        Compare on the test or the validation images.
    within
        Accuracies that are surely no further apart than so many points are called the same.
    json
        Print one JSON document on stdout.
    """
    from convscope.comparison.several import compare_all
    from convscope.comparison.verdicts import to_dict

    _check(runs, split, within)
    compared = compare_all(runs, split=split, margin=within / 100)
    if json:
        documents = [to_dict(each.comparison, each.adjusted) for each in compared]
        print_json(documents[0] if len(documents) == 1 else {"comparisons": documents})
        return 0
    console = result_console()
    for number, each in enumerate(compared):
        if number:
            console.print()
        _print(console, each.comparison, each.adjusted)
    return 0


def _check(runs: tuple[Path, ...], split: str, within: float) -> None:
    if len(runs) < FEWEST:
        raise UsageError("a comparison needs two runs or more: convscope compare runs/a runs/b")
    if split not in ("test", "validation"):
        raise UsageError(f"--split: '{split}' cannot be compared on; it takes test or validation")
    if not 0 < within < 100:
        raise UsageError(f"--within: {within:g} points is no margin; it lies between 0 and 100")


def _print(console: "Console", comparison: "Comparison", adjusted: float | None) -> None:
    from convscope.cli.screen import print_line, print_table
    from convscope.comparison import verdicts

    first, second = comparison.sides
    head = ("", first.name, second.name, "difference", "95 % interval")
    print_table(console, head, _rows(comparison))
    console.print()
    if comparison.only_one_right is not None:
        one, other = comparison.only_one_right
        alone = f"only {first.name} right: {one:,} images, only {second.name}: {other:,}"
        print_line(console, "differ on", alone, *_shown_images(comparison))
    test = verdicts.p_words(comparison.difference.p_value)
    corrected = "" if adjusted is None else f"corrected for all comparisons made here (Holm): {adjusted:.2g}"
    print_line(console, "test", test, _test_name(comparison), corrected)
    if comparison.settings:
        print_line(console, "settings", " · ".join(map(_setting, comparison.settings)))
    else:
        print_line(console, "settings", "the same")
    for note in comparison.notes:
        print_line(console, "note", note)
    print_line(console, "verdict", verdicts.sentence(comparison, adjusted))
    for more in (verdicts.needs(comparison), verdicts.about_recipes(comparison)):
        if more:
            print_line(console, "", more)


def _rows(comparison: "Comparison") -> list[tuple[str, ...]]:
    from convscope.comparison import verdicts
    from convscope.wording import between, duration, percent, rounded

    found, loss = comparison.difference, comparison.log_loss
    decimals = 1 if found.n < 1000 else 2
    values = [
        rounded(value) if comparison.is_regression else percent(value, decimals)
        for value in comparison.values
    ]
    changed = verdicts.amount(comparison, found.value, signed=True)
    rows = [(comparison.figure, *values, changed, verdicts.ends(comparison, found.interval))]
    if loss is not None:
        losses = [rounded(each) for each in comparison.log_losses]
        sign = "+" if loss.value > 0 else ""
        rows.append(("log loss", *losses, sign + rounded(loss.value), between(*loss.interval)))
    seconds = [side.seconds for side in comparison.sides]
    one, other = seconds
    ratio = f"× {rounded(other / one)}" if one and other is not None else ""
    rows.append(("training time", *map(duration, seconds), ratio, ""))
    sizes = [side.first.parameters for side in comparison.sides]
    if None not in sizes and sizes[0] != sizes[1]:
        rows.append(("parameters", *(f"{size:,}" for size in sizes), "", ""))
    if comparison.question == "recipes":
        seeds = [str(len(side.members)) for side in comparison.sides]
        if seeds != ["1", "1"]:
            rows.append(("seeds", *seeds, "", ""))
    return rows


def _test_name(comparison: "Comparison") -> str:
    n = f"n = {comparison.difference.n:,}"
    if comparison.sides[0].kind == "folds":
        return f"corrected test over folds (Nadeau and Bengio), {n}"
    if comparison.question == "recipes":
        return f"seeds crossed with images, {n}"
    return f"Student's paired test, {n}" if comparison.is_regression else f"McNemar's test, mid-p, {n}"


def _setting(setting: Any) -> str:
    values = " → ".join("–" if value is None else str(value) for value in setting.values)
    section, _, name = setting.field.rpartition(".")
    return f"{section if name == 'name' else name.replace('_', ' ')} {values}"


def _shown_images(comparison: "Comparison") -> list[str]:
    """The images that the first gets right and the second does not, the surest errors first."""
    from convscope.comparison.differences import only_second_wrong

    found = only_second_wrong(comparison, SHOWN_IMAGES)
    if not found:
        return []
    second = comparison.sides[1].name
    said = " · ".join(f"{each.id} ({each.true} taken for {each.answers[1]})" for each in found)
    return [f"wrong in {second} alone: {said}"]
