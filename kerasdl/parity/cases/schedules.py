"""Cases of the learning-rate schedules, as functions of the step."""

from kerasdl.parity.case import FunctionCase, Input

STEP = Input((), lambda rng, shape: rng.integers(0, 40), free=())


def schedule(name, label="", **kwargs):
    """Return the case of a schedule at some step."""
    return FunctionCase(
        symbol=f"optimizers.schedules.{name}", label=label, kwargs=kwargs, inputs=(STEP,)
    )


START = {"initial_learning_rate": 0.1}

CASES = [
    schedule("ExponentialDecay", **START, decay_steps=10, decay_rate=0.9),
    schedule(
        "ExponentialDecay", "staircase", **START, decay_steps=10, decay_rate=0.9, staircase=True
    ),
    schedule("InverseTimeDecay", **START, decay_steps=10, decay_rate=0.5),
    schedule("PolynomialDecay", **START, decay_steps=50, power=2.0),
    schedule("PolynomialDecay", "cycle", **START, decay_steps=7, cycle=True),
    schedule("PiecewiseConstantDecay", boundaries=[10, 20], values=[0.1, 0.01, 0.001]),
    schedule("CosineDecay", **START, decay_steps=50, alpha=0.1),
    schedule(
        "CosineDecay",
        "warm-up",
        initial_learning_rate=0.0,
        warmup_target=0.1,
        warmup_steps=20,
        decay_steps=50,
    ),
    schedule("CosineDecayRestarts", **START, first_decay_steps=10),
    FunctionCase(
        symbol="optimizers.schedules.InverseSquareRootDecay",
        skip={"float64": "a learning rate is a float32, and the loop in NumPy is not"},
        kwargs={"hidden_dim": 16, "warmup_steps": 20},
        inputs=(STEP,),
        reference=lambda step: 16**-0.5 * min((step + 1) ** -0.5, (step + 1) * 20**-1.5),
    ),
]
