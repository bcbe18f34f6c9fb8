// Janus's row: its VideoRoom plugin records what each publisher sends, as RTP packets in .mjr files; making those into
// something that plays is a second step (janus-pp-rec), which is timed as well. The publishers are Reeltime's, over the
// same ICE, DTLS and SRTP; a door of our own turns their WHIP into Janus's HTTP API.

import { createServer } from 'node:http';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { freeTcpPort, freeUdpPorts } from '../../tests/e2e/lib/ports.mjs';
import { delay, until, within } from '../../tests/e2e/lib/wait.mjs';
import { app } from '../../tests/e2e/lib/daemon.mjs';
import { Load } from './load.mjs';
import { Child, cpuPercent, look, tree } from './process.mjs';

const settleMs = 1500;
const library = '/usr/lib/x86_64-linux-gnu/janus';

async function writeConfig(folder, { apiPort, mediaPort, mediaPorts }) {
  const recordings = path.join(folder, 'recordings');
  await mkdir(recordings);
  await mkdir(path.join(folder, 'none'));
  await writeFile(path.join(folder, 'janus.jcfg'), `
general: { configs_folder = "${folder}", plugins_folder = "${library}/plugins", transports_folder = "${library}/transports",
  events_folder = "${folder}/none", loggers_folder = "${folder}/none", debug_level = 3, session_timeout = 0, server_name = "bench" }
media: { rtp_port_range = "${mediaPort}-${mediaPort + mediaPorts}" }
nat: { ice_lite = true, ice_enforce_list = "lo", full_trickle = false }
plugins: { disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so" }
transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so" }
`);
  await writeFile(path.join(folder, 'janus.transport.http.jcfg'), `
general: { json = "compact", base_path = "/janus", http = true, port = ${apiPort}, interface = "lo", https = false }
admin: { admin_http = false, admin_https = false }
`);
  await writeFile(path.join(folder, 'janus.plugin.videoroom.jcfg'), 'general: {}\n');
  return recordings;
}

// The few requests of the API that publishing needs.
class Api {
  constructor(url) {
    this.url = url;
  }

