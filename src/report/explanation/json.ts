/**
 * An explanation for programs: texts whole, pictures as PNG data URIs, values by name. The trap: JSON allows control and
 * direction characters in strings, and people print JSON on terminals, so they are written as escapes, which parse back to
 * the same text.
 */
import { pictureOf, pngDataUri } from '../picture.js';
import { type ShownRow, showsValues } from '../shownRow.js';
import { classOf, type OutputExplanation } from './explanation.js';

export function explanationJson(explanation: OutputExplanation): string {
  const { receipt, predictedClass, trueLabel, confidence, outputHash, claim, lossFall } = explanation;
  const rows = (list: OutputExplanation['helpful']) =>
    list.map((row) => {
      const { row: number, contributor, label, score } = row;
      return {
        row: number,
        contributor,
        label,
        class: classOf(explanation, label),
        score,
        ...content(explanation, row),
      };
    });
  const result = {
    receipt,
    predictedClass: classOf(explanation, predictedClass),
    trueClass: classOf(explanation, trueLabel),
    confidence,
    outputHash,
    claim,
    lossFall,
    input: content(explanation, explanation),
    helpful: rows(explanation.helpful),
    harmful: rows(explanation.harmful),
    contributors: explanation.contributors,
    total: explanation.total,
  };
  return JSON.stringify(result, null, 2).replace(/[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu, escaped);
}

function content({ dataset }: OutputExplanation, row: ShownRow): object {
  const picture = pictureOf(dataset.featureShape);
  const values = row.features.map((value, i) => ({ name: dataset.featureNames?.[i] ?? `value ${i}`, value }));
  return {
    ...(row.text !== undefined && { text: row.text }),
    ...(picture && { picture: pngDataUri(picture, row.features) }),
    ...(showsValues(dataset, row) && { values }),
  };
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
