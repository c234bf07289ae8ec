"""Where the network looks for a class, drawn: what speaks for it in red, what speaks against it in blue."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from convscope.diagnosis import pictures as rules
from convscope.looking.asking import SeenCases
from convscope.looking.where import Case, SeenWhere
from convscope.report.palette import diverging
from convscope.report.paper.canvas import SMALL, ColourBar, Sheet, Tile, draw, enlarge, picture_of
from convscope.report.pictures.answer import Answer, file_name, split_words, stem_of, together
from convscope.report.pictures.notebook import Picture
from convscope.report.pictures.sheets import signed_overlay
from convscope.wording import percent, rounded

_SIDE = 240
_MOST_NAMED = 3
_FADED = 0.25
_GRADIENTS = "integrated gradients"


def draw_where(found: SeenCases) -> Answer:
    """One row for each case: the image, a class map, integrated gradients and occlusion laid over it."""
    seen = found.seen
    methods = [rules.METHOD_NAMES.get(method, method) for method in seen.methods]
    title = _title(found)
    findings = rules.where(seen)
    return Answer(
        about="where",
        name=_name(found),
        title=title,
        question=f"{_asked(seen)} {len(methods)} methods; trust what they share.",
        findings=findings,
        layer=seen.layer,
        shows=_shown(found),
        picture=Picture(
            array=seen.maps,
            drawing=draw(_sheet(seen, methods, title)),
            alt=f"{len(seen.cases)} rows of an image and what {', '.join(methods)} lay over it: "
            f"red {'speaks for the class' if seen.class_names else 'raises the number'}, blue the opposite",
            caption=together(findings),
        ),
        numbers=_numbers(seen, methods),
    )


def _sheet(seen: SeenWhere, methods: list[str], title: str) -> Sheet:
    tiles = []
    for place, case in enumerate(seen.cases):
        pixels = np.asarray(case.looked.pixels.numpy(), dtype=np.uint8)
        again = place > 0 and seen.cases[place - 1].looked is case.looked
        words = _words(seen, case, float(seen.outputs[place]), is_again=again)
        tiles.append(Tile(picture=_tile(picture_of(pixels)), lines=words, words_only=again))
        laid = zip(methods, seen.maps[:, place], seen.beside[:, place], strict=True)
        for method, heat, is_beside in laid:
            tile = _laid_tile(pixels, heat, method, float(seen.missed[place]))
            note = ("strongest in the padding",) if is_beside else ()
            tiles.append(replace(tile, lines=(*tile.lines[:1], *note, *tile.lines[1:])))
    return Sheet(
        tiles=tiles,
        columns=1 + len(methods),
        heading=title,
        bar=_bar(seen),
        text=SMALL,
        wide_after=frozenset({0}),
    )


def _bar(seen: SeenWhere) -> ColourBar:
    labels = ("against it", "no evidence", "for it")
    if not seen.class_names:
        labels = ("lowers", "nothing", "raises the number")
    says = "relative to the strongest of each map"
    if seen.layer:
        says += (
            f"; {rules.METHOD_NAMES.get(seen.methods[0], seen.methods[0])}, at {seen.layer}, shows no blue"
        )
    return ColourBar(colours=diverging(np.linspace(-1, 1, 101), 1)[None], labels=labels, says=says)


def _asked(seen: SeenWhere) -> str:
    if seen.class_names:
        return "Which part of the image speaks for the class?"
    return "Which part of the image raises the number?"


def _laid_tile(pixels: NDArray[np.uint8], heat: NDArray[np.float32], method: str, missed: float) -> Tile:
    """A map over its image; faded, and said to be so, where it fails its own check."""
    picture = _tile(signed_overlay(pixels, smoothed(heat)))
    if method != _GRADIENTS or not rules.is_incomplete(missed):
        return Tile(picture=picture, lines=(method,))
    share = percent(missed) if np.isfinite(missed) else "all"
    return Tile(picture=picture, opacity=_FADED, lines=(method, f"misses {share}: faded"))


def smoothed(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """A signed map (H, W), smoothed a little and cut at both ends, lest single pixels hide the rest.

    Smoothed before anything is clipped: neighbouring pixels that speak for and against cancel out, and a map
    and its negative give pictures that are each other's negative.
    """
    smooth = gaussian_filter(heat, sigma=min(heat.shape) / 64)
    top = float(np.quantile(np.abs(smooth), 0.995))
    return np.asarray(np.clip(smooth, -top, top) if top > 0 else smooth, dtype=np.float32)


def _tile(picture: Image.Image) -> Image.Image:
    """About 240 pixels wide, so that captions fit: by whole factors for small images, smooth for others."""
    if picture.width <= _SIDE // 3:
        return enlarge(picture, _SIDE)
    return picture.resize((_SIDE, _SIDE * picture.height // picture.width), Image.Resampling.BICUBIC)


def _title(found: SeenCases) -> str:
    looked = [case.looked for case in found.seen.cases]
    if found.why == "chosen":
        names = list(dict.fromkeys(each.name for each in looked))
        return f"Where it looks in {_listed(names)}"
    is_class = bool(found.seen.class_names)
    words: dict[Literal["right", "wrong"], str] = {
        "right": "right" if is_class else "close",
        "wrong": "wrong" if is_class else "far off",
    }
    split = split_words(looked)
    if split and len(looked) == 1:
        split = split.removeprefix("a ")
    return f"Where it looks when it is {words[found.why]}" + (f", on {split}" if len(looked) > 1 else "")


def _name(found: SeenCases) -> str:
    """A file name; of images that a reader chose it names some, and what is asked about."""
    if found.why != "chosen":
        return file_name("where", found.why)
    stems = list(dict.fromkeys(stem_of(case.looked) for case in found.seen.cases))
    more = f"and-{len(stems) - _MOST_NAMED}-more" if len(stems) > _MOST_NAMED else ""
    return file_name("where", *stems[:_MOST_NAMED], more)


def _shown(found: SeenCases) -> str:
    """What tells it from another picture of that name: the images, and the classes asked about."""
    if found.why != "chosen":
        return ""
    return " ".join(f"{case.looked.digest}:{case.target}" for case in found.seen.cases)


def _listed(names: list[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _words(seen: SeenWhere, case: Case, output: float, *, is_again: bool) -> tuple[str, ...]:
    looked = case.looked
    if is_again and seen.class_names:
        return (f"evidence for {seen.class_names[case.target]}", f"probability {percent(output)}")
    new = (split_words([looked]),) if looked.split == "train" else ()
    if not seen.class_names:
        return (looked.name, *new, f"says {rounded(output)}")
    what = looked.name if looked.label is None else f"true: {seen.class_names[looked.label]}"
    return (what, *new, f"evidence for {seen.class_names[case.target]}", f"probability {percent(output)}")


def _numbers(seen: SeenWhere, methods: list[str]) -> dict[str, Any]:
    names = seen.class_names
    numbers: dict[str, Any] = {
        "cases": [
            {
                "image": case.looked.name,
                "split": case.looked.split,
                "true": names[case.looked.label] if case.looked.label is not None else None,
                "class": names[case.target] if names else None,
                "probability" if names else "value": float(value),
                "missed_by_integrated_gradients": float(missed),
            }
            for case, value, missed in zip(seen.cases, seen.outputs, seen.missed, strict=True)
        ],
        "integrated_gradients_completeness_error": float(np.median(seen.missed)),
    }
    if seen.sanity is not None:
        numbers["sanity_check"] = {
            "similarity": seen.sanity.similarity.tolist(),
            "depends_on_the_weights": seen.sanity.depends,
            "verdict": rules.sanity(seen.sanity, methods[0]).said,
        }
    return numbers
