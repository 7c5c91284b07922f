"""Functions of tensors as operations of a functional model."""

import functools
import inspect
from collections.abc import Callable

import keras


def one_operation(tensors: str, output: Callable) -> Callable:
    """Let a function stand in a functional model as one operation, as those of `keras.ops` do.

    While such a model is put together, tensors have no values, and sizes may be unknown. A function
    that is composed of `keras.ops` is recorded step by step then. Recorded as a whole it runs
    later, on tensors that have both; and a file names it instead of its steps.

    Args:
        tensors: Names of the arguments that are tensors. All others are settings.
        output: Takes the same arguments and returns one or several `keras.KerasTensor`, shape and
            dtype of the result.

    Returns:
        A decorator.

    Example:
        >>> @one_operation("x", output=lambda x, factor: keras.KerasTensor(x.shape, x.dtype))
        ... def times(x, factor):
        ...     return x * factor
        >>> times(keras.Input((3,)), factor=2).shape, float(times(keras.ops.array(3.0), factor=2))
        ((None, 3), 6.0)
    """
    names = tensors.split()

    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def operation(*args, **kwargs):
            if not any(isinstance(t, keras.KerasTensor) for t in (*args, *kwargs.values())):
                return function(*args, **kwargs)
            given = signature.bind(*args, **kwargs).arguments
            settings = {k: v for k, v in given.items() if k not in names}
            # An argument that is `None` is left out: it is the default.
            return recorded(**settings)(**{k: given[k] for k in names if given.get(k) is not None})

        def construct(self, name=None, **settings):
            keras.Operation.__init__(self, name=name)
            self.settings = settings

        recorded = type(
            function.__name__,
            (keras.Operation,),
            {
                "__init__": construct,
                "__doc__": f"`{function.__name__}` within a functional model.",
                "__module__": function.__module__,
                "call": lambda self, **given: function(**given, **self.settings),
                "compute_output_spec": lambda self, **given: output(**given, **self.settings),
                "get_config": lambda self: {"name": self.name, **self.settings},
            },
        )
        keras.saving.register_keras_serializable("kerasdl", function.__name__)(recorded)
        return operation

    return decorate


def like_the_input(x, *others, **settings):
    """Return the shape and dtype of the first tensor, as `output` of `one_operation`.

    Example:
        >>> like_the_input(keras.Input((3,)), axis=1).shape
        (None, 3)
    """
    return keras.KerasTensor(x.shape, dtype=x.dtype)
