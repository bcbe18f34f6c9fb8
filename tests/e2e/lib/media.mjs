// What is wrong with an MP4 or AAC file, and with what event 310 says of it (callbacks.md 4).

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { decodeErrors, probePackets } from './probe.mjs';

const kinds = { audio: ['audio'], video: ['video'], audio_video: ['audio', 'video'] };
const toleranceMs = 60;

// Start and end of each kind of stream: { audio: { from, to }, video: ... } in seconds, and the packets.
export async function mediaSpans(file) {
  const { streams, packets } = await probePackets(file);
  const spans = { streams, packets };
  for (const stream of streams) {
    const own = packets.filter(p => p.stream === stream.index);
    spans[stream.type] = {
      from: Math.min(...own.map(p => p.pts)), to: Math.max(...own.map(p => p.pts + (p.duration ?? 0))), packets: own,
    };
  }
  return spans;
}

// One entry of FileMessage against its file in `folder`.
export async function fileProblems(folder, message) {
  const file = path.join(folder, message.FileName);
  if (!await stat(file).catch(() => null))
    return [`${message.FileName} is not there`];
  const problems = [];
  const spans = await mediaSpans(file).catch(err => ({ failed: err.message }));
  if (spans.failed)
    return [spans.failed];
  const types = spans.streams.map(s => s.type).sort();
  if (types.join() !== kinds[message.TrackType].join())
    problems.push(`holds ${types}, 310 says ${message.TrackType}`);
  const end = Math.max(...types.map(type => spans[type].to)) * 1000;
  const told = message.EndTimeStamp - message.StartTimeStamp;
  if (Math.abs(end - told) > toleranceMs)
    problems.push(`ends at ${end.toFixed(0)} ms, 310 says ${told}`);
  const noise = await decodeErrors(file);
  if (noise)
    problems.push(`ffmpeg says: ${noise.split('\n')[0]}`);
  return problems.map(text => `${message.FileName}: ${text}`);
}

// The payload of a 310 with Status 0: the same files in both lists, all good.
export async function groupProblems(folder, payload) {
  const names = payload.FileMessage.map(m => m.FileName);
  const problems = [];
  if (payload.Status !== 0)
    problems.push(`Status ${payload.Status}`);
  if (names.length === 0 || names.join() !== payload.FileList.join())
    problems.push(`FileList ${payload.FileList}, FileMessage ${names}`);
  for (const message of payload.FileMessage)
    problems.push(...await fileProblems(folder, message));
  return problems;
}
