"""MNIST's files: read as they are, packed or not, and refused by name where they are damaged."""

from __future__ import annotations

import gzip
import runpy
import struct
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from handbook.mnist import load_mnist, read_idx

CODES = {
    "uint8": 0x08,
    "int8": 0x09,
    "int16": 0x0B,
    "int32": 0x0C,
    "float32": 0x0D,
    "float64": 0x0E,
}
NAMES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("t10k", "images"): "t10k-images-idx3-ubyte",
    ("t10k", "labels"): "t10k-labels-idx1-ubyte",
}


def idx(numbers: np.ndarray) -> bytes:
    head = bytes([0, 0, CODES[numbers.dtype.name], numbers.ndim])
    head += struct.pack(f">{numbers.ndim}I", *numbers.shape)
    return head + numbers.astype(numbers.dtype.newbyteorder(">")).tobytes()


def content(part: str, kind: str, n_samples: int = 0) -> np.ndarray:
    count = n_samples or {"train": 5, "t10k": 3}[part]
    if kind == "labels":
        return (np.arange(count) % 10).astype(np.uint8)
    return np.arange(count * 4 * 6).reshape(count, 4, 6).astype(np.uint8)


def write(folder: Path, *, packed: bool = False, dots: bool = False) -> None:
    for (part, kind), name in NAMES.items():
        stem = name.replace("-idx", ".idx") if dots else name
        data = idx(content(part, kind))
        if packed:
            (folder / f"{stem}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / stem).write_bytes(data)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", list(CODES))
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (0, 3), (3, 0), ()])
def test_every_dtype_and_shape_is_read(
    dtype: str, shape: tuple[int, ...], packed: bool, tmp_path: Path
) -> None:
    wanted = (np.random.default_rng(0).normal(size=shape) * 50).astype(dtype)
    data = idx(np.asarray(wanted))
    path = tmp_path / "numbers"
    path.write_bytes(gzip.compress(data) if packed else data)
    found = read_idx(path)
    assert str(found.dtype) == f"torch.{dtype}"
    assert torch.equal(found, torch.as_tensor(wanted))
    assert found.is_contiguous()
    assert torch.equal(read_idx(str(path)), found)


def test_the_result_can_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_bytes(idx(np.arange(4, dtype=np.uint8)))
    found = read_idx(path)
    found += 1
    assert found.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dots", [False, True])
def test_the_four_files_become_one_split(packed: bool, dots: bool, tmp_path: Path) -> None:
    write(tmp_path, packed=packed, dots=dots)
    digits = load_mnist(tmp_path)
    for part, images, labels in (
        ("train", digits.train_inputs, digits.train_targets),
        ("t10k", digits.test_inputs, digits.test_targets),
    ):
        wanted = torch.as_tensor(content(part, "images"))
        assert images.shape == (len(wanted), 1, 4, 6)
        assert images.dtype == torch.float32
        assert torch.equal((images[:, 0] * 255).round(), wanted.float())
        assert 0 <= images.min() <= images.max() <= 1
        assert labels.dtype == torch.int64
        assert torch.equal(labels, torch.as_tensor(content(part, "labels")).long())
    assert torch.equal(load_mnist(str(tmp_path)).test_inputs, digits.test_inputs)


