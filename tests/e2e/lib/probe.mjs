// What other programs see in a file.

import { run } from './run.mjs';

async function ffprobe(args) {
  const { code, stdout, stderr } = await run('ffprobe', ['-v', 'error', '-of', 'json', ...args]);
  if (code !== 0 || stderr.trim() !== '')
    throw new Error(`ffprobe ${args.at(-1)}: ${stderr.trim() || `code ${code}`}`);
  return JSON.parse(stdout);
}

const seconds = text => (text === undefined || text === 'N/A' ? null : Number(text));

// Streams and packets: { streams: [{ index, type, codec, width, height, sampleRate, channels }],
//   packets: [{ stream, pts, dts, duration, key, size }] }, times in seconds.
export async function probePackets(file) {
  const found = await ffprobe(['-show_streams', '-show_packets', '-show_entries',
    'stream=index,codec_type,codec_name,width,height,sample_rate,channels:'
    + 'packet=stream_index,pts_time,dts_time,duration_time,flags,size', file]);
  return {
    streams: found.streams.map(s => ({
      index: s.index, type: s.codec_type, codec: s.codec_name, width: s.width, height: s.height,
      sampleRate: Number(s.sample_rate), channels: s.channels,
    })),
    packets: found.packets.map(p => ({
      stream: p.stream_index, pts: seconds(p.pts_time), dts: seconds(p.dts_time),
      duration: seconds(p.duration_time), key: p.flags.startsWith('K'), size: Number(p.size),
    })),
  };
}

// The sizes of all decoded pictures, each once, as "640x360".
export async function pictureSizes(file) {
  const { frames } = await ffprobe(['-select_streams', 'v:0', '-show_entries', 'frame=width,height', file]);
  return [...new Set(frames.map(f => `${f.width}x${f.height}`))];
}

// Decodes everything. Gives what ffmpeg says about it at level error: nothing, for a sound file. The times stay as
// they are: put on a grid of the guessed frame rate, as ffmpeg does by itself, two pictures may get the same.
export async function decodeErrors(file) {
  const { code, stderr } = await run('ffmpeg',
    ['-nostdin', '-v', 'error', '-i', file, '-map', '0', '-fps_mode', 'passthrough', '-enc_time_base', '-1',
      '-f', 'null', '-']);
  if (code !== 0)
    return `code ${code}: ${stderr.trim()}`;
  return stderr.trim();
}

// The loudest sample in dB below full scale (0 is full, -91 is digital silence of 16 bits).
export async function peakDb(file) {
  const { stderr } = await run('ffmpeg',
    ['-nostdin', '-v', 'info', '-i', file, '-map', '0:a', '-af', 'volumedetect', '-f', 'null', '-']);
  const m = /max_volume: (-?[\d.]+) dB/.exec(stderr);
  if (!m)
    throw new Error(`no sound in ${file}: ${stderr.slice(-300)}`);
  return Number(m[1]);
}

// Runs a filter over one stream with the file's own times kept, and gives what ffmpeg writes.
async function filtered(file, stream, filter) {
  const { code, stdout, stderr } = await run('ffmpeg', ['-nostdin', '-nostats', '-v', 'info', '-copyts', '-i', file,
    '-map', `0:${stream}:0`, '-filter', filter, '-fps_mode', 'passthrough', '-f', 'null', '-']);
  if (code !== 0)
    throw new Error(`ffmpeg ${file}: ${stderr.slice(-300)}`);
  return { stdout, stderr };
}

// When sound begins after at least 0.3 s of silence, in seconds.
export async function soundStarts(file) {
  const { stderr } = await filtered(file, 'a', 'silencedetect=noise=-30dB:duration=0.3');
  return [...stderr.matchAll(/silence_end: ([\d.]+) /g)].map(m => Number(m[1]));
}

// The mean brightness of each picture: [{ at, value }], seconds and 0 to 255.
export async function brightness(file) {
  const { stdout } = await filtered(file, 'v',
    'format=yuv420p,signalstats,metadata=mode=print:key=lavfi.signalstats.YAVG:file=-');
  return [...stdout.matchAll(/pts_time:([\d.]+)\s+lavfi.signalstats.YAVG=([\d.]+)/g)]
    .map(m => ({ at: Number(m[1]), value: Number(m[2]) }));
}

// When the picture turns from bright to dark, in seconds.
export async function picturesTurnDark(file) {
  const frames = (await brightness(file)).map(({ at, value }) => ({ at, dark: value < 100 }));
  return frames.filter((frame, i) => i > 0 && frame.dark && !frames[i - 1].dark).map(frame => frame.at);
}
