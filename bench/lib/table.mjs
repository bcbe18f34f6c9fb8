// Tables in Markdown, aligned so that they read well on a terminal too.

export const number = (value, digits = 1) => (value === null || value === undefined || !Number.isFinite(value)
  ? 'n/a' : value.toFixed(digits));

export function table(head, rows) {
  const all = [head, ...rows].map(row => row.map(String));
  const widths = head.map((_, i) => Math.max(...all.map(row => [...row[i]].length)));
  const line = row => `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(all[0]), rule, ...all.slice(1).map(line)].join('\n');
}
