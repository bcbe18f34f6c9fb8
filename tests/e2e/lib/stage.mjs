// What most tests need: a callback receiver, a daemon that knows it, a browser; and recordings driven by the SDK.

import assert from 'node:assert/strict';
import path from 'node:path';
import { Browser } from './browser.mjs';
import { Daemon, app } from './daemon.mjs';
import { allowedOrder } from './events.mjs';
import { GstPublisher } from './gstreamer.mjs';
import { checkPlaylist, strays, taskFolder } from './hls.mjs';
import { singleStem } from './names.mjs';
import { PatternPublisher } from './publish.mjs';
import { CallbackReceiver } from './receiver.mjs';
import { until } from './wait.mjs';

// A recording task as the customer sees it.
class Recording {
  constructor(stage, params, taskId) {
    Object.assign(this, { stage, params, taskId });
    this.key = { SdkAppId: app.sdkAppId, TaskId: taskId };
  }

  describe() {
    return this.stage.cloud.DescribeCloudRecording(this.key);
  }

  stop() {
    return this.stage.cloud.DeleteCloudRecording(this.key);
  }

  // The playlists Describe lists, once there are `count` of them.
  files(count, options) {
    return until(`Describe lists ${count} files`, async () => {
      const { StorageFileList } = await this.describe();
      return StorageFileList?.length >= count ? StorageFileList : null;
    }, options);
  }

  // Waits until the task is no longer known; every state on the way must be Exited.
  async gone(options) {
    const states = new Set();
    await until('the task is gone', async () => {
      try {
        states.add((await this.describe()).Status);
        return false;
      } catch (err) {
        if (err.code === 'ResourceNotFound')
          return true;
        throw err;
      }
    }, options);
    states.delete('Exited');
    assert.deepEqual([...states], [], 'states after the end');
  }

  // The folder in the bucket; it must lie under Bucket and FileNamePrefix.
  async folder() {
    const folder = await taskFolder(this.stage.daemon.buckets, this.taskId);
    const { Bucket, FileNamePrefix = [] } = this.params.StorageParams.CloudStorage;
    const below = path.relative(this.stage.daemon.buckets, folder).split(path.sep);
    assert.deepEqual(below, [Bucket, ...FileNamePrefix, this.taskId]);
    return folder;
  }

  stem(userId, type, media = 'main') {
    const { RoomId, RoomIdType } = this.params;
    return singleStem({ sdkAppId: app.sdkAppId, roomId: RoomId, integerRoom: RoomIdType === 1, userId, media, type });
  }

  // Checks the finished playlists `wanted` ([[userId, type], ...]) and that the folder holds nothing else but the
  // files `besides`. Returns the parsed playlists in the same order.
  async verify(wanted, { besides = [] } = {}) {
    const folder = await this.folder();
    const results = [];
    for (const [userId, type] of wanted) {
      const stem = this.stem(userId, type);
      results.push({ stem, ...await checkPlaylist(folder, { stem, type, userId }) });
    }
    assert.deepEqual(results.flatMap(r => r.problems), []);
    const others = (await strays(folder, results)).filter(name => !besides.includes(name));
    assert.deepEqual(others, [], 'files that no playlist names');
    return results.map(r => r.list);
  }
}

export class Stage {
  // Everything started here ends with the test `t`, and the daemon must end well.
  static async open(t, { answer, callbacks = true, ...daemonOptions } = {}) {
    const stage = new Stage();
    stage.t = t;
    if (callbacks) {
      stage.receiver = await new CallbackReceiver({ key: app.callbackKey, sdkAppId: app.sdkAppId, answer }).start();
      t.after(() => stage.receiver.stop());
    }
    // First of all, since a hook that fails is the last one, and a process that stays keeps the test from ending.
    stage.children = [];
    t.after(() => Promise.all(stage.children.map(child => child.kill())));
    stage.daemon = await Daemon.start({ name: t.name, callbackUrl: stage.receiver?.url, ...daemonOptions });
    t.after(() => stage.daemon.discard());
    stage.cloud = stage.daemon.client();
    return stage;
  }

  async browser() {
    if (!this.chromium) {
      this.chromium = await Browser.start();
      this.t.after(() => this.chromium.stop());
    }
    return this.chromium;
  }

  // A participant in Chromium, connected; `options` go to the page's start().
  async publish(where, options = {}) {
    const publisher = await (await this.browser()).publisher();
    publisher.welcome = await publisher.start({ ...this.daemon.whip(where), ...options });
    assert.equal(publisher.welcome.status, 201, publisher.welcome.answer);
    return publisher;
  }

  // A participant in GStreamer, connected; `options` are arguments of its script.
  async publishGst(where, options = []) {
    const publisher = await GstPublisher.start(this.daemon.whip(where), options);
    this.children.push(publisher);
    return publisher;
  }

  // Participants by `reeltime publish`, connected; `options` are its arguments. With --key among them it makes its own
  // tickets; `url` stands for the daemon's.
  async publishPattern({ url = this.daemon.url, ...where }, options = []) {
    const whip = this.daemon.whip(where);
    const publisher = await PatternPublisher.start({
      url: whip.url.replace(this.daemon.url, url), token: options.includes('--key') ? null : whip.token,
    }, options);
    this.children.push(publisher);
    return publisher;
  }

  async record(where) {
    const params = this.daemon.createParams(where);
    const { TaskId } = await this.cloud.CreateCloudRecording(params);
    assert.match(TaskId, /^[A-Za-z0-9][A-Za-z0-9_-]{31,63}$/);
    return new Recording(this, params, TaskId);
  }

  // Stops a recording and waits until its files are delivered and its last events have come, in an allowed order:
  // 305, and for recordings in files one 310 for each of `groups` users and media.
  async finish(recording, { groups = 0 } = {}) {
    const hlsFiles = recording.params.RecordParams.OutputFormat < 3;
    await recording.stop();
    await recording.gone();
    const event = await this.receiver.wait(recording.taskId, 302);
    assert.equal(event.EventInfo.Payload.LeaveCode, 0);
    if (hlsFiles)
      await this.receiver.wait(recording.taskId, 305);
    await until(`${groups} events 310`, () =>
      this.receiver.events(recording.taskId).filter(e => e.EventType === 310).length >= groups);
    assert.deepEqual(allowedOrder(this.receiver.attempted(recording.taskId), { hlsFiles }), []);
  }
}

// Until the page has sent this many pictures since `from`.
export function framesSent(publisher, count, { from = 0, timeoutMs = 60000 } = {}) {
  return until(`${count} pictures sent`, async () => {
    const now = await publisher.sent();
    return now.frames >= from + count ? now : null;
  }, { timeoutMs });
}
