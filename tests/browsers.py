"""A browser for tests: Chromium, Jupyter's two front ends in a folder of their own, and a notebook open in one."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

if not os.environ.get("DCKIT_BROWSER"):  # set by `make browser`; with it, what is missing fails and is not skipped
    pytest.skip("tests in a browser take minutes: make browser", allow_module_level=True)

ROOT = Path(__file__).parents[1]
SCREENSHOTS = Path(os.environ.get("DCKIT_SCREENSHOTS", ROOT / "outputs" / "screenshots"))
# Executed lessons and their pages: those that tests/test_lessons.py leaves here, or of `make run`.
PAGES = Path(os.environ.get("DCKIT_PAGES", ROOT / "outputs"))
LESSONS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
NOT_PLAYED = {"07_dark_columns", "08_what_plus_minus_hides"}  # lessons without a widget that is played
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
SECONDS = 180  # at most, for anything but a lesson
APPS = {"jupyterlab": "lab/tree", "notebook": "notebooks"}  # module of a front end → where it opens notebooks
ERROR = '[data-mime-type="application/vnd.jupyter.stderr"]'  # an exception's traceback as well as a warning
# Let pass in the console: badges where there is no network, and what Notebook 7.6 itself says as it opens any notebook.
LET_PASS = ("ERR_NAME_NOT_RESOLVED", "ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION", "ERR_TUNNEL", "ERR_PROXY")
LET_PASS += ("Cannot read properties of undefined (reading 'schema')",)
# A tool that finds what keeps people out, such as a control without a name. preload would fetch the style sheets.
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN = "axe.run({preload: false, resultTypes: ['violations']})"


def screenshot(page, name):
    """Keep what the page shows as ``name``.png."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


@contextmanager
def chromium():
    """The system's Chromium, or else Playwright's own."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * SECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def listened(page):
    """What the page will complain of in its console, or ask for that is no file: a list that grows."""
    bad = []
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else bad.append(r.url))
    page.on("console", lambda message: bad.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: bad.append(str(error)))
    return bad


def serious(page):
    """What axe finds serious on the page as it is now: rules, and elements that break them."""
    # A page hears of another size in the frame after: then its boxes that scroll can be reached by keyboard.
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(RUN)["violations"]
    wrong = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [(rule["id"], [node["html"][:300] for node in rule["nodes"]][:3]) for rule in wrong]


def too_wide(page):
    """Whether the page itself has to be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def turn_everything(page):
    """Turn every control of every widget that is played on a page; each must show the state of its values.

    Returns how many controls there were.
    """
    turned = 0
    for box in page.locator(".dckit-played").all():
        data = json.loads(box.locator("script[type='application/json']").text_content())
        at = [dial["start"] for dial in data["dials"]]
        for i, dial in enumerate(data["dials"]):
            control = box.locator(".dckit-dials > *").nth(i)
            for index in [*range(len(dial["words"])), dial["start"]]:
                _turn(control, dial["kind"], index)
                at[i] = index
                number = 0
                for each, value in zip(data["dials"], at, strict=True):
                    number = number * len(each["words"]) + value
                expected = [part["words"] for part in data["states"][number]["parts"] if "words" in part]
                shown = box.locator(".dckit-shown")
                assert shown.locator("img").evaluate_all("all => all.map(image => image.alt)") == expected
                assert shown.inner_text() or expected
            turned += 1
    return turned


def _turn(control, kind, index):
    """Choose the value of this number, as a hand would."""
    if kind == "select":
        control.locator("select").select_option(index=index)
    elif kind == "range":
        control.locator("input").fill(str(index))
    elif kind == "checkbox":
        control.locator("input").set_checked(bool(index))
    else:
        control.locator("input").nth(index).check()


def answer_everything(page):
    """Answer every question of a page without a guess; one may lie below another's answer."""
    ask = page.get_by_role("button", name="Show without a guess")
    while ask.count():
        ask.first.click()


