"""Inner products of per-sample gradients in PyTorch, by two ways.

The usual one is torch.func: `vmap(grad(loss))`, flatten, multiply. The strongest one that a user could write without a
library of its own captures each layer's input and output gradient by hooks in one backward pass (Goodfellow, 2015;
Bu et al., 2022) and multiplies those: for a layer with one position a sample the gradients are never formed, and
with several they are formed a layer at a time. Traps: vmap has no rule for the CPU's fused attention and falls back to
a loop, slower than the plain form, so it gets that; a loss averaged over the batch would scale what hooks see, so it
is summed.
"""

from typing import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

Loss = Callable[[Tensor, Tensor], Tensor]
"""From a model's output and the targets, both with a leading sample axis, to the loss of each sample."""


def by_vmap(model: nn.Module, loss: Loss, left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor]) -> Tensor:
    """[left, right] inner products over all parameters."""
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}

    def one(values: dict[str, Tensor], sample: Tensor, target: Tensor) -> Tensor:
        return loss(functional_call(model, values, (sample[None],)), target[None])[0]

    gradients = vmap(grad(one), in_dims=(None, 0, 0))

    def flat(samples: Tensor, targets: Tensor) -> Tensor:
        return torch.cat([part.flatten(1) for part in gradients(parameters, samples, targets).values()], dim=1)

    with sdpa_kernel(SDPBackend.MATH):
        return flat(*left) @ flat(*right).T


def by_hooks(model: nn.Module, loss: Loss, left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor]) -> Tensor:
    """[left, right] inner products over all parameters, layer by layer."""
    first, second = factors(model, loss, *left), factors(model, loss, *right)
    total = torch.zeros(len(left[0]), len(right[0]))
    for module in first:
        total += layer_products(module, first[module], second[module])
    return total


def factors(model: nn.Module, loss: Loss, samples: Tensor, targets: Tensor) -> dict[nn.Module, tuple[Tensor, Tensor]]:
    """Each parameterised module's input and the gradient of its output, sample axis first."""
    inputs: dict[nn.Module, Tensor] = {}
    outputs: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        inputs[module], outputs[module] = arguments[0].detach(), output

    leaves = [module for module in model.modules() if next(module.parameters(recurse=False), None) is not None]
    hooks = [module.register_forward_hook(keep) for module in leaves]
    value = loss(model(samples), targets).sum()
    for hook in hooks:
        hook.remove()
    deltas = torch.autograd.grad(value, [outputs[module] for module in leaves])
    return {module: (inputs[module], delta) for module, delta in zip(leaves, deltas)}


def layer_products(module: nn.Module, first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> Tensor:
    if isinstance(module, nn.Linear) and first[0].ndim == 2:
        shared = first[0] @ second[0].T
        return (shared if module.bias is None else shared + 1) * (first[1] @ second[1].T)
    return layer_gradient(module, *first).flatten(1) @ layer_gradient(module, *second).flatten(1).T


def layer_gradient(module: nn.Module, x: Tensor, delta: Tensor) -> Tensor:
    """Per-sample gradients of a layer that sees several positions a sample."""
    if isinstance(module, nn.Linear) and module.bias is None:
        return delta.transpose(1, 2) @ x
    if isinstance(module, nn.Embedding):
        empty = delta.new_zeros(len(x), *module.weight.shape)
        return empty.scatter_add_(1, x[..., None].expand_as(delta), delta)
    if isinstance(module, nn.RMSNorm):
        return (delta * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + module.eps)).sum(1)
    raise SystemExit(f'There is no per-sample rule for {type(module).__name__}. Add one to layer_gradient.')
