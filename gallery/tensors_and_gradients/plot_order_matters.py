r"""
What do a wrong order and no order cost?
========================================

There are two ways to get the backward pass wrong. Give each node its turn as soon as it is reached,
and gradients are lost. Or give a node a turn for every gradient that comes, and nothing is lost,
but the work doubles with every branch. The topological order is right and visits each edge once.
"""

# %%
# Many networks are stacks of blocks with a way around each: :math:`h' = h + \frac14 \tanh h`. The
# result depends on h directly and through tanh. Two ways per block are :math:`2^n` paths through n
# blocks.

import matplotlib.pyplot as plt

from handbook.autodiff import Scalar, backward_steps, path_products, topological_order
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION

plt.style.use(STYLE)


def breadth_first(output):
    """List the nodes as they are reached from the output: the wrong order."""
    reached = [output]
    for node in reached:  # grows while we walk along it
        reached += [before for before in dict.fromkeys(node.inputs) if before not in reached]
    return reached


blocks = list(range(1, 15))
gradient = {"topological": [], "breadth first": []}
work = {"edges": [], "paths": []}
for n_blocks in blocks:
    h = start = Scalar(0.1)
    for _ in range(n_blocks):
        h = h + h.tanh() / 4
    for told, order in (("topological", None), ("breadth first", breadth_first(h))):
        found = {step.node: step.gradient for step in backward_steps(h, order=order)}
        gradient[told].append(found[start])
    products = list(path_products(h, start))
    assert abs(sum(products) - gradient["topological"][-1]) < 1e-12
    work["edges"].append(sum(len(node.inputs) for node in topological_order(h)))
    work["paths"].append(len(products))

# %%
# The sum over all paths, each the product of the slopes along it, is what the chain rule says. It
# agrees with the backward pass in topological order. Breadth first gives 1 for every depth: each h
# has its turn when the way around has reached it, and what comes through tanh is late.

for i in (0, 6, 13):
    print(
        f"{blocks[i]:2} blocks: gradient {gradient['topological'][i]:6.3f},"
        f" breadth first {gradient['breadth first'][i]:.3f};"
        f" {work['edges'][i]:3} edges, {work['paths'][i]:5} paths"
    )
assert gradient["breadth first"] == [1.0] * len(blocks)
assert work["paths"] == [2**n for n in blocks]

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 7.6), sharex=True)
top.plot(blocks, gradient["topological"], "o-", color=BLUE, label="topological = sum over paths")
top.plot(blocks, gradient["breadth first"], "s--", color=VERMILLION, label="breadth first")
top.set_title("Breadth first loses every path but one,\nwithout any error message")
top.set_ylabel("gradient at the start (dimensionless)")
top.legend()
bottom.plot(blocks, work["paths"], "^-.", color=GREEN, label="one turn per path")
bottom.plot(blocks, work["edges"], "o-", color=BLUE, label="topological: one visit per edge")
bottom.set_yscale("log")
bottom.set_title("Path by path is right, but the work doubles\nwith every block")
bottom.set_xlabel("number of blocks")
bottom.set_ylabel("visits (logarithmic)")
bottom.legend()

# %%
# Change this and see
# -------------------
#
# - Take the two assertions at the end out and write ``h = h.tanh()``, without the way around: there
#   is one path, and the two orders are the same. Test an engine on graphs with reuse, because a
#   chain forgives everything.
# - Write ``h.tanh().tanh()``: one more edge per block, as many paths as before, and breadth first
#   still finds 1.
# - Replace ``range(1, 15)`` by ``range(1, 19)``: the last network has 262,144 paths, and you wait
#   for them. The topological order needs 90 edges.

plt.show()
