"""From a network that predicts the next token to whole sequences: greedy and beam search.

Both are written for any network that decodes step by step. It is given as a function

    log_p, state = step(token, state)       token (B,), log_p (B, V)

and its state: a tensor, or a list of tensors, with the examples in front. Three tokens are reserved
in every target vocabulary: 0 is padding, 1 stands before the first token, 2 behind the last.
"""

import keras
from keras import ops, tree

from kerasdl.layers.arguments import positive_integer

PADDING, START, STOP = 0, 1, 2
TARGET_RESERVED = 3


def greedy_search(step, state, length):
    r"""Take the most probable token at every step.

    $$y_t = \arg\max_y \; p(y \mid y_{<t}, x)$$

    Args:
        step: The network, see the head of this module.
        state: Its state before the first token.
        length: Tokens at most.

    Returns:
        Tokens (B, length); 0 behind the end.

    Source:
        Sutskever et al., 2014, Sequence to Sequence Learning with Neural Networks, section 3.2.

    Example:
        A "network" that knows one sequence, 4 3, by its position:

        >>> p = ops.log(ops.array([[0.1, 0, 0, 0.2, 0.7], [0, 0, 0, 1, 0], [0, 0, 1, 0, 0.0]]))
        >>> step = lambda token, t: (ops.take(p, t, axis=0), t + 1)
        >>> ops.convert_to_numpy(greedy_search(step, ops.array([0]), length=4)).tolist()
        [[4, 3, 0, 0]]
    """
    positive_integer("length", length)
    B = ops.shape(tree.flatten(state)[0])[0]

    def unfinished(t, tokens, y, ended, state):
        return ops.logical_and(t < length, ops.logical_not(ops.all(ended)))

    def advance(t, tokens, y, ended, state):
        log_p, state = step(y, state)  # (B, V)
        y = ops.cast(ops.argmax(_possible(log_p), axis=-1), "int32")  # (B,)
        ended = ops.logical_or(ended, y == STOP)
        written = ops.where(ended, PADDING, y)
        tokens = ops.where(ops.arange(length) == t, written[:, None], tokens)
        return t + 1, tokens, y, ended, state

    start = (
        ops.convert_to_tensor(0, "int32"),
        ops.zeros((B, length), "int32"),
        ops.full((B,), START, "int32"),
        ops.zeros((B,), "bool"),
        state,
    )
    return ops.while_loop(unfinished, advance, start)[1]


