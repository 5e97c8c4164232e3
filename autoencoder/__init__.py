"""The autoencoder that the three scripts share, and what it needs around it.

model         the network
layers        the layers it is made of
training      what a run is: its presets, settings and state, and how it is resumed
device        the fastest device that works
quota         the threads that are worth it in a container
muon          the optimizer of the matrices between hidden layers
ranks         training in several processes that torchrun started
mnist         the digits, as uint8 tensors
handwriting   any picture of one digit, and strokes, to 784 pixels as MNIST made them
command_line  options, one-line errors, signals
storage/      what must never be lost or believed: checkpoints, the folder of a run
view/         what people look at: the map, the explorer's window and page, the pictures
"""

import os

# While threads of libgomp, which torch brings on Linux, wait for another that has lost its core,
# they spin, and training beside anything else takes up to fifty times as long. It reads the number
# of rounds once, when torch is imported: whoever imports this package does so before torch.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


class UserError(Exception):
    """A problem that the user can mend; its message is one line that says how.

    The only exception that crosses from this package to the scripts on purpose.
    """
