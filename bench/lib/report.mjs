// The tables of a result of bench/run: ratios first.

import { number, table } from './table.mjs';

const at = (result, recorder, output, streams) => result.rows.find(row =>
  row.recorder === recorder && row.output === output && row.streams === streams && !row.refused);

const times = (a, b) => (a && b ? `${(a / b).toFixed(1)} times` : 'n/a');

function ratios(result) {
  const n = 20, ours = output => at(result, 'Reeltime', output, n), janus = at(result, 'Janus', 'RTP dump (.mjr)', n);
  const gst = at(result, 'GStreamer', 'MP4, sound to AAC', n), plain = at(result, 'GStreamer', 'MP4, sound as it is', n);
  const mp4 = ours('MP4') ?? ours('HLS'), name = ours('MP4') ? 'MP4' : 'HLS';
  const received = ours('received only'), picture = ours('HLS, picture only');
  const rows = [
    [`GStreamer writes MP4 with AAC / Reeltime writes ${name} with AAC`, times(gst?.cpuPerStream, mp4?.cpuPerStream),
      times(gst?.memoryPerStream, mp4?.memoryPerStream)],
    ['GStreamer writes MP4, no sound is encoded / Reeltime writes HLS, picture only',
      times(plain?.cpuPerStream, picture?.cpuPerStream), times(plain?.memoryPerStream, picture?.memoryPerStream)],
    ['Janus dumps RTP / Reeltime receives', times(janus?.cpuPerStream, received?.cpuPerStream),
      times(janus?.memoryPerStream, received?.memoryPerStream)],
    ['Janus dumps RTP / Reeltime writes HLS, picture only', times(janus?.cpuPerStream, picture?.cpuPerStream),
      times(janus?.memoryPerStream, picture?.memoryPerStream)],
    [`Janus dumps RTP and makes files of it (sound stays Opus) / Reeltime writes ${name} with AAC`,
      times(janus && janus.cpuPerStream + janus.postPercentPerStream, mp4?.cpuPerStream),
      times(janus?.memoryPerStream, mp4?.memoryPerStream)],
    ['Reeltime writes HLS with AAC / receives only', times(ours('HLS')?.cpuPerStream, received?.cpuPerStream),
      times(ours('HLS')?.memoryPerStream, received?.memoryPerStream)],
  ];
  return table([`At ${n} streams`, 'CPU', 'memory'], rows);
}

const lossText = row => row.trouble ?? (row.lost === undefined ? `${row.drops}` : `${row.lost + row.drops}`);

function costs(result) {
  const rows = result.rows.filter(row => !row.refused).map(row => [
    `${row.recorder}: ${row.output}`, row.limit ? `${row.streams} (${row.trouble ? 'too many' : 'most'})` : row.streams, number(row.cpuPerStream, 2),
    number(row.memoryPerStream, 2), number(row.packets, 0), number(row.packets / (row.cpu / 100), 0), lossText(row),
    number(row.writtenPerMediaByte, 2),
  ]);
  return table(['Recorder', 'streams', '% of a core a stream', 'MiB a stream', 'packets/s', 'packets/s a core', 'lost datagrams',
    'bytes written a media byte'], rows);
}

const both = value => (value?.median === null || value === undefined ? 'n/a' : `${value.median} (${value.max})`);

function delays(result) {
  const rows = result.rows.filter(row => row.firstFrame).map(row => [
    `${row.output}`, row.streams, both(row.firstFrame), both(row.deleteAnswered), both(row.to305), both(row.to310),
  ]);
  return table(['Reeltime, ms: median (longest)', 'streams', 'Create to first stored frame', 'Delete to its answer',
    'Delete to event 305', 'Delete to event 310'], rows);
}

function refusals(result) {
  const refused = new Map();
  for (const row of result.rows.filter(one => one.refused)) {
    const name = `${row.recorder}, ${row.output}`, key = `${name}\n${row.refused}`;
    refused.set(key, [...refused.get(key) ?? [], row.streams]);
  }
  const lines = [...refused].map(([key, streams]) =>
    `* ${key.split('\n')[0]}, ${streams.join(', ')} streams: ${key.split('\n')[1]}`);
  return lines.length ? `Not available:\n\n${lines.join('\n')}` : '';
}

function describe({ describe: d }) {
  if (!d)
    return '';
  if (d.refused)
    return `DescribeCloudRecording: not measured (${d.refused}).`;
  return `DescribeCloudRecording on ${d.connections} keep-alive connections while ${d.streams} streams are recorded, no rate limit: `
    + `**${number(d.perSecond, 0)} a second**, median ${number(d.p50)} ms, 99th percentile ${number(d.p99)} ms; `
    + `the daemon took ${number(d.cpu, 0)} % of its core.`;
}

export function tablesOf(result) {
  const { machine: m } = result;
  const post = at(result, 'Janus', 'RTP dump (.mjr)', 20)?.postPercentPerStream;
  const notes = [
    `Measured ${result.when.slice(0, 10)} on ${m.cores} cores of ${m.model}, ${m.system}, Linux ${m.kernel}; ${result.seconds} s a row.`
      + ` The recorder has one core, the load another. Load average ${number(m.loadBefore)} before, ${number(m.loadAfter)} after:`
      + ` ${m.loadBefore > 0.5 ? 'the machine had other work, so that these are upper bounds.' : 'the machine had nothing else to do.'}`,
    post ? `Making files of Janus's dumps (janus-pp-rec) takes ${number(post, 2)} % of a core a stream on top.` : '',
  ];
  return [ratios(result), notes.filter(Boolean).join('\n'), costs(result), delays(result), describe(result), refusals(result)]
    .filter(Boolean).join('\n\n');
}
