r"""Checks that tell a reader what is right, what is missing and what was mistaken.

An exercise file holds functions to write and tests named ``test_*``. Each test calls
:func:`expect`, which compares what the reader's function returns with what was wanted and, where
the result equals that of a known wrong way, says what the reader mistook. The same file runs under
``pytest exercise_x.py`` and, through :func:`run_checks`, as plain ``python exercise_x.py``.
"""

from __future__ import annotations

import copy
import functools
import inspect
import math
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

__all__ = ["expect", "expect_raises", "run_checks", "Mistaken", "NotWrittenYet"]

# (rtol, atol) by dtype, the defaults of torch.testing.assert_close. A Python float gets those of
# float32, because it usually comes out of a float32 tensor by item().
_EXERCISE_TOLERANCES = {
    torch.float16: (1e-3, 1e-5),
    torch.bfloat16: (1.6e-2, 1e-5),
    torch.float64: (1e-7, 1e-7),
    torch.complex128: (1e-7, 1e-7),
}
_EXERCISE_FLOAT32_TOLERANCE = (1.3e-6, 1e-5)
_MOST_VALUES_SHOWN = 8  # a longer tensor is described by its dtype and shape instead


class NotWrittenYet(AssertionError):  # noqa: N818  # a state of the exercise, not an error
    """The reader has not written this part yet.

    Examples
    --------
    >>> def double(x):
    ...     raise NotImplementedError("later")
    >>> expect(double, 2, equals=4)
    Traceback (most recent call last):
        ...
    handbook.exercises.NotWrittenYet: double(2) is not written yet: later
    """


class Mistaken(AssertionError):  # noqa: N818  # likewise
    """The reader's answer is not the one wanted.

    Parameters
    ----------
    message : str
        What came, what was wanted.
    mistake : str, optional
        What the reader mistook, where the answer equals that of a known wrong way.

    Examples
    --------
    >>> try:
    ...     expect(lambda x: x + x, 3, equals=9, mistakes={"You added.": lambda x: x + x})
    ... except Mistaken as error:
    ...     error.mistake
    'You added.'
    """

    def __init__(self, message: str, mistake: str | None = None) -> None:
        super().__init__(message)
        self.mistake = mistake


class _Outcome(NamedTuple):
    """What a call did: the value it returned or the error it raised, and what it changed."""

    value: object
    error: Exception | None
    changed: tuple[str, ...]


def expect(
    function: object,
    /,
    *args: object,
    equals: object,
    mistakes: Mapping[str, object] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    **kwargs: object,
) -> None:
    r"""Check that ``function(*args, **kwargs)`` returns ``equals``.

    Type, shape, dtype and values must agree; floating-point values within

    .. math:: |a - b| \le \text{atol} + \text{rtol} \cdot |b|

    where NaN equals NaN. The function must leave its arguments as they were.

    Parameters
    ----------
    function : object
        The reader's function. Anything that cannot be called is taken as the answer itself.
    *args : object
        Its positional arguments.
    equals : object
        What it must return: a tensor, a number, a ``bool``, a string, ``None`` inside a tuple, or
        a tuple or list of these.
    mistakes : dict, optional
        Known wrong ways: {what was mistaken: a function that goes wrong that way}. They get the
        same arguments. A value that cannot be called stands for the wrong answer itself.
    rtol : float, optional
        Relative tolerance. Default: that of :func:`torch.testing.assert_close` for the dtype.
    atol : float, optional
        Absolute tolerance. Default: likewise.
    **kwargs : object
        The function's keyword arguments.

    Raises
    ------
    NotWrittenYet
        If the function raises ``NotImplementedError``, or returns ``None``.
    Mistaken
        If the function raises, changes an argument, or returns another type, shape, dtype or value.
    TypeError
        If ``equals`` is of a type that cannot be compared, or an answer is given arguments.

    Notes
    -----
    A known mistake is recognised by what it does, not by how it is written: the reader's function
    and the wrong way must return equal values, or raise the same error with the same message, and
    change the same arguments.

    Examples
    --------
    >>> def double(x):
    ...     return 2 * x
    >>> expect(double, torch.tensor([1.0, 2.0]), equals=torch.tensor([2.0, 4.0]))

    A wrong value is located, and a known mistake is named:

    >>> def double(x):
    ...     return x * x
    >>> expect(double, torch.tensor([1.0, 3.0]), equals=torch.tensor([2.0, 6.0]))
    Traceback (most recent call last):
        ...
    handbook.exercises.Mistaken: double([1, 3]): wrong values: 2 of 2
    the largest difference is 3, at [1]: got 9, wanted 6
    got [1, 9], wanted [2, 6]
    >>> expect(double, 3, equals=6, mistakes={"You squared instead.": lambda x: x**2})
    Traceback (most recent call last):
        ...
    handbook.exercises.Mistaken: double(3): You squared instead.
    wrong value: got 9, wanted 6

    So is a result of the wrong shape, which broadcasting would hide:

    >>> expect(lambda x: x[:, None], torch.zeros(3), equals=torch.zeros(3))
    Traceback (most recent call last):
        ...
    handbook.exercises.Mistaken: your function([0, 0, 0]): wrong shape: got (3, 1), wanted (3,)
    """
    __tracebackhide__ = True  # pytest then ends its traceback at the line of the test
    _require_comparable(equals)
    if not callable(function):
        if args or kwargs:
            raise TypeError(
                f"function must be callable to take arguments, got {_shown(function)}; "
                "give an answer without arguments"
            )
        answer, call = (lambda: function), "your answer"
    else:
        answer, call = function, _call_shown(function, args, kwargs)

    def problem(outcome: _Outcome) -> str | None:
        if outcome.error is not None:
            return _error_shown(outcome.error, answer)
        return _difference(outcome.value, equals, rtol, atol)

    def same(outcome: _Outcome, other: _Outcome) -> bool:
        return _difference(outcome.value, other.value, rtol, atol) is None

    _judge(answer, args, kwargs, call=call, problem=problem, same=same, mistakes=mistakes)


