"""Time step-wise decoding with a cache beside computing everything anew for each token.

Greedy decoding of untrained networks in the size of the recipes, as graphs. Anew means: the network
reads what is written so far, and nothing behind it; the encoder's output is kept on both sides.
Both write the same tokens.
"""

import argparse
import json
import re
import statistics
import time

import keras
import numpy as np
from harness import RESULTS, machine
from keras import ops

from kerasdl import activations, models
from kerasdl.backend import compiled
from kerasdl.models.decoding import STOP, greedy_search

ROUNDS = 3
VOCABULARY = [chr(ord("!") + k) for k in range(80)]


def language_model():
    """Return the model of the recipe, and a beginning of eight tokens for B examples."""
    model = models.LanguageModel(VOCABULARY, context=256)

    def begin_anew(inputs, length):
        tokens, position = inputs, ops.full((ops.shape(inputs)[0],), inputs.shape[1], "int32")

        def step(token, state):
            tokens, t = state
            tokens = put(tokens, token, t)
            logits = model.parts.logits(model.parts.read(tokens[:, : t[0] + 1])[0][:, -1:])
            return activations.log_softmax(logits[:, 0]), [tokens, t + 1]

        start = ops.full((ops.shape(inputs)[0], 1), 1, "int32")
        room = ops.zeros((ops.shape(inputs)[0], length), "int32")
        return [ops.concatenate([start, tokens[:, :-1], room], 1), position], step

    return model, begin_anew


def transformer():
    """Return the model of the recipe, and how it decodes without a cache."""
    model = models.Transformer(VOCABULARY, VOCABULARY, intermediate_dim=256)
    parts = model.parts

    def begin_anew(inputs, length):
        real = ops.not_equal(inputs, 0)
        memory, _ = parts.encode(inputs, real)
        B = ops.shape(inputs)[0]

        def step(token, state):
            tokens, t = state
            tokens = put(tokens, token, t)
            logits, _ = parts.decode(tokens[:, : t[0] + 1], memory, real)
            return activations.log_softmax(logits[:, -1]), [tokens, t + 1]

        return [ops.zeros((B, length), "int32"), ops.zeros((B,), "int32")], step

    return model, begin_anew


def put(tokens, token, t):
    """Write the token of each example where it stands."""
    here = ops.equal(ops.arange(tokens.shape[1]), t[:, None])
    return ops.where(here, token[:, None], tokens)


def endless(step):
    """Let no sequence end, so that all are equally long."""

    def without_end(token, state):
        log_p, state = step(token, state)
        return ops.where(ops.arange(log_p.shape[-1]) == STOP, -1e9, log_p), state

    return without_end


def run(name, make, batch, length):
    """Time both ways of one case; return the row."""
    keras.utils.set_random_seed(0)
    model, begin_anew = make()
    rng = np.random.default_rng(0)
    inputs = ops.convert_to_tensor(rng.integers(3, 80, (batch, 8)).astype("int32"))

    def cached(inputs):
        state, step = model.begin(inputs, 1, length)
        return greedy_search(endless(step), state, length, model.first_tokens(inputs))

    def anew(inputs):
        state, step = begin_anew(inputs, length)
        return greedy_search(endless(step), state, length, model.first_tokens(inputs))

    both = [compiled(anew, xla=False), compiled(cached, xla=False)]
    written = [ops.convert_to_numpy(decode(inputs)) for decode in both]  # and traced
    samples = [[], []]
    for _ in range(ROUNDS):
        for times, decode in zip(samples, both, strict=True):
            started = time.perf_counter()
            ops.convert_to_numpy(decode(inputs))
            times.append(time.perf_counter() - started)
    before, ours = (statistics.median(times) * 1e3 for times in samples)
    row = {
        "case": f"{name}, batch {batch}, {length} tokens",
        "backend": keras.backend.backend(),
        "anew_ms": round(before, 1),
        "cached_ms": round(ours, 1),
        "ratio": round(statistics.median(a / b for a, b in zip(*samples, strict=True)), 2),
        "tokens_equal": float((written[0] == written[1]).mean()),
    }
    print(*(f"{key} {value}" for key, value in row.items()), sep="  ", flush=True)
    return row


def save(row):
    """Write a row to the results, in place of the one of the same case."""
    path = RESULTS / "decoding.json"
    rows = json.loads(path.read_text())["rows"] if path.is_file() else []
    rows = [other for other in rows if other["case"] != row["case"]]
    content = {"command": "make bench-decoding", **machine(), "rows": [*rows, row]}
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=256, help="tokens to write")
    parser.add_argument("--only", default="", help="run the cases whose name matches")
    arguments = parser.parse_args()
    for name, make in (("LanguageModel", language_model), ("Transformer", transformer)):
        for batch in (1, 8):
            if re.search(arguments.only, f"{name} {batch}"):
                save(run(name, make, batch, arguments.length))
