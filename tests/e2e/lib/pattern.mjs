// Reads the test pattern of `reeltime publish` back from a recording: eight by eight cells (src/publish/painter.h), of
// which the upper half counts the pictures and the lowest two rows flash with the beep at each full second.

import { run } from './run.mjs';
import { soundStarts } from './probe.mjs';

const cells = 8;
const grey = cells * cells;
const white = value => value > 125;

export function readNumber(picture) {
  return picture.subarray(0, 4 * cells).reduce((n, value) => n * 2 + (white(value) ? 1 : 0), 0);
}

export const readFlash = picture => picture.subarray(6 * cells).every(white);

// All pictures in the order in which they are shown: [{ at, number, flash }], `at` in seconds of the file's own times.
export async function patternPictures(file) {
  const { code, stdout, stderr } = await run('ffmpeg', ['-nostdin', '-nostats', '-v', 'info', '-copyts', '-i', file,
    '-map', '0:v:0', '-vf', `scale=${cells}:${cells}:flags=area,format=gray,showinfo`, '-fps_mode', 'passthrough',
    '-f', 'rawvideo', '-'], { raw: true });
  const base = /config in time_base: (\d+)\/(\d+)/.exec(stderr);
  if (code !== 0 || !base)
    throw new Error(`ffmpeg ${file}: ${stderr.slice(-300)}`);
  const times = [...stderr.matchAll(/ n: *\d+ pts: *(-?\d+) /g)].map(m => Number(m[1]) * Number(base[1]) / Number(base[2]));
  if (times.length * grey !== stdout.length)
    throw new Error(`${file}: ${times.length} times for ${stdout.length / grey} pictures`);
  return times.map((at, i) => {
    const picture = stdout.subarray(i * grey, (i + 1) * grey);
    return { at, number: readNumber(picture), flash: readFlash(picture) };
  });
}

// When the flashes begin, in seconds; one that is lit in the very first picture has no beginning.
export const flashes = pictures =>
  pictures.filter((picture, i) => i > 0 && picture.flash && !pictures[i - 1].flash).map(picture => picture.at);

// When the beeps begin, in seconds.
export const beeps = soundStarts;

// What is wrong with the counter, as sentences: a number missing between the first and the last, one twice, one out of
// order.
export function counterProblems(pictures) {
  return pictures.slice(1).flatMap(({ number, at }, i) => {
    const before = pictures[i].number;
    return number === before + 1 ? [] : [`${number} follows ${before} at ${at.toFixed(3)} s`];
  });
}

// For each flash, by how many ms its beep is later. `from` leaves out what begins earlier in the file.
export function beepDelays(flashTimes, beepTimes, from = 0) {
  const nearest = at => beepTimes.reduce((best, beep) => (Math.abs(beep - at) < Math.abs(best - at) ? beep : best), Infinity);
  return flashTimes.filter(at => at >= from).map(at => (nearest(at) - at) * 1000);
}
