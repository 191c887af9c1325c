r"""Tables in files: a CSV with the label in the last column becomes tensors, or says why not."""

from __future__ import annotations

import codecs
import csv
import io
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from handbook.checks import describe, require_integer

__all__ = ["Table", "read_csv", "TableDataset"]

# float() would take more: 1_000, digits of other scripts, nan, inf.
_TABLE_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TABLE_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_TABLE_LARGEST = torch.finfo(torch.float32).max


class Table(NamedTuple):
    """Features and labels of the rows of a table.

    Attributes
    ----------
    inputs : Tensor
        All columns but the last, float32, on the CPU.
    targets : Tensor
        The last column, float32, on the CPU: a matrix with one column, like the output of a
        layer with one unit.
    feature_names : tuple of str
        One name for each column of ``inputs``: from the header, else ``"column 1"`` and so on.
    target_name : str
        The name of the last column.

    Shapes
    ------
    inputs : ``(N, D)``
    targets : ``(N, 1)``

    Examples
    --------
    >>> table = Table(torch.zeros(5, 2), torch.ones(5, 1), ("age", "mass"), "outcome")
    >>> table.inputs.shape, table.targets.shape, table.target_name
    (torch.Size([5, 2]), torch.Size([5, 1]), 'outcome')
    """

    inputs: Tensor
    targets: Tensor
    feature_names: tuple[str, ...]
    target_name: str


