"""Cases of the optimisers, with the papers' pseudo-code where Keras follows it."""

import numpy as np

from kerasdl.parity.case import OptimizerCase

ALPHA = 0.05
# TensorFlow rounds the constants of Keras' optimisers, and so ours, to float32. These are exact in
# any precision, so that the papers' pseudo-code can be compared in float64.
MU, RHO, BETA_1, BETA_2, EPSILON, DECAY = 0.875, 0.9375, 0.875, 0.96875, 2.0**-20, 2.0**-8


def sgd(gradient, theta, steps):
    """θ ← θ − αg."""
    for t in range(steps):
        theta = theta - ALPHA * gradient(theta, t)
    return theta


def momentum(gradient, theta, steps):
    """V ← βv − αg, θ ← θ + v."""
    v = np.zeros_like(theta)
    for t in range(steps):
        v = MU * v - ALPHA * gradient(theta, t)
        theta = theta + v
    return theta


def adagrad(gradient, theta, steps):
    """N ← n + g², θ ← θ − αg / √(n + ε), n from 1/8."""
    n = np.full_like(theta, 0.125)
    for t in range(steps):
        g = gradient(theta, t)
        n = n + g**2
        theta = theta - ALPHA * g / np.sqrt(n + EPSILON)
    return theta


def rmsprop(gradient, theta, steps):
    """V ← ρv + (1 − ρ)g², θ ← θ − αg / √(v + ε)."""
    v = np.zeros_like(theta)
    for t in range(steps):
        g = gradient(theta, t)
        v = RHO * v + (1 - RHO) * g**2
        theta = theta - ALPHA * g / np.sqrt(v + EPSILON)
    return theta


def adadelta(gradient, theta, steps):
    """Δ = −g √(E[Δ²] + ε) / √(E[g²] + ε), as Zeiler's Algorithm 1, times a learning rate."""
    E_g, E_delta = np.zeros_like(theta), np.zeros_like(theta)
    for t in range(steps):
        g = gradient(theta, t)
        E_g = RHO * E_g + (1 - RHO) * g**2
        delta = -np.sqrt(E_delta + EPSILON) / np.sqrt(E_g + EPSILON) * g
        E_delta = RHO * E_delta + (1 - RHO) * delta**2
        theta = theta + ALPHA * delta
    return theta


def adam(gradient, theta, steps, decay=0.0):
    """θ ← θ − αm̂ / (√v̂ + ε), ε̂ outside the bias correction (Kingma and Ba, section 2)."""
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t in range(1, steps + 1):
        g = gradient(theta, t - 1)
        m = BETA_1 * m + (1 - BETA_1) * g
        v = BETA_2 * v + (1 - BETA_2) * g**2
        alpha_t = ALPHA * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        theta = theta - ALPHA * decay * theta - alpha_t * m / (np.sqrt(v) + EPSILON)
    return theta


def lion(gradient, theta, steps):
    """θ ← θ − α sign(β₁m + (1 − β₁)g)."""
    m = np.zeros_like(theta)
    for t in range(steps):
        g = gradient(theta, t)
        theta = theta - ALPHA * np.sign(BETA_1 * m + (1 - BETA_1) * g)
        m = BETA_2 * m + (1 - BETA_2) * g
    return theta


def lamb(gradient, theta, steps):
    """R = m̂ / (√v̂ + ε), θ ← θ − α ‖θ‖ / ‖r‖ r."""
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t in range(1, steps + 1):
        g = gradient(theta, t - 1)
        m = BETA_1 * m + (1 - BETA_1) * g
        v = BETA_2 * v + (1 - BETA_2) * g**2
        r = m / (1 - BETA_1**t) / (np.sqrt(v / (1 - BETA_2**t)) + EPSILON)
        theta = theta - ALPHA * np.linalg.norm(theta) / np.linalg.norm(r) * r
    return theta


def schedule_free(gradient, theta, steps):
    """Z takes the steps, x is their mean, the gradient is taken at y = (1 − β₁)z + β₁x."""
    z, x, v = theta, theta, np.zeros_like(theta)
    for t in range(1, steps + 1):
        g = gradient(theta, t - 1)
        v = BETA_2 * v + (1 - BETA_2) * g**2
        z = z - ALPHA * g / (np.sqrt(v / (1 - BETA_2**t)) + EPSILON)
        x = (1 - 1 / t) * x + z / t
        theta = (1 - BETA_1) * z + BETA_1 * x
    return theta


