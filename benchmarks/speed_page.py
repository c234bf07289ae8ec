"""docs/speed.md, from what was measured: `page()` gives its text. Needs no torch."""

import math
from collections.abc import Iterator
from statistics import fmean, stdev
from typing import Any

from speed_results import read_results

HEAD = """# How fast, and what makes it so

Beside other tools: `benchmarks/peers/README.md`, and the tables in `benchmarks/results/`.

Made by `python benchmarks/speed.py write` from `benchmarks/results/speed.json`; do not edit. Measure a row
again with `python benchmarks/speed.py ROW`, a network on your own machine with `convscope benchmark NETWORK`.

The ways of a table took turns, round after round, in one process. A figure is the median of the rounds.
*Times as long* is the time of a way over that of convscope's own, with the 95 % bootstrap interval over the
rounds: only where that excludes 1 is one of them said to be faster. A round in which others took more than
5 % of the CPU time was taken again; where the machine did not become quiet, that is said under the table:
its milliseconds are too many, and its ratios, whose two sides were disturbed alike, have wider intervals.
"""

CHOICES = """## What each choice gains alone

Each way but the first differs from what convscope does in what it names. Training steps are whole: images
taken, augmented and standardised, forward, backward, weights moved. `compiled` is `torch.compile`.
"""

EVALUATION = """## Evaluating and predicting

Both compute in float32, channels last, in batches of 256 small images. bfloat16 would be faster and is not
used: what is validated, evaluated, predicted, served and exported must be the same, on a CPU with bfloat16
and on one without. What it would change:
"""

ISAS = """## Other CPUs

oneDNN and torch held to an older instruction set (`ONEDNN_MAX_CPU_ISA`, `ATEN_CPU_CAPABILITY`): what a CPU
without bfloat16 would do. There convscope trains in float32, channels last. Steps of 16 images.
"""

FINE_TUNING = """## Depthwise convolutions, and fine-tuning

EfficientNet-Lite0 is fine-tuned in bfloat16 where the CPU multiplies in it, else in float32. Two backward
passes of its depthwise convolutions have no fast kernel in the library: in bfloat16 the gradient of the input
where the stride is above 1, which is computed in float32, and in either format that of the weight where the
kernel is 5 × 5: three of its columns are computed at once, the other two on shifted images. Frozen batch
normalisations are folded into the convolutions before them, and ReLU6 is done as their outputs are written;
so it is where training measures, and where features are computed. What that gains in float32 is below, as
"EfficientNet-Lite0 step". The library's own passes (`benchmarks/depthwise.py`; 16 images):
"""

WINOGRAD = """## Fewer products: Winograd's F(4×4, 3×3)

VGG-16's layers, eight photos, forward: 36 products do the work of 144, as batched matrix products
(`benchmarks/winograd.py`). The error is the largest difference from float64 over the largest output.
"""

DECIDED = """## What was decided by it

- Training on a CPU computes in bfloat16, channels last, with fused optimizers, on all cores; in float32
  where the CPU has no bfloat16. That is asked of the CPU and not timed: held to older instructions bfloat16
  loses by far more than any measurement errs, and channels last never loses; and timed on a busy machine it
  would come out now so and now otherwise, and with it the bits of the same training.
- `torch.compile` is not used: in none of these steps does it gain what compiling costs.
- Evaluation and prediction stay in float32, the same on every machine. Fusing batch normalisation into the
  convolutions would gain next to nothing in small networks, and compiling up to a quarter once it is done:
  both change the last bits.
- Winograd's convolution is not used: in float32 it is no match for the library's bfloat16, and in bfloat16
  its error is some twenty times as large.
"""


def page() -> str:
    """The whole page."""
    results = read_results()
    parts = [HEAD, *_section(CHOICES, _rows(results, "choices", but="evaluation"))]
    parts += _section(EVALUATION, [*_answers(results), *_rows(results, "choices", only="evaluation")])
    parts += _section(FINE_TUNING, [*_depthwise(results), *_fine_tuning(results)])
    parts += _section(ISAS, _rows(results, "instruction sets"))
    parts += _section(WINOGRAD, _rows(results, "winograd"))
    return "\n".join([*parts, DECIDED])


def _section(head: str, body: list[str]) -> list[str]:
    return [head, *body] if body else []


def _rows(results: dict[str, Any], section: str, *, only: str = "", but: str = "\0") -> list[str]:
    rows = results.get(section, {})
    return [_table(name, row) for name, row in rows.items() if only in name and but not in name]


def _table(name: str, row: dict[str, Any]) -> str:
    has_errors = "errors" in row
    lines = [
        f"### {name}",
        "",
        f"| way | ms | times as long | |{' error |' if has_errors else ''}",
        f"|---|---|---|---|{'---|' if has_errors else ''}",
    ]
    for number, (way, found) in enumerate(row["ways"].items()):
        ratio = found["ratio"]
        error = f" {row['errors'][way]:.0e} |" if has_errors else ""
        said = "" if number == 0 else f"{ratio['value']:.2f} ({_interval(ratio)})"
        lines.append(
            f"| {way} | {_ms(found['median'])} | {said} | {'' if number == 0 else _word(ratio)} |{error}"
        )
    return "\n".join([*lines, "", " ".join(_notes(row)), ""])


