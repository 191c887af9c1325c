"""The exercises: what a check says, what a download holds, and every exercise file of the book."""

from __future__ import annotations

import functools
import importlib.util
import io
import itertools
import json
import math
import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import concepts
import exercise_directives
import exercises as downloads
import pytest
import torch

from handbook.exercises import Mistaken, NotWrittenYet, expect, expect_raises, run_checks

ROOT = Path(__file__).parents[1]
FILES = downloads.exercise_files(ROOT / "docs")

EXAMPLE = '''\
"""Exercises: an example."""

import math

import torch

from handbook.exercises import expect, expect_raises, run_checks


def stable_softplus(x):
    """Return log(1 + exp(x)); x : (N,), return : (N,)."""
    # solution: begin
    # exp of a negative number cannot overflow
    return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))
    # solution: end


# solution: begin
slope_at_zero = 0.5
# solution: end


def kernel_extent(size, dilation):
    """Return how many elements a dilated kernel spans; refuse a size below 1."""
    # solution: begin
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
    return dilation * (size - 1) + 1
    # solution: end


MISTAKES = {
    "stable_softplus": {
        "You took exp before the logarithm, and it overflowed.": lambda x: torch.log(
            1 + torch.exp(x)
        ),
        "You changed x in place.": lambda x: torch.nn.functional.softplus(x.mul_(1.5).div_(1.5)),
    },
    "slope_at_zero": {"That is the value of relu, not its slope.": 0.0},
    "kernel_extent": {
        "You counted the gap after the last element too.": lambda size, dilation: size * dilation,
    },
}


def test_stable_softplus():
    x = torch.tensor([-1000.0, 0.0, 1000.0])
    wanted = torch.tensor([0.0, math.log(2), 1000.0])
    expect(stable_softplus, x, equals=wanted, mistakes=MISTAKES["stable_softplus"])


def test_slope_at_zero():
    expect(slope_at_zero, equals=0.5, mistakes=MISTAKES["slope_at_zero"])


def test_kernel_extent():
    expect(kernel_extent, 3, dilation=2, equals=5, mistakes=MISTAKES["kernel_extent"])


def test_kernel_extent_refuses_an_empty_kernel():
    expect_raises(kernel_extent, 0, 1, error=ValueError, match="at least 1, got 0")


if __name__ == "__main__":
    run_checks(globals())
'''
# In place the example's second wrong way must differ from the input, or it changes nothing.
EXAMPLE = EXAMPLE.replace("x.mul_(1.5).div_(1.5)", "x.mul_(2)")


# --- expect: what is right ---------------------------------------------------------------------


def give(value: object) -> Callable[..., object]:
    """Return a function that returns a value whatever it is given."""

    def answer(*args: object, **kwargs: object) -> object:
        return value

    return answer


NAN = math.nan


@pytest.mark.parametrize(
    ("came", "wanted"),
    [
        (torch.tensor([1.0, NAN, math.inf]), torch.tensor([1.0, NAN, math.inf])),
        (torch.tensor([1.0 + 1e-7]), torch.tensor([1.0])),
        (torch.empty(0, 3), torch.empty(0, 3)),
        (torch.tensor(2), torch.tensor(2)),
        (torch.tensor([True, False]), torch.tensor([True, False])),
        (torch.tensor([1 + 2j]), torch.tensor([1 + 2j])),
        (torch.ones(2, requires_grad=True), torch.ones(2)),
        (0.1 + 0.2, 0.3),
        (NAN, NAN),
        (-math.inf, -math.inf),
        (2, 2.0),
        (1 + 1e-9j, 1 + 0j),
        (7, 7),
        (True, True),
        ("same", "same"),
        ((1, [2.0, "x"], None), (1, [2.0, "x"], None)),
        (torch.Size([2, 3]), (2, 3)),
        ([torch.ones(2)], [torch.ones(2)]),
    ],
)
def test_an_equal_answer_is_right(came: object, wanted: object) -> None:
    expect(give(came), equals=wanted)


