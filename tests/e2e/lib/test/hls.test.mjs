// The checks of hls.mjs themselves: quiet about a sound recording, and each defect found.

import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkPlaylist, playlistProblems, strays } from '../hls.mjs';
import { parsePlaylist } from '../playlist.mjs';
import { makeRecording } from './fixture.mjs';

const recordings = {};

before(async () => {
  for (const type of ['video', 'audio'])
    recordings[type] = await makeRecording(type);
});

after(async () => {
  for (const recording of Object.values(recordings))
    await recording.remove();
});

for (const type of ['video', 'audio'])
  test(`a sound ${type} recording has no problems`, async () => {
    const { folder, stem, want } = recordings[type];
    const { list, problems } = await checkPlaylist(folder, want);
    assert.deepEqual(problems, []);
    assert.ok(list.segments.length >= 3);
    assert.deepEqual(await strays(folder, [{ stem, list }]), []);
  });

// [name, edit of the playlist's text, what must be said]
const badPlaylists = [
  ['tags out of order', t => t.replace(/(#EXT-X-VERSION:3)\n(#EXT-X-ALLOW-CACHE:NO)/, '$2\n$1'), /VERSION: wanted/],
  ['unknown tag', t => t.replace('#EXT-X-TRTC-VIDEO', '#EXT-X-OTHER:1\n#EXT-X-TRTC-VIDEO'), /unknown line/],
  ['no comma after EXTINF', t => t.replace(/(#EXTINF:[\d.]+),/, '$1'), /no EXTINF/],
  ['no last newline', t => t.trimEnd(), /does not end in LF/],
  ['CRLF', t => t.replaceAll('\n', '\r\n'), /CR/],
  ['line after ENDLIST', t => `${t}#EXT-X-DISCONTINUITY\n`, /after ENDLIST/],
  ['no ENDLIST', t => t.replace('#EXT-X-ENDLIST\n', ''), /no ENDLIST/],
  ['TARGETDURATION too small', t => t.replace('TARGETDURATION:1', 'TARGETDURATION:0'), /TARGETDURATION 0 is below 1/],
  ['other user', t => t.replace('USER-ID:alice', 'USER-ID:bob'), /userId is bob/],
  ['other stream type', t => t.replace('STREAM-TYPE:1', 'STREAM-TYPE:2'), /streamType is 2/],
  ['build date without zone', t => t.replace(' +0800', ''), /TRTC-DATE/],
  ['no video metadata', t => t.replace(/#EXT-X-TRTC-VIDEO.*\n/, ''), /no video metadata/],
  ['no date and time at the start', t => t.replace(/#EXT-X-PROGRAM.*\n/, ''), /no PROGRAM-DATE-TIME/],
  ['date and time off by 7 ms', t => t.replace(/(PROGRAM-DATE-TIME:.*\.)\d{3}Z/, '$1170Z'), /is not FILE-ATTR/],
  ['FILE-ATTR off by 1 ms', t => t.replace('ATTR:1735707618163', 'ATTR:1735707618164'), /differs from the name/],
  ['gap without DISCONTINUITY', t => t.replace('#EXTINF:1.0000', '#EXTINF:0.9000'), /gap of 100.0 ms without DISC/],
  ['overlap', t => t.replace('#EXTINF:1.0000', '#EXTINF:1.1000'), /100.0 ms before its predecessor ends/],
  ['zero EXTINF', t => t.replace('#EXTINF:1.0000', '#EXTINF:0.0000'), /EXTINF 0/],
  ['other size without DISCONTINUITY',
    t => t.replace(/#EXT-X-TRTC-FILE-ATTR:1735707618163/,
      '#EXT-X-TRTC-VIDEO-METADATA:WIDTH:160 HEIGHT:90 Codec:27\n$&'), /another format without DISCONTINUITY/],
];

function problemsOf(text, want) {
  try {
    return playlistProblems(parsePlaylist(text), want);
  } catch (err) {
    return [err.message];
  }
}

describe('bad playlists', () => {
  for (const [name, edit, said] of badPlaylists)
    test(name, async () => {
      const { playlist, want } = recordings.video;
      const sound = await readFile(playlist, 'utf8');
      const bad = edit(sound);
      assert.notEqual(bad, sound, 'the edit changed nothing');
      assert.deepEqual(problemsOf(sound, want), []);
      assert.match(problemsOf(bad, want).join('\n'), said);
    });
});

const middle = text => parsePlaylist(text).segments[1].uri;

// [name, type, edit of the bytes of the middle segment, edit of the playlist, what must be said]
const badSegments = [
  ['bytes differ', 'video', b => b.subarray(0, b.length - 188), t => t, /bytes, FILE-ATTR says/],
  ['half a packet', 'video', b => b.subarray(0, b.length - 100), t => t, /no whole number of TS packets/],
  ['a lost packet', 'video', b => Buffer.concat([b.subarray(0, 188 * 20), b.subarray(188 * 21)]), t => t, /continuity of PID/],
  ['no PAT in front', 'audio', b => b.subarray(188), t => t, /does not begin with a PAT/],
  ['EXTINF too long', 'audio', b => b, t => t.replace(/(#EXTINF:)([\d.]+)(,\n.*\n#EXT-X-ENDLIST)/, '$15.0000$3'), /but frames span/],
  ['metadata of another size', 'video', b => b, t => t.replace('WIDTH:320', 'WIDTH:640'), /pictures are 320x180, the metadata says 640x180/],
  ['other channel count', 'audio', b => b, t => t.replace('Channel:1', 'Channel:2'), /audio has 1 channels/],
  ['start off by 5 ms', 'video', b => b, t => t.replace(/(START-REC-TIME:\d+)163/, '$1168'), /off FILE-ATTR/],
  ['broken picture', 'video', b => {
    const copy = Buffer.from(b);
    copy.fill(0x55, 188 * 12 + 20, 188 * 13);
    return copy;
  }, t => t, /ffmpeg says/],
];

describe('bad segments', () => {
  for (const [name, type, editBytes, editText, said] of badSegments)
    test(name, async () => {
      const { folder, playlist, want } = recordings[type];
      const text = await readFile(playlist, 'utf8');
      const file = path.join(folder, middle(text));
      const bytes = await readFile(file);
      const badBytes = editBytes(bytes);
      const badText = editText(text);
      assert.ok(badText !== text || !badBytes.equals(bytes), 'the edit changed nothing');
      try {
        await writeFile(file, badBytes);
        await writeFile(playlist, badText);
        const { problems } = await checkPlaylist(folder, want);
        assert.match(problems.join('\n'), said);
      } finally {
        await writeFile(file, bytes);
        await writeFile(playlist, text);
      }
    });
});

test('a file that no playlist names is found', async () => {
  const { folder, stem, want } = recordings.audio;
  const extra = path.join(folder, 'left.ts.part');
  await writeFile(extra, '');
  const { list } = await checkPlaylist(folder, want);
  assert.deepEqual(await strays(folder, [{ stem, list }]), ['left.ts.part']);
  await rm(extra);
});
