r"""Random numbers that are the same for every reader, on every device.

Whatever draws takes a generator. Only the layers fall back on PyTorch's global one where none is
given, as ``torch.nn`` does. Draws are made on the CPU and moved, because the CPU and the GPU turn
the same seed into different numbers.
"""

from __future__ import annotations

import torch

from handbook.checks import require_integer

__all__ = ["make_generator"]

_LARGEST_SEED = 2**63 - 1  # torch.Generator.manual_seed takes a signed 64-bit integer


def make_generator(seed: int) -> torch.Generator:
    """Return a new CPU generator that starts at ``seed``.

    Parameters
    ----------
    seed : int
        Any whole number from 0 to 2⁶³ − 1.

    Returns
    -------
    torch.Generator
        A generator of its own; drawing from it leaves the global one where it was.

    Raises
    ------
    TypeError
        If ``seed`` is not an ``int``.
    ValueError
        If ``seed`` is negative or does not fit into 63 bits.

    Examples
    --------
    The same seed gives the same numbers:

    >>> a = torch.randn(3, generator=make_generator(0))
    >>> b = torch.randn(3, generator=make_generator(0))
    >>> torch.equal(a, b)
    True

    One generator, used twice, goes on where it stopped:

    >>> generator = make_generator(0)
    >>> first, second = (torch.randn(3, generator=generator) for _ in range(2))
    >>> torch.equal(first, second)
    False
    """
    require_integer("seed", seed, minimum=0, maximum=_LARGEST_SEED)
    return torch.Generator(device="cpu").manual_seed(seed)
