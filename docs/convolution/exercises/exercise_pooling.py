"""Exercises: pooling.

Write the functions, then run this file: ``python exercise_pooling.py``.
"""

import torch
import torch.nn.functional as F

from handbook.exercises import expect, run_checks


def max_pool_by_loops(image, size, stride):
    """Keep the largest number of every window that fits.

    Use no pooling that PyTorch brings.

    Arguments: image, a float tensor of shape (H, W); size and stride, two ints.
    Returns: a tensor of shape ((H - size) // stride + 1, (W - size) // stride + 1).
    """
    # solution: begin
    height, width = image.shape
    output = torch.empty((height - size) // stride + 1, (width - size) // stride + 1)
    for r in range(output.shape[0]):
        for q in range(output.shape[1]):
            top, left = r * stride, q * stride
            output[r, q] = image[top : top + size, left : left + size].max()
    return output
    # solution: end


def route_gradient(image, size, stride, grad_output):
    """Send the gradient of each maximum to the place where it came from.

    Of equal numbers the first counts, row by row. Gradients that meet in one place add up.

    Arguments: image, a float tensor of shape (H, W); size and stride, two ints; grad_output,
    a float tensor of the shape of the pooled image. Returns: a tensor of shape (H, W).
    """
    # solution: begin
    grad = torch.zeros_like(image)
    for r in range(grad_output.shape[0]):
        for q in range(grad_output.shape[1]):
            top, left = r * stride, q * stride
            window = image[top : top + size, left : left + size]
            row, column = divmod(int(window.flatten().argmax()), size)
            grad[top + row, left + column] += grad_output[r, q]
    return grad
    # solution: end


def _pooled(image, size, stride):
    return F.max_pool2d(image[None, None], size, stride)[0, 0]


def _routed(image, size, stride, grad_output):
    leaf = image.clone().requires_grad_()
    _pooled(leaf, size, stride).backward(grad_output)
    return leaf.grad


def _routed_without_sum(image, size, stride, grad_output):
    grad = torch.zeros_like(image)
    _, places = F.max_pool2d(image[None, None], size, stride, return_indices=True)
    for place, number in zip(places.flatten().tolist(), grad_output.flatten(), strict=True):
        grad.view(-1)[place] = number
    return grad


def _spread(image, size, stride, grad_output):
    leaf = image.clone().requires_grad_()
    F.avg_pool2d(leaf[None, None], size, stride)[0, 0].backward(grad_output)
    return leaf.grad


MISTAKES = {
    "max_pool_by_loops": {
        "You moved the window by its size, not by the stride.": (
            lambda image, size, stride: _pooled(image, size, size)
        ),
        "You moved the window by 1, not by the stride.": (
            lambda image, size, stride: _pooled(image, size, 1)
        ),
        "You took the mean.": (
            lambda image, size, stride: F.avg_pool2d(image[None, None], size, stride)[0, 0]
        ),
    },
    "route_gradient": {
        "A place that wins twice gets the sum of both gradients.": _routed_without_sum,
        "You spread the gradient over the window. That is what a mean does.": _spread,
        "You gave every winner 1: the gradient that comes from above counts.": (
            lambda image, size, stride, grad_output: _routed(
                image, size, stride, torch.ones_like(grad_output)
            )
        ),
    },
}


def test_max_pool_by_loops():
    generator = torch.Generator().manual_seed(0)
    for height, width, size, stride in ((7, 9, 3, 2), (6, 6, 2, 2), (5, 8, 2, 3), (4, 5, 3, 1)):
        image = torch.randint(-9, 9, (height, width), generator=generator).float()
        expect(
            max_pool_by_loops,
            image,
            size,
            stride,
            equals=_pooled(image, size, stride),
            mistakes=MISTAKES["max_pool_by_loops"],
        )


def test_route_gradient():
    generator = torch.Generator().manual_seed(1)
    for height, width, size, stride in ((6, 7, 3, 2), (6, 6, 3, 1), (4, 4, 2, 2)):
        image = torch.randint(0, 4, (height, width), generator=generator).float()
        shape = _pooled(image, size, stride).shape
        grad_output = torch.randint(1, 9, shape, generator=generator).float()
        expect(
            route_gradient,
            image,
            size,
            stride,
            grad_output,
            equals=_routed(image, size, stride, grad_output),
            mistakes=MISTAKES["route_gradient"],
        )


if __name__ == "__main__":
    run_checks(globals())
