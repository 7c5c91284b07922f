"""A gRPC service from plain functions: what they raise becomes the status of the call."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from kerasdl.server.errors import ServingError

logger = logging.getLogger("kerasdl.server")

_MESSAGE_LIMIT = 1024  # TF Serving's own: details travel in a header

# A function of the request that gives the response, and the class of the request.
Methods = Mapping[str, tuple[Callable[[Any], Message], type[Message]]]


def service(name: str, methods: Methods) -> grpc.GenericRpcHandler:
    """Handler for the methods of one service.

    Args:
        name: full name, such as `tensorflow.serving.ModelService`.
        methods: by name of the method.
    """
    return grpc.method_handlers_generic_handler(
        name,
        {
            method: grpc.unary_unary_rpc_method_handler(
                _answering(f"{name}/{method}", function),
                request_deserializer=_parser(request_class),
                response_serializer=lambda response: response.SerializeToString(),
            )
            for method, (function, request_class) in methods.items()
        },
    )


def _parser(request_class: type[Message]) -> Callable[[bytes], Message | None]:
    def parse(data: bytes) -> Message | None:
        try:
            return request_class.FromString(data)
        except DecodeError:
            # Answered with INTERNAL, as by TF Serving; of what is raised here gRPC would write the
            # traceback into the log.
            return None

    return parse


def _answering(what: str, function: Callable[[Any], Message]) -> Callable[..., Message]:
    def answer(request: Message, context: grpc.ServicerContext) -> Message:
        if not context.is_active():  # it waited for a thread until its deadline was over
            context.abort(grpc.StatusCode.CANCELLED, "")
        try:
            return function(request)
        except ServingError as error:
            code, message = error.code, error.message
        except Exception:  # a fault of ours: the details belong in the log, not in the answer
            logger.exception("request failed: %s", what)
            code, message = "INTERNAL", "Internal error"
        context.abort(grpc.StatusCode[code], _shortened(message))
        raise AssertionError  # `abort` raises

    return answer


def _shortened(message: str) -> str:
    # Bytes of the request that are no UTF-8 stand in it as surrogates.
    text = message.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + "...TRUNCATED"
