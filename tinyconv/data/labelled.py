"""Pictures with several labels each, as a table beside them says: `FOLDER/labels.csv`.

    image,forest,water,road             image,tags
    scenes/a.png,1,0,1          or      a,forest road
    scenes/b.png,0,1,0                  b,water

The first row names the columns. Either there is one column for each label, with 0 or 1 in it, or
one column of labels with spaces between (a single column that has nothing but 0 and 1 is a label).
A column `split` says "train" or "test"; without it a part of the pictures is set aside for testing.
Names are those of files below the folder, with their ending or without.
"""
import csv
import io
from pathlib import PurePosixPath

import numpy as np

from .errors import DataError

TABLE = "labels.csv"
MAX_BYTES = 256 << 20                  # of the table


def listing(folder, seed, test_share, suffixes):
    """Names of the labels, and for both splits (path, row of 0 and 1) in the order of the table."""
    where = f"image folder {folder}: {TABLE}"
    rows = _rows(folder / TABLE, where)
    head = [name.strip() for name in rows[0]]
    columns = [name for name in head if name not in ("image", "image_name", "split")]
    if head[:1] not in (["image"], ["image_name"]) or not columns or len(set(head)) < len(head):
        raise DataError(f"{where}: the first row must name the columns: image, then one for each "
                        f"label or one for all, and split if there is one; got {', '.join(head)}")
    table = [dict(zip(head, (value.strip() for value in row))) for row in rows[1:]]
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(head):
            raise DataError(f"{where}: row {number} has {len(row)} columns, the first {len(head)}")
    if len(columns) == 1 and not all(row[columns[0]] in ("0", "1") for row in table):
        tags = [set(row[columns[0]].split()) for row in table]
        classes = tuple(sorted(set().union(*tags)))
        labels = [[int(name in mine) for name in classes] for mine in tags]
    else:
        classes = tuple(columns)
        labels = [[_bit(row[name], where, row[head[0]]) for name in classes] for row in table]
    if not classes or not all(classes):
        raise DataError(f"{where}: there is no label, or one without a name")
    pictures = [(_path(folder, row[head[0]], suffixes, where), label)
                for row, label in zip(table, labels)]
    held_out = _held_out(table, seed, test_share, where)
    return (classes, [p for p, out in zip(pictures, held_out) if not out],
            [p for p, out in zip(pictures, held_out) if out])


def _rows(path, where):
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{where}: larger than {MAX_BYTES:,} bytes")
    try:
        rows = [row for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""))
                if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{where}: not a table of commas ({error})") from None
    if len(rows) < 3:
        raise DataError(f"{where}: expected a row of names and two of pictures or more")
    return rows


def _bit(text, where, image):
    if text not in ("0", "1"):
        raise DataError(f"{where}: a label must be 0 or 1, got {text!r} for {image}")
    return int(text)


def _path(folder, name, suffixes, where):
    """The file of that name below the folder, never anywhere else."""
    pure = PurePosixPath(name)
    if not name or pure.is_absolute() or ".." in pure.parts:
        raise DataError(f"{where}: {name!r} is not the name of a picture in this folder")
    ends = ("", *sorted(suffixes))
    found = [path for path in (folder / f"{pure}{end}" for end in ends)
             if path.suffix.lower() in suffixes and path.is_file()]
    if not found:
        raise DataError(f"{where}: there is no picture {name!r} ({', '.join(sorted(suffixes))})")
    return found[0]


def _held_out(table, seed, test_share, where):
    """Of each picture whether it is for testing."""
    if "split" in table[0]:
        for row in table:
            if row["split"] not in ("train", "test"):
                raise DataError(f"{where}: split must be train or test, got {row['split']!r}")
        return [row["split"] == "test" for row in table]
    order = np.random.default_rng(seed).permutation(len(table))
    chosen = set(order[:max(1, round(test_share * len(table)))].tolist())
    return [i in chosen for i in range(len(table))]