def _notes(row: dict[str, Any]) -> Iterator[str]:
    machine = row["machine"]
    yield f"{row['day']}, {machine['processor']}, {machine['threads']} threads, torch {machine['torch']};"
    quiet = row["quiet"]
    if quiet["others_share"] is None:
        yield f"{quiet['rounds']} rounds, too short to know what others took."
    elif quiet["disturbed"]:
        share = f"{100 * quiet['others_share']:.0f} %"
        yield f"{quiet['disturbed']} of {quiet['rounds']} rounds disturbed, by up to {share} of the CPU time."
    else:
        yield f"{quiet['rounds']} quiet rounds, {quiet['repeated']} repeated."
    if "compiling" in row:
        yield _compiling(row)


def _compiling(row: dict[str, Any]) -> str:
    own, compiled = (found["median"] for found in (next(iter(row["ways"].values())), row["ways"]["compiled"]))
    ratio = row["ways"]["compiled"]["ratio"]
    seconds = f"Compiling took {row['compiling']:.0f} s"
    if ratio["interval"][1] < 1:
        return f"{seconds}, paid back after {row['compiling'] / (own - compiled):,.0f} calls."
    return f"{seconds}, and is never paid back."


def _answers(results: dict[str, Any]) -> list[str]:
    rows = results.get("answers", {})
    if not rows:
        return []
    lines = [
        "| classifier | images | answers changed | right before | after | largest change of a probability |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {row['images']:,} | {row['changed']} | {row['right_before']} | {row['right_after']} "
        f"| {row['largest']:.3f} |"
        for name, row in rows.items()
    ]
    return ["\n".join([*lines, ""])]


def _depthwise(results: dict[str, Any]) -> list[str]:
    rows = results.get("depthwise", {})
    if not rows:
        return []
    lines = ["| layer and pass | bfloat16, ms | float32, ms | times as long | |", "|---|---|---|---|---|"]
    for name, row in rows.items():
        half, single = row["ways"]["bfloat16"], row["ways"]["float32"]
        ratio = single["ratio"]
        said = f"{ratio['value']:.2f} ({_interval(ratio)})"
        lines.append(
            f"| {name} | {_ms(half['median'])} | {_ms(single['median'])} | {said} | {_word(ratio)} |"
        )
    return ["\n".join([*lines, ""])]


def _fine_tuning(results: dict[str, Any]) -> list[str]:
    """The same trainings in both formats: paired over the seeds, with Student's interval."""
    parts = []
    for name, seeds in results.get("fine-tuning", {}).items():
        pairs = [(row["float32"], row["bfloat16"]) for row in seeds.values()]
        loss = _mean_interval([half["loss"] - single["loss"] for single, half in pairs])
        time = [_mean_interval([math.log(s[key] / h[key]) for s, h in pairs]) for key in _SECONDS]
        ratios = [tuple(math.exp(value) for value in each) for each in time]
        right = [sum(pair[side]["right"] for pair in pairs) for side in (0, 1)]
        images = sum(pair[0]["images"] for pair in pairs)
        each = pairs[0][0]["images"]
        mean, low, high = map(_signed, loss)
        parts.append(
            f"`convscope train {name}` in both formats, {len(pairs)} seeds, each judged on its {each}\n"
            "validation and test images. The loss in bfloat16 less that in float32: "
            f"{mean}, 95 %\ninterval {low} to {high}. Of {images:,} answers {right[0]} are right in\n"
            f"float32 and {right[1]} in bfloat16. In float32 the training takes {_times(ratios[0])}\n"
            f"times as long, the whole command {_times(ratios[1])} times, on a machine in use.\n"
        )
    return parts


_SECONDS = ("train_seconds", "total_seconds")


def _times(ratio: tuple[float, ...]) -> str:
    return "{:.2f} ({:.2f}–{:.2f})".format(*ratio)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _mean_interval(values: list[float]) -> tuple[float, float, float]:
    from scipy import stats

    mean = fmean(values)
    half = float(stats.t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def _interval(ratio: dict[str, Any]) -> str:
    return "interval not known" if ratio["interval"] is None else "{:.2f}–{:.2f}".format(*ratio["interval"])


def _word(ratio: dict[str, Any]) -> str:
    if ratio["interval"] is None or ratio["interval"][0] <= 1 <= ratio["interval"][1]:
        return "too close to tell"
    return "slower" if ratio["value"] > 1 else "**faster**"


def _ms(seconds: float) -> str:
    ms = 1000 * seconds
    return f"{ms:,.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 1 else f"{ms:.2f}"
