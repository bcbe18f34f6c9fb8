// Checks a finished recording against files.md 2: every rule that can be read off the files. A check returns
// sentences about what is wrong; none means sound.

import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { utcMs } from './names.mjs';
import { parsePlaylist } from './playlist.mjs';
import { decodeErrors, pictureSizes, probePackets } from './probe.mjs';
import { pool } from './run.mjs';
import { tsProblems } from './ts.mjs';

const aac = 86018;
const h264 = 27;
const toleranceMs = 2;
const aacFrameMs = 1024 / 48;

export const streamTypes = { audio: 0, video: 1, audiovideo: 2 };

// --- the playlist alone ---

function headerProblems(list, { type, userId, media }) {
  const wanted = {
    version: 3, allowCache: 'NO', mediaSequence: 0, mediaId: media, userId, mixStream: 0, streamType: streamTypes[type],
  };
  const problems = Object.entries(wanted)
    .filter(([field, value]) => list[field] !== value)
    .map(([field, value]) => `${field} is ${list[field]}, not ${value}`);
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} \+0800$/.test(list.trtcDate))
    problems.push(`TRTC-DATE is ${list.trtcDate}`);
  if (!/^[0-9a-zA-Z.+-]{1,40}$/.test(list.trtcVersion))
    problems.push(`TRTC-VERSION is ${list.trtcVersion}`);
  return problems;
}

function durationProblems(list) {
  const longest = Math.max(0, ...list.segments.map(s => Math.round(s.seconds)));
  return list.targetDuration < longest ? [`TARGETDURATION ${list.targetDuration} is below ${longest}`] : [];
}

function segmentLineProblems(segment, stem) {
  const problems = [];
  const digits = segment.uri.slice(stem.length + 1, -3);
  if (!segment.uri.startsWith(`${stem}_`) || !/^\d{17}$/.test(digits))
    problems.push(`name is not ${stem}_<17 digits>.ts`);
  else if (utcMs(digits) !== segment.startMs)
    problems.push(`FILE-ATTR ${segment.startMs} differs from the name's ${utcMs(digits)}`);
  if (!(segment.seconds > 0))
    problems.push(`EXTINF ${segment.seconds}`);
  return problems;
}

function metadataProblems(segment, type) {
  const problems = [];
  const { audio, video } = segment;
  if (type === 'audio' && video)
    problems.push('video metadata in an audio playlist');
  if (type === 'video' && audio)
    problems.push('audio metadata in a video playlist');
  if (type === 'audio' && !audio)
    problems.push('no audio metadata');
  if (type === 'video' && !video)
    problems.push('no video metadata');
  if (audio && (audio.codec !== aac || audio.sampleFormat !== 1 || audio.sampleRate !== 48000))
    problems.push(`audio metadata ${JSON.stringify(audio)}`);
  if (video && video.codec !== h264)
    problems.push(`video codec ${video.codec}`);
  return problems;
}

const sameFormat = (a, b) => JSON.stringify([a.audio, a.video]) === JSON.stringify([b.audio, b.video]);

// How a segment follows its predecessor.
function joinProblems(before, segment) {
  const problems = [];
  const gapMs = segment.startMs - (before.startMs + before.seconds * 1000);
  if (gapMs < -toleranceMs)
    problems.push(`begins ${(-gapMs).toFixed(1)} ms before its predecessor ends`);
  if (gapMs > toleranceMs && !segment.discontinuity)
    problems.push(`a gap of ${gapMs.toFixed(1)} ms without DISCONTINUITY`);
  if (gapMs > toleranceMs && segment.dateTimeMs === undefined)
    problems.push(`a gap of ${gapMs.toFixed(1)} ms without PROGRAM-DATE-TIME`);
  if (!sameFormat(before, segment) && !segment.discontinuity)
    problems.push('another format without DISCONTINUITY');
  return problems;
}

export function playlistProblems(list, want) {
  const problems = [...headerProblems(list, want), ...durationProblems(list)];
  if (want.ended !== list.ended)
    problems.push(list.ended ? 'ENDLIST although the recording goes on' : 'no ENDLIST');
  if (list.segments.length === 0)
    problems.push('no segments');
  list.segments.forEach((segment, i) => {
    const before = list.segments[i - 1];
    const found = [...segmentLineProblems(segment, want.stem), ...metadataProblems(segment, want.type)];
    if (before)
      found.push(...joinProblems(before, segment));
    else if (segment.dateTimeMs === undefined)
      found.push('no PROGRAM-DATE-TIME at the first segment');
    if (segment.dateTimeMs !== undefined && segment.dateTimeMs !== segment.startMs)
      found.push(`PROGRAM-DATE-TIME ${segment.dateTimeMs} is not FILE-ATTR ${segment.startMs}`);
    problems.push(...found.map(text => `segment ${i}: ${text}`));
  });
  return problems;
}

// --- segments against the playlist ---

// First presentation time and covered span of one stream's packets, ms. The span is known up to the duration of the
// last frame, which lies between `shortest` and `longest`. Beside video, which decides where a segment ends, the last
// frame of the audio may reach over that end.
function spanMs(packets, type, besideVideo) {
  const times = packets.map(p => p.pts * 1000).sort((a, b) => a - b);
  const first = times[0];
  const last = times.at(-1);
  if (type === 'audio')
    return { first, shortest: last - first + (besideVideo ? 0 : aacFrameMs - 1), longest: last - first + aacFrameMs + 1 };
  const widest = Math.max(40, ...times.slice(1).map((t, i) => t - times[i]));
  return { first, shortest: last - first, longest: last - first + 2 * widest };
}

