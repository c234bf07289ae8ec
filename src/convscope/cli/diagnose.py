"""`convscope diagnose`: what is wrong with a run, how sure that is, and what to do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from convscope.cli.flags import WholeNumber
from convscope.cli.output import log_console, print_json, result_console, try_to
from convscope.errors import InterruptedTrainingError, UsageError
from convscope.wording import command, here

if TYPE_CHECKING:
    from rich.console import Console

    from convscope.diagnosis.finding import Finding
    from convscope.diagnosis.rule import Diagnosis
    from convscope.trials.trying import Trial

FAILED = 1
SEEDS = 3


def diagnose(
    run: Path,
    /,
    *,
    untrained: bool = False,
    memorise: bool = False,
    learning_curve: bool = False,
    try_: Annotated[bool, Parameter(name="--try", negative="")] = False,
    seeds: Annotated[WholeNumber | None, Parameter(show_default=False)] = None,
    fail_on: Literal["note", "warning", "error"] | None = None,
    json: bool = False,
) -> int:
    """Say what is wrong, the evidence, and what to do next; and what was looked at without finding anything.

    Its rules are tests: together they raise an alarm in three of a thousand sound runs, at most.

    Parameters
    ----------
    run
        A run, or an experiment's .toml, of which the start is looked at: the network before its first step.
    untrained
        Of a run too, look at the start.
    memorise
        Train on 32 images: can the network learn them by heart, and if not, what was in the way?
    learning_curve
        Train on parts of the images, to forecast what more of them would bring. Of a pretrained network it is
        forecast in seconds, by its fitted head, without this.
    try_
        Train with what the first finding advises, beside the run as it is, and say what came of it.
    seeds
        With --try: so many of each. [default: 3]
    fail_on
        End with exit code 1 on a finding as grave as this or graver: note, warning or error.
    json
        Print one JSON document on stdout.
    """
    if seeds is not None and not try_:
        raise UsageError("--seeds belongs to --try")
    if run.suffix == ".toml" and (try_ or learning_curve):
        flag = "--try" if try_ else "--learning-curve"
        raise UsageError(f"{flag} needs a run: train first, then diagnose the run")
    from convscope.cli.watching import Watcher

    report = None
    with Watcher(log_console()) as watcher:
        from convscope.face.diagnosing import evidence_for
        from convscope.trials.asking import ask

        evidence = evidence_for(run, untrained)
        found = ask(evidence, memorised=memorise, learning_curve=learning_curve, progress=watcher)
        if evidence.run is not None and evidence.is_trained:
            from convscope.diagnosis.of_run import keep_diagnosis
            from convscope.report.page.html import write_report

            keep_diagnosis(evidence.run, found)
            report = try_to(lambda: write_report(run), otherwise="the report was not written")
    if not json:
        _print(result_console(), run, found, report)
    trial = _try(run, found, SEEDS if seeds is None else seeds) if try_ else None
    if json:
        document = {"run": str(run), "untrained": not evidence.is_trained} | found.to_dict()
        print_json(document | ({} if trial is None else {"trial": trial.to_dict()}))
    elif trial is not None:
        _print_trial(result_console(), trial)
    return (
        FAILED if fail_on is not None and any(_is_as_grave(each, fail_on) for each in found.findings) else 0
    )


def _try(path: Path, found: "Diagnosis", seeds: int) -> "Trial":
    """Follow the first advice that can be followed."""
    from convscope.cli.watching import Watcher
    from convscope.runs.folder import Run
    from convscope.trials.trying import advised, try_advice

    run = Run.open(path)
    finding, changes = advised(found, run.config)
    try:
        with Watcher(log_console()) as watcher:
            return try_advice(run, finding, changes, seeds=seeds, progress=lambda: watcher)
    except (InterruptedTrainingError, KeyboardInterrupt):
        again = command("convscope", "diagnose", path, "--try")
        raise InterruptedTrainingError(f"stopped; what is trained is kept. Go on with: {again}") from None


def _print_trial(console: "Console", trial: "Trial") -> None:
    from convscope.cli.screen import print_line, print_whole
    from convscope.comparison import verdicts

    print_line(console, "tried", f"{trial.finding.name}: {trial.words}")
    print_line(console, "came", trial.sentence)
    if trial.comparison is not None and (needs := verdicts.needs(trial.comparison)):
        print_line(console, "", needs)
    print_whole(console, "runs", here(trial.group))


def _is_as_grave(finding: "Finding", severity: str) -> bool:
    order = ("error", "warning", "note")
    return finding.severity in order[: order.index(severity) + 1]


def _print(console: "Console", run: Path, found: "Diagnosis", report: Path | None) -> None:
    from convscope.cli.screen import print_line, print_whole

    for finding in found.findings:
        print_line(console, finding.severity, finding.said)
        if finding.advice:
            print_line(console, "", f"→ {finding.advice}")
    if not found.findings:
        print_line(console, "fine", found.nothing_found)
    if found.passed:
        print_line(console, "passed", " · ".join(passed.name for passed in found.passed))
    for reason, names in _by_reason(found).items():
        print_line(console, "not asked", " · ".join(names), reason)
    if report is not None:
        print_whole(console, "report", here(report))
    elif run.suffix == ".toml" and not any(each.is_alarming for each in found.findings):
        print_whole(console, "next", command("convscope", "train", run))


def _by_reason(found: "Diagnosis") -> dict[str, list[str]]:
    """The questions that were not asked, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for skipped in found.skipped:
        reasons.setdefault(skipped.reason, []).append(skipped.name)
    return reasons
