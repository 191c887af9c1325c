r"""Optimisers from scratch: momentum, Adagrad, RMSprop, Adam and AdamW.

Each class keeps PyTorch's arguments, order, defaults and state, so that a training can begin with
one and go on with the other. What differs between them is one method, ``_update``: a few lines that
are the formula. :func:`momentum_matrix` and :func:`optimal_momentum` say beforehand what momentum
does on a quadratic.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from handbook.checks import (
    describe,
    require_floating,
    require_integer,
    require_number,
    require_shape,
)

__all__ = [
    "SGD",
    "Adagrad",
    "RMSprop",
    "Adam",
    "AdamW",
    "momentum_matrix",
    "contraction_factor",
    "optimal_momentum",
    "optimizer_paths",
    "settling_steps",
]


def _option_number(name: str, value: object, **bounds: float) -> float:
    """Return a number that an optimiser takes as a float, after a check of its bounds."""
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise ValueError(f"{name} must be a number or hold 1 element, got {describe(value)}")
        value = value.item()
    elif not isinstance(value, bool) and isinstance(value, numbers.Real):
        value = float(value)  # NumPy's numbers count
    return require_number(name, value, **bounds)


def _check_betas(value: object) -> tuple[float, float]:
    """Return both of Adam's betas as floats, after a check."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"betas must be two numbers such as (0.9, 0.999), got {describe(value)}")
    first, second = (
        _option_number(f"betas[{i}]", beta, minimum=0.0, below=1.0) for i, beta in enumerate(value)
    )
    return first, second


def _real_view(tensor: Tensor) -> Tensor:
    """Return a complex tensor as pairs of real numbers that share its memory; others as is."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _new_step_count() -> Tensor:
    """Return the counter that PyTorch keeps: a tensor on the CPU, wide enough for the default."""
    wide = torch.get_default_dtype() == torch.float64
    return torch.zeros((), dtype=torch.float64 if wide else torch.float32, device="cpu")


class _StepByStep(Optimizer):
    """What all optimisers share: the loop over groups and parameters, and the checks."""

    # How PyTorch computes, not what. The groups hold them so that all keys of a state agree.
    _switches: ClassVar[dict[str, bool | None]] = {"foreach": None, "differentiable": False}
    _at_least_zero: ClassVar[tuple[str, ...]] = ("lr", "weight_decay")

    def __init__(self, params: Iterable[Any], options: dict[str, Any]) -> None:
        self._check_options(options)
        super().__init__(params, {**options, **self._switches})

    def _check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse options that no step could be made with."""
        for name in self._at_least_zero:
            _option_number(name, options[name], minimum=0.0)
        for name, neutral in self._switches.items():
            if options.get(name, neutral) not in (neutral, None, False):
                raise ValueError(
                    f"{name} must be left out, got {describe(options[name])}; "
                    "this optimiser has only one way to compute"
                )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, after a check of the options.

        Parameters
        ----------
        param_group : dict
            ``"params"``, a tensor or an iterable of tensors, and any of the optimiser's options.
        """
        if isinstance(param_group, dict):
            self._check_options({**self.defaults, **param_group})
        super().add_param_group(param_group)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a loaded state, from this optimiser or from PyTorch's."""
        super().__setstate__(state)
        for group in self.param_groups:
            for name, default in self.defaults.items():
                group.setdefault(name, default)
            group.update(self._switches)
            for parameter in group["params"]:
                entry = self.state.get(parameter, {})
                if "step" in entry and not isinstance(entry["step"], Tensor):
                    entry["step"] = _new_step_count() + entry["step"]  # an old state: a number

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Callable[[], float] | None = None
    ) -> float | None:
        """Change every parameter that has a gradient, by one step.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss with its gradients and returns it; called once, before the step.

        Returns
        -------
        float or Tensor or None
            What ``closure`` returned.

        Raises
        ------
        RuntimeError
            If a gradient is sparse.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if parameter.grad.is_sparse:
                    raise RuntimeError(
                        f"{type(self).__name__} must have dense gradients, got a sparse one for a "
                        f"parameter of shape {tuple(parameter.shape)}; "
                        "use nn.Embedding(..., sparse=False) or torch.optim.SparseAdam"
                    )
                self._update(parameter, group)
        return loss

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        raise NotImplementedError


def _gradient_of(parameter: Tensor, group: Mapping[str, Any]) -> Tensor:
    """Return the gradient to descend along: turned to maximise, with the penalty's share."""
    gradient = parameter.grad
    assert gradient is not None  # for the type checker: step has looked
    if group["maximize"]:
        gradient = -gradient
    if group["weight_decay"] != 0 and not group.get("decoupled_weight_decay", False):
        gradient = gradient.add(parameter, alpha=_rate_of(group, "weight_decay"))
    return gradient


