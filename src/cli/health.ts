/** `baton health`: the four checks, for people, scripts and monitoring. */
import { Command } from 'commander';
import { plural } from '../core/format.ts';
import { HEALTH_CHECKS, type HealthReport, type HealthStatus } from '../shared/health.ts';
import { LOOK, type Bind } from './context.ts';
import type { Colour } from './style.ts';
import { plain } from './text.ts';

/** Wrong use is EX_USAGE of sysexits.h, since 2 says something about the health. */
export const HEALTH_EXIT: Readonly<Record<HealthStatus | 'usage', number>> = { healthy: 0, degraded: 1, unknown: 1, unhealthy: 2, usage: 64 };

const COLOURS: Readonly<Record<HealthStatus, Colour>> = { healthy: 'green', degraded: 'yellow', unknown: 'yellow', unhealthy: 'red' };

export function healthCommand(bind: Bind): Command {
  const command = new Command('health')
    .description('whether the loop lives, keeps up and succeeds')
    .addHelpText('after', '\nExit codes: 0 healthy, 1 degraded or unknown (never started), 2 unhealthy, 64 wrong use.');
  return bind(
    command,
    (context) =>
      context.use(LOOK, async ({ api }) => {
        const report = await api.health();
        const { style } = context;
        return {
          document: report,
          lines: [
            `Health: ${style.paint(COLOURS[report.status], report.status)}${because(report)}`,
            ...HEALTH_CHECKS.map((name) => {
              const { ok, message } = report.checks[name];
              return `  ${ok ? style.paint('green', '✅') : style.paint('red', '❌')} ${name}: ${plain(message)}`;
            }),
          ],
          code: HEALTH_EXIT[report.status],
        };
      }),
    { usageCode: HEALTH_EXIT.usage },
  );
}

function because({ status, checks }: HealthReport): string {
  if (status === 'unknown') return ' (the loop was never started: run "baton run", or Start in VS Code)';
  const failing = HEALTH_CHECKS.filter((name) => !checks[name].ok).length;
  return failing === 0 ? '' : ` (${plural(failing, 'check fails', 'checks fail')})`;
}