def test_tolerances_can_be_widened() -> None:
    expect(give(torch.tensor([1.0])), equals=torch.tensor([1.1]), atol=0.2)
    expect(give(100.0), equals=101.0, rtol=0.02)
    with pytest.raises(Mistaken, match="wrong value"):
        expect(give(100.0), equals=101.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_default_tolerance_is_that_of_torch_testing(dtype: torch.dtype) -> None:
    wanted = torch.tensor([1.0], dtype=dtype)
    eps = torch.finfo(dtype).eps
    for factor in (1 + eps, 1 + 20 * eps, 1 + 1e5 * eps, 1.5):
        came = torch.tensor([factor], dtype=dtype)
        try:
            torch.testing.assert_close(came, wanted)
        except AssertionError:
            with pytest.raises(Mistaken):
                expect(give(came), equals=wanted)
        else:
            expect(give(came), equals=wanted)


def test_an_answer_that_is_no_function_is_compared_itself() -> None:
    expect(3, equals=3)
    expect(torch.ones(2), equals=torch.ones(2))
    with pytest.raises(Mistaken, match=r"^your answer: wrong value: got 3, wanted 4$"):
        expect(3, equals=4)
    with pytest.raises(NotWrittenYet, match=r"^your answer is None: it is not written yet$"):
        expect(None, equals=4)


# --- expect: what is wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("came", "wanted", "message"),
    [
        (torch.ones(3, 1), torch.ones(3), "wrong shape: got (3, 1), wanted (3,)"),
        (torch.tensor([1]), torch.tensor([1.0]), "wrong dtype: got int64, wanted float32"),
        (torch.ones(1).double(), torch.ones(1), "wrong dtype: got float64, wanted float32"),
        (torch.ones(1, device="meta"), torch.ones(1), "wrong device: got meta, wanted cpu"),
        (torch.ones(1).to_sparse(), torch.ones(1), "wrong layout: got torch.sparse_coo"),
        ([1.0, 2.0], torch.tensor([1.0, 2.0]), "wrong type: got [1, 2], wanted a tensor"),
        (torch.tensor(1.0), 1.0, "got tensor(1), wanted a float; item() makes it a number"),
        (1.0, 1, "wrong type: got 1 (float), wanted an int"),
        (True, 1, "wrong type: got True (bool), wanted an int"),
        (1, True, "wrong type: got 1 (int), wanted a bool"),
        (True, 1.0, "wrong type: got True (bool), wanted a float"),
        ("1", 1, "wrong type: got '1' (str), wanted an int"),
        (1, "1", "wrong type: got 1 (int), wanted a string"),
        (1j, 1.0, "wrong type: got 1j, wanted a float"),
        ([1, 2], (1, 2), "wrong type: got [1, 2], wanted a tuple"),
        ((1, 2), [1, 2], "wrong type: got (1, 2), wanted a list"),
        ((1, 2), (1, 2, 3), "wrong length: got 2, wanted 3"),
        ((1, (2, 3)), (1, (2, 4)), "in element 1: in element 1: wrong value: got 3, wanted 4"),
        ((1, 2), (1, None), "in element 1: wrong type: got 2, wanted None"),
        (3.0, 2.5, "wrong value: got 3, wanted 2.5"),
        (NAN, 0.0, "wrong value: got nan, wanted 0"),
        (math.inf, 1.0, "wrong value: got inf, wanted 1"),
        (-math.inf, math.inf, "wrong value: got -inf, wanted inf"),
        (False, True, "wrong value: got False, wanted True"),
        ("a", "b", "wrong value: got 'a', wanted 'b'"),
        (torch.tensor(1.0), torch.tensor(2.0), "wrong value: got 1, wanted 2"),
        (
            torch.tensor([[1.0, 2.0], [3.0, 9.0]]),
            torch.tensor([[1.5, 2.0], [3.0, 4.0]]),
            (
                "wrong values: 2 of 4\nthe largest difference is 5, at [1, 1]: got 9, wanted 4\n"
                "got [[1, 2], [3, 9]], wanted [[1.5, 2], [3, 4]]"
            ),
        ),
        (
            torch.tensor([1e9, NAN]),
            torch.tensor([1.0, 1.0]),
            "the largest difference is inf, at [1]: got nan, wanted 1",
        ),
        (
            torch.tensor([math.inf, 2.0]),
            torch.tensor([math.inf, 1.0]),
            "wrong values: 1 of 2\nthe largest difference is 1, at [1]: got 2, wanted 1",
        ),
        (
            torch.tensor([0, 255], dtype=torch.uint8),
            torch.tensor([1, 0], dtype=torch.uint8),
            "the largest difference is 255, at [1]: got 255, wanted 0",
        ),
        (
            torch.tensor([True, False]),
            torch.tensor([True, True]),
            "wrong values: 1 of 2\nthe first is at [1]: got False, wanted True",
        ),
    ],
)
def test_a_wrong_answer_is_told_apart(came: object, wanted: object, message: str) -> None:
    with pytest.raises(Mistaken, match=re.escape(message)) as caught:
        expect(give(came), equals=wanted)
    assert caught.value.mistake is None


def test_a_large_tensor_is_described_and_not_printed() -> None:
    with pytest.raises(Mistaken) as caught:
        expect(give(torch.zeros(50, 50)), torch.ones(50, 50), equals=torch.ones(50, 50))
    assert str(caught.value).startswith("answer(a float32 tensor of shape (50, 50)): wrong")
    assert len(str(caught.value)) < 200


