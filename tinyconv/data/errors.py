"""What can be wrong with data.  All are `DataError`, so that one `except` catches everything."""


class DataError(ValueError):
    """Data that cannot be used: an unknown name, a wrong shape, a label out of range."""


class FormatError(DataError):
    """A file that is not what it claims to be: cut short, padded, altered or hostile."""


class ChecksumError(DataError):
    """A file whose sha256 differs from that of the file its author published."""


class DownloadError(DataError):
    """A file that is not on this machine and that no mirror would give, or no room to keep it."""
