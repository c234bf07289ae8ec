"""`convscope report`: the report of a run, made again from the run alone."""

from pathlib import Path

from convscope.cli.output import log_console, print_json, result_console
from convscope.cli.watching import Watcher
from convscope.wording import command, here, size


def report(run: Path, /, *, json: bool = False) -> int:
    """Write report.html again: one file with figures, curves, errors and pictures, for a browser offline.

    Parameters
    ----------
    run
        A run; its data are not needed.
    json
        Print one JSON document on stdout.
    """
    from convscope.cli.screen import print_line, print_whole

    with Watcher(log_console()):
        from convscope.report.page.html import write_report

        path = write_report(run)
    written = path.stat().st_size
    if json:
        print_json({"run": str(run), "report": str(path), "bytes": written})
        return 0
    console = result_console()
    print_line(console, "report", here(path), f"{size(written)}, opens in a browser offline")
    if not (run / "look").is_dir():
        print_whole(console, "next", command("convscope", "look", run))
        print_line(console, "", "adds pictures of what the network has learned")
    return 0