def muon(gradient, theta, steps):
    """Five iterations of Newton and Schulz on g + μm for matrices, AdamW for all else."""
    if theta.ndim != 2:
        return adam(gradient, theta, steps, decay=DECAY)
    m = np.zeros_like(theta)
    for t in range(steps):
        g = gradient(theta, t)
        m = MU * m + g
        X = g + MU * m
        X = X / (np.linalg.norm(X) + 1e-7)
        for _ in range(5):
            A = X @ X.T
            X = 3.5 * X + (-4.75 * A + 2.0 * A @ A) @ X
        theta = theta - ALPHA * DECAY * theta - ALPHA * 0.25 * np.sqrt(max(X.shape)) * X
    return theta


def adafactor(gradient, theta, steps):
    """Algorithm 5 for matrices, 4 for vectors, with the first lines of 6 (ρ, α, clipping)."""
    rms = lambda x: np.sqrt((x**2).mean())  # noqa: E731
    R = C = V = 0
    for t in range(1, steps + 1):
        g = gradient(theta, t - 1)
        beta_2 = 1 - t**-0.75
        squared = g**2 + EPSILON
        if theta.ndim > 1:
            R = beta_2 * R + (1 - beta_2) * squared.mean(-1)
            C = beta_2 * C + (1 - beta_2) * squared.mean(-2)
            V = R[..., :, None] * C[..., None, :] / R.mean(-1)[..., None, None]
        else:
            V = beta_2 * V + (1 - beta_2) * squared
        U = g / np.sqrt(V)
        scale = max(DECAY, rms(theta)) * min(ALPHA, 1 / np.sqrt(t))
        theta = theta - scale * U / max(1, rms(U) / 0.75)
    return theta


def case(name, label="", reference=None, builtin_is_wrong=None, **kwargs):
    """Return the case of an optimiser at one learning rate."""
    return OptimizerCase(
        symbol=f"optimizers.{name}",
        label=label,
        kwargs={"learning_rate": ALPHA, **kwargs},
        reference=reference,
        builtin_is_wrong=builtin_is_wrong or {},
    )


PAPER = "the paper's pseudo-code"
READS_LATE = "recovers the mean x with the state that it has just overwritten"


MOMENTS = {"beta_1": BETA_1, "beta_2": BETA_2, "epsilon": EPSILON}
ROUNDS = "rounds the norm and the root to float32"

CASES = [
    case("SGD", reference=sgd),
    case("SGD", "momentum", reference=momentum, momentum=MU),
    case("SGD", "Nesterov", momentum=0.9, nesterov=True),
    case("SGD", "decay, clipped by norm", weight_decay=0.01, clipnorm=0.5),
    case("Adagrad"),
    case("Adagrad", PAPER, adagrad, initial_accumulator_value=0.125, epsilon=EPSILON),
    case("RMSprop"),
    case("RMSprop", PAPER, rmsprop, rho=RHO, epsilon=EPSILON),
    case("RMSprop", "centred, momentum", momentum=0.9, centered=True),
    case("Adafactor"),
    case(
        "Adafactor",
        PAPER,
        adafactor,
        beta_2_decay=-0.75,
        epsilon_1=EPSILON,
        epsilon_2=DECAY,
        clip_threshold=0.75,
    ),
    case("Adadelta"),
    case("Adadelta", PAPER, adadelta, rho=RHO, epsilon=EPSILON),
    case("Adam"),
    case("Adam", PAPER, adam, **MOMENTS),
    case("Adam", "AMSGrad, clipped by value", amsgrad=True, clipvalue=0.4),
    case("Adam", "moving average", use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=7),
    case("Adam", "accumulating gradients", gradient_accumulation_steps=3),
    case("Adam", "clipped by global norm", global_clipnorm=0.5),
    case("AdamW", weight_decay=0.02),
    case("Adamax"),
    case("Nadam"),
    case("Ftrl", l1_regularization_strength=0.01),
    case("Lion"),
    case("Lion", PAPER, lion, beta_1=BETA_1, beta_2=BETA_2),
    case("Lamb", builtin_is_wrong={"torch:float64": "rounds β to float32 (6e-10)"}),
    case("Lamb", PAPER, lamb, **MOMENTS),
    case(
        "Muon",
        reference=muon,
        builtin_is_wrong={
            "tensorflow:float64": "is a TypeError",
            "jax:float64": ROUNDS,
            "torch:float64": ROUNDS,
        },
        adam_beta_1=BETA_1,
        adam_beta_2=BETA_2,
        epsilon=EPSILON,
        momentum=MU,
        weight_decay=DECAY,
        adam_weight_decay=DECAY,
        muon_a=3.5,
        muon_b=-4.75,
        muon_c=2.0,
        rms_rate=0.25,
    ),
    case(
        "ScheduleFreeAdamW",
        reference=schedule_free,
        builtin_is_wrong={"tensorflow": READS_LATE, "torch": READS_LATE},
        **MOMENTS,
    ),
]
