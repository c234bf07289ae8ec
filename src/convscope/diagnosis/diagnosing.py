"""All rules of a diagnosis, causes before what follows from them."""

from convscope.diagnosis.evidence import Evidence
from convscope.diagnosis.rule import Diagnosis, Rule, diagnose
from convscope.diagnosis.rules.collapse import collapse
from convscope.diagnosis.rules.limits import bias_and_variance
from convscope.diagnosis.rules.start import signal, start_loss, step_size

RULES = (
    Rule(
        name="signal",
        source="Glorot and Bengio 2010; He et al. 2015",
        needs=("start", "network"),
        judge=signal,
    ),
    Rule(
        name="start",
        source="Karpathy, A recipe for training neural networks, 2019",
        needs=("start", "class_names"),
        judge=start_loss,
    ),
    Rule(
        name="rate",
        source="Karpathy, A recipe for training neural networks, 2019",
        needs=("start", "training"),
        judge=step_size,
    ),
    Rule(
        name="answers",
        source="the binomial distribution",
        needs=("held_out",),
        judge=collapse,
    ),
    Rule(
        name="limits",
        source="Ng, Machine learning yearning, 2018",
        needs=("classified_sample", "classified"),
        judge=bias_and_variance,
    ),
)


def diagnose_evidence(evidence: Evidence) -> Diagnosis:
    """What all rules say of a run, or of a network that took no step."""
    return diagnose(RULES, evidence)
