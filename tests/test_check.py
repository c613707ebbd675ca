"""Every check accepts different right answers, and says of planted wrong ones what is wrong with them."""

import inspect
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dckit
from dckit import check, gradient_distance, gradients
from dckit.check.answers import NOTHING
from dckit.check.reading import _SPREAD_HINTS, _VERDICT_HINTS, VERDICTS
from dckit.check.stage_t import HALF, Case
from dckit.data import Split, denormalise
from dckit.engine import Matcher
from dckit.method import DC, baselines, matching_step, train_epoch
from dckit.method.stage_t import training
from dckit.results import compare, printed


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch):
    """Another test may have run a lesson's set-up cell, which names the folder where solved exercises are kept."""
    monkeypatch.setattr(check.kept, "_folder", None)


RIGHT, WRONG = [], []  # (check, answer), and the same with words of what must be said


def right(checking):
    """A function that the check must accept."""

    def keep(answer):
        RIGHT.append(pytest.param(checking, answer, id=f"{checking.__name__}-{answer.__name__}"))
        return answer

    return keep


def wrong(checking, says):
    """A function that the check must not accept, saying so."""

    def keep(answer):
        wrongs(checking, **{answer.__name__: (says, answer)})
        return answer

    return keep


def wrongs(checking, **answers):
    for name, (says, answer) in answers.items():
        WRONG.append(pytest.param(checking, answer, says, id=f"{checking.__name__}-{name}"))


# Lesson 0: pixels

right(check.pixels)(denormalise)


@right(check.pixels)
def channel_by_channel(images, mean, std):
    channels = [images[:, c] * std[c] + mean[c] for c in range(len(mean))]
    return torch.stack(channels, dim=1).clip(min=0, max=1)


def channels(values):
    return torch.tensor(values).view(-1, 1, 1)


wrongs(
    check.pixels,
    unchanged=("still the normalised", lambda x, mean, std: x),
    unchanged_and_cut=("still the normalised", lambda x, mean, std: x.clamp(0, 1)),
    sign=("sign of the mean", lambda x, mean, std: (x * channels(std) - channels(mean)).clamp(0, 1)),
    order=("order is wrong", lambda x, mean, std: ((x + channels(mean)) * channels(std)).clamp(0, 1)),
    one_channel=("all channels got the first", lambda x, mean, std: (x * std[0] + mean[0]).clamp(0, 1)),
    not_cut=("below 0 or above 1", lambda x, mean, std: x * channels(std) + channels(mean)),
    to_255=("255", lambda x, mean, std: 255 * denormalise(x, mean, std)),
    shape=("shape is wrong: expected (2, 3, 4, 5), found (1, 3, 4, 5)", lambda x, m, s: denormalise(x, m, s)[:1]),
    no_tensor=("expected a tensor", lambda x, mean, std: denormalise(x, mean, std).tolist()),
    other=("pixels are wrong", lambda x, mean, std: denormalise(x, mean, std) ** 2),
    in_place=(
        "changed the images that it was given",
        lambda x, mean, std: x.mul_(channels(std)).add_(channels(mean)).clamp_(0, 1),
    ),
)


# Lesson 1: the layerwise distance

right(check.layerwise_distance)(gradient_distance)


@right(check.layerwise_distance)
def row_after_row(grads_synthetic, grads_real):
    total = 0.0
    for a, b in zip(grads_synthetic, grads_real, strict=True):
        for i in range(len(a) if a.ndim > 1 else 0):
            total = total + 1 - torch.dot(a[i].flatten(), b[i].flatten()) / (a[i].norm() * b[i].norm() + 1e-6)
    return total


@right(check.layerwise_distance)
def with_torchs_cosine(grads_synthetic, grads_real):
    return sum(
        (1 - F.cosine_similarity(a.flatten(1), b.flatten(1))).sum()
        for a, b in zip(grads_synthetic, grads_real, strict=True)
        if a.ndim > 1
    )


def summed(one_layer, keep=lambda g: g.ndim > 1):
    return lambda mine, real: sum(one_layer(a, b) for a, b in zip(mine, real, strict=True) if keep(a))


