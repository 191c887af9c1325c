"""CSV files: what is read, and that every fault is told with file, line and column."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from torch.utils.data import DataLoader, Dataset

from handbook.batches import number_of_batches
from handbook.tables import Table, TableDataset, read_csv

ROOT = Path(__file__).parents[1]


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_last_column_is_the_label_and_stays_a_matrix(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, "1,2,0\n3,4,1\n5,6,1\n"))
    assert isinstance(table, Table)
    assert torch.equal(table.inputs, torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    assert torch.equal(table.targets, torch.tensor([[0.0], [1.0], [1.0]]))
    assert table.inputs.dtype == table.targets.dtype == torch.float32
    assert table.inputs.is_contiguous()
    assert table.targets.is_contiguous()
    assert table.feature_names == ("column 1", "column 2")
    assert table.target_name == "column 3"


@pytest.mark.parametrize(
    "content",
    [
        b"a,b,y\n1,2,0\n3,4,1\n",
        b"a,b,y\n1,2,0\n3,4,1",
        b"a,b,y\r\n1,2,0\r\n3,4,1\r\n",
        b"a,b,y\r1,2,0\r3,4,1\r",
        b"\xef\xbb\xbfa,b,y\n1,2,0\n3,4,1\n",
        b"a,b,y\n1,2,0\n3,4,1\n\n\n",
        b"\na,b,y\n\n1,2,0\n   \n3,4,1\n",
        b"a , b, y\n 1, 2 ,0\n3,\t4,1 \n",
        b'"a","b","y"\n"1",2,0\n3,"4",1\n',
        b"a,b,y\n1.0,+2,0e5\n3.,400e-2,.1E+1\n",
    ],
    ids=[
        "plain",
        "no_end",
        "crlf",
        "cr",
        "bom",
        "blank_last",
        "blank",
        "spaces",
        "quoted",
        "forms",
    ],
)
def test_forms_that_mean_the_same_read_the_same(content: bytes, tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, content))
    assert table.inputs.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert table.targets.tolist() == [[0.0], [1.0]]
    assert (*table.feature_names, table.target_name) == ("a", "b", "y")


def test_a_byte_order_mark_before_a_number_is_not_taken_for_a_header(tmp_path: Path) -> None:
    assert len(read_csv(written(tmp_path, b"\xef\xbb\xbf1,2\n3,4\n")).inputs) == 2


def test_names_may_hold_any_letter_a_delimiter_and_a_line_break(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, '年龄,"mass, kg","out\ncome"\n1,2,3\n'))
    assert (*table.feature_names, table.target_name) == ("年龄", "mass, kg", "out\ncome")


def test_a_name_that_is_missing_is_numbered(tmp_path: Path) -> None:
    assert read_csv(written(tmp_path, ",b,y\n1,2,3\n")).feature_names == ("column 1", "b")


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_another_delimiter_is_taken(delimiter: str, tmp_path: Path) -> None:
    path = written(tmp_path, "1,2,0\n3,4,1\n".replace(",", delimiter))
    assert read_csv(path, delimiter=delimiter).inputs.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_path_may_be_a_string_and_the_default_dtype_and_device_are_ignored(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "1,2\n")
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        table = read_csv(str(path))
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert table.inputs.dtype == torch.float32
    assert table.inputs.item() == 1.0


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        ("", "line 1, column 1", "must hold a number or a name, got an empty file"),
        ("\ufeff", "line 1, column 1", "must hold a number or a name, got nothing but"),
        ("\n\n", "line 1, column 1", "must hold a number or a name, got nothing but blank lines"),
        ("a,b,y\n", "line 2, column 1", "must hold a number, got the end of the file; there is a"),
        ("1\n2\n", "line 1, column 2", "must hold the label, got the end of the line"),
        ("1;2;0\n", "line 1, column 2", "must hold the label.* separated by ','"),
        ("1,2,0\n3,4\n", "line 2, column 3", "must hold the label, a number, got the end of the l"),
        ("1,2,0\n3\n", "line 2, column 2", "must hold a number, got the end of the line; line 1 h"),
        ("1,2,0\n3,4,1,5\n", "line 2, column 4", "must not exist, got '5'; line 1 has 3 cells, th"),
        ("a,y\n1,2,0\n", "line 2, column 3", "must not exist, got '0'; line 1 has 2 cells, this"),
        ("1,2,0\n3,x,1\n", "line 2, column 2", "must hold a number, got 'x'; correct the cell"),
        ("a,b,y\n1,2,0\n\n3,x,1\n", "line 4, column 2 ('b')", "must hold a number, got 'x'"),
        ("1,2,0\n3,4,\n", "line 2, column 3", "must hold the label, a number, got an empty cell"),
        ("a,b,y\n1,,0\n", "line 2, column 2 ('b')", "must hold a number, got an empty cell"),
        (",,\n1,2,0\n", "line 1, column 1", "must hold a number, got an empty cell"),
        ("1,2,0\n3,nan,1\n", "line 2, column 2", "must hold a number, got 'nan'; fill in a fini"),
        ("1,2,0\n3,4,-Inf\n", "line 2, column 3", "must hold the label, a number, got '-Inf'"),
        ("nan,2,0\n", "line 1, column 1", "must hold a number, got 'nan'"),
        ("1,2,malignant\n", "line 1, column 3", "must hold the label, a number, got 'malignant'"),
        ("1,2,0\n1e39,4,1\n", "line 2, column 1", "within float32, got '1e39'; use another unit"),
        ("1,2,0\n-1e999,4,1\n", "line 2, column 1", "within float32, got '-1e999'"),
        ("1,2,0\n1_000,4,1\n", "line 2, column 1", "must hold a number, got '1_000'"),
        ("1,2,0\n١,4,1\n", "line 2, column 1", "must hold a number, got '١'"),
        ("1,2,0\n1\x00,4,1\n", "line 2, column 1", "must hold a number"),
        ('1,2,0\n"3,4,1\n5,6,1\n', "line 2, column 1", "must start a row .* quotation mark"),
        ('a,"b\nb",y\n1,x,0\n', "line 3, column 2", "must hold a number, got 'x'"),
        (b"a,b,y\n1,2,0\n3,\xff,1\n", "line 3, column 2", "must be text in UTF-8, got the byte 0x"),
        (b"a,b,y\r\n1,2,0\r\n3,4,\xe9\r\n", "line 3, column 3", "UTF-8, got the byte 0xe9; save"),
        (b"\xef\xbb\xbfa,\xe9,y\n1,2,0\n", "line 1, column 2", "UTF-8, got the byte 0xe9"),
        ("a,b\n1,2\n".encode("utf-16"), "line 1, column 1", "UTF-8, got the byte 0x"),
    ],
)
def test_a_fault_is_told_with_file_line_and_column(
    content: str | bytes, place: str, message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=message) as caught:
        read_csv(path)
    assert f"{path}, {place}" in str(caught.value)
    assert "\n" not in str(caught.value).replace("b\nb", "")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((3,), {}, TypeError, "path must be a str or a path, got 3"),
        ((b"data.csv",), {}, TypeError, "path must be a str or a path, got a bytes"),
        (("x",), {"delimiter": None}, TypeError, "delimiter must be a str, got None"),
        (("x",), {"delimiter": ""}, ValueError, "delimiter must be one character"),
        (("x",), {"delimiter": ",,"}, ValueError, "delimiter must be one character"),
        (("x",), {"delimiter": "."}, ValueError, "that is in no number, got '.'; use ','"),
        (("x",), {"delimiter": "7"}, ValueError, "that is in no number, got '7'"),
        (("x",), {"delimiter": "\n"}, ValueError, "that is in no number"),
        (("x",), {"skip_lines": -1}, ValueError, "skip_lines must be at least 0, got -1"),
        (("x",), {"skip_lines": 1.0}, TypeError, "skip_lines must be an int, got 1.0"),
    ],
)
@pytest.mark.parametrize("read", [read_csv, TableDataset])
def test_a_bad_argument_is_refused(
    read: type, arguments: tuple, options: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        read(*arguments, **options)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        read_csv(tmp_path / "absent.csv")
    with pytest.raises(OSError, match=re.escape(tmp_path.name)):
        read_csv(tmp_path)


def test_the_files_that_scikit_learn_brings_read_as_scikit_learn_reads_them() -> None:
    for name, load in (("breast_cancer", load_breast_cancer), ("iris", load_iris)):
        path = str(files("sklearn.datasets.data") / f"{name}.csv")
        table = read_csv(path, skip_lines=1)
        bunch = load()
        assert torch.equal(table.inputs, torch.tensor(bunch.data).float())
        assert torch.equal(table.targets[:, 0], torch.tensor(bunch.target).float())
        with pytest.raises(ValueError, match=rf"{name}.csv, line 1, column 3 must hold a number"):
            read_csv(path)  # its first line says: samples, features, names of the classes


def test_skipped_lines_count_in_messages(tmp_path: Path) -> None:
    path = written(tmp_path, "# units: kg\n# by hand\n1,2\n3,x\n")
    assert len(read_csv(written(tmp_path, "# one, two\n1,2\n"), skip_lines=1).inputs) == 1
    path = written(tmp_path, "# units: kg\n# by hand\n1,2\n3,x\n")
    with pytest.raises(ValueError, match="line 4, column 2"):
        read_csv(path, skip_lines=2)
    with pytest.raises(ValueError, match=r"got nothing but blank lines after 9 skipped lines"):
        read_csv(path, skip_lines=9)


def test_diabetes_survives_a_round_trip_through_a_file(tmp_path: Path) -> None:
    bunch = load_diabetes()
    path = tmp_path / "diabetes.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*bunch.feature_names, "progression"])
        writer.writerows(
            [*row, target] for row, target in zip(bunch.data, bunch.target, strict=True)
        )
    table = read_csv(path)
    assert table.feature_names == tuple(bunch.feature_names)
    assert torch.equal(table.inputs, torch.tensor(bunch.data).float())
    assert torch.equal(table.targets, torch.tensor(bunch.target).float()[:, None])


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.lists(
        st.tuples(*3 * [st.floats(width=32, allow_nan=False, allow_infinity=False)]), min_size=1
    )
)
def test_every_float32_survives_a_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, ...]]
) -> None:
    lines = "".join(",".join(map(repr, row)) + "\n" for row in rows)
    table = read_csv(written(tmp_path_factory.mktemp("table"), lines))
    wanted = torch.tensor(rows, dtype=torch.float32)
    assert torch.equal(torch.cat([table.inputs, table.targets], dim=1), wanted)


def test_a_table_dataset_is_a_dataset_of_rows(tmp_path: Path) -> None:
    dataset = TableDataset(written(tmp_path, "1,2,0\n3,4,1\n5,6,1\n"))
    assert isinstance(dataset, Dataset)
    assert len(dataset) == 3
    x, y = dataset[-1]
    assert x.tolist() == [5.0, 6.0]
    assert y.tolist() == [1.0]
    assert len(list(dataset)) == 3  # IndexError ends a for loop
    with pytest.raises(IndexError):
        dataset[3]
    loader = DataLoader(dataset, batch_size=2)
    assert len(loader) == number_of_batches(3, 2) == 2
    assert [tuple(x.shape) for x, _ in loader] == [(2, 2), (1, 2)]
    assert [tuple(y.shape) for _, y in loader] == [(2, 1), (1, 1)]


WITH_WORKERS = """
import os, sys
import torch
from torch.utils.data import DataLoader
from handbook.tables import TableDataset

