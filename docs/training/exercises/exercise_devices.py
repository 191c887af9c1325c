"""Exercises: devices and 16 bits.

Write the functions, then run this file: ``python exercise_devices.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def to_device(batch, device):
    """Return a new dictionary with every tensor of the batch on the device.

    What is no tensor stays what it is, and the batch itself is left as it was.

    Arguments: batch, a dict; device, a torch.device or its name. Returns: a dict.
    """
    # solution: begin
    return {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in batch.items()
    }
    # solution: end


def scale_after(overflows, scale, interval):
    """Return the factor of a loss scaling after a series of steps.

    A step that overflows halves the factor. After so many steps in a row without overflow, counted
    from the last change, the factor is doubled.

    Arguments: overflows, a list of bools, one for each step; scale, the factor at the start;
    interval, an int. Returns: a float.
    """
    # solution: begin
    n_good_steps = 0
    for overflow in overflows:
        n_good_steps = 0 if overflow else n_good_steps + 1
        if overflow:
            scale = scale / 2
        elif n_good_steps == interval:
            scale, n_good_steps = scale * 2, 0
    return float(scale)
    # solution: end


def _places(move):
    def places_after_your_move():
        batch = {"x": torch.zeros(2), "name": "a", "n": 3, "y": torch.ones(1)}
        moved = move(batch, "meta")
        if moved is None:
            return None
        places = [
            value.device.type if isinstance(value, torch.Tensor) else value
            for value in moved.values()
        ]
        return [*places, batch["x"].device.type]

    return places_after_your_move


def _without_result(batch, device):
    for value in batch.values():
        if isinstance(value, torch.Tensor):
            value.to(device)
    return dict(batch)


def _in_place(batch, device):
    for name, value in batch.items():
        if isinstance(value, torch.Tensor):
            batch[name] = value.to(device)
    return batch


def _only_tensors(batch, device):
    return {
        name: value.to(device) for name, value in batch.items() if isinstance(value, torch.Tensor)
    }


def _never_grows(overflows, scale, interval):
    return scale * 0.5 ** sum(overflows)


def _counts_through(overflows, scale, interval):
    good = 0
    for overflow in overflows:
        if overflow:
            scale /= 2
        else:
            good += 1
            if good % interval == 0:
                scale *= 2
    return float(scale)


def _grows_on(overflows, scale, interval):
    good = 0
    for overflow in overflows:
        good = 0 if overflow else good + 1
        if overflow:
            scale /= 2
        elif good >= interval:
            scale *= 2
    return float(scale)


MISTAKES = {
    "to_device": {
        "value.to(device) returns a new tensor, and you dropped it.": _without_result,
        "You changed the batch that you were given.": _in_place,
        "You dropped what is no tensor.": _only_tensors,
    },
    "scale_after": {
        "You halve, and never double.": _never_grows,
        "An overflow must begin the count anew.": _counts_through,
        "Doubling must begin the count anew: you double at every step after it.": _grows_on,
    },
}


def test_to_device():
    mistakes = {told: _places(wrong) for told, wrong in MISTAKES["to_device"].items()}
    expect(_places(to_device), equals=["meta", "a", 3, "meta", "cpu"], mistakes=mistakes)


def test_scale_after():
    overflows = [False, True, False, False, False, False, False, True]
    mistakes = MISTAKES["scale_after"]
    expect(scale_after, overflows, 8.0, 3, equals=4.0, mistakes=mistakes)


def test_scale_after_an_interrupted_count():
    mistakes = MISTAKES["scale_after"]
    expect(scale_after, [False, False, True, False], 8.0, 3, equals=4.0, mistakes=mistakes)


if __name__ == "__main__":
    run_checks(globals())
