"""Do the units of every layer fire?"""

from collections.abc import Sequence

from convscope.config.asked import NetworkConfig
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.starting import can_be_normalised
from convscope.inspection.signals.dead_units import DeadUnits
from convscope.wording import percent, some

_MOST = 0.9


def dead_layers(layers: Sequence[DeadUnits], network: NetworkConfig) -> Verdict:
    """Whether a whole layer is silent, or nearly.

    Lu et al., "Dying ReLU and initialization" (2019): a rectifier that is negative for every image has no
    slope, and never comes back. A unit that is silent on n images fires on fewer than 3 / n of all, with 95 %
    confidence.
    """
    if not layers:
        raise AbsentError("the network has no rectifier: nothing can die")
    worst = max(layers, key=lambda each: each.share)
    said = f"{int(worst.dead.sum()):,} of {some(len(worst.dead), 'unit')} of {worst.layer} never fire"
    fine = f"at most {percent(worst.share)} of a layer's units never fire on {some(worst.images, 'image')}"
    if worst.share < _MOST:
        return Verdict(fine=fine)
    is_all = bool(worst.dead.all())
    normalised = ", or with --batch-norm, which keeps units alive" if can_be_normalised(network) else ""
    finding = Finding(
        name="dead-layer",
        severity="error" if is_all else "warning",
        sentence=f"the layer {worst.layer} is {'dead' if is_all else 'nearly dead'}",
        evidence=f"{said} on {some(worst.images, 'training image')}",
        advice=f"Train again with a lower --learning-rate{normalised}",
        p=0.0,
    )
    return Verdict(findings=(finding,), fine="")
