"""Exercises: receptive fields.

Write the functions, then run this file: ``python exercise_receptive_field.py``.
"""

from handbook.exercises import expect, run_checks


def field_size(layers):
    """Return how many input cells a unit of the last layer sees, along one dimension.

    Arguments: layers, a list of tuples of three ints (kernel size, stride, dilation), from the
    input on. Returns: an int.
    """
    # solution: begin
    size, jump = 1, 1
    for kernel_size, stride, dilation in layers:
        size += dilation * (kernel_size - 1) * jump
        jump *= stride
    return size
    # solution: end


def layers_needed(image_size, first_stride=1):
    """Return how many 3-wide layers it takes until one unit's field is as wide as the image.

    The first layer has the stride given, all others have stride 1; there is no dilation.

    Arguments: two ints, image_size above 3. Returns: an int.
    """
    # solution: begin
    n_layers, size = 1, 3
    while size < image_size:
        size += 2 * first_stride
        n_layers += 1
    return n_layers
    # solution: end


def _field(layers, use_dilation=True, jump_first=False, jump_counts=True):
    size, jump = 1, 1
    for kernel_size, stride, dilation in layers:
        if jump_first:
            jump *= stride
        size += (dilation if use_dilation else 1) * (kernel_size - 1) * (jump if jump_counts else 1)
        if not jump_first:
            jump *= stride
    return size


MISTAKES = {
    "field_size": {
        "A layer's own stride moves its neighbours apart, not its own kernel's cells: multiply the "
        "jump after adding.": lambda layers: _field(layers, jump_first=True),
        "After a stride, the cells under a kernel are further apart: multiply by the jump.": (
            lambda layers: _field(layers, jump_counts=False)
        ),
        "You left out the dilation, which stretches the kernel.": (
            lambda layers: _field(layers, use_dilation=False)
        ),
        "Kernels overlap: a layer adds kernel size - 1, not kernel size.": lambda layers: sum(
            layer[0] for layer in layers
        ),
    },
    "layers_needed": {
        "The first stride makes every later layer reach further.": (
            lambda image_size, first_stride=1: -((image_size - 1) // -2)
        ),
        "One layer too few: the field must be at least as wide as the image.": (
            lambda image_size, first_stride=1: (image_size - 3) // (2 * first_stride)
        ),
    },
}


def test_field_size():
    for layers in (
        [(3, 1, 1), (3, 1, 1)],
        [(7, 2, 1), (3, 2, 1), (3, 1, 1)],
        [(3, 1, 2), (3, 2, 4), (2, 2, 1), (5, 1, 3)],
        [(1, 2, 1), (3, 1, 1)],
        [],
    ):
        expect(field_size, layers, equals=_field(layers), mistakes=MISTAKES["field_size"])


def test_layers_needed():
    for image_size, first_stride in ((28, 1), (28, 2), (33, 1), (224, 4), (5, 1)):
        n_layers, size = 1, 3
        while size < image_size:
            n_layers, size = n_layers + 1, size + 2 * first_stride
        expect(
            layers_needed,
            image_size,
            first_stride,
            equals=n_layers,
            mistakes=MISTAKES["layers_needed"],
        )


if __name__ == "__main__":
    run_checks(globals())
