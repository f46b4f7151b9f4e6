"""What can be wrong with a file of weights or a checkpoint."""


class CheckpointError(ValueError):
    """A file of weights or a checkpoint that cannot be used; the kinds below say why."""


class Damaged(CheckpointError):
    """It is truncated, altered, or was never such a file."""


class NewerFormat(CheckpointError):
    """It is whole, but was written by a newer version of tinyconv than this one."""


class Refused(CheckpointError):
    """It asks for something else than tensors, such as a function to call. Nothing was run."""


class Mismatch(CheckpointError):
    """It is whole, but belongs to something else: another model, other data, another recipe.

    The message lists everything that does not fit; what it was to be loaded into is unchanged.
    """