  async #post(where, body) {
    const response = await fetch(`${this.url}${where}`, {
      method: 'POST', body: JSON.stringify({ ...body, transaction: Math.random().toString(36).slice(2) }),
    });
    const answer = await response.json();
    if (answer.janus === 'error' || answer.plugindata?.data.error)
      throw new Error(`Janus: ${JSON.stringify(answer.error ?? answer.plugindata.data)}`);
    return answer;
  }

  async open() {
    const session = (await this.#post('', { janus: 'create' })).data.id;
    const handle = (await this.#post(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
    return { session, handle };
  }

  message({ session, handle }, body, jsep) {
    return this.#post(`/${session}/${handle}`, { janus: 'message', body, ...(jsep ? { jsep } : {}) });
  }

  // Events until one carries an SDP.
  async answer({ session }) {
    for (;;) {
      const event = await (await fetch(`${this.url}/${session}?maxev=1`)).json();
      if (event.plugindata?.data.error)
        throw new Error(`Janus: ${JSON.stringify(event.plugindata.data)}`);
      if (event.jsep)
        return event.jsep.sdp;
    }
  }

  close({ session }) {
    return this.#post(`/${session}`, { janus: 'destroy' });
  }
}

// WHIP in, VideoRoom's joinandconfigure out. Janus would be DTLS client where it may choose; publishers are that here.
class Door {
  static async start(api, room, recordings) {
    const door = new Door();
    Object.assign(door, { api, room, recordings, sessions: new Map(), count: 0 });
    door.server = createServer((request, response) => {
      let body = '';
      request.on('data', bytes => { body += bytes; });
      request.on('end', () => door.#take(request, body, response).catch(err => response.writeHead(500).end(err.message)));
    });
    await new Promise(resolve => door.server.listen(0, '127.0.0.1', resolve));
    door.url = `http://127.0.0.1:${door.server.address().port}`;
    return door;
  }

  async #take(request, body, response) {
    if (request.method === 'DELETE') {
      await this.api.close(this.sessions.get(request.url));
      response.writeHead(200).end();
      return;
    }
    const user = ++this.count, name = `/session/${user}`, who = await this.api.open();
    this.sessions.set(name, who);
    await this.api.message(who, {
      request: 'joinandconfigure', ptype: 'publisher', room: this.room, record: true,
      filename: path.join(this.recordings, `user${user}`),
    }, { type: 'offer', sdp: body.replaceAll('a=setup:actpass', 'a=setup:active') });
    const sdp = await within(10000, 'Janus answers', this.api.answer(who));
    response.writeHead(201, { Location: name, 'Content-Type': 'application/sdp' }).end(sdp);
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise(resolve => this.server.close(resolve));
  }
}

// The processor time, in seconds, of making playable files of all recordings.
async function postProcess(folder) {
  let seconds = 0;
  for (const name of (await readdir(folder)).filter(file => file.endsWith('.mjr'))) {
    const to = path.join(folder, name.replace('.mjr', name.includes('audio') ? '.opus' : '.mp4'));
    const child = new Child('bash', ['-c', 'TIMEFORMAT="%U %S"; time janus-pp-rec "$@"', 'bash', path.join(folder, name), to],
      { pin: true });
    if (await child.exited !== 0)
      throw new Error(`janus-pp-rec: ${child.tail(3)}`);
    const [, user, system] = /^([\d.]+) ([\d.]+)$/m.exec(child.output);
    seconds += Number(user) + Number(system);
  }
  return seconds;
}

async function bytesOf(folder) {
  let bytes = 0;
  for (const name of await readdir(folder))
    bytes += (await stat(path.join(folder, name))).size;
  return bytes;
}

export async function janusRun({ count, seconds }) {
  if (!existsSync(`${library}/plugins/libjanus_videoroom.so`))
    return { refused: 'the Debian package janus is not here' };
  const folder = await mkdtemp(`${tree}build/bench/janus-`);
  const apiPort = await freeTcpPort(), mediaPorts = 2 * count + 20, mediaPort = await freeUdpPorts(mediaPorts);
  const recordings = await writeConfig(folder, { apiPort, mediaPort, mediaPorts });
  const janus = new Child('janus', ['-F', folder], { pin: true });
  let door, load;
  try {
    const api = new Api(`http://127.0.0.1:${apiPort}/janus`);
    const admin = await until('Janus is ready', () => {
      if (janus.ended)
        throw Object.assign(new Error(janus.tail()), { fatal: true });
      return api.open();
    }, { timeoutMs: 20000 });
    const room = 1;
    await api.message(admin, { request: 'create', room, publishers: count, audiocodec: 'opus', videocodec: 'h264', bitrate: 0, notify_joining: false });
    const empty = look(janus.pid).memory;
    door = await Door.start(api, room, recordings);
    load = await Load.start(count, () => `${door.url}/v2/pub/${app.sdkAppId}/bench?SessionID=x`);
    await delay(settleMs);
    const lastA = load.last(), a = look(janus.pid);
    await delay(seconds * 1000);
    const b = look(janus.pid), lastB = load.last();
    const sent = Load.rate(lastA, lastB), time = b.at - a.at, cpu = cpuPercent(a, b);
    await load.stop();
    const total = load.last().reduce((sum, line) => sum + line.bytes, 0);
    const mjr = await bytesOf(recordings);
    const mediaSeconds = total / (sent.bytes / count);
    return {
      cpu, cpuPerStream: cpu / count, memory: b.memory, memoryPerStream: (b.memory - empty) / count,
      packets: sent.packets, drops: b.drops - a.drops,
      writtenPerMediaByte: (b.written.calls - a.written.calls) / time / sent.bytes,
      filePerMediaByte: mjr / total,
      postPercentPerStream: 100 * await postProcess(recordings) / mediaSeconds,
    };
  } finally {
    await load?.kill();
    await door?.stop();
    await janus.stop('SIGTERM').catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }
}
