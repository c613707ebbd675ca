"""The method as anyone would write it first: what the kit's speed and its results are held against.

Algorithm 1 line by line, one class after another, each batch whole; loaders for what a network trains on; the
augmentation image by image; test images in a loader that normalises them one by one. Random numbers are drawn in the
kit's order, so that both make the same images.
"""

import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from dckit import Recipe, build, gradient_distance
from dckit.data import ImageData, Split
from dckit.engine import AvgPool2x2, seeded
from dckit.method import DC, Choices, strategy
from dckit.method.augment import NOISE, PAD, ROTATE, SCALE, STRATEGIES
from dckit.method.stage_c import ITERATION, START


def network_of(choices: Choices, real: ImageData) -> nn.Module:
    """θ0 where the data are, with torch's own pool in place of the kit's."""
    network = build(choices.network, real.shape, len(real.classes), choices.version, choices.width)
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, AvgPool2x2):
                setattr(module, name, nn.AvgPool2d(2))
    return network.to(real.train.labels.device)


def condense(real: ImageData, recipe: Recipe, seed: int) -> tuple[Tensor, list[float]]:
    """Algorithm 1: the images (classes × ipc, …), and for each draw of θ0 the mean distance of a class."""
    choices, device = recipe.condensing, real.train.labels.device
    labels = torch.arange(len(real.classes), device=device).repeat_interleave(recipe.ipc)
    with seeded(seed, START):
        images = torch.randn(len(labels), *real.shape).to(device)
    images.requires_grad_()
    optimizer = torch.optim.SGD([images], lr=choices.image_lr, momentum=choices.image_momentum)
    losses = []
    for k in range(choices.iterations):
        with seeded(seed, ITERATION, k):
            network, loss = network_of(choices, real), 0.0
            train_network = torch.optim.SGD(network.parameters(), lr=choices.network_lr)
            for t in range(choices.matching_steps):
                hold_batch_norm(network, real.train, choices.norm_images)
                loss += matching_step(network, choices, real.train, images, labels, optimizer)
                if t < choices.matching_steps - 1:
                    for _ in range(choices.network_steps):
                        train_epoch(network, train_network, (images.detach(), labels), choices.network_batch)
            losses.append(loss / choices.matching_steps)
    return images.detach(), losses


def matching_step(
    network: nn.Module, choices: DC, real: Split, images: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer
) -> float:
    """One step of the images down the distances of all classes, whose sum is differentiated at the end."""
    parameters = list(network.parameters())
    loss = torch.zeros((), device=images.device)
    for c in range(len(real.by_class)):
        real_images, real_labels = real.sample(c, choices.real_batch)
        grads_real = torch.autograd.grad(F.cross_entropy(network(real_images), real_labels), parameters)
        output = network(images[labels == c])
        grads = torch.autograd.grad(F.cross_entropy(output, labels[labels == c]), parameters, create_graph=True)
        loss = loss + gradient_distance(grads, grads_real, choices.metric)
    optimizer.zero_grad()
    loss.backward(inputs=[images])
    optimizer.step()
    return loss.item() / len(real.by_class)


def hold_batch_norm(network: nn.Module, real: Split, n: int) -> None:
    """Statistics from ``n`` real images a class, then held."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    if norms:
        network.train()
        network(torch.cat([real.sample(c, n)[0] for c in range(len(real.by_class))]))
    for norm in norms:
        norm.eval()


def train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    batch: int | None,
    changes: str = "none",
) -> None:
    """An epoch of a network on images and labels out of a loader; each image is changed by itself."""
    network.train()
    n = len(data[1])
    order, own = torch.randperm(n).tolist(), torch.Generator()  # of the loader, which else draws from the kit's
    for images, labels in DataLoader(TensorDataset(*data), batch or n, sampler=order, generator=own):
        if changes != "none":
            mean = images.mean((0, 2, 3))
            images = torch.stack([augmented(image, changes, mean) for image in images])
        optimizer.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()


def evaluate(images: Tensor, labels: Tensor, real: ImageData, recipe: Recipe) -> list[float]:
    """Stage T: one network after another, trained with a loader and tested with one; accuracies in %."""
    choices = recipe.testing
    accuracies, changes = [], strategy(choices.augmentation, real.name)
    epochs = choices.epochs if changes == "none" else choices.epochs_augmented
    for _ in range(choices.networks):
        network, rate = network_of(choices, real), choices.lr
        for epoch in range(epochs):
            if epoch in (0, (epochs - 1) // 2 + 2):
                rate = choices.lr if epoch == 0 else choices.lr * choices.lr_drop
                optimizer = torch.optim.SGD(
                    network.parameters(), rate, choices.momentum, weight_decay=choices.weight_decay
                )
            train_epoch(network, optimizer, (images, labels), choices.batch, changes)
        accuracies.append(accuracy(network, real.test))
    return accuracies


def augmented(image: Tensor, changes: str, mean: Tensor) -> Tensor:
    """An image (channels, height, width), changed in one of the ways that are named."""
    channels, height, width = image.shape
    how = STRATEGIES[changes][int(torch.randint(len(STRATEGIES[changes]), ()))]
    if how == "noise":
        return image + NOISE * torch.randn_like(image)
    if how == "crop":
        framed = mean.view(-1, 1, 1).repeat(1, height + 2 * PAD, width + 2 * PAD)
        framed[:, PAD : PAD + height, PAD : PAD + width] = image
        top, left = torch.randint(2 * PAD, (2,)).tolist()
        return framed[:, top : top + height, left : left + width]
    if how == "scale":
        new = [int(side * (1 - SCALE + 2 * SCALE * float(torch.rand(())))) for side in (height, width)]
        side = max(height, width, *new)
        canvas = torch.zeros(channels, side, side, device=image.device)
        top, left = (side - new[0]) // 2, (side - new[1]) // 2
        canvas[:, top : top + new[0], left : left + new[1]] = F.interpolate(image[None], size=new)[0]
        return middle(canvas, height, width)
    degrees = int(torch.randint(-ROTATE, ROTATE, ()))
    turned = ndimage.rotate(image.cpu().numpy(), degrees, axes=(-2, -1), cval=float(mean.mean()))
    return middle(torch.from_numpy(turned).to(image.device), height, width)


def middle(image: Tensor, height: int, width: int) -> Tensor:
    """The middle of a larger image."""
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    return image[:, top : top + height, left : left + width]


class Normalised(Dataset[tuple[Tensor, Tensor]]):
    """Test images, normalised one at a time, as a torchvision dataset with its transforms does it."""

    def __init__(self, test: Split) -> None:
        self.test = test
        self.mean, self.std = (
            torch.tensor(values, device=test.labels.device).view(-1, 1, 1) for values in (test.mean, test.std)
        )

    def __len__(self) -> int:
        return len(self.test)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return (self.test.pixels[index].float() / 255 - self.mean) / self.std, self.test.labels[index]


@torch.no_grad()
def accuracy(network: nn.Module, test: Split) -> float:
    """Share of the test images that the network names right, in %, out of a loader in batches of 256."""
    network.eval()
    right = sum(int((network(x).argmax(1) == y).sum()) for x, y in DataLoader(Normalised(test), batch_size=256))
    return 100 * right / len(test)
