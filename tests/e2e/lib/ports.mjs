// Free ports on loopback. The system hands them out; between asking and using, another process could take one, so
// whoever binds them later reports that as its own error.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

export function freeTcpPort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function bindUdp(port) {
  return new Promise(resolve => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(null));
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
}

// The first of `count` free UDP ports in a row.
export async function freeUdpPorts(count) {
  for (let attempt = 0; attempt < 50; attempt++) {
    const sockets = [await bindUdp(0)];
    const { port } = sockets[0].address();
    for (let i = 1; i < count && port + i < 65536; i++)
      sockets.push(await bindUdp(port + i));
    const whole = sockets.length === count && sockets.every(Boolean);
    for (const socket of sockets)
      socket?.close();
    if (whole)
      return port;
  }
  throw new Error(`no ${count} free UDP ports in a row`);
}
