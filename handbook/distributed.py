r"""Several processes train one model: each takes a share of every batch, gradients are averaged.

The pure functions say how shares are cut and how their gradients combine. The rest lets the same
:func:`~handbook.training.fit` run in one process, or in several that ``torchrun`` has started.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from handbook.checks import describe, require_choice, require_integer, require_tensor
from handbook.device import get_device

__all__ = [
    "share_of_batch",
    "combine_gradients",
    "ProcessGroup",
    "process_group",
    "average_gradients",
    "SharedModel",
    "SharedMean",
]


def share_of_batch(n_samples: int, rank: int, n_processes: int) -> slice:
    r"""Return which samples of a batch belong to one process.

    .. math:: \text{from } \Bigl\lfloor \frac{r n}{P} \Bigr\rfloor
              \text{ up to } \Bigl\lfloor \frac{(r + 1) n}{P} \Bigr\rfloor

    Parameters
    ----------
    n_samples : int
        :math:`n`, the samples of the whole batch; none is allowed.
    rank : int
        :math:`r`, the number of the process, from 0.
    n_processes : int
        :math:`P`, how many there are.

    Returns
    -------
    slice
        Neighbouring rows. The shares of all processes cover the batch once, and their lengths
        differ by one at most. A batch that is smaller than :math:`P` leaves some with nothing.

    Raises
    ------
    TypeError
        If an argument is not an ``int``.
    ValueError
        If ``n_samples`` is negative, ``n_processes`` below 1, or ``rank`` not below
        ``n_processes``.

    Examples
    --------
    >>> [share_of_batch(10, rank, 4) for rank in range(4)]
    [slice(0, 2, None), slice(2, 5, None), slice(5, 7, None), slice(7, 10, None)]
    >>> len(range(10)[share_of_batch(1, 0, 2)]), len(range(1)[share_of_batch(1, 1, 2)])
    (0, 1)
    """
    require_integer("n_samples", n_samples, minimum=0)
    require_integer("n_processes", n_processes, minimum=1)
    require_integer("rank", rank, minimum=0, maximum=n_processes - 1)
    return slice(rank * n_samples // n_processes, (rank + 1) * n_samples // n_processes)


def combine_gradients(gradients: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    r"""Combine the mean gradients of the shares of a batch to that of the whole batch.

    .. math:: g = \sum_p \frac{n_p}{n} \, g_p, \qquad n = \sum_p n_p

    Parameters
    ----------
    gradients : sequence of Tensor
        For each share the gradient of the mean loss over its samples.
    sizes : sequence of int
        How many samples each share has; the gradient of an empty share is not looked at.

    Returns
    -------
    Tensor
        The gradient of the mean loss over all samples.

    Shapes
    ------
    each gradient : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If a gradient is not a tensor, or a size not an ``int``.
    ValueError
        If the numbers of gradients and sizes differ, shapes differ, a size is negative, or there
        is no sample at all.

    Notes
    -----
    The plain average :math:`\frac1P \sum_p g_p`, which ``DistributedDataParallel`` takes, is the
    same where all shares are equally long, and only there.

    Examples
    --------
    One share has three samples, the other has one:

    >>> combine_gradients([torch.tensor([1.0]), torch.tensor([5.0])], [3, 1])
    tensor([2.])
    >>> torch.stack([torch.tensor([1.0]), torch.tensor([5.0])]).mean(dim=0)  # not the same
    tensor([3.])
    """
    if len(gradients) != len(sizes):
        raise ValueError(f"sizes must be one for each gradient, {len(gradients)}, got {len(sizes)}")
    for i, size in enumerate(sizes):
        require_integer(f"sizes[{i}]", size, minimum=0)
    total = sum(sizes)
    if total == 0:
        raise ValueError("sizes must add up to at least one sample, got none")
    for i, gradient in enumerate(gradients):
        require_tensor(f"gradients[{i}]", gradient)
        if gradient.shape != gradients[0].shape:
            raise ValueError(
                f"gradients[{i}] must have the shape of gradients[0], {tuple(gradients[0].shape)}, "
                f"got {describe(gradient)}"
            )
    # An empty share has no mean: its gradient is 0/0, and 0 times that would still be NaN.
    parts = [
        gradient * (size / total) for gradient, size in zip(gradients, sizes, strict=True) if size
    ]
    return torch.stack(parts).sum(dim=0)


class ProcessGroup(NamedTuple):
    """Which of how many processes this one is, and where it computes.

    Attributes
    ----------
    rank : int
        The number of this process, from 0. Number 0 prints and saves.
    size : int
        How many there are.
    device : torch.device
        Where this process computes.

    Examples
    --------
    >>> ProcessGroup(rank=0, size=1, device=torch.device("cpu")).is_first
    True
    """

    rank: int
    size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that prints and saves."""
        return self.rank == 0


