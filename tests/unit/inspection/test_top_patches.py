import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.patches.deconvnet import project_to_pixels
from convscope.inspection.patches.patch_projections import project_patches
from convscope.inspection.patches.top_patches import top_patches, top_patches_of_layers


def _standardise(pixels):
    return (pixels.float() / 255 - 0.4) / 0.3


def _photos(count, shape, seed=0):
    return torch.randint(
        0, 256, (count, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def _brute_force(network, photos, submodules):
    with torch.no_grad():
        maps = submodules(_standardise(photos))
    flat = maps.flatten(2)
    found = []
    for unit in range(maps.shape[1]):
        strongest = sorted(range(len(photos)), key=lambda image: (-float(flat[image, unit].max()), image))[:9]
        found.append([(image, divmod(int(flat[image, unit].argmax()), maps.shape[3])) for image in strongest])
    return maps, found


@pytest.mark.parametrize("stream", [False, True])
def test_equals_brute_force(small, stream):
    photos = _photos(60, (1, 12, 12))
    trunk = nn.Sequential(small.conv1, small.bn1, nn.ReLU(), small.pool1, small.conv2)
    maps, expected = _brute_force(small, photos, trunk)
    given = (photos[start : start + 7] for start in range(0, 60, 7)) if stream else photos
    top = top_patches(small, "conv2", given, _standardise, batch_size=7)

    for row in range(6):
        for rank, (image, (y, x)) in enumerate(expected[row]):
            assert top.image_indices[row, rank] == image
            assert tuple(top.positions[row, rank]) == (y, x)
            assert top.values[row, rank] == pytest.approx(float(maps[image, row, y, x]), abs=1e-5)
            # conv 3, pool 2, conv 3: a field of 8 pixels, 2 apart, that starts 3 above the image
            top_edge, left_edge = 2 * y - 3, 2 * x - 3
            box = [max(top_edge, 0), max(left_edge, 0), min(top_edge + 8, 12), min(left_edge + 8, 12)]
            assert top.boxes[row, rank].tolist() == box
            assert np.array_equal(top.patch(row, rank), photos[image, :, box[0] : box[2], box[1] : box[3]])
            cut = [box[0] - top_edge, box[1] - left_edge, top_edge + 8 - box[2], left_edge + 8 - box[3]]
            assert top.padding[row, rank].tolist() == cut
    assert top.seen == 60


def test_several_layers_in_one_pass_equal_one_by_one(made):
    network, shape = made("small")
    photos = _photos(50, shape)
    layers = {"conv1": None, "relu2": [1, 3], "head": None}
    together = top_patches_of_layers(network, layers, photos, _standardise, batch_size=8)
    for layer, units in layers.items():
        alone = top_patches(network, layer, photos, _standardise, units=units, batch_size=8)
        assert np.array_equal(alone.values, together[layer].values)
        assert np.array_equal(alone.image_indices, together[layer].image_indices)
        assert np.array_equal(alone.boxes, together[layer].boxes)


def test_equal_images_stay_in_their_order_and_equal_places_take_the_first():
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU())
    nn.init.ones_(network[0].weight)
    photos = torch.full((30, 1, 4, 4), 200, dtype=torch.uint8)
    photos[20, 0, 2, 1:3] = 250
    top = top_patches(network, "1", photos, _standardise, batch_size=4)
    assert top.image_indices[0].tolist() == [20, 0, 1, 2, 3, 4, 5, 6, 7]
    assert top.positions[0, 0].tolist() == [2, 1]
    assert top.positions[0, 1].tolist() == [0, 0]


def test_a_patch_alone_explains_the_units_value(small):
    """What lies outside the field can be anything: the unit does not see it."""
    photos = _photos(40, (1, 12, 12))
    top = top_patches(small, "conv2", photos, _standardise, units=[2], count=3)
    for rank in range(3):
        y0, x0, y1, x1 = top.boxes[0, rank]
        other = _photos(1, (1, 12, 12), seed=9)
        other[0, :, y0:y1, x0:x1] = torch.from_numpy(top.patch(0, rank).copy())
        trunk = nn.Sequential(small.conv1, small.bn1, nn.ReLU(), small.pool1, small.conv2)
        with torch.no_grad():
            value = trunk(_standardise(other))[0, 2][tuple(top.positions[0, rank])]
        assert top.values[0, rank] == pytest.approx(float(value), abs=1e-5)


def test_chosen_units_and_few_images(residual):
    top = top_patches(residual, "bn2", _photos(4, (3, 16, 16)), _standardise, units=[3, 1])
    assert top.units.tolist() == [3, 1]
    assert top.values.shape == (2, 4)
    assert (np.diff(top.values, axis=1) <= 0).all()


def test_a_fully_connected_layer_sees_the_whole_image(small):
    top = top_patches(small, "head", _photos(12, (1, 12, 12)), _standardise)
    assert top.patch(0, 0).shape == (1, 12, 12)


def test_a_stream_keeps_only_the_images_that_lead(small):
    photos = _photos(200, (1, 12, 12))
    top = top_patches(small, "conv2", iter(photos.split(10)), _standardise, units=[0])
    assert set(top.kept) == set(top.image_indices[0].tolist())


@pytest.mark.slow
def test_ten_thousand_images_need_little_memory():
    """The maps of all images would take 655 MB, the images alone 31 MB."""
    code = """
import resource, torch
from torch import nn
from convscope.inspection.patches.top_patches import top_patches

network = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU())
generator = torch.Generator().manual_seed(0)
images = torch.randint(0, 256, (10_000, 3, 32, 32), dtype=torch.uint8, generator=generator)
standardise = lambda pixels: pixels.float() / 255
top_patches(network, "1", images[:128], standardise)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert top_patches(network, "1", images, standardise).seen == 10_000
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100  # MiB


def test_projections_are_cut_like_their_patches(small):
    top = top_patches(small, "conv2", _photos(30, (1, 12, 12)), _standardise, units=[0, 4])
    projected = project_patches(small, top, _standardise, batch_size=5)
    for row in range(2):
        for rank in range(9):
            pixels = projected.pixels[row][rank]
            assert pixels.shape == top.patch(row, rank).shape
            assert projected.scale[row, rank] == np.abs(pixels).max()
    # In the deconvnet nothing outside the field gets a signal, so the cut loses nothing.
    y0, x0, y1, x1 = top.boxes[1, 0]
    whole = project_to_pixels(
        small, _standardise(top.image(1, 0)[None]), "conv2", [4], [tuple(top.positions[1, 0].tolist())]
    ).pixels[0]
    assert np.allclose(whole[:, y0:y1, x0:x1], projected.pixels[1][0], atol=1e-6)
    assert np.abs(whole).sum() == pytest.approx(np.abs(projected.pixels[1][0]).sum(), rel=1e-5)


def test_wrong_units_sizes_and_empty_streams_are_usage_errors(small):
    with pytest.raises(UsageError, match="units 0 to 5"):
        top_patches(small, "conv2", _photos(2, (1, 12, 12)), _standardise, units=[6])
    with pytest.raises(UsageError, match="one size"):
        top_patches(small, "conv2", [_photos(2, (1, 12, 12)), _photos(2, (1, 14, 12))], _standardise)
    with pytest.raises(UsageError, match="at least one"):
        top_patches(small, "conv2", [], _standardise)
