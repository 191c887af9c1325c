"""Make the link tables of docs/_inv from the installed packages, so that no build needs a network.

Run by ``nox -s inventories``. Each table lists only names that exist in the installed version.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import zlib
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).parents[1] / "_inv"

PYTHON = {
    "library/stdtypes.html": "int float bool str bytes list tuple dict set",
    "library/functions.html": "object type print len range zip type isinstance super property",
    "library/exceptions.html": (
        "Exception ValueError TypeError ImportError RuntimeError KeyboardInterrupt OSError "
        "AssertionError NotImplementedError ModuleNotFoundError SystemExit IndexError"
    ),
    "library/collections.abc.html": (
        "collections.abc.Callable collections.abc.Iterable collections.abc.Iterator "
        "collections.abc.Sequence collections.abc.Mapping collections.abc.Hashable"
    ),
    "library/types.html": "types.ModuleType",
    "library/typing.html": "typing.NamedTuple typing.Any typing.Literal",
    "library/pathlib.html": "pathlib.Path",
    "library/math.html": "math.comb math.lgamma math.log math.sqrt math.pi math.inf math.nan",
    "library/os.html": "os.PathLike",
    "library/random.html": "random.Random",
}
TORCH_SPACES = ("torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.nn.init")
TORCH_MODULES = {
    "torch": "torch.html",
    "torch.nn": "nn.html",
    "torch.nn.functional": "nn.functional.html",
    "torch.optim": "optim.html",
    "torch.linalg": "linalg.html",
    "torch.optim.lr_scheduler": "optim.html",
}
TORCH_PAGES = {
    "torch.Tensor": "tensors.html",
    "torch.device": "tensor_attributes.html",
    "torch.dtype": "tensor_attributes.html",
    "torch.layout": "tensor_attributes.html",
    "torch.finfo": "type_info.html",
    "torch.amp.GradScaler": "amp.html",
}
TORCH_MORE = (
    "torch.optim.lr_scheduler.LRScheduler torch.optim.lr_scheduler.StepLR "
    "torch.optim.lr_scheduler.CosineAnnealingLR torch.utils.data.DataLoader "
    "torch.utils.data.Dataset torch.utils.data.TensorDataset "
    "torch.utils.data.default_collate torch.autograd.gradcheck "
    "torch.autograd.gradgradcheck torch.autograd.grad torch.autograd.functional.hessian "
    "torch.func.hessian torch.func.jacrev torch.func.grad torch.func.vmap torch.linalg.eigh "
    "torch.linalg.eigvalsh torch.linalg.norm torch.linalg.svd torch.linalg.vector_norm "
    "torch.special.expit torch.special.erf torch.testing.assert_close "
    "torch.optim.lr_scheduler.LambdaLR torch.optim.lr_scheduler.LinearLR "
    "torch.optim.lr_scheduler.SequentialLR torch.optim.lr_scheduler.ExponentialLR "
    "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts "
    "torch.optim.lr_scheduler.OneCycleLR torch.optim.lr_scheduler.ReduceLROnPlateau "
    "torch.amp.GradScaler torch.func.functional_call torch.nn.utils.rnn.pack_padded_sequence "
    "torch.nn.utils.rnn.pad_packed_sequence torch.nn.utils.rnn.PackedSequence "
    "torch.utils.checkpoint.checkpoint torch.nn.utils.clip_grad_norm_ torch.cuda.is_available"
)
MATPLOTLIB = (
    "matplotlib.axes.Axes matplotlib.figure.Figure matplotlib.animation.FuncAnimation "
    "matplotlib.pyplot.subplots matplotlib.pyplot.show matplotlib.pyplot.figure "
    "matplotlib.pyplot.close matplotlib.pyplot.colorbar matplotlib.patches.Rectangle"
)
SKLEARN = (
    "sklearn.datasets.load_digits sklearn.datasets.load_iris sklearn.datasets.load_wine "
    "sklearn.datasets.load_breast_cancer sklearn.datasets.load_diabetes "
    "sklearn.datasets.load_sample_image sklearn.datasets.load_sample_images "
    "sklearn.neighbors.KNeighborsClassifier sklearn.decomposition.PCA "
    "sklearn.metrics.pairwise_distances"
)

Entry = tuple[str, str, str]  # qualified name, role, address


def find(name: str) -> object:
    """Return the object of a dotted name."""
    parts = name.split(".")
    for split in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:split]))
        except ImportError:
            continue
        for part in parts[split:]:
            found = getattr(found, part)
        return found
    found = builtins
    for part in parts:
        found = getattr(found, part)
    return found


def role(found: object) -> str:
    """Return the role that an object has in Sphinx's Python domain."""
    if inspect.ismodule(found):
        return "module"
    if inspect.isclass(found):
        is_exception = issubclass(found, BaseException)
        return "exception" if is_exception else "class"
    return "function" if callable(found) else "data"


