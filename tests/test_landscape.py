"""Slices through a network's loss: exact, restored to the last bit; and its symmetries."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from handbook.landscape import (
    count_symmetric_copies,
    direction_between,
    filter_normalized_direction,
    flip_hidden_units,
    grid_minima,
    loss_slice,
    permute_hidden_units,
    plane_curvatures,
)
from handbook.seeding import make_generator


def network(*, dtype: torch.dtype = torch.float32, device: object = "cpu") -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 2)
    )
    return model.to(device, dtype)


def images(model: nn.Module) -> torch.Tensor:
    first = next(model.parameters())
    drawn = torch.randn(6, 1, 4, 4, generator=make_generator(1))
    return drawn.to(first.device, first.dtype)


def mean_square(model: nn.Module) -> torch.Tensor:
    return model(images(model)).square().mean()


def bits(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


# ---- directions ---------------------------------------------------------------------------------


def test_each_filter_of_the_direction_is_as_long_as_that_of_the_model(device):
    model = network(device=device)
    direction = filter_normalized_direction(model, generator=make_generator(0))
    parameters = dict(model.named_parameters())
    assert set(direction) == set(parameters)
    for name, part in direction.items():
        assert part.shape == parameters[name].shape
        assert part.device == parameters[name].device
        if part.dim() > 1:
            lengths = part.flatten(1).norm(dim=1)
            torch.testing.assert_close(lengths, parameters[name].detach().flatten(1).norm(dim=1))
        else:
            assert not part.any()


def test_with_biases_each_vector_moves_as_one_filter_and_the_rest_stays_the_same():
    model = network()
    without = filter_normalized_direction(model, generator=make_generator(0))
    with_them = filter_normalized_direction(model, generator=make_generator(0), biases=True)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            assert torch.equal(without[name], with_them[name])
        else:
            torch.testing.assert_close(with_them[name].norm(), parameter.detach().norm())


def test_a_slice_does_not_change_when_scale_moves_from_one_layer_to_the_next():
    plain = nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 1, bias=False))
    scaled = nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 1, bias=False))
    generator = make_generator(0)
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        scaled[0].weight.copy_(8 * plain[0].weight)
        scaled[2].weight.copy_(plain[2].weight / 8)
    x = torch.randn(10, 3, generator=generator)

    def loss(model: nn.Module) -> torch.Tensor:
        return model(x).square().mean()

    slices = [
        loss_slice(
            model,
            loss,
            filter_normalized_direction(model, generator=make_generator(1)),
            x=[-1.0, -0.5, 0.0, 0.5, 1.0],
        )
        for model in (plain, scaled)
    ]
    torch.testing.assert_close(slices[0], slices[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_direction_keeps_dtype(dtype):
    layer = nn.Linear(3, 2).to(dtype)
    direction = filter_normalized_direction(layer, generator=make_generator(0), biases=True)
    assert {part.dtype for part in direction.values()} == {dtype}


def test_a_filter_of_zeros_does_not_move():
    layer = nn.Linear(3, 2)
    nn.init.zeros_(layer.weight)
    direction = filter_normalized_direction(layer, generator=make_generator(0))
    assert not direction["weight"].any()


def test_direction_between_leads_from_one_to_the_other():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    direction = direction_between(first.state_dict(), second.state_dict())

    def loss(model: nn.Linear) -> torch.Tensor:
        return (model.weight - second.weight).square().sum()

    losses = loss_slice(first, loss, direction, x=[0.0, 1.0])
    assert losses[0] > 0
    assert losses[1] < 1e-12


# ---- slices -------------------------------------------------------------------------------------


def test_a_plane_has_the_losses_at_its_points(device):
    model = nn.Linear(2, 1, bias=False).to(device)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[3.0, 4.0]]))
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    losses = loss_slice(
        model,
        lambda m: m.weight[0, 0] + 100 * m.weight[0, 1],
        {"weight": one},
        {"weight": other},
        x=torch.tensor([0.0, 1.0, 2.0]),
        y=[0.0, 0.5],
    )
    assert losses.dtype == torch.float64
    assert losses.tolist() == [[403.0, 503.0], [404.0, 504.0], [405.0, 505.0]]


def test_a_line_and_empty_slices_have_their_shapes():
    model = nn.Linear(2, 1)
    direction = {"weight": torch.ones(1, 2)}
    settings = {"model": model, "loss": lambda m: 1.0, "x_direction": direction}
    assert loss_slice(**settings, x=[0.0, 1.0]).shape == (2,)
    assert loss_slice(**settings, x=[]).shape == (0,)
    assert loss_slice(**settings, y_direction=direction, x=[], y=[1.0]).shape == (0, 1)
    assert loss_slice(**settings, y_direction=direction, x=[1.0], y=[]).shape == (1, 0)


@pytest.mark.parametrize("training", [True, False])
def test_parameters_buffers_and_mode_are_restored_to_the_last_bit(training):
    model = network().train(training)
    before = bits(model)
    objects = dict(model.named_parameters())
    direction = filter_normalized_direction(model, generator=make_generator(0), biases=True)
    loss_slice(model, mean_square, direction, x=[-0.3, 0.1, 0.7])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(objects[name] is value for name, value in model.named_parameters())
    assert model.training is training
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_they_are_restored_when_the_loss_raises(error):
    model = network()
    before = bits(model)
    direction = filter_normalized_direction(model, generator=make_generator(0), biases=True)
    calls = itertools.count()

    def loss(model: nn.Module) -> torch.Tensor:
        value = mean_square(model)
        if next(calls) == 2:
            raise error("stop")
        return value

    with pytest.raises(error, match="stop"):
        loss_slice(model, loss, direction, x=[0.1, 0.2, 0.3, 0.4])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_shared_parameter_moves_once():
    first = nn.Linear(2, 2, bias=False)
    model = nn.Sequential(first, first)
    with torch.no_grad():
        first.weight.fill_(1.0)
    losses = loss_slice(
        model, lambda m: m[1].weight.sum(), {"0.weight": torch.ones(2, 2)}, x=[0.0, 1.0]
    )
    assert losses.tolist() == [4.0, 8.0]


def test_the_middle_of_a_slice_is_the_loss_itself():
    model = network().eval()
    with torch.no_grad():
        wanted = mean_square(model).item()
    direction = filter_normalized_direction(model, generator=make_generator(0))
    assert loss_slice(model, mean_square, direction, x=[0.5, 0.0])[1].item() == wanted


def test_a_loss_may_be_nan_or_infinite():
    model = nn.Linear(1, 1)
    direction = {"weight": torch.ones(1, 1)}
    losses = loss_slice(model, lambda m: torch.tensor(torch.nan), direction, x=[0.0])
    assert losses.isnan().all()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model": 3}, TypeError, "model must be a torch.nn.Module"),
        ({"model": nn.ReLU()}, ValueError, "model must have floating-point parameters"),
        ({"loss": 3}, TypeError, "loss must be callable"),
        ({"loss": lambda m: m.weight}, ValueError, "loss must return one real number"),
        ({"loss": lambda m: "low"}, TypeError, "loss must return a number"),
        ({"x_direction": [1.0]}, TypeError, "x_direction must map names"),
        ({"x_direction": {"w": torch.ones(1, 2)}}, ValueError, r"name parameters of model \(w"),
        ({"x_direction": {"weight": torch.ones(2)}}, ValueError, r"must have shape \(1, 2\) like"),
        ({"x_direction": {"weight": 1.0}}, TypeError, r"x_direction\['weight'\] must"),
        ({"x": 1.0}, TypeError, "x must be a sequence of numbers"),
        ({"x": "123"}, TypeError, "x must be a sequence of numbers"),
        ({"x": torch.zeros(1, 2)}, ValueError, r"x must have shape \(N,\)"),
        ({"x": [torch.nan]}, ValueError, r"x\[0\] must"),
        ({"y": [1.0]}, ValueError, "y_direction and y must come together"),
    ],
)
def test_a_bad_slice_is_refused(changes, error, message):
    settings = {
        "model": nn.Linear(2, 1),
        "loss": lambda m: 1.0,
        "x_direction": {"weight": torch.ones(1, 2)},
        "x": [0.0],
    }
    with pytest.raises(error, match=message):
        loss_slice(**(settings | changes))


def test_bad_directions_are_refused():
    layer = nn.Linear(2, 1)
    with pytest.raises(TypeError, match="generator must be"):
        filter_normalized_direction(layer, generator=0)
    with pytest.raises(TypeError, match="biases must be a bool"):
        filter_normalized_direction(layer, generator=make_generator(0), biases=1)
    with pytest.raises(ValueError, match="end must have an entry 'a' like start"):
        direction_between({"a": torch.ones(1)}, {"b": torch.ones(1)})
    with pytest.raises(ValueError, match=r"end\['a'\] must have shape \(1,\) like start"):
        direction_between({"a": torch.ones(1)}, {"a": torch.ones(2)})


# ---- symmetries ---------------------------------------------------------------------------------


def hidden_layer(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    generator = make_generator(0)
    shapes = ((4, 3), (4,), (2, 4))
    return tuple(torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)


def output(x, weight_in, bias_in, weight_out, activation=torch.tanh):
    return activation(x @ weight_in.T + bias_in) @ weight_out.T


@pytest.mark.parametrize("activation", [torch.tanh, torch.relu, torch.sigmoid])
def test_every_renumbering_computes_the_same(activation):
    x = torch.randn(9, 3, generator=make_generator(1), dtype=torch.float64)
    layer = hidden_layer()
    wanted = output(x, *layer, activation)
    for order in itertools.permutations(range(4)):
        found = output(x, *permute_hidden_units(*layer, order), activation)
        torch.testing.assert_close(found, wanted)


def test_every_flip_computes_the_same_with_tanh_and_not_with_relu():
    x = torch.randn(9, 3, generator=make_generator(1), dtype=torch.float64)
    layer = hidden_layer()
    for size in range(5):
        for units in itertools.combinations(range(4), size):
            flipped = flip_hidden_units(*layer, units)
            torch.testing.assert_close(output(x, *flipped), output(x, *layer))
            same = torch.allclose(output(x, *flipped, torch.relu), output(x, *layer, torch.relu))
            assert same is (size == 0)


def test_all_copies_of_a_network_are_different_settings():
    layer = hidden_layer()
    settings = set()
    for order in itertools.permutations(range(4)):
        for flips in itertools.product([0, 1], repeat=4):
            units = [unit for unit, flip in enumerate(flips) if flip]
            parts = flip_hidden_units(*permute_hidden_units(*layer, order), units)
            settings.add(tuple(torch.cat([part.flatten() for part in parts]).tolist()))
    assert len(settings) == count_symmetric_copies(4, odd=True) == 24 * 16
    assert count_symmetric_copies(4) == 24
    assert count_symmetric_copies(0) == count_symmetric_copies(0, odd=True) == 1


def test_symmetries_let_gradients_through_and_take_tensors():
    layer = [part.requires_grad_() for part in hidden_layer()]
    parts = permute_hidden_units(*flip_hidden_units(*layer, torch.tensor([0])), torch.arange(4))
    sum(part.sum() for part in parts).backward()
    assert all(part.grad is not None for part in layer)


def test_bad_symmetries_are_refused():
    weight_in, bias_in, weight_out = hidden_layer()
    with pytest.raises(ValueError, match=r"weight_in must have shape \(H, I\)"):
        permute_hidden_units(bias_in, bias_in, weight_out, [0])
    with pytest.raises(ValueError, match=r"bias_in must have shape \(H,\) = \(4,\)"):
        permute_hidden_units(weight_in, bias_in[:3], weight_out, range(4))
    with pytest.raises(ValueError, match=r"weight_out must have shape \(O, H\) = \(O, 4\)"):
        flip_hidden_units(weight_in, bias_in, weight_out.T, [0])
    with pytest.raises(ValueError, match="order must hold each number from 0 to 3 once"):
        permute_hidden_units(weight_in, bias_in, weight_out, [0, 1, 2, 2])
    with pytest.raises(TypeError, match="order must be a sequence of whole numbers"):
        permute_hidden_units(weight_in, bias_in, weight_out, "0123")
    with pytest.raises(TypeError, match=r"order\[0\] must be"):
        permute_hidden_units(weight_in, bias_in, weight_out, [0.0, 1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="units must have one dimension"):
        flip_hidden_units(weight_in, bias_in, weight_out, torch.zeros(1, 1))
    with pytest.raises(ValueError, match=r"units\[0\] must be at most 3"):
        flip_hidden_units(weight_in, bias_in, weight_out, [4])
    with pytest.raises(ValueError, match="hidden_size must be at least 0"):
        count_symmetric_copies(-1)
    with pytest.raises(TypeError, match="odd must be a bool"):
        count_symmetric_copies(2, odd=2)


# ---- how a slice bends --------------------------------------------------------------------------


def quadratic_slice(matrix: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    x, y = torch.meshgrid(steps, steps, indexing="ij")
    points = torch.stack([x, y], dim=-1)
    return torch.einsum("...i,ij,...j->...", points, matrix, points) / 2


def test_the_curvatures_of_a_quadratic_are_its_eigenvalues_everywhere():
    drawn = torch.randn(2, 2, generator=make_generator(0), dtype=torch.float64)
    matrix = drawn + drawn.T
    steps = torch.arange(-3, 4, dtype=torch.float64) / 4
    found = plane_curvatures(quadratic_slice(matrix, steps), 0.25)
    assert found.shape == (5, 5, 2)
    torch.testing.assert_close(found, torch.linalg.eigvalsh(matrix).expand(5, 5, 2))


def test_the_curvatures_do_not_change_when_the_plane_is_turned():
    values = torch.randn(5, 7, generator=make_generator(1), dtype=torch.float64)
    found = plane_curvatures(values, 0.5)
    torch.testing.assert_close(plane_curvatures(values.T, 0.5), found.transpose(0, 1))
    torch.testing.assert_close(plane_curvatures(values.flip(0), 0.5), found.flip(0))
    torch.testing.assert_close(plane_curvatures(-values, 0.5), -found.flip(-1))


def test_a_plane_can_be_a_bowl_at_a_saddle():
    whole = torch.diag(torch.tensor([3.0, 3.0, 3.0, -1.0], dtype=torch.float64))
    plane = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1]], dtype=torch.float64) / 2
    inside = plane @ whole @ plane.T
    steps = torch.arange(-2, 3, dtype=torch.float64)
    assert (plane_curvatures(quadratic_slice(inside, steps), 1.0) > 0).all()


def test_grid_minima_are_strict_and_never_on_the_rim():
    values = torch.full((5, 6), 4.0)
    values[0, 0] = values[2, 5] = -1.0  # on the rim
    values[2, 1] = 1.0
    values[2, 3] = values[3, 3] = 2.0  # equal neighbours: none is lower than all
    expected = torch.zeros(3, 4, dtype=torch.bool)
    expected[1, 0] = True
    assert torch.equal(grid_minima(values), expected)
    assert not grid_minima(torch.full((4, 4), float("nan"))).any()


@pytest.mark.parametrize("values", [torch.zeros(3), torch.zeros(2, 5), torch.zeros(3, 3, 3)])
def test_a_grid_without_inner_points_is_refused(values):
    wanted = r"losses must have shape \(N, M\), each at least 3, got"
    for measure in (grid_minima, lambda grid: plane_curvatures(grid, 1.0)):
        with pytest.raises(ValueError, match=wanted):
            measure(values)


def test_what_is_no_grid_or_no_spacing_is_refused():
    with pytest.raises(TypeError, match="losses must"):
        grid_minima([[0.0] * 3] * 3)
    with pytest.raises(TypeError, match="losses must"):
        plane_curvatures(torch.zeros(3, 3, dtype=torch.int64), 1.0)
    with pytest.raises(ValueError, match="spacing must be above 0"):
        plane_curvatures(torch.zeros(3, 3), 0.0)
    with pytest.raises(TypeError, match="spacing must"):
        plane_curvatures(torch.zeros(3, 3), "wide")
