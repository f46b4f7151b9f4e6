"""The zoo once more, in PyTorch: the definitions that ours are compared with.

They are as large as the models that `test_models_as_pytorch.py` asks for, without dropout (where
torchvision has it in a `Sequential`, an identity keeps its number), and with torchvision's names.
"""
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    """A module from parts by name, and a function of the module and x."""

    def __init__(self, parts, forward):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.compute = forward

    def forward(self, x):
        return self.compute(self, x)


def seq(*parts):
    return nn.Sequential(*parts)


def conv(c, o, k, stride=1, padding=None, **options):
    padding = k // 2 if padding is None else padding
    return nn.Conv2d(c, o, k, stride, padding, **{"bias": False, **options})


def cba(c, o, k=3, stride=1, groups=1, act=None, bn=nn.BatchNorm2d):
    """Convolution, batch norm, activation, numbered 0, 1, 2."""
    return seq(conv(c, o, k, stride, groups=groups), bn(o), *([act()] if act else []))


def mean(x):
    return x.mean((2, 3))


# ---- plain networks ------------------------------------------------------------------------------

def mlp(*widths):
    layers = [part for c, o in zip(widths, widths[1:]) for part in (nn.Linear(c, o), nn.ReLU())]
    return Net({"layers": seq(*layers[:-1])}, lambda m, x: m.layers(x.flatten(1)))


def lenet5_1998(connections, codes):
    """`connections`: which maps of s2 each map of c3 sees; `codes`: the pictures of the classes."""
    def squash(a):
        return 1.7159 * torch.tanh(2 * a / 3)

    def with_weights(weight, bias, forward):
        m = Net({}, forward)
        m.weight, m.bias = nn.Parameter(torch.zeros(weight)), nn.Parameter(torch.zeros(bias))
        return m

    def sub(c):
        return with_weights((c, 1, 1), (c, 1, 1),
                            lambda m, x: m.weight * 4 * F.avg_pool2d(x, 2) + m.bias)

    def table(m, x):
        kernels = iter(m.weight)
        return torch.stack([sum(F.conv2d(x[:, c:c + 1], next(kernels)[None, None])[:, 0]
                                for c in seen) + b for seen, b in zip(connections, m.bias)], 1)

    def forward(m, x):
        x = F.pad(x, (2, 2, 2, 2), mode="replicate")
        for layer in (m.c1, m.s2, m.c3, m.s4, m.c5):
            x = squash(layer(x))
        return -((squash(m.f6(x.flatten(1)))[:, None] - m.codes) ** 2).sum(2)
    count = sum(map(len, connections))
    net = Net({"c1": nn.Conv2d(1, 6, 5), "s2": sub(6),
               "c3": with_weights((count, 5, 5), len(connections), table), "s4": sub(16),
               "c5": nn.Conv2d(16, 120, 5), "f6": nn.Linear(120, 84)}, forward)
    net.register_buffer("codes", torch.tensor(codes))
    return net


def alexnet(hidden, classes):
    R, P, I = nn.ReLU, lambda: nn.MaxPool2d(3, 2), nn.Identity
    features = seq(nn.Conv2d(3, 64, 11, 4, 2), R(), P(), nn.Conv2d(64, 192, 5, 1, 2), R(), P(),
                   nn.Conv2d(192, 384, 3, 1, 1), R(), nn.Conv2d(384, 256, 3, 1, 1), R(),
                   nn.Conv2d(256, 256, 3, 1, 1), R(), P())
    head = seq(I(), nn.Linear(9216, hidden), R(), I(), nn.Linear(hidden, hidden), R(),
               nn.Linear(hidden, classes))
    return Net({"features": features, "avgpool": nn.AdaptiveAvgPool2d(6), "classifier": head},
               lambda m, x: m.classifier(torch.flatten(m.avgpool(m.features(x)), 1)))


