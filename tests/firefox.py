"""Firefox as Debian ships it, over WebDriver BiDi: as much of Playwright's Page as a visit uses.

Playwright itself drives only Firefoxes that know commands which this one does not have yet.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.faults import HANG

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

PREFERENCES = {
    "remote.prefs.recommended": True,  # quiet: no updates, no first run, no telemetry
    "intl.accept_languages": "en-GB",
}
BUTTONS = ["left", "middle", "right"]
KEYS = {"Shift": "\ue008", "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014"}
# Playwright's rule: an expression, or a function of an argument.
EVALUATE = """(async () => {{
    const found = ({});
    const value = await (typeof found === "function" ? found({}) : found);
    return JSON.stringify(value) ?? "null";
}})()"""

Listener = Callable[[Any], None]


@contextmanager
def open_firefox(program: str, profile: Path) -> Iterator["FirefoxPage"]:
    """Start Firefox with a new profile, and end it."""
    from websockets.sync.client import connect

    lines = [f"user_pref({json.dumps(n)}, {json.dumps(v)});" for n, v in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    words = ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
    with subprocess.Popen(
        [program, *map(str, words)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stderr is not None
            found = (re.search(r"BiDi listening on (\S+)", line) for line in process.stderr)
            address = next(match[1] for match in found if match)
            # It answers no ping while it is busy.
            with connect(
                f"{address}/session",
                max_size=None,
                proxy=None,
                open_timeout=HANG,
                ping_interval=None,
            ) as socket:
                yield FirefoxPage(socket)
        finally:
            process.kill()


class FirefoxPage:
    """The only window."""

    def __init__(self, socket: "ClientConnection") -> None:
        self.socket = socket
        self.sent = 0
        self.listeners: list[tuple[str, Listener]] = []
        self.url = ""
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        [window] = self.send("browsingContext.getTree")["contexts"]
        self.context = window["context"]
        self.mouse = Pointer(self, "mouse")
        self.touchscreen = Pointer(self, "touch")
        self.keyboard = Keyboard(self)

    def send(self, method: str, **parameters: Any) -> Any:
        """Send a command and wait for its result; what happens meanwhile goes to the listeners."""
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": parameters}
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv(timeout=HANG))
            if answer.get("id") == self.sent:
                assert answer["type"] == "success", answer
                return answer["result"]
            self.tell(answer)

    def tell(self, event: dict[str, Any]) -> None:
        if event.get("method") == "network.beforeRequestSent":
            self.call("request", SimpleNamespace(url=event["params"]["request"]["url"]))
        elif event.get("method") == "log.entryAdded" and event["params"]["level"] == "error":
            self.call("pageerror", event["params"]["text"])

    def call(self, name: str, news: Any) -> None:
        for wanted, listener in self.listeners:
            if wanted == name:
                listener(news)

    def on(self, event: str, listener: Listener) -> None:
        self.listeners.append((event, listener))

    def remove_listener(self, event: str, listener: Listener) -> None:
        self.listeners.remove((event, listener))

    def set_viewport_size(self, size: dict[str, int]) -> None:
        self.send("browsingContext.setViewport", context=self.context, viewport=size)

    def add_init_script(self, script: str) -> None:
        self.send("script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}")

    def goto(self, url: str) -> None:
        self.send("browsingContext.navigate", context=self.context, url=url, wait="complete")
        self.url = url

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        outcome = self.send(
            "script.evaluate",
            expression=EVALUATE.format(expression, json.dumps(argument)),
            target={"context": self.context},
            awaitPromise=True,
        )
        assert outcome["type"] == "success", outcome
        return json.loads(outcome["result"]["value"])

    def act(self, kind: str, actions: list[dict[str, Any]], **parameters: Any) -> None:
        source = {"type": kind.split()[0], "id": kind, "actions": actions, **parameters}
        self.send("input.performActions", context=self.context, actions=[source])


class Pointer:
    """A mouse or a finger."""

    def __init__(self, page: FirefoxPage, kind: str) -> None:
        self.page = page
        self.kind = kind

    def act(self, *actions: dict[str, Any]) -> None:
        parameters = {"pointerType": self.kind}
        self.page.act(f"pointer {self.kind}", list(actions), parameters=parameters)

    def move(self, x: float, y: float) -> None:
        self.act(moved(x, y))

    def down(self, button: str = "left") -> None:
        self.act({"type": "pointerDown", "button": BUTTONS.index(button)})

    def up(self, button: str = "left") -> None:
        self.act({"type": "pointerUp", "button": BUTTONS.index(button)})

    def click(self, x: float, y: float, button: str = "left") -> None:
        self.move(x, y)
        self.down(button)
        self.up(button)

    tap = click


def moved(x: float, y: float) -> dict[str, Any]:
    return {"type": "pointerMove", "x": round(x), "y": round(y)}


class Keyboard:
    def __init__(self, page: FirefoxPage) -> None:
        self.page = page

    def press(self, key: str) -> None:
        """Press keys together, such as Shift+ArrowLeft."""
        values = [KEYS.get(name, name) for name in key.split("+")]
        downs = [{"type": "keyDown", "value": value} for value in values]
        ups = [{"type": "keyUp", "value": value} for value in reversed(values)]
        self.page.act("key", downs + ups)
