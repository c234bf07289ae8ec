"""`convscope train`: from data, or an experiment, to a finished run."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from convscope.cli.flags import FIRST, OTHER, WholeNumber, with_experiment_flags
from convscope.cli.output import log_console, print_json, result_console, try_to
from convscope.cli.process import importing
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override, read_experiment
from convscope.errors import UsageError
from convscope.training.pacing.interruption import stopped_by_signals

RUNS = Path("runs")
NOT_BEGUN = "stopped before training began; nothing is left behind"


@with_experiment_flags()
def train(
    data: str | None = None,
    /,
    *,
    name: Annotated[str | None, Parameter(group=FIRST)] = None,
    resume: Annotated[Path | None, Parameter(group=FIRST)] = None,
    seeds: Annotated[WholeNumber | None, Parameter(group=OTHER)] = None,
    runs: Annotated[Path | None, Parameter(group=OTHER)] = None,
    source: Annotated[str | None, Parameter(group=OTHER)] = None,
    guard: Annotated[bool, Parameter(group=OTHER, negative="", show_default=False)] = False,
    json: Annotated[bool, Parameter(group=OTHER, negative="", show_default=False)] = False,
    overrides: dict[str, Any],
) -> int:
    """Train a classifier: infer what is not said, say what was chosen and why, and report how good it is.

    Parameters
    ----------
    data
        A folder of images in class folders, a .zip or .tar of one, a .csv or .parquet, a name (see: convscope
        datasets), or an experiment's .toml. Flags override what a file says.
    name
        Name of the run; DATA-NETWORK-NUMBER unless given.
    runs
        Folder in which runs are made. [default: runs]
    resume
        Go on with this run instead, to its end or to --steps or --epochs.
    seeds
        Train with so many seeds, all on the same split: a group, in one folder, for convscope compare.
    source
        With an experiment's .toml: these images instead of its own. With --resume: where its images are now.
    guard
        Stop a network that cannot learn as it starts before its first step, and say what is wrong.
    json
        Print one JSON document on stdout.
    """
    started = time.perf_counter()  # before torch is imported, which takes seconds too
    if resume is not None:
        _refuse_beside_resume(DATA=data, name=name, runs=runs, seeds=seeds, guard=guard or None)
    if seeds is not None:
        config = _read(data, source, overrides)
        with importing():
            from convscope.cli.seeds import train_seeds

        return train_seeds(config, runs or RUNS, name, seeds, json, guard=guard)
    from convscope.cli.watching import Watcher

    with Watcher(log_console()) as watcher, stopped_by_signals(lambda: NOT_BEGUN):
        if resume is not None:
            moved = {} if source is None else {"data.source": source}
            run = _resume(resume, overrides | moved, watcher)
        else:
            config = _read(data, source, overrides)
            listener = _guarded(config, watcher) if guard else watcher
            run = _start(config, _name(data, name, runs or RUNS), listener, started)
    with Watcher(log_console()), importing():
        from convscope.diagnosis.brief import brief_findings
        from convscope.report.page.html import write_report

        summary = run.read("summary.json")
        told = try_to(lambda: brief_findings(run.path), otherwise="nothing was concluded")
        findings, rules = told or ([], 0)
    reported = _reported(data, run, summary)
    console = result_console()
    if not json:
        from convscope.cli.results import print_summary
        from convscope.cli.screen import print_line

        print_summary(console, summary, findings, rules)
        for label, value, reason in reported:
            print_line(console, label, value, reason)
        console.file.flush()  # results first: the report of them may fail
    with Watcher(log_console()):
        report = try_to(lambda: write_report(run.path), otherwise="the report was not written")
    if json:
        found = {"findings": [finding.to_dict() for finding in findings], "rules_asked": rules}
        print_json(summary | found | {"report": None if report is None else str(report)})
    else:
        from convscope.cli.results import print_after_training

        print_after_training(console, run.path, report)
    return 0


def _reported(data: str | None, run: Any, summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Of an experiment, what its source reported beside what was measured; its report says it too."""
    if data is None or not data.endswith(".toml"):
        return []
    from convscope.cli.reported import reported_beside_measured
    from convscope.runs.folder import CHOICES

    lines = reported_beside_measured(Path(data), summary)
    told = [dict(zip(("what", "value", "reason"), line, strict=True)) for line in lines]
    run.write(CHOICES, [*run.read(CHOICES), *told])
    return lines


def _read(data: str | None, source: str | None, overrides: dict[str, Any]) -> ExperimentConfig:
    """What was asked: from a file or from data, with what was typed."""
    if data is None:
        raise UsageError(
            "DATA is missing: a folder of images, a name such as digits, or an experiment's .toml. "
            "See: convscope train --help"
        )
    if data.endswith(".toml"):
        images = {} if source is None else {"data.source": source}
        return override(read_experiment(Path(data)), images | overrides)
    if source is not None:
        raise UsageError(
            f"--source gives an experiment's .toml other images, and '{data}' is none: "
            "give DATA or --source, not both"
        )
    return override(ExperimentConfig(), {"data.source": data, **overrides})


def _name(data: str | None, name: str | None, runs: Path) -> tuple[Path, str | None]:
    """Where the run will be, and its name where that is known."""
    if name is None and data is not None and data.endswith(".toml"):
        name = Path(data).stem + _number(runs, Path(data).stem)
    if name is not None:
        from convscope.runs.folder import check_free

        check_free(runs, name)  # now, not after everything was loaded
    return runs, name


def _start(config: ExperimentConfig, place: tuple[Path, str | None], watcher: Any, started: float) -> Any:
    with importing():
        from convscope.training.start import start_training

    return start_training(config, runs=place[0], name=place[1], progress=watcher, started=started)


def _guarded(config: ExperimentConfig, watcher: Any) -> Any:
    """Who listens, with a guard before the first step; of folds, whose steps nobody hears, it asks now."""
    with importing():
        from convscope.trials.guarding import Guarded, guard_before

    if config.data.folds is not None:
        guard_before(config)
    return Guarded(watcher)


def _refuse_beside_resume(**given: object) -> None:
    for name, value in given.items():
        if value is not None:
            flag = name if name.isupper() else f"--{name}"
            raise UsageError(f"--resume goes on with a run as it is, with its own data: leave {flag} out")


def _resume(resume: Path, overrides: dict[str, Any], watcher: Any) -> Any:
    with importing():
        from convscope.training.start import resume_training

    return resume_training(resume, changes=overrides, progress=watcher)


def _number(runs: Path, stem: str) -> str:
    """`-1`, `-2` …: runs are never overwritten."""
    taken = {path.name for path in runs.glob(f"{stem}-*")} if runs.is_dir() else set()
    return next(f"-{number}" for number in range(1, sys.maxsize) if f"{stem}-{number}" not in taken)
