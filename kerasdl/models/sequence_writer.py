"""What networks have in common that write sequences."""

import keras
from keras import ops, tree

from kerasdl.models.common import Network
from kerasdl.models.decoding import beam_search, greedy_search, sample_search


class SequenceWriter(Network):
    """What the networks have in common that write sequences.

    A network says in `begin` how it decodes; the search is the same for all. Its constructor takes
    `target_vocabulary` and `target_length`.
    """

    @property
    def target_vocabulary(self):
        """The tokens that are written."""
        return list(self._config["target_vocabulary"])

    @property
    def target_length(self):
        """Tokens that `generate` writes at most."""
        return self._config["target_length"]

    def begin(self, inputs, width=1, length=None):
        """Read the inputs.

        Args:
            inputs: What is to be described or translated, (B, …).
            width: How many beginnings an example will have.
            length: How many steps will be asked for at most; by default `target_length`.

        Returns:
            The state before the first token, with B examples; and `step` for B · width examples,
            see `kerasdl.models.decoding`.
        """
        raise NotImplementedError

    def first_tokens(self, inputs):
        """Return the tokens (B,) that stand before the first one written; None for the start."""
        return None

    def generate(self, inputs, length=None, width=1, length_penalty=1.0):
        """Write the sequence that belongs to the inputs.

        Args:
            inputs: What is to be described, translated or continued, (B, …).
            length: Tokens at most; by default as many as the network was made for.
            width: 1 takes the most probable token at every step; more keep so many beginnings.
            length_penalty: Of the beam search, see `beam_search`.

        Returns:
            Tokens (B, length) for a width of 1; otherwise tokens (B, width, length), the best
            first, and their scores (B, width). 0 stands behind the end.
        """
        length = self.target_length if length is None else length
        state, step = self.begin(inputs, width, length)
        first = self.first_tokens(inputs)
        if width == 1:
            return greedy_search(step, state, length, first)
        return beam_search(step, state, length, width, length_penalty, first)

    def sample(
        self, inputs, length=None, temperature=1.0, top_k=None, top_p=None, seed=None, uniform=None
    ):
        """Draw a sequence that belongs to the inputs.

        Args:
            inputs: What is to be described, translated or continued, (B, …).
            length: Tokens at most; by default as many as the network was made for.
            temperature: See `kerasdl.models.decoding.sample_search`, like the next two.
            top_k: How many tokens a draw may choose from.
            top_p: Which share the tokens hold that a draw may choose from.
            seed: The same seed gives the same sequence; `None` another one each time.
            uniform: Numbers in [0, 1), (B, length), to draw with, in place of `seed`.

        Returns:
            Tokens (B, length); 0 stands behind the end.

        Raises:
            ValueError: If temperature, top_k or top_p is a number that is out of range.
        """
        length = self.target_length if length is None else length
        _check_draw(temperature, top_k, top_p)
        state, step = self.begin(inputs, 1, length)
        if uniform is None:
            B = ops.shape(tree.flatten(state)[0])[0]
            uniform = keras.random.uniform((B, length), dtype="float32", seed=seed)
        first = self.first_tokens(inputs)
        return sample_search(step, state, length, uniform, temperature, top_k, top_p, first)


def _check_draw(temperature, top_k, top_p):
    """Refuse plain numbers out of range; tensors are the caller's business."""

    def is_number(value):
        return isinstance(value, int | float)

    if is_number(temperature) and not temperature > 0:
        raise ValueError(f"`temperature` must be positive, received {temperature!r}.")
    if top_k is not None and is_number(top_k) and not top_k >= 1:
        raise ValueError(f"`top_k` must be at least 1, received {top_k!r}.")
    if top_p is not None and is_number(top_p) and not 0 < top_p <= 1:
        raise ValueError(f"`top_p` must be above 0 and at most 1, received {top_p!r}.")