def test_the_call_is_shown_with_its_arguments() -> None:
    def power(x: int, *, exponent: int) -> int:
        return x

    with pytest.raises(Mistaken, match=r"^power\(2, exponent=3\): wrong value: got 2, wanted 8$"):
        expect(power, 2, exponent=3, equals=8)
    with pytest.raises(Mistaken, match=r"^power\(2\): wrong value"):
        expect(functools.partial(power, exponent=3), 2, equals=8)


# --- expect: not yet, errors, changed arguments, mistakes --------------------------------------


def stub(x: object) -> object:
    raise NotImplementedError("write your solution here")


def test_a_stub_is_not_written_yet() -> None:
    message = r"^stub\(1\) is not written yet: write your solution here$"
    with pytest.raises(NotWrittenYet, match=message):
        expect(stub, 1, equals=1)
    with pytest.raises(NotWrittenYet, match=message):
        expect_raises(stub, 1)


def test_a_missing_return_is_not_written_yet() -> None:
    def forgot(x: torch.Tensor) -> None:
        x + 1

    with pytest.raises(NotWrittenYet, match="is None: it is not written yet, or a return is missi"):
        expect(forgot, torch.ones(1), equals=torch.ones(1))


def test_both_outcomes_are_assertion_errors() -> None:
    assert issubclass(Mistaken, AssertionError)
    assert issubclass(NotWrittenYet, AssertionError)


def test_an_error_is_shown_with_the_line_of_the_readers_file() -> None:
    def wrong(x: torch.Tensor) -> torch.Tensor:
        return x @ torch.ones(3)  # the line

    here = re.escape(Path(__file__).name)
    with pytest.raises(
        Mistaken,
        match=rf"raised RuntimeError: [\s\S]*\n{here}, line \d+: return x @ torch.ones\(3\)  # the",
    ):
        expect(wrong, torch.ones(2), equals=torch.ones(1))


def test_an_error_of_the_call_itself_is_shown_without_a_line() -> None:
    with pytest.raises(Mistaken, match=r"raised TypeError: stub\(\) takes 1 positional.*given$"):
        expect(stub, 1, 2, equals=1)


def test_an_error_in_a_helper_shows_the_readers_own_line() -> None:
    def wrong(x: str) -> object:
        return json.loads(x)

    with pytest.raises(Mistaken, match=r"raised JSONDecodeError[\s\S]*: return json.loads\(x\)"):
        expect(wrong, "{", equals=1)


@pytest.mark.parametrize("right", [True, False])
def test_a_changed_argument_is_told(right: bool) -> None:
    def clamp(x: torch.Tensor) -> torch.Tensor:
        return x.clamp_(min=0) + (0.0 if right else 1.0)

    x = torch.tensor([-1.0, 2.0])
    with pytest.raises(Mistaken, match="it changed its argument x in place; work on a copy") as c:
        expect(clamp, x, equals=torch.tensor([0.0, 2.0]))
    assert ("wrong values" in str(c.value)) is not right


def test_a_change_inside_a_list_a_dict_or_a_keyword_is_told() -> None:
    def sort(values: list[int], *, options: dict[str, torch.Tensor]) -> int:
        values.sort()
        options["x"].zero_()
        return 0

    with pytest.raises(Mistaken, match="changed its argument values and options in place"):
        expect(sort, [2, 1], options={"x": torch.ones(1)}, equals=0)


def test_a_generator_may_be_drawn_from_and_each_mistake_gets_the_same_draws() -> None:
    def draw(generator: torch.Generator) -> torch.Tensor:
        return torch.randn(3, generator=generator)

    def new() -> torch.Generator:
        return torch.Generator().manual_seed(0)

    expect(draw, new(), equals=draw(new()))
    with pytest.raises(Mistaken) as caught:
        expect(draw, new(), equals=torch.zeros(3), mistakes={"other": stub, "You drew.": draw})
    assert caught.value.mistake == "You drew."


def test_a_known_mistake_is_named_and_the_others_are_not() -> None:
    mistakes = {
        "You added.": lambda x: x + x,
        "You squared.": lambda x: x * x,
        "You changed it.": lambda x: x.mul_(3),
        "You broke it.": lambda x: x[7],
        "You left it.": lambda x: None,
        "You wrote a number.": torch.tensor([7.0]),
    }
    x = torch.tensor([3.0])
    for message, wrong in mistakes.items():
        answer = wrong if callable(wrong) else give(wrong)
        with pytest.raises(Mistaken, match=re.escape(message)) as caught:
            expect(answer, x.clone(), equals=torch.tensor([27.0]), mistakes=mistakes)
        assert caught.value.mistake == message
    with pytest.raises(Mistaken) as caught:
        expect(lambda x: x + 1, x, equals=torch.tensor([27.0]), mistakes=mistakes)
    assert caught.value.mistake is None


