"""Exercises: recurrent networks.

Write the functions, then run this file: ``python exercise_recurrent_networks.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def unrolled(x, h, w_ih, w_hh):
    """Run the simple recurrent network h = tanh(W_ih x + W_hh h) over a sequence, without biases.

    Use torch.tanh and matrix products, no network that PyTorch brings.

    Arguments: x of shape (T, N, C), h of shape (N, H), w_ih of shape (H, C), w_hh of shape (H, H).
    Returns: the states after all steps, a tensor of shape (T, N, H).
    """
    # solution: begin
    states = []
    for x_now in x:
        h = torch.tanh(x_now @ w_ih.T + h @ w_hh.T)
        states.append(h)
    return torch.stack(states)
    # solution: end


def last_states(output, lengths):
    """Return the state of each sequence after its own last step.

    Arguments: output of shape (N, T, H), the states of padded sequences; lengths of shape (N,),
    whole numbers from 1 to T. Returns: a tensor of shape (N, H).
    """
    # solution: begin
    rows = torch.arange(len(output))
    return output[rows, lengths - 1]
    # solution: end


def masked_mean(losses, lengths):
    """Return the mean loss over the real steps of padded sequences.

    Arguments: losses of shape (N, T); lengths of shape (N,). Returns: a tensor of shape ().
    """
    # solution: begin
    is_real = torch.arange(losses.shape[1]) < lengths[:, None]
    return losses[is_real].sum() / is_real.sum()
    # solution: end


def _same_state(x, h, w_ih, w_hh):
    return torch.stack([torch.tanh(x_now @ w_ih.T + h @ w_hh.T) for x_now in x])


def _not_transposed(x, h, w_ih, w_hh):
    states = []
    for x_now in x:
        h = torch.tanh(x_now @ w_ih.T + h @ w_hh)
        states.append(h)
    return torch.stack(states)


def _tanh_of_the_sum_only(x, h, w_ih, w_hh):
    states = []
    for x_now in x:
        h = torch.tanh(x_now @ w_ih.T) + h @ w_hh.T
        states.append(h)
    return torch.stack(states)


def _mean_of_means(losses, lengths):
    is_real = torch.arange(losses.shape[1]) < lengths[:, None]
    return ((losses * is_real).sum(1) / lengths).mean()


MISTAKES = {
    "unrolled": {
        "Every step started from the first state: hand the new one on.": _same_state,
        "You multiplied by w_hh where its transpose belongs.": _not_transposed,
        "The state's share belongs inside the tanh.": _tanh_of_the_sum_only,
    },
    "last_states": {
        "You took the last step of the tensor, which is padding.": lambda output, lengths: output[
            :, -1
        ],
        "You are one step late: the last of n steps has the index n - 1.": lambda output, lengths: (
            output[torch.arange(len(output)), lengths.clamp(max=output.shape[1] - 1)]
        ),
    },
    "masked_mean": {
        "You counted the padding.": lambda losses, lengths: losses.mean(),
        "You masked, but divided by all steps, padding included.": lambda losses, lengths: (
            losses * (torch.arange(losses.shape[1]) < lengths[:, None])
        ).mean(),
        "You averaged over each sequence first: a step of a short one counts more.": _mean_of_means,
    },
}


def test_unrolled():
    x = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.5, 0.5]]])
    w_ih = torch.tensor([[0.5, -0.5], [0.25, 1.0]])
    w_hh = torch.tensor([[0.0, 1.0], [0.5, 0.0]])
    h = torch.tensor([[0.5, -0.5]])
    network = torch.nn.RNN(2, 2, bias=False)
    network.weight_ih_l0.data, network.weight_hh_l0.data = w_ih, w_hh
    wanted = network(x, h[None])[0].detach()
    expect(unrolled, x, h, w_ih, w_hh, equals=wanted, mistakes=MISTAKES["unrolled"])


def test_last_states():
    output = torch.arange(24.0).reshape(3, 4, 2)
    lengths = torch.tensor([2, 4, 1])
    wanted = torch.tensor([[2.0, 3.0], [14.0, 15.0], [16.0, 17.0]])
    expect(last_states, output, lengths, equals=wanted, mistakes=MISTAKES["last_states"])


def test_masked_mean():
    losses = torch.tensor([[1.0, 2.0, 9.0, 9.0], [3.0, 4.0, 5.0, 6.0]])
    lengths = torch.tensor([2, 4])
    wanted = torch.tensor(3.5)
    expect(masked_mean, losses, lengths, equals=wanted, mistakes=MISTAKES["masked_mean"])


if __name__ == "__main__":
    run_checks(globals())
