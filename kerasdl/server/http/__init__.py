"""The HTTP/1.1 front: bytes of a connection in, requests out, answers back. Knows no models.

`connection` speaks the protocol (llhttp through httptools), `listener` accepts connections and ends
those that stall, `message` holds what is passed on.
"""

from kerasdl.server.http.listener import Listener as Listener
from kerasdl.server.http.message import Request as Request
from kerasdl.server.http.message import Response as Response
from kerasdl.server.http.message import page as page
