"""Backward passes by hand: closed forms, autograd, finite differences, hostile input."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from handbook.activations import relu, sigmoid, tanh
from handbook.backprop import (
    LinearGradients,
    TwoLayerGradients,
    TwoLayerParameters,
    TwoLayerValues,
    cross_entropy_backward,
    cross_entropy_forward,
    finite_differences,
    linear_backward,
    linear_forward,
    relu_backward,
    sigmoid_backward,
    squared_error_backward,
    squared_error_forward,
    tanh_backward,
    two_layer_backward,
    two_layer_forward,
)
from handbook.seeding import make_generator

INF, NAN = math.inf, math.nan
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "relu": (relu, relu_backward),
    "sigmoid": (sigmoid, sigmoid_backward),
    "tanh": (tanh, tanh_backward),
}
THEIRS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_reduction = pytest.mark.parametrize("reduction", ["mean", "sum"])
close = torch.testing.assert_close


def draw(*shape: int, seed: int = 0, device: torch.device | str = "cpu") -> Tensor:
    numbers = torch.randn(shape, generator=make_generator(seed), dtype=torch.float64)
    return numbers.to(device)


def draw_network(
    n: int, d: int, h: int, c: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, TwoLayerParameters]:
    shapes = [(h, d), (h,), (c, h), (c,)]
    parameters = [draw(*shape, seed=i, device=device) for i, shape in enumerate(shapes, start=1)]
    return draw(n, d, device=device), TwoLayerParameters(*parameters)


# --- Closed forms ------------------------------------------------------------------------------


def test_a_linear_layer_of_whole_numbers_follows_the_closed_form() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]])
    w = torch.tensor([[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]])
    assert linear_forward(x, w, torch.tensor([10.0, 20.0])).tolist() == [[8, 24], [10, 21]]
    gradients = linear_backward(torch.tensor([[1.0, 0.0], [2.0, -1.0]]), x, w)
    assert gradients.input.tolist() == [[1, 0, -1], [0, -1, -2]]
    assert gradients.weight.tolist() == [[1, 4, 3], [0, -1, 0]]
    assert gradients.bias.tolist() == [3, -1]


def test_the_gradient_of_a_matrix_is_the_sum_of_outer_products() -> None:
    x, g = draw(7, 4), draw(7, 3, seed=1)
    by_sample = torch.stack([torch.outer(g[n], x[n]) for n in range(7)])
    close(linear_backward(g, x, draw(3, 4)).weight, by_sample.sum(0))


def test_each_sample_adds_a_matrix_of_rank_one() -> None:
    for n in range(1, 5):
        gradient = linear_backward(draw(n, 6), draw(n, 8, seed=1), draw(6, 8)).weight
        assert torch.linalg.matrix_rank(gradient) == n


def test_losses_follow_their_closed_forms() -> None:
    y, t = torch.tensor([[1.0, 2.0], [3.0, 6.0]]), torch.tensor([[1.0, 0.0], [3.0, 2.0]])
    assert squared_error_forward(y, t).item() == 5.0
    assert squared_error_backward(y, t).tolist() == [[0.0, 1.0], [0.0, 2.0]]
    assert squared_error_backward(y, t, reduction="sum").tolist() == [[0.0, 4.0], [0.0, 8.0]]
    z = torch.tensor([[0.2, 0.1, -0.1]], dtype=torch.float64)
    zero = torch.tensor([0])
    assert cross_entropy_forward(z, zero).item() == pytest.approx(0.9729189131256584, rel=1e-12)
    assert cross_entropy_backward(torch.zeros(1, 2), zero).tolist() == [[-0.5, 0.5]]


# --- Against autograd --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [(5, 4, 3), (1, 4, 3), (0, 4, 3), (5, 1, 1), (5, 0, 3), (5, 4, 0)]
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_the_linear_layer_equals_autograd(
    shape: tuple[int, int, int], dtype: torch.dtype, device: torch.device
) -> None:
    n, d_in, d_out = shape
    x, w, b = (draw(*s, device=device).to(dtype) for s in ((n, d_in), (d_out, d_in), (d_out,)))
    leaves = [tensor.clone().requires_grad_() for tensor in (x, w, b)]
    g = draw(n, d_out, seed=1, device=device).to(dtype)
    theirs = F.linear(*leaves)
    close(linear_forward(x, w, b), theirs.detach())
    ours = linear_backward(g, x, w)
    assert isinstance(ours, LinearGradients)
    for gradient, wanted, leaf in zip(
        ours, torch.autograd.grad(theirs, leaves, g), leaves, strict=True
    ):
        assert gradient.shape == leaf.shape
        assert gradient.dtype == dtype
        close(gradient, wanted)


@every_activation
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_activations_equal_autograd(name: str, dtype: torch.dtype, device: torch.device) -> None:
    forward, backward = ACTIVATIONS[name]
    hostile = torch.tensor([-1e4, -100.0, -1.0, -0.0, 0.0, 0.5, 17.0, 100.0, 1e4, INF, -INF, NAN])
    x = torch.cat([hostile.double(), 3 * draw(50)]).to(device, dtype)
    g = draw(len(x), seed=1, device=device).to(dtype)
    leaf = x.clone().requires_grad_()
    theirs = THEIRS[name](leaf)
    (wanted,) = torch.autograd.grad(theirs, leaf, g)
    close(backward(g, forward(x)), wanted, equal_nan=True)


def test_a_relu_that_is_off_blocks_even_an_infinite_gradient() -> None:
    assert relu_backward(torch.tensor([INF, NAN]), torch.zeros(2)).tolist() == [0.0, 0.0]


@every_activation
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (2, 1, 3)], ids=str)
def test_activations_take_any_shape(name: str, shape: tuple[int, ...]) -> None:
    forward, backward = ACTIVATIONS[name]
    assert backward(torch.ones(shape), forward(torch.ones(shape))).shape == shape


@every_reduction
@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (4,), (2, 3, 2), ()], ids=str)
def test_the_squared_error_equals_autograd(
    shape: tuple[int, ...], reduction: str, device: torch.device
) -> None:
    y = draw(*shape, device=device).requires_grad_()
    t = draw(*shape, seed=1, device=device)
    theirs = F.mse_loss(y, t, reduction=reduction)
    close(squared_error_forward(y.detach(), t, reduction=reduction), theirs.detach())
    ours = squared_error_backward(y.detach(), t, reduction=reduction)
    close(ours, torch.autograd.grad(theirs, y)[0])


@every_reduction
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize(("n", "c"), [(6, 4), (1, 4), (6, 1)])
def test_the_cross_entropy_equals_autograd(
    n: int, c: int, scale: float, reduction: str, device: torch.device
) -> None:
    z = (scale * draw(n, c, device=device)).requires_grad_()
    t = torch.randint(c, (n,), generator=make_generator(1)).to(device)
    theirs = F.cross_entropy(z, t, reduction=reduction)
    close(cross_entropy_forward(z.detach(), t, reduction=reduction), theirs.detach())
    ours = cross_entropy_backward(z.detach(), t, reduction=reduction)
    close(ours, torch.autograd.grad(theirs, z)[0])


def test_the_sum_over_an_empty_batch_is_zero_as_in_pytorch() -> None:
    empty, none = torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)
    assert squared_error_forward(empty, empty, reduction="sum").item() == 0.0
    assert cross_entropy_forward(empty, none, reduction="sum").item() == 0.0
    assert squared_error_backward(empty, empty, reduction="sum").shape == (0, 3)
    assert cross_entropy_backward(empty, none, reduction="sum").shape == (0, 3)


@every_activation
@pytest.mark.parametrize("n", [0, 1, 8])
@pytest.mark.parametrize("c", [1, 3])
def test_a_network_of_two_layers_equals_autograd_to_the_last_digits(
    name: str, n: int, c: int, device: torch.device
) -> None:
    x, parameters = draw_network(n, 5, 7, c, device)
    x_leaf, *leaves = (tensor.clone().requires_grad_() for tensor in (x, *parameters))
    hidden = THEIRS[name](F.linear(x_leaf, leaves[0], leaves[1]))
    output = F.linear(hidden, leaves[2], leaves[3])
    t = torch.randint(c, (n,), generator=make_generator(9)).to(device)
    loss = F.cross_entropy(output, t, reduction="sum") + F.mse_loss(
        output, torch.zeros_like(output), reduction="sum"
    )
    wanted = torch.autograd.grad(loss, [x_leaf, *leaves])

    values = two_layer_forward(x, parameters, activation=name)
    assert isinstance(values, TwoLayerValues)
    close(values.output, output.detach())
    g = cross_entropy_backward(values.output, t, reduction="sum")
    g = g + squared_error_backward(values.output, torch.zeros_like(g), reduction="sum")
    ours = two_layer_backward(g, values, parameters, activation=name)
    assert isinstance(ours, TwoLayerGradients)
    assert isinstance(ours.parameters, TwoLayerParameters)
    for gradient, expected in zip((ours.input, *ours.parameters), wanted, strict=True):
        assert gradient.shape == expected.shape
        close(gradient, expected, rtol=1e-12, atol=1e-13)


def test_a_network_trained_by_hand_follows_the_one_that_autograd_trains() -> None:
    x, ours = draw_network(16, 3, 6, 1)
    theirs = [parameter.clone().requires_grad_() for parameter in ours]
    target = torch.sin(x.sum(1, keepdim=True))
    optimizer = torch.optim.SGD(theirs, lr=0.05)
    losses = []
    for _ in range(200):
        values = two_layer_forward(x, ours)
        losses.append(squared_error_forward(values.output, target).item())
        g = squared_error_backward(values.output, target)
        gradients = two_layer_backward(g, values, ours).parameters
        steps = zip(ours, gradients, strict=True)
        ours = TwoLayerParameters(*(parameter - 0.05 * step for parameter, step in steps))

        optimizer.zero_grad()
        hidden = torch.tanh(F.linear(x, theirs[0], theirs[1]))
        F.mse_loss(F.linear(hidden, theirs[2], theirs[3]), target).backward()
        optimizer.step()
    assert losses[-1] < 0.1 * losses[0]
    for mine, other in zip(ours, theirs, strict=True):
        close(mine, other.detach(), rtol=1e-9, atol=1e-11)


# --- Against finite differences ----------------------------------------------------------------


@every_activation
def test_a_network_of_two_layers_equals_finite_differences(name: str) -> None:
    x, parameters = draw_network(4, 3, 5, 2)
    t = torch.tensor([0, 1, 1, 0])
    tensors = (x, *parameters)

    def loss_with(i: int, tensor: Tensor) -> Tensor:
        x, *rest = (*tensors[:i], tensor, *tensors[i + 1 :])
        values = two_layer_forward(x, TwoLayerParameters(*rest), activation=name)
        return cross_entropy_forward(values.output, t)

    values = two_layer_forward(x, parameters, activation=name)
    g = cross_entropy_backward(values.output, t)
    ours = two_layer_backward(g, values, parameters, activation=name)
    for i, gradient in enumerate((ours.input, *ours.parameters)):
        measured = finite_differences(lambda tensor, i=i: loss_with(i, tensor), tensors[i])
        close(gradient, measured, rtol=1e-8, atol=1e-9)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=6))
def test_losses_equal_finite_differences(numbers: list[float]) -> None:
    y = torch.tensor(numbers, dtype=torch.float64)
    t = torch.zeros_like(y)
    measured = finite_differences(lambda y: squared_error_forward(y, t), y)
    close(squared_error_backward(y, t), measured, rtol=1e-7, atol=1e-7)
    z, first = y[None], torch.tensor([0])
    measured = finite_differences(lambda z: cross_entropy_forward(z, first), z)
    close(cross_entropy_backward(z, first), measured, rtol=1e-6, atol=1e-8)


@given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=10))
def test_the_gradient_of_the_cross_entropy_sums_to_zero(logits: list[float]) -> None:
    g = cross_entropy_backward(torch.tensor([logits], dtype=torch.float64), torch.tensor([0]))
    assert abs(g.sum().item()) < 1e-12
    assert g[0, 0] <= 0
    assert (g[0, 1:] >= 0).all()


# --- finite_differences itself -----------------------------------------------------------------


def test_central_differences_are_exact_for_a_quadratic_whatever_the_step() -> None:
    x = torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64)
    for step in (0.5, 1.0, 2.0):
        measured = finite_differences(lambda x: (x * x).sum(), x, step=step)
        assert measured.tolist() == [2.0, -4.0, 8.0]


def test_the_error_of_a_large_step_is_that_of_taylors_formula() -> None:
    x = torch.tensor(1.0, dtype=torch.float64)
    for step in (1e-1, 1e-2, 1e-3):
        error = finite_differences(torch.exp, x, step=step).item() - math.e
        assert error == pytest.approx(step**2 / 6 * math.e, rel=1e-2)


@pytest.mark.parametrize(
    ("dtype", "digits"), [(torch.float64, 9), (torch.float32, 3)], ids=["float64", "float32"]
)
def test_the_default_step_keeps_two_thirds_of_the_digits(dtype: torch.dtype, digits: int) -> None:
    x = torch.tensor([-300.0, -2.0, 0.0, 0.7, 5e4], dtype=dtype)
    measured = finite_differences(lambda x: torch.log1p(x * x).sum(), x)
    error = (measured.double() - 2 * x.double() / (1 + x.double() ** 2)).abs()
    # The rounding error is that of the whole sum, about 33, and not that of one term.
    scale = torch.log1p(x.double() ** 2).sum() / x.double().abs().clamp(min=1)
    assert (error / scale).max() < 10.0**-digits


def test_a_step_below_the_best_one_is_worse_in_float32() -> None:
    x = torch.tensor(1.0)
    default = abs(finite_differences(torch.exp, x).item() - math.e)
    small = abs(finite_differences(torch.exp, x, step=1e-6).item() - math.e)
    assert small > 20 * default


def test_the_divisor_is_the_distance_really_walked() -> None:
    # 1 + 1e-7 and 1 - 1e-7 are 1.79e-7 apart in float32, and not 2e-7.
    measured = finite_differences(lambda x: 3 * x, torch.tensor(1.0), step=1e-7).item()
    assert measured == pytest.approx(3.0, rel=0.4)
    exact = finite_differences(lambda x: x.double(), torch.tensor(1.0), step=1e-7).item()
    assert exact == 1.0


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (2, 3), (2, 1, 2)], ids=str)
def test_finite_differences_have_the_shape_and_dtype_of_the_tensor(
    shape: tuple[int, ...], device: torch.device
) -> None:
    for dtype in (torch.float32, torch.float64):
        x = torch.ones(shape, dtype=dtype, device=device)
        measured = finite_differences(lambda x: (x * x).sum(), x)
        assert (measured.shape, measured.dtype, measured.device) == (x.shape, dtype, x.device)
        close(measured, 2 * x, rtol=1e-3, atol=0)


def test_views_and_leaves_are_left_alone() -> None:
    row = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    x = row.expand(3, 2)  # three rows in one place
    weights = torch.arange(6.0, dtype=torch.float64).reshape(3, 2)
    close(finite_differences(lambda x: (weights * x).sum(), x), weights)
    close(finite_differences(lambda x: (weights.T * x).sum(), x.T), weights.T)
    assert row.tolist() == [[1.0, 2.0]]
    leaf = torch.ones(2, dtype=torch.float64, requires_grad=True)
    measured = finite_differences(lambda x: (leaf * x).sum(), leaf)
    assert not measured.requires_grad
    assert leaf.grad is None


def test_a_function_that_changes_its_argument_does_no_harm() -> None:
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    close(finite_differences(lambda x: x.mul_(3).sum(), x), torch.full_like(x, 3.0))
    assert x.tolist() == [1.0, 2.0]


def test_the_kink_of_relu_gets_the_mean_of_both_slopes() -> None:
    assert finite_differences(relu, torch.tensor(0.0, dtype=torch.float64)).item() == 0.5


def test_a_random_function_cannot_be_differentiated_so() -> None:
    generator = make_generator(0)

    def noisy(x: Tensor) -> Tensor:
        return (x + 0.01 * torch.randn(2, generator=generator)).sum()

    measured = finite_differences(noisy, torch.ones(2, dtype=torch.float64))
    assert (measured - 1).abs().min() > 10


# --- What the chapter claims -------------------------------------------------------------------


def test_a_square_weight_takes_the_transposed_gradient_without_an_error() -> None:
    x, w, g = draw(5, 3), draw(3, 3), draw(5, 3, seed=1)
    right, wrong = linear_backward(g, x, w).weight, x.T @ g
    assert right.shape == wrong.shape
    close(wrong, right.T)
    assert (wrong - right).abs().max() > 0.1


def test_a_changed_activation_spoils_the_backward_pass_by_hand_silently() -> None:
    x, parameters = draw_network(4, 3, 5, 2)
    values = two_layer_forward(x, parameters)
    right = two_layer_backward(torch.ones_like(values.output), values, parameters)
    values.hidden.mul_(0.5)
    wrong = two_layer_backward(torch.ones_like(values.output), values, parameters)
    assert (right.parameters.hidden_weight - wrong.parameters.hidden_weight).abs().max() > 0.1


# --- What is refused ---------------------------------------------------------------------------

X, W, B, G = torch.zeros(4, 3), torch.zeros(2, 3), torch.zeros(2), torch.zeros(4, 2)
NETWORK = TwoLayerParameters(W, B, torch.zeros(5, 2), torch.zeros(5))
VALUES = two_layer_forward(X, NETWORK)
Z, T = torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linear_forward([[1.0]], W, B), TypeError, "input must be a tensor, got a list"),
        (lambda: linear_forward(X.long(), W, B), TypeError, "input must have a floating-point"),
        (lambda: linear_forward(X[0], W, B), ValueError, r"input must have shape \(N, D_in\), got"),
        (lambda: linear_forward(X, W.T, B), ValueError, r"weight must have shape \(D_out, 3\), go"),
        (lambda: linear_forward(X, W.double(), B), TypeError, "weight must have input's dtype"),
        (lambda: linear_forward(X, W, B[:1]), ValueError, r"bias must have shape \(2,\), got .*1"),
        (lambda: linear_forward(X, W, None), TypeError, "bias must be a tensor, got None"),
        (lambda: linear_backward(G.T, X, W), ValueError, r"gradient must have shape \(4, 2\)"),
        (lambda: linear_backward(G[:3], X, W), ValueError, r"gradient must have shape \(4, 2\)"),
        (lambda: linear_backward(G.double(), X, W), TypeError, "gradient must have input's dtype"),
        (lambda: linear_backward(G, X, W.T), ValueError, r"weight must have shape \(D_out, 3\)"),
        (lambda: relu_backward(G, X), ValueError, r"gradient must have shape \(4, 3\), got"),
        (lambda: tanh_backward(1.0, X), TypeError, "gradient must be a tensor, got 1.0"),
        (lambda: sigmoid_backward(X, None), TypeError, "output must be a tensor, got None"),
        (lambda: sigmoid_backward(X, X.double()), TypeError, "gradient must have output's dtype"),
        (
            lambda: squared_error_forward(torch.zeros(4, 1), torch.zeros(4)),
            ValueError,
            r"target must have shape \(4, 1\), got a float32 tensor of shape \(4,\)",
        ),
        (lambda: squared_error_backward(X, X.double()), TypeError, "target must have input's dtyp"),
        (lambda: squared_error_forward(X, X.long()), TypeError, "target must have a floating-poin"),
        (
            lambda: squared_error_forward(X, X, reduction="none"),
            ValueError,
            "reduction must be one of 'mean', 'sum', got 'none'",
        ),
        (
            lambda: squared_error_backward(X[:0], X[:0]),
            ValueError,
            'input must hold at least one number for a mean, got none; use reduction="sum"',
        ),
        (lambda: cross_entropy_forward(Z[:0], T[:0]), ValueError, "at least one number for a mean"),
        (
            lambda: cross_entropy_forward(Z[0], T),
            ValueError,
            r"input must have shape \(N, C\), got",
        ),
        (
            lambda: cross_entropy_forward(Z, T[:3]),
            ValueError,
            r"target must have shape \(4,\), got",
        ),
        (lambda: cross_entropy_backward(Z, T[:, None]), ValueError, r"target must have shape \(4,"),
        (lambda: cross_entropy_backward(Z, T.float()), TypeError, "int64 classes.*target.long()"),
        (
            lambda: cross_entropy_backward(Z, T + 3),
            ValueError,
            "classes from 0 to 2, got 3 at inde",
        ),
        (
            lambda: cross_entropy_backward(Z, T - 1),
            ValueError,
            "classes from 0 to 2, got -1 at ind",
        ),
        (
            lambda: two_layer_forward(X, (W, B)),
            TypeError,
            "parameters must be TwoLayerParameters, got",
        ),
        (
            lambda: two_layer_forward(X, NETWORK._replace(hidden_bias=torch.zeros(3))),
            ValueError,
            r"hidden_bias must have shape \(2,\), got",
        ),
        (
            lambda: two_layer_forward(X, NETWORK._replace(output_weight=torch.zeros(2, 5))),
            ValueError,
            r"output_weight must have shape \(C, 2\), got",
        ),
        (
            lambda: two_layer_forward(X, NETWORK._replace(output_bias=torch.zeros(1))),
            ValueError,
            r"output_bias must have shape \(5,\), got",
        ),
        (lambda: two_layer_forward(X[0], NETWORK), ValueError, r"input must have shape \(N, D\)"),
        (
            lambda: two_layer_forward(X, NETWORK, activation="gelu"),
            ValueError,
            "activation must be one of 'tanh', 'sigmoid', 'relu', got 'gelu'",
        ),
        (
            lambda: two_layer_backward(G, VALUES, NETWORK),
            ValueError,
            r"gradient must have shape \(4, 5\), got",
        ),
        (
            lambda: two_layer_backward(VALUES.output, VALUES.output, NETWORK),
            TypeError,
            "values must be what two_layer_forward returned, got",
        ),
        (lambda: finite_differences(3, X), TypeError, "function must be callable, got 3"),
        (lambda: finite_differences(torch.exp, T), TypeError, "tensor must have a floating-point"),
        (
            lambda: finite_differences(torch.exp, torch.tensor([1.0, NAN])),
            ValueError,
            r"tensor must hold finite numbers, got nan at index \(1,\)",
        ),
        (
            lambda: finite_differences(torch.exp, torch.ones(2)),
            ValueError,
            r"function\(tensor\) must have one element, got .* \(2,\); reduce it by \.sum\(\)",
        ),
        (
            lambda: finite_differences(lambda x: 1.0, B),
            TypeError,
            r"function\(tensor\) must be a t",
        ),
        (lambda: finite_differences(torch.sum, B, step=0), ValueError, "step must be above 0.0"),
        (lambda: finite_differences(torch.sum, B, step=NAN), ValueError, "step must be a number"),
        (lambda: finite_differences(torch.sum, B, step=INF), ValueError, "step must be at most"),
        (lambda: finite_differences(torch.sum, B, step="a"), TypeError, "step must be a real numb"),
        (
            lambda: finite_differences(torch.sum, torch.tensor([0.0, 4.0]), step=1e-8),
            ValueError,
            "step must change every element, but 4 ± 1e-08 is 4 in float32; use a larger step",
        ),
    ],
)
def test_a_bad_argument_is_named(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
