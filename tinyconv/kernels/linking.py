"""Machine code made once for a kernel, and not again for every function that it is made of.

Left to itself, Numba makes each compiled function ready to be called: it links in all that the
function calls, optimises the whole and generates machine code. So of a function that is called by a
function that a kernel calls, machine code would be made three times, and another three times for
the frame that Numba puts around a parallel loop, in three layers: half of the time to compile, for
code that nobody ever calls. Here

    a part     is optimised by itself, and kept in LLVM's language for what it is linked into,
    a frame    (everything else that Numba makes for the sake of a kernel) is only linked,
    a kernel   is linked, optimised and turned into machine code.
"""
import gc
from contextlib import contextmanager

from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.compiler import Compiler


class _Part(JITCodeLibrary):
    """The code of a function that can be linked, but not called."""

    def _finalize_final_module(self):            # would generate machine code
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name):
        return 0                                 # for Numba: there is none


class _Frame(_Part):
    """As a `_Part`, but not worth optimising before the kernel is."""

    def _optimize_final_module(self):
        pass


class _Unfinished(JITCPUCodegen):
    """Numba's own code generator, with its settings, for functions that cannot be called."""
    _library_class = _Frame

    def __init__(self, whole):
        self.__dict__ = whole.__dict__

    def set_env(self, env_name, env):
        """What it knows of its module is put where its machine code is: in the kernel's."""


class PartCompiler(Compiler):
    """Numba's compiler for the functions that kernels are made of."""

    def __init__(self, typing, target, *rest):
        super().__init__(typing, target, *rest)
        self.whole, self.unfinished = target.codegen(), _Unfinished(target.codegen())
        self.state.targetctx = self.state.targetctx.subtarget(_internal_codegen=self.unfinished)

    def library(self, name):
        return _Part(self.unfinished, name)

    def define_pipelines(self):
        self.state.library = self.library(self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        return super().define_pipelines()


class KernelCompiler(PartCompiler):
    """Numba's compiler for functions that Python calls."""

    def library(self, name):
        return self.whole.create_library(name)

    def compile_extra(self, f):
        with _nothing_collected():
            made = super().compile_extra(f)
        for environment in made._find_referenced_environments():         # those of the parts, too
            self.whole.set_env(environment.env_name, environment)
        return made


@contextmanager
def _nothing_collected():
    """Python's collector would go through all that a compiler keeps, for a tenth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