def test_a_mistake_of_the_wrong_shape_is_named_too() -> None:
    with pytest.raises(Mistaken, match=r"You kept the column\.\nwrong shape: got \(2, 1\)"):
        expect(
            lambda x: x[:, None],
            torch.ones(2),
            equals=torch.ones(2),
            mistakes={"You kept the column.": lambda x: x.reshape(-1, 1)},
        )


def test_a_wrong_way_that_is_right_on_this_input_is_not_blamed() -> None:
    nearly_right = {"You added a little.": lambda x: x + 2e-6}
    expect(lambda x: x, 1.0, equals=1.0, mistakes=nearly_right)
    with pytest.raises(Mistaken) as caught:
        expect(lambda x: x + 4e-6, 1.0, equals=1.0, mistakes=nearly_right, rtol=0.0, atol=3e-6)
    assert caught.value.mistake is None


def test_the_mistakes_get_arguments_that_the_reader_did_not_touch() -> None:
    def reader(x: torch.Tensor) -> torch.Tensor:
        return x.add_(1).clone()

    with pytest.raises(Mistaken) as caught:
        expect(
            reader,
            torch.zeros(1),
            equals=torch.zeros(1),
            mistakes={"You added one, in place.": lambda x: x.add_(1).clone()},
        )
    assert caught.value.mistake == "You added one, in place."


def test_gradients_pass_through_expect() -> None:
    x = torch.tensor([3.0], requires_grad=True)
    expect(lambda x: torch.autograd.grad((x * x).sum(), x)[0], x, equals=torch.tensor([6.0]))


@pytest.mark.parametrize("wanted", [None, {"a": 1}, {1}, object(), [{}]])
def test_expect_refuses_what_it_cannot_compare(wanted: object) -> None:
    with pytest.raises(TypeError, match=r"equals must be a tensor, a number, .*, got "):
        expect(give(1), equals=wanted)


def test_expect_refuses_an_answer_with_arguments() -> None:
    with pytest.raises(TypeError, match="function must be callable to take arguments, got 3"):
        expect(3, 4, equals=4)


def test_expect_raises_tells_every_outcome_apart() -> None:
    def root(x: float) -> float:
        if x < 0:
            raise ValueError(f"x must not be negative, got {x}")
        return math.sqrt(x)

    expect_raises(root, -1)
    expect_raises(root, -1, error=ValueError, match="got -1")
    expect_raises(root, "a", error=TypeError)
    with pytest.raises(Mistaken, match=r"^root\(4\): got 2, wanted a ValueError$"):
        expect_raises(root, 4)
    with pytest.raises(Mistaken, match=r"raised ValueError: .*\n.*line \d+.*\nwanted an Index"):
        expect_raises(root, -1, error=IndexError)
    with pytest.raises(Mistaken, match=r"got the message 'x must .*', wanted a ValueError whose m"):
        expect_raises(root, -1, match="got -2")
    with pytest.raises(Mistaken, match=r"You took abs\.\ngot 1, wanted a ValueError"):
        expect_raises(lambda x: 1.0, -1, mistakes={"You took abs.": lambda x: math.sqrt(abs(x))})


# --- run_checks --------------------------------------------------------------------------------


def test_the_report_counts_and_goes_on_after_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    def test_right() -> None:
        expect(give(1), equals=1)

    def test_stub() -> None:
        expect(stub, 1, equals=1)

    def test_wrong() -> None:
        expect(give(2), equals=1, mistakes={"You doubled.": 2})

    def test_crash() -> None:
        raise KeyError("lost")

    def test_exit() -> None:
        sys.exit(0)

    def test_bare_stub() -> None:
        raise NotImplementedError

    tests = (test_right, test_stub, test_wrong, test_crash, test_exit, test_bare_stub)
    namespace = {"__file__": "/some/where/exercise_x.py", "helper": give}
    namespace |= {test.__name__: test for test in tests}
    with pytest.raises(SystemExit) as caught:
        run_checks(namespace)
    assert caught.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "exercise_x.py"
    assert [line for line in lines if re.match(r"  \S", line)] == [
        "  right     right",
        "  not yet   stub",
        "  mistaken  wrong",
        "  mistaken  crash",
        "  mistaken  exit",
        "  not yet   bare_stub",
    ]
    assert "            answer(): You doubled." in lines
    assert "            raised KeyError: 'lost'" in lines
    assert any(re.search(r'line \d+: raise KeyError\("lost"\)', line) for line in lines)
    assert lines[-1] == "1 of 6 right, 2 not yet, 3 mistaken."


def test_all_right_exits_without_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    run_checks({"test_one": lambda: expect(1, equals=1)})
    assert capsys.readouterr().out.endswith("1 of 1 right.\n")


