"""Lesson 13. Beyond images: convolution along time, through a clip, and over a graph.

    python examples/13_beyond_images.py          half a minute; draws the figure beside it
    python examples/13_beyond_images.py --quick  seconds; next to nothing is learned
"""
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import nn, optim

EPOCHS, SEEDS = (1, 2) if "--quick" in sys.argv else (8, 3)
generator = np.random.default_rng(0)

def learn(name, make, train, test, batch=32):
    """Train on one pair (x, labels), with each seed, and print what share of the other is right."""
    right = []
    for seed in range(SEEDS):
        tc.manual_seed(seed)
        model, order = make(), np.random.default_rng(seed)
        optimizer = optim.Adam(model.parameters(), lr=0.005)
        for _ in range(EPOCHS):
            for part in np.array_split(order.permutation(len(train[0])), len(train[0]) // batch):
                loss = F.cross_entropy(model(tc.tensor(train[0][part])), train[1][part])
                optimizer.zero_grad(), loss.backward(), optimizer.step()
        with tc.no_grad():
            right.append(100 * (model(tc.tensor(test[0])).data.argmax(1) == test[1]).mean())
    print(f"{name}, {sum(p.numel() for p in model.parameters()):,} parameters: {np.mean(right):.1f} ± "
          f"{np.std(right, ddof=1):.1f} % right ({SEEDS} seeds)")


# ---- 1. along time -------------------------------------------------------------------------------
# A whistle somewhere in the noise: does it fall, stay, or rise? An MLP has to learn the answer anew
# for every moment at which it may begin. A convolution along time learns it once.

def whistles(n):
    """Signals (n, 1, 256): 96 samples of a whistle from a random moment on, and noise."""
    labels, t = generator.integers(0, 3, n), np.arange(256)
    begin, pitch = generator.integers(0, 160, (n, 1)), generator.uniform(0.3, 0.5, (n, 1))
    s = (t - begin) / 96                                     # from 0 to 1 in the whistle
    bend = 0.15 * (labels[:, None] - 1) * (s - 0.5)          # radians per sample, to and fro
    signal = np.where((s >= 0) & (s < 1), np.sin(np.cumsum(pitch + bend, 1)), 0)
    signal += 0.5 * generator.standard_normal(signal.shape)
    return signal.astype(np.float32)[:, None], labels

train, heard = whistles(2000), whistles(1000)
learn("1. whistles, MLP", lambda: nn.Sequential(
    nn.Flatten(), nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 3)), train, heard)
learn("   whistles, 1-D convolutions", lambda: nn.Sequential(
    nn.Conv1d(1, 16, 15, stride=2, padding=7), nn.ReLU(),
    nn.Conv1d(16, 32, 15, stride=2, padding=7), nn.ReLU(),
    nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(32, 3)), train, heard)


# ---- 2. through a clip ---------------------------------------------------------------------------
# A disc moves left, right, up or down, and comes in again on the other side. No single frame says
# where to. A kernel of 3×3×3 sees three frames at once; one of 1×3×3 sees each frame by itself, and
# the mean over all of them afterwards forgets their order: it cannot tell left from right.

MOVES = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}

def clips(n, T=8, side=16):
    """Clips (n, 1, T, side, side): time is one more dimension in front of height and width."""
    labels, time, place = generator.integers(0, 4, n), np.arange(T), np.arange(side)
    start = generator.uniform(0, side, (n, 2, 1))
    y, x = np.moveaxis(start + 2 * np.array([*MOVES.values()])[labels][:, :, None] * time, 1, 0)
    down, across = ((place - c[..., None] + side / 2) % side - side / 2 for c in (y, x))
    clip = 1.0 * (np.hypot(down[..., :, None], across[..., None, :]) < 3)  # (n, T, side, side)
    clip += 0.3 * generator.standard_normal(clip.shape)
    return clip.astype(np.float32)[:, None], labels

