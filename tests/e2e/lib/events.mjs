// The order in which a task's events may come (callbacks.md 3), and what they say of its playlists.

// What is wrong with the order of a task's events; empty when it is allowed. `events` are bodies in the order of their
// first attempts, each once (CallbackReceiver.attempted). A task that goes on is judged as far as it got; `ended` demands its end too.
// Files other than HLS: `hlsFiles` false. `repeats` allows 304 and 307 to come again, as after a crash.
export function allowedOrder(events, { ended = true, hlsFiles = true, repeats = false } = {}) {
  const types = events.map(event => event.EventType);
  const payloads = type => events.filter(event => event.EventType === type).map(event => event.EventInfo.Payload);
  const found = [];
  const problem = (wrong, text) => wrong && found.push(text);
  const once = type => problem(payloads(type).length > 1, `${type} came ${payloads(type).length} times`);
  const before = (first, then) => {
    if (types.includes(then))
      problem(!types.includes(first) || types.indexOf(first) > types.indexOf(then), `${then} without ${first} before it`);
  };

  problem(types[0] !== 301, `begins with ${types[0]}`);
  once(301);
  if (payloads(301)[0]?.Status === 1) {
    problem(types.length > 1, 'something after a failed start');
    return found;
  }
  problem(types.length > 1 && types[1] !== 303, `${types[1]} instead of 303 after 301`);
  [302, 303].forEach(once);
  before(302, 305);
  before(302, 310);

  // Each playlist: 307, then 304.
  const cut = new Set();
  const shown = new Set();
  for (const { EventType, EventInfo: { Payload } } of events) {
    const name = Payload.FileName ?? Payload.FileList;
    if (EventType === 307) {
      problem(cut.has(name) && !repeats, `307 of ${name} twice`);
      cut.add(name);
    } else if (EventType === 304) {
      problem(!cut.has(name) && !repeats, `304 of ${name} without its 307`);
      problem(shown.has(name) && !repeats, `304 of ${name} twice`);
      shown.add(name);
    }
  }

  // 305 is the last of the HLS events: Status 0, or Status 1 and perhaps 2 later. What was stuck may still go up, or fail,
  // between these two.
  const stops = payloads(305).map(payload => payload.Status).join(', ');
  problem(!['', '0', '1', '1, 2'].includes(stops), `305 with Status ${stops}`);
  const firstStop = types.indexOf(305);
  const lastStop = stops === '1' ? types.length : types.lastIndexOf(305);
  types.forEach((type, i) => {
    const late = [303, 307].includes(type) ? firstStop : [304, 308].includes(type) ? lastStop : -1;
    problem(late >= 0 && i > late, `${type} after 305`);
  });
  const files = types.indexOf(310);
  problem(files >= 0 && (hlsFiles ? firstStop < 0 || firstStop > files : false), '310 before 305');
  problem(files >= 0 && types.slice(files).some(type => type < 310 && type !== 305), 'something after 310');
  problem(!hlsFiles && types.some(type => [304, 305, 307].includes(type)), 'HLS events of a task without HLS');
  if (ended) {
    problem(!types.includes(302), 'no 302');
    problem(hlsFiles && !types.includes(305), 'no 305');
    problem(hlsFiles && stops[0] === '0' && shown.size !== cut.size, `${cut.size} playlists cut, ${shown.size} uploaded`);
  }
  return found;
}

// The playlists that were told of: by 307, as Describe lists them, and by 304, names alone.
export function toldPlaylists(events) {
  const payloads = type => events.filter(event => event.EventType === type).map(event => event.EventInfo.Payload);
  return { cut: payloads(307), uploaded: payloads(304).map(payload => payload.FileList) };
}
