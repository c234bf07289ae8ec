"""Images as points in a plane, drawn."""

from convscope.diagnosis import pictures as rules
from convscope.inspection.planes import PlaneMethod
from convscope.looking.plane import SeenPlane
from convscope.looking.subject import SPLIT_NAMES
from convscope.report.charts.results import scatter_chart
from convscope.report.pictures.answer import Answer, together
from convscope.report.pictures.notebook import Picture

_NAMES: dict[PlaneMethod, str] = {"pca": "PCA", "t-sne": "t-SNE"}


def draw_plane(seen: SeenPlane, class_names: tuple[str, ...]) -> Answer:
    """The images as points in two dimensions, coloured by class, errors marked."""
    laid, method, split = seen.laid, seen.laid.method, SPLIT_NAMES[seen.split]
    wrong = int((seen.predicted != seen.labels).sum())
    findings = rules.plane(seen)
    says = (
        "Principal components: distances are true as far as the plane shows them"
        if method == "pca"
        else "t-SNE: who is near whom; the distance between groups means nothing"
    )
    near = seen.neighbours
    return Answer(
        about="plane",
        name=f"plane-{method}",
        title=f"The {split} images as the last layer sees them ({_NAMES[method]})",
        question=f"Does the network keep the classes apart? {says}.",
        findings=findings,
        layer=seen.layer,
        picture=Picture(
            array=laid.points,
            drawing=scatter_chart(laid.points, seen.labels, seen.predicted, list(class_names)),
            alt=f"{len(laid.points):,} {split} images as points, coloured by class; {wrong} errors",
            caption=together(findings),
        ),
        numbers={
            "method": method,
            "split": seen.split,
            "images": len(laid.points),
            "errors": wrong,
            "neighbours_of_own_class": None if near is None else near.share,
            "neighbours_by_chance": None if near is None else near.by_chance,
            "neighbours_at_most": None if near is None else near.most,
            "explained_variance": laid.explained_variance,
        },
    )