@contextlib.contextmanager
def process_group(backend: str | None = None) -> Iterator[ProcessGroup]:
    """Join the other processes of this run, and leave them at the end.

    Parameters
    ----------
    backend : {"gloo", "nccl"}, optional
        How they talk: ``gloo`` on the CPU, ``nccl`` between NVIDIA GPUs. Default: what fits the
        device.

    Yields
    ------
    ProcessGroup
        This process's number, how many there are, and its device. A script that ``torchrun`` has
        not started is a group of one, which needs no connection.

    Raises
    ------
    ValueError
        If ``backend`` is another word, or ``nccl`` without a GPU.
    RuntimeError
        If this process has joined a group already.

    Examples
    --------
    >>> with process_group("gloo") as group:
    ...     group.rank, group.size
    (0, 1)
    """
    device = get_device()
    if device.type == "mps":
        device = torch.device("cpu")  # no backend reaches Apple's GPU
    if backend is None:
        backend = "nccl" if device.type == "cuda" else "gloo"
    require_choice("backend", backend, ("gloo", "nccl"))
    if backend == "nccl" and device.type != "cuda":
        raise ValueError("backend must be 'gloo' on the CPU, got 'nccl'")
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield ProcessGroup(0, 1, device)
        return
    if dist.is_initialized():
        raise RuntimeError("this process must join one group only, and it has joined one already")
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    dist.init_process_group(backend)
    try:
        yield ProcessGroup(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()


def average_gradients(model: nn.Module, n_samples: int) -> None:
    r"""Replace each gradient by that of the whole batch, which all processes then have.

    Call it between ``backward()`` and ``step()``. This is what ``DistributedDataParallel`` does,
    except that it weights each share by its samples.

    Parameters
    ----------
    model : torch.nn.Module
        A copy of the same model in each process, with the gradients of the mean loss over this
        process's share.
    n_samples : int
        How many samples this process's share has.

    Raises
    ------
    TypeError
        If ``model`` is not a module or ``n_samples`` not an ``int``.
    ValueError
        If ``n_samples`` is negative, or no process has a sample.

    Notes
    -----
    A parameter without a gradient counts as 0, so that all processes wait for each other in the
    same order. In a single process that has joined no group, nothing changes.

    One message for each parameter: PyTorch packs them into few and sends them while the backward
    pass still runs.

    References
    ----------
    S. Li et al., "PyTorch Distributed: experiences on accelerating data parallel training", VLDB
    2020, https://doi.org/10.14778/3415478.3415530

    Examples
    --------
    >>> model = nn.Linear(1, 1, bias=False)
    >>> model(torch.ones(2, 1)).mean().backward()
    >>> average_gradients(model, 2)
    >>> model.weight.grad
    tensor([[1.]])
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {describe(model)}")
    require_integer("n_samples", n_samples, minimum=0)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not dist.is_initialized() or not parameters:
        return
    total = torch.tensor(float(n_samples), device=parameters[0].device)
    dist.all_reduce(total)
    if total.item() == 0:
        raise ValueError("n_samples must be at least 1 in one process, got 0 in all")
    for parameter in parameters:
        if parameter.grad is None or n_samples == 0:
            parameter.grad = torch.zeros_like(parameter)
        parameter.grad.mul_(n_samples / total.item())
        dist.all_reduce(parameter.grad)  # the sum over all processes


class SharedModel(nn.Module):
    """A model that takes its share of each batch, in every process of a group.

    Parameters
    ----------
    model : torch.nn.Module
        The model, on the group's device.
    group : ProcessGroup
        What :func:`process_group` yields.

    Raises
    ------
    TypeError
        If ``model`` is not a module or ``group`` not a :class:`ProcessGroup`.
    ValueError
        If the inputs of a batch differ in their numbers of rows.

    Notes
    -----
    Every process is given the same whole batch, so the generator that shuffles must start at the
    same seed in each, and the loss must be a :class:`SharedMean`. In a group of one the model is
    called as it is.

    The parameters of the first process are copied to the others at the start, and gradients are
    averaged by ``DistributedDataParallel``, while the backward pass runs.

    Layers that look at the batch as a whole, as batch normalisation, see their share only. See
    :class:`torch.nn.SyncBatchNorm`.

    References
    ----------
    S. Li et al., "PyTorch Distributed: experiences on accelerating data parallel training", VLDB
    2020, https://doi.org/10.14778/3415478.3415530

    Examples
    --------
    >>> with process_group("gloo") as group:
    ...     model = SharedModel(nn.Linear(2, 1).to(group.device), group)
    ...     model(torch.zeros(5, 2, device=group.device)).shape
    torch.Size([5, 1])
    """

    def __init__(self, model: nn.Module, group: ProcessGroup) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {describe(model)}")
        self.group = _require_group(group)
        trains = any(parameter.requires_grad for parameter in model.parameters())
        wrap = group.size > 1 and trains
        self.inner = DistributedDataParallel(model) if wrap else model

    @property
    def whole_batch_model(self) -> nn.Module:
        """The model itself, which is what is saved and what another program loads."""
        inner = self.inner
        return inner.module if isinstance(inner, DistributedDataParallel) else inner

    def forward(self, *inputs: Tensor) -> Any:
        """Return the model's output for this process's share of the rows."""
        n_samples = {len(tensor) for tensor in inputs}
        if len(n_samples) != 1:
            raise ValueError(f"inputs must have equal numbers of rows, got {sorted(n_samples)}")
        share = share_of_batch(n_samples.pop(), self.group.rank, self.group.size)
        return self.inner(*(tensor[share] for tensor in inputs))


class SharedMean:
    r"""A loss or a metric, taken over the whole batch by all processes together.

    .. math:: L = \sum_p \frac{n_p}{n} \, L_p,
              \qquad \text{with the gradient of } P\, \frac{n_p}{n} \, L_p \text{ in process } p

    The factor :math:`P` undoes the division by the number of processes with which
    ``DistributedDataParallel`` averages. So a last batch that is short, and shares that are not
    equally long, weigh what they should.

    Parameters
    ----------
    measure : callable
        ``measure(output, target)`` returns the mean over its samples, as the losses of PyTorch do.
    group : ProcessGroup
        What :func:`process_group` yields.

    Raises
    ------
    TypeError
        If ``measure`` cannot be called, makes a sum (``reduction="sum"``), or ``group`` is not a
        :class:`ProcessGroup`.
    ValueError
        If the output's rows are not this process's share of the target's.

    Notes
    -----
    The value is the same in every process, so that decisions taken from it, such as to stop early,
    are the same too.

    A process whose share is empty contributes nothing, and still takes part in the exchange.

    Examples
    --------
    >>> with process_group("gloo") as group:
    ...     loss = SharedMean(nn.MSELoss(), group)
    ...     loss(torch.zeros(2, 1), torch.ones(2, 1))
    tensor(1.)
    """

    def __init__(self, measure: Callable[[Any, Any], Any], group: ProcessGroup) -> None:
        if not callable(measure):
            raise TypeError(f"measure must be callable, got {describe(measure)}")
        reduction = getattr(measure, "reduction", "mean")
        if reduction != "mean":
            raise TypeError(
                f"measure must be a mean over its samples, got one with reduction={reduction!r}; "
                "use reduction='mean'"
            )
        self.measure = measure
        self.group = _require_group(group)

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean over the whole batch, with the gradient of this share's part."""
        group = self.group
        if group.size == 1:
            return torch.as_tensor(self.measure(output, target))
        share = share_of_batch(len(target), group.rank, group.size)
        own = target[share]
        if len(output) != len(own):
            raise ValueError(
                f"output must have the {len(own)} rows of this process's share of {len(target)}, "
                f"got {len(output)}; the model must be a SharedModel"
            )
        weight = len(own) / len(target) if len(target) else 0.0
        if len(own):
            part = torch.as_tensor(self.measure(output, own), device=output.device) * weight
        else:
            part = output.sum() * 0  # nothing, but joined to every parameter
        whole = part.detach().clone()
        dist.all_reduce(whole)  # the sum over all processes
        # The value of the whole, the gradient of P times the part.
        return whole + group.size * (part - part.detach())


def _require_group(group: object) -> ProcessGroup:
    if not isinstance(group, ProcessGroup):
        raise TypeError(f"group must be a ProcessGroup, got {describe(group)}; use process_group()")
    return group
