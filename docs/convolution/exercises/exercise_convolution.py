"""Exercises: convolution.

Write the functions, then run this file: ``python exercise_convolution.py``.
"""

import torch
import torch.nn.functional as F

from handbook.exercises import expect, run_checks


def conv1d_by_loops(signal, kernel, stride=1, padding=0, dilation=1):
    """Convolve one signal with one kernel, by loops over numbers.

    Use neither torch.nn.functional nor Tensor.unfold. The kernel is not flipped.

    Arguments: signal of shape (n,), kernel of shape (k,), and three ints.
    Returns: a tensor of shape (n_out,), of the signal's dtype.
    """
    # solution: begin
    padded = torch.zeros(len(signal) + 2 * padding, dtype=signal.dtype)
    padded[padding : padding + len(signal)] = signal
    span = dilation * (len(kernel) - 1) + 1
    output = torch.zeros((len(padded) - span) // stride + 1, dtype=signal.dtype)
    for q in range(len(output)):
        for j in range(len(kernel)):
            output[q] += kernel[j] * padded[stride * q + dilation * j]
    return output
    # solution: end


def same_padding(kernel_size, dilation=1):
    """Return the zeros to add before and after a signal so that its size stays, with stride 1.

    Where the two cannot be equal, the larger number is the one after.

    Arguments: two ints. Returns: a tuple of two ints.
    """
    # solution: begin
    missing = dilation * (kernel_size - 1)  # what a kernel takes away from the size
    return missing // 2, missing - missing // 2
    # solution: end


def parameter_count(in_channels, out_channels, kernel_size, groups=1, bias=True):
    """Return how many numbers a Conv2d layer with a square kernel learns.

    Arguments: four ints and a bool. Returns: an int.
    """
    # solution: begin
    weights = out_channels * (in_channels // groups) * kernel_size**2
    return weights + (out_channels if bias else 0)
    # solution: end


def moving_kernel():
    """Return a kernel that moves an image one pixel to the right and one pixel down.

    With padding=1, output pixel (r, q) must be input pixel (r - 1, q - 1); row 0 and column 0 of
    the output are zeros.

    Returns: a tensor of shape (1, 1, 3, 3), float32.
    """
    # solution: begin
    # Output (r, q) reads the window that starts at input (r - 1, q - 1): its first weight.
    kernel = torch.zeros(1, 1, 3, 3)
    kernel[0, 0, 0, 0] = 1
    return kernel
    # solution: end


def _flipped(signal, kernel, stride=1, padding=0, dilation=1):
    return _reference(signal, kernel.flip(0), stride, padding, dilation)


def _reference(signal, kernel, stride=1, padding=0, dilation=1):
    return F.conv1d(signal[None], kernel[None, None], None, stride, padding, dilation)[0]


def _kernel_with_one_at(row, column):
    kernel = torch.zeros(1, 1, 3, 3)
    kernel[0, 0, row, column] = 1
    return kernel


MISTAKES = {
    "conv1d_by_loops": {
        "You flipped the kernel. A network's convolution does not.": _flipped,
        "You left out the stride: output q starts at input stride * q.": (
            lambda signal, kernel, stride=1, padding=0, dilation=1: _reference(
                signal, kernel, 1, padding, dilation
            )
        ),
        "You left out the padding.": (
            lambda signal, kernel, stride=1, padding=0, dilation=1: _reference(
                signal, kernel, stride, 0, dilation
            )
        ),
        "You left out the dilation: weight j reads dilation * j cells further on.": (
            lambda signal, kernel, stride=1, padding=0, dilation=1: _reference(
                signal, kernel, stride, padding, 1
            )
        ),
    },
    "same_padding": {
        "You padded by half the kernel on both sides: an even kernel then adds one.": (
            lambda kernel_size, dilation=1: (
                dilation * kernel_size // 2,
                dilation * kernel_size // 2,
            )
        ),
        "You rounded down on both sides: an even kernel then loses one.": (
            lambda kernel_size, dilation=1: ((dilation * (kernel_size - 1)) // 2,) * 2
        ),
        "You left out the dilation, which stretches the kernel.": (
            lambda kernel_size, dilation=1: ((kernel_size - 1) // 2, kernel_size // 2)
        ),
        "The larger number comes after, not before.": (
            lambda kernel_size, dilation=1: (
                dilation * (kernel_size - 1) - dilation * (kernel_size - 1) // 2,
                dilation * (kernel_size - 1) // 2,
            )
        ),
    },
    "parameter_count": {
        "You counted one slice per kernel: each kernel has one for every input channel.": (
            lambda in_channels, out_channels, kernel_size, groups=1, bias=True: (
                out_channels * kernel_size**2 + (out_channels if bias else 0)
            )
        ),
        "You left out the groups: a kernel reaches in_channels / groups channels.": (
            lambda in_channels, out_channels, kernel_size, groups=1, bias=True: (
                out_channels * in_channels * kernel_size**2 + (out_channels if bias else 0)
            )
        ),
        "You divided by the groups twice: each group has its own share of the kernels.": (
            lambda in_channels, out_channels, kernel_size, groups=1, bias=True: (
                out_channels // groups * (in_channels // groups) * kernel_size**2
                + (out_channels if bias else 0)
            )
        ),
        "A bias is one number per output channel, not one per layer.": (
            lambda in_channels, out_channels, kernel_size, groups=1, bias=True: (
                out_channels * (in_channels // groups) * kernel_size**2 + int(bias)
            )
        ),
    },
    "moving_kernel": {
        "It moves the image up and to the left. The kernel is not flipped: the weight that "
        "reads the pixel above and to the left is the first one.": _kernel_with_one_at(2, 2),
        "It leaves the image where it is.": _kernel_with_one_at(1, 1),
    },
}


def test_conv1d_by_loops():
    generator = torch.Generator().manual_seed(0)
    signal = torch.randint(-4, 5, (11,), generator=generator).double()
    kernel = torch.tensor([1.0, 2.0, -4.0], dtype=torch.float64)
    for options in (
        {},
        {"padding": 2},
        {"stride": 3},
        {"dilation": 2},
        {"stride": 2, "padding": 1},
    ):
        expect(
            conv1d_by_loops,
            signal,
            kernel,
            **options,
            equals=_reference(signal, kernel, **options),
            mistakes=MISTAKES["conv1d_by_loops"],
        )


def test_same_padding():
    for kernel_size, dilation, wanted in ((3, 1, (1, 1)), (4, 1, (1, 2)), (3, 2, (2, 2))):
        expect(
            same_padding,
            kernel_size,
            dilation,
            equals=wanted,
            mistakes=MISTAKES["same_padding"],
        )
    for kernel_size, dilation, wanted in ((1, 1, (0, 0)), (2, 3, (1, 2)), (6, 2, (5, 5))):
        expect(same_padding, kernel_size, dilation, equals=wanted)


def test_parameter_count():
    expect(parameter_count, 5, 10, 3, equals=460, mistakes=MISTAKES["parameter_count"])
    for options in ({"groups": 4}, {"groups": 4, "bias": False}, {"bias": False}):
        layer = torch.nn.Conv2d(8, 12, 5, **options)
        expect(
            parameter_count,
            8,
            12,
            5,
            **options,
            equals=sum(parameter.numel() for parameter in layer.parameters()),
            mistakes=MISTAKES["parameter_count"],
        )


def test_moving_kernel():
    expect(moving_kernel, equals=_kernel_with_one_at(0, 0), mistakes=MISTAKES["moving_kernel"])
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    moved = torch.zeros(1, 1, 3, 4)
    moved[..., 1:, 1:] = image[..., :-1, :-1]
    expect(F.conv2d(image, moving_kernel(), padding=1), equals=moved)


if __name__ == "__main__":
    run_checks(globals())