def test_a_console_that_cannot_show_a_character_gets_it_escaped(tmp_path: Path) -> None:
    script = tmp_path / "exercise_signs.py"
    script.write_text(
        "from handbook.exercises import expect, run_checks\n"
        "def test_signs():\n"
        "    expect(2, equals=1, mistakes={'x × y ≥ 0, 错误': 2})\n"
        "run_checks(globals())\n",
        encoding="utf-8",
    )
    for encoding, shown in (("cp1252", "x × y \\u2265 0"), ("ascii", "x \\xd7 y"), ("utf-8", "≥")):
        done = subprocess.run(
            [sys.executable, "-X", "utf8=0", script],
            env={"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert shown in done.stdout.decode(encoding)


def test_run_checks_refuses_a_file_without_tests_and_a_test_with_arguments() -> None:
    with pytest.raises(ValueError, match=r"must hold a function named test_\*, got none"):
        run_checks({"helper": give})

    def test_x(device: str) -> None: ...

    with pytest.raises(TypeError, match=r"test_x must take no arguments, got test_x\(device"):
        run_checks({"test_x": test_x})


# --- take_out ----------------------------------------------------------------------------------


def test_the_download_is_the_solution_without_the_marked_parts() -> None:
    source = EXAMPLE.replace("from handbook.exercises import expect, expect_raises, run_checks", "")
    text = downloads.take_out(source, "exercise_example.py")
    assert "solution:" not in text
    assert "log1p" not in text
    assert "slope_at_zero = 0.5" not in text
    assert "slope_at_zero = None  # your answer here\n" in text
    assert text.count('    raise NotImplementedError("write your solution here")\n') == 2
    assert '"""Return log(1 + exp(x)); x : (N,), return : (N,)."""' in text
    assert "#     python exercise_example.py\n#     pytest exercise_example.py\n" in text


def test_markers_may_stand_around_part_of_a_body() -> None:
    source = (
        "def f(x):\n    y = x\n    if y:\n        # solution: begin\n        y = 2\n"
        "        # solution: end\n    return y\n"
    )
    assert "    if y:\n        raise NotImplementedError" in downloads.take_out(
        source, "exercise_f.py"
    )


def test_a_method_is_taken_out_like_a_function() -> None:
    source = (
        "class A:\n    def f(self):\n        # solution: begin\n        return 1\n"
        "        # solution: end\n"
    )
    text = downloads.take_out(source, "exercise_a.py")
    assert "    def f(self):\n        raise NotImplementedError(" in text


def test_every_name_of_a_marked_assignment_becomes_none() -> None:
    source = "# solution: begin\na, b = 1, 2\nc: int = 3\na = 4\n# solution: end\n"
    text = downloads.take_out(source, "exercise_a.py")
    for name in "abc":
        assert text.count(f"{name} = None  # your answer here\n") == 1


BAD_MARKERS = [
    ("x = 1\n", 1, "no part is marked with '# solution: begin'"),
    ("# solution: begin\nx = 1\n", 1, "'# solution: begin' without '# solution: end'"),
    ("x = 1\n# solution: end\n", 2, "'# solution: end' without '# solution: begin'"),
    ("# solution: begin\n# solution: begin\n", 2, "inside the part that begins on line 1"),
    ("# solution: begin\n\n# why\n# solution: end\n", 1, "the marked part is empty"),
    ("x = 1\n# Solution: begin\n", 2, "'# Solution: begin' must be '# solution: begin' or"),
    ("x = 1\n#solution:begin\n", 2, "must be '# solution: begin' or '# solution: end'"),
    ("x = 1\n# solution begin\n", 2, "must be '# solution: begin' or '# solution: end'"),
    ("x = 1\n# solution: stop\n", 2, "must be '# solution: begin' or '# solution: end'"),
    ("x = 1  # solution: begin\n", 1, "must stand on a line of its own"),
    (
        "def f():\n    # solution: begin\n    return 1\n# solution: end\n",
        4,
        "must be indented like its begin on line 2",
    ),
    (
        "def f():\n# solution: begin\n    return 1\n# solution: end\n",
        2,
        "'# solution: begin' must be indented like its code",
    ),
    (
        "# solution: begin\ndef f():\n    return 1\n# solution: end\n",
        2,
        "outside a function only assignments to names can be taken out",
    ),
    (
        "class A:\n    # solution: begin\n    def f(self): ...\n    # solution: end\n",
        3,
        "outside a function only assignments to names can be taken out",
    ),
    (
        "d = {}\n# solution: begin\nd['a'] = 1\n# solution: end\n",
        3,
        "outside a function only assignments to names can be taken out",
    ),
    (
        "x = [\n    # solution: begin\n    1,\n    # solution: end\n]\n",
        2,
        "cuts through the statement on line 1",
    ),
    (
        (
            "def f(x):\n    # solution: begin\n    if x:\n        return 1\n    # solution: end\n"
            "    else:\n        return 2\n"
        ),
        2,
        "cuts through the statement on line 3",
    ),
    (
        'T = """\n# solution: begin\n"""\n# solution: begin\nx = 1\n# solution: end\n',
        2,
        "a marker is left: is it inside a string?",
    ),
    ("def f(:\n# solution: begin\nx = 1\n# solution: end\n", 1, "this is not Python"),
    ("x = (\n# solution: begin\n", 1, "this is not Python"),
]


@pytest.mark.parametrize(("source", "line", "message"), BAD_MARKERS)
def test_a_wrong_marker_is_told_with_file_and_line(source: str, line: int, message: str) -> None:
    pattern = rf"^docs/exercise_x\.py:{line}: .*" + re.escape(message)
    with pytest.raises(downloads.ExerciseFileError, match=pattern):
        downloads.take_out(source, "docs/exercise_x.py")


# --- a whole exercise file, as its author and its reader run it ---------------------------------


def example(folder: Path) -> Path:
    path = folder / "docs" / "part_one" / "exercises" / "exercise_example.py"
    path.parent.mkdir(parents=True)
    path.write_text(EXAMPLE, encoding="utf-8")
    return path


def load(path: Path) -> ModuleType:
    """Import a file as a module of its own, every time anew."""
    spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checks_of(module: ModuleType) -> dict[str, Callable[[], None]]:
    return {name: test for name, test in vars(module).items() if name.startswith("test_")}


def run_alone(text: str, name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a download in an empty folder, where ``handbook`` cannot be imported."""
    (folder / name).write_text(text, encoding="utf-8")
    code = (
        "import runpy, sys; sys.modules['handbook'] = None;"
        f"runpy.run_path({name!r}, run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def check_solution(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(path), run_name="__main__")
    report = capsys.readouterr().out
    assert re.search(r"^(\d+) of \1 right\.$", report, re.MULTILINE), report


def check_stub(path: Path, folder: Path) -> None:
    text = downloads.take_out(path.read_text(encoding="utf-8"), path)
    assert "# solution:" not in text
    done = run_alone(text, path.name, folder)
    n_tests = len(checks_of(load(path)))
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == ""
    assert len(re.findall("^  not yet ", done.stdout, re.MULTILINE)) == n_tests, done.stdout
    assert f"0 of {n_tests} right, {n_tests} not yet." in done.stdout


def mistakes_in(path: Path) -> list[tuple[str, str]]:
    """Return (object, message) of every known mistake of a file."""
    listed: dict[str, dict[str, object]] = getattr(load(path), "MISTAKES", {})
    return [(name, message) for name, known in listed.items() for message in known]


def check_mistake(path: Path, name: str, message: str) -> None:
    """Put the wrong way in place of the right one: the first mistake told must be that one."""
    wrong = load(path).MISTAKES[name][message]
    module = load(path)
    assert hasattr(module, name), f"MISTAKES names {name!r}, which {path.name} does not define"
    setattr(module, name, wrong)
    told = None
    for test in checks_of(module).values():
        try:
            test()
        except AssertionError as error:
            told = told or getattr(error, "mistake", None)
    assert told == message, f"{name} made wrong is told as {told or 'no known mistake'}"


def test_the_example_is_right_and_its_download_is_not_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = example(tmp_path)
    check_solution(path, capsys)
    check_stub(path, tmp_path)
    for name, message in mistakes_in(path):
        check_mistake(path, name, message)


def test_the_download_runs_under_pytest_and_turns_green_with_the_solution(tmp_path: Path) -> None:
    path = example(tmp_path)
    (tmp_path / "reader").mkdir()
    text = downloads.take_out(EXAMPLE, path)
    target = tmp_path / "reader" / path.name
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path.name]

    def run() -> str:
        return subprocess.run(
            command, cwd=target.parent, capture_output=True, text=True, check=False
        ).stdout

    target.write_text(text, encoding="utf-8")
    report = run()
    assert "4 failed" in report
    assert "is not written yet: write your solution here" in report
    stubbed = 'raise NotImplementedError("write your solution here")'
    answers = iter(
        [
            "return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))",
            (
                "if size < 1: raise ValueError(f'size must be at least 1, got {size}')\n"
                "    return size * dilation"
            ),
        ]
    )
    text = re.sub(re.escape(stubbed), lambda _: next(answers), text)
    target.write_text(text.replace("None  # your answer here", "0.5"), encoding="utf-8")
    report = run()
    assert "1 failed, 3 passed" in report
    assert "You counted the gap after the last element too." in report


def test_the_generic_checks_notice_a_mistake_that_is_not_told(tmp_path: Path) -> None:
    path = example(tmp_path)
    broken = EXAMPLE.replace("lambda size, dilation: size * dilation", "lambda size, dilation: 5")
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(AssertionError, match="kernel_extent made wrong is told as no known m"):
        check_mistake(path, "kernel_extent", "You counted the gap after the last element too.")
    path.write_text(EXAMPLE.replace('"slope_at_zero": {', '"slope": {'), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"MISTAKES names 'slope', which exercise_"):
        check_mistake(path, "slope", "That is the value of relu, not its slope.")


# --- writing downloads into the built site ------------------------------------------------------


def test_downloads_are_written_and_rewritten_and_removed(tmp_path: Path) -> None:
    assert downloads.write_downloads({"a/exercise_x.py": "one\n"}, tmp_path) == []
    assert (tmp_path / "a/exercise_x.py").read_bytes() == b"one\n"
    assert downloads.write_downloads({"a/exercise_x.py": "two\n"}, tmp_path) == []
    assert (tmp_path / "a/exercise_x.py").read_bytes() == b"two\n"
    assert downloads.write_downloads({}, tmp_path) == []
    assert not (tmp_path / "a/exercise_x.py").exists()


def test_a_file_that_its_reader_changed_is_never_overwritten(tmp_path: Path) -> None:
    name, mine = "a/exercise_x.py", "my own work\n"
    downloads.write_downloads({name: "one\n"}, tmp_path)
    (tmp_path / name).write_text(mine)
    for text in ("one\n", "two\n", "two\n", "three\n"):
        (message,) = downloads.write_downloads({name: text}, tmp_path)
        assert re.search(r"exercise_x\.py was changed by hand and is kept; .*_x\.new\.py", message)
        assert "\n" not in message
        assert (tmp_path / name).read_text() == mine
        assert (tmp_path / "a/exercise_x.new.py").read_text() == text
    # Nor is the one beside it, once the reader has worked on that.
    (tmp_path / "a/exercise_x.new.py").write_text("my newer work\n")
    downloads.write_downloads({name: "four\n"}, tmp_path)
    assert (tmp_path / "a/exercise_x.new.py").read_text() == "my newer work\n"
    assert (tmp_path / "a/exercise_x.new2.py").read_text() == "four\n"
    # An exercise that is gone leaves the reader's files where they are.
    downloads.write_downloads({}, tmp_path)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "exercise_x.new.py",
        "exercise_x.py",
    ]


@pytest.mark.parametrize("manifest", [None, "", "{", "[]", "3"])
def test_without_a_manifest_every_file_counts_as_its_readers(
    tmp_path: Path, manifest: str | None
) -> None:
    (tmp_path / "exercise_x.py").write_text("mine\n")
    if manifest is not None:
        (tmp_path / downloads.MANIFEST).write_text(manifest)
    assert len(downloads.write_downloads({"exercise_x.py": "new\n"}, tmp_path)) == 1
    assert (tmp_path / "exercise_x.py").read_text() == "mine\n"
    assert len(downloads.write_downloads({"exercise_x.py": "new\n"}, tmp_path)) == 1


def test_a_download_given_back_as_it_was_is_updated_again(tmp_path: Path) -> None:
    downloads.write_downloads({"exercise_x.py": "one\n"}, tmp_path)
    (tmp_path / "exercise_x.py").write_text("mine\n")
    downloads.write_downloads({"exercise_x.py": "two\n"}, tmp_path)
    (tmp_path / "exercise_x.py").write_text("two\n")
    assert downloads.write_downloads({"exercise_x.py": "two\n"}, tmp_path) == []
    assert not (tmp_path / "exercise_x.new.py").exists()
    assert downloads.write_downloads({"exercise_x.py": "three\n"}, tmp_path) == []
    assert (tmp_path / "exercise_x.py").read_text() == "three\n"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "exercise_x.py"
    downloads.write_atomically(path, "old\n")

    def fail(*args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(downloads.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        downloads.write_atomically(path, "new\n")
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


# --- the program -------------------------------------------------------------------------------


def test_the_archive_holds_every_download_readable_and_without_a_date() -> None:
    stubs = {"training/exercise_b.py": "b = 1\n", "convolution/exercise_a.py": "a = 'ü'\n"}
    data = downloads.archive_of(stubs)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        folder = downloads.ARCHIVE.removesuffix(".zip")
        found = {
            entry.filename.removeprefix(f"{folder}/"): archive.read(entry).decode("utf-8")
            for entry in archive.infolist()
        }
        assert found == stubs
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}
    assert downloads.archive_of(dict(reversed(stubs.items()))) == data


def test_the_list_finds_every_exercise_of_a_chapter() -> None:
    for concept in concepts.load().values():
        text = (ROOT / "docs" / f"{concept.chapter}.md").read_text(encoding="utf-8")
        assert len(exercise_directives.HEADS.findall(text)) == text.count("{exercise}") > 0, (
            concept.chapter
        )


def test_list_names_every_exercise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    docs = example(tmp_path).parents[2]
    assert downloads.main(["list"], docs=docs) == 0
    assert capsys.readouterr().out == "part_one/example: Exercises: an example.\n"


@pytest.mark.parametrize(
    "name",
    ["example", "exercise_example", "exercise_example.py", "part_one/example"],
)
def test_get_writes_the_download_and_never_overwrites(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = example(tmp_path).parents[2]
    folder = tmp_path / "new" / "folder"
    assert downloads.main(["get", name, str(folder)], docs=docs) == 0
    target = folder / "exercise_example.py"
    assert capsys.readouterr().out.startswith(f"Wrote {target}.")
    assert "write your solution here" in target.read_text(encoding="utf-8")
    target.write_text("mine")
    assert downloads.main(["get", name, str(folder)], docs=docs) == 1
    assert re.search(
        r"exercises: .*exercise_example\.py exists already and is not overwritten",
        capsys.readouterr().err,
    )
    assert target.read_text() == "mine"


def test_get_names_the_nearest_and_tells_what_is_ambiguous(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = example(tmp_path)
    docs = path.parents[2]
    assert downloads.main(["get", "exampel", str(tmp_path)], docs=docs) == 1
    assert "there is no exercise 'exampel'; did you mean example?" in capsys.readouterr().err
    twin = docs / "part_two" / "exercises" / path.name
    twin.parent.mkdir(parents=True)
    twin.write_text(EXAMPLE, encoding="utf-8")
    assert downloads.main(["get", "example", str(tmp_path)], docs=docs) == 1
    assert "several exercises: part_one/example, part_two/example" in capsys.readouterr().err
    assert downloads.main(["get", "part_two/example", str(tmp_path)], docs=docs) == 0
    assert downloads.main(["get", "x", str(tmp_path)], docs=tmp_path / "empty") == 1
    assert "there are none yet" in capsys.readouterr().err


def test_get_says_why_a_folder_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = example(tmp_path).parents[2]
    (tmp_path / "file").write_text("")
    assert downloads.main(["get", "example", str(tmp_path / "file")], docs=docs) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_the_program_runs_without_sphinx_and_without_torch() -> None:
    code = (
        "import runpy, sys; sys.modules.update(sphinx=None, torch=None, docutils=None);"
        f"sys.argv = ['exercises', 'list']; sys.path.insert(0, {str(ROOT / 'docs/_ext')!r});"
        f"runpy.run_path({str(ROOT / 'docs/_ext/exercises.py')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# --- every exercise file of the book -----------------------------------------------------------

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@each_file
def test_the_solution_passes_as_a_program(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_solution(path, capsys)


def test_the_solutions_pass_under_pytest() -> None:
    if not FILES:
        return
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, FILES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@each_file
def test_the_download_runs_alone_and_is_not_written_yet(path: Path, tmp_path: Path) -> None:
    check_stub(path, tmp_path)


@pytest.mark.parametrize(
    ("path", "name", "message"),
    list(itertools.chain.from_iterable(((p, *m) for m in mistakes_in(p)) for p in FILES)),
    ids=lambda value: value.stem if isinstance(value, Path) else str(value)[:40],
)
def test_a_known_mistake_is_told_as_itself(path: Path, name: str, message: str) -> None:
    check_mistake(path, name, message)


# --- kept downloads ----------------------------------------------------------------------------


def test_a_download_is_made_again_only_when_something_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, file = tmp_path / "package", tmp_path / "exercise_a.py"
    package.mkdir()
    module = package / "module.py"
    module.write_text("x = 1\n", encoding="utf-8")
    file.write_text("y = 1\n", encoding="utf-8")
    made = []
    monkeypatch.setattr(exercise_directives, "PACKAGE", package)
    monkeypatch.setattr(
        exercise_directives, "take_out", lambda text, path: made.append(text) or f"stub of {text}"
    )

    def build() -> str:
        kept = exercise_directives.KeptStubs(tmp_path / "doctrees" / "kept.json")
        text = kept.take_out(file)
        kept.keep()
        return text

    assert build() == build() == "stub of y = 1\n"
    assert len(made) == 1
    file.write_text("y = 2\n", encoding="utf-8")
    assert build() == "stub of y = 2\n"
    module.write_text("x = 2\n", encoding="utf-8")
    assert build() == "stub of y = 2\n"
    assert len(made) == 3
    kept = json.loads((tmp_path / "doctrees" / "kept.json").read_text(encoding="utf-8"))
    assert list(kept.values()) == ["stub of y = 2\n"], "what is no longer made was kept"
