"""What an audit says, line by line: a label, what is so, and why where that has to be said."""

from collections.abc import Sequence

from convscope.data.auditing.audit import Audit
from convscope.data.quarantine import NO_LABEL
from convscope.wording import listed, percent, some

SHOWN = 8
"""Images of one kind that are named; of the others there is the number."""

MOST_CLASSES = 12
Line = tuple[str, str]


def audit_lines(found: Audit) -> list[Line]:
    """The whole of an audit, as the screen and `print` show it; a line that goes on has no label."""
    return [*_contents(found), *_faults(found)]


def _contents(found: Audit) -> list[Line]:
    survey = found.survey
    number = some(len(found.classes), "class", "classes")
    shape = f"{number}: {_counts(found)}" if found.classes else "numbers to predict"
    given = " · ".join(f"{name} {n:,}" for name, n in survey.split_counts.items())
    width, height = survey.median_size
    sizes = len(set(survey.sizes))
    size = f"{width}×{height} px" if sizes == 1 else f"{sizes:,} sizes, typically {width}×{height} px"
    kinds = " · ".join(f"{name} {n:,}" for name, n in (survey.formats or survey.modes).items())
    looked_at = "" if survey.probed == survey.count else f"    of {survey.probed:,} files looked at"
    lines = [
        (survey.name, f"{some(found.images, 'image')}, {shape}"),
        ("splits", given or "none given: train makes them, by content and seed"),
        ("size", size),
        ("kind", kinds + looked_at),
    ]
    if found.cropped_away > 0.005:
        share = percent(found.cropped_away, 0)
        lines.append(("crop", f"a square centre crop cuts {share} of the typical image away"))
    uneven = f"the largest class has {found.imbalance:.1f} times the images of the smallest"
    said = [("series", found.series.said)] if found.series.groups else []
    return [*lines, ("balance", uneven), *said, *(("note", note) for note in found.notes)]


def _faults(found: Audit) -> list[Line]:
    broken = [f"{entry.path}: {entry.reason}" for entry in found.quarantined if entry.reason != NO_LABEL]
    unlabelled = [entry.path for entry in found.quarantined if entry.reason == NO_LABEL]
    copies = [
        f"{' = '.join(entry.paths)}{'' if entry.exact else '  (nearly)'}"
        for entry in found.duplicates
        if not entry.leaks and not entry.disagrees
    ]
    leaks = [
        " = ".join(f"{split}: {path}" for path, split in zip(e.paths, e.splits, strict=True))
        for e in found.leaks
    ]
    conflicts = [" = ".join(entry.paths) for entry in found.conflicts]
    missing = _missing(found)
    faint = [f"{entry.path}: {entry.reason}" for entry in found.faint]
    odd = [f"{entry.path}: {entry.reason}" for entry in found.outliers]
    kinds = (
        ("broken", broken),
        ("no label", unlabelled),
        ("leaks", leaks),
        ("conflicts", conflicts),
        ("copies", copies),
        ("missing", missing),
        ("faint", faint),
        ("odd", odd),
    )
    lines = [line for label, named in kinds for line in _some(label, named)]
    if not (broken or leaks or conflicts or copies or missing or faint):
        lines.append(("findings", "none: no broken file, no copy, no leak between splits"))
    if found.classes:
        lines.append(
            ("labels", "not judged without a network: convscope diagnose RUN lists those worth a look")
        )
    return lines


def _missing(found: Audit) -> list[str]:
    missing = [f"{split} has no image of {listed(names)}" for split, names in found.missing.items()]
    missing += [f"no image of {entry.name}: train would refuse" for entry in found.classes if not entry.count]
    return missing + ["a second class: a classifier needs two or more"] * (len(found.classes) == 1)


def _some(label: str, named: Sequence[str]) -> list[Line]:
    lines = [(f"{label} {len(named):,}" if n == 0 else "", name) for n, name in enumerate(named[:SHOWN])]
    more = len(named) - SHOWN
    return lines + [("", f"and {more:,} more; all of them: --json")] * (more > 0)


def _counts(found: Audit) -> str:
    shown = [f"{entry.name} {entry.count:,}" for entry in found.classes[:MOST_CLASSES]]
    return " · ".join(shown) + (" · …" if len(found.classes) > MOST_CLASSES else "")
