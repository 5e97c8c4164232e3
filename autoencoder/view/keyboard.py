"""What a key means: toolkits and keyboard layouts differ in what they say of it."""

import sys
from typing import Any

from matplotlib.backend_bases import KeyEvent

DIGIT_KEYS = tuple("0123456789")


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

    Qt says which presses are repeats. With Tk they come without a release between them or, from
    X11, with a release at the very moment of the press.
    """

    def __init__(self) -> None:
        self.code: Any = None
        self.released_at: Any = None

    def repeats(self, event: KeyEvent) -> bool:
        """Whether this press comes from a key that is held."""
        gui: Any = event.guiEvent
        if hasattr(gui, "isAutoRepeat"):
            return gui.isAutoRepeat()
        if not hasattr(gui, "keycode"):
            return False
        is_held = gui.keycode == self.code and self.released_at in (None, gui.time)
        self.code, self.released_at = gui.keycode, None
        return is_held

    def on_release(self, event: KeyEvent) -> None:
        gui: Any = event.guiEvent
        if getattr(gui, "keycode", None) == self.code:
            self.released_at = getattr(gui, "time", None)
