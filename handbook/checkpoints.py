r"""Checkpoints: a training on disk, so that it can be taken up again, or its best model found.

A file is written so that a crash at any moment leaves the old one or the new one, whole, and it is
read so that no code in it can run.
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
import os
import pickle
import random
import re
import warnings
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from handbook.checks import describe, require_choice, require_generator, require_integer
from handbook.training import History, TrainingState

__all__ = [
    "write_atomically",
    "copy_of_state",
    "StateDifference",
    "state_difference",
    "Checkpoint",
    "save_checkpoint",
    "read_checkpoint",
    "load_checkpoint",
    "is_best",
    "BestAndLast",
]

_CHECKPOINT_FORMAT = "torch-handbook checkpoint"
_CHECKPOINT_VERSION = 1
_ZIP_START = b"PK\x03\x04"  # torch.save writes a zip archive
_PICKLE_START = b"\x80"
# What torch.load(weights_only=True) rebuilds without running anything that the file names. A
# subclass is not enough: a numpy.float64 is a float, and asks for NumPy's code when it is loaded.
_PLAIN_TYPES = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    Tensor,
    nn.Parameter,
    torch.Size,
    torch.dtype,
    torch.device,
)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    r"""Write a file so that whoever looks, at any moment, finds the old one or the new one, whole.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Where it is a symbolic link, the file that the link points to.
    data : bytes
        All of its new content.

    Raises
    ------
    TypeError
        If ``path`` is not a path, or ``data`` not ``bytes``.
    FileNotFoundError
        If the folder does not exist.
    OSError
        If the system refuses, for instance because the disk is full. The old file is untouched, and
        what was written of the new one is removed.

    Notes
    -----
    Four steps, and each is needed. The bytes go to a new file *in the same folder*, because a file
    cannot change its name across file systems without being copied. ``fsync`` waits until they lie
    on the disk; without it the system may carry out the renaming before the writing. Then
    ``os.replace`` puts the name onto the new file, which POSIX makes one indivisible step. Last,
    ``fsync`` of the folder makes the new name outlive a power failure.

    A process that is killed in between leaves a file named ``.NAME.*.tmp`` behind.

    References
    ----------
    T. S. Pillai et al., "All file systems are not created equal: on the complexity of crafting
    crash-consistent applications", OSDI 2014.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "note.txt")
    ...     write_atomically(path, b"old")
    ...     write_atomically(path, b"new")
    ...     os.listdir(folder), open(path, "rb").read()
    (['note.txt'], b'new')
    """
    target = os.path.realpath(_checked_path(path))
    if not isinstance(data, bytes):
        raise TypeError(f"data must be bytes, got {describe(data)}")
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"path must lie in a folder that exists, got {target!r}; use os.makedirs({folder!r})"
        )
    if os.path.isdir(target):
        raise IsADirectoryError(f"path must be a file, got the folder {target!r}")
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
    try:
        # O_EXCL: never write into a file that is there. The mode leaves the permissions to umask.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with open(os.open(temporary, flags, 0o666), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        _remove_if_there(temporary)
        if isinstance(error, OSError):
            kept = "the old file is untouched" if os.path.exists(target) else "no file was left"
            raise type(error)(
                error.errno, f"{error.strerror or error}; {kept}, writing failed for", target
            ) from error
        raise
    _sync_folder(folder)


def _checked_path(path: object) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a str or a pathlib.Path, got {describe(path)}")
    text = os.fspath(path)
    if not isinstance(text, str) or not text:
        raise TypeError(f"path must be a str or a pathlib.Path, got {describe(text)}")
    return text


def _remove_if_there(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _sync_folder(folder: str) -> None:
    if os.name == "nt":  # Windows opens no folder, and keeps its own journal of names
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwrapped(model: object) -> nn.Module:
    """Return the module itself where DistributedDataParallel or torch.compile wraps it."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {describe(model)}")
    if isinstance(model, (DistributedDataParallel, DataParallel)):
        return _unwrapped(model.module)
    inner = getattr(model, "_orig_mod", None) or getattr(model, "whole_batch_model", None)
    return _unwrapped(inner) if isinstance(inner, nn.Module) else model


