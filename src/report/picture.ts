/**
 * A row of numbers as a picture: an 8-bit grey PNG in a data URI, one pixel a number, enlarged by the page without
 * smoothing. 0 is paper and 1 is ink; values outside are scaled to their own range. The trap: in the other order a sheet
 * of handwriting would come out as its negative.
 */
import { crc32, deflateSync } from 'node:zlib';

export interface Picture {
  readonly rows: number;
  readonly columns: number;
}

/** The sides of a two-dimensional feature shape, or undefined when features are no picture. */
export function pictureOf(featureShape: readonly number[]): Picture | undefined {
  const [rows, columns] = featureShape;
  return featureShape.length === 2 && rows > 1 && columns > 1 ? { rows, columns } : undefined;
}

export function pngDataUri({ rows, columns }: Picture, features: readonly number[]): string {
  const { low, high } = inkRange(features);
  const raw = Buffer.alloc(rows * (columns + 1));
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const ink = ((features[y * columns + x] ?? low) - low) / (high - low);
      raw[y * (columns + 1) + 1 + x] = Math.round(255 * (1 - Math.min(1, Math.max(0, ink))));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(columns, 0);
  header.writeUInt32BE(rows, 4);
  header[8] = 8; // bits a pixel; colour type 0 is grey, the other fields have only one value
  const png = Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(raw, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** What is paper and what is ink, low < high. */
export function inkRange(features: readonly number[]): { readonly low: number; readonly high: number } {
  const low = Math.min(0, ...features);
  const high = Math.max(1, ...features);
  if (low === 0 && high === 1) return { low, high };
  const own = Math.min(...features);
  return { low: own < high ? own : 0, high };
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
