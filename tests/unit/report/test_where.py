"""Where it looks, drawn: opposite maps are told apart, and one that fails its check is faded, and said."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.inspection.class_evidence.sanity import SanityCheck
from convscope.looking.asking import SeenCases
from convscope.looking.subject import Looked
from convscope.looking.where import Case, SeenWhere
from convscope.report.page.html import write_report
from convscope.report.pictures import where as drawing
from convscope.report.pictures.answer import Answer
from convscope.report.pictures.sheets import signed_overlay
from convscope.report.pictures.where import draw_where, smoothed


def noisy(seed: int = 0, side: int = 96) -> np.ndarray:
    """Grains of both signs, as integrated gradients have them, and one region that speaks for the class."""
    grains = np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)
    grains[20:40, 20:40] += 0.8
    return grains


def test_a_map_and_its_negative_are_each_others_negative() -> None:
    heat = noisy()
    assert np.array_equal(smoothed(heat), -smoothed(-heat))


def test_the_pictures_of_two_opposite_maps_differ_where_it_matters() -> None:
    grey = np.full((1, 96, 96), 128, np.uint8)
    for_it, against = (
        np.asarray(signed_overlay(grey, smoothed(heat))).astype(int) for heat in (noisy(), -noisy())
    )
    red = (for_it[25:35, 25:35, 0] - for_it[25:35, 25:35, 2]).mean()
    blue = (against[25:35, 25:35, 2] - against[25:35, 25:35, 0]).mean()
    assert red > 20
    assert blue > 20


def seen(missed: list[float], names: tuple[str, ...] = ("cat", "kitten")) -> SeenCases:
    maps = np.stack([np.abs(noisy(1)), noisy(2), noisy(3)])[:, None].repeat(len(missed), axis=1)
    looked = [
        Looked(pixels=torch.full((1, 96, 96), 90, dtype=torch.uint8), name=f"{n}.png", digest=str(n))
        for n in range(len(missed))
    ]
    check = SanityCheck(randomisation="cascading", stages=(("a",),), similarity=np.full((1, 1), 0.1))
    return SeenCases(
        why="chosen",
        seen=SeenWhere(
            cases=tuple(Case(looked=each, target=0) for each in looked),
            methods=("grad-cam", "integrated gradients", "occlusion"),
            maps=maps,
            outputs=np.full(len(missed), 0.7),
            missed=np.array(missed),
            sanity=check,
            layer="conv",
            class_names=names,
            beside=np.zeros((3, len(missed)), bool),
        ),
    )


@pytest.fixture
def captions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The lines under each tile that is drawn."""
    written: list[tuple[str, ...]] = []
    draw = drawing.draw

    def note(sheet: drawing.Sheet) -> Image.Image:
        written.extend(tile.lines for tile in sheet.tiles)
        return draw(sheet)

    monkeypatch.setattr(drawing, "draw", note)
    return written


def test_a_map_that_misses_its_check_says_so_under_it(captions: list[tuple[str, ...]]) -> None:
    draw_where(seen([0.05, 5.73]))
    gradients = [lines for lines in captions if lines[0] == "integrated gradients"]
    assert gradients == [("integrated gradients",), ("integrated gradients", "misses 573 %: faded")]


def colours_of(answer: Answer) -> np.ndarray:
    drawn = np.asarray(answer.picture.drawing.raster()).astype(int)  # type: ignore[union-attr]
    return np.asarray(drawn.max(axis=2) - drawn.min(axis=2))


def test_it_is_faded_and_the_other_maps_are_not() -> None:
    """The third column of four is that of integrated gradients."""
    whole, missing = colours_of(draw_where(seen([0.05]))), colours_of(draw_where(seen([5.73])))
    differ = np.flatnonzero((whole != missing)[60:200].any(axis=0))
    strength = [picture[60:200, differ[8] : differ[-8]].mean() for picture in (whole, missing)]
    assert strength[1] < 0.45 * strength[0]
    beside = np.ones(whole.shape[1], bool)
    beside[differ[0] : differ[-1] + 1] = False
    assert np.array_equal(whole[60:200][:, beside], missing[60:200][:, beside])


def test_findings_stand_under_the_picture_in_a_report_and_not_in_its_alt_text(
    digits_run: Path, tmp_path: Path
) -> None:
    answer = draw_where(seen([5.73]))
    assert "573" not in answer.picture.alt
    assert "573 %" in answer.picture.caption
    assert "<figcaption>" in answer.picture._repr_html_()
    folder = digits_run / "look"
    folder.mkdir(exist_ok=True)
    answer.picture.save(folder / "where.png")
    entry = {
        "file": "where.png",
        "title": answer.title,
        "question": answer.question,
        "alt": answer.picture.alt,
        "findings": [finding.to_dict() for finding in answer.findings],
    }
    old = {"file": "where.png", "title": "of before", "finding": "a line of before", "alt": "nothing"}
    (folder / "index.json").write_text(json.dumps([entry, old]))
    page = write_report(digits_run).read_text()
    shown = page[page.index('id="look"') :]
    assert "<li>integrated gradients miss up to 573 % of the score here" in shown
    assert "<li>a line of before</li>" in shown
    assert not any("573" in part.partition('"')[0] for part in shown.split('alt="')[1:])
