// The browser as a player: a sound recording plays to its end, a broken one is noticed.

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Browser } from '../browser.mjs';
import { coveredSeconds, checkPlaylist } from '../hls.mjs';
import { makeRecording } from './fixture.mjs';

test('Chromium plays a sound recording and complains about a broken one', { timeout: 90000 }, async t => {
  const browser = await Browser.start();
  t.after(() => browser.stop());
  for (const type of ['video', 'audio']) {
    const recording = await makeRecording(type);
    t.after(recording.remove);
    const { list } = await checkPlaylist(recording.folder, recording.want);
    const played = await browser.play(recording.folder, `${recording.stem}.m3u8`, [1]);
    assert.ok(played.ended);
    assert.ok(Math.abs(played.duration - coveredSeconds(list)) < 0.1, `${played.duration} s`);
    assert.deepEqual(played.sizes, [type === 'video' ? '320x180' : '0x0']);

    await rm(path.join(recording.folder, list.segments.at(-1).uri));
    await assert.rejects(browser.play(recording.folder, `${recording.stem}.m3u8`), /media error|no \w+ within/);
  }
});
