"""TF Serving's gRPC API beside the REST one, on the same models.

`service` says which methods there are and how a failure is told; `prediction` and `models` answer
them, `tensors` turns messages into arrays and back, `endpoint` listens. Error codes are the
canonical ones whose HTTP statuses REST uses, texts are the same where REST has the same error.
"""

from kerasdl.server.grpc.endpoint import Endpoint as Endpoint
from kerasdl.server.grpc.endpoint import endpoint_for as endpoint_for
