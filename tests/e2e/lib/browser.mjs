// Headless Chromium with a fake camera and microphone, and the small web server its pages and the recordings come
// from. One browser serves a whole test file.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const pages = fileURLToPath(new URL('../page/', import.meta.url));
const types = {
  '.html': 'text/html; charset=utf-8', '.m3u8': 'application/vnd.apple.mpegurl', '.ts': 'video/mp2t', '.mp4': 'video/mp4',
};

const flags = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
];

// Serves `mounts` { '/prefix/': folder } on loopback, ranges too, without listing and without leaving the folders.
class FileServer {
  constructor() {
    this.mounts = new Map();
    this.server = createServer((request, response) => this.#serve(request, response));
  }

  async start() {
    await new Promise(resolve => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise(resolve => this.server.close(resolve));
  }

  async #serve(request, response) {
    const name = decodeURIComponent(new URL(request.url, this.url).pathname);
    const prefix = [...this.mounts.keys()].find(p => name.startsWith(p));
    const file = prefix && path.join(this.mounts.get(prefix), path.basename(name));
    const size = file && await stat(file).then(s => s.size, () => null);
    if (size === null || size === undefined) {
      response.writeHead(404).end();
      return;
    }
    const headers = {
      'Content-Type': types[path.extname(file)] ?? 'application/octet-stream', 'Accept-Ranges': 'bytes',
    };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    if (!range) {
      response.writeHead(200, { ...headers, 'Content-Length': size });
      createReadStream(file).pipe(response);
      return;
    }
    const start = Number(range[1]);
    const end = range[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
    if (start > end) {
      response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
      return;
    }
    response.writeHead(206, {
      ...headers, 'Content-Length': end - start + 1, 'Content-Range': `bytes ${start}-${end}/${size}`,
    });
    createReadStream(file, { start, end }).pipe(response);
  }
}

export class Browser {
  static async start() {
    const browser = new Browser();
    browser.files = await new FileServer().start();
    browser.files.mounts.set('/page/', pages);
    browser.chromium = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      ignoreDefaultArgs: ['--headless', '--mute-audio'],
      args: flags,
      timeout: 60000,
    });
    return browser;
  }

  async stop() {
    await this.chromium.close();
    await this.files.stop();
  }

  async #page(name) {
    const context = await this.chromium.newContext();
    const page = await context.newPage();
    await page.goto(`${this.files.url}/page/${name}.html`);
    return page;
  }

  // A page of its own for one participant.
  async publisher() {
    const page = await this.#page('publisher');
    await page.waitForFunction(() => window.publisher);
    const call = verb => (...args) => page.evaluate(
      ([name, list]) => window.publisher[name](...list), [verb, args]);
    return {
      page,
      start: call('start'), scale: call('scale'), sending: call('sending'), sent: call('sent'),
      leave: call('leave'), close: call('close'), remove: call('remove'), state: call('connectionState'),
      gone: () => page.context().close(),
    };
  }

  // Plays a playlist or a file from a folder, around the given places in seconds as well.
  async play(folder, name, places = []) {
    const prefix = `/media-${this.files.mounts.size}/`;
    this.files.mounts.set(prefix, folder);
    const page = await this.#page('player');
    try {
      await page.waitForFunction(() => window.player);
      return await page.evaluate(([url, list]) => window.player.play(url, list),
        [`${this.files.url}${prefix}${encodeURIComponent(name)}`, places]);
    } finally {
      await page.context().close();
    }
  }
}
