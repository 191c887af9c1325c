"""The scalar engine: closed forms, PyTorch's autograd on random expressions, deep graphs."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from handbook.autodiff import (
    BackwardStep,
    Contribution,
    Scalar,
    backward_steps,
    path_products,
    topological_order,
    zero_gradients,
)
from handbook.seeding import make_generator

INF, NAN = math.inf, math.nan
N_CHAIN = 100_000


def slope(function: Callable[[Scalar], Scalar], x: float) -> float:
    leaf = Scalar(x)
    function(leaf).backward()
    return leaf.gradient


# --- Closed forms ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "x", "value", "wanted"),
    [
        (lambda x: x + 2, 3.0, 5.0, 1.0),
        (lambda x: 2 + x, 3.0, 5.0, 1.0),
        (lambda x: x - 2, 3.0, 1.0, 1.0),
        (lambda x: 2 - x, 3.0, -1.0, -1.0),
        (lambda x: 4 * x, 3.0, 12.0, 4.0),
        (lambda x: x * 4, 3.0, 12.0, 4.0),
        (lambda x: x / 4, 3.0, 0.75, 0.25),
        (lambda x: 4 / x, 2.0, 2.0, -1.0),
        (lambda x: -x, 3.0, -3.0, -1.0),
        (lambda x: +x, 3.0, 3.0, 1.0),
        (lambda x: x**3, -2.0, -8.0, 12.0),
        (lambda x: x**0, 0.0, 1.0, 0.0),
        (lambda x: x**1, 0.0, 0.0, 1.0),
        (lambda x: x**2, 0.0, 0.0, 0.0),
        (lambda x: x**-1, 2.0, 0.5, -0.25),
        (lambda x: x**0.5, 4.0, 2.0, 0.25),
        (lambda x: x**0.5, 0.0, 0.0, INF),
        (lambda x: 2**x, 3.0, 8.0, 8 * math.log(2)),
        (lambda x: x**x, 2.0, 4.0, 4 + 4 * math.log(2)),
        (lambda x: x.exp(), 1.0, math.e, math.e),
        (lambda x: x.log(), 4.0, math.log(4), 0.25),
        (lambda x: x.tanh(), 0.5, math.tanh(0.5), 1 - math.tanh(0.5) ** 2),
        (lambda x: x.relu(), 2.5, 2.5, 1.0),
        (lambda x: x.relu(), -2.5, 0.0, 0.0),
        (lambda x: x.relu(), 0.0, 0.0, 0.0),
        (lambda x: x.sigmoid(), 0.0, 0.5, 0.25),
        (lambda x: sum([x, x, x]), 2.0, 6.0, 3.0),
    ],
)
def test_values_and_slopes_follow_the_closed_form(
    function: Callable[[Scalar], Scalar], x: float, value: float, wanted: float
) -> None:
    assert function(Scalar(x)).data == pytest.approx(value, rel=1e-15)
    assert slope(function, x) == pytest.approx(wanted, rel=1e-15)


def test_a_number_used_twice_gets_both_its_gradients() -> None:
    assert slope(lambda x: x * x, 3.0) == 6.0
    assert slope(lambda x: x - x, 3.0) == 0.0
    assert slope(lambda x: x / x, 3.0) == 0.0


def test_the_paths_of_a_diamond_add_up() -> None:
    w, x = Scalar(1.5), Scalar(2.0)
    a = w * x
    y = a + a**2
    y.backward()
    assert (y.data, y.gradient, a.gradient, w.gradient, x.gradient) == (12, 1, 7, 14, 10.5)
    assert list(path_products(y, a)) == [1, 6]
    assert list(path_products(y, w)) == [2, 12]
    assert list(path_products(y, y)) == [1]
    assert list(path_products(y, Scalar(1.0))) == []


def test_a_node_that_was_reused_many_times_is_visited_once() -> None:
    x = node = Scalar(1.0)
    for _ in range(60):
        node = node + node  # 2^60 paths
    assert len(topological_order(node)) == 61
    node.backward()
    assert x.gradient == 2.0**60


# --- Against PyTorch ---------------------------------------------------------------------------

UNARY = ["neg", "exp", "tanh", "relu", "sigmoid", "log", "power", "base"]
BINARY = ["add", "sub", "mul", "div", "pow", "radd", "rsub", "rmul", "rdiv"]


def apply(name: str, x: Any, y: Any, constant: float) -> Any:
    """One operation, on Scalars or on tensors; what could leave the domain is kept inside it."""
    return {
        "neg": lambda: -x,
        "exp": lambda: x.tanh().exp(),
        "tanh": lambda: x.tanh(),
        "relu": lambda: x.relu(),
        "sigmoid": lambda: x.sigmoid(),
        "log": lambda: (x * x + 0.5).log(),
        "power": lambda: x.tanh() ** 3,
        "base": lambda: 1.5 ** x.tanh(),
        "add": lambda: x + y,
        "sub": lambda: x - y,
        "mul": lambda: x.tanh() * y,
        "div": lambda: x / (y * y + 1),
        "pow": lambda: (x.sigmoid() + 0.1) ** y.tanh(),
        "radd": lambda: constant + x,
        "rsub": lambda: constant - x,
        "rmul": lambda: constant * x,
        "rdiv": lambda: constant / (x * x + 1),
    }[name]()


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[float], list[tuple[str, int, int, float]]]:
    leaves = draw(st.lists(st.floats(-2, 2, allow_subnormal=False), min_size=1, max_size=4))
    steps = []
    for i in range(draw(st.integers(1, 15))):
        n = len(leaves) + i  # any number so far may be used, again and again
        name = draw(st.sampled_from(UNARY + BINARY))
        which = draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))
        steps.append((name, *which, draw(st.floats(-2, 2, allow_subnormal=False))))
    return leaves, steps


def run(leaves: list[Any], steps: list[tuple[str, int, int, float]]) -> Any:
    numbers = list(leaves)
    for name, i, j, constant in steps:
        numbers.append(apply(name, numbers[i], numbers[j], constant))
    return sum(numbers[1:], numbers[0])  # so that every leaf has a part in it


@settings(max_examples=300, deadline=None)
@given(programs())
def test_random_expressions_have_the_value_and_the_gradients_of_autograd(
    program: tuple[list[float], list[tuple[str, int, int, float]]],
) -> None:
    values, steps = program
    ours = [Scalar(value) for value in values]
    result = run(ours, steps)
    result.backward()
    theirs = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
    wanted = run(theirs, steps)
    wanted.backward()
    assert result.data == pytest.approx(wanted.item(), rel=1e-11, abs=1e-11)
    for our, their in zip(ours, theirs, strict=True):
        assert our.gradient == pytest.approx(their.grad.item(), rel=1e-9, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(programs())
def test_the_backward_pass_is_the_sum_over_all_paths(
    program: tuple[list[float], list[tuple[str, int, int, float]]],
) -> None:
    values, steps = program[0], program[1][:6]
    leaves = [Scalar(value) for value in values]
    result = run(leaves, steps)
    result.backward()
    for leaf in leaves:
        products = list(path_products(result, leaf))
        size = sum(map(abs, products))
        assert leaf.gradient == pytest.approx(sum(products), rel=1e-9, abs=1e-9 * size)


@pytest.mark.parametrize("x", [-1e4, -740.0, -40.0, -1.0, -0.0, 0.0, 1.0, 40.0, 709.0, 1e4])
@pytest.mark.parametrize("name", ["exp", "tanh", "relu", "sigmoid"])
def test_hostile_numbers_come_out_as_in_pytorch(name: str, x: float) -> None:
    ours, theirs = Scalar(x), torch.tensor(x, dtype=torch.float64, requires_grad=True)
    result, wanted = getattr(ours, name)(), getattr(theirs, name)()
    result.backward()
    wanted.backward()
    assert result.data == pytest.approx(wanted.item(), rel=1e-12, abs=1e-300)
    assert ours.gradient == pytest.approx(theirs.grad.item(), rel=1e-12, abs=1e-15)


def test_an_overflow_is_infinite_as_in_pytorch() -> None:
    assert Scalar(1000.0).exp().data == INF
    assert (Scalar(1e200) ** 2).data == INF
    assert (Scalar(-1e200) ** 3).data == -INF
    assert (Scalar(1e200) * 1e200).data == INF
    assert math.isnan((Scalar(INF) - INF).data)
    assert math.isnan((Scalar(INF) - INF).relu().data)


# --- Order, depth, accumulation ----------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(programs())
def test_each_node_stands_after_its_inputs_and_once(
    program: tuple[list[float], list[tuple[str, int, int, float]]],
) -> None:
    order = topological_order(run([Scalar(value) for value in program[0]], program[1]))
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    for node in order:
        assert all(place[before] < place[node] for before in node.inputs)


def test_a_chain_of_100_000_nodes_works_and_is_collected() -> None:
    assert sys.getrecursionlimit() < N_CHAIN
    x = node = Scalar(1.0)
    for _ in range(N_CHAIN):
        node = node.tanh() if node.data > 2 else node + 0.5
    node.backward()
    assert math.isfinite(x.gradient)
    assert len(topological_order(node)) > N_CHAIN
    del node  # frees the whole chain, node by node
    gc.collect()
    assert x.inputs == ()


def test_the_gradient_of_a_long_chain_is_exact() -> None:
    x = node = Scalar(1.0)
    for i in range(N_CHAIN):
        node = -node if i % 2 else node + x
    node.backward()
    # Each pair of steps maps v to -(v + x): after an even number of pairs nothing is left of x.
    assert x.gradient == 1.0
    assert node.data == 1.0


def test_calls_add_up_over_the_whole_graph() -> None:
    x = Scalar(3.0)
    a = x * x
    y = a * a
    y.backward()
    once = (x.gradient, a.gradient, y.gradient)
    assert once == (108.0, 18.0, 1.0)
    y.backward()
    assert (x.gradient, a.gradient, y.gradient) == tuple(2 * g for g in once)
    (5 * x).backward()
    assert x.gradient == 2 * 108 + 5


def test_leaves_add_up_over_calls_as_in_pytorch() -> None:
    ours, theirs = Scalar(0.7), torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    for _ in range(3):
        (ours.tanh() * ours).backward()
        (theirs.tanh() * theirs).backward()
    assert ours.gradient == pytest.approx(theirs.grad.item(), rel=1e-14)


def test_a_pass_can_start_with_another_gradient() -> None:
    x = Scalar(3.0)
    (x * x).backward(gradient=0.5)
    assert x.gradient == 3.0


def test_zero_gradients_starts_anew() -> None:
    x = Scalar(3.0)
    y = x * x
    y.backward()
    zero_gradients(topological_order(y))
    assert x.gradient == y.gradient == 0.0
    y.backward()
    assert x.gradient == 6.0
    zero_gradients([])
    zero_gradients(scalar for scalar in (x,))
    assert x.gradient == 0.0


def test_the_slopes_are_those_of_the_time_of_the_calculation() -> None:
    x = Scalar(3.0)
    y = x * x
    x.data = 100.0
    y.backward()
    assert x.gradient == 6.0


def test_steps_tell_who_hands_what_to_whom_and_change_nothing() -> None:
    a = Scalar(3.0)
    b = a**2
    y = a + b
    steps = list(backward_steps(y))
    assert steps == [
        BackwardStep(y, 1.0, (Contribution(a, 1.0, 1.0), Contribution(b, 1.0, 1.0))),
        BackwardStep(b, 1.0, (Contribution(a, 6.0, 6.0),)),
        BackwardStep(a, 7.0, ()),
    ]
    assert a.gradient == b.gradient == y.gradient == 0.0


def test_a_wrong_order_loses_what_comes_too_late() -> None:
    a = Scalar(3.0)
    b = a**2
    y = a + b
    assert {s.node: s.gradient for s in backward_steps(y, order=[y, a, b])}[a] == 1.0
    assert {s.node: s.gradient for s in backward_steps(y, order=[y, b, a])}[a] == 7.0


def test_a_small_network_learns_xor() -> None:
    generator = make_generator(2)  # from many other starts it ends in a plateau
    start = torch.randn(9, generator=generator, dtype=torch.float64).tolist()
    samples = [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)]

    def loss_of(p: list[Any]) -> Any:
        total = 0.0
        for (x1, x2), target in samples:
            h1 = (p[0] * x1 + p[1] * x2 + p[2]).tanh()
            h2 = (p[3] * x1 + p[4] * x2 + p[5]).tanh()
            total = total + (p[6] * h1 + p[7] * h2 + p[8] - target) ** 2
        return total / 4

    ours = [Scalar(value) for value in start]
    theirs = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    for step in range(200):
        zero_gradients(ours)
        loss = loss_of(ours)
        loss.backward()
        if step < 50:  # the same steps as PyTorch's
            wanted = loss_of(list(theirs))
            (gradient,) = torch.autograd.grad(wanted, theirs)
            assert loss.data == pytest.approx(wanted.item(), rel=1e-9)
            assert [p.gradient for p in ours] == pytest.approx(gradient.tolist(), rel=1e-7)
            theirs = (theirs - 0.3 * gradient).detach().requires_grad_()
        for parameter in ours:
            parameter.data -= 0.3 * parameter.gradient
    assert loss.data < 1e-6


# --- Errors ------------------------------------------------------------------------------------


def test_what_has_no_real_value_is_refused() -> None:
    for x in (0.0, -0.0, -2.5):
        with pytest.raises(ValueError, match=f"log needs a positive number, got {x}"):
            Scalar(x).log()
    with pytest.raises(ZeroDivisionError, match=r"divisor must not be zero, got 3\.0 / 0"):
        Scalar(3.0) / Scalar(0.0)
    with pytest.raises(ZeroDivisionError, match=r"divisor must not be zero, got 1\.0 / 0"):
        1 / Scalar(0)
    with pytest.raises(ZeroDivisionError, match=r"zero has no negative power, got 0 \*\* -1.0"):
        Scalar(0.0) ** -1
    with pytest.raises(ValueError, match=r"needs a whole exponent, got -2.0 \*\* 0.5"):
        Scalar(-2.0) ** 0.5
    with pytest.raises(ValueError, match="the base must not be negative where the exponent is a"):
        Scalar(-2.0) ** Scalar(2.0)


def test_nan_is_refused_where_it_enters() -> None:
    with pytest.raises(ValueError, match="data must be a number, got nan"):
        Scalar(NAN)
    with pytest.raises(ValueError, match="gradient must be a number, got nan"):
        Scalar(1.0).backward(NAN)


@pytest.mark.parametrize("wrong", ["2", None, [1.0], 1j, True, torch.tensor(1.0), np.ones(2)])
def test_other_types_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="data must be a real number, got"):
        Scalar(wrong)
    x = Scalar(2.0)
    for operate in (
        lambda: x + wrong,
        lambda: wrong - x,
        lambda: x * wrong,
        lambda: wrong / x,
        lambda: x**wrong,
        lambda: wrong**x,
    ):
        with pytest.raises(TypeError):
            operate()


def test_numpy_floats_are_numbers() -> None:
    x = Scalar(2.0)
    y = np.float64(3.0) * x
    assert isinstance(y, Scalar)
    assert y.data == 6.0


def test_a_function_of_another_library_cannot_cut_the_graph_in_silence() -> None:
    with pytest.raises(TypeError, match="must be real number, not Scalar"):
        math.exp(Scalar(1.0))


def test_arguments_are_checked() -> None:
    x = Scalar(1.0)
    y = x * x
    with pytest.raises(TypeError, match="name must be a str, got 3"):
        Scalar(1.0, 3)  # type: ignore[arg-type]
    for function in (topological_order, backward_steps, lambda v: path_products(v, x)):
        with pytest.raises(TypeError, match=r"output must be a Scalar, got 1\.0"):
            function(1.0)
    with pytest.raises(TypeError, match="source must be a Scalar, got 'x'"):
        path_products(y, "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"scalars\[1\] must be a Scalar, got 1.0"):
        zero_gradients([x, 1.0])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"scalars must be a list of Scalar, got a Scalar; use \["):
        zero_gradients(x)  # type: ignore[arg-type]
    for order in ([y], [y, y], [y, x, x], [y, Scalar(1.0)]):
        with pytest.raises(ValueError, match="order must hold each of the 2 nodes of the graph"):
            backward_steps(y, order=order)


def test_the_text_of_a_node_is_short_however_deep_its_graph_is() -> None:
    node = Scalar(1.0, name="x")
    assert repr(node) == "Scalar(1.0, gradient=0.0, name='x')"
    for _ in range(5000):
        node = node + 1
    assert repr(node) == "Scalar(5001.0, gradient=0.0)"
