"""How a network learns and what it gets wrong: depth, the plane, the line, the mistakes."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyconv as tc
import tinyconv.nn.functional as F
from tinyconv import insight, models, nn, random
from tinyconv.insight import figures


def network(training=True):
    tc.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3),
                         nn.Flatten(), nn.Linear(4 * 16, 5), nn.ReLU(), nn.Linear(5, 3)
                         ).train(training)


def images(rng, n=12, C=1, side=6):
    return rng.normal(size=(n, C, side, side)).astype(np.float32)


class Untouched:
    """Within it a model, and the default generator, may be used but not changed."""

    def __init__(self, model):
        self.model = model

    def state(self):
        return ({name: t.data.tobytes() for name, t in self.model.state_dict().items()},
                [module.training for module in self.model.modules()],
                [module.has_hooks() for module in self.model.modules()],
                [p.grad is None and p.requires_grad for p in self.model.parameters()],
                repr(random.get_rng_state()))

    def __enter__(self):
        self.before = self.state()

    def __exit__(self, *_):
        assert self.state() == self.before


# ---- by depth ------------------------------------------------------------------------------------

def test_outputs_are_those_of_each_layer(rng):
    model, x = network(training=False), images(rng)
    with Untouched(model):
        found = insight.outputs_by_depth(model, x)
        all_of_them = insight.outputs_by_depth(model, x, [str(i) for i in range(8)])
    assert list(found) == ["0", "5", "7"]
    y = tc.tensor(x)
    for i, layer in enumerate(model):
        y = layer(y)
        np.testing.assert_array_equal(all_of_them[str(i)], y.data)
        if str(i) in found:
            np.testing.assert_array_equal(found[str(i)], y.data)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_are_those_of_pytorch(torch, rng, training):
    model, x, labels = network(), images(rng), rng.integers(0, 3, 12)
    model[3].p = 0.0                                     # the two would drop different numbers
    model[1].running_mean += 0.3
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Identity(),
        torch.nn.Flatten(), torch.nn.Linear(64, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    theirs.load_state_dict({name: torch.from_numpy(t.data.copy())
                            for name, t in model.state_dict().items()}, strict=False)
    with Untouched(model), tc.no_grad():
        found = insight.gradients_by_depth(model, x, labels, training=training)
    y, outputs = torch.from_numpy(x), []
    for layer in theirs.train(training):
        y = layer(y)
        y.retain_grad()
        outputs.append(y)
    torch.nn.functional.cross_entropy(y, torch.from_numpy(labels)).backward()
    assert list(found) == ["0", "5", "7"]
    for name, g in found.items():
        np.testing.assert_allclose(g, outputs[int(name)].grad.numpy(), rtol=1e-4, atol=1e-8)


def test_training_shows_what_training_sees_and_leaves_no_trace(rng):
    model, x = network(training=False), images(rng) + 5
    with Untouched(model):
        normal = insight.outputs_by_depth(model, x, ["1", "3"], training=True)
    np.testing.assert_allclose(normal["1"].mean(axis=(0, 2, 3)), 0, atol=1e-5)   # of this batch
    assert 0.5 < (normal["3"] == 0).mean() < 0.8                         # ReLU and dropout
    assert abs(insight.outputs_by_depth(model, x, ["1"])["1"].mean()) > 0.1


def test_frozen_models_have_gradients_by_depth_all_the_same(rng):
    model = nn.freeze(network())
    found = insight.gradients_by_depth(model, images(rng), np.zeros(12, int))
    assert all(np.abs(g).max() > 0 for g in found.values())


def test_a_wrong_name_is_answered_with_the_names_there_are(rng):
    with pytest.raises(ValueError, match="there is no layer 'conv9'; there are 0, 1, 2"):
        insight.outputs_by_depth(network(), images(rng), ["conv9"])


def test_spreads_are_shares_over_the_same_bins(rng):
    arrays = {"narrow": rng.normal(0, 1, 5000), "wide": rng.normal(0, 3, (50, 100)),
              "half": np.maximum(rng.normal(0, 1, 4000), 0)}
    found = insight.spread(arrays, bins=40)
    assert found.names == ("narrow", "wide", "half") and found.share.shape == (3, 40)
    np.testing.assert_allclose(found.share.sum(axis=1), 1)
    assert found.edges[0] == -found.edges[-1] and (np.abs(arrays["wide"]) > found.edges[-1]).any()
    np.testing.assert_allclose(found.std, [array.std() for array in arrays.values()])
    assert found.zero[0] == 0 and found.zero[2] == pytest.approx(0.5, abs=0.05)
    inside = (arrays["narrow"] >= found.edges[20]) & (arrays["narrow"] < found.edges[21])
    assert found.share[0, 20] == pytest.approx(inside.mean())
    logs = insight.spread(arrays, bins=40, log=True)
    np.testing.assert_allclose(logs.share.sum(axis=1), 1 - logs.zero)
    sizes = np.abs(arrays["wide"])
    inside = (sizes >= 10 ** logs.edges[30]) & (sizes < 10 ** logs.edges[31])
    assert logs.share[1, 30] == pytest.approx(inside.mean())


@pytest.mark.parametrize("log", [False, True])
def test_a_spread_of_zeros_can_be_drawn_and_one_of_nothing_is_refused(log):
    found = insight.spread({f"layer {i}": np.zeros(5) for i in range(30)}, log=log)
    assert (found.zero == 1).all()
    assert figures.drawn_spread(found).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="expected arrays of finite numbers, got none"):
        insight.spread({}, log=log)
    with pytest.raises(ValueError, match="some that are not finite"):
        insight.spread({"a": np.array([np.nan])}, log=log)


# ---- in the plane --------------------------------------------------------------------------------

@given(st.integers(0, 10 ** 6), st.integers(3, 30), st.integers(2, 8))
def test_components_are_the_eigenvectors_of_the_covariance(seed, N, D):
    x = np.random.default_rng(seed).normal(size=(N, D)) * 2.0 ** np.arange(D) + 7
    dims = min(N, D)
    found = insight.pca(x, dims)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(dims), atol=1e-9)
    np.testing.assert_allclose(found.points @ found.directions + found.mean, x, atol=1e-8)
    covariance = np.cov(x.T, bias=True)
    for v, share in zip(found.directions, found.share):
        np.testing.assert_allclose(covariance @ v, share * np.trace(covariance) * v,
                                   atol=1e-9 * np.trace(covariance))
        assert v[np.abs(v).argmax()] > 0
    assert (np.diff(found.share) <= 1e-12).all()


def test_the_sign_does_not_depend_on_the_order_or_the_side(rng):
    x = rng.normal(size=(40, 5)) * [5, 3, 1, 1, 1]
    found, again = insight.pca(x), insight.pca(x[::-1])
    np.testing.assert_allclose(again.points[::-1], found.points, atol=1e-9)
    np.testing.assert_allclose(insight.pca(-x).directions, found.directions, atol=1e-9)


def test_pca_says_what_it_needs():
    for x, dims in ((np.zeros(3), 1), (np.zeros((4, 2)), 3), (np.zeros((1, 5)), 2)):
        with pytest.raises(ValueError, match=r"pca: expected an array \(N, D\)"):
            insight.pca(x, dims)
    assert (insight.pca(np.ones((4, 3))).points == 0).all()


@pytest.mark.parametrize("name", ["lenet5", "resnet20", "vit_cifar"])
def test_features_are_what_the_head_weighs(rng, name):
    model = models.create(name)
    C, side = (1, 28) if name == "lenet5" else (3, 32)
    x = images(rng, 7, C, side)
    with Untouched(model):
        found = insight.features(model, x, batch_size=3)
    _, head = models.head_of(model)
    with tc.no_grad():
        expected = model.eval()(tc.tensor(x)).data
    got = found @ head.weight.data.T + head.bias.data
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_features_before_a_convolution_are_averaged_over_places(rng):
    tc.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Conv2d(5, 3, 1),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = images(rng)
    found = insight.features(model, x)
    got = found @ model[2].weight.data[:, :, 0, 0].T + model[2].bias.data
    np.testing.assert_allclose(got, model(tc.tensor(x)).data, rtol=1e-4, atol=1e-6)


def test_features_of_tokens_are_averaged_over_the_tokens_and_not_over_their_elements(rng):
    class Tokens(nn.Module):
        def __init__(self):
            self.embed, self.head = nn.Conv2d(1, 6, 4, 4), nn.Linear(6, 3)

        def forward(self, x):
            return self.head(self.embed(x).flatten(2).transpose(1, 2)).mean(1)   # (N, T, 3)

    model, x = Tokens(), images(rng)
    found = insight.features(model, x)
    assert found.shape == (len(x), 6)
    got = found @ model.head.weight.data.T + model.head.bias.data
    np.testing.assert_allclose(got, model(tc.tensor(x)).data, rtol=1e-4, atol=1e-6)


def test_a_head_that_weighs_no_features_is_named():
    with pytest.raises(ValueError, match="the head of LeNet51998"):
        insight.features(models.create("lenet5_1998"), np.zeros((1, 1, 28, 28), np.float32))


# ---- between two sets of weights -----------------------------------------------------------------

def test_a_quadratic_loss_is_a_parabola_along_the_line(rng):
    tc.manual_seed(0)
    model = nn.Linear(4, 2)
    x, y = (tc.tensor(rng.normal(size=(20, n)).astype(np.float32)) for n in (4, 2))
    first = {name: t.data * 0 for name, t in model.state_dict().items()}
    places = np.linspace(-1, 2, 7)
    with Untouched(model):
        found = insight.loss_between(model, first, model.state_dict(),
                                     lambda m: F.mse_loss(m(x), y).item(), places)
        assert found[4] == pytest.approx(F.mse_loss(model(x), y).item(), rel=1e-5)       # t = 1
    assert found[2] == pytest.approx(float((y.data ** 2).mean()), rel=1e-5)              # t = 0
    np.testing.assert_allclose(np.polyval(np.polyfit(places, found, 2), places), found, rtol=1e-4)
    assert len(insight.loss_between(model, first, first, lambda m: 0.0)) == 31


def test_the_model_is_in_use_on_the_way_and_itself_again_even_after_an_error(rng):
    model, x = network(), tc.tensor(images(rng))
    other = {name: t.data + 1 for name, t in model.state_dict().items()}
    seen = []

    def loss(m):
        seen.append((m.training, int(m[1].num_batches_tracked), m(x).data.copy()))
        if len(seen) == 3:
            raise KeyError("enough")
        return 0.0
    with Untouched(model), pytest.raises(KeyError):
        insight.loss_between(model, model.state_dict(), other, loss, (0, 0.4, 1))
    assert [mode for mode, _, _ in seen] == [False] * 3
    assert [count for _, count, _ in seen] == [0, 0, 1]          # counts are those of one end
    np.testing.assert_array_equal(seen[0][2], model.eval()(x).data)


def test_weights_that_do_not_fit_are_named():
    model = nn.Linear(4, 2)
    state = {name: t.data for name, t in model.state_dict().items()}
    with pytest.raises(ValueError, match="first should have .* not for bias"):
        insight.loss_between(model, {"weight": state["weight"]}, state, lambda m: 0.0)
    with pytest.raises(ValueError, match="last should have .* not for weight"):
        insight.loss_between(model, state, {**state, "weight": np.zeros((3, 4))}, lambda m: 0.0)


# ---- mistakes ------------------------------------------------------------------------------------

@given(st.integers(0, 10 ** 6), st.integers(1, 6), st.integers(0, 12))
def test_the_most_confused_pairs_are_the_greatest_numbers_off_the_diagonal(seed, K, n):
    confusion = np.random.default_rng(seed).integers(0, 4, (K, K))
    found = insight.most_confused(confusion, n)
    pairs = sorted(((-confusion[i, j], i, j) for i in range(K) for j in range(K)
                    if i != j and confusion[i, j]))[:n]
    assert list(zip(-found.count, found.truth, found.taken)) == pairs
    for i, count, share in zip(found.truth, found.count, found.share):
        assert share == pytest.approx(count / confusion[i].sum())


@given(st.integers(0, 10 ** 6), st.integers(1, 30), st.integers(2, 5), st.integers(0, 8))
def test_the_most_wrong_images_gave_the_truth_the_least(seed, N, K, n):
    generator = np.random.default_rng(seed)
    logits, labels = generator.normal(0, 3, (N, K)), generator.integers(0, K, N)
    found = insight.most_wrong(logits, labels, n)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = [i for i in range(N) if p[i].argmax() != labels[i]]
    expected = sorted(wrong, key=lambda i: p[i, labels[i]])[:n]
    assert found.index.tolist() == expected
    np.testing.assert_allclose(found.loss, [-np.log(p[i, labels[i]]) for i in expected], rtol=1e-9)
    np.testing.assert_allclose(found.confidence, p[expected].max(axis=1) if expected else [])
    assert found.truth.tolist() == labels[expected].tolist() if expected else not len(found.truth)


def test_outputs_that_are_great_do_not_overflow():
    found = insight.most_wrong(np.array([[1e4, 0.0], [0.0, 500.0]], np.float32), np.array([1, 0]))
    assert found.index.tolist() == [0, 1] and found.loss.tolist() == [1e4, 500.0]
    assert found.confidence.tolist() == [1.0, 1.0]


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"a square matrix of counts, got an array \(2, 3\)"):
        insight.most_confused(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"got arrays \(4, 2\) and \(3,\)"):
        insight.most_wrong(np.zeros((4, 2)), np.zeros(3))
