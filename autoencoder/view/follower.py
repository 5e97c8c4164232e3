"""The explorer beside a training: it takes up each network that replaces the one it shows."""

import math
import time
from collections.abc import Callable
from concurrent.futures import Future

from autoencoder import UserError
from autoencoder.mnist import Digits
from autoencoder.storage.checkpoint import Checkpoint, load_checkpoint
from autoencoder.storage.followed_file import FollowedFile
from autoencoder.view.background import Background
from autoencoder.view.event_loop import EventLoop
from autoencoder.view.latent_map import LatentMap

import torch

LOOK_MS = 1000
# Between two networks there are so many seconds at least, and so many times what the last one took
# to load: a training beside it is to lose no more than a twentieth.
PAUSE, PAUSE_SHARE = 10.0, 20


class Follower:
    """Looks every second whether a checkpoint was replaced, and has it loaded in the background.

    Parameters
    ----------
    loop : EventLoop
        Where it does not run, nothing happens.
    background : Background
    file : FollowedFile
    digits : Digits
        The digits on the map.
    take_up : callable
        Called with the checkpoint and its map.
    say : callable
        Called with a message where the file holds no network that can be shown.
    """

    def __init__(
        self,
        loop: EventLoop,
        background: Background,
        file: FollowedFile,
        digits: Digits,
        take_up: Callable[[Checkpoint, LatentMap], None],
        say: Callable[[str], None],
    ) -> None:
        self.file, self.digits = file, digits
        self.take_up, self.say = take_up, say
        self.background = background
        self.next_load = 0.0
        self.timer = loop.timer(LOOK_MS, self.on_second)
        self.timer.start()

    def on_second(self) -> None:
        """Look at the file, unless the last network came a moment ago."""
        if time.monotonic() >= self.next_load and self.file.has_changed():
            self.next_load = math.inf
            self.background.begin(self.load, self.take)

    def load(self) -> tuple[Checkpoint, LatentMap]:
        """Load the network and put the digits on its map."""
        threads = torch.get_num_threads()
        # The training beside it wants the other cores.
        torch.set_num_threads(1)
        began = time.monotonic()
        try:
            checkpoint = load_checkpoint(self.file.path)
            latent_map = LatentMap(checkpoint.model, self.digits)
            latent_map.prepare()
        finally:
            torch.set_num_threads(threads)
            took = time.monotonic() - began
            self.next_load = began + max(PAUSE, PAUSE_SHARE * took)
        return checkpoint, latent_map

    def take(self, work: Future[tuple[Checkpoint, LatentMap]]) -> None:
        if isinstance(work.exception(), UserError):
            gone = self.file.seen is None
            self.say("the checkpoint is gone" if gone else "the new checkpoint is unreadable")
        else:
            self.take_up(*work.result())
