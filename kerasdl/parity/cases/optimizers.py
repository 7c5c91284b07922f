"""Cases of the optimisers, with the papers' pseudo-code where Keras follows it."""

import numpy as np

from kerasdl.parity.case import OptimizerCase

ALPHA = 0.05


def sgd(gradient, theta, steps):
    """θ ← θ − αg."""
    for t in range(steps):
        theta = theta - ALPHA * gradient(theta, t)
    return theta


def momentum(gradient, theta, steps):
    """V ← βv − αg, θ ← θ + v."""
    v = np.zeros_like(theta)
    for t in range(steps):
        v = 0.9 * v - ALPHA * gradient(theta, t)
        theta = theta + v
    return theta


def adagrad(gradient, theta, steps):
    """N ← n + g², θ ← θ − αg / √(n + ε), n from 0.1."""
    n = np.full_like(theta, 0.1)
    for t in range(steps):
        g = gradient(theta, t)
        n = n + g**2
        theta = theta - ALPHA * g / np.sqrt(n + 1e-7)
    return theta


def rmsprop(gradient, theta, steps):
    """V ← ρv + (1 − ρ)g², θ ← θ − αg / √(v + ε)."""
    v = np.zeros_like(theta)
    for t in range(steps):
        g = gradient(theta, t)
        v = 0.9 * v + 0.1 * g**2
        theta = theta - ALPHA * g / np.sqrt(v + 1e-7)
    return theta


def adadelta(gradient, theta, steps):
    """Δ = −g √(E[Δ²] + ε) / √(E[g²] + ε), as Zeiler's Algorithm 1, times a learning rate."""
    E_g, E_delta = np.zeros_like(theta), np.zeros_like(theta)
    for t in range(steps):
        g = gradient(theta, t)
        E_g = 0.95 * E_g + 0.05 * g**2
        delta = -np.sqrt(E_delta + 1e-7) / np.sqrt(E_g + 1e-7) * g
        E_delta = 0.95 * E_delta + 0.05 * delta**2
        theta = theta + ALPHA * delta
    return theta


def case(name, label="", reference=None, **kwargs):
    """Return the case of an optimiser at one learning rate."""
    return OptimizerCase(
        symbol=f"optimizers.{name}",
        label=label,
        kwargs={"learning_rate": ALPHA, **kwargs},
        reference=reference,
    )


CASES = [
    case("SGD", reference=sgd),
    case("SGD", "momentum", reference=momentum, momentum=0.9),
    case("SGD", "Nesterov", momentum=0.9, nesterov=True),
    case("SGD", "decay, clipped by norm", weight_decay=0.01, clipnorm=0.5),
    case("Adagrad", reference=adagrad),
    case("RMSprop", reference=rmsprop),
    case("RMSprop", "centred, momentum", momentum=0.9, centered=True),
    case("Adadelta", reference=adadelta),
    case("Adam"),
    case("Adam", "AMSGrad, clipped by value", amsgrad=True, clipvalue=0.4),
    case("Adam", "moving average", use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=7),
    case("Adam", "accumulating gradients", gradient_accumulation_steps=3),
    case("Adam", "clipped by global norm", global_clipnorm=0.5),
    case("AdamW", weight_decay=0.02),
    case("Adamax"),
    case("Nadam"),
    case("Ftrl", l1_regularization_strength=0.01),
    case("Lion"),
    case("Lamb"),
    case("Muon"),
    case("ScheduleFreeAdamW"),
]
