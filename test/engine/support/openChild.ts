/** Opens the device that it is told and says what came of it, as JSON. */
import { type DeviceChoice, openEngine } from '../../../src/engine/index.js';
import { messageOf } from '../../../src/foundation/index.js';

const device = process.argv[2] as DeviceChoice;
try {
  const engine = await openEngine({ engine: 'onnxruntime', device, threads: 1, strict: 'strict' });
  process.stdout.write(JSON.stringify({ opened: engine.device }));
} catch (error) {
  process.stdout.write(JSON.stringify({ problem: messageOf(error) }));
}
