"""What a client can be asked for: each method as one request, and how its answer is read."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np

from kerasdl.client.values import from_json, read_file, to_array, to_json
from kerasdl.errors import InputError

Version = int | str | None


@dataclass(frozen=True)
class Call:
    """One request.

    Args:
        method: HTTP method.
        path: path below the server's URL; an empty one if nothing has to be asked.
        read: makes what the caller gets from the answer's JSON.
        body: JSON text, for POST.
        model: path of the model without a version.
        version: version asked for.
        sent: what a predict request holds, for a hint if the server refuses it: the signature's
            name, whether it is in row format, and the values.
    """

    method: str
    path: str
    read: Callable[[dict[str, Any]], Any]
    body: str | None = None
    model: str = ""
    version: Version = None
    sent: tuple[str, bool, Any] | None = field(default=None, repr=False)


class Calls:
    """The methods that `Client` and `AsyncClient` share; of the latter each is awaited.

    `version` is the number of a version, or a version label as a string; without it the newest
    version answers. Every method raises `InputError` for what has no JSON form or names no file,
    `ServerError` (`BadRequest`, `NotFound`, …) when the server refuses and `ConnectionFailed` when
    no answer comes.
    """

    def _ask(self, call: Call) -> Any:
        raise NotImplementedError

    def models(self) -> Any:
        """Names of the models that the embedded server is to serve, in order.

        Returns:
            A list of names. TF Serving has no such list and answers with `NotFound`.
        """
        return self._ask(Call("GET", "/models", lambda answer: answer["models"]))

    def status(self, model: str, version: Version = None) -> Any:
        """State of a model's versions, the highest first.

        Args:
            model: name of the model.
            version: one version only.

        Returns:
            A dictionary per version: `version`, `state` (`AVAILABLE` when it answers), `status`.
        """
        return self._ask(
            Call("GET", _path(model, version), lambda answer: answer["model_version_status"])
        )

    def metadata(self, model: str, version: Version = None) -> Any:
        """Signatures of a model.

        Args:
            model: name of the model.
            version: version; the newest without.

        Returns:
            By signature: `inputs` and `outputs` with `dtype` and `tensor_shape`, as the server
            gives them.
        """
        return self._ask(metadata_call(_path(model, version)))

    def predict(
        self,
        model: str,
        instances: Any = None,
        inputs: Any = None,
        signature_name: str | None = None,
        version: Version = None,
    ) -> Any:
        """Ask for predictions, in row format (`instances`) or column format (`inputs`).

        Args:
            model: name of the model.
            instances: a sequence with one element per example: an array, a number, a string,
                `bytes`, a `pathlib.Path` whose file is sent, or a dictionary of these by input
                name.
            inputs: the whole batch: an array, or a dictionary of arrays by input name.
            signature_name: signature to run; `serving_default` without.
            version: version to ask; the newest without.

        Returns:
            For `instances` a list with one element per example: plain values, or a dictionary by
            output name where there are several. For `inputs` a NumPy array, or a dictionary of
            them by output name. Binary outputs are `bytes`.

        Raises:
            InputError: neither or both of `instances` and `inputs`.
        """
        if (instances is None) == (inputs is None):
            raise InputError("Give one of `instances` and `inputs`.")
        in_rows = instances is not None
        key, values = ("instances", instances) if in_rows else ("inputs", inputs)
        return self._post(
            model,
            version,
            "predict",
            _request(signature_name, key, values),
            _read_rows if in_rows else _read_columns,
            (signature_name or "serving_default", in_rows, values),
        )

    def predict_images(
        self,
        model: str,
        images: str | os.PathLike | bytes | Iterable[str | os.PathLike | bytes],
        signature_name: str | None = None,
        version: Version = None,
    ) -> Any:
        """Send encoded images (PNG, JPEG) to a model that takes image bytes.

        Args:
            model: name of the model.
            images: paths of files, or the encoded bytes themselves; one or several.
            signature_name: signature to run; `serving_default` without.
            version: version to ask; the newest without.

        Returns:
            One prediction per image, such as `{"label": ..., "probability": ...}`.
        """
        if isinstance(images, (str, bytes, os.PathLike)):
            images = [images]
        encoded = [image if isinstance(image, bytes) else read_file(image) for image in images]
        if not encoded:
            return self._ask(Call("", "", lambda _: []))
        return self.predict(model, encoded, signature_name=signature_name, version=version)

    def explain(self, model: str, instances: Any, version: Version = None) -> Any:
        """Ask a model for its prediction and for what it looked at: the signature `explain`.

        Args:
            model: name of a model that has the signature.
            instances: as for `predict`; images as `bytes` or `pathlib.Path`, text as a string.
            version: version to ask; the newest without.

        Returns:
            A dictionary per example.
        """
        return self.predict(model, instances, signature_name="explain", version=version)

    def classify(
        self,
        model: str,
        examples: Iterable[Mapping[str, Any]],
        context: Mapping[str, Any] | None = None,
        signature_name: str | None = None,
        version: Version = None,
    ) -> Any:
        """Ask a signature that takes `tf.Example` for classes and their scores.

        Args:
            model: name of the model.
            examples: a dictionary of features per example: numbers, strings, `bytes`, or flat lists
                of these.
            context: features that all examples share.
            signature_name: signature to run; `serving_default` without.
            version: version to ask; the newest without.

        Returns:
            A list of `(class, score)` pairs per example.
        """
        request = _request(signature_name, "examples", list(examples), context)
        return self._post(model, version, "classify", request, _read_classes)

    def regress(
        self,
        model: str,
        examples: Iterable[Mapping[str, Any]],
        context: Mapping[str, Any] | None = None,
        signature_name: str | None = None,
        version: Version = None,
    ) -> Any:
        """Ask a signature that takes `tf.Example` for one number per example.

        Args:
            model: name of the model.
            examples: a dictionary of features per example, as for `classify`.
            context: features that all examples share.
            signature_name: signature to run; `serving_default` without.
            version: version to ask; the newest without.

        Returns:
            NumPy array with one number per example.
        """
        request = _request(signature_name, "examples", list(examples), context)
        return self._post(
            model, version, "regress", request, lambda answer: np.array(answer["results"], float)
        )

    def _post(self, model, version, action, request, read, sent=None) -> Any:
        return self._ask(
            Call(
                "POST",
                f"{_path(model, version)}:{action}",
                read,
                body=json.dumps(request),
                model=_path(model, None),
                version=version,
                sent=sent,
            )
        )


def metadata_call(path: str) -> Call:
    """Ask for the signatures of the model, or version, at a path."""
    return Call(
        "GET",
        f"{path}/metadata",
        lambda answer: answer["metadata"]["signature_def"]["signature_def"],
    )


def _path(model: str, version: Version) -> str:
    path = f"/v1/models/{quote(model, safe='')}"
    if version is None:
        return path
    if isinstance(version, str):
        return f"{path}/labels/{quote(version, safe='')}"
    return f"{path}/versions/{int(version)}"


def _request(
    signature_name: str | None, key: str, values: Any, context: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if signature_name is not None:
        request["signature_name"] = signature_name
    if context is not None:
        request["context"] = to_json(context)
    request[key] = to_json(values)
    return request


def _read_rows(answer: dict[str, Any]) -> list[Any]:
    return from_json(answer["predictions"])


def _read_columns(answer: dict[str, Any]) -> np.ndarray | dict[str, np.ndarray]:
    outputs = from_json(answer["outputs"])
    if isinstance(outputs, dict):
        return {name: to_array(value) for name, value in outputs.items()}
    return to_array(outputs)


def _read_classes(answer: dict[str, Any]) -> list[list[tuple[str, float]]]:
    return [[(name, score) for name, score in scores] for scores in answer["results"]]
