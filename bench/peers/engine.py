"""PyTorch on the shapes of bench/engine.ts: `python engine.py [--json FILE] [--only NAME,NAME] [--threads 1,2]`.

Prints one JSON object; units are in the keys, a figure for each number of threads. Each is the best of REPEATS (half as
many for gradient products) after WARM_UP unmeasured runs, since whatever else the machine does only makes a figure
worse. The trap is the extrapolated retraining: PyTorch trains one model at a time here, so it is one epoch times models
times epochs, on data that is already in memory.
"""

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Callable

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import Decoder, perceptron
from products import by_hooks, by_vmap

MATMUL = 1024
MLP_SIZES = (784, 128, 64, 10)
MLP_BATCH = 64
DROPOUT = 0.1
LEARNING_RATE, MOMENTUM = 0.01, 0.9
DECODER = {'layers': 4, 'width': 128, 'heads': 4, 'hidden': 384, 'context': 128, 'vocabulary': 512}
DECODER_BATCH = 16
DECODER_LEARNING_RATE = 1e-3
MLP_OUTPUTS, MLP_SAMPLES = 64, 512
DECODER_OUTPUTS, DECODER_SAMPLES = 4, 16
RETRAIN_SAMPLES, RETRAIN_EPOCHS, RETRAIN_MODELS = 2500, 50, 100
EIGH_SIZES = (1024, 4096)
CHOLESKY = 8192
REPEATS, WARM_UP = 20, 3
STEPS_A_REPEAT = 50

Figures = dict[str, object]


def best(task: Callable[[], object], repeats: int, warm_up: int = WARM_UP) -> float:
    """Best seconds of `repeats` runs."""
    for _ in range(warm_up):
        task()
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def class_losses(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits, targets, reduction='none')


def token_losses(logits: Tensor, tokens: Tensor) -> Tensor:
    """Mean next-token cross-entropy of each sequence."""
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction='none').mean(1)


def labelled(rows: int) -> tuple[Tensor, Tensor]:
    return torch.randn(rows, MLP_SIZES[0]), torch.randint(0, MLP_SIZES[-1], (rows,))


def sequences(rows: int) -> tuple[Tensor, Tensor]:
    tokens = torch.randint(0, DECODER['vocabulary'], (rows, DECODER['context']))
    return tokens, tokens


def matmul() -> Figures:
    left, right, out = (torch.randn(MATMUL, MATMUL) for _ in range(3))
    return {'matmulGflops': 2 * MATMUL**3 / best(lambda: torch.mm(left, right, out=out), REPEATS) / 1e9}


def mlp_trainer(forward: Callable[[nn.Module], Callable[[Tensor], Tensor]]) -> Callable[[Tensor, Tensor], None]:
    """One step of SGD with momentum on a fresh perceptron."""
    model = perceptron(MLP_SIZES, DROPOUT).train()
    optimiser = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    run = forward(model)

    def step(x: Tensor, y: Tensor) -> None:
        optimiser.zero_grad()
        F.cross_entropy(run(x), y).backward()
        optimiser.step()

    return step


def mlp() -> Figures:
    x, y = labelled(MLP_BATCH)
    step = mlp_trainer(lambda model: model)

    def steps() -> None:
        for _ in range(STEPS_A_REPEAT):
            step(x, y)

    return {'mlpStepMs': best(steps, REPEATS) / STEPS_A_REPEAT * 1e3}


def compiled() -> Figures:
    x, y = labelled(MLP_BATCH)
    step = mlp_trainer(torch.compile)

    def steps() -> None:
        for _ in range(STEPS_A_REPEAT):
            step(x, y)

    return {'mlpStepCompiledMs': best(steps, REPEATS) / STEPS_A_REPEAT * 1e3}


def retrain() -> Figures:
    features, targets = labelled(RETRAIN_SAMPLES)
    step = mlp_trainer(lambda model: model)

    def epoch() -> None:
        for rows in torch.randperm(RETRAIN_SAMPLES).split(MLP_BATCH):
            step(features[rows], targets[rows])

    seconds = best(epoch, REPEATS)
    total = seconds * RETRAIN_EPOCHS * RETRAIN_MODELS
    return {'retrainEpochMs': seconds * 1e3, f'retrain{RETRAIN_MODELS}x{RETRAIN_EPOCHS}EpochsExtrapolatedSeconds': total}


