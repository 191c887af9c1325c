"""Exercises: the shape of every layer.

Write the functions, then run this file: ``python exercise_shapes.py``.
"""

import torch
from torch import nn

from handbook.exercises import expect, run_checks


def head_features(side, channels, n_blocks):
    """Count the features that reach the head of a network for square images.

    Each block is a 3 x 3 convolution with padding 1 and stride 1, which keeps the side, and a 2 x 2
    max pooling with its usual stride, which halves it and leaves out what does not come out even.

    Arguments: side of the image, channels of the last convolution, number of blocks, all int.
    Returns: an int, what nn.Flatten makes of the last block's output.
    """
    # solution: begin
    for _ in range(n_blocks):
        side = side // 2  # the convolution keeps it: (n + 2·1 - 3)/1 + 1 = n
    return channels * side * side
    # solution: end


def output_shapes(model, x):
    """Run a model and collect the shape of the output of every layer that has no layers inside.

    Use forward hooks, and take them off again. The model's training mode must not change.

    Arguments: an nn.Module and its input. Returns: a list of tuples of int, in the order of calls.
    """
    # solution: begin
    shapes, handles = [], []
    for module in model.modules():
        if next(module.children(), None) is None:
            hook = module.register_forward_hook(lambda m, i, o: shapes.append(tuple(o.shape)))
            handles.append(hook)
    try:
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return shapes
    # solution: end


def _kept_sides(side, channels, n_blocks):
    return channels * side * side


def _rounded_up(side, channels, n_blocks):
    for _ in range(n_blocks):
        side = -(-side // 2)
    return channels * side * side


def _one_side(side, channels, n_blocks):
    return channels * (side // 2**n_blocks)


def _without_padding(side, channels, n_blocks):
    for _ in range(n_blocks):
        side = (side - 2) // 2
    return channels * side * side


def _with_containers(model, x):
    shapes = []
    handles = [
        module.register_forward_hook(lambda m, i, o: shapes.append(tuple(o.shape)))
        for module in model.modules()
    ]
    model(x)
    for handle in handles:
        handle.remove()
    return shapes


def _direct_children(model, x):
    shapes = []
    for child in model.children():
        x = child(x)
        shapes.append(tuple(x.shape))
    return shapes


def _inputs(model, x):
    shapes, handles = [], []
    for module in model.modules():
        if next(module.children(), None) is None:
            hook = module.register_forward_hook(lambda m, i, o: shapes.append(tuple(i[0].shape)))
            handles.append(hook)
    model(x)
    for handle in handles:
        handle.remove()
    return shapes


MISTAKES = {
    "head_features": {
        "You forgot the poolings.": _kept_sides,
        "You rounded an odd side up: a pooling leaves out what does not fill a window.": (
            _rounded_up
        ),
        "An image has two sides.": _one_side,
        "You let the convolutions take 2 from the side, but their padding of 1 gives it back.": (
            _without_padding
        ),
    },
    "output_shapes": {
        "You collected containers too: leave out modules that have children.": _with_containers,
        "You ran the children one after the other: layers inside them are missing.": (
            _direct_children
        ),
        "You collected the inputs.": _inputs,
    },
}


def _model():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Sequential(nn.ReLU(), nn.Flatten()), nn.Linear(2 * 6 * 6, 3)
    )


def test_head_features():
    expect(head_features, 64, 16, 3, equals=1024, mistakes=MISTAKES["head_features"])


def test_head_features_of_an_odd_side():
    expect(head_features, 28, 10, 3, equals=90, mistakes=MISTAKES["head_features"])


def test_output_shapes():
    wanted = [(4, 2, 6, 6), (4, 2, 6, 6), (4, 72), (4, 3)]
    model, x = _model(), torch.zeros(4, 1, 8, 8)
    expect(output_shapes, model, x, equals=wanted, mistakes=MISTAKES["output_shapes"])


def test_hooks_are_taken_off_again():
    def hooks_left(model, x):
        output_shapes(model, x)
        return sum(len(module._forward_hooks) for module in model.modules())

    expect(hooks_left, _model(), torch.zeros(4, 1, 8, 8), equals=0)


if __name__ == "__main__":
    run_checks(globals())
