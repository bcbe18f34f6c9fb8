// Runs the test files, some at a time, and says how each test ended. Usage:
//   node run.mjs [--summary FILE] [--width N] [--only WORD] [file ...]
// Without files: the checks of our own tools, then all of tests/. The summary is JSON: { passed, failed, skipped:
// [reason], failures: [name] }. Exit code 1 when something failed or nothing ran.

import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { logFile, logTail } from './lib/logs.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    summary: { type: 'string' },
    width: { type: 'string', default: '2' },
    only: { type: 'string' },
  },
});

function listed() {
  if (positionals.length > 0)
    return positionals.map(name => path.resolve(name));
  return ['lib/test', 'tests'].flatMap(folder =>
    readdirSync(path.join(here, folder)).filter(name => name.endsWith('.test.mjs')).sort()
      .map(name => path.join(here, folder, name)));
}

const files = listed().filter(file => !options.only || file.includes(options.only));
const total = { passed: 0, failed: 0, skipped: [], failures: [] };

const spoke = new Set();    // files that reported anything

// Node reports a file that holds no tests, or a group, as a test too.
const isGroup = event => files.includes(event.name) || event.details?.type === 'suite';
// A test that failed only because one inside it did, which has been counted.
const failedInside = event => event.details?.error?.failureType === 'subtestsFailed';
const fileOf = event => (event.file?.startsWith('file:') ? fileURLToPath(event.file) : event.file);

function cause(error) {
  const inner = error?.cause ?? error;
  return inner?.stack ?? inner?.message ?? String(inner);
}

const stream = run({ files, concurrency: Number(options.width), timeout: 600000 });

stream.on('test:pass', event => {
  if (files.includes(event.name))
    return;
  spoke.add(fileOf(event));
  if (event.skip !== undefined || event.todo !== undefined) {
    total.skipped.push(`${event.name}: ${event.skip ?? event.todo}`);
    console.log(`skipped  ${event.name}: ${event.skip ?? event.todo}`);
  } else if (!isGroup(event)) {
    total.passed++;
    console.log(`passed  ${event.name} (${(event.details.duration_ms / 1000).toFixed(1)} s)`);
  }
});

function failed(name, text) {
  total.failed++;
  total.failures.push(name);
  const log = logTail(name);
  const tail = log ? `\n  the daemon's last words (${logFile(name)}):\n${log.replace(/^/gm, '    ')}` : '';
  console.log(`FAILED  ${name}\n${text.replace(/^/gm, '    ')}${tail}`);
}

stream.on('test:fail', event => {
  spoke.add(fileOf(event));
  if (!failedInside(event))
    failed(event.name, cause(event.details?.error));
});

stream.on('test:stderr', event => process.stderr.write(event.message));

stream.on('end', () => {
  for (const file of files.filter(name => !spoke.has(name)))
    failed(file, 'no test in it was run');
  console.log(`e2e: ${total.passed} passed, ${total.failed} failed, ${total.skipped.length} skipped`);
  if (options.summary)
    writeFileSync(options.summary, JSON.stringify(total));
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
});
stream.resume();
