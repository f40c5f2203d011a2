/**
 * What a daemon tells about itself: figures for Prometheus at /metrics, and at /health whether it works, for whoever
 * restarts it. Healthy means that the last look at the chain is not long ago; a duty that fails is shown, and does not make
 * the daemon unhealthy, since a restart would not help it.
 * The trap: what is served may be read by anybody who reaches the port; so it listens on 127.0.0.1 unless told, and tells
 * nothing that is not on the chain.
 */
import { createServer, type Server } from 'node:http';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { MeedError } from '../../foundation/index.js';

export interface DaemonHealth {
  readonly status: 'ok' | 'starting' | 'stalled';
  /** Unix milliseconds of the last whole cycle. */
  readonly lastCycle?: number;
  readonly block: number;
  readonly lag: number;
  /** Sentences of duties that failed and are tried again later. */
  readonly failing: Readonly<Record<string, string>>;
}

export class Metrics {
  readonly registry = new Registry();
  readonly head = this.#gauge('chain_head', 'Last block of the chain when it was last asked');
  readonly block = this.#gauge('chain_block', 'Last block that was read');
  readonly reorganisations = this.#gauge('reorganisations', 'Times that blocks were taken back since the start');
  readonly duties = this.#gauge('duties', 'What is owed now, by kind', ['kind']);
  readonly obstacles = this.#gauge('obstacles', 'What cannot be done for want of published openings');
  readonly failing = this.#gauge('duties_failing', 'Duties that failed and wait to be tried again');
  readonly cycles = this.#counter('cycles_total', 'Whole looks at the chain and at what is owed');
  readonly done = this.#counter('duties_done_total', 'Duties done, by kind', ['kind']);
  readonly failures = this.#counter('duties_failed_total', 'Attempts that failed, by kind', ['kind']);
  readonly gas = this.#counter('gas_used_total', 'Gas of mined transactions, by what they did', ['what']);
  readonly seconds = new Histogram({
    name: 'meed_duty_seconds',
    help: 'Time that a duty took, by kind',
    labelNames: ['kind'],
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 1800],
    registers: [this.registry],
  });

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name: `meed_${name}`, help, labelNames, registers: [this.registry] });
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name: `meed_${name}`, help, labelNames, registers: [this.registry] });
  }
}

export interface StatusServer {
  /** http://host:port */
  readonly url: string;
  close(): Promise<void>;
}

/** @throws MeedError when the port is taken */
export async function serveStatus(
  metrics: Metrics,
  health: () => DaemonHealth,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<StatusServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    };
    if (request.method !== 'GET') return answer(405, 'text/plain', 'Only GET\n');
    if (request.url === '/health') {
      const told = health();
      return answer(told.status === 'stalled' ? 503 : 200, 'application/json', `${JSON.stringify(told)}\n`);
    }
    if (request.url !== '/metrics') return answer(404, 'text/plain', 'There are /metrics and /health\n');
    metrics.registry.metrics().then(
      (text) => answer(200, metrics.registry.contentType, text),
      () => answer(500, 'text/plain', 'The metrics cannot be told\n'),
    );
  });
  await listen(server, host, port);
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port');
  return {
    url: `http://${host}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new MeedError(`Nothing can be served at ${host}:${port}`, 'Choose another --status-port', { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}
