/** `baton summary`: the four figures, and with `--cost` who spent what. */
import { Command } from 'commander';
import type { SpendShare } from '../core/cost.ts';
import { plural } from '../core/format.ts';
import type { CostView } from '../shared/api.ts';
import { LOOK, type Bind } from './context.ts';
import { cost } from './format.ts';
import { summaryDocument } from './json.ts';
import { plain } from './text.ts';

export function summaryCommand(bind: Bind): Command {
  const command = new Command('summary')
    .description('how many tasks there are, work, need you, and what they cost')
    .option('--cost', 'also what today (UTC) cost by agent, model, role and area, and the latest days');
  return bind(command, (context) =>
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
          ...(command.opts<{ cost?: true }>().cost === true ? costLines(snapshot.cost) : []),
        ],
      };
    }),
  );
}

function costLines({ today_usd, committed_usd, budget_usd, shares }: CostView): string[] {
  const unpriced = shares.agent.some((share) => share.unpriced);
  const limit = budget_usd === null ? '' : ` of ${cost(budget_usd, false)}, ${cost(committed_usd, false)} with what is reserved`;
  const block = (title: string, some: readonly SpendShare[]): string[] =>
    some.length === 0 ? [] : ['', `${title}:`, ...some.map((share) => `  ${plain(share.name)}: ${cost(share.cost_usd, share.unpriced)} (${plural(share.attempts, 'attempt')})`)];
  return [
    '',
    `Today: ${cost(today_usd, unpriced)}${limit}`,
    ...block('Today by agent', shares.agent),
    ...block('Today by model', shares.model),
    ...block('Today by role', shares.role),
    ...block('Today by area', shares.area),
    ...block('By day (UTC)', shares.day),
  ];
}
