"""`convscope look`: what a trained network has learned, in pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from convscope.cli.output import log_console, print_json, result_console
from convscope.cli.screen import print_indented
from convscope.cli.watching import Watcher
from convscope.wording import command, here, shown

if TYPE_CHECKING:
    from rich.console import Console

    from convscope.looking.asking import LeftOut
    from convscope.looking.subject import Subject
    from convscope.report.page.look_folder import Written

MODULES = 3_100
"""About how many modules are imported before the first question."""

ONE = Parameter(negative="", consume_multiple=True)


def look(
    run: Path,
    /,
    *,
    layer: Annotated[list[str] | None, ONE] = None,
    image: Annotated[list[Path] | None, ONE] = None,
    class_: Annotated[str | None, Parameter(name="--class")] = None,
    only: str | None = None,
    checkpoint: str = "final",
    limit: int | None = None,
    json: bool = False,
) -> int:
    """Draw what a network has learned: filters, maps, patches, where it looks, what it wants, and numbers.

    Parameters
    ----------
    run
        A run.
    layer
        Layers to look at, instead of the first, the middle and the last convolution.
    image
        Images to look at: their maps, and where the network looks in them.
    class_
        Also show where the network sees this class.
    only
        Some of filters, maps, histograms, patches, projection, where, wants, plane; with commas between.
    checkpoint
        final, last, best, untrained, or a step.
    limit
        Search at most so many training images for patches. [default: 10000]
    json
        Print one JSON document on stdout.
    """
    console = result_console()
    with Watcher(log_console(), modules=MODULES) as watcher:
        from convscope.looking.asking import LeftOut, Request
        from convscope.looking.subject import open_subject
        from convscope.report.page.look_folder import write_look

        written: list[Written] = []
        left_out: list[LeftOut] = []
        request = Request(
            layers=tuple(layer or ()),
            images=tuple(image or ()),
            class_name=class_,
            only=tuple(part.strip() for part in only.split(",")) if only else (),
            limit=limit,
        )
        subject = open_subject(run, checkpoint)
        for each in write_look(subject, request):
            if isinstance(each, LeftOut):
                left_out.append(each)
            else:
                written.append(each)
                if not json:
                    with watcher.aside():
                        _print(console, each)
    if json:
        print_json(_document(run, written, left_out))
    else:
        _print_end(console, subject, left_out)
    return 0


def _print(console: "Console", written: "Written") -> None:
    """The file and its question, and below them what was found, and what to do about it."""
    question = written.answer.question.partition("?")[0] + "?"
    print_indented(console, Text.assemble((here(written.path), "bold"), "  ", (question, "dim")), first=0)
    print_indented(console, Text(shown(written.answer.finding)))
    for finding in written.answer.findings:
        if finding.is_alarming and finding.advice:
            print_indented(console, Text(finding.advice))


def _print_end(console: "Console", subject: "Subject", left_out: list["LeftOut"]) -> None:
    from convscope.cli.screen import print_line, print_whole

    for each in left_out:
        print_line(console, "left out", f"{each.about}: {each.reason}")
    run = subject.run.path
    of_class = ["--class", "NAME"] if subject.class_names else []
    print_whole(console, "report", here(run / "report.html"))
    print_whole(
        console,
        "next",
        command("convscope", "look", run, "--image", "PHOTO", *of_class),
        command("convscope", "look", run, "--layer", "NAME"),
    )


def _document(run: Path, written: list["Written"], left_out: list["LeftOut"]) -> dict[str, Any]:
    from convscope.runs.folder import LOOKED, Run

    files = {each.path.name for each in written}
    entries = [entry for entry in Run.open(run).read(LOOKED) if entry["file"] in files] if files else []
    return {
        "run": str(run),
        "report": str(run / "report.html"),
        "pictures": entries,
        "left_out": [{"about": each.about, "reason": each.reason} for each in left_out],
    }
