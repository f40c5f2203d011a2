/** `meed ceremony start | announce | contribute | beacon | verify | publish`: production keys, one step at a time. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Command, InvalidArgumentError, Option } from 'commander';
import { explainFileError, type JsonObject, type Progress } from '../../foundation/index.js';
import {
  announceBeacon,
  applyBeacon,
  contribute,
  ITERATIONS,
  LEAST_CONTRIBUTIONS,
  publishCeremony,
  scoreMatrixCircuit,
  startCeremony,
  TEMPLATES,
  type Transcript,
  verifyCeremony,
} from '../../prover/index.js';
import { whole } from '../arguments.js';
import { DEFAULT_INSTANCE } from '../profile.js';
import { say, startLine } from '../terminal.js';

const DEFAULT_ITERATIONS = 20;
const DEFAULT_CIRCUIT = scoreMatrixCircuit(DEFAULT_INSTANCE);

/** @param clock what the steps read the time from, the system's clock unless told */
export function ceremonyCommand(clock: () => Date = () => new Date()): Command {
  const ceremony = new Command('ceremony')
    .description('makes a proving key whose secrets nobody has: a trusted set-up by several people')
    .addHelpText('after', OVERVIEW)
    .exitOverride();
  for (const step of [start, announce, add, beacon, verify, publish]) ceremony.addCommand(step(clock).exitOverride());
  return ceremony;
}

const OVERVIEW = `
A ceremony is a folder that travels. Its coordinator begins it and announces a beacon; at least ${LEAST_CONTRIBUTIONS} people add a secret
each and forget it; the beacon closes it; everybody can verify it, then it is published. If one person was honest,
nobody can forge proofs for its key. Every step has its --help and prints its result as JSON with --json.

Examples:
  $ meed ceremony start setup --beacon-source "drand quicknet round 14500000, its randomness" --beacon-from 2031-05-23T12:00:00Z
  $ meed ceremony contribute setup --name "Ada Lovelace"        (Ada, on her machine, with a copy of the folder)
  $ meed ceremony contribute setup --name "Emmy Noether"        (Emmy, with the folder as Ada gave it back)
  $ meed ceremony beacon setup --value 9d3f…                    (after the announced time)
  $ meed ceremony verify setup
  $ meed ceremony publish setup --out score-matrix-key
  $ meed chain --key score-matrix-key && meed prove --key score-matrix-key`;

/** One subcommand on a ceremony's folder. */
function stepCommand(name: string, summary: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(summary)
    .argument('<folder>', "the ceremony's folder")
    .option('--json', 'print the result as JSON on standard output')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ meed ceremony ${example}`).join('\n')}`);
}

function phase1Option(): Option {
  return new Option('--phase1 <file>', 'a Hermez phase-1 file that is here already, instead of a download');
}

function announcementOptions(): readonly Option[] {
  return [
    new Option(
      '--beacon-source <text>',
      'which value of which public source the beacon will be, exactly enough that everybody finds the same bytes',
    ).makeOptionMandatory(),
    new Option('--beacon-from <time>', 'before it nobody can know the value, e.g. 2031-05-23T12:00:00Z')
      .argParser(time)
      .makeOptionMandatory(),
    new Option('--beacon-iterations <n>', 'the value is hashed 2^n times before it is used')
      .argParser(whole(ITERATIONS.least))
      .default(DEFAULT_ITERATIONS),
  ];
}

