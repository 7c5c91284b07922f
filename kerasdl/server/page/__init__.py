"""The page at `/ui`: choose a model, give it something, see what it answers.

Its files are read once, at the start: a request's path is only ever looked up among theirs.
"""

from importlib.resources import files

from kerasdl.server.http import Response, page

_FILES = {
    "index.html": b"text/html; charset=utf-8",
    "style.css": b"text/css; charset=utf-8",
    "page.js": b"text/javascript; charset=utf-8",
    "calls.js": b"text/javascript; charset=utf-8",
    "picture.js": b"text/javascript; charset=utf-8",
    "answers.js": b"text/javascript; charset=utf-8",
    "icon.svg": b"image/svg+xml",
}
# Everything is the server's own; nobody may put the page into a frame.
_HEADERS = (
    b"Cache-Control: no-cache\r\n"
    b"Content-Security-Policy: default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    b"Referrer-Policy: no-referrer\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
)


def read_page() -> dict[str, tuple[bytes, bytes]]:
    """Read the page.

    Returns:
        By path, `/ui` and those below it: content type and bytes.
    """
    folder = files(__name__)
    read = {f"/ui/{name}": (kind, (folder / name).read_bytes()) for name, kind in _FILES.items()}
    read["/ui"] = read["/ui/"] = read["/ui/index.html"]
    return read


def answer(method: str, kind: bytes, content: bytes) -> Response:
    """Answer a request for one of the files.

    Args:
        method: HTTP method; of a HEAD the front leaves the body away.
        kind: content type of the file.
        content: its bytes.
    """
    if method not in ("GET", "HEAD"):
        refused = page(405)
        refused.headers = b"Allow: GET, HEAD\r\n"
        return refused
    return Response(200, content, kind, _HEADERS)
