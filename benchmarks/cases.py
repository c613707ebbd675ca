"""What is timed: the parts of a run, each written plainly and as the kit does it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch

from benchmarks import plain
from dckit import Recipe, condense, evaluate, gradient_distance
from dckit.data import ImageData, Split
from dckit.engine import Matcher
from dckit.method import accuracy, matching_step, train_epoch
from dckit.method.train import fresh_network, hold_batch_norm

SHAPES = {"MNIST": (1, 28, 28), "CIFAR10": (3, 32, 32)}
NETWORKS = ("MLP", "ConvNet", "LeNet", "AlexNet", "VGG11", "ResNet18")
TESTED = 1000  # images


@dataclass(frozen=True)
class Case:
    """A part of a run. shape: whose images. amounts: what is more or less than published, as (field, value)."""

    part: str
    network: str = "ConvNet"
    shape: str = "MNIST"
    ipc: int = 1
    budget: str = "full"
    amounts: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        """What is timed, in words."""
        return f"{self.part}, {self.network}, {self.shape}, ipc {self.ipc}"

    @property
    def units(self) -> int:
        """Units of work in a call, by which its seconds are divided: classes matched, or images tested."""
        return {"matching step, a class": 2, "test, an image": TESTED}.get(self.part, 1)

    def recipe(self, precision: str = "float32") -> Recipe:
        """The published choices, in this precision."""
        recipe = Recipe.published(self.ipc, self.budget, self.network)
        return recipe.but(precision=precision, networks=1, **dict(self.amounts))

    def ready(self, how: str, device: str = "cpu") -> Callable[[], object]:
        """The part as a function to call. how: "plain", or the precision in which the kit does it."""
        torch.manual_seed(0)
        kit, matches = how != "plain", self.part.startswith("matching")
        recipe = self.recipe(how if kit else "float32")
        real = noise(self.shape, 2 if matches else 10, recipe.condensing.real_batch).to(torch.device(device))
        if self.part == "run":
            return partial(_kits_run if kit else _plain_run, real, recipe)
        choices = recipe.condensing if matches else recipe.testing  # the network of stage T has no batch norm
        network = (fresh_network(real, choices) if kit else plain.network_of(choices, real)).to(device)
        if self.part.startswith("test"):
            return partial(accuracy if kit else plain.accuracy, network, real.test)
        images = torch.randn(len(real.classes) * self.ipc, *real.shape, device=device)
        labels = torch.arange(len(real.classes), device=device).repeat_interleave(self.ipc)
        if matches:
            optimizer = torch.optim.SGD([images.requires_grad_()], lr=1e-6)
            hold_batch_norm(network, real.train, recipe.condensing.norm_images)
            work = recipe.condensing, real.train, images, labels, optimizer
            if kit:
                return partial(matching_step, *work, Matcher(network, gradient_distance))
            return partial(plain.matching_step, network, *work)
        changes = "crop_scale_rotate" if self.part == "epoch, augmented" else "none"
        optimizer = torch.optim.SGD(network.parameters(), 1e-6, momentum=0.9)
        epoch = (images, labels), recipe.testing.batch, changes
        return partial(train_epoch if kit else plain.train_epoch, network, optimizer, *epoch)


def cases() -> Iterator[Case]:
    """Everything that the command times, at the published amounts but for the whole run."""
    for shape in SHAPES:
        yield from (Case("matching step, a class", network, shape) for network in NETWORKS)
        yield from (Case("matching step, a class", "ConvNet", shape, ipc) for ipc in (10, 50))
        yield from (Case("epoch", "ConvNet", shape, ipc) for ipc in (1, 10, 50))
        yield from (Case("test, an image", network, shape) for network in NETWORKS)
    yield from (Case("epoch, augmented", "ConvNet", "MNIST", ipc) for ipc in (1, 10, 50))
    yield Case("run", budget="smoke")


def noise(shape: str, classes: int, each: int) -> ImageData:
    """A dataset of ``each`` images of every class, and `TESTED` to test: noise, in the shape of a known one."""
    size = SHAPES[shape]

    def split(n: int) -> Split:
        pixels = torch.randint(256, (n, *size), dtype=torch.uint8)
        return Split(pixels, torch.arange(n) % classes, (0.5,) * size[0], (0.25,) * size[0])

    # Named after the digits: they are augmented.
    return ImageData("digits", tuple(map(str, range(classes))), split(classes * each), split(TESTED), "published")


def _plain_run(real: ImageData, recipe: Recipe) -> list[float]:
    images, _ = plain.condense(real, recipe, seed=0)
    labels = torch.arange(len(real.classes), device=images.device).repeat_interleave(recipe.ipc)
    return plain.evaluate(images, labels, real, recipe)


def _kits_run(real: ImageData, recipe: Recipe) -> object:
    device = real.train.labels.device.type
    condensed = condense(real, recipe, device=device, progress=False)
    return evaluate(condensed, real, recipe.but(test_images=None), device=device, progress=False)
