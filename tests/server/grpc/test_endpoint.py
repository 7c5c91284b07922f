"""What surrounds the calls: health, token, TLS, limits, an orderly end."""

import threading
import time

import grpc
import numpy as np
import pytest
from certificates import write_certificate
from grpc_calls import SECONDS, listening, refusal, request_for, stub_of
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kerasdl.errors import InputError
from kerasdl.server.grpc import Endpoint

REQUEST = request_for("half_plus_two", x=np.float32([1]))


def test_bytes_that_are_no_message(channel, caplog, capfd):
    predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError) as caught:
        predict(b"\xff" * 100, timeout=SECONDS)
    assert caught.value.code().name == "INTERNAL"
    assert "Traceback" not in caplog.text + "".join(capfd.readouterr())


def test_unknown_methods(channel):
    for path in ("/tensorflow.serving.PredictionService/Nope", "/nope/Nope"):
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(path)(b"", timeout=SECONDS)
        assert caught.value.code().name == "UNIMPLEMENTED"


def test_a_fault_of_ours_stays_here(store, caplog):
    def broken(*_):
        raise RuntimeError("secret details")

    with listening(store, run=broken) as channel:
        assert refusal(stub_of(channel).Predict, REQUEST) == ("INTERNAL", "Internal error")
    assert "secret details" in caplog.text


def test_token(store):
    with listening(store, token="s3cret") as channel:
        predict = stub_of(channel).Predict
        for metadata in ([], [("authorization", "Bearer wrong")], [("authorization", "")]):
            with pytest.raises(grpc.RpcError) as caught:
                predict(REQUEST, SECONDS, metadata=metadata)
            assert caught.value.code().name == "UNAUTHENTICATED"
        assert predict(REQUEST, SECONDS, metadata=[("authorization", "Bearer s3cret")]).outputs
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest(), SECONDS).status == 1


def test_tls(store, tmp_path):
    certificate, key = write_certificate(tmp_path)
    endpoint = Endpoint(store, certificate=certificate, key=key)
    endpoint.start()
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    address = f"127.0.0.1:{endpoint.port}"
    with grpc.secure_channel(address, credentials) as channel:
        assert stub_of(channel).Predict(REQUEST, SECONDS).outputs
    with grpc.insecure_channel(address) as channel:
        assert refusal(stub_of(channel).Predict, REQUEST)[0] == "UNAVAILABLE"
    endpoint.stop(1)


def test_a_request_that_is_too_long(store):
    with listening(store, max_message_bytes=1000) as channel:
        request = request_for("half_plus_two", x=np.zeros(1000, np.float32))
        assert refusal(stub_of(channel).Predict, request)[0] == "RESOURCE_EXHAUSTED"


def test_running_requests_are_finished(store):
    entered, release = threading.Event(), threading.Event()

    def slow(servable, name, inputs):
        entered.set()
        assert release.wait(SECONDS)
        return servable.predict(name, inputs)

    endpoint = Endpoint(store, run=slow)
    endpoint.start()
    with grpc.insecure_channel(f"127.0.0.1:{endpoint.port}") as channel:
        running = stub_of(channel).Predict.future(REQUEST, SECONDS)
        assert entered.wait(SECONDS)
        stopping = threading.Thread(target=endpoint.stop)
        stopping.start()
        time.sleep(0.1)
        release.set()
        assert running.result().outputs
        stopping.join()
        assert refusal(stub_of(channel).Predict, REQUEST)[0] == "UNAVAILABLE"


def test_more_than_it_takes_is_refused_at_once(store):
    entered, release = threading.Event(), threading.Event()

    def slow(servable, name, inputs):
        entered.set()
        assert release.wait(SECONDS)
        return servable.predict(name, inputs)

    with listening(store, run=slow, max_requests=1) as channel:
        running = stub_of(channel).Predict.future(REQUEST, SECONDS)
        assert entered.wait(SECONDS)
        assert refusal(stub_of(channel).Predict, REQUEST)[0] == "RESOURCE_EXHAUSTED"
        release.set()
        assert running.result().outputs


def test_a_port_in_use(store):
    endpoint = Endpoint(store)
    with pytest.raises(InputError, match=r"Cannot listen on 127\.0\.0\.1 port"):
        Endpoint(store, port=endpoint.port)


def test_files_that_are_missing(store, tmp_path):
    with pytest.raises(InputError, match=r"nope\.pem cannot be read: No such file"):
        Endpoint(store, certificate=tmp_path / "nope.pem")
