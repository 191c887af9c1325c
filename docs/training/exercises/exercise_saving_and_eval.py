"""Exercises: saving, loading and eval().

Write the functions, then run this file: ``python exercise_saving_and_eval.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def matching_part(wanted, found):
    """Return the entries of found that wanted has too, with a tensor of the same shape.

    Arguments: wanted and found, dicts of name to tensor. Returns: a dict of name to tensor, in the
    order of found, with found's own tensors.
    """
    # solution: begin
    return {
        name: value
        for name, value in found.items()
        if name in wanted and wanted[name].shape == value.shape
    }
    # solution: end


def without_prefix(state, prefix):
    """Take a prefix off the beginning of each name that has it, and leave the other names.

    Arguments: state, a dict of name to tensor; prefix, a string such as "module.". Returns: a dict
    with the same tensors in the same order.
    """
    # solution: begin
    return {name.removeprefix(prefix): value for name, value in state.items()}
    # solution: end


def _names_and_shapes(function):
    def names_and_shapes(*arguments):
        result = function(*arguments)
        if result is None:
            return None
        return [(name, tuple(value.shape)) for name, value in result.items()]

    return names_and_shapes


def _by_name_alone(wanted, found):
    return {name: value for name, value in found.items() if name in wanted}


def _by_count(wanted, found):
    return {
        name: value
        for name, value in found.items()
        if name in wanted and wanted[name].numel() == value.numel()
    }


def _of_wanted(wanted, found):
    return {
        name: value
        for name, value in wanted.items()
        if name in found and found[name].shape == value.shape
    }


def _everywhere(state, prefix):
    return {name.replace(prefix, ""): value for name, value in state.items()}


def _stripped(state, prefix):
    return {name.lstrip(prefix): value for name, value in state.items()}


def _cut(state, prefix):
    return {name[len(prefix) :]: value for name, value in state.items()}


MISTAKES = {
    "matching_part": {
        "You compared names only. A tensor of another shape does not fit.": _by_name_alone,
        "Equal numbers of elements are not equal shapes.": _by_count,
        "You returned the tensors of wanted: nothing would be loaded.": _of_wanted,
    },
    "without_prefix": {
        "replace() changes the name in the middle too.": _everywhere,
        "lstrip() takes a set of letters, not a word, and eats into the name.": _stripped,
        "You cut every name, also one that has no prefix.": _cut,
    },
}
WANTED = {
    "body.weight": torch.zeros(3, 2),
    "body.bias": torch.zeros(3),
    "grid": torch.zeros(2, 6),
    "head.weight": torch.zeros(5, 3),
}
FOUND = {
    "body.bias": torch.ones(3),
    "body.weight": torch.ones(3, 2),
    "grid": torch.ones(3, 4),
    "head.weight": torch.ones(10, 3),
    "other": torch.ones(1),
}


def test_matching_part():
    mistakes = {
        told: _names_and_shapes(wrong)
        for told, wrong in MISTAKES["matching_part"].items()
        if wrong is not _of_wanted
    }
    wanted = [("body.bias", (3,)), ("body.weight", (3, 2))]
    expect(_names_and_shapes(matching_part), WANTED, FOUND, equals=wanted, mistakes=mistakes)


def test_values_of_matching_part():
    def values(function):
        def values_of_your_part(wanted, found):
            result = function(wanted, found)
            return None if result is None else [result["a"]]

        return values_of_your_part

    mistakes = {
        told: values(wrong)
        for told, wrong in MISTAKES["matching_part"].items()
        if wrong is _of_wanted
    }
    one, two = {"a": torch.zeros(2)}, {"a": torch.ones(2)}
    expect(values(matching_part), one, two, equals=[torch.ones(2)], mistakes=mistakes)


def test_without_prefix():
    mistakes = {
        told: _names_and_shapes(wrong) for told, wrong in MISTAKES["without_prefix"].items()
    }
    state = {
        "module.old.weight": torch.zeros(2),
        "module.my_module.bias": torch.zeros(1),
        "plain": torch.zeros(3),
    }
    wanted = [("old.weight", (2,)), ("my_module.bias", (1,)), ("plain", (3,))]
    expect(_names_and_shapes(without_prefix), state, "module.", equals=wanted, mistakes=mistakes)


if __name__ == "__main__":
    run_checks(globals())
