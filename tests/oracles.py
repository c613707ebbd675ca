"""Slow, plain, obviously right versions of what dckit does, for the tests to hold it against.

Written from the paper's algorithm and the description of its published code, with loops where dckit has vectors.
Networks are functions of a flat list of parameters, in the published order, and a batch of images.
"""

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from dckit import build
from dckit.engine import seeded
from dckit.method.stage_c import ITERATION, START

EPSILON = 1e-6

# The distance between two lists of gradients


def distance(synthetic, real, metric="layerwise"):
    if metric == "layerwise":
        total = torch.zeros((), dtype=torch.float64)
        for layer in range(len(real)):
            if real[layer].dim() < 2:
                continue
            for row in range(real[layer].shape[0]):
                total = total + one_minus_cosine(synthetic[layer][row], real[layer][row])
        return total
    if metric == "mse":
        return sum(((s.double() - r.double()) ** 2).sum() for s, r in zip(synthetic, real, strict=True))
    return one_minus_cosine(
        torch.cat([s.reshape(-1) for s in synthetic]),
        torch.cat([r.reshape(-1) for r in real]),
    )


def one_minus_cosine(a, b):
    a, b = a.double().reshape(-1), b.double().reshape(-1)
    return 1 - torch.dot(a, b) / (torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b) + EPSILON)


# Networks as functions


def mlp(parameters, x):
    w1, b1, w2, b2, w3, b3 = parameters
    hidden = F.relu(F.linear(x.reshape(len(x), -1), w1, b1))
    return F.linear(F.relu(F.linear(hidden, w2, b2)), w3, b3)


def convnet(parameters, x, padding):
    p = iter(parameters)
    for pad in (padding, 1, 1):
        x = F.conv2d(x, next(p), next(p), padding=pad)
        x = F.avg_pool2d(F.relu(instance_norm(x, next(p), next(p))), 2)
    return last_linear(p, x)


def lenet(parameters, x):
    return lenet_with(parameters, x, F.relu, F.max_pool2d, padding=2 if x.shape[1] == 1 else 0)


def lenet_original(parameters, x):
    return lenet_with(parameters, x, torch.sigmoid, F.avg_pool2d, padding=0)


def lenet_with(parameters, x, act, pool, padding):
    p = iter(parameters)
    x = pool(act(F.conv2d(x, next(p), next(p), padding=padding)), 2)
    x = pool(act(F.conv2d(x, next(p), next(p))), 2).flatten(1)
    x = act(F.linear(x, next(p), next(p)))
    x = act(F.linear(x, next(p), next(p)))
    return last_linear(p, x)


def alexnet(parameters, x):
    p = iter(parameters)
    x = F.max_pool2d(F.relu(F.conv2d(x, next(p), next(p), padding=4 if x.shape[1] == 1 else 2)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, next(p), next(p), padding=2)), 2)
    x = F.relu(F.conv2d(x, next(p), next(p), padding=1))
    x = F.relu(F.conv2d(x, next(p), next(p), padding=1))
    x = F.max_pool2d(F.relu(F.conv2d(x, next(p), next(p), padding=1)), 2)
    return last_linear(p, x)


def alexnet_original(parameters, x):
    """Without its dropout, as in eval mode."""
    p = iter(parameters)
    x = F.interpolate(x, size=(227, 227), mode="bilinear", align_corners=False)
    x = F.max_pool2d(F.relu(F.conv2d(x, next(p), next(p), stride=4)), kernel_size=3, stride=2)
    x = F.max_pool2d(F.relu(F.conv2d(x, next(p), next(p), padding=2)), kernel_size=3, stride=2)
    x = F.relu(F.conv2d(x, next(p), next(p), padding=1))
    x = F.relu(F.conv2d(x, next(p), next(p), padding=1))
    x = F.relu(F.conv2d(x, next(p), next(p), padding=1))
    x = F.max_pool2d(x, kernel_size=3, stride=2).flatten(1)
    x = F.relu(F.linear(x, next(p), next(p)))
    x = F.relu(F.linear(x, next(p), next(p)))
    return torch.softmax(last_linear(p, x), dim=1)


