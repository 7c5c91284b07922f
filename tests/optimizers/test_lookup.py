"""Names, configs and bad arguments."""

import keras
import pytest

from kerasdl import optimizers


@pytest.mark.parametrize("optimizer", optimizers.OURS, ids=lambda o: o.__name__)
def test_found_by_name_config_and_instance(optimizer):
    name = optimizer.__name__
    for spelling in (name, name.lower()):
        assert type(optimizers.get(spelling)) is optimizer
        config = {"class_name": spelling, "config": {"learning_rate": 0.25}}
        found = optimizers.get(config)
        assert type(found) is optimizer
        assert config == {"class_name": spelling, "config": {"learning_rate": 0.25}}
        assert float(keras.ops.convert_to_numpy(found.learning_rate)) == 0.25
    assert optimizers.get(found) is found
    again = optimizers.deserialize(optimizers.serialize(found))
    assert type(again) is optimizer
    assert again.get_config() == found.get_config()


def test_a_config_that_names_its_module_means_that_class():
    theirs = keras.optimizers.Adam(0.25)
    assert type(optimizers.deserialize(optimizers.serialize(theirs))) is type(theirs)


def test_what_is_not_ours_is_keras():
    assert optimizers.LossScaleOptimizer is keras.optimizers.LossScaleOptimizer
    adam = keras.optimizers.serialize(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()))
    assert isinstance(optimizers.get(adam), keras.optimizers.LossScaleOptimizer)
    assert optimizers.get(None) is None
    with pytest.raises(ValueError, match="typo"):
        optimizers.get("typo")
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier"):
        optimizers.get(7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(momentum=2.0), "`momentum` must be a float between"),
        (lambda: optimizers.SGD(momentum=1), "`momentum` must be a float between"),
        (lambda: optimizers.AdamW(weight_decay=None), "`weight_decay` must be a float"),
        (lambda: optimizers.Lion(beta_1=0.0), "degenerates to SignSGD"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "`learning_rate_power` needs to be"),
        (
            lambda: optimizers.Adagrad(initial_accumulator_value=-1.0),
            "`initial_accumulator_value` must not be negative, received -1.0",
        ),
        (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), "Only one of `clipnorm`"),
        (lambda: optimizers.Adam(momentum=0.9), "not recognized"),
        (lambda: optimizers.Adam(gradient_accumulation_steps=1), "must be an integer >= 2"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
