"""Opened models: kept while there is room, opened once, and opened anew when they were written anew."""

import gc
import os
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from convscope.looking.lesson import measure_lesson
from convscope.serving.correcting.pictures import Pictures
from convscope.serving.lens.lenses import Lenses
from convscope.serving.workbench import UnknownRunError, Workbench


def test_a_model_is_opened_once_however_many_ask(digit_runs: Path) -> None:
    workbench = Workbench(digit_runs)
    assert workbench.open_classifier("quick") is None
    with ThreadPoolExecutor(8) as crowd:
        found = list(crowd.map(lambda _: workbench.classifier("quick"), range(16)))
    assert len({id(each) for each in found}) == 1
    assert workbench.open_classifier("quick") is found[0]
    assert workbench.subject("quick").classifier is found[0]


def test_without_room_the_one_used_longest_ago_is_let_go(digit_runs: Path) -> None:
    workbench = Workbench(digit_runs, memory=1)
    workbench.classifier("quick")
    workbench.classifier("plain")
    assert workbench.open_classifier("quick") is None
    assert workbench.open_classifier("plain") is not None


def test_what_pages_keep_of_a_run_does_not_keep_its_images(digit_runs: Path) -> None:
    workbench, lenses = Workbench(digit_runs, memory=1), Lenses()
    pictures = Pictures(workbench)
    subject = workbench.subject("quick")
    images = subject.dataset.test
    assert pictures.png(workbench.find("quick"), images.hashes[0]) is not None
    lenses.of(subject)
    lesson = measure_lesson(subject)
    assert lesson.image.pixels.untyped_storage().nbytes() == 28 * 28
    kept = weakref.ref(subject), weakref.ref(images.images.pixels)
    del subject, images
    workbench.subject("plain")
    gc.collect()
    assert [each() for each in kept] == [None, None]


def test_with_room_both_are_kept(digit_runs: Path) -> None:
    workbench = Workbench(digit_runs)
    workbench.classifier("quick")
    workbench.classifier("plain")
    assert workbench.open_classifier("quick") is not None


def test_a_run_that_was_written_anew_is_opened_anew(digit_runs: Path) -> None:
    workbench = Workbench(digit_runs)
    first = workbench.classifier("plain")
    names = digit_runs / "plain" / "checkpoints" / "names.json"
    os.utime(names, ns=(0, names.stat().st_mtime_ns + 10**9))
    assert workbench.open_classifier("plain") is None
    assert workbench.classifier("plain") is not first


def test_no_path_is_an_id(digit_runs: Path) -> None:
    workbench = Workbench(digit_runs / "several")
    assert workbench.path_of("seed-0") == digit_runs / "several" / "seed-0"
    for name in ("..", "../quick", str(digit_runs / "quick"), "seed-0/", "./seed-0", ""):
        with pytest.raises(UnknownRunError):
            workbench.path_of(name)
