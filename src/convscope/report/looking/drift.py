"""How the values of each layer drifted while training went on; for runs with --record-histograms."""

import numpy as np

from convscope.report.charts.signals import drift_chart
from convscope.report.looking.answer import Answer, rounded
from convscope.report.pictures.notebook import Picture
from convscope.runs.records import Record

_MOST_LINES = 6


def drift_of(records: list[Record]) -> Answer:
    """Standard deviation of layers, spread over the network, against the step; the logits' last."""
    names = [layer["name"] for layer in records[0]["layers"]]
    chosen = [
        names[row] for row in np.unique(np.linspace(0, len(names) - 1, _MOST_LINES).round().astype(int))
    ]
    steps = tuple(float(record["step"]) for record in records)
    deviations = {
        name: tuple(layer["std"] for record in records for layer in record["layers"] if layer["name"] == name)
        for name in chosen
    }
    moved = max(chosen, key=lambda name: abs(np.log(deviations[name][-1] / deviations[name][0])))
    first, last = deviations[moved][0], deviations[moved][-1]
    finding = f"{moved} moves most: standard deviation {rounded(first)} at step {records[0]['step']:,}, "
    finding += f"{rounded(last)} at step {records[-1]['step']:,}"
    return Answer(
        about="histograms",
        name="drift",
        title="How the values of each layer drifted while it learned",
        question="Do the values of a layer grow, shrink or stay while training goes on?",
        finding=finding,
        picture=Picture(
            array=np.array(list(deviations.values()), dtype=np.float64),
            drawing=drift_chart(steps, deviations),
            alt=f"Standard deviation of {len(chosen)} layers against the step. {finding}.",
        ),
        numbers={"steps": list(steps), "deviations": {name: list(v) for name, v in deviations.items()}},
    )
