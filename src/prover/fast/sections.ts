/**
 * iden3's container of numbered sections, in which keys (.zkey) and witnesses (.wtns) are kept: four letters, a version,
 * the number of sections, and before each its type and its length; integers are little-endian (iden3/binfileutils).
 * The trap: sections may stand in any order and be of types that a reader does not know, so they are found by their type;
 * and a length is only a claim until it was compared with the file's, so nothing is allocated by it before.
 */
import { MeedError } from '../../foundation/index.js';
import { type ByteSource, readBytes } from './byteSource.js';

export interface Section {
  /** Offset of the content in the file, bytes. */
  readonly at: number;
  readonly length: number;
}

export interface SectionKind {
  /** Four letters with which the file begins. */
  readonly letters: string;
  readonly version: number;
  /** How to come by a good file. */
  readonly remedy: string;
}

export interface Sections {
  /** @throws MeedError when the file has no section of the type */
  section(type: number): Section;
}

const HEAD_BYTES = 12;
const SECTION_HEAD_BYTES = 12;
/** More than any version of the formats has. */
const MOST_SECTIONS = 64;

/** @throws MeedError when the bytes are of another kind or version, are cut short, go on behind the last section or repeat one */
export async function readSections(source: ByteSource, { letters, version, remedy }: SectionKind): Promise<Sections> {
  const refuse = (problem: string): MeedError => new MeedError(`${source.name} ${problem}`, remedy);
  if (source.length < HEAD_BYTES) throw refuse(`has ${source.length} bytes, too few for a .${letters} file`);
  const head = await readBytes(source, 0, HEAD_BYTES);
  const found = Buffer.from(head.subarray(0, 4)).toString('latin1');
  if (found !== letters) throw refuse(`begins with ${JSON.stringify(found)} instead of "${letters}"`);
  const words = new DataView(head.buffer);
  const [is, count] = [words.getUint32(4, true), words.getUint32(8, true)];
  if (is !== version) throw refuse(`is version ${is} of the .${letters} format, version ${version} is read`);
  if (count > MOST_SECTIONS) throw refuse(`claims ${count} sections, at most ${MOST_SECTIONS} are read`);

  const sections = new Map<number, Section>();
  let position = HEAD_BYTES;
  for (let i = 0; i < count; i++) {
    if (position + SECTION_HEAD_BYTES > source.length) throw refuse(`ends before section ${i + 1} of ${count}`);
    const sectionHead = new DataView((await readBytes(source, position, SECTION_HEAD_BYTES)).buffer);
    const type = sectionHead.getUint32(0, true);
    const length = Number(sectionHead.getBigUint64(4, true));
    const at = position + SECTION_HEAD_BYTES;
    if (length > source.length - at) {
      throw refuse(`is cut short: section ${type} has ${length} bytes, ${source.length - at} are left`);
    }
    if (sections.has(type)) throw refuse(`has section ${type} twice`);
    sections.set(type, { at, length });
    position = at + length;
  }
  if (position !== source.length) throw refuse(`goes on for ${source.length - position} bytes behind its last section`);
  return {
    section(type) {
      const section = sections.get(type);
      if (section) return section;
      throw refuse(`has no section ${type}`);
    },
  };
}
