"""Exercises: transposed convolution.

Write the functions, then run this file: ``python exercise_transposed_convolution.py``.
"""

import torch
import torch.nn.functional as F

from handbook.exercises import expect, run_checks


def paint(signal, kernel, stride=1, padding=0):
    """Compute the transposed convolution of one signal with one kernel, by loops.

    Use no convolution that PyTorch brings.

    Arguments: signal of shape (n,), kernel of shape (k,), and two ints.
    Returns: a tensor of shape ((n - 1) * stride - 2 * padding + k,), of the signal's dtype.
    """
    # solution: begin
    canvas = torch.zeros((len(signal) - 1) * stride + len(kernel), dtype=signal.dtype)
    for r in range(len(signal)):
        for j in range(len(kernel)):
            canvas[r * stride + j] += signal[r] * kernel[j]
    return canvas[padding : len(canvas) - padding]
    # solution: end


def window_counts(n_windows, kernel_size, stride):
    """Return how many windows lie over each cell.

    Arguments: three ints; window number r covers the cells from r * stride on.
    Returns: a list of ints, as long as the windows reach.
    """
    # solution: begin
    counts = [0] * ((n_windows - 1) * stride + kernel_size)
    for r in range(n_windows):
        for j in range(kernel_size):
            counts[r * stride + j] += 1
    return counts
    # solution: end


def _reference(signal, kernel, stride=1, padding=0):
    return F.conv_transpose1d(
        signal[None, None], kernel[None, None], stride=stride, padding=padding
    )[0, 0]


def _overwritten(signal, kernel, stride=1, padding=0):
    canvas = torch.zeros((len(signal) - 1) * stride + len(kernel), dtype=signal.dtype)
    for r in range(len(signal)):
        canvas[r * stride : r * stride + len(kernel)] = signal[r] * kernel
    return canvas[padding : len(canvas) - padding]


def _counts(n_windows, kernel_size, stride):
    ones = torch.ones(n_windows), torch.ones(kernel_size)
    return [int(number) for number in _reference(*ones, stride)]


MISTAKES = {
    "paint": {
        "You overwrote where windows overlap: add.": _overwritten,
        "You flipped the kernel.": (
            lambda signal, kernel, stride=1, padding=0: _reference(
                signal, kernel.flip(0), stride, padding
            )
        ),
        "You left the padding on: here it is cut off at both ends.": (
            lambda signal, kernel, stride=1, padding=0: _reference(signal, kernel, stride)
        ),
        "You left out the stride: window r begins at r * stride.": (
            lambda signal, kernel, stride=1, padding=0: _reference(signal, kernel, 1, padding)
        ),
    },
    "window_counts": {
        "You left out the stride.": (
            lambda n_windows, kernel_size, stride: _counts(n_windows, kernel_size, 1)
        ),
        "Every cell is covered, but some by more than one window.": (
            lambda n_windows, kernel_size, stride: [1] * ((n_windows - 1) * stride + kernel_size)
        ),
    },
}


def test_paint():
    generator = torch.Generator().manual_seed(0)
    for n, k, options in (
        (4, 3, {}),
        (4, 3, {"stride": 2}),
        (5, 4, {"stride": 2, "padding": 1}),
        (3, 2, {"stride": 3}),
    ):
        signal = torch.randint(-4, 5, (n,), generator=generator).double()
        kernel = torch.randint(1, 6, (k,), generator=generator).double()
        expect(
            paint,
            signal,
            kernel,
            **options,
            equals=_reference(signal, kernel, **options),
            mistakes=MISTAKES["paint"],
        )


def test_window_counts():
    for n_windows, kernel_size, stride in ((4, 3, 2), (4, 4, 2), (3, 5, 1), (2, 2, 2)):
        expect(
            window_counts,
            n_windows,
            kernel_size,
            stride,
            equals=_counts(n_windows, kernel_size, stride),
            mistakes=MISTAKES["window_counts"],
        )


if __name__ == "__main__":
    run_checks(globals())
