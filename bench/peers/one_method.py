"""Runs one method of one peer in this process and writes its result: `python one_method.py FOLDER PEER NAME RESULT`.

A process for each method, started by `attribution.py`: a failing or oversized method takes no other with it, its peak
memory is its own, and what a library changes globally ends with it. Settings that are lists are chosen first, on
held-out queries; only the run with the chosen ones is timed, and shorter runs are the best of several.
"""

import argparse
import importlib
import itertools
import json
import math
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Callable

import numpy
import torch
from numpy.typing import NDArray

from clock import Clock, peak, resident
from exchange import Exchange, ExchangeError, Floats, read
from methods import METHODS, Method, Setting

REPEATS = 3
REPEAT_BELOW_SECONDS = 10.0
FLOAT_BYTES = 4

Figures = dict[str, object]
Run = Callable[[Exchange, NDArray[numpy.int64], dict[str, Setting], Clock], Floats]


def choices(settings: dict[str, Setting]) -> list[dict[str, Setting]]:
    """Every combination of the settings that are lists."""
    listed = [name for name, value in settings.items() if isinstance(value, list)]
    return [dict(zip(listed, values)) for values in itertools.product(*(settings[name] for name in listed))]


def choose(
    run: Run, exchange: Exchange, method: Method, settings: dict[str, Setting]
) -> tuple[dict[str, Setting], Figures]:
    """Settings with the largest LDS on held-out queries, and what was tried."""
    options = choices(settings)
    if len(options) == 1:
        return {**settings, **options[0]}, {}
    queries = exchange.held_out[: method.tune.get(exchange.setting)]
    if len(queries) == 0:
        raise ExchangeError(
            f'heldOut of task.json is empty, and {method.name} has settings to choose. Hold some queries out.'
        )
    tried: list[Figures] = []
    begun = time.perf_counter()
    for option in options:
        try:
            torch.manual_seed(0)
            scores = run(exchange, queries, {**settings, **method.tuned_with, **option}, Clock())
            tried.append({**option, 'lds': exchange.lds(scores, queries)})
        except (RuntimeError, ValueError, ExchangeError) as problem:
            tried.append({**option, 'error': sentence(problem)})
    known = [(row['lds'], option) for row, option in zip(tried, options) if row.get('lds') is not None]
    if not known:
        raise ExchangeError(f'None of the settings gave scores: {json.dumps(tried)}. Give others.')
    best = max(known, key=lambda pair: pair[0])[1]
    seconds = time.perf_counter() - begun
    return {**settings, **best}, {'heldOut': len(queries), 'tried': tried, 'tuneSeconds': seconds}


def measure(
    exchange: Exchange, method: Method, settings: dict[str, Setting], most: int | None
) -> tuple[Floats, NDArray[numpy.int64], Figures]:
    """Scores, the queries they are of, and the figures."""
    begun = time.perf_counter()
    run: Run = getattr(importlib.import_module(method.module), method.function)
    before = resident()
    setup = time.perf_counter() - begun
    chosen, tuning = choose(run, exchange, method, settings)
    queries = exchange.judged[:most]
    clocks: list[Clock] = []
    while len(clocks) == 0 or (len(clocks) < REPEATS and clocks[-1].seconds < REPEAT_BELOW_SECONDS):
        torch.manual_seed(0)
        clocks.append(Clock())
        scores = run(exchange, queries, chosen, clocks[-1])
    best = min(clocks, key=lambda clock: clock.seconds)
    figures: Figures = {
        'settings': chosen,
        'lds': exchange.lds(scores, queries),
        'queries': len(queries),
        'samples': exchange.samples,
        'seconds': best.seconds,
        'processorSeconds': best.processor,
        'stages': best.stages,
        'repeats': len(clocks),
        'importSeconds': setup,
        'peakBytes': max(peak() - before, 0),
        'threads': torch.get_num_threads(),
        'sign': 'as the peer gives it',
        **tuning,
    }
    if method.kept:
        counts = {**chosen, 'layers': len(exchange.widths) - 1}
        figures['bytesPerSample'] = FLOAT_BYTES * math.prod(int(counts[name]) for name in method.kept)
    return scores, queries, figures


def sentence(problem: BaseException) -> str:
    text = ' '.join(str(problem).split())
    return f'{type(problem).__name__}: {text[:400]}' if text else type(problem).__name__


def overrides(exchange: Exchange, peer: str, name: str) -> dict[str, object]:
    rows = exchange.methods or []
    return next((row for row in rows if row['peer'] == peer and row['method'] == name), {})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('folder', type=Path)
    parser.add_argument('peer')
    parser.add_argument('name')
    parser.add_argument('result', type=Path)
    options = parser.parse_args()
    method = next(row for row in METHODS if (row.peer, row.name) == (options.peer, options.name))
    figures: Figures = {'peer': method.peer, 'version': version(method.peer), 'method': method.name}
    figures['torch'] = torch.__version__
    try:
        begun = time.perf_counter()
        exchange = read(options.folder)
        torch.set_num_threads(exchange.threads)
        read_seconds = time.perf_counter() - begun
        row = overrides(exchange, method.peer, method.name)
        settings = {**method.settings, **row.get('settings', {})}
        most = row.get('queries', method.most.get(exchange.setting))
        scores, queries, measured = measure(exchange, method, settings, most)
        stem = f'scores-{method.peer}-{method.name}'
        numpy.save(options.folder / f'{stem}.npy', scores.astype(numpy.float32))
        numpy.save(options.folder / f'{stem}.queries.npy', queries.astype(numpy.int32))
        figures.update(measured, setupSeconds=read_seconds + measured['importSeconds'], scores=f'{stem}.npy')
    except Exception as problem:  # the boundary of a method: whatever it raises is its result
        traceback.print_exc()
        figures['error'] = sentence(problem)
    options.result.write_text(json.dumps(figures, allow_nan=False))


if __name__ == '__main__':
    main()
