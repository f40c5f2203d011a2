/** `meed ceremony` as people meet it: help with examples, JSON alone on standard output, one sentence for each refusal. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ceremonyCommand } from '../../../src/cli/commands/ceremony.js';
import { BEACON_VALUE, beforeNoon, CIRCUIT, NOON, PATIENCE, PHASE1, removeTemporary, temporary } from './fixture.js';

vi.setConfig({ testTimeout: PATIENCE, hookTimeout: PATIENCE });

const STEPS = ['start', 'announce', 'contribute', 'beacon', 'verify', 'publish'];

afterAll(removeTemporary);

/** Runs one command at a time of the day. @returns what it wrote on standard output */
async function run(clock: () => Date, ...args: string[]): Promise<string> {
  let written = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
  const told = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const program = new Command('meed').exitOverride().addCommand(ceremonyCommand(clock));
    await program.parseAsync(['node', 'meed', 'ceremony', ...args]);
  } finally {
    out.mockRestore();
    told.mockRestore();
  }
  return written;
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

describe('meed ceremony', () => {
  it('explains itself and every step, with examples', () => {
    const ceremony = ceremonyCommand();
    expect(ceremony.commands.map((step) => step.name())).toEqual(STEPS);
    expect(helpOf(ceremony)).toContain('Examples:');
    for (const step of ceremony.commands) {
      const help = helpOf(step);
      expect(help).toContain(`  $ meed ceremony ${step.name()} `);
      expect(help).toContain('--json');
    }
  });

  it('used wrongly says what is missing', async () => {
    const clock = beforeNoon(60);
    const begin = ['start', 'nowhere', '--beacon-source', 'x'];
    await expect(run(clock, ...begin)).rejects.toThrow("'--beacon-from <time>' not specified");
    await expect(run(clock, ...begin, '--beacon-from', 'tomorrow')).rejects.toThrow('with its zone');
    await expect(run(clock, ...begin, '--beacon-from', '2031-05-23T12:00')).rejects.toThrow('with its zone');
    await expect(run(clock, ...begin, '--circuit', 'Sudoku')).rejects.toThrow('ScoreMatrix');
    await expect(run(clock, 'contribute', 'nowhere')).rejects.toThrow("'--name <name>' not specified");
    await expect(run(clock, 'contribute', 'nowhere', '--name', 'Ada')).rejects.toThrow(
      'There is no ceremony in nowhere',
    );
    await expect(run(clock, 'publish', 'nowhere')).rejects.toThrow("'--out <folder>' not specified");
  });

  it.skipIf(PHASE1 === undefined)('begins, takes contributions and is closed, each with its JSON', async () => {
    const root = await temporary();
    const folder = join(root, 'setup');
    const json = async (clock: () => Date, ...args: string[]): Promise<Record<string, unknown>> =>
      JSON.parse(await run(clock, ...args, '--json'));
    const begun = await json(
      beforeNoon(60),
      ...['start', folder, '--circuit', CIRCUIT.template, '--parameters', CIRCUIT.parameters.join()],
      ...['--phase1', PHASE1 ?? '', '--beacon-source', 'block 900000', '--beacon-from', '2031-05-23T14:00:00+02:00'],
      ...['--beacon-iterations', '10'],
    );
    expect(begun).toMatchObject({
      finished: false,
      contributors: [],
      phase1: 'powersOfTau28_hez_final_11.ptau',
      beacon: { source: 'block 900000', publicFrom: NOON.toISOString(), iterations: 10 },
    });
    const text = join(root, 'dice.txt');
    await writeFile(text, '3 1 4 1 5');
    await json(beforeNoon(50), 'contribute', folder, '--name', 'Ada', '--text', text);
    const said = await run(beforeNoon(40), 'contribute', folder, '--name', 'Emmy');
    expect(said).toMatch(/"I contributed to a Meed ceremony as Emmy: record [0-9a-f]{64}, contribution [0-9a-f]{128}"/);
    await expect(run(beforeNoon(-1), 'contribute', folder, '--name', 'Sophie')).rejects.toThrow('may be public since');
    await expect(run(beforeNoon(1), 'beacon', folder, '--value', BEACON_VALUE)).rejects.toThrow('is announced for');
    const closed = await json(beforeNoon(-1), 'beacon', folder, '--value', `0x${BEACON_VALUE.toUpperCase()}`);
    expect(closed).toMatchObject({ finished: true, contributors: ['Ada', 'Emmy'] });
    expect(closed.transcriptHash).not.toBe(begun.transcriptHash);
    await expect(
      run(beforeNoon(-2), 'announce', folder, '--beacon-source', 'x', '--beacon-from', '2032-01-01T00:00:00Z'),
    ).rejects.toThrow('has had its beacon');
  });
});
