"""One fit, from the first step to the last: the head of a pretrained network, the steps, and what is kept."""

import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from convscope.config.length import TimeBudget
from convscope.errors import RunError
from convscope.runs.checkpoint_names import FINAL, HEAD, LAST
from convscope.runs.checkpoints import find_checkpoint, list_checkpoints, name_checkpoint, set_damaged_aside
from convscope.runs.folder import DESCRIPTION, SUMMARY, Run
from convscope.runs.records import truncate_records
from convscope.training.fine_tuning.blending import has_fitted_head, save_earlier
from convscope.training.fine_tuning.stages import MOST_EPOCHS, soften_head
from convscope.training.loop import Loop
from convscope.training.objective import Figures
from convscope.training.outcome.keeping import choose_kept
from convscope.training.outcome.manifest import write_dataset
from convscope.training.pacing.budget import Budget
from convscope.training.pacing.pace import first_timetable
from convscope.training.pacing.timetable import Timetable
from convscope.training.preparation import (
    Job,
    build_state,
    fit_head_first,
    has_time_for_mirrors,
    steps_asked,
)
from convscope.training.progress import Choice
from convscope.wording import percent, rounded, some


@dataclass(frozen=True)
class Fitted:
    """What came of a fit.

    Attributes:
        steps, epochs: taken; `best_step` is the one of the best validation.
        seconds: of training, the head's fit included; measuring and saving are not.
        earlier: those of them that were spent before the run went on.
        kept: the checkpoint that the classifier is: `last`, `best`, or a pretrained network's fitted `head`
            or `blend`.
        why: in a few words.
        stopped_early: whether early stopping ended it.
        measured: validation figures `untrained`, of the fitted `head`, of the `last` step, and of the `blend`
            of both.
    """

    steps: int
    epochs: float
    best_step: int | None
    seconds: float
    earlier: float
    kept: str
    why: str
    stopped_early: bool
    measured: dict[str, Figures]

    def to_dict(self) -> dict[str, Any]:
        """For `summary.json`."""
        return {
            "steps": self.steps,
            "epochs": self.epochs,
            "best_step": self.best_step,
            "kept": {"checkpoint": self.kept, "why": self.why},
            "stopped_early": self.stopped_early,
            "measured": {name: asdict(figures) for name, figures in self.measured.items()},
        }


def fit(
    run: Run,
    job: Job,
    *,
    deadline: float | None = None,
    from_folds: tuple[str, str] | None = None,
    mirrors: bool | None = None,
) -> Fitted:
    """Take all steps that are left, and name the checkpoint that is kept `final`.

    Args:
        run: where everything is written; what it holds already is gone on with.
        job: what to fit.
        deadline: when the steps of a time budget must be over, on `time.perf_counter`.
        from_folds: which candidate did best in the folds, and on what evidence.
        mirrors: whether there is time for mirror images; None sees for itself.

    Raises:
        DivergedError, InterruptedTrainingError, RunError: as `Loop.train`.
    """
    run.write(DESCRIPTION, job.classifier.description())
    write_dataset(run, job.dataset, job.classifier.preprocessing)
    loop = _loop_where_it_stands(run, job)
    earlier = loop.state.seconds
    if run.has(SUMMARY) and loop.state.step < loop.timetable.total and not loop.has_stopped_early():
        _go_on_beyond_its_end(loop)
    if loop.has_stopped_early():
        value = f"at step {loop.state.step:,}, early"
        reason = f"the best validation was after step {loop.state.best_step:,}: nothing is left to do"
        job.progress.on_choice(Choice("stopped", value, reason))
    try:
        if job.is_pretrained and loop.seen is None:
            _start_from_head(loop, deadline, mirrors)
        if (budget := _open_budget(loop)) is not None:
            _plan(loop, budget, deadline)
        job.progress.on_start(str(run.path), loop.state.step, loop.timetable.total)
        loop.train()
    finally:
        job.progress.on_end()
    kept, why = choose_kept(loop, from_folds)
    name_checkpoint(run.checkpoint_folder, FINAL, find_checkpoint(run.checkpoint_folder, kept))
    state = loop.state
    return Fitted(
        steps=state.step,
        epochs=round(state.step / loop.steps_per_epoch, 4),
        best_step=state.best_step,
        seconds=state.seconds,
        earlier=earlier,
        kept=kept,
        why=why,
        stopped_early=loop.has_stopped_early(),
        measured=dict(state.measured),
    )


def _loop_where_it_stands(run: Run, job: Job) -> Loop:
    """The loop at the last checkpoint, if there is one after a step; records after it are forgotten."""
    state = build_state(job)
    damaged = set_damaged_aside(run.checkpoint_folder)
    whole = list_checkpoints(run.checkpoint_folder)
    for name, why in damaged.items():
        then = (
            "training goes on from the one before"
            if whole
            else "there is none before it: training begins again"
        )
        job.progress.on_choice(Choice("checkpoint", f"{name} cannot be read", f"{then}; {why}"))
    newest = run.checkpoint() if whole else None
    if newest is not None and newest.step > 0:
        state.restore(newest)
    seen = state.step or None
    for path in (run.metrics_path, run.histograms_path):
        truncate_records(path, -1 if seen is None else state.step)
    asked = steps_asked(job)
    if asked is not None:
        state.timetable = None  # it had a time budget before, and has a number of steps now
    timetable = state.timetable or Timetable.of(asked or 0)
    return Loop(run, job, state, timetable, seen=seen, saved=seen)


