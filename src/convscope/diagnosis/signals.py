"""Rules on the values inside a network: whether they live on their way, and while it learns."""

import math

from convscope.diagnosis.finding import Finding, Severity
from convscope.inspection.signals.running_histogram import ValueHistogram
from convscope.looking.signals import Drift, Signals
from convscope.wording import percent, rounded, some

_MANY_DEAD = 0.5
_OUT_OF_SIZE = 1000.0  # times larger or smaller at the end than at the start
_AT_THE_START = "Whether it began so, and which start keeps their size, says: convscope diagnose"


def values(signals: Signals) -> list[Finding]:
    """Whether units die, and where values are no numbers."""
    return [*_not_finite(signals), _dead(signals)]


def signal(signals: Signals) -> list[Finding]:
    """Whether the values keep their size from the first layer to the answer."""
    found = signals.histograms
    answer = "logits" if signals.has_classes else "answer"
    lost = next((each for each in (*found.layers, found.logits) if not _is_alive(each)), None)
    if lost is not None:
        broken = lost.non_finite > 0 or not math.isfinite(lost.std)
        return [
            Finding(
                name="signal-lost",
                severity="error",
                sentence=f"the signal is lost in {lost.name}",
                evidence="values there are not finite"
                if broken
                else "its values are the same for all images",
                advice=f"Train with a lower --learning-rate. {_AT_THE_START}",
            )
        ]
    last = found.logits.std
    if not found.layers:
        said = (
            f"no layer lies between the image and the {answer}, whose standard deviation is {rounded(last)}"
        )
        return [Finding(name="signal", severity="fine", sentence=said)]
    first, growth = found.layers[0].std, found.growth
    said = f"standard deviation {rounded(first)} in the first layer, {rounded(last)} in the {answer}"
    said += "" if growth is None else f": ×{growth:.2f} a layer"
    if last > _OUT_OF_SIZE * first:
        return [_out_of_size("explode", said)]
    if last * _OUT_OF_SIZE < first:
        return [_out_of_size("vanish", said)]
    return [Finding(name="signal", severity="fine", sentence=said)]


def drift(found: Drift) -> list[Finding]:
    """Which layer's values moved most while the network learned."""
    lines = {name: line for name, line in found.deviations.items() if line}
    moved = {name: _factor(line[0], line[-1]) for name, line in lines.items()}
    comparable = {name: factor for name, factor in moved.items() if factor is not None}
    # What starts at 0 and ends alive was not lost: the heads of some networks start so on purpose.
    lost = [name for name, line in lines.items() if not (0 <= line[0] < math.inf and 0 < line[-1] < math.inf)]
    findings = []
    if lost:
        said = f"{', '.join(lost)}: all values alike at its last record, or not finite"
        findings.append(Finding(name="signal-lost", severity="warning", sentence=said))
    if comparable:
        name = max(comparable, key=lambda each: comparable[each])
        line = found.deviations[name]
        said = f"{name} moves most: standard deviation {rounded(line[0])} at step {found.steps[0]:,}, "
        said += f"{rounded(line[-1])} at step {found.steps[-1]:,}"
        findings.append(Finding(name="drift", severity="note", sentence=said))
    return findings


def _not_finite(signals: Signals) -> list[Finding]:
    found = (*signals.histograms.layers, signals.histograms.logits)
    broken = next((each for each in found if each.non_finite), None)
    if broken is None:
        return []
    said = f"{some(broken.non_finite, 'value')} of {broken.name} are not finite"
    return [Finding(name="not-finite", severity="error", sentence=said)]


def _dead(signals: Signals) -> Finding:
    layers = signals.histograms.layers
    zeros = {each.name: each.zero_share for each in layers if each.zero_share is not None}
    if not layers:
        said = "it has no non-linearity: nothing can die"
        return Finding(name="dead-units", severity="fine", sentence=said)
    if not zeros:
        said = (
            f"no rectifier among its {some(len(layers), 'non-linearity', 'non-linearities')}: nothing can die"
        )
        return Finding(name="dead-units", severity="fine", sentence=said)
    units = sum(len(each.dead) for each in signals.dead.values())
    dead = sum(int(each.dead.sum()) for each in signals.dead.values())
    most = max(zeros, key=lambda name: zeros[name])
    severity: Severity = "warning" if dead > _MANY_DEAD * units else "note" if dead else "fine"
    said = f"{dead:,} of {units:,} units never fire on {some(signals.images, 'image')}"
    said += f"; most zeros behind {most}: {percent(zeros[most])}"
    advice = "A lower --learning-rate keeps more of them alive" if severity == "warning" else ""
    return Finding(name="dead-units", severity=severity, sentence=said, advice=advice)


def _is_alive(found: ValueHistogram) -> bool:
    return not found.non_finite and 0 < found.std < math.inf


def _out_of_size(what: str, evidence: str) -> Finding:
    return Finding(
        name="signal-size",
        severity="warning",
        sentence=f"the values {what} on their way",
        evidence=evidence,
        advice=_AT_THE_START,
    )


def _factor(first: float, last: float) -> float | None:
    """How far apart two deviations are, as |log| of their ratio; None where either is 0 or not finite."""
    if not (0 < first < math.inf and 0 < last < math.inf):
        return None
    return abs(math.log(last / first))
