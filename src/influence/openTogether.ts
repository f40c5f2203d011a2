/**
 * Several things that are opened one after the other and closed together: when a later one cannot be opened (a program
 * does not compile, memory is too little), the earlier ones are closed before the error goes on, for nobody else knows them.
 */
export interface Closable {
  dispose(): Promise<void>;
}

/** Remembers what was opened, and gives it back. */
export type Keep = <T extends Closable>(opening: T | Promise<T>) => Promise<T>;

/**
 * @param open opens through `keep`; what it returns owns everything that was kept
 * @throws what `open` throws, after everything kept is disposed of, the last first
 */
export async function openTogether<R>(open: (keep: Keep) => Promise<R>): Promise<R> {
  const kept: Closable[] = [];
  try {
    return await open(async (opening) => {
      const opened = await opening;
      kept.push(opened);
      return opened;
    });
  } catch (problem) {
    for (const opened of kept.reverse()) await opened.dispose();
    throw problem;
  }
}
