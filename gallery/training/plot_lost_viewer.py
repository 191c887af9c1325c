"""
Does a training survive its viewer?
===================================

A callback sends the numbers of each epoch to a program that draws them. That program may be closed
while the training runs. A small server on this machine stands for it here, and is shut down after
fifteen epochs. What has it seen, and what does the training do?
"""

import json
import socket
import socketserver
import threading

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.live_plots import newest_values
from handbook.plots import GREY, STYLE, TRAINING, VALIDATION
from handbook.seeding import make_generator
from handbook.training import fit

plt.style.use(STYLE)

# %%
# The viewer
# ----------
#
# It takes a line of JSON, remembers it, and answers. Port 0 asks the system for one that is free.

received = []


class Receive(socketserver.StreamRequestHandler):
    """Take the numbers of one epoch."""

    def handle(self):
        """Remember a line, and say so."""
        received.append(json.loads(self.rfile.readline()))
        self.wfile.write(b"seen\n")


viewer = socketserver.TCPServer(("127.0.0.1", 0), Receive)
thread = threading.Thread(target=viewer.serve_forever, daemon=True)
thread.start()


# %%
# The callback
# ------------
#
# It waits a second at most, and at the first failure it says so once and is quiet from then on. A
# callback that raises would end the training.


class Send:
    """A callback that sends the numbers of each epoch."""

    is_on = True

    def __call__(self, state):
        """Send, or fall silent."""
        if not self.is_on:
            return
        numbers = {"epoch": state.epoch, **newest_values(state.history)}
        try:
            with socket.create_connection(viewer.server_address, timeout=1) as connection:
                connection.sendall(json.dumps(numbers).encode() + b"\n")
                if connection.recv(5) != b"seen\n":
                    raise ConnectionError("no answer")
        except OSError:
            self.is_on = False
            print(f"epoch {state.epoch}: the viewer is gone; the training goes on")


def close_the_viewer(state):
    """Shut the server down after fifteen epochs."""
    if state.epoch == 15:
        viewer.shutdown()
        viewer.server_close()
        thread.join()


# %%
# The same training twice: with the callback, and without.


def trained(callbacks):
    """Train a small network on noisy points of a sine."""
    generator = make_generator(0)
    x = torch.linspace(-1, 1, 60)[:, None]
    y = torch.sin(3 * x) + 0.1 * torch.randn(60, 1, generator=generator)
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    history = fit(
        model,
        nn.MSELoss(),
        optimizer,
        [(x[::2], y[::2])],
        epochs=60,
        validation=[(x[1::2], y[1::2])],
        callbacks=callbacks,
        device="cpu",
    )
    return model, history


watched, history = trained([Send(), close_the_viewer])
alone, _ = trained([])
same = all(torch.equal(p, q) for p, q in zip(watched.parameters(), alone.parameters(), strict=True))
print(f"received: {len(received)} epochs; trained: {len(history)}")
print("the same parameters as without a viewer, to the last bit:", same)
assert len(received) == 15
assert same

fig, ax = plt.subplots(figsize=(6.4, 4.6))
for name, color, style in (("loss", TRAINING, "-"), ("validation_loss", VALIDATION, "--")):
    label = {"loss": "training", "validation_loss": "validation"}[name]
    ax.plot(history.epochs, history.series(name), color=color, linestyle=style, alpha=0.5)
    seen = [numbers[name] for numbers in received]
    ax.plot(history.epochs[:15], seen, color=color, linestyle=style, linewidth=3, label=label)
ax.axvline(15, color=GREY, linestyle=":")
ax.text(16, max(history.losses) * 0.8, "viewer closed", color=GREY)
ax.set_yscale("log")
ax.set_title("The training goes on when its viewer is gone\n(thick: what the viewer saw)")
ax.set_xlabel("epoch")
ax.set_ylabel("mean squared error (logarithmic)")
ax.legend(loc="lower left")

# %%
# Change this and see
# -------------------
#
# - Take the ``try`` out of ``Send``: the training ends with a ``ConnectionRefusedError`` after 16
#   epochs, and 44 epochs of work are not done.
# - Never call ``close_the_viewer``: all 60 epochs are received.

plt.show()
