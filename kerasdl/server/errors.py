"""Errors that a client of the server sees, with TF Serving's status codes."""

# TF Serving answers with the HTTP status that belongs to the canonical code of the error.
HTTP_STATUS = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class ServingError(Exception):
    """A request that cannot be answered, for a reason that the client is told.

    Args:
        message: what the client reads under `"error"`. An empty message gives an empty body, as
            TF Serving does for a version number that does not fit in 64 bits.
        code: canonical status code, a key of `HTTP_STATUS`.

    Example:
        >>> error = ServingError("No such thing", "NOT_FOUND")
        >>> error.http_status, str(error)
        (404, 'NOT_FOUND: No such thing')
    """

    def __init__(self, message: str, code: str = "INVALID_ARGUMENT"):
        super().__init__(message)
        self.message = message
        self.code = code

    @property
    def http_status(self) -> int:
        """HTTP status of the answer; 500 for a code without one of its own."""
        return HTTP_STATUS.get(self.code, 500)

    def __str__(self):
        return f"{self.code}: {self.message}"
