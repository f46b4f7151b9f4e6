"""Operations made for a test, with rules that may be wrong."""
from tinyconv.core import defvjp, primitive


def operation(f, *rules, **joint):
    """f of arrays as a primitive of its own called `planted`, with these rules."""
    @primitive
    def planted(*args):
        return f(*args)
    defvjp(planted, *rules, **joint)
    return planted