def expect_raises(
    function: Callable[..., object],
    /,
    *args: object,
    error: type[Exception] = ValueError,
    match: str | None = None,
    mistakes: Mapping[str, object] | None = None,
    **kwargs: object,
) -> None:
    """Check that ``function(*args, **kwargs)`` refuses its arguments.

    Parameters
    ----------
    function : callable
        The reader's function.
    *args : object
        Its positional arguments.
    error : type, optional
        What it must raise. Default: ``ValueError``.
    match : str, optional
        A regular expression that must be found in the error's message.
    mistakes : dict, optional
        Known wrong ways, as in :func:`expect`.
    **kwargs : object
        The function's keyword arguments.

    Raises
    ------
    NotWrittenYet
        If the function raises ``NotImplementedError``.
    Mistaken
        If it raises another error or another message, or returns.

    Examples
    --------
    >>> def root(x):
    ...     if x < 0:
    ...         raise ValueError(f"x must not be negative, got {x}")
    ...     return x**0.5
    >>> expect_raises(root, -1, error=ValueError, match="got -1")
    >>> expect_raises(root, 4)
    Traceback (most recent call last):
        ...
    handbook.exercises.Mistaken: root(4): got 2, wanted a ValueError
    """
    __tracebackhide__ = True
    wanted = f"{_with_a(error.__name__)}" + (f" whose message matches {match!r}" if match else "")

    def problem(outcome: _Outcome) -> str | None:
        if outcome.error is None:
            return f"got {_shown(outcome.value)}, wanted {wanted}"
        if not isinstance(outcome.error, error):
            return f"{_error_shown(outcome.error, function)}\nwanted {wanted}"
        if match is not None and re.search(match, str(outcome.error)) is None:
            return f"got the message {str(outcome.error)!r}, wanted {wanted}"
        return None

    def same(outcome: _Outcome, other: _Outcome) -> bool:
        return _difference(outcome.value, other.value, None, None) is None

    call = _call_shown(function, args, kwargs)
    _judge(function, args, kwargs, call=call, problem=problem, same=same, mistakes=mistakes)


