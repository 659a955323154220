/** `baton doctor`: is everything here that Baton needs, and what to do where it is not. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { BatonError, messageOf } from '../core/errors.ts';
import { plural } from '../core/format.ts';
import { atLeast } from '../core/version.ts';
import { dataDirectory, runtimeDirectory } from '../host/directories.ts';
import type { Snapshot } from '../shared/api.ts';
import { LOOK, type Bind, type Context } from './context.ts';
import type { DoctorDocument } from './json.ts';
import { plain } from './text.ts';

type Check = DoctorDocument['checks'][number];

const ICONS: Readonly<Record<Check['level'], string>> = { fine: '✅', note: '➖', warning: '⚠️', error: '❌' };

const GIT = [2, 38] as const;
export const NODE = [22, 13] as const;

export function doctorCommand(bind: Bind): Command {
  return bind(new Command('doctor').description('is everything here that Baton needs, and how to get what is not'), async (context) => {
    const checks = await examine(context);
    const ok = checks.every((check) => check.ok);
    const lines = checks.flatMap((check) => [
      `${ICONS[check.level]} ${context.style.paint('bold', check.name)}: ${plain(check.message)}`,
      ...(check.fix === null ? [] : [`   ${check.ok ? 'To add it' : 'Fix'}: ${plain(check.fix)}`]),
    ]);
    const wrong = checks.filter((check) => !check.ok).length;
    return {
      document: { ok, checks } satisfies DoctorDocument,
      lines: [...lines, '', ok ? 'Everything Baton needs is here.' : `${plural(wrong, 'thing')} to fix.`],
      code: ok ? 0 : 1,
    };
  });
}

async function examine(context: Context): Promise<Check[]> {
  const { deps, folder } = context;
  const checks = [await gitCheck(deps.exec, folder), nodeCheck(deps.nodeVersion)];
  try {
    const { root } = await deps.findRepository(folder);
    checks.push(good('repository', root), await writable('.baton', path.join(root, '.baton')), await writable('user data', dataDirectory(context.io.env)), runtimeCheck(context.io.env));
  } catch (error) {
    return [...checks, bad('repository', messageOf(error), hintOf(error) ?? 'Go to a git repository, name one with --cwd, or make one with "git init".')];
  }
  try {
    const snapshot = await context.use(LOOK, ({ api }) => api.snapshot());
    return [...checks, ...(await agentChecks(snapshot, (file, args) => deps.exec(file, args, folder))), ...problemChecks(snapshot)];
  } catch (error) {
    return [...checks, bad('engine', messageOf(error), hintOf(error) ?? 'Close other Baton processes of this repository and try again; BATON_DEBUG=1 says more.')];
  }
}

const good = (name: string, message: string): Check => ({ name, ok: true, level: 'fine', message, fix: null });
const note = (name: string, message: string, fix: string | null): Check => ({ name, ok: true, level: 'note', message, fix });
const bad = (name: string, message: string, fix: string): Check => ({ name, ok: false, level: 'error', message, fix });

async function gitCheck(exec: Context['deps']['exec'], folder: string): Promise<Check> {
  // The folder may be the thing that is wrong; git itself runs anywhere.
  let answer = await exec('git', ['--version'], folder);
  if (answer.code === null) answer = await exec('git', ['--version'], os.tmpdir());
  const version = /(\d+(?:\.\d+)+)/.exec(answer.stdout)?.[1];
  const fix = `Install git ${GIT.join('.')} or newer: https://git-scm.com/downloads`;
  if (answer.code !== 0 || version === undefined) return bad('git', 'git was not found', fix);
  return atLeast(version, GIT) ? good('git', version) : bad('git', `${version} is too old: merges are tested in memory, which needs ${GIT.join('.')}`, fix);
}

function nodeCheck(version: string): Check {
  const fix = `Install Node ${NODE.join('.')} or newer: https://nodejs.org`;
  return atLeast(version, NODE) ? good('node', version) : bad('node', `${version} is too old: the store needs node:sqlite, which comes with ${NODE.join('.')}`, fix);
}

/** One agent is enough; the others are said with the command that installs them. */
async function agentChecks({ agents, accounts }: Snapshot, exec: (file: string, args: readonly string[]) => ReturnType<Context['deps']['exec']>): Promise<Check[]> {
  const found = agents.filter((agent) => agent.available);
  const checks = agents.map(async (agent) => {
    if (!agent.available) return note(`agent ${agent.name}`, agent.problem ?? 'not installed (optional)', agent.install);
    const account = accounts.find((one) => one.account === agent.account);
    if (account?.closed) {
      const until = account.closed_until === null || account.closed_until === 'unknown' ? 'until its sign-in works again' : `until ${account.closed_until}`;
      return bad(`agent ${agent.name}`, `account ${account.account} is closed ${until}: ${account.reason ?? 'limit reached'}`, agent.sign_in === undefined ? 'Sign in again in the agent’s own CLI, or wait for the reset.' : `Sign in again with "${agent.sign_in.command}", or wait for the reset.`);
    }
    const what = [agent.driver, agent.version].filter((part) => part !== null).join(' ');
    const signedOut = agent.sign_in !== undefined && (await exec(agent.sign_in.file, agent.sign_in.check)).code !== 0;
    // No fault by itself: it may use a provider that wants no sign-in of its own.
    return signedOut ? note(`agent ${agent.name}`, `${what}, not signed in`, agent.sign_in.command) : good(`agent ${agent.name}`, what);
  });
  if (found.length > 0) return Promise.all(checks);
  const install = agents.find((agent) => agent.install !== null)?.install;
  const fix = install === undefined || install === null ? 'Install a coding CLI, or configure a command agent in .baton/orchestrator.yaml.' : `For example: ${install}`;
  return [...(await Promise.all(checks)), bad('agents', 'no coding agent was found, so no task can be worked on', fix)];
}

function problemChecks({ problems }: Snapshot): Check[] {
  const checks: Check[] = [];
  for (const source of ['config', 'task'] as const) {
    const name = source === 'config' ? 'configuration' : 'tasks';
    const found = problems.filter((problem) => problem.source === source);
    if (found.length === 0) checks.push(good(name, 'valid'));
    for (const one of found) {
      const message = `${one.file}:${one.line}:${one.column}: ${one.message}`;
      checks.push(one.severity === 'error' ? bad(name, message, `Edit ${one.file} at line ${one.line}.`) : { name, ok: true, level: 'warning', message, fix: null });
    }
  }
  return checks;
}

/** Whether files can be made in a folder, or in the nearest one above it that exists. */
async function writable(name: string, folder: string): Promise<Check> {
  let nearest = folder;
  for (;;) {
    try {
      await access(nearest, constants.F_OK);
      break;
    } catch {
      const above = path.dirname(nearest);
      if (above === nearest) break;
      nearest = above;
    }
  }
  try {
    await access(nearest, constants.W_OK | constants.X_OK);
    return good(`writable ${name}`, folder);
  } catch {
    return bad(`writable ${name}`, `${nearest} cannot be written to`, `Give yourself write access to ${nearest}.`);
  }
}

/** The folder of sockets and locks, which nobody else may own. */
function runtimeCheck(env: Readonly<Record<string, string | undefined>>): Check {
  try {
    return good('writable runtime', runtimeDirectory(env));
  } catch (error) {
    return bad('writable runtime', messageOf(error), hintOf(error) ?? 'Set XDG_RUNTIME_DIR to a folder of your own.');
  }
}

function hintOf(error: unknown): string | undefined {
  return error instanceof BatonError ? error.hint : undefined;
}
