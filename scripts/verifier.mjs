/**
 * Bundles the off-chain verifier, packages/verifier, into its dist folder: `index.js`, our own code with its two libraries
 * left as imports, for Node and for other bundlers; and `meed-verifier.min.js`, everything in one module for a page.
 * Another folder can be named. The declarations come from `tsc -p packages/verifier --emitDeclarationOnly`.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = process.argv[2] ?? join(root, 'packages', 'verifier', 'dist');
const options = {
  entryPoints: [join(root, 'packages', 'verifier', 'src', 'index.ts')],
  bundle: true,
  minify: true,
  format: 'esm',
  // neutral: an import of anything that only Node or only a browser has fails here
  platform: 'neutral',
  target: 'es2022',
  legalComments: 'linked',
};
await build({ ...options, outfile: join(folder, 'index.js'), packages: 'external' });
await build({ ...options, outfile: join(folder, 'meed-verifier.min.js') });