def _rate_of(group: Mapping[str, Any], name: str = "lr") -> float:
    """Return an option that may be a tensor as a number."""
    value = group[name]
    return float(value.item() if isinstance(value, Tensor) else value)


class SGD(_StepByStep):
    r"""Gradient descent with momentum.

    .. math::
        \begin{aligned}
        g_t &= \nabla f(\theta_{t-1}) + \lambda \, \theta_{t-1} \\
        b_1 &= g_1, \qquad b_t = \mu \, b_{t-1} + (1 - \tau) \, g_t \\
        \theta_t &= \theta_{t-1} - \gamma \,
        \begin{cases} b_t \\ g_t + \mu \, b_t & \text{with Nesterov's} \end{cases}
        \end{aligned}

    Parameters
    ----------
    params : iterable
        Tensors, or dicts with ``"params"`` and options of their own, or pairs of name and tensor.
    lr : float or Tensor, default: 0.001
        The rate :math:`\gamma`, at least 0.
    momentum : float, default: 0
        :math:`\mu`, at least 0: the share of the last direction that is kept.
    dampening : float, default: 0
        :math:`\tau`: the share of the new gradient that is left out, from the second step on.
    weight_decay : float, default: 0
        :math:`\lambda`, at least 0: the factor of the penalty :math:`\frac\lambda2 |\theta|^2`.
    nesterov : bool, default: False
        Whether to look ahead: to apply the momentum once more before the step.
    maximize : bool, default: False
        Whether to go up instead of down.

    Raises
    ------
    TypeError
        If an option is not a number, or ``params`` holds something that is not a tensor.
    ValueError
        If an option is out of its bounds, ``nesterov`` comes without momentum or with dampening,
        or ``params`` is empty (a generator that has been used up is).
    RuntimeError
        In ``step``, if a gradient is sparse.

    Notes
    -----
    Without dampening, a constant gradient makes steps of :math:`\gamma g / (1 - \mu)`: with
    :math:`\mu = 0.9`, ten times as long as those without momentum.

    *Differences from PyTorch.* ``foreach``, ``fused`` and ``differentiable``, which choose how to
    compute, are absent. Sparse gradients are refused. Options that a group brings are checked too.

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration methods",
    USSR Computational Mathematics and Mathematical Physics 4 (1964),
    https://doi.org/10.1016/0041-5553(64)90137-5

    Examples
    --------
    The slope of f(x) = x is 1 everywhere. The steps grow toward 1 / (1 − ½) = 2 rates:

    >>> x = torch.tensor(0.0, requires_grad=True)
    >>> optimizer = SGD([x], lr=1.0, momentum=0.5)
    >>> for _ in range(4):
    ...     optimizer.zero_grad()
    ...     x.backward()
    ...     optimizer.step()
    ...     print(x.item())
    -1.0
    -2.5
    -4.25
    -6.125

    The state goes to PyTorch's, and back:

    >>> theirs = torch.optim.SGD([x], lr=1.0, momentum=0.5)
    >>> theirs.load_state_dict(optimizer.state_dict())
    >>> theirs.step()
    >>> x.item()
    -8.0625
    """

    _switches: ClassVar[dict[str, bool | None]] = {
        "foreach": None, "differentiable": False, "fused": None,
    }  # fmt: skip
    _at_least_zero: ClassVar[tuple[str, ...]] = ("lr", "momentum", "weight_decay")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, options)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        super()._check_options(options)
        dampening = _option_number("dampening", options["dampening"])
        if options["nesterov"] and (options["momentum"] <= 0 or dampening != 0):
            raise ValueError(
                "nesterov must come with momentum above 0 and dampening 0, "
                f"got momentum {options['momentum']!r} and dampening {dampening!r}"
            )

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient = _gradient_of(parameter, group)
        momentum = group["momentum"]
        if momentum != 0:
            state = self.state[parameter]
            buffer = state.get("momentum_buffer")
            if buffer is None:  # the first step: the gradient itself, whatever the dampening
                buffer = state["momentum_buffer"] = gradient.clone()
            else:
                buffer.mul_(momentum).add_(gradient, alpha=1 - group["dampening"])
            gradient = gradient.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        parameter.add_(gradient, alpha=-_rate_of(group))


