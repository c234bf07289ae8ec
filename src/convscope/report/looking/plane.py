"""Does the last hidden layer keep the classes apart?"""

import numpy as np
from numpy.typing import NDArray

from convscope.errors import UsageError
from convscope.inspection.hidden_values import HiddenValues, last_hidden_values
from convscope.inspection.planes import PlaneMethod, plane
from convscope.report.charts.results import scatter_chart
from convscope.report.looking.answer import Answer, percent
from convscope.report.looking.subject import MOST_JUDGED, Subject, spread
from convscope.report.pictures.notebook import Picture

_NEIGHBOURS = 10


def hidden_values_of(subject: Subject) -> tuple[HiddenValues, NDArray[np.int64]]:
    """The last hidden layer's values for up to 1,000 test images, and their true classes."""
    if not subject.class_names:
        raise UsageError("the network answers with a number: there are no classes to colour a plane by")
    rows = spread(len(subject.judging), MOST_JUDGED)
    images = subject.judging
    stream = (
        subject.standardised(subject.images(images, rows[start : start + 64]))
        for start in range(0, len(rows), 64)
    )
    return last_hidden_values(subject.network, stream), images.labels.numpy()[rows]


def plane_of(
    subject: Subject, hidden: HiddenValues, labels: NDArray[np.int64], method: PlaneMethod
) -> Answer:
    """The images as points in two dimensions, coloured by class, errors marked."""
    laid = plane(hidden.values, method=method)
    predicted = hidden.logits.argmax(axis=1)
    chart = scatter_chart(
        laid.points, labels[laid.indices], predicted[laid.indices], list(subject.class_names)
    )
    agreeing = neighbours_of_own_class(hidden.values, labels)
    wrong = int((predicted[laid.indices] != labels[laid.indices]).sum())
    finding = (
        f"of an image's {min(_NEIGHBOURS, len(labels) - 1)} nearest, {percent(agreeing)} are of its own class"
    )
    if laid.explained_variance is not None:
        finding = f"the plane holds {percent(sum(laid.explained_variance))} of the variance; {finding}"
    says = (
        "Principal components: distances are true as far as the plane shows them"
        if method == "pca"
        else "t-SNE: who is near whom; the distance between groups means nothing"
    )
    return Answer(
        about="plane",
        name=f"plane-{method}",
        title=f"The test images as the last hidden layer sees them ({'PCA' if method == 'pca' else 't-SNE'})",
        question=f"Does the network keep the classes apart? {says}.",
        finding=finding,
        layer=hidden.output_layer,
        picture=Picture(
            array=laid.points,
            drawing=chart,
            alt=f"{len(laid.points):,} test images as points, coloured by class; {wrong} errors. {finding}.",
        ),
        numbers={
            "method": method,
            "images": len(laid.points),
            "errors": wrong,
            "neighbours_of_own_class": agreeing,
            "explained_variance": laid.explained_variance,
        },
    )


def neighbours_of_own_class(values: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Of each row's ten nearest others, in all dimensions, the share that has its label."""
    from sklearn.neighbors import NearestNeighbors

    count = min(_NEIGHBOURS, len(values) - 1)
    _, places = NearestNeighbors(n_neighbors=count + 1).fit(values).kneighbors(values)
    others = labels[places[:, 1:]]
    return float((others == labels[:, None]).mean())
