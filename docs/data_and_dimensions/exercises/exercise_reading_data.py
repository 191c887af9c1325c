"""Exercises: reading data.

Write the functions, then run this file: ``python exercise_reading_data.py``.
"""

import math

import torch

from handbook.exercises import expect, run_checks


def split_columns(xy):
    """Take the label out of a table: it is the last column.

    Arguments: xy of shape (N, D + 1). Returns: the features, of shape (N, D), and the labels, of
    shape (N, 1).
    """
    # solution: begin
    return xy[:, :-1], xy[:, [-1]]
    # solution: end


def first_bad_cell(text):
    """Find the first cell of a CSV text that is not a finite number.

    Arguments: text, a str with numbers separated by commas, without a header. Blank lines are
    allowed. Returns: a tuple (line, column), both counted from 1 as an editor does; (0, 0) if all
    cells are finite numbers.
    """
    # solution: begin
    for line, row in enumerate(text.splitlines(), start=1):
        if not row.strip():
            continue
        for column, cell in enumerate(row.split(","), start=1):
            try:
                value = float(cell)
            except ValueError:
                return line, column
            if not math.isfinite(value):  # float("nan") succeeds
                return line, column
    return 0, 0
    # solution: end


def count_missing(xy):
    """Count the missing values of each column of a table that was read with NaN for "missing".

    Arguments: xy of shape (N, D). Returns: an int64 tensor of shape (D,).
    """
    # solution: begin
    return torch.isnan(xy).sum(dim=0)
    # solution: end


def _find_bad(text, *, start, skip_blank, refuse_nan):
    rows = text.splitlines()
    if skip_blank:
        rows = [row for row in rows if row.strip()]
    for line, row in enumerate(rows, start=start):
        if not row.strip():
            continue
        for column, cell in enumerate(row.split(","), start=start):
            try:
                value = float(cell)
            except ValueError:
                return line, column
            if refuse_nan and not math.isfinite(value):
                return line, column
    return 0, 0


def _counted_from_zero(text):
    return _find_bad(text, start=0, skip_blank=False, refuse_nan=True)


def _nan_taken(text):
    return _find_bad(text, start=1, skip_blank=False, refuse_nan=False)


def _blank_lines_not_counted(text):
    return _find_bad(text, start=1, skip_blank=True, refuse_nan=True)


MISTAKES = {
    "split_columns": {
        "The number -1 as index takes the dimension away; the list [-1] keeps it.": (
            lambda xy: (xy[:, :-1], xy[:, -1])
        ),
        "The label is still among the features: the model could read off the answer.": (
            lambda xy: (xy, xy[:, [-1]])
        ),
        "You took the first column.": lambda xy: (xy[:, 1:], xy[:, [0]]),
    },
    "first_bad_cell": {
        "You counted from 0; an editor counts from 1.": _counted_from_zero,
        "float() takes 'nan' and 'inf' for numbers: test math.isfinite too.": _nan_taken,
        "You did not count the blank lines: the editor does.": _blank_lines_not_counted,
    },
    "count_missing": {
        "NaN is not equal to itself: == finds none.": lambda xy: (xy == math.nan).sum(dim=0),
        "You counted along the rows. A column is summed along dimension 0.": (
            lambda xy: torch.isnan(xy).sum(dim=1)
        ),
    },
}


def test_split_columns():
    xy = torch.tensor([[1.0, 2.0, 0.0], [3.0, 4.0, 1.0]])
    wanted = (torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0], [1.0]]))
    expect(split_columns, xy, equals=wanted, mistakes=MISTAKES["split_columns"])


def test_first_bad_cell():
    text = "1,2,0\n\n3,unknown,1\n"
    expect(first_bad_cell, text, equals=(3, 2), mistakes=MISTAKES["first_bad_cell"])


def test_first_bad_cell_that_is_nan():
    text = "1,2,0\n3,4,nan\n5,x,1\n"
    expect(first_bad_cell, text, equals=(2, 3), mistakes=MISTAKES["first_bad_cell"])


def test_first_bad_cell_that_is_infinite():
    text = "1,2,0\n3,-inf,1\n"
    expect(first_bad_cell, text, equals=(2, 2), mistakes=MISTAKES["first_bad_cell"])


def test_first_bad_cell_of_a_good_text():
    expect(first_bad_cell, "1,-2.5,0\n3,4e-3,1\n\n", equals=(0, 0))


def test_count_missing():
    nan = math.nan
    xy = torch.tensor([[1.0, nan, 0.0], [nan, nan, 1.0]])
    expect(count_missing, xy, equals=torch.tensor([1, 2, 0]), mistakes=MISTAKES["count_missing"])


if __name__ == "__main__":
    run_checks(globals())
