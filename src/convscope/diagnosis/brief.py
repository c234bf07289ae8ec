"""How a training ends: what is said in a second."""

from pathlib import Path

from convscope.diagnosis.diagnosing import diagnose_briefly
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.of_run import findings_of_run, is_untrained
from convscope.diagnosis.opening import evidence_of_run
from convscope.runs.folder import Run


def brief_findings(path: Path) -> tuple[list[Finding], int]:
    """How a training ends: what its figures have to be read with, then what the quick rules say.

    Returns:
        The findings, and how many rules were asked.

    Raises:
        RunError: when there is no run, or what it kept cannot be read.
    """
    facts = findings_of_run(path)
    if is_untrained(Run.open(path)):
        return facts, 0
    brief = diagnose_briefly(evidence_of_run(path))
    known = {finding.name for finding in facts}
    more = [finding for finding in brief.findings if finding.name not in known]
    kinds = {finding.kind for finding in brief.findings}
    return [*facts, *more], len(kinds) + len(brief.passed)
