"""Exercises: one neuron and a picture.

Write the functions, then run this file: ``python exercise_one_neuron.py``.
"""

import math

import torch

from handbook.exercises import expect, run_checks


def matched_filter(first, second, flip_probability):
    """Find the weights and the bias of the best neuron for two pictures with flipped pixels.

    The logit is to be above 0 where the first picture is more likely. Both are equally likely
    beforehand.

    Arguments: two pictures of shape (D,) with pixels 0.0 and 1.0, and a probability below 0.5.
    Returns: the weights, of shape (D,), and the bias, of shape (), for pixels of 0 and 1.
    """
    # solution: begin
    weight = 2 * math.log((1 - flip_probability) / flip_probability) * (first - second)
    return weight, -weight.sum() / 2  # the derivation has x - 1/2 in place of x
    # solution: end


def prepare_pictures(pictures):
    """Lay out colour pictures as rows, channels first, from 0 to 1.

    Arguments: a uint8 tensor of shape (N, H, W, 3), as image files hold them. Returns: a float32
    tensor of shape (N, 3 * H * W): all red numbers row by row, then all green, then all blue.
    """
    # solution: begin
    return (pictures.permute(0, 3, 1, 2).float() / 255).flatten(1)
    # solution: end


def _filter(scale=2.0, bias=True, sign=1.0):
    def wrong(first, second, q):
        weight = sign * scale * math.log((1 - q) / q) * (first - second)
        return weight, -weight.sum() / 2 if bias else torch.zeros(())

    return wrong


MISTAKES = {
    "matched_filter": {
        "A black and a white pixel both speak: the weight has a factor of 2.": _filter(scale=1.0),
        "You left out the bias: the derivation centres the pixels at one half.": _filter(
            bias=False
        ),
        "You exchanged the two pictures.": _filter(sign=-1.0),
    },
    "prepare_pictures": {
        "You only reshaped: red, green and blue of a pixel still stand side by side.": lambda p: (
            p.float() / 255
        ).flatten(1),
        "You forgot to divide by 255.": lambda p: p.permute(0, 3, 1, 2).float().flatten(1),
        "You exchanged rows and columns: (N, C, W, H) in place of (N, C, H, W).": lambda p: (
            p.permute(0, 3, 2, 1).float() / 255
        ).flatten(1),
    },
}


def test_matched_filter():
    first, second = torch.tensor([1.0, 1.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 1.0, 0.0])
    wanted = (torch.tensor([2.77258872, 0.0, -2.77258872, 2.77258872]), torch.tensor(-1.38629436))
    expect(matched_filter, first, second, 0.2, equals=wanted, mistakes=MISTAKES["matched_filter"])


def test_prepare_pictures():
    pictures = torch.tensor([[[[255, 0, 51], [0, 255, 51]], [[51, 51, 0], [255, 0, 255]]]])
    wanted = torch.tensor([[1.0, 0.0, 0.2, 1.0, 0.0, 1.0, 0.2, 0.0, 0.2, 0.2, 0.0, 1.0]])
    expect(prepare_pictures, pictures.byte(), equals=wanted, mistakes=MISTAKES["prepare_pictures"])


if __name__ == "__main__":
    run_checks(globals())
