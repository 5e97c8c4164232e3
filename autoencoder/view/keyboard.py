"""What a key means: toolkits and keyboard layouts differ in what they say of it."""

import sys
from typing import Any

from matplotlib.backend_bases import KeyEvent

DIGIT_KEYS = tuple("0123456789")


def disconnect_shortcuts(canvas: Any) -> None:
    """Keep matplotlib from acting on keys by itself."""
    manager = canvas.manager
    if manager is not None and manager.key_press_handler_id is not None:
        canvas.mpl_disconnect(manager.key_press_handler_id)


def name_of_key(event: KeyEvent) -> str:
    """The key's name; with Caps Lock, letters arrive as capitals."""
    key = event.key or ""
    return key.lower() if len(key) == 1 else key


def digit_on_key(event: KeyEvent) -> int | None:
    """The digit on the key that was pressed, by what it types or else by its position.

    A French keyboard types digits only with shift, and others type none in their first row.
    """
    key = event.key or ""
    if key in DIGIT_KEYS:
        return int(key)
    if any(key.startswith(f"{modifier}+") for modifier in ("ctrl", "alt", "cmd", "super")):
        return None
    gui: Any = event.guiEvent
    is_qt = hasattr(gui, "nativeScanCode")
    code: Any = gui.nativeScanCode() if is_qt else getattr(gui, "keycode", None)
    row, first = "1234567890", 10
    if sys.platform == "win32":
        row, first = (row, 2) if is_qt else ("0123456789", ord("0"))
    return int(row[code - first]) if code in range(first, first + len(row)) else None


class HeldKey:
    """Tells a key that is held, which toolkits report as press after press, from one pressed again.

    The presses of a held key come without a release between them, or with one at the very moment
    of the press, as X11 sends it. Qt says which are repeats, but on X11 it misses most of them.
    """

    def __init__(self) -> None:
        self.key: Any = None
        self.released_at: Any = None

    def repeats(self, event: KeyEvent) -> bool:
        """Whether this press comes from a key that is held."""
        key, moment = key_and_moment(event.guiEvent)
        is_held = key is not None and key == self.key and self.released_at in (None, moment)
        self.key, self.released_at = key, None
        return is_held

    def on_release(self, event: KeyEvent) -> None:
        key, moment = key_and_moment(event.guiEvent)
        qt_repeats = getattr(event.guiEvent, "isAutoRepeat", bool)()
        if key == self.key and not qt_repeats:
            self.released_at = moment


def key_and_moment(gui: Any) -> tuple[Any, Any]:
    """Which key of the keyboard an event of Qt or Tk is about, whatever it types, and when."""
    if hasattr(gui, "timestamp"):
        return gui.key(), gui.timestamp()
    return getattr(gui, "keycode", None), getattr(gui, "time", None)
