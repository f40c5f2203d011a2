/** What `meed worker` serves is what there is: a task that is not listed would wait in the queue for ever. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { tasks } from '../../src/cli/tasks.js';
import { packageRoot } from '../../src/foundation/index.js';
import type { Task } from '../../src/work/index.js';

it('serves every task of the sources, by its own name and nothing else', async () => {
  const folder = join(packageRoot, 'src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.task.ts'));
  expect(files.length).toBeGreaterThan(2);
  const found = await Promise.all(
    files.map(async (file) => {
      const { href } = pathToFileURL(join(folder, file));
      const { default: task } = (await import(href)) as { default: Task<unknown, unknown> };
      expect(task.module, file).toBe(href);
      return [task.name, href] as const;
    }),
  );
  expect(new Map(found)).toEqual(new Map(tasks));
  expect(found).toHaveLength(tasks.size);
});
