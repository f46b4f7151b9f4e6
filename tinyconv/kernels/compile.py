"""Compiling a kernel once per machine, and again when anything it is made of has changed.

Numba can keep machine code on disk, but it notices only changes in the file a kernel stands in, not
in the files that kernel calls into; it does not notice a damaged file; and two processes that
compile at once can swap each other's code. So each piece of code here has a file of its own, named
after everything it depends on, that ends with the sha256 of its name and content. Whatever is wrong
with such a file or its folder, the kernel is compiled afresh, and one line on standard error says
so.
"""
import hashlib
import os
import sys
import tempfile
import threading
from contextlib import suppress
from functools import cache, wraps
from pathlib import Path

import numba
import numpy as np
from numba.core.caching import (CompileResultCacheImpl, FunctionCache, IndexDataCacheFile,
                                _CacheLocator)

from .linking import KernelCompiler, PartCompiler

FLOATS = np.dtype(np.float32), np.dtype(np.float64)        # what kernels that compute are made for

# Settings of Numba's that make other code of the same source (it does not ask for them itself).
SETTINGS = "OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LOOP_VECTORIZE", "SLP_VECTORIZE"

# What runs in parallel with `parallel=True`: loops over `prange`, and nothing that Numba finds by
# itself (it would give every `np.zeros` of ten numbers threads of its own, and compile for long).
ONLY_PRANGE = dict.fromkeys(("comprehension", "reduction", "inplace_binop", "setitem", "numpy",
                             "stencil", "fusion"), False) | {"prange": True}


def kernel(f=None, parallel=False, **options):
    """`numba.njit` with its options, without the interpreter's lock, its code kept on disk.

    It divides as NumPy does, without asking whether the divisor is zero: that would keep a loop
    from vectorising.
    """
    if f is None:
        return lambda f: kernel(f, parallel=parallel, **options)
    dispatcher = numba.njit(nogil=True, parallel=parallel and ONLY_PRANGE, error_model="numpy",
                            pipeline_class=KernelCompiler, **options)(f)
    if not numba.config.DISABLE_JIT:
        dispatcher._cache = _KernelCache(f)
    return _one_at_a_time(dispatcher) if parallel else dispatcher


# A function that kernels are made of. It is called from them only; not from Python (which would end
# the process), nor from C, and it cannot go back to Python itself (`objmode`).
part = numba.njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True,
                  pipeline_class=PartCompiler)


def in_python(f):
    """The Python function that `f` was compiled from: itself with NUMBA_DISABLE_JIT."""
    return getattr(f, "py_func", f)


# ---- threads and processes -----------------------------------------------------------------------

_cores = threading.Lock()              # who runs a parallel kernel has all of them
_state = {"used": False, "forked": False}


def _one_at_a_time(dispatcher):
    """A parallel kernel that Python threads run in turn: one of Numba's ways of starting threads
    aborts the process otherwise, and all cores are busy with the first one anyway."""
    @wraps(in_python(dispatcher))
    def call(*args):
        if _state["forked"]:
            raise RuntimeError("tinyconv: this process was forked from one that had run kernels, "
                               "and their threads did not come along; start it with "
                               "multiprocessing.get_context('spawn')")
        with _cores:
            _state["used"] = True
            start_threads()
            return dispatcher(*args)
    call.dispatcher = dispatcher
    return call


