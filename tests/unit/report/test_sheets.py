from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from convscope.report.palette import DARK, HUES, LIGHT, diverging, rgb, sequential
from convscope.report.paper.canvas import enlarge, picture_of
from convscope.report.paper.drawing import Drawing
from convscope.report.paper.lettering import shortened, width_of, word
from convscope.report.pictures.grids import augmentation_sheet, image_grid, patch_sheet
from convscope.report.pictures.points import point_sheet
from convscope.report.pictures.sheets import (
    colour_filter_sheet,
    filter_sheet,
    map_sheet,
)

GREY = np.full((4, 1, 6, 6), 128, dtype=np.uint8)


SVG = "{http://www.w3.org/2000/svg}"


def contrast(one: str, other: str) -> float:
    """The ratio of the two colours' luminances, as WCAG 2 has it."""

    def luminance(colour: str) -> float:
        shares = [part / 255 for part in rgb(colour)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in shares]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def share_of(picture: Drawing, colour: tuple[int, int, int]) -> float:
    return float((np.asarray(picture.raster()) == colour).all(axis=-1).mean())


def test_zero_is_white_and_the_scale_is_symmetric() -> None:
    low, zero, high = diverging(np.array([-2.0, 0.0, 2.0]), limit=2.0)
    assert zero.tolist() == [255, 255, 255]
    assert low[2] > low[0]
    assert high[0] > high[2]
    assert (diverging(np.array([5.0]), 2.0)[0] == high).all()


def test_sequential_scale_rises_in_lightness() -> None:
    colours = sequential(np.linspace(0, 1, 9), 0, 1).astype(int)
    lightness = colours @ [299, 587, 114]
    assert (np.diff(lightness) > 0).all()


def test_scales_without_width_do_not_divide_by_zero() -> None:
    assert (diverging(np.zeros((2, 2)), 0.0) == 255).all()
    assert sequential(np.ones(3), 1, 1).shape == (3, 3)


def test_small_images_are_enlarged_by_whole_pixels_and_large_ones_fit() -> None:
    checks = picture_of(np.indices((1, 5, 5)).sum(axis=0).astype(np.uint8) % 2 * 255)
    large = enlarge(checks, 23)
    assert large.size == (20, 20)
    assert set(np.unique(np.asarray(large))) == {0, 255}
    assert max(enlarge(Image.new("RGB", (400, 200)), 100).size) == 100


def test_grid_marks_errors_by_colour_and_sign_and_leaves_the_right_ones_alone() -> None:
    error = rgb(LIGHT["error"])
    right = image_grid(GREY, ["ant"] * 4, ["ant"] * 4)
    wrong = image_grid(GREY, ["ant"] * 4, ["ant", "bee", "ant", "ant"])
    assert share_of(right, error) == 0
    assert share_of(wrong, error) > 0
    assert wrong.height > right.height


def test_grid_takes_true_classes_alone_and_refuses_captions_that_do_not_fit() -> None:
    assert image_grid(GREY, ["ant"] * 4, columns=4).width > image_grid(GREY, ["ant"] * 4, columns=1).width
    with pytest.raises(ValueError, match="4 images, 3 true"):
        image_grid(GREY, ["ant"] * 3)
    with pytest.raises(ValueError, match="at least one image"):
        image_grid(GREY[:0], [])


def test_an_image_must_have_one_or_three_channels() -> None:
    with pytest.raises(ValueError, match="got \\(2, 4, 4\\)"):
        picture_of(np.zeros((2, 4, 4), dtype=np.uint8))


def test_filters_share_one_scale() -> None:
    weights = np.zeros((2, 3, 3), dtype=np.float32)
    weights[0] = 1.0
    weights[1] = 0.1
    alone = filter_sheet(weights[1:])
    together = filter_sheet(weights[1:], limit=1.0)
    full = tuple(diverging(np.array(1.0), 1.0).tolist())
    assert share_of(alone, full) > 0.1
    assert share_of(together, full) < 0.02


def test_marks_of_filters_are_written_under_them() -> None:
    weights = np.random.default_rng(0).normal(size=(4, 5, 5)).astype(np.float32)
    plain, marked = filter_sheet(weights), filter_sheet(weights, marks={1: "dead"})
    assert plain.width == marked.width
    assert plain.height < marked.height


def test_maps_before_a_relu_are_drawn_around_white_and_after_it_from_dark() -> None:
    maps = np.zeros((1, 8, 8), dtype=np.float32)
    maps[0, 0, 0] = 1
    dark = tuple(sequential(np.array(0.0), 0, 1).tolist())
    assert share_of(map_sheet(maps), dark) > 0.1
    maps[0, 1, 1] = -1
    assert share_of(map_sheet(maps), dark) == 0


