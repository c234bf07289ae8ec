"""`convscope compare`: is it better, or luck?"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from convscope.cli.flags import WholeNumber
from convscope.cli.output import log_console, print_json, result_console
from convscope.errors import InterruptedTrainingError, UsageError
from convscope.wording import command, here

if TYPE_CHECKING:
    from convscope.comparison.several import Compared

FEWEST = 2
AT_MOST = 10


def compare(
    *runs: Annotated[Path, Parameter(name="RUN", negative="")],
    split: str = "test",
    within: float = 1.0,
    page: Path | None = None,
    plan: bool = False,
    images: WholeNumber | None = None,
    accuracy: float | None = None,
    until_sure: bool = False,
    at_most: WholeNumber | None = None,
    json: bool = False,
) -> int:
    """Compare runs on the same images: paired tests, one verdict, and what differs.

    Two runs are compared as the classifiers they are. Two groups of seeds (train --seeds), or two
    cross-validated runs, are compared as recipes: whether these settings would be better again.

    Parameters
    ----------
    runs
        Two or more runs, groups of seeds, or cross-validated runs; each is compared with those before it.
    split
        Compare on the test or the validation images.
    within
        Accuracies that are surely no further apart than so many points are called the same.
    page
        Also write a page of the differences, for a browser offline.
    plan
        Say how many seeds and images it takes to see a difference of --within points, from the runs or from
        --images and --accuracy.
    images
        With --plan: how many test images there will be.
    accuracy
        With --plan and no runs: the accuracy that is expected, in per cent.
    until_sure
        Train one more seed of each of two groups or runs, until it is sure or --at-most seeds are there.
    at_most
        With --until-sure: seeds of each, 4 to 30. [default: 10]
    json
        Print one JSON document on stdout.
    """
    _check(split, within, plan, images, accuracy, until_sure, at_most)
    if plan:
        return _plan(runs, split, within / 100, images, accuracy, json)
    if len(runs) < FEWEST:
        raise UsageError("a comparison needs two runs or more: convscope compare runs/a runs/b")
    if until_sure:
        return _until_sure(runs, split, within / 100, at_most or AT_MOST, json)
    from convscope.comparison.several import compare_all

    compared = compare_all(runs, split=split, margin=within / 100)
    written = _write_page(page, compared)
    if json:
        print_json(_document(compared) | ({} if written is None else {"page": str(written)}))
        return 0
    from convscope.cli.comparisons import print_comparison
    from convscope.cli.screen import print_whole

    console = result_console()
    for number, each in enumerate(compared):
        if number:
            console.print()
        print_comparison(console, each.comparison, each.adjusted)
    if written is not None:
        print_whole(console, "page", here(written))
    return 0


def _document(compared: Sequence["Compared"]) -> dict[str, Any]:
    from convscope.comparison.verdicts import to_dict

    documents = [to_dict(each.comparison, each.adjusted) for each in compared]
    return documents[0] if len(documents) == 1 else {"comparisons": documents}


def _check(
    split: str,
    within: float,
    plan: bool,
    images: int | None,
    accuracy: float | None,
    until_sure: bool,
    at_most: int | None,
) -> None:
    if split not in ("test", "validation"):
        raise UsageError(f"--split: '{split}' cannot be compared on; it takes test or validation")
    if not 0 < within < 100:
        raise UsageError(f"--within: {within:g} points is no margin; it lies between 0 and 100")
    if plan and until_sure:
        raise UsageError("--plan and --until-sure are two things to do; give one of them")
    if not plan and (images is not None or accuracy is not None):
        raise UsageError("--images and --accuracy belong to --plan")
    if at_most is not None and not until_sure:
        raise UsageError("--at-most belongs to --until-sure")
    if images is not None and images < FEWEST:
        raise UsageError(f"--images: {images:,} are no test; it takes two or more")
    if accuracy is not None and not 0 < accuracy < 100:
        raise UsageError(f"--accuracy: {accuracy:g} is not allowed; it is in per cent, between 0 and 100")


def _write_page(page: Path | None, compared: Sequence["Compared"]) -> Path | None:
    """Where it was written; None where none was wanted, or where a warning says why there is none."""
    if page is None:
        return None
    if page.suffix.lower() not in (".html", ".htm") or page.is_dir():
        raise UsageError(f"--page: '{page}' is no .html file")
    from convscope.cli.output import try_to
    from convscope.report.comparing.page import write_page

    return try_to(lambda: write_page(page, compared), otherwise="the page was not written")


def _plan(
    runs: Sequence[Path],
    split: str,
    difference: float,
    images: int | None,
    accuracy: float | None,
    json: bool,
) -> int:
    from convscope.comparison.planning import plan_before, plan_on
    from convscope.comparison.several import compare_all

    if runs and accuracy is not None:
        raise UsageError("--accuracy is assumed where there are no runs: leave it out, or leave the runs out")
    if not runs and (images is None or accuracy is None):
        raise UsageError(
            "--plan needs two runs, or --images and --accuracy: "
            "convscope compare --plan --images 1000 --accuracy 95"
        )
    if runs and len(runs) != FEWEST:
        raise UsageError(f"--plan takes two runs or groups, not {len(runs)}")
    if runs:
        known = compare_all(runs, split=split, margin=difference)[0].comparison.needs
        if known is None:
            raise UsageError("--plan knows classifiers, and not folds or numbers: it takes runs or groups")
        needed = known if images is None else plan_on(known, images)
    else:
        needed = plan_before((accuracy or 0) / 100, images or 0, difference)
    if json:
        print_json(needed.to_dict())
        return 0
    from convscope.cli.comparisons import print_plan

    print_plan(result_console(), needed)
    return 0


def _until_sure(runs: Sequence[Path], split: str, margin: float, at_most: int, json: bool) -> int:
    if len(runs) != FEWEST:
        raise UsageError(f"--until-sure takes two groups or runs, not {len(runs)}")
    from convscope.cli.screen import print_line
    from convscope.cli.watching import Watcher
    from convscope.comparison import verdicts
    from convscope.trials.until_sure import Look, until_sure
    from convscope.wording import some

    log, looks = log_console(), list[Look]()
    again = command("convscope", "compare", *runs, "--until-sure", "--at-most", str(at_most))
    try:
        with Watcher(log) as watcher:
            for look in until_sure(
                runs[0], runs[1], at_most=at_most, progress=lambda: watcher, split=split, margin=margin
            ):
                looks.append(look)
                said = "not looked at yet" if look.p_value is None else verdicts.p_words(look.p_value)
                print_line(log, some(look.seeds, "seed"), verdicts.gap(look.comparison), said, look.word)
    except (InterruptedTrainingError, KeyboardInterrupt):
        raise InterruptedTrainingError(
            f"stopped; the seeds that are finished are kept. Go on with: {again}"
        ) from None
    last = looks[-1]
    document = verdicts.to_dict(last.comparison) | {
        "p_value": last.p_value,
        "verdict": last.word,
        "sentence": verdicts.sentence_of_look(last.comparison, last.word, last.seeds, at_most),
        "looks": [{"seeds": each.seeds, "p_value": each.p_value, "verdict": each.word} for each in looks],
    }
    if json:
        print_json(document)
        return 0
    console = result_console()
    print_line(console, "verdict", str(document["sentence"]))
    if last.word == "too close to tell":
        print_line(console, "", verdicts.needs(last.comparison))
    return 0