def alexnet_2012(widths, hidden, classes):
    def forward(m, x):
        def norm(z):                                         # the formula of the paper, by hand
            squares = F.pad(z * z, (0, 0, 0, 0, 2, 2))
            total = sum(squares[:, i:i + z.shape[1]] for i in range(5))
            return z / (2 + 1e-4 * total) ** 0.75
        x = F.max_pool2d(norm(F.relu(m.conv1(x))), 3, 2)
        x = F.max_pool2d(norm(F.relu(m.conv2(x))), 3, 2)
        x = F.relu(m.conv5(F.relu(m.conv4(F.relu(m.conv3(x))))))
        x = F.max_pool2d(x, 3, 2).flatten(1)
        return m.fc8(F.relu(m.fc7(F.relu(m.fc6(x)))))
    a, b, c, d, e = widths
    return Net({"conv1": nn.Conv2d(3, a, 11, 4, 2), "conv2": nn.Conv2d(a, b, 5, 1, 2, groups=2),
                "conv3": nn.Conv2d(b, c, 3, 1, 1), "conv4": nn.Conv2d(c, d, 3, 1, 1, groups=2),
                "conv5": nn.Conv2d(d, e, 3, 1, 1, groups=2), "fc6": nn.Linear(36 * e, hidden),
                "fc7": nn.Linear(hidden, hidden), "fc8": nn.Linear(hidden, classes)}, forward)


def vgg(plan, batch_norm, hidden, classes):
    """`plan` is as in torchvision: widths, and "M" for max pooling."""
    layers, c = [], 3
    for width in plan:
        if width == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(c, width, 3, 1, 1)]
            layers += [nn.BatchNorm2d(width), nn.ReLU()] if batch_norm else [nn.ReLU()]
            c = width
    head = seq(nn.Linear(c * 49, hidden), nn.ReLU(), nn.Identity(),
               nn.Linear(hidden, hidden), nn.ReLU(), nn.Identity(), nn.Linear(hidden, classes))
    return Net({"features": seq(*layers), "classifier": head},
               lambda m, x: m.classifier(F.adaptive_avg_pool2d(m.features(x), 7).flatten(1)))


# ---- residual networks ---------------------------------------------------------------------------

def basic(c, width, stride):
    parts = {"conv1": conv(c, width, 3, stride), "bn1": nn.BatchNorm2d(width),
             "conv2": conv(width, width, 3), "bn2": nn.BatchNorm2d(width)}
    if stride != 1 or c != width:
        parts["downsample"] = cba(c, width, 1, stride)

    def forward(m, x):
        y = m.bn2(m.conv2(F.relu(m.bn1(m.conv1(x)))))
        return F.relu(y + (m.downsample(x) if hasattr(m, "downsample") else x))
    return Net(parts, forward)


def bottleneck(c, width, stride, groups=1, base=64, dilation=1):
    inner = int(width * base / 64) * groups
    parts = {"conv1": conv(c, inner, 1), "bn1": nn.BatchNorm2d(inner),
             "conv2": conv(inner, inner, 3, stride, dilation, groups=groups, dilation=dilation),
             "bn2": nn.BatchNorm2d(inner),
             "conv3": conv(inner, 4 * width, 1), "bn3": nn.BatchNorm2d(4 * width)}
    if stride != 1 or c != 4 * width:
        parts["downsample"] = cba(c, 4 * width, 1, stride)

    def forward(m, x):
        y = F.relu(m.bn1(m.conv1(x)))
        y = m.bn3(m.conv3(F.relu(m.bn2(m.conv2(y)))))
        return F.relu(y + (m.downsample(x) if hasattr(m, "downsample") else x))
    return Net(parts, forward)


def stages(block, depths, expansion, dilations=((1, 1),) * 4):
    """The four stages by name; a stage with a dilation has no stride."""
    parts, c = {}, 64
    for i, (depth, (first, rest)) in enumerate(zip(depths, dilations)):
        width, stride, blocks = 64 * 2 ** i, 1 if i == 0 or rest > 1 else 2, []
        for j in range(depth):
            d = {} if rest == 1 else {"dilation": rest if j else first}
            blocks.append(block(c, width, 1 if j else stride, **d))
            c = width * expansion
        parts[f"layer{i + 1}"] = seq(*blocks)
    return parts


