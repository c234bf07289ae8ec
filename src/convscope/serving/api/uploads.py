"""From a request's body to the images in it. Nothing of it is ever written to a disk."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from fastapi import HTTPException, Request
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from convscope.serving.api.admission import Place
from convscope.serving.safety import MAX_BODY
from convscope.wording import shown

MOST_IMAGES = 256
"""Of one request."""

MULTIPART = "multipart/form-data"
HOW = (
    "send an image as the body with its type (image/png, image/jpeg …, or application/octet-stream), "
    f"or several as {MULTIPART}"
)


@dataclass(frozen=True, slots=True)
class Upload:
    """An image as it came.

    Attributes:
        name: of the file, fit to be shown; `image 3` where it has none, counted from 0.
        content: its bytes, whatever they are.
    """

    name: str
    content: bytes


class _InMemory(MultiPartParser):
    """Starlette's, but for parts that would be written to a temporary file."""

    spool_max_size = MAX_BODY + 1


async def read_uploads(request: Request, place: Place) -> list[Upload]:
    """The images of a request.

    Raises:
        HTTPException: 415 for a body of another type; 422 where there is no image in it.
        BusyError: there is no room for it.
        SlowError: it does not arrive in time.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != MULTIPART and kind not in ("", "application/octet-stream") and not kind.startswith("image/"):
        raise HTTPException(415, f"{shown(kind)[:80]} is not an image; {HOW}")
    content = await place.read(request.stream())
    if kind != MULTIPART:
        return [Upload("image 0", content)]
    return await _parts(request.headers, content)


async def _parts(headers: Headers, content: bytes) -> list[Upload]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield content

    try:
        form = await _InMemory(headers, whole(), max_files=MOST_IMAGES, max_fields=MOST_IMAGES).parse()
    except MultiPartException as error:
        raise HTTPException(422, f"{MULTIPART}: {error.message}") from None
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    uploads = [
        Upload(shown(file.filename or f"image {number}"), await file.read())
        for number, file in enumerate(files)
    ]
    await form.close()
    if not uploads:
        raise HTTPException(422, f"there is no file in it; {HOW}")
    return uploads
