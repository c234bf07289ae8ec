"""Training a run again with labels corrected: its head alone where it has one, or by the command it had."""

from collections.abc import Sequence
from pathlib import Path

from convscope.runs.checkpoint_names import HEAD, read_names
from convscope.runs.folder import ENVIRONMENT, Run
from convscope.wording import command

REFIT = "refit.json"
"""What a run whose head was fitted again keeps of it: its parent's name, and what came of the corrections."""
OUT_OF_SAMPLE = "out-of-sample"
"""Under this name a run keeps answers to all its images, each by a head that was not fitted on it."""
LEFT_OUT = ("--name", "--runs", "--corrections", "--seeds", "--json", "--source")
"""Flags of a command that do not belong to another training."""


def is_refittable(run: Run) -> bool:
    """Whether a run is finished, has a head that was fitted exactly, and tells classes apart."""
    is_finished = run.summary() is not None
    return (
        is_finished and HEAD in read_names(run.checkpoint_folder) and run.config.data.task == "classification"
    )


def train_again(run: Run, corrections: Path) -> str:
    """The command that trains a run again with corrected labels: its own, with the table."""
    environment = run.read(ENVIRONMENT) if run.has(ENVIRONMENT) else {}
    words = [str(word) for word in environment.get("command") or ()]
    if len(words) > 2 and words[1] == "train" and Path(words[0]).name == "convscope":
        kept = _without_flags(words[2:])
    else:
        config = run.config
        kept = [config.data.source, "--network", config.network.name, "--seed", str(config.seed)]
        kept += ["--folds", str(config.data.folds)] if config.data.folds else []
    return command("convscope", "train", *kept, "--corrections", corrections)


def _without_flags(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    takes_value = False
    for word in words:
        if takes_value and not word.startswith("--"):
            takes_value = False
            continue
        flag = word.partition("=")[0]
        takes_value = flag in LEFT_OUT and flag != "--json" and "=" not in word
        if flag not in LEFT_OUT:
            kept.append(word)
    return kept