def run_checks(namespace: Mapping[str, object]) -> None:
    """Run every test of an exercise file and print a report.

    The tests run in the order of the file, all of them, whatever happens in one. The program ends
    with exit status 1 unless every test is right.

    Parameters
    ----------
    namespace : dict
        The file's ``globals()``: every function named ``test_*`` in it is a test.

    Raises
    ------
    ValueError
        If there is no test.
    TypeError
        If a test takes arguments.
    SystemExit
        With status 1, if a test is not right.

    Examples
    --------
    >>> def test_double():
    ...     expect(lambda x: 2 * x, 3, equals=6)
    >>> run_checks({"__file__": "exercise_numbers.py", "test_double": test_double})
    exercise_numbers.py
    <BLANKLINE>
      right     double
    <BLANKLINE>
    1 of 1 right.
    """
    tests = {
        name: test
        for name, test in namespace.items()
        if name.startswith("test_") and inspect.isfunction(test)
    }
    if not tests:
        raise ValueError("namespace must hold a function named test_*, got none; pass globals()")
    for name, test in tests.items():
        if inspect.signature(test).parameters:
            raise TypeError(
                f"{name} must take no arguments, got {name}{inspect.signature(test)}; "
                "loop over the cases inside"
            )
    _say(Path(str(namespace.get("__file__", "Checks"))).name)
    _say()
    counts = {"right": 0, "not yet": 0, "mistaken": 0}
    for name, test in tests.items():
        verdict, message = _verdict(test)
        counts[verdict] += 1
        _say(f"  {verdict:<9} {name.removeprefix('test_')}")
        for line in message.splitlines():
            _say(f"            {line}")
    _say()
    rest = [f"{count} {verdict}" for verdict, count in counts.items() if verdict != "right"]
    rest = [part for part in rest if not part.startswith("0 ")]
    _say(", ".join([f"{counts['right']} of {len(tests)} right", *rest]) + ".")
    if rest:
        raise SystemExit(1)


def _verdict(test: Callable[[], object]) -> tuple[str, str]:
    """Run one test: ``right``, ``not yet`` or ``mistaken``, and what there is to say."""
    try:
        test()
    except (NotWrittenYet, NotImplementedError) as error:
        return "not yet", str(error)
    except Mistaken as error:
        return "mistaken", str(error)
    except (Exception, SystemExit) as error:  # exit() in an answer must not end the report
        return "mistaken", _error_shown(error, test)
    return "right", ""


def _say(text: str = "") -> None:
    """Print a line; what the console cannot show is escaped, where print alone would raise."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, errors="backslashreplace").decode(encoding))


def _judge(
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: dict[str, object],
    *,
    call: str,
    problem: Callable[[_Outcome], str | None],
    same: Callable[[_Outcome, _Outcome], bool],
    mistakes: Mapping[str, object] | None,
) -> None:
    """Call the function, and raise unless the outcome has no problem."""
    __tracebackhide__ = True
    kept_args, kept_kwargs = _copied(args), _copied(kwargs)
    came = _outcome(function, args, kwargs)
    reason = problem(came)
    if reason is None and not came.changed:
        return
    mistake = None
    for message, wrong in (mistakes or {}).items():
        wrong_way = wrong if callable(wrong) else functools.partial(_given, wrong)
        other = _outcome(wrong_way, _copied(kept_args), _copied(kept_kwargs))
        # A wrong way that happens to be right on this input explains nothing.
        if problem(other) is None and not other.changed:
            continue
        if came.error is not None or other.error is not None:
            alike = type(came.error) is type(other.error) and str(came.error) == str(other.error)
        else:
            alike = same(came, other)
        if alike and len(came.changed) == len(other.changed):
            mistake = message
            break
    if mistake is None:
        if isinstance(came.error, NotImplementedError):
            raise NotWrittenYet(f"{call} is not written yet: {came.error}".rstrip(": "))
        if came.value is None and came.error is None and reason is not None:
            hint = ", or a return is missing" if call.endswith(")") else ""
            raise NotWrittenYet(f"{call} is None: it is not written yet{hint}")
    said = [mistake, reason]
    if came.changed:
        said.append(
            f"it changed its argument {' and '.join(came.changed)} in place; work on a copy"
        )
    raise Mistaken(f"{call}: " + "\n".join(part for part in said if part), mistake)


def _given(answer: object, *args: object, **kwargs: object) -> object:
    return answer  # whatever it is asked


def _outcome(
    function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> _Outcome:
    before_args, before_kwargs = _copied(args), _copied(kwargs)
    value, error = None, None
    try:
        value = function(*args, **kwargs)
    except Exception as caught:  # whatever goes wrong in the reader's code is reported
        error = caught
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some built-in functions have no signature
        names = []
    changed = [
        names[i] if i < len(names) else f"{i + 1}"
        for i, (now, before) in enumerate(zip(args, before_args, strict=True))
        if _was_changed(now, before)
    ]
    changed += [name for name in kwargs if _was_changed(kwargs[name], before_kwargs[name])]
    return _Outcome(value, error, tuple(changed))


def _copied(value: Any) -> Any:
    """Copy a value so that a change of one leaves the other alone."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, torch.Generator):
        return torch.Generator(value.device).set_state(value.get_state())
    if type(value) in (tuple, list):
        return type(value)(_copied(part) for part in value)
    if type(value) is dict:
        return {key: _copied(part) for key, part in value.items()}
    try:
        return copy.deepcopy(value)
    except Exception:  # an open file, a lock: what cannot be copied is shared
        return value


