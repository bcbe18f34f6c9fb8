// The transport layer of a segment, which decoders forgive too readily to be asked: packet size, sync, tables in
// front, continuity counters.

const packetSize = 188;

// What is wrong, as a list of sentences.
export function tsProblems(bytes) {
  if (bytes.length === 0 || bytes.length % packetSize !== 0)
    return [`${bytes.length} bytes are no whole number of TS packets`];
  const problems = [];
  const counters = new Map();
  const firstPids = [];
  for (let at = 0; at < bytes.length; at += packetSize) {
    if (bytes[at] !== 0x47)
      return [...problems, `no sync byte at ${at}`];
    const pid = ((bytes[at + 1] & 0x1f) << 8) | bytes[at + 2];
    if (firstPids.length < 2)
      firstPids.push(pid);
    const control = (bytes[at + 3] >> 4) & 3;
    const hasPayload = (control & 1) !== 0;
    const counter = bytes[at + 3] & 0x0f;
    const marked = (control & 2) !== 0 && bytes[at + 4] > 0 && (bytes[at + 5] & 0x80) !== 0;
    if (hasPayload && pid !== 0x1fff) {
      const before = counters.get(pid);
      if (before !== undefined && counter !== ((before + 1) & 0x0f) && !marked)
        problems.push(`continuity of PID ${pid} goes from ${before} to ${counter} at ${at}`);
      counters.set(pid, counter);
    }
  }
  if (firstPids[0] !== 0)
    problems.push('does not begin with a PAT');
  return problems;
}
