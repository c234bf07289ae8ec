"""Rules on data before anything is trained on them: what stops training, what spoils its figures."""

from collections.abc import Sequence

from convscope.data.auditing.audit import Audit
from convscope.data.quarantine import MOST_BROKEN, NO_LABEL
from convscope.diagnosis.finding import Finding, gravest_first
from convscope.wording import command, percent, quoted, shown, some, some_do

_UNEVEN = 10.0
"""So many times the images of the smallest class make the largest drown it."""


def audited(found: Audit) -> list[Finding]:
    """All findings on a source, the gravest first: an error is one after which not to train."""
    return gravest_first(
        [
            *_broken(found),
            *_unlabelled(found),
            *_leaks(found),
            *_conflicts(found),
            *_classes(found),
            *_copies(found),
            *_faint(found),
            *_odd(found),
            *_uneven(found),
        ]
    )


def next_step(findings: Sequence[Finding], source: str, flags: Sequence[str] = ()) -> str:
    """What to do after an audit: train, or first mend what would stop training or make its figures untrue."""
    grave = [finding for finding in findings if finding.severity == "error"]
    if not grave:
        return command("convscope", "train", source, *flags)
    return f"{grave[0].advice}; then: {command('convscope', 'data', source, *flags)}"


def _broken(found: Audit) -> list[Finding]:
    broken = [entry for entry in found.quarantined if entry.reason != NO_LABEL]
    if not broken:
        return []
    total = sum(entry.count for entry in found.classes) + len(found.quarantined)
    is_refused = bool(found.classes) and len(broken) > MOST_BROKEN * total
    said = f"{some(len(broken), 'file')} cannot be used"
    if not is_refused:
        return [Finding(name="broken", severity="warning", sentence=said, evidence=_first(broken[0].path))]
    return [
        Finding(
            name="broken",
            severity="error",
            sentence=f"{said}, {percent(len(broken) / total)} of all: train refuses more than 5 %",
            evidence=_first(broken[0].path),
            advice="Mend or remove the broken files, or train with --allow-broken",
        )
    ]


def _unlabelled(found: Audit) -> list[Finding]:
    count = sum(entry.reason == NO_LABEL for entry in found.quarantined)
    if not count:
        return []
    said = f"{some(count, 'image')} without a label {'stays' if count == 1 else 'stay'} out"
    return [Finding(name="unlabelled", severity="note", sentence=said)]


def _leaks(found: Audit) -> list[Finding]:
    if not found.leaks:
        return []
    count = len(found.leaks)
    return [
        Finding(
            name="leaks",
            severity="error",
            sentence=f"{some_do(count, 'image', 'stands')} in two splits: "
            "figures on the test images would flatter",
            evidence=_first(" = ".join(found.leaks[0].paths)),
            advice="Take such images out of the training split",
        )
    ]


def _conflicts(found: Audit) -> list[Finding]:
    if not found.conflicts:
        return []
    count = len(found.conflicts)
    said = f"{some_do(count, 'image', 'stands')} in two classes: one label is wrong"
    evidence = _first(" = ".join(found.conflicts[0].paths))
    return [Finding(name="conflicts", severity="warning", sentence=said, evidence=evidence)]


def _classes(found: Audit) -> list[Finding]:
    findings = []
    empty = [entry.name for entry in found.classes if not entry.count]
    if empty:
        findings.append(
            Finding(
                name="empty-class",
                severity="error",
                sentence=f"no image that can be used in {quoted(empty)}: train refuses that",
                advice="Add images to it, or remove it",
            )
        )
    if len(found.classes) == 1:
        findings.append(
            Finding(
                name="one-class",
                severity="error",
                sentence=f"one class only, {quoted([found.classes[0].name])}; a classifier needs two",
                advice="Add a folder, or a label, for each other class",
            )
        )
    for split, names in found.missing.items():
        said = f"{split} has no image of {quoted(names)}"
        findings.append(Finding(name="missing-class", severity="warning", sentence=said))
    return findings


def _copies(found: Audit) -> list[Finding]:
    copies = [entry for entry in found.duplicates if not entry.leaks and not entry.disagrees]
    if not copies:
        return []
    said = f"{some(len(copies), 'image')} with copies or near-copies; train keeps them on one side of a split"
    return [Finding(name="copies", severity="note", sentence=said)]


def _faint(found: Audit) -> list[Finding]:
    if not found.faint:
        return []
    count, first = len(found.faint), found.faint[0]
    return [
        Finding(
            name="faint",
            severity="warning",
            sentence=f"{some_do(count, 'image', 'shows')} hardly anything as read",
            evidence=_first(f"{first.path}, {first.reason}"),
            advice="Look at them; leave out what shows nothing",
        )
    ]


def _odd(found: Audit) -> list[Finding]:
    if not found.outliers:
        return []
    first = found.outliers[0]
    said = f"{some(len(found.outliers), 'image')} unlike the others"
    evidence = _first(f"{first.path}, {first.reason}")
    return [Finding(name="odd", severity="note", sentence=said, evidence=evidence)]


def _uneven(found: Audit) -> list[Finding]:
    if found.imbalance < _UNEVEN:
        return []
    said = f"the largest class has {found.imbalance:.0f} times the images of the smallest"
    advice = "Train with --balance sampling if the small ones matter as much"
    return [Finding(name="uneven", severity="note", sentence=said, advice=advice)]


def _first(what: str) -> str:
    return f"first {shown(what)}"
