import base64

import pytest

from kerasdl.datasets.mail_text import html_to_text, subject_and_body, thread


def body(*lines, **kwargs):
    return subject_and_body("\n".join(lines).encode(**kwargs))[1]


def test_plain_mail_without_its_other_headers():
    headers = b"From a@b Thu Aug 22\nReceived: from b\nSubject: Tea\nList-Id: <l>\n"
    raw = headers + b"\nat four \r\nor five\n"
    assert subject_and_body(raw) == ("Tea", "at four\nor five")


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"Subject: =?iso-8859-1?Q?Caf=E9?= open", "Café open"),
        (b"Subject: =?utf-8?B?" + base64.b64encode("Tschüß".encode()) + b"?=", "Tschüß"),
        (b"Subject: folded\n  over lines", "folded over lines"),
        (b"Subject: Caf\xe9 \xff", "Café ÿ"),
        (b"Subject: =?nonsense?Q?plain?=", "plain"),
        (b"Subject: =?utf-8?B?abc?=", "i"),
        (b"To: me", ""),
    ],
)
def test_subject(header, subject):
    got = subject_and_body(header + b"\n\nbody")[0]
    assert got.startswith(subject)
    got.encode("utf-8")  # storable


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("iso-8859-1", b"\xe9t\xe9", "été"),
        ("utf-8", b"\xe9t\xc3\xa9", "\N{REPLACEMENT CHARACTER}té"),
        ("us-ascii", b"\xe9", "\N{REPLACEMENT CHARACTER}"),
        ("x-unheard-of", b"\xc3\xa9", "é"),
        ("hex", b"\xe9", "é"),  # a codec of Python, but no charset
        (None, b"\xe9", "é"),
    ],
)
def test_charsets(charset, data, text):
    kind = b"" if charset is None else b"Content-Type: text/plain; charset=" + charset.encode()
    header = kind + b"\nContent-Transfer-Encoding: base64\nSubject: s\n\n"
    assert subject_and_body(header.lstrip() + base64.encodebytes(data))[1] == text


def multipart(kind, *parts):
    lines = [f'Content-Type: multipart/{kind}; boundary="b"', "", "preamble"]
    for part in parts:
        lines += ["--b", *part]
    return body(*lines, "--b--")


PLAIN = ("Content-Type: text/plain", "", "as text")
HTML = ("Content-Type: text/html", "", "<p>as <b>page</b></p>")
NOTES = ("Content-Type: text/plain", "Content-Disposition: attachment", "", "attached")
PICTURE = ("Content-Type: image/png", "", "iVBORw0KGgo=")


def test_plain_text_is_preferred():
    assert multipart("alternative", HTML, PLAIN) == "as text"


def test_html_where_there_is_nothing_else():
    assert multipart("mixed", HTML, NOTES, PICTURE) == "as page"


def test_html_where_the_plain_text_is_empty():
    assert multipart("alternative", ("Content-Type: text/plain", "", " "), HTML) == "as page"


def test_parts_follow_each_other():
    assert multipart("mixed", PLAIN, PICTURE, PLAIN, NOTES) == "as text\nas text"


def test_lost_boundary():
    lines = ("Content-Type: multipart/mixed", "", "only this is left")
    assert body(*lines) == "only this is left"


def test_nothing_but_a_picture():
    assert body(*PICTURE) == ""


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<style>p {color: red}</style><script>go()</script>seen", "seen"),
        ("a<br>b<p>c</p>d<td>e", "a\nb\nc\nd e"),
        ("one\n line <!-- not this -->&amp; &#233;&nbsp;end", "one line & é end"),
        ("<b>un<i>closed", "unclosed"),
        ("1 < 2 <a href='x>y'>link</a>", "1 < 2 link"),
        ("", ""),
    ],
)
def test_html(markup, text):
    assert html_to_text(markup) == text


def test_declarations_that_the_parser_gives_up_on_do_not_end_in_an_error():
    assert "after" in html_to_text("before <![if gte mso 9]> after <![endif]> <!DOCTYPE [<!x")


@pytest.mark.parametrize(
    "subject",
    ["Tea at four", "RE: tea  at FOUR", "Re: Fwd: [ILUG] Re[2]: Tea at four", "FW:Tea at four"],
)
def test_thread(subject):
    assert thread(subject) == "tea at four"


def test_thread_of_nothing():
    assert thread("Re: ") == thread("") == ""
    assert thread("Regarding tea") == "regarding tea"
