/** `baton init`: the configuration, what git is to ignore, and an example task. What is there stays as it is. */
import { access, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { BatonError } from '../core/errors.ts';
import type { Bind } from './context.ts';

/** The rows of `.baton/` that are Baton's own and not for git. */
const IGNORED = ['state/', 'checkpoint.json', 'baton.db*', 'runs/', 'ORCHESTRATOR_RUN_LOG.md'];

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

interface InitFile {
  readonly file: string;
  readonly text: string;
}

export function initCommand(bind: Bind): Command {
  return bind(
    new Command('init').description('write .baton/orchestrator.yaml, .baton/.gitignore and an example task'),
    async ({ deps, folder, dryRun }) => {
      const { root } = await deps.findRepository(folder);
      const wanted: InitFile[] = [
        { file: '.baton/orchestrator.yaml', text: await deps.configTemplate() },
        { file: '.baton/.gitignore', text: `# Written by Baton: what it keeps here is not for git.\n${IGNORED.join('\n')}\n` },
        { file: '.baton/tasks/example.md', text: EXAMPLE },
      ];
      const created: string[] = [];
      const kept: string[] = [];
      for (const { file, text } of wanted) {
        // A second configuration would silently outrank the one that is in force.
        const inForce = file === '.baton/orchestrator.yaml' && (await exists(path.join(root, 'config/orchestrator.yaml')));
        if (inForce && !(await exists(path.join(root, file)))) kept.push('config/orchestrator.yaml');
        else if (await create(path.join(root, file), text, dryRun)) created.push(file);
        else kept.push(file);
      }
      const verb = dryRun ? 'Would create' : 'Created';
      return {
        document: { ok: true, dry_run: dryRun, root, created, kept },
        lines: [
          ...created.map((file) => `${verb} ${file}`),
          ...kept.map((file) => `Kept ${file} as it is`),
          '',
          'Next:',
          '  baton doctor            see whether git, Node and a coding agent are there',
          '  baton add "Fix the …"   queue a task',
          '  baton run               work the queue off; "baton review" shows what needs you',
        ],
      };
    },
    { changes: true },
  );
}

/** Creates the file unless there is one; says whether it did (or would have). */
async function create(file: string, text: string, dryRun: boolean): Promise<boolean> {
  if (dryRun) return !(await exists(file));
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new BatonError('store', `${file} could not be written.`, { cause: error, hint: 'Check the permissions of the folder and the space on the disk.' });
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