@cache
def start_threads():
    """Let Numba start its threads; to be called before anything else makes it do so.

    They are told to wait actively for their next loop, but not for long. Between two loops GNU's
    OpenMP keeps its threads turning on their cores, ready at once. Its 300 000 turns are for
    machines with nothing else to do: where another process wants a core, the thread that it stops
    is waited for by all the others. With 10 000 a step takes as long on a quiet machine, and a
    fraction of the time beside a busy process. It is read when the library is loaded; what the user
    has set stays. (For that moment other threads of this process see the variable, too.)
    """
    if {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & set(os.environ):
        numba.get_num_threads()
        return
    os.environ["GOMP_SPINCOUNT"] = "10000"
    try:
        numba.get_num_threads()
    finally:
        del os.environ["GOMP_SPINCOUNT"]


def threads():
    """How many threads kernels run on."""
    start_threads()
    return numba.get_num_threads()


def _after_fork():
    global _cores
    _cores = threading.Lock()          # the old one may be held by a thread that is not here
    _state["forked"] = _state["used"]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


# ---- where, and under which name -----------------------------------------------------------------

@cache
def folder():
    """The folder for machine code: in $NUMBA_CACHE_DIR or the user's cache; None without a home.

    Only its owner may look inside, for who can write there can have code run.
    """
    home = os.path.expanduser("~")
    caches = (os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
              or os.path.isabs(home) and os.path.join(home, ".cache"))
    return Path(caches) / "tinyconv" / "kernels" if caches else None


@cache
def source_stamp():
    """The sha256 of all files in this folder, of the versions of Numba and Python, and of what
    Numba was told."""
    told = [getattr(numba.config, setting, None) for setting in SETTINGS]
    stamp = hashlib.sha256(f"{numba.__version__} {sys.version} {told}".encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        stamp.update(file.read_bytes())
    return stamp.hexdigest()


class _Locator(_CacheLocator):
    """Tells Numba where the code goes."""

    def __init__(self, f):
        self._f = f

    def get_cache_path(self):
        return str(folder())

    def ensure_cache_path(self):
        if folder() is None:
            raise FileNotFoundError("there is no home folder; $NUMBA_CACHE_DIR can name another")
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(folder())

    def get_source_stamp(self):
        return source_stamp()

    def get_disambiguator(self):
        return str(self._f.__code__.co_firstlineno)

    @classmethod
    def from_function(cls, py_func, py_file):
        return cls(py_func)


class _Contents(CompileResultCacheImpl):
    _locator_classes = [_Locator]


# ---- reading and writing -------------------------------------------------------------------------

class _Files(IndexDataCacheFile):
    """One file per compiled signature: what Numba makes of the code, and a seal upon that."""

    def _name(self, key):
        whole = hashlib.sha256(repr((self._index_name, self._source_stamp, key)).encode())
        return whole.hexdigest()[:40] + ".code"

    def load(self, key):
        name = self._name(key)
        path = Path(self._data_path(name))
        if folder() is None or not path.is_file():
            return None
        _check_private(path.parent)
        content = path.read_bytes()
        if _seal(name, content[:-32]) != content[-32:]:
            raise ValueError(f"{path} is damaged")
        return self._load_data(name)             # bytes after the end of its message are ignored

    def save(self, key, data):
        name, content = self._name(key), self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:        # whole or not at all
            file.write(content + _seal(name, content))


def _seal(name, content):
    """What a file ends with. It holds for that name alone: no code runs in another's place."""
    return hashlib.sha256(name.encode() + content).digest()


def _check_private(folder):
    """Raise PermissionError if someone else could have put code there."""
    if hasattr(os, "getuid"):
        found = folder.stat()
        if found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise PermissionError(f"other users can write to {folder}")


class _KernelCache(FunctionCache):
    """Numba's cache for one kernel, in which nothing that fails on disk stops the program."""
    _impl_class = _Contents

    def __init__(self, f):
        super().__init__(f)
        self._cache_file = _Files(self.cache_path, self._impl.filename_base, source_stamp())

    def load_overload(self, sig, target_context):
        found = trouble = None
        try:
            found = super().load_overload(sig, target_context)
        except Exception as error:               # Numba's reader raises what it will on bad content
            trouble = f"compiling kernels again: {error}"
        if found is None:
            if trouble is None and _obstacle():
                trouble = f"compiling kernels, which cannot be kept: {_obstacle()}"
            _say("trouble" if trouble else "news", trouble or "compiling kernels (once)")
        return found

    def save_overload(self, sig, data):
        if _obstacle():
            return
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _say("trouble", f"compiled kernels cannot be kept in {folder()}: {error}")


@cache
def _obstacle():
    """Why nothing can be kept on disk, found out by trying; "" if it can."""
    try:
        _Locator(None).ensure_cache_path()
        tempfile.TemporaryFile(dir=folder()).close()
    except OSError as error:
        return str(error)
    return ""


_said = set()


def _say(kind, message):
    """One line on standard error, the first of its kind, and none after trouble was told."""
    if {kind, "trouble"}.isdisjoint(_said) and sys.stderr is not None:
        _said.add(kind)
        with suppress(OSError, ValueError):      # closed: nobody listens
            print(f"tinyconv: {' '.join(message.split())}", file=sys.stderr)
