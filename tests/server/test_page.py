import contextlib
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest
from serving_models import png, save, save_images, save_strings, save_two_io, serving

from kerasdl.server import flags
from kerasdl.server.launch import ready_line
from kerasdl.server.page import read_page

FOLDER = Path(__file__).parents[2] / "kerasdl" / "server" / "page"


def save_looking(path):
    """A picture model that tells where it looked: at what is bright, in 4 × 4 patches."""
    import tensorflow as tf

    def read(image_bytes):
        def one(encoded):
            pixels = tf.io.decode_image(encoded, channels=1, expand_animations=False)
            return tf.image.resize(tf.cast(pixels, tf.float32) / 255, [8, 8], antialias=True)

        return tf.map_fn(one, image_bytes, fn_output_signature=tf.TensorSpec([8, 8, 1], tf.float32))

    def answer(image):
        bright = tf.reduce_mean(image, axis=(1, 2, 3))
        return {"label": tf.where(bright > 0.5, "bright", "dark"), "probability": bright}

    def explain(image_bytes):
        image = read(image_bytes)
        patches = tf.nn.avg_pool2d(image, 2, 2, "VALID")[..., 0]
        return {**answer(image), "image": image, "rollout": patches, "saliency": image[..., 0]}

    takes = tf.TensorSpec([None], tf.string, name="image_bytes")
    return save(
        path,
        serving_default=tf.function(lambda image_bytes: answer(read(image_bytes)), [takes]),
        explain=tf.function(explain, [takes]),
    )