def _was_changed(now: object, before: object) -> bool:
    """Whether a tensor, or one inside a list, tuple or dict, has other values than before."""
    if isinstance(now, dict) and isinstance(before, dict):
        return list(now) != list(before) or any(_was_changed(now[k], before[k]) for k in now)
    if isinstance(now, (list, tuple)) and isinstance(before, (list, tuple)):
        return len(now) != len(before) or any(map(_was_changed, now, before))
    if isinstance(now, torch.Tensor) and isinstance(before, torch.Tensor):
        return not now.is_meta and _difference(now, before, 0.0, 0.0) is not None
    plain = (str, int, float, complex)
    if isinstance(now, plain) or isinstance(before, plain):
        return _difference(now, before, 0.0, 0.0) is not None
    return False  # a generator draws, a module counts: those may change


def _require_comparable(wanted: object, *, inside: bool = False) -> None:
    if isinstance(wanted, (tuple, list)):
        for part in wanted:
            _require_comparable(part, inside=True)
    elif not isinstance(wanted, (torch.Tensor, int, float, complex, str)) and not (
        inside and wanted is None
    ):
        raise TypeError(
            "equals must be a tensor, a number, a bool, a string, or a tuple or list of these, "
            f"got {_shown(wanted)}"
        )


def _difference(came: object, wanted: object, rtol: float | None, atol: float | None) -> str | None:
    """Say how ``came`` differs from ``wanted``; ``None`` if it does not."""
    if isinstance(wanted, torch.Tensor):
        if not isinstance(came, torch.Tensor):
            return f"wrong type: got {_shown(came)}, wanted a tensor"
        return _tensor_difference(came, wanted, rtol, atol)
    if isinstance(wanted, (tuple, list)):
        kind = tuple if isinstance(wanted, tuple) else list
        if not isinstance(came, kind):
            return f"wrong type: got {_shown(came)}, wanted a {kind.__name__}"
        if len(came) != len(wanted):
            return f"wrong length: got {len(came)}, wanted {len(wanted)}"
        for i, (part, wanted_part) in enumerate(zip(came, wanted, strict=True)):
            difference = _difference(part, wanted_part, rtol, atol)
            if difference is not None:
                return f"in element {i}: {difference}"
        return None
    # bool is an int to Python, and an int serves where a float is wanted: the order matters.
    kinds: tuple[type, ...]
    for kinds, noun in (
        ((bool,), "a bool"),
        ((int,), "an int"),
        ((int, float), "a float"),
        ((int, float, complex), "a complex number"),
        ((str,), "a string"),
    ):
        if isinstance(wanted, kinds):
            if not isinstance(came, kinds) or isinstance(came, bool) != isinstance(wanted, bool):
                is_item = isinstance(came, torch.Tensor) and came.numel() == 1
                remedy = "; item() makes it a number" if is_item else ""
                its = f" ({type(came).__name__})" if isinstance(came, (int, float, str)) else ""
                return f"wrong type: got {_shown(came)}{its}, wanted {noun}{remedy}"
            if isinstance(wanted, str) or (isinstance(came, int) and isinstance(wanted, int)):
                equal = came == wanted
            else:
                default = _EXERCISE_FLOAT32_TOLERANCE
                equal = _is_near(
                    came,  # type: ignore[arg-type]  # only numbers come here
                    wanted,
                    default[0] if rtol is None else rtol,
                    default[1] if atol is None else atol,
                )
            return None if equal else f"wrong value: got {_shown(came)}, wanted {_shown(wanted)}"
    if wanted is None and came is None:
        return None
    return f"wrong type: got {_shown(came)}, wanted {_shown(wanted)}"


def _is_near(came: complex, wanted: complex, rtol: float, atol: float) -> bool:
    if came == wanted or (came != came and wanted != wanted):  # only NaN differs from itself
        return True
    if not (math.isfinite(abs(came)) and math.isfinite(abs(wanted))):
        return False
    return abs(came - wanted) <= atol + rtol * abs(wanted)


