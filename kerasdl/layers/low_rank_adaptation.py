"""Fine-tuning by a low-rank update of one weight (LoRA)."""

import keras

from kerasdl import initializers, ops
from kerasdl.layers.arguments import positive_integer


class LowRankAdaptation:
    r"""Mix-in of layers whose weight can be fine-tuned by few numbers.

    $$W' = W + \frac{\alpha}{r} A B, \qquad
      A \in \mathbb{R}^{\dots \times r}, \; B \in \mathbb{R}^{r \times n}$$

    $W$ is frozen, $A$ and $B$ are trained; $B$ starts at 0, so that the layer starts as it was. A
    layer with the mix-in names its weight in `ADAPTED`, keeps it as `_kernel` (or `_embeddings`),
    gives $W'$ out as `kernel` by `adapted_weight`, and calls `adapt_if_asked` at the end of its
    `build`. Without LoRA nothing is added, computed or written.

    Files hold $W'$ in the place of $W$, and neither $A$ nor $B$: a layer with LoRA reads the file
    of one without, and the other way round.

    Args:
        *args: Arguments of the next class.
        lora_rank: $r$; `None` for no LoRA.
        lora_alpha: $\alpha$; `None` for $r$.
        **kwargs: Arguments of the next class.

    Source:
        Hu et al., 2021, LoRA: Low-Rank Adaptation of Large Language Models, section 4.1.

    Example:
        >>> from kerasdl import layers
        >>> layer = layers.Dense(3)
        >>> layer.build((None, 4))
        >>> layer.enable_lora(rank=2)
        >>> [w.name for w in layer.trainable_weights]
        ['bias', 'lora_kernel_a', 'lora_kernel_b']

    Differences from Keras: `lora_alpha` of the constructor counts in every layer (`Dense` and
    `Embedding` of Keras forget it); a file holds $W'$ in the precision of $W$ (Keras: in the
    compute dtype, bfloat16 under "mixed_bfloat16"); after reading a file $B$ is 0 and $A$ stays
    (Keras sets both to 0, where neither has a gradient and fine-tuning stands still).
    """

    ADAPTED = "kernel"

    def __init__(self, *args, lora_rank=None, lora_alpha=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.lora_rank = lora_rank
        self.lora_alpha = lora_rank if lora_alpha is None else lora_alpha
        self.lora_enabled = False

    def adapted_weight(self):
        """Return $W$ or, with LoRA, $W'$ in the compute dtype."""
        W = getattr(self, f"_{self.ADAPTED}", None)
        if W is None:
            raise AttributeError(f"You must build the layer before accessing `{self.ADAPTED}`.")
        return keras.ops.cast(self._merged(), self.compute_dtype) if self.lora_enabled else W

    def adapt_if_asked(self):
        """Enable LoRA if the constructor was told so."""
        if self.lora_rank:
            self.built = True
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def enable_lora(self, rank, lora_alpha=None, a_initializer="he_uniform", b_initializer="zeros"):
        r"""Freeze $W$ and create $A$ and $B$, in float32 so that small steps are not lost.

        Args:
            rank: $r$.
            lora_alpha: $\alpha$; `None` for $r$.
            a_initializer: Initialiser of $A$.
            b_initializer: Initialiser of $B$.

        Raises:
            ValueError: If the layer is not built, has LoRA already or constrains $W$, or if `rank`
                is no positive integer.
        """
        argument = f"{self.ADAPTED}_constraint"
        if getattr(self, argument) is not None:
            raise ValueError(
                f"Lora is incompatible with {self.ADAPTED.removesuffix('s')} constraints: remove "
                f"the `{argument}` argument of layer '{self.name}'."
            )
        if not self.built:
            raise ValueError("Cannot enable lora on a layer that isn't yet built.")
        if self.lora_enabled:
            raise ValueError("lora is already enabled. This can only be done once per layer.")
        r, W = positive_integer("rank", rank), self._part("_")
        self._tracker.unlock()  # Keras takes no new weights after `build`
        for part, shape, initializer in (
            ("a", (*W.shape[:-1], r), a_initializer),
            ("b", (r, W.shape[-1]), b_initializer),
        ):
            name = f"lora_{self.ADAPTED}_{part}"
            weight = self.add_weight(
                name=name,
                shape=shape,
                initializer=initializers.get(initializer),
                dtype="float32",
                regularizer=getattr(self, f"{self.ADAPTED}_regularizer"),
            )
            setattr(self, name, weight)
        W.trainable = False
        self._tracker.lock()
        self.lora_enabled = True
        self.lora_rank = r
        self.lora_alpha = r if lora_alpha is None else lora_alpha

    def _part(self, prefix, suffix=""):
        return getattr(self, f"{prefix}{self.ADAPTED}{suffix}")

    def _merged(self):
        W, A, B = self._part("_"), self._part("lora_", "_a"), self._part("lora_", "_b")
        return ops.low_rank_adaptation(W, A, B, self.lora_alpha)

    def _weights_in_files(self):
        parts = [self._part("lora_", "_a"), self._part("lora_", "_b")]
        own = self._trainable_variables + self._non_trainable_variables
        return [w for w in own if not any(w is p for p in parts)]

    def save_own_variables(self, store):
        """Write the weights, with $W'$ in the place of $W$."""
        if not self.lora_enabled:
            return super().save_own_variables(store)
        W = self._part("_")
        for i, weight in enumerate(self._weights_in_files()):
            store[f"{i}"] = keras.ops.cast(self._merged(), W.dtype) if weight is W else weight

    def load_own_variables(self, store):
        """Read the weights; with LoRA, start it anew from the weight that was read."""
        if not self.lora_enabled:
            return super().load_own_variables(store)
        weights = self._weights_in_files()
        if len(store.keys()) != len(weights):
            raise ValueError(
                f"Layer '{self.name}' expected {len(weights)} variables, but received "
                f"{len(store.keys())} variables during loading."
            )
        for i, weight in enumerate(weights):
            weight.assign(store[f"{i}"])
        B = self._part("lora_", "_b")
        B.assign(keras.ops.zeros(B.shape, B.dtype))

    def get_config(self):
        r"""Return the next class' arguments and, with LoRA, $r$ and $\alpha$."""
        if not self.lora_rank:
            return super().get_config()
        lora = {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}
        return {**super().get_config(), **lora}
