"""What held-out images taught, in one file of arrays: of a run, or of a saved classifier."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError

from convscope.classifier.held_out.appearance import Appearance
from convscope.classifier.held_out.familiarity import Familiarity
from convscope.classifier.held_out.record import HeldOut
from convscope.errors import RunError


@dataclass(frozen=True, eq=False, kw_only=True)
class Taught:
    """What is stored of one checkpoint.

    Attributes:
        held_out: the answers to images held out, and what training images are like.
        temperature: what its class scores are divided by.
        checkpoint: the name of the checkpoint's folder that it is true of; empty in a saved classifier.
    """

    held_out: HeldOut
    temperature: float = 1.0
    checkpoint: str = ""

    def to_bytes(self) -> bytes:
        """As a safetensors file; features of training images in two bytes a number."""
        held_out = self.held_out
        tensors = {
            "confidence": torch.from_numpy(held_out.confidence),
            "true": torch.from_numpy(held_out.true),
            "right": torch.from_numpy(held_out.right),
            "unlikeness": torch.from_numpy(held_out.unlikeness),
        }
        told = {"temperature": self.temperature, "checkpoint": self.checkpoint, "folds": held_out.folds}
        if held_out.familiarity is not None:
            looks = held_out.familiarity.appearance
            tensors["directions"] = held_out.familiarity.directions.half().cpu()
            tensors["appearance"] = torch.from_numpy(np.stack([looks.low, looks.high]))
            told["appearance_of"] = looks.n
        contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
        return safetensors.torch.save(contiguous, {"convscope": json.dumps(told)})

    @staticmethod
    def read(path: Path) -> Taught | None:
        """The inverse; None where there is no such file.

        Raises:
            RunError: when the file is damaged.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
        try:
            return _from_bytes(content)
        except (SafetensorError, KeyError, ValueError, TypeError, struct.error) as error:
            raise RunError(
                f"{path} is damaged: {error}.\nWithout the file the classifier answers as it did before "
                "temperature and unknown images were measured"
            ) from None


def _from_bytes(content: bytes) -> Taught:
    tensors = safetensors.torch.load(content)
    (length,) = struct.unpack("<Q", content[:8])
    told = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["convscope"])
    familiarity = None
    if "directions" in tensors:
        low, high = tensors["appearance"].numpy()
        looks = Appearance(low, high, int(told["appearance_of"]))
        familiarity = Familiarity(tensors["directions"].float(), looks)
    arrays = {name: tensors[name].numpy() for name in ("confidence", "true", "right", "unlikeness")}
    return Taught(
        held_out=HeldOut(
            confidence=arrays["confidence"].astype(np.float64),
            true=arrays["true"].astype(np.float64),
            right=arrays["right"].astype(np.bool_),
            unlikeness=arrays["unlikeness"].astype(np.float64),
            familiarity=familiarity,
            folds=int(told["folds"]),
        ),
        temperature=float(told["temperature"]),
        checkpoint=str(told["checkpoint"]),
    )