def python() -> Iterator[Entry]:
    """List the few names of Python that docstrings use."""
    for page, names in PYTHON.items():
        for name in names.split():
            yield name, role(find(name)), f"{page}#$"
    yield "None", "data", "library/constants.html#$"
    yield "True", "data", "library/constants.html#$"
    yield "False", "data", "library/constants.html#$"


def torch() -> Iterator[Entry]:
    """List PyTorch's public functions, layers, losses, optimisers and tensor methods."""
    names = set(TORCH_MORE.split())
    for space, page in TORCH_MODULES.items():
        yield space, "module", f"{page}#module-$"
    for space in TORCH_SPACES:
        module = importlib.import_module(space)
        for short in dir(module):
            found = getattr(module, short)
            is_public = not short.startswith("_") and not inspect.ismodule(found)
            if is_public and (callable(found) or short in {"float32", "float64"}):
                names.add(f"{space}.{short}")
    for name in sorted(names):
        found = find(name)
        page = TORCH_PAGES.get(name, f"generated/{name}.html")
        if name.startswith("torch.nn.init."):
            page = "nn.init.html"
        if isinstance(found, type(find("torch.float32"))):
            yield name, "data", "tensor_attributes.html#torch.dtype"
        else:
            yield name, role(found), f"{page}#$"
    tensor = find("torch.Tensor")
    for short in sorted(dir(tensor)):
        if not short.startswith("_") and callable(getattr(tensor, short, None)):
            name = f"torch.Tensor.{short}"
            yield name, "method", f"generated/{name}.html#$"


def matplotlib() -> Iterator[Entry]:
    """List the few names of matplotlib that docstrings use, and every method of Axes."""
    for name in MATPLOTLIB.split():
        yield name, role(find(name)), f"api/_as_gen/{name}.html#$"
    axes = find("matplotlib.axes.Axes")
    for short in ("plot", "scatter", "imshow", "contour", "contourf", "set_title", "annotate"):
        assert callable(getattr(axes, short)), short
        yield f"matplotlib.axes.Axes.{short}", "method", f"api/_as_gen/matplotlib.axes.Axes.{short}.html#$"  # noqa: E501  # fmt: skip


def sklearn() -> Iterator[Entry]:
    """List the few names of scikit-learn that the handbook refers to."""
    for name in SKLEARN.split():
        yield name, role(find(name)), f"modules/generated/{name}.html#$"


def write(project: str, entries: Iterator[Entry]) -> Path:
    """Write one table in Sphinx's inventory format, version 2."""
    header = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    header += "# The remainder of this file is compressed using zlib.\n"
    lines = [f"{name} py:{kind} 1 {address} -\n" for name, kind, address in entries]
    path = TARGET / f"{project}.inv"
    path.write_bytes(header.encode() + zlib.compress("".join(lines).encode(), 9))
    print(f"{path.name}: {len(lines)} names, {path.stat().st_size} bytes")
    return path


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for make in (python, torch, matplotlib, sklearn):
        write(make.__name__, make())
