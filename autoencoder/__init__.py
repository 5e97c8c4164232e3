"""The autoencoder that the three scripts share, and what it needs around it.

model       the network
mnist       the digits, as uint8 tensors
muon        the optimizer of the matrices between hidden layers
archive     what a checkpoint file holds, checked before torch may see it
checkpoint  saving and loading, atomically
run_folder  what a training run leaves on disk: checkpoints and log
arguments   the command line: one-line errors, types of the options
ranks       training in several processes that torchrun started
figures     the colours of the digits, windows, the pictures of a training run
page        the explorer as one HTML page
"""


class UserError(Exception):
    """A problem that the user can mend; its message is one line that says how.

    The only exception that crosses from this package to the scripts on purpose.
    """
