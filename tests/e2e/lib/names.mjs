// File names as files.md 1 gives them.

export function escaped(text) {
  return Buffer.from(text, 'utf8').toString('base64').replace(/\//g, '-').replace(/=/g, '.');
}

export const roomPart = (roomId, integerRoom) => (integerRoom ? String(roomId) : escaped(roomId));

// The part that a single-mode playlist and its segments have in common.
export function singleStem({ sdkAppId, roomId, integerRoom, userId, media = 'main', type }) {
  const room = roomPart(roomId, integerRoom);
  return `${sdkAppId}_${room}__UserId_s_${escaped(userId)}__UserId_e_${media}_${type}`;
}

export const singlePlaylist = who => `${singleStem(who)}.m3u8`;

// Milliseconds as the 17 digits of a segment's name, and back.
export function utcDigits(ms) {
  return new Date(ms).toISOString().replace(/[-:TZ.]/g, '');
}

export function utcMs(digits) {
  const m = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{3})$/.exec(digits);
  return m ? Date.UTC(m[1], m[2] - 1, m[3], m[4], m[5], m[6], m[7]) : NaN;
}
