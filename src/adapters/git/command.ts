/** One git command, and how simple-git runs it from this process. */
import { simpleGit, type SimpleGitOptions } from 'simple-git';
import { BatonError } from '../../core/errors.ts';

export interface GitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitCommand {
  readonly args: readonly string[];
  readonly cwd: string;
  /** The environment, the same for most commands of an engine. */
  readonly env: Readonly<Record<string, string>>;
  /** Added to it for this command. */
  readonly extra: Readonly<Record<string, string>>;
  readonly input: string;
  /** Whether the user's hooks may run. */
  readonly hooks: boolean;
  /** Settings for this command, `key=value`. */
  readonly config: readonly string[];
}

/**
 * No hooks; no file system monitor: it is a daemon for each worktree, which would outlive it; no step into submodules, which a task's
 * worktree has not cloned. Commands that run hooks do not step into them by themselves, and would hand the setting on to what a hook runs.
 */
export const QUIET = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'submodule.recurse=false'];
/** Maintenance in the background would hold locks while Baton goes on; the user's own commands start it. */
const UNMAINTAINED = ['gc.auto=0', 'maintenance.auto=false'];

/** What every command is told of its kind, `key=value`. */
export function settingsOf(hooks: boolean): string[] {
  return [...(hooks ? [] : QUIET), ...UNMAINTAINED];
}

/** Settings as arguments that come before git's command. */
export function asOptions(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-c', setting]);
}

/**
 * simple-git screens arguments and environment for what a stranger could smuggle in. Here both are Baton's own or the
 * user's (revisions are checked ids, paths come after `--`), so the screen would only refuse a user's own settings.
 */
const OWN_ARGUMENTS: NonNullable<SimpleGitOptions['unsafe']> = {
  allowUnsafeAlias: true,
  allowUnsafeAskPass: true,
  allowUnsafeCommandBinaries: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeEditor: true,
  allowUnsafeMergeDriver: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafePack: true,
  allowUnsafeSshCommand: true,
  allowUnsafeGitProxy: true,
  allowUnsafeExec: true,
  allowUnsafeHooksPath: true,
  allowUnsafeDiffExternal: true,
  allowUnsafeDiffTextConv: true,
  allowUnsafeFilter: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeTemplateDir: true,
  allowUnsafeInclude: true,
  allowUnsafeSubmodule: true,
  allowUnsafeUrlRewrite: true,
  // Otherwise a test switch of git reaches the user's hooks and breaks abbreviated options there.
  allowAbbreviatedOptions: true,
};

/** Resolves with whatever git answers; rejects with BatonError `git` when it could not be started. */
export async function runGit({ args, cwd, env, extra, input, hooks, config }: GitCommand): Promise<GitResult> {
  let result: GitResult | undefined;
  let git;
  try {
    git = simpleGit({
      baseDir: cwd,
      config: [...settingsOf(hooks), ...config],
      unsafe: OWN_ARGUMENTS,
      allowEnvironment: [...Object.keys(env), ...Object.keys(extra)],
      // The end of output counts; a daemon that a hook started may keep the pipes open, so not for ever.
      completion: { onClose: true, onExit: 2000 },
      // Something is always written: an open, silent stdin would hang a hook that reads it.
      input: () => Buffer.from(input),
      errors: (error, { exitCode, stdOut, stdErr }) => {
        const stderr = Buffer.concat(stdErr).toString('utf8');
        result = { code: exitCode, stdout: Buffer.concat(stdOut).toString('utf8'), stderr };
        // A git that never started has no exit code of its own.
        return exitCode >= 0 && !/\bENOENT\b/.test(stderr) ? undefined : error;
      },
    });
  } catch (cause) {
    throw new BatonError('git', `The folder ${cwd} does not exist, so git cannot run there.`, { cause });
  }
  try {
    const stdout = await git
      .env({ ...env, ...extra })
      // A chunk of no bytes: simple-git waits 50 ms more for a command that writes nothing, and most commands here do not.
      .outputHandler((_command, out) => void setImmediate(() => out.emit('data', Buffer.alloc(0))))
      .raw([...args]);
    return result ?? { code: 0, stdout, stderr: '' };
  } catch (cause) {
    if (/\bENOENT\b/.test(String(cause))) {
      throw new BatonError('git', 'The program git was not found.', { cause, hint: 'Install git 2.38 or newer and make sure that it is on the PATH.' });
    }
    throw new BatonError('git', `git ${shown(args)} could not run: ${String(cause)}`, { cause });
  }
}

/** As much of a command as a message has room for. */
export function shown(args: readonly string[]): string {
  return args.slice(0, 4).join(' ');
}
