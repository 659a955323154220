/** The version of git that is installed and whether it can do what Baton needs. */
import { Git } from './git.ts';

/** `git merge-tree --write-tree` came with 2.38. */
export const MINIMUM_GIT = '2.38';

export interface GitVersion {
  /** As git says it, for example `2.39.5`; null when git is missing. */
  readonly version: string | null;
  readonly ok: boolean;
  /** One sentence for people. */
  readonly message: string;
  /** What to do when it is not ok. */
  readonly fix: string | null;
}

/** Asks the installed git for its version; never rejects. `cwd` is any folder that exists. */
export async function checkGitVersion(cwd: string): Promise<GitVersion> {
  const fix = `Install git ${MINIMUM_GIT} or newer: https://git-scm.com/downloads`;
  try {
    return judgeGitVersion(await new Git().text(['--version'], { cwd }));
  } catch {
    return { version: null, ok: false, message: 'git was not found.', fix };
  }
}

/** Reads the answer of `git --version` ("git version 2.39.5 (Apple Git-154)"). */
export function judgeGitVersion(answer: string): GitVersion {
  const fix = `Install git ${MINIMUM_GIT} or newer: https://git-scm.com/downloads`;
  const match = /(\d+)\.(\d+)(?:\.\d+)?/.exec(answer);
  if (!match) return { version: null, ok: false, message: `git did not say its version: ${answer}`, fix };
  const [needMajor = 0, needMinor = 0] = MINIMUM_GIT.split('.').map(Number);
  const major = Number(match[1]);
  const ok = major > needMajor || (major === needMajor && Number(match[2]) >= needMinor);
  return ok
    ? { version: match[0], ok, message: `git ${match[0]}`, fix: null }
    : { version: match[0], ok, message: `git ${match[0]} is too old: Baton merges in memory, which needs ${MINIMUM_GIT}.`, fix };
}
