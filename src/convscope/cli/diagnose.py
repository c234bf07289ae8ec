"""`convscope diagnose`: what is wrong with a run, how sure that is, and what to do."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from convscope.cli.output import print_json, result_console, try_to
from convscope.wording import command, here

if TYPE_CHECKING:
    from rich.console import Console

    from convscope.diagnosis.finding import Finding
    from convscope.diagnosis.rule import Diagnosis

FAILED = 1


def diagnose(
    run: Path,
    /,
    *,
    untrained: bool = False,
    fail_on: Literal["note", "warning", "error"] | None = None,
    json: bool = False,
) -> int:
    """Say what is wrong, the evidence, and what to do next; and what was looked at without finding anything.

    Each rule is a test: of a thousand sound runs three raise a finding, at most.

    Parameters
    ----------
    run
        A run, or an experiment's .toml, of which the start is looked at: the network before its first step.
    untrained
        Of a run too, look at the start.
    fail_on
        End with exit code 1 on a finding as grave as this or graver: note, warning or error.
    json
        Print one JSON document on stdout.
    """
    from convscope.diagnosis.diagnosing import diagnose_evidence
    from convscope.face.diagnosing import evidence_for

    evidence = evidence_for(run, untrained)
    found = diagnose_evidence(evidence)
    report = None
    if evidence.run is not None and evidence.is_trained:
        from convscope.diagnosis.of_run import keep_diagnosis
        from convscope.report.page.html import write_report

        keep_diagnosis(evidence.run, found)
        report = try_to(lambda: write_report(run), otherwise="the report was not written")
    if json:
        print_json({"run": str(run), "untrained": not evidence.is_trained} | found.to_dict())
    else:
        _print(result_console(), run, found, report)
    return (
        FAILED if fail_on is not None and any(_is_as_grave(each, fail_on) for each in found.findings) else 0
    )


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
        print_line(console, "fine", "nothing was found")
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
