"""What people look at: the map, the explorer's window and page, the pictures.

matplotlib reads MPLBACKEND when it is imported, and fails on a backend that it does not know, as
notebooks hand it on to what they start. Only windows need a backend: its name waits for them here.
"""

import os

BACKEND = os.environ.pop("MPLBACKEND", "")
