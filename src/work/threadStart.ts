/**
 * Piscina's options for a worker module, and those of a forked process, that starts from compiled JavaScript and from TypeScript sources alike. The
 * caller names the module as it is named after compilation, relative to its own `import.meta.url`.
 * The trap: `--import tsx` has no effect in a worker of Node 20, because tsx registers itself in the main thread only;
 * importing a line that calls its registration has. Nothing is inherited from the parent's own arguments.
 */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface ThreadStart {
  readonly filename: string;
  readonly execArgv: string[];
}

export function threadStart(callerUrl: string, module: string): ThreadStart {
  const url = moduleUrl(callerUrl, module);
  if (!url.endsWith('.ts')) return { filename: fileURLToPath(url), execArgv: [] };
  // Named by its file: `require.resolve` would find the CommonJS twin, which cannot register.
  const tsx = pathToFileURL(createRequire(callerUrl).resolve('tsx/package.json'));
  const loader = new URL('dist/esm/api/index.mjs', tsx).href;
  const start = `import { register } from ${JSON.stringify(loader)}; register();`;
  return {
    filename: fileURLToPath(url),
    execArgv: ['--import', `data:text/javascript,${encodeURIComponent(start)}`],
  };
}

/** URL of a module beside the caller, of the caller's own kind: `./x.js` is `x.ts` when the caller is a source. */
export function moduleUrl(callerUrl: string, module: string): string {
  const own = callerUrl.endsWith('.ts') ? module.replace(/\.js$/, '.ts') : module;
  return new URL(own, callerUrl).href;
}
