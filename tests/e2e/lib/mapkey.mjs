// PrivateMapKey, as rooms.md 2 describes it.

import { createHmac } from 'node:crypto';
import { deflateSync } from 'node:zlib';

export const right = {
  create: 1, enter: 2, sendAudio: 4, receiveAudio: 8, sendVideo: 16, receiveVideo: 32, sendAux: 64, receiveAux: 128,
};

function buffer({ sdkAppId, userId, roomId, integerRoom, expiry, rights }) {
  const user = Buffer.from(userId, 'latin1');
  const head = Buffer.alloc(3);
  head.writeUInt8(integerRoom ? 0 : 1, 0);
  head.writeUInt16BE(user.length, 1);
  const numbers = Buffer.alloc(20);
  [sdkAppId, integerRoom ? Number(roomId) : 0, expiry, rights, 0].forEach((n, i) => numbers.writeUInt32BE(n, 4 * i));
  if (integerRoom)
    return Buffer.concat([head, user, numbers]);
  const room = Buffer.from(roomId, 'latin1'), length = Buffer.alloc(2);
  length.writeUInt16BE(room.length, 0);
  return Buffer.concat([head, user, numbers, length, room]);
}

export function mintMapKey({ sdkAppId, key, userId, roomId, integerRoom = false, rights = 255,
  time = Math.floor(Date.now() / 1000), expire = 86400 }) {
  const userbuf = buffer({ sdkAppId, userId, roomId, integerRoom, expiry: time + expire, rights }).toString('base64');
  const text = `TLS.identifier:${userId}\nTLS.sdkappid:${sdkAppId}\nTLS.time:${time}\nTLS.expire:${expire}\n` +
    `TLS.userbuf:${userbuf}\n`;
  const ticket = {
    'TLS.ver': '2.0', 'TLS.identifier': userId, 'TLS.sdkappid': sdkAppId, 'TLS.expire': expire, 'TLS.time': time,
    'TLS.userbuf': userbuf, 'TLS.sig': createHmac('sha256', key).update(text).digest('base64'),
  };
  const packed = deflateSync(JSON.stringify(ticket)).toString('base64');
  return packed.replace(/\+/g, '*').replace(/\//g, '-').replace(/=/g, '_');
}
