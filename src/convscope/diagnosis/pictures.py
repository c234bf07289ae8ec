"""Rules on what a look measured: filters, maps, patches, where it looks, what it wants, how classes lie."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from convscope.diagnosis.finding import Finding
from convscope.inspection.class_evidence.sanity import SanityCheck
from convscope.looking.filters import SeenFilters, SeenTemplates
from convscope.looking.maps import SeenMaps
from convscope.looking.patches import Excitation, Projected
from convscope.looking.plane import SeenPlane
from convscope.looking.subject import Looked
from convscope.looking.wants import SeenWants
from convscope.looking.where import MOST_MISSED, SeenWhere
from convscope.networks.following.receptive_fields import ReceptiveField
from convscope.wording import percent, rounded, some

METHOD_NAMES = {"grad-cam": "Grad-CAM", "layer-cam": "LayerCAM"}
"""How papers write the methods; others are called what they are called."""

_CERTAIN = 1 - 1e-9
"""No answer of a network is worth more."""
_MANY = 0.5
_NOISE = 0.2  # correlation of neighbouring weights
_TRIALS = 400
_RARELY_BY_CHANCE = 0.95


def filters(seen: SeenFilters) -> list[Finding]:
    """How many filters are dead, or nearly like another."""
    found = seen.found
    count, alike, dead = len(found.weights), int((found.twin >= 0).sum()), int(found.dead.sum())
    size = f"{found.weights.shape[2]}×{found.weights.shape[3]}"
    said = f"{some(count, 'filter')} of {size}: {dead} dead, {alike} nearly like another"
    if dead + alike > _MANY * count:
        return [Finding(name="filters", severity="warning", sentence=said)]
    return [Finding(name="filters", severity="note" if dead + alike else "fine", sentence=said)]


def templates(seen: SeenTemplates) -> list[Finding]:
    """Whether the templates have a shape: neighbouring weights are alike in one, and unrelated in noise."""
    across, down = (
        (seen.weights[..., 1:], seen.weights[..., :-1]),
        (seen.weights[..., 1:, :], seen.weights[..., :-1, :]),
    )
    pairs = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in (across, down) if a.size > 1]
    alike = float(np.nan_to_num(np.mean(pairs))) if pairs else 0.0
    said = f"neighbouring weights correlate by {alike:.2f}".replace("-", "−")
    if alike < _NOISE:
        return [Finding(name="templates", severity="warning", sentence=f"{said}: mostly noise")]
    return [Finding(name="templates", severity="note", sentence=f"{said}, where noise has 0")]


def maps(seen: SeenMaps) -> list[Finding]:
    """Which unit answers strongest, and how many are silent."""
    found = seen.found
    count, silent = len(found.maps), int((found.strength <= 0).sum())
    strongest = int(found.order[0])
    size = f"{found.maps.shape[1]}×{found.maps.shape[2]}"
    if silent == count:
        said = f"none of its {some(count, 'unit')} is above zero anywhere; maps of {size}"
        return [Finding(name="maps", severity="warning", sentence=said), *fitted_on([seen.looked])]
    most = float(found.strength[strongest])
    tied = int((found.strength == most).sum())
    said = f"unit {strongest} answers strongest ({rounded(most)}); "
    if tied > 1:
        said = f"{tied} units reach {rounded(most)}, unit {strongest} with the highest mean; "
    said += f"{silent} of {count} are nowhere above zero" if silent else f"all {count} answer somewhere"
    return [
        Finding(name="maps", severity="note", sentence=f"{said}; maps of {size}"),
        *fitted_on([seen.looked]),
    ]


def patches(seen: Excitation) -> list[Finding]:
    """The unit whose patches agree most on a class, where that is more than chance gives."""
    patches = seen.patches
    sees = f"each unit sees {field_words(patches.field)}"
    searched = Finding(
        name="receptive-field", severity="note", sentence=f"{sees}, of {patches.seen:,} training images"
    )
    if not seen.classes.size or _is_small(patches.field):
        return [searched]
    agreeing = [Counter(row).most_common(1)[0] for row in seen.classes.tolist()]
    best = max(range(len(agreeing)), key=lambda place: agreeing[place][1])
    label, count = agreeing[best]
    of_all = seen.classes.shape[1]
    if _agrees_by_chance(seen, [each for _, each in agreeing]):
        said = f"the {of_all} patches of a unit agree on a class no more than chance makes them"
        return [Finding(name="class-units", severity="note", sentence=f"{said}; {sees}")]
    name = seen.class_names[label]
    said = f"unit {patches.units[best]}: {count} of {of_all} patches are from images of '{name}'"
    return [Finding(name="class-units", severity="note", sentence=f"{said}; {sees}")]


def projection(seen: Projected) -> list[Finding]:
    """By which method, and why by no better one."""
    field = field_words(seen.excitation.patches.field)
    said = f"{projection_method(seen)}; each unit sees {field}" + (f"; {seen.reason}" if seen.reason else "")
    return [Finding(name="projection", severity="note", sentence=said)]


def projection_method(seen: Projected) -> str:
    """`deconvnet`, or `guided backpropagation`."""
    return "deconvnet" if seen.projections.method == "deconvnet" else "guided backpropagation"


def where(seen: SeenWhere) -> list[Finding]:
    """What it answers, whether the maps are about the network and add up, and whether the images are new."""
    findings = _given(seen)
    if seen.sanity is not None:
        findings.append(sanity(seen.sanity, METHOD_NAMES.get(seen.methods[0], seen.methods[0])))
    if seen.without_map:
        findings.append(
            Finding(name="no-class-map", severity="note", sentence=f"no class map: {seen.without_map}")
        )
    findings.append(_completeness(seen))
    findings += _beside(seen)
    return [*findings, *fitted_on([case.looked for case in seen.cases])]


def _given(seen: SeenWhere) -> list[Finding]:
    """Its answer to an image that came with the question; of images with a class the rows say it."""
    if not seen.cases or seen.cases[0].looked.label is not None or not seen.class_names:
        return []
    case, share = seen.cases[0], float(seen.outputs[0])
    said = f"{case.looked.name}: {seen.class_names[case.target]}, {percent(min(share, _CERTAIN), 1)}"
    return [Finding(name="answer", severity="note", sentence=f"the answer to {said}")]


def _beside(seen: SeenWhere) -> list[Finding]:
    """A warning where maps are strongest outside the image, in its padding."""
    found = []
    for method, beside in zip(seen.methods, seen.beside, strict=True):
        if beside.any():
            name = METHOD_NAMES.get(method, method)
            said = f"{name} is strongest outside the image, in its padding, in {int(beside.sum())} of "
            said += f"{some(len(beside), 'row')}: the network goes by where the image ends"
            advice = "Train with --fit crop or --fit squash, and compare"
            found.append(Finding(name="looks-beside", severity="warning", sentence=said, advice=advice))
    return found


def sanity(check: SanityCheck, method: str) -> Finding:
    """Whether a method's maps change when the weights are randomised."""
    known = check.rested_on[np.isfinite(check.rested_on)]
    if check.depends is None:
        said = "cannot be told: the maps are the same everywhere once the weights are randomised"
        return Finding(name="map-sanity", severity="note", sentence=f"{method}: {said}")
    evidence = f"rank correlation {known.mean():.2f} with the maps of random weights".replace("-", "−")
    if known.size < check.rested_on.size:
        evidence += f" ({known.size} of {check.rested_on.size}; the others are the same everywhere)"
    if check.depends:
        said = f"{method}: the maps depend on what the network learned"
        return Finding(name="map-sanity", severity="fine", sentence=said, evidence=evidence)
    said = f"{method}: the maps hardly depend on what the network learned"
    advice = "Such a map shows the picture's edges more than reasons: do not read much into it"
    return Finding(name="map-sanity", severity="warning", sentence=said, evidence=evidence, advice=advice)


