// A relay in front of a TCP server: with TLS towards the client if wanted, counting, and stopping to order.

import { connect, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export class Relay {
  // `tls`: { key, cert } in PEM; without it, plain.
  static async start(port, { tls } = {}) {
    const relay = new Relay();
    relay.port = port;
    relay.sent = 0;          // bytes from clients that were passed on
    relay.connections = 0;
    relay.open = new Set();
    relay.server = tls ? createTlsServer(tls, client => relay.#join(client)) : createServer(client => relay.#join(client));
    relay.server.on('connection', socket => relay.#keep(socket));
    relay.server.on('tlsClientError', (_, socket) => socket.destroy());
    await new Promise((resolve, reject) => {
      relay.server.once('error', reject);
      relay.server.listen(0, '127.0.0.1', resolve);
    });
    relay.endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${relay.server.address().port}`;
    return relay;
  }

  #join(client) {
    const server = connect(this.port, '127.0.0.1');
    const pair = [client, server];
    const end = () => pair.forEach(side => side.destroy());
    this.connections++;
    this.#keep(server);
    pair.forEach(side => side.on('error', end).once('close', end));
    client.on('data', bytes => this.#pass(client, server, bytes));
    server.pipe(client);
  }

  // Shows new clients another certificate.
  setCertificate(tls) {
    this.server.setSecureContext(tls);
  }

  // What cut() breaks: also connections whose TLS is not there yet.
  #keep(socket) {
    this.open.add(socket);
    socket.on('error', () => {}).once('close', () => this.open.delete(socket));
  }

  #pass(client, server, bytes) {
    if (this.frozen) {
      client.pause();
      return;
    }
    this.sent += bytes.length;
    if (!server.write(bytes)) {
      client.pause();
      server.once('drain', () => client.resume());
    }
    if (this.sent >= this.limit) {
      this.frozen = true;
      this.reached();
    }
  }

  // Resolves when so many more bytes were passed on; from then on nothing is, until cut().
  freezeAfter(bytes) {
    this.limit = this.sent + bytes;
    return new Promise(resolve => { this.reached = resolve; });
  }

  // From now on nothing is passed on, until cut().
  freeze() {
    this.frozen = true;
  }

  // Breaks what is open. New connections are passed on again.
  cut() {
    this.limit = undefined;
    this.frozen = false;
    for (const side of this.open)
      side.destroy();
  }

  stop() {
    this.cut();
    return new Promise(resolve => this.server.close(resolve));
  }
}
