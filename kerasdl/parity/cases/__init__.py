"""One module a room, each with a list `CASES` (see `kerasdl.parity.case`)."""