class Adagrad(_StepByStep):
    r"""A rate for each parameter that falls with all the gradients it has seen.

    .. math::
        s_t = s_{t-1} + g_t^2, \qquad
        \theta_t = \theta_{t-1} - \frac{\gamma}{1 + (t - 1) \, \eta} \,
        \frac{g_t}{\sqrt{s_t} + \epsilon}

    Parameters
    ----------
    params : iterable
        Tensors, or dicts with ``"params"`` and options of their own, or pairs of name and tensor.
    lr : float or Tensor, default: 0.01
        The rate :math:`\gamma`, at least 0.
    lr_decay : float, default: 0
        :math:`\eta`, at least 0: how fast the rate falls besides.
    weight_decay : float, default: 0
        At least 0: the factor of the squared penalty, which is added to the gradient.
    initial_accumulator_value : float, default: 0
        :math:`s_0`, at least 0.
    eps : float, default: 1e-10
        :math:`\epsilon`, at least 0: keeps the quotient finite.
    maximize : bool, default: False
        Whether to go up instead of down.

    Raises
    ------
    TypeError
        If an option is not a number, or ``params`` holds something that is not a tensor.
    ValueError
        If an option is below 0, or ``params`` is empty.
    RuntimeError
        In ``step``, if a gradient is sparse.

    Notes
    -----
    With gradients of constant size the steps fall like :math:`\gamma / \sqrt t`.

    *Differences from PyTorch.* ``foreach``, ``fused`` and ``differentiable`` are absent. Sparse
    gradients are refused.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", Journal of Machine Learning Research 12 (2011).

    Examples
    --------
    The size of the gradient cancels; what is left is 1, 1/√2, 1/√3 …

    >>> x = torch.tensor([0.0, 0.0], requires_grad=True)
    >>> optimizer = Adagrad([x], lr=1.0)
    >>> for _ in range(3):
    ...     x.grad = torch.tensor([1000.0, 0.001])
    ...     optimizer.step()
    ...     print(x.tolist())
    [-1.0, -0.999...]
    [-1.707..., -1.707...]
    [-2.284..., -2.284...]
    """

    _switches: ClassVar[dict[str, bool | None]] = {
        "foreach": None, "differentiable": False, "fused": None,
    }  # fmt: skip
    _at_least_zero: ClassVar[tuple[str, ...]] = (
        "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps",
    )  # fmt: skip

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, options)
        # PyTorch's has its state before the first step: so that processes may share it.
        for group in self.param_groups:
            for parameter in group["params"]:
                self._start(parameter, group)

    def _start(self, parameter: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = self.state[parameter]
        if len(state) == 0:
            state["step"] = _new_step_count()
            state["sum"] = torch.zeros_like(parameter)
            # The default, not the group's own value: as in PyTorch.
            _real_view(state["sum"]).fill_(self.defaults["initial_accumulator_value"])
        return state

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient = _real_view(_gradient_of(parameter, group))
        state = self._start(parameter, group)
        state["step"] += 1
        total = _real_view(state["sum"])
        total.addcmul_(gradient, gradient)  # s + g²
        rate = _rate_of(group) / (1 + (state["step"].item() - 1) * group["lr_decay"])
        _real_view(parameter).addcdiv_(gradient, total.sqrt().add_(group["eps"]), value=-rate)


class RMSprop(_StepByStep):
    r"""Steps divided by a running root mean square of the gradient.

    .. math::
        v_t &= \alpha \, v_{t-1} + (1 - \alpha) \, g_t^2 \\
        d_t &= \frac{g_t}{\sqrt{v_t} + \epsilon}
        \quad\text{or, centered,}\quad \frac{g_t}{\sqrt{v_t - \bar g_t^2} + \epsilon} \\
        b_t &= \mu \, b_{t-1} + d_t, \qquad \theta_t = \theta_{t-1} - \gamma \, b_t

    Parameters
    ----------
    params : iterable
        Tensors, or dicts with ``"params"`` and options of their own, or pairs of name and tensor.
    lr : float or Tensor, default: 0.01
        The rate :math:`\gamma`, at least 0.
    alpha : float, default: 0.99
        :math:`\alpha`, at least 0: the share of the old mean square that is kept.
    eps : float, default: 1e-8
        :math:`\epsilon`, at least 0, added outside of the root.
    weight_decay : float, default: 0
        At least 0: the factor of the squared penalty, which is added to the gradient.
    momentum : float, default: 0
        :math:`\mu`, at least 0.
    centered : bool, default: False
        Whether to divide by the standard deviation: the running mean :math:`\bar g_t` of the
        gradient is kept too, and its square subtracted.
    maximize : bool, default: False
        Whether to go up instead of down.

    Raises
    ------
    TypeError
        If an option is not a number, or ``params`` holds something that is not a tensor.
    ValueError
        If an option is below 0, or ``params`` is empty.
    RuntimeError
        In ``step``, if a gradient is sparse.

    Notes
    -----
    Nothing corrects the start :math:`v_0 = 0`: the first step is
    :math:`\gamma / \sqrt{1 - \alpha}` long, ten rates with the default :math:`\alpha`.

    *Differences from PyTorch.* ``capturable``, ``foreach`` and ``differentiable`` are absent; give
    ``maximize`` by its name, because two of them stand before it there.

    References
    ----------
    G. Hinton, "Neural Networks for Machine Learning", lecture 6e (2012). Centered: A. Graves,
    "Generating sequences with recurrent neural networks" (2013), arXiv:1308.0850.

    Examples
    --------
    >>> x = torch.tensor([0.0, 0.0], requires_grad=True)
    >>> optimizer = RMSprop([x], lr=1.0)
    >>> x.grad = torch.tensor([1000.0, 0.001])
    >>> optimizer.step()
    >>> [round(value, 2) for value in x.tolist()]
    [-10.0, -10.0]
    """

    _switches: ClassVar[dict[str, bool | None]] = {
        "capturable": False, "foreach": None, "differentiable": False,
    }  # fmt: skip
    _at_least_zero: ClassVar[tuple[str, ...]] = ("lr", "eps", "momentum", "weight_decay", "alpha")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, options)

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient = _real_view(_gradient_of(parameter, group))
        state, alpha = self.state[parameter], group["alpha"]
        if "square_avg" not in state:
            state["step"] = _new_step_count()
            state["square_avg"] = torch.zeros_like(parameter)
        state["step"] += 1  # not used; PyTorch's state has it
        mean_square = _real_view(state["square_avg"])
        mean_square.mul_(alpha).addcmul_(gradient, gradient, value=1 - alpha)
        if group["centered"]:
            if "grad_avg" not in state:
                state["grad_avg"] = torch.zeros_like(parameter)
            mean = _real_view(state["grad_avg"])
            mean.lerp_(gradient, 1 - alpha)  # alpha · mean + (1 - alpha) · gradient
            scale = mean_square.addcmul(mean, mean, value=-1).sqrt_()
        else:
            scale = mean_square.sqrt()
        scale.add_(group["eps"])
        if group["momentum"] > 0:
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            buffer = _real_view(state["momentum_buffer"])
            buffer.mul_(group["momentum"]).addcdiv_(gradient, scale)
            _real_view(parameter).add_(buffer, alpha=-_rate_of(group))
        else:
            _real_view(parameter).addcdiv_(gradient, scale, value=-_rate_of(group))


