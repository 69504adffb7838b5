"""How many passes fit into memory at once: an estimate from the shapes of the tensors."""

import math

__all__ = ["bytes_of_one_pass", "passes_at_once"]

# Beside what a step reads and returns it may hold something as large, such as a mask or a product
# before its bias.
WORKSPACE = 2
BYTES = 4  # of a float32; half precision is counted as if it were one


def bytes_of_one_pass(program, shape, workspace=0):
    """The largest number of bytes alive at any step of one pass.

    Args:
        program: A `Program`, whose inputs are not counted: all passes share them.
        shape: Shape `(N, ...)` of the images. The longest axis of an image stands for each size
            that the program does not know.
        workspace: Bytes an item that what follows the program needs.
    """
    last_read = dict.fromkeys(program.outputs)
    for index, step in reversed(list(enumerate(program.steps))):
        for value in step.inputs:
            last_read.setdefault(value, index)
    alive, most, unknown = {}, workspace, max(shape[1:], default=1)
    for index, step in enumerate(program.steps):
        sizes = {value: _bytes_of_one_item(value, unknown) for value in step.outputs}
        most = max(most, sum(alive.values()) + WORKSPACE * sum(sizes.values()))
        alive.update(sizes)
        alive = {value: size for value, size in alive.items() if last_read.get(value) != index}
    return max(1, most * shape[0])


def passes_at_once(passes, bytes_of_one, memory_budget):
    """K: `passes` divided evenly into the fewest chunks of which each fits the budget.

    Args:
        passes: Integer P.
        bytes_of_one: Integer, as from `bytes_of_one_pass`.
        memory_budget: Number of MiB.
    """
    fitting = max(1, int(memory_budget * 2**20 // bytes_of_one))
    return math.ceil(passes / math.ceil(passes / fitting))


def _bytes_of_one_item(value, unknown):
    return BYTES * math.prod(unknown if size is None else size for size in value.shape[1:])