@pytest.mark.parametrize("units", [1, 36, 512])
def test_sheets_hold_any_number_of_units(units: int) -> None:
    weights = np.random.default_rng(0).normal(size=(units, 3, 3, 3)).astype(np.float32)
    sheet = colour_filter_sheet(weights)
    assert 0.3 < sheet.width / sheet.height < 3.5


def test_patches_stand_beside_their_projections() -> None:
    patches = np.zeros((2, 9, 1, 8, 8), dtype=np.uint8)
    alone = patch_sheet(patches, None, ["unit 0", "unit 1"])
    beside = patch_sheet(patches, np.zeros((2, 9, 1, 8, 8), dtype=np.float32), ["unit 0", "unit 1"])
    assert beside.width > alone.width
    assert share_of(beside, (128, 128, 128)) > 0.2


def test_augmentation_sheet_has_a_row_per_image() -> None:
    originals = np.zeros((8, 3, 16, 16), dtype=np.uint8)
    draws = np.zeros((8, 8, 3, 16, 16), dtype=np.uint8)
    sheet = augmentation_sheet(originals, draws, ["ant"] * 8)
    assert sheet.width > 9 * 120
    assert sheet.height > 8 * 120


def test_words_of_a_sheet_stay_words_and_none_is_smaller_than_eleven_pixels_in_reading() -> None:
    sheets = [
        image_grid(GREY, ["ant"] * 4, ["ant", "bee", "ant", "ant"], contents=[(0, 1, 6, 5)] * 4),
        colour_filter_sheet(np.ones((70, 3, 3, 3), dtype=np.float32)),
        patch_sheet(np.zeros((2, 9, 1, 8, 8), np.uint8), None, ["unit 0", "unit 1"], notes=("15 of 36",)),
    ]
    for sheet in sheets:
        root = ElementTree.fromstring(sheet.svg())
        sizes = [float(text.attrib["font-size"]) / 2 for text in root.iter(f"{SVG}text")]
        assert sizes
        assert min(sizes) >= 11
        assert float(root.attrib["width"]) == sheet.width / 2
    assert "<text" in sheets[0].svg()
    assert "beyond it is padding" in sheets[0].svg()
    assert "beyond it is padding" not in image_grid(GREY, ["ant"] * 4, contents=[(0, 0, 6, 6)] * 4).svg()


def test_patches_that_are_white_are_told_apart_by_lines() -> None:
    white = np.full((1, 9, 1, 8, 8), 255, dtype=np.uint8)
    between = (np.asarray(patch_sheet(white, None, ["unit 0"]).raster()) == (148, 146, 140)).all(axis=-1)
    assert between.sum() > 2 * 2 * 190


def test_a_plane_names_its_groups_and_says_what_each_point_is() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    predicted = labels.copy()
    predicted[0] = 2
    said = [f"image {place}" for place in range(60)]
    sheet = point_sheet(
        random.normal(size=(60, 2)),
        labels,
        predicted,
        ["ant", "bee", "<wasp>"],
        said=said,
        heading="PCA",
        notes=["n"],
    )
    root = ElementTree.fromstring(sheet.svg())
    places = {int(each.attrib["data-place"]): each for each in root.iter() if "data-place" in each.attrib}
    assert sorted(places) == list(range(60))
    assert places[7].findtext(f"{SVG}title") == "image 7"
    assert places[0].tag == f"{SVG}g"
    assert {each.text for each in root.iter(f"{SVG}text")} >= {"ant", "bee", "<wasp>", "PCA"}


@pytest.mark.parametrize("paper", [LIGHT["paper"], DARK["paper"]])
def test_hues_are_seen_on_light_and_on_dark_paper(paper: str) -> None:
    assert all(contrast(hue, paper) >= 3 for hue in HUES)
    assert len(set(HUES)) == len(HUES)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_words_are_read_on_their_paper(colours: dict[str, str]) -> None:
    assert all(contrast(colours[name], colours["paper"]) >= 4.5 for name in ("ink", "quiet", "error"))


def test_long_names_keep_both_ends() -> None:
    name = "Rhododendron ferrugineum"
    short = shortened(name, 120, 20)
    assert short.startswith("Rh")
    assert short.endswith("um")
    assert "…" in short
    assert width_of(short, 20) <= 120
    assert shortened("ant", 120, 20) == "ant"


@pytest.mark.parametrize("text", ["é", "−", "Ł", "<&>", "\x00"])
def test_letters_beyond_english_are_drawn(text: str) -> None:
    drawn = np.asarray(word(text, 20, "#000000"))
    assert drawn[..., 3].any()
