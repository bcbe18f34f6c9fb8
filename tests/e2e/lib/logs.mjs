// Where the daemon's log of a test stays, for whoever has to find out why it failed.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.env.REELTIME_LOGS ?? fileURLToPath(new URL('../../../build/e2e-logs/', import.meta.url));

export const logFile = name => path.join(folder, `${name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 80)}.txt`);

export function keepLog(name, text) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(logFile(name), text);
}

// The last lines of the log of a test, or null when there is none.
export function logTail(name, lines = 40) {
  try {
    return readFileSync(logFile(name), 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return null;
  }
}
