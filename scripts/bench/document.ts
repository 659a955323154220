/** Keeps the figures in docs/BENCHMARKS.md: a block a benchmark, between markers, so that the text around them stays. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { isOver, shown, type Row } from './row.ts';

const FILE = 'docs/BENCHMARKS.md';
const INTRODUCTION = `# Benchmarks

\`npm run bench\` measures what follows and writes it here; \`npm run bench -- --check\` fails when a budget is missed, and
\`--only NAME\` measures one part. Times are medians. Where Baton is compared with something, both run in turn on the same machine
within the same minutes, so that the ratio means more than the milliseconds.
`;

/** Replaces the block of one benchmark, or adds it in the order of `names`. */
export function writeDocument(name: string, about: string, rows: readonly Row[], names: readonly string[]): void {
  const text = existsSync(FILE) ? readFileSync(FILE, 'utf8') : INTRODUCTION;
  const blocks = new Map(names.flatMap((one) => {
    const found = blockOf(text, one);
    return found === undefined ? [] : [[one, found] as const];
  }));
  blocks.set(name, `${begin(name)}\n## ${name[0]?.toUpperCase() ?? ''}${name.slice(1)}\n\n${about}\n\n${table(rows)}\n\n${machine()}\n${end(name)}`);
  const head = text.slice(0, Math.min(...names.map((one) => text.indexOf(begin(one))).filter((at) => at >= 0), text.length)).trimEnd();
  mkdirSync('docs', { recursive: true });
  writeFileSync(FILE, `${[head, ...names.flatMap((one) => blocks.get(one) ?? [])].join('\n\n')}\n`);
}

const begin = (name: string): string => `<!-- bench ${name} -->`;
const end = (name: string): string => `<!-- /bench ${name} -->`;

function blockOf(text: string, name: string): string | undefined {
  const from = text.indexOf(begin(name));
  const to = text.indexOf(end(name));
  return from < 0 || to < from ? undefined : text.slice(from, to + end(name).length);
}

function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const budget = row.budget === undefined ? '' : `${row.budget} ${row.unit}${isOver(row) ? ' (**missed**)' : ''}`.trim();
    return `| ${row.name} | ${`${shown(row.value)} ${row.unit}`.trim()} | ${budget} | ${row.note ?? ''} |`;
  });
  return ['| what | value | budget | notes |', '|---|---|---|---|', ...lines].join('\n');
}

/** The machine in general terms: nothing that names it. */
function machine(): string {
  const git = execFileSync('git', ['--version'], { encoding: 'utf8' }).trim().replace('git version ', 'git ');
  const load = os.loadavg()[0] ?? 0;
  const busy = load > os.availableParallelism() ? `, busy with other work (load ${load.toFixed(0)})` : '';
  const memory = Math.round(os.totalmem() / 2 ** 30);
  return `_${new Date().toISOString().slice(0, 10)}: ${os.type()} ${os.arch()}, ${os.availableParallelism()} cores, ${memory} GiB${busy}; Node ${process.versions.node}, ${git}._`;
}
