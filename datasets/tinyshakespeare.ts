/**
 * Tiny Shakespeare (Karpathy 2015), characters as tokens: consecutive blocks of text, each a sample whose target at every
 * place is the next character. Blocks do not overlap, and held-out ones come from the end of the text. It is no
 * classification data set, so it is no `DatasetSource`.
 * The trap: a block needs one character more than it has places, or its last target would be the next block's secret.
 */
import { fetchDatasetFile } from '../src/data/index.js';
import { MeedError, type Progress } from '../src/foundation/index.js';

const FILE = {
  path: 'tinyshakespeare/input.txt',
  url: 'https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt',
  bytes: 1_115_394,
  sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
} as const;

/** Sequences of token ids. */
export interface Blocks {
  readonly rows: number;
  /** Characters of a block. */
  readonly width: number;
  /** rows × width token ids */
  readonly features: Float32Array;
  /** rows × width: the next token of each. */
  readonly targets: Int32Array;
}

export interface Shakespeare {
  readonly train: Blocks;
  readonly test: Blocks;
  /** Token k is characters[k]; in the order of their code points. */
  readonly characters: readonly string[];
}

export interface BlockChoice {
  /** Blocks from the beginning of the text. */
  readonly train: number;
  /** Blocks that end with the text. */
  readonly test: number;
  /** Characters of a block. */
  readonly context: number;
}

/** @throws MeedError when the text is not as long, or the file is not the published one */
export async function shakespeareBlocks(
  choice: BlockChoice,
  { folder, progress }: { readonly folder?: string; readonly progress: Progress },
): Promise<Shakespeare> {
  return cutBlocks(Buffer.from(await fetchDatasetFile(FILE, { folder, progress })).toString('latin1'), choice);
}

/** @throws MeedError when the text is not as long, or the choice is of no whole blocks */
export function cutBlocks(text: string, { train, test, context }: BlockChoice): Shakespeare {
  if (
    ![train, test].every((rows) => Number.isInteger(rows) && rows >= 0) ||
    !Number.isInteger(context) ||
    context < 1
  ) {
    throw new MeedError(
      `${train} and ${test} blocks of ${context} characters were asked for`,
      'Ask for whole numbers of blocks, of at least one character',
    );
  }
  if ((train + test) * (context + 1) > text.length) {
    throw new MeedError(
      `${train + test} blocks of ${context + 1} characters were asked for, the text has ${text.length}`,
      'Ask for fewer or shorter blocks',
    );
  }
  const characters = [...new Set(text)].sort();
  const tokens = new Int32Array(text.length);
  for (const [id, character] of characters.entries()) {
    for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) tokens[at] = id;
  }
  const cut = (first: number, rows: number): Blocks => {
    const [features, targets] = [new Float32Array(rows * context), new Int32Array(rows * context)];
    for (let row = 0; row < rows; row++) {
      const start = first + row * (context + 1);
      features.set(tokens.subarray(start, start + context), row * context);
      targets.set(tokens.subarray(start + 1, start + context + 1), row * context);
    }
    return { rows, width: context, features, targets };
  };
  return { train: cut(0, train), test: cut(tokens.length - test * (context + 1), test), characters };
}