def copy_of_state(model: nn.Module) -> dict[str, Any]:
    """Copy a model's parameters and buffers, so that training on does not change them.

    Parameters
    ----------
    model : torch.nn.Module
        Any module. One that is wrapped by ``DistributedDataParallel``, ``DataParallel`` or
        ``torch.compile`` is unwrapped first.

    Returns
    -------
    dict
        Name → tensor, on the tensors' devices, without gradient; for ``load_state_dict``.

    Raises
    ------
    TypeError
        If ``model`` is not a module.

    Notes
    -----
    ``model.state_dict()`` is a new dictionary of the *same* memory: it shows what the model
    becomes.
    Tensors that share memory here, such as tied weights, share it in the copy too.

    Examples
    --------
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.ones_(model.weight)
    >>> held, copied = model.state_dict(), copy_of_state(model)
    >>> with torch.no_grad():
    ...     _ = model.weight.mul_(5)
    >>> held["weight"].item(), copied["weight"].item()
    (5.0, 1.0)
    """
    return copy.deepcopy(_unwrapped(model).state_dict())


class StateDifference(NamedTuple):
    """In what a ``state_dict`` does not fit a model.

    Attributes
    ----------
    missing : tuple of str
        Names that the model has and the ``state_dict`` has not.
    unexpected : tuple of str
        Names that the ``state_dict`` has and the model has not.
    wrong_shape : dict
        Name → (the model's shape, the other's), where both have the name.

    Examples
    --------
    >>> bool(StateDifference((), (), {})), bool(StateDifference(("bias",), (), {}))
    (False, True)
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrong_shape: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.wrong_shape)

    def __str__(self) -> str:
        parts = [f"missing {', '.join(self.missing)}"] if self.missing else []
        parts += [f"unexpected {', '.join(self.unexpected)}"] if self.unexpected else []
        parts += [
            f"{name} has shape {other}, the model's has {own}"
            for name, (own, other) in self.wrong_shape.items()
        ]
        return "; ".join(parts) or "no difference"


def state_difference(model: nn.Module, state: Mapping[str, object]) -> StateDifference:
    """Compare a ``state_dict`` with a model, before anything is loaded.

    Parameters
    ----------
    model : torch.nn.Module
        The model that shall take the state.
    state : dict
        Name → tensor.

    Returns
    -------
    StateDifference
        It is true (``if difference:``) where loading with ``strict=True`` would fail.

    Raises
    ------
    TypeError
        If ``model`` is not a module, or ``state`` not a dictionary.

    Examples
    --------
    >>> model = torch.nn.Linear(3, 2)
    >>> print(state_difference(model, model.state_dict()))
    no difference
    >>> print(state_difference(model, {"weight": torch.zeros(2, 4), "weights": torch.zeros(2, 3)}))
    missing bias; unexpected weights; weight has shape (2, 4), the model's has (2, 3)
    """
    own = _unwrapped(model).state_dict()
    if not isinstance(state, Mapping):
        raise TypeError(f"state must be a dict of tensors, got {describe(state)}")
    shapes = {}
    for name, value in own.items():
        other = state.get(name)
        if isinstance(value, Tensor) and isinstance(other, Tensor) and value.shape != other.shape:
            shapes[name] = (tuple(value.shape), tuple(other.shape))
    return StateDifference(
        tuple(name for name in own if name not in state),
        tuple(str(name) for name in state if name not in own),
        shapes,
    )


class Checkpoint(NamedTuple):
    """What a checkpoint file holds.

    Attributes
    ----------
    epoch : int
        How many epochs were complete.
    model : dict
        The model's ``state_dict``, on the CPU.
    optimizer, schedule : dict or None
        Their ``state_dict``, if they were saved.
    history : object
        What was recorded, if anything: numbers, strings and tensors, in lists, tuples and
        dictionaries.
    generators : dict
        Name → state of a :class:`torch.Generator`.
    also : dict
        Name → ``state_dict`` of whatever else was saved.
    random_state : dict
        The states of the global generators of PyTorch, Python and NumPy.
    classes : dict
        The class names of optimizer and schedule.

    Examples
    --------
    >>> Checkpoint._fields[:4]
    ('epoch', 'model', 'optimizer', 'schedule')
    """

    epoch: int
    model: dict[str, Any]
    optimizer: dict[str, Any] | None
    schedule: dict[str, Any] | None
    history: Any
    generators: dict[str, Tensor]
    also: dict[str, Any]
    random_state: dict[str, Any]
    classes: dict[str, str]


def save_checkpoint(
    path: str | os.PathLike[str],
    model: nn.Module,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    epoch: int = 0,
    history: object = None,
    generators: Mapping[str, torch.Generator] | None = None,
    also: Mapping[str, Any] | None = None,
) -> None:
    r"""Save a training, atomically, with all that is needed to take it up again exactly.

    Parameters
    ----------
    path : str or os.PathLike
        The file, in a folder that exists. A file that is there is replaced.
    model : torch.nn.Module
        Its parameters and buffers are saved, not its code.
    optimizer : torch.optim.Optimizer, optional
        Momentum and step counts are half of where a training stands.
    schedule : torch.optim.lr_scheduler.LRScheduler, optional
        What sets the learning rate.
    epoch : int, optional
        How many epochs are complete.
    history : object, optional
        What was recorded so far: numbers, strings, tensors, in lists, tuples and dictionaries.
    generators : dict, optional
        Name → generator. Whatever draws the order of the data belongs here.
    also : dict, optional
        Name → anything with ``state_dict()`` and ``load_state_dict()``, such as an
        :class:`~handbook.training.EarlyStopping` or a :class:`torch.amp.GradScaler`.

    Raises
    ------
    TypeError
        If an argument is of the wrong type, or holds an object that a safe loader would refuse;
        the message says where.
    ValueError
        If ``epoch`` is negative.
    OSError
        If the file cannot be written; see :func:`write_atomically`. Nothing in memory has changed.

    Notes
    -----
    The states of the global generators of PyTorch (on the CPU and all GPUs), of Python, and of
    NumPy where it is installed, are saved too.

    The file is made in memory first, so saving takes as much memory as the file is long.

    References
    ----------
    J. Mohan, A. Phanishayee, V. Chidambaram, "CheckFreq: frequent, fine-grained DNN
    checkpointing", FAST 2021.

    Examples
    --------
    >>> import tempfile
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.Adam(model.parameters())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "last.pt")
    ...     save_checkpoint(path, model, optimizer=optimizer, epoch=3, history={"loss": [0.5]})
    ...     read_checkpoint(path).history
    {'loss': [0.5]}

    What could not be loaded safely is refused before a file is touched:

    >>> save_checkpoint("last.pt", model, history={"loss": [model]})
    Traceback (most recent call last):
        ...
    TypeError: history['loss'][0] must be a number, a string or a tensor, in lists and dicts, ...
    """
    write_atomically(
        path,
        _checkpoint_bytes(
            model,
            optimizer=optimizer,
            schedule=schedule,
            epoch=epoch,
            history=history,
            generators=generators,
            also=also,
        ),
    )


def _checkpoint_bytes(
    model: nn.Module,
    *,
    optimizer: object,
    schedule: object,
    epoch: int,
    history: object,
    generators: Mapping[str, torch.Generator] | None,
    also: Mapping[str, Any] | None,
) -> bytes:
    require_integer("epoch", epoch, minimum=0)
    generators = _checked_generators(generators)
    also = _checked_parts(also)
    parts = {"optimizer": optimizer, "schedule": schedule}
    for name, part in parts.items():
        _require_stateful(name, part)
    content: dict[str, Any] = {
        "format": _CHECKPOINT_FORMAT,
        "version": _CHECKPOINT_VERSION,
        "epoch": epoch,
        "model": _unwrapped(model).state_dict(),
        **{name: None if part is None else cast(Any, part).state_dict()
           for name, part in parts.items()},
        "history": history,
        "generators": {name: generator.get_state() for name, generator in generators.items()},
        "also": {name: part.state_dict() for name, part in also.items()},
        "random_state": _global_random_state(),
        "classes": {name: type(part).__name__ for name, part in parts.items() if part is not None},
    }  # fmt: skip
    for name, part in content.items():
        _require_plain(name, part)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _checked_generators(generators: object) -> dict[str, torch.Generator]:
    if generators is None:
        return {}
    if not isinstance(generators, Mapping):
        raise TypeError(
            f"generators must be a dict of name to torch.Generator, got {describe(generators)}; "
            "use {'data': generator}"
        )
    for name, generator in generators.items():
        if not isinstance(name, str):
            raise TypeError(f"generators must have names that are str, got {describe(name)}")
        require_generator(f"generators[{name!r}]", generator)
    return dict(generators)


def _checked_parts(also: object) -> dict[str, Any]:
    if also is None:
        return {}
    if not isinstance(also, Mapping):
        raise TypeError(f"also must be a dict of name to object, got {describe(also)}")
    for name, part in also.items():
        for method in ("state_dict", "load_state_dict"):
            if not callable(getattr(part, method, None)) or isinstance(part, type):
                raise TypeError(
                    f"also[{name!r}] must have state_dict() and load_state_dict(), "
                    f"got {describe(part)}"
                )
    return dict(also)


def _require_stateful(name: str, part: object) -> None:
    if part is None:
        return
    if not callable(getattr(part, "state_dict", None)) or isinstance(part, (nn.Module, type)):
        wanted = "torch.optim" if name == "optimizer" else "torch.optim.lr_scheduler"
        raise TypeError(f"{name} must be one of {wanted}, got {describe(part)}")


def _require_plain(place: str, value: object) -> None:
    """Refuse, with its place, what ``torch.load(weights_only=True)`` would refuse to load."""
    if type(value) in (dict, OrderedDict, Counter):
        for key, inner in cast(dict[object, object], value).items():
            _require_plain(f"a key of {place}", key)
            _require_plain(f"{place}[{key!r}]", inner)
    elif type(value) in (list, tuple):
        for i, inner in enumerate(cast(Sequence[object], value)):
            _require_plain(f"{place}[{i}]", inner)
    elif type(value) not in _PLAIN_TYPES:
        raise TypeError(
            f"{place} must be a number, a string or a tensor, in lists and dicts, got "
            f"{type(value).__module__}.{type(value).__qualname__}; only these can be loaded "
            "without running code: use value.item() for a NumPy number, a dict for an object"
        )


def _global_random_state() -> dict[str, Any]:
    state: dict[str, Any] = {"torch": torch.get_rng_state(), "python": random.getstate()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    numpy_random = _numpy_random()
    if numpy_random is not None:
        kind, keys, *rest = numpy_random.get_state()
        state["numpy"] = [str(kind), keys.tolist(), *map(_python_number, rest)]
    return state


def _python_number(value: Any) -> float:
    return float(value) if isinstance(value, float) else int(value)


def _set_global_random_state(state: Mapping[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    random.setstate(state["python"])
    if "cuda" in state and torch.cuda.is_available():
        for index, one in enumerate(state["cuda"][: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(one, index)
    numpy_random = _numpy_random()
    if "numpy" in state and numpy_random is not None:
        kind, keys, *rest = state["numpy"]
        numpy_random.set_state((kind, keys, *rest))


def _numpy_random() -> Any:
    """Return the module of NumPy's global generator, or None where there is no NumPy."""
    try:
        import numpy as np
    except ImportError:
        return None
    return np.random


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint file without running any code that it may hold.

    Parameters
    ----------
    path : str or os.PathLike
        A file written by :func:`save_checkpoint`.

    Returns
    -------
    Checkpoint
        Its content, all tensors on the CPU.

    Raises
    ------
    TypeError
        If ``path`` is not a path.
    FileNotFoundError
        If there is no such file.
    IsADirectoryError
        If it is a folder.
    ValueError
        If the file is empty, cut short, damaged, of another kind, or asks for code to be run. The
        message names the file and says what it is.

    Notes
    -----
    A pickle is a program. ``torch.load(weights_only=True)`` lets only that part of it run which
    makes tensors and plain containers, and so does this function. A file in another form than
    that of :func:`torch.save` is not even opened as a pickle.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "last.pt")
    ...     save_checkpoint(path, torch.nn.Linear(2, 1), epoch=7)
    ...     read_checkpoint(path).epoch
    ...     with open(path, "r+b") as file:
    ...         _ = file.truncate(500)
    ...     try:
    ...         read_checkpoint(path)
    ...     except ValueError as error:
    ...         print(str(error).replace(folder + os.sep, ""))
    7
    'last.pt' is cut short: it begins like a file of torch.save and has no end; 500 bytes
    """
    name = _checked_path(path)
    if os.path.isdir(name):
        raise IsADirectoryError(f"path must be a checkpoint file, got the folder {name!r}")
    try:
        with open(name, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no checkpoint {name!r}; files beside it: {_files_beside(name)}"
        ) from None
    content = _safely_unpickled(name, data)
    if not isinstance(content, dict) or content.get("format") != _CHECKPOINT_FORMAT:
        raise ValueError(
            f"{name!r} is not a checkpoint of this package: it is a file of torch.save that holds "
            f"{_content_told(content)}; load it by torch.load(path, weights_only=True)"
        )
    if content.get("version") != _CHECKPOINT_VERSION:
        raise ValueError(
            f"{name!r} is a checkpoint in version {content.get('version')} of the format; this "
            f"package reads version {_CHECKPOINT_VERSION}"
        )
    absent = [field for field in Checkpoint._fields if field not in content]
    if absent:
        raise ValueError(f"{name!r} is an incomplete checkpoint: it has no {', '.join(absent)}")
    return Checkpoint(**{field: content[field] for field in Checkpoint._fields})


def _files_beside(name: str) -> str:
    folder = os.path.dirname(os.path.abspath(name))
    if not os.path.isdir(folder):
        return "none, there is no such folder"
    found = sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))
    return ", ".join(found[:5]) + (", …" if len(found) > 5 else "") or "none"


def _content_told(content: object) -> str:
    if isinstance(content, dict):
        keys = ", ".join(repr(key) for key in list(content)[:3])
        return f"a dict with {len(content)} entries ({keys}{', …' if len(content) > 3 else ''})"
    return describe(content)


def _safely_unpickled(name: str, data: bytes) -> object:
    """Return what ``torch.save`` saved, after every check that needs no unpickling."""
    if not data:
        raise ValueError(f"{name!r} is empty: its writing was never finished")
    if data.startswith(_PICKLE_START):
        raise ValueError(
            f"{name!r} is a bare pickle, not a file of torch.save: loading it could run any code, "
            "so it is refused"
        )
    if not data.startswith(_ZIP_START):
        raise ValueError(
            f"{name!r} is not a file of torch.save: it begins with {data[:8]!r}, "
            f"and such a file with {_ZIP_START!r}"
        )
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise ValueError(
            f"{name!r} is cut short: it begins like a file of torch.save and has no end; "
            f"{len(data)} bytes"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            damaged = archive.testzip()
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, RuntimeError, OSError, EOFError) as error:
        raise ValueError(f"{name!r} is damaged: {error}") from error
    if damaged is not None:
        raise ValueError(f"{name!r} is damaged: the checksum of {damaged!r} in it is wrong")
    if not any(entry.endswith("/data.pkl") or entry == "data.pkl" for entry in names):
        raise ValueError(
            f"{name!r} is a zip archive, but not of torch.save: it holds {', '.join(names[:3])}"
        )
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        raise ValueError(
            f"{name!r} asks for code ({asked.group(1) if asked else 'unknown'}) that is no part of "
            "a checkpoint; it was refused, and none of it was run"
        ) from error
    except (RuntimeError, EOFError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise ValueError(f"{name!r} is damaged: {error}") from error


def load_checkpoint(
    path: str | os.PathLike[str],
    model: nn.Module | None = None,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    generators: Mapping[str, torch.Generator] | None = None,
    also: Mapping[str, Any] | None = None,
    random_state: bool = False,
) -> Checkpoint:
    """Read a checkpoint and put what it holds into the objects that you give.

    Parameters
    ----------
    path : str or os.PathLike
        A file written by :func:`save_checkpoint`.
    model : torch.nn.Module, optional
        Takes the parameters and buffers, on whatever device it is.
    optimizer, schedule : optional
        Made as for the run that was saved; they take its state.
    generators : dict, optional
        Name → generator, with the names used in saving; they are set to where they were.
    also : dict, optional
        Name → object with ``load_state_dict()``, with the names used in saving.
    random_state : bool, optional
        Whether to set the global generators too, as an exact resumption needs where layers such as
        dropout draw from them. Default: leave them.

    Returns
    -------
    Checkpoint
        All that is in the file. It shares no memory with the objects.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    FileNotFoundError, IsADirectoryError
        As :func:`read_checkpoint`.
    ValueError
        If the file is no whole checkpoint, or does not fit what you give: names or shapes of the
        model's tensors, the class of the optimizer or schedule, its parameter groups, the names
        of generators. Everything is compared first; then nothing has been changed.

    Examples
    --------
    >>> import tempfile
    >>> first, second = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "last.pt")
    ...     save_checkpoint(path, first)
    ...     _ = load_checkpoint(path, second)
    ...     try:
    ...         load_checkpoint(path, torch.nn.Linear(3, 1))
    ...     except ValueError as error:
    ...         print(str(error).replace(folder + os.sep, ""))
    'last.pt' does not fit the model: weight has shape (1, 2), the model's has (1, 3)
    >>> torch.equal(first.weight, second.weight)
    True
    """
    generators = _checked_generators(generators)
    also = _checked_parts(also)
    if model is not None:
        model = _unwrapped(model)
    for part_name, part in (("optimizer", optimizer), ("schedule", schedule)):
        _require_stateful(part_name, part)
    if not isinstance(random_state, bool):
        raise TypeError(f"random_state must be a bool, got {describe(random_state)}")
    name = _checked_path(path)
    checkpoint = read_checkpoint(name)
    # Compare everything before anything changes: half a resumed training is worse than none.
    if model is not None:
        difference = state_difference(model, checkpoint.model)
        if difference:
            raise ValueError(f"{name!r} does not fit the model: {difference}")
    _require_part_fits(name, "optimizer", optimizer, checkpoint.optimizer, checkpoint.classes)
    _require_part_fits(name, "schedule", schedule, checkpoint.schedule, checkpoint.classes)
    for what, given, held in (
        ("the generator", generators, checkpoint.generators),
        ("also", also, checkpoint.also),
    ):
        absent = [key for key in cast(Mapping[str, object], given) if key not in held]
        if absent:
            raise ValueError(
                f"{name!r} holds no state of {what} {absent[0]!r}; it holds "
                f"{', '.join(map(repr, held)) or 'none'}"
            )
    if model is not None:
        model.load_state_dict(checkpoint.model)
    if optimizer is not None:
        # PyTorch keeps the tensors that it is given; a copy keeps the two apart.
        optimizer.load_state_dict(copy.deepcopy(cast(dict[str, Any], checkpoint.optimizer)))
    if schedule is not None:
        schedule.load_state_dict(copy.deepcopy(cast(dict[str, Any], checkpoint.schedule)))
    for key, generator in generators.items():
        generator.set_state(checkpoint.generators[key])
    for key, part in also.items():
        part.load_state_dict(copy.deepcopy(checkpoint.also[key]))
    if random_state:
        _set_global_random_state(checkpoint.random_state)
    return checkpoint


def _require_part_fits(
    file: str, name: str, part: object, state: dict[str, Any] | None, classes: Mapping[str, str]
) -> None:
    if part is None:
        return
    if state is None:
        raise ValueError(f"{file!r} holds no {name}; it was saved without one")
    if classes.get(name) != type(part).__name__:
        raise ValueError(
            f"{file!r} holds the state of the {name} {classes.get(name)}, got "
            f"{type(part).__name__}; make the {name} as for the run that was saved"
        )
    if isinstance(part, torch.optim.Optimizer):
        own = [len(group["params"]) for group in part.param_groups]
        saved = [len(group["params"]) for group in state["param_groups"]]
        if own != saved:
            raise ValueError(
                f"{file!r} holds an optimizer with groups of {saved} parameters, got {own}"
            )


def is_best(values: Iterable[float], *, mode: str = "min") -> bool:
    """Say whether the last of some values is the best so far.

    Parameters
    ----------
    values : iterable of float
        One for each epoch, the newest last.
    mode : {"min", "max"}, optional
        Whether small or large is good. Default: small, as for a loss.

    Returns
    -------
    bool
        True if the last value is better than every other one. A tie goes to the earlier epoch,
        and NaN is never the best.

    Raises
    ------
    ValueError
        If there is no value, or ``mode`` is neither word.

    Examples
    --------
    >>> is_best([0.9, 0.4]), is_best([0.9, 0.4, 0.6]), is_best([0.9, 0.4, 0.4])
    (True, False, False)
    >>> is_best([float("nan"), 0.7]), is_best([0.7, float("nan")])
    (True, False)
    >>> is_best([0.81, 0.93], mode="max")
    True
    """
    require_choice("mode", mode, ("min", "max"))
    numbers = [float(value) for value in values]
    if not numbers:
        raise ValueError("values must be at least one, got none")
    *earlier, last = numbers
    sign = 1.0 if mode == "min" else -1.0
    if math.isnan(last):
        return False
    return all(math.isnan(value) or sign * last < sign * value for value in earlier)


class BestAndLast:
    """A callback of :func:`~handbook.training.fit` that keeps two files: ``best.pt``, ``last.pt``.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the files lie; it is made if it is not there. One training at a time may use it.
    generators : dict, optional
        Name → generator, as in :func:`save_checkpoint`. Whatever draws the order of the data.
    also : dict, optional
        Name → other objects with a state, as in :func:`save_checkpoint`.
    monitor : str, optional
        The series of :meth:`History.series <handbook.training.History.series>` that says which
        epoch is best. Default: the loss on the validation data.
    mode : {"min", "max"}, optional
        Whether a small or a large number is good.
    every : int, optional
        Write ``last.pt`` after every so many epochs, and at the end. ``best.pt`` is written after
        each epoch that is better than all before.

    Attributes
    ----------
    best : str
        The path of the file of the best epoch.
    last : str
        The path of the file of the last epoch.
    failures : list of str
        What went wrong in writing, if anything did.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, or ``mode`` or ``every`` out of bounds.

    Notes
    -----
    After an epoch that is the best, ``best.pt`` is written *before* ``last.pt``. A crash between
    the two then repeats an epoch and writes the best again. In the other order a resumed training
    would stand behind its best epoch, and never write it.

    Where a file cannot be written, as on a full disk, the training goes on: you are warned, the old
    files stay, and the new ones are kept in memory and tried again after the next epoch.

    Under ``torch.distributed`` only the first process writes.

    Examples
    --------
    >>> import tempfile
    >>> from handbook.training import fit
    >>> x = torch.tensor([[1.0], [2.0], [3.0]])
    >>> def training(folder, epochs):
    ...     model = nn.Linear(1, 1, bias=False)
    ...     _ = nn.init.zeros_(model.weight)
    ...     optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    ...     keep = BestAndLast(folder)
    ...     history = keep.resume(model, optimizer)
    ...     batches, validation = [(x, 2 * x)], [(x, 2 * x)]
    ...     history = fit(model, nn.MSELoss(), optimizer, batches, epochs=epochs,
    ...                   validation=validation, callbacks=[keep], history=history)
    ...     return model.weight.item(), history.validation_losses
    >>> with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
    ...     _ = training(folder, 3)
    ...     resumed = training(folder, 6)  # finds last.pt, and goes on
    ...     resumed == training(other, 6), sorted(os.listdir(folder))
    (True, ['best.pt', 'last.pt'])
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        generators: Mapping[str, torch.Generator] | None = None,
        also: Mapping[str, Any] | None = None,
        monitor: str = "validation_loss",
        mode: str = "min",
        every: int = 1,
    ) -> None:
        self.folder = os.path.abspath(_checked_path(folder))
        if os.path.exists(self.folder) and not os.path.isdir(self.folder):
            raise NotADirectoryError(f"folder must be a folder, got the file {self.folder!r}")
        self.generators = _checked_generators(generators)
        self.also = _checked_parts(also)
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a series, got {describe(monitor)}")
        self.monitor = monitor
        self.mode = require_choice("mode", mode, ("min", "max"))
        self.every = require_integer("every", every, minimum=1)
        self.best = os.path.join(self.folder, "best.pt")
        self.last = os.path.join(self.folder, "last.pt")
        self.failures: list[str] = []
        self._waiting: dict[str, bytes] = {}

    def resume(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any = None
    ) -> History | None:
        """Put everything back to where ``last.pt`` left it.

        Parameters
        ----------
        model, optimizer, schedule : optional
            Made as for the first run.

        Returns
        -------
        History or None
            For the ``history`` of :func:`~handbook.training.fit`; None if there is no ``last.pt``.

        Raises
        ------
        ValueError
            If the file is no whole checkpoint, or does not fit; see :func:`load_checkpoint`.
        """
        if not os.path.exists(self.last):
            return None
        checkpoint = load_checkpoint(
            self.last,
            model,
            optimizer=optimizer,
            schedule=schedule,
            generators=self.generators,
            also=self.also,
            random_state=True,
        )
        return History.from_state_dict(checkpoint.history)

    def on_start(self, state: TrainingState) -> None:
        """Make the folder, and clear away what a killed process has left half written."""
        if not _is_first_process():
            return
        os.makedirs(self.folder, exist_ok=True)
        for entry in os.listdir(self.folder):
            if entry.startswith((".best.pt.", ".last.pt.")) and entry.endswith(".tmp"):
                _remove_if_there(os.path.join(self.folder, entry))

    def __call__(self, state: TrainingState) -> None:
        """Write what is due after an epoch."""
        values = state.history.series(self.monitor)
        if not _is_first_process():
            return
        best = is_best(values, mode=self.mode)
        is_end = state.epoch == state.epochs or bool(state.stop_reason)
        last = state.epoch % self.every == 0 or is_end
        if best or last:
            data = _checkpoint_bytes(
                state.model,
                optimizer=state.optimizer,
                schedule=state.schedule,
                epoch=state.epoch,
                history=state.history.state_dict(),
                generators=self.generators,
                also=self.also,
            )
            if best:
                self._waiting[self.best] = data
            if last:
                self._waiting.pop(self.last, None)
                self._waiting[self.last] = data
        for path in sorted(self._waiting):  # the best first: last.pt must never be ahead of it
            try:
                write_atomically(path, self._waiting[path])
            except OSError as error:
                self.failures.append(f"epoch {state.epoch}: {error}")
                warnings.warn(
                    f"no checkpoint after epoch {state.epoch}: {error}; the training goes on, and "
                    "it is tried again after the next epoch",
                    RuntimeWarning,
                    stacklevel=2,
                )
                return
            del self._waiting[path]


def _is_first_process() -> bool:
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return True
    return distributed.get_rank() == 0
