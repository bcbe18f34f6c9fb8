// The part of bench/run that measures. Prints a line for each run, then the tables; see bench/run.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { describeRun } from './lib/describe.mjs';
import { gstreamerRun } from './lib/gstreamer.mjs';
import { janusRun } from './lib/janus.mjs';
import { clipSays, makeClip } from './lib/load.mjs';
import { tree } from './lib/process.mjs';
import { reeltimeRun } from './lib/reeltime.mjs';
import { tablesOf } from './lib/report.mjs';

const { values: options } = parseArgs({ options: {
  quick: { type: 'boolean', default: false },
  seconds: { type: 'string' },
  only: { type: 'string', default: 'reeltime,limit,janus,gstreamer,describe' },
  'write-docs': { type: 'boolean', default: false },
} });
const seconds = Number(options.seconds ?? (options.quick ? 4 : 20));
const groups = new Set(options.only.split(','));
const counts = [1, 20, 100];
const limitTries = options.quick ? [0.85, 0.5] : [0.9, 0.75, 0.6, 0.45, 0.3], limitMost = 400;

const watchdog = setTimeout(() => {
  console.error('bench: it takes too long; given up');
  process.exit(1);
}, (options.quick ? 12 : 45) * 60000);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => process.exit(130));

const result = {
  when: new Date().toISOString(), quick: options.quick, seconds, clip: clipSays,
  machine: {
    cores: os.cpus().length, model: os.cpus()[0].model.replace(/\(R\)|\(TM\)|Processor|CPU|@.*$/g, ' ').replace(/\s+/g, ' ').trim(),
    system: /PRETTY_NAME="([^"]+)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux',
    kernel: os.release().match(/^\d+\.\d+/)[0], loadBefore: os.loadavg()[0],
  },
  rows: [], describe: null,
};

const percent = value => `${value.toFixed(2)} % of a core a stream`;

function add(recorder, output, streams, figures) {
  result.rows.push({ recorder, output, streams, ...figures });
  const what = `${recorder}, ${output}, ${streams}`;
  console.log(figures.refused ? `  ${what}: n/a (${figures.refused})`
    : `  ${what}: ${percent(figures.cpuPerStream)}, ${figures.memoryPerStream.toFixed(2)} MiB${figures.trouble ? `; ${figures.trouble}` : ''}`);
}

// A run that fails is a row without figures, not the end.
async function attempt(recorder, output, streams, run) {
  try {
    return await run();
  } catch (err) {
    add(recorder, output, streams, { refused: err.message.split('\n')[0] });
    return null;
  }
}

// Why a run is not one that goes; null when it does.
function trouble(figures, streams) {
  const nominal = result.rows.find(row => row.recorder === 'Reeltime' && row.streams === 20 && row.sentPackets);
  const wanted = nominal ? nominal.sentPackets / nominal.streams * streams : 0;
  if (figures.sentPackets < 0.9 * wanted)
    return 'the load could not send all';
  if (figures.drops > 0)
    return `the kernel dropped ${figures.drops} datagrams`;
  if (figures.lost > 0)
    return `${figures.lost} packets were lost`;
  if (figures.aacDropped > 0)
    return `${figures.aacDropped} sound packets were not encoded`;
  if (figures.aacBehind > 1)
    return `the sound is ${figures.aacBehind.toFixed(1)} s behind`;
  if (figures.overflows > 0)
    return 'the disk queue was full';
  return figures.undelivered ?? null;
}

async function reeltimeRows(output, streams, { withIngest = false } = {}) {
  const run = await attempt('Reeltime', output, streams, () => reeltimeRun({ count: streams, output, seconds }));
  if (!run)
    return;
  if (withIngest)
    add('Reeltime', 'received only', streams, { ...run.ingest, trouble: trouble(run.ingest, streams) });
  add('Reeltime', output, streams, run.refused ? { refused: run.refused }
    : { ...run.recorded, trouble: trouble(run.recorded, streams) });
}

const rowOf = (recorder, output, streams) => result.rows.find(row =>
  row.recorder === recorder && row.output === output && row.streams === streams && !row.refused);

