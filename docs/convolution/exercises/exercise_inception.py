"""Exercises: Inception.

Write the functions, then run this file: ``python exercise_inception.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def branch_parameters(in_channels, reduced, out_channels, kernel_size):
    """Return how many numbers a branch learns: a 1 × 1 convolution, then one with a larger kernel.

    The first leaves ``reduced`` channels, the second ``out_channels``. Both have biases.

    Arguments: four ints. Returns: an int.
    """
    # solution: begin
    first = reduced * (in_channels + 1)
    second = out_channels * (reduced * kernel_size**2 + 1)
    return first + second
    # solution: end


def split_gradient(gradient, widths):
    """Take apart the gradient of joined branches: each branch gets that of its own channels.

    Arguments: gradient of shape (N, C, H, W), and widths, a list of ints that add up to C.
    Returns: a list of tensors, of shape (N, width, H, W) each.
    """
    # solution: begin
    parts, first = [], 0
    for width in widths:
        parts.append(gradient[:, first : first + width])
        first += width
    return parts
    # solution: end


def join_cropped(outputs):
    """Join branches of different sizes along the channels, after cutting all to the smallest size.

    Cut around the middle: if d rows are too many, take away d // 2 on top and the rest below, and
    the same for columns.

    Arguments: outputs, a list of tensors of shapes (N, C_i, H_i, W_i).
    Returns: a tensor of shape (N, sum of C_i, min of H_i, min of W_i).
    """
    # solution: begin
    height = min(output.shape[2] for output in outputs)
    width = min(output.shape[3] for output in outputs)
    parts = []
    for output in outputs:
        top = (output.shape[2] - height) // 2
        left = (output.shape[3] - width) // 2
        parts.append(output[:, :, top : top + height, left : left + width])
    return torch.cat(parts, dim=1)
    # solution: end


def _corner(outputs):
    height, width = (min(output.shape[i] for output in outputs) for i in (2, 3))
    return torch.cat([output[:, :, :height, :width] for output in outputs], dim=1)


def _square(outputs):
    size = min(min(output.shape[2:]) for output in outputs)
    parts = []
    for output in outputs:
        top, left = ((n - size) // 2 for n in output.shape[2:])
        parts.append(output[:, :, top : top + size, left : left + size])
    return torch.cat(parts, dim=1)


def _lower(outputs):
    height, width = (min(output.shape[i] for output in outputs) for i in (2, 3))
    parts = []
    for output in outputs:
        top, left = -(-(output.shape[2] - height) // 2), -(-(output.shape[3] - width) // 2)
        parts.append(output[:, :, top : top + height, left : left + width])
    return torch.cat(parts, dim=1)


MISTAKES = {
    "branch_parameters": {
        "You forgot the biases.": lambda c, r, o, k: r * c + o * r * k * k,
        "You let the large kernel reach through all input channels: that is a branch without the "
        "1 × 1 convolution.": lambda c, r, o, k: o * (c * k * k + 1),
        "You forgot the 1 × 1 convolution itself.": lambda c, r, o, k: o * (r * k * k + 1),
        "You took the kernel's side for its area.": lambda c, r, o, k: (
            r * (c + 1) + o * (r * k + 1)
        ),
    },
    "split_gradient": {
        "You cut along the batch. The channels are dimension 1.": lambda gradient, widths: list(
            gradient.split(widths, dim=0)
        ),
        "You gave each branch the same share.": lambda gradient, widths: list(
            gradient.chunk(len(widths), dim=1)
        ),
    },
    "join_cropped": {
        "You kept the upper left corner. Cut around the middle.": _corner,
        "You cut all to a square. Height and width are cut by themselves.": _square,
        "Where one row or column cannot be shared, take it away below and on the right.": _lower,
    },
}


def test_branch_parameters():
    mistakes = MISTAKES["branch_parameters"]
    expect(branch_parameters, 88, 16, 24, 5, equals=11048, mistakes=mistakes)


def test_branch_parameters_of_one_channel():
    mistakes = MISTAKES["branch_parameters"]
    expect(branch_parameters, 1, 2, 3, 3, equals=61, mistakes=mistakes)


def test_split_gradient():
    def split_and_shapes(gradient, widths):
        return torch.cat([part.flatten() for part in split_gradient(gradient, widths)])

    gradient = torch.arange(6.0 * 6 * 1 * 2).reshape(6, 6, 1, 2)
    wanted = torch.cat([gradient[:, :1].flatten(), gradient[:, 1:3].flatten()])
    wanted = torch.cat([wanted, gradient[:, 3:].flatten()])
    mistakes = {
        told: lambda gradient, widths, wrong=wrong: torch.cat(
            [part.flatten() for part in wrong(gradient, widths)]
        )
        for told, wrong in MISTAKES["split_gradient"].items()
    }
    expect(split_and_shapes, gradient, [1, 2, 3], equals=wanted, mistakes=mistakes)


def test_join_cropped():
    small = torch.arange(2.0 * 1 * 2 * 3).reshape(2, 1, 2, 3) + 100
    large = torch.arange(2.0 * 2 * 7 * 7).reshape(2, 2, 7, 7)  # 5 rows and 4 columns too many
    wanted = torch.cat([small, large[:, :, 2:4, 2:5]], dim=1)
    expect(join_cropped, [small, large], equals=wanted, mistakes=MISTAKES["join_cropped"])


if __name__ == "__main__":
    run_checks(globals())
