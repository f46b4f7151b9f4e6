"""`tinyconv data`: which data sets there are, whether they are here and whole, what is in them."""
from pathlib import Path

from .. import data
from ..atomic import write_atomically
from ..data.choosing import CHOICES
from ..training.sheet import sheet
from . import options as common

NAME = "data"
HELP = "list, fetch, verify and show data sets"
EXAMPLE = """\
examples:
  tinyconv data list
  tinyconv data fetch mnist cifar10
  tinyconv data verify
  tinyconv data show cifar10                                       a sheet of its images, as a PNG
  tinyconv data show cifar10 --augment crop,flip,rotation,cutout   and what training makes of them

Files are looked for in $TINYCONV_DATA, then in the cache of this user, where fetched ones are
kept."""


def options(parser):
    """Add what the command takes to its parser."""
    actions = parser.add_subparsers(dest="action", metavar="list|fetch|verify|show", required=True)

    def action(name, about):
        """The parser of one of them; its examples are those of the command that are of it."""
        own = [line for line in EXAMPLE.splitlines() if f"tinyconv data {name}" in line]
        return actions.add_parser(name, help=about, description=about,
                                  epilog="\n".join(["examples:", *own]))

    listing = action("list", "what there is, and what of it is on this machine")
    fetching = action("fetch", "download what is not on this machine")
    fetching.add_argument("names", nargs="+", metavar="NAME")
    verifying = action("verify", "compare all files with their checksums")
    verifying.add_argument("names", nargs="*", metavar="NAME")
    showing = action("show", "draw a sheet of images, as a PNG")
    showing.add_argument("name", metavar="NAME", help="a data set or an image folder")
    showing.add_argument("--augment", type=common.augmentation, metavar="LIST",
                         help="also what these make of them: " + ", ".join(
                             f"{name} ({choice.means})" for name, choice in CHOICES.items()))
    showing.add_argument("--size", type=common.whole, metavar="PIXELS",
                         help="image folders: scale pictures to PIXELS×PIXELS (default: 32)")
    showing.add_argument("--seed", type=common.seed, default=0, metavar="S",
                         help="which images, and what is done to them (default: 0)")
    showing.add_argument("--out", metavar="FILE", help="name of the PNG (default: NAME.png)")
    for parser in (listing, fetching, verifying, showing):
        common.add_json(parser)


def run(args):
    """Do what the command is for; returns its exit status."""
    for name in [*getattr(args, "names", ()), *([args.name] if args.action == "show" else [])]:
        common.check_data(name)
    return {"list": _list, "fetch": _fetch, "verify": _verify, "show": _show}[args.action](args)


def _list(args):
    known = [data.describe(name) for name in data.names()]
    if args.json:
        common.print_json(known)
        return
    for about in known:
        place = ("embedded" if about["name"] == "digits" else
                 "here" if about["files"] else f"not here: tinyconv data fetch {about['name']}")
        size = "×".join(map(str, about["shape"]))
        print(f"{about['name']:14} {about['train']:7,} + {about['test']:6,} images {size:8} "
              f"{len(about['classes']):4} classes   {place}")


def _fetch(args):
    files = {name: [str(path) for path in data.files.fetch(name)] for name in args.names}
    if args.json:
        common.print_json(files)
        return
    for name, paths in files.items():
        for path in paths or ["embedded, there is nothing to fetch"]:
            print(f"{name}: {path}")


def _verify(args):
    names = args.names or data.names()
    reports = {name: data.files.verify(name) for name in names}
    if args.json:
        common.print_json({name: [{"path": str(r.path), "status": r.status, "detail": r.detail}
                                  for r in found] for name, found in reports.items()})
    else:
        for name, found in reports.items():
            _print_reports(name, found)
    fine = {"ok"} if args.names else {"ok", "missing"}
    return 0 if all(r.status in fine for found in reports.values() for r in found) else 1


def _print_reports(name, found):
    """One line a file; but one line for a set that needs none, or of which none is here."""
    if not found:
        print(f"{name}: needs no files")
    elif all(r.status == "missing" for r in found):
        print(f"{name}: missing, {common.several(len(found), 'file')}; tinyconv data fetch {name} "
              "brings what is missing")
    else:
        for r in found:
            print(f"{name}: {r.status:10} {r.path}" + (f"  ({r.detail})" if r.detail else ""))


def _show(args):
    if args.size and not data.is_folder(args.name):
        raise common.UsageError(f"--size is for image folders, {args.name} has a size of its own")
    dataset = data.load(args.name, "train", **({"size": args.size} if args.size else {}))
    out = Path(args.out or f"{dataset.name}{'-augmented' if args.augment else ''}.png")
    write_atomically(out, sheet(dataset, args.augment, args.seed))
    if args.json:
        common.print_json({"name": dataset.name, "images": len(dataset), "sheet": str(out)})
    else:
        print(out)