class Watched(TableDataset):
    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return x, y, torch.tensor(os.getpid())

def main():
    dataset = Watched(sys.argv[1])
    loader = DataLoader(
        dataset, batch_size=4, num_workers=2, multiprocessing_context=sys.argv[2], shuffle=True,
        generator=torch.Generator().manual_seed(0),
    )
    x, y, pids = (torch.cat(parts) for parts in zip(*loader))
    print(len(loader), sorted(x[:, 0].tolist()) == list(range(10)), torch.equal(x[:, [0]], y),
          len(set(pids.tolist())), os.getpid() in pids.tolist())

GUARD
"""


def run_with_workers(folder: Path, start: str, guard: str) -> subprocess.CompletedProcess[str]:
    path = written(folder, "".join(f"{i},{i}\n" for i in range(10)))
    script = folder / "script.py"
    script.write_text(WITH_WORKERS.replace("GUARD", guard), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(script), str(path), start],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="fork is there on POSIX only")
def test_workers_that_are_forked_are_processes_and_bring_every_row(tmp_path: Path) -> None:
    done = run_with_workers(tmp_path, "fork", 'if __name__ == "__main__":\n    main()')
    assert done.stdout.split() == ["3", "True", "True", "2", "False"], done.stderr


def test_workers_that_are_spawned_are_processes_and_bring_every_row(tmp_path: Path) -> None:
    done = run_with_workers(tmp_path, "spawn", 'if __name__ == "__main__":\n    main()')
    assert done.stdout.split() == ["3", "True", "True", "2", "False"], done.stderr


def test_spawned_workers_without_the_guard_fail_with_the_remedy_in_the_message(
    tmp_path: Path,
) -> None:
    done = run_with_workers(tmp_path, "spawn", "main()")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "before the\n        current process has finished its bootstrapping phase" in done.stderr
    assert "if __name__ == '__main__':" in done.stderr
    assert re.search(r"DataLoader worker .* exited unexpectedly", done.stderr)
