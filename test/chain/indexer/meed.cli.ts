/** The command line from the sources, for tests that run it as a process. */
import { main } from '../../../src/cli/main.js';

await main(process.argv);
