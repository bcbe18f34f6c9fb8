// Reads the page /metrics (text exposition format 0.0.4).

function unescape(text) {
  return text.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
}

function parseLabels(text) {
  const labels = {};
  for (const [, name, value] of text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g))
    labels[name] = unescape(value);
  return labels;
}

export class Metrics {
  constructor(text) {
    this.text = text;
    this.types = new Map();      // name -> type
    this.helps = new Map();
    this.samples = [];           // { name, labels, value }
    for (const line of text.trimEnd().split('\n')) {
      const [, kind, name, rest] = line.match(/^# (HELP|TYPE) (\S+) (.*)$/) ?? [];
      if (kind)
        (kind === 'TYPE' ? this.types : this.helps).set(name, rest);
      else
        this.#take(line);
    }
  }

  #take(line) {
    const m = line.match(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/);
    if (!m)
      throw new Error(`no line of a metrics page: ${line}`);
    this.samples.push({ name: m[1], labels: parseLabels(m[2] ?? ''), value: Number(m[3].replace('Inf', 'Infinity')) });
  }

  static async fetch(url) {
    const response = await fetch(`${url}/metrics`);
    if (response.status !== 200)
      throw new Error(`/metrics: ${response.status} ${await response.text()}`);
    const page = new Metrics(await response.text());
    page.contentType = response.headers.get('content-type');
    return page;
  }

  // The sum of the values whose labels include these; 0 when there are none.
  sum(name, labels = {}) {
    return this.samples
      .filter(s => s.name === name && Object.entries(labels).every(([key, value]) => s.labels[key] === value))
      .reduce((total, s) => total + s.value, 0);
  }
}
