"""Valid load over REST and gRPC: every answer is compared with what it must be."""

import asyncio
import threading
import time

import grpc
import numpy as np
import tensorflow as tf
from churn import Churn
from process import Server
from record import Record
from serving_models import png
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from kerasdl.client import AsyncClient, ConnectionFailed, NotFound, ServerError

_CLIENTS = 6
_SECONDS = 60
_TEXT = "aé日\n\"\\\x00'{}[]"


class Rest(threading.Thread):
    """Several clients at once, each with one request after the other. None is sent twice."""

    def __init__(self, server: Server, churn: Churn, record: Record):
        super().__init__(name="valid-rest", daemon=True)
        self.server, self.churn, self.record = server, churn, record

    def run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        async with AsyncClient(self.server.url, _SECONDS, retries=0) as client:
            await asyncio.gather(*(self._one(client, seed) for seed in range(_CLIENTS)))

    async def _one(self, client: AsyncClient, seed: int) -> None:
        rng = np.random.default_rng(seed)
        kinds = [self._scale, self._halves, self._two, self._strings, self._images, self._specials]
        self_newest = [0]
        while not self.record.stop.is_set():
            kind = kinds[rng.integers(len(kinds))]
            name = kind.__name__.strip("_")
            began = time.monotonic()
            try:
                problem = await kind(client, rng, began, self_newest)
            except (ServerError, ConnectionFailed) as error:
                problem = f"{type(error).__name__}: {error}"
            if problem:
                self.record.fail(f"REST {name}", problem, began)
                await asyncio.sleep(0.05)  # the server may be down
            else:
                self.record.ok("valid over REST", time.monotonic() - began)

    async def _scale(self, client, rng, began, newest) -> str:
        x = rng.normal(size=rng.integers(1, 40)).astype(np.float32)
        version = None
        if rng.random() < 0.3:
            version = int(rng.choice(list(self.churn.lifetimes)[-3:]))
        try:
            y = await client.predict("scale", inputs=x, version=version)
        except NotFound:
            if version is None:
                raise
            return ""  # it came later, or has gone
        factors = np.unique(np.round(y / x, 3))
        if len(factors) != 1:
            return f"factors {factors} in one answer"
        candidates = self.churn.could_answer(float(factors[0]), began)
        if version is not None:
            return "" if version in candidates else f"version {version} has factor {factors[0]}"
        if not candidates:
            return f"factor {factors[0]} is that of no version that could answer"
        if max(candidates) < newest[0]:
            return f"version {max(candidates)} answered after {newest[0]} had"
        newest[0] = max(newest[0], min(candidates))
        return ""

    async def _halves(self, client, rng, began, newest) -> str:
        x = rng.normal(size=(rng.integers(1, 300), 3)).astype(np.float32)
        if rng.random() < 0.5:
            y = await client.predict("half_plus_two", inputs=x, signature_name="vec")
        else:
            y = np.array(await client.predict("half_plus_two", list(x), signature_name="vec"))
        return "" if np.allclose(y, x / 2 + 2, atol=1e-6) else f"{x[:2]} gives {y[:2]}"

    async def _two(self, client, rng, began, newest) -> str:
        n = int(rng.integers(1, 20))
        a = rng.normal(size=(n, 2)).astype(np.float32)
        b = rng.integers(-(2**20), 2**20, n).astype(np.int32)
        answer = await client.predict("two_io", inputs={"a": a, "b": b})
        right = np.allclose(answer["sum"], a.sum(1) + b.astype(np.float32), rtol=1e-5)
        return "" if right and (answer["doubled"] == 2 * b).all() else f"{a}, {b} give {answer}"

    async def _strings(self, client, rng, began, newest) -> str:
        text = ["".join(rng.choice(list(_TEXT), rng.integers(0, 30))) for _ in range(3)]
        data = [rng.bytes(int(rng.integers(0, 30))) for _ in range(3)]
        same = await client.predict("strings", text)
        raw = await client.predict("strings", data, signature_name="echo_bytes")
        return "" if (same, raw) == (text, data) else f"{text}, {data} give {same}, {raw}"

    async def _images(self, client, rng, began, newest) -> str:
        grey = int(rng.integers(0, 256))
        (answer,) = await client.predict_images("images", png(grey))
        right = abs(answer["probabilities"][1] - grey / 255) < 1e-6
        return "" if right else f"grey {grey} gives {answer}"

    async def _specials(self, client, rng, began, newest) -> str:
        x = rng.choice(np.float32([np.nan, np.inf, -np.inf, 0, -0.0, 1e-45, 3.4e38]), 5)
        y = await client.predict("half_plus_two", inputs=x, signature_name="anyshape")
        return "" if np.array_equal(y.astype(np.float32), x, equal_nan=True) else f"{x} gives {y}"


class Grpc(threading.Thread):
    """The same over gRPC, from one stock client, which waits where it cannot connect."""

    def __init__(self, server: Server, record: Record):
        super().__init__(name="valid-grpc", daemon=True)
        self.server, self.record = server, record

    def run(self) -> None:
        rng = np.random.default_rng(100)
        with grpc.insecure_channel(f"127.0.0.1:{self.server.grpc_port}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            raw = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
            while not self.record.stop.is_set():
                began = time.monotonic()
                try:
                    if rng.random() < 0.2:
                        self._hostile(raw, rng, began)
                    else:
                        self._valid(stub, rng, began)
                except grpc.RpcError as error:
                    what = f"{error.code().name}: {error.details()}"
                    self.record.fail("gRPC", what, began)
                    time.sleep(0.2)
                time.sleep(0.005)

    def _valid(self, stub, rng, began: float) -> None:
        x = rng.normal(size=(rng.integers(1, 100), 3)).astype(np.float32)
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "half_plus_two"
        request.model_spec.signature_name = "vec"
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(x))
        y = tf.make_ndarray(stub.Predict(request, _SECONDS, wait_for_ready=True).outputs["y"])
        if np.allclose(y, x / 2 + 2, atol=1e-6):
            self.record.ok("valid over gRPC", time.monotonic() - began)
        else:
            self.record.fail("gRPC", f"{x[:2]} gives {y[:2]}", began)

    def _hostile(self, raw, rng, began: float) -> None:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "half_plus_two"
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.zeros(3, np.float32)))
        data = bytearray(request.SerializeToString())
        for _ in range(rng.integers(1, 6)):
            data[rng.integers(len(data))] = rng.integers(256)
        try:
            raw(bytes(data), timeout=_SECONDS, wait_for_ready=True)
        except grpc.RpcError as error:
            if error.details() == "Internal error" or error.code() in (
                grpc.StatusCode.UNKNOWN,
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            ):
                what = f"{bytes(data)!r} gives {error.code().name}: {error.details()}"
                self.record.fail("hostile over gRPC", what, began)
                return
        self.record.ok("hostile over gRPC")