def _at_most(share: float) -> str:
    """`at most 12 %`, `less than 0.1 %`."""
    said = percent(share)
    return f"less than {said.removeprefix('< ')}" if said.startswith("<") else f"at most {said}"


def is_incomplete(missed: float) -> bool:
    """Whether integrated gradients miss so much of the score that they are not to be believed."""
    return missed > MOST_MISSED


def _completeness(seen: SeenWhere) -> Finding:
    missed = seen.missed
    bad = [share for share in missed.tolist() if is_incomplete(share)]
    if not bad:
        said = f"integrated gradients miss {_at_most(float(missed.max()))} of the score"
        return Finding(name="map-completeness", severity="fine", sentence=said)
    rows = f"in {len(bad)} of {some(len(missed), 'row')}" if len(missed) > 1 else "here"
    most = "more than all" if max(bad) == np.inf else f"up to {percent(max(bad))}"
    said = (
        f"integrated gradients miss {most} of the score {rows}: trust them little there, where they are faded"
    )
    return Finding(name="map-completeness", severity="warning", sentence=said)


def fitted_on(images: Sequence[Looked]) -> list[Finding]:
    """A warning where images are among those that the classifier was fitted on; each counts once."""
    distinct = {image.digest or str(place): image for place, image in enumerate(images)}.values()
    seen, total = sum(image.split == "train" for image in distinct), len(distinct)
    if not seen:
        return []
    who = f"{seen} of {total} are training images"
    if seen == total:
        who = {1: "this is a training image", 2: "both are training images"}.get(
            total, f"all {total} are training images"
        )
    said = f"{who}: what it answers on those says little of new ones"
    return [Finding(name="fitted-on", severity="warning", sentence=said)]