def rows_of(g):
    return g.flatten(1) if g.ndim > 1 else g[None]


def cosines(a, b):
    return F.cosine_similarity(rows_of(a), rows_of(b))


def detached_norm(a, b):
    a, b = rows_of(a), rows_of(b)
    return (1 - (a * b).sum(1) / (a.norm(dim=1).detach() * b.norm(dim=1) + 1e-6)).sum()


def no_epsilon(a, b):
    a, b = rows_of(a), rows_of(b)
    return (1 - (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))).sum()


def in_all(a, b):
    return 1 - F.cosine_similarity(a.flatten(), b.flatten(), dim=0)


def anything(g):
    return True


wrongs(
    check.layerwise_distance,
    similarity=("sum of the cosines", summed(lambda a, b: cosines(a, b).sum())),
    layer_means=("mean over each layer", summed(lambda a, b: (1 - cosines(a, b)).mean())),
    biases=("biases and norm layers are counted", summed(lambda a, b: (1 - cosines(a, b)).sum(), anything)),
    layers=("one cosine for a whole layer", summed(in_all)),
    layers_and_biases=("one cosine for a whole layer", summed(in_all, anything)),
    kernel_rows=("each row of a 3×3 kernel", summed(lambda a, b: (1 - F.cosine_similarity(a, b, dim=-1)).sum())),
    kernel_places=("each place in a 3×3 kernel", summed(lambda a, b: (1 - F.cosine_similarity(a, b)).sum())),
    dots=("not divided", summed(lambda a, b: (1 - (rows_of(a) * rows_of(b)).sum(1)).sum())),
    rows=("shape is wrong: expected one number", lambda mine, real: 1 - cosines(mine[0], real[0])),
    detached=("detached", lambda mine, real: gradient_distance(mine, real).detach()),
    plain_number=("detached", lambda mine, real: gradient_distance(mine, real).item()),
    partly_detached=("its gradient is not", summed(detached_norm)),
    no_epsilon=("divided by 0", summed(no_epsilon)),
    text=("expected one number", lambda mine, real: "far"),
    other=("expected 9", lambda mine, real: gradient_distance(mine, real) + 0.1),
)


# Lesson 2: a matching step


def step(
    network, batches, images, labels, optimizer, distance=gradient_distance, graph=True, clear=True, move=True,
    pull=lambda total: total, number=lambda d: sum(d) / len(d),
):  # fmt: skip
    if clear:
        optimizer.zero_grad()
    distances = []
    for c in range(len(batches)):
        own = labels == c
        real = gradients(network, *batches[c])
        mine = gradients(network, images[own], labels[own], create_graph=graph)
        distances.append(distance(mine, real))
    pull(sum(distances)).backward()
    if move:
        optimizer.step()
    return number([float(d.detach()) for d in distances])


right(check.matching_step)(step)


@right(check.matching_step)
def class_by_class(network, batches, images, labels, optimizer):
    optimizer.zero_grad()
    total = 0.0
    for c, (real, real_labels) in enumerate(batches):
        pull_real = torch.autograd.grad(F.cross_entropy(network(real), real_labels), list(network.parameters()))
        loss = F.cross_entropy(network(images[labels == c]), labels[labels == c])
        pull = torch.autograd.grad(loss, list(network.parameters()), create_graph=True)
        loss = row_after_row(pull, pull_real)
        loss.backward(inputs=[images])
        total += loss.detach()
    optimizer.step()
    return total / len(batches)


@right(check.matching_step)
def as_the_kit_steps(network, batches, images, labels, optimizer):
    real = Split(torch.cat([b for b, _ in batches]), torch.cat([y for _, y in batches]), (0.0,), (1.0,))
    match = Matcher(network, gradient_distance)
    return float(matching_step(DC(real_batch=len(batches[0][0])), real, images, labels, optimizer, match))


@right(check.matching_step)
def with_the_gradient_set_by_hand(network, batches, images, labels, optimizer):
    pairs = [(gradients(network, images[labels == c], labels[labels == c], create_graph=True), gradients(network, *b))
             for c, b in enumerate(batches)]  # fmt: skip
    loss = sum(with_torchs_cosine(*pair) for pair in pairs)
    (images.grad,) = torch.autograd.grad(loss, images)
    optimizer.step()
    return loss / len(batches)


