// A network of our own between a publisher and a daemon on loopback: a UDP relay that may delay single packets and
// changes nothing, and a door for WHIP that leads publishers to it.

import { createSocket } from 'node:dgram';
import { createServer, request } from 'node:http';

const loopback = '127.0.0.1';

// The payload type of an RTP packet (RFC 3550, 5.1); null for STUN, DTLS and RTCP (RFC 7983, RFC 5761).
export function payloadType(datagram) {
  if (datagram.length < 12 || datagram[0] < 128 || datagram[0] > 191 || (datagram[1] >= 192 && datagram[1] <= 223))
    return null;
  return datagram[1] & 0x7f;
}

function bound() {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, loopback, () => resolve(socket));
  });
}

// Each sender gets a socket of its own towards `target`, so that answers find their way back.
export class UdpRelay {
  // `delayMs(datagram)` says how much later a datagram of a publisher goes on; packets with the same delay stay in order.
  static async start(target, delayMs = () => 0) {
    const relay = new UdpRelay();
    Object.assign(relay, { target, delayMs, ways: new Map(), timers: new Set(), delayed: 0, passed: 0 });
    relay.front = await bound();
    relay.port = relay.front.address().port;
    relay.front.on('message', (datagram, from) => relay.#take(datagram, from));
    return relay;
  }

  async #take(datagram, from) {
    const name = `${from.address}:${from.port}`;
    if (!this.ways.has(name))
      this.ways.set(name, this.#open(from));
    const back = await this.ways.get(name);
    const wait = this.delayMs(datagram);
    if (wait === 0) {
      this.passed++;
      back.send(datagram, this.target, loopback);
      return;
    }
    this.delayed++;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      back.send(datagram, this.target, loopback);
    }, wait);
    this.timers.add(timer);
  }

  async #open(from) {
    const back = await bound();
    back.on('message', datagram => this.front.send(datagram, from.port, from.address));
    return back;
  }

  async stop() {
    this.timers.forEach(clearTimeout);
    this.front.close();
    for (const back of this.ways.values())
      (await back).close();
  }
}

// Passes requests on to the daemon and turns the ports of its candidates into the relays' in the answer.
export class WhipDoor {
  // `relays`: Map of media port -> UdpRelay.
  static async start(daemonUrl, relays) {
    const door = new WhipDoor();
    door.server = createServer((incoming, outgoing) => {
      const options = { method: incoming.method, headers: incoming.headers };
      const onward = request(new URL(incoming.url, daemonUrl), options, answer => {
        const chunks = [];
        answer.on('data', chunk => chunks.push(chunk));
        answer.on('end', () => {
          const body = Buffer.concat(chunks).toString().replace(/^(a=candidate:\S+ \d+ udp \d+ \S+ )(\d+)/gim,
            (line, head, port) => `${head}${relays.get(Number(port))?.port ?? port}`);
          outgoing.writeHead(answer.statusCode, { ...answer.headers, 'content-length': Buffer.byteLength(body) });
          outgoing.end(body);
        });
      });
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    });
    await new Promise(resolve => door.server.listen(0, loopback, resolve));
    door.url = `http://${loopback}:${door.server.address().port}`;
    return door;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise(resolve => this.server.close(resolve));
  }
}

// Relays for all media ports of a daemon and a door that leads to them, until the test `t` ends. Gives { url, relays }:
// publish to that URL in place of the daemon's.
export async function network(t, daemon, delayMs) {
  const relays = new Map();
  for (let i = 0; i < (daemon.options.loops ?? 2); i++) {
    const relay = await UdpRelay.start(daemon.mediaPort + i, delayMs);
    t.after(() => relay.stop());
    relays.set(daemon.mediaPort + i, relay);
  }
  const door = await WhipDoor.start(daemon.url, relays);
  t.after(() => door.stop());
  return { url: door.url, relays: [...relays.values()] };
}