function start(clock: () => Date): Command {
  const made = stepCommand('start', 'begins a ceremony: phase 1, the circuit, and which beacon will close it', [
    'start setup --beacon-source "drand quicknet round 14500000, its randomness" --beacon-from 2031-05-23T12:00:00Z',
    'start setup --circuit ScoreMatrix --parameters 16,16,64 --phase1 powersOfTau28_hez_final_16.ptau --beacon-source …',
  ])
    .addOption(
      new Option('--circuit <name>', 'the template')
        .choices(TEMPLATES.map(({ name }) => name))
        .default(DEFAULT_CIRCUIT.template),
    )
    .addOption(
      new Option('--parameters <n,...>', "the template's parameters, for ScoreMatrix slots, queries and columns")
        .argParser(parameters)
        .default(DEFAULT_CIRCUIT.parameters, DEFAULT_CIRCUIT.parameters.join(',')),
    )
    .addOption(phase1Option());
  for (const option of announcementOptions()) made.addOption(option);
  return made.action(async (folder: string, values) => {
    const { circuit, parameters: shape, phase1, json } = values;
    const instance = { template: circuit, parameters: shape };
    const transcript = await withLine('start', async (progress) => {
      const begun = await startCeremony(folder, instance, announcement(values), { phase1, progress, clock });
      return [begun, `${begun.start.constraints} constraints, phase 1 ${begun.start.phase1}`];
    });
    print(json, stateOf(transcript), [
      `${folder} waits for its first contribution. Its key is worthless until then: γ = δ.`,
      ...announced(transcript),
      'Send the folder to the first contributor.',
    ]);
  });
}

function announce(clock: () => Date): Command {
  const made = stepCommand('announce', "announces another beacon, where the first one's time came too soon", [
    'announce setup --beacon-source "drand quicknet round 15000000, its randomness" --beacon-from 2031-07-01T12:00:00Z',
  ]);
  for (const option of announcementOptions()) made.addOption(option);
  return made.action(async (folder: string, values) => {
    const transcript = await announceBeacon(folder, announcement(values), { clock });
    print(values.json, stateOf(transcript), [
      ...announced(transcript),
      'At least one person must contribute after this announcement.',
    ]);
  });
}

function add(clock: () => Date): Command {
  return stepCommand('contribute', 'adds a secret of yours to the key and forgets it', [
    'contribute setup --name "Ada Lovelace"',
    'contribute setup --name "Ada Lovelace" --text - < dice.txt',
  ])
    .requiredOption('--name <name>', 'under which you will say that you contributed')
    .option('--text <file>', 'random text of yours to mix in, - for standard input (default: asked for on a terminal)')
    .action(async (folder: string, { name, text, json }) => {
      const typed = await userText(text);
      const { transcript, contribution } = await withLine('contribute', async (progress) => {
        const made = await contribute(folder, name, typed, { progress, clock });
        return [made, `contribution ${made.transcript.contributions.length}, ${name}`];
      });
      print(json, { ...stateOf(transcript), contributionHash: contribution.hash }, [
        `Publish this where people know it is you: "I contributed to a Meed ceremony as ${name}: record ${transcript.hash}, contribution ${contribution.hash}"`,
        'It pins everything up to your contribution. Your secret existed in memory only, and is gone.',
        `Send ${folder} to the next contributor, or back to the coordinator.`,
      ]);
    });
}

function beacon(clock: () => Date): Command {
  return stepCommand('beacon', 'closes the ceremony with the announced public value', [
    'beacon setup --value 3a7d9c1f00b4e6528d10fe93c2a45b7790ee12cd34fa56789b0c1d2e3f405162',
  ])
    .requiredOption('--value <hex>', 'the value as the announced source shows it, bytes as hex')
    .action(async (folder: string, { value, json }) => {
      const { transcript, contribution } = await withLine('beacon', async (progress) => {
        const made = await applyBeacon(folder, value.toLowerCase().replace(/^0x/, ''), { progress, clock });
        return [made, `${made.transcript.contributions.length} contributions closed`];
      });
      print(json, { ...stateOf(transcript), contributionHash: contribution.hash }, [
        `The ceremony is finished: transcript ${transcript.hash}`,
        'Verify it with `meed ceremony verify`, publish it with `meed ceremony publish`.',
      ]);
    });
}

function verify(): Command {
  return stepCommand('verify', 'derives everything in a ceremony again that can be derived, trusting nobody', [
    'verify setup',
    'verify score-matrix-key --phase1 powersOfTau28_hez_final_17.ptau',
  ])
    .addOption(phase1Option())
    .action(async (folder: string, { phase1, json }) => {
      const { transcript, seal } = await withLine('verify', async (progress) => {
        const verified = await verifyCeremony(folder, { phase1, progress });
        return [verified, `${verified.transcript.contributions.length} contribution(s) follow from phase 1`];
      });
      print(json, { ...stateOf(transcript), ...(seal && { ...seal }), verified: true }, [
        ...(seal === undefined
          ? ['So far all is well; the ceremony is unfinished and its key must not be used yet.']
          : [`circuit     ${seal.circuitHash}`, `key         ${seal.keyHash}`, `transcript  ${seal.transcriptHash}`]),
        ...lookUp(transcript),
      ]);
    });
}

