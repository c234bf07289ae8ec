"""Counting data: as many circles as the label says, placed as the specification says, from the seed alone."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from convscope.data.synthetic.counting import CountingConfig, counting_source, draw_centres, generate_counting
from convscope.errors import UsageError


def blue(images: np.ndarray) -> np.ndarray:
    return 255 - images[:, 0].astype(int)


def test_each_image_shows_as_many_circles_as_its_label_says() -> None:
    # Under area=equal circles never touch, so that connected pieces can be counted.
    images, counts = generate_counting(CountingConfig.from_name("counting:1-60?images=2&area=equal&size=256"))
    pieces = [ndimage.label(image > 127)[1] for image in blue(images)]
    assert pieces == counts.tolist()
    assert sorted(set(counts)) == list(range(1, 61))


def test_the_picture_is_blue_on_white_with_soft_edges() -> None:
    images, _ = generate_counting(CountingConfig.from_name("counting:5?images=4"))
    assert images.shape == (4, 3, 128, 128)
    assert images.dtype == np.uint8
    assert (images[:, 2] == 255).all()
    assert np.array_equal(images[:, 0], images[:, 1])
    assert {0, 255} < set(np.unique(images[:, 0]))
    assert ((images[:, 0] > 0) & (images[:, 0] < 255)).any()


def test_a_circle_has_radius_014_of_axes_from_minus_2_to_2() -> None:
    images, _ = generate_counting(CountingConfig.from_name("counting:1?images=20"))
    area = blue(images).sum((1, 2)) / 255
    assert area == pytest.approx(np.pi * (0.14 * 32) ** 2, rel=0.02)


@pytest.mark.parametrize("area", ["free", "equal"])
@pytest.mark.parametrize("sizes", ["equal", "various"])
@pytest.mark.parametrize("number", [2, 50, 65])
def test_centres_keep_their_distance_inside_the_square(area: str, sizes: str, number: int) -> None:
    config = CountingConfig.from_name(f"counting:{number}?area={area}&sizes={sizes}")
    centres, radii = draw_centres(config, 20, number, np.random.default_rng(3))
    assert np.abs(centres).max() <= 1
    assert min(pdist(image).min() for image in centres.astype(np.float64)) >= 0.2 - 1e-6
    if area == "equal":
        touching = [
            pdist(c) - pdist(r[:, None], lambda a, b: a[0] + b[0])
            for c, r in zip(centres, radii, strict=True)
        ]
        assert min(gap.min() for gap in touching) > 0


def test_centres_are_uniform_when_there_is_room() -> None:
    config = CountingConfig.from_name("counting:1")
    centres, _ = draw_centres(config, 4000, 1, np.random.default_rng(0))
    corners = np.histogram2d(centres[:, 0, 0], centres[:, 0, 1], bins=4, range=[(-1, 1), (-1, 1)])[0]
    assert np.abs(corners - 250).max() < 5 * np.sqrt(250)


def test_various_sizes_span_areas_of_25_to_250_where_others_have_200() -> None:
    config = CountingConfig.from_name("counting:10?sizes=various")
    _, radii = draw_centres(config, 500, 10, np.random.default_rng(0))
    areas = 200 * (radii / 0.14) ** 2
    assert 25 <= areas.min() < 27
    assert 248 < areas.max() <= 250.001
    assert areas.mean() == pytest.approx(137.5, abs=4)


@pytest.mark.parametrize("sizes", ["equal", "various"])
@pytest.mark.parametrize("look", ["size=128", "size=64", "size=48", "size=64&view=1.6"])
def test_equal_area_is_exactly_equal_whatever_the_count(look: str, sizes: str) -> None:
    totals = set()
    for numbers in ("1-3", "20", "48-50", "70"):
        name = f"counting:{numbers}?images=4&area=equal&sizes={sizes}&{look}"
        totals |= set(blue(generate_counting(CountingConfig.from_name(name))[0]).sum((1, 2)).tolist())
    assert len(totals) == 1


def test_free_area_does_grow_with_the_count() -> None:
    images, counts = generate_counting(CountingConfig.from_name("counting:1-9?images=20"))
    assert np.corrcoef(blue(images).sum((1, 2)), counts)[0, 1] > 0.95


@pytest.mark.parametrize("options", ["", "&sizes=various", "&area=equal"])
def test_the_seed_alone_decides(options: str) -> None:
    def images(seed: int) -> np.ndarray:
        return generate_counting(CountingConfig.from_name(f"counting:3-4?images=3&seed={seed}{options}"))[0]

    first = images(5)
    np.random.seed(0)
    assert np.array_equal(first, images(5))
    assert not (first == images(6)).all((1, 2, 3)).any()


def test_no_image_comes_twice() -> None:
    images, _ = generate_counting(CountingConfig.from_name("counting:1-2?images=250&size=64"))
    assert len({image.tobytes() for image in images}) == len(images)


def test_a_source_names_classes_by_their_count_in_natural_order() -> None:
    source = counting_source("counting:8-11?images=2&size=64")
    assert source.class_names == ("8", "9", "10", "11")
    assert source.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert source.ids[-1] == "11/00001"
    assert len(set(source.ids)) == len(source.images) == 8
    assert source.splits is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("counting", "counting:1-5"),
        ("counting:five", "counting:1-5"),
        ("counting:5-1", "above the second"),
        ("counting:0-5", "1 to 70"),
        ("counting:1-200", "1 to 70"),
        ("counting:1-5?image=3", "did you mean images"),
        ("counting:1-5?images=many", "a whole number"),
        ("counting:1-5?images=0", "above 0"),
        ("counting:1-5?area=big", "'free' or 'equal'"),
        ("counting:1-5?size=32", "at least 48"),
        ("counting:1-5?area=equal&view=1.3", "1.6 to 4"),
    ],
)
def test_a_wrong_name_is_refused_with_what_is_allowed(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        counting_source(name)
