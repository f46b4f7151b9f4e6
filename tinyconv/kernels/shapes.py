"""How large a tile of sums this processor can hold in its registers; see `tile.py`."""
from llvmlite import binding as llvm
from numba import config
from numba.core.codegen import get_host_cpu_features


def _vector_bytes():
    """The length of a vector register: 64 with AVX-512, 32 with AVX, else 16 (SSE, NEON).

    LLVM is asked which registers it takes to add 64 bytes on the processor that Numba compiles for:
    this one, or the one in $NUMBA_CPU_NAME (and $NUMBA_CPU_FEATURES).
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = config.CPU_NAME, config.CPU_FEATURES
    processor = llvm.Target.from_default_triple().create_target_machine(
        cpu=name or llvm.get_host_cpu_name(),
        features=(features or "") if name or features else get_host_cpu_features())
    assembly = processor.emit_assembly(llvm.parse_assembly(
        "define <16 x float> @f(<16 x float> %x) { %y = fadd <16 x float> %x, %x "
        "ret <16 x float> %y }"))
    return 64 if "zmm" in assembly else 32 if "ymm" in assembly else 16


VECTOR_BYTES = _vector_bytes()
NEON = llvm.get_default_triple().startswith(("aarch64", "arm64"))
REGISTERS = 32 if VECTOR_BYTES == 64 or NEON else 16


class Shape:
    """How many registers a tile takes, `rows` × `cols`, of so many `bytes`.

    How many lanes they have follows from the numbers they hold.
    """

    def __init__(self, rows, cols, bytes):
        self.rows, self.cols, self.bytes = rows, cols, bytes

    def width(self, itemsize):
        """How many columns of numbers of `itemsize` bytes a tile has."""
        return self.cols * self.bytes // itemsize


# As many sums as leave registers for the operands, so that nothing is put aside on the stack. (A
# test reads the assembly of x86. That for NEON was read once, and has never run.)
WIDE = Shape(8 if REGISTERS == 32 else 6, 2, VECTOR_BYTES)
NARROW = Shape(16 if REGISTERS == 32 else 8, 1, VECTOR_BYTES)
SLIM = Shape(NARROW.rows, 1, max(16, VECTOR_BYTES // 2))
SHAPES = WIDE, NARROW, SLIM
ONE, HALF = Shape(1, 1, VECTOR_BYTES), Shape(1, 1, max(16, VECTOR_BYTES // 2))