def decoder() -> Figures:
    model = Decoder(**DECODER)
    optimiser = torch.optim.AdamW(model.parameters(), lr=DECODER_LEARNING_RATE, fused=True)
    tokens, targets = sequences(DECODER_BATCH)

    def step() -> None:
        optimiser.zero_grad()
        token_losses(model(tokens), targets).mean().backward()
        optimiser.step()

    seconds = best(step, REPEATS)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    rate = 6 * parameters * tokens.numel() / seconds / 1e9
    return {
        'decoderParameters': parameters,
        'decoderStepMs': seconds * 1e3,
        'decoderGflops': rate,
        'decoderTrainShare': rate / matmul()['matmulGflops'],
    }


def products() -> Figures:
    """Both ways, after checking that they agree."""
    cases = {
        'perSampleProducts': (perceptron(MLP_SIZES, 0.0), class_losses, labelled(MLP_OUTPUTS), labelled(MLP_SAMPLES)),
        'decoderPerSampleProducts': (Decoder(**DECODER), token_losses, sequences(DECODER_OUTPUTS), sequences(DECODER_SAMPLES)),
    }
    figures: Figures = {}
    for name, case in cases.items():
        usual, hooks = by_vmap(*case), by_hooks(*case)
        error = ((usual - hooks).norm() / usual.norm()).item()
        if error > 1e-4:
            raise SystemExit(f'{name}: the two ways differ by {error:.2g}. One of them is wrong.')
        figures[f'{name}Ms'] = best(lambda: by_vmap(*case), REPEATS // 2) * 1e3
        figures[f'{name}ByHooksMs'] = best(lambda: by_hooks(*case), REPEATS // 2) * 1e3
        figures[f'{name}Agreement'] = error
    return figures


def linalg() -> Figures:
    """Large: minutes. NumPy uses the threads its own BLAS chooses."""
    figures: Figures = {}
    for size in EIGH_SIZES:
        square = torch.randn(size, size, dtype=torch.float64)
        symmetric = square + square.T
        repeats = 3 if size <= 1024 else 1
        figures[f'eigh{size}TorchSeconds'] = best(lambda: torch.linalg.eigh(symmetric), repeats, 0)
        array = symmetric.numpy()
        figures[f'eigh{size}NumpySeconds'] = best(lambda: numpy.linalg.eigh(array), repeats, 0)
    square = torch.randn(CHOLESKY, CHOLESKY)
    definite = square @ square.T / CHOLESKY + torch.eye(CHOLESKY)
    figures[f'cholesky{CHOLESKY}Seconds'] = best(lambda: torch.linalg.cholesky(definite), 2, 0)
    return figures


BENCHES: dict[str, Callable[[], Figures]] = {
    'matmul': matmul,
    'mlp': mlp,
    'retrain': retrain,
    'decoder': decoder,
    'products': products,
    'compiled': compiled,
    'linalg': linalg,
}
BY_DEFAULT = 'matmul,mlp,retrain,decoder,products'


def processor() -> str:
    listing = Path('/proc/cpuinfo')
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith('model name'):
                return line.split(':', 1)[1].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--json', help='also write the figures to this file')
    parser.add_argument('--threads', default='1,2', help='numbers of threads, comma separated')
    parser.add_argument('--only', default=BY_DEFAULT, help=f'of {",".join(BENCHES)}; default {BY_DEFAULT}')
    options = parser.parse_args()
    names = options.only.split(',')
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f'There is no bench {", ".join(unknown)}. Choose from {", ".join(BENCHES)}.')
    threads: dict[str, Figures] = {}
    for count in (int(part) for part in options.threads.split(',')):
        torch.set_num_threads(count)
        torch.manual_seed(1)
        figures: Figures = {}
        for name in names:
            figures.update(BENCHES[name]())
        threads[str(count)] = figures
    report = {
        'torch': torch.__version__,
        'numpy': numpy.__version__,
        'python': platform.python_version(),
        'processor': processor(),
        'bestOf': REPEATS,
        'warmUp': WARM_UP,
        'decoder': {**DECODER, 'batch': DECODER_BATCH},
        'threads': threads,
    }
    text = json.dumps(report, indent=2)
    print(text)
    if options.json:
        Path(options.json).write_text(text + '\n')


if __name__ == '__main__':
    main()
