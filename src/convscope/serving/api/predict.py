"""`/api/v1/runs/{run}/predict` and `/classes`: what a run's classifier says of images that are sent to it."""

import asyncio
import json
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from convscope.documents import plain
from convscope.serving.api.admission import READING_TIME, RETRY_AFTER, BusyError, SlowError
from convscope.serving.api.predictor import Predictor
from convscope.serving.api.uploads import HOW, MOST_IMAGES, read_uploads
from convscope.serving.workbench import Workbench

router = APIRouter(prefix="/api/v1/runs/{run}", tags=["prediction"])


class Predicted(BaseModel):
    """What a classifier says of one image."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    path: str = Field(description="the file's name as it was sent; `image 3` where it had none, from 0")
    answer: str | None = Field(description="what to go by: the class, or “unknown”; null where it abstains")
    class_: str = Field(alias="class", description="the likeliest class")
    probability: float = Field(description="of that class")
    probabilities: dict[str, float] = Field(description="of every class")
    sure: bool = Field(description="whether the likeliest class stands out from the others")
    unknown: bool = Field(description="whether the image is so unlike those of training that no class counts")
    likeness: float | None = Field(description="share of images like training's that are as unlike them")
    differs: list[str] = Field(description="how an unknown image plainly differs: “inverted”, “darker” …")
    abstains: bool = Field(description="whether it is not sure enough for what was asked for")
    possible: list[str] = Field(default=[], description="the classes of the set that was asked for")
    faint: str = Field(default="", description="why hardly anything can be seen in the image")


class PredictedNumber(BaseModel):
    """What a network that answers with numbers says of one image."""

    path: str
    answer: float | str | None
    value: float | None
    outside_training_range: bool
    unknown: bool
    likeness: float | None
    differs: list[str]
    abstains: bool
    faint: str = ""


class HeldOut(BaseModel):
    """The images held out from training by which it is told what is unknown."""

    n: int = Field(description="how many")
    folds: int = Field(description="0 where one classifier judged them all")
    false_alarms: float | None = Field(description="which share of images like them is called unknown")


class LeftOut(BaseModel):
    """What could not be read."""

    path: str
    reason: str


class Predictions(BaseModel):
    """The document that `convscope predict --json` prints."""

    run: str
    predictions: list[Predicted | PredictedNumber]
    held_out: HeldOut | None = Field(description="what `unknown` rests on; null where nothing was measured")
    promise: None = Field(default=None, description="what was asked for; here nothing can be")
    quarantined: list[LeftOut]


class Refused(BaseModel):
    """Why there is no answer."""

    error: str


class Classes(BaseModel):
    """What a classifier tells apart, and the images that it sees."""

    run: str
    task: str = Field(description="classification or regression")
    classes: list[str] = Field(description="in index order; empty for regression")
    width: int = Field(description="pixels")
    height: int
    channels: int = Field(description="1 for grey, 3 for colour")


_WHY: Final = {
    401: "the token is missing or wrong",
    403: "a page of another site asks",
    404: "there is no such run",
    408: f"the body took more than {READING_TIME:.0f} s to arrive",
    409: "the run has no classifier yet, or it is damaged",
    413: f"the body is too large, or holds more than {MOST_IMAGES} files",
    415: "the body is not of a type that images have",
    421: "the server was asked by a name that is not its own",
    422: "none of the files is an image",
    503: "too many wait already; Retry-After says when to come again",
}


def _refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: {"model": Refused, "description": _WHY[code]} for code in codes}


_IMAGE: Final = {"type": "string", "format": "binary", "description": "an image file, whole"}
_ONE: Final = {"schema": _IMAGE}
_BODY: Final = {
    "required": True,
    "description": HOW,
    "content": {
        "image/*": _ONE,
        "application/octet-stream": _ONE,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"image": {"type": "array", "items": _IMAGE, "minItems": 1}},
                "required": ["image"],
            }
        },
    },
}


@router.post(
    "/predict",
    response_model=None,
    responses={
        200: {"model": Predictions, "description": "class and probability of each image"},
        **_refusals(401, 403, 404, 408, 409, 413, 415, 421, 422, 503),
    },
    openapi_extra={"requestBody": _BODY},
)
async def predict(run: str, request: Request) -> Response:
    """Class and probability of each image."""
    predictor: Predictor = request.app.state.predictor
    workbench: Workbench = request.app.state.workbench
    try:
        with predictor.admission.one() as place:
            batcher = await predictor.batcher(run)
            with batcher.expecting():
                uploads = await read_uploads(request, place)
            answers = await predictor.answer(batcher, uploads)
    except BusyError:
        raise HTTPException(503, _WHY[503], {"Retry-After": str(RETRY_AFTER)}) from None
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except SlowError:
        raise HTTPException(408, _WHY[408], {"Connection": "close"}) from None
    document = answers.document(str(workbench.path_of(run)))
    if not answers:
        first = answers.left_out[0]
        document["error"] = f"none of {len(answers.left_out):,} is an image; {first.path}: {first.reason}"
    return _json(document, 200 if answers else 422)


@router.get("/classes", responses=_refusals(401, 403, 404, 409, 421, 422))
async def classes(run: str, request: Request) -> Classes:
    """What the run's classifier tells apart, and the images that it sees."""
    workbench: Workbench = request.app.state.workbench
    classifier = await asyncio.to_thread(workbench.classifier, run)
    preprocessing = classifier.preprocessing
    return Classes(
        run=str(workbench.path_of(run)),
        task=classifier.target.task,
        classes=list(classifier.class_names),
        width=preprocessing.width,
        height=preprocessing.height,
        channels=preprocessing.channels,
    )


def _json(document: dict[str, Any], status: int) -> Response:
    try:
        text = json.dumps(document, allow_nan=False)
    except (ValueError, TypeError):
        text = json.dumps(plain(document))
    return Response(text, status, media_type="application/json")
