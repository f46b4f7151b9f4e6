"""The checkpoints of one run: `checkpoint-STEP.safetensors`, of which the last two are kept.

Two, so that there is one to fall back on should the disk have spoilt the newest.
"""
import re
import warnings
from pathlib import Path

from .errors import CheckpointError, Damaged, NewerFormat
from .state import read_checkpoint, save_checkpoint

KEPT = 2
NAME = re.compile(r"checkpoint-(\d{1,18})\.safetensors")


def save_next(folder, step, state):
    """Write the checkpoint of this step; when it is safely on the disk, older ones are removed."""
    save_checkpoint(_path(folder, step), state)
    for old in steps(folder)[:-KEPT]:
        _path(folder, old).unlink()


def steps(folder):
    """The steps of which there is a checkpoint in the folder, in order; none if there is no folder.
    """
    if not Path(folder).is_dir():
        return []
    found = (NAME.fullmatch(path.name) for path in Path(folder).iterdir() if path.is_file())
    return sorted(int(match[1]) for match in found if match)


def check(folder):
    """Raise FileNotFoundError if there is no checkpoint in the folder."""
    if not Path(folder).exists():
        raise FileNotFoundError(f"there is no checkpoint in {folder}: there is no such folder")
    if not steps(folder):
        raise FileNotFoundError(f"there is no checkpoint in {folder}; a run that was stopped "
                                "before its first step has lost nothing: begin it again")


def newest(folder):
    """The state of the newest checkpoint in the folder that is whole.

    A damaged one is set aside under another name, with a warning. Raises FileNotFoundError if there
    is no checkpoint, Damaged if none is whole, NewerFormat.
    """
    check(folder)
    problems = []
    for step in reversed(steps(folder)):
        path = _path(folder, step)
        try:
            state = read_checkpoint(path)
        except NewerFormat:
            raise
        except CheckpointError as error:
            problems.append((path, str(error)))
            continue
        for damaged, problem in problems:
            damaged.replace(damaged.with_name(damaged.name + ".damaged"))
            warnings.warn(f"{problem}; the run goes on from step {step}", stacklevel=2)
        return state
    raise Damaged("; ".join(problem for _, problem in problems))


def _path(folder, step):
    return Path(folder, f"checkpoint-{step}.safetensors")
