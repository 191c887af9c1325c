"""Exercises: live plots.

Write the function and the class, then run this file: ``python exercise_live_plots.py``.
"""

from handbook.exercises import expect, run_checks


def smoothed(values, weight):
    """Return the running mean of a curve, corrected for its start at 0.

    Keep a number m that starts at 0. With each value v it becomes weight * m + (1 - weight) * v.
    The smoothed curve is m divided by 1 - weight^t after t values.

    Arguments: values, a list of floats; weight, a float, at least 0 and below 1. Returns: a list of
    floats, as long as values.
    """
    # solution: begin
    smooth, m = [], 0.0
    for t, value in enumerate(values, start=1):
        m = weight * m + (1 - weight) * value
        smooth.append(m / (1 - weight**t))
    return smooth
    # solution: end


class Careful:
    """Call a callback; at its first OSError keep the message, and never call it again.

    Other errors go through. The message, a string, is in the attribute message, which is "" at the
    start.

    Arguments: callback, a callable that takes one argument.
    """

    def __init__(self, callback):
        self.callback = callback
        self.message = ""

    def __call__(self, state):
        # solution: begin
        if self.message:
            return
        try:
            self.callback(state)
        except OSError as error:
            self.message = str(error)
        # solution: end


def _calls_of(careful):
    """Let a callback fail at its second call, and count how often it is called, of four times."""

    def calls_and_message():
        calls = []

        def callback(state):
            calls.append(state)
            if len(calls) == 2:
                raise OSError("gone")

        wrapped = careful(callback)
        for state in range(4):
            wrapped(state)
        return len(calls), wrapped.message

    return calls_and_message


def _other_error_through(careful):
    def other_error_goes_through():
        def callback(state):
            raise KeyError(state)

        wrapped = careful(callback)
        try:
            wrapped(0)
        except KeyError:
            return True
        return False

    return other_error_goes_through


class _CallsOn(Careful):
    def __call__(self, state):
        try:
            self.callback(state)
        except OSError as error:
            self.message = str(error)


class _Silent(Careful):
    def __call__(self, state):
        if self.callback is None:
            return
        try:
            self.callback(state)
        except OSError:
            self.callback = None


class _CatchesAll(Careful):
    def __call__(self, state):
        if self.message:
            return
        try:
            self.callback(state)
        except Exception as error:  # what the mistake is about
            self.message = str(error)


def _uncorrected(values, weight):
    smooth, m = [], 0.0
    for value in values:
        m = weight * m + (1 - weight) * value
        smooth.append(m)
    return smooth


def _weights_swapped(values, weight):
    smooth, m = [], 0.0
    for t, value in enumerate(values, start=1):
        m = (1 - weight) * m + weight * value
        smooth.append(m / (1 - (1 - weight) ** t))
    return smooth


def _corrected_sum(values, weight):
    smooth, m = [], 0.0
    for t, value in enumerate(values, start=1):
        m = (weight * m + (1 - weight) * value) / (1 - weight**t)
        smooth.append(m)
    return smooth


CALLS = {
    "You call it again after it has failed.": _CallsOn,
    "You keep no message: nobody will know why the curves stopped.": _Silent,
}
OTHERS = {"You catch every error: mistakes in the program are hidden.": _CatchesAll}
MISTAKES = {
    "smoothed": {
        "You did not correct for the start: the curve begins far too low.": _uncorrected,
        "You swapped the weights of the old mean and of the new value.": _weights_swapped,
        "You corrected the number that is carried on. Correct only what you return.": (
            _corrected_sum
        ),
    },
    "Careful": {**CALLS, **OTHERS},
}


def test_smoothed():
    # Weights 1; 1 and 2, in thirds; 1, 2 and 4, in sevenths.
    mistakes = {
        told: wrong for told, wrong in MISTAKES["smoothed"].items() if wrong != _weights_swapped
    }
    expect(smoothed, [7.0, 4.0, 0.0], 0.5, equals=[7.0, 5.0, 15 / 7], mistakes=mistakes)


def test_smoothed_with_a_small_weight():
    mistakes = MISTAKES["smoothed"]
    expect(smoothed, [5.0, 10.0], 0.25, equals=[5.0, 9.0], mistakes=mistakes)


def test_smoothed_without_weight():
    expect(smoothed, [1.0, 5.0], 0.0, equals=[1.0, 5.0])


def test_careful_calls():
    mistakes = {told: _calls_of(wrong) for told, wrong in CALLS.items()}
    expect(_calls_of(Careful), equals=(2, "gone"), mistakes=mistakes)


def test_other_errors_go_through():
    mistakes = {told: _other_error_through(wrong) for told, wrong in OTHERS.items()}
    expect(_other_error_through(Careful), equals=True, mistakes=mistakes)


if __name__ == "__main__":
    run_checks(globals())
