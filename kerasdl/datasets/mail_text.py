"""What a reader sees of a mail: subject and body as plain text, decoded from MIME.

No other header is taken: sender, route and mailing-list headers name the source of a mail, and in a
corpus of few sources that gives the class away.
"""

import email
import email.header
import email.message
import html.parser
import re

# What mail programs and mailing lists put in front of the subject of an answer.
_PREFIX = re.compile(r"^\s*(?:(?:re|fwd?|aw|sv|antw)\s*(?:\[\d+\])?\s*:|\[[^\]]*\])\s*", re.I)
_HIDDEN = {"script", "style"}
_LINE_BREAKING = {
    "address", "blockquote", "br", "center", "dd", "div", "dl", "dt", "form", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "li", "ol", "option", "p", "pre", "table", "title", "tr", "ul",
}  # fmt: skip


def subject_and_body(raw: bytes) -> tuple[str, str]:
    r"""Decode a mail.

    The body is the text/plain parts, or else the text/html parts without tags, styles and
    scripts. Attachments are left out. What the charset cannot decode is replaced.

    Args:
        raw: The mail as it came, headers first.

    Returns:
        The subject on one line and the body; either may be empty.

    Example:
        >>> subject_and_body(b"Subject: =?utf-8?q?Caf=C3=A9?=\n\nOpen\nat 8\n")
        ('Café', 'Open\nat 8')
    """
    message = email.message_from_bytes(raw)
    plain, markup = [], []
    for part in message.walk():
        if part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        kind = part.get_content_type()
        if kind == "text/html":
            markup.append(html_to_text(_payload(part)))
        # A multipart mail that holds no parts has lost its boundary: its text is all there is.
        elif kind == "text/plain" or kind.startswith("multipart/"):
            plain.append(_payload(part))
    bodies = ["\n".join(map(_tidy, parts)).strip() for parts in (plain, markup)]
    return _subject(message), bodies[0] or bodies[1]


def thread(subject: str) -> str:
    """Return what the mails of one discussion have in common.

    Args:
        subject: The subject of a mail.

    Returns:
        The subject without the marks of answers, forwards and mailing lists, in lower case and
        with single spaces; it may be empty.

    Example:
        >>> thread("Re: [ILUG] Fwd:  Bad  Lists")
        'bad lists'
    """
    while (shorter := _PREFIX.sub("", subject, count=1)) != subject:
        subject = shorter
    return " ".join(subject.casefold().split())


def html_to_text(markup: str) -> str:
    r"""Return the text of an HTML page, a line for each block, without empty lines.

    Args:
        markup: The page; mails hold the most broken ones.

    Returns:
        What is not a tag, a comment, a style or a script, with character references resolved.

    Example:
        >>> html_to_text("<style>p {}</style><p>Fish &amp; <b>chips</b><br>today")
        'Fish & chips\ntoday'
    """
    parser = _TextOfHtml()
    try:
        parser.feed(markup)
        parser.close()
    except AssertionError:  # how Python's parser gives up on declarations such as "<![if gte"
        parser.pieces.append(re.sub(r"<[^>]*>", " ", parser.rawdata))
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).split("\n"))
    return "\n".join(line for line in lines if line)


class _TextOfHtml(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.hidden_in: str | None = None

    def handle_starttag(self, tag, attrs):
        if tag in _HIDDEN:
            self.hidden_in = tag
        elif tag in _LINE_BREAKING:
            self.pieces.append("\n")
        elif tag in ("td", "th"):
            self.pieces.append(" ")

    def handle_endtag(self, tag):
        if tag == self.hidden_in:
            self.hidden_in = None
        elif tag in _LINE_BREAKING:
            self.pieces.append("\n")

    def handle_data(self, data):
        if self.hidden_in is None:
            # In HTML a line break of the source is a space.
            self.pieces.append(data.replace("\r", " ").replace("\n", " "))


def _subject(message: email.message.Message) -> str:
    header = message["Subject"]
    if header is None:
        return ""
    try:
        pieces = email.header.decode_header(header)
    except (email.errors.HeaderParseError, ValueError):  # damaged base64
        pieces = [(str(header), None)]
    text = "".join(
        piece if isinstance(piece, str) else _decode(piece, charset) for piece, charset in pieces
    )
    return " ".join(_storable(text).split())


def _payload(part: email.message.Message) -> str:
    payload = part.get_payload(decode=True)
    return _decode(payload or b"", part.get_content_charset())


def _decode(data: bytes, charset: str | None) -> str:
    if charset is not None:
        try:
            return data.decode(charset, "replace")
        except (LookupError, ValueError):  # a charset that nobody knows, or no charset at all
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # every byte is a character there


def _tidy(text: str) -> str:
    text = _storable(text).replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def _storable(text: str) -> str:
    """Replace half characters, which a header with undeclared bytes leaves behind."""
    return text.encode("utf-8", "replace").decode("utf-8")
