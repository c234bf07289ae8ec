"""All rules of a diagnosis, causes before what follows from them."""

from convscope.diagnosis.evidence import Evidence
from convscope.diagnosis.rule import Diagnosis, Rule, diagnose
from convscope.diagnosis.rules.collapse import collapse
from convscope.diagnosis.rules.confidence import calibrated, saturated
from convscope.diagnosis.rules.curves import curves
from convscope.diagnosis.rules.ending import ended
from convscope.diagnosis.rules.files import told_by_file
from convscope.diagnosis.rules.gradients import gradients
from convscope.diagnosis.rules.groups import failing_groups
from convscope.diagnosis.rules.labels import random_labels, wrong_labels
from convscope.diagnosis.rules.limits import bias_and_variance
from convscope.diagnosis.rules.shift import leaks, shift, unlike_training
from convscope.diagnosis.rules.shortcuts import shortcuts
from convscope.diagnosis.rules.start import signal, start_loss, step_size
from convscope.diagnosis.rules.statistics import batch_statistics, preprocessed
from convscope.diagnosis.rules.units import dead_layers
from convscope.diagnosis.rules.way import way

DATA = (
    Rule(
        name="leak",
        source="Barz and Denzler 2020",
        needs=("shared", "neighbours"),
        judge=leaks,
    ),
    Rule(
        name="file",
        source="Torralba and Efros 2011; Lopez-Paz and Oquab 2017",
        needs=("by_file", "plain_labels"),
        judge=told_by_file,
    ),
    Rule(
        name="shift",
        source="Lopez-Paz and Oquab 2017",
        needs=("told_apart",),
        judge=shift,
    ),
)
"""They ask the images, whatever was learned from them."""

NETWORK = (
    Rule(
        name="signal",
        source="Glorot and Bengio 2010; He et al. 2015",
        needs=("start", "config.network"),
        judge=signal,
    ),
    Rule(
        name="gradients",
        source="Glorot and Bengio 2010",
        needs=("start", "config.network"),
        judge=gradients,
    ),
    Rule(
        name="start",
        source="Karpathy 2019",
        needs=("start", "class_names", "config.network"),
        judge=start_loss,
    ),
    Rule(name="step", source="Karpathy 2019", needs=("start", "config.training"), judge=step_size),
)
"""They ask the network before its first step."""

TRAINED = (
    Rule(name="ending", source="what the run holds", needs=("ending",), judge=ended),
    Rule(
        name="preprocessing",
        source="Ioffe and Szegedy 2015",
        needs=("classifier.preprocessing", "learned_by"),
        judge=preprocessed,
    ),
    Rule(
        name="statistics",
        source="Ioffe and Szegedy 2015",
        needs=("by_running_statistics", "by_batch_statistics"),
        judge=batch_statistics,
    ),
    Rule(
        name="labels-meaning",
        source="Zhang et al. 2017",
        needs=("classified", "plain_labels"),
        judge=random_labels,
    ),
    Rule(name="units", source="Lu et al. 2019", needs=("dead", "config.network"), judge=dead_layers),
    Rule(name="rate", source="Karpathy 2019", needs=("moved", "classified_sample"), judge=way),
    Rule(name="labels", source="Northcutt et al. 2021", needs=("classified",), judge=wrong_labels),
    Rule(name="groups", source="Chung et al. 2019", needs=("classified", "looks"), judge=failing_groups),
    Rule(
        name="shortcuts",
        source="Geirhos et al. 2020",
        needs=("by_running_statistics", "covered"),
        judge=shortcuts,
    ),
    Rule(name="answers", source="the binomial distribution", needs=("held_out",), judge=collapse),
    Rule(
        name="limits",
        source="Ng 2018",
        needs=("learned", "classified", "pretraining"),
        judge=bias_and_variance,
    ),
    Rule(
        name="curves",
        source="Godbole et al. 2023",
        needs=("records", "validation_images"),
        judge=curves,
    ),
    Rule(
        name="saturation",
        source="Goodfellow et al. 2016",
        needs=("classified", "config.network"),
        judge=saturated,
    ),
    Rule(name="confidence", source="Guo et al. 2017", needs=("classified",), judge=calibrated),
    Rule(name="unlike", source="Sun et al. 2022; Vovk 2012", needs=("tested",), judge=unlike_training),
)
"""They ask what came of training."""

RULES = (*DATA, *NETWORK, *TRAINED)

_OF_ANSWERS = ("ending", "labels", "answers", "curves", "limits", "saturation", "confidence")
"""They ask what a run keeps: records and answers."""
_OF_A_FEW_PASSES = ("signal", "gradients", "start", "step", "labels-meaning", "rate")
"""Of small images, these take a fraction of a second in all."""
_SMALL = 64


def diagnose_evidence(evidence: Evidence) -> Diagnosis:
    """What all rules say of a run, or of a network that took no step."""
    return diagnose(RULES, evidence)


def diagnose_briefly(evidence: Evidence) -> Diagnosis:
    """What the rules say that are answered at once: how a training ends. The others are not mentioned."""
    is_small = max(evidence.classifier.preprocessing.size) <= _SMALL
    asked = {*_OF_ANSWERS, *(_OF_A_FEW_PASSES if is_small else ())}
    return diagnose([rule for rule in RULES if rule.name in asked], evidence)
