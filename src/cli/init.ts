/** `baton init`: the configuration, what git is to ignore, and an example task. What is there stays as it is. */
import { Command } from 'commander';
import type { Bind } from './context.ts';

export function initCommand(bind: Bind): Command {
  return bind(
    new Command('init').description('write .baton/orchestrator.yaml, .baton/.gitignore and an example task'),
    async ({ deps, folder, dryRun }) => {
      const { root, created, kept } = await deps.init(folder, { dryRun });
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
