"""One training step is PyTorch's: the loss, every gradient, every parameter and buffer after it.

Which batches float32 can be compared on, and why not on any, is told in `kinks.py`.
"""
import pytest
from kinks import a_batch, assert_close

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import models, optim

pytestmark = pytest.mark.torch


def torch_resnet20(torch):
    """He et al.'s ResNet-20 with option A shortcuts, written with nothing but PyTorch."""
    nn, f = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self, c, o, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(c, o, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(o)
            self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(o)
            self.stride, self.new = stride, o - c

        def forward(self, x):
            y = self.bn2(self.conv2(f.relu(self.bn1(self.conv1(x)))))
            if self.stride == 2:
                x = f.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new // 2, self.new // 2))
            return f.relu(y + x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            self.layer1 = nn.Sequential(*(Block(16, 16, 1) for _ in range(3)))
            self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
            self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
            self.linear = nn.Linear(64, 10)

        def forward(self, x):
            x = self.layer3(self.layer2(self.layer1(f.relu(self.bn1(self.conv1(x))))))
            return self.linear(x.mean((2, 3)))

    return Net()


def torch_lenet5(torch):
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
            self.fc1, self.fc2 = nn.Linear(400, 120), nn.Linear(120, 84)
            self.fc3 = nn.Linear(84, 10)

        def forward(self, x):
            f = torch.nn.functional
            x = f.max_pool2d(f.relu(self.conv1(x)), 2)
            x = f.max_pool2d(f.relu(self.conv2(x)), 2).flatten(1)
            return self.fc3(f.relu(self.fc2(f.relu(self.fc1(x)))))

    return Net()


@pytest.mark.compiled
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("name, reference, shape", [
    ("resnet20", torch_resnet20, (4, 3, 32, 32)), ("lenet5", torch_lenet5, (8, 1, 28, 28))])
def test_one_training_step_is_pytorchs(torch, name, reference, shape, dtype, tolerance):
    tc.manual_seed(7)
    ours, theirs = models.create(name), reference(torch)
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    x, generator = a_batch(torch, theirs, shape)
    x, t = x.astype(dtype), generator.integers(0, 10, shape[0])
    ours.to(dtype), theirs.to(getattr(torch, dtype))
    settings = dict(lr=0.1, momentum=0.9, weight_decay=1e-4)
    our_sgd = optim.SGD(ours.parameters(), **settings)
    their_sgd = torch.optim.SGD(theirs.parameters(), **settings)

    loss = F.cross_entropy(ours(tc.tensor(x)), tc.tensor(t))
    loss.backward()
    expected = torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(t))
    expected.backward()

    assert loss.item() == pytest.approx(expected.item(), rel=tolerance)
    references = dict(theirs.named_parameters())
    for parameter, p in ours.named_parameters():
        assert_close(f"gradient of {parameter}", p.grad.data, references[parameter].grad, tolerance)
    our_sgd.step()
    their_sgd.step()
    references = theirs.state_dict()
    assert list(ours.state_dict()) == list(references)
    for entry, value in ours.state_dict().items():
        assert_close(entry, value.data, references[entry], tolerance)
