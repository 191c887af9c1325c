r"""The MNIST digits from their own files, if you have them. Nothing is fetched.

The files are in the IDX format: four bytes that say what follows, the size of each dimension, and
then the numbers. :func:`read_idx` reads any such file, :func:`load_mnist` the four of MNIST.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import torch
from torch import Tensor

from handbook.checks import describe
from handbook.datasets import Split

__all__ = ["read_idx", "load_mnist"]

# The third byte of a file. Multi-byte numbers are stored with the largest part first.
_IDX_DTYPES = {
    0x08: (torch.uint8, 1),
    0x09: (torch.int8, 1),
    0x0B: (torch.int16, 2),
    0x0C: (torch.int32, 4),
    0x0D: (torch.float32, 4),
    0x0E: (torch.float64, 8),
}
_GZIP_START = b"\x1f\x8b"
_MNIST_PARTS = ("train", "t10k")


def read_idx(path: str | os.PathLike[str]) -> Tensor:
    """Read a file in the IDX format, packed with gzip or not.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Whether it is packed is seen from its first bytes, not from its name.

    Returns
    -------
    Tensor
        The numbers, in the dtype and shape that the file states, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If ``path`` is not a path.
    ValueError
        If the file is not in the format, is cut off, holds more than it states, or is damaged in
        its packing.

    Notes
    -----
    Bytes 0 and 1 are zero, byte 2 is a code for the dtype, byte 3 the number of dimensions. A
    big-endian unsigned 32-bit number follows for each dimension, then the numbers, the last index
    running fastest.

    References
    ----------
    LeCun, Cortes and Burges, "The MNIST database of handwritten digits", 1998

    Examples
    --------
    >>> import tempfile
    >>> content = bytes([0, 0, 8, 2]) + struct.pack(">2I", 2, 3) + bytes([0, 1, 2, 253, 254, 255])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "six.idx"
    ...     _ = path.write_bytes(content)
    ...     read_idx(path)
    tensor([[  0,   1,   2],
            [253, 254, 255]], dtype=torch.uint8)

    A file that was cut off is told by its name and the bytes that are missing:

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "five.idx"
    ...     _ = path.write_bytes(content[:-1])
    ...     read_idx(path)
    Traceback (most recent call last):
        ...
    ValueError: five.idx must hold 2 × 3 numbers of 1 byte, 6 bytes, got 5; it is cut off
    """
    file = _idx_path("path", path)
    content = file.read_bytes()
    if content.startswith(_GZIP_START):
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(
                f"{file.name} must be a complete gzip file, but unpacking it failed: {error}"
            ) from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_DTYPES:
        codes = ", ".join(f"0x{code:02X}" for code in _IDX_DTYPES)
        raise ValueError(
            f"{file.name} must begin with two zero bytes and a code of {codes}, got "
            f"{content[:4].hex(' ') or 'an empty file'}; it is not in the IDX format"
        )
    dtype, width = _IDX_DTYPES[content[2]]
    n_dimensions = content[3]
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        raise ValueError(
            f"{file.name} must state {n_dimensions} sizes in {start - 4} bytes, got "
            f"{len(content) - 4}; it is cut off"
        )
    shape = struct.unpack(f">{n_dimensions}I", content[4:start])
    wanted, found = width * math.prod(shape), len(content) - start
    if wanted != found:
        numbers = " × ".join(map(str, shape)) or "1"
        unit = "1 byte" if width == 1 else f"{width} bytes"
        fault = "it is cut off" if found < wanted else "there is more behind them"
        raise ValueError(
            f"{file.name} must hold {numbers} numbers of {unit}, {wanted} bytes, got {found}; "
            + fault
        )
    if wanted == 0:
        return torch.empty(shape, dtype=dtype, device="cpu")
    raw = torch.frombuffer(bytearray(content[start:]), dtype=torch.uint8)
    if width > 1:
        # The file's largest part comes first; in the memory of most machines it comes last.
        raw = raw.reshape(-1, width).flip(1).flatten() if _is_little_endian() else raw
    return raw.view(dtype).reshape(shape)


def _is_little_endian() -> bool:
    return struct.pack("=H", 1) == struct.pack("<H", 1)


def _idx_path(name: str, value: object) -> Path:
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path, got {describe(value)}")
    return Path(value)


def load_mnist(folder: str | os.PathLike[str]) -> Split:
    """Read the 70,000 digits of MNIST, or any set that comes in files of the same names.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the four files are: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, each as it is or packed, then
        with ``.gz`` behind its name. Where some program has written ``images.idx3`` in place of
        ``images-idx3``, that is found too.

    Returns
    -------
    Split
        Images as float32 from 0 (no ink) to 1, and labels as int64, on the CPU.

    Shapes
    ------
    train_inputs : ``(60000, 1, 28, 28)``
    train_targets : ``(60000,)``
    test_inputs : ``(10000, 1, 28, 28)``
    test_targets : ``(10000,)``

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or a file is missing.
    TypeError
        If ``folder`` is not a path.
    ValueError
        If a file is not in the IDX format, is cut off, or holds something else than bytes in the
        right number of dimensions; if there are not as many labels as images; if the test images
        have another size than those for training; or a label is above 9.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE, 1998, https://doi.org/10.1109/5.726791

    Examples
    --------
    >>> import tempfile
    >>> def write(folder, part, n_images):
    ...     images = bytes([0, 0, 8, 3]) + struct.pack(">3I", n_images, 2, 2)
    ...     labels = bytes([0, 0, 8, 1]) + struct.pack(">I", n_images)
    ...     file = Path(folder) / f"{part}-images-idx3-ubyte"
    ...     _ = file.write_bytes(images + bytes([0, 255] * 2 * n_images))
    ...     _ = Path(folder, f"{part}-labels-idx1-ubyte").write_bytes(labels + bytes(n_images))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(folder, "train", 3)
    ...     write(folder, "t10k", 2)
    ...     digits = load_mnist(folder)
    >>> digits.train_inputs.shape, digits.test_targets
    (torch.Size([3, 1, 2, 2]), tensor([0, 0]))
    >>> digits.train_inputs[0, 0]
    tensor([[0., 1.],
            [0., 1.]])
    """
    place = _idx_path("folder", folder)
    if not place.is_dir():
        raise FileNotFoundError(f"folder must be one with the files of MNIST, got {str(place)!r}")
    parts = [_mnist_part(place, part) for part in _MNIST_PARTS]
    (train_images, train_labels), (test_images, test_labels) = parts
    if train_images.shape[1:] != test_images.shape[1:]:
        sizes = (f"{images.shape[1]} × {images.shape[2]}" for images in (train_images, test_images))
        raise ValueError(
            "the images for training and for the test must have one size, got {} and {}".format(
                *sizes
            )
        )
    return Split(
        train_inputs=train_images.unsqueeze(1).float() / 255,
        train_targets=train_labels.long(),
        test_inputs=test_images.unsqueeze(1).float() / 255,
        test_targets=test_labels.long(),
    )


def _mnist_part(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Read and check the images and labels of one part."""
    files = [
        _mnist_file(folder, part, "images", 3),
        _mnist_file(folder, part, "labels", 1),
    ]
    for file, n_dimensions in zip(files, (3, 1), strict=True):
        magic = _first_bytes(file)
        if magic != bytes([0, 0, 8, n_dimensions]):
            raise ValueError(
                f"{file.name} must begin with the magic number {0x800 + n_dimensions}, bytes of "
                f"{n_dimensions} dimensions, got {int.from_bytes(magic, 'big')}"
            )
    images, labels = (read_idx(file) for file in files)
    if len(images) != len(labels):
        raise ValueError(
            f"{files[1].name} must hold a label for each of the {len(images)} images of "
            f"{files[0].name}, got {len(labels)}"
        )
    if len(labels) and int(labels.max()) > 9:
        raise ValueError(f"{files[1].name} must hold labels from 0 to 9, got {int(labels.max())}")
    return images, labels


def _mnist_file(folder: Path, part: str, kind: str, n_dimensions: int) -> Path:
    name = f"{part}-{kind}-idx{n_dimensions}-ubyte"
    for stem in (name, name.replace("-idx", ".idx")):
        for file in (folder / stem, folder / f"{stem}.gz"):
            if file.is_file():
                return file
    raise FileNotFoundError(f"folder must hold the file {name} or {name}.gz, got {str(folder)!r}")


def _first_bytes(file: Path) -> bytes:
    """Return the magic number of a file, unpacked; less of it from a file that is damaged."""
    with file.open("rb") as stream:
        start = stream.read(4)
    if start.startswith(_GZIP_START):
        try:
            with gzip.open(file) as unpacked:
                return unpacked.read(4)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(
                f"{file.name} must be a complete gzip file, but unpacking it failed: {error}"
            ) from error
    return start