def save_spelling(path):
    """A text model that tells which letters it looked at, and refuses an empty text."""
    import tensorflow as tf

    def checked(text):
        with tf.control_dependencies(
            [tf.debugging.Assert(tf.reduce_all(text != ""), ["A word is needed"])]
        ):
            return tf.identity(text)

    def spell(text):
        return {"phonemes": tf.strings.upper(checked(text)), "length": tf.strings.length(text)}

    def explain(text):
        letters = tf.strings.unicode_split(checked(text), "UTF-8").to_tensor("")
        looked = tf.eye(tf.shape(letters)[1], batch_shape=[tf.shape(letters)[0]])
        return {"letters": letters, "phonemes": tf.strings.upper(letters), "alignment": looked}

    takes = tf.TensorSpec([None], tf.string, name="text")
    return save(
        path,
        serving_default=tf.function(spell, [takes]),
        explain=tf.function(explain, [takes]),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    save_images(folder / "images" / "1")
    save_looking(folder / "looking" / "1")
    save_spelling(folder / "spelling" / "1")
    save_strings(folder / "strings" / "1")
    save_two_io(folder / "two_io" / "1")
    return folder


@pytest.fixture(scope="module")
def url(folder):
    with serving(folder, ui=True) as (url, _):
        yield url


@pytest.fixture(scope="module")
def http(url):
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        yield client


# ---- over HTTP -----------------------------------------------------------------------------------


def test_without_the_flag_there_is_no_page(server_url):
    for path in ("/ui", "/ui/", "/ui/page.js"):
        assert httpx.get(server_url + path, trust_env=False).status_code == 404


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/ui", "text/html; charset=utf-8"),
        ("/ui/", "text/html; charset=utf-8"),
        ("/ui?x=1", "text/html; charset=utf-8"),
        ("/ui/style.css", "text/css; charset=utf-8"),
        ("/ui/page.js", "text/javascript; charset=utf-8"),
        ("/ui/icon.svg", "image/svg+xml"),
    ],
)
def test_files_and_their_headers(http, path, kind):
    answer = http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; img-src 'self' blob: data:;")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    head = http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_page_is_only_read(http, method):
    answer = http.request(method, "/ui/page.js", content=b"x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "target",
    [
        "/ui/none.js",
        "/ui/../settings.py",
        "/ui/../page/page.js",
        "/ui/%2e%2e/settings.py",
        "/ui/..%2fsettings.py",
        "/ui//etc/passwd",
        "/ui/__init__.py",
        "/ui/page.js/",
        "/ui/page.js%00",
        "/UI",
    ],
)
def test_no_other_path_is_a_file(url, target):
    # httpx would resolve the dots itself.
    command = ["curl", "-s", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", url + target]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "404"


def test_files_name_nothing_outside():
    for path in FOLDER.iterdir():
        if path.suffix in (".html", ".css", ".js", ".svg"):
            text = path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
            assert not re.search(r"https?://|[\"'(]//|@import|innerHTML|\beval\(", text), path


def test_every_file_is_served_and_in_the_wheel():
    there = {path.name for path in FOLDER.iterdir() if path.is_file() and path.suffix != ".py"}
    assert there == {path.split("/")[-1] for path in read_page()} - {"", "ui"}
    project = tomllib.loads((FOLDER.parents[2] / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["kerasdl"]
    for name in there:
        assert any(fnmatch(f"server/page/{name}", pattern) for pattern in patterns)


def test_the_page_needs_no_token_and_its_calls_do(folder):
    with serving(folder, ui=True, token="secret") as (url, _):
        assert httpx.get(f"{url}/ui", trust_env=False).status_code == 200
        assert httpx.get(f"{url}/ui/none", trust_env=False).status_code == 401
        assert httpx.get(f"{url}/models", trust_env=False).status_code == 401


def test_flag_and_ready_line():
    assert not flags.parse(["d"]).ui
    assert flags.parse(["d", "--ui"]).ui
    line = ready_line("http://127.0.0.1:8501", {"a": [1]}, ui=True)
    assert line == (
        "kerasdl: serving at http://127.0.0.1:8501 : a (version 1) ; page: http://127.0.0.1:8501/ui"
    )


# ---- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright does not fit here")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("a real browser is needed, and there is no chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser, address, expected=(), width=1000):
    """A page of its own; what its console says but what is expected is a failure."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        has_touch=width < 500,
        permissions=["clipboard-read", "clipboard-write"],
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert [text for text in said if not any(part in text for part in expected)] == []


def draw(page):
    page.locator("#board").scroll_into_view_if_needed()
    box = page.locator("#board").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 3 * box["width"] / 4, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()


def overlaid(page):
    """The share of the overlay's pixels that are not grey."""
    return page.evaluate(
        """() => {
          const seen = document.getElementById("seen");
          const copy = new OffscreenCanvas(seen.width, seen.height).getContext("2d");
          copy.drawImage(seen, 0, 0);
          const { data } = copy.getImageData(0, 0, seen.width, seen.height);
          let coloured = 0;
          for (let i = 0; i < data.length; i += 4) coloured += Math.abs(data[i] - data[i + 2]) > 30;
          return coloured / (data.length / 4);
        }"""
    )


def test_a_stroke_is_answered_with_label_and_bars(browser, url):
    with opened(browser, f"{url}/ui#images") as page:
        page.wait_for_selector("#picture")
        draw(page)
        assert page.text_content("#label") == "dark"
        names = page.locator(".bars .name").all_text_contents()
        assert names == ["dark", "bright"]
        dark, bright = page.locator(".bars .fill").evaluate_all(
            "bars => bars.map(bar => bar.getBoundingClientRect().width)"
        )
        assert dark > bright > 0
        assert page.locator(".bars .best .name").text_content() == "dark"
        assert page.locator("#looked").is_hidden()
        page.click("#clear")
        assert page.locator("#label").count() == 0
        assert page.locator("#save").is_hidden()


def test_a_chosen_picture_and_one_that_is_none(browser, url):
    with opened(browser, f"{url}/ui#images") as page:
        page.wait_for_selector("#picture")
        white = {"name": "w.png", "mimeType": "image/png", "buffer": png(255)}
        page.set_input_files("#file", white)
        assert page.text_content("#label") == "bright"
        page.set_input_files("#file", {**white, "name": "none.png", "buffer": b"nothing"})
        page.wait_for_selector("#trouble")
        told = "none.png is no picture that this browser can read."
        assert page.text_content("#trouble") == told


def test_where_it_looked_is_laid_over_the_picture(browser, url):
    with opened(browser, f"{url}/ui#looking") as page:
        page.wait_for_selector("#picture")
        draw(page)
        page.wait_for_selector("#looked")
        options = page.locator("#map option").evaluate_all("all => all.map(one => one.value)")
        assert options == ["rollout", "saliency", ""]
        assert page.input_value("#map") == "rollout"
        assert overlaid(page) > 0.2
        page.select_option("#map", "")
        assert overlaid(page) == 0
        assert page.locator("#strength").is_hidden()
        draw(page)  # the choice stays
        page.wait_for_selector("#status:empty", state="attached")
        assert page.input_value("#map") == ""


def test_a_text_and_its_alignment(browser, url):
    refused = ["the server responded with a status of 400"]
    with opened(browser, f"{url}/ui#spelling", refused) as page:
        page.fill("#words", "it's")
        page.keyboard.press("Control+Enter")
        assert page.text_content("#label") == "IT'S"
        page.wait_for_selector(".alignment")
        assert page.locator(".alignment thead th").all_text_contents() == ["i", "t", "'", "s"]
        assert page.locator(".alignment tbody th").all_text_contents() == ["I", "T", "'", "S"]
        opacity = page.locator(".alignment tbody i").evaluate_all(
            "all => all.map(one => Number(one.style.opacity))"
        )
        assert opacity == [float(i % 5 == 0) for i in range(16)]
        page.fill("#words", "")
        page.click("#text button")
        page.wait_for_selector("#trouble")
        assert page.text_content("#trouble") == "A word is needed"
        assert page.locator("#label").count() == 0


def test_text_of_a_server_is_no_markup(browser, url):
    with opened(browser, f"{url}/ui#strings") as page:
        page.fill("#words", "<img src=x onerror=alert(1)>")
        page.click("#text button")
        page.wait_for_selector("#answer > *")
        assert "<img src=x onerror=alert(1)>" in page.text_content("#answer")
        assert page.locator("#answer img").count() == 0


def test_json_from_its_skeleton_and_a_bad_one(browser, url):
    refused = ["the server responded with a status of 400"]
    with opened(browser, f"{url}/ui#two_io", refused) as page:
        page.wait_for_selector("#json")
        assert page.input_value("#body") == '{"instances": [{"a": [0, 0], "b": 0}]}'
        page.fill("#body", '{"instances": [{"a": [1, 2], "b": 4}]}')
        page.click("#json button")
        page.wait_for_selector("#answer dd")
        terms = page.locator("#answer dt").all_text_contents()
        values = page.locator("#answer dd").all_text_contents()
        assert dict(zip(terms, values, strict=True)) == {"sum": "7", "doubled": "8"}
        page.fill("#body", "{")
        page.click("#json button")
        page.wait_for_selector("#trouble")
        told = httpx.post(f"{url}/v1/models/two_io:predict", content="{", trust_env=False).json()
        assert page.text_content("#trouble") == told["error"]
        assert page.locator("#answer dd").count() == 0


@pytest.mark.parametrize("name", ["looking", "spelling", "two_io"])
def test_the_commands_do_what_the_page_did(browser, url, folder, tmp_path, name):
    with opened(browser, f"{url}/ui#{name}") as page:
        if name == "looking":
            page.wait_for_selector("#picture")
            draw(page)
            page.wait_for_selector("#looked")
            with page.expect_download() as download:
                page.click("#save")
            download.value.save_as(tmp_path / "drawing.png")
        elif name == "spelling":
            page.fill("#words", 'it\'s "ä" $HOME `x` \\n %s')
        page.wait_for_selector("#curls pre")
        assert page.locator("#curls pre").count() == (1 if name == "two_io" else 2)
        for button, pre in zip(
            page.locator("#curls button").all(), page.locator("#curls pre").all(), strict=True
        ):
            button.click()
            page.wait_for_function("b => b.textContent === 'Copied'", arg=button.element_handle())
            command = page.evaluate("navigator.clipboard.readText()")
            assert command == pre.text_content()
            done = subprocess.run(
                ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30
            )
            assert '"predictions"' in done.stdout, (command, done)


def test_a_token_is_asked_for(browser, folder):
    refused = ["the server responded with a status of 401"]
    with (
        serving(folder, ui=True, token="secret") as (url, _),
        opened(browser, f"{url}/ui#spelling", refused) as page,
    ):
        page.wait_for_selector("#access")
        page.fill("#token", "wrong")
        page.click("#access button")
        page.wait_for_selector("#trouble")
        page.fill("#token", "secret")
        page.click("#access button")
        page.fill("#words", "abc")
        page.click("#text button")
        assert page.text_content("#label") == "ABC"
        assert page.locator("#access").is_hidden()
        assert page.locator("#trouble").is_hidden()
        assert (
            '-H "Authorization: Bearer $TOKEN"' in page.locator("#curls pre").first.text_content()
        )
        kept = "[localStorage.length, sessionStorage.length, document.cookie]"
        assert page.evaluate(kept) == [0, 0, ""]


def test_a_server_that_is_gone(browser, folder):
    gone = ["ERR_CONNECTION"]
    with contextlib.ExitStack() as stack:
        stop = contextlib.ExitStack()
        url, _ = stop.enter_context(serving(folder, ui=True))
        page = stack.enter_context(opened(browser, f"{url}/ui#spelling", gone))
        page.fill("#words", "abc")
        stop.close()
        page.click("#text button")
        page.wait_for_selector("#trouble")
        assert "cannot be reached" in page.text_content("#trouble")


def test_a_phone_needs_no_scrolling_sideways_and_a_finger_draws(browser, url):
    with opened(browser, f"{url}/ui#looking", width=375) as page:
        page.wait_for_selector("#picture")
        box = page.locator("#board").bounding_box()
        finger = page.context.new_cdp_session(page)
        for kind, share in (("Start", 0.2), ("Move", 0.5), ("Move", 0.8), ("End", None)):
            x, y = (box["x"] + box["width"] / 2, box["y"] + box["height"] * (share or 0))
            points = [] if share is None else [{"x": x, "y": y}]
            finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        page.wait_for_selector("#looked")
        assert page.evaluate("scrollY") == 0
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        page.select_option("#model", "spelling")
        page.fill("#words", "supercalifragilisticexpialidocious" * 2)
        page.click("#text button")
        page.wait_for_selector(".alignment")
        assert page.evaluate("document.documentElement.scrollWidth") == 375
