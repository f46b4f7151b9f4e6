"""`tinyconv train`: train a model and keep the run in a folder."""
import sys
from functools import partial
from pathlib import Path

from .. import data, models, random, training
from ..kernels.compile import threads
from ..training import recipes
from ..training.folder import claim, is_folder, next_free
from ..training.history import describe
from . import options as common

NAME = "train"
HELP = "train a model on a data set"
EXAMPLE = """\
examples:
  tinyconv train                                  LeNet-5 on the embedded digits, no network needed
  tinyconv train lenet5 --data mnist
  tinyconv train resnet20 --data cifar10 --epochs 10 --out runs/mine
  tinyconv train resnet20 --data PICTURES         a folder with a folder of pictures for each class

What is not given is taken from the recipe for this model and data set; --json shows it."""


def options(parser):
    parser.add_argument("model", nargs="?", default="lenet5", metavar="MODEL",
                        help=f"one of {', '.join(models.list(task='classification'))} "
                             "(default: lenet5)")
    parser.add_argument("--data", default="digits", metavar="NAME",
                        help=f"one of {', '.join(data.names())}, or an image folder "
                             "(default: digits)")
    parser.add_argument("--epochs", type=common.whole, metavar="N",
                        help="passes over the training set")
    parser.add_argument("--batch-size", type=common.whole, metavar="B",
                        help="images a step; unless --lr is given, it is scaled along")
    parser.add_argument("--lr", type=common.positive, metavar="X",
                        help="peak of the learning rate")
    parser.add_argument("--weight-decay", type=common.not_negative, metavar="X",
                        help="λ of the optimiser")
    parser.add_argument("--label-smoothing", type=common.not_negative, metavar="X",
                        help="part of the target that is spread over all classes")
    parser.add_argument("--no-augment", action="store_true",
                        help="show images as they are: no shift, crop or flip")
    parser.add_argument("--seed", type=common.seed, default=0, metavar="S",
                        help="the same seed gives the same weights (default: 0)")
    parser.add_argument("--out", metavar="DIR",
                        help="folder of the run, new or empty (default: runs/MODEL-DATA-N)")
    parser.add_argument("--limit", type=common.whole, metavar="N",
                        help="use the first N training images only")
    parser.add_argument("--size", type=common.whole, metavar="PIXELS",
                        help="image folders: scale pictures to PIXELS×PIXELS (default: 32)")
    common.add_threads(parser)
    common.add_json(parser)


def run(args):
    common.check_model(args.model)
    common.check_data(args.data)
    if args.size and not is_folder(args.data):
        raise common.UsageError(f"--size is for image folders, {args.data} has a size of its own")
    common.set_threads(args.threads)
    out = _claimed(args)
    try:
        _train(args, out)
    finally:
        if out.is_dir() and not any(out.iterdir()):      # nothing came of it
            out.rmdir()


def _claimed(args):
    """The folder of the run: ours, empty and known to be writable before any work is done."""
    if args.out is None:
        return next_free("runs", f"{args.model}-{Path(args.data).resolve().name.lower()}")
    try:
        claim(args.out)
    except FileExistsError as error:
        raise common.UsageError(f"--out: {error}") from None
    return Path(args.out)


def _train(args, out):
    train, test = data.load_both(args.data, **({"size": args.size} if args.size else {}))
    if args.limit:
        train = train.limit(args.limit)
    random.manual_seed(args.seed)
    arguments = recipes.model_arguments(args.model, train)
    model = models.create(args.model, **arguments)
    recipe = _recipe(args, model, train)
    config = {"command": ["tinyconv", *args.command_line], "seed": args.seed,
              "model": {"name": args.model, "arguments": arguments},
              "data": {"source": str(Path(args.data).resolve()) if is_folder(args.data)
                       else train.name, "limit": args.limit}}

    def report(event, run):
        if event == "epoch":
            say(describe(run.history[-1]))

    say = partial(print, file=sys.stderr if args.json else sys.stdout, flush=True)
    (C, H, W), several = train.shape, threads()
    say(f"{args.model}, {sum(p.numel() for p in model.parameters()):,} parameters, on "
        f"{train.name}: {len(train):,} training and {len(test):,} test images of {C}×{H}×{W}, "
        f"{len(train.classes)} classes")
    say(f"{recipe.epochs} epochs of {-(-len(train) // recipe.batch_size)} steps, batches of "
        f"{recipe.batch_size}, lr up to {recipe.lr:g}, seed {args.seed}, "
        f"{several} thread{'s' if several > 1 else ''}; {out}")
    history = training.fit(model, train, test=test, recipe=recipe, out=out, config=config,
                           callbacks=[report])
    accuracy = history[-1]["test_accuracy"]
    if args.json:
        common.print_json({"run": str(out), "model": args.model, "data": train.name,
                           "seed": args.seed, "recipe": recipe.as_dict(),
                           "epochs": history.records, **common.percent(accuracy)})
    else:
        print(f"test accuracy {100 * accuracy:.2f} %")


def _recipe(args, model, train):
    """The recipe for this model and data, with what the options change."""
    still = {"shift": 0, "crop": 0, "flip": False} if args.no_augment else {}
    return recipes.choose(model, train.name).changed(
        epochs=args.epochs, batch_size=args.batch_size, lr=args.lr, **still,
        weight_decay=args.weight_decay, label_smoothing=args.label_smoothing)
