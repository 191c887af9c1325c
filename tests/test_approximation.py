"""Networks by hand: the bounds hold, PyTorch loads the weights, and pieces are counted exactly."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from handbook.activations import CURVES
from handbook.approximation import (
    ShallowNetwork,
    breakpoints,
    bump_network,
    count_pieces,
    polygon_bound,
    polygon_network,
    polynomial_floor,
    sawtooth_layers,
    staircase_bound,
    staircase_network,
    step_network,
)
from handbook.linear_models import local_linear_map
from handbook.seeding import make_generator

float64 = torch.float64
MODULES = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def wave(x: Tensor) -> Tensor:
    return torch.sin(2 * math.pi * x)  # slope at most 2π, curvature at most 4π²


def even_knots(n_cells: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    return torch.linspace(low, high, n_cells + 1, dtype=float64)


def middles(knots: Tensor) -> Tensor:
    return (knots[1:] + knots[:-1]) / 2


def uneven_knots(n_cells: int, seed: int) -> Tensor:
    cells = 0.2 + torch.rand(n_cells, generator=make_generator(seed), dtype=float64)
    return torch.cat([torch.zeros(1, dtype=float64), (cells / cells.sum()).cumsum(0)])


def random_layers(widths: tuple[int, ...], seed: int) -> list[tuple[Tensor, Tensor]]:
    generator = make_generator(seed)
    sizes = [1, *widths, 1]
    return [
        (
            torch.randn(n_out, n_in, generator=generator, dtype=float64) * math.sqrt(2 / n_in),
            torch.randn(n_out, generator=generator, dtype=float64),
        )
        for n_in, n_out in itertools.pairwise(sizes)
    ]


def run(layers: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    values = x[:, None]
    for i, (weight, bias) in enumerate(layers):
        values = nn.functional.linear(values, weight, bias)
        values = values.relu() if i < len(layers) - 1 else values
    return values[:, 0]


# ---- PyTorch loads them -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "network",
    [
        step_network(0.3, -2.0, steepness=40.0),
        bump_network(0.2, 0.5, 3.0, steepness=100.0),
        staircase_network(even_knots(7), wave(middles(even_knots(7)))),
        polygon_network(uneven_knots(9, 0), wave(uneven_knots(9, 0))),
        ShallowNetwork("tanh", *torch.randn(3, 5, generator=make_generator(0)), torch.tensor(0.5)),
    ],
    ids=["step", "bump", "staircase", "polygon", "tanh"],
)
@pytest.mark.parametrize("shape", [(11,), (), (2, 3), (0,)], ids=str)
def test_a_sequential_loads_the_weights_and_computes_the_same(
    network: ShallowNetwork, shape: tuple[int, ...]
) -> None:
    width, dtype = network.n_units, network.weight.dtype
    activation = MODULES[network.activation]()
    module = nn.Sequential(nn.Linear(1, width), activation, nn.Linear(width, 1)).to(dtype)
    module.load_state_dict(network.state_dict())
    x = torch.rand(shape, generator=make_generator(1), dtype=dtype).requires_grad_()
    ours, theirs = network(x), module(x[..., None])[..., 0]
    assert ours.shape == shape
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(
        torch.autograd.grad(ours.sum(), x), torch.autograd.grad(theirs.sum(), x), strict=True
    ):
        torch.testing.assert_close(mine, other)


def test_the_weights_of_a_network_can_be_learned_on() -> None:
    start = [torch.randn(4, generator=make_generator(seed), dtype=float64) for seed in range(3)]
    x = torch.linspace(-1, 1, 5, dtype=float64)

    def output(w: Tensor, b: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return ShallowNetwork("tanh", w, b, v, c)(x)

    leaves = [p.requires_grad_() for p in (*start, torch.zeros((), dtype=float64))]
    assert torch.autograd.gradcheck(output, leaves)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, float64])
def test_the_dtype_is_that_of_the_knots_or_the_one_asked_for(dtype: torch.dtype) -> None:
    knots = even_knots(4).to(dtype)
    networks = [
        staircase_network(knots, knots[1:]),
        polygon_network(knots, knots),
        bump_network(0.0, 1.0, steepness=5.0, dtype=dtype),
    ]
    for network in networks:
        assert network(knots).dtype == dtype
        assert {tensor.dtype for tensor in network.state_dict().values()} == {dtype}
    assert polygon_bound(knots, 1.0).dtype == staircase_bound(knots, 1.0).dtype == dtype
    assert {w.dtype for pair in sawtooth_layers(2, dtype=dtype) for w in pair} == {dtype}


def test_layers_fit_the_map_of_a_relu_network() -> None:
    polygon = polygon_network(even_knots(5), wave(even_knots(5)))
    point = torch.tensor([0.33], dtype=float64)
    slope, height = local_linear_map(point, polygon.layers())
    assert (slope @ point + height).item() == pytest.approx(polygon(point).item())


def test_the_sum_of_two_networks_has_the_units_of_both() -> None:
    a, b = bump_network(0.0, 1.0, steepness=9.0), step_network(2.0, 3.0, steepness=4.0)
    x = torch.linspace(-1, 3, 50, dtype=float64)
    assert (a + b).n_units == 3
    torch.testing.assert_close((a + b)(x), a(x) + b(x))
    with pytest.raises(ValueError, match="other must have the activation 'sigmoid', got 'relu'"):
        a + polygon_network(even_knots(2), even_knots(2))
    with pytest.raises(TypeError, match=r"other\.weight must have weight.s dtype"):
        a + step_network(0.0, steepness=1.0, dtype=torch.float32)
    with pytest.raises(TypeError, match="unsupported operand"):
        a + 1.0  # type: ignore[operator]


# ---- steps, bumps, stairs -----------------------------------------------------------------------


def test_a_step_is_half_done_at_its_edge() -> None:
    step = step_network(-1.5, 4.0, steepness=1000.0)
    at = torch.tensor([-1e6, -1.6, -1.5, -1.4, 1e6], dtype=float64)
    assert step(at).tolist() == pytest.approx([0.0, 0.0, 2.0, 4.0, 4.0])


@pytest.mark.parametrize("steepness", [0.1, 2.0, 50.0])
def test_a_bump_reaches_what_its_docstring_says(steepness: float) -> None:
    bump = bump_network(1.0, 4.0, 2.0, steepness=steepness)
    middle = bump(torch.tensor(2.5, dtype=float64)).item()
    assert middle == pytest.approx(2.0 * math.tanh(steepness * 3.0 / 4))


@pytest.mark.parametrize("knots", [even_knots(6, -2, 5), uneven_knots(6, 3)], ids=["even", "not"])
def test_the_staircase_is_a_sum_of_bumps_inside(knots: Tensor) -> None:
    values = wave(middles(knots))
    steepness = 200.0 / knots.diff().min().item()
    stairs = staircase_network(knots, values, steepness=steepness)
    bumps = sum(
        bump_network(left, right, height, steepness=steepness)(middles(knots))
        for left, right, height in zip(
            knots[:-1].tolist(), knots[1:].tolist(), values.tolist(), strict=True
        )
    )
    torch.testing.assert_close(stairs(middles(knots)), bumps)
    torch.testing.assert_close(stairs(middles(knots)), values)
    outside = torch.stack([knots[0] - 100, knots[-1] + 100])
    torch.testing.assert_close(stairs(outside), values[[0, -1]])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_cells", [2, 5, 40])
@pytest.mark.parametrize("factor", [2.0, 6.0, 20.0, 1000.0])
def test_no_staircase_misses_by_more_than_its_bound(seed: int, n_cells: int, factor: float) -> None:
    knots = even_knots(n_cells) if seed == 0 else uneven_knots(n_cells, seed)
    steepness = factor / knots.diff().min().item()
    x = torch.linspace(0, 1, 5001, dtype=float64)
    for function, lipschitz in ((wave, 2 * math.pi), (lambda x: (x - 0.3).abs(), 1.0)):
        stairs = staircase_network(knots, function(middles(knots)), steepness=steepness)
        miss = (stairs(x) - function(x)).abs().max()
        assert miss <= staircase_bound(knots, lipschitz, steepness=steepness) + 1e-12


def test_the_bound_of_the_staircase_is_nearly_reached_by_a_line() -> None:
    knots = even_knots(10)
    stairs = staircase_network(knots, middles(knots))
    x = torch.linspace(0, 1, 100_001, dtype=float64)
    miss = (stairs(x) - x).abs().max().item()
    assert miss == pytest.approx(staircase_bound(knots, 1.0).item(), rel=1e-3)
    assert miss == pytest.approx(0.05, rel=1e-3)


# ---- polygons -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_units", [1, 2, 7, 100])
def test_a_polygon_is_numpys_interpolation(seed: int, n_units: int) -> None:
    numpy = pytest.importorskip("numpy")
    knots = uneven_knots(n_units, seed)
    values = torch.randn(n_units + 1, generator=make_generator(seed), dtype=float64)
    x = torch.linspace(0, 1, 1001, dtype=float64)
    polygon = polygon_network(knots, values)
    assert polygon.n_units == n_units
    wanted = torch.from_numpy(numpy.interp(x.numpy(), knots.numpy(), values.numpy()))
    torch.testing.assert_close(polygon(x), wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n_units", [1, 3, 10, 200])
@pytest.mark.parametrize("seed", range(3))
def test_no_polygon_misses_by_more_than_its_bound(n_units: int, seed: int) -> None:
    knots = even_knots(n_units) if seed == 0 else uneven_knots(n_units, seed)
    x = torch.linspace(0, 1, 5001, dtype=float64)
    miss = (polygon_network(knots, wave(knots))(x) - wave(x)).abs().max()
    assert miss <= polygon_bound(knots, 4 * math.pi**2)


@pytest.mark.parametrize("n_units", [1, 4, 25])
def test_a_parabola_reaches_the_bound_of_the_polygon(n_units: int) -> None:
    knots = even_knots(n_units)
    at = middles(knots)
    miss = (polygon_network(knots, knots.square())(at) - at.square()).abs()
    torch.testing.assert_close(miss, polygon_bound(knots, 2.0).expand(n_units))


def test_beyond_its_knots_a_polygon_is_flat_on_the_left_and_straight_on_the_right() -> None:
    knots = even_knots(8)
    polygon = polygon_network(knots, wave(knots))
    left = polygon(torch.tensor([-9.0, -1.0, 0.0], dtype=float64))
    torch.testing.assert_close(left, wave(knots[:1]).expand(3))
    right = polygon(torch.tensor([1.0, 11.0], dtype=float64))
    last_slope = (wave(knots).diff() / knots.diff())[-1]
    torch.testing.assert_close(right[1] - right[0], 10 * last_slope)


# ---- polynomials --------------------------------------------------------------------------------


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("width", [1, 20, 300])
def test_no_width_takes_a_polynomial_activation_below_the_floor(degree: int, width: int) -> None:
    x = torch.linspace(-1, 2, 400, dtype=float64)
    generator = make_generator(degree)
    w, b = torch.randn(2, width, generator=generator, dtype=float64)
    hidden = (x[:, None] * w + b) ** degree
    columns = torch.cat([hidden, torch.ones(400, 1, dtype=float64)], dim=1)
    best = torch.linalg.lstsq(columns, wave(x)[:, None], driver="gelsd").solution
    rest = (columns @ best)[:, 0] - wave(x)
    floor = polynomial_floor(x, wave(x), degree)
    assert rest.square().mean().sqrt() >= floor * (1 - 1e-9)
    if width > degree:
        assert rest.square().mean().sqrt() == pytest.approx(floor.item(), rel=1e-6)
    assert rest.abs().max() >= floor


@pytest.mark.parametrize("degree", [0, 1, 5, 30])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_the_floor_of_a_polynomial_of_that_degree_is_zero(degree: int, offset: float) -> None:
    x = offset + torch.linspace(-3, 3, 200, dtype=float64)
    target = (x - offset).div(3) ** degree
    assert polynomial_floor(x, target, degree) < 1e-9
    if degree:
        assert polynomial_floor(x, target, degree - 1) > 1e-10


def test_the_floor_of_degree_zero_is_the_standard_deviation() -> None:
    x = torch.linspace(0, 1, 50, dtype=float64)
    floor = polynomial_floor(x, wave(x), 0)
    torch.testing.assert_close(floor, wave(x).std(correction=0))
    assert polynomial_floor(torch.zeros(3), torch.tensor([1.0, 2.0, 3.0]), 0) > 0.8


def test_a_higher_degree_never_has_a_higher_floor() -> None:
    x = torch.linspace(0, 1, 300, dtype=float64)
    floors = [polynomial_floor(x, wave(x), degree).item() for degree in range(15)]
    assert all(a >= b * (1 - 1e-9) for a, b in itertools.pairwise(floors))
    assert floors[2] > 0.3
    assert floors[14] < 1e-6


# ---- pieces -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_folds", [1, 2, 5, 12])
def test_the_sawtooth_is_the_triangle_wave_with_two_to_the_k_pieces(n_folds: int) -> None:
    layers = sawtooth_layers(n_folds)
    assert len(layers) == n_folds + 1
    x = torch.linspace(0, 1, 4001, dtype=float64)
    triangle = 1 - ((x * 2**n_folds) % 2 - 1).abs()
    torch.testing.assert_close(run(layers, x), triangle, atol=1e-9, rtol=0)
    assert count_pieces(layers, 0.0, 1.0) == 2**n_folds
    wanted = torch.arange(1, 2**n_folds, dtype=float64) / 2**n_folds
    assert torch.equal(breakpoints(layers, 0.0, 1.0), wanted)


@pytest.mark.parametrize("widths", [(6,), (5, 5), (4, 7, 3), (8, 8, 8)], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_between_two_breaks_a_network_is_straight_and_at_them_it_is_not(
    widths: tuple[int, ...], seed: int
) -> None:
    layers = random_layers(widths, seed)
    ends = torch.tensor([-3.0, 3.0], dtype=float64)
    found = breakpoints(layers, -3.0, 3.0)
    assert (found.diff() > 0).all()
    places = torch.cat([ends[:1], found, ends[1:]])
    lengths = places.diff()
    thirds = [run(layers, places[:-1] + share * lengths) for share in (0.25, 0.5, 0.75)]
    scale = run(layers, places).abs().max()
    assert (thirds[0] - 2 * thirds[1] + thirds[2]).abs().max() < 1e-12 * scale
    slopes = (thirds[2] - thirds[0]) / (0.5 * lengths)
    assert (slopes.diff().abs() > 0).all()
    product = math.prod(width + 1 for width in widths)
    assert count_pieces(layers, -3.0, 3.0) == len(found) + 1 <= product


@pytest.mark.parametrize("seed", range(5))
def test_a_fine_grid_sees_the_same_breaks(seed: int) -> None:
    layers = random_layers((7, 7), seed)
    x = torch.linspace(-2, 2, 200_001, dtype=float64)
    bent = run(layers, x).diff().diff().abs() > 1e-9
    starts = bent & ~torch.cat([bent.new_zeros(1), bent[:-1]])
    assert int(starts.sum()) == len(breakpoints(layers, -2.0, 2.0))


@pytest.mark.parametrize("factor", [1e-200, 1e-6, 1e6, 1e200])
def test_the_breaks_do_not_depend_on_the_size_of_the_numbers(factor: float) -> None:
    layers = random_layers((6, 6), 0)
    scaled = [(layers[0][0] * factor, layers[0][1] * factor), (layers[1][0] / factor, layers[1][1])]
    scaled += [layers[2]]
    torch.testing.assert_close(breakpoints(scaled, -3.0, 3.0), breakpoints(layers, -3.0, 3.0))


@pytest.mark.parametrize("seed", range(10))
def test_one_hidden_layer_breaks_where_its_units_cross_zero(seed: int) -> None:
    layers = random_layers((9,), seed)
    (w, b), _ = layers
    crossings = (-b / w[:, 0]).sort().values
    inside = crossings[(crossings > -2) & (crossings < 2)]
    torch.testing.assert_close(breakpoints(layers, -2.0, 2.0), inside)
    assert count_pieces(layers, -1e9, 1e9) == 10


def test_units_that_cancel_or_share_a_knot_make_no_piece_of_their_own() -> None:
    one = torch.ones(3, 1)
    shared = [(one, torch.tensor([-1.0, -1.0, -2.0])), (torch.tensor([[1.0, 2.0, 1.0]]),
              torch.zeros(1))]  # fmt: skip
    assert breakpoints(shared, 0.0, 3.0).tolist() == [1.0, 2.0]
    cancelled = [(one[:2], torch.tensor([-1.0, -1.0])), (torch.tensor([[1.0, -1.0]]),
                 torch.zeros(1))]  # fmt: skip
    assert count_pieces(cancelled, 0.0, 3.0) == 1
    dead = [(torch.zeros(2, 1), torch.ones(2)), (torch.ones(1, 2), torch.zeros(1))]
    assert count_pieces(dead, -1.0, 1.0) == 1


def test_breaks_at_the_ends_are_outside() -> None:
    assert breakpoints(sawtooth_layers(1), 0.0, 0.5).tolist() == []
    assert breakpoints(sawtooth_layers(1), -1.0, 0.5).tolist() == [0.0]
    far = [(torch.ones(2, 1), torch.tensor([-1e6, -1e6 - 0.5], dtype=float64).float()),
           (torch.ones(1, 2), torch.zeros(1))]  # fmt: skip
    assert breakpoints(far, 1e6 - 1, 1e6 + 1).tolist() == [1e6, 1e6 + 0.5]


def test_a_linear_layer_alone_has_one_piece() -> None:
    assert count_pieces([(torch.tensor([[2.0]]), torch.tensor([1.0]))], -1.0, 1.0) == 1


def test_parameters_of_a_module_are_read_without_a_gradient() -> None:
    model = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1))
    layers = [(model[0].weight, model[0].bias), (model[2].weight, model[2].bias)]
    found = breakpoints(layers, -1e6, 1e6)
    assert not found.requires_grad
    assert len(found) == 3


# ---- what is refused ----------------------------------------------------------------------------

T = torch.tensor
KNOTS = torch.tensor([0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: polygon_network([0.0], KNOTS), TypeError, "knots must be a tensor, got a list"),
        (
            lambda: polygon_network(KNOTS.long(), KNOTS),
            TypeError,
            r"knots must have a floating-point dtype, got an int64 .*use knots\.float\(\)",
        ),
        (lambda: polygon_network(KNOTS[:, None], KNOTS), ValueError, r"knots must have shape \(K,"),
        (
            lambda: polygon_network(KNOTS[:1], KNOTS[:1]),
            ValueError,
            "knots must hold at least 2 numbers, got 1",
        ),
        (
            lambda: staircase_network(KNOTS[:2], KNOTS[:1]),
            ValueError,
            "knots must hold at least 3 numbers, got 2",
        ),
        (
            lambda: polygon_network(T([0.0, 1.0, 1.0]), KNOTS),
            ValueError,
            r"knots must rise, got 1\.0 and then 1\.0 at index 2; use knots\.unique\(\)",
        ),
        (
            lambda: staircase_network(KNOTS.flip(0), KNOTS[:2]),
            ValueError,
            r"knots must rise, got 2\.0 and then 1\.0 at index 1",
        ),
        (
            lambda: polygon_network(T([0.0, math.nan, 1.0]), KNOTS),
            ValueError,
            r"knots must hold finite numbers, got nan at index \(1,\)",
        ),
        (
            lambda: polygon_network(KNOTS, KNOTS[:2]),
            ValueError,
            r"values must have shape \(3,\), got a float32 tensor of shape \(2,\)",
        ),
        (
            lambda: staircase_network(KNOTS, KNOTS),
            ValueError,
            r"values must have shape \(2,\), got a float32 tensor of shape \(3,\)",
        ),
        (
            lambda: polygon_network(KNOTS, KNOTS.double()),
            TypeError,
            "values must have knots.s dtype float32, got float64",
        ),
        (
            lambda: polygon_network(KNOTS, T([0.0, math.inf, 1.0])),
            ValueError,
            r"values must hold finite numbers, got inf",
        ),
        (
            lambda: staircase_network(KNOTS, KNOTS[:2], steepness=0.0),
            ValueError,
            r"steepness must be above 0\.0, got 0\.0",
        ),
        (
            lambda: step_network("a", steepness=1.0),
            TypeError,
            "edge must be a real number, got 'a'",
        ),
        (lambda: step_network(math.inf, steepness=1.0), ValueError, "edge must be below inf"),
        (lambda: step_network(0.0, math.nan, steepness=1.0), ValueError, "height must be a number"),
        (lambda: step_network(0.0, steepness=-1.0), ValueError, r"steepness must be above 0\.0"),
        (
            lambda: step_network(0.0, steepness=1.0, dtype=torch.int64),
            TypeError,
            r"dtype must be a floating-point dtype, got torch\.int64",
        ),
        (
            lambda: bump_network(1.0, 1.0, steepness=1.0),
            ValueError,
            r"right must be above 1\.0, got 1\.0",
        ),
        (lambda: staircase_bound(KNOTS, -1.0), ValueError, r"lipschitz must be at least 0\.0"),
        (lambda: staircase_bound(KNOTS[:2], 1.0), ValueError, "knots must hold at least 3"),
        (
            lambda: staircase_bound(KNOTS, 1.0, steepness=math.inf),
            ValueError,
            "steepness must be below inf",
        ),
        (lambda: polygon_bound(KNOTS, -1.0), ValueError, r"curvature must be at least 0\.0"),
        (lambda: polygon_bound(KNOTS.flip(0), 1.0), ValueError, "knots must rise"),
        (lambda: polynomial_floor(KNOTS, KNOTS, -1), ValueError, "degree must be at least 0"),
        (lambda: polynomial_floor(KNOTS, KNOTS, 1.0), TypeError, "degree must be an int"),
        (
            lambda: polynomial_floor(KNOTS, KNOTS, 3),
            ValueError,
            "x must hold more than degree = 3 different numbers, got 3",
        ),
        (
            lambda: polynomial_floor(torch.ones(9), torch.ones(9), 1),
            ValueError,
            "x must hold more than degree = 1 different numbers, got 1",
        ),
        (lambda: polynomial_floor(KNOTS, KNOTS[:2], 0), ValueError, r"target must have shape \(3"),
        (
            lambda: polynomial_floor(KNOTS, KNOTS.double(), 0),
            TypeError,
            "target must have x.s dtype float32",
        ),
        (lambda: polynomial_floor(KNOTS.int(), KNOTS, 0), TypeError, "x must have a floating-poi"),
        (lambda: sawtooth_layers(0), ValueError, "n_folds must be at least 1, got 0"),
        (lambda: sawtooth_layers(2.0), TypeError, r"n_folds must be an int, got 2\.0"),
        (lambda: sawtooth_layers(1, dtype=int), TypeError, "dtype must be a floating-point dtype"),
        (lambda: breakpoints(KNOTS, 0.0, 1.0), TypeError, "layers must be a list of pairs"),
        (lambda: count_pieces([], 0.0, 1.0), ValueError, "layers must hold at least one layer"),
        (
            lambda: breakpoints([KNOTS], 0.0, 1.0),
            TypeError,
            r"layers\[0\] must be a pair \(weight, bias\), got a float32 tensor",
        ),
        (
            lambda: breakpoints([(torch.ones(2, 3), torch.ones(2))], 0.0, 1.0),
            ValueError,
            r"layers\[0\]\[0\] must have shape \(D, 1\), got a float32 tensor of shape \(2, 3\)",
        ),
        (
            lambda: breakpoints([(torch.ones(2, 1), torch.ones(3))], 0.0, 1.0),
            ValueError,
            r"layers\[0\]\[1\] must have shape \(2,\)",
        ),
        (
            lambda: breakpoints([*sawtooth_layers(1)[:1], (torch.ones(1, 3), T([0.0]))], 0.0, 1.0),
            ValueError,
            r"layers\[1\]\[0\] must have shape \(D, 2\)",
        ),
        (
            lambda: breakpoints([(torch.ones(1, 1), T([math.nan]))], 0.0, 1.0),
            ValueError,
            r"layers\[0\]\[1\] must hold finite numbers",
        ),
        (
            lambda: count_pieces(sawtooth_layers(1), 1.0, 0.0),
            ValueError,
            r"high must be above 1\.0, got 0\.0",
        ),
        (
            lambda: ShallowNetwork("line", KNOTS, KNOTS, KNOTS, T(0.0)),
            ValueError,
            "activation must be one of 'relu'.*got 'line'",
        ),
        (
            lambda: ShallowNetwork("relu", KNOTS, KNOTS[:2], KNOTS, T(0.0)),
            ValueError,
            r"bias must have shape \(3,\), got a float32 tensor of shape \(2,\)",
        ),
        (
            lambda: ShallowNetwork("relu", KNOTS, KNOTS, KNOTS, T([0.0])),
            ValueError,
            r"out_bias must have shape \(\), got a float32 tensor of shape \(1,\)",
        ),
        (
            lambda: ShallowNetwork("relu", KNOTS[:0], KNOTS[:0], KNOTS[:0], T(0.0)),
            ValueError,
            "weight must hold at least one unit, got none",
        ),
        (
            lambda: ShallowNetwork("relu", KNOTS, KNOTS.double(), KNOTS, T(0.0)),
            TypeError,
            "bias must have weight.s dtype float32",
        ),
        (
            lambda: ShallowNetwork("relu", KNOTS, KNOTS, KNOTS / 0, T(0.0)),
            ValueError,
            "out_weight must hold finite numbers",
        ),
        (
            lambda: polygon_network(KNOTS, KNOTS)(T([1])),
            TypeError,
            "x must have a floating-point dtype",
        ),
        (
            lambda: polygon_network(KNOTS, KNOTS)(KNOTS.double()),
            TypeError,
            "x must have weight.s dtype float32",
        ),
    ],
)
def test_bad_input_is_refused(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()  # type: ignore[operator]


def test_every_curve_can_be_the_activation() -> None:
    x = torch.linspace(-1, 1, 5)
    for name, curve in CURVES.items():
        network = ShallowNetwork(name, T([2.0]), T([0.5]), T([3.0]), T(-1.0))
        torch.testing.assert_close(network(x), 3 * curve.value(2 * x + 0.5) - 1)
