r"""Models of text, one character after the other: encoding, counts, surprise and sampling.

A text is encoded as a vector of whole numbers, one for each character. A model gives the next
character a probability :math:`p`; :math:`-\log_2 p` is its surprise in bits, and the mean over a
text is the model's *bits per character*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_floating,
    require_generator,
    require_integer,
    require_number,
    require_tensor,
)

__all__ = [
    "Vocabulary",
    "ngram_probabilities",
    "ngram_bits",
    "NgramModel",
    "bits_per_character",
    "perplexity",
    "sample_index",
    "generate",
    "text_streams",
]

_LARGEST_TABLE = 2**26  # numbers: 256 MiB in float32
_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


@dataclass(frozen=True)
class Vocabulary:
    """The characters that a model knows, and the number of each.

    Parameters
    ----------
    characters : str
        Each character once; its place is its number.
    unknown : str, optional
        One of ``characters``, which stands for every character that is not among them. Without it,
        such a character is refused.

    Raises
    ------
    TypeError
        If ``characters`` is not a string, or ``unknown`` neither one nor None.
    ValueError
        If it is empty or holds a character twice, or ``unknown`` is not one of them.

    Examples
    --------
    >>> vocabulary = Vocabulary.of("a cat")
    >>> vocabulary.characters, len(vocabulary)
    (' act', 4)
    >>> vocabulary.encode("tact"), vocabulary.decode(torch.tensor([2, 1, 3]))
    (tensor([3, 1, 2, 3]), 'cat')

    What was never seen has no number:

    >>> vocabulary.encode("act!")
    Traceback (most recent call last):
        ...
    ValueError: text must hold known characters only, got '!' at position 3; ...
    >>> Vocabulary.of("a cat", unknown="?").encode("act!")
    tensor([2, 3, 4, 1])
    """

    characters: str
    unknown: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.characters, str):
            raise TypeError(f"characters must be a str, got {describe(self.characters)}")
        if not self.characters:
            raise ValueError("characters must hold at least one character, got ''")
        for place, character in enumerate(self.characters):
            if character in self.characters[:place]:
                raise ValueError(f"characters must hold each once, got {character!r} twice")
        if not isinstance(self.unknown, str | None):
            raise TypeError(f"unknown must be a str or None, got {describe(self.unknown)}")
        known = self.unknown is None or (len(self.unknown) == 1 and self.unknown in self.characters)
        if not known:
            raise ValueError(f"unknown must be one of characters, got {self.unknown!r}")

    @classmethod
    def of(cls, text: str, *, unknown: str | None = None) -> Vocabulary:
        """Return the vocabulary of a text, in the order of the code points.

        Parameters
        ----------
        text : str
            What to take the characters from: the text of training only.
        unknown : str, optional
            A character that stands for all others; it is added where the text has it not.

        Returns
        -------
        Vocabulary
            Its characters.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        ValueError
            If there is no character, or ``unknown`` is not a single one.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, got {describe(text)}")
        return cls("".join(sorted({*text, *(unknown or "")})), unknown)

    def __len__(self) -> int:
        """Return how many characters there are."""
        return len(self.characters)

    def encode(self, text: str) -> Tensor:
        """Return the number of each character.

        Parameters
        ----------
        text : str
            Any text, also an empty one.

        Returns
        -------
        Tensor
            ``(T,)``, int64, on the CPU.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        ValueError
            If a character is not in the vocabulary, and no other stands for it.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, got {describe(text)}")
        numbers = {character: number for number, character in enumerate(self.characters)}
        if self.unknown is None:
            for place, character in enumerate(text):
                if character not in numbers:
                    raise ValueError(
                        f"text must hold known characters only, got {character!r} at position "
                        f"{place}; use Vocabulary.of(text, unknown='?')"
                    )
        other = numbers.get(self.unknown or "", 0)
        encoded = [numbers.get(character, other) for character in text]
        return torch.tensor(encoded, dtype=torch.int64, device="cpu")

    def decode(self, indices: Tensor) -> str:
        """Return the text of a vector of numbers.

        Parameters
        ----------
        indices : Tensor
            ``(T,)``, whole numbers from 0 to ``len(self) - 1``.

        Returns
        -------
        str
            The text.

        Raises
        ------
        TypeError
            If ``indices`` is not a tensor of whole numbers.
        ValueError
            If it is not a vector, or a number has no character.
        """
        _require_indices("indices", indices, len(self))
        return "".join(self.characters[number] for number in indices.tolist())


def ngram_probabilities(
    indices: Tensor, order: int, n_symbols: int, *, alpha: float = 1.0
) -> Tensor:
    r"""Estimate from counts how probable each character is after the ``order - 1`` before it.

    .. math:: p(c \mid h) = \frac{N(h c) + \alpha}{\sum_{c'} N(h c') + \alpha V}

    Parameters
    ----------
    indices : Tensor
        The text of training, encoded.
    order : int
        1 for unigrams (no history), 2 for bigrams (one character of history), and so on.
    n_symbols : int
        :math:`V`, the size of the vocabulary.
    alpha : float, optional
        :math:`\alpha`, what is added to every count, at least 0. With 0, what was never seen has
        probability 0, and a history never seen has NaN.

    Returns
    -------
    Tensor
        The probabilities, float32; the last dimension is the next character, and sums to one.

    Shapes
    ------
    indices : ``(T,)``
    return : ``(n_symbols,) * order``

    Raises
    ------
    TypeError
        If ``indices`` is not a tensor of whole numbers, ``order`` or ``n_symbols`` not an ``int``,
        or ``alpha`` not a number.
    ValueError
        If ``indices`` is not a vector or holds a number that is no symbol, ``order`` or
        ``n_symbols`` is below 1, ``alpha`` negative or not finite, or the table would have more
        than 2²⁶ entries.

    Examples
    --------
    >>> abab = torch.tensor([0, 1, 0, 1, 0])
    >>> ngram_probabilities(abab, 1, 2, alpha=0.0)
    tensor([0.6000, 0.4000])
    >>> ngram_probabilities(abab, 2, 2, alpha=0.0)
    tensor([[0., 1.],
            [1., 0.]])

    With one added to every count, nothing is impossible:

    >>> ngram_probabilities(abab, 2, 2)
    tensor([[0.2500, 0.7500],
            [0.7500, 0.2500]])
    """
    require_integer("n_symbols", n_symbols, minimum=1)
    _require_indices("indices", indices, n_symbols)
    require_integer("order", order, minimum=1)
    alpha = require_number("alpha", alpha, minimum=0.0, below=math.inf)
    if n_symbols**order > _LARGEST_TABLE:
        raise ValueError(
            f"order must leave n_symbols**order at most {_LARGEST_TABLE}, "
            f"got {n_symbols}**{order}; use NgramModel, which keeps only what was seen"
        )
    code = _ngram_codes(indices.long(), order, n_symbols)
    counts = torch.bincount(code, minlength=n_symbols**order).double()
    counts = counts.reshape((n_symbols,) * order) + alpha
    return (counts / counts.sum(dim=-1, keepdim=True)).float()


def ngram_bits(probabilities: Tensor, indices: Tensor) -> Tensor:
    r"""Return the surprise of each character under a table: :math:`-\log_2 p(c_t \mid h_t)`.

    Parameters
    ----------
    probabilities : Tensor
        As from :func:`ngram_probabilities`; its number of dimensions is the order.
    indices : Tensor
        The text, encoded.

    Returns
    -------
    Tensor
        Bits, one number for each character that has a whole history before it. Their mean is the
        table's bits per character.

    Shapes
    ------
    probabilities : ``(V,) * order``
    indices : ``(T,)``
    return : ``(max(T - order + 1, 0),)``

    Raises
    ------
    TypeError
        If ``probabilities`` is not a floating-point tensor or ``indices`` not one of whole numbers.
    ValueError
        If the table's dimensions differ or it has none, or ``indices`` is not a vector or holds a
        number that is no symbol.

    Examples
    --------
    >>> ngram_bits(torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0, 1, 2]))
    tensor([1., 2., 2.])
    """
    require_floating("probabilities", probabilities)
    if probabilities.dim() == 0 or len(set(probabilities.shape)) != 1:
        raise ValueError(
            f"probabilities must have the shape (V,) * order, got {describe(probabilities)}"
        )
    order, n_symbols = probabilities.dim(), len(probabilities)
    _require_indices("indices", indices, n_symbols)
    code = _ngram_codes(indices.long(), order, n_symbols).to(probabilities.device)
    return -torch.log2(probabilities.reshape(-1)[code])


class NgramModel:
    r"""Counts of all orders up to ``order``, mixed so that short histories stand in for rare ones.

    .. math:: p_k(c \mid h) = \frac{N(h c) + U(h)\, p_{k-1}(c \mid h')}{N(h) + U(h)},
              \qquad p_0(c) = \frac1V

    :math:`h` are the :math:`k - 1` characters before, :math:`h'` is :math:`h` without its first,
    :math:`N` counts, and :math:`U(h)` is how many different characters were seen after :math:`h`:
    the more of them, the likelier is a new one. This is Witten-Bell smoothing.

    Parameters
    ----------
    indices : Tensor
        The text of training, encoded.
    order : int
        The longest n-gram, at least 1: with 4, a character is told from the three before it.
    n_symbols : int
        :math:`V`, the size of the vocabulary.

    Shapes
    ------
    indices : ``(T,)``

    Raises
    ------
    TypeError
        If ``indices`` is not a tensor of whole numbers, or ``order`` or ``n_symbols`` not an
        ``int``.
    ValueError
        If ``indices`` is not a vector or holds a number that is no symbol, or ``order`` or
        ``n_symbols`` is below 1, or ``n_symbols**order`` does not fit into 63 bits.

    References
    ----------
    Witten and Bell, "The zero-frequency problem: estimating the probabilities of novel events in
    adaptive text compression", IEEE Transactions on Information Theory 37 (1991),
    https://doi.org/10.1109/18.87000

    Examples
    --------
    After 0 came 1 (twice); a unigram stands behind it:

    >>> model = NgramModel(torch.tensor([0, 1, 0, 1, 0]), 2, 2)
    >>> model.probabilities(torch.tensor([0]))
    tensor([0.1905, 0.8095])
    >>> model.bits(torch.tensor([0, 1, 1])).shape
    torch.Size([3])
    """

    def __init__(self, indices: Tensor, order: int, n_symbols: int) -> None:
        require_integer("n_symbols", n_symbols, minimum=1)
        _require_indices("indices", indices, n_symbols)
        require_integer("order", order, minimum=1)
        if n_symbols**order >= 2**63:
            raise ValueError(
                f"order must leave n_symbols**order below 2**63, got {n_symbols}**{order}"
            )
        self.order, self.n_symbols = order, n_symbols
        text = indices.detach().cpu().long()
        self._seen: list[tuple[Tensor, Tensor]] = []  # per order: sorted codes, and their counts
        self._histories: list[tuple[Tensor, Tensor, Tensor]] = []  # sorted codes, N(h), U(h)
        for k in range(1, order + 1):
            codes, counts = torch.unique(_ngram_codes(text, k, n_symbols), return_counts=True)
            histories, place, kinds = torch.unique(
                codes // n_symbols, return_inverse=True, return_counts=True
            )
            totals = torch.zeros(len(histories), dtype=torch.int64)
            self._seen.append((codes, counts))
            self._histories.append((histories, totals.index_add_(0, place, counts), kinds))

    def bits(self, indices: Tensor) -> Tensor:
        r"""Return the surprise of each character of a text, :math:`-\log_2 p(c_t \mid h_t)`.

        Parameters
        ----------
        indices : Tensor
            The text, encoded. The first characters have shorter histories.

        Returns
        -------
        Tensor
            ``(T,)``, float64, on the CPU, in bits.

        Raises
        ------
        TypeError
            If ``indices`` is not a tensor of whole numbers.
        ValueError
            If it is not a vector, or holds a number that is no symbol.
        """
        _require_indices("indices", indices, self.n_symbols)
        text = indices.detach().cpu().long()
        share = torch.full((len(text),), 1 / self.n_symbols, dtype=torch.float64)
        for k in range(1, min(self.order, len(text)) + 1):
            code = _ngram_codes(text, k, self.n_symbols)
            # The first k - 1 characters have no history that long, and keep what they have.
            share[k - 1 :] = self._mixed(k, code, share[k - 1 :])
        return -torch.log2(share)

    def probabilities(self, history: Tensor) -> Tensor:
        """Return the probability of each symbol after a history.

        Parameters
        ----------
        history : Tensor
            What stands before, encoded; only its last ``order - 1`` symbols count. It may be empty.

        Returns
        -------
        Tensor
            ``(n_symbols,)``, float32, on the CPU; the sum is one.

        Raises
        ------
        TypeError
            If ``history`` is not a tensor of whole numbers.
        ValueError
            If it is not a vector, or holds a number that is no symbol.
        """
        _require_indices("history", history, self.n_symbols)
        recent = history.detach().cpu().long()[max(len(history) - self.order + 1, 0) :]
        symbols = torch.arange(self.n_symbols, device="cpu")
        share = torch.full((self.n_symbols,), 1 / self.n_symbols, dtype=torch.float64)
        code, power = symbols, self.n_symbols
        for k in range(1, min(self.order, len(recent) + 1) + 1):
            share = self._mixed(k, code, share)
            if k <= len(recent):
                code = code + recent[-k] * power
                power *= self.n_symbols
        return share.float()

    def _mixed(self, k: int, code: Tensor, shorter: Tensor) -> Tensor:
        seen, counts = self._seen[k - 1]
        histories, totals, kinds = self._histories[k - 1]
        count = _looked_up(code, seen, counts)
        total = _looked_up(code // self.n_symbols, histories, totals)
        kind = _looked_up(code // self.n_symbols, histories, kinds)
        # A history that was never seen has N = U = 0 and tells nothing: the shorter one decides.
        mixed = (count + kind * shorter) / (total + kind).clamp(min=1)
        return torch.where(total > 0, mixed, shorter)


def bits_per_character(logits: Tensor, targets: Tensor) -> Tensor:
    r"""Return the mean surprise of the characters that came, in bits.

    .. math:: B = -\frac1N \sum_{n=1}^{N} \log_2 p_n(c_n),
              \qquad p_n = \operatorname{softmax}(z_n)

    Parameters
    ----------
    logits : Tensor
        :math:`z`, the model's scores; the last dimension is the vocabulary.
    targets : Tensor
        :math:`c`, the characters that came; whole numbers.

    Returns
    -------
    Tensor
        Bits per character: the cross-entropy, which is in nats, divided by log 2.

    Shapes
    ------
    logits : ``(*, V)``
    targets : ``(*)``
    return : ``()``

    Raises
    ------
    TypeError
        If ``logits`` is not a floating-point tensor or ``targets`` not one of whole numbers.
    ValueError
        If the shapes do not fit, there is no character, or a target is no symbol.

    Notes
    -----
    float16 and bfloat16 are summed in float32.

    Examples
    --------
    A guess among four that are equally likely costs two bits:

    >>> bits_per_character(torch.zeros(3, 4), torch.tensor([0, 1, 3])).item()
    2.0

    A logit of −∞ costs nothing as long as its character does not come:

    >>> logits = torch.tensor([[0.0, -torch.inf]])
    >>> [bits_per_character(logits, torch.tensor([c])).item() for c in (0, 1)]
    [0.0, inf]
    """
    require_floating("logits", logits)
    require_tensor("targets", targets)
    if targets.dtype not in _INTEGERS:
        raise TypeError(f"targets must hold whole numbers, got {describe(targets)}")
    if logits.dim() == 0 or logits.shape[:-1] != targets.shape:
        raise ValueError(
            f"targets must have the shape of logits without its last dimension, "
            f"{tuple(logits.shape[:-1])}, got {describe(targets)}"
        )
    if targets.numel() == 0:
        raise ValueError(f"targets must hold at least one character, got {describe(targets)}")
    _require_indices("targets", targets.reshape(-1), logits.shape[-1])
    wide = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    # log p = z - max z - log sum exp(z - max z): the largest exponent is 0, so nothing overflows.
    shifted = wide - wide.detach().amax(dim=-1, keepdim=True)
    log_sum = shifted.exp().sum(dim=-1).log()
    came = shifted.gather(-1, targets.long()[..., None].to(shifted.device))[..., 0]
    return ((log_sum - came).mean() / math.log(2)).to(logits.dtype)


def perplexity(bits: float) -> float:
    """Return among how many equally likely characters a guess would be as hard: ``2**bits``.

    Parameters
    ----------
    bits : float
        The mean surprise in bits, at least 0.

    Returns
    -------
    float
        The perplexity, dimensionless; infinite where the bits are, or beyond the largest float.

    Raises
    ------
    TypeError
        If ``bits`` is not a number.
    ValueError
        If it is negative or NaN.

    Examples
    --------
    >>> perplexity(2.0), perplexity(0)
    (4.0, 1.0)
    """
    bits = require_number("bits", bits, minimum=0.0)
    return 2.0**bits if bits < 1024 else math.inf  # the largest float is just below 2**1024


def sample_index(logits: Tensor, *, temperature: float = 1.0, generator: torch.Generator) -> Tensor:
    r"""Draw one symbol from the softmax of logits that are divided by a temperature.

    .. math:: P(c) = \frac{e^{z_c / T}}{\sum_j e^{z_j / T}}

    Parameters
    ----------
    logits : Tensor
        :math:`z`, the scores; the last dimension is the vocabulary. A score of −∞ forbids a symbol.
    temperature : float, optional
        :math:`T`, at least 0: 1 draws as the model says, below 1 the likely ones come more often,
        and 0 always takes the most likely one (the first of equals).
    generator : torch.Generator
        A CPU generator; the draws are made there in float64, so that every device gives the same.

    Returns
    -------
    Tensor
        Numbers of symbols, int64, on the device of ``logits``.

    Shapes
    ------
    logits : ``(*, V)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``logits`` is not a floating-point tensor, ``temperature`` not a number, or ``generator``
        not a :class:`torch.Generator`.
    ValueError
        If there is no symbol, a score is NaN or +∞, all scores of a row are −∞, or ``temperature``
        is negative or not finite.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> logits = torch.tensor([0.0, 2.0, -torch.inf]).expand(1000, 3)
    >>> draws = sample_index(logits, generator=generator)
    >>> draws.bincount(minlength=3).tolist()  # softmax: 0.12, 0.88, 0
    [127, 873, 0]
    >>> sample_index(logits[:3], temperature=0.0, generator=generator)
    tensor([1, 1, 1])
    """
    require_floating("logits", logits)
    temperature = require_number("temperature", temperature, minimum=0.0, below=math.inf)
    require_generator("generator", generator)
    if logits.dim() == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits must have at least one symbol, got {describe(logits)}")
    scores = logits.detach().cpu().double()
    largest = scores.amax(dim=-1, keepdim=True)
    if not bool(torch.isfinite(largest).all()):
        raise ValueError(
            "logits must have a finite largest score in every row, "
            f"got {largest[~torch.isfinite(largest)][0].item()}"
        )
    if temperature == 0:
        return scores.argmax(dim=-1).to(logits.device)
    weights = torch.exp((scores - largest) / temperature)
    total = weights.cumsum(dim=-1)
    # A point on the line of all weights; 1 - rand lies in (0, 1], so no weight of 0 is ever hit.
    point = total[..., -1:] * (
        1 - torch.rand(largest.shape, generator=generator, dtype=torch.float64, device="cpu")
    )
    drawn = torch.searchsorted(total, point.contiguous())[..., 0]
    return drawn.to(logits.device)


def generate(
    step: Callable[[Tensor, Any], tuple[Tensor, Any]],
    start: Tensor,
    n_steps: int,
    *,
    temperature: float = 1.0,
    generator: torch.Generator,
) -> Tensor:
    """Write on: draw the next symbol, feed it to the model, draw again.

    Parameters
    ----------
    step : callable
        Takes symbols ``(1, T)`` and a state (None at the start), and returns logits ``(1, T, V)``
        and the next state.
    start : Tensor
        The text to go on from, encoded; at least one symbol.
    n_steps : int
        How many symbols to draw, at least 0.
    temperature : float, optional
        As in :func:`sample_index`.
    generator : torch.Generator
        A CPU generator.

    Returns
    -------
    Tensor
        The drawn symbols, without ``start``.

    Shapes
    ------
    start : ``(T,)``
    return : ``(n_steps,)``

    Raises
    ------
    TypeError
        If ``step`` is not callable, ``start`` is not a tensor of whole numbers, ``n_steps`` not an
        ``int``, or as in :func:`sample_index`.
    ValueError
        If ``start`` is not a vector or empty, ``n_steps`` is negative, or as in
        :func:`sample_index`.

    Examples
    --------
    A model that always says "one more":

    >>> def step(symbols, state):
    ...     return torch.eye(4)[(symbols + 1) % 4] * 100, state
    >>> generator = torch.Generator().manual_seed(0)
    >>> generate(step, torch.tensor([1]), 5, generator=generator)
    tensor([2, 3, 0, 1, 2])
    """
    if not callable(step):
        raise TypeError(f"step must be callable, got {describe(step)}")
    _require_indices("start", start, None)
    if len(start) == 0:
        raise ValueError("start must hold at least one symbol, got none")
    require_integer("n_steps", n_steps, minimum=0)
    require_generator("generator", generator)
    drawn: list[Tensor] = []
    symbols, state = start.long()[None], None
    with torch.no_grad():
        for _ in range(n_steps):
            logits, state = step(symbols, state)
            symbol = sample_index(logits[0, -1], temperature=temperature, generator=generator)
            drawn.append(symbol)
            symbols = symbol.reshape(1, 1).to(start.device)
    return torch.stack(drawn) if drawn else start.new_empty(0, dtype=torch.int64)


def text_streams(indices: Tensor, n_streams: int, n_steps: int) -> Iterable[tuple[Tensor, Tensor]]:
    r"""Cut a text into parallel streams, and yield them piece by piece, in order.

    Stream b reads its own stretch of the text, and piece k + 1 goes on where piece k stopped. So a
    recurrent network may keep its state from piece to piece. The target of each character is the
    one after it.

    Parameters
    ----------
    indices : Tensor
        The text, encoded.
    n_streams : int
        How many streams are read side by side (the batch), at least 1.
    n_steps : int
        How many characters of each stream a piece has, at least 1; the last piece may be shorter.

    Yields
    ------
    tuple of Tensor
        Inputs and targets.

    Shapes
    ------
    indices : ``(T,)``
    inputs, targets : ``(n_streams, n_steps)``

    Raises
    ------
    TypeError
        If ``indices`` is not a tensor of whole numbers, or a number is not an ``int``.
    ValueError
        If ``indices`` is not a vector, a number is below 1, or the text is too short for every
        stream to have an input and a target.

    Notes
    -----
    Every stream has ``(T - 1) // n_streams`` inputs. What is left over at the end is not used.

    Examples
    --------
    >>> for inputs, targets in text_streams(torch.arange(9), 2, 3):
    ...     print(inputs.tolist(), targets.tolist())
    [[0, 1, 2], [4, 5, 6]] [[1, 2, 3], [5, 6, 7]]
    [[3], [7]] [[4], [8]]
    """
    _require_indices("indices", indices, None)
    require_integer("n_streams", n_streams, minimum=1)
    require_integer("n_steps", n_steps, minimum=1)
    length = (len(indices) - 1) // n_streams
    if length < 1:
        raise ValueError(
            f"indices must hold at least {n_streams + 1} characters for {n_streams} streams, "
            f"got {len(indices)}"
        )
    inputs = indices[: n_streams * length].reshape(n_streams, length)
    targets = indices[1 : n_streams * length + 1].reshape(n_streams, length)
    return _pieces(inputs, targets, n_steps)


def _pieces(inputs: Tensor, targets: Tensor, n_steps: int) -> Iterable[tuple[Tensor, Tensor]]:
    for first in range(0, inputs.shape[1], n_steps):
        yield inputs[:, first : first + n_steps], targets[:, first : first + n_steps]


# ---- codes and guards --------------------------------------------------------------------------


def _ngram_codes(text: Tensor, order: int, n_symbols: int) -> Tensor:
    """Return each n-gram as one number in base V, the last character being the last digit."""
    n_grams = max(len(text) - order + 1, 0)
    code = torch.zeros(n_grams, dtype=torch.int64, device=text.device)
    for place in range(order):
        code = code * n_symbols + text[place : place + n_grams]
    return code


def _looked_up(code: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return the value of each code, 0 for those that are not among the sorted keys."""
    if len(keys) == 0:
        return torch.zeros_like(code)
    place = torch.searchsorted(keys, code).clamp(max=len(keys) - 1)
    return torch.where(keys[place] == code, values[place], 0)


def _require_indices(name: str, value: object, n_symbols: int | None) -> Tensor:
    indices = require_tensor(name, value)
    if indices.dtype not in _INTEGERS:
        raise TypeError(f"{name} must hold whole numbers, got {describe(indices)}")
    if indices.dim() != 1:
        raise ValueError(f"{name} must have shape (T,), got {describe(indices)}")
    if n_symbols is not None and indices.numel() > 0:
        smallest, largest = int(indices.min()), int(indices.max())
        if smallest < 0 or largest >= n_symbols:
            wrong = smallest if smallest < 0 else largest
            raise ValueError(f"{name} must lie from 0 to {n_symbols - 1}, got {wrong}")
    return indices
