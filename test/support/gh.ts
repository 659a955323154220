/** A stand-in for GitHub's command line on the PATH, over a real bare repository: it knows `pr list|create|view|merge` and `issue list` as Baton calls them. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gitEnv, type TestRepo } from './repo.ts';
import { tempDir } from './tmp.ts';

export interface StandInPullRequest {
  number: number;
  url: string;
  state: 'OPEN' | 'CLOSED' | 'MERGED';
  head: string;
  base: string;
  title: string;
  body: string;
  mergeCommit: { oid: string } | null;
  /** The head of a fork's branch, or with which it was merged; else the branch's own is the head. */
  headRefOid?: string;
  isCrossRepository?: boolean;
}

/** An open issue as `gh issue list --json` prints it. */
export interface StandInIssue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly { readonly name: string }[];
  readonly url: string;
  readonly author: { readonly login: string };
}

export interface StandIn {
  /** The bare repository that is the remote `origin`. */
  readonly bare: string;
  readonly pullRequests: () => StandInPullRequest[];
  /** What somebody does on the web site. */
  readonly close: (number: number) => void;
  readonly merge: (number: number) => void;
  /** Somebody opens a pull request from a fork, in which the branch has the same name. */
  readonly openFromFork: (branch: string, headRefOid: string) => void;
  readonly signOut: () => void;
  /** From now on nobody is told about this pull request: `pr view` does not answer. Says whether it has been asked since. */
  readonly hang: (number: number) => () => boolean;
  /** So many views still show another head than was pushed, as a forge does for some seconds. */
  readonly lag: (views: number) => void;
  /** What the project's open issues are from now on, newest first. */
  readonly setIssues: (issues: readonly StandInIssue[]) => void;
  readonly git: (...args: string[]) => string;
  /** Takes it off the PATH. */
  readonly remove: () => void;
}

/** A PATH with everything that this process's has but `gh`, which may be installed on the machine as well. */
export function pathWithoutGh(): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => existsSync(folder));
  return folders.map((folder) => (existsSync(path.join(folder, 'gh')) ? linksWithoutGh(folder) : folder)).join(path.delimiter);
}

function linksWithoutGh(folder: string): string {
  const links = tempDir();
  for (const name of readdirSync(folder).filter((one) => one !== 'gh')) symlinkSync(path.join(folder, name), path.join(links, name));
  return links;
}

/** Puts a stand-in, kept in `folder`, before everything else on this process's PATH and gives the repository a bare `origin`. */
export async function standInForge(repo: TestRepo, folder = tempDir()): Promise<StandIn> {
  const [bare, bin, state, issues] = ['origin.git', 'bin', 'state.json', 'issues.json'].map((name) => path.join(folder, name)) as [string, string, string, string];
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: bare, env: gitEnv(), encoding: 'utf8' }).trim();
  mkdirSync(bin);
  execFileSync('git', ['clone', '--quiet', '--bare', repo.root, bare], { env: gitEnv() });
  await repo.git('remote', 'add', 'origin', bare);
  writeFileSync(state, '[]');
  writeFileSync(issues, '[]');
  const file = path.join(bin, 'gh');
  const given = [state, bare, path.join(folder, 'signed-out'), issues, path.join(folder, 'hang'), path.join(folder, 'lag')];
  writeFileSync(file, `#!${process.execPath}\nconst [STATE, BARE, OUT, ISSUES, HANG, LAG] = ${JSON.stringify(given)};\n${PROGRAM}`);
  chmodSync(file, 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${bin}${path.delimiter}${before ?? ''}`;
  const pullRequests = (): StandInPullRequest[] => JSON.parse(readFileSync(state, 'utf8')) as StandInPullRequest[];
  return {
    bare,
    pullRequests,
    close: (number) => writeFileSync(state, JSON.stringify(pullRequests().map((one) => (one.number === number ? { ...one, state: 'CLOSED' } : one)))),
    merge: (number) => void execFileSync(file, ['pr', 'merge', pullRequests().find((one) => one.number === number)?.url ?? '', '--squash'], { env: gitEnv() }),
    openFromFork: (head, headRefOid) => {
      const number = pullRequests().length + 1;
      const url = `https://github.example/acme/sample/pull/${String(number)}`;
      writeFileSync(state, JSON.stringify([...pullRequests(), { number, url, state: 'OPEN', head, base: 'main', title: 'Mine', body: '', mergeCommit: null, headRefOid, isCrossRepository: true }]));
    },
    setIssues: (all) => writeFileSync(issues, JSON.stringify(all)),
    signOut: () => writeFileSync(path.join(folder, 'signed-out'), ''),
    hang: (number) => {
      writeFileSync(path.join(folder, 'hang'), String(number));
      return () => existsSync(path.join(folder, 'hang.asked'));
    },
    lag: (views) => writeFileSync(path.join(folder, 'lag'), String(views)),
    git,
    remove: () => {
      process.env['PATH'] = before;
      if (!existsSync(file)) throw new Error('The stand-in was gone already.');
    },
  };
}

