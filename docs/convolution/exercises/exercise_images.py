"""Exercises: images as tensors.

Write the functions, then run this file: ``python exercise_images.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def to_batch(pictures):
    """Turn pictures from a file reader into one batch for a network.

    Arguments: pictures, a list of uint8 tensors of shape (H, W, 3), all of one size.
    Returns: a float32 tensor of shape (N, 3, H, W), from 0 to 1.
    """
    # solution: begin
    return torch.stack(pictures).permute(0, 3, 1, 2).float() / 255
    # solution: end


def over(image, background):
    """Lay an image with opacity on a background.

    Arguments: image, a float tensor of shape (4, H, W): red, green, blue, opacity; background,
    a float tensor of shape (3, H, W). Returns: a tensor of shape (3, H, W).
    """
    # solution: begin
    colour, opacity = image[:3], image[3:]
    return opacity * colour + (1 - opacity) * background
    # solution: end


MISTAKES = {
    "to_batch": {
        "You reshaped: the numbers stay in their order and only look like (N, 3, H, W). Move the "
        "dimension with permute.": lambda pictures: (
            torch.stack(pictures).reshape(len(pictures), 3, *pictures[0].shape[:2]).float() / 255
        ),
        "Height and width have changed places.": lambda pictures: (
            torch.stack(pictures).permute(0, 3, 2, 1).float() / 255
        ),
        "The numbers still reach 255: divide.": lambda pictures: (
            torch.stack(pictures).permute(0, 3, 1, 2).float()
        ),
        "The channels are still last.": lambda pictures: torch.stack(pictures).float() / 255,
    },
    "over": {
        "You used the opacity for the background, and the rest for the image.": (
            lambda image, background: image[3:] * background + (1 - image[3:]) * image[:3]
        ),
        "Opaque places let the background shine through: it must be weighted by 1 - opacity.": (
            lambda image, background: image[3:] * image[:3] + background
        ),
        "You left the opacity out.": lambda image, background: image[:3],
    },
}


def test_to_batch():
    generator = torch.Generator().manual_seed(0)
    for n, height, width in ((2, 3, 5), (1, 4, 4)):
        pictures = [
            torch.randint(256, (height, width, 3), generator=generator).to(torch.uint8)
            for _ in range(n)
        ]
        wanted = torch.empty(n, 3, height, width)
        for i, picture in enumerate(pictures):
            for c in range(3):
                wanted[i, c] = picture[:, :, c].float() / 255
        expect(to_batch, pictures, equals=wanted, mistakes=MISTAKES["to_batch"])


def test_over():
    generator = torch.Generator().manual_seed(1)
    image, background = (torch.rand(n, 3, 4, generator=generator) for n in (4, 3))
    wanted = torch.empty(3, 3, 4)
    for c in range(3):
        wanted[c] = image[3] * image[c] + (1 - image[3]) * background[c]
    expect(over, image, background, equals=wanted, mistakes=MISTAKES["over"])
    opaque = image.clone()
    opaque[3] = 1
    expect(over, opaque, background, equals=opaque[:3])


if __name__ == "__main__":
    run_checks(globals())
