"""`convscope train`: from data, or an experiment, to a finished run."""

import sys
import time
from pathlib import Path
from typing import Any

from convscope.cli.flags import with_experiment_flags
from convscope.cli.output import log_console, print_json, result_console
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override, read_experiment
from convscope.errors import UsageError


@with_experiment_flags
def train(
    data: str | None = None,
    /,
    *,
    name: str | None = None,
    runs: Path = Path("runs"),
    resume: Path | None = None,
    source: str | None = None,
    json: bool = False,
    overrides: dict[str, Any],
) -> int:
    """Train a classifier: infer what is not said, say what was chosen and why, and report how good it is.

    Parameters
    ----------
    data
        A folder of images in class folders, a .zip or .tar of one, a .csv or .parquet, a name (see: convscope
        datasets), or an experiment's .toml. Flags override what a file says.
    name
        Name of the run; <data>-<network>-<number> unless given.
    runs
        Folder in which runs are made.
    resume
        Go on with this run instead, to its end or to --steps or --epochs.
    source
        With an experiment's .toml: these images instead of its own. With --resume: where its images are now.
    json
        Print one JSON document on stdout.
    """
    started = time.perf_counter()  # before torch is imported, which takes seconds too

    from convscope.cli.watching import Watcher

    with Watcher(log_console()) as watcher:
        if resume is not None:
            moved = {} if source is None else {"data.source": source}
            run = _resume(data, resume, overrides | moved, watcher)
        else:
            if source is not None:
                overrides = {"data.source": source, **overrides}
            run = _start(data, name, runs, overrides, watcher, started)
    from convscope.diagnosis.of_run import findings_of_run
    from convscope.report.page.html import write_report

    findings = findings_of_run(run.path)
    report = write_report(run.path)
    summary = run.read("summary.json")
    if json:
        print_json(summary | {"findings": [finding.to_dict() for finding in findings], "report": str(report)})
    else:
        from convscope.cli.results import print_summary

        print_summary(result_console(), summary, report, findings)
    return 0


def _start(
    data: str | None, name: str | None, runs: Path, overrides: dict[str, Any], watcher: Any, started: float
) -> Any:
    if data is None:
        raise UsageError(
            "DATA is missing: a folder of images, a name such as digits, or an experiment's .toml"
        )
    config = ExperimentConfig()
    if data.endswith(".toml"):
        config = read_experiment(Path(data))
        name = name or Path(data).stem + _number(runs, Path(data).stem)
    else:
        overrides = {"data.source": data, **overrides}
    config = override(config, overrides)
    from convscope.training.start import start_training

    return start_training(config, runs=runs, name=name, progress=watcher, started=started)


def _resume(data: str | None, resume: Path, overrides: dict[str, Any], watcher: Any) -> Any:
    if data is not None:
        raise UsageError("--resume goes on with the run's own data; leave DATA out")
    from convscope.training.start import resume_training

    return resume_training(resume, changes=overrides, progress=watcher)


def _number(runs: Path, stem: str) -> str:
    """`-1`, `-2` …: runs are never overwritten."""
    taken = {path.name for path in runs.glob(f"{stem}-*")} if runs.is_dir() else set()
    return next(f"-{number}" for number in range(1, sys.maxsize) if f"{stem}-{number}" not in taken)