def but(**changes):
    return lambda *arguments: step(*arguments, **changes)


@wrong(check.matching_step, "a step after each class")
def a_step_a_class(network, batches, images, labels, optimizer):
    start = images.detach().clone()  # each class is matched from where it was, momentum alone moves it again
    for c in range(len(batches)):
        optimizer.zero_grad()
        own = labels == c
        pull = gradients(network, images[own], labels[own], create_graph=True)
        gradient_distance(pull, gradients(network, *batches[c])).backward()
        optimizer.step()
    assert not torch.equal(start, images)
    return 0.0


@wrong(check.matching_step, "classes are missing")
def cleared_after_each_class(network, batches, images, labels, optimizer):
    for c in range(len(batches)):
        optimizer.zero_grad()
        own = labels == c
        pull = gradients(network, images[own], labels[own], create_graph=True)
        gradient_distance(pull, gradients(network, *batches[c])).backward()
    optimizer.step()
    return 0.0


@wrong(check.matching_step, "all classes were matched at once")
def all_at_once(network, batches, images, labels, optimizer):
    optimizer.zero_grad()
    real = gradients(network, torch.cat([b for b, _ in batches]), torch.cat([y for _, y in batches]))
    gradient_distance(gradients(network, images, labels, create_graph=True), real).backward()
    optimizer.step()
    return 0.0


@wrong(check.matching_step, "have not changed")
def new_images(network, batches, images, labels, optimizer):
    distance = step(network, batches, images, labels, optimizer, move=False)
    images = images - 0.1 * images.grad
    return distance


@wrong(check.matching_step, "weights have changed")
def trains_the_network(network, batches, images, labels, optimizer):
    distance = step(network, batches, images, labels, optimizer)
    torch.optim.SGD(network.parameters(), 0.1).step()
    return distance


wrongs(
    check.matching_step,
    uphill=("sign is wrong", but(pull=lambda total: -total)),
    not_cleared=("zero_grad", but(clear=False)),
    of_the_mean=("mean of the distances", but(pull=lambda total: total / 3)),
    no_graph=("detached from the graph", but(graph=False)),
    detached_images=("detached", lambda n, b, x, y, o: step(n, b, x.detach(), y, o)),
    no_step=("have not changed", but(move=False)),
    another_metric=("not as by the kit's step", but(distance=lambda a, b: gradient_distance(a, b, "mse"))),
    the_sum=("sum of the distances is returned", but(number=sum)),
    the_last=("last class's distance", but(number=lambda d: d[-1])),
    no_number=("nothing is returned", but(number=lambda d: None)),
    another_number=("expected", but(number=lambda d: 0.5)),
    a_list=("expected one number", but(number=lambda d: d)),
)


# Lesson 2: a loop that trains on the wrong gradient


def given(network, batches, images, labels, train_images, train_network, steps):
    for _ in range(steps):
        train_images.zero_grad()
        train_network.zero_grad()
        match(network, batches, images, labels).backward()
        train_images.step()
        F.cross_entropy(network(images.detach()), labels).backward()
        train_network.step()


def match(network, batches, images, labels):
    pairs = [(gradients(network, images[labels == c], labels[labels == c], create_graph=True), gradients(network, *b))
             for c, b in enumerate(batches)]  # fmt: skip
    return sum(gradient_distance(*pair) for pair in pairs)


def loop(
    network, batches, images, labels, train_images, train_network, steps, clear_images=True, match_first=True,
    before_step=lambda network: None, move=True, sign=1,
):  # fmt: skip
    for _ in range(steps):
        start = images.detach().clone()
        if clear_images:
            train_images.zero_grad()
        (sign * match(network, batches, images, labels)).backward()
        if move:
            train_images.step()
        network.zero_grad()
        F.cross_entropy(network(images.detach() if match_first else start), labels).backward()
        before_step(network)
        train_network.step()


right(check.wrong_gradient)(loop)


