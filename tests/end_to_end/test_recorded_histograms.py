"""--record-histograms: how each layer's values drift, recorded without changing the training."""

from pathlib import Path

import numpy as np
import torch

import convscope as cs
from convscope.cli.main import run
from convscope.runs.folder import Run
from convscope.runs.records import read_records


def test_histograms_are_recorded_and_change_nothing(tmp_path: Path) -> None:
    settings = {"steps": 6, "network": "two-conv", "dropout": 0.5, "threads": 1}
    plain = Run.open(cs.train("digits", runs=tmp_path, name="plain", **settings).path)
    watched = Run.open(
        cs.train("digits", runs=tmp_path, name="watched", record_histograms=2, **settings).path
    )
    records = read_records(watched.histograms_path)
    assert [record["step"] for record in records] == [0, 2, 4, 6]
    assert all(sum(layer["counts"]) > 0 for record in records for layer in record["layers"])
    assert not plain.histograms_path.exists()
    first, second = plain.checkpoint().network, watched.checkpoint().network
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_look_draws_the_drift(tmp_path: Path) -> None:
    path = cs.train("digits", runs=tmp_path, steps=4, record_histograms=2, threads=1).path
    assert run(["look", str(path), "--only", "histograms"]) == 0
    assert (path / "look" / "drift.svg").stat().st_size > 1000
    drift = next(entry for entry in Run.open(path).read("look/index.json") if entry["file"] == "drift.svg")
    assert "moves most" in drift["finding"]
    assert np.isfinite(list(drift["numbers"]["deviations"].values())).all()