class Adam(_StepByStep):
    r"""Momentum divided by a running root mean square, both corrected for their start at zero.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \, g_t, &
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) \, g_t^2 \\
        \hat m_t &= \frac{m_t}{1 - \beta_1^t}, &
        \hat v_t &= \frac{v_t}{1 - \beta_2^t}, \qquad
        \theta_t = \theta_{t-1} - \gamma \, \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}

    Parameters
    ----------
    params : iterable
        Tensors, or dicts with ``"params"`` and options of their own, or pairs of name and tensor.
    lr : float or Tensor, default: 0.001
        The rate :math:`\gamma`, at least 0: about the longest step of each parameter.
    betas : tuple of float, optional
        :math:`\beta_1` and :math:`\beta_2`, at least 0 and below 1.
    eps : float, default: 1e-8
        :math:`\epsilon`, at least 0, added outside of the root.
    weight_decay : float, default: 0
        At least 0: the factor of the squared penalty. It is added to the gradient, and divided with
        it; see :class:`AdamW`.
    amsgrad : bool, default: False
        Whether to divide by the largest :math:`v` so far.
    maximize : bool, default: False
        Whether to go up instead of down.
    decoupled_weight_decay : bool, default: False
        Whether to shrink the weights themselves, as :class:`AdamW` does.

    Raises
    ------
    TypeError
        If an option is not a number, or ``params`` holds something that is not a tensor.
    ValueError
        If an option is out of its bounds, ``betas`` are not two, or ``params`` is empty.
    RuntimeError
        In ``step``, if a gradient is sparse.

    Notes
    -----
    The first step is :math:`\gamma g / (|g| + \epsilon)`: the sign of the gradient times the rate.

    *Differences from PyTorch.* ``foreach``, ``fused``, ``capturable`` and ``differentiable`` are
    absent. Betas may be whole numbers, such as 0.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR (2015),
    arXiv:1412.6980. AMSGrad: S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and
    beyond", ICLR (2018), arXiv:1904.09237.

    Examples
    --------
    Gradients of any size, zero among them, make a first step of one rate or none:

    >>> x = torch.zeros(4, requires_grad=True)
    >>> optimizer = Adam([x], lr=0.5)
    >>> x.grad = torch.tensor([1e6, 1.0, -1e-3, 0.0])
    >>> optimizer.step()
    >>> [round(value, 3) + 0.0 for value in x.tolist()]
    [-0.5, -0.5, 0.5, 0.0]

    A gradient below ``eps`` does not: 0.5 · 10⁻¹⁰ / (10⁻¹⁰ + 10⁻⁸) is 100 times shorter.

    >>> y = torch.zeros(1, requires_grad=True)
    >>> y.grad = torch.tensor([1e-10])
    >>> Adam([y], lr=0.5).step()
    >>> round(y.item(), 5)
    -0.00495
    """

    _switches: ClassVar[dict[str, bool | None]] = {
        "foreach": None, "capturable": False, "differentiable": False, "fused": None,
    }  # fmt: skip
    _at_least_zero: ClassVar[tuple[str, ...]] = ("lr", "eps", "weight_decay")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        options = {
            "lr": lr, "betas": _check_betas(betas), "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, options)

    def _check_options(self, options: Mapping[str, Any]) -> None:
        super()._check_options(options)
        _check_betas(options["betas"])

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        rate, (beta1, beta2) = _rate_of(group), group["betas"]
        if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
            parameter.mul_(1 - rate * group["weight_decay"])  # AdamW: before and beside the step
        gradient = _real_view(_gradient_of(parameter, group))
        state = self.state[parameter]
        if "exp_avg" not in state:
            state["step"] = _new_step_count()
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        t = state["step"].item()
        m, v = _real_view(state["exp_avg"]), _real_view(state["exp_avg_sq"])
        m.lerp_(gradient, 1 - beta1)  # beta1 · m + (1 - beta1) · g
        v.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        if group["amsgrad"]:
            if "max_exp_avg_sq" not in state:
                state["max_exp_avg_sq"] = torch.zeros_like(parameter)
            largest = _real_view(state["max_exp_avg_sq"])
            v = torch.maximum(largest, v, out=largest)
        scale = (v.sqrt() / math.sqrt(1 - beta2**t)).add_(group["eps"])
        _real_view(parameter).addcdiv_(m, scale, value=-rate / (1 - beta1**t))


class AdamW(Adam):
    r"""Adam with the decay of the weights beside the gradient, not in it.

    .. math::
        \theta_t = (1 - \gamma \lambda) \, \theta_{t-1}
        - \gamma \, \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}

    Parameters
    ----------
    params : iterable
        Tensors, or dicts with ``"params"`` and options of their own, or pairs of name and tensor.
    lr : float or Tensor, default: 0.001
        The rate :math:`\gamma`, at least 0.
    betas : tuple of float, optional
        As in :class:`Adam`.
    eps : float, default: 1e-8
        As in :class:`Adam`.
    weight_decay : float, default: 0.01
        :math:`\lambda`, at least 0: the share, times the rate, that every weight loses per step.
    amsgrad : bool, default: False
        Whether to divide by the largest :math:`v` so far.
    maximize : bool, default: False
        Whether to go up instead of down. The weights shrink all the same.

    Raises
    ------
    TypeError
        If an option is not a number, or ``params`` holds something that is not a tensor.
    ValueError
        If an option is out of its bounds, ``betas`` are not two, or ``params`` is empty.
    RuntimeError
        In ``step``, if a gradient is sparse.

    Notes
    -----
    *Differences from PyTorch.* As in :class:`Adam`.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR (2019),
    arXiv:1711.05101.

    Examples
    --------
    Without a gradient, every weight loses the same share. Adam's penalty is divided by its own
    size, and takes the same amount from each instead:

    >>> for optimizer in (AdamW, Adam):
    ...     x = torch.tensor([100.0, 1.0], requires_grad=True)
    ...     x.grad = torch.zeros(2)
    ...     optimizer([x], lr=0.1, weight_decay=0.1).step()
    ...     print([round(value, 3) for value in x.tolist()])
    [99.0, 0.99]
    [99.9, 0.9]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad,
            maximize=maximize, decoupled_weight_decay=True,
        )  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a loaded state; whatever it says, this optimiser decouples the decay."""
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


# ---- momentum on a quadratic -------------------------------------------------------------------


def momentum_matrix(curvature: float, *, lr: float, momentum: float) -> Tensor:
    r"""Return the matrix that one step of momentum is, along one eigenvector of a quadratic.

    .. math::
        \begin{pmatrix} x_{t+1} \\ x_t \end{pmatrix} =
        \begin{pmatrix} 1 + \mu - \gamma \lambda & -\mu \\ 1 & 0 \end{pmatrix}
        \begin{pmatrix} x_t \\ x_{t-1} \end{pmatrix}

    Parameters
    ----------
    curvature : float
        :math:`\lambda`, the second derivative, a finite number.
    lr : float
        The rate :math:`\gamma`, above 0.
    momentum : float
        :math:`\mu`, at least 0.

    Returns
    -------
    Tensor
        The matrix, in float64 on the CPU.

    Shapes
    ------
    return : (2, 2)

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If an argument is out of its bounds.

    Examples
    --------
    >>> momentum_matrix(1.0, lr=0.5, momentum=0.25)
    tensor([[ 0.7500, -0.2500],
            [ 1.0000,  0.0000]], dtype=torch.float64)
    """
    curvature = require_number("curvature", curvature, above=-math.inf, below=math.inf)
    lr = require_number("lr", lr, above=0.0, below=math.inf)
    momentum = require_number("momentum", momentum, minimum=0.0, below=math.inf)
    rows = [[1 + momentum - lr * curvature, -momentum], [1.0, 0.0]]
    return torch.tensor(rows, dtype=torch.float64, device="cpu") + 0.0  # no negative zero


def contraction_factor(curvature: float, *, lr: float, momentum: float) -> float:
    r"""Return the factor by which momentum shrinks the distance per step, in the long run.

    It is the largest absolute eigenvalue of :func:`momentum_matrix`. The eigenvalues solve
    :math:`z^2 - (1 + \mu - \gamma \lambda) z + \mu = 0`. If they are complex, their product
    :math:`\mu` makes both :math:`\sqrt\mu` in size, whatever the curvature.

    Parameters
    ----------
    curvature : float
        :math:`\lambda`, the second derivative, a finite number.
    lr : float
        The rate :math:`\gamma`, above 0.
    momentum : float
        :math:`\mu`, at least 0.

    Returns
    -------
    float
        Below 1 if the path converges, above 1 if it diverges.

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If an argument is out of its bounds.

    Examples
    --------
    Without momentum it is the size of 1 − γλ; with it, curvatures that differ by a factor of 30
    share one:

    >>> contraction_factor(1.0, lr=0.25, momentum=0.0)
    0.75
    >>> [contraction_factor(c, lr=0.1, momentum=0.81) for c in (1.0, 30.0)]
    [0.9, 0.9]

    Momentum allows larger rates: the limit is 2 (1 + μ) / λ instead of 2 / λ.

    >>> contraction_factor(1.0, lr=3.6, momentum=0.81) < 1
    True
    """
    matrix = momentum_matrix(curvature, lr=lr, momentum=momentum)
    half_trace, product = matrix[0, 0].item() / 2, -matrix[0, 1].item()
    discriminant = half_trace**2 - product
    if discriminant < 0:
        return math.sqrt(product)
    return abs(half_trace) + math.sqrt(discriminant)


def optimal_momentum(smallest: float, largest: float) -> tuple[float, float]:
    r"""Return the rate and the momentum that shrink a quadratic fastest, by Polyak's formula.

    .. math::
        \gamma = \frac{4}{(\sqrt L + \sqrt \ell)^2}, \qquad
        \mu = \Bigl( \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1} \Bigr)^2, \qquad
        \kappa = \frac L \ell

    Parameters
    ----------
    smallest : float
        :math:`\ell`, the smallest curvature, above 0.
    largest : float
        :math:`L`, the largest curvature, at least ``smallest``.

    Returns
    -------
    tuple of float
        Rate and momentum.

    Raises
    ------
    TypeError
        If a curvature is not a number.
    ValueError
        If ``smallest`` is not above 0, or ``largest`` is below it.

    Notes
    -----
    Every direction then shrinks by :math:`\sqrt\mu = (\sqrt\kappa - 1) / (\sqrt\kappa + 1)` per
    step, in the long run. The best plain descent, with the rate :math:`2 / (L + \ell)`, reaches
    :math:`(\kappa - 1) / (\kappa + 1)`.

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration methods",
    USSR Computational Mathematics and Mathematical Physics 4 (1964),
    https://doi.org/10.1016/0041-5553(64)90137-5

    Examples
    --------
    >>> lr, momentum = optimal_momentum(1.0, 9.0)
    >>> lr, momentum
    (0.25, 0.25)
    >>> contraction_factor(1.0, lr=lr, momentum=momentum)
    0.5

    A round bowl needs no momentum, and one step:

    >>> optimal_momentum(2.0, 2.0)
    (0.5, 0.0)
    """
    smallest = require_number("smallest", smallest, above=0.0, below=math.inf)
    largest = require_number("largest", largest, minimum=smallest, below=math.inf)
    low, high = math.sqrt(smallest), math.sqrt(largest)
    return 4 / (high + low) ** 2, ((high - low) / (high + low)) ** 2


# ---- a race ------------------------------------------------------------------------------------


def optimizer_paths(
    gradient: Callable[[Tensor], Tensor],
    start: Tensor,
    optimizer: Callable[..., Optimizer],
    *,
    rates: Sequence[float],
    n_steps: int,
    **options: Any,
) -> Tensor:
    """Walk over a surface with one optimiser at many rates at once, and keep every point.

    Each rate has a parameter group of its own, so that one call is a whole sweep.

    Parameters
    ----------
    gradient : callable
        Takes points of shape (R, D), returns the gradient at each, (R, D).
    start : Tensor
        Where all walks begin; it is not changed.
    optimizer : callable
        A class such as :class:`Adam` or :class:`torch.optim.Adam`.
    rates : sequence of float
        One learning rate for each walk.
    n_steps : int
        T, at least 0.
    **options
        Further options of the optimiser.

    Returns
    -------
    Tensor
        All points, the start first.

    Shapes
    ------
    start : (D,)
    return : (T + 1, R, D)

    Raises
    ------
    TypeError
        If ``start`` is not a floating-point tensor or ``n_steps`` not an ``int``.
    ValueError
        If ``start`` is not a vector, ``rates`` is empty, or ``n_steps`` is negative.

    Examples
    --------
    >>> paths = optimizer_paths(
    ...     lambda points: points, torch.tensor([8.0]), SGD, rates=[0.5, 0.25], n_steps=2
    ... )
    >>> paths.squeeze(-1)
    tensor([[8.0000, 8.0000],
            [4.0000, 6.0000],
            [2.0000, 4.5000]])
    """
    require_shape("start", require_floating("start", start), ("D",))
    require_integer("n_steps", n_steps, minimum=0)
    if len(rates) == 0:
        raise ValueError("rates must hold at least one number, got none")
    walkers = [start.detach().clone().requires_grad_() for _ in rates]
    groups = [{"params": [x], "lr": rate} for x, rate in zip(walkers, rates, strict=True)]
    stepper = optimizer(groups, lr=rates[0], **options)
    points = [torch.stack([x.detach() for x in walkers])]
    for _ in range(n_steps):
        for x, slope in zip(walkers, gradient(points[-1]), strict=True):
            x.grad = slope
        stepper.step()
        points.append(torch.stack([x.detach() for x in walkers]))
    return torch.stack(points)


def settling_steps(values: Tensor, *, level: float) -> Tensor:
    """Return after how many steps each walk is below a level for good.

    Parameters
    ----------
    values : Tensor
        What was measured before the first step and after each.
    level : float
        The level. Values that come below it and rise again have not settled.

    Returns
    -------
    Tensor
        A number of steps for each walk, float32; inf for one that ends above the level or is NaN.

    Shapes
    ------
    values : (T + 1, ...)
    return : (...)

    Raises
    ------
    TypeError
        If ``values`` is not a floating-point tensor or ``level`` not a number.
    ValueError
        If ``values`` has no dimension or no step.

    Examples
    --------
    >>> settling_steps(torch.tensor([[9.0, 9.0], [1.0, 1.0], [3.0, 0.5], [0.1, 0.1]]), level=2.0)
    tensor([3., 1.])
    >>> settling_steps(torch.tensor([1.0, 5.0]), level=2.0)
    tensor(inf)
    """
    require_floating("values", values)
    level = require_number("level", level)
    if values.dim() == 0 or len(values) == 0:
        raise ValueError(f"values must have shape (T + 1, ...), got {describe(values)}")
    outside = ~(values < level)  # NaN counts as outside
    steps = torch.arange(1, len(values) + 1, device=values.device, dtype=torch.float32)
    steps = steps.reshape(-1, *[1] * (values.dim() - 1))
    settled = (steps * outside).amax(0)
    return torch.where(settled == len(values), torch.inf, settled)
