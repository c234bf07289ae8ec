"""The page of errors: what is taken for what, which labels are probably wrong, and marking those that are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Header, HTTPException, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from convscope.data.corrections import Correction, write_corrections
from convscope.errors import UsageError
from convscope.runs.again import is_refittable, train_again
from convscope.runs.marks import MARKED, mark, marks_of, next_corrections, unmark
from convscope.serving.correcting.matrix import matrix, pairs
from convscope.serving.correcting.pictures import Pictures
from convscope.serving.correcting.refits import Refits, latest_refit
from convscope.serving.correcting.shown import (
    REMOVED,
    Answers,
    Wish,
    choose,
    read_answers,
)
from convscope.serving.pages.rendering import render
from convscope.serving.workbench import Entry, Workbench
from convscope.wording import command

router = APIRouter(include_in_schema=False)

FLIPS_SHOWN = 24


@router.get("/runs/{run}/errors")
def errors_page(
    run: str,
    request: Request,
    split: str = "",
    true: Annotated[int | None, Query(ge=0)] = None,
    predicted: Annotated[int | None, Query(ge=0)] = None,
    view: str = "sure",
    finding: Annotated[int, Query(ge=0)] = 0,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """One run's errors, those that the address asks for."""
    entry = _entry(request, run)
    answers = read_answers(entry.run)
    if answers is None or not answers.class_names:
        return render(
            "errors.html", run=entry, tab="errors", answers=None, is_number=answers is not None, **_how(entry)
        )
    names = answers.class_names
    for index in (true, predicted):
        if index is not None and index >= len(names):
            raise HTTPException(404, f"this run has {len(names)} classes, and none with the number {index}")
    split = split if split in answers.by_split else next(iter(answers.by_split))
    wish = Wish(split=split, true=true, predicted=predicted, view=view, finding=finding, page=page)
    judged, findings = answers.of(split), _findings(entry)
    return render(
        "errors.html",
        run=entry,
        tab="errors",
        answers=answers,
        split=split,
        wish=wish,
        names=names,
        accuracy=judged.accuracy,
        both=_both(entry, split),
        rows=matrix(judged, wish),
        pairs=pairs(judged, wish),
        findings=findings,
        chosen=choose(entry, answers, wish, findings),
        **_loop(request, entry, answers),
    )


@router.post("/runs/{run}/errors/marks")
def mark_label(
    run: str,
    request: Request,
    content: Annotated[str, Form(max_length=64)],
    label: Annotated[str, Form(max_length=16)],
    back: Annotated[str, Form(max_length=200)] = "",
    accept: Annotated[str, Header()] = "",
) -> Response:
    """Mark the label of an image as wrong: `label` is the number of the right class, `remove`, or `undo`."""
    entry = _entry(request, run)
    if label == "undo":
        unmark(entry.run, content)
    else:
        mark(entry.run, _marked(entry, content, label))
    if "application/json" in accept:
        found = {each.content: each for each in marks_of(entry.run)}
        now = found.get(content)
        said = "" if now is None else REMOVED if now.new is None else now.new
        return JSONResponse({"mark": said, "count": len(found)})
    return _back(entry, back, f"#i{content}")


@router.get("/runs/{run}/errors/marked.csv")
def marked_table(run: str, request: Request) -> Response:
    """The table that `convscope train --corrections` takes: the run's own corrections, and all marks."""
    entry = _entry(request, run)
    table = write_corrections(next_corrections(entry.run))
    named = {"Content-Disposition": 'attachment; filename="corrections.csv"'}
    return Response(table, media_type="text/csv; charset=utf-8", headers=named)


@router.post("/runs/{run}/errors/refit")
def start_refit(run: str, request: Request, accept: Annotated[str, Header()] = "") -> Response:
    """Begin to fit the head again, with all that is marked."""
    entry = _entry(request, run)
    if not marks_of(entry.run):
        raise UsageError("no label is marked as wrong: there is nothing to fit again for")
    return _begin(request, entry, "refit", accept) or _back(entry, "", "#again")


@router.post("/runs/{run}/errors/judge")
def start_judging(run: str, request: Request, accept: Annotated[str, Header()] = "") -> Response:
    """Begin to judge every image, training images too, by heads that were not fitted on them."""
    entry = _entry(request, run)
    return _begin(request, entry, "judge", accept) or _back(entry, "?view=labels", "")