def resnet(block, depths, expansion, classes):
    def forward(m, x):
        x = F.max_pool2d(F.relu(m.bn1(m.conv1(x))), 3, 2, 1)
        return m.fc(mean(m.layer4(m.layer3(m.layer2(m.layer1(x))))))
    return Net({"conv1": conv(3, 64, 7, 2), "bn1": nn.BatchNorm2d(64),
                **stages(block, depths, expansion), "fc": nn.Linear(512 * expansion, classes)},
               forward)


def preact_block(c, width, stride, bottle):
    o = 4 * width if bottle else width
    kernels = [(c, width, 1, 1), (width, width, 3, stride), (width, o, 1, 1)] if bottle else [
        (c, width, 3, stride), (width, width, 3, 1)]
    parts = {}
    for i, (a, b, k, s) in enumerate(kernels, 1):
        parts |= {f"bn{i}": nn.BatchNorm2d(a), f"conv{i}": conv(a, b, k, s)}
    if stride != 1 or c != o:
        parts["shortcut"] = conv(c, o, 1, stride)

    def forward(m, x):
        y = F.relu(m.bn1(x))
        short = m.shortcut(y) if hasattr(m, "shortcut") else x
        y = m.conv2(F.relu(m.bn2(m.conv1(y))))
        return short + (m.conv3(F.relu(m.bn3(y))) if bottle else y)
    return Net(parts, forward)


def preact(n, k, bottle, classes):
    parts, c = {"conv": conv(3, 16, 3)}, 16
    for i, width in enumerate((16 * k, 32 * k, 64 * k)):
        blocks = []
        for j in range(n):
            blocks.append(preact_block(c, width, 2 if i and not j else 1, bottle))
            c = 4 * width if bottle else width
        parts[f"layer{i + 1}"] = seq(*blocks)
    return Net(parts | {"bn": nn.BatchNorm2d(c), "linear": nn.Linear(c, classes)}, lambda m, x:
               m.linear(mean(F.relu(m.bn(m.layer3(m.layer2(m.layer1(m.conv(x)))))))))


# ---- branches ------------------------------------------------------------------------------------

def basic_conv(c, o, k, stride=1):
    return Net({"conv": conv(c, o, k, stride), "bn": nn.BatchNorm2d(o, eps=0.001)},
               lambda m, x: F.relu(m.bn(m.conv(x))))


def inception(c, b1, r2, b2, r3, b3, b4):
    return Net({"branch1": basic_conv(c, b1, 1),
                "branch2": seq(basic_conv(c, r2, 1), basic_conv(r2, b2, 3)),
                "branch3": seq(basic_conv(c, r3, 1), basic_conv(r3, b3, 3)),
                "branch4": seq(nn.MaxPool2d(3, 1, 1, ceil_mode=True), basic_conv(c, b4, 1))},
               lambda m, x: torch.cat([b(x) for b in m.children()], 1))


