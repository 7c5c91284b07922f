"""HTTP client for TF Serving's REST API: the embedded server or the real one.

    with Client("http://127.0.0.1:8501") as client:
        client.predict_images("vit_digits", "digit.png")
        client.predict("vit_digits", inputs=images, signature_name="tensor")

    async with AsyncClient("http://127.0.0.1:8501") as client:
        await client.predict("rnn_spam_assassin", [Path("mail.txt")])

How a call travels: `calls` puts it into a request, `conversation` reads the answer and, only where
the server refused, asks for what `hints` needs to say how to mend it; `sync` and `asynchronous`
carry requests, over what `connection` sets up. Light: neither Keras nor TensorFlow is imported.
"""

from kerasdl.client.asynchronous import AsyncClient as AsyncClient
from kerasdl.client.connection import DEFAULT_URL as DEFAULT_URL
from kerasdl.client.connection import TOKEN_VARIABLE as TOKEN_VARIABLE
from kerasdl.client.errors import BadRequest as BadRequest
from kerasdl.client.errors import ConnectionFailed as ConnectionFailed
from kerasdl.client.errors import DeadlineExceeded as DeadlineExceeded
from kerasdl.client.errors import NotFound as NotFound
from kerasdl.client.errors import ServerError as ServerError
from kerasdl.client.errors import Unauthorized as Unauthorized
from kerasdl.client.errors import Unavailable as Unavailable
from kerasdl.client.sync import Client as Client
from kerasdl.client.values import to_json as to_json
