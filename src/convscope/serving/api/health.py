"""Whether the server is up."""

from fastapi import APIRouter
from pydantic import BaseModel

router = APIRouter()


class Health(BaseModel):
    """The server answers."""

    status: str


@router.get("/health")
async def health() -> Health:
    """Whether the server is up; it says nothing of any run."""
    return Health(status="ok")