@right(check.wrong_gradient)
def into_the_images_alone(network, batches, images, labels, train_images, train_network, steps):
    for _ in range(steps):
        train_images.zero_grad()
        train_network.zero_grad()
        match(network, batches, images, labels).backward(inputs=[images])
        train_images.step()
        F.cross_entropy(network(images.detach()), labels).backward()
        train_network.step()


@right(check.wrong_gradient)
def with_the_kits_epoch(network, batches, images, labels, train_images, train_network, steps):
    for _ in range(steps):
        (images.grad,) = torch.autograd.grad(match(network, batches, images, labels), images)
        train_images.step()
        train_epoch(network, train_network, (images.detach(), labels), batch=None)


def loop_but(**changes):
    return lambda *arguments: loop(*arguments, **changes)


wrongs(
    check.wrong_gradient,
    as_given=("still takes the wrong step", given),
    cleared_too_late=("network no longer changes", loop_but(before_step=lambda network: network.zero_grad())),
    in_the_other_order=("still takes a wrong step", loop_but(match_first=False)),
    images_never_cleared=("second is not", loop_but(clear_images=False)),
    images_stand_still=("images no longer change", loop_but(move=False)),
    images_uphill=("images no longer take the right step", loop_but(sign=-1)),
    network_uphill=(
        "still takes a wrong step",
        loop_but(before_step=lambda n: [p.grad.neg_() for p in n.parameters()]),
    ),
    one_round=("second is not", lambda *arguments: loop(*arguments[:-1], 1)),
    detached=("detached", lambda n, b, x, *rest: loop(n, b, x.detach(), *rest)),
)


# Lesson 3: stage T


