"""A window disappears at once and its process ends in silence, whatever is going on."""

import ctypes
import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from autoencoder.view.explorer_view import FIGURE_SIZE
from tests.fixtures import PRETRAINED, need
from tests.window import TOOLKITS, Script, Window

import pytest

TITLE = "Latent space of MNIST"


class FromShell(Script):
    """A script begun by an interpreter of its own, which is torn down when it ends."""

    def do(self) -> None:
        for file, descriptor in ((self.out, 1), (self.err, 2)):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
        os.chdir(self.folder)
        variables = {**os.environ, "MPLBACKEND": self.backend, **self.environment}
        command = [sys.executable, "-m", self.name, *self.words]
        os.execve(sys.executable, command, {k: v for k, v in variables.items() if v is not None})


class ClientMessage(ctypes.Structure):
    """XClientMessageEvent, in the room that XEvent takes."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 12),
    )


def press_close_button(window: Window) -> None:
    """Send what a window manager sends, which a bare screen has none of."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x11.XOpenDisplay(window.display.encode()))
    protocols, delete = (
        x11.XInternAtom(display, name, False) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    id_, client_message = ctypes.c_ulong(int(window.id)), 33
    event = ClientMessage(
        type=client_message, window=id_, message_type=protocols, format=32, data=(delete,)
    )
    x11.XSendEvent(display, id_, False, ctypes.c_long(0), ctypes.byref(event))
    x11.XCloseDisplay(display)


def press_q(window: Window) -> None:
    window.insist(lambda: window.press("q"), lambda: is_gone(window))


def is_gone(window: Window) -> bool:
    return window.hand("search", "--onlyvisible", "--name", TITLE, may_fail=True) == ""


slow = pytest.mark.slow
# Where nobody names a toolkit and Qt cannot start, Tk opens the window.
ONLY_TK = {"MPLBACKEND": "", "QT_QPA_PLATFORM": "nonsense"}


@pytest.mark.parametrize(
    ("open_window", "key", "busy", "close", "environment"),
    [
        ("tkagg", "t", 1, press_q, ONLY_TK),
        ("qtagg", "t", 1, press_close_button, {}),
        pytest.param("tkagg", "t", 1, press_close_button, {}, marks=slow),
        pytest.param("qtagg", "t", 1, press_q, {}, marks=slow),
        *(pytest.param(each, "p", 2, press_q, {}, marks=slow) for each in TOOLKITS),
        *(pytest.param(each, "s", 1, press_q, {}, marks=slow) for each in TOOLKITS),
    ],
    indirect=["open_window"],
)
def test_the_window_closes_at_once_and_the_process_when_the_work_in_hand_is_done(
    open_window: Callable[..., Window],
    key: str,
    busy: int,
    close: Callable[[Window], None],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    need(importlib.util.find_spec("PySide6") is not None, "PySide6")
    variables = {"BUSY": str(busy)} | environment
    window = open_window("tests.busy_explorer", kind=FromShell, **variables)
    window.appear(TITLE, FIGURE_SIZE)
    window.press(key)
    window.wait_until((tmp_path / "begun").exists)
    if key == "t":
        window.wait_for_change(window.digit, lambda: None)
    close(window)
    window.wait_until(lambda: is_gone(window))
    assert window.running.process.is_alive()
    (tmp_path / "may end").touch()
    assert (window.running.status(), window.running.err) == (0, "")
    assert (tmp_path / "ended").exists()


@pytest.mark.slow
def test_the_window_closes_while_a_network_is_taken_up(
    open_window: Callable[..., Window], tmp_path: Path
) -> None:
    best = tmp_path / "autoencoder_best.pth"
    words = ("--checkpoint", str(best))
    window = open_window("tests.busy_explorer", *words, kind=FromShell, BUSY="2")
    window.appear(f"{TITLE}: waiting for {best}", FIGURE_SIZE)
    best.write_bytes(PRETRAINED.read_bytes())
    window.wait_until((tmp_path / "begun").exists)
    press_q(window)
    (tmp_path / "may end").touch()
    assert (window.running.status(), window.running.err) == (0, "")


@pytest.mark.slow
def test_ctrl_c_ends_the_process_at_once(
    open_window: Callable[..., Window], tmp_path: Path
) -> None:
    window = open_window("tests.busy_explorer", kind=FromShell, BUSY="1")
    window.appear(TITLE, FIGURE_SIZE)
    window.wait_for_change(window.digit, lambda: window.press("t"))
    window.running.send(signal.SIGINT)
    assert (window.running.status(), window.running.err) == (-signal.SIGINT, "")
