/** The part of jsdom that Meed uses: a document to draw plots in. */
declare module 'jsdom' {
  export class JSDOM {
    constructor(html?: string);
    readonly window: { readonly document: Document; close(): void };
  }
}