def vgg11(parameters, x):
    return vgg11_with(parameters, x, instance_norm)


def vgg11bn(parameters, x):
    return vgg11_with(parameters, x, fresh_batch_norm)


def vgg11_with(parameters, x, norm):
    p = iter(parameters)
    padding = 3 if x.shape[1] == 1 else 1
    for step in "CMCMCCMCCMCCM":
        if step == "M":
            x = F.max_pool2d(x, 2)
        else:
            x = F.relu(norm(F.conv2d(x, next(p), next(p), padding=padding), next(p), next(p)))
            padding = 1
    return last_linear(p, x)


def resnet18(parameters, x):
    p = iter(parameters)
    x = F.relu(instance_norm(F.conv2d(x, next(p), padding=1), next(p), next(p)))
    for stage in range(4):
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            y = F.relu(instance_norm(F.conv2d(x, next(p), stride=stride, padding=1), next(p), next(p)))
            y = instance_norm(F.conv2d(y, next(p), padding=1), next(p), next(p))
            if stride == 2:
                x = instance_norm(F.conv2d(x, next(p), stride=2), next(p), next(p))
            x = F.relu(x + y)
    return last_linear(p, F.avg_pool2d(x, 4))


def resnet18bn_ap(parameters, x):
    p = iter(parameters)
    x = F.relu(fresh_batch_norm(F.conv2d(x, next(p), padding=1), next(p), next(p)))
    for stage in range(4):
        for block in range(2):
            shrinks = stage > 0 and block == 0
            y = F.relu(fresh_batch_norm(F.conv2d(x, next(p), padding=1), next(p), next(p)))
            if shrinks:
                y = F.avg_pool2d(y, 2)
            y = fresh_batch_norm(F.conv2d(y, next(p), padding=1), next(p), next(p))
            if shrinks:
                x = fresh_batch_norm(F.avg_pool2d(F.conv2d(x, next(p)), 2), next(p), next(p))
            x = F.relu(x + y)
    return last_linear(p, x)


def last_linear(p, x):
    logits = F.linear(x.flatten(1), next(p), next(p))
    assert not list(p), "parameters are left over"
    return logits


def instance_norm(x, scale, shift):
    return F.instance_norm(x, weight=scale, bias=shift, eps=1e-5)


def fresh_batch_norm(x, scale, shift):
    """In eval mode, before any statistics were gathered: mean 0 and variance 1."""
    zeros, ones = torch.zeros(x.shape[1]), torch.ones(x.shape[1])
    return F.batch_norm(x, zeros, ones, scale, shift, training=False, eps=1e-5)


# Stage C and stage T


def condense(real, recipe, seed, forward):
    """Algorithm 1, with one backward pass of the loss summed over classes. Returns images and a loss a draw of θ0."""
    choices, classes = recipe.condensing, range(len(real.classes))
    labels = torch.tensor([c for c in classes for _ in range(recipe.ipc)])
    with seeded(seed, START):
        if choices.init == "noise":
            images = torch.randn(len(labels), *real.shape)
        else:
            images = torch.cat([real.train.sample(c, recipe.ipc)[0] for c in classes])
    images.requires_grad_()
    optimizer = torch.optim.SGD([images], lr=choices.image_lr, momentum=choices.image_momentum)
    losses = []
    for k in range(choices.iterations):
        with seeded(seed, ITERATION, k):
            network = build(choices.network, real.shape, len(classes), choices.version, choices.width)
            theta = [p.detach().clone().requires_grad_() for p in network.parameters()]
            velocity = [torch.zeros_like(p) for p in theta]
            loss = 0.0
            for t in range(choices.matching_steps):
                total = matching_loss(theta, real, images, labels, choices, forward)
                optimizer.zero_grad()
                total.backward()
                optimizer.step()
                loss += float(total.detach())
                if t == choices.matching_steps - 1:
                    break  # a trained θ would be thrown away
                for _ in range(choices.network_steps):
                    for index in torch.randperm(len(labels)).split(choices.network_batch or len(labels)):
                        output = forward(theta, images.detach()[index])
                        grads = torch.autograd.grad(F.cross_entropy(output, labels[index]), theta)
                        with torch.no_grad():
                            for p, v, g in zip(theta, velocity, grads, strict=True):
                                v.mul_(choices.network_momentum).add_(g)
                                p.sub_(choices.network_lr * v)
            losses.append(loss / choices.matching_steps / len(classes))
    return images.detach(), losses


