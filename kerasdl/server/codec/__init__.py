"""JSON to arrays and back, by the rules of TF Serving's REST API. No TensorFlow in here.

`parse` reads the text, `decode` finds the inputs in it and `arrays` turns each into an array of the
signature's type, `examples` reads and answers classify and regress requests, `encode` writes the
other answers, `pretty` is the writer that answers and error messages share.

TF Serving reads JSON with RapidJSON. Where the two fast libraries at hand (orjson, the standard
library) differ from it, the difference is visible to clients: `NaN` and `Infinity` are numbers,
what follows the document is ignored, of two equal keys the first counts, bytes that are not UTF-8
pass through strings unharmed.
"""

from kerasdl.server.codec.decode import Ahead as Ahead
from kerasdl.server.codec.decode import NotPlain as NotPlain
from kerasdl.server.codec.decode import decode_predict as decode_predict
from kerasdl.server.codec.encode import encode_predict as encode_predict
from kerasdl.server.codec.examples import decode_examples as decode_examples
from kerasdl.server.codec.examples import encode_classes as encode_classes
from kerasdl.server.codec.examples import encode_values as encode_values
from kerasdl.server.codec.signature import Signature as Signature
from kerasdl.server.codec.signature import TensorSpec as TensorSpec
