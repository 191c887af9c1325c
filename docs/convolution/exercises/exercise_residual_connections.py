"""Exercises: residual connections.

Write the functions, then run this file: ``python exercise_residual_connections.py``.
"""

import torch
import torch.nn.functional as F

from handbook.exercises import expect, run_checks


def block_backward(x, weight, upstream):
    """Return the gradient of a loss with respect to the input of the block y = x + tanh(x W^T).

    Derive it by hand; use no autograd.

    Arguments: x of shape (N, D), weight of shape (D, D), and upstream of shape (N, D), which is the
    gradient of the loss with respect to y. Returns: a tensor of shape (N, D).
    """
    # solution: begin
    slope = 1 - torch.tanh(x @ weight.T) ** 2
    return upstream + (upstream * slope) @ weight
    # solution: end


def free_shortcut(x, out_channels, stride):
    """Bring images to a branch's shape without a parameter.

    Take every stride-th row and column, starting with row 0 and column 0, and put channels of
    zeros behind those that are there.

    Arguments: x of shape (N, C, H, W), and two ints, out_channels being at least C.
    Returns: a tensor of shape (N, out_channels, ceil(H / stride), ceil(W / stride)).
    """
    # solution: begin
    kept = x[:, :, ::stride, ::stride]
    n_images, channels, height, width = kept.shape
    zeros = kept.new_zeros(n_images, out_channels - channels, height, width)
    return torch.cat([kept, zeros], dim=1)
    # solution: end


def _cropped(x, out_channels, stride):
    rows, columns = -(-x.shape[2] // stride), -(-x.shape[3] // stride)
    kept = x[:, :, :rows, :columns]
    return F.pad(kept, (0, 0, 0, 0, 0, out_channels - x.shape[1]))


MISTAKES = {
    "block_backward": {
        "You took only the branch: the gradient of the shortcut is missing.": lambda x, w, g: (
            (g * (1 - torch.tanh(x @ w.T) ** 2)) @ w
        ),
        "You forgot the slope of tanh.": lambda x, w, g: g + g @ w,
        "You multiplied by the transpose of the weight. Going back through x W^T means "
        "multiplying by W.": lambda x, w, g: g + (g * (1 - torch.tanh(x @ w.T) ** 2)) @ w.T,
        "You multiplied the two paths. They are added.": lambda x, w, g: (
            g * ((g * (1 - torch.tanh(x @ w.T) ** 2)) @ w)
        ),
    },
    "free_shortcut": {
        "You kept the upper left corner. Take every stride-th row and column.": _cropped,
        "You put the zeros in front of the channels.": lambda x, out_channels, stride: F.pad(
            x[:, :, ::stride, ::stride], (0, 0, 0, 0, out_channels - x.shape[1], 0)
        ),
        "You left out the stride.": lambda x, out_channels, stride: F.pad(
            x, (0, 0, 0, 0, 0, out_channels - x.shape[1])
        ),
        "You repeated the channels. The new ones are zeros.": lambda x, out_channels, stride: (
            torch.cat([x[:, :, ::stride, ::stride]] * -(-out_channels // x.shape[1]), dim=1)[
                :, :out_channels
            ]
        ),
        "You started at the last row or column of each step, not at row 0 and column 0.": (
            lambda x, out_channels, stride: F.pad(
                x[:, :, stride - 1 :: stride, stride - 1 :: stride],
                (0, 0, 0, 0, 0, out_channels - x.shape[1]),
            )
        ),
    },
}


def test_block_backward():
    generator = torch.Generator().manual_seed(0)
    x, upstream = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64)
    weight = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(leaf + torch.tanh(leaf @ weight.T), leaf, upstream)
    mistakes = MISTAKES["block_backward"]
    expect(block_backward, x, weight, upstream, equals=wanted, mistakes=mistakes)


def test_block_backward_with_zero_weights():
    x = torch.tensor([[0.5, -2.0]])
    upstream = torch.tensor([[3.0, 4.0]])
    mistakes = MISTAKES["block_backward"]
    expect(block_backward, x, torch.zeros(2, 2), upstream, equals=upstream, mistakes=mistakes)


def test_free_shortcut():
    x = torch.arange(2.0 * 2 * 4 * 4).reshape(2, 2, 4, 4) + 1
    wanted = torch.zeros(2, 5, 2, 2)
    wanted[:, :2] = x[:, :, [0, 2]][..., [0, 2]]
    expect(free_shortcut, x, 5, 2, equals=wanted, mistakes=MISTAKES["free_shortcut"])


def test_free_shortcut_of_odd_sizes():
    x = torch.arange(1.0 * 1 * 3 * 5).reshape(1, 1, 3, 5) + 1
    wanted = torch.zeros(1, 3, 2, 3)
    wanted[:, :1] = x[:, :, [0, 2]][..., [0, 2, 4]]
    expect(free_shortcut, x, 3, 2, equals=wanted, mistakes=MISTAKES["free_shortcut"])


if __name__ == "__main__":
    run_checks(globals())