function orderProblems(packets) {
  return packets.slice(1).some((p, i) => p.dts !== null && packets[i].dts !== null && p.dts <= packets[i].dts)
    ? ['decoding times do not rise'] : [];
}

function videoProblems(stream, packets, sizes, segment) {
  const problems = orderProblems(packets);
  if (stream.codec !== 'h264')
    problems.push(`video is ${stream.codec}`);
  if (!packets[0].key)
    problems.push('does not begin with a key frame');
  const tagged = segment.video ? `${segment.video.width}x${segment.video.height}` : 'nothing';
  if (sizes.length !== 1 || sizes[0] !== tagged)
    problems.push(`pictures are ${sizes.join(' and ')}, the metadata says ${tagged}`);
  return problems;
}

function audioProblems(stream, packets, segment) {
  const problems = orderProblems(packets);
  if (stream.codec !== 'aac')
    problems.push(`audio is ${stream.codec}`);
  if (segment.audio && (stream.sampleRate !== segment.audio.sampleRate || stream.channels !== segment.audio.channels))
    problems.push(`audio has ${stream.channels} channels at ${stream.sampleRate}, not as the metadata says`);
  return problems;
}

const wantedStreams = { audio: [['audio']], video: [['video']], audiovideo: [['audio', 'video'], ['audio'], ['video']] };

// The frames of a segment, by ffprobe and ffmpeg, against its lines in the playlist.
async function frameProblems(file, segment, list, type) {
  const { streams, packets } = await probePackets(file);
  const kinds = streams.map(s => s.type).sort();
  if (!wantedStreams[type].some(wanted => wanted.join() === kinds.join()))
    return [`holds ${kinds.join(' and ') || 'no streams'}`];

  const problems = [];
  const spans = [];
  for (const stream of streams) {
    const own = packets.filter(p => p.stream === stream.index);
    if (own.length === 0)
      return [...problems, `an empty ${stream.type} stream`];
    spans.push(spanMs(own, stream.type, streams.length > 1));
    problems.push(...(stream.type === 'audio'
      ? audioProblems(stream, own, segment)
      : videoProblems(stream, own, await pictureSizes(file), segment)));
  }
  return [...problems, ...timeProblems(spans, segment, list)];
}

// START-REC-TIME, FILE-ATTR and EXTINF against the times of the frames.
function timeProblems(spans, segment, list) {
  const problems = [];
  const first = Math.min(...spans.map(s => s.first));
  const off = list.startRecTime + first - segment.startMs;
  if (Math.abs(off) > toleranceMs)
    problems.push(`START-REC-TIME + first PTS is ${off.toFixed(2)} ms off FILE-ATTR`);
  const length = bound => Math.max(...spans.map(s => s.first - first + s[bound]));
  const extinf = segment.seconds * 1000;
  if (extinf < length('shortest') - toleranceMs || extinf > length('longest') + toleranceMs)
    problems.push(`EXTINF ${segment.seconds} but frames span ${(length('shortest') / 1000).toFixed(4)}`
      + ` to ${(length('longest') / 1000).toFixed(4)} s`);
  return problems;
}

async function segmentProblems(folder, segment, list, type) {
  const file = path.join(folder, segment.uri);
  const bytes = await readFile(file);
  const problems = tsProblems(bytes);
  if (bytes.length !== segment.bytes)
    problems.push(`has ${bytes.length} bytes, FILE-ATTR says ${segment.bytes}`);
  problems.push(...await frameProblems(file, segment, list, type).catch(err => [err.message]));
  const noise = await decodeErrors(file);
  if (noise)
    problems.push(`ffmpeg says: ${noise.split('\n')[0]}`);
  return problems;
}

// Checks one playlist and its segments. `want`: { stem, type, userId, media, ended }.
// Returns { list, problems }; `list` is null when the playlist cannot be read.
export async function checkPlaylist(folder, want) {
  const name = `${want.stem}.m3u8`;
  const full = { media: 'main', ended: true, ...want };
  let list;
  try {
    list = parsePlaylist(await readFile(path.join(folder, name), 'utf8'));
  } catch (err) {
    return { list: null, problems: [`${name}: ${err.message}`] };
  }
  const problems = playlistProblems(list, full);
  const found = await pool(list.segments, 2, segment =>
    segmentProblems(folder, segment, list, full.type).catch(err => [err.message]));
  found.forEach((some, i) => problems.push(...some.map(text => `segment ${i}: ${text}`)));
  const noise = await decodeErrors(path.join(folder, name));
  if (noise)
    problems.push(`ffmpeg says of the playlist: ${noise.split('\n')[0]}`);
  return { list, problems: problems.map(text => `${name}: ${text}`) };
}

// Files in the folder that no playlist of `lists` accounts for.
export async function strays(folder, lists) {
  const known = new Set(lists.flatMap(({ stem, list }) => [`${stem}.m3u8`, ...list.segments.map(s => s.uri)]));
  return (await readdir(folder)).filter(name => !known.has(name));
}

// The folder of a task's files somewhere below a bucket root.
export async function taskFolder(root, taskId) {
  for (const entry of await readdir(root, { recursive: true }))
    if (path.basename(entry) === taskId && (await stat(path.join(root, entry))).isDirectory())
      return path.join(root, entry);
  throw new Error(`no folder ${taskId} below ${root}`);
}

export const coveredSeconds = list => list.segments.reduce((sum, s) => sum + s.seconds, 0);
