"""Exercises: reading digits.

Write the functions, then run this file: ``python exercise_digits.py``.
"""

import struct

import torch

from handbook.exercises import expect, run_checks


def head_inputs(image_size, channels, kernel_size, padding):
    """Return how many numbers reach the head of a convolutional network.

    For each entry of channels there is a convolution with that many square kernels and stride 1,
    and then a pooling by 2, which drops a last row or column that has no partner.

    Arguments: three ints and a list of ints, as named. Images are square. Returns: an int.
    """
    # solution: begin
    side = image_size
    for _ in channels:
        side = (side + 2 * padding - kernel_size + 1) // 2
    return channels[-1] * side * side
    # solution: end


def idx_shape(header):
    """Return the shape that the first bytes of an IDX file state.

    Byte 3 is the number of dimensions. From byte 4 on there are four bytes for each dimension, the
    largest part first, without a sign.

    Arguments: header, of type bytes. Returns: a tuple of ints.
    """
    # solution: begin
    n_dimensions = header[3]
    return struct.unpack(f">{n_dimensions}I", header[4 : 4 + 4 * n_dimensions])
    # solution: end


def most_confused(counts):
    """Return the pair of different classes that is mixed up most, in both directions together.

    Arguments: counts of shape (C, C), rows for what was written, columns for what was read.
    Returns: a tuple of two ints, the smaller class first.
    """
    # solution: begin
    both = counts + counts.T
    pairs = torch.triu(both, diagonal=1)  # each pair once, without the diagonal
    place = int(pairs.argmax())
    return place // len(counts), place % len(counts)
    # solution: end


def _unpooled(image_size, channels, kernel_size, padding):
    side = image_size
    for _ in channels:
        side = side + 2 * padding - kernel_size + 1
    return channels[-1] * side * side


def _one_map(image_size, channels, kernel_size, padding):
    side = image_size
    for _ in channels:
        side = (side + 2 * padding - kernel_size + 1) // 2
    return side * side


def _padded_once(image_size, channels, kernel_size, padding):
    side = image_size
    for _ in channels:
        side = (side + padding - kernel_size + 1) // 2
    return channels[-1] * side * side


def _one_direction(counts):
    off = counts - torch.diag(counts.diagonal())
    place = int(off.argmax())
    return tuple(sorted((place // len(counts), place % len(counts))))


def _with_diagonal(counts):
    place = int((counts + counts.T).argmax())
    return place // len(counts), place % len(counts)


MISTAKES = {
    "head_inputs": {
        "You forgot the poolings.": _unpooled,
        "The padding is added on both sides.": _padded_once,
        "You counted the places of one map; there are as many maps as kernels in the last layer.": (
            _one_map
        ),
    },
    "idx_shape": {
        "You read the smallest part first: use '>' for the largest.": lambda header: struct.unpack(
            f"<{header[3]}I", header[4 : 4 + 4 * header[3]]
        ),
        "You took one byte for each dimension. There are four.": lambda header: tuple(
            header[4 : 4 + header[3]]
        ),
        "You began with the magic number. The sizes start at byte 4.": lambda header: struct.unpack(
            f">{header[3]}I", header[: 4 * header[3]]
        ),
    },
    "most_confused": {
        "You took the diagonal along: those were read right.": _with_diagonal,
        "You looked at one direction. Add the counts of both.": _one_direction,
    },
}


def test_head_inputs_of_the_classic_network():
    expect(head_inputs, 32, [6, 16], 5, 0, equals=400, mistakes=MISTAKES["head_inputs"])


def test_head_inputs_with_padding_and_odd_sizes():
    expect(head_inputs, 30, [4, 8, 5], 3, 1, equals=45, mistakes=MISTAKES["head_inputs"])


def test_idx_shape():
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 60000, 28, 28) + b"pixels"
    expect(idx_shape, header, equals=(60000, 28, 28), mistakes=MISTAKES["idx_shape"])


def test_most_confused():
    counts = torch.tensor([[50, 0, 7], [0, 50, 5], [0, 4, 50]])
    expect(most_confused, counts, equals=(1, 2), mistakes=MISTAKES["most_confused"])


if __name__ == "__main__":
    run_checks(globals())
