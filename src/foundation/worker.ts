/**
 * Worker threads that start from compiled JavaScript and from TypeScript sources alike. The caller names the worker's
 * module as it is named after compilation (`./points.worker.js`), relative to its own `import.meta.url`.
 * The trap: under vitest or tsx the caller's URL ends with `.ts`, a bare Worker cannot load TypeScript, and the option
 * `--import tsx` has no effect in a worker of Node 20. There the worker begins with two lines that register tsx and then
 * import the module. `execArgv` is empty in both cases, so that nothing is inherited from the parent.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

function openWorker(callerUrl: string, module: string, workerData: unknown): Worker {
  const options = { workerData, execArgv: [] };
  if (!callerUrl.endsWith('.ts')) return new Worker(new URL(module, callerUrl), options);
  const source = new URL(module.replace(/\.js$/, '.ts'), callerUrl).href;
  // Named by its file: `require.resolve` would find the CommonJS twin, which cannot register.
  const tsx = pathToFileURL(createRequire(callerUrl).resolve('tsx/package.json'));
  const loader = new URL('dist/esm/api/index.mjs', tsx).href;
  const start = `import { register } from ${JSON.stringify(loader)}; register(); await import(${JSON.stringify(source)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), options);
}

/**
 * Runs a worker that posts exactly one message, its result, and ends.
 * @param isResult recognises the result; a message of another form is a defect and rejects
 */
export async function runWorker<Result>(
  callerUrl: string,
  module: string,
  workerData: unknown,
  isResult: (message: unknown) => message is Result,
): Promise<Result> {
  const worker = openWorker(callerUrl, module, workerData);
  try {
    return await new Promise<Result>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`${module} ended with status ${code} before it gave its result`)));
      worker.once('message', (message: unknown) => {
        if (isResult(message)) resolve(message);
        else reject(new Error(`${module} posted a message of an unknown form`));
      });
    });
  } finally {
    await worker.terminate();
  }
}