def matching_loss(theta, real, images, labels, choices, forward):
    """The distance of the gradients, summed over the classes, or of all classes at once."""
    classes = range(len(real.classes))
    if not choices.by_class:
        x, y = real.train.draw(len(classes) * choices.real_batch)
        return one_distance(theta, x, y, images, labels, choices, forward)
    total = 0.0
    for c in classes:
        x, y = real.train.sample(c, choices.real_batch)
        assert (y == c).all()
        total = total + one_distance(theta, x, y, images[labels == c], labels[labels == c], choices, forward)
    return total


def one_distance(theta, x, y, images, labels, choices, forward):
    grads_real = torch.autograd.grad(F.cross_entropy(forward(theta, x), y), theta)
    loss = F.cross_entropy(forward(theta, images), labels)
    grads_synthetic = torch.autograd.grad(loss, theta, create_graph=True)
    return distance(grads_synthetic, grads_real, choices.metric)


def train(theta, images, labels, recipe, epochs, forward):
    """Stage T's training without augmentation: SGD with momentum and weight decay, both written out."""
    choices = recipe.testing
    lr, velocity = choices.lr, None
    for epoch in range(epochs):
        for index in torch.randperm(len(labels)).split(choices.batch):
            grads = torch.autograd.grad(F.cross_entropy(forward(theta, images[index]), labels[index]), theta)
            grads = [g + choices.weight_decay * p.detach() for g, p in zip(grads, theta, strict=True)]
            if velocity is None:
                velocity = grads
            else:
                velocity = [choices.momentum * v + g for v, g in zip(velocity, grads, strict=True)]
            theta = [(p - lr * v).detach().requires_grad_() for p, v in zip(theta, velocity, strict=True)]
        if epoch == (epochs - 1) // 2 + 1:
            lr, velocity = lr * choices.lr_drop, None
    return theta


# The augmentation, one image (channels, height, width) at a time


def crop(image, top, left, fill, pad=4):
    """The window at (top, left) of the image in a frame of ``fill``, one value a channel."""
    channels, height, width = image.shape
    framed = fill.view(-1, 1, 1).expand(channels, height + 2 * pad, width + 2 * pad).clone()
    framed[:, pad : pad + height, pad : pad + width] = image
    return framed[:, top : top + height, left : left + width]


def scale(image, new_height, new_width):
    """Stretched, put in the middle of a canvas of zeros, and the middle of that cut out."""
    channels, height, width = image.shape
    stretched = F.interpolate(image[None], size=(new_height, new_width), mode="nearest")[0]
    side = max(height, width, new_height, new_width)
    canvas = torch.zeros(channels, side, side)
    top, left = int((side - new_height) / 2), int((side - new_width) / 2)
    canvas[:, top : top + new_height, left : left + new_width] = stretched
    return middle(canvas, height, width)


def rotate(image, degrees, fill):
    grown = ndimage.rotate(image.numpy(), angle=degrees, axes=(-2, -1), cval=fill)
    return middle(torch.from_numpy(np.ascontiguousarray(grown)), *image.shape[1:])


def middle(canvas, height, width):
    top, left = int((canvas.shape[1] - height) / 2), int((canvas.shape[2] - width) / 2)
    return canvas[:, top : top + height, left : left + width]
