"""Cases of the dense layers and the embedding."""

import numpy as np

from kerasdl.parity.case import FunctionCase, Input, LayerCase

SEQUENCE = Input((2, 5, 6), free=(0, 1))
TOKENS = Input((3, 5), "integers", high=7, free=(0, 1))

# Proven in tests/layers/test_low_rank_adaptation.py instead.
LORA = {
    "finite differences": "the factors of LoRA are float32 in every policy",
    "modes": "the factors of LoRA are float32 in every policy",
    ".keras": "the file of a layer with LoRA holds the merged weight",
}

CASES = [
    LayerCase(symbol="layers.Dense", kwargs={"units": 3}, inputs=(Input((4, 6)),)),
    LayerCase(
        symbol="layers.Dense",
        label="sequence, relu, regularised",
        kwargs={"units": 3, "activation": "relu", "kernel_regularizer": "l2"},
        inputs=(SEQUENCE,),
        masks=((2, 5),),
    ),
    LayerCase(
        symbol="layers.Dense",
        label="no bias",
        kwargs={"units": 3, "use_bias": False, "activation": "tanh"},
        inputs=(Input((4, 6)),),
    ),
    LayerCase(
        symbol="layers.Dense",
        label="LoRA",
        kwargs={"units": 3, "lora_rank": 2},
        inputs=(SEQUENCE,),
        skip=LORA,
    ),
    LayerCase(
        symbol="layers.EinsumDense",
        kwargs={"equation": "btd,dnh->btnh", "output_shape": (None, 2, 3), "bias_axes": "nh"},
        inputs=(SEQUENCE,),
    ),
    LayerCase(
        symbol="layers.EinsumDense",
        label="two summed axes",
        kwargs={"equation": "btnh,nhd->btd", "output_shape": (None, 5), "bias_axes": "d"},
        inputs=(Input((2, 4, 2, 3), free=(0, 1)),),
    ),
    LayerCase(
        symbol="layers.EinsumDense",
        label="LoRA",
        kwargs={
            "equation": "btd,dnh->btnh",
            "output_shape": (None, 2, 3),
            "lora_rank": 2,
            "lora_alpha": 3.0,
        },
        inputs=(SEQUENCE,),
        skip=LORA,
    ),
    LayerCase(
        symbol="layers.Embedding",
        label="LoRA",
        kwargs={"input_dim": 7, "output_dim": 4, "lora_rank": 2},
        inputs=(TOKENS,),
        skip=LORA,
    ),
    LayerCase(
        symbol="layers.Embedding",
        kwargs={"input_dim": 7, "output_dim": 4},
        inputs=(TOKENS,),
    ),
    LayerCase(
        symbol="layers.Embedding",
        label="mask_zero",
        kwargs={"input_dim": 7, "output_dim": 4, "mask_zero": True},
        inputs=(TOKENS,),
    ),
    FunctionCase(
        symbol="ops.low_rank_adaptation",
        kwargs={"alpha": 3},
        inputs=(Input((2, 4, 5)), Input((2, 4, 3)), Input((3, 5), free=())),
        reference=lambda W, A, B: W + 3 / A.shape[-1] * (A @ B),
    ),
    FunctionCase(
        symbol="ops.one_hot",
        make=lambda k: lambda labels: k.ops.one_hot(labels, 7),
        inputs=(TOKENS,),
        reference=lambda labels: np.eye(7)[labels],
    ),
]
