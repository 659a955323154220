/** Pull requests on GitHub through its own command line `gh`, which knows the user's sign-in; branches are pushed by git. */
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { BatonError } from '../../core/errors.ts';
import type { Forge, ForgeCall, PullRequest } from '../../engine/ports.ts';
import { Git, gitEnvironment } from '../git/git.ts';
import { headRef, upstreamRef } from '../git/refs.ts';
import { childEnvironment } from '../process/environment.ts';
import { findProgram } from '../process/program.ts';
import { runProgram, type RunResult } from '../process/run.ts';

export interface ForgeOptions {
  /** Absolute path of the main checkout. */
  readonly root: string;
  /** Folders in which gh may be besides those of PATH; where installers put programs, if left out. */
  readonly places?: readonly string[];
}

const SECOND = 1000;
/** A forge that does not answer must not hold a task for ever. */
const TIMEOUT_MS = 120 * SECOND;
/** Large files go up with a push. */
const TRANSFER_TIMEOUT_MS = 900 * SECOND;
const FIELDS = 'url,number,state,mergeCommit,headRefOid,isCrossRepository';
/** gh's exit code for "you are not signed in". */
const NOT_SIGNED_IN = 4;
/** Open pull requests of one branch name that are looked through: ours and those of forks that call their branch the same. */
const SAME_NAME = 50;

/** A forge takes some seconds to show in a pull request what was pushed to its branch: so many looks, with this pause. */
const LOOKS = 15;
const PAUSE_MS = SECOND;

const viewSchema = z.object({
  url: z.string(),
  number: z.number(),
  state: z.enum(['OPEN', 'CLOSED', 'MERGED']),
  mergeCommit: z.object({ oid: z.string() }).nullish(),
  headRefOid: z.string(),
  isCrossRepository: z.boolean(),
});
type View = z.infer<typeof viewSchema>;

export function createForge({ root, places }: ForgeOptions): Forge {
  const git = new Git();
  const gh = (args: readonly string[], call: ForgeCall, input = ''): Promise<string> => runGh(root, places, args, call, input);
  const view = async (url: string, call: ForgeCall): Promise<View> => viewSchema.parse(JSON.parse(await gh(['pr', 'view', url, '--json', FIELDS], call)));
  return {
    open: async ({ branch, sha, target, title, body }, call) => {
      const remote = await remoteFor(git, root, target);
      // Before anything is pushed: without gh there would be a branch on the remote and nobody to ask.
      const list = await gh(['pr', 'list', '--head', branch, '--base', target, '--state', 'open', '--limit', String(SAME_NAME), '--json', FIELDS], call);
      const known = await ours(z.array(viewSchema).parse(JSON.parse(list)), git, root, sha);
      await push(root, remote, sha, branch, call);
      const taken = known && (await showing(known, sha, (url) => view(url, call), call.signal));
      if (taken) return pullRequest(taken);
      const url = (await gh(['pr', 'create', '--head', branch, '--base', target, '--title', title, '--body-file', '-'], call, body)).trim().split('\n').at(-1)?.trim() ?? '';
      return pullRequest(await view(url, call));
    },
    look: async (url, call) => pullRequest(await view(url, call)),
    merge: async (url, sha, strategy, call) => {
      await gh(['pr', 'merge', url, `--${strategy}`, '--match-head-commit', sha], call);
    },
    fetch: async (target, call) => {
      const remote = await remoteFor(git, root, target);
      // Into a ref of its own: FETCH_HEAD is every fetch's, that of an editor in the background too, and may name another branch by now.
      const { code, said } = await transfer(root, ['-c', 'core.hooksPath=/dev/null', 'fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', remote, `+${headRef(target)}:${upstreamRef(target)}`], call);
      if (code !== 0) throw new BatonError('git', `${target} could not be fetched from ${remote}: ${said}`, { hint: `Make sure that git fetch ${remote} works in a terminal.` });
      return git.text(['rev-parse', '--verify', `${upstreamRef(target)}^{commit}`], { cwd: root });
    },
  };
}

/**
 * A fork may have a branch of the same name, and what was pushed once can be in it: a pull request is the task's own when it is of this
 * repository and the commit leads on from what it holds.
 */
async function ours(listed: readonly View[], git: Git, root: string, sha: string): Promise<View | undefined> {
  for (const one of listed.filter(({ isCrossRepository }) => !isCrossRepository)) {
    // A stranger's commit is not known here, which git tells by another exit code than 1.
    const { code } = await git.run(['merge-base', '--is-ancestor', one.headRefOid, sha], { cwd: root, codes: 'any' });
    if (code === 0) return one;
  }
  return undefined;
}