def beam_search(step, state, length, width, length_penalty=1.0):
    r"""Keep the `width` most probable beginnings at every step.

    $$s(y_{\le t}) = s(y_{<t}) + \log p(y_t \mid y_{<t}, x), \qquad
      \hat y = \arg\max_y \; s(y) / |y|^\alpha$$

    Args:
        step: The network, called with B · width examples: those of one example next to each other.
        state: Its state before the first token, with B examples.
        length: Tokens at most.
        width: Beginnings that are kept.
        length_penalty: $\alpha$; 0 compares the probabilities themselves, which favours the short.

    Returns:
        Tokens (B, width, length), the best first, 0 behind the end; and $s(y) / |y|^\alpha$
        (B, width), where $|y|$ counts the end too.

    Source:
        Graves, 2012, Sequence Transduction with Recurrent Neural Networks, section 2.2. The length:
        Wu et al., 2016, Google's Neural Machine Translation System, section 7.

    Example:
        The most probable first token, 4, leads nowhere: its best sequel has 0.6 · 0.3, but 3 has
        0.4 · 1.

        >>> first, then = [0, 0, 0, 0.4, 0.6], [[0, 0, 1, 0, 0], [0, 0, 0.3, 0.35, 0.35]]
        >>> def step(token, t):
        ...     sequel = ops.take(ops.array(then), ops.where(token == 4, 1, 0), axis=0)
        ...     return ops.log(ops.where(t[:, None] == 0, ops.array(first), sequel)), t + 1
        >>> tokens, scores = beam_search(step, ops.array([0]), 2, width=2, length_penalty=0.0)
        >>> ops.convert_to_numpy(tokens).tolist()
        [[[3, 0], [4, 3]]]
    """
    positive_integer("length", length)
    positive_integer("width", width)
    W, B = width, ops.shape(tree.flatten(state)[0])[0]
    minus_infinity = -float("inf")
    state = repeat(state, W)

    def unfinished(t, tokens, y, score, size, state):
        return ops.logical_and(t < length, ops.logical_not(ops.all(y == PADDING)))

    def advance(t, tokens, y, score, size, state):
        log_p, state = step(ops.reshape(y, (-1,)), state)  # (B · W, V)
        V = log_p.shape[-1]
        log_p = ops.reshape(_possible(log_p), (-1, W, V))
        # What has ended stays as it is: padding follows, and costs nothing.
        ended = ops.logical_or(y == STOP, y == PADDING)  # (B, W)
        nothing = ops.where(ops.arange(V) == PADDING, 0.0, minus_infinity)
        log_p = ops.where(ended[..., None], ops.cast(nothing, log_p.dtype), log_p)
        candidates = ops.reshape(score[..., None] + log_p, (-1, W * V))
        score, best = ops.top_k(candidates, W)  # (B, W)
        best = ops.cast(best, "int32")
        parent, y = best // V, best % V
        size = ops.take_along_axis(size, parent, axis=1) + ops.cast(y != PADDING, "int32")
        tokens = ops.take_along_axis(tokens, parent[..., None], axis=1)
        written = ops.where(y == STOP, PADDING, y)
        tokens = ops.where(ops.arange(length) == t, written[..., None], tokens)
        rows = ops.reshape(ops.arange(B)[:, None] * W + parent, (-1,))  # (B · W,)
        state = tree.map_structure(lambda s: ops.take(s, rows, axis=0), state)
        return t + 1, tokens, y, score, size, state

    one = ops.convert_to_tensor([0.0] + [minus_infinity] * (W - 1), keras.config.floatx())
    start = (
        ops.convert_to_tensor(0, "int32"),
        ops.zeros((B, W, length), "int32"),
        ops.full((B, W), START, "int32"),
        ops.tile(one[None], (B, 1)),  # W times the same beginning would be found W times
        ops.zeros((B, W), "int32"),
        state,
    )
    _, tokens, _, score, size, _ = ops.while_loop(unfinished, advance, start)
    score = score / ops.power(ops.cast(ops.maximum(size, 1), score.dtype), length_penalty)
    score, order = ops.top_k(score, W)
    order = ops.cast(order, "int32")
    return ops.take_along_axis(tokens, order[..., None], axis=1), score


def repeat(state, width):
    """Return every example `width` times, copies next to each other.

    Args:
        state: A tensor (B, …), or a list of them.
        width: How many copies.

    Returns:
        The same with B · width examples.

    Example:
        >>> ops.convert_to_numpy(repeat(ops.array([1, 2]), 2)).tolist()
        [1, 1, 2, 2]
    """
    return tree.map_structure(lambda s: ops.repeat(s, width, axis=0), state)


def _possible(log_p):
    """Rule out what never follows: padding, and a second start."""
    never = ops.arange(log_p.shape[-1]) < STOP
    return ops.where(never, ops.cast(-float("inf"), log_p.dtype), log_p)


class SequenceWriter(keras.Model):
    """What the networks have in common that write sequences.

    A network says in `begin` how it decodes; the search is the same for all.
    """

    @property
    def target_length(self):
        """Tokens that `generate` writes at most."""
        raise NotImplementedError

    def begin(self, inputs, width=1):
        """Read the inputs.

        Args:
            inputs: What is to be described or translated, (B, …).
            width: How many beginnings an example will have.

        Returns:
            The state before the first token, with B examples; and `step` for B · width examples,
            see `kerasdl.models.decoding`.
        """
        raise NotImplementedError

    def generate(self, inputs, length=None, width=1, length_penalty=1.0):
        """Write the sequence that belongs to the inputs.

        Args:
            inputs: What is to be described or translated, (B, …).
            length: Tokens at most; by default as many as the network was made for.
            width: 1 takes the most probable token at every step; more keep so many beginnings.
            length_penalty: Of the beam search, see `beam_search`.

        Returns:
            Tokens (B, length) for a width of 1; otherwise tokens (B, width, length), the best
            first, and their scores (B, width). 0 stands behind the end.
        """
        length = self.target_length if length is None else length
        state, step = self.begin(inputs, width)
        if width == 1:
            return greedy_search(step, state, length)
        return beam_search(step, state, length, width, length_penalty)
