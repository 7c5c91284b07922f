"""Ours by name and by config, whoever wrote it; what users register goes first."""

import keras
import pytest

from kerasdl import constraints, initializers, regularizers

ROOMS = [
    (initializers, keras.initializers, "HeNormal", "he_normal"),
    (regularizers, keras.regularizers, "L2", "l2"),
    (constraints, keras.constraints, "MaxNorm", "max_norm"),
]


@pytest.mark.parametrize(("ours", "theirs", "name", "short"), ROOMS)
def test_names_classes_instances_and_configs(ours, theirs, name, short):
    own, builtin = getattr(ours, name), getattr(theirs, name)
    assert type(ours.get(name)) is own
    assert type(ours.get(short)) is own
    assert type(ours.get(own)) is own
    assert type(ours.get({"class_name": name, "config": {}})) is own
    assert type(ours.get(theirs.serialize(builtin()))) is own
    assert type(ours.deserialize(ours.serialize(own()))) is own
    instance = builtin()
    assert ours.get(instance) is instance, "what the user made stays"
    assert type(ours.get(builtin)) is builtin
    assert ours.get(None) is None
    with pytest.raises(ValueError, match="typo"):
        ours.get("typo")


@pytest.mark.parametrize(("ours", "theirs", "name", "short"), ROOMS)
def test_custom_objects_go_first(ours, theirs, name, short):
    class Own(getattr(theirs, name)):
        pass

    config = {"class_name": name, "config": {}, "registered_name": name}
    assert type(ours.deserialize(config, custom_objects={name: Own})) is Own
    with keras.saving.custom_object_scope({name: Own}):
        assert type(ours.get(config)) is Own
    assert type(ours.get(config)) is getattr(ours, name)
