"""Exercises: the computational graph.

Write the functions, then run this file: ``python exercise_autodiff.py``.
"""

from handbook.exercises import expect, run_checks


def gradients(n_nodes, edges):
    """Find the derivative of the last node with respect to every node.

    The nodes are numbered 0, 1, ..., n_nodes - 1 so that every edge leads from a smaller number to
    a larger one. The edges come in no order. Two edges may join the same two nodes.

    Arguments: n_nodes, an int, at least 1, and edges, a list of (before, after, slope), where slope
    is the derivative of node after with respect to node before. Returns: a list of n_nodes floats.
    """
    # solution: begin
    incoming = [[] for _ in range(n_nodes)]
    for before, after, slope in edges:
        incoming[after].append((before, slope))
    result = [0.0] * n_nodes
    result[-1] = 1.0
    # The numbers are a topological order: from the end, each node comes after all its users.
    for after in reversed(range(n_nodes)):
        for before, slope in incoming[after]:
            result[before] += slope * result[after]
    return result
    # solution: end


def count_paths(n_nodes, edges):
    """Count the paths from node 0 to the last node.

    There may be more than 10^18 of them, so do not walk them one by one. Two edges between the same
    nodes make two paths. A graph of one node has one path, of no edges.

    Arguments: n_nodes, an int, at least 1, and edges, a list of (before, after) in no order, where
    before is smaller than after. Returns: an int.
    """
    # solution: begin
    incoming = [[] for _ in range(n_nodes)]
    for before, after in edges:
        incoming[after].append(before)
    ways = [0] * n_nodes  # from each node to the last
    ways[-1] = 1
    for after in reversed(range(n_nodes)):
        for before in incoming[after]:
            ways[before] += ways[after]
    return ways[0]
    # solution: end


def _overwritten(n_nodes, edges):
    result = [0.0] * n_nodes
    result[-1] = 1.0
    for before, after, slope in sorted(edges, key=lambda edge: -edge[1]):
        result[before] = slope * result[after]
    return result


def _in_the_order_given(n_nodes, edges):
    result = [0.0] * n_nodes
    result[-1] = 1.0
    for before, after, slope in edges:
        result[before] += slope * result[after]
    return result


def _forward(n_nodes, edges):
    result = [0.0] * n_nodes
    result[0] = 1.0
    for before, after, slope in sorted(edges):
        result[after] += slope * result[before]
    return result


def _without_a_start(n_nodes, edges):
    return [0.0] * n_nodes


def _one_path_per_pair(n_nodes, edges):
    ways = [0] * n_nodes
    ways[-1] = 1
    for before, after in sorted(set(edges), key=lambda edge: -edge[1]):
        ways[before] += ways[after]
    return ways[0]


def _from_everywhere(n_nodes, edges):
    ways = [0] * n_nodes
    ways[-1] = 1
    for before, after in sorted(edges, key=lambda edge: -edge[1]):
        ways[before] += ways[after]
    return sum(ways[:-1])


MISTAKES = {
    "gradients": {
        "You set the gradient instead of adding: only the last path counts.": _overwritten,
        "You took the edges as they come. A node may hand on its gradient only when all its users "
        "have had their turn.": _in_the_order_given,
        "You went forward: these are the derivatives of every node with respect to node 0.": (
            _forward
        ),
        "You forgot that the derivative of the last node with respect to itself is 1.": (
            _without_a_start
        ),
    },
    "count_paths": {
        "Two edges between the same nodes are two paths. You counted them as one.": (
            _one_path_per_pair
        ),
        "You counted the paths from every node, not from node 0 alone.": _from_everywhere,
        "You counted the edges.": lambda n_nodes, edges: len(edges),
    },
}


def test_gradients():
    # w = 0, x = 1, a = w x = 2, b = a^2 = 3, y = a + b = 4, with w = 1.5 and x = 2
    edges = [(0, 2, 2.0), (2, 4, 1.0), (1, 2, 1.5), (2, 3, 6.0), (3, 4, 1.0)]
    wanted = [14.0, 10.5, 7.0, 1.0, 1.0]
    expect(gradients, 5, edges, equals=wanted, mistakes=MISTAKES["gradients"])


def test_gradients_of_a_number_used_twice():
    edges = [(0, 1, 3.0), (0, 1, 3.0)]
    expect(gradients, 2, edges, equals=[6.0, 1.0], mistakes=MISTAKES["gradients"])


def test_gradients_of_a_number_alone():
    expect(gradients, 1, [], equals=[1.0], mistakes=MISTAKES["gradients"])


def test_count_paths():
    edges = [(2, 3), (0, 1), (1, 2), (0, 2), (1, 2)]
    expect(count_paths, 4, edges, equals=3, mistakes=MISTAKES["count_paths"])


def test_count_paths_of_many_doublings():
    edges = [(i, i + 1) for i in range(60)] * 2
    expect(count_paths, 61, edges, equals=2**60)


def test_count_paths_of_one_node():
    expect(count_paths, 1, [], equals=1)


if __name__ == "__main__":
    run_checks(globals())