/** The pull request as soon as the pushed commit is its head; undefined when it was merged or closed without, which a push does not notice. */
async function showing({ url }: View, sha: string, view: (url: string) => Promise<View>, signal: AbortSignal): Promise<View | undefined> {
  for (let look = 1; ; look += 1) {
    const now = await view(url);
    if (now.headRefOid === sha) return now;
    if (now.state !== 'OPEN') return undefined;
    if (look === LOOKS) {
      throw new BatonError('git', `Pull request #${now.number} (${url}) does not show the commit ${sha.slice(0, 8)} that was pushed to its branch, but ${now.headRefOid.slice(0, 8)}.`, {
        hint: 'See whether somebody else pushes to this branch, and whether gh looks at the repository that is pushed to (gh repo set-default).',
      });
    }
    await wait(PAUSE_MS, undefined, { signal });
  }
}

function pullRequest({ url, number, state, mergeCommit }: View): PullRequest {
  return { url, number, state: state === 'OPEN' ? 'open' : state === 'MERGED' ? 'merged' : 'closed', merge_sha: mergeCommit?.oid ?? null };
}

/** The remote that the target is pulled from, else `origin`, else the only one. */
async function remoteFor(git: Git, root: string, target: string): Promise<string> {
  const configured = (await git.run(['config', '--get', `branch.${target}.remote`], { cwd: root, codes: [0, 1] })).stdout.trim();
  const remotes = (await git.text(['remote'], { cwd: root })).split(/\r?\n/).filter((name) => name !== '');
  const remote = [configured, 'origin', ...(remotes.length === 1 ? remotes : [])].find((name) => remotes.includes(name));
  if (remote !== undefined) return remote;
  throw new BatonError('unsupported', 'merge.policy is pr, but this repository has no remote to push to.', { hint: 'Add one: git remote add origin <url>. Or set merge.policy to review or auto.' });
}

/** By the user's own hooks too: large files are uploaded by one. Never by force: somebody may have pushed to the pull request. */
async function push(root: string, remote: string, sha: string, branch: string, call: ForgeCall): Promise<void> {
  const { code, said } = await transfer(root, ['push', '--quiet', remote, `${sha}:${headRef(branch)}`], call);
  if (code === 0) return;
  const behind = /non-fast-forward|fetch first/.test(said);
  throw new BatonError('git', `${branch} could not be pushed to ${remote}: ${said}`, {
    hint: behind ? `${remote} has commits on ${branch} that the task does not have: merge them in its worktree, or delete the branch there.` : `Make sure that git push ${remote} works in a terminal.`,
  });
}

/** git with the network, which may hang: under a time limit and a signal, with all that it starts. */
async function transfer(root: string, args: readonly string[], call: ForgeCall): Promise<{ readonly code: number | null; readonly said: string }> {
  const env = gitEnvironment({ GIT_TERMINAL_PROMPT: '0' });
  const file = await findProgram('git', env, root);
  if (file === undefined) throw new BatonError('git', 'The program git was not found.', { hint: 'Install git 2.38 or newer and make sure that it is on the PATH.' });
  const { code, stderr, cause } = await runProgram({ file, args: ['-c', 'gc.auto=0', '-c', 'maintenance.auto=false', ...args], cwd: root, env, timeoutMs: TRANSFER_TIMEOUT_MS, ...call });
  const name = args.find((arg) => arg === 'push' || arg === 'fetch') ?? '';
  refuseEnded(cause, `git ${name}`, TRANSFER_TIMEOUT_MS, `Run git ${name} in a terminal to see what it waits for: a hook, a password, the network.`);
  return { code, said: stderr.trim().split('\n').slice(0, 12).join('\n') };
}

async function runGh(root: string, places: readonly string[] | undefined, args: readonly string[], call: ForgeCall, input: string): Promise<string> {
  const env = childEnvironment({ GH_PROMPT_DISABLED: '1', NO_COLOR: '1' });
  const file = await findProgram('gh', env, root, places);
  if (file === undefined) {
    throw new BatonError('unsupported', 'merge.policy is pr, which needs the GitHub CLI gh, and it was not found.', { hint: 'Install it (https://cli.github.com) and sign in with gh auth login. Or set merge.policy to review or auto.' });
  }
  const { code, stdout, stderr, cause } = await runProgram({ file, args, cwd: root, env, input, timeoutMs: TIMEOUT_MS, ...call });
  const name = `gh ${args.slice(0, 2).join(' ')}`;
  refuseEnded(cause, name, TIMEOUT_MS, 'Try the same in a terminal in this repository.');
  if (code === 0) return stdout;
  if (code === NOT_SIGNED_IN || /gh auth login/.test(stderr)) throw new BatonError('unsupported', 'gh is not signed in.', { hint: 'Run gh auth login in a terminal.' });
  const said = stderr.trim().split('\n').slice(0, 6).join('\n') || `it ended with exit code ${String(code)}`;
  throw new BatonError('git', `${name}: ${said}`, { hint: 'Try the same in a terminal in this repository.' });
}

function refuseEnded(cause: RunResult['cause'], name: string, timeoutMs: number, hint: string): void {
  if (cause === 'signal') throw new BatonError('refused', `${name} was stopped.`);
  if (cause === 'time') throw new BatonError('git', `${name} did not end within ${timeoutMs / SECOND} s and was stopped.`, { hint });
}
