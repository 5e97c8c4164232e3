"""The same digits without a network: two principal components, fitted when first asked for."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from autoencoder import UserError
from autoencoder.linear import PrincipalComponents
from autoencoder.mnist import load_mnist
from autoencoder.view.background import Background
from autoencoder.view.latent_map import LatentMap


class Comparison:
    """Leads from the network's map to that of principal components, and back.

    Parameters
    ----------
    canvas : FigureCanvasBase
    data : Path
        The folder that holds the training digits.
    go_over : callable
        Shows a map, and takes the one that it is compared with.
    say : callable
        Shows a message.
    """

    def __init__(
        self,
        canvas: Any,
        data: Path,
        go_over: Callable[[LatentMap, LatentMap], None],
        say: Callable[[str], None],
    ) -> None:
        self.data, self.go_over, self.say = data, go_over, say
        self.background = Background(canvas)
        self.other: LatentMap | None = None
        self.shown: LatentMap

    def toggle(self, shown: LatentMap) -> None:
        """Go over to the map that is not shown."""
        if self.other is None:
            self.shown = shown
            self.say("fitting PCA ...")
            self.background.begin(self.fit, self.take)
        else:
            there, self.other = self.other, shown
            self.go_over(there, shown)

    def fit(self) -> LatentMap:
        """The map of the digits under the principal components of the training digits."""
        training = load_mnist(self.data, "train")
        fitted = LatentMap(PrincipalComponents(training.images), self.shown.digits)
        for each in (fitted, self.shown):
            each.prepare()
        return fitted

    def take(self, work: Future[LatentMap]) -> None:
        try:
            self.other = work.result()
        except UserError:
            self.say("cannot read the training digits")
        else:
            self.say("")
            self.toggle(self.shown)
