"""An experiment before its first step, for a diagnosis in seconds."""

from convscope.config.asked import ExperimentConfig
from convscope.data.sources import open_source
from convscope.data.survey import survey_source
from convscope.diagnosis.evidence import Evidence
from convscope.training.device import use_device
from convscope.training.plan import plan_experiment
from convscope.training.preparation import load_planned, prepare
from convscope.training.progress import Silent


def evidence_of_experiment(config: ExperimentConfig) -> Evidence:
    """The network that `config` describes as it would start, with its data; what is open is chosen.

    Raises:
        UsageError, DataError: as training would.
    """
    source = open_source(config.data)
    planned = plan_experiment(config, survey_source(source, config.data.max_pixels)).config
    dataset = load_planned(planned, source)
    job = prepare(planned, dataset, use_device(planned.training), Silent())
    return Evidence(config=planned, classifier=job.classifier, is_trained=False, load=lambda: dataset)