def googlenet(thin, classes):
    """All widths but those of the two auxiliary heads are divided by `thin`."""
    def aux(c):
        def forward(m, x):
            x = m.conv(F.adaptive_avg_pool2d(x, (4, 4))).flatten(1)
            return m.fc2(F.relu(m.fc1(x)))
        return Net({"conv": basic_conv(c, 128, 1), "fc1": nn.Linear(2048, 1024),
                    "fc2": nn.Linear(1024, classes)}, forward)

    def block(*channels):
        return inception(*(c // thin for c in channels))

    def forward(m, x):
        x = F.max_pool2d(m.conv1(x), 3, 2, ceil_mode=True)
        x = F.max_pool2d(m.conv3(m.conv2(x)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(m.inception3b(m.inception3a(x)), 3, 2, ceil_mode=True)
        x = m.inception4a(x)
        first = m.aux1(x)
        x = m.inception4d(m.inception4c(m.inception4b(x)))
        second = m.aux2(x)
        x = F.max_pool2d(m.inception4e(x), 2, 2, ceil_mode=True)
        x = m.inception5b(m.inception5a(x))
        return m.fc(mean(x)), second, first
    return Net({
        "conv1": basic_conv(3, 64 // thin, 7, 2), "conv2": basic_conv(64 // thin, 64 // thin, 1),
        "conv3": basic_conv(64 // thin, 192 // thin, 3),
        "inception3a": block(192, 64, 96, 128, 16, 32, 32),
        "inception3b": block(256, 128, 128, 192, 32, 96, 64),
        "inception4a": block(480, 192, 96, 208, 16, 48, 64),
        "inception4b": block(512, 160, 112, 224, 24, 64, 64),
        "inception4c": block(512, 128, 128, 256, 24, 64, 64),
        "inception4d": block(512, 112, 144, 288, 32, 64, 64),
        "inception4e": block(528, 256, 160, 320, 32, 128, 128),
        "inception5a": block(832, 256, 160, 320, 32, 128, 128),
        "inception5b": block(832, 384, 192, 384, 48, 128, 128),
        "aux1": aux(512 // thin), "aux2": aux(528 // thin),
        "fc": nn.Linear(1024 // thin, classes)}, forward)


def squeezenet(plan, stem, kernel, classes):
    """`plan` holds fires (squeeze, expand), and "M" for max pooling."""
    def fire(c, s, e):
        def forward(m, x):
            x = F.relu(m.squeeze(x))
            return torch.cat([F.relu(m.expand1x1(x)), F.relu(m.expand3x3(x))], 1)
        return Net({"squeeze": nn.Conv2d(c, s, 1), "expand1x1": nn.Conv2d(s, e, 1),
                    "expand3x3": nn.Conv2d(s, e, 3, padding=1)}, forward)
    layers, c = [nn.Conv2d(3, stem, kernel, 2), nn.ReLU()], stem
    for item in plan:
        if item == "M":
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        else:
            layers.append(fire(c, *item))
            c = 2 * item[1]
    head = seq(nn.Identity(), nn.Conv2d(c, classes, 1), nn.ReLU())
    return Net({"features": seq(*layers), "classifier": head},
               lambda m, x: mean(m.classifier(m.features(x))))


def densenet(growth, blocks, stem, classes):
    def layer(c):
        return Net({"norm1": nn.BatchNorm2d(c), "conv1": conv(c, 4 * growth, 1),
                    "norm2": nn.BatchNorm2d(4 * growth), "conv2": conv(4 * growth, growth, 3)},
                   lambda m, x: m.conv2(F.relu(m.norm2(m.conv1(F.relu(m.norm1(x)))))))

    def block(n, c):
        def forward(m, x):
            seen = [x]
            for child in m.children():
                seen.append(child(torch.cat(seen, 1)))
            return torch.cat(seen, 1)
        return Net({f"denselayer{i + 1}": layer(c + i * growth) for i in range(n)}, forward)
    c = stem
    parts = {"conv0": conv(3, c, 7, 2), "norm0": nn.BatchNorm2d(c), "relu0": nn.ReLU(),
             "pool0": nn.MaxPool2d(3, 2, 1)}
    for i, n in enumerate(blocks, 1):
        parts[f"denseblock{i}"] = block(n, c)
        c += n * growth
        if i < len(blocks):
            parts[f"transition{i}"] = Net(
                {"norm": nn.BatchNorm2d(c), "conv": conv(c, c // 2, 1)},
                lambda m, x: F.avg_pool2d(m.conv(F.relu(m.norm(x))), 2, 2))
            c //= 2
    parts["norm5"] = nn.BatchNorm2d(c)

    def features(m, x):
        for child in m.children():
            x = child(x)
        return x
    return Net({"features": Net(parts, features), "classifier": nn.Linear(c, classes)},
               lambda m, x: m.classifier(mean(F.relu(m.features(x)))))


# ---- depthwise -----------------------------------------------------------------------------------

def mobilenet_v2(plan, stem, last, classes):
    """`plan` holds (expand, channels, blocks, stride)."""
    def block(c, o, stride, t):
        layers = [cba(c, c * t, 1, act=nn.ReLU6)] if t != 1 else []
        layers += [cba(c * t, c * t, 3, stride, c * t, nn.ReLU6), conv(c * t, o, 1),
                   nn.BatchNorm2d(o)]
        same = stride == 1 and c == o
        return Net({"conv": seq(*layers)}, lambda m, x: x + m.conv(x) if same else m.conv(x))
    layers, c = [cba(3, stem, 3, 2, act=nn.ReLU6)], stem
    for t, o, n, s in plan:
        for i in range(n):
            layers.append(block(c, o, 1 if i else s, t))
            c = o
    layers.append(cba(c, last, 1, act=nn.ReLU6))
    return Net({"features": seq(*layers),
                "classifier": seq(nn.Identity(), nn.Linear(last, classes))},
               lambda m, x: m.classifier(mean(m.features(x))))


def efficientnet(plan, stem, classes):
    """`plan` holds (expand, kernel, stride, channels, blocks)."""
    def excite(c, s):
        def forward(m, x):
            z = F.adaptive_avg_pool2d(x, 1)
            return torch.sigmoid(m.fc2(F.silu(m.fc1(z)))) * x
        return Net({"fc1": nn.Conv2d(c, s, 1), "fc2": nn.Conv2d(s, c, 1)}, forward)

    def block(c, o, k, stride, t):
        layers = [cba(c, c * t, 1, act=nn.SiLU)] if t != 1 else []
        layers += [cba(c * t, c * t, k, stride, c * t, nn.SiLU), excite(c * t, max(1, c // 4)),
                   cba(c * t, o, 1)]
        same = stride == 1 and c == o
        return Net({"block": seq(*layers)}, lambda m, x: m.block(x) + x if same else m.block(x))
    layers, c = [cba(3, stem, 3, 2, act=nn.SiLU)], stem
    for t, k, s, o, n in plan:
        stage = []
        for i in range(n):
            stage.append(block(c, o, k, 1 if i else s, t))
            c = o
        layers.append(seq(*stage))
    layers.append(cba(c, 4 * c, 1, act=nn.SiLU))
    return Net({"features": seq(*layers),
                "classifier": seq(nn.Identity(), nn.Linear(4 * c, classes))},
               lambda m, x: m.classifier(mean(m.features(x))))


class Norm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layer_scale = nn.Parameter(torch.ones(c, 1, 1))
        self.block = seq(nn.Conv2d(c, c, 7, padding=3, groups=c), nn.Identity(),
                         nn.LayerNorm(c, eps=1e-6), nn.Linear(c, 4 * c), nn.GELU(),
                         nn.Linear(4 * c, c), nn.Identity())

    def forward(self, x):
        y = self.block[0](x).movedim(1, -1)
        return x + self.layer_scale * self.block[2:](y).movedim(-1, 1)


def convnext(depths, widths, classes):
    layers = [seq(nn.Conv2d(3, widths[0], 4, 4), Norm2d(widths[0], eps=1e-6))]
    for i, (n, c) in enumerate(zip(depths, widths)):
        if i:
            layers.append(seq(Norm2d(widths[i - 1], eps=1e-6), nn.Conv2d(widths[i - 1], c, 2, 2)))
        layers.append(seq(*(CNBlock(c) for _ in range(n))))
    head = seq(Norm2d(c, eps=1e-6), nn.Flatten(1), nn.Linear(c, classes))
    return Net({"features": seq(*layers), "classifier": head},
               lambda m, x: m.classifier(m.features(x).mean((2, 3), keepdim=True)))


# ---- attention -----------------------------------------------------------------------------------

class Encoder(nn.Module):
    def __init__(self, length, layers, heads, width, mlp):
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.zeros(1, length, width))
        self.layers, self.ln = nn.Sequential(), nn.LayerNorm(width, eps=1e-6)
        for i in range(layers):
            self.layers.add_module(f"encoder_layer_{i}", self.block(heads, width, mlp))

    @staticmethod
    def block(heads, width, mlp):
        def forward(m, x):
            y = m.ln_1(x)
            x = x + m.self_attention(y, y, y)[0]
            return x + m.mlp(m.ln_2(x))
        return Net({"ln_1": nn.LayerNorm(width, eps=1e-6),
                    "self_attention": nn.MultiheadAttention(width, heads, batch_first=True),
                    "ln_2": nn.LayerNorm(width, eps=1e-6),
                    "mlp": seq(nn.Linear(width, mlp), nn.GELU(), nn.Identity(),
                               nn.Linear(mlp, width), nn.Identity())}, forward)

    def forward(self, x):
        return self.ln(self.layers(x + self.pos_embedding))


class ViT(nn.Module):
    def __init__(self, size, patch, layers, heads, width, mlp, classes):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.conv_proj = nn.Conv2d(3, width, patch, patch)
        self.encoder = Encoder((size // patch) ** 2 + 1, layers, heads, width, mlp)
        self.heads = nn.Sequential()
        self.heads.add_module("head", nn.Linear(width, classes))

    def forward(self, x):
        x = self.conv_proj(x).flatten(2).mT
        x = torch.cat([self.class_token.expand(len(x), 1, -1), x], 1)
        return self.heads(self.encoder(x)[:, 0])


# ---- a result for each pixel ---------------------------------------------------------------------

def fcn(depths, classes):
    def head(c):
        return seq(conv(c, c // 4, 3), nn.BatchNorm2d(c // 4), nn.ReLU(), nn.Identity(),
                   nn.Conv2d(c // 4, classes, 1))

    def forward(m, x):
        b, size = m.backbone, x.shape[2:]
        a = b.layer3(b.layer2(b.layer1(F.max_pool2d(F.relu(b.bn1(b.conv1(x))), 3, 2, 1))))
        results = m.classifier(b.layer4(a)), m.aux_classifier(a)
        return tuple(F.interpolate(y, size, mode="bilinear", align_corners=False) for y in results)
    backbone = Net({"conv1": conv(3, 64, 7, 2), "bn1": nn.BatchNorm2d(64),
                    **stages(bottleneck, depths, 4, ((1, 1), (1, 1), (1, 2), (2, 4)))}, None)
    return Net({"backbone": backbone, "classifier": head(2048), "aux_classifier": head(1024)},
               forward)


def unet(width, depth, classes):
    def double(c, o):
        return Net({"conv1": conv(c, o, 3), "bn1": nn.BatchNorm2d(o), "conv2": conv(o, o, 3),
                    "bn2": nn.BatchNorm2d(o)},
                   lambda m, x: F.relu(m.bn2(m.conv2(F.relu(m.bn1(m.conv1(x)))))))
    w = [width * 2 ** i for i in range(depth + 1)]

    def forward(m, x):
        def level(i, x):                                     # what lies below level i included
            x = m.down[i](x)
            if i == depth:
                return x
            below = level(i + 1, F.max_pool2d(x, 2))
            return m.join[depth - 1 - i](torch.cat([x, m.up[depth - 1 - i](below)], 1))
        return m.head(level(0, x))
    return Net({"down": nn.ModuleList(double(c, o) for c, o in zip([3, *w], w)),
                "up": nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, 2) for c in w[-2::-1]),
                "join": nn.ModuleList(double(2 * c, c) for c in w[-2::-1]),
                "head": nn.Conv2d(width, classes, 1)}, forward)


def detector(widths, outputs):
    def act():
        return nn.LeakyReLU(0.1)
    features = seq(*(seq(cba(c, o, act=act), nn.MaxPool2d(2)) for c, o in
                     zip((3, *widths), widths)))
    return Net({"features": features, "neck": cba(widths[-1], 2 * widths[-1], act=act),
                "head": nn.Conv2d(2 * widths[-1], outputs, 1)},
               lambda m, x: m.head(m.neck(m.features(x))))