train, seen = clips(1000), clips(500)
for depth in (1, 3):
    kernel, padding = (depth, 3, 3), (depth // 2, 1, 1)
    learn(f"2. clips, kernels of {depth}×3×3", lambda: nn.Sequential(
        nn.Conv3d(1, 8, kernel, padding=padding), nn.ReLU(),
        nn.Conv3d(8, 16, kernel, padding=padding, stride=(1, 2, 2)), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(16, 4)), train, seen)


# ---- 3. over a graph -----------------------------------------------------------------------------
# A convolution mixes each pixel with its neighbours, then its channels with each other. In a graph
# neighbours have no order, so all get one weight; what is left of the kernel is the mixing:
#
#     y = Â x W,    Â = D^−½ (A + 1) D^−½        A: who knows whom, D: how many, and oneself
#
# (Kipf & Welling 2017, arXiv 1609.02907). On a ring Â is a blur of 3 equal weights.

def normalized(A):
    A = A + np.eye(len(A))
    return (A / np.sqrt(np.outer(A.sum(0), A.sum(0)))).astype(np.float32)

x, third = generator.random((1, 1, 12), np.float32), np.full((1, 1, 3), 1 / 3, np.float32)
ring = normalized(np.roll(np.eye(12), 1, 0) + np.roll(np.eye(12), -1, 0))
apart = ring @ x[0, 0] - F.conv1d(F.pad(tc.tensor(x), (1, 1), mode="circular"), third).numpy()
print(f"3. on a ring of 12, Â x and a circular conv1d differ by {abs(apart).max():.0e}")

# A karate club broke up over a quarrel of its instructor (1) with its president (34). Who of the 34
# met whom, and which club each joined then: W. W. Zachary, J. Anthropological Research 33, 1977.
# Only two labels are given.
TIES = """1: 2 3 4 5 6 7 8 9 11 12 13 14 18 20 22 32, 2: 3 4 8 14 18 20 22 31,
3: 4 8 9 10 14 28 29 33, 4: 8 13 14, 5: 7 11, 6: 7 11 17, 7: 17, 9: 31 33 34, 10: 34, 14: 34,
15: 33 34, 16: 33 34, 19: 33 34, 20: 34, 21: 33 34, 23: 33 34, 24: 26 28 30 33 34, 25: 26 28 32,
26: 32, 27: 30 34, 28: 34, 29: 32 34, 30: 33 34, 31: 33 34, 32: 33 34, 33: 34"""
ties = np.array([(int(a) - 1, int(b) - 1) for line in TIES.split(",")
                 for a, others in [line.split(":")] for b in others.split()])       # (78, 2)
club, A = np.array([*"0000000001000011001010111111111111"], int), np.zeros((34, 34))
A[ties[:, 0], ties[:, 1]] = A[ties[:, 1], ties[:, 0]] = 1    # club 1: with the president
mix, known = tc.tensor(normalized(A)), [0, 33]

def follow(seed, steps=100):
    """Probabilities (34,) of being with the president: two graph convolutions, no other input."""
    tc.manual_seed(seed)
    first, second = nn.Linear(34, 16, bias=False), nn.Linear(16, 2, bias=False)
    optimizer = optim.Adam([*first.parameters(), *second.parameters()], lr=0.02)
    for _ in range(steps):
        hidden = F.relu(mix @ first(tc.eye(34)))             # each person is an input of their own
        logits = mix @ second(hidden)                        # (34, 2)
        loss = F.cross_entropy(logits[known], club[known])
        optimizer.zero_grad(), loss.backward(), optimizer.step()
    return F.softmax(logits, 1).data[:, 1]

p = [follow(seed) for seed in range(10)]
right = ((np.array(p) > 0.5) == club).sum(1) - 2
print(f"   karate club: right about {right.mean():.1f} ± {right.std():.1f} of the other 32 "
      f"(10 seeds); wrong with the first: {1 + np.flatnonzero((p[0] > 0.5) != club)}")
# Zachary's model was wrong about that man, too: he was three weeks from his test for the black belt.


# ---- the figure ----------------------------------------------------------------------------------

figure = Figure(figsize=(11, 7), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1, 1.6))
for label, ax in enumerate(above.subplots(1, 3, sharey=True)):
    ax.plot(heard[0][heard[1] == label][0, 0], color="#0072b2", linewidth=0.8)
    ax.set(title=f"a whistle that {('falls', 'stays', 'rises')[label]}", xlabel="sample")
clip, graph = below.subfigures(1, 2, width_ratios=(1, 1.4))
clip.suptitle(f"a clip: {[*MOVES][seen[1][0]]}")
for frame, ax in zip(seen[0][0, 0], clip.subplots(2, 4).flat):
    ax.imshow(frame, cmap="gray", vmin=-0.5, vmax=1.5)
    ax.axis("off")
z = np.linalg.eigh(np.diag(A.sum(0)) - A)[1][:, 1:3] @ (1, 1j)   # waves over the graph
for heat in np.linspace(0.3, 0, 200):                        # ties pull by r², all push by 1/r
    apart = z[:, None] - z
    force = (apart / (abs(apart) + 0.01) ** 2 - A * apart * abs(apart)).sum(1)
    z += heat * force / (1 + abs(force))
x, y, ax = z.real, z.imag, graph.subplots()
ax.plot(x[ties.T], y[ties.T], color="#c8c8c8", linewidth=0.8, zorder=0)
for side, marker, name in ((0, "o", "instructor's"), (1, "s", "president's")):
    dots = ax.scatter(x[club == side], y[club == side], c=p[0][club == side], marker=marker, s=190,
                      cmap="cividis", vmin=0, vmax=1, edgecolors="black", label=f"the {name} club")
for n in range(34):
    ax.text(x[n], y[n], n + 1, ha="center", va="center", fontsize=7, color="wk"[int(p[0][n] + 0.5)])
graph.colorbar(dots, label="probability of the president's, by the network")
ax.set_title("who met whom in the karate club")
ax.axis("off")
ax.legend(loc="upper right", frameon=False, fontsize=9)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=80)
print("figure:", Path(__file__).with_suffix(".png"))
