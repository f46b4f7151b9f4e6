"""A real browser to look at pages with: Chromium without a window, told what to do through a pipe.

Its protocol is JSON, a zero byte after each message: https://chromedevtools.github.io
"""
import base64
import json
import os
import select
import shutil
import subprocess
import time

NAMES = "chromium", "chromium-browser", "google-chrome"
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-dev-shm-usage", "--remote-debugging-pipe"]
PATIENCE = 120                         # seconds for an answer, on a machine that is busy


def program():
    """The path of a Chromium that runs here; None if there is none (some are a hint to a store)."""
    found = map(shutil.which, NAMES) if os.name == "posix" else ()       # pipes by their numbers
    for path in filter(None, found):
        if subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return path
    return None


class Chromium:
    """One tab of a browser with a profile of its own; `with Chromium(program(), folder) as tab:`.

    events    all that it has told so far, as (method, parameters)
    """

    def __init__(self, path, folder):
        ours, theirs = os.pipe(), os.pipe()              # what it reads, what it writes
        self._write, self._read = ours[1], theirs[0]

        def place():
            # first out of the way, as the ends may be 3 and 4 themselves
            read, write = os.dup(ours[0]), os.dup(theirs[1])
            os.dup2(read, 3), os.dup2(write, 4)
        self.process = subprocess.Popen(
            [path, *OPTIONS, f"--user-data-dir={folder}"], preexec_fn=place, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0]), os.close(theirs[1])
        self.events, self._buffer, self._number, self._session = [], b"", 0, None
        try:
            self._attach()
        except BaseException:
            self.__exit__()
            raise

    def _attach(self):
        """Open a tab, and ask to be told all that happens in it."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)
        os.close(self._write), os.close(self._read)

    def ask(self, method, **parameters):
        """Send a command; returns what is answered."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self):
        """The next message; one that is an event is noted."""
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self._read, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self._buffer += piece
        text, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(text)
        if "method" in message:
            self.events.append((message["method"], message["params"]))
        return message

    def open(self, url, width, height=844, dark=False):
        """Show a page in a window of so many pixels, and wait until all of it is there."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=2 if width < 600 else 1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while not any(method == "Page.loadEventFired" for method, _ in self.events):
            self._next()

    def value(self, expression):
        """What an expression of JavaScript is worth in the page."""
        return self.ask("Runtime.evaluate", expression=expression,
                        returnByValue=True)["result"].get("value")

    def screenshot(self):
        """The whole page as a PNG, in bytes."""
        return base64.b64decode(self.ask("Page.captureScreenshot",
                                         captureBeyondViewport=True)["data"])

    def pdf(self):
        """The page as it is printed, in bytes."""
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=True, paperWidth=8.27,
                                         paperHeight=11.69)["data"])
