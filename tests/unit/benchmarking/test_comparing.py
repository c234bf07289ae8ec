"""Benchmarks beside each other and the source's two machines."""

import json
from pathlib import Path
from typing import Any

import pytest

from convscope.benchmarking.comparing import compare_times, read_benchmark
from convscope.errors import UsageError


def document(
    seconds: dict[int, float], network: str = "vgg16", image: tuple[int, ...] = (3, 224, 224), **setting: Any
) -> dict[str, Any]:
    return {
        "network": network,
        "image": list(image),
        "setting": {
            "device": "cpu",
            "threads": 2,
            "precision": "float32",
            "layout": "channels-last",
            "compiled": False,
        }
        | setting,
        "machine": {"device_name": "AMD EPYC"},
        "sizes": [
            {
                "batch_size": size,
                "forward": {"mean": mean / 3, "sd": None},
                "forward_backward": {"mean": mean, "sd": mean / 10},
            }
            for size, mean in seconds.items()
        ],
    }


def test_one_benchmark_stands_beside_the_source_and_each_of_its_machines_is_a_ratio() -> None:
    compared = compare_times([document({1: 0.5, 2: 1.0})])

    assert [line.name for line in compared.times if line.is_reported] == [
        "source: desktop GPU",
        "source: laptop CPU",
    ]
    ratios = {line.name: line.values for line in compared.ratios}
    ours = "AMD EPYC, 2 threads, float32, channels-last"
    assert ratios[f"source: laptop CPU / {ours}"] == pytest.approx({1: 1.85, 2: 1.532})


def test_of_two_the_second_is_set_against_the_first_and_the_sources_two_machines_beside_them() -> None:
    slow, fast = document({1: 3.0, 4: 8.0}), document({1: 1.0, 2: 2.0}, precision="bfloat16")

    compared = compare_times([slow, fast])

    forward, both, reported = compared.ratios
    assert both.name == "bfloat16 / float32"  # only what differs
    assert both.direction == "forward_backward"
    assert both.values == pytest.approx({1: 1 / 3})  # the one size that both have
    assert forward.values == pytest.approx({1: 1 / 3})
    assert reported.is_reported
    assert reported.values[9] == pytest.approx(6.799 / 0.166)


@pytest.mark.parametrize(
    ("network", "image"), [("vgg12", (1, 28, 28)), ("vgg16", (1, 224, 224))], ids=["network", "image"]
)
def test_what_the_source_did_not_measure_has_no_line_of_it(network: str, image: tuple[int, ...]) -> None:
    compared = compare_times([document({1: 1.0}, network, image)])

    assert not any(line.is_reported for line in compared.times)
    assert compared.ratios == ()


def test_two_alike_are_told_apart() -> None:
    compared = compare_times([document({1: 1.0}), document({1: 2.0})])

    names = list(dict.fromkeys(line.name for line in compared.times))
    same = "AMD EPYC, 2 threads, float32, channels-last"
    assert names[:2] == [f"{same} (1)", f"{same} (2)"]


def test_a_kept_benchmark_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document({1: 1.0})))

    assert compare_times([read_benchmark(path)]).times[1].sds == {1: 0.1}


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", '{"sizes": [{"batch_size": 1}]}', "\xff"])
def test_a_file_that_holds_no_benchmark_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content, encoding="latin-1")

    with pytest.raises(UsageError, match=r"holds no benchmark; one is made by: convscope benchmark"):
        read_benchmark(path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_benchmark(tmp_path / "none.json")