def _tensor_difference(
    came: torch.Tensor, wanted: torch.Tensor, rtol: float | None, atol: float | None
) -> str | None:
    if came.shape != wanted.shape:
        return f"wrong shape: got {tuple(came.shape)}, wanted {tuple(wanted.shape)}"
    if came.dtype != wanted.dtype:
        names = [str(dtype).removeprefix("torch.") for dtype in (came.dtype, wanted.dtype)]
        return f"wrong dtype: got {names[0]}, wanted {names[1]}"
    if came.device != wanted.device:
        return f"wrong device: got {came.device}, wanted {wanted.device}"
    came, wanted = came.detach(), wanted.detach()
    if came.layout != torch.strided or wanted.layout != torch.strided:
        if came.layout != wanted.layout:
            return f"wrong layout: got {came.layout}, wanted {wanted.layout}"
        came, wanted = came.to_dense(), wanted.to_dense()
    if came.is_floating_point() or came.is_complex():
        default = _EXERCISE_TOLERANCES.get(came.dtype, _EXERCISE_FLOAT32_TOLERANCE)
        right = torch.isclose(
            came,
            wanted,
            rtol=default[0] if rtol is None else rtol,
            atol=default[1] if atol is None else atol,
            equal_nan=True,
        )
    else:
        right = came == wanted
    n_wrong = int((~right).sum())
    if n_wrong == 0:
        return None
    if came.dtype == torch.bool:
        place = int((~right).flatten().int().argmax())
        which = "the first is"
    else:
        precise = torch.complex128 if came.is_complex() else torch.float64
        gap = (came.to(precise) - wanted.to(precise)).abs()
        # Where NaN or infinity came, no difference is larger; what is right counts as none.
        gap = gap.nan_to_num(nan=math.inf, posinf=math.inf).masked_fill(right, -1.0)
        place = int(gap.flatten().argmax())
        largest = gap.flatten()[place].item()
        which = f"the largest difference is {_shown(largest)},"
    index = [int(i) for i in torch.unravel_index(torch.tensor(place), came.shape)]
    came_there, wanted_there = (x.flatten()[place].item() for x in (came, wanted))
    if came.dim() == 0:
        return f"wrong value: got {_shown(came_there)}, wanted {_shown(wanted_there)}"
    text = (
        f"wrong values: {n_wrong} of {came.numel()}\n{which} at {index}: "
        f"got {_shown(came_there)}, wanted {_shown(wanted_there)}"
    )
    if 1 < came.numel() <= _MOST_VALUES_SHOWN:
        text += f"\ngot {_shown(came)}, wanted {_shown(wanted)}"
    return text


def _shown(value: object) -> str:
    """Show a value in a few characters."""
    if isinstance(value, torch.Tensor):
        if value.numel() <= _MOST_VALUES_SHOWN and not value.is_meta and value.numel() > 0:
            text = _shown(value.detach().tolist())
            return f"tensor({text})" if value.dim() == 0 else text
        dtype = str(value.dtype).removeprefix("torch.")
        return f"{_with_a(dtype)} tensor of shape {tuple(value.shape)}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if value is None or isinstance(value, (bool, int, complex)):
        return repr(value)
    if isinstance(value, (tuple, list)):
        parts = [_shown(part) for part in value[:_MOST_VALUES_SHOWN]]
        text = ", ".join(parts + ["..."] * (len(value) > _MOST_VALUES_SHOWN))
        if isinstance(value, tuple):
            return f"({text},)" if len(value) == 1 else f"({text})"
        return f"[{text}]"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return _with_a(type(value).__name__)


def _with_a(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def _call_shown(
    function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> str:
    target = function.func if isinstance(function, functools.partial) else function
    name = getattr(target, "__qualname__", type(target).__name__).rpartition("<locals>.")[2]
    if "<lambda>" in name:
        name = "your function"
    shown = [_shown(value) for value in args]
    shown += [f"{key}={_shown(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join(shown)})"


def _error_shown(error: BaseException, function: object) -> str:
    """Show an error with the line in the reader's file that it came from."""
    text = f"raised {type(error).__name__}" + (f": {error}" if str(error) else "")
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is the call in this file
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    own = [frame for frame in frames if code is not None and frame.filename == code.co_filename]
    if not frames:  # the call itself failed: the arguments do not fit
        return text
    frame = (own or list(frames))[-1]
    line = f": {frame.line}" if frame.line else ""
    return f"{text}\n{Path(frame.filename).name}, line {frame.lineno}{line}"
