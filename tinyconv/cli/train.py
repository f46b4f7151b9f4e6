"""`tinyconv train`: train a model and keep the run in a folder."""
import shlex
import sys
import warnings
from functools import partial
from pathlib import Path

from .. import data, models, random, report, training
from ..checkpoint import series
from ..interrupt import STOPS
from ..kernels.compile import threads
from ..models import pretrained
from ..training import recipes, transfer
from ..training.folder import claim, next_free
from ..training.history import describe
from ..training.saved import read_config, read_state
from . import options as common

NAME = "train"
HELP = "train a model on a data set"
OF_RECIPE = ("epochs", "batch_size", "lr", "weight_decay", "label_smoothing", "augment", "mode",
             "unfreeze", "layer_decay", "clip", "average", "patience")
OPTION = {"source": "from"}            # where the option is called otherwise
EXAMPLE = """\
examples:
  tinyconv train                                  LeNet-5 on the embedded digits, no network needed
  tinyconv train lenet5 --data mnist
  tinyconv train resnet20 --data cifar10 --epochs 10 --out runs/mine
  tinyconv train resnet20 --data PICTURES         a folder with a folder of pictures for each class
  tinyconv train resnet20 --data PICTURES --from runs/resnet20-cifar10-1      go on from there
  tinyconv train --resume runs/mine               go on with a run that was stopped or killed

Ctrl-C stops a run after the step it is at, so that it can be resumed; a second Ctrl-C stops it at
once, and it resumes from its last checkpoint. A resumed run ends with the bits of the unbroken one.

What is not given is taken from the recipe for this model and data set; --json shows it."""


