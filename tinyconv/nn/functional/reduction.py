"""What all losses share: shapes that agree, and one number from many."""
from ... import ops


def same_shape(x, target, op):
    """Both as tensors, checked."""
    x, target = ops.as_tensor(x), ops.as_tensor(target)
    if x.shape != target.shape:
        raise ValueError(f"{op}: input {x.shape} and target {target.shape} "
                         "should have the same shape")
    return x, target


def check_reduction(reduction, op):
    """Raise ValueError for a reduction that there is not."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{op}: reduction should be 'none', 'mean' or 'sum', got {reduction!r}")


def reduced(losses, reduction, unbatched, op):
    """The losses as they are (of one sample, without a batch, if so), their sum or their mean."""
    check_reduction(reduction, op)
    if reduction == "none":
        return losses[0] if unbatched else losses
    return ops.sum(losses) if reduction == "sum" else ops.mean(losses)
