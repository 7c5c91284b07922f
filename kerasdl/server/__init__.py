"""Embedded server that speaks TF Serving's REST API, for any SavedModel.

    kerasdl serve DIR --port 8501

serves each model below `DIR/<name>/<version>/`. `serve` does the same from Python, `running` puts
the server into a child process for the length of a `with` block.

How a request travels: `http` reads it off the connection, `app` decides what it is, `routes` reads
its path, `calls` finds the version in `models` and has `codec` turn JSON into arrays, `batching`
puts it together with others and runs the signature of the `servable` in TensorFlow, on a thread of
its own, and `codec` writes the answer, which goes back the same way. `grpc` is another door to the
same models. `launch` starts all that, as `settings` say, which `flags` and `config` read from the
command line and TF Serving's files. Importing this module is light; TensorFlow is loaded when a
server starts.
"""

from kerasdl.server.launch import serve as serve
from kerasdl.server.process import running as running
