"""Python's attribution libraries on the same data, the same trained weights and the same ground truth as ours.

  python attribution.py FOLDER [--only dattri,traker/trak-1-512] [--limit 900] [--list]

Prints one JSON object a line for each method that was run, and progress on stderr. FOLDER is written by the bench:

  task.json     setting     "mnist-lr" or "mnist-mlp"
                widths      [784, ..., 10]; ReLU and dropout after every hidden layer, cross-entropy last
                dropout, threads
                full        the run whose model is explained
                ensemble    [runs] of the models that ensembles take, in order (optional)
                path        {"runs": [...], "rates": [...]}: checkpoints of one training and their learning rates
                            (optional; without it TracIn is not run)
                heldOut     [queries] that settings are chosen on and that no figure is about (optional)
                methods     [{"peer", "method", "settings"?, "queries"?}] in place of methods.py's table (optional);
                            settings replace single ones (a list is chosen from), queries caps their number
  x_train.npy   f4 [samples, widths[0]], normalised     y_train.npy  i4 [samples]
  x_test.npy    f4 [queries, widths[0]]                 y_test.npy   i4 [queries]
  masks.npy     u1 [subsets, samples]                   truth.npy    f4 [subsets, queries], minus the retrained loss
  runs/<run>/parameters.npy  f4 [parameters]: for each layer its weight [in, out] row-major, then its bias
  runs/<run>/losses.npy      f4 [queries] (optional): losses measured elsewhere with these weights, which are compared

It is given back scores-<peer>-<method>.npy, f4 [queries, samples], positive where the sample helped, and beside it
scores-<peer>-<method>.queries.npy, i4, the query of each row: the judged ones, or the first of them where a method is
too slow for all. A line holds peer, version, method, torch and, if it worked, settings, lds (over the judged queries;
null where no query has one), queries, samples, seconds (the peer's own work, best of repeats), processorSeconds
(of all threads), stages,
setupSeconds, tuneSeconds, tried, peakBytes (over what was resident before), bytesPerSample where the method keeps a
vector a sample, threads and scores; if not, error. The trap of such a table is settings chosen on the queries that are
judged, which flatters: they are chosen on heldOut for every peer.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from exchange import Exchange, ExchangeError, read
from methods import METHODS, Method

LIMIT_SECONDS = 900
LAST_LINES = 3


def wanted(exchange: Exchange, only: list[str]) -> list[Method]:
    """The table's methods for this setting, those of task.json if it names any, narrowed by `only`."""
    known = {(method.peer, method.name): method for method in METHODS}
    if exchange.methods is None:
        chosen = [method for method in METHODS if exchange.setting in method.on]
    else:
        pairs = [(row['peer'], row['method']) for row in exchange.methods]
        absent = [f'{peer}/{name}' for peer, name in pairs if (peer, name) not in known]
        if absent:
            raise ExchangeError(f'There is no method {", ".join(absent)}. --list prints all.')
        chosen = [known[pair] for pair in pairs]
    for name in only:
        if not any(name in (method.peer, f'{method.peer}/{method.name}') for method in METHODS):
            raise ExchangeError(f'There is no peer or method {name}. --list prints all.')
    left = [method for method in chosen if not only or method.peer in only or f'{method.peer}/{method.name}' in only]
    if not left:
        raise ExchangeError(f'No method is left to run on {exchange.setting}. --list prints which run on what.')
    return left


def run(folder: Path, method: Method, threads: int, limit: float) -> dict[str, object]:
    """One method's line. It runs in a process and a folder of its own."""
    try:
        known: dict[str, object] = {'peer': method.peer, 'version': version(method.peer), 'method': method.name}
    except PackageNotFoundError:
        return {'peer': method.peer, 'method': method.name, 'error': f'{method.peer} is not installed. Run setup.sh.'}
    count = str(threads)
    environment = {**os.environ, 'TQDM_DISABLE': '1', 'OMP_NUM_THREADS': count, 'MKL_NUM_THREADS': count}
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / 'result.json'
        script = Path(__file__).with_name('one_method.py')
        command = [sys.executable, str(script), str(folder), method.peer, method.name, str(result)]
        try:
            done = subprocess.run(
                command, cwd=scratch, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=limit
            )
        except subprocess.TimeoutExpired:
            return {**known, 'error': f'It was stopped after {limit:g} s.'}
        if not result.exists():
            last = done.stderr.decode(errors='replace').strip().splitlines()[-LAST_LINES:]
            return {**known, 'error': f'Its process ended with {done.returncode}: {" / ".join(last)}'}
        return json.loads(result.read_text())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument('folder', type=Path, nargs='?')
    parser.add_argument('--only', default='', help='peers, or peer/method, comma separated')
    parser.add_argument('--limit', type=float, default=LIMIT_SECONDS, help='seconds a method may take, with its tuning')
    parser.add_argument('--list', action='store_true', help='print peers and methods and end')
    options = parser.parse_args()
    if options.list:
        for method in METHODS:
            print(f'{method.peer}/{method.name} ({", ".join(method.on)})')
        return 0
    if options.folder is None:
        parser.error('Give the exchange folder.')
    try:
        exchange = read(options.folder)
        methods = wanted(exchange, [name for name in options.only.split(',') if name])
    except ExchangeError as problem:
        print(problem, file=sys.stderr)
        return 1
    for index, method in enumerate(methods):
        print(f'[{index + 1}/{len(methods)}] {method.peer} {method.name}', end=' ', file=sys.stderr, flush=True)
        begun = time.perf_counter()
        line = run(options.folder.resolve(), method, exchange.threads, options.limit)
        said = line['error'] if 'error' in line else f'LDS {line["lds"]} in {line["seconds"]:.2f} s'
        print(f'{said} (all: {time.perf_counter() - begun:.0f} s)', file=sys.stderr, flush=True)
        print(json.dumps(line), flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
