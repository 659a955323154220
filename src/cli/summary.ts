/** `baton summary`: the four figures. */
import { Command } from 'commander';
import { LOOK, type Bind } from './context.ts';
import { cost } from './format.ts';
import { summaryDocument } from './json.ts';

export function summaryCommand(bind: Bind): Command {
  return bind(new Command('summary').description('how many tasks there are, work, need you, and what they cost'), (context) =>
    context.use(LOOK, async ({ api }) => {
      const snapshot = await api.snapshot();
      const summary = summaryDocument(snapshot);
      return {
        document: summary,
        lines: [
          '📊 Orchestrator Summary',
          `Total Tasks: ${summary.total_tasks}`,
          `Active Tasks: ${summary.active_tasks}`,
          `Needs Human Review: ${summary.needs_human_review}`,
          `Total Cost: ${cost(summary.total_cost_usd, snapshot.cost.unpriced)}`,
        ],
      };
    }),
  );
}