def stage_t(
    network, images, labels, test_images, test_labels, epochs, momentum=0.9, decay=0.0005, drop=0.1,
    clear=True, softmax=False, test=True, percent=lambda right: 100 * right.double().mean().item(),
):  # fmt: skip
    network.train()
    for epoch in range(epochs):
        if epoch in (0, epochs // 2):
            rate = 0.01 * (drop if epoch else 1)
            optimizer = torch.optim.SGD(network.parameters(), rate, momentum, weight_decay=decay)
        if clear:
            optimizer.zero_grad()
        logits = network(images)
        F.cross_entropy(logits.softmax(1) if softmax else logits, labels).backward()
        optimizer.step()
    if test:
        network.eval()
    return percent(network(test_images).argmax(1) == test_labels)


right(check.stage_t)(stage_t)


@right(check.stage_t)
def with_a_schedule_and_batches(network, images, labels, test_images, test_labels, epochs):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [epochs // 2])
    for _ in range(epochs):
        train_epoch(network, optimizer, (images, labels), batch=256)
        schedule.step()
    network.eval()
    with torch.inference_mode():
        right = sum((network(x).argmax(1) == y).sum() for x, y in zip(test_images.split(7), test_labels.split(7)))  # noqa: B905
    return 100 * right / len(test_labels)


@right(check.stage_t)
def as_the_kit(network, images, labels, test_images, test_labels, epochs):
    choices = dckit.Recipe.published().but(whole_epochs=epochs).testing
    list(training(network, Split(images, labels, (0.0,), (1.0,)), choices, "digits"))
    return 100 * float((network.eval()(test_images).argmax(1) == test_labels).float().mean())


def stage_t_but(**changes):
    return lambda *arguments: stage_t(*arguments, **changes)


wrongs(
    check.stage_t,
    not_cleared=("zero_grad", stage_t_but(clear=False)),
    no_drop=("rate stays the same", stage_t_but(drop=1.0)),
    no_momentum=("momentum is missing", stage_t_but(momentum=0.0)),
    no_decay=("weight decay is missing", stage_t_but(decay=0.0)),
    softmax=("softmax before the cross-entropy", stage_t_but(softmax=True)),
    one_epoch=("not the expected ones", lambda *arguments: stage_t(*arguments[:-1], 1)),
    no_epoch=("not learned anything", lambda *arguments: stage_t(*arguments[:-1], 0)),
    fraction=("accuracy is a fraction", stage_t_but(percent=lambda right: right.float().mean())),
    count=("number of correct answers", stage_t_but(percent=lambda right: int(right.sum()))),
    training_mode=("test ran in training mode", stage_t_but(test=False)),
    no_return=("`return` is missing", stage_t_but(percent=lambda right: None)),
    one_by_one=("shape is wrong: expected one number", stage_t_but(percent=lambda right: right)),
    other=("the accuracy is not", stage_t_but(percent=lambda right: 12.3)),
)


# Lesson 4: herding


@right(check.herding)
def with_the_kits_herding(features, labels, ipc):
    members = [torch.nonzero(labels == c).flatten() for c in labels.unique()]
    return torch.cat([m[baselines.herding(features[m], ipc)] for m in members])


def choose(features, labels, ipc, again=False, first=lambda d: d.argmin()):
    chosen = []
    for c in range(int(labels.max()) + 1):
        own = (labels == c).nonzero().flatten().tolist()
        mean, mine = features[own].mean(0), []
        while len(mine) < ipc:
            free = [i for i in own if again or i not in mine]
            off = [((features[[*mine, i]].sum(0)) / (len(mine) + 1) - mean).norm() for i in free]
            mine.append(free[int(first(torch.stack(off)))])
        chosen += mine
    return chosen


right(check.herding)(choose)


def herd_but(**changes):
    return lambda *arguments: choose(*arguments, **changes)


def each_class(order, inside=False):
    def chosen(features, labels, ipc):
        members = [torch.nonzero(labels == c).flatten() for c in labels.unique()]
        return torch.cat([order(features[m], ipc) if inside else m[order(features[m], ipc)] for m in members])

    return chosen


def nearest(own, ipc):
    return (own - own.mean(0)).norm(dim=1).argsort()[:ipc]


wrongs(
    check.herding,
    inside=("count within a class", each_class(baselines.herding, inside=True)),
    nearest=("nearest to the class's mean", each_class(nearest)),
    again=("chosen twice", herd_but(again=True)),
    always_one=("chosen twice", lambda features, labels, ipc: [0] * 3 * ipc),
    backwards=("in the wrong order", lambda *arguments: choose(*arguments)[::-1]),
    without_classes=("of class 0, then", lambda features, labels, ipc: baselines.herding(features, 3 * ipc)),
    one_class=("shape is wrong: expected (12,), found (4,)", lambda *arguments: choose(*arguments)[:4]),
    images=("shape is wrong", lambda features, *rest: features[choose(features, *rest)]),
    halves=("whole numbers", lambda *arguments: torch.tensor(choose(*arguments)) + 0.5),
    too_large=("from 0 to 29", lambda *arguments: torch.tensor(choose(*arguments)) + 30),
    others=("herding chooses other images", herd_but(first=lambda off: off.argmax())),
    a_number=("expected a tensor", lambda *arguments: 7),
)


# Lesson 5: a table with its uncertainty


def printed_pairs():
    """The pairs of numbers in lesson 5's table."""
    pairs = {
        "A": ("paper ResNet18 ResNet18", "paper LeNet ResNet18"),
        "B": ("paper ResNet18 MLP", "paper LeNet MLP"),
        "C": ("report ConvNet ConvNet", "paper ConvNet ConvNet"),
        "D": ("report ConvNet MLP", "paper ConvNet MLP"),
        "E": ("report MLP ConvNet", "paper MLP ConvNet"),
    }
    return {row: tuple(sample(*words.split()) for words in pair) for row, pair in pairs.items()}


def sample(source, images, trained):
    return printed(source, "table2", "mnist", condensed_with=images, trained=trained)


PAIRS = printed_pairs()
OVERLAP = {
    row: "agrees" if abs(a.mean - b.mean) <= a.std + b.std else "higher" if a.mean > b.mean else "lower"
    for row, (a, b) in PAIRS.items()
}
MEANS = {row: "higher" if a.mean > b.mean else "lower" for row, (a, b) in PAIRS.items()}
RIGHT += [
    pytest.param(check.verdict, answer, id=f"verdict-{name}")
    for name, answer in dict(
        by_hand=VERDICTS,
        carelessly_typed={row: f" {word.upper()} " for row, word in reversed(VERDICTS.items())},
        computed={row: compare(*pair) for row, pair in PAIRS.items()},
    ).items()
]
wrongs(
    check.verdict,
    overlap=("± overlap", OVERLAP),
    means=("in every row", MEANS),
    never_in_doubt=("wide interval", VERDICTS | {"D": "agrees", "E": "agrees"}),
    always_in_doubt=("you took ± for the uncertainty", VERDICTS | {"A": "cannot tell", "B": "cannot tell"}),
    one_row=("think about B again: the 95 % interval of its difference, +0.1 to +5.1, does not contain 0.",
             VERDICTS | {"B": "agrees"}),
    another_row=("contains 0 and ends within 2 points", VERDICTS | {"A": "cannot tell"}),
    third_row=("contains 0 and reaches further than 2 points", VERDICTS | {"E": "agrees"}),
    another_word=("question C has the answer `worse`: expected one of higher, lower", VERDICTS | {"C": "worse"}),
    half_done=("question E has the answer ``", VERDICTS | {"E": None}),
    a_number=("question A has the answer `0.4`", VERDICTS | {"A": 0.4}),
    a_row_less=("with the keys A, B, C, D, E", {"A": "agrees"}),
    no_dictionary=("expected a dictionary", ["agrees"] * 5),
)  # fmt: skip


# Lesson 7: the report's AlexNet


@right(check.alexnet_bug)
def cut_off(network):
    return network[:-1]


@right(check.alexnet_bug)
def put_nothing_there(network):
    network[-1] = nn.Identity()
    return network


@right(check.alexnet_bug)
def log_softmax_does_no_harm(network):
    return nn.Sequential(*network[:-1], nn.LogSoftmax(dim=1))


@right(check.alexnet_bug)
def without_dropout_too(network):
    return nn.Sequential(*(m for m in network if not isinstance(m, nn.Dropout | nn.Softmax)))


def ending_in(*layers, cut=-1):
    return lambda network: nn.Sequential(*network[:cut], *layers)


wrongs(
    check.alexnet_bug,
    unchanged=(
        "sum to 1. Even if the network is certain of the right class, the cross-entropy is then 1.461",
        lambda n: n,
    ),
    no_dropout=("dropout is not the fault", lambda n: nn.Sequential(*(m for m in n if not isinstance(m, nn.Dropout)))),
    sigmoid=("change nothing but the fault", ending_in(nn.Sigmoid())),
    two_layers_off=("shape is wrong: expected (4, 10)", ending_in(cut=-2)),
    a_layer_more=("change nothing but the fault", ending_in(nn.Linear(10, 10).double())),
    published=("change nothing but the fault", lambda n: dckit.build("AlexNet", (1, 28, 28), 10, width=8).double()),
    no_relu=("change nothing but the fault", lambda n: nn.Sequential(*n[:-3], n[-2])),
    no_resize=("your code raised `RuntimeError", lambda n: n[1:-1]),
    word=("expected a network, found `str`", lambda n: "softmax"),
    in_place_only=("`return` is missing", lambda n: n.__setitem__(-1, nn.Identity())),
)


# All of them

CHECKS = [value for value in vars(check).values() if hasattr(value, "exercise")]
TESTS = Path(__file__).parent
FUNCTIONS = [c for c in CHECKS if "function" in inspect.signature(c).parameters]  # that ask a learner's function


@pytest.mark.parametrize(("checking", "answer"), RIGHT)
def test_right_answers_are_accepted(checking, answer):
    found = checking(answer)
    assert found.right, found
    assert str(found).startswith("Right. ")


@pytest.mark.parametrize(("checking", "answer", "says"), WRONG)
def test_wrong_answers_are_told_what_is_wrong(checking, answer, says):
    found = checking(answer)
    assert not found.right
    assert str(found).startswith("Not yet: ")
    assert says in str(found)


@pytest.mark.parametrize("checking", CHECKS)
def test_each_check_has_two_right_answers_and_five_wrong_ones(checking):
    here = [sum(p.values[0] is checking for p in answers) for answers in (RIGHT, WRONG)]
    others = {path for path in TESTS.glob("test_*.py") if path.name not in ("test_check.py", "test_solutions.py")}
    elsewhere = any(re.search(rf"\bcheck\.{checking.__name__}\b", path.read_text()) for path in others)
    assert (here[0] >= 2 and here[1] >= 5) or (here == [0, 0] and elsewhere)  # a file of its own has its answers


@pytest.mark.parametrize("checking", FUNCTIONS)
@pytest.mark.parametrize("stub", [None, ..., lambda *arguments: None, lambda *arguments: ...])
def test_an_untouched_stub_is_told_so_in_one_sentence(checking, stub):
    assert str(checking(stub)) == f"Not yet: {NOTHING}"


@pytest.mark.parametrize("stub", [None, ..., dict.fromkeys("ABCDE"), dict.fromkeys("ABCDE", ...)])
def test_an_unread_table_is_told_so_in_one_sentence(stub):
    assert str(check.verdict(stub)) == f"Not yet: {NOTHING}"


@pytest.mark.parametrize("checking", FUNCTIONS)
def test_what_a_learners_code_raises_is_told_with_its_line(checking):
    def raising(*arguments):
        numbers = {"a `b`\n c": 1}
        return numbers["what a\n pity"]

    assert str(checking(raising)) == (
        "Not yet: your code raised `KeyError: 'what a\\n pity'` in the line `return numbers[\"what a\\n pity\"]`."
    )


@pytest.mark.parametrize("checking", FUNCTIONS)
def test_what_cannot_be_called_is_named(checking):
    assert str(checking(3)) == "Not yet: expected a function, found `3`."
    assert "argument" in str(checking(lambda: 1))


@pytest.mark.parametrize("junk", [float("nan"), "text", [], {}, object(), torch.zeros(0), torch.full((12,), torch.nan)])
@pytest.mark.parametrize("checking", FUNCTIONS)
def test_nothing_that_a_learner_returns_stops_a_lesson(checking, junk):
    found = checking(lambda *arguments: junk)
    assert found.right is False
    assert len(str(found)) > 20


def test_a_check_leaves_random_numbers_as_they_were():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    for checking in CHECKS:
        checking(None)
        checking(lambda *arguments: torch.rand(12))
    assert torch.equal(torch.rand(3), expected)


def test_an_answer_shows_itself_in_words():
    found = check.layerwise_distance(None)
    assert repr(found) == str(found)
    assert found._repr_markdown_() == f"**Not yet:** {NOTHING}"
    assert check.layerwise_distance(gradient_distance)._repr_markdown_().startswith("**Right.** ")


def test_the_verdicts_are_those_of_the_printed_numbers():
    for row, right in VERDICTS.items():
        found = compare(*PAIRS[row])
        assert found.word == right
        hint = str(check.verdict(VERDICTS | {row: "higher" if right == "lower" else "lower"}))
        assert f"{found.low:+.1f} to {found.high:+.1f}".replace("-", "−") in hint
        assert ("does not contain 0" in hint) == (right in ("higher", "lower"))
        assert ("ends within 2 points" in hint) == (right == "agrees")
    assert set(VERDICTS.values()) == {"higher", "lower", "agrees", "cannot tell"}


def test_stage_ts_own_loop_trains_as_the_kit_does():
    mine, kits = Case().trained(HALF[1], restart=True), Case()
    choices = dckit.Recipe.published().but(whole_epochs=12).testing
    list(training(kits.network, Split(kits.images, kits.labels, (0.0,), (1.0,)), choices, "digits"))
    torch.testing.assert_close(mine.learned, kits.learned)


def test_the_hints_have_the_printed_numbers():
    for row, pair in PAIRS.items():
        found = compare(*pair)
        assert f"{found.low:+.1f} to {found.high:+.1f},".replace("-", "−") in _VERDICT_HINTS[row]
    paper, report = (printed(source, "table1", "mnist", ipc=1, method="dc") for source in ("paper", "report"))
    assert f"deviation {paper.std} " in _SPREAD_HINTS["A"]
    assert f"from {paper.mean};" in _SPREAD_HINTS["A"]
    assert f"report's {report.networks} networks" in _SPREAD_HINTS["D"]
    assert f"{paper.sets} × {paper.networks} networks" in _SPREAD_HINTS["E"]
