r"""
Why does the backward pass need an order?
=========================================

A number that is used twice gets a gradient from each use, and the two add up. It may hand its
gradient on only when the sum is complete. So every node has its turn after all the nodes that were
made from it: that is what *topological order* means. Step through one graph below, once in such an
order, and once with two nodes exchanged.
"""

# %%
# The graph is that of :math:`y = a + a^2` with :math:`a = w x`. The result depends on a in two
# ways: directly, and through :math:`b = a^2`.

import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation

from handbook.autodiff import Scalar, backward_steps
from handbook.plots import STYLE, plot_graph

plt.style.use(STYLE)

w, x = Scalar(1.5, name="w"), Scalar(2.0, name="x")
a = w * x
b = a**2
y = a + b
a.name, b.name, y.name = "a", "b", "y"

# %%
# By hand: with :math:`w = 1.5` and :math:`x = 2` we have :math:`a = 3`, and
# :math:`dy/da = 1 + 2a = 7`, one term for each way. Then :math:`dy/dw = 7x = 14` and
# :math:`dy/dx = 7w = 10.5`. The engine takes the same turns; the second list lets a have its turn
# before b.

right = list(backward_steps(y))
wrong = list(backward_steps(y, order=[y, a, b, x, w]))
for told, steps in (("topological", right), ("a too early", wrong)):
    print(f"{told}:", ", ".join(f"{step.node.name} {step.gradient:g}" for step in steps))

gradients = {step.node.name: step.gradient for step in right}
assert gradients == {"y": 1.0, "b": 1.0, "a": 7.0, "x": 10.5, "w": 14.0}

# %%
# In the animation, the number on an edge is the slope of the result with respect to that input. The
# node whose turn it is has a thick frame, and multiplies its gradient by the slope on each of its
# edges. What has come in so far stands in the nodes; a dash means nothing yet.

fig, axs = plt.subplots(2, 1, figsize=(6.4, 7.2))
rows = [(axs[0], "In topological order", right), (axs[1], "a before b: wrong", wrong)]


def draw_turn(frame):
    """Draw both graphs after ``frame`` turns: what each node has received so far."""
    for ax, told, steps in rows:
        received = {y: 1.0} if frame > 0 else {}
        for step in steps[:frame]:
            for part in step.contributions:
                received[part.input] = received.get(part.input, 0.0) + part.amount
        ax.clear()
        if frame == 0:
            active, text = None, "forward pass done, no gradient yet"
        else:
            step = steps[frame - 1]
            active = step.node
            sent = [
                f"{part.slope:g} · {step.gradient:g} = {part.amount:g} to {part.input.name}"
                for part in step.contributions
            ]
            text = f"{active.name} hands on {' and '.join(sent)}" if sent else ""
            text = text or f"{active.name} has received {step.gradient:g}; it has no inputs"
        plot_graph(y, gradients=received, active=active, ax=ax)
        ax.set_title(f"{told}\n{text}")
    if frame < len(right):
        fig.suptitle(
            f"Turn {frame} of {len(right)}: a gradient times the slope\ngoes back along every edge",
            x=0.02,
            ha="left",
        )
    else:
        fig.suptitle(
            "Each node must wait until all its gradients\nhave come: below, 6 came to a too late",
            x=0.02,
            ha="left",
        )


animation = FuncAnimation(fig, draw_turn, frames=len(right) + 1, interval=2500)
animation.poster_frame = len(right) + 1

# %%
# Below, a hands on 1 where it should hand on 7. What b sends it one turn later is added to its sum,
# but has missed the way to w and x. The numbers there are those of :math:`y = a` alone: nothing
# warns you.

too_early = {step.node.name: step.gradient for step in wrong}
print(f"dy/dw: {gradients['w']:g} in topological order, {too_early['w']:g} with a too early")
print(f"dy/dx: {gradients['x']:g} in topological order, {too_early['x']:g} with a too early")
assert (too_early["w"], too_early["x"]) == (2.0, 1.5)

# %%
# Change this and see
# -------------------
#
# - Take the two assertions out and replace ``a**2`` by ``a**3``: a receives 28 and w 56. The wrong
#   order still gives 2, for it never hears of b.
# - Exchange x and w in ``wrong``: no gradient changes. Neither was made from the other, so
#   either may come first: there are many topological orders, and all give the same gradients.
# - Or replace it by ``a.tanh()``: the second way hardly counts, because tanh is flat at 3. Now
#   the wrong order is almost right, which makes such a mistake hard to find.

plt.show()
