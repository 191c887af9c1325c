"""Stochastic descent: the noise of a batch in closed form, equal budgets, the floor it leaves."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from handbook.seeding import make_generator
from handbook.stochastic import (
    StochasticPath,
    fit_step_cost,
    gradient_noise_covariance,
    gradient_noise_std,
    noise_floor,
    per_sample_gradients,
    run_cost,
    stochastic_descent,
)

float64 = torch.float64
SAMPLINGS = ("shuffled", "independent", "replacement")
each_sampling = pytest.mark.parametrize("sampling", SAMPLINGS)


def linear_loss(w: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return ((x @ w.unsqueeze(-1)).squeeze(-1) - y).square().mean(-1) / 2


def linear_data(n_samples: int = 20, size: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = make_generator(0)
    x = torch.randn(n_samples, size, generator=generator, dtype=float64)
    y = torch.randn(n_samples, generator=generator, dtype=float64)
    return x, y


def walk(**changes) -> StochasticPath:
    settings = {"batch_size": 4, "learning_rate": 0.1, "n_epochs": 2} | changes
    settings.setdefault("generator", make_generator(0))
    start = settings.pop("start", torch.zeros(3, dtype=float64))
    data = settings.pop("data", linear_data())
    loss = settings.pop("loss", linear_loss)
    return stochastic_descent(loss, start, *data, **settings)


# ---- the walk -----------------------------------------------------------------------------------


@each_sampling
@pytest.mark.parametrize("batch_size", [1, 3, 7, 20])
def test_every_batch_size_spends_the_same_number_of_gradients(sampling, batch_size):
    path = walk(batch_size=batch_size, n_epochs=3, sampling=sampling)
    n_steps = 3 * math.ceil(20 / batch_size)
    assert path.points.shape == (n_steps + 1, 3)
    assert path.n_gradients.shape == (n_steps + 1,)
    assert path.n_gradients[-1] == 3 * 20
    assert not path.points.requires_grad


def test_the_full_batch_equals_plain_descent_and_torch_sgd():
    x, y = linear_data()
    path = walk(batch_size=20, n_epochs=9)
    w = torch.zeros(3, dtype=float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    for point in path.points:
        torch.testing.assert_close(w.detach(), point)
        optimizer.zero_grad()
        linear_loss(w, x, y).backward()
        optimizer.step()


@pytest.mark.parametrize("batch_size", [1, 4, 7])
def test_a_shuffled_epoch_uses_each_sample_once(batch_size):
    rows = torch.arange(20)
    seen = []

    def loss(w: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        seen.append(batch.tolist())
        return w.square().sum()

    walk(loss=loss, data=(rows,), batch_size=batch_size, n_epochs=2)
    per_epoch = math.ceil(20 / batch_size)
    epochs = [list(itertools.chain(*seen[:per_epoch])), list(itertools.chain(*seen[per_epoch:]))]
    assert sorted(epochs[0]) == sorted(epochs[1]) == rows.tolist()
    assert epochs[0] != epochs[1]


def test_independent_batches_hold_different_samples_and_replacement_may_repeat():
    rows = torch.arange(5)
    repeats = dict.fromkeys(SAMPLINGS, 0)
    for sampling in SAMPLINGS:

        def loss(w: torch.Tensor, batch: torch.Tensor, sampling: str = sampling) -> torch.Tensor:
            repeats[sampling] += len(batch) - len(set(batch.tolist()))
            return w.square().sum()

        walk(loss=loss, data=(rows,), batch_size=4, n_epochs=20, sampling=sampling)
    assert repeats["shuffled"] == repeats["independent"] == 0
    assert repeats["replacement"] > 10


@each_sampling
def test_several_runs_at_once_are_independent_walks(sampling):
    start = torch.zeros(6, 3, dtype=float64)
    path = walk(start=start, sampling=sampling)
    assert path.points.shape == (11, 6, 3)
    ends = path.points[-1]
    assert len({tuple(end.tolist()) for end in ends}) == 6
    full = walk(start=start, batch_size=20).points[-1]
    if sampling != "replacement":
        torch.testing.assert_close(full, full[:1].expand_as(full))


def test_the_same_seed_walks_the_same_path_and_the_global_generator_stays():
    state = torch.random.get_rng_state()
    first, second = walk(), walk()
    assert torch.equal(first.points, second.points)
    assert not torch.equal(first.points, walk(generator=make_generator(1)).points)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_inference_mode_and_no_grad_around_it_do_no_harm():
    wanted = walk().points
    with torch.no_grad():
        torch.testing.assert_close(walk().points, wanted)
    with torch.inference_mode():
        start = torch.zeros(3, dtype=float64)
        torch.testing.assert_close(walk(start=start).points.clone(), wanted)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, float64])
def test_dtype_is_kept(dtype, device):
    x, y = (tensor.to(device, dtype) for tensor in linear_data())
    path = walk(start=torch.zeros(3, dtype=dtype, device=device), data=(x, y))
    assert path.points.dtype == dtype
    assert path.points.device == x.device


def test_no_epochs_leave_the_start_alone_and_divergence_is_a_result():
    assert walk(n_epochs=0).points.tolist() == [[0.0, 0.0, 0.0]]
    assert not walk(learning_rate=1e3, n_epochs=60).points[-1].isfinite().all()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"loss": 3}, TypeError, "loss must be callable"),
        ({"loss": lambda w, x, y: 1.0}, TypeError, "loss must return a tensor"),
        ({"loss": lambda w, x, y: w}, ValueError, "loss must return one number per run"),
        ({"loss": lambda w, x, y: y.mean()}, ValueError, "got a value without a gradient"),
        ({"start": torch.zeros(1, 2, 3)}, ValueError, r"start must have shape \(D,\), or"),
        ({"start": torch.tensor([torch.nan])}, ValueError, "start must hold finite numbers"),
        ({"start": torch.tensor([1])}, TypeError, "start must"),
        ({"data": ()}, ValueError, "data must be at least one tensor"),
        ({"data": (torch.zeros(0, 2),)}, ValueError, r"data\[0\] must hold at least one sample"),
        ({"data": (torch.tensor(1.0),)}, ValueError, r"data\[0\] must hold at least one sample"),
        ({"data": (torch.zeros(9, 2), torch.zeros(8))}, ValueError, r"data\[1\] must have as many"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"batch_size": 21}, ValueError, "batch_size must be at most 20"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be above 0"),
        ({"n_epochs": -1}, ValueError, "n_epochs must be at least 0"),
        ({"sampling": "random"}, ValueError, "sampling must be one of"),
        ({"generator": None}, TypeError, "generator must be"),
    ],
)
def test_a_bad_walk_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        walk(**changes)


# ---- the noise ----------------------------------------------------------------------------------


def test_per_sample_gradients_equal_one_backward_pass_each():
    x, y = linear_data()
    w = torch.randn(3, generator=make_generator(5), dtype=float64)
    rows = []
    for i in range(20):
        leaf = w.clone().requires_grad_()
        linear_loss(leaf, x[i : i + 1], y[i : i + 1]).backward()
        rows.append(leaf.grad)
    gradients = per_sample_gradients(linear_loss, w, x, y)
    torch.testing.assert_close(gradients, torch.stack(rows))
    torch.testing.assert_close(gradients, x * (x @ w - y).unsqueeze(-1))  # by hand
    assert not gradients.requires_grad


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("replacement", [False, True])
def test_covariance_equals_that_of_all_batches_there_are(batch_size, replacement):
    gradients = torch.randn(5, 2, generator=make_generator(0), dtype=float64)
    if replacement:
        choices = itertools.product(range(5), repeat=batch_size)
    else:
        choices = itertools.combinations(range(5), batch_size)
    means = torch.stack([gradients[list(choice)].mean(0) for choice in choices])
    offsets = means - gradients.mean(0)
    wanted = offsets.mT @ offsets / len(means)
    found = gradient_noise_covariance(gradients, batch_size, replacement=replacement)
    torch.testing.assert_close(found, wanted)
    length = gradient_noise_std(gradients, batch_size, replacement=replacement)
    assert math.isclose(length, math.sqrt(wanted.trace()), abs_tol=1e-12)


def test_noise_falls_with_the_root_of_the_batch_size_while_it_is_a_small_share():
    gradients = torch.randn(10_000, 3, generator=make_generator(0))
    one, hundred = (gradient_noise_std(gradients, size) for size in (1, 100))
    assert one / hundred == pytest.approx(10, rel=0.01)
    assert gradient_noise_std(gradients, 10_000) == 0.0


def test_noise_of_one_sample_and_of_equal_samples_is_zero():
    one = torch.randn(1, 4, generator=make_generator(0))
    assert not gradient_noise_covariance(one, 1).any()
    assert not gradient_noise_covariance(one, 3, replacement=True).any()
    assert gradient_noise_std(torch.ones(6, 2), 2) == 0.0


def test_a_large_common_gradient_does_not_hide_the_noise(device):
    gradients = torch.tensor([[-1.0], [1.0]], device=device) + 1e4
    assert gradient_noise_covariance(gradients, 1).item() == 1.0
    assert gradient_noise_std(gradients, 1) == 1.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, float64])
def test_covariance_keeps_dtype_and_does_not_overflow_in_it(dtype):
    gradients = 100 * torch.tensor([[1.0], [-1.0]], dtype=dtype).repeat(2000, 1)
    covariance = gradient_noise_covariance(gradients, 1)
    assert covariance.dtype == dtype
    assert covariance.isfinite().all()
    assert covariance.item() == pytest.approx(1e4, rel=0.05)


def test_bad_gradients_are_refused():
    gradients = torch.zeros(5, 2)
    for function in (gradient_noise_covariance, gradient_noise_std):
        with pytest.raises(ValueError, match="batch_size must be at most 5"):
            function(gradients, 6)
        assert function(gradients, 6, replacement=True) is not None
        with pytest.raises(ValueError, match="batch_size must be at least 1"):
            function(gradients, 0, replacement=True)
        with pytest.raises(ValueError, match=r"gradients must have shape \(N, D\)"):
            function(torch.zeros(5), 1)
        with pytest.raises(ValueError, match=r"gradients must have shape \(N, D\)"):
            function(torch.zeros(0, 5), 1)
        with pytest.raises(TypeError, match="replacement must be a bool"):
            function(gradients, 1, replacement=1)
    with pytest.raises(TypeError, match="loss must be callable"):
        per_sample_gradients(None, torch.zeros(2), gradients)
    with pytest.raises(ValueError, match="parameters must have shape"):
        per_sample_gradients(linear_loss, torch.zeros(2, 2), gradients)


# ---- the floor ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.2])
def test_the_floor_is_where_constant_noise_holds_a_quadratic(rate):
    root = torch.randn(3, 3, generator=make_generator(0), dtype=float64)
    hessian = torch.tensor([0.2, 0.7, 1.5], dtype=float64).diag()
    turn, _ = torch.linalg.qr(root)
    hessian, noise = turn @ hessian @ turn.T, root @ root.T
    # The covariance of the position, iterated until it stands: P ← A P A + η² C.
    step = torch.eye(3, dtype=float64) - rate * hessian
    position = torch.zeros(3, 3, dtype=float64)
    for _ in range(5000):
        position = step @ position @ step.T + rate**2 * noise
    wanted = (hessian @ position).trace().item() / 2
    assert math.isclose(noise_floor(hessian, noise, learning_rate=rate), wanted, rel_tol=1e-9)


def test_the_floor_is_proportional_to_the_rate_for_small_rates():
    hessian, noise = torch.eye(2, dtype=float64), torch.eye(2, dtype=float64)
    floor = noise_floor(hessian, noise, learning_rate=1e-6)
    assert math.isclose(floor, 1e-6 / 4 * 2, rel_tol=1e-5)
    assert noise_floor(hessian, 0 * noise, learning_rate=1.0) == 0.0
    assert noise_floor(hessian, noise, learning_rate=2.0) == math.inf


def test_independent_batches_settle_on_the_floor_and_shuffled_ones_below_it():
    x, y = linear_data(40, 2)
    best = torch.linalg.lstsq(x, y.unsqueeze(-1)).solution.squeeze(-1)
    hessian = x.T @ x / 40
    noise = gradient_noise_covariance(per_sample_gradients(linear_loss, best, x, y), 4)
    floor = noise_floor(hessian, noise, learning_rate=0.02)
    measured = {}
    for sampling in ("independent", "shuffled"):
        path = stochastic_descent(
            linear_loss,
            best.expand(200, 2),
            x,
            y,
            batch_size=4,
            learning_rate=0.02,
            n_epochs=60,
            generator=make_generator(0),
            sampling=sampling,
        )
        # At the ends of epochs: inside one, a shuffled path is farther away.
        offsets = path.points[300::10] - best
        measured[sampling] = ((offsets @ hessian) * offsets).sum(-1).mean().item() / 2
    assert measured["independent"] == pytest.approx(floor, rel=0.1)
    assert measured["shuffled"] < floor / 4


def test_a_bad_floor_is_refused():
    eye = torch.eye(2)
    with pytest.raises(ValueError, match="hessian must belong to a minimum"):
        noise_floor(-eye, eye, learning_rate=0.1)
    with pytest.raises(ValueError, match=r"covariance must have shape \(D, D\) = \(2, 2\)"):
        noise_floor(eye, torch.eye(3), learning_rate=0.1)
    with pytest.raises(TypeError, match="covariance must have hessian's dtype"):
        noise_floor(eye, eye.double(), learning_rate=0.1)
    with pytest.raises(ValueError, match="covariance must hold finite"):
        noise_floor(eye, eye / 0, learning_rate=0.1)
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        noise_floor(eye, eye, learning_rate=0.0)


# ---- the price ----------------------------------------------------------------------------------


def test_the_price_counts_steps_and_gradients():
    assert run_cost(0, 0, overhead=5) == 0.0
    assert run_cost(10, 320, overhead=0) == 320.0
    assert run_cost(10, 320, overhead=100) == 1320.0


def test_fit_finds_the_two_constants_of_exact_times():
    sizes = [1, 2, 16, 128, 1024]
    constant, per_sample = fit_step_cost(sizes, [3e-5 + 2e-7 * size for size in sizes])
    assert math.isclose(constant, 3e-5, rel_tol=1e-6)
    assert math.isclose(per_sample, 2e-7, rel_tol=1e-6)


def test_bad_prices_are_refused():
    with pytest.raises(ValueError, match="n_steps must be at least 0"):
        run_cost(-1, 0, overhead=1)
    with pytest.raises(ValueError, match="n_gradients must be at least 0"):
        run_cost(1, -1, overhead=1)
    with pytest.raises(ValueError, match="overhead must be at least 0"):
        run_cost(1, 1, overhead=-1)
    with pytest.raises(ValueError, match="seconds must have one entry for each of the 2"):
        fit_step_cost([1, 2], [0.1])
    with pytest.raises(ValueError, match="batch_sizes must hold at least two different sizes"):
        fit_step_cost([1, 1], [0.1, 0.1])
    with pytest.raises(ValueError, match=r"seconds\[1\] must be above 0"):
        fit_step_cost([1, 2], [0.1, 0.0])
    with pytest.raises(TypeError, match=r"batch_sizes\[0\] must"):
        fit_step_cost(["1", 2], [0.1, 0.2])
