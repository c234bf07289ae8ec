"""The application: what stands between a request and its answer, and who answers."""

from fastapi import FastAPI

from convscope.serving.api import health, live, predict
from convscope.serving.api.direct import Direct
from convscope.serving.api.predictor import Predictor
from convscope.serving.correcting.pictures import Pictures
from convscope.serving.correcting.refits import Refits
from convscope.serving.journal import Journal
from convscope.serving.kept import Kept
from convscope.serving.lens.lenses import Lenses
from convscope.serving.pages import assets, compare, errors, learn, network, run, runs, try_it
from convscope.serving.refusals import explain_errors
from convscope.serving.safety import Access, Safety
from convscope.serving.workbench import Workbench

ROUTERS = (
    predict.router,
    health.router,
    live.router,
    assets.router,
    runs.router,
    run.router,
    compare.router,
    errors.router,
    network.router,
    try_it.router,
    learn.router,
)


def create_app(workbench: Workbench, access: Access | None = None, *, together: int | None = None) -> FastAPI:
    """The workbench as an ASGI application; handlers find it as `request.app.state.workbench`.

    Args:
        workbench: the folder of runs.
        access: who may ask; without it, whoever is on this machine.
        together: images that are computed together at most; chosen by their size unless given.
    """
    app = FastAPI(
        title="convscope",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Nothing is told to anybody, whatever the environment says.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.workbench = workbench
    app.state.journal = Journal(workbench)
    app.state.pictures = Pictures(workbench)
    app.state.refits = Refits(workbench)
    app.state.predictor = Predictor(workbench, together=together)
    app.state.lenses = Lenses()
    app.state.reports = Kept(run.KEPT)
    app.state.comparisons = Kept(compare.KEPT)
    app.state.lessons = Kept(learn.KEPT)
    for router in ROUTERS:
        app.include_router(router)
    explain_errors(app)
    app.add_middleware(Direct)
    app.add_middleware(Safety, access=access or Access())  # the last added is passed first
    return app
