"""`convscope refit`: a pretrained network's head fitted again on corrected labels, in seconds."""

from pathlib import Path
from typing import TYPE_CHECKING

from convscope.cli.output import log_console, print_json, result_console
from convscope.cli.process import importing
from convscope.cli.watching import Watcher
from convscope.errors import UsageError
from convscope.wording import command, here

if TYPE_CHECKING:
    from convscope.trials.refit import Refitted

SHOWN = 12


def refit(
    run: Path, corrections: Path | None = None, /, *, name: str | None = None, json: bool = False
) -> int:
    """Fit the head of a pretrained network again with labels corrected, and say which answers changed.

    The features of the images are kept, so that it takes seconds. The new run stands beside the old one.

    Parameters
    ----------
    run
        A finished run of a pretrained network.
    corrections
        A table of all corrections that are to hold, as in train --corrections; unless given, what was marked
        on the run's page of errors in convscope serve.
    name
        Name of the new run; RUN-corrected-NUMBER unless given.
    json
        Print one JSON document on stdout.
    """
    with Watcher(log_console()) as watcher:
        with importing():
            from convscope.report.page.html import write_report
            from convscope.runs.folder import Run
            from convscope.runs.marks import MARKED
            from convscope.trials.refit import refit as fit_again
            from convscope.trials.refit import refuse_refit
        refuse_refit(Run.open(run), corrections or run / MARKED)
        if corrections is None:
            if not Run.open(run).has(MARKED):
                raise UsageError(
                    f"no label of {here(run)} is marked as wrong. Mark some on its page of errors, "
                    f"{command('convscope', 'serve', run)}, or name a table of corrections"
                )
            corrections = run / MARKED
        found = fit_again(run, corrections, name=name, progress=watcher)
        write_report(found.run)
    if json:
        print_json(found.to_dict())
        return 0
    _print(found)
    return 0


def _print(found: "Refitted") -> None:
    from convscope.cli.screen import print_line, print_table, print_whole

    console = result_console()
    print_line(console, "before", str(found.before), "the head as it was, by the corrected labels")
    print_line(console, "after", str(found.after))
    print_line(console, "flipped", found.said)
    if found.flips:
        console.print()
        rows = [(each.path, each.label, each.before, each.after, each.kind) for each in found.flips[:SHOWN]]
        print_table(console, ("flipped", "label", "before", "after", ""), rows)
        console.print()
    if found.was_tuned:
        print_line(
            console, "note", f"{found.parent} was fine-tuned beyond its head; this is the head alone, again"
        )
    print_whole(console, "run", here(found.run))
