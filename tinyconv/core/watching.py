"""Who looks on while operations run: nobody, unless `tinyconv.watch` was asked to.

An operation asks once whether the list is empty, and a walk once for all its nodes: that is all it
costs when nobody does.
"""

watchers = []                          # of the whole process: a walk may run in another thread


class Watcher:
    """What can be looked at, and when. It must not change what it sees, but may raise."""

    def made(self, op, y, args, kwargs):
        """The operation `op` has just made the tensor y."""

    def begins(self, roots, results):
        """A walk from the roots begins; it will pass through these results, the oldest first."""

    def around(self, pull_back):
        """What a walk is to call instead of pull_back(y, g, wanted, gradients) at each result."""
        return pull_back


def tell(op, y, args, kwargs):
    """Let everyone who looks on see a call."""
    for watcher in watchers:
        watcher.made(op, y, args, kwargs)