def test_empty_files_make_an_empty_split(tmp_path: Path) -> None:
    write(tmp_path)
    for (_, kind), name in NAMES.items():
        shape = (0, 4, 6) if kind == "images" else (0,)
        (tmp_path / name).write_bytes(idx(np.zeros(shape, np.uint8)))
    assert load_mnist(tmp_path).train_inputs.shape == (0, 1, 4, 6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "bad.idx must begin with two zero bytes .* got an empty file; it is not in the IDX"),
        (b"\0\0\x08", "bad.idx must begin with two zero bytes"),
        (b"\0\0\x07\x01\0\0\0\0", r"got 00 00 07 01; it is not in the IDX format"),
        (b"\x89PNG\r\n", "got 89 50 4e 47"),
        (b"\0\0\x08\x03\0\0\0\x01", r"bad\.idx must state 3 sizes in 12 bytes, got 4; it is cut"),
        (
            b"\0\0\x08\x01\0\0\0\x05abcd",
            r"bad\.idx must hold 5 numbers of 1 byte, 5 bytes, got 4; it is cut off",
        ),
        (
            b"\0\0\x08\x01\0\0\0\x03abcd",
            r"bad\.idx must hold 3 numbers of 1 byte, 3 bytes, got 4; there is more behind them",
        ),
        (b"\0\0\x0d\x01\0\0\0\x02abcd", "2 numbers of 4 bytes, 8 bytes, got 4; it is cut off"),
        (b"\0\0\x0e\x02" + b"\xff" * 8, "4294967295 × 4294967295 numbers of 8 bytes"),
        (b"\0\0\x0d\0abc", "must hold 1 numbers of 4 bytes, 4 bytes, got 3; it is cut off"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_file_is_refused_by_name(
    data: bytes, message: str, packed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "bad.idx"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(ValueError, match=message):
        read_idx(path)


@pytest.mark.parametrize("damage", [slice(0, 30), slice(0, 11), slice(0, 2)])
def test_a_packed_file_that_is_cut_off_is_refused(damage: slice, tmp_path: Path) -> None:
    write(tmp_path, packed=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[damage])
    message = r"train-images-idx3-ubyte\.gz must be a complete gzip file, but unpacking it failed"
    with pytest.raises(ValueError, match=message):
        read_idx(path)
    with pytest.raises(ValueError, match=message):
        load_mnist(tmp_path)


def test_a_packed_file_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(idx(np.arange(40, dtype=np.uint8))))
    data[-6] ^= 0xFF
    path = tmp_path / "bad.gz"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"bad\.gz must be a complete gzip file"):
        read_idx(path)


@pytest.mark.parametrize("name", NAMES.values())
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"the file {name} or {name}\.gz, got"):
        load_mnist(tmp_path)


@pytest.mark.parametrize(
    ("name", "numbers", "message"),
    [
        (
            "train-images-idx3-ubyte",
            np.zeros((5, 24), np.uint8),
            "train-images-idx3-ubyte must begin with the magic number 2051, .* got 2050",
        ),
        (
            "t10k-labels-idx1-ubyte",
            np.zeros((3, 4, 6), np.uint8),
            "t10k-labels-idx1-ubyte must begin with the magic number 2049, .* got 2051",
        ),
        (
            "train-labels-idx1-ubyte",
            np.zeros(5, np.int32),
            "train-labels-idx1-ubyte must begin with the magic number 2049",
        ),
        (
            "train-labels-idx1-ubyte",
            np.zeros(4, np.uint8),
            "labels-idx1-ubyte must hold a label for each of the 5 images of train-images.*, got 4",
        ),
        (
            "t10k-labels-idx1-ubyte",
            np.full(3, 10, np.uint8),
            "t10k-labels-idx1-ubyte must hold labels from 0 to 9, got 10",
        ),
        (
            "t10k-images-idx3-ubyte",
            np.zeros((3, 6, 4), np.uint8),
            "for training and for the test must have one size, got 4 × 6 and 6 × 4",
        ),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    name: str, numbers: np.ndarray, message: str, tmp_path: Path
) -> None:
    write(tmp_path)
    (tmp_path / name).write_bytes(idx(numbers))
    with pytest.raises(ValueError, match=message):
        load_mnist(tmp_path)


def test_a_truncated_image_file_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-10])
    message = "t10k-images-idx3-ubyte must hold 3 × 4 × 6 numbers of 1 byte, 72 bytes, got 62"
    with pytest.raises(ValueError, match=message):
        load_mnist(tmp_path)


def test_a_path_must_be_one_and_must_exist(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="path must be a path, got 3"):
        read_idx(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="folder must be a path, got None"):
        load_mnist(None)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="folder must be one with the files of MNIST, got"):
        load_mnist(tmp_path / "nowhere")


def test_the_script_on_two_networks_reads_mnist_s_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = (np.arange(20) % 10).astype(np.uint8)
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8)
    for (_, kind), name in NAMES.items():
        (tmp_path / name).write_bytes(idx(images if kind == "images" else labels))
    monkeypatch.setenv("HANDBOOK_MNIST", str(tmp_path))
    script = Path(__file__).parents[1] / "gallery/convolution/plot_digits_two_networks.py"
    try:
        names = runpy.run_path(str(script))
    finally:
        plt.close("all")
    assert names["images"].shape == (20, 1, 28, 28)
    assert all(values.shape == (3,) for values in names["shares"].values())
    assert "anywhere: " in capsys.readouterr().out
