"""From a network that predicts the next token to whole sequences: greedy, beam search, sampling.

All are written for any network that decodes step by step. It is given as a function

    log_p, state = step(token, state)       token (B,), log_p (B, V)

and its state: a tensor, or a list of tensors, with the examples in front. Three tokens are reserved
in every target vocabulary: 0 is padding, 1 stands before the first token, 2 behind the last.
"""

import keras
from keras import ops, tree

from kerasdl import activations
from kerasdl.backend import fuse
from kerasdl.layers.arguments import positive_integer

PADDING, START, STOP = 0, 1, 2
TARGET_RESERVED = 3


def greedy_search(step, state, length, first=None):
    r"""Take the most probable token at every step.

    $$y_t = \arg\max_y \; p(y \mid y_{<t}, x)$$

    Args:
        step: The network, see the head of this module.
        state: Its state before the first token.
        length: Tokens at most.
        first: The token that stands before the first one, (B,); default the start.

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
    return _one_by_one(step, state, length, first, lambda log_p, t: ops.argmax(log_p, axis=-1))


def sample_search(
    step, state, length, uniform, temperature=1.0, top_k=None, top_p=None, first=None
):
    r"""Draw every token from what the network thinks probable.

    $$y_t \sim p_\tau(y \mid y_{<t}, x) \propto p(y \mid y_{<t}, x)^{1/\tau}$$

    among the `top_k` most probable tokens and among the fewest that hold the share `top_p`. The
    token is where the summed probabilities pass a number u drawn beforehand, so that the same u
    give the same text on every backend and in a SavedModel.

    Args:
        step: The network, see the head of this module.
        state: Its state before the first token.
        length: Tokens at most.
        uniform: u, drawn from [0, 1), (B, length).
        temperature: $\tau$, a number or (B,): below 1 the probable becomes more probable.
        top_k: How many tokens a draw may choose from, a number or (B,); `None` for all.
        top_p: Share, a number or (B,); `None` for 1.
        first: The token that stands before the first one, (B,); default the start.

    Returns:
        Tokens (B, length); 0 behind the end.

    Source:
        Fan et al., 2018, Hierarchical Neural Story Generation, section 5.4 (top-k); Holtzman et
        al., 2020, The Curious Case of Neural Text Degeneration, section 3.1 (top-p).

    Example:
        >>> log_p = ops.log(ops.array([[0.1, 0.1, 0.1, 0.2, 0.5]]))
        >>> step = lambda token, t: (log_p, t + 1)
        >>> u = ops.array([[0.1, 0.7, 0.95]])
        >>> ops.convert_to_numpy(sample_search(step, ops.array([0]), 3, u)).tolist()
        [[4, 3, 0]]
        >>> ops.convert_to_numpy(sample_search(step, ops.array([0]), 3, u, top_k=1)).tolist()
        [[4, 4, 4]]
    """

    def draw(log_p, t):
        u = ops.take(uniform, t, axis=1)  # (B,)
        return drawn(log_p, u, temperature, top_k, top_p)

    return _one_by_one(step, state, length, first, draw)


def drawn(log_p, u, temperature=1.0, top_k=None, top_p=None):
    """Return the token at which the summed probabilities pass u; see `sample_search`.

    Args:
        log_p: (B, V).
        u: (B,).
        temperature: See `sample_search`, like all that follow.
        top_k: See `sample_search`.
        top_p: See `sample_search`.

    Returns:
        Tokens (B,).
    """
    dtype = log_p.dtype

    def column(value):
        return ops.reshape(ops.cast(value, dtype), (-1, 1))  # (B, 1) or (1, 1)

    order = ops.argsort(-log_p, axis=-1)  # the most probable first
    p = activations.softmax(ops.take_along_axis(log_p, order, axis=-1) / column(temperature))
    if top_k is not None:
        rank = ops.cast(ops.arange(log_p.shape[-1]), dtype)
        p = ops.where(rank < column(top_k), p, ops.zeros_like(p))
        p = p / ops.sum(p, axis=-1, keepdims=True)
    before = ops.cumsum(p, axis=-1) - p  # what the more probable ones hold
    if top_p is not None:
        p = ops.where(before < column(top_p), p, ops.zeros_like(p))
    passed = ops.cumsum(p, axis=-1) <= column(u) * ops.sum(p, axis=-1, keepdims=True)
    kept = ops.sum(ops.cast(p > 0, "int32"), axis=-1)
    index = ops.minimum(ops.sum(ops.cast(passed, "int32"), axis=-1), kept - 1)  # of a rounded sum
    return ops.take_along_axis(order, index[:, None], axis=-1)[:, 0]


def _check_length(length):
    if not ops.is_tensor(length):  # a graph may learn it from its client
        positive_integer("length", length)


def _one_by_one(step, state, length, first, choose):
    """Write tokens (B, length), each as `choose(log_p, t)` says."""
    _check_length(length)
    B = ops.shape(tree.flatten(state)[0])[0]

    def unfinished(t, tokens, y, ended, state):
        return ops.logical_and(t < length, ops.logical_not(ops.all(ended)))

    def advance(t, tokens, y, ended, state):
        log_p, state = step(y, state)  # (B, V)
        y = ops.cast(choose(_possible(log_p), t), "int32")  # (B,)
        ended = ops.logical_or(ended, y == STOP)
        written = ops.where(ended, PADDING, y)
        tokens = ops.where(ops.arange(length) == t, written[:, None], tokens)
        return t + 1, tokens, y, ended, state

    start = (
        ops.convert_to_tensor(0, "int32"),
        ops.zeros((B, length), "int32"),
        ops.full((B,), START, "int32") if first is None else ops.cast(first, "int32"),
        ops.zeros((B,), "bool"),
        state,
    )
    return ops.while_loop(unfinished, advance, start)[1]


def beam_search(step, state, length, width, length_penalty=1.0, first=None):
    r"""Keep the `width` most probable beginnings at every step.

    $$s(y_{\le t}) = s(y_{<t}) + \log p(y_t \mid y_{<t}, x), \qquad
      \hat y = \arg\max_y \; s(y) / |y|^\alpha$$

    Args:
        step: The network, called with B · width examples: those of one example next to each other.
        state: Its state before the first token, with B examples.
        length: Tokens at most.
        width: Beginnings that are kept.
        length_penalty: $\alpha$; 0 compares the probabilities themselves, which favours the short.
        first: The token that stands before the first one, (B,); default the start.

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
    _check_length(length)
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

    first = ops.full((B,), START, "int32") if first is None else ops.cast(first, "int32")
    one = ops.convert_to_tensor([0.0] + [minus_infinity] * (W - 1), keras.config.floatx())
    start = (
        ops.convert_to_tensor(0, "int32"),
        ops.zeros((B, W, length), "int32"),
        ops.tile(first[:, None], (1, W)),
        ops.tile(one[None], (B, 1)),  # W times the same beginning would be found W times
        ops.zeros((B, W), "int32"),
        state,
    )
    _, tokens, _, score, size, _ = ops.while_loop(unfinished, advance, start)
    score = score / ops.power(ops.cast(ops.maximum(size, 1), score.dtype), length_penalty)
    score, order = ops.top_k(score, W)
    order = ops.cast(order, "int32")
    return ops.take_along_axis(tokens, order[..., None], axis=1), score


def as_one_kernel(step):
    """Return the same step, compiled as a whole where `kerasdl.backend.fuse` compiles.

    A step is a hundred small operations, each of which a TensorFlow graph starts by itself.
    """
    structure = []  # of the state, which `fuse` wants flat

    def flat_step(token, *state):
        log_p, state = step(token, tree.pack_sequence_as(structure[0], state))
        return log_p, *tree.flatten(state)

    def compiled_step(token, state):
        structure[:] = [tree.map_structure(lambda _: None, state)]
        log_p, *flat = fuse(flat_step, token, *tree.flatten(state))
        return log_p, tree.pack_sequence_as(state, flat)

    return compiled_step


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
