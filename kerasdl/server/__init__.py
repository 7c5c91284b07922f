"""Embedded server that speaks TF Serving's REST API, for any SavedModel.

    kerasdl serve DIR --port 8501

serves each model below `DIR/<name>/<version>/`. `serve` does the same from Python, `running` puts
the server into a child process for the length of a `with` block.

How a request travels: `app` reads it, `routes` its path, `models` finds the version, `codec` turns
JSON into arrays, `servable` runs the signature in TensorFlow, on a thread of a pool, and `codec`
writes the answer. Importing this module is light; TensorFlow is loaded when a server starts.
"""

from kerasdl.server.launch import serve as serve
from kerasdl.server.process import running as running