const PROGRAM = `
const { execFileSync } = require('node:child_process');
const { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs');
if (existsSync(OUT)) { console.error('To get started with GitHub CLI, please run:  gh auth login'); process.exit(4); }
const args = process.argv.slice(2);
// A hook of git may have called us.
for (const name of ['GIT_DIR', 'GIT_PREFIX', 'GIT_INDEX_FILE', 'GIT_WORK_TREE']) delete process.env[name];
const git = (...more) => execFileSync('git', more, { cwd: BARE, encoding: 'utf8' }).trim();
// One at a time, as a forge has it: two that are opened at once get a number each. One that is killed leaves its lock behind for a while.
const LOCK = STATE + '.lock';
const age = () => { try { return Date.now() - statSync(LOCK).mtimeMs; } catch { return 0; } };
let held = false;
const release = () => { if (held) rmSync(LOCK, { recursive: true, force: true }); held = false; };
for (; !held;) {
  try { mkdirSync(LOCK); held = true; } catch { if (age() > 20_000) rmSync(LOCK, { recursive: true, force: true }); else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); }
}
process.once('exit', release);
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(1));
const all = JSON.parse(readFileSync(STATE, 'utf8'));
const option = (name) => args[args.indexOf(name) + 1];
const save = () => { writeFileSync(STATE + '.new', JSON.stringify(all)); renameSync(STATE + '.new', STATE); };
const found = () => {
  const one = all.find((pr) => pr.url === args[2]);
  if (!one) { console.error('no pull requests found'); process.exit(1); }
  return one;
};
const shown = (pr) => {
  const { url, number, state, mergeCommit, isCrossRepository = false } = pr;
  return { url, number, state, mergeCommit, isCrossRepository, headRefOid: pr.headRefOid ?? git('rev-parse', 'refs/heads/' + pr.head) };
};
switch (args.slice(0, 2).join(' ')) {
  case 'issue list':
    console.log(readFileSync(ISSUES, 'utf8'));
    break;
  case 'pr list':
    console.log(JSON.stringify(all.filter((pr) => pr.state === 'OPEN' && pr.head === option('--head') && pr.base === option('--base')).map(shown)));
    break;
  case 'pr create': {
    git('rev-parse', '--verify', 'refs/heads/' + option('--head'));
    const number = all.length + 1;
    const url = 'https://github.example/acme/sample/pull/' + number;
    all.push({ number, url, state: 'OPEN', head: option('--head'), base: option('--base'), title: option('--title'), body: readFileSync(0, 'utf8'), mergeCommit: null });
    save();
    console.log(url);
    break;
  }
  case 'pr view': {
    if (existsSync(HANG) && readFileSync(HANG, 'utf8') === String(found().number)) { release(); writeFileSync(HANG + '.asked', ''); setInterval(() => undefined, 1000); break; }
    const lag = existsSync(LAG) ? Number(readFileSync(LAG, 'utf8')) : 0;
    if (lag > 0) writeFileSync(LAG, String(lag - 1));
    console.log(JSON.stringify({ ...shown(found()), ...(lag > 0 ? { headRefOid: '0'.repeat(40) } : {}) }));
    break;
  }
  case 'pr merge': {
    const pr = found();
    const head = git('rev-parse', 'refs/heads/' + pr.head);
    if (args.includes('--match-head-commit') && option('--match-head-commit') !== head) { console.error('Head branch was modified.'); process.exit(1); }
    const tree = git('merge-tree', '--write-tree', 'refs/heads/' + pr.base, head);
    const oid = git('-c', 'user.name=Forge', '-c', 'user.email=forge@example.org', 'commit-tree', tree, '-p', 'refs/heads/' + pr.base, '-m', pr.title);
    git('update-ref', 'refs/heads/' + pr.base, oid);
    Object.assign(pr, { state: 'MERGED', mergeCommit: { oid }, headRefOid: head });
    save();
    break;
  }
  default:
    console.error('unknown command ' + args.join(' '));
    process.exit(1);
}
`;