def wants(seen: SeenWants) -> list[Finding]:
    """Whose answer rises most."""
    before, after = seen.found.before, seen.found.after
    best = int((after - before).argmax())
    said = f"{seen.names[best]} rises most: its answer goes from {rounded(float(before[best]))} "
    return [
        Finding(name="wants", severity="note", sentence=said + f"to {rounded(float(after[best]))}"),
    ]


def plane(seen: SeenPlane) -> list[Finding]:
    """How much the plane shows, and whether neighbours are of one class."""
    if seen.is_flat:
        said = f"{seen.layer} is given the same values for all images: nothing tells them apart"
        advice = "Train again with a lower --learning-rate; convscope find-lr proposes one"
        return [Finding(name="all-alike", severity="error", sentence=said, advice=advice)]
    findings = []
    if seen.laid.explained_variance is not None:
        said = f"the plane holds {percent(sum(seen.laid.explained_variance))} of the variance"
        findings.append(Finding(name="plane", severity="note", sentence=said))
    near = seen.neighbours
    if near is None:
        said = "no class has two images here, so who is near whom says nothing of classes"
        return [*findings, Finding(name="neighbours", severity="note", sentence=said)]
    bounds = f"by chance {percent(near.by_chance)}"
    bounds += "" if near.most == 1 else f", at most {percent(near.most)}"
    nearest = "nearest" if near.nearest == 1 else f"{near.nearest} nearest"
    said = f"of an image's {nearest}, {percent(near.share)} are of its own class ({bounds})"
    apart = near.share > near.by_chance
    findings.append(Finding(name="neighbours", severity="note" if apart else "warning", sentence=said))
    if seen.split == "train":
        said = "these are training images: how it keeps those apart says little of new ones"
        findings.append(Finding(name="fitted-on", severity="warning", sentence=said))
    return findings


def field_words(field: ReceptiveField) -> str:
    """`14×14 pixels`, or `the whole image`."""
    is_all = field.size[0] >= field.image_size[0] and field.size[1] >= field.image_size[1]
    if field.stride == (0, 0) or is_all:
        return "the whole image"
    return f"{field.size[0]}×{field.size[1]} pixels"


def _is_small(field: ReceptiveField) -> bool:
    """Whether units see too little of an image for its class to mean anything."""
    return min(field.size[axis] / field.image_size[axis] for axis in (0, 1)) < 1 / 3


def _agrees_by_chance(seen: Excitation, agreeing: Sequence[int]) -> bool:
    """Whether so many patches of each unit (U,) agree on a class as they would if they knew of none.

    Compared with images drawn without regard to their class: neither the best unit nor the mean over the
    units may be rarer than one draw in twenty.
    """
    random = np.random.default_rng(0)
    units, count = seen.classes.shape
    counts = np.asarray(seen.class_counts, dtype=np.int64)
    drawn = random.multivariate_hypergeometric(counts, min(count, int(counts.sum())), size=(_TRIALS, units))
    by_chance = drawn.max(axis=2)  # (trials, units)
    best, mean = np.quantile([by_chance.max(axis=1), by_chance.mean(axis=1)], _RARELY_BY_CHANCE, axis=1)
    return bool(max(agreeing) <= best and np.mean(agreeing) <= mean)
