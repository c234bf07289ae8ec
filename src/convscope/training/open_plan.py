"""An experiment that is being planned: what is still open, and what was chosen so far."""

from dataclasses import dataclass, field
from typing import Any

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.survey import Survey
from convscope.networks.pretrained import is_pretrained
from convscope.training.progress import Choice


@dataclass
class OpenPlan:
    """A configuration that fills up."""

    config: ExperimentConfig
    survey: Survey
    choices: list[Choice] = field(default_factory=list)

    def fill(self, values: dict[str, Any]) -> None:
        """Set the fields that are still open."""
        open_fields = {name: value for name, value in values.items() if self._get(name) is None}
        self.config = override(self.config, open_fields)

    def replace(self, values: dict[str, Any]) -> None:
        """Set fields whatever they were."""
        self.config = override(self.config, values)

    @property
    def is_pretrained(self) -> bool:
        """Whether the chosen network starts from trained weights."""
        return is_pretrained(str(self.config.network.name))

    @property
    def fits_head_alone(self) -> bool:
        """Whether no optimizer step follows the exact fit of a pretrained network's head."""
        training = self.config.training
        return self.is_pretrained and bool(training.frozen) and training.length is None

    def explain(self, what: str, value: str, reason: str = "") -> None:
        """Tell whoever watches."""
        self.choices.append(Choice(what, value, reason))

    def _get(self, dotted: str) -> Any:
        value: Any = self.config
        for part in dotted.split("."):
            value = getattr(value, part)
        return value
