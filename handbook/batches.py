r"""Mini-batches: every sample once per epoch, by slicing, or sample by sample as a loader does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from handbook.checks import describe, require_generator, require_integer, require_tensor

__all__ = ["number_of_batches", "mini_batches", "MiniBatches", "collate", "loader_batches"]


def number_of_batches(n_samples: int, batch_size: int, *, drop_last: bool = False) -> int:
    r"""Return how many batches, and so how many steps, an epoch has.

    .. math:: \left\lceil \frac{n}{B} \right\rceil, \qquad
              \text{or} \quad \left\lfloor \frac{n}{B} \right\rfloor
              \quad \text{if a short last batch is dropped}

    Parameters
    ----------
    n_samples : int
        :math:`n`, at least 0.
    batch_size : int
        :math:`B`, at least 1.
    drop_last : bool, optional
        Whether a last batch with fewer than :math:`B` samples is left out.

    Returns
    -------
    int
        The number of batches, as ``len`` of a :class:`torch.utils.data.DataLoader`.

    Raises
    ------
    TypeError
        If a count is not an ``int``, or ``drop_last`` is not a ``bool``.
    ValueError
        If ``n_samples`` is negative or ``batch_size`` below 1.

    Examples
    --------
    >>> number_of_batches(1000, 16), 1000 / 16
    (63, 62.5)
    >>> number_of_batches(1000, 16, drop_last=True)
    62
    >>> number_of_batches(3, 16), number_of_batches(0, 16)
    (1, 0)
    """
    require_integer("n_samples", n_samples, minimum=0)
    require_integer("batch_size", batch_size, minimum=1)
    _require_drop_last(drop_last)
    whole, rest = divmod(n_samples, batch_size)
    return whole + (rest > 0 and not drop_last)


def mini_batches(
    *tensors: Tensor,
    batch_size: int,
    generator: torch.Generator | None = None,
    drop_last: bool = False,
) -> Iterator[tuple[Tensor, ...]]:
    r"""Go once through all samples, a batch at a time.

    Parameters
    ----------
    *tensors : Tensor
        At least one; row ``i`` of each belongs to sample ``i``. They may be on any device.
    batch_size : int
        Samples in a batch, at least 1. The last batch holds what is left.
    generator : torch.Generator, optional
        A CPU generator that shuffles the samples, anew with each call. Without it the batches come
        in the order of the rows.
    drop_last : bool, optional
        Leave out a last batch that is short.

    Returns
    -------
    collections.abc.Iterator
        For each batch a tuple with the same rows of each tensor, on its device. It serves one
        epoch: call again for the next.

    Shapes
    ------
    tensors : ``(N, *)``
    each batch : ``(B, *)`` with B = ``batch_size``; the last may be shorter

    Raises
    ------
    TypeError
        If something other than a tensor is given, ``batch_size`` is not an ``int``,
        ``generator`` not a :class:`torch.Generator`, or ``drop_last`` not a ``bool``.
    ValueError
        If no tensor is given, one has no dimension, the numbers of rows differ, ``batch_size`` is
        below 1, or ``generator`` is not on the CPU.

    Notes
    -----
    Shuffled batches are copies. In the order of the rows they are views: what you change in such
    a batch changes in the whole.

    The arguments are checked, and the order is drawn, at the call, not at the first batch.

    Examples
    --------
    >>> rows = torch.arange(10)
    >>> for (batch,) in mini_batches(rows, batch_size=4):
    ...     print(batch.tolist())
    [0, 1, 2, 3]
    [4, 5, 6, 7]
    [8, 9]

    Shuffled, inputs and targets stay together, and each sample comes once:

    >>> inputs, targets = torch.arange(10.0).reshape(10, 1), torch.arange(10.0) ** 2
    >>> generator = torch.Generator().manual_seed(0)
    >>> epoch = list(mini_batches(inputs, targets, batch_size=4, generator=generator))
    >>> all(torch.equal(x[:, 0] ** 2, y) for x, y in epoch)
    True
    >>> torch.cat([x for x, y in epoch]).sort(dim=0).values.flatten().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    """
    if not tensors:
        raise ValueError("tensors must be at least one, got none; use mini_batches(x, y, ...)")
    for k, tensor in enumerate(tensors):
        require_tensor(f"tensors[{k}]", tensor)
        if tensor.dim() == 0:
            raise ValueError(
                f"tensors[{k}] must have a dimension for the samples, got {describe(tensor)}"
            )
        if len(tensor) != len(tensors[0]):
            raise ValueError(
                f"tensors[{k}] must have as many rows as tensors[0], {len(tensors[0])}, "
                f"got {describe(tensor)}"
            )
    n_batches = number_of_batches(len(tensors[0]), batch_size, drop_last=drop_last)
    order = _epoch_order(len(tensors[0]), generator)
    if order is None:
        starts = range(0, n_batches * batch_size, batch_size)
        return (tuple(tensor[i : i + batch_size] for tensor in tensors) for i in starts)
    devices = {tensor.device for tensor in tensors}
    rows = {device: order.to(device).split(batch_size) for device in devices}  # moved once
    return (
        tuple(tensor.index_select(0, rows[tensor.device][k]) for tensor in tensors)
        for k in range(n_batches)
    )


class MiniBatches:
    r"""Mini-batches that can be gone through again: each pass is an epoch of :func:`mini_batches`.

    Parameters
    ----------
    *tensors : Tensor
        As for :func:`mini_batches`.
    batch_size : int
        Samples in a batch, at least 1. The last batch holds what is left.
    generator : torch.Generator, optional
        A CPU generator that shuffles the samples, anew with each pass. Without it the batches come
        in the order of the rows.
    drop_last : bool, optional
        Leave out a last batch that is short.

    Attributes
    ----------
    generator : torch.Generator or None
        The generator. Its state at the end of an epoch decides all later ones.

    Shapes
    ------
    tensors : ``(N, *)``
    each batch : ``(B, *)`` with B = ``batch_size``; the last may be shorter

    Raises
    ------
    TypeError
        As :func:`mini_batches`.
    ValueError
        As :func:`mini_batches`.

    Notes
    -----
    ``len`` is the number of batches. The arguments are checked at once; the order of an epoch is
    drawn when its pass begins.

    Examples
    --------
    >>> batches = MiniBatches(torch.arange(5), batch_size=2)
    >>> len(batches), [[batch.tolist() for (batch,) in batches] for epoch in range(2)]
    (3, [[[0, 1], [2, 3], [4]], [[0, 1], [2, 3], [4]]])

    Shuffled, each epoch has an order of its own:

    >>> generator = torch.Generator().manual_seed(0)
    >>> batches = MiniBatches(torch.arange(8), batch_size=8, generator=generator)
    >>> first, second = ([batch.tolist() for (batch,) in batches] for epoch in range(2))
    >>> first == second, sorted(first[0]) == sorted(second[0])
    (False, True)
    """

    def __init__(
        self,
        *tensors: Tensor,
        batch_size: int,
        generator: torch.Generator | None = None,
        drop_last: bool = False,
    ) -> None:
        state = None if generator is None else require_generator("generator", generator).get_state()
        mini_batches(*tensors, batch_size=batch_size, generator=generator, drop_last=drop_last)
        if generator is not None and state is not None:
            generator.set_state(state)  # the check drew an order: take it back
        self.tensors = tensors
        self.batch_size = batch_size
        self.generator = generator
        self.drop_last = drop_last

    def __len__(self) -> int:
        return number_of_batches(len(self.tensors[0]), self.batch_size, drop_last=self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return mini_batches(
            *self.tensors,
            batch_size=self.batch_size,
            generator=self.generator,
            drop_last=self.drop_last,
        )


def _epoch_order(n_samples: int, generator: torch.Generator | None) -> Tensor | None:
    """Draw a permutation of the samples; no generator, no permutation."""
    if generator is None:
        return None
    require_generator("generator", generator)
    if generator.device.type != "cpu":
        raise ValueError(
            f"generator must be on the CPU, got one on {generator.device}; "
            "use handbook.seeding.make_generator"
        )
    return torch.randperm(n_samples, generator=generator, device="cpu")


def _require_drop_last(drop_last: object) -> None:
    if not isinstance(drop_last, bool):
        raise TypeError(f"drop_last must be a bool, got {describe(drop_last)}")


def collate(samples: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    r"""Stack single samples into a batch.

    Parameters
    ----------
    samples : sequence of tuple of Tensor
        At least one sample; each is a tuple with the same number of tensors, of the same shapes.

    Returns
    -------
    tuple of Tensor
        The first tensors of all samples in one tensor, the second ones in the next, and so on.

    Shapes
    ------
    each part of a sample : ``(*)``
    each part of the batch : ``(B, *)`` for B samples

    Raises
    ------
    TypeError
        If a sample is not a tuple or list of tensors.
    ValueError
        If there is no sample, or the samples differ in length or in shapes.

    Notes
    -----
    ``torch.utils.data.default_collate`` does the same for tensors, and more: numbers, NumPy
    arrays, dictionaries and what is nested in them.

    Examples
    --------
    >>> collate([(torch.tensor([1.0, 2.0]), torch.tensor(0)),
    ...          (torch.tensor([3.0, 4.0]), torch.tensor(1))])
    (tensor([[1., 2.],
            [3., 4.]]), tensor([0, 1]))
    """
    if len(samples) == 0:
        raise ValueError("samples must be at least one, got none")
    for i, sample in enumerate(samples):
        if not isinstance(sample, (tuple, list)):
            raise TypeError(
                f"samples[{i}] must be a tuple of tensors, got {describe(sample)}; "
                "let __getitem__ return (input, target)"
            )
        if len(sample) != len(samples[0]):
            raise ValueError(
                f"samples[{i}] must have as many parts as samples[0], {len(samples[0])}, "
                f"got {len(sample)}"
            )
        for k, part in enumerate(sample):
            require_tensor(f"samples[{i}][{k}]", part)
            if part.shape != samples[0][k].shape:
                raise ValueError(
                    f"samples[{i}][{k}] must have the shape {tuple(samples[0][k].shape)} of "
                    f"samples[0][{k}], got {describe(part)}; pad or crop it"
                )
    return tuple(torch.stack(list(parts)) for parts in zip(*samples, strict=True))


def loader_batches(
    dataset: Dataset[Any],
    *,
    batch_size: int,
    generator: torch.Generator | None = None,
    drop_last: bool = False,
) -> Iterator[tuple[Tensor, ...]]:
    r"""Go once through a data set: fetch sample by sample, and stack each batch.

    This is what a :class:`torch.utils.data.DataLoader` without workers does.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Anything with ``len(dataset)`` and ``dataset[i]``, which returns a tuple of tensors.
    batch_size : int
        Samples in a batch, at least 1. The last batch holds what is left.
    generator : torch.Generator, optional
        A CPU generator that shuffles the samples. Without it they come in order.
    drop_last : bool, optional
        Leave out a last batch that is short.

    Returns
    -------
    collections.abc.Iterator
        For each batch a tuple of stacked tensors. It serves one epoch.

    Shapes
    ------
    each part of a sample : ``(*)``
    each part of a batch : ``(B, *)``

    Raises
    ------
    TypeError
        If ``dataset`` has no length or no samples, or an option is of the wrong type.
    ValueError
        If ``batch_size`` is below 1 or ``generator`` is not on the CPU; at a batch, what
        :func:`collate` refuses.

    Examples
    --------
    >>> from torch.utils.data import TensorDataset
    >>> dataset = TensorDataset(torch.arange(5.0), torch.arange(5))
    >>> for x, y in loader_batches(dataset, batch_size=2):
    ...     print(x.tolist(), y.tolist())
    [0.0, 1.0] [0, 1]
    [2.0, 3.0] [2, 3]
    [4.0] [4]
    """
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise TypeError(
            f"dataset must have __len__ and __getitem__, got {describe(dataset)}; "
            "a stream of samples has no order to draw from"
        )
    n_samples = len(dataset)
    n_batches = number_of_batches(n_samples, batch_size, drop_last=drop_last)
    order = _epoch_order(n_samples, generator)
    indices = range(n_samples) if order is None else order.tolist()
    starts = range(0, n_batches * batch_size, batch_size)
    return (collate([dataset[j] for j in indices[i : i + batch_size]]) for i in starts)
