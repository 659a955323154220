/** `baton report ID`: what became of a task, as a tree with who did what and what it cost. */
import { Command } from 'commander';
import { BatonError } from '../core/errors.ts';
import { runTree, runTreeLines } from '../core/runTree.ts';
import { findTask, LOOK, type Bind } from './context.ts';
import { plainLines } from './text.ts';

export function reportCommand(bind: Bind): Command {
  const command = new Command('report').description('what became of a task: who planned, did and reviewed it, its gates, and what all that cost').argument('<id>', 'the task');
  return bind(command, (context, [id = '']) =>
    context.use(LOOK, async ({ api }) => {
      const view = findTask(await api.snapshot(), id);
      const task = await api.task(view.id);
      if (!task) throw new BatonError('not_found', `There is no stored record of task ${view.id}.`, { hint: 'It is made when Baton first reads the task: run "baton queue", then this again.' });
      const tree = runTree(task, context.deps.clock.now());
      return { document: tree, lines: runTreeLines(tree).flatMap(plainLines) };
    }),
  );
}
