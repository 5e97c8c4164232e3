"""The same digits without a network: two principal components, fitted when first asked for."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from autoencoder import UserError
from autoencoder.linear import PrincipalComponents
from autoencoder.mnist import load_mnist
from autoencoder.view.background import Background
from autoencoder.view.latent_map import LatentMap


class Comparison:
    """The network's map and that of principal components, of which one is shown.

    Parameters
    ----------
    background : Background
    network : LatentMap
        The map that is shown first.
    data : Path
        The folder that holds the training digits.
    show : callable
        Shows the first of two maps, compared with the second; None where there is none yet.
    say : callable
        Shows a message where there are no training digits to fit.

    Attributes
    ----------
    is_fitting : bool
    """

    def __init__(
        self,
        background: Background,
        network: LatentMap,
        data: Path,
        show: Callable[[LatentMap, LatentMap | None], None],
        say: Callable[[str], None],
    ) -> None:
        self.background = background
        self.network, self.data = network, data
        self.show, self.say = show, say
        self.is_fitting = False
        self.linear: LatentMap | None = None
        self.shows_linear = False

    def toggle(self) -> None:
        """Go over to the map that is not shown."""
        if self.is_fitting:
            return
        if self.linear is None:
            self.is_fitting = True
            self.background.begin(self.fit, self.take)
        else:
            self.shows_linear = not self.shows_linear
            self.show_one()

    def replace_network(self, network: LatentMap) -> None:
        """Take another network's map, which is shown at once, or when PCA's no longer is."""
        self.network = network
        self.show_one()

    def show_one(self) -> None:
        if self.linear is not None and self.shows_linear:
            self.show(self.linear, self.network)
        else:
            self.show(self.network, self.linear)

    def fit(self) -> LatentMap:
        """The map of the digits under the principal components of the training digits."""
        training = load_mnist(self.data, "train")
        fitted = LatentMap(PrincipalComponents(training.images), self.network.digits)
        fitted.prepare()
        return fitted

    def take(self, work: Future[LatentMap]) -> None:
        self.is_fitting = False
        try:
            self.linear = work.result()
        except UserError:
            self.say("cannot read the training digits")
        else:
            self.toggle()
