"""How comparisons are laid out on a screen."""

from rich.console import Console

from convscope.cli.screen import print_line, print_table
from convscope.comparison import verdicts
from convscope.comparison.comparing import Comparison
from convscope.comparison.differences import only_wrong
from convscope.comparison.planning import Plan
from convscope.comparison.settings import Setting
from convscope.wording import between, duration, percent, rounded

SHOWN_IMAGES = 6
SEEDS_SHOWN = (2, 3, 5, 10, 20)
FEWEST_IMAGES = 100


def print_comparison(console: Console, comparison: Comparison, adjusted: float | None) -> None:
    """The table, what differs, and the verdict."""
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


def _rows(comparison: Comparison) -> list[tuple[str, ...]]:
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


def _test_name(comparison: Comparison) -> str:
    n = f"n = {comparison.difference.n:,}"
    if comparison.sides[0].kind == "folds":
        return f"corrected test over folds (Nadeau and Bengio), {n}"
    groups = None if comparison.paired is None else comparison.paired.groups
    if groups is not None:
        n = f"{n} in {len(set(groups.tolist())):,} series"
    if comparison.question == "recipes":
        return f"seeds crossed with images, {n}"
    is_by_means = comparison.is_regression or groups is not None
    return f"Student's paired test, {n}" if is_by_means else f"McNemar's test, mid-p, {n}"


def _setting(setting: Setting) -> str:
    values = " → ".join("–" if value is None else str(value) for value in setting.values)
    section, _, name = setting.field.rpartition(".")
    return f"{section if name == 'name' else name.replace('_', ' ')} {values}"


def _shown_images(comparison: Comparison) -> list[str]:
    """The images that the first gets right and the second does not, the surest errors first."""
    if comparison.paired is None:
        return []
    found = only_wrong(comparison.sides, comparison.paired, 1, SHOWN_IMAGES)
    if not found:
        return []
    said = " · ".join(f"{each.id} ({each.true} taken for {each.answers[1]})" for each in found)
    return [f"wrong in {comparison.sides[1].name} alone: {said}"]


def print_plan(console: Console, needed: Plan) -> None:
    """What it takes, and what would be seen with other numbers of seeds and images."""
    print_line(console, "classifiers", verdicts.say_plan(needed, is_about_recipes=False))
    print_line(console, "recipes", verdicts.say_plan(needed, is_about_recipes=True))
    print_line(console, "rests on", needed.rests_on)
    console.print()
    now = needed.images or FEWEST_IMAGES
    shown = (now, 4 * now, 16 * now)
    head = ("seeds of each", *(f"{images:,} images" for images in shown))
    rows = [
        (
            str(seeds),
            *(f"{rounded(100 * needed.spread.detectable(seeds, images), 2)} points" for images in shown),
        )
        for seeds in SEEDS_SHOWN
    ]
    print_table(console, head, rows)
    print_line(console, "", "the difference between two recipes that is seen four times of five")