def _go_on_beyond_its_end(loop: Loop) -> None:
    """Open a finished run again, and tell what becomes of its schedule and of what it kept."""
    run, training, total = loop.run, loop.step.config, loop.timetable.total
    reason = f"at a rate of {loop.learning_rate():.2g}"
    if training.schedule != "constant":
        reason = f"the schedule is drawn anew over all {some(total, 'step')}: they go on at a rate of"
        reason += f" {loop.learning_rate():.2g}, of {training.learning_rate:.2g} at its highest"
    if loop.job.is_pretrained and has_fitted_head(run.checkpoint_folder):
        with suppress(RunError):  # what was kept is lost, and the last step to go on from is not
            save_earlier(run.checkpoint_folder)
            reason += "; what it keeps now stays a candidate"
    if figures := _figures_of_end(run):
        said = f"as it ended after {some(loop.state.step, 'step')}"
        loop.job.progress.on_choice(Choice("before", figures, said))
    run.reopen()
    more = some(total - loop.state.step, "more step")
    loop.job.progress.on_choice(Choice("length", more, reason))


def _figures_of_end(run: Run) -> str:
    """`validation 89.3 % · test 85.7 %`; nothing where its summary cannot be read, which is made anew."""
    with suppress(RunError, KeyError, TypeError):
        ended = run.read(SUMMARY)
        splits = [split for split in ("validation", "test") if ended.get(split)]
        return " · ".join(f"{split} {_figure(ended[split])}" for split in splits)
    return ""


def _figure(evaluation: dict[str, Any]) -> str:
    from convscope.training.folding.folds import score_of  # with what no first step waits for

    figure, value = score_of(evaluation)
    return percent(value, 1) if figure == "accuracy" else f"mean absolute error {rounded(value)}"


def _open_budget(loop: Loop) -> TimeBudget | None:
    """The time budget, where it is to be planned still."""
    length = loop.job.config.training.length
    return length if isinstance(length, TimeBudget) and loop.state.timetable is None else None


def _start_from_head(loop: Loop, deadline: float | None, mirrors: bool | None) -> None:
    """Measure the network as it is, fit its head, measure, save and tell that, and make it ready to go on."""
    job, state = loop.job, loop.state
    untrained = loop.measure(head_alone=True).get("validation")
    if mirrors is None:
        mirrors = has_time_for_mirrors(job, job.dataset.train.images, deadline)
    begun = time.perf_counter()
    fit_head_first(job, mirror=mirrors)
    if state.average is not None:
        state.average.start_from(state.network)
    state.seconds = time.perf_counter() - begun
    head = loop.measure(head_alone=True).get("validation")
    if untrained is not None and head is not None:
        state.measured |= {"untrained": untrained, HEAD: head, LAST: head}
    if job.config.training.record_histograms is not None:
        loop.record_histograms()
    loop.save()  # stopping from here on leaves a classifier that can be used
    name_checkpoint(loop.run.checkpoint_folder, HEAD, find_checkpoint(loop.run.checkpoint_folder, "0"))
    loop.seen = 0
    follows = loop.timetable.total > 0 or _open_budget(loop) is not None
    if head is not None and head.accuracy is not None:
        reason = f"fitted after {state.seconds:.0f} s and usable"
        reason += "" if mirrors else "; without mirror images, for which there is no time"
        more = "; the later stages follow" if follows and not job.config.training.frozen else ""
        job.progress.on_choice(Choice("head", f"validation {percent(head.accuracy, 1)}", reason + more))
    if follows and not job.config.training.frozen:
        soften_head(state.network, job.config.training.head_scale)


def _plan(loop: Loop, budget: TimeBudget, deadline: float | None) -> None:
    """Give the loop the steps that its time budget holds."""
    tuned = loop.job.is_pretrained
    most = MOST_EPOCHS * loop.steps_per_epoch if tuned else None
    loop.budget = Budget(time.perf_counter() + budget.seconds if deadline is None else deadline, most)
    loop.timetable = first_timetable(loop, loop.budget, fewest=0 if tuned else 1)
    loop.state.timetable = loop.timetable
    value = f"about {some(loop.timetable.total, 'step')}"
    reason = f"what {budget.text} holds on this machine; drawn anew while it goes on"
    if loop.timetable.total == most:
        value = f"{some(MOST_EPOCHS, 'epoch')}, and no more"
        reason = f"{budget.text} would hold more, which brought photos nothing; --epochs asks for any number"
    if loop.budget.is_spent():
        kept = "the fitted head is kept" if loop.job.is_pretrained else "one step is taken all the same"
        reason = f"{budget.text} is over before the first step: {kept}. Give it more time"
    loop.job.progress.on_choice(Choice("budget", value, reason))