function publish(): Command {
  return stepCommand('publish', 'verifies a finished ceremony and writes the folder that --key takes', [
    'publish setup --out score-matrix-key',
  ])
    .requiredOption('--out <folder>', 'the published folder')
    .addOption(phase1Option())
    .action(async (folder: string, { out, phase1, json }) => {
      const { artefact, seal, transcript } = await withLine('publish', async (progress) => {
        const published = await publishCeremony(folder, out, { phase1, progress });
        return [published, `verified and written to ${out}`];
      });
      const { id } = artefact.manifest;
      print(json, { folder: artefact.folder, id, ...seal, contributors: contributorsOf(transcript) }, [
        `${artefact.folder}  ${id}`,
        `circuit     ${seal.circuitHash}`,
        `key         ${seal.keyHash}`,
        `transcript  ${seal.transcriptHash}`,
      ]);
    });
}

/** What no file can show and a person has to look up. */
function lookUp({ records, announcement, beacon: closing }: Transcript): string[] {
  const people = records.flatMap((record) =>
    record.kind === 'contribution' ? [`  ${record.name} published the record ${record.id}`] : [],
  );
  return [
    'What only you can look up:',
    ...people,
    closing === undefined
      ? `  nobody could know before ${announcement.publicFrom}: ${announcement.source}`
      : `  ${announcement.source} (from ${announcement.publicFrom}) is ${closing.value}`,
  ];
}

function announced({ announcement }: Transcript): string[] {
  const { source, publicFrom, iterations } = announcement;
  return [`Announce in public: the beacon of ${publicFrom} is "${source}", hashed 2^${iterations} times.`];
}

function stateOf(transcript: Transcript): JsonObject {
  const { start: begun, announcement, beacon: closing, hash } = transcript;
  return {
    transcriptHash: hash,
    circuitHash: begun.circuitHash,
    phase1: begun.phase1,
    contributors: contributorsOf(transcript),
    beacon: { source: announcement.source, publicFrom: announcement.publicFrom, iterations: announcement.iterations },
    finished: closing !== undefined,
  };
}

function contributorsOf({ contributions }: Transcript): string[] {
  return contributions.map(({ name }) => name);
}

function announcement(values: { beaconSource: string; beaconFrom: Date; beaconIterations: number }) {
  return { source: values.beaconSource, publicFrom: values.beaconFrom, iterations: values.beaconIterations };
}

async function withLine<T>(name: string, work: (progress: Progress) => Promise<[T, string]>): Promise<T> {
  const line = startLine(name);
  const [result, told] = await work(line.progress);
  line.done(told);
  return result;
}

function print(json: true | undefined, result: JsonObject, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : `${lines.join('\n')}\n`);
}

/** What the contributor types, unseen; nothing where nobody is at a terminal. The operating system's randomness is mixed in. */
async function userText(source: string | undefined): Promise<string> {
  if (source === '-') return readAll();
  if (source !== undefined) {
    return readFile(source, 'utf8').catch((error: unknown) => {
      throw explainFileError(error, source);
    });
  }
  if (process.stdin.isTTY !== true) return '';
  say('Type random text and press Enter; it is not shown and not kept:');
  const unseen = new Writable({ write: (_chunk, _encoding, written) => written() });
  const reader = createInterface({ input: process.stdin, output: unseen, terminal: true });
  try {
    return await reader.question('');
  } finally {
    reader.close();
  }
}

async function readAll(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  return text;
}

function time(text: string): Date {
  const value = new Date(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(value.getTime())) {
    throw new InvalidArgumentError('Give a date and time with its zone: 2031-05-23T12:00:00Z.');
  }
  return value;
}

function parameters(text: string): number[] {
  return text.split(',').map(whole(0));
}
