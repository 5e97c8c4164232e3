"""The reference's data set: each digit is turned into a picture and a tensor when it is needed."""

from typing import Any

from autoencoder.mnist import Split, load_mnist
from benchmarks.report import DATA

from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import ToTensor


class DigitByDigit(Dataset[Any]):
    """The same digits as ``torchvision.datasets.MNIST(transform=ToTensor())``, and as slow.

    torchvision's own class needs unpacked files, and a fresh clone has only the archives.
    """

    def __init__(self, split: Split) -> None:
        digits = load_mnist(DATA, split)
        self.images, self.labels = digits.images.view(-1, 28, 28), digits.labels
        self.transform = ToTensor()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """A digit (1, 28, 28) in [0, 1] and its label, through a PIL image as torchvision does."""
        picture = Image.fromarray(self.images[index].numpy())
        return self.transform(picture), int(self.labels[index])
