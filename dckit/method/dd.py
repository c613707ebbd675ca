"""DD, dataset distillation: Wang, Zhu, Torralba and Efros 2018, the first of these methods.

A network takes a few steps of gradient descent on the synthetic images, each with a learned rate. Then its loss on real
images is differentiated *through* these steps, with respect to the images and the rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from ..data import ImageData, Split
from ..engine import as_torchs_own, dropping_out, numbers, steady
from .algorithm import Algorithm, Learned, Step, noise_or_real
from .train import accuracy, fresh_network

HALVED = 10  # how often a run halves the learning rate of the images and the rates
BETAS = (0.5, 0.999)  # Adam's
Weights = Mapping[str, Tensor]  # of a network, by name


@dataclass(frozen=True)
class DD(Algorithm):
    """The choices of dataset distillation; defaults: the published code's for random initial weights.

    A network takes ``ipc`` × ``distill_epochs`` steps, each on one image of every class.
    """

    method: ClassVar[str] = "dd"

    iterations: int = 23600  # 400 passes over MNIST
    real_batch: int = 1024  # real images, of any class
    distill_epochs: int = 3
    weights: Literal["random", "fixed"] = "random"  # initial ones: drawn in each iteration, or the same in all
    init: Literal["noise", "real"] = "noise"
    image_lr: float = 0.01  # of Adam, for the images and the rates
    first_rate: float = 0.02  # of each step, before learning

    AMOUNTS: ClassVar[dict[str, dict[str, Any]]] = {
        "full": {},
        "lesson": dict(iterations=1200, real_batch=128),
        "smoke": dict(iterations=200, real_batch=64, width=32),
    }

    @classmethod
    def published(cls, ipc: int, budget: str, network: str) -> "DD":
        """The choices of the published code, which uses LeNet on MNIST and another network on CIFAR10."""
        return replace(cls(network=network), **cls.AMOUNTS[budget])

    def start(self, real: ImageData, ipc: int, generator: torch.Generator) -> Learned:
        """The first images and rates, their moments for Adam, and the initial weights if these are fixed."""
        rates = torch.full((ipc * self.distill_epochs,), self.first_rate)
        learned = {"images": noise_or_real(self.init, real, ipc, generator), "rates": rates.expm1().log()}
        moments = {f"{name} {moment}": torch.zeros_like(own) for name, own in learned.items() for moment in MOMENTS}
        fixed = initial_weights(fresh_network(real, self, generator), generator) if self.weights == "fixed" else {}
        known = {f"weight {name}": weight for name, weight in fixed.items()}
        return learned | moments | {"steps": torch.zeros(())} | known

    def told(self, learned: Learned) -> dict[str, Any]:
        """The rates of all steps, for the card."""
        return {"rates": F.softplus(learned["rates"]).tolist()}

    def ready(self, real: ImageData, labels: Tensor) -> Step:
        """Return a function that takes or draws initial weights and calls `iteration` with them."""
        network = fresh_network(real, self, numbers(0)).to(labels.device)

        def step(learned: Learned, generator: torch.Generator) -> tuple[Learned, Tensor]:
            images, rates = (learned[name].clone().requires_grad_() for name in ("images", "rates"))
            own = {"images": images, "rates": rates}
            halved = HALVED * int(learned["steps"]) // self.iterations
            adam = torch.optim.Adam(own.values(), self.image_lr / 2**halved, BETAS)
            for name, tensor in own.items():
                kept = {moment: learned[f"{name} {moment}"].clone() for moment in MOMENTS}
                adam.state[tensor] = kept | {"step": learned["steps"].clone().cpu()}
            theta = known_weights(learned) or initial_weights(network, generator)
            with dropping_out(generator):
                loss = iteration(self, real.train, images, rates, labels, adam, network, theta, generator)
            moments = {f"{name} {moment}": adam.state[t][moment] for name, t in own.items() for moment in MOMENTS}
            moved = {name: tensor.detach() for name, tensor in own.items()} | moments
            return {**learned, **moved, "steps": learned["steps"] + 1}, loss

        return step


MOMENTS = ("exp_avg", "exp_avg_sq")


def iteration(
    choices: DD,
    real: Split,
    images: Tensor,
    rates: Tensor,
    labels: Tensor,
    adam: torch.optim.Optimizer,
    network: nn.Module,
    theta: Weights,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One step of the images and the rates down the loss on real images. Returns the loss before the step.

    images (classes × ipc, channels, height, width), sorted by class; rates (ipc × distill_epochs,), before softplus.
    Both require grad. adam: their optimiser. theta: the initial weights of ``network``. generator: for the real images
    (None: torch's global one).
    """
    theta = trained(network, theta, images, labels, F.softplus(rates))
    real_images, real_labels = real.draw(choices.real_batch, generator)
    loss = F.cross_entropy(functional_call(network, dict(theta), real_images), real_labels)
    images.grad, rates.grad = torch.autograd.grad(loss, (images, rates))
    adam.step()
    return loss.detach()


def trained(network: nn.Module, theta: Weights, images: Tensor, labels: Tensor, rates: Tensor) -> Weights:
    """The weights after one step per rate, each on one image of every class; differentiable in images and rates.

    Step i uses image i of each class. After the last image, the first one is used again.
    """
    ipc = len(labels) // int(labels.max() + 1)
    theta = {name: weight.detach().requires_grad_() for name, weight in theta.items()}
    for step, rate in enumerate(rates):
        one_per_class = slice(step % ipc, None, ipc)
        loss = F.cross_entropy(functional_call(network, theta, images[one_per_class]), labels[one_per_class])
        slopes = torch.autograd.grad(loss, list(theta.values()), create_graph=True)
        theta = {name: weight - rate * slope for (name, weight), slope in zip(theta.items(), slopes, strict=True)}
    return theta


def initial_weights(network: nn.Module, generator: torch.Generator | None = None) -> Weights:
    """New weights for a network, as published: Xavier normal, biases 0. The network itself is not changed."""
    weights = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    with as_torchs_own(generator):
        for name, layer in network.named_modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                fresh = nn.init.xavier_normal_(torch.empty(layer.weight.shape))
                weights[f"{name}.weight"] = fresh.to(layer.weight)
                if layer.bias is not None:
                    weights[f"{name}.bias"].zero_()
    return weights


def known_weights(learned: Learned) -> Weights:
    """The fixed initial weights in the learned tensors of a run, or in its set's file; empty if they are random."""
    return {name.removeprefix("weight "): tensor for name, tensor in learned.items() if name.startswith("weight ")}


@steady()
def own_accuracy(choices: DD, learned: Learned, real: ImageData, labels: Tensor, seed: int = 0) -> float:
    """Test accuracy in % of a network after the learned steps. This is how DD tests its images.

    The network starts from the fixed weights if there are any, else from random weights that depend on ``seed``.
    learned: tensors by name, from a `State` or from the file of its set. labels: of the synthetic images.
    """
    network = fresh_network(real.normalised(choices.normalisation), choices, numbers(seed))
    theta = known_weights(learned) or initial_weights(network, numbers(seed))
    theta = trained(network, theta, learned["images"], labels, F.softplus(learned["rates"]))
    network.load_state_dict({**network.state_dict(), **{name: weight.detach() for name, weight in theta.items()}})
    return accuracy(network, real.normalised(choices.normalisation).test)
