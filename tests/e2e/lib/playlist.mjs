// Reads a playlist of files.md 2 strictly: a line that the format does not know is an error.

const headerTags = [
  ['#EXTM3U'],
  ['#EXT-X-VERSION:', 'version'],
  ['#EXT-X-ALLOW-CACHE:', 'allowCache'],
  ['#EXT-X-MEDIA-SEQUENCE:', 'mediaSequence'],
  ['#EXT-X-TARGETDURATION:', 'targetDuration'],
  ['#EXT-X-TRTC-VERSION:', 'trtcVersion'],
  ['#EXT-X-TRTC-DATE:', 'trtcDate'],
  ['#EXT-X-TRTC-START-REC-TIME:', 'startRecTime'],
  ['#EXT-X-TRTC-MEDIA-ID:', 'mediaId'],
  ['#EXT-X-TRTC-USER-ID:', 'userId'],
  ['#EXT-X-TRTC-MIX-STREAM:', 'mixStream'],
  ['#EXT-X-TRTC-STREAM-TYPE:', 'streamType'],
];

const numbers = new Set(['version', 'mediaSequence', 'targetDuration', 'startRecTime', 'mixStream', 'streamType']);

const audioMetadata = /^#EXT-X-TRTC-AUDIO-METADATA:Channel:(\d+) SampleRate:(\d+) SampleFormat:(\d+) Codec:(\d+)$/;
const videoMetadata = /^#EXT-X-TRTC-VIDEO-METADATA:WIDTH:(\d+) HEIGHT:(\d+) Codec:(\d+)$/;
const fileAttr = /^#EXT-X-TRTC-FILE-ATTR:(\d+),(\d+)$/;
const extinf = /^#EXTINF:(\d+\.\d+),$/;
const programDateTime = /^#EXT-X-PROGRAM-DATE-TIME:(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}(?:Z|[+-]\d{2}:?\d{2}))$/;

function parseHeader(lines, list) {
  headerTags.forEach(([tag, field], i) => {
    const line = lines[i] ?? '';
    if (field ? !line.startsWith(tag) : line !== tag)
      throw new Error(`line ${i + 1}: ${tag} wanted, found ${line}`);
    if (!field)
      return;
    const text = line.slice(tag.length);
    if (numbers.has(field) && !/^\d+$/.test(text))
      throw new Error(`line ${i + 1}: ${tag} wants a number, found ${text}`);
    list[field] = numbers.has(field) ? Number(text) : text;
  });
  return headerTags.length;
}

// { version, ..., streamType, segments: [{ uri, startMs, bytes, seconds, discontinuity, dateTimeMs, audio, video }],
//   ended }. `audio` and `video` are the metadata in force; `retagged` says that a tag came right before.
export function parsePlaylist(text) {
  if (!text.endsWith('\n'))
    throw new Error('the last line does not end in LF');
  if (text.includes('\r'))
    throw new Error('CR in the playlist');
  const lines = text.slice(0, -1).split('\n');
  const list = { segments: [], ended: false };
  let pending = {};
  let audio = null;
  let video = null;
  for (let i = parseHeader(lines, list); i < lines.length; i++) {
    const line = lines[i];
    const fail = why => new Error(`line ${i + 1}: ${why}: ${line}`);
    let m;
    if (list.ended)
      throw fail('something after ENDLIST');
    if ((m = audioMetadata.exec(line))) {
      audio = { channels: +m[1], sampleRate: +m[2], sampleFormat: +m[3], codec: +m[4] };
      pending.retagged = true;
    } else if ((m = videoMetadata.exec(line))) {
      video = { width: +m[1], height: +m[2], codec: +m[3] };
      pending.retagged = true;
    } else if (line === '#EXT-X-DISCONTINUITY') {
      if (pending.discontinuity)
        throw fail('twice');
      pending.discontinuity = true;
    } else if ((m = programDateTime.exec(line))) {
      pending.dateTimeMs = Date.parse(m[1]);
    } else if ((m = fileAttr.exec(line))) {
      const next = extinf.exec(lines[i + 1] ?? '');
      if (!next)
        throw fail('no EXTINF right after');
      const uri = lines[i + 2] ?? '';
      if (!/^[^#/]+\.ts$/.test(uri))
        throw fail(`no base name of a segment after EXTINF, but ${uri}`);
      list.segments.push({
        uri, startMs: +m[1], bytes: +m[2], seconds: +next[1], discontinuity: false, retagged: false,
        ...pending, audio, video,
      });
      pending = {};
      i += 2;
    } else if (line === '#EXT-X-ENDLIST') {
      list.ended = true;
    } else {
      throw fail('unknown line');
    }
  }
  if (Object.keys(pending).length > 0)
    throw new Error('tags without a segment at the end');
  return list;
}