@contextmanager
def jupyter(app: str, folder: Path) -> Iterator[str]:
    """Serve ``folder`` with a front end that knows nothing of this user's settings; gives its address."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    names += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    own = folder / f".{app}"
    env = os.environ | {name: str(own / name) for name in names}
    env.pop("OMP_NUM_THREADS", None)  # kernels as a learner has them
    if app == "jupyterlab":  # which else asks for news, in front of the cells
        notices = own / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
        notices.mkdir(parents=True)
        (notices / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    options = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0"]
    options += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"]
    address = f"http://localhost:{port}"
    with (folder / f"{app}.log").open("w") as log:
        command = [sys.executable, "-m", app, *options]
        server = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + SECONDS
        while not _answers(f"{address}/api"):
            assert server.poll() is None, Path(log.name).read_text()
            assert time.monotonic() < until, f"{app} did not start in {SECONDS} s"
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()  # and its kernels
        server.wait(60)


def _answers(url):
    try:
        return urllib.request.urlopen(url).status == 200
    except OSError:
        return False


class Notebook:
    """A notebook in JupyterLab or Notebook 7: run it, find its cells, look at what they show."""

    def __init__(self, browser, server, app, name):
        self.server, self.shots = server, f"{name}-{app}"
        self.page, self.errors = browser.new_page(viewport=LAPTOP), []
        self.page.set_default_timeout(1000 * SECONDS)
        self.page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.goto(f"{server}/{APPS[app]}/{name}.ipynb?reset")  # and not the notebook opened before beside it
        self.page.locator(".jp-Toolbar-kernelName", has_text="Python 3").wait_for()  # "No Kernel" is idle, too
        self.settle()

    def _note(self, error):
        if not any(known in error for known in LET_PASS):
            self.errors.append(error)

    def run_all(self, seconds=900):
        """Run all cells, until the last is done or one failed."""
        for item in ("Run", "Run All Cells"):
            self.page.get_by_role("menuitem", name=item, exact=True).click()
        folded = "prompt.closest('.jp-CodeCell').querySelector('.jp-InputPlaceholder')"  # code that a lesson folds away
        prompts = f"[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].filter(prompt => !{folded})"
        done = f"{prompts}.every(prompt => /\\[\\d+\\]/.test(prompt.textContent))"
        failed = f"document.querySelector('{ERROR}')"
        self.page.wait_for_function(f"{done} || {failed}", timeout=1000 * seconds)
        self.settle()

    def run(self, cell):
        """Start a cell that takes a while; do not wait for its end."""
        cell.locator(".jp-Editor").click()
        self.page.keyboard.press("Control+Enter")
        cell.locator(".jp-InputPrompt", has_text="*").wait_for()

    def interrupt(self):
        """Press the toolbar's button, and wait until the kernel rests."""
        self.page.locator("[data-command='notebook:interrupt-kernel']").click()
        self.settle()

    def settle(self):
        """Wait until the kernel has been idle for 0.3 s: a click needs a moment to reach it."""
        idle = 0
        while idle < 3:
            self.page.wait_for_timeout(100)
            idle = idle + 1 if self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").count() else 0

    def cell(self, text):
        """The code cell that holds ``text``."""
        return self.page.locator(".jp-CodeCell", has=self.page.locator(".jp-Editor", has_text=text)).first

    def shot(self, state, cell=None):
        """Keep what the window shows, with the output of ``cell`` in view."""
        if cell:
            cell.locator(".jp-OutputArea-output").first.scroll_into_view_if_needed()
        screenshot(self.page, f"{self.shots}-{state}")

    def close(self):
        """Leave the page and end its kernel: kernels are big."""
        self.page.close()
        for kernel in json.load(urllib.request.urlopen(f"{self.server}/api/kernels")):
            urllib.request.urlopen(urllib.request.Request(f"{self.server}/api/kernels/{kernel['id']}", method="DELETE"))