@router.get("/api/v1/runs/{run}/refit")
def refit_standing(run: str, request: Request) -> Response:
    """How far it is."""
    refits: Refits = request.app.state.refits
    return JSONResponse(refits.standing(_entry(request, run).id).to_dict())


@router.get("/runs/{run}/images/{content}.png")
def image(run: str, content: str, request: Request) -> Response:
    """An image of the run's data, as the network got it."""
    pictures: Pictures = request.app.state.pictures
    found = pictures.png(_entry(request, run), content)
    if found is None:
        raise HTTPException(404, "this run's data has no such image, or is elsewhere now")
    return Response(found, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


def _entry(request: Request, run: str) -> Entry:
    workbench: Workbench = request.app.state.workbench
    return workbench.find(run)


def _back(entry: Entry, query: str, anchor: str) -> RedirectResponse:
    """To the page that was left, never anywhere else: what was sent is only ever the query of it."""
    asked = query if query.startswith("?") and "#" not in query else ""
    return RedirectResponse(f"{entry.address}/errors{asked}{anchor}", 303)


def _marked(entry: Entry, content: str, label: str) -> Correction:
    """What a form says, checked against the run's own answers."""
    answers = read_answers(entry.run)
    judged = None if answers is None else answers.all
    if judged is None or content not in judged.hashes:
        raise HTTPException(404, "this run has no such image among those that judge it")
    names = judged.class_names
    if label != REMOVED and not (label.isdecimal() and int(label) < len(names)):
        raise UsageError(f"label: '{label}' is neither the number of a class nor {REMOVED}")
    row = judged.hashes.index(content)
    return Correction(
        path=judged.ids[row],
        content=content,
        old=names[int(judged.labels[row])],
        new=None if label == REMOVED else names[int(label)],
    )


def _findings(entry: Entry) -> list[Any]:
    """Those of the last diagnosis that are about images, and lead to them."""
    from convscope.diagnosis.of_run import kept_diagnosis

    found = kept_diagnosis(entry.run)
    return [] if found is None else [each for each in found.findings if each.images]


def _both(entry: Entry, split: str) -> tuple[str, str] | None:
    """The test's figure by the labels of the source, where some were corrected."""
    from convscope.evaluation.corrected import said_both_ways

    figures = ((entry.run.summary() or {}).get("corrections") or {}).get("figures")
    return None if figures is None or split == "validation" else said_both_ways(figures)


def _how(entry: Entry) -> dict[str, Any]:
    return {"evaluate": command("convscope", "evaluate", entry.run.path)}


def _loop(request: Request, entry: Entry, answers: Answers) -> dict[str, Any]:
    """The marks, and what can be done with them."""
    refits: Refits = request.app.state.refits
    latest = latest_refit(entry)
    made = None
    if latest is not None:
        workbench: Workbench = request.app.state.workbench
        path = latest[0].resolve()
        made = next((each for each in workbench.entries() if each.run.path.resolve() == path), None)
    held_out = set(answers.all.hashes)
    return {
        "marks": [(each, each.content in held_out) for each in reversed(marks_of(entry.run))],
        "is_refittable": is_refittable(entry.run),
        "can_judge": is_refittable(entry.run) and not answers.has_all,
        "train_again": train_again(entry.run, entry.run.path / MARKED),
        "diagnose": command("convscope", "diagnose", entry.run.path),
        "standing": refits.standing(entry.id),
        "refitted": None if latest is None else latest[1],
        "made": made,
        "flips_shown": FLIPS_SHOWN,
        "removed": REMOVED,
    }


def _begin(request: Request, entry: Entry, what: Literal["refit", "judge"], accept: str) -> Response | None:
    """Begin work on a head; how far it is for a script that asked, nothing for a page that goes back."""
    if not is_refittable(entry.run):
        raise UsageError("only a pretrained network that tells classes apart has a head to fit again")
    refits: Refits = request.app.state.refits
    refits.start(entry, what)
    return JSONResponse(refits.standing(entry.id).to_dict(), 202) if "application/json" in accept else None
