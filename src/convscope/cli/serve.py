"""`convscope serve`: the workbench in the browser, and the prediction API."""

import os
import secrets
import threading
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from convscope.cli.flags import WholeNumber
from convscope.cli.output import print_json, result_console
from convscope.errors import InterruptedTrainingError, UsageError
from convscope.wording import here, shown

TOKEN = "CONVSCOPE_TOKEN"
DEFAULT_MEMORY = 2_000
READING = 2.0
"""Seconds that the server waits for the folder to be read."""


def serve(
    folder: Path | None = None,
    /,
    *,
    port: WholeNumber = 8765,
    host: str = "127.0.0.1",
    token: Annotated[str | None, Parameter(show_default=False)] = None,
    threads: WholeNumber | None = None,
    memory: WholeNumber = DEFAULT_MEMORY,
    json: bool = False,
) -> int:
    """A page in the browser on a folder of runs, and the prediction API. Ctrl-C stops it.

    Parameters
    ----------
    folder
        Where the runs are, or one run; runs unless given.
    port
        0 for any that is free.
    host
        The address to listen on. Beyond this machine, whoever asks needs the token.
    token
        For --host: a secret of your own; the environment's CONVSCOPE_TOKEN, or a new one, unless given.
    threads
        That a network computes with; as many as there are cores unless given.
    memory
        Megabytes that opened models may take together.
    json
        Print the address as one JSON document on stdout.
    """
    from convscope.serving.listening import address_of, is_of_this_machine, listen

    if folder is not None and not folder.is_dir():
        raise UsageError(f"{shown(str(folder))} is not a folder. Runs are made by: convscope train digits")
    if threads is not None and threads < 1:
        raise UsageError(f"--threads: {threads} must be at least 1")
    if memory < 1:
        raise UsageError(f"--memory: {memory} must be at least 1")
    runs = folder or Path("runs")
    needed = "" if is_of_this_machine(host) else secrets.token_urlsafe(24)
    secret = token or os.environ.get(TOKEN) or needed
    listening = listen(host, port)
    address = address_of(listening, host, secret)
    if json:
        print_json({"address": address, "folder": str(runs)})
    else:
        console = result_console()
        console.print(f"{here(runs)} at {address}", soft_wrap=True)
        if not is_of_this_machine(host):
            console.print("Others reach it by this machine's name or address, with the same token.")
        console.print("Ctrl-C stops it.", style="dim")
    from convscope.serving.workbench import Workbench

    workbench = Workbench(runs, memory=memory * 10**6, threads=threads)
    # The folder is read while the server is imported, which takes as long, so that the first page is there at
    # once. Of a folder that takes longer the page waits, and nothing else.
    reading = threading.Thread(target=workbench.entries, daemon=True)
    reading.start()
    from convscope.serving.safety import Access
    from convscope.serving.server import Server

    server = Server(workbench, listening, Access(host=host, token=secret))
    reading.join(READING)
    server.serve_until_stopped()
    return InterruptedTrainingError.exit_code if server.was_interrupted else 0
