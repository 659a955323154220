/** The first files of a repository: configuration, what git is to ignore, and an example task. What is there stays as it is. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { detectGates } from '../adapters/gates/detect.ts';
import { ensureBatonFolder } from '../adapters/sources/batonFolder.ts';
import { exists } from '../adapters/system/files.ts';
import { BatonError, messageOf } from '../core/errors.ts';
import { orchestratorTemplate } from '../core/config/template.ts';
import { findRepository } from './repositoryKey.ts';

export interface Initialised {
  readonly root: string;
  /** Paths relative to the repository: written now (or with `dryRun`, to be written), and found there already. */
  readonly created: readonly string[];
  readonly kept: readonly string[];
}

// It asks for approval, so that nothing runs by surprise at the first start.
const EXAMPLE = `---
priority: low
risk: low
area: docs
requires_approval: true
---
# Describe in the README how to run the tests

Replace this example by a task of your own, or delete the file.
The heading is the goal; everything below it goes to the agent as it is.

- Look up the test command in the project's own files.
- Add a short section to the README, in its own style.
`;

/** Rejects with `git` when the folder is in no repository, and with `store` when a file cannot be written. */
export async function initRepository(folder: string, options: { readonly dryRun?: boolean } = {}): Promise<Initialised> {
  const { root } = await findRepository(folder);
  const wanted = [
    { file: '.baton/orchestrator.yaml', text: orchestratorTemplate({ gates: await detectGates(root) }) },
    { file: '.baton/tasks/example.md', text: EXAMPLE },
  ];
  const created: string[] = [];
  const kept: string[] = [];
  const ignore = '.baton/.gitignore';
  (exists(join(root, ignore)) ? kept : created).push(ignore);
  if (options.dryRun !== true) await ensureBatonFolder(root).catch((error: unknown) => Promise.reject(error instanceof BatonError ? error : notWritten(join(root, '.baton'), error)));
  for (const { file, text } of wanted) {
    // A second configuration would silently outrank the one that is in force.
    const other = 'config/orchestrator.yaml';
    if (file === '.baton/orchestrator.yaml' && exists(join(root, other)) && !exists(join(root, file))) kept.push(other);
    else ((await create(join(root, file), text, options.dryRun ?? false)) ? created : kept).push(file);
  }
  return { root, created, kept };
}

/** Creates the file unless there is one; says whether it did (or would have). */
async function create(file: string, text: string, dryRun: boolean): Promise<boolean> {
  if (dryRun) return !exists(file);
  try {
    await mkdir(dirname(file), { recursive: true });
  } catch (error) {
    throw notWritten(file, error);
  }
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw notWritten(file, error);
  }
}

function notWritten(file: string, cause: unknown): BatonError {
  return new BatonError('store', `${file} could not be written: ${messageOf(cause)}.`, {
    cause,
    hint: 'Check what is there, the permissions of the folder and the space on the disk.',
  });
}