def read_csv(path: str | os.PathLike[str], *, delimiter: str = ",", skip_lines: int = 0) -> Table:
    r"""Read a table of numbers whose last column is the label.

    Parameters
    ----------
    path : str or os.PathLike
        The file: UTF-8, with or without a byte order mark, with any line ends.
    delimiter : str, optional
        The one character between two cells.
    skip_lines : int, optional
        How many lines at the top to leave out, for files that start with a comment.

    Returns
    -------
    Table
        The features and the labels.

    Shapes
    ------
    inputs : ``(N, D)``
    targets : ``(N, 1)``

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    TypeError
        If ``path`` is not a path, ``delimiter`` not a ``str`` or ``skip_lines`` not an ``int``.
    ValueError
        If ``delimiter`` is not one character that could stand between numbers, if ``skip_lines``
        is negative, or if the file holds anything but a table of finite numbers. The message
        names file, line and column, counted from 1.

    Notes
    -----
    The first row is a header if none of its cells is a number. Blank lines are left out, spaces
    around a number too. What float32 cannot hold is refused; what it can hold is rounded, so
    that not every whole number above 2²⁴ = 16 777 216 stays what it was.

    A missing value is an error here. Whether to leave out the row or to put in a mean is a
    decision about the data, and a reader of files must not take it in silence.

    References
    ----------
    Y. Shafranovich, "Common format and MIME type for comma-separated values (CSV) files",
    RFC 4180, 2005, doi:10.17487/RFC4180.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "people.csv")
    >>> _ = path.write_text("age,mass,outcome\n50,33.5,1\n31,26.5,0\n")
    >>> table = read_csv(path)
    >>> table.inputs
    tensor([[50.0000, 33.5000],
            [31.0000, 26.5000]])
    >>> table.targets
    tensor([[1.],
            [0.]])
    >>> table.feature_names, table.target_name
    (('age', 'mass'), 'outcome')

    A cell without a number is found, not guessed:

    >>> _ = path.write_text("age,mass,outcome\n50,33.5,1\n31,unknown,0\n")
    >>> read_csv(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: ...people.csv, line 3, column 2 ('mass') must hold a number, got 'unknown'; ...
    >>> folder.cleanup()
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a str or a path, got {describe(path)}")
    if not isinstance(delimiter, str):
        raise TypeError(f"delimiter must be a str, got {describe(delimiter)}")
    if len(delimiter) != 1 or delimiter in '+-.eE"\r\n' or delimiter.isalnum():
        raise ValueError(
            f"delimiter must be one character that is in no number, got {delimiter!r}; "
            "use ',', ';' or '\\t'"
        )
    require_integer("skip_lines", skip_lines, minimum=0)
    file = os.fspath(path)
    records = _csv_records(file, Path(path).read_bytes(), delimiter, skip_lines)

    first_line, first = next(records, (skip_lines + 1, []))
    if not first:
        what = "nothing but blank lines" if os.path.getsize(path) else "an empty file"
        after = f" after {skip_lines} skipped lines" if skip_lines else ""
        raise ValueError(
            f"{file}, line {first_line}, column 1 must hold a number or a name, got {what}{after}"
        )
    if len(first) < 2:
        raise ValueError(
            f"{file}, line {first_line}, column 2 must hold the label, got the end of the line; "
            f"a table needs a feature and a label, separated by {delimiter!r}"
        )
    is_header = any(first) and not any(_is_any_number(cell) for cell in first)
    names = [cell if is_header and cell else f"column {k}" for k, cell in enumerate(first, 1)]

    rows: list[list[float]] = []
    if not is_header:
        rows.append(_row_of_numbers(file, first_line, first, names, is_header, first_line))
    last_line = first_line
    for last_line, cells in records:
        rows.append(_row_of_numbers(file, last_line, cells, names, is_header, first_line))
    if not rows:
        raise ValueError(
            f"{file}, line {last_line + 1}, column 1 must hold a number, got the end of the file; "
            "there is a header and nothing below it"
        )
    xy = torch.tensor(rows, dtype=torch.float64, device="cpu").float()  # (N, D + 1)
    return Table(
        inputs=xy[:, :-1].contiguous(),
        targets=xy[:, [-1]],  # a list as index keeps the dimension: (N, 1), not (N,)
        feature_names=tuple(names[:-1]),
        target_name=names[-1],
    )


def _csv_records(
    file: str, data: bytes, delimiter: str, skip_lines: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line that each record starts on, and its cells without spaces around them."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        lines = re.split("\r\n|\r|\n", data[: error.start].decode("utf-8"))
        column = lines[-1].count(delimiter) + 1
        raise ValueError(
            f"{file}, line {len(lines)}, column {column} must be text in UTF-8, "
            f"got the byte 0x{data[error.start]:02x}; save the file again as UTF-8"
        ) from error
    lines = io.StringIO(text, newline="").readlines()  # keeps the line ends, whichever they are
    reader = csv.reader(lines[skip_lines:], delimiter=delimiter, strict=True)
    start = skip_lines + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ValueError(
                f"{file}, line {start}, column 1 must start a row of a CSV file, got a row that "
                f"cannot be read: {error}; look for a quotation mark without its partner"
            ) from error
        if cells is None:
            return
        stripped = [cell.strip() for cell in cells]
        if len(stripped) > 1 or any(stripped):  # else a blank line
            yield start, stripped
        start = skip_lines + reader.line_num + 1


def _is_any_number(cell: str) -> bool:
    return bool(_TABLE_NUMBER.fullmatch(cell) or _TABLE_NOT_FINITE.fullmatch(cell))


def _row_of_numbers(
    file: str, line: int, cells: list[str], names: list[str], named: bool, first_line: int
) -> list[float]:
    """Return the numbers of a row, or say in which cell there is none."""

    def wrong(column: int, wanted: str, came: str) -> ValueError:
        name = f" ({names[column - 1]!r})" if named and column <= len(names) else ""
        return ValueError(f"{file}, line {line}, column {column}{name} must {wanted}, got {came}")

    wanted = ["hold a number"] * (len(names) - 1) + ["hold the label, a number"]
    row: list[float] = []
    for column, (cell, kind) in enumerate(zip(cells, wanted, strict=False), 1):
        if not _TABLE_NUMBER.fullmatch(cell):
            if not cell:
                came = "an empty cell; fill it in, or delete the row"
            elif _TABLE_NOT_FINITE.fullmatch(cell):
                came = f"{cell!r}; fill in a finite number, or delete the row"
            else:
                came = f"{cell!r}; correct the cell, or delete the row"
            raise wrong(column, kind, came)
        value = float(cell)
        if abs(value) > _TABLE_LARGEST or math.isinf(value):
            raise wrong(column, f"{kind} within float32", f"{cell!r}; use another unit")
        row.append(value)
    if len(cells) != len(names):
        counts = f"line {first_line} has {len(names)} cells, this line {len(cells)}"
        if len(cells) < len(names):
            raise wrong(len(cells) + 1, wanted[len(cells)], f"the end of the line; {counts}")
        raise wrong(len(names) + 1, "not exist", f"{cells[len(names)]!r}; {counts}")
    return row


class TableDataset(Dataset[tuple[Tensor, Tensor]]):
    r"""A CSV file as a data set: sample ``i`` is row ``i``.

    Three methods make a data set for :class:`torch.utils.data.DataLoader`: ``__init__`` gets the
    data, ``__len__`` says how many samples there are, ``__getitem__`` returns one of them.

    Parameters
    ----------
    path : str or os.PathLike
        The file, as for :func:`read_csv`.
    delimiter : str, optional
        As for :func:`read_csv`.
    skip_lines : int, optional
        As for :func:`read_csv`.

    Shapes
    ------
    sample : ``(D,)`` and ``(1,)``
    batch : ``(B, D)`` and ``(B, 1)``

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    TypeError
        If an argument is of a type that :func:`read_csv` refuses.
    ValueError
        If the file holds anything but a table of finite numbers.
    IndexError
        By ``self[i]``, if there is no row ``i``.

    Notes
    -----
    The whole file is read once, when the data set is made. A file that does not fit into memory
    wants a data set that keeps the path and reads a row in ``__getitem__``.

    Examples
    --------
    >>> import tempfile
    >>> from torch.utils.data import DataLoader
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "people.csv")
    ...     _ = path.write_text("50,33.5,1\n31,26.5,0\n44,30.5,1\n")
    ...     dataset = TableDataset(path)
    >>> len(dataset), dataset[0]
    (3, (tensor([50.0000, 33.5000]), tensor([1.])))
    >>> [tuple(inputs.shape) for inputs, targets in DataLoader(dataset, batch_size=2)]
    [(2, 2), (1, 2)]
    """

    def __init__(
        self, path: str | os.PathLike[str], *, delimiter: str = ",", skip_lines: int = 0
    ) -> None:
        self.table = read_csv(path, delimiter=delimiter, skip_lines=skip_lines)

    def __len__(self) -> int:
        return len(self.table.inputs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.table.inputs[index], self.table.targets[index]