def options(parser):
    """Add what the command takes to its parser."""
    parser.add_argument("model", nargs="?", metavar="MODEL",
                        help=f"one of {', '.join(models.list(task='classification'))} "
                             "(default: lenet5)")
    parser.add_argument("--data", metavar="NAME",
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
    parser.add_argument("--augment", type=common.augmentation, metavar="LIST",
                        help="what is done to images at random, such as crop=4,flip,cutout=8; or "
                             "none (tinyconv data show NAME --augment LIST draws it)")
    parser.add_argument("--no-augment", action="store_const", dest="augment", const="",
                        help="the same as --augment none")
    parser.add_argument("--from", dest="source", metavar="WEIGHTS",
                        help="begin with the weights of a run, of a file, or of a model that the "
                             f"package has weights of ({', '.join(pretrained.names())})")
    parser.add_argument("--mode", choices=recipes.MODES,
                        help="finetune all of it (default with --from), learn the head alone on "
                             "its features, or from scratch for comparison")
    parser.add_argument("--unfreeze", type=common.whole, metavar="N",
                        help="finetune: begin with the head, free one stage more every N epochs")
    parser.add_argument("--layer-decay", type=common.positive, metavar="X",
                        help="learning rate of each stage, as a part of that of the next")
    parser.add_argument("--clip", type=common.not_negative, metavar="NORM",
                        help="cut gradients to this norm")
    parser.add_argument("--average", type=common.part, metavar="X",
                        help="measure and keep a running average of the weights, such as 0.99")
    parser.add_argument("--patience", type=common.whole, metavar="N",
                        help="stop after N epochs without gain on a tenth of the training images, "
                             "held out for that; keep the best weights")
    parser.add_argument("--seed", type=common.seed, metavar="S",
                        help="the same seed gives the same weights (default: 0)")
    parser.add_argument("--out", metavar="DIR",
                        help="folder of the run, new or empty (default: runs/MODEL-DATA-N)")
    parser.add_argument("--limit", type=common.whole, metavar="N",
                        help="use the first N training images only")
    parser.add_argument("--size", type=common.whole, metavar="PIXELS",
                        help="image folders: scale pictures to PIXELS×PIXELS (default: 32)")
    parser.add_argument("--skip-bad", action="store_true", default=None,
                        help="image folders: leave out pictures that cannot be read, and say how "
                             "many there were (default: name the first and stop)")
    parser.add_argument("--resume", metavar="RUN",
                        help="folder of a run to go on with; what is not given is as it was "
                             "(but for --threads, on which no result depends)")
    parser.add_argument("--checkpoint-every", type=common.interval, metavar="N",
                        help="steps (500) or seconds (30s) between checkpoints; there is one at "
                             "the end of every epoch in any case")
    parser.add_argument("--tensorboard", action="store_true",
                        help="also write event files, for tensorboard --logdir runs")
    common.add_threads(parser)
    common.add_json(parser)


def run(args):
    """Do what the command is for; returns its exit status."""
    with warnings.catch_warnings():
        warnings.showwarning = _one_line
        if args.resume is None:
            return _begin(args)
        _as_it_began(args)
        common.set_threads(args.threads)
        return _kept(args, Path(args.resume))


def _one_line(message, *_, **__):
    print(f"tinyconv train: warning: {message}", file=sys.stderr)


# ---- a new run -----------------------------------------------------------------------------------

def _begin(args):
    args.model, args.data = args.model or "lenet5", args.data or "digits"
    args.seed = args.seed or 0
    common.check_model(args.model)
    common.check_data(args.data)
    if args.mode not in (None, "scratch") and args.source is None:
        raise common.UsageError(f"--mode {args.mode} needs --from, the weights to begin with")
    if args.source and data.is_folder(args.source):
        args.source = str(Path(args.source).resolve())
    if args.size and not data.is_folder(args.data):
        raise common.UsageError(f"--size is for image folders, {args.data} has a size of its own")
    if args.skip_bad and not data.is_folder(args.data):
        raise common.UsageError("--skip-bad is for image folders, all of "
                                f"{args.data} is checked as a whole")
    common.set_threads(args.threads)
    out = _claimed(args)
    try:
        return _kept(args, out)
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


# ---- one that goes on ----------------------------------------------------------------------------

def _as_it_began(args):
    """Give every option the value it had; raise UsageError for those given with another."""
    config = read_state(args.resume)["config"]
    model, about, recipe = config["model"], config["data"], config["recipe"]
    if "name" not in model:
        raise common.UsageError(f"the model of {args.resume} is a {model['class']} of your own; "
                                "training.fit(model, data, resume=…) goes on with it")
    args.form = about                                    # of the images it began with
    if args.data is not None and data.is_folder(args.data):
        args.data = str(Path(args.data).resolve())
    if args.source is not None and data.is_folder(args.source):
        args.source = str(Path(args.source).resolve())
    if args.out is not None and Path(args.out).resolve() != Path(args.resume).resolve():
        raise common.UsageError("a run goes on in its own folder: leave --out away")
    source = about.get("source", about["name"])
    before = {"model": model["name"], "data": source, "seed": config.get("seed"),
              "limit": about.get("limit"), "skip_bad": about.get("skip_bad"),
              "size": about["shape"][1] if data.is_folder(source) else None,
              "source": config.get("from"), **{name: recipe[name] for name in OF_RECIPE}}
    for name, value in before.items():
        given = getattr(args, name)
        if given is not None and given != value:
            option = name if name == "model" else "--" + OPTION.get(name, name.replace("_", "-"))
            raise common.UsageError(f"{option} {given}: the run in {args.resume} began with "
                                    f"{'none' if value in (None, '') else value}, and goes on as "
                                    "it began")
        setattr(args, name, value)
    args.tensorboard |= config.get("tensorboard", False)


# ---- both ----------------------------------------------------------------------------------------

def _kept(args, out):
    """Train; whatever stops the run, say how to go on with it."""
    try:
        _train(args, out)
    except STOPS as stop:
        print(f"stopped after step {series.steps(out)[-1]}; to go on: "
              f"tinyconv train --resume {shlex.quote(str(out))}", file=sys.stderr)
        return stop.status
    except OSError as error:
        if args.traceback or not out.is_dir() or not series.steps(out):
            raise
        raise OSError(f"{error.filename or out}: {error.strerror or error}; the run is kept as it "
                      f"was after step {series.steps(out)[-1]}, to go on: "
                      f"tinyconv train --resume {shlex.quote(str(out))}") from error


def _train(args, out):
    source = None if args.resume or not args.source else transfer.source(args.source)
    train, test = _data(args, args.form if args.resume else _form(source))
    random.manual_seed(args.seed)
    arguments = recipes.model_arguments(args.model, train)
    if source and args.mode != "scratch":
        model = transfer.begin(args.model, arguments, source, train.classes)
    else:
        model = models.create(args.model, **arguments)
    config = {"command": ["tinyconv", *args.command_line], "seed": args.seed,
              "model": {"name": args.model, "arguments": arguments}, "from": args.source,
              "data": {"source": str(Path(args.data).resolve()) if data.is_folder(args.data)
                       else train.name, "limit": args.limit,
                       **({"skip_bad": True} if args.skip_bad else {})},
              "tensorboard": args.tensorboard}

    def tell(event, run):
        if event == "begin":
            _introduce(args, run, out, say)
        elif event == "epoch":
            say(describe(run.history[-1]))

    callbacks = [tell]
    if args.tensorboard:
        about = {"command": shlex.join(config["command"]), "seed": args.seed}
        callbacks.append(training.TensorBoard(out, about))
    say = partial(print, file=sys.stderr if args.json else sys.stdout, flush=True)
    where = {"resume": out} if args.resume else {"out": out, "config": config,
                                                 "recipe": _recipe(args, model, train)}
    history = training.fit(model, train, test=test, callbacks=callbacks,
                           checkpoint_every=args.checkpoint_every, **where)
    accuracy, page = history.kept()["test_accuracy"], _reported(out, test)
    if args.json:
        common.print_json({"run": str(out), "report": page, "model": args.model, "data": train.name,
                           "seed": args.seed, "recipe": read_config(out)["recipe"],
                           "epochs": history.records, **common.percent(accuracy)})
    else:
        if page:
            print(f"shown on one page: {page}")
        quoted = shlex.quote(str(out))                   # to be pasted
        print(f"kept in {out}; next: tinyconv evaluate {quoted}, tinyconv predict {quoted} PICTURE")
        print(f"test accuracy {100 * accuracy:.2f} %")


def _reported(out, test):
    """Where the report of the run is; None, and a warning, if it could not be made: the run is
    whole without it."""
    try:
        return str(report.write(out, test=test))
    except (ValueError, OSError, RuntimeError, ImportError) as error:
        warnings.warn(f"there is no report of this run: {error}", stacklevel=2)
        return None


def _form(source):
    """What data must be like for weights that were trained before, as far as that is known."""
    if source is None or source.shape is None:
        return {}
    return {"shape": source.shape, "mean": source.mean, "std": source.std}


def _data(args, form):
    """The training and the test set, in the form of the images a model was trained on before."""
    folder, (C, size, _) = data.is_folder(args.data), form.get("shape", (None, None, None))
    options = {"size": args.size or size} if folder and (args.size or size) else {}
    if folder and C in (1, 3):
        options["mode"] = "grey" if C == 1 else "rgb"
    if args.skip_bad:
        options["on_error"] = "skip"
    sets = data.load_both(args.data, **options)
    if form:
        sets = [transfer.in_form(s, C, form["mean"], form["std"]) for s in sets]
    train, test = sets
    return train.limit(args.limit) if args.limit else train, test


def _introduce(args, run, out, say):
    """What is trained on what, and where it begins."""
    recipe, (C, H, W), several = run.recipe, run.train.shape, common.several
    say(f"{args.model}, {sum(p.numel() for p in run.model.parameters()):,} parameters, on "
        f"{run.train.name}: {len(run.train):,} training and "
        f"{several(len(run.test), 'test image')} of {C}×{H}×{W}, {len(run.train.classes)} classes")
    say(f"{several(recipe.epochs, 'epoch')} of {several(run.steps_per_epoch, 'step')}, batches of "
        f"{recipe.batch_size}, lr up to {recipe.lr:g}, seed {args.seed}, "
        f"{several(threads(), 'thread')}; {out}")
    if args.resume:
        say(f"going on after step {run.step} of {recipe.epochs * run.steps_per_epoch}")


def _recipe(args, model, train):
    """The recipe for this model and data, with what the options change."""
    mode = args.mode or ("finetune" if args.source else "scratch")
    changes = {name: getattr(args, name) for name in OF_RECIPE if name != "mode"}
    return recipes.transfer(recipes.choose(model, train.name), mode, len(train)).changed(**changes)