// As many as go: first so many as should nearly fill the core by the rows of 100 or 20, then fewer.
async function limit(output) {
  const known = [100, 20].map(streams => rowOf('Reeltime', output, streams)).find(row => row && !row.trouble);
  if (!known)
    return;
  const most = Math.min(limitMost, 100 / known.cpuPerStream);
  for (const part of limitTries) {
    const streams = Math.floor(most * part / 10) * 10;
    if (streams < 10)
      return;
    const run = await attempt('Reeltime', output, streams, () => reeltimeRun(
      { count: streams, output: output === 'received only' ? null : output, seconds }));
    const figures = run?.recorded ?? run?.ingest;
    if (!figures)
      continue;
    const why = trouble(figures, streams);
    add('Reeltime', output, streams, { ...figures, trouble: why, limit: true });
    if (!why)
      return;
  }
}

async function compareWith(recorder, output, run) {
  for (const streams of counts) {
    const before = rowOf(recorder, output, 20);
    if (before && before.cpuPerStream * streams > 120) {
      add(recorder, output, streams, { refused: `at ${percent(before.cpuPerStream)} one core is not enough` });
      continue;
    }
    const figures = await attempt(recorder, output, streams, () => run(streams));
    if (figures)
      add(recorder, output, streams, figures.drops > 0 ? { ...figures, trouble: `the kernel dropped ${figures.drops} datagrams` } : figures);
  }
}

console.log(`${result.machine.cores} cores of ${result.machine.model}, ${result.machine.system}, Linux ${result.machine.kernel};`
  + ` load average ${result.machine.loadBefore.toFixed(1)} before`);
console.log(`the load: ${clipSays}`);
await makeClip();
const began = Date.now();
if (groups.has('reeltime')) {
  for (const streams of counts) {
    await reeltimeRows('HLS', streams, { withIngest: true });
    for (const output of ['MP4', 'HLS+MP4'])
      await reeltimeRows(output, streams);
  }
  await reeltimeRows('HLS, picture only', 20);
}
if (groups.has('limit'))
  for (const output of ['received only', 'HLS', 'MP4', 'HLS+MP4'])
    await limit(output);
if (groups.has('janus'))
  await compareWith('Janus', 'RTP dump (.mjr)', streams => janusRun({ count: streams, seconds }));
if (groups.has('gstreamer')) {
  await compareWith('GStreamer', 'MP4, sound to AAC', streams => gstreamerRun({ count: streams, seconds, aac: true }));
  const figures = await attempt('GStreamer', 'MP4, sound as it is', 20, () => gstreamerRun({ count: 20, seconds, aac: false }));
  if (figures)
    add('GStreamer', 'MP4, sound as it is', 20, figures);
}
if (groups.has('describe')) {
  result.describe = await describeRun({ seconds: Math.max(5, seconds) }).catch(err => ({ refused: err.message.split('\n')[0] }));
  console.log(`  Describe: ${result.describe.refused ?? `${result.describe.perSecond.toFixed(0)} a second`}`);
}
clearTimeout(watchdog);
result.tookSeconds = Math.round((Date.now() - began) / 1000);
result.machine.loadAfter = os.loadavg()[0];

await mkdir(`${tree}build/bench`, { recursive: true });
const name = `build/bench/${result.when.replace(/[:.]/g, '-')}.json`;
for (const file of [name, 'build/bench/latest.json'])
  await writeFile(tree + file, `${JSON.stringify(result, null, 2)}\n`);
const tables = tablesOf(result);
console.log(`\n${tables}\n\n${result.tookSeconds} s; as JSON: ${name}`);

if (options['write-docs']) {
  const page = `${tree}docs/performance.md`;
  const [begin, end] = ['<!-- bench: begin -->', '<!-- bench: end -->'];
  const text = await readFile(page, 'utf8');
  if (!text.includes(begin) || !text.includes(end))
    throw new Error(`${page} has no place for the tables (${begin} ... ${end})`);
  await writeFile(page, text.slice(0, text.indexOf(begin) + begin.length) + `\n${tables}\n` + text.slice(text.indexOf(end)));
  console.log('written into docs/performance.md');
}
