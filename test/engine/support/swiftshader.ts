/**
 * Software Vulkan from an installed Chromium, and a process of its own to use it in: Dawn loads the driver by environment
 * variables that must stand before the process starts, and a driver that crashes takes its process with it.
 */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../../report/browser.js';

export interface ChildResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment in which WebGPU runs on SwiftShader; `undefined` where Chromium has none. */
export function swiftshaderEnvironment(): Record<string, string> | undefined {
  const chromium = findChromium();
  const folders = ['/usr/lib/chromium', ...(chromium ? [dirname(realpathSync(chromium))] : [])];
  const folder = folders.find((path) => existsSync(join(path, 'vk_swiftshader_icd.json')));
  if (folder === undefined) return undefined;
  const libraries = [folder, process.env.LD_LIBRARY_PATH].filter((path) => path).join(':');
  return { VK_DRIVER_FILES: join(folder, 'vk_swiftshader_icd.json'), LD_LIBRARY_PATH: libraries };
}

/** What a process of its own said, a line of JSON an answer. */
export interface ChildAnswers {
  readonly child: ChildResult;
  readonly count: number;
  /** @throws Error with what the process wrote to standard error, when it ended before that answer */
  answer<T>(key: string): T;
}

/** Runs a TypeScript file of this folder to its end, and reads its answers `{"key": …, "value": …}`. */
export async function askChild(file: string, env: Readonly<Record<string, string>>): Promise<ChildAnswers> {
  const child = await runChild(file, env);
  const answers = new Map<string, unknown>();
  for (const line of child.stdout.split('\n').filter((text) => text.startsWith('{'))) {
    const { key, value } = JSON.parse(line) as { key: string; value: unknown };
    answers.set(key, value);
  }
  return {
    child,
    count: answers.size,
    answer<T>(key: string): T {
      if (!answers.has(key)) throw new Error(`the process ended with ${child.code} before "${key}": ${child.stderr}`);
      return answers.get(key) as T;
    },
  };
}

/** Runs a TypeScript file of this folder to its end. */
export function runChild(
  file: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<ChildResult> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], { env: { ...process.env, ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
