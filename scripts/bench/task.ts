/** What Baton costs per direct task beyond git, the agent and the gate, which a shell loop runs beside it. */
import { execFileSync } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { openRepository, Session } from '../../src/host/index.ts';
import { median, spread, type Benchmark, type Row } from './row.ts';
import { DIST, GATE, makeSandbox, timed, type Sandbox } from './sandbox.ts';

const RUNS = Number(process.env['BENCH_RUNS'] ?? 15);
const WARM_UP = 2;
const OVERHEAD_BUDGET_MS = 150;
/** The runner that is kept ready for a next task starts after each: the loop must not be slowed by it. */
const SETTLE_MS = 250;
const DEADLINE_MS = 60_000;

export const task: Benchmark = {
  about:
    'One direct task on a small repository (62 files), shortly after another, so that its agent’s runner waits for it already: from the stored task to the stored merge: worktree, a shell script as the agent, commit, one gate, merge into the branch that is checked out, every step durable. ' +
    'Beside it, in turn, a shell loop does the same with `git worktree add`, the same agent, `git commit`, the same gate and `git merge --no-ff` in a copy of the repository. Medians; the overhead is the median of the differences of neighbours.',
  run: measure,
};

interface Pair {
  readonly baton: number;
  readonly shell: number;
  readonly batonTidy: number;
  readonly shellTidy: number;
}

async function measure(): Promise<Row[]> {
  if (process.platform === 'win32') throw new Error('This benchmark compares with a POSIX shell.');
  const sandbox = await makeSandbox();
  const before = { ...process.env };
  Object.assign(process.env, sandbox.env);
  const twin = path.join(sandbox.root, 'twin');
  try {
    await cp(sandbox.repo.root, twin, { recursive: true });
    const { openRepository: open } = createRequire(import.meta.url)(path.join(DIST, 'engine.js')) as { openRepository: typeof openRepository };
    const session = await open({ folder: sandbox.repo.root, host: 'cli', log: LOG, distDir: DIST, env: sandbox.env });
    try {
      await session.api.send({ type: 'start' });
      const pairs: Pair[] = [];
      for (let index = 0; index < RUNS + WARM_UP; index++) {
        const baton = await withBaton(session, `task-${index}`);
        await wait(SETTLE_MS);
        const shell = withShell(sandbox, twin, `task-${index}-shell`);
        if (index >= WARM_UP) pairs.push({ baton: baton.merged, batonTidy: baton.tidied, shell: shell.merged, shellTidy: shell.tidied });
      }
      return rows(pairs);
    } finally {
      await session.close();
    }
  } finally {
    process.env = before;
    await sandbox.remove();
  }
}

function rows(pairs: readonly Pair[]): Row[] {
  const baton = pairs.map((pair) => pair.baton);
  const shell = pairs.map((pair) => pair.shell);
  const ratio = median(pairs.map((pair) => pair.baton / pair.shell));
  return [
    { name: 'task, Baton', value: median(baton), unit: 'ms', note: spread(baton) },
    { name: 'task, shell loop', value: median(shell), unit: 'ms', note: spread(shell) },
    { name: 'overhead per task', value: median(pairs.map((pair) => pair.baton - pair.shell)), unit: 'ms', budget: OVERHEAD_BUDGET_MS, note: `${ratio.toFixed(1)} times the shell loop` },
    { name: 'tidying after the merge, Baton', value: median(pairs.map((pair) => pair.batonTidy)), unit: 'ms', note: 'worktree and branch removed, nothing lost' },
    { name: 'tidying after the merge, shell loop', value: median(pairs.map((pair) => pair.shellTidy)), unit: 'ms', note: 'git worktree remove, git branch -D' },
  ];
}

interface Times {
  /** Milliseconds from the stored task to the stored merge. */
  readonly merged: number;
  /** Milliseconds from there until the worktree is gone. */
  readonly tidied: number;
}

async function withBaton(session: Session, id: string): Promise<Times> {
  await session.api.send({ type: 'add_task', task: { id, goal: `Change a file for ${id}` } });
  const created = Date.parse((await session.api.task(id))?.created_at ?? '');
  const merged = await until(session, id, (state) => state === 'done');
  const tidied = await until(session, id, (_state, worktree) => worktree === null);
  return { merged: merged - created, tidied: tidied - merged };
}

/** Epoch ms, with fractions, at which the record is as wished. A snapshot comes four times a second only, so the record is asked. */
async function until(session: Session, id: string, wished: (state: string, worktree: string | null) => boolean): Promise<number> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const record = await session.api.task(id);
    if (record !== undefined && wished(record.state, record.worktree)) return performance.timeOrigin + performance.now();
    if (record?.state === 'awaiting_human_review' || record?.state === 'failed' || performance.now() > deadline) {
      throw new Error(`${id} is ${record?.state ?? 'missing'}: ${record?.error?.message ?? record?.decisions.at(-1)?.question ?? 'it did not end in time'}`);
    }
    await wait(1);
  }
}

function withShell({ root, env }: Sandbox, repository: string, id: string): Times {
  const worktree = path.join(root, 'shell', id);
  const variables = { ...env, BATON_TASK_ID: id, WORKTREE: worktree, BRANCH: `shell/${id}`, AGENT: path.join(root, 'agent.sh') };
  const merged = timed('/bin/sh', ['-ec', WORK], repository, variables);
  const tidied = timed('/bin/sh', ['-ec', TIDY], repository, variables);
  const subject = execFileSync('git', ['log', '-1', '--format=%s'], { cwd: repository, env, encoding: 'utf8' }).trim();
  if (subject !== `Merge ${id}`) throw new Error(`The shell loop did not merge ${id}: the last commit is "${subject}".`);
  return { merged, tidied };
}

const WORK = `
git worktree add --quiet -b "$BRANCH" "$WORKTREE" HEAD
(
  cd "$WORKTREE"
  echo "Change a file" | "$AGENT"
  git add --all
  git commit --quiet --message "$BATON_TASK_ID"
  ${GATE}
)
git merge --quiet --no-ff --message "Merge $BATON_TASK_ID" "$BRANCH"
`;
const TIDY = 'git worktree remove --force "$WORKTREE"\ngit branch --quiet -D "$BRANCH"';

const LOG = { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error };
