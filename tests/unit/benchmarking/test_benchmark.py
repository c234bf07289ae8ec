"""A network's times: what is counted, how often, and what is said of it."""

from pathlib import Path

import pytest
import torch
from torch import nn

from convscope.benchmarking.benchmark import Amount, Timing, measure_benchmark
from convscope.benchmarking.peak import Peak, measure_peak
from convscope.benchmarking.subject import subject_network
from convscope.benchmarking.workload import Setting, Workload
from convscope.errors import UsageError
from convscope.networks.following.summarising import summarise

CPU = torch.device("cpu")


def setting(**changes: object) -> Setting:
    settings = {"device": CPU, "precision": torch.float32, "layout": "channels-last", "compiled": False}
    return Setting(**(settings | {"threads": 1} | changes))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No large products; and nothing is known of others, so that no round is repeated."""
    peak = Peak(gflops=100.0, side=512)
    monkeypatch.setattr("convscope.benchmarking.benchmark.measure_peak", lambda *_: peak)
    monkeypatch.setattr("convscope.benchmarking.load.STAT", Path("no-such-file"))


def workload(name: str = "two-conv", **changes: object) -> Workload:
    return Workload(*subject_network(name), setting(**changes))


def test_the_document_holds_each_size_with_both_directions() -> None:
    document = measure_benchmark(
        "two-conv", workload(), Amount(batch_sizes=(2, 1, 2), batches=3, burn_in=1)
    ).to_dict()

    assert [size["batch_size"] for size in document["sizes"]] == [1, 2]
    assert document["peak_gflops"] == 100.0
    for size in document["sizes"]:
        for direction in ("forward", "forward_backward"):
            found = size[direction]
            assert found["batches"] == 3
            assert found["images_per_second"] == pytest.approx(size["batch_size"] / found["mean"])
            gflops = document["flops"][direction] * found["images_per_second"] / 1e9
            assert found["share_of_peak"] == pytest.approx(gflops / 100)
    assert document["machine"]["device_name"]
    assert document["quiet"] == {"rounds": 4, "repeated": 0, "disturbed": 0, "others_share": None}


def test_the_first_image_layer_has_no_gradient_for_its_input_and_that_is_not_counted() -> None:
    network, shape = subject_network("two-conv")
    forward = summarise(network, shape).total.flops
    first = next(layer.flops for layer in summarise(network, shape).layers)
    timed = workload()

    assert timed.flops("forward") == forward
    assert timed.flops("forward_backward") == 3 * forward - first


@pytest.mark.parametrize("bias", [False, True])
def test_a_depthwise_convolution_costs_twice_as_much_backward_as_any(bias: bool) -> None:
    network = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, groups=4, bias=bias))
    timed = Workload(network, (4, 5, 5), setting())
    pointwise, depthwise = 2 * 25 * 4 * 4, 2 * 9 * 4 * 9

    assert timed.flops("forward") == pointwise + depthwise
    assert timed.flops("forward_backward") == 2 * pointwise + 3 * depthwise


def test_burn_in_and_batches_are_as_many_as_asked_for() -> None:
    calls: list[tuple[int, bool]] = []

    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            calls.append((len(images), torch.is_grad_enabled()))
            return images.flatten(1) * self.weight

    work = Workload(Counting(), (1, 4, 4), setting())
    measure_benchmark("counting", work, Amount(batch_sizes=(3,), batches=7, burn_in=2))

    assert calls.count((3, False)) == 9
    assert calls.count((3, True)) == 9


def test_against_another_setting_each_round_takes_both_and_the_ratio_has_an_interval() -> None:
    work = workload()
    other = workload(layout="channels-first")

    result = measure_benchmark(
        "two-conv", work, Amount(batch_sizes=(1,), batches=6, burn_in=0), against=other
    )

    (size,) = result.to_dict()["sizes"]
    ratio = size["ratio"]["forward"]
    assert ratio["rounds"] == 6
    assert ratio["interval"][0] <= ratio["value"] <= ratio["interval"][1]
    assert size["forward"]["peak_memory"] is None  # two networks are in memory
    assert size["against"]["forward"]["batches"] == 6


def test_one_batch_has_no_standard_deviation() -> None:
    timing = Timing(
        seconds=(0.5,), batch_size=2, flops=10**9, peak_gflops=8.0, peak_memory=None, first_seconds=1.0
    )

    found = timing.to_dict()

    assert found["sd"] is None
    assert (found["mean"], found["gflops"], found["share_of_peak"]) == (0.5, 4.0, 0.5)


def test_timing_leaves_the_loss_of_the_source() -> None:
    """Half the sum of squares: the gradient of the last bias is the sum of the outputs themselves."""
    network, shape = subject_network("linear")
    work = Workload(network, shape, setting())
    work.way("forward_backward", 4)()

    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    images = 0.1 * torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
    assert last.bias.grad is not None
    assert torch.allclose(last.bias.grad, network(images).sum(0), atol=1e-5)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("bfloat16", {"precision": torch.bfloat16}),
        ("channels-first, 3-threads", {"layout": "channels-first", "threads": 3}),
        ("compiled", {"compiled": True}),
    ],
)
def test_another_setting_is_named_in_words(words: str, changes: dict[str, object]) -> None:
    assert setting().changed(words) == setting(**changes)


@pytest.mark.parametrize("words", ["float16", "", "0-threads", "compiled,,"])
def test_a_word_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(UsageError, match="is not a way to compute"):
        setting().changed(words)


def test_the_peak_is_that_of_a_matrix_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convscope.benchmarking.peak.LARGEST_SIDE", 128)
    monkeypatch.setattr("convscope.benchmarking.peak.FIRST_SIDE", 64)

    peak = measure_peak(CPU, torch.float32)

    assert peak.side == 128
    assert peak.gflops > 0


def test_the_peak_is_of_the_threads_that_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was of whichever way came last, and the larger was kept: the shares came out half as large."""
    asked: list[int] = []

    def peak(*_: object) -> Peak:
        asked.append(torch.get_num_threads())
        return Peak(gflops=100.0, side=512)

    monkeypatch.setattr("convscope.benchmarking.benchmark.measure_peak", peak)
    before, amount = torch.get_num_threads(), Amount(batch_sizes=(1,), batches=6, burn_in=1)
    measure_benchmark("two-conv", workload(threads=1), amount, against=workload(threads=2))
    assert asked == [1, 1]
    assert torch.get_num_threads() == before
